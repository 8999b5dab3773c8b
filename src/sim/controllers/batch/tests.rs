//! Passes over batch Jobs as older releases keep them.

use super::*;

fn now() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

/// The status that a pass leaves behind, as 1.27 stores it: without the announcement of an end.
fn kept(job: &Value, pods: &[Arc<Value>], counted: &mut Counted) -> Value {
    let mut job = job.clone();
    for write in reconcile(&job.clone(), pods, counted, now()).0 {
        if let Write::Status(_, written) = write {
            job = written;
        }
    }
    if let Some(all) = job.pointer_mut("/status/conditions").and_then(Value::as_array_mut) {
        all.retain(|condition| condition["type"] != "FailureTarget");
    }
    job
}

#[test]
fn a_job_that_is_failing_fails_where_that_is_not_announced() {
    let job = json!({
        "metadata": {"name": "j", "namespace": "ns", "uid": "u"},
        "spec": {"backoffLimit": 2, "template": {"spec": {"restartPolicy": "OnFailure"}}}, "status": {},
    });
    let mut pod = json!({
        "metadata": {"name": "j-x", "namespace": "ns", "uid": "p", "ownerReferences": [{"uid": "u", "controller": true}]},
        "status": {"phase": "Running", "containerStatuses": [{"restartCount": 2}]},
    });
    let mut counted = Counted::default();
    let job = kept(&job, &[Arc::new(pod.clone())], &mut counted);
    pod["metadata"]["deletionTimestamp"] = json!("2026-11-20T08:00:30Z");
    pod["status"]["containerStatuses"] = json!([{"restartCount": 0}]);
    let job = kept(&job, &[Arc::new(pod)], &mut counted);
    assert!(!has_condition(&job, "Failed"), "{job}");
    let job = kept(&job, &[], &mut counted);
    assert_eq!(value::condition(&job, "Failed").map(|c| text(c, "/reason")), Some("BackoffLimitExceeded"), "{job}");
    assert_eq!(int(&job, "/status/active"), None);
}

#[test]
fn a_job_starts_as_many_pods_as_it_may_at_a_time_and_its_first_indexes_first() {
    let made = |spec: Value, pods: &[Arc<Value>]| {
        let mut job = json!({"metadata": {"name": "j", "namespace": "ns", "uid": "u"}, "spec": spec, "status": {}});
        job["spec"]["template"] = json!({"spec": {"restartPolicy": "Never"}});
        let (writes, _) = reconcile(&job, pods, &mut Counted::default(), now());
        let index = |write: Write| match write {
            Write::Create { object, .. } => Some(value::label(&object, INDEX).to_owned()),
            _ => None,
        };
        writes.into_iter().filter_map(index).collect::<Vec<_>>()
    };
    let pod = |index: &str, phase: &str| {
        Arc::new(json!({
            "metadata": {
                "name": format!("j-{index}"), "namespace": "ns", "uid": index, "labels": {INDEX: index},
                "ownerReferences": [{"uid": "u", "controller": true}],
            },
            "status": {"phase": phase},
        }))
    };
    let indexed = json!({"completionMode": "Indexed", "completions": 2_000_000_000_i64, "parallelism": 4});
    assert_eq!(made(indexed.clone(), &[]), ["0", "1", "2", "3"]);
    let pods = [pod("0", "Running"), pod("2", "Running")];
    assert_eq!(made(indexed, &pods), ["1", "3"]);
    let many = json!({"completions": 2_000_000_000_i64, "parallelism": 2_000_000_000_i64});
    assert_eq!(made(many, &[]).len(), 500);
}
