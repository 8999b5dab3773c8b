//! JobSet: batch Jobs that belong together.
//!
//! Owns one pass over one JobSet.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    store::resource::{JOBS, JOBSETS, SERVICES},
    value::{has_condition, int, is_deleting, label, list, name, namespace, owned_by, set, text, truth, uid},
    write::{Cond, Note, Write, set_condition},
};

const JOBSET: &str = "jobset";
const ATTEMPT: &str = "jobset.sigs.k8s.io/restart-attempt";
const ROLE: &str = "jobset.sigs.k8s.io/replicatedjob-name";

/// One pass over a JobSet and its Jobs.
pub(crate) fn job_set(set_of: &Value, jobs: &[Arc<Value>], service: bool, now: Timestamp) -> Vec<Write> {
    if is_deleting(set_of) || has_condition(set_of, "Completed") || has_condition(set_of, "Failed") {
        return Vec::new();
    }
    let mut next = set_of.clone();
    let mut writes = Vec::new();
    if !service {
        writes.push(Write::Create { resource: &SERVICES, object: subdomain(set_of), blame: None });
    }
    let attempt = int(set_of, "/status/restarts").unwrap_or(0);
    let current: Vec<_> = jobs.iter().filter(|j| label(j, ATTEMPT) == attempt.to_string()).collect();
    for old in jobs.iter().filter(|j| label(j, ATTEMPT) != attempt.to_string() && !is_deleting(j)) {
        writes.push(Write::Delete(&JOBS, namespace(old).into(), name(old).into()));
    }
    if current.len() == jobs.len() {
        make_jobs(set_of, &current, attempt, &mut writes);
    }
    suspend(set_of, &mut next, &mut writes, now);
    judge(set_of, &mut next, &current, attempt, &mut writes, now);
    let counts: Vec<Value> = list(set_of, "/spec/replicatedJobs").iter().map(|r| counted(r, &current)).collect();
    set(&mut next, "/status/replicatedJobsStatus", Value::Array(counts));
    if next.get("status") != set_of.get("status") {
        writes.push(Write::Status(&JOBSETS, next));
    }
    writes
}

fn make_jobs(set_of: &Value, current: &[&Arc<Value>], attempt: i64, writes: &mut Vec<Write>) {
    let mut global = 0;
    for replicated in list(set_of, "/spec/replicatedJobs") {
        let (role, first) = (text(replicated, "/name"), global);
        global += int(replicated, "/replicas").unwrap_or(1);
        if !list(replicated, "/dependsOn").iter().all(|other| reached(other, set_of, current)) {
            continue;
        }
        for index in 0..int(replicated, "/replicas").unwrap_or(1) {
            let job_name = format!("{}-{role}-{index}", name(set_of));
            match current.iter().find(|j| name(j) == job_name) {
                None => {
                    let object = child(set_of, replicated, &job_name, [index, first + index, attempt]);
                    writes.push(Write::Create { resource: &JOBS, object, blame: None });
                }
                Some(job) if truth(job, "/spec/suspend") != truth(set_of, "/spec/suspend") => {
                    let mut changed = Value::clone(job);
                    set(&mut changed, "/spec/suspend", json!(truth(set_of, "/spec/suspend")));
                    writes.push(Write::Update(&JOBS, changed));
                }
                Some(_) => {}
            }
        }
    }
}

/// How many Jobs there are to be.
fn wanted(set_of: &Value) -> i64 {
    list(set_of, "/spec/replicatedJobs").iter().map(|r| int(r, "/replicas").unwrap_or(1)).sum()
}

/// Whether the Jobs that others wait for are as far as they wait for.
fn reached(other: &Value, set_of: &Value, current: &[&Arc<Value>]) -> bool {
    let found = list(set_of, "/spec/replicatedJobs").iter().find(|r| r["name"] == other["name"]);
    let Some(replicated) = found else { return true };
    let counts = counted(replicated, current);
    let done = counts["succeeded"].as_i64().unwrap_or(0);
    let ready = if text(other, "/status") == "Ready" { counts["ready"].as_i64().unwrap_or(0) } else { 0 };
    done + ready >= int(replicated, "/replicas").unwrap_or(1)
}

