//! What a job's logs said, brought by whoever reads them, and which of it tells why the job is as it is.
//!
//! Owns that choice. Must not read logs: what comes has been under the rules already.

use std::sync::Arc;

use crate::jobs::{
    causes::{LogSeen, Quiet, Scan, Subject, named},
    health::{self, Health},
    reach::Reach,
    replica,
    row::{ContainerRow, PodRow},
    text::{Name, Sym},
};

/// Bad pods whose logs count.
const MOST_BAD: usize = 4;

/// One log, as far as it was read.
#[derive(Clone, Debug)]
pub struct Said {
    /// Whose.
    pub pod: Name,
    /// Of which container.
    pub container: Sym,
    /// Of its run before the last restart.
    pub previous: bool,
    /// It was read from its start.
    pub whole: bool,
    /// It has said nothing for longer than is usual.
    pub quiet: Option<Quiet>,
    /// What the rules found in it.
    pub scan: Scan,
}

impl Said {
    fn is_same(&self, other: &Self) -> bool {
        (&self.pod, &self.container, self.previous) == (&other.pod, &other.container, other.previous)
    }
}

/// What was heard of a job's logs.
#[derive(Clone, Debug, Default)]
pub(super) struct Heard {
    /// By whoever reads them for somebody who looks.
    pub(super) followed: Vec<Said>,
    /// By one look at what had ended.
    pub(super) looked_at: Vec<Said>,
    /// What network policies leave between its replicas, where that was asked.
    pub(super) reach: Option<Box<Reach>>,
}

impl Heard {
    pub(super) fn is_empty(&self) -> bool {
        self.followed.is_empty() && self.looked_at.is_empty()
    }

    /// Takes in one look at a log, in the place of one before.
    pub(super) fn look(&mut self, said: Said) {
        match self.looked_at.iter_mut().find(|known| known.is_same(&said)) {
            Some(known) => *known = said,
            None => self.looked_at.push(said),
        }
    }

    /// Each log once: as whoever read more of it says.
    fn logs(&self) -> Vec<&Said> {
        let mut logs: Vec<&Said> = self.followed.iter().collect();
        for said in &self.looked_at {
            match logs.iter_mut().find(|known| known.is_same(said)) {
                Some(known) if known.scan.lines() < said.scan.lines() => *known = said,
                Some(_) => {}
                None => logs.push(said),
            }
        }
        logs
    }
}

/// A pod whose log tells of the cause.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// The pod.
    pub pod: &'a PodRow,
    /// Its run before the last restart does.
    pub previous: bool,
    /// It is an attempt before the present one.
    pub past: bool,
}

/// The pods whose logs tell of the cause, the leading one first: its last attempt, those of pods that are bad, and the last
/// attempt before that ended badly. Where there is no launcher, each pod writes its own ranks' lines.
pub fn telling<'a>(pods: &[&'a PodRow]) -> Vec<Teller<'a>> {
    let launchers = || pods.iter().copied().filter(|pod| replica::is_launcher(pod.role.as_str()));
    let leading = launchers().next_back().or(pods.first().copied());
    let bad = |pod: &&PodRow| Health::of(pod).is_bad() && leading.is_none_or(|leading| leading.uid != pod.uid);
    let others = pods.iter().copied().filter(bad).filter(|pod| !replica::is_launcher(pod.role.as_str())).take(MOST_BAD);
    let before = |pod: &PodRow| matches!(Health::of(pod), Health::Crashing) && health::last_bad_end(pod).is_some();
    let past = launchers().rev().skip(1).find(|pod| health::last_bad_end(pod).is_some());
    let present = leading.into_iter().chain(others);
    let teller = |pod, past| Teller { pod, previous: before(pod), past };
    present.map(|pod| teller(pod, false)).chain(past.map(|pod| teller(pod, true))).collect()
}

/// The container whose log counts.
pub fn main_container(pod: &PodRow) -> Option<&ContainerRow> {
    pod.containers.iter().find(|container| !container.init)
}

/// The replica that writes a pod's log; none for a launcher, whose log has everyone's lines.
pub fn writer(pod: &PodRow) -> Option<Arc<Subject>> {
    (!replica::is_launcher(pod.role.as_str())).then(|| Arc::new(Subject::of_pod(pod)))
}

/// A log that counts.
pub(super) struct Telling<'a> {
    said: &'a Said,
    of: String,
    writer: Option<Arc<Subject>>,
    past: bool,
}

impl Telling<'_> {
    /// As causes are chosen from it.
    pub(super) fn seen(&self) -> LogSeen<'_> {
        let Self { said, of, writer, past } = self;
        let (pod, whole) = (Some(said.pod.as_str()), said.whole);
        LogSeen { scan: &said.scan, of, pod, writer: writer.as_ref(), whole, past: *past, quiet: said.quiet.as_ref() }
    }
}

/// Those that count of what logs said. Once the pods that would tell are gone, what they said is all there is.
pub(super) fn counting<'a>(heard: &'a Heard, pods: &[&PodRow]) -> Vec<Telling<'a>> {
    let said = heard.logs();
    let of = |log: &Said| format!("log of {}", log.pod);
    let find = |Teller { pod, previous, past }: Teller<'_>| {
        let container = &main_container(pod)?.name;
        let is_it = |log: &&&Said| log.pod == pod.name && log.container == *container && log.previous == previous;
        let said = said.iter().find(is_it)?;
        Some(Telling { said, of: of(said), writer: writer(pod), past })
    };
    let told: Vec<_> = telling(pods).into_iter().filter_map(find).collect();
    if !told.is_empty() {
        return told;
    }
    let gone = said.iter().filter(|log| pods.iter().all(|pod| pod.name != log.pod));
    let writer = |log: &Said| named(log.pod.as_str()).filter(|subject| subject.role.as_str() != "launcher");
    gone.map(|said| Telling { said, of: of(said), writer: writer(said).map(Arc::new), past: false }).collect()
}
