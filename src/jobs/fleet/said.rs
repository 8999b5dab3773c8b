//! What a job's logs said, brought by whoever reads them, and which of it tells why the job is as it is.
//!
//! Owns that choice. Must not read logs: what comes has been under the rules already.

use std::sync::Arc;

use crate::jobs::{
    causes::{LogSeen, Scan, Subject, named},
    health::{self, Health},
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
    /// What the rules found in it.
    pub scan: Scan,
}

/// The pods whose logs tell of the cause, the leading one first, each with whether its run before the last restart does:
/// the leading pod's last attempt, and those of pods that are bad. Where there is no launcher, each pod writes its own
/// ranks' lines.
pub fn telling<'a>(pods: &[&'a PodRow]) -> Vec<(&'a PodRow, bool)> {
    let launcher = pods.iter().rfind(|pod| replica::is_launcher(pod.role.as_str()));
    let leading = launcher.or(pods.first()).copied();
    let bad = |pod: &&&PodRow| Health::of(pod).is_bad() && leading.is_none_or(|leading| leading.uid != pod.uid);
    let others = pods.iter().filter(bad).take(MOST_BAD).copied();
    let before = |pod: &PodRow| matches!(Health::of(pod), Health::Crashing) && health::last_bad_end(pod).is_some();
    leading.into_iter().chain(others).map(|pod| (pod, before(pod))).collect()
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
}

impl Telling<'_> {
    /// As causes are chosen from it.
    pub(super) fn seen(&self) -> LogSeen<'_> {
        let Self { said, of, writer } = self;
        LogSeen { scan: &said.scan, of, pod: Some(said.pod.as_str()), writer: writer.as_ref() }
    }
}

/// Those that count of what logs said. Once the pods that would tell are gone, what they said is all there is.
pub(super) fn counting<'a>(said: &'a [Said], pods: &[&PodRow]) -> Vec<Telling<'a>> {
    let of = |log: &Said| format!("log of {}", log.pod);
    let find = |(pod, previous): (&PodRow, bool)| {
        let container = &main_container(pod)?.name;
        let is_it = |log: &&Said| log.pod == pod.name && log.container == *container && log.previous == previous;
        let said = said.iter().find(is_it)?;
        Some(Telling { said, of: of(said), writer: writer(pod) })
    };
    let told: Vec<_> = telling(pods).into_iter().filter_map(find).collect();
    if !told.is_empty() {
        return told;
    }
    let gone = said.iter().filter(|log| pods.iter().all(|pod| pod.name != log.pod));
    let writer = |log: &Said| named(log.pod.as_str()).filter(|subject| subject.role.as_str() != "launcher");
    gone.map(|said| Telling { said, of: of(said), writer: writer(said).map(Arc::new) }).collect()
}
