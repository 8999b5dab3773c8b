//! A bug report's evidence: pods and events as somebody wrote them down, with or without a log.
//!
//! Owns what of it counts: an event about a pod that is well now has passed, and a launcher that ended well has the last
//! word. It reads no file and parses no JSON.

use std::sync::Arc;

use super::{
    choose::{self, LogSeen, Seen},
    place::{At, Observation, Place, Subject},
    ranks::{self, Crew},
    rules::Rules,
    scan::Scan,
};
use crate::jobs::{state::Cause, text::Sym};

/// One pod of a report. What is not known is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedPod {
    /// Its name.
    pub name: String,
    /// `launcher`, `worker`, …; else it is read off the name.
    pub role: String,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// Why a container waits.
    pub waiting_reason: String,
    /// Why a container ended, or the pod's own reason (`Evicted`).
    pub terminated_reason: String,
    /// With which code.
    pub exit_code: Option<i32>,
    /// The pod's, the container's or the scheduler's words.
    pub message: String,
}

/// One event of a report.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportedEvent {
    /// `Warning` or `Normal`.
    pub kind: String,
    /// Its reason.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// What it is about: `Pod/train-worker-1`, `train-worker-1`, `MPIJob/train`, …
    pub object: String,
}

/// Everything that was written down.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Pods.
    pub pods: Vec<ReportedPod>,
    /// Events, as they came.
    pub events: Vec<ReportedEvent>,
    /// Last words of pods that ended badly, by the pod's place.
    pub last_words: Vec<(usize, Scan)>,
}

/// Reasons and words of events that are about a start; they have passed once the pod runs.
const OF_START: [&str; 14] = [
    "FailedScheduling",
    "Failed",
    "BackOff",
    "FailedMount",
    "FailedAttachVolume",
    "FailedMapVolume",
    "ErrImagePull",
    "ImagePullBackOff",
    "InspectFailed",
    "FailedCreatePodSandBox",
    "FailedCreatePodContainer",
    "Unhealthy",
    "FailedSync",
    "NetworkNotReady",
];

impl ReportedPod {
    fn is(&self, phase: &str) -> bool {
        self.phase.eq_ignore_ascii_case(phase)
    }

    fn ended_well(&self) -> bool {
        self.is("Succeeded")
            || self.terminated_reason == "Completed"
            || (self.exit_code == Some(0) && !self.is("Failed"))
    }

    /// Runs or has ended, and nothing is wrong with it.
    fn is_well(&self) -> bool {
        let trouble = !self.waiting_reason.is_empty() && !is_normal_wait(&self.waiting_reason);
        let bad_end = self.exit_code.is_some_and(|code| code != 0) || !self.reason_of_end().is_empty();
        (self.is("Running") || self.ended_well()) && !trouble && !bad_end
    }

    fn reason_of_end(&self) -> &str {
        match self.terminated_reason.as_str() {
            "Completed" => "",
            reason => reason,
        }
    }

    fn subject(&self, node: Option<&str>) -> Arc<Subject> {
        let mut subject = ranks::named(&self.name).unwrap_or_default();
        if subject.role.is_empty() && !self.role.is_empty() {
            subject.role = Sym::new(&self.role.to_ascii_lowercase());
        }
        subject.node = node.map(Sym::new);
        subject.exit = self.exit_code.filter(|code| *code != 0);
        Arc::new(subject)
    }

    fn is_leading(&self) -> bool {
        let role = if self.role.is_empty() { self.name.as_str() } else { self.role.as_str() };
        let role = role.to_ascii_lowercase();
        ["launcher", "master", "chief"].iter().any(|leading| role.contains(leading))
    }
}

fn is_normal_wait(reason: &str) -> bool {
    matches!(reason, "ContainerCreating" | "PodInitializing")
}

impl ReportedEvent {
    fn text(&self) -> String {
        format!("{}: {}", self.reason, self.message)
    }

