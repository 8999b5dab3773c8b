//! What the API server finds wrong with a pod or a template of pods, in its own words and order.

use serde_json::{Map, Value};

use crate::sim::{
    amounts::amount,
    store::words::{self, is_label, is_subdomain, wrong_key, wrong_value},
    value::{list, text},
};

/// Reason, field and sentence of each fault.
pub(super) type Causes = Vec<(&'static str, String, String)>;

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
/// What containers can ask for beside what has a domain.
const RESOURCES: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

fn required(field: String) -> (&'static str, String, String) {
    ("FieldValueRequired", field, "Required value".to_owned())
}

fn invalid(field: String, value: &Value, why: &str) -> (&'static str, String, String) {
    ("FieldValueInvalid", field, format!("Invalid value: {value}: {why}"))
}

fn supported(value: &str, field: String, known: &[&str], out: &mut Causes) {
    if !value.is_empty() && !known.contains(&value) {
        let known: Vec<String> = known.iter().map(|k| format!("{k:?}")).collect();
        let said = format!("Unsupported value: {value:?}: supported values: {}", known.join(", "));
        out.push(("FieldValueNotSupported", field, said));
    }
}

/// All that is wrong with a pod's spec that stands at `at`.
pub(super) fn spec(spec: &Value, at: &str, out: &mut Causes) {
    volumes(list(spec, "/volumes"), at, out);
    if list(spec, "/containers").is_empty() {
        out.push(required(format!("{at}.containers")));
    }
    let volumes: Vec<&str> = list(spec, "/volumes").iter().map(|v| text(v, "/name")).collect();
    let main: Vec<&str> = list(spec, "/containers").iter().map(|c| text(c, "/name")).collect();
    for role in ["containers", "initContainers"] {
        let all = list(spec, &format!("/{role}"));
        for (n, one) in all.iter().enumerate() {
            let name = text(one, "/name");
            let before = all[..n].iter().any(|other| text(other, "/name") == name);
            let twice = before || (role == "initContainers" && main.contains(&name));
            container(one, &format!("{at}.{role}[{n}]"), twice, &volumes, out);
        }
    }
    supported(text(spec, "/restartPolicy"), format!("{at}.restartPolicy"), &["Always", "OnFailure", "Never"], out);
    let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    supported(text(spec, "/dnsPolicy"), format!("{at}.dnsPolicy"), &known, out);
    labels(&spec["nodeSelector"], &format!("{at}.nodeSelector"), out);
    if text(spec, "/dnsPolicy") == "None" && list(spec, "/dnsConfig/nameservers").is_empty() {
        let why = "Required value: must provide at least one DNS nameserver when `dnsPolicy` is None".to_owned();
        out.push(("FieldValueRequired", format!("{at}.dnsConfig.nameservers"), why));
    }
    let node = text(spec, "/nodeName");
    if !node.is_empty() && !is_subdomain(node) {
        out.push(invalid(format!("{at}.nodeName"), &spec["nodeName"], words::SUBDOMAIN));
    }
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|s| !(1..=i64::from(i32::MAX)).contains(&s)) {
        let why = "must be between 1 and 2147483647, inclusive";
        out.push(invalid(format!("{at}.activeDeadlineSeconds"), &spec["activeDeadlineSeconds"], why));
    }
    for (n, toleration) in list(spec, "/tolerations").iter().enumerate() {
        tolerated(toleration, &format!("{at}.tolerations[{n}]"), out);
    }
}

/// What is wrong with labels that stand at `field`.
pub(super) fn labels(labels: &Value, field: &str, out: &mut Causes) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        out.extend(wrong_key(key).iter().map(|why| invalid(field.to_owned(), &Value::from(key.as_str()), why)));
        let wrong = wrong_value(value.as_str().unwrap_or_default());
        out.extend(wrong.into_iter().map(|why| invalid(field.to_owned(), value, why)));
    }
}

