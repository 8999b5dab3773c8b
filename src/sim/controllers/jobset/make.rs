//! What a JobSet and its Jobs look like: defaults, the headless Service, labels and annotations.

use serde_json::{Value, json};

use super::{ATTEMPT, ROLE};
use crate::sim::value::{annotation, int, list, name, namespace, owned_by, push, reach, set, sha1, text, truth, uid};

/// Asks for one Job a topology domain; copied to Jobs and pods.
const EXCLUSIVE: &str = "alpha.jobset.sigs.k8s.io/exclusive-topology";
/// Says that the nodes for that were labelled by hand.
const BY_SELECTOR: &str = "alpha.jobset.sigs.k8s.io/node-selector";

/// What the webhook and the schema write into a new JobSet.
pub(crate) fn defaults(set_of: &mut Value) {
    for (path, usual) in [
        ("/spec/successPolicy", json!({"operator": "All"})),
        ("/spec/startupPolicy", json!({"startupPolicyOrder": "AnyOrder"})),
        ("/spec/network/enableDNSHostnames", json!(true)),
        ("/spec/network/publishNotReadyAddresses", json!(true)),
    ] {
        fill(set_of, path, usual);
    }
    if set_of["spec"]["failurePolicy"].is_object() {
        fill(set_of, "/spec/failurePolicy/maxRestarts", json!(0));
        fill(set_of, "/spec/failurePolicy/restartStrategy", json!("Recreate"));
        let rules = set_of.pointer_mut("/spec/failurePolicy/rules").and_then(Value::as_array_mut);
        for (at, rule) in rules.into_iter().flatten().enumerate() {
            fill(rule, "/name", json!(format!("failurePolicyRule{at}")));
        }
    }
    let roles = set_of.pointer_mut("/spec/replicatedJobs").and_then(Value::as_array_mut);
    for replicated in roles.into_iter().flatten().filter(|r| r.is_object()) {
        for (path, usual) in [
            ("/replicas", json!(1)),
            ("/groupName", json!("default")),
            ("/template/spec/completionMode", json!("Indexed")),
            ("/template/spec/template/spec/restartPolicy", json!("OnFailure")),
        ] {
            fill(replicated, path, usual);
        }
    }
}

fn fill(object: &mut Value, path: &str, usual: Value) {
    if object.pointer(path).is_none_or(|there| there.is_null() || there == "") {
        set(object, path, usual);
    }
}

/// The name that its pods are found under.
pub(crate) fn subdomain(set_of: &Value) -> &str {
    let given = text(set_of, "/spec/network/subdomain");
    if given.is_empty() { name(set_of) } else { given }
}

/// The headless Service.
pub(super) fn service(set_of: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": subdomain(set_of), "namespace": namespace(set_of), "ownerReferences": owned_by(set_of)},
        "spec": {
            "clusterIP": "None", "selector": {"jobset.sigs.k8s.io/jobset-name": name(set_of)},
            "publishNotReadyAddresses": set_of.pointer("/spec/network/publishNotReadyAddresses").is_none_or(|v| v != false),
        },
    })
}

/// Job number `index` of a role.
pub(super) fn child(set_of: &Value, replicated: &Value, index: i64) -> Value {
    let job = format!("{}-{}-{index}", name(set_of), text(replicated, "/name"));
    let mut meta = json!({"name": job, "namespace": namespace(set_of), "ownerReferences": owned_by(set_of)});
    for map in ["labels", "annotations"] {
        if let Some(given) = replicated.pointer(&format!("/template/metadata/{map}")) {
            meta[map] = given.clone();
        }
    }
    let mut spec = replicated.pointer("/template/spec").cloned().unwrap_or_else(|| json!({}));
    let identity = identity(set_of, replicated, index, &job);
    for meta in [&mut meta, reach(&mut spec, "/template/metadata")] {
        for (key, value) in &identity {
            mark(meta, "labels", key, value);
            mark(meta, "annotations", key, value);
        }
        for key in [EXCLUSIVE, BY_SELECTOR] {
            let of = [&replicated["template"], set_of].map(|from| annotation(from, key));
            if let Some(value) = of.into_iter().find(|value| !value.is_empty()) {
                mark(meta, "annotations", key, value);
            }
        }
    }
    if truth(set_of, "/spec/network/enableDNSHostnames") {
        set(&mut spec, "/template/spec/subdomain", json!(subdomain(set_of)));
    }
    if [EXCLUSIVE, BY_SELECTOR].iter().all(|key| meta["annotations"][*key].is_string()) {
        let key = "/template/spec/nodeSelector/jobset.sigs.k8s.io~1job-name";
        set(&mut spec, key, json!(format!("{}_{job}", namespace(set_of))));
        let key = "alpha.jobset.sigs.k8s.io/no-schedule";
        push(
            &mut spec,
            "/template/spec/tolerations",
            json!({"key": key, "operator": "Exists", "effect": "NoSchedule"}),
        );
    }
    set(&mut spec, "/suspend", json!(truth(set_of, "/spec/suspend")));
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec, "status": {}})
}

