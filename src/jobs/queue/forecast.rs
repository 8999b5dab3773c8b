//! How long one may have to wait. Kueue tells nothing of that: what is said here is an estimate, and says how it was made.

use super::{
    Queues,
    rows::{Cell, LoadRow},
};
use crate::jobs::{
    text::Clean,
    time::{Secs, duration},
};

/// Admissions longer ago say little of today.
const WINDOW: u32 = 6 * 3600;
/// Fewer admissions say nothing.
const FEWEST: u32 = 3;

/// What can be said about the wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Forecast {
    /// About so many seconds, by how fast the queue let Workloads in.
    pub about: Option<u32>,
    /// How that was made, or why it could not be.
    pub how: String,
    /// By then what is missing is given back, if nobody else takes it: those who hold it run into their time limits.
    pub given_back: Option<(Secs, Clean)>,
}

/// The wait of who has `ahead` before it in a `ClusterQueue`, and misses these amounts.
pub fn forecast(queues: &Queues, cluster_queue: &str, ahead: usize, missing: &[(Cell, u64)], now: Secs) -> Forecast {
    let here = |load: &&LoadRow| load.cluster_queue.as_ref().is_some_and(|name| name.as_str() == cluster_queue);
    let loads = || queues.loads.rows.iter().filter(here);
    let times = loads().filter_map(|load| load.is("QuotaReserved")?.since);
    let recent: Vec<Secs> = times.filter(|at| now.since(*at) <= WINDOW && *at <= now).collect();
    let (count, span) = (recent.len() as u32, recent.iter().min().map_or(0, |first| now.since(*first)));
    let known = if queues.loads.is_whole() { "" } else { " that you may see" };
    let (about, how) = if count < FEWEST || span == 0 {
        let hours = WINDOW / 3600;
        let few = match count {
            0 => format!("no Workload{known} was"),
            1 => format!("only 1 Workload{known} was"),
            _ => format!("only {count} Workloads{known} were"),
        };
        (None, format!("no estimate: {few} let in there in the last {hours} h"))
    } else {
        let turns = ahead as u32 + 1;
        let about = (u64::from(span) * u64::from(turns) / u64::from(count)).min(u64::from(u32::MAX)) as u32;
        (
            Some(about),
            format!(
                "an estimate: {count} Workloads{known} were let in there in the last {}, {ahead} ahead",
                duration(span)
            ),
        )
    };
    Forecast { about, how, given_back: given_back(loads().filter(|load| load.holds()), missing) }
}

/// When holders with a time limit will have given back what is missing, and who the last of them is.
fn given_back<'a>(holders: impl Iterator<Item = &'a LoadRow>, missing: &[(Cell, u64)]) -> Option<(Secs, Clean)> {
    if missing.is_empty() {
        return None;
    }
    let end = |load: &LoadRow| Some(load.is("Admitted")?.since?.plus(load.most_seconds?));
    let mut ends: Vec<_> = holders.filter_map(|load| Some((end(load)?, load))).collect();
    ends.sort_by_key(|(at, load)| (*at, load.uid.clone()));
    let mut left: Vec<(&Cell, u64)> = missing.iter().map(|(cell, n)| (cell, *n)).collect();
    for (at, load) in ends {
        for (cell, n) in &mut left {
            *n = n.saturating_sub(load.held(cell));
        }
        if left.iter().all(|(_, n)| *n == 0) {
            return Some((at, Clean::new(load.title())));
        }
    }
    None
}
