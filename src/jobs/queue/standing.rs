//! How one Workload stands in its queue: its place, what it lacks, who is ahead, who holds what it waits for.

use super::{
    Queues,
    decode::{Decoded, Preempted, Why, decode, preempted},
    forecast::{Forecast, forecast},
    order::{queued_since, waiting},
    room::{Pool, Room, Rooms, rooms},
    rows::{Cell, LoadRow, WaitingRow},
};
use crate::jobs::{
    amounts::{ByResource, short, shown},
    part::Part,
    text::{Clean, Sym, Uid},
    time::Secs,
};

/// The place in a queue, from 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Among all that wait in the `ClusterQueue`.
    pub at: usize,
    /// How many wait there.
    pub of: usize,
    /// Among those of its `LocalQueue`.
    pub local: usize,
    /// Kueue itself says so; else it is computed from the Workloads that may be read.
    pub told: bool,
    /// It is at least this, because not all Workloads may be read: what to ask for.
    pub at_least: Option<Clean>,
}

/// One that comes before.
#[derive(Clone, Debug, PartialEq)]
pub struct Ahead {
    /// Its namespace.
    pub namespace: Sym,
    /// Its job.
    pub name: Clean,
    /// Its priority.
    pub priority: i64,
    /// Since when it waits.
    pub since: Secs,
    /// What it needs, where that may be read.
    pub needs: Option<ByResource>,
}

/// One that holds what is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Holder {
    /// Its namespace.
    pub namespace: Sym,
    /// Its job.
    pub name: Clean,
    /// Where it holds it.
    pub cluster_queue: Sym,
    /// Its priority.
    pub priority: i64,
    /// Since when.
    pub since: Option<Secs>,
    /// What it holds, in the order of the lacks. In thousandths.
    pub held: Vec<u64>,
}

/// What is needed of a flavor's resource, against what is there. In thousandths; `None` where it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Flavor and resource.
    pub cell: Cell,
    /// Needed in all.
    pub need: u64,
    /// Free now.
    pub free: Option<u64>,
    /// What there can be at most.
    pub most: Option<u64>,
}

impl Lack {
    /// What is missing now.
    pub fn missing(&self) -> u64 {
        self.need.saturating_sub(self.free.unwrap_or(0))
    }

    /// Whether it can never be had.
    pub fn is_final(&self) -> bool {
        self.most.is_some_and(|most| self.need > most)
    }

