//! Passes over JobSets, by value.

use super::*;

fn role(name: &str) -> Value {
    json!({"name": name, "template": {"spec": {"parallelism": 2, "completions": 2, "template": {"spec": {}}}}})
}

fn set_of(roles: &[Value], rest: &Value) -> Value {
    let mut object = json!({
        "apiVersion": "jobset.x-k8s.io/v1alpha2", "kind": "JobSet",
        "metadata": {"name": "pi", "namespace": "a", "uid": "u"}, "spec": {"replicatedJobs": roles},
    });
    json_patch::merge(&mut object["spec"], rest);
    defaults(&mut object);
    object
}

fn pass(set_of: &Value, jobs: &[Value]) -> Vec<Write> {
    let jobs: Vec<_> = jobs.iter().cloned().map(Arc::new).collect();
    job_set(set_of, &jobs, true, "2026-11-20T08:00:00Z".parse().unwrap()).0
}

fn made(set_of: &Value, jobs: &[Value]) -> Vec<Value> {
    let created = pass(set_of, jobs).into_iter().filter_map(|write| match write {
        Write::Create { object, .. } => Some(object),
        _ => None,
    });
    created.collect()
}

/// Its status after a pass, and what was told.
fn after_pass(set_of: &Value, jobs: &[Value]) -> (Value, Vec<String>) {
    let (mut status, mut told) = (set_of["status"].clone(), Vec::new());
    for write in pass(set_of, jobs) {
        match write {
            Write::Status(_, object) => status = object["status"].clone(),
            Write::Tell(note) => told.push(format!("{} {}: {}", note.kind, note.reason, note.message)),
            _ => {}
        }
    }
    (status, told)
}

fn ended(job: &Value, kind: &str, at: &str) -> Value {
    let mut job = job.clone();
    job["status"] = json!({"conditions": [{"type": kind, "status": "True", "reason": "BackoffLimitExceeded", "message": "Job has reached the specified backoff limit", "lastTransitionTime": at}]});
    job
}

#[test]
fn a_launcher_waits_until_what_it_depends_on_is_ready() {
    let mut launcher = role("launcher");
    launcher["dependsOn"] = json!([{"name": "node", "status": "Ready"}]);
    let set_of = set_of(&[role("node"), launcher], &json!({}));
    let first = made(&set_of, &[]);
    assert_eq!(first.iter().map(name).collect::<Vec<_>>(), ["pi-node-0"]);
    let mut node = first[0].clone();
    node["status"] = json!({"ready": 1});
    assert!(made(&set_of, &[node.clone()]).is_empty());
    node["status"] = json!({"ready": 2});
    let then = made(&set_of, &[node]);
    let says = |key: &str| label(&then[0], &format!("jobset.sigs.k8s.io/{key}")).to_owned();
    assert_eq!(name(&then[0]), "pi-launcher-0");
    assert_eq!(
        (says("job-index"), says("job-global-index"), says("global-replicas")),
        ("0".into(), "1".into(), "2".into())
    );
    // printf a/pi-launcher-0 | sha1sum
    assert_eq!(says("job-key"), "47b0c279cab7a16342833bf3450ed6e7e4823ea3");
}

#[test]
fn roles_of_a_group_are_counted_together() {
    let mut roles = [role("a"), role("b"), role("c")];
    roles[0]["replicas"] = json!(2);
    roles[1]["groupName"] = json!("other");
    roles[2]["replicas"] = json!(3);
    let jobs = made(&set_of(&roles, &json!({"coordinator": {"replicatedJob": "a", "jobIndex": 1}})), &[]);
    let says = |job: &Value, key: &str| label(job, &format!("jobset.sigs.k8s.io/{key}")).to_owned();
    let places: Vec<_> = jobs
        .iter()
        .map(|j| ["job-group-index", "group-replicas", "job-global-index"].map(|k| says(j, k)).join(" "))
        .collect();
    assert_eq!(places, ["0 5 0", "1 5 1", "0 1 2", "2 5 3", "3 5 4", "4 5 5"]);
    assert_eq!(says(&jobs[0], "coordinator"), "pi-a-1-0.pi");
    assert_eq!(jobs[0]["metadata"]["labels"], jobs[0]["metadata"]["annotations"], "each is there twice");
}

#[test]
fn a_failed_job_fails_all_or_starts_all_again_as_often_as_was_said() {
    let plain = set_of(&[role("node")], &json!({}));
    let node = made(&plain, &[]).remove(0);
    let failed = ended(&node, "Failed", "2026-11-20T07:00:00Z");
    let (status, told) = after_pass(&plain, std::slice::from_ref(&failed));
    assert_eq!(status["terminalState"], "Failed");
    let said = "jobset failed due to one or more job failures (first failed job: pi-node-0)";
    assert_eq!(told, [format!("Warning FailedJobs: {said}")]);

    let mut again = set_of(&[role("node")], &json!({"failurePolicy": {"maxRestarts": 1}}));
    let (status, told) = after_pass(&again, std::slice::from_ref(&failed));
    assert_eq!((&status["restarts"], &status["restartsCountTowardsMax"]), (&json!(1), &json!(1)));
    let said = "applying RestartJobSet failure policy action (first failed job: pi-node-0)";
    assert_eq!(
        told,
        [format!("Warning DefaultFailurePolicy: {said}"), format!("Warning RestartJobSetFailurePolicyAction: {said}")]
    );
    again["status"] = status;
    // The Jobs of the attempt before go first; those of the new one have its number.
    assert!(
        matches!(&pass(&again, std::slice::from_ref(&failed))[0], Write::DeleteWithAll(_, _, job) if job == "pi-node-0")
    );
    let second = made(&again, &[]).remove(0);
    assert_eq!(label(&second, ATTEMPT), "1");
    let (status, told) = after_pass(&again, &[ended(&second, "Failed", "2026-11-20T07:10:00Z")]);
    assert_eq!(status["conditions"][0]["status"], "False", "{status}");
    assert_eq!(told.last().map(String::as_str), Some("Normal JobSetFailed: jobset failed"));
    assert!(told[0].starts_with("Warning ReachedMaxRestarts: "), "{told:?}");
}

