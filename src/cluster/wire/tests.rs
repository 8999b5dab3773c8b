use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jobs::{
    kind::Kind,
    row::{ContainerState, EventRow, JobRow, Phase, PodRow, Truth, WorkloadRow},
    text::{Name, Sym},
    time::Secs,
};

const MPI: ListOf = ListOf::Jobs(Kind::MpiJob);

fn job(of: ListOf, object: &Value) -> JobRow {
    match row(of, &object.to_string()) {
        Row::Job(job) => job,
        other => panic!("{other:?}"),
    }
}

fn pod(object: &Value) -> PodRow {
    match row(ListOf::Pods, &object.to_string()) {
        Row::Pod(pod) => pod,
        other => panic!("{other:?}"),
    }
}

#[test]
fn gpus_of_every_maker_are_counted_with_their_name() {
    for resource in ["nvidia.com/gpu", "amd.com/gpu", "habana.ai/gaudi", "nvidia.com/mig-1g.5gb"] {
        let of = |amount: &str| json!({"name": "w", "resources": {"limits": {resource: amount, "cpu": "1"}}});
        let row = pod(&json!({
            "metadata": {"name": "t-worker-0", "namespace": "nlp", "uid": "u"},
            "spec": {"containers": [of("6"), of("2")]},
        }));
        assert_eq!((row.requests.gpus, row.requests.gpu_resource), (8, Some(Sym::new(resource))));
    }
}

fn event(object: &Value) -> EventRow {
    match row(ListOf::Warnings, &object.to_string()) {
        Row::Event(event) => event,
        other => panic!("{other:?}"),
    }
}

fn mpijob(name: &str) -> Value {
    json!({
        "metadata": {
            "name": name, "namespace": "team-a", "uid": "70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed",
            "resourceVersion": "42", "creationTimestamp": "2026-11-20T08:11:12Z",
            "labels": {"kueue.x-k8s.io/queue-name": "gpu", "owner": "eva"},
            "annotations": {"note": "a\"quote"}
        },
        "spec": {
            "slotsPerWorker": 8,
            "runPolicy": {"cleanPodPolicy": "Running", "backoffLimit": 3, "suspend": true},
            "mpiReplicaSpecs": {
                "Worker": {"replicas": 4, "template": {"spec": {"containers": [
                    {"name": "w", "image": "img:1", "resources": {
                        "limits": {"nvidia.com/gpu": 8, "cpu": "96", "memory": "900Gi"}, "requests": {"cpu": "90500m"}}},
                    {"name": "side", "image": "s"}
                ]}}},
                "Launcher": {"restartPolicy": "Never", "template": {"spec": {"containers": [{"name": "l", "image": "img:1"}]}}}
            }
        },
        "status": {
            "startTime": "2026-11-20T08:11:13Z",
            "conditions": [{"type": "Created", "status": "True", "reason": "MPIJobCreated", "message": "ok", "lastTransitionTime": "2026-11-20T08:11:13Z"}],
            "replicaStatuses": {"Launcher": {"active": 1}, "Worker": {"failed": 2}}
        }
    })
}

#[test]
fn an_mpijob_by_values() {
    let row = job(MPI, &mpijob("train"));
    assert_eq!(
        (row.name.as_str(), row.namespace.as_str(), row.created),
        ("train", "team-a", Secs::parse("2026-11-20T08:11:12Z").expect("a time"))
    );
    assert_eq!((row.queue, row.creator), (Some(Sym::new("gpu")), Some(Sym::new("eva"))));
    assert_eq!((row.suspend, row.slots, row.policy.backoff_limit), (true, Some(8), Some(3)));
    let roles: Vec<_> = row.replicas.iter().map(|r| (r.role.as_str(), r.replicas)).collect();
    assert_eq!(roles, [("Launcher", None), ("Worker", Some(4))], "in the kind's order");
    let each = &row.replicas[1].each;
    assert_eq!((each.gpus, each.cpu_milli, each.memory), (8, 90_500, 900 << 30));
    assert_eq!(each.gpu_resource, Some(Sym::new("nvidia.com/gpu")));
    assert_eq!(row.conditions[0].status, Truth::True);
    assert_eq!((row.counts[1].role.as_str(), row.counts[1].failed), ("Worker", 2));
    assert_eq!(row.warning, None);
}