fn subdomain(set_of: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": name(set_of), "namespace": namespace(set_of), "ownerReferences": owned_by(set_of)},
        "spec": {"clusterIP": "None", "publishNotReadyAddresses": true, "selector": {"jobset.sigs.k8s.io/jobset-name": name(set_of)}},
    })
}

fn child(set_of: &Value, replicated: &Value, job_name: &str, [index, global, attempt]: [i64; 3]) -> Value {
    let mut spec = replicated.pointer("/template/spec").cloned().unwrap_or_else(|| json!({}));
    let role = text(replicated, "/name");
    let labels = [
        ("jobset.sigs.k8s.io/jobset-name", name(set_of).to_owned()),
        ("jobset.sigs.k8s.io/jobset-uid", uid(set_of).to_owned()),
        (ROLE, role.to_owned()),
        ("jobset.sigs.k8s.io/replicatedjob-replicas", int(replicated, "/replicas").unwrap_or(1).to_string()),
        ("jobset.sigs.k8s.io/job-index", index.to_string()),
        ("jobset.sigs.k8s.io/job-global-index", global.to_string()),
        ("jobset.sigs.k8s.io/global-replicas", wanted(set_of).to_string()),
        (ATTEMPT, attempt.to_string()),
    ];
    let mut meta = replicated.pointer("/template/metadata").cloned().unwrap_or_else(|| json!({}));
    for (key, v) in &labels {
        let key = key.replace('/', "~1");
        set(&mut meta, &format!("/labels/{key}"), json!(v));
        set(&mut spec, &format!("/template/metadata/labels/{key}"), json!(v));
    }
    set(&mut meta, "/name", json!(job_name));
    set(&mut meta, "/namespace", json!(namespace(set_of)));
    set(&mut meta, "/ownerReferences", owned_by(set_of));
    for (path, v) in [
        ("/completionMode", json!("Indexed")),
        ("/suspend", json!(truth(set_of, "/spec/suspend"))),
        ("/podReplacementPolicy", json!("TerminatingOrFailed")),
        ("/template/spec/subdomain", json!(name(set_of))),
    ] {
        set(&mut spec, path, v);
    }
    if text(&spec, "/template/spec/restartPolicy").is_empty() {
        set(&mut spec, "/template/spec/restartPolicy", json!("OnFailure"));
    }
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec, "status": {}})
}

fn suspend(set_of: &Value, next: &mut Value, writes: &mut Vec<Write>, now: Timestamp) {
    let suspended = truth(set_of, "/spec/suspend");
    let (reason, message) = if suspended {
        ("SuspendedJobs", "jobset is suspended")
    } else if has_condition(set_of, "Suspended") {
        ("ResumeJobs", "jobset is resumed")
    } else {
        return;
    };
    if set_condition(next, Cond { kind: "Suspended", truth: suspended, reason, message }, now) {
        writes.push(Write::Tell(Note::normal(set_of, JOBSET, reason, message)));
    }
}

fn judge(
    set_of: &Value,
    next: &mut Value,
    current: &[&Arc<Value>],
    attempt: i64,
    writes: &mut Vec<Write>,
    now: Timestamp,
) {
    let wanted = wanted(set_of);
    if let Some(failed) = current.iter().find(|j| has_condition(j, "Failed")) {
        let restarts = int(set_of, "/spec/failurePolicy/maxRestarts");
        if restarts.is_some_and(|max| attempt < max) {
            set(next, "/status/restarts", json!(attempt + 1));
            set(next, "/status/restartsCountTowardsMax", json!(attempt + 1));
            let message = format!("restarting jobset, attempt {}", attempt + 1);
            writes.push(Write::Tell(Note::warning(set_of, JOBSET, "Restarting", message)));
            return;
        }
        let (reason, words) = match restarts {
            Some(_) => ("ReachedMaxRestarts", "jobset failed due to reaching max number of restarts"),
            None => ("FailedJobs", "jobset failed due to one or more job failures"),
        };
        let message = format!("{words} (first failed job: {})", name(failed));
        set_condition(next, Cond { kind: "Failed", truth: true, reason, message: &message }, now);
        set(next, "/status/terminalState", json!("Failed"));
        writes.push(Write::Tell(Note::warning(set_of, JOBSET, reason, message)));
        for job in current.iter().filter(|j| !has_condition(j, "Failed") && !has_condition(j, "Complete")) {
            writes.push(Write::Delete(&JOBS, namespace(job).into(), name(job).into()));
        }
    } else if current.len() as i64 == wanted && finished(set_of, current) {
        let (reason, message) = ("AllJobsCompleted", "jobset completed successfully");
        set_condition(next, Cond { kind: "Completed", truth: true, reason, message }, now);
        set(next, "/status/terminalState", json!("Completed"));
        writes.push(Write::Tell(Note::normal(set_of, JOBSET, reason, message)));
        for job in current.iter().filter(|j| !has_condition(j, "Complete")) {
            writes.push(Write::Delete(&JOBS, namespace(job).into(), name(job).into()));
        }
    }
}