    /// «needs 32 GPU, 24 free in flavor a100; can never fit: maximum is 16».
    pub fn words(&self) -> String {
        let (flavor, resource) = &self.cell;
        let amount = |n: u64| shown(resource.as_str(), n);
        let (need, what) = (amount(self.need), short(resource.as_str()));
        let free = match self.free {
            Some(free) => format!("needs {need} {what}, {} free in flavor {flavor}", amount(free)),
            None => format!("needs {need} {what} in flavor {flavor}"),
        };
        match self.most.filter(|_| self.is_final()) {
            Some(most) => format!("{free}; can never fit: maximum is {}", amount(most)),
            None => free,
        }
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Standing {
    /// The `ClusterQueue`, where it is known.
    pub cluster_queue: Option<Sym>,
    /// Its cohort.
    pub cohort: Option<Sym>,
    /// `StrictFIFO`: nobody passes the first.
    pub strict: bool,
    /// Its place; `None` if it does not wait, or nothing is known.
    pub place: Option<Place>,
    /// Kueue's reasons, taken apart.
    pub reasons: Decoded,
    /// What it lacks, by flavor.
    pub lacks: Vec<Lack>,
    /// What the cohort has of that in all, where several queues share it.
    pub pools: Vec<Pool>,
    /// Who comes before, in order.
    pub ahead: Vec<Ahead>,
    /// Who holds what it lacks, most first.
    pub holders: Vec<Holder>,
    /// Who put it out last, with the job's name where it is known, and when.
    pub put_out: Option<(Preempted, Option<Clean>, Option<Secs>)>,
    /// How often it was put out, by reason.
    pub evictions: Vec<(Sym, u32)>,
    /// Fair sharing: weight of the queue in thousandths, and its share where it is told.
    pub fair: Option<(u64, Option<u64>)>,
    /// What can be said about the wait.
    pub forecast: Option<Forecast>,
}

/// How the Workload of a job stands; `None` if none is known.
pub fn standing(queues: &Queues, told: &Part<WaitingRow>, job: &Uid, now: Secs) -> Option<Standing> {
    let load = queues.loads.rows.iter().find(|load| load.job.as_ref().is_some_and(|owner| owner.uid == *job))?;
    let cluster_queue = queues.cluster_queue_of(load);
    let queue = cluster_queue.as_ref().and_then(|name| queues.cluster(name.as_str()));
    let said = load.condition("QuotaReserved").filter(|_| load.waits()).map_or("", |c| c.message.as_str());
    let reasons = decode(said);
    let free = queue.map(|queue| rooms(queues, queue)).unwrap_or_default();
    let lacks = lacks(load, &reasons, &free);
    let name = cluster_queue.as_ref().map_or("", |name| name.as_str());
    let (place, ahead) =
        place(queues, told, load, name).map_or((None, Vec::new()), |(place, ahead)| (Some(place), ahead));
    let missing: Vec<_> = lacks.iter().map(|lack| (lack.cell.clone(), lack.missing())).collect();
    let hopeless = lacks.iter().any(Lack::is_final) || reasons.whys.iter().any(|(_, why)| why.is_final());
    let forecast = place
        .as_ref()
        .filter(|_| !hopeless && !name.is_empty())
        .map(|place| forecast(queues, name, place.at, &missing, now));
    let cohort = queue.and_then(|queue| queue.cohort.clone());
    let all = Rooms::new(queues);
    let pools = cohort.iter().flat_map(|cohort| lacks.iter().map(|lack| all.pool(cohort, &lack.cell)));
    let pools = pools.filter(|pool| pool.queues > 1).collect();
    Some(Standing {
        pools,
        cohort,
        strict: queue.is_some_and(|queue| queue.strict),
        fair: queue.filter(|queue| queue.share.is_some()).map(|queue| (queue.weight, queue.share)),
        holders: holders(queues, load, name, &lacks),
        put_out: put_out(queues, load),
        evictions: load.evictions.to_vec(),
        cluster_queue,
        place,
        reasons,
        lacks,
        ahead,
        forecast,
    })
}

/// What the message says of amounts, completed by what the queue's status says.
fn lacks(load: &LoadRow, reasons: &Decoded, rooms: &[Room]) -> Vec<Lack> {
    let needs = load.needs();
    let mut out: Vec<Lack> = Vec::new();
    for (_, why) in &reasons.whys {
        let (cell, need, free, most) = match why {
            Why::Missing { resource, flavor, missing } => {
                let need = needs.get(resource).copied().unwrap_or(*missing);
                ((flavor.clone(), resource.clone()), need, Some(need.saturating_sub(*missing)), None)
            }
            Why::TooMuch { resource, flavor, asked, most } => {
                ((flavor.clone(), resource.clone()), *asked, None, Some(*most))
            }
            _ => continue,
        };
        if out.iter().any(|lack| lack.cell == cell) {
            continue;
        }
        let room = rooms.iter().find(|room| room.cell == cell);
        let (free, most) = (room.map(|r| r.free).or(free), room.map(|r| r.most).or(most));
        out.push(Lack { cell, need, free, most });
    }
    out
}

fn place(queues: &Queues, told: &Part<WaitingRow>, load: &LoadRow, cluster_queue: &str) -> Option<(Place, Vec<Ahead>)> {
    if !load.waits() {
        return None;
    }
    let own = told.rows.iter().find(|row| row.namespace == load.namespace && row.name == load.name);
    if let Some(own) = own {
        let mut before: Vec<_> = told.rows.iter().filter(|row| row.place < own.place).collect();
        before.sort_by_key(|row| row.place);
        let ahead = before.iter().map(|row| ahead_told(queues, row)).collect();
        // A LocalQueue's own list leaves out the others of the ClusterQueue.
        let of = (own.place as usize + 1).max(told.rows.iter().map(|row| row.place as usize + 1).max().unwrap_or(0));
        let place = Place { at: own.place as usize, of, local: own.local_place as usize, told: true, at_least: None };
        return Some((place, ahead));
    }
    if cluster_queue.is_empty() {
        return None;
    }
    let all = waiting(queues, cluster_queue);
    let at = all.iter().position(|other| other.uid == load.uid)?;
    let local = all[..at].iter().filter(|o| o.queue == load.queue && o.namespace == load.namespace).count();
    let ahead = all[..at].iter().map(|load| ahead_of(load)).collect();
    let place = Place { at, of: all.len(), local, told: false, at_least: queues.loads.unread.clone() };
    Some((place, ahead))
}

fn ahead_told(queues: &Queues, row: &WaitingRow) -> Ahead {
    let known = queues.loads.rows.iter().find(|load| load.namespace == row.namespace && load.name == row.name);
    let name = row.owner.as_ref().unwrap_or(&row.name);
    let plain = Ahead {
        namespace: row.namespace.clone(),
        name: Clean::new(name.as_str()),
        priority: row.priority,
        since: row.created,
        needs: None,
    };
    known.map_or(plain, ahead_of)
}

fn ahead_of(load: &LoadRow) -> Ahead {
    Ahead {
        namespace: load.namespace.clone(),
        name: Clean::new(load.title()),
        priority: load.priority,
        since: queued_since(load),
        needs: Some(load.needs()),
    }
}

/// Those of the queue and its cohort that hold what is missing.
fn holders(queues: &Queues, load: &LoadRow, cluster_queue: &str, lacks: &[Lack]) -> Vec<Holder> {
    let cohort = queues.cluster(cluster_queue).and_then(|queue| queue.cohort.as_ref());
    let near = |name: &Sym| {
        let same = || queues.cluster(name.as_str()).and_then(|queue| queue.cohort.as_ref()) == cohort;
        name.as_str() == cluster_queue || (cohort.is_some() && same())
    };
    let mut out: Vec<Holder> = Vec::new();
    for other in queues.loads.rows.iter().filter(|other| other.holds() && other.uid != load.uid) {
        let Some(name) = other.cluster_queue.as_ref().filter(|name| near(name)) else { continue };
        let held: Vec<u64> = lacks.iter().map(|lack| other.held(&lack.cell)).collect();
        if held.iter().any(|n| *n > 0) {
            out.push(Holder {
                namespace: other.namespace.clone(),
                name: Clean::new(other.title()),
                cluster_queue: name.clone(),
                priority: other.priority,
                since: other.is("QuotaReserved").and_then(|c| c.since),
                held,
            });
        }
    }
    out.sort_by(|a, b| (&b.held, &a.namespace, &a.name).cmp(&(&a.held, &b.namespace, &b.name)));
    out
}

fn put_out(queues: &Queues, load: &LoadRow) -> Option<(Preempted, Option<Clean>, Option<Secs>)> {
    let condition = load.condition("Preempted")?;
    let preempted = preempted(condition.message.as_str())?;
    let by = preempted.by.as_ref();
    let owners = queues.loads.rows.iter().filter_map(|load| load.job.as_ref());
    let name =
        by.and_then(|uid| owners.into_iter().find(|owner| owner.uid == *uid)).map(|o| Clean::new(o.name.as_str()));
    Some((preempted, name, condition.since))
}