#[test]
fn a_trainjob_by_values() {
    let row = job(
        ListOf::Jobs(Kind::TrainJob),
        &json!({"metadata": {"name": "t", "namespace": "n", "uid": "u"},
            "spec": {"suspend": false, "managedBy": "trainer.kubeflow.org/trainjob-controller", "activeDeadlineSeconds": 60,
                "runtimeRef": {"name": "deepspeed-distributed"},
                "trainer": {"numNodes": 2, "numProcPerNode": "4", "image": "i", "resourcesPerNode": {"limits": {"nvidia.com/gpu": "4"}}}},
            "status": {"jobsStatus": [{"name": "node", "ready": 1, "active": 2, "failed": 0, "succeeded": 0, "suspended": 0}]}}),
    );
    assert_eq!(
        (row.replicas[0].role.as_str(), row.replicas[0].replicas, row.replicas[0].each.gpus),
        ("node", Some(2), 4)
    );
    assert_eq!((row.slots, row.policy.deadline), (Some(4), Some(60)));
    assert_eq!(row.policy.runtime, Some(Sym::new("deepspeed-distributed")));
    assert_eq!((row.counts[0].active, row.counts[0].ready), (2, 1));
}

fn labelled(name: &str, labels: &Value) -> PodRow {
    pod(&json!({"metadata": {"name": name, "namespace": "n", "uid": "u", "labels": labels}}))
}

#[test]
fn a_pods_place_comes_from_its_name_where_labels_are_shifted() {
    let labels = |role: &str, index: &str| {
        json!({"training.kubeflow.org/job-name": "a-worker-b", "training.kubeflow.org/operator-name": "mpi-operator",
            "training.kubeflow.org/job-role": role, "training.kubeflow.org/replica-index": index})
    };
    let worker = labelled("a-worker-b-worker-3", &labels("worker", "4"));
    assert_eq!((worker.job.as_str(), worker.role.as_str(), worker.index), ("a-worker-b", "worker", Some(3)));
    assert_eq!(labelled("a-worker-b-launcher-x7k2p", &labels("launcher", "0")).index, Some(0));
    let jobset = labelled(
        "t-node-0-5-abcde",
        &json!({"jobset.sigs.k8s.io/jobset-name": "t", "jobset.sigs.k8s.io/replicatedjob-name": "node",
            "jobset.sigs.k8s.io/job-index": "0", "jobset.sigs.k8s.io/restart-attempt": "2",
            "batch.kubernetes.io/job-completion-index": "5"}),
    );
    assert_eq!((jobset.job.as_str(), jobset.operator.as_str(), jobset.role.as_str()), ("t", "jobset", "node"));
    assert_eq!((jobset.index, jobset.attempt), (Some(5), 2));
}

