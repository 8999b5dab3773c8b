use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Stdio,
};

use proptest::prelude::*;
use serde_json::json;

use super::{place::FACTS, *};
use crate::{
    disk::problem::DiskKind,
    jobs::{Clean, EventRow, JobRow, Kind, Name, PodRow, Secs, Sym, Uid, fleet::JobKey},
};

fn header(name: &str) -> Header {
    let key = |n: &str| Name::lossy(n);
    let job =
        JobKey { namespace: key("team-a"), name: key(name), kind: Kind::MpiJob, uid: Uid::new(&format!("uid-{name}")) };
    Header { version: VERSION, cluster: ClusterPlace::new("https://a:6443", b""), context: Clean::new("prod"), job }
}

fn records(dir: &Path) -> Records {
    Records::new(dir.join("records"), Bounds::default())
}

fn pod(n: u32, node: &str) -> Fact {
    let name = Name::lossy(&format!("pi-worker-{n}"));
    let uid = Uid::new(&format!("pod-{n}"));
    Fact::Pod(Box::new(PodRow { name, uid, node: Some(Sym::new(node)), created: Secs(n), ..PodRow::default() }))
}

fn event(n: u32) -> Fact {
    let uid = Uid::new(&format!("event-{n}"));
    Fact::Event(Box::new(EventRow {
        uid,
        message: Clean::new(&format!("message {n}")),
        last: Secs(n),
        ..EventRow::default()
    }))
}

fn changed(at: u32, state: &str) -> Fact {
    Fact::Change(Box::new(change(Secs(at), state, state == "Failed", None)))
}

fn facts(dir: &Path, name: &str) -> PathBuf {
    place::of_job(&dir.join("records"), &header(name).cluster, &header(name).job).join(FACTS)
}

#[test]
fn what_was_kept_comes_back_as_it_was_last() {
    let dir = tempfile::tempdir().expect("a directory");
    let (records, header) = (records(dir.path()), header("pi"));
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("team-a"), Name::lossy("pi"), Uid::new("uid-pi"));
    row.labels = [(Sym::new("a/b"), Sym::new("c"))].into();
    let mut writer = records.writer(&header, Secs(1)).expect("taken");
    writer
        .add(Secs(2), [Fact::Job(Box::new(row.clone())), pod(0, "n1"), pod(1, "n1"), changed(2, "Running")])
        .expect("kept");
    writer.add(Secs(3), [pod(1, "n2"), event(1), changed(3, "Running")]).expect("kept");
    let manifest = KeptManifest { object: json!({"spec": {"a": 1}}), removed: Vec::new() };
    writer.add(Secs(4), [changed(4, "Failed"), Fact::Manifest(Box::new(manifest.clone()))]).expect("kept");
    drop(writer);
    let mut writer = records.writer(&header, Secs(5)).expect("taken again");
    assert_eq!(writer.change().map(|change| change.state.as_str()), Some("Failed"));
    writer.add(Secs(6), [pod(0, "n1"), Fact::PodGone(Uid::new("pod-0")), Fact::Deleted]).expect("kept");
    let record = records.find(&header.cluster, &header.job).expect("read").expect("there");
    assert_eq!((record.begun, record.last, record.deleted), (Secs(1), Secs(6), Some(Secs(6))));
    assert_eq!(record.job, Some(row));
    let pods: Vec<_> = record.pods.iter().map(|p| (p.row.node.as_ref().map(Sym::as_str), p.gone)).collect();
    assert_eq!(pods, [(Some("n1"), Some(Secs(6))), (Some("n2"), None)]);
    let states: Vec<_> = record.changes.iter().map(|c| (c.at.0, c.state.as_str())).collect();
    assert_eq!(states, [(2, "Running"), (4, "Failed")], "what says the same is not kept again");
    assert_eq!((record.manifest, record.events.len()), (Some((Secs(4), manifest)), 1));
    let list = records.list(None).expect("listed");
    assert_eq!((list.len(), list[0].state.as_str(), list[0].finished), (1, "Failed", true));
    assert!(list[0].size > 500);
}

#[test]
fn numbers_take_no_room_of_facts_and_nobody_who_lists_reads_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let (records, header) = (records(dir.path()), header("pi"));
    let mut writer = records.writer(&header, Secs(1)).expect("taken");
    writer.add(Secs(2), [pod(0, "n1"), changed(2, "Failed")]).expect("kept");
    let (before, path) = (fs::read(facts(dir.path(), "pi")).expect("read"), writer.dir().to_owned());
    let series = |pod: u32| KeptSeries {
        pod: Name::lossy(&format!("pi-worker-{pod}")),
        metric: "gpuUtilization".to_owned(),
        values: (0..60).map(|i| (Secs(900 + i * 15), 50.0)).collect(),
    };
    let kept =
        KeptNumbers { step: 15, from: Secs(900), series: (0..300).map(series).collect(), ..KeptNumbers::default() };
    assert_eq!(records.numbers_in(&path), Ok(None));
    assert_eq!(writer.set_numbers(&kept), Ok(true));
    assert_eq!(fs::read(facts(dir.path(), "pi")).expect("read"), before);
    assert_eq!(records.numbers_in(&path).expect("read").map(|back| back.series.len()), Some(300));
    // What can't be read as a record's facts would be counted.
    let record = records.read(&path).expect("read").expect("there");
    assert_eq!((record.pods.len(), record.unreadable), (1, 0));
    let listed = records.list(None).expect("listed");
    assert!(listed[0].size > before.len() as u64, "but it counts as room");
}

