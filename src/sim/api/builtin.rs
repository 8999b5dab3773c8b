//! What the API server checks of built-in kinds beside their types, as far as people here meet it.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::{
    fault::{forbidden, invalid, required, supported},
    volumes,
};
use crate::sim::schema::Fault;
use crate::sim::store::Resource;
use crate::sim::store::resource::{
    CLAIMS, CONFIGMAPS, DEPLOYMENTS, LEASES, LIMITRANGES, NETWORKPOLICIES, NODES, PRIORITYCLASSES, QUOTAS, SECRETS,
    SERVICES, STORAGECLASSES, VOLUMES,
};

/// What a quota can count, beside `count/…`, `requests.…` of extended resources and what has a domain.
const COUNTED: [&str; 20] = [
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.storage",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "pods",
    "services",
    "services.nodeports",
    "services.loadbalancers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "replicationcontrollers",
    "resourcequotas",
    "storage",
];
const SCOPES: [&str; 7] = [
    "BestEffort",
    "CrossNamespacePodAffinity",
    "NotBestEffort",
    "NotTerminating",
    "PriorityClass",
    "Terminating",
    "VolumeAttributesClass",
];

/// What is wrong with an object.
pub(super) fn faults(resource: &Resource, value: &Value) -> Vec<Fault> {
    let spec = &value["spec"];
    match resource {
        r if *r == QUOTAS => quota(spec),
        r if *r == CONFIGMAPS => config_map(value),
        r if *r == SECRETS => secret(value),
        r if *r == SERVICES => service(spec),
        r if *r == CLAIMS => volumes::claim(spec),
        r if *r == VOLUMES => volumes::volume(spec),
        r if *r == LEASES => lease(spec),
        r if *r == NODES => node(spec),
        r if *r == PRIORITYCLASSES => priority_class(value),
        r if *r == STORAGECLASSES && text(&value["provisioner"]).is_empty() => vec![required("provisioner")],
        r if *r == DEPLOYMENTS => deployment(spec),
        r if *r == LIMITRANGES => limit_range(spec),
        r if *r == NETWORKPOLICIES => network_policy(spec),
        _ => Vec::new(),
    }
}

/// As the server takes them, in a map that programs read as files.
const KEY: &str = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
/// Bytes of a config map or secret.
const LARGEST: usize = 1 << 20;
/// Priorities above are the system's.
const HIGHEST_PRIORITY: i64 = 1_000_000_000;
const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// Keys of a map that is read as files, and its size.
fn keys(value: &Value, maps: &[&str]) -> Vec<Fault> {
    let mut out = Vec::new();
    let mut size = 0;
    for name in maps {
        for (key, content) in value[*name].as_object().into_iter().flatten() {
            let good = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if key.is_empty() || !key.chars().all(good) {
                out.push(invalid(&format!("{name}[{key}]"), &Value::from(key.as_str()), KEY));
            }
            size += content.as_str().map_or(0, str::len);
        }
    }
    if size > LARGEST {
        let said = format!("Too long: may not be more than {LARGEST} bytes");
        out.push(("FieldValueTooLong", "[]".to_owned(), said));
    }
    out
}

fn config_map(value: &Value) -> Vec<Fault> {
    let mut out = keys(value, &["data", "binaryData"]);
    for (key, _) in value["data"].as_object().into_iter().flatten() {
        if value["binaryData"].get(key).is_some() {
            let why = "duplicate of key present in binaryData";
            out.push(invalid(&format!("data[{key}]"), &Value::from(key.as_str()), why));
        }
    }
    out
}

