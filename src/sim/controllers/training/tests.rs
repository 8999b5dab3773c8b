use super::*;
use crate::sim::store::resource::{JAXJOBS, PYTORCHJOBS, TFJOBS};

#[expect(clippy::needless_pass_by_value, reason = "what is built on the spot reads better by value")]
fn job(kind: &str, field: &str, roles: Value, policy: Value) -> Value {
    json!({
        "apiVersion": "kubeflow.org/v1", "kind": kind, "metadata": {"name": "j", "namespace": "ns", "uid": "u"},
        "spec": {field: roles, "runPolicy": policy}, "status": {"startTime": "2026-11-20T08:00:00Z"},
    })
}

fn pod(role: &str, index: u32, phase: &str, restarts: i64, exit: Option<i64>) -> Arc<Value> {
    let mut c = json!({"restartCount": restarts});
    if let Some(code) = exit {
        c["state"] = json!({"terminated": {"exitCode": code}});
    }
    Arc::new(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {
            "name": format!("j-{role}-{index}"), "namespace": "ns", "labels": {TYPE: role, INDEX: index.to_string()},
            "ownerReferences": [{"uid": "u", "controller": true}],
        },
        "status": {"phase": phase, "containerStatuses": [c]},
    }))
}

/// The conditions after one look, and the events.
fn looked(resource: &'static Resource, kind: Kind, job: &Value, pods: &[Arc<Value>]) -> (Vec<String>, Vec<String>) {
    let seen = Seen { resource, kind, pods, services: &[] };
    let (writes, _) = reconcile(job, &seen, "2026-11-20T08:01:00Z".parse().unwrap());
    let (mut conditions, mut events) = (Vec::new(), Vec::new());
    for write in writes {
        match write {
            Write::Status(_, job) => {
                let said = |c: &Value| format!("{}={} {}", text(c, "/type"), text(c, "/status"), text(c, "/message"));
                conditions = list(&job, "/status/conditions").iter().map(said).collect();
            }
            Write::Tell(note) => events.push(format!("{} {}", note.kind, note.reason)),
            _ => {}
        }
    }
    (conditions, events)
}

#[test]
fn each_kind_says_it_in_its_own_words() {
    let one = json!({"replicas": 1});
    let tf = job("TFJob", "tfReplicaSpecs", json!({"Chief": one, "Worker": one}), json!({}));
    let (told, _) = looked(&TFJOBS, Kind::TfJob, &tf, &[pod("chief", 0, "Running", 0, None)]);
    assert_eq!(told, ["Created=True TFJob j is created.", "Running=True TFJob ns/j is running."]);
    let torch = job("PyTorchJob", "pytorchReplicaSpecs", json!({"Master": one, "Worker": one}), json!({}));
    let (told, events) = looked(&PYTORCHJOBS, Kind::PyTorchJob, &torch, &[pod("master", 0, "Running", 0, None)]);
    assert_eq!(told[1], "Running=True PyTorchJob j is running.");
    assert!(!events.iter().any(|e| e.contains("Running")), "{events:?}");
    let never = json!({"replicas": 1, "restartPolicy": "Never"});
    let torch = job("PyTorchJob", "pytorchReplicaSpecs", json!({"Master": one, "Worker": never}), json!({}));
    let (told, events) = looked(&PYTORCHJOBS, Kind::PyTorchJob, &torch, &[pod("worker", 0, "Failed", 0, Some(1))]);
    assert_eq!(told[1], "Failed=True PyTorchJob j is failed because 1 Worker replica(s) failed.");
    assert_eq!(events.last().map(String::as_str), Some("Normal PyTorchJobFailed"));
    let (told, _) = looked(&TFJOBS, Kind::TfJob, &tf, &[pod("chief", 0, "Failed", 0, Some(1))]);
    assert_eq!(told[1], "Failed=True TFJob ns/j has failed because 1 Chief replica(s) failed.");
}

#[test]
fn success_is_the_chiefs_the_first_workers_or_all_workers() {
    let two = json!({"Worker": {"replicas": 2}});
    let tf = job("TFJob", "tfReplicaSpecs", two.clone(), json!({}));
    let pods = [pod("worker", 0, "Succeeded", 0, Some(0)), pod("worker", 1, "Running", 0, None)];
    assert_eq!(
        looked(&TFJOBS, Kind::TfJob, &tf, &pods).0.last().unwrap(),
        "Succeeded=True TFJob ns/j successfully completed."
    );
    let mut all = tf.clone();
    all["spec"]["successPolicy"] = json!("AllWorkers");
    assert_eq!(looked(&TFJOBS, Kind::TfJob, &all, &pods).0.last().unwrap(), "Running=True TFJob ns/j is running.");
    let jax = job("JAXJob", "jaxReplicaSpecs", two, json!({}));
    assert_eq!(looked(&JAXJOBS, Kind::JaxJob, &jax, &pods).0.last().unwrap(), "Running=True JAXJob ns/j is running.");
}

