//! Runs that are compared: which, against which, and what of them is on the screen.
//!
//! Owns what was read of records. Living jobs are looked up in the fleet whenever they are shown.

use std::path::PathBuf;

use crate::jobs::{
    Secs,
    compare::Run,
    fleet::{Fleet, JobKey},
};

/// Runs that are compared at once.
pub const MOST: usize = 16;

/// One of them.
#[derive(Debug)]
pub enum Picked {
    /// A job of the present cluster, and how it was when it was seen last.
    Living(JobKey, Option<Box<Run>>),
    /// A record in this directory.
    Recorded(PathBuf, Box<Run>),
}

/// See the module.
#[derive(Debug, Default)]
pub struct CompareModel {
    /// The runs, in the order of their columns.
    pub picked: Vec<Picked>,
    /// Place of the run that the others are compared with.
    pub base: usize,
    /// Place of the selected run.
    pub at: usize,
    /// First visible line.
    pub top: usize,
    /// Records that are being read.
    pub wanted: Vec<PathBuf>,
}

impl CompareModel {
    /// Of these jobs of the cluster.
    pub fn of(keys: Vec<JobKey>, fleet: &Fleet, now: Secs) -> Self {
        let picked = keys.into_iter().map(|key| {
            let run = living(fleet, &key, now).map(Box::new);
            Picked::Living(key, run)
        });
        Self { picked: picked.collect(), ..Self::default() }
    }

    /// How they are now.
    pub fn runs(&self, fleet: &Fleet, now: Secs) -> Vec<Run> {
        let run = |picked: &Picked| match picked {
            Picked::Living(key, last) => living(fleet, key, now).or_else(|| last.as_deref().map(gone)),
            Picked::Recorded(_, run) => Some((**run).clone()),
        };
        self.picked.iter().filter_map(run).collect()
    }

    /// Remembers how the jobs are now, before something may take them away.
    pub fn see(&mut self, fleet: &Fleet, now: Secs) {
        for picked in &mut self.picked {
            if let Picked::Living(key, last) = picked
                && let Some(run) = living(fleet, key, now)
            {
                *last = Some(Box::new(run));
            }
        }
    }

    /// The jobs whose logs tell how they do.
    pub fn keys(&self) -> Vec<JobKey> {
        let key = |picked: &Picked| match picked {
            Picked::Living(key, _) => Some(key.clone()),
            Picked::Recorded(..) => None,
        };
        self.picked.iter().filter_map(key).collect()
    }
}

fn living(fleet: &Fleet, key: &JobKey, now: Secs) -> Option<Run> {
    let job = fleet.get(key)?;
    Some(Run::of(&job.row, &fleet.pods(key), fleet.workload(key), &job.derived, now, false))
}

/// It was deleted meanwhile, or is out of scope.
fn gone(run: &Run) -> Run {
    Run { state: format!("gone, was {}", run.state), ..run.clone() }
}