#[test]
fn a_pods_status_by_values() {
    let row = pod(&json!({
        "metadata": {"name": "j-worker-0", "namespace": "n", "uid": "u", "ownerReferences": [
            {"kind": "Other", "name": "x", "uid": "1"}, {"kind": "MPIJob", "name": "j", "uid": "2", "controller": true}]},
        "spec": {"nodeName": "node-1", "initContainers": [{"name": "i"}], "containers": [{"name": "w", "image": "img"}]},
        "status": {"phase": "Running", "conditions": [
                {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/8 nodes"},
                {"type": "DisruptionTarget", "status": "True", "reason": "PreemptionByScheduler"},
                {"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "w", "ready": true, "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off\u{1b}[0m"}},
                "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-20T08:00:00Z"}}}]}
    }));
    assert_eq!(row.owner.as_ref().map(|o| o.name.as_str()), Some("j"));
    assert_eq!((row.phase, row.ready, row.disruption), (Phase::Running, true, Some(Sym::new("PreemptionByScheduler"))));
    assert_eq!(row.unscheduled.as_ref().map(|u| u.0.as_str()), Some("Unschedulable"));
    assert!(row.containers[0].init && row.containers[0].state.is_none());
    let container = &row.containers[1];
    assert_eq!(container.last.as_ref().map(|t| (t.exit_code, t.reason.as_str())), Some((137, "OOMKilled")));
    assert!(
        matches!(&container.state, Some(ContainerState::Waiting { message, .. }) if message.as_str() == "back-off?[0m")
    );
    assert_eq!((container.restarts, container.ready), (2, true));
}

#[test]
fn events_of_both_apis() {
    let old =
        event(&json!({"metadata": {"name": "e", "namespace": "n", "uid": "1"}, "type": "Warning", "reason": "BackOff",
        "involvedObject": {"kind": "Pod", "name": "p", "uid": "9"}, "count": 7, "source": {"component": "kubelet"},
        "firstTimestamp": "2026-11-20T08:00:00Z", "lastTimestamp": "2026-11-20T09:00:00Z"}));
    assert_eq!((old.count, old.last.since(old.first), old.source.as_str(), old.warning), (7, 3600, "kubelet", true));
    let new = event(
        &json!({"metadata": {"name": "e", "namespace": "n", "uid": "1"}, "type": "Normal", "reason": "Scheduled",
        "involvedObject": {"kind": "Pod", "name": "p"}, "count": null, "firstTimestamp": null, "lastTimestamp": null,
        "eventTime": "2026-11-20T08:00:00.123456Z", "reportingComponent": "default-scheduler",
        "series": {"count": 3, "lastObservedTime": "2026-11-20T08:00:10.5Z"}}),
    );
    assert_eq!(
        (new.count, new.last.since(new.first), new.source.as_str(), new.warning),
        (3, 10, "default-scheduler", false)
    );
}

#[test]
fn a_workload_by_values() {
    let object = json!({"metadata": {"name": "w", "namespace": "n", "uid": "1", "labels": {"kueue.x-k8s.io/job-uid": "70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed"}},
        "spec": {"queueName": "q", "active": false, "priority": -5},
        "status": {"admission": {"clusterQueue": "cq"}, "requeueState": {"count": 2}, "conditions": [{"type": "QuotaReserved", "status": "False", "reason": "Pending"}]}});
    let Row::Workload(WorkloadRow { job_uid, active, priority, cluster_queue, requeues, conditions, .. }) =
        row(ListOf::Workloads, &object.to_string())
    else {
        panic!("not a workload")
    };
    assert_eq!((active, priority, requeues, conditions.len()), (false, -5, 2, 1));
    assert_eq!(
        (job_uid, cluster_queue),
        (Some(Uid::new("70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed")), Some(Sym::new("cq")))
    );
}

