//! Tab Metrics: what was measured of the replicas, what is looked at, and what is being read for it.
//!
//! The selected replica is the one that is selected on tab Workers.

use super::{Refusal, workers::Shape};
use crate::{
    changes::visit::Places,
    console::model::change::ChangeId,
    jobs::{
        Clean, Name, Secs,
        replica::Replica,
        usage::{Apart, Flag, Lack, Metric, PartPoints, Range, Reading, Stats, Usage, Window, Worker, flags},
    },
    metrics::Job,
};

/// See the module.
#[derive(Debug)]
pub struct MetricsModel {
    /// How far back one looks.
    pub range: Range,
    /// What one looks at.
    pub metric: Metric,
    /// What was measured.
    pub usage: Usage,
    /// Where it comes from, once that is known.
    pub source: Option<Clean>,
    /// What was tried before that source.
    pub tried: Vec<Refusal>,
    /// What could not be had there.
    pub lacks: Vec<Lack>,
    /// What nvidia-smi said in the replicas, if it was asked.
    pub smi: Option<Box<Asked>>,
    /// What asks nvidia-smi again and again, if something does.
    pub asking: Option<Asking>,
    /// Why the last look failed; what was read before is shown all the same.
    pub trouble: Option<Refusal>,
    /// What that comes to for the whole job, by metric.
    pub totals: [Option<Stats>; Metric::ALL.len()],
    /// Whether anything was answered yet.
    pub answered: bool,
    /// What is being read now, if anything.
    pub followed: Option<Followed>,
    /// Rows or cells, if one was asked for.
    pub asked: Option<Shape>,
    /// Show the selected replica alone, large.
    pub open: bool,
    /// Its GPUs one by one.
    pub apart: Option<Box<Apart>>,
    /// What is being read of that, if anything.
    pub parted: Option<Parted>,
    /// First visible line.
    pub top: usize,
}

/// What is read again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Followed {
    /// Of which pods.
    pub job: Job,
    /// How far back.
    pub range: Range,
    /// When the job began.
    pub started: Secs,
    /// Until when its numbers count, if it has ended.
    pub ended: Option<Secs>,
}

/// The GPUs of one replica, read one by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    /// Of which pod, how far back.
    pub followed: Followed,
    /// What is measured of each.
    pub metric: Metric,
}

/// A replica that can be measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    /// Its id.
    pub id: Name,
    /// What it is called.
    pub title: String,
    /// Its pod, and what that has.
    pub worker: Worker,
    /// What is odd about it.
    pub flags: Vec<Flag>,
}

/// What was read for the tab.
#[derive(Debug)]
pub enum MetricsMessage {
    /// A source, if there is one, and what was tried before it.
    Source(Option<Clean>, Vec<Refusal>),
    /// What was measured in a window: all of it, or what is to be added.
    Read(Box<Measured>),
    /// What was measured of the GPUs of a replica one by one, in a window.
    Apart(Window, Vec<PartPoints>),
    /// It could not be read.
    Failed(Refusal),
    /// nvidia-smi was asked in the replicas.
    Asked(Box<Asked>),
}

/// A change that asks nvidia-smi again and again.
#[derive(Clone, Debug, PartialEq)]
pub struct Asking {
    /// Which.
    pub id: ChangeId,
    /// In which pods.
    pub pods: Places,
}

/// What nvidia-smi said in the replicas.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    /// When.
    pub at: Secs,
    /// What was read, and what could not be.
    pub reading: Reading,
    /// The same of each GPU.
    pub parts: Vec<PartPoints>,
}

/// What was measured in a window.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The window.
    pub window: Window,
    /// Whether it takes the place of what was measured before.
    pub whole: bool,
    /// What was read.
    pub reading: Reading,
}

impl Default for MetricsModel {
    fn default() -> Self {
        Self {
            range: Range::default(),
            metric: Metric::default(),
            usage: Usage::new(15),
            source: None,
            tried: Vec::new(),
            lacks: Vec::new(),
            smi: None,
            asking: None,
            trouble: None,
            totals: [None; Metric::ALL.len()],
            answered: false,
            followed: None,
            asked: None,
            open: false,
            apart: None,
            parted: None,
            top: 0,
        }
    }
}