/// All Jobs are complete, or those that the success policy names.
fn finished(set_of: &Value, current: &[&Arc<Value>]) -> bool {
    let named = list(set_of, "/spec/successPolicy/targetReplicatedJobs");
    let counts = |job: &Value| named.is_empty() || named.iter().any(|n| n.as_str() == Some(label(job, ROLE)));
    current.iter().filter(|j| counts(j)).all(|j| has_condition(j, "Complete"))
}

fn counted(replicated: &Value, current: &[&Arc<Value>]) -> Value {
    let role = text(replicated, "/name");
    let of = |test: &dyn Fn(&Value) -> bool| {
        let jobs = current.iter().filter(|j| label(j, ROLE) == role);
        jobs.filter(|j| test(j)).count()
    };
    let all_ready = |j: &Value| {
        let wanted = int(j, "/spec/parallelism").unwrap_or(1);
        int(j, "/status/ready").unwrap_or(0) + int(j, "/status/succeeded").unwrap_or(0) >= wanted
            && !has_condition(j, "Complete")
    };
    json!({
        "name": role, "ready": of(&all_ready), "succeeded": of(&|j| has_condition(j, "Complete")),
        "failed": of(&|j| has_condition(j, "Failed")), "active": of(&|j| int(j, "/status/active").unwrap_or(0) > 0),
        "suspended": of(&|j| truth(j, "/spec/suspend")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(set_of: &Value, jobs: &[Arc<Value>]) -> Vec<Value> {
        let writes = job_set(set_of, jobs, true, "2026-11-20T08:00:00Z".parse().unwrap());
        let created = writes.into_iter().filter_map(|write| match write {
            Write::Create { object, .. } => Some(object),
            _ => None,
        });
        created.collect()
    }

    #[test]
    fn a_launcher_waits_until_what_it_depends_on_is_ready() {
        let role = |name: &str| json!({"name": name, "replicas": 1, "template": {"spec": {"parallelism": 2, "template": {"spec": {}}}}});
        let mut launcher = role("launcher");
        launcher["dependsOn"] = json!([{"name": "node", "status": "Ready"}]);
        let set_of = json!({"metadata": {"name": "pi", "namespace": "a", "uid": "u"}, "spec": {"replicatedJobs": [role("node"), launcher]}});
        let first = made(&set_of, &[]);
        let names: Vec<&str> = first.iter().map(name).collect();
        assert_eq!(names, ["pi-node-0"]);
        let mut node = first[0].clone();
        node["status"] = json!({"ready": 1});
        assert!(made(&set_of, &[Arc::new(node.clone())]).is_empty());
        node["status"] = json!({"ready": 2});
        let then = made(&set_of, &[Arc::new(node)]);
        let says = |key: &str| label(&then[0], &format!("jobset.sigs.k8s.io/{key}")).to_owned();
        assert_eq!(
            (name(&then[0]), says("job-index"), says("job-global-index")),
            ("pi-launcher-0", "0".into(), "1".into())
        );
        assert_eq!(says("global-replicas"), "2");
    }
}