#[test]
fn a_workload_of_the_older_version_by_values() {
    let object = json!({"apiVersion": "kueue.x-k8s.io/v1beta1", "kind": "Workload",
        "metadata": {"name": "w", "namespace": "n", "uid": "1", "ownerReferences": [
            {"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": "j", "uid": "the-job", "controller": true}]},
        "spec": {"queueName": "q", "priority": 10, "priorityClassName": "high", "priorityClassSource": "kueue.x-k8s.io/workloadpriorityclass",
            "podSets": [{"name": "launcher", "count": 1}, {"name": "worker", "count": 4}]},
        "status": {"admission": {"clusterQueue": "cq", "podSetAssignments": [{"name": "worker", "flavors": {"nvidia.com/gpu": "a100"}, "count": 4}]},
            "conditions": [{"type": "QuotaReserved", "status": "True", "reason": "QuotaReserved", "message": "Quota reserved in ClusterQueue cq", "lastTransitionTime": "2026-11-20T08:00:00Z"},
                {"type": "Admitted", "status": "True", "reason": "Admitted", "lastTransitionTime": "2026-11-20T08:00:00Z"}]}});
    let Row::Workload(row) = row(ListOf::Workloads, &object.to_string()) else { panic!("not a workload") };
    assert_eq!(row.job_uid, Some(Uid::new("the-job")), "by its owner, where there is no label");
    assert_eq!((row.queue.as_str(), row.active, row.priority), ("q", true, 10));
    assert_eq!(row.cluster_queue, Some(Sym::new("cq")));
    assert_eq!(row.is("Admitted").and_then(|c| c.since), Secs::parse("2026-11-20T08:00:00Z"));
}

/// Each breaks an object in a way of its own; the word is in the warning.
fn malformed() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("/metadata/labels", json!("x"), "metadata.labels is a text"),
        ("/metadata/labels", json!({"a": 5}), "metadata.labels.a is a number"),
        ("/spec/slotsPerWorker", json!([1]), "another type"),
        ("/spec/mpiReplicaSpecs", json!([]), "spec.mpiReplicaSpecs is a list"),
        ("/spec/mpiReplicaSpecs/Worker/replicas", json!("four"), "spec.mpiReplicaSpecs.Worker.replicas is a text"),
        ("/spec", json!(17), "spec is a number"),
        ("/status", json!("Running"), "status is a text"),
        ("/status", json!([[[]], {"x": 1}]), "status is a list"),
        ("/status/conditions", json!({"a": {}}), "status.conditions is an object"),
        ("/status/conditions", json!([5]), "status.conditions[0] is a number"),
        ("/status/conditions/0/status", json!(true), "status.conditions[0].status is true or false"),
        ("/status/replicaStatuses/Worker/failed", json!("2"), "status.replicaStatuses.Worker.failed is a text"),
        ("/status/conditions/0/reason", Value::Null, "condition Created has no reason"),
    ]
}

#[test]
fn a_malformed_object_is_one_row_with_a_warning() {
    for (place, junk, word) in malformed() {
        let mut bad = mpijob("bad");
        *bad.pointer_mut(place).expect("a place") = junk;
        let body =
            json!({"metadata": {"resourceVersion": "7", "continue": "c"}, "items": [mpijob("a"), bad, mpijob("z")]});
        let page = page(MPI, body.to_string().as_bytes()).expect("a page");
        assert_eq!((page.resource_version.as_str(), page.next.as_str(), page.rows.len()), ("7", "c", 3), "{place}");
        let warnings: Vec<_> = page
            .rows
            .iter()
            .map(|r| match r {
                Row::Job(job) => (job.name.as_str().to_owned(), job.warning.as_ref().map(|w| w.as_str().to_owned())),
                other => panic!("{other:?}"),
            })
            .collect();
        assert!(warnings[0].1.is_none() && warnings[2].1.is_none(), "{warnings:?}");
        assert_eq!(warnings[1].0, "bad");
        let warned = warnings[1].1.as_deref().unwrap_or_default();
        assert!(warned.contains(word), "{place}: {warned}");
    }
}

