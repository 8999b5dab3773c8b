//! A job as scripts read it: the shape of `-o json` and `-o yaml`.
//!
//! Owns the names of the fields, which are an interface: new ones may come, none changes its meaning. Documented in
//! `docs/cli.md`. Texts are clean, so a control character from a cluster can't get into an output.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use crate::jobs::{
    Secs,
    filter::Subject,
    progress,
    state::{Cause, Severity, State},
};

/// All of an answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobList {
    /// `mpideck/v1`.
    pub api_version: &'static str,
    /// `JobList`.
    pub kind: &'static str,
    /// Whether some lists could not be read; `unread` says which.
    pub partial: bool,
    /// What could not be read, and why.
    pub unread: Vec<String>,
    /// The jobs.
    pub items: Vec<JobItem>,
}

/// One job. Times are RFC 3339 in UTC; a field that is not known is null.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobItem {
    namespace: String,
    name: String,
    kind: String,
    api_version: String,
    uid: String,
    state: &'static str,
    state_detail: String,
    severity: &'static str,
    finished_job: bool,
    reported: Option<String>,
    disagrees: bool,
    cause: Option<CauseItem>,
    workers: Workers,
    gpus: u32,
    leaked_gpus: u32,
    restarts: u16,
    queue: Option<String>,
    priority: Option<String>,
    creator: Option<String>,
    created: String,
    started: Option<String>,
    finished: Option<String>,
    progress: Option<Value>,
    labels: BTreeMap<String, String>,
    warning: Option<String>,
}

#[derive(Debug, Serialize)]
struct Workers {
    ready: u16,
    total: u16,
}

#[derive(Debug, Serialize)]
struct CauseItem {
    rule: String,
    class: String,
    title: String,
    remedy: String,
    recovers: bool,
    replica: Option<String>,
    node: Option<String>,
    evidence: Vec<EvidenceItem>,
}

#[derive(Debug, Serialize)]
struct EvidenceItem {
    at: String,
    text: String,
}

impl JobList {
    /// Of these jobs; `unread` is what is missing.
    pub fn new(items: Vec<JobItem>, unread: Vec<String>) -> Self {
        Self { api_version: "mpideck/v1", kind: "JobList", partial: !unread.is_empty(), unread, items }
    }
}

impl JobItem {
    /// Of one job.
    pub fn of(subject: Subject<'_>) -> Self {
        let (row, derived) = (&subject.job.row, &subject.job.derived);
        let info = row.kind.info();
        let text = |value: &dyn ToString| value.to_string();
        Self {
            namespace: text(&row.namespace),
            name: text(&row.name),
            kind: info.kind.to_owned(),
            api_version: format!("{}/{}", info.group, info.version),
            uid: text(&row.uid),
            state: derived.state.word(),
            state_detail: text(&derived.state),
            severity: severity(&derived.state),
            finished_job: derived.state.is_finished(),
            reported: (!derived.reported.is_empty()).then(|| text(&derived.reported)),
            disagrees: derived.disagrees,
            cause: derived.cause.as_ref().map(CauseItem::of),
            workers: Workers { ready: derived.ready, total: derived.total },
            gpus: derived.gpus,
            leaked_gpus: derived.leaked_gpus,
            restarts: derived.restarts,
            queue: row.queue.as_ref().map(|v| text(v)),
            priority: row.priority.as_ref().map(|v| text(v)),
            creator: row.creator.as_ref().map(|v| text(v)),
            created: text(&row.created),
            started: derived.started.map(|at: Secs| text(&at)),
            finished: derived.finished.map(|at: Secs| text(&at)),
            progress: derived.progress.as_deref().map(progress::json),
            labels: row.labels.iter().map(|(key, value)| (text(key), text(value))).collect(),
            warning: row.warning.as_ref().map(|v| text(v)),
        }
    }
}

impl CauseItem {
    fn of(cause: &Cause) -> Self {
        let evidence = cause.evidence.iter();
        Self {
            rule: cause.rule.to_string(),
            class: cause.class.to_string(),
            title: cause.title.to_string(),
            remedy: cause.remedy.to_string(),
            recovers: cause.recovers,
            replica: cause.replica.as_ref().map(ToString::to_string),
            node: cause.node.as_ref().map(ToString::to_string),
            evidence: evidence.map(|e| EvidenceItem { at: e.at.to_string(), text: e.text.to_string() }).collect(),
        }
    }
}

fn severity(state: &State) -> &'static str {
    match state.severity() {
        Severity::Bad => "bad",
        Severity::Warn => "warn",
        Severity::Wait => "wait",
        Severity::Good => "good",
        Severity::Done => "done",
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::jobs::{
        Clean, JobRow, Kind, Name, Sym, Uid,
        fleet::Job,
        state::{Derived, Evidence, Failure, Origin},
    };

    fn job() -> Job {
        let name = |text| Name::new(text).expect("a name");
        let row = JobRow::bare(Kind::MpiJob, name("team-a"), name("pi"), Uid::new("u-1"));
        let cause = Cause {
            rule: "oom".into(),
            class: "resources".into(),
            title: Clean::new("Worker 2: out of memory\x1b[2J"),
            brief: Clean::new("Worker 2: out of memory\x1b[2J"),
            remedy: Clean::new("raise the limit"),
            evidence: [Evidence {
                at: Clean::new("pod pi-worker-2"),
                line: None,
                text: Clean::new("OOMKilled"),
                origin: Origin::Job,
            }]
            .into(),
            replica: Some(name("worker-2")),
            node: Some(Sym::new("n1")),
            rank: None,
            sure: 95,
            consequences: Box::default(),
            recovers: false,
        };
        let derived = Derived {
            state: State::Failed(Failure::Deadline),
            cause: Some(cause),
            reported: Sym::new("Running"),
            disagrees: true,
            ready: 1,
            total: 4,
            gpus: 32,
            leaked_gpus: 8,
            restarts: 2,
            started: Some(Secs(60)),
            finished: None,
            progress: None,
            valid_until: None,
        };
        Job { row, derived: Arc::new(derived) }
    }

    #[test]
    fn the_fields_that_scripts_rely_on() {
        let job = job();
        let list = JobList::new(vec![JobItem::of(Subject { job: &job, pods: &[] })], Vec::new());
        let value = serde_json::to_value(&list).expect("json");
        let item = &value["items"][0];
        assert_eq!(value["kind"], "JobList");
        assert_eq!((&item["state"], &item["stateDetail"]), (&"Failed".into(), &"Failed (deadline)".into()));
        assert_eq!(item["workers"], serde_json::json!({"ready": 1, "total": 4}));
        assert_eq!(item["cause"]["replica"], "worker-2");
        assert_eq!((&item["started"], &item["finished"]), (&"1970-01-01T00:01:00Z".into(), &Value::Null));
        assert!(item["cause"]["title"].as_str().is_some_and(|title| !title.contains('\x1b')));
    }
}