fn tolerated(toleration: &Value, path: &str, out: &mut Causes) {
    let (key, operator) = (text(toleration, "/key"), text(toleration, "/operator"));
    if !key.is_empty() {
        let key_field = format!("{path}.key");
        out.extend(wrong_key(key).iter().map(|why| invalid(key_field.clone(), &toleration["key"], why)));
    } else if operator != "Exists" {
        let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        out.push(invalid(format!("{path}.operator"), &Value::from(operator), why));
    }
    supported(operator, format!("{path}.operator"), &["Equal", "Exists"], out);
    supported(text(toleration, "/effect"), format!("{path}.effect"), &EFFECTS, out);
}

fn volumes(volumes: &[Value], at: &str, out: &mut Causes) {
    for (n, volume) in volumes.iter().enumerate() {
        let name = text(volume, "/name");
        let sources = volume.as_object().into_iter().flatten().filter(|(key, _)| *key != "name");
        for (key, _) in sources.skip(1) {
            let said = "Forbidden: may not specify more than 1 volume type".to_owned();
            out.push(("FieldValueForbidden", format!("{at}.volumes[{n}].{key}"), said));
        }
        let field = format!("{at}.volumes[{n}].name");
        if name.is_empty() {
            out.push(required(field));
        } else if !is_label(name) {
            out.push(invalid(field, &volume["name"], words::LABEL));
        } else if volumes[..n].iter().any(|other| text(other, "/name") == name) {
            out.push(("FieldValueDuplicate", field, format!("Duplicate value: {name:?}")));
        }
    }
}

fn container(one: &Value, path: &str, twice: bool, volumes: &[&str], out: &mut Causes) {
    let (name, image) = (text(one, "/name"), text(one, "/image"));
    if name.is_empty() {
        out.push(required(format!("{path}.name")));
    } else if !is_label(name) {
        out.push(invalid(format!("{path}.name"), &one["name"], words::LABEL));
    } else if twice {
        out.push(("FieldValueDuplicate", format!("{path}.name"), format!("Duplicate value: {name:?}")));
    }
    if image.is_empty() {
        out.push(required(format!("{path}.image")));
    } else if image.trim() != image {
        out.push(invalid(format!("{path}.image"), &one["image"], "must not have leading or trailing whitespace"));
    }
    for (at, port) in list(one, "/ports").iter().enumerate() {
        container_port(port, &format!("{path}.ports[{at}]"), out);
    }
    for (at, variable) in list(one, "/env").iter().enumerate() {
        if text(variable, "/name").is_empty() {
            out.push(required(format!("{path}.env[{at}].name")));
        }
    }
    mounts(list(one, "/volumeMounts"), path, volumes, out);
    let policies = ["Always", "IfNotPresent", "Never"];
    supported(text(one, "/imagePullPolicy"), format!("{path}.imagePullPolicy"), &policies, out);
    resources(one, path, out);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let handlers = ["exec", "grpc", "httpGet", "tcpSocket"];
        if one[probe].is_object() && handlers.iter().all(|handler| one[probe][handler].is_null()) {
            let said = "Required value: must specify a handler type".to_owned();
            out.push(("FieldValueRequired", format!("{path}.{probe}"), said));
        }
    }
}

fn container_port(port: &Value, path: &str, out: &mut Causes) {
    let name = text(port, "/name");
    if name.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')) {
        let why = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        out.push(invalid(format!("{path}.name"), &port["name"], why));
    }
    match port["containerPort"].as_i64().unwrap_or(0) {
        0 => out.push(required(format!("{path}.containerPort"))),
        1..=65535 => {}
        _ => {
            let why = "must be between 1 and 65535, inclusive";
            out.push(invalid(format!("{path}.containerPort"), &port["containerPort"], why));
        }
    }
    supported(text(port, "/protocol"), format!("{path}.protocol"), &["SCTP", "TCP", "UDP"], out);
}

