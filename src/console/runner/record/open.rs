//! From a record on disk to what a job page shows.
//!
//! State and cause are derived anew from the rows as they were last, pods that are gone included: what was lost in the
//! cluster with a pod is still known here.

use std::{path::PathBuf, sync::Arc};

use crate::{
    console::model::{
        page::{Kept, Recorded},
        record::Opened,
    },
    disk::{
        DiskProblem,
        records::{Change, KeptLog, Record, Records, Stream},
    },
    jobs::{
        JobRow, Name,
        causes::{Rules, Scan},
        fleet::{Batch, Fleet, ListKey, ListOf, Row, Said},
        state::{Cause, Derived},
    },
    logs::{Nanos, ruled},
};

/// Reads the record in a directory. Blocking. `None`: there is none.
pub(crate) fn open(records: &Records, dir: PathBuf, rules: &Arc<Rules>) -> Result<Option<Box<Opened>>, DiskProblem> {
    let Some(record) = records.read(&dir)? else { return Ok(None) };
    // A log that can't be read is no reason to hide the rest.
    let logs = records.logs_in(&dir).unwrap_or_default();
    Ok(Some(Box::new(opened(record, dir, &logs, rules))))
}

fn opened(record: Record, dir: PathBuf, logs: &[KeptLog], rules: &Arc<Rules>) -> Opened {
    let lines = logs.iter().map(|log| log.lines.len()).sum();
    let recorded = Recorded {
        dir,
        begun: record.begun,
        last: record.last,
        deleted: record.deleted,
        manifest: record.manifest.as_ref().map(|(at, _)| *at),
        lines,
        unreadable: record.unreadable,
    };
    let job = kept(&record, logs, rules);
    let object = record.manifest.map(|(_, manifest)| manifest.object);
    Opened { job, object, events: record.events, recorded: Arc::new(recorded) }
}

/// What a kept log says.
fn said(record: &Record, log: &KeptLog, rules: &Rules) -> Said {
    let Stream { pod, container, run } = log.stream.clone();
    let row = record.pods.iter().map(|pod| &pod.row).find(|row| row.name == pod);
    let of_row = row.and_then(|row| row.containers.iter().find(|own| own.name == container));
    let mut scan = Scan::default();
    for (number, line) in (1..).zip(&log.lines) {
        let at = line.at.map(|at| Nanos(at).secs());
        ruled::line(&mut scan, rules, line.text.as_bytes(), number, at);
    }
    Said {
        pod,
        container,
        previous: of_row.is_some_and(|row| row.restarts > run),
        whole: log.skipped == 0,
        quiet: None,
        scan,
    }
}

fn kept(record: &Record, logs: &[KeptLog], rules: &Arc<Rules>) -> Kept {
    let key = &record.header.job;
    let bare = || JobRow::bare(key.kind, key.namespace.clone(), key.name.clone(), key.uid.clone());
    // The identity is the record's: a row that was changed by hand must not become another job.
    let row = JobRow {
        kind: key.kind,
        namespace: key.namespace.clone(),
        name: key.name.clone(),
        uid: key.uid.clone(),
        ..record.job.clone().unwrap_or_else(bare)
    };
    let mut fleet = Fleet::new(Arc::clone(rules));
    let rows = [
        (ListOf::Jobs(key.kind), vec![Row::Job(row.clone())]),
        (ListOf::Pods, record.pods.iter().map(|pod| Row::Pod(pod.row.clone())).collect()),
        (ListOf::Warnings, record.events.iter().filter(|e| e.warning).map(|e| Row::Event(e.clone())).collect()),
        (ListOf::Workloads, record.workload.iter().map(|row| Row::Workload(row.clone())).collect()),
    ];
    for (of, upserts) in rows {
        let mut batch = Batch::new(ListKey { of, namespace: None });
        batch.upserts = upserts;
        fleet.apply(batch);
    }
    for log in logs {
        fleet.look(key, said(record, log, rules));
    }
    fleet.settle(record.last);
    let mut job = Kept::of(&fleet, key).unwrap_or_else(|| Kept {
        row,
        derived: Arc::new(Derived::unsettled()),
        pods: Vec::new(),
        warnings: Vec::new(),
        workload: record.workload.clone(),
        odd: Vec::new(),
    });
    let mut derived = (*job.derived).clone();
    let gone = record.deleted.is_some() || record.pods.iter().all(|pod| pod.gone.is_some());
    if gone {
        // What is gone holds nothing.
        derived.leaked_gpus = 0;
    }
    if derived.cause.is_none() {
        derived.cause = record.changes.last().and_then(as_cause);
    }
    job.derived = Arc::new(derived);
    job
}