#[test]
fn only_its_owner_can_read_it() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir(dir.path().join("records")).expect("made");
    fs::set_permissions(dir.path().join("records"), fs::Permissions::from_mode(0o755)).expect("set");
    let mut writer = records(dir.path()).writer(&header("pi"), Secs(1)).expect("taken");
    writer.add_log(&Stream::default(), &[LogText::default()], 0).expect("kept");
    assert_eq!(writer.set_numbers(&KeptNumbers::default()), Ok(true));
    let mut found = vec![dir.path().join("records")];
    while let Some(path) = found.pop() {
        let meta = fs::metadata(&path).expect("there");
        let want = if meta.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(meta.permissions().mode() & 0o777, want, "{}", path.display());
        if meta.is_dir() {
            found.extend(fs::read_dir(&path).expect("listed").map(|entry| entry.expect("an entry").path()));
        }
    }
}

proptest! {
    #[test]
    fn a_record_torn_anywhere_keeps_every_whole_line(n in 1u32..30, at in any::<prop::sample::Index>()) {
        let dir = tempfile::tempdir().expect("a directory");
        let mut writer = records(dir.path()).writer(&header("pi"), Secs(1)).expect("taken");
        for i in 0..n {
            writer.add(Secs(i), [event(i)]).expect("kept");
        }
        drop(writer);
        let path = facts(dir.path(), "pi");
        let bytes = fs::read(&path).expect("read");
        let first = bytes.iter().position(|b| *b == b'\n').expect("a line") + 1;
        let cut = first + at.index(bytes.len() - first + 1);
        fs::write(&path, &bytes[..cut]).expect("cut");
        let whole = String::from_utf8_lossy(&bytes[first..cut]).matches('\n').count();
        let mut writer = records(dir.path()).writer(&header("pi"), Secs(50)).expect("taken again");
        writer.add(Secs(60), [event(1000)]).expect("kept");
        let record = records(dir.path()).find(&header("pi").cluster, &header("pi").job).expect("read").expect("there");
        prop_assert_eq!((record.events.len(), record.unreadable), (whole + 1, 0));
    }

    #[test]
    fn lines_that_somebody_spoiled_cost_only_themselves(rubbish in proptest::collection::vec(any::<u8>(), 0..200)) {
        let dir = tempfile::tempdir().expect("a directory");
        let mut writer = records(dir.path()).writer(&header("pi"), Secs(1)).expect("taken");
        writer.add(Secs(2), [event(1)]).expect("kept");
        drop(writer);
        let path = facts(dir.path(), "pi");
        let spoiled = [fs::read(&path).expect("read"), rubbish, b"\n".to_vec()].concat();
        fs::write(&path, spoiled).expect("spoiled");
        let mut writer = records(dir.path()).writer(&header("pi"), Secs(3)).expect("taken again");
        writer.add(Secs(4), [event(2)]).expect("kept");
        let record = records(dir.path()).find(&header("pi").cluster, &header("pi").job).expect("read").expect("there");
        prop_assert_eq!(record.events.len(), 2);
    }
}

#[test]
fn a_file_that_says_nothing_is_begun_anew() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = facts(dir.path(), "pi");
    fs::create_dir_all(path.parent().expect("a directory")).expect("made");
    fs::write(&path, "\0\0\0\nrubbish\n").expect("written");
    assert_eq!(records(dir.path()).list(None).expect("listed"), []);
    let mut writer = records(dir.path()).writer(&header("pi"), Secs(1)).expect("taken");
    writer.add(Secs(2), [event(1)]).expect("kept");
    assert_eq!(records(dir.path()).list(None).expect("listed").len(), 1);
}

