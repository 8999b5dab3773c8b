//! Columns and cells of everything but pods.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Column;
use crate::jobs::time::duration;

pub(super) const EVENT_COLUMNS: &[Column] = &[
    ("Last Seen", "string", 0),
    ("Type", "string", 0),
    ("Reason", "string", 0),
    ("Object", "string", 0),
    ("Subobject", "string", 1),
    ("Source", "string", 1),
    ("Message", "string", 0),
    ("First Seen", "string", 1),
    ("Count", "string", 1),
    ("Name", "string", 1),
];

/// Columns between name and age (narrow) and after age (wide).
pub(super) fn columns(group: &str, plural: &str) -> &'static [Column] {
    match (group, plural) {
        ("", "namespaces") => &[("Status", "string", 0)],
        ("", "nodes") => &[
            ("Status", "string", 0),
            ("Roles", "string", 0),
            ("Version", "string", 1),
            ("Internal-IP", "string", 1),
            ("OS-Image", "string", 1),
        ],
        ("", "services") => &[
            ("Type", "string", 0),
            ("Cluster-IP", "string", 0),
            ("External-IP", "string", 0),
            ("Port(s)", "string", 0),
            ("Selector", "string", 1),
        ],
        ("", "configmaps") => &[("Data", "string", 0)],
        ("", "secrets") => &[("Type", "string", 0), ("Data", "string", 0)],
        ("", "persistentvolumeclaims") => &[
            ("Status", "string", 0),
            ("Volume", "string", 0),
            ("Capacity", "string", 0),
            ("Access Modes", "string", 0),
            ("StorageClass", "string", 0),
        ],
        ("", "resourcequotas") => &[("Request", "string", 0), ("Limit", "string", 0)],
        ("apps", "deployments") => &[("Ready", "string", 0), ("Up-to-date", "string", 0), ("Available", "string", 0)],
        ("batch", "jobs") => &[("Status", "string", 0), ("Completions", "string", 0), ("Duration", "string", 0)],
        ("scheduling.k8s.io", "priorityclasses") => &[("Value", "string", 0), ("Global-Default", "boolean", 0)],
        ("kubeflow.org", plural) if plural != "mpijobs" => &[("State", "string", 0)],
        ("trainer.kubeflow.org", "trainjobs") => &[("State", "string", 0)],
        ("jobset.x-k8s.io", "jobsets") => &[
            ("TerminalState", "string", 0),
            ("Restarts", "string", 0),
            ("Completed", "string", 0),
            ("Suspended", "string", 0),
        ],
        ("kueue.x-k8s.io", "workloads") => &[
            ("Queue", "string", 0),
            ("Reserved in", "string", 0),
            ("Admitted", "string", 0),
            ("Finished", "string", 0),
        ],
        ("kueue.x-k8s.io", "localqueues") => {
            &[("ClusterQueue", "string", 0), ("Pending Workloads", "integer", 0), ("Admitted Workloads", "integer", 0)]
        }
        ("kueue.x-k8s.io", "clusterqueues") => &[
            ("Cohort", "string", 0),
            ("Pending Workloads", "integer", 0),
            ("Strategy", "string", 1),
            ("Admitted Workloads", "integer", 1),
        ],
        (_, "podgroups") => &[("Status", "string", 0), ("MinMember", "integer", 0), ("RUNNINGS", "integer", 0)],
        _ => &[],
    }
}

/// The cells of [`columns`], in their order with the narrow ones first.
pub(super) fn of(group: &str, plural: &str, o: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&o["spec"], &o["status"]);
    match (group, plural) {
        ("", "namespaces") => vec![status["phase"].clone()],
        ("", "nodes") => node(o),
        ("", "services") => service(spec),
        ("", "configmaps") => vec![json!(count(&o["data"]) + count(&o["binaryData"]))],
        ("", "secrets") => vec![o["type"].clone(), json!(count(&o["data"]))],
        ("", "persistentvolumeclaims") => vec![
            status["phase"].clone(),
            spec["volumeName"].clone(),
            status["capacity"]["storage"].clone(),
            json!(access_modes(&spec["accessModes"])),
            spec["storageClassName"].clone(),
        ],
        ("", "resourcequotas") => quota(status),
        ("apps", "deployments") => {
            let number = |v: &Value| v.as_i64().unwrap_or(0);
            let ready = format!("{}/{}", number(&status["readyReplicas"]), spec["replicas"].as_i64().unwrap_or(1));
            vec![json!(ready), json!(number(&status["updatedReplicas"])), json!(number(&status["availableReplicas"]))]
        }
        ("batch", "jobs") => job(o, now),
        ("scheduling.k8s.io", "priorityclasses") => {
            vec![o["value"].clone(), json!(o["globalDefault"] == true)]
        }
        ("kubeflow.org", plural) if plural != "mpijobs" => vec![last_condition(status)],
        ("trainer.kubeflow.org", "trainjobs") => vec![last_condition(status)],
        ("jobset.x-k8s.io", "jobsets") => vec![
            status["terminalState"].clone(),
            status["restarts"].clone(),
            condition(status, "Completed"),
            spec["suspend"].clone(),
        ],
        ("kueue.x-k8s.io", "workloads") => vec![
            spec["queueName"].clone(),
            status["admission"]["clusterQueue"].clone(),
            condition(status, "Admitted"),
            condition(status, "Finished"),
        ],
        ("kueue.x-k8s.io", "localqueues") => {
            vec![spec["clusterQueue"].clone(), status["pendingWorkloads"].clone(), status["admittedWorkloads"].clone()]
        }
        ("kueue.x-k8s.io", "clusterqueues") => vec![
            spec["cohortName"].clone(),
            status["pendingWorkloads"].clone(),
            spec["queueingStrategy"].clone(),
            status["admittedWorkloads"].clone(),
        ],
        (_, "podgroups") => vec![status["phase"].clone(), spec["minMember"].clone(), status["running"].clone()],
        _ => Vec::new(),
    }
}