/// Writes a label or an annotation.
fn mark(meta: &mut Value, map: &str, key: &str, value: &str) {
    set(meta, &format!("/{map}/{}", key.replace('/', "~1")), json!(value));
}

/// What says where a Job and its pods belong, as labels and as annotations.
fn identity(set_of: &Value, replicated: &Value, index: i64, job: &str) -> Vec<(&'static str, String)> {
    let roles = list(set_of, "/spec/replicatedJobs");
    let count = |r: &Value| int(r, "/replicas").unwrap_or(1);
    let add = |sum: i64, r: &Value| sum.saturating_add(count(r));
    let group = text(replicated, "/groupName");
    let mates = || roles.iter().filter(move |r| text(r, "/groupName") == group);
    let before = |r: &&Value| r["name"] != replicated["name"];
    let attempt = int(set_of, "/status/restarts").unwrap_or(0);
    let mut all = vec![
        ("jobset.sigs.k8s.io/jobset-name", name(set_of).to_owned()),
        ("jobset.sigs.k8s.io/jobset-uid", uid(set_of).to_owned()),
        (ROLE, text(replicated, "/name").to_owned()),
        (ATTEMPT, attempt.to_string()),
        ("jobset.sigs.k8s.io/replicatedjob-replicas", count(replicated).to_string()),
        ("jobset.sigs.k8s.io/global-replicas", roles.iter().fold(0, add).to_string()),
        ("jobset.sigs.k8s.io/job-index", index.to_string()),
        ("jobset.sigs.k8s.io/job-key", sha1(&format!("{}/{job}", namespace(set_of)))),
        ("jobset.sigs.k8s.io/job-global-index", roles.iter().take_while(before).fold(index, add).to_string()),
        ("jobset.sigs.k8s.io/group-name", group.to_owned()),
        ("jobset.sigs.k8s.io/group-replicas", mates().fold(0, add).to_string()),
        ("jobset.sigs.k8s.io/job-group-index", mates().take_while(before).fold(index, add).to_string()),
    ];
    if let Some(coordinator) = set_of["spec"].get("coordinator").filter(|c| c.is_object()) {
        let [job, pod] = ["/jobIndex", "/podIndex"].map(|path| int(coordinator, path).unwrap_or(0));
        let role = text(coordinator, "/replicatedJob");
        let place = format!("{}-{role}-{job}-{pod}.{}", name(set_of), subdomain(set_of));
        all.push(("jobset.sigs.k8s.io/coordinator", place));
    }
    all
}

/// A Job that may run again, with what was changed in its template while it was held: Kueue sends pods to nodes so.
pub(super) fn resumed(job: &Value, replicated: &Value) -> Value {
    let mut job = job.clone();
    let from = &replicated["template"]["spec"]["template"];
    for path in ["/metadata/labels", "/metadata/annotations", "/spec/nodeSelector"] {
        for (key, value) in from.pointer(path).and_then(Value::as_object).into_iter().flatten() {
            set(&mut job, &format!("/spec/template{path}/{}", key.replace('/', "~1")), value.clone());
        }
    }
    for path in ["/spec/tolerations", "/spec/schedulingGates"] {
        for value in list(from, path) {
            if !list(&job, &format!("/spec/template{path}")).contains(value) {
                push(&mut job, &format!("/spec/template{path}"), value.clone());
            }
        }
    }
    set(&mut job, "/spec/suspend", json!(false));
    job
}
