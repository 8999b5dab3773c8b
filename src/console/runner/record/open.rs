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
        records::{Change, Record, Records},
    },
    jobs::{
        JobRow, Name,
        causes::Rules,
        fleet::{Batch, Fleet, ListKey, ListOf, Row},
        state::{Cause, Derived},
    },
};

/// Reads the record in a directory. Blocking. `None`: there is none.
pub(super) fn open(records: &Records, dir: PathBuf, rules: Arc<Rules>) -> Result<Option<Box<Opened>>, DiskProblem> {
    let Some(record) = records.read(&dir)? else { return Ok(None) };
    // A log that can't be read is no reason to hide the rest.
    let lines = records.logs_in(&dir).map_or(0, |logs| logs.iter().map(|log| log.lines.len()).sum());
    Ok(Some(Box::new(opened(record, dir, lines, rules))))
}

fn opened(record: Record, dir: PathBuf, lines: usize, rules: Arc<Rules>) -> Opened {
    let recorded = Recorded {
        dir,
        begun: record.begun,
        last: record.last,
        deleted: record.deleted,
        manifest: record.manifest.as_ref().map(|(at, _)| *at),
        lines,
        unreadable: record.unreadable,
    };
    let job = kept(&record, rules);
    let object = record.manifest.map(|(_, manifest)| manifest.object);
    Opened { job, object, events: record.events, recorded: Arc::new(recorded) }
}

fn kept(record: &Record, rules: Arc<Rules>) -> Kept {
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
    let mut fleet = Fleet::new(rules);
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
    fleet.settle(record.last);
    let mut job = Kept::of(&fleet, key).unwrap_or_else(|| Kept {
        row,
        derived: Arc::new(Derived::unsettled()),
        pods: Vec::new(),
        warnings: Vec::new(),
        workload: record.workload.clone(),
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
        disk::records::{Bounds, ClusterPlace, Fact, Header, VERSION, change},
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
        let opened = open(&records, path, Arc::new(Rules::builtin())).expect("read").expect("there");
        assert_eq!(opened.job.key(), header().job, "the record says whose it is, not the row");
        assert!(opened.job.derived.state.is_finished());
        let cause = opened.job.derived.cause.clone().expect("a cause");
        assert!(cause.title.as_str().contains("emory"), "{}", cause.title);
        assert_eq!((opened.job.pods.len(), opened.recorded.deleted), (1, Some(at(3))));
    }

    #[test]
    fn a_record_of_hardly_anything_can_be_shown() {
        let dir = tempfile::tempdir().expect("a directory");
        let records = Records::new(dir.path().join("r"), Bounds::default());
        let mut writer = records.writer(&header(), at(1)).expect("taken");
        let cause = Some((Clean::new("The queue is full"), Clean::new("wait")));
        writer.add(at(2), [Fact::Change(Box::new(change(at(2), "Queued", false, cause)))]).expect("kept");
        let opened = open(&records, writer.dir().to_owned(), Arc::new(Rules::builtin())).expect("read").expect("there");
        assert_eq!(opened.job.row.name.as_str(), "pi");
        assert!(opened.object.is_none());
        assert!(open(&records, dir.path().join("none"), Arc::new(Rules::builtin())).expect("read").is_none());
    }
}