/// The cause that was known then, where the rows alone don't tell it.
fn as_cause(change: &Change) -> Option<Cause> {
    let title = change.cause.clone()?;
    Some(Cause {
        rule: "recorded".into(),
        class: "recorded".into(),
        brief: title.clone(),
        title,
        remedy: change.remedy.clone().unwrap_or_default(),
        evidence: Box::default(),
        replica: None::<Name>,
        node: None,
        rank: None,
        sure: 60,
        consequences: Box::default(),
        recovers: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        disk::records::{Bounds, ClusterPlace, Fact, Header, LogText, VERSION, change},
        jobs::{
            Clean, Kind, PodRow, Secs, Sym, Uid,
            fleet::JobKey,
            row::{Condition, ContainerRow, ContainerState, Phase, Terminated, Truth},
        },
    };

    fn at(seconds: u32) -> Secs {
        Secs(seconds)
    }

    fn header() -> Header {
        let name = Name::lossy;
        let job = JobKey { namespace: name("team-a"), name: name("pi"), kind: Kind::MpiJob, uid: Uid::new("u") };
        Header { version: VERSION, cluster: ClusterPlace::new("https://a", b""), context: Clean::new("c"), job }
    }

    fn worker_that_ran_out_of_memory() -> PodRow {
        let end = Terminated { reason: Sym::new("OOMKilled"), exit_code: 137, ..Terminated::default() };
        let main = ContainerRow {
            name: Sym::new("main"),
            state: Some(ContainerState::Terminated(end)),
            ..ContainerRow::default()
        };
        PodRow {
            namespace: Sym::new("team-a"),
            name: Name::lossy("pi-worker-0"),
            uid: Uid::new("p"),
            job: Name::lossy("pi"),
            operator: Sym::new("mpi-operator"),
            role: Sym::new("worker"),
            index: Some(0),
            phase: Phase::Failed,
            containers: [main].into(),
            ..PodRow::default()
        }
    }

    #[test]
    fn the_cause_is_still_known_when_its_pod_is_gone_with_the_job() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path().join("r"), Bounds::default());
        let mut writer = records.writer(&header(), at(1)).expect("taken");
        let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("team-a"), Name::lossy("other"), Uid::new("x"));
        let failed = Condition { kind: Sym::new("Failed"), status: Truth::True, ..Condition::default() };
        row.conditions = [failed].into();
        let facts = [Fact::Job(Box::new(row)), Fact::Pod(Box::new(worker_that_ran_out_of_memory()))];
        writer.add(at(2), facts).expect("kept");
        writer.add(at(3), [Fact::PodGone(Uid::new("p")), Fact::Deleted]).expect("kept");
        let path = writer.dir().to_owned();
        let opened = open(&records, path, &Arc::new(Rules::builtin())).expect("read").expect("there");
        assert_eq!(opened.job.key(), header().job, "the record says whose it is, not the row");
        assert!(opened.job.derived.state.is_finished());
        let cause = opened.job.derived.cause.clone().expect("a cause");
        assert!(cause.title.as_str().contains("emory"), "{}", cause.title);
        assert_eq!((opened.job.pods.len(), opened.recorded.deleted), (1, Some(at(3))));
    }

    #[test]
    fn what_was_kept_of_a_log_tells_why() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path().join("r"), Bounds::default());
        let mut writer = records.writer(&header(), at(1)).expect("taken");
        let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("team-a"), Name::lossy("pi"), Uid::new("u"));
        let failed = Condition { kind: Sym::new("Failed"), status: Truth::True, ..Condition::default() };
        row.conditions = [failed].into();
        let mut launcher = worker_that_ran_out_of_memory();
        (launcher.name, launcher.role, launcher.index) = (Name::lossy("pi-launcher-x"), Sym::new("launcher"), None);
        let end = Terminated { reason: Sym::new("Error"), exit_code: 1, ..Terminated::default() };
        launcher.containers[0].state = Some(ContainerState::Terminated(end));
        writer.add(at(2), [Fact::Job(Box::new(row)), Fact::Pod(Box::new(launcher))]).expect("kept");
        let stream = Stream { pod: Name::lossy("pi-launcher-x"), container: Sym::new("main"), run: 0 };
        writer.begin_log(&stream).expect("begun");
        let text = "[1,3]<stderr>:ModuleNotFoundError: No module named 'apex'".to_owned();
        writer.add_log(&stream, &[LogText { at: Some(5), text }], 0).expect("kept");
        let opened =
            open(&records, writer.dir().to_owned(), &Arc::new(Rules::builtin())).expect("read").expect("there");
        let cause = opened.job.derived.cause.clone().expect("a cause");
        assert_eq!((&*cause.class, cause.rank), ("module_missing", Some(3)), "{cause:?}");
    }

    #[test]
    fn a_record_of_hardly_anything_can_be_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path().join("r"), Bounds::default());
        let mut writer = records.writer(&header(), at(1)).expect("taken");
        let cause = Some((Clean::new("The queue is full"), Clean::new("wait")));
        writer.add(at(2), [Fact::Change(Box::new(change(at(2), "Queued", false, cause)))]).expect("kept");
        let opened =
            open(&records, writer.dir().to_owned(), &Arc::new(Rules::builtin())).expect("read").expect("there");
        assert_eq!(opened.job.row.name.as_str(), "pi");
        assert!(opened.object.is_none());
        assert!(open(&records, dir.path().join("none"), &Arc::new(Rules::builtin())).expect("read").is_none());
    }
}