impl MetricsModel {
    /// Takes what was measured.
    pub fn take(&mut self, measured: Measured) {
        let Measured { window, whole, reading } = measured;
        if whole || window.step != self.usage.step() {
            self.begin(window.step);
        }
        self.usage.take(&reading);
        self.lacks = reading.lacks;
        (self.trouble, self.answered) = (None, true);
    }

    /// Begins anew at other steps; what was asked for once stays.
    pub fn begin(&mut self, step: u32) {
        self.usage = Usage::new(step);
        if let Some(asked) = &self.smi {
            self.usage.take(&asked.reading);
        }
    }

    /// Takes what was measured of GPUs one by one.
    pub fn take_apart(&mut self, window: Window, read: &[PartPoints]) {
        let Some(apart) = &mut self.apart else { return };
        if apart.step() != window.step {
            **apart = Apart::new(apart.pod.clone(), apart.metric, window.step);
            self.smi.iter().for_each(|asked| apart.take_seen(&asked.parts));
        }
        apart.take(read);
    }

    /// Begins to show other GPUs, or another metric of them; what nvidia-smi said of them is known.
    pub fn part(&mut self, parted: Option<&Parted>) {
        self.apart = parted.and_then(|Parted { followed, metric }| {
            let mut apart = Apart::new(followed.job.pods.first()?.clone(), *metric, self.usage.step());
            self.smi.iter().for_each(|asked| apart.take_seen(&asked.parts));
            Some(Box::new(apart))
        });
    }

    /// Takes what nvidia-smi said.
    pub fn asked(&mut self, asked: Box<Asked>) {
        self.usage.take(&asked.reading);
        if let Some(apart) = &mut self.apart {
            apart.take_seen(&asked.parts);
        }
        self.smi = Some(asked);
    }

    /// What could not be had at all: not where nvidia-smi said it.
    pub fn lacking(&self) -> impl Iterator<Item = &Lack> {
        let said = |metric: &Metric| {
            let points = self.smi.iter().flat_map(|asked| &asked.reading.points);
            points.into_iter().any(|points| points.metric == *metric)
        };
        let lacks = self.lacks.iter().filter(move |lack| !lack.metrics.iter().all(said));
        lacks.chain(self.smi.iter().flat_map(|asked| &asked.reading.lacks))
    }

    /// When the newest value of the source was measured.
    pub fn newest(&self) -> Option<Secs> {
        let of_smi = |metric: Metric| self.smi.is_some() && metric.is_of_gpus() && self.is_poor();
        self.usage.newest_of(|metric| !of_smi(metric))
    }

    /// Whether the source knows nothing of GPUs: what is known of them is from nvidia-smi.
    fn is_poor(&self) -> bool {
        self.source.is_none() || self.lacks.iter().any(|lack| lack.metrics.contains(&Metric::Gpu))
    }

    /// The replicas that have pods, with what is odd about them.
    pub fn members(&self, replicas: &[Replica<'_>], now: Secs) -> Vec<Member> {
        let with = |replica: &Replica<'_>| Some((replica.id(), replica.title(), Worker::of(replica)?));
        let all: Vec<_> = replicas.iter().filter_map(with).collect();
        let workers: Vec<Worker> = all.iter().map(|(.., worker)| worker.clone()).collect();
        let odd = flags(&self.usage, &workers, now);
        let member = |(id, title, worker): (Name, String, Worker)| {
            let flags = odd.iter().filter(|(pod, _)| *pod == worker.pod).map(|(_, flag)| *flag).collect();
            Member { id, title, worker, flags }
        };
        all.into_iter().map(member).collect()
    }

    /// The members of which the metric can be measured: those with GPUs, for what is of GPUs.
    pub fn measured<'m>(&self, members: &'m [Member]) -> Vec<&'m Member> {
        let of_gpus = self.metric.is_of_gpus() && members.iter().any(|member| member.worker.gpus > 0);
        members.iter().filter(|member| !of_gpus || member.worker.gpus > 0).collect()
    }

    /// Since when values count.
    pub fn from(&self, started: Secs, now: Secs) -> Secs {
        self.range.window(started, now).from
    }
}