#[test]
fn nulls_are_nothing_wrong() {
    let row = job(
        MPI,
        &json!({"metadata": {"name": "n", "namespace": "x", "labels": null, "annotations": null}, "spec": null, "status": null}),
    );
    assert_eq!((row.warning, row.uid), (None, Uid::Other("x/n".into())));
    let empty = page(MPI, br#"{"metadata":{"resourceVersion":"1"},"items":null}"#).expect("a page");
    assert!(empty.rows.is_empty());
}

#[test]
fn double_keys_and_deep_junk_concern_one_row() {
    let mut deep = String::new();
    for _ in 0..500 {
        deep.push('[');
    }
    for _ in 0..500 {
        deep.push(']');
    }
    let good = mpijob("good");
    let double = r#"{"metadata":{"name":"double","namespace":"n","uid":"u"},"spec":{},"spec":{"suspend":true}}"#;
    let mut body = String::from(r#"{"metadata":{"resourceVersion":"1"},"items":["#);
    write!(body, r#"{good},{double},{{"metadata":{{"name":"deep","namespace":"n"}},"status":{deep}}}]}}"#)
        .expect("a text");
    let page = page(MPI, body.as_bytes()).expect("a page");
    let rows: Vec<_> = page
        .rows
        .iter()
        .map(|r| if let Row::Job(j) = r { (j.name.clone(), j.warning.is_some(), j.suspend) } else { panic!() })
        .collect();
    let name = |n: &str| Name::new(n).expect("a name");
    assert_eq!(rows, [(name("good"), false, true), (name("double"), true, true), (name("deep"), true, false)]);
}

#[test]
fn broken_json_is_an_error_and_not_an_empty_list() {
    assert!(page(MPI, b"<html>").is_err());
    assert!(page(MPI, b"{}").is_err());
    assert!(page(MPI, br#"{"kind":"Status","metadata":{},"code":200}"#).is_err());
    assert!(page(MPI, br#"{"metadata":{},"items":[]}"#).is_err());
    assert!(page(MPI, br#"{"metadata":{},"items":[{"metadata":"#).is_err());
}

#[test]
fn lines_of_a_watch() {
    let line = |kind: &str, object: &Value| json!({"type": kind, "object": object}).to_string();
    let of = |text: String| seen(MPI, text.as_bytes()).expect("a line");
    assert!(matches!(of(line("ADDED", &mpijob("a"))), Seen::Upsert(_, v) if v == "42"));
    assert!(matches!(of(line("DELETED", &mpijob("a"))), Seen::Removed(Uid::Uuid(_), v) if v == "42"));
    assert!(
        matches!(of(line("BOOKMARK", &json!({"metadata": {"resourceVersion": "99"}}))), Seen::Bookmark(v) if v == "99")
    );
    assert!(matches!(of(line("ERROR", &json!({"code": 410}))), Seen::Failed(body) if body == br#"{"code":410}"#));
    assert!(matches!(of(line("LATER", &json!({}))), Seen::Other));
    assert!(seen(MPI, b"{\"type\":\"ADDED\",\"obj").is_err());
}

#[test]
fn a_gang_of_either_scheduler_is_read() {
    use crate::jobs::gang::GangRow;
    let said = "3/10 tasks in gang unschedulable: pod group is not ready, 10 Pending, 10 minAvailable";
    let volcano = json!({"metadata": {"name": "train", "namespace": "nlp", "ownerReferences":
            [{"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "name": "train", "uid": "u-1", "controller": true}]},
        "spec": {"minMember": 10, "queue": "gpu", "minResources": {"cpu": "3"}},
        "status": {"phase": "Inqueue", "running": 2, "conditions": [{"type": "Unschedulable", "status": "True",
            "reason": "NotEnoughResources", "message": said, "lastTransitionTime": "2026-11-20T08:00:00Z", "transitionID": "x"}]}});
    let plugins = json!({"metadata": {"name": "tune", "namespace": "nlp"}, "spec": {"minMember": 3, "scheduleTimeoutSeconds": 60},
        "status": {"phase": "Scheduling", "occupiedBy": "nlp/tune", "succeeded": 1, "failed": 1}});
    let body =
        json!({"metadata": {}, "items": [volcano, plugins, {"spec": {"minMember": "x"}, "status": 7}]}).to_string();
    let rows = <GangRow as slim::Slim>::page(body.as_bytes()).expect("a page").rows;
    let [first, second, odd] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((first.phase.as_str(), first.least, first.pods), ("Inqueue", 10, [2, 0, 0]));
    assert_eq!((first.queue.as_ref().map(Sym::as_str), first.owner.clone()), (Some("gpu"), Some(Uid::new("u-1"))));
    assert_eq!(first.says().map(|c| c.message.as_str()), Some(said));
    assert_eq!((second.phase.as_str(), second.least, second.pods, second.says()), ("Scheduling", 3, [0, 1, 1], None));
    assert_eq!((odd.least, odd.phase.as_str()), (0, ""));
}

fn junk() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("[a-zA-Z/]{0,8}", inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    /// Whatever is put wherever we read: the page has all its rows, and the others are as they were.
    #[test]
    fn no_junk_empties_a_page(junk in junk(), place in 0..9usize) {
        let places = ["/metadata/labels", "/metadata/name", "/metadata/uid", "/spec", "/status", "/spec/runPolicy",
            "/status/conditions", "/spec/mpiReplicaSpecs/Worker/template/spec/containers", "/status/replicaStatuses"];
        let mut bad = mpijob("bad");
        *bad.pointer_mut(places[place]).expect("a place") = junk;
        let body = json!({"metadata": {"resourceVersion": "7"}, "items": [mpijob("a"), bad]}).to_string();
        let rows = page(MPI, body.as_bytes()).expect("a page").rows;
        prop_assert_eq!(rows.len(), 2);
        let Row::Job(first) = &rows[0] else { panic!("not a job") };
        prop_assert_eq!(first, &job(MPI, &mpijob("a")));
    }
}

#[test]
fn however_a_line_is_written_it_is_read_the_same() {
    let pod = r#"{"metadata":{"name":"p","namespace":"n","uid":"u","resourceVersion":"7"}}"#;
    let odd = r#"{"metadata":{"name":"p","namespace":"n","uid":"u","resourceVersion":"7"},"status":{"phase":[1]}}"#;
    let read = |line: String| match seen(ListOf::Pods, line.as_bytes()) {
        Ok(Seen::Upsert(row, version)) => format!("{row:?} {version}"),
        other => format!("{other:?}"),
    };
    for object in [pod, odd] {
        let usual = read(format!(r#"{{"type":"MODIFIED","object":{object}}}"#));
        assert!(usual.starts_with("Pod("), "{usual}");
        assert_eq!(read(format!(r#"{{"object":{object},"type":"MODIFIED"}}"#)), usual);
        assert_eq!(read(format!(r#"{{ "type": "MODIFIED", "object": {object} }}"#)), usual);
        assert_eq!(read(format!(r#"{{"type":"MODIFIED","object":{object},"more":{{}}}}"#)), usual);
        assert!(read(format!(r#"{{"type":"MODIFIED","object":{object}"#)).contains("Err"), "a line that was cut");
    }
    assert!(!read(format!(r#"{{"type":"ADDED","object":{pod}}}"#)).contains("warning: Some"), "nothing is left over");
}

#[test]
fn what_a_training_program_tells_of_itself_is_read_from_annotation_or_status() {
    let mut object = mpijob("a");
    let percent = |object: &Value| job(MPI, object).progress.and_then(|progress| progress.share);
    object["status"]["trainerStatus"] = json!({"progressPercentage": 30, "metrics": [{"name": "loss", "value": "1"}]});
    assert_eq!(percent(&object), Some(0.3));
    let note = json!({"progressPercentage": 45, "currentStep": 9}).to_string();
    object["metadata"]["annotations"]["trainer.opendatahub.io/trainerStatus"] = json!(note);
    assert_eq!(percent(&object), Some(0.45), "the annotation goes before");
    for odd in [json!("{"), json!("[]"), json!(7)] {
        object["metadata"]["annotations"]["trainer.opendatahub.io/trainerStatus"] = odd;
        object["status"]["trainerStatus"] = json!(["odd"]);
        assert_eq!(percent(&object), None);
    }
}