/// An event's row; it has no age column.
pub(super) fn event(e: &Value, now: Timestamp) -> Vec<Value> {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let first = [&e["firstTimestamp"], &e["eventTime"]].into_iter().find(|v| v.is_string()).unwrap_or(&Value::Null);
    let last = [&e["series"]["lastObservedTime"], &e["lastTimestamp"], first];
    let last = last.into_iter().find(|v| v.is_string()).unwrap_or(&Value::Null);
    let count = e["series"]["count"].as_i64().or(e["count"].as_i64()).unwrap_or(1);
    let seen =
        if count > 1 { format!("{} (x{count} over {})", age(last, now), age(first, now)) } else { age(last, now) };
    let about = &e["involvedObject"];
    let source = [text(&e["source"]["component"]), text(&e["reportingComponent"])];
    let source = source.into_iter().find(|s| !s.is_empty()).unwrap_or_default();
    let host = text(&e["source"]["host"]);
    vec![
        json!(seen),
        e["type"].clone(),
        e["reason"].clone(),
        json!(format!("{}/{}", text(&about["kind"]).to_lowercase(), text(&about["name"]))),
        json!(text(&about["fieldPath"])),
        json!(if host.is_empty() { source } else { format!("{source}, {host}") }),
        json!(text(&e["message"]).trim()),
        json!(age(first, now)),
        json!(count),
        e["metadata"]["name"].clone(),
    ]
}

fn node(o: &Value) -> Vec<Value> {
    let status = &o["status"];
    let ready = match condition(status, "Ready").as_str() {
        Some("True") => "Ready",
        _ => "NotReady",
    };
    let cordoned = if o["spec"]["unschedulable"] == true { ",SchedulingDisabled" } else { "" };
    let labels = o["metadata"]["labels"].as_object().into_iter().flatten();
    let roles: Vec<&str> = labels.filter_map(|(k, _)| k.strip_prefix("node-role.kubernetes.io/")).collect();
    let roles = if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") };
    let addresses = status["addresses"].as_array().into_iter().flatten();
    let address = addresses.into_iter().find(|a| a["type"] == "InternalIP").map(|a| a["address"].clone());
    vec![
        json!(format!("{ready}{cordoned}")),
        json!(roles),
        status["nodeInfo"]["kubeletVersion"].clone(),
        address.unwrap_or(json!("<none>")),
        status["nodeInfo"]["osImage"].clone(),
    ]
}

fn service(spec: &Value) -> Vec<Value> {
    let ports = spec["ports"].as_array().into_iter().flatten();
    let ports: Vec<String> = ports
        .map(|p| format!("{}/{}", p["port"].as_i64().unwrap_or(0), p["protocol"].as_str().unwrap_or("TCP")))
        .collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    let selector = spec["selector"].as_object().into_iter().flatten();
    let selector: Vec<String> = selector.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    let selector = if selector.is_empty() { "<none>".to_owned() } else { selector.join(",") };
    vec![spec["type"].clone(), or_none(&spec["clusterIP"]), json!("<none>"), json!(ports), json!(selector)]
}

fn job(o: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (&o["spec"], &o["status"]);
    let holds = |kind: &str| condition(status, kind) == "True";
    let word = if holds("Complete") {
        "Complete"
    } else if holds("Failed") {
        "Failed"
    } else if o["metadata"]["deletionTimestamp"].is_string() {
        "Terminating"
    } else if holds("Suspended") {
        "Suspended"
    } else if holds("FailureTarget") {
        "FailureTarget"
    } else if holds("SuccessCriteriaMet") {
        "SuccessCriteriaMet"
    } else {
        "Running"
    };
    let done = format!("{}/{}", status["succeeded"].as_i64().unwrap_or(0), spec["completions"].as_i64().unwrap_or(1));
    let took = match (moment(&status["startTime"]), moment(&status["completionTime"])) {
        (Some(start), end) => span(start, end.unwrap_or(now)),
        _ => String::new(),
    };
    vec![json!(word), json!(done), json!(took)]
}

fn quota(status: &Value) -> Vec<Value> {
    let mut sides = [Vec::new(), Vec::new()];
    for (what, hard) in status["hard"].as_object().into_iter().flatten() {
        let used = status["used"][what].as_str().unwrap_or("0");
        let said = format!("{what}: {used}/{}", hard.as_str().unwrap_or_default());
        sides[usize::from(what.starts_with("limits."))].push(said);
    }
    sides.iter().map(|side| json!(side.join(", "))).collect()
}

fn access_modes(modes: &Value) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        _ => "RWOP",
    };
    modes.as_array().into_iter().flatten().map(short).collect::<Vec<_>>().join(",")
}

fn count(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}

fn condition(status: &Value, kind: &str) -> Value {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|c| c["type"] == kind).map(|c| c["status"].clone()).unwrap_or_default()
}

fn last_condition(status: &Value) -> Value {
    status["conditions"].as_array().and_then(|c| c.last()).map(|c| c["type"].clone()).unwrap_or_default()
}

pub(super) fn or_none(value: &Value) -> Value {
    if value.as_str().is_some_and(|s| !s.is_empty()) { value.clone() } else { json!("<none>") }
}

fn moment(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn span(from: Timestamp, to: Timestamp) -> String {
    duration(u32::try_from(to.as_second() - from.as_second()).unwrap_or(0))
}

/// How long ago `at` was.
pub(super) fn age(at: &Value, now: Timestamp) -> String {
    moment(at).map_or_else(|| "<unknown>".to_owned(), |at| span(at, now))
}
