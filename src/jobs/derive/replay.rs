//! Replays what the real operator did (recorded on a real API server, `tests/data/recorded`) and checks the state at
//! every step.

use std::{fmt::Write as _, fs, path::Path, sync::Arc};

use serde_json::Value;

use crate::jobs::{
    Kind,
    causes::Rules,
    fleet::{Batch, Fleet, ListKey, ListOf, Row},
    row::{
        Condition, ContainerRow, ContainerState, EventRow, JobRow, Owner, Phase, PodRow, ReplicaCount, ReplicaSpec,
        Requests, Terminated, Truth,
    },
    text::{Clean, Name, Sym, Uid},
    time::Secs,
};

const START: u32 = 1_800_000_000;

/// The states that a recording goes through, each with the second it begins and what of the cause is shown.
fn states(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/recorded/{name}.jsonl"));
    let text = fs::read_to_string(path).expect("a recording");
    let mut fleet = Fleet::new(Arc::new(Rules::builtin()));
    let (mut manifest, mut made, mut before, mut out) = (Value::Null, Secs(START), String::new(), String::new());
    for line in text.lines() {
        let line: Value = serde_json::from_str(line).expect("JSON");
        if !line["manifest"].is_null() {
            manifest = line["manifest"].clone();
            continue;
        }
        let seconds = line["t"].as_f64().expect("a time");
        let now = Secs(START + seconds as u32);
        if line["object"] == "mpijob" && line["change"] == "ADDED" {
            made = now;
        }
        if let Some(batch) = batch(&manifest, &line, now, made) {
            fleet.apply(batch);
        }
        fleet.settle(now);
        let shown = fleet.jobs().next().map_or_else(
            || "gone".to_owned(),
            |job| {
                let (derived, leak) = (&job.derived, job.derived.leaked_gpus);
                let cause = derived.cause.as_ref().map_or_else(String::new, |cause| format!(": {}", cause.title));
                let disagrees = if derived.disagrees { format!(" [{}]", derived.reported) } else { String::new() };
                let leak = if leak > 0 { format!(" leaks {leak}") } else { String::new() };
                format!("{}{disagrees}{leak}{cause}", derived.state)
            },
        );
        if shown != before {
            writeln!(out, "{seconds} {shown}").expect("memory");
            before = shown;
        }
    }
    out
}

fn batch(manifest: &Value, line: &Value, now: Secs, made: Secs) -> Option<Batch> {
    let object = line["object"].as_str()?;
    let job = manifest["metadata"]["name"].as_str()?;
    let (of, row) = match object.split_once(' ') {
        None if object == "mpijob" => (ListOf::Jobs(Kind::MpiJob), Row::Job(job_row(manifest, line, now, made))),
        None if object == "event" => (ListOf::Warnings, Row::Event(event_row(line, now))),
        Some(("pod", name)) => (ListOf::Pods, Row::Pod(pod_row(manifest, job, name, line, now))),
        _ => return None,
    };
    let mut batch = Batch::new(ListKey { of, namespace: None });
    match (&row, line["change"] == "DELETED") {
        (Row::Job(row), true) => batch.removals.push(row.uid.clone()),
        (Row::Pod(row), true) => batch.removals.push(row.uid.clone()),
        _ => batch.upserts.push(row),
    }
    Some(batch)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().map(|n| n as u32)
}

fn job_row(manifest: &Value, line: &Value, now: Secs, made: Secs) -> JobRow {
    let (spec, name) = (&manifest["spec"], text(&manifest["metadata"]["name"]));
    let policy = &spec["runPolicy"];
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy("rec"), Name::lossy(name), Uid::new(name));
    row.created = made;
    row.deleting = (line["deleting"] == true).then_some(now);
    row.suspend = line["suspend"].as_bool().unwrap_or(false);
    row.managed_by = policy["managedBy"].as_str().map(Sym::new);
    row.policy.backoff_limit = number(&policy["backoffLimit"]);
    row.policy.clean_pods = policy["cleanPodPolicy"].as_str().map(Sym::new);
    row.policy.deadline = number(&policy["activeDeadlineSeconds"]);
    let role = |role: &str, replicas| ReplicaSpec {
        role: Sym::new(role),
        replicas,
        restart_policy: None,
        image: None,
        each: Requests::default(),
    };
    row.replicas = Box::new([role("Launcher", Some(1)), role("Worker", number(&line["workers"]))]);
    let conditions = line["conditions"].as_array().map_or(&[][..], Vec::as_slice);
    row.conditions = conditions
        .iter()
        .map(|c| Condition {
            kind: Sym::new(text(&c[0])),
            status: if c[1] == "True" { Truth::True } else { Truth::False },
            reason: Sym::new(text(&c[2])),
            message: Clean::new(text(&c[3])),
            since: Some(now),
        })
        .collect();
    let counts = line["replicaStatuses"].as_object().into_iter().flatten();
    row.counts = counts
        .map(|(role, count)| ReplicaCount {
            role: Sym::new(role),
            active: number(&count["active"]).unwrap_or(0),
            succeeded: number(&count["succeeded"]).unwrap_or(0),
            failed: number(&count["failed"]).unwrap_or(0),
            ready: 0,
        })
        .collect();
    row.started = (!line["startTime"].is_null()).then_some(made);
    row.completed = (!line["completionTime"].is_null()).then_some(now);
    row
}