#[test]
fn rules_of_the_failure_policy_are_looked_at_in_their_order() {
    let rules = json!([
        {"name": "late", "action": "FailJobSet", "onJobFailureReasons": ["DeadlineExceeded"]},
        {"name": "odd", "action": "FailJobSet", "onJobFailureMessagePatterns": ["^never"]},
        {"action": "RestartJobSetAndIgnoreMaxRestarts", "targetReplicatedJobs": ["node"]},
    ]);
    let set_of = set_of(&[role("lead"), role("node")], &json!({"failurePolicy": {"maxRestarts": 0, "rules": rules}}));
    let jobs = made(&set_of, &[]);
    let (status, _) = after_pass(&set_of, &[jobs[0].clone(), ended(&jobs[1], "Failed", "2026-11-20T07:00:00Z")]);
    assert_eq!((&status["restarts"], &status["restartsCountTowardsMax"]), (&json!(1), &Value::Null));
    assert_eq!(status["conditions"][0]["reason"], "FailurePolicy_failurePolicyRule2");
    let (status, _) = after_pass(&set_of, &[ended(&jobs[0], "Failed", "2026-11-20T07:00:00Z"), jobs[1].clone()]);
    assert_eq!(status["conditions"][0]["reason"], "ReachedMaxRestarts", "no rule speaks of it");
}

#[test]
fn in_order_the_next_role_waits_for_the_one_before() {
    let mut set_of =
        set_of(&[role("lead"), role("node")], &json!({"startupPolicy": {"startupPolicyOrder": "InOrder"}}));
    let mut lead = made(&set_of, &[]).remove(0);
    assert_eq!(made(&set_of, std::slice::from_ref(&lead)), [] as [Value; 0]);
    let (status, told) = after_pass(&set_of, std::slice::from_ref(&lead));
    assert_eq!(told, ["Normal InOrderStartupPolicyInProgress: in order startup policy is in progress"]);
    set_of["status"] = status;
    lead["status"] = json!({"ready": 2, "active": 2});
    let mut node = made(&set_of, std::slice::from_ref(&lead)).remove(0);
    assert_eq!(name(&node), "pi-node-0");
    node["status"] = json!({"ready": 2, "active": 2});
    let (status, told) = after_pass(&set_of, &[lead, node]);
    let kinds: Vec<_> = list(&json!({"s": status}), "/s/conditions")
        .iter()
        .map(|c| [&c["type"], &c["status"]].map(|v| v.as_str().unwrap().to_owned()).join("="))
        .collect();
    assert_eq!(kinds, ["StartupPolicyInProgress=False", "StartupPolicyCompleted=True"]);
    assert_eq!(told, ["Normal InOrderStartupPolicyCompleted: in order startup policy has completed"]);
}

#[test]
fn what_is_over_goes_when_its_time_to_live_is() {
    let mut set_of = set_of(&[role("node")], &json!({"ttlSecondsAfterFinished": 60}));
    let ends = |at: &str| json!({"conditions": [{"type": "Completed", "status": "True", "lastTransitionTime": at}]});
    let look = |set_of: &Value| job_set(set_of, &[], true, "2026-11-20T08:00:00Z".parse().unwrap());
    set_of["status"] = ends("2026-11-20T07:59:30Z");
    assert_eq!(look(&set_of).1, Some("2026-11-20T08:00:30Z".parse().unwrap()));
    set_of["status"] = ends("2026-11-20T07:59:00Z");
    assert!(look(&set_of).0.iter().any(|w| matches!(w, Write::DeleteWithAll(_, _, name) if name == "pi")));
}

#[test]
fn templates_of_the_wrong_shape_make_jobs_all_the_same() {
    let wrong = [json!("x"), json!(1), json!([]), json!(null)];
    let places = ["", "/metadata", "/metadata/labels", "/metadata/annotations", "/spec", "/spec/template"];
    let inner = ["/spec/template/metadata", "/spec/template/metadata/labels", "/spec/template/metadata/annotations"];
    for place in places.iter().chain(&inner) {
        for value in &wrong {
            let mut role = role("node");
            set(&mut role, &format!("/template{place}"), value.clone());
            let given =
                json!({"metadata": {"name": "pi", "namespace": "a", "uid": "u"}, "spec": {"replicatedJobs": [role]}});
            let jobs = made(&given, &[]);
            assert_eq!(label(&jobs[0], ROLE), "node", "{place} = {value}");
            assert_eq!(
                text(&jobs[0], &format!("/spec/template/metadata/annotations/{}", ROLE.replace('/', "~1"))),
                "node"
            );
        }
    }
}

#[test]
fn a_pass_makes_so_many_jobs_and_the_next_one_goes_on() {
    let mut many = role("node");
    many["replicas"] = json!(2_000_000_000);
    let mut more = role("more");
    more["replicas"] = json!(i64::MAX);
    let set_of = set_of(&[many, more], &json!({}));
    let first = made(&set_of, &[]);
    assert_eq!(first.len(), IN_ONE_PASS);
    let then = made(&set_of, &first);
    assert_eq!((then.len(), name(&then[0])), (IN_ONE_PASS, "pi-node-256"));
}
