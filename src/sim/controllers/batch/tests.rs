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