fn pod_row(manifest: &Value, job: &str, name: &str, line: &Value, now: Secs) -> PodRow {
    let worker = name.strip_prefix(job).and_then(|rest| rest.strip_prefix("-worker-"));
    let (role, owner) = if worker.is_some() { ("Worker", "MPIJob") } else { ("Launcher", "Job") };
    let template = &manifest["spec"]["mpiReplicaSpecs"][role]["template"]["spec"]["containers"][0];
    let scheduled = &line["scheduled"];
    let containers = line["containers"].as_array().map_or(&[][..], Vec::as_slice);
    let containers: Box<[ContainerRow]> = containers.iter().map(|c| container(template, c)).collect();
    PodRow {
        namespace: Sym::new("rec"),
        name: Name::lossy(name),
        uid: Uid::new(name),
        // A recording doesn't tell creation times; a pod is never made before it is first seen.
        created: created(name, now),
        deleting: (line["deleting"] == true).then_some(now),
        job: Name::lossy(job),
        operator: Sym::new("mpi-operator"),
        role: Sym::new(&role.to_lowercase()),
        index: worker.and_then(|index| index.parse().ok()),
        owner: Some(Owner { kind: Sym::new(owner), name: Name::lossy(job), uid: Uid::new(&owner_uid(owner, job)) }),
        node: line["node"].as_str().map(|_| Sym::new("node-1")),
        phase: match text(&line["phase"]) {
            "Running" => Phase::Running,
            "Succeeded" => Phase::Succeeded,
            "Failed" => Phase::Failed,
            _ => Phase::Pending,
        },
        reason: line["reason"].as_str().map(Sym::new),
        message: line["message"].as_str().map(Clean::new),
        unscheduled: (scheduled[0] == "False")
            .then(|| (Sym::new(text(&scheduled[1])), Clean::new(text(&scheduled[2])))),
        ready: containers.iter().any(|c| c.ready),
        requests: Requests {
            gpus: template["resources"]["limits"]["nvidia.com/gpu"].as_str().and_then(|n| n.parse().ok()).unwrap_or(0),
            memory_limit: 128 << 20,
            ..Requests::default()
        },
        containers,
        ..PodRow::default()
    }
}

/// Pods are made one after the other; the first sight of each is remembered by its name.
fn created(name: &str, now: Secs) -> Secs {
    use std::{cell::RefCell, collections::HashMap};
    thread_local!(static SEEN: RefCell<HashMap<String, Secs>> = RefCell::default());
    SEEN.with(|seen| *seen.borrow_mut().entry(name.to_owned()).or_insert(now))
}

fn owner_uid(kind: &str, job: &str) -> String {
    if kind == "MPIJob" { job.to_owned() } else { format!("{job}-launcher") }
}

fn container(template: &Value, value: &Value) -> ContainerRow {
    let terminated = |end: &Value| Terminated {
        reason: Sym::new(text(&end["reason"])),
        exit_code: end["exitCode"].as_i64().unwrap_or(0) as i32,
        ..Terminated::default()
    };
    let state = &value["state"];
    ContainerRow {
        name: Sym::new(text(&template["name"])),
        image: Sym::new(text(&template["image"])),
        init: false,
        state: if !state["waiting"].is_null() {
            let waiting = &state["waiting"];
            let (reason, message) = (Sym::new(text(&waiting["reason"])), Clean::new(text(&waiting["message"])));
            Some(ContainerState::Waiting { reason, message })
        } else if !state["terminated"].is_null() {
            Some(ContainerState::Terminated(terminated(&state["terminated"])))
        } else {
            Some(ContainerState::Running(None))
        },
        last: value["last"].get("terminated").map(terminated),
        ready: value["ready"] == true,
        restarts: number(&value["restarts"]).unwrap_or(0) as u16,
    }
}

fn event_row(line: &Value, now: Secs) -> EventRow {
    let (kind, name) = text(&line["on"]).split_once('/').unwrap_or_default();
    let uid = if kind == "Job" { format!("Job/{name}") } else { name.to_owned() };
    EventRow {
        namespace: Sym::new("rec"),
        uid: Uid::new(&format!("{kind}/{name}/{}", text(&line["reason"]))),
        about_kind: Sym::new(kind),
        about_name: Name::lossy(name),
        about_uid: Uid::new(&uid),
        warning: line["type"] == "Warning",
        reason: Sym::new(text(&line["reason"])),
        message: Clean::new(text(&line["message"])),
        count: number(&line["count"]).unwrap_or(1),
        first: now,
        last: now,
        source: Sym::new(text(&line["from"])),
    }
}

/// `states.txt` is what the code says, checked by hand against each recording: a change of it has to be, too.
/// `MPIDECK_BLESS=1` writes it anew.
#[test]
fn every_recording_goes_through_its_states() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/recorded");
    let files = fs::read_dir(&folder).expect("recordings").map(|entry| entry.expect("a file").path());
    let mut names: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|ext| ext == "jsonl"))
        .filter_map(|path| Some(path.file_stem()?.to_str()?.to_owned()))
        .collect();
    names.sort();
    assert!(names.len() >= 15, "recordings are missing: {names:?}");
    let all = names.iter().fold(String::new(), |mut all, name| {
        writeln!(all, "== {name}\n{}", states(name)).expect("memory");
        all
    });
    let expected = folder.join("states.txt");
    if std::env::var_os("MPIDECK_BLESS").is_some() {
        fs::write(&expected, &all).expect("written");
    }
    let expected = fs::read_to_string(expected).expect("states.txt");
    for (ours, theirs) in all.split("== ").zip(expected.split("== ")) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(all.len(), expected.len());
}