fn mounts(mounts: &[Value], path: &str, volumes: &[&str], out: &mut Causes) {
    for (at, mount) in mounts.iter().enumerate() {
        let (named, place) = (text(mount, "/name"), text(mount, "/mountPath"));
        let path = format!("{path}.volumeMounts[{at}]");
        // The token volume is added by admission.
        if !volumes.contains(&named) && !named.starts_with("kube-api-access-") {
            out.push(("FieldValueNotFound", format!("{path}.name"), format!("Not found: {named:?}")));
        }
        if place.is_empty() {
            out.push(required(format!("{path}.mountPath")));
        } else if mounts[..at].iter().any(|other| text(other, "/mountPath") == place) {
            out.push(invalid(format!("{path}.mountPath"), &mount["mountPath"], "must be unique"));
        }
    }
}

fn resources(container: &Value, path: &str, out: &mut Causes) {
    let side = |side: &str| container["resources"][side].as_object();
    let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let empty = Map::new();
    let limits = side("limits").unwrap_or(&empty);
    for (name, all) in [("limits", side("limits")), ("requests", side("requests"))] {
        for (resource, asked) in all.into_iter().flatten() {
            let field = format!("{path}.resources.{name}[{resource}]");
            if !resource.contains('/') && !RESOURCES.contains(&resource.as_str()) && !resource.starts_with("hugepages-")
            {
                for what in ["resource type or fully qualified", "resource for containers"] {
                    let value = Value::from(resource.as_str());
                    out.push(invalid(field.clone(), &value, &format!("must be a standard {what}")));
                }
            } else if amount(resource, asked) < 0 {
                out.push(invalid(field, &Value::from(plain(asked)), "must be greater than or equal to 0"));
            } else if resource.contains('/') && plain(asked).ends_with('m') {
                out.push(invalid(field, &Value::from(plain(asked)), "must be an integer"));
            }
        }
    }
    for (resource, asked) in side("requests").into_iter().flatten() {
        match limits.get(resource) {
            None if resource.contains('/') => {
                let why = "Required value: Limit must be set for non overcommitable resources".into();
                out.push(("FieldValueRequired", format!("{path}.resources.limits"), why));
            }
            Some(limit)
                if amount(resource, asked) > amount(resource, limit)
                    || (resource.contains('/') && amount(resource, asked) != amount(resource, limit)) =>
            {
                let must = if resource.contains('/') { "equal to" } else { "less than or equal to" };
                let why = format!("must be {must} {resource} limit of {}", plain(limit));
                out.push(invalid(format!("{path}.resources.requests"), &Value::from(plain(asked)), &why));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(value: &Value) -> Vec<String> {
        let mut out = Causes::new();
        spec(value, "spec", &mut out);
        out.into_iter().map(|(_, field, said)| format!("{field}: {said}")).collect()
    }

    #[test]
    fn faults_are_told_in_the_servers_order() {
        let container = json!({"name": "c", "image": " i", "imagePullPolicy": "Some", "ports": [{"containerPort": 0}],
            "volumeMounts": [{"name": "v", "mountPath": ""}]});
        assert_eq!(
            told(&json!({"dnsPolicy": "Odd", "containers": [container], "volumes": [{"name": "v"}, {"name": "v"}]})),
            [
                "spec.volumes[1].name: Duplicate value: \"v\"",
                "spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing whitespace",
                "spec.containers[0].ports[0].containerPort: Required value",
                "spec.containers[0].volumeMounts[0].mountPath: Required value",
                "spec.containers[0].imagePullPolicy: Unsupported value: \"Some\": supported values: \"Always\", \"IfNotPresent\", \"Never\"",
                "spec.dnsPolicy: Unsupported value: \"Odd\": supported values: \"ClusterFirstWithHostNet\", \"ClusterFirst\", \"Default\", \"None\"",
            ]
        );
    }

    #[test]
    fn a_good_pod_has_no_fault() {
        let container = json!({"name": "c", "image": "i", "resources": {"limits": {"cpu": "1", "nvidia.com/gpu": 1}},
            "env": [{"name": "A"}], "readinessProbe": {"exec": {}}});
        let tolerations = json!([{"operator": "Exists"}, {"key": "a", "operator": "Equal", "effect": "NoExecute"}]);
        assert_eq!(told(&json!({"containers": [container], "tolerations": tolerations})), [""; 0]);
    }
}