#[test]
fn facts_are_tidied_up_when_they_have_no_room_and_stay_below_their_bound() {
    let dir = tempfile::tempdir().expect("a directory");
    let bounds = Bounds { job: 200_000, ..Bounds::default() };
    let records = Records::new(dir.path().join("records"), bounds);
    let mut writer = records.writer(&header("pi"), Secs(1)).expect("taken");
    writer.add(Secs(1), [changed(1, "Running")]).expect("kept");
    for i in 0..500 {
        writer.add(Secs(i), [pod(i % 4, &format!("node-{i}"))]).expect("kept");
    }
    let record = records.find(&header("pi").cluster, &header("pi").job).expect("read").expect("there");
    assert!(fs::metadata(facts(dir.path(), "pi")).expect("there").len() <= 50_000);
    let nodes: Vec<_> = record.pods.iter().filter_map(|p| p.row.node.as_ref().map(Sym::as_str)).collect();
    assert_eq!(nodes, ["node-496", "node-497", "node-498", "node-499"]);
    assert_eq!((record.begun, record.changes.len()), (Secs(1), 1));
    let many = (0..300).map(|i| pod(i, "n"));
    let refused = writer.add(Secs(900), many).expect_err("too much");
    assert!(matches!(refused.kind, DiskKind::TooLarge(_)), "{refused}");
}

#[test]
fn the_oldest_go_first_and_never_one_that_is_written() {
    let dir = tempfile::tempdir().expect("a directory");
    let records = Records::new(dir.path().join("records"), Bounds { total: 5_000, job: 1 << 20, age: 1_000 });
    let long = |n| {
        Fact::Event(Box::new(EventRow {
            uid: Uid::new("e"),
            message: Clean::new(&"x".repeat(n)),
            ..EventRow::default()
        }))
    };
    let mut kept = Vec::new();
    for (i, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        let mut writer = records.writer(&header(name), Secs(1)).expect("taken");
        writer.add(Secs(1), [long(1_000)]).expect("kept");
        let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(10_000 + 100 * i as u64);
        for entry in fs::read_dir(writer.dir()).expect("listed") {
            fs::File::options()
                .write(true)
                .open(entry.expect("an entry").path())
                .and_then(|f| f.set_modified(at))
                .expect("set");
        }
        kept.push(writer);
    }
    kept.drain(1..);
    let names = || {
        let mut names: Vec<_> =
            records.list(None).expect("listed").iter().map(|s| s.header.job.name.to_string()).collect();
        names.sort();
        names
    };
    let pruned = prune(&records, Secs(10_350), None).expect("pruned");
    assert_eq!((names(), pruned.busy), (vec!["a".to_owned(), "c".into(), "d".into()], 1), "a is being written");
    let pruned = prune(&records, Secs(11_250), None).expect("pruned");
    assert_eq!((names(), pruned.records), (vec!["a".to_owned(), "d".into()], 1), "c is too old");
    drop(kept);
    assert_eq!(prune(&records, Secs(11_250), Some(0)).expect("pruned").records, 2);
    assert_eq!(fs::read_dir(records.root()).expect("listed").count(), 0);
}

/// Run by [`two_processes_never_write_one_record_and_a_killed_one_loses_nothing`] as another process.
#[test]
fn writes_for_another_test() {
    let Ok(dir) = std::env::var("MPIDECK_TEST_WRITES_RECORD_IN") else { return };
    let mut writer = records(Path::new(&dir)).writer(&header("pi"), Secs(1)).expect("taken");
    for i in 0..u32::MAX {
        writer.add(Secs(i), [event(i % 400)]).expect("kept");
        writer
            .add_log(&Stream::default(), &[LogText { at: Some(i64::from(i)), text: format!("line {i}") }], 0)
            .expect("kept");
    }
}

#[test]
fn two_processes_never_write_one_record_and_a_killed_one_loses_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let exe = std::env::current_exe().expect("this test");
    #[allow(clippy::disallowed_methods, reason = "the second process is this test again")]
    let mut other = std::process::Command::new(exe)
        .args(["--exact", "disk::records::tests::writes_for_another_test", "--nocapture"])
        .env("MPIDECK_TEST_WRITES_RECORD_IN", dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("started");
    let (records, header) = (records(dir.path()), header("pi"));
    let read = || records.find(&header.cluster, &header.job).ok().flatten();
    while read().is_none_or(|record| record.events.len() < 100) {
        assert!(other.try_wait().expect("asked").is_none(), "it ended by itself");
        std::thread::yield_now();
    }
    assert_eq!(records.writer(&header, Secs(9)).map(|_| ()).map_err(|p| p.kind), Err(DiskKind::Busy));
    other.kill().expect("killed");
    other.wait().expect("waited for");
    let before = read().expect("there");
    let mut writer = records.writer(&header, before.last).expect("free again");
    writer.add(before.last, [changed(1, "Failed")]).expect("kept");
    let after = read().expect("there");
    assert_eq!((after.unreadable, after.events, after.changes.len()), (0, before.events, 1));
    let logs = records.logs(&header.cluster, &header.job).expect("read");
    let texts: Vec<_> = logs[0].lines.iter().map(|line| line.text.clone()).collect();
    let want: Vec<_> = (0..texts.len()).map(|i| format!("line {i}")).collect();
    assert_eq!(texts, want, "each line once, in order");
}
