//! What stands in the cells of tables, worded as kubectl's users know it.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::jobs::time::duration;
use crate::sim::store::Resource;

/// The name; a default class says that it is.
pub(super) fn name(resource: &Resource, o: &Value) -> Value {
    let default = o["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true";
    match o["metadata"]["name"].as_str() {
        Some(name) if default && resource.plural == "storageclasses" => json!(format!("{name} (default)")),
        _ => o["metadata"]["name"].clone(),
    }
}

pub(super) fn node_status(o: &Value) -> String {
    let ready = match condition(&o["status"], "Ready").as_str() {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    };
    let cordoned = if o["spec"]["unschedulable"] == true { ",SchedulingDisabled" } else { "" };
    format!("{ready}{cordoned}")
}

pub(super) fn node_roles(o: &Value) -> String {
    let labels = o["metadata"]["labels"].as_object().into_iter().flatten();
    let roles: Vec<&str> = labels.filter_map(|(k, _)| k.strip_prefix("node-role.kubernetes.io/")).collect();
    if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") }
}

pub(super) fn node_address(o: &Value, kind: &str) -> Value {
    let addresses = o["status"]["addresses"].as_array().into_iter().flatten();
    let address = addresses.into_iter().find(|a| a["type"] == kind).map(|a| a["address"].clone());
    address.unwrap_or(json!("<none>"))
}

pub(super) fn ports(spec: &Value) -> String {
    let ports = spec["ports"].as_array().into_iter().flatten();
    let ports: Vec<String> = ports
        .map(|p| format!("{}/{}", p["port"].as_i64().unwrap_or(0), p["protocol"].as_str().unwrap_or("TCP")))
        .collect();
    if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") }
}

/// Keys and values with `=` between them.
pub(super) fn pairs(labels: &Value) -> String {
    let labels = labels.as_object().into_iter().flatten();
    let pairs: Vec<String> = labels.map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    if pairs.is_empty() { "<none>".to_owned() } else { pairs.join(",") }
}

/// A selector of labels as text.
pub(super) fn labels_of(selector: &Value) -> String {
    let mut terms: Vec<String> = Vec::new();
    let plain = pairs(&selector["matchLabels"]);
    if plain != "<none>" {
        terms.push(plain);
    }
    for rule in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = rule["key"].as_str().unwrap_or_default();
        let values: Vec<&str> = rule["values"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        terms.push(match rule["operator"].as_str() {
            Some("In") => format!("{key} in ({})", values.join(",")),
            Some("NotIn") => format!("{key} notin ({})", values.join(",")),
            Some("DoesNotExist") => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    if terms.is_empty() { "<none>".to_owned() } else { terms.join(",") }
}

/// A field of all containers.
pub(super) fn names(spec: &Value, field: &str) -> Value {
    let containers = spec["containers"].as_array().into_iter().flatten();
    let all: Vec<&str> = containers.map(|c| c[field].as_str().unwrap_or_default()).collect();
    json!(all.join(","))
}

/// A value as text, or what stands for none.
pub(super) fn words(value: &Value, none: &str) -> Value {
    match value {
        Value::String(text) if !text.is_empty() => value.clone(),
        Value::Null | Value::String(_) => json!(none),
        other => json!(other.to_string()),
    }
}

/// The phase of a volume or claim.
pub(super) fn phase(o: &Value) -> String {
    let going = o["metadata"]["deletionTimestamp"].is_string();
    if going { "Terminating" } else { o["status"]["phase"].as_str().unwrap_or_default() }.to_owned()
}

/// What is known of a claim only when it has its volume.
pub(super) fn if_bound(claim: &Value, value: &Value) -> Value {
    if claim["spec"]["volumeName"].is_string() { words(value, "") } else { json!("") }
}

/// Namespace and name of a volume's claim.
pub(super) fn claim(reference: &Value) -> String {
    let text = |key: &str| reference[key].as_str().unwrap_or_default();
    if reference.is_object() { format!("{}/{}", text("namespace"), text("name")) } else { String::new() }
}

/// Kind and name of a bound role.
pub(super) fn role(reference: &Value) -> String {
    let text = |key: &str| reference[key].as_str().unwrap_or_default();
    format!("{}/{}", text("kind"), text("name"))
}

/// Whom of a kind a binding is about; service accounts with their namespaces.
pub(super) fn subjects(binding: &Value, kind: &str) -> String {
    let all = binding["subjects"].as_array().into_iter().flatten().filter(|subject| subject["kind"] == kind);
    let names = all.map(|subject| {
        let text = |key: &str| subject[key].as_str().unwrap_or_default();
        match text("namespace") {
            "" => text("name").to_owned(),
            namespace => format!("{namespace}/{}", text("name")),
        }
    });
    names.collect::<Vec<_>>().join(", ")
}

pub(super) fn job_status(o: &Value) -> &'static str {
    let holds = |kind: &str| condition(&o["status"], kind) == "True";
    if holds("Complete") {
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
    }
}

/// How long a batch job took, or takes.
pub(super) fn took(status: &Value, now: Timestamp) -> String {
    match (moment(&status["startTime"]), moment(&status["completionTime"])) {
        (Some(start), end) => span(start, end.unwrap_or(now)),
        _ => String::new(),
    }
}

/// What is used of what a quota grants: of limits, or of all else.
pub(super) fn quota(status: &Value, limits: bool) -> String {
    let hard = status["hard"].as_object().into_iter().flatten();
    let told = hard.filter(|(what, _)| what.starts_with("limits.") == limits).map(|(what, hard)| {
        let used = status["used"][what].as_str().unwrap_or("0");
        format!("{what}: {used}/{}", hard.as_str().unwrap_or_default())
    });
    told.collect::<Vec<_>>().join(", ")
}

pub(super) fn access_modes(modes: &Value) -> String {
    let short = |mode: &Value| match mode.as_str() {
        Some("ReadWriteOnce") => "RWO",
        Some("ReadOnlyMany") => "ROX",
        Some("ReadWriteMany") => "RWX",
        _ => "RWOP",
    };
    modes.as_array().into_iter().flatten().map(short).collect::<Vec<_>>().join(",")
}

pub(super) fn count(map: &Value) -> usize {
    map.as_object().map_or(0, serde_json::Map::len)
}

pub(super) fn condition(status: &Value, kind: &str) -> Value {
    let conditions = status["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().find(|c| c["type"] == kind).map(|c| c["status"].clone()).unwrap_or_default()
}

pub(super) fn last_condition(status: &Value) -> Value {
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