#[test]
fn restarts_count_for_the_limit_and_the_deadline_takes_all() {
    let roles = json!({"Master": {"replicas": 1, "restartPolicy": "OnFailure"}});
    let limited = job("PyTorchJob", "pytorchReplicaSpecs", roles.clone(), json!({"backoffLimit": 3}));
    let at =
        |restarts| looked(&PYTORCHJOBS, Kind::PyTorchJob, &limited, &[pod("master", 0, "Running", restarts, None)]).0;
    assert_eq!(at(2).last().unwrap(), "Running=True PyTorchJob j is running.");
    assert_eq!(
        at(3).last().unwrap(),
        "Failed=True Job j has failed because it has reached the specified backoff limit"
    );
    let late = job("PyTorchJob", "pytorchReplicaSpecs", roles, json!({"activeDeadlineSeconds": 30}));
    let (told, _) = looked(&PYTORCHJOBS, Kind::PyTorchJob, &late, &[pod("master", 0, "Running", 0, None)]);
    assert_eq!(
        told.last().unwrap(),
        "Failed=True Job j has failed because it was active longer than specified deadline"
    );
}

#[test]
fn a_failed_replica_is_made_again_unless_it_never_restarts() {
    for (policy, code, again) in [
        ("OnFailure", 1, true),
        ("Always", 1, true),
        ("", 1, true),
        ("ExitCode", 137, true),
        ("ExitCode", 1, false),
        ("Never", 137, false),
    ] {
        let roles = json!({"Master": {"replicas": 1, "restartPolicy": policy}});
        let torch = job("PyTorchJob", "pytorchReplicaSpecs", roles, json!({}));
        let pods = [pod("master", 0, "Failed", 0, Some(code))];
        let (told, events) = looked(&PYTORCHJOBS, Kind::PyTorchJob, &torch, &pods);
        let is = |kind: &str| told.iter().any(|c| c.starts_with(&format!("{kind}=True")));
        assert_eq!((is("Restarting"), is("Failed")), (again, !again), "{policy} {code}: {told:?}");
        assert_eq!(events.iter().any(|e| e == "Normal SuccessfulDeletePod"), again, "{policy} {code}: {events:?}");
    }
    let tf = job("TFJob", "tfReplicaSpecs", json!({"Worker": {"replicas": 1}}), json!({}));
    let (told, _) = looked(&TFJOBS, Kind::TfJob, &tf, &[pod("worker", 0, "Failed", 0, Some(1))]);
    assert!(told.last().unwrap().starts_with("Failed=True"), "{told:?}");
}

#[test]
fn very_many_replicas_are_made_by_and_by() {
    let many = json!({"replicas": 2_000_000_000_i64});
    for (resource, kind, field, roles) in [
        (&PYTORCHJOBS, Kind::PyTorchJob, "pytorchReplicaSpecs", json!({"Master": {"replicas": 1}, "Worker": many})),
        (&TFJOBS, Kind::TfJob, "tfReplicaSpecs", json!({"PS": many, "Worker": many})),
    ] {
        let job = job(kind.info().kind, field, roles, json!({}));
        let at = "2026-11-20T08:01:00Z".parse().unwrap();
        let made = |pods: &[Arc<Value>]| {
            let (writes, _) = reconcile(&job, &Seen { resource, kind, pods, services: &[] }, at);
            let name_of = |write: Write| match write {
                Write::Create { resource, object, .. } if *resource == PODS => Some(name(&object).to_owned()),
                _ => None,
            };
            writes.into_iter().filter_map(name_of).collect::<Vec<_>>()
        };
        let first = made(&[]);
        assert_eq!(first.len(), IN_ONE_PASS, "{}", kind.info().kind);
        let role = if kind == Kind::TfJob { "ps" } else { "worker" };
        let next = made(&(0..300).map(|index| pod(role, index, "Running", 0, None)).collect::<Vec<_>>());
        assert!(next.contains(&format!("j-{role}-300")) && next.len() == IN_ONE_PASS, "{next:?}");
    }
}

#[test]
fn what_is_missing_is_made_and_what_is_too_much_goes() {
    let roles = json!({"Worker": {"replicas": 1}});
    let torch = job("PyTorchJob", "pytorchReplicaSpecs", roles, json!({}));
    let pods = [pod("worker", 0, "Running", 0, None), pod("worker", 1, "Running", 0, None)];
    let (_, events) = looked(&PYTORCHJOBS, Kind::PyTorchJob, &torch, &pods);
    let wanted = ["Normal SuccessfulDeletePod", "Normal SuccessfulDeleteService", "Normal SuccessfulCreateService"];
    assert_eq!(events, wanted, "worker 1 is too much, worker 0 has no Service");
}
