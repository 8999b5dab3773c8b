//! The thread that writes records: one after the other, so that no key waits for a disk.
//!
//! Owns the open writers. What can't be written is said once and tried again with the next thing to write; nothing stops.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use tokio::sync::{mpsc, oneshot};

use crate::{
    console::{
        message::Message,
        model::record::{RecordMessage, RecordState},
        runner::Results,
    },
    disk::{
        DiskProblem,
        problem::DiskKind,
        records::{Fact, Header, KeptNumbers, LogText, Records, Stream, Writer, prune},
    },
    jobs::{Clean, Secs, fleet::JobKey},
};

/// Records that are open for writing at once.
const MOST_OPEN: usize = 64;
/// One that nothing was added to for so long is let go.
const IDLE: u32 = 30;
/// A disk that took everything for so long is well again.
const MENDED: u32 = 60;
/// Between two looks at the bounds.
const PRUNE_EVERY: u32 = 600;

/// Something to write.
pub(super) enum Work {
    /// Facts of a job, seen at that time.
    Facts(Arc<Header>, Secs, Vec<Fact>),
    /// What was measured of a job up to its end.
    Numbers(Arc<Header>, Secs, Box<KeptNumbers>),
    /// A log is going to be read: how far has it been kept?
    Begin(Arc<Header>, Secs, Stream, oneshot::Sender<Option<i64>>),
    /// Lines of a log, and how many are missing before them.
    Lines(Arc<Header>, Secs, Stream, Vec<LogText>, u64),
    /// Say when all that came before is written.
    Reach(oneshot::Sender<()>),
    /// It is so late now.
    Tick(Secs),
    /// Write all that came before, and end.
    End,
}

struct Held {
    writer: Writer,
    used: Secs,
}

type Place = (String, JobKey);

/// See the module.
pub(super) struct Keeper {
    records: Records,
    results: Results,
    held: HashMap<Place, Held>,
    kept: HashSet<JobKey>,
    elsewhere: HashSet<JobKey>,
    state: RecordState,
    told: RecordState,
    now: Secs,
    pruned: Option<Secs>,
    failed: Option<Secs>,
}

/// What was added to a record.
enum Wrote {
    Facts(usize),
    Lines(usize),
}

impl Keeper {
    pub(super) fn new(records: Records, results: Results) -> Self {
        Self {
            records,
            results,
            held: HashMap::new(),
            kept: HashSet::new(),
            elsewhere: HashSet::new(),
            state: RecordState::default(),
            told: RecordState::default(),
            now: Secs::default(),
            pruned: None,
            failed: None,
        }
    }

    /// Works until it is told to end, or until nobody can tell it anything any more.
    pub(super) fn run(mut self, mut inbox: mpsc::Receiver<Work>) {
        while let Some(work) = inbox.blocking_recv() {
            match work {
                Work::End => break,
                Work::Tick(now) => self.tick(now),
                Work::Reach(reply) => {
                    // Whoever asked may be gone.
                    let _ = reply.send(());
                }
                Work::Facts(header, at, facts) => {
                    self.write(&header, at, |writer| writer.add(at, facts).map(Wrote::Facts));
                }
                Work::Numbers(header, at, kept) => self.write(&header, at, |writer| {
                    if !writer.set_numbers(&kept)? {
                        tracing::warn!("{}: what was measured has no room in its record", header.job.name);
                    }
                    Ok(Wrote::Facts(1))
                }),
                Work::Begin(header, at, stream, reply) => {
                    let mut last = None;
                    self.write(&header, at, |writer| {
                        last = writer.begin_log(&stream)?;
                        Ok(Wrote::Facts(0))
                    });
                    // Whoever asked may be gone.
                    let _ = reply.send(last);
                }
                Work::Lines(header, at, stream, lines, skipped) => {
                    self.write(&header, at, |writer| writer.add_log(&stream, &lines, skipped).map(Wrote::Lines));
                }
            }
            if inbox.is_empty() {
                self.tell();
            }
        }
        self.held.values().for_each(|held| held.writer.sync());
    }

    /// Writes to a job's record.
    fn write(&mut self, header: &Header, at: Secs, add: impl FnOnce(&mut Writer) -> Result<Wrote, DiskProblem>) {
        self.now = self.now.max(at);
        let place = (header.cluster.id.clone(), header.job.clone());
        let result = self.writer(&place, header).and_then(add);
        match result {
            Ok(wrote) => {
                self.kept.insert(header.job.clone());
                self.elsewhere.remove(&header.job);
                if let Wrote::Lines(lines) = wrote {
                    self.state.lines += lines as u64;
                }
                // On a full disk a little still has room now and then.
                let some = !matches!(wrote, Wrote::Facts(0) | Wrote::Lines(0));
                if some && self.failed.is_none_or(|at| self.now.since(at) >= MENDED) {
                    (self.state.problem, self.failed) = (None, None);
                }
            }
            Err(DiskProblem { kind: DiskKind::Busy, .. }) => {
                self.elsewhere.insert(header.job.clone());
            }
            Err(problem) => {
                // What was open may be torn; opening it again mends it.
                self.held.remove(&place);
                tracing::warn!("not recorded: {problem}");
                self.failed = Some(self.now);
                let root = self.records.root().display();
                self.state.problem = Some(Clean::new(&format!("{root}: {}", problem.kind)));
            }
        }
        (self.state.jobs, self.state.elsewhere) = (self.kept.len(), self.elsewhere.len());
        if self.pruned.is_none() {
            self.prune();
        }
    }

    fn writer(&mut self, place: &Place, header: &Header) -> Result<&mut Writer, DiskProblem> {
        let now = self.now;
        if !self.held.contains_key(place) {
            while self.held.len() >= MOST_OPEN {
                let oldest = self.held.iter().min_by_key(|(_, held)| held.used).map(|(place, _)| place.clone());
                let Some(oldest) = oldest else { break };
                self.held.remove(&oldest);
            }
            let writer = self.records.writer(header, now)?;
            self.held.insert(place.clone(), Held { writer, used: now });
        }
        match self.held.get_mut(place) {
            Some(held) => {
                held.used = now;
                Ok(&mut held.writer)
            }
            None => Err(DiskProblem::new(self.records.root(), DiskKind::Busy)),
        }
    }

    fn tick(&mut self, now: Secs) {
        self.now = self.now.max(now);
        self.held.retain(|_, held| now.since(held.used) < IDLE);
        if self.pruned.is_some_and(|at| now.since(at) >= PRUNE_EVERY) {
            self.prune();
        }
    }

    fn prune(&mut self) {
        self.pruned = Some(self.now);
        let result = prune(&self.records, self.now, None);
        let problem = result.map_or_else(Some, |pruned| pruned.problems.into_iter().next());
        if let Some(problem) = problem {
            tracing::warn!("old records stay: {problem}");
        }
    }

    fn tell(&mut self) {
        let differs = (self.state.jobs, self.state.elsewhere, &self.state.problem)
            != (self.told.jobs, self.told.elsewhere, &self.told.problem);
        if !differs {
            return;
        }
        let message = Message::Record(RecordMessage::State(self.state.clone()));
        // A console that is busy hears of it the next time.
        if self.results.try_send(message).is_ok() {
            self.told = self.state.clone();
        }
    }
}