fn secret(value: &Value) -> Vec<Fault> {
    let mut out = keys(value, &["data", "stringData"]);
    let has = |key: &str| value["data"].get(key).is_some() || value["stringData"].get(key).is_some();
    let needed: &[&str] = match text(&value["type"]) {
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    out.extend(needed.iter().filter(|key| !has(key)).map(|key| required(&format!("data[{key}]"))));
    out
}

fn service(spec: &Value) -> Vec<Fault> {
    let ports = list(&spec["ports"]);
    let mut out = Vec::new();
    if spec["type"] == "ExternalName" && text(&spec["externalName"]).is_empty() {
        out.push(required("spec.externalName"));
    }
    let affinity = Some(&spec["sessionAffinity"]).filter(|affinity| !affinity.is_null());
    out.extend(affinity.and_then(|affinity| supported("spec.sessionAffinity", affinity, &["ClientIP", "None"])));
    if ports.is_empty() && spec["clusterIP"] != "None" && spec["type"] != "ExternalName" {
        out.push(required("spec.ports"));
    }
    for (at, port) in ports.iter().enumerate() {
        if !port["protocol"].is_null() {
            out.extend(supported(&format!("spec.ports[{at}].protocol"), &port["protocol"], &["SCTP", "TCP", "UDP"]));
        }
        if ports.len() > 1 && text(&port["name"]).is_empty() {
            out.push(required(&format!("spec.ports[{at}].name")));
        }
        let target = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
        for (field, number) in [("port", &port["port"]), ("targetPort", target)] {
            if number.as_i64().is_some_and(|n| !(1..=65535).contains(&n)) {
                let why = "must be between 1 and 65535, inclusive";
                out.push(invalid(&format!("spec.ports[{at}].{field}"), number, why));
            }
        }
    }
    out
}

fn limit_range(spec: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    for (at, rule) in list(&spec["limits"]).iter().enumerate() {
        let (kind, at) = (&rule["type"], format!("spec.limits[{at}]"));
        let standard = ["Pod", "Container", "PersistentVolumeClaim"].contains(&text(kind)) || text(kind).contains('/');
        if !standard {
            out.push(invalid(&format!("{at}.type"), kind, "must be a standard limit type or fully qualified"));
        }
        let set = |field: &&&str| rule[**field].as_object().is_some_and(|amounts| !amounts.is_empty());
        for field in ["default", "defaultRequest"].iter().filter(set).filter(|_| kind == "Pod") {
            out.push(forbidden(&format!("{at}.{field}"), "may not be specified when `type` is 'Pod'"));
        }
    }
    out
}

fn network_policy(spec: &Value) -> Vec<Fault> {
    let types = list(&spec["policyTypes"]).iter().enumerate();
    let known = ["Ingress", "Egress"];
    types.filter_map(|(at, kind)| supported(&format!("spec.policyTypes[{at}]"), kind, &known)).collect()
}

fn lease(spec: &Value) -> Vec<Fault> {
    let seconds = &spec["leaseDurationSeconds"];
    let wrong = seconds.as_i64().is_some_and(|n| n <= 0);
    if wrong { vec![invalid("spec.leaseDurationSeconds", seconds, "must be greater than 0")] } else { Vec::new() }
}

fn node(spec: &Value) -> Vec<Fault> {
    let taints = list(&spec["taints"]).iter().enumerate();
    taints
        .filter_map(|(at, t)| supported(&format!("metadata.taints[{at}].effect"), &text(&t["effect"]).into(), &EFFECTS))
        .collect()
}

fn priority_class(value: &Value) -> Vec<Fault> {
    let name = text(&value["metadata"]["name"]);
    if name.starts_with("system-") {
        let why = format!(
            "priority class names with 'system-' prefix are reserved for system use only. error: {name} is not a known system priority class"
        );
        return vec![forbidden("metadata.name", &why)];
    }
    let too_high = value["value"].as_i64().is_some_and(|priority| priority > HIGHEST_PRIORITY);
    let why = format!("maximum allowed value of a user defined priority is {HIGHEST_PRIORITY}");
    if too_high { vec![forbidden("value", &why)] } else { Vec::new() }
}

fn deployment(spec: &Value) -> Vec<Fault> {
    let labels = &spec["template"]["metadata"]["labels"];
    let mut wanted = spec["selector"]["matchLabels"].as_object().into_iter().flatten();
    if wanted.all(|(key, value)| labels.get(key) == Some(value)) {
        return Vec::new();
    }
    let why = "`selector` does not match template `labels`";
    vec![invalid("spec.template.metadata.labels", labels, why)]
}

/// What Go's decoder would stumble over, beyond types.
pub(super) fn undecodable(resource: &Resource, value: &Value) -> Option<String> {
    let field = match resource {
        r if *r == SECRETS => "data",
        r if *r == CONFIGMAPS => "binaryData",
        _ => return None,
    };
    let mut data = value[field].as_object().into_iter().flatten();
    data.find_map(|(_, text)| bad_base64(text.as_str().unwrap_or_default()))
}

fn bad_base64(text: &str) -> Option<String> {
    BASE64_STANDARD.decode(text).err()?;
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
    let at = text.find(|c| !letter(c)).unwrap_or(text.len());
    Some(format!("illegal base64 data at input byte {at}"))
}

fn quota(spec: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    for (key, _) in spec["hard"].as_object().into_iter().flatten() {
        if !COUNTED.contains(&key.as_str()) && !key.contains('/') {
            for what in ["resource type or fully qualified", "resource for quota"] {
                let said = format!("Invalid value: \"{key}\": must be a standard {what}");
                out.push(("FieldValueInvalid", format!("spec.hard[{key}]"), said));
            }
        }
    }
    for scope in spec["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !SCOPES.contains(&scope) {
            let said = format!("Invalid value: [\"{scope}\"]: unsupported scope");
            out.push(("FieldValueInvalid", "spec.scopes".to_owned(), said));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn quotas_count_what_has_a_name() {
        let known =
            json!({"hard": {"pods": 1, "requests.nvidia.com/gpu": 1, "count/jobs.batch": 1}, "scopes": ["BestEffort"]});
        assert!(quota(&known).is_empty());
        assert_eq!(quota(&json!({"hard": {"gpus": 1}, "scopes": ["Odd"]})).len(), 3);
    }

    #[test]
    fn services_and_policies_say_what_they_may() {
        let fields = |faults: Vec<Fault>| faults.into_iter().map(|(_, field, _)| field).collect::<Vec<_>>();
        assert_eq!(fields(service(&json!({"type": "ExternalName"}))), ["spec.externalName"]);
        let odd = json!({"sessionAffinity": "Cookie", "ports": [{"port": 1, "protocol": "ICMP"}]});
        assert_eq!(fields(service(&odd)), ["spec.sessionAffinity", "spec.ports[0].protocol"]);
        assert!(service(&json!({"sessionAffinity": "None", "ports": [{"port": 1, "protocol": "UDP"}]})).is_empty());
        assert_eq!(fields(network_policy(&json!({"policyTypes": ["Egress", "In"]}))), ["spec.policyTypes[1]"]);
        let limits =
            json!({"limits": [{"type": "Pod", "default": {"cpu": "1"}, "max": {"cpu": "1"}}, {"type": "Odd"}]});
        assert_eq!(fields(limit_range(&limits)), ["spec.limits[0].default", "spec.limits[1].type"]);
    }

    #[test]
    fn what_is_no_base64_is_said_with_its_place() {
        assert_eq!(bad_base64("Yg=="), None);
        assert_eq!(bad_base64("*").as_deref(), Some("illegal base64 data at input byte 0"));
    }
}