    /// Kind and name of what it is about.
    fn about(&self) -> (&str, &str) {
        self.object.rsplit_once(['/', ' ']).map_or(("", self.object.as_str()), |(kind, name)| (kind, name))
    }
}

impl Report {
    /// Who is who.
    pub fn crew(&self) -> Crew {
        let pods = self.pods.iter().map(|pod| (pod.name.clone(), pod.subject(self.node(&pod.name)))).collect();
        Crew { pods, slots: 0, launcher_works: false }
    }

    /// The node that the scheduler gave a pod, if that was written down.
    fn node(&self, pod: &str) -> Option<&str> {
        let scheduled = |event: &&ReportedEvent| event.reason == "Scheduled" && event.about().1 == pod;
        self.events.iter().find(scheduled)?.message.rsplit_once(" to ").map(|(_, node)| node.trim())
    }

    /// The cause of what this and a log tell.
    pub fn cause(&self, rules: &Rules, log: Option<&Scan>) -> Option<Cause> {
        let crew = self.crew();
        let subjects: Vec<Arc<Subject>> = crew.pods.iter().map(|(_, subject)| subject.clone()).collect();
        let texts: Vec<Texts> = self.pods.iter().map(Texts::of).collect();
        let ended_well = self.ended_well(log);
        let mut told = Vec::new();
        for ((pod, texts), subject) in self.pods.iter().zip(&texts).zip(&subjects) {
            observe_pod(pod, texts, subject, &mut told);
        }
        let events: Vec<(&ReportedEvent, String)> = self.standing_events().map(|event| (event, event.text())).collect();
        for (event, text) in &events {
            let (kind, name) = event.about();
            let subject = self.pods.iter().position(|pod| pod.name == name).map(|at| subjects[at].clone());
            let subject = if kind.eq_ignore_ascii_case("node") {
                Some(Arc::new(Subject::of_node(name)))
            } else {
                subject.or_else(|| ranks::named(name).map(Arc::new)).filter(|_| !is_of_job(kind))
            };
            for place in [Place::Event, Place::Condition, Place::Queue] {
                let at = At::Event(if kind.is_empty() { "object" } else { kind }, name);
                told.push(Observation { place, text, at, subject: subject.clone(), time: None });
            }
        }
        let mut logs: Vec<LogSeen<'_>> = log
            .map(|scan| LogSeen { scan, of: "log", pod: None, writer: None, whole: true, past: false, quiet: None })
            .into_iter()
            .collect();
        for (at, scan) in &self.last_words {
            let pod = self.pods.get(*at).map(|pod| pod.name.as_str());
            let writer = subjects.get(*at);
            logs.push(LogSeen {
                scan,
                of: "last words of the pod",
                pod,
                writer,
                whole: true,
                past: false,
                quiet: None,
            });
        }
        let replicas = self.pods.iter().filter(|pod| !pod.is_leading()).count();
        choose::cause(
            rules,
            &Seen { told: &told, logs: &logs, crew: Some(&crew), replicas, ended_well, launching: false },
        )
    }

    /// How sure it is, in percent, that nothing went wrong where no cause was found.
    pub fn calm(&self, log: Option<&Scan>) -> u8 {
        let trains = log.is_some_and(|scan| scan.progress() > 0);
        let ended_badly = self.pods.iter().any(|pod| pod.is("Failed") || pod.exit_code.is_some_and(|code| code != 0));
        let well = !self.pods.is_empty() && self.pods.iter().all(ReportedPod::is_well);
        match (self.ended_well(log) || log.is_some_and(Scan::ended_well), ended_badly) {
            (true, _) => 98,
            (false, true) => 40,
            (false, false) if well => 95,
            (false, false) if trains => 90,
            _ => 60,
        }
    }

    fn ended_well(&self, log: Option<&Scan>) -> bool {
        let leading: Vec<&ReportedPod> = self.pods.iter().filter(|pod| pod.is_leading()).collect();
        // Of a launcher's attempts one that ends well is enough.
        if leading.iter().any(|pod| pod.is("Succeeded")) {
            return true;
        }
        let all = if leading.is_empty() { self.pods.iter().collect() } else { leading };
        let said = log.is_some_and(Scan::ended_well);
        // Workers are told to stop when the launcher is done.
        let stopped =
            |pod: &ReportedPod| matches!(pod.exit_code, Some(143 | 137)) && pod.terminated_reason != "OOMKilled";
        let done = |pod: &&ReportedPod| pod.ended_well() || (said && (pod.is_well() || stopped(pod)));
        !all.is_empty() && all.iter().all(done) && (all.iter().any(|pod| pod.ended_well()) || said)
    }

    /// The events that still mean something.
    fn standing_events(&self) -> impl Iterator<Item = &ReportedEvent> {
        self.events.iter().enumerate().filter(|(at, event)| !self.has_passed(*at, event)).map(|(_, event)| event)
    }

    fn has_passed(&self, at: usize, event: &ReportedEvent) -> bool {
        let (_, name) = event.about();
        if !OF_START.contains(&event.reason.as_str()) {
            return false;
        }
        if let Some(pod) = self.pods.iter().find(|pod| pod.name == name) {
            return pod.is_well() || (pod.is("Running") && event.reason == "FailedScheduling");
        }
        let later = self.events.iter().skip(at + 1).filter(|later| later.about().1 == name);
        let ends = |later: &ReportedEvent| match later.reason.as_str() {
            "Started" => true,
            "Scheduled" => event.reason == "FailedScheduling",
            "Pulled" => event.message.contains("pull") || event.message.contains("image"),
            _ => false,
        };
        later.into_iter().any(ends)
    }
}

fn observe_pod<'a>(pod: &'a ReportedPod, texts: &'a Texts, subject: &Arc<Subject>, told: &mut Vec<Observation<'a>>) {
    let mut push = |place, text: &'a str| {
        if !text.is_empty() {
            let at = At::Pod(&pod.name);
            told.push(Observation { place, text, at, subject: Some(subject.clone()), time: None });
        }
    };
    if !is_normal_wait(&pod.waiting_reason) {
        push(Place::Waiting, &pod.waiting_reason);
    }
    for place in [Place::Terminated, Place::PodReason, Place::Disruption] {
        push(place, pod.reason_of_end());
    }
    push(Place::Exit, &texts.exit);
    if pod.is("Unknown") {
        push(Place::PodReason, "NodeLost");
    }
    if pod.is_well() && pod.is("Running") {
        return;
    }
    for place in [Place::Message, Place::PodMessage] {
        push(place, &pod.message);
    }
    push(Place::Unscheduled, &texts.unscheduled);
    push(Place::Event, &texts.event);
    push(Place::Condition, &texts.event);
}

fn is_of_job(kind: &str) -> bool {
    !kind.is_empty() && !kind.eq_ignore_ascii_case("pod") && !kind.eq_ignore_ascii_case("pods")
}

/// Texts of a pod that observations borrow.
struct Texts {
    exit: String,
    unscheduled: String,
    event: String,
}

impl Texts {
    fn of(pod: &ReportedPod) -> Self {
        let gated = pod.waiting_reason == "SchedulingGated";
        let waits =
            pod.is("Pending") && (pod.message.contains("nodes are available") || pod.waiting_reason == "Unschedulable");
        let reason = if pod.terminated_reason.is_empty() { &pod.waiting_reason } else { &pod.terminated_reason };
        Self {
            exit: pod.exit_code.filter(|code| *code != 0).map_or_else(String::new, |code| code.to_string()),
            unscheduled: match (gated, waits) {
                (true, _) => format!("SchedulingGated: {}", pod.message),
                (_, true) => format!("Unschedulable: {}", pod.message),
                _ => String::new(),
            },
            event: if pod.message.is_empty() { String::new() } else { format!("{reason}: {}", pod.message) },
        }
    }
}
