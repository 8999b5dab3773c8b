//! What the API server finds wrong with a pod or a template of pods, in its own words and order.
//!
//! Owns the order of a spec's parts; what is wrong with a part is in that part's file.

mod containers;
mod environment;
mod placement;
mod probes;
mod resources;
mod settings;
mod volumes;

use serde_json::Value;

use crate::sim::{
    store::words::{self, is_label, is_subdomain, wrong_key, wrong_value},
    value::{list, text, truth},
};

/// Reason, field and sentence of a fault.
type Cause = (&'static str, String, String);

/// All that is wrong.
pub(crate) type Causes = Vec<Cause>;

fn required(field: String) -> Cause {
    ("FieldValueRequired", field, "Required value".to_owned())
}

fn missing(field: String, why: &str) -> Cause {
    ("FieldValueRequired", field, format!("Required value: {why}"))
}

fn invalid(field: String, value: &Value, why: &str) -> Cause {
    ("FieldValueInvalid", field, format!("Invalid value: {value}: {why}"))
}

fn forbidden(field: String, why: &str) -> Cause {
    ("FieldValueForbidden", field, format!("Forbidden: {why}"))
}

fn duplicate(field: String, value: &str) -> Cause {
    ("FieldValueDuplicate", field, format!("Duplicate value: {value:?}"))
}

fn supported(value: &str, field: String, known: &[&str], out: &mut Causes) {
    if !value.is_empty() && !known.contains(&value) {
        let known: Vec<String> = known.iter().map(|k| format!("{k:?}")).collect();
        let said = format!("Unsupported value: {value:?}: supported values: {}", known.join(", "));
        out.push(("FieldValueNotSupported", field, said));
    }
}

/// A number that may not be below zero.
fn not_negative(value: &Value, field: String, out: &mut Causes) {
    if value.as_i64().is_some_and(|n| n < 0) {
        out.push(invalid(field, value, "must be greater than or equal to 0"));
    }
}

/// All that is wrong with a pod's spec that stands at `at`.
pub(super) fn spec(spec: &Value, at: &str, out: &mut Causes) {
    volumes::all(list(spec, "/volumes"), at, out);
    containers::all(spec, at, out);
    if truth(spec, "/hostNetwork") {
        containers::on_the_host(spec, at, out);
    }
    supported(text(spec, "/restartPolicy"), format!("{at}.restartPolicy"), &["Always", "OnFailure", "Never"], out);
    let known = ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"];
    supported(text(spec, "/dnsPolicy"), format!("{at}.dnsPolicy"), &known, out);
    labels(&spec["nodeSelector"], &format!("{at}.nodeSelector"), out);
    settings::security(spec, at, out);
    placement::affinity(&spec["affinity"], &format!("{at}.affinity"), out);
    settings::dns(spec, &format!("{at}.dnsConfig"), out);
    placement::gates(list(spec, "/schedulingGates"), &format!("{at}.schedulingGates"), out);
    placement::spread(list(spec, "/topologySpreadConstraints"), &format!("{at}.topologySpreadConstraints"), out);
    for field in ["serviceAccountName", "nodeName"] {
        if !matches!(text(&spec[field], ""), name if name.is_empty() || is_subdomain(name)) {
            out.push(invalid(format!("{at}.{field}"), &spec[field], words::SUBDOMAIN));
        }
    }
    if spec["activeDeadlineSeconds"].as_i64().is_some_and(|s| !(1..=i64::from(i32::MAX)).contains(&s)) {
        let why = "must be between 1 and 2147483647, inclusive";
        out.push(invalid(format!("{at}.activeDeadlineSeconds"), &spec["activeDeadlineSeconds"], why));
    }
    for field in ["hostname", "subdomain"] {
        if !matches!(text(&spec[field], ""), name if name.is_empty() || is_label(name)) {
            out.push(invalid(format!("{at}.{field}"), &spec[field], words::LABEL));
        }
    }
    for (n, toleration) in list(spec, "/tolerations").iter().enumerate() {
        placement::tolerated(toleration, &format!("{at}.tolerations[{n}]"), out);
    }
    settings::aliases(list(spec, "/hostAliases"), &format!("{at}.hostAliases"), out);
    supported(text(spec, "/os/name"), format!("{at}.os"), &["linux", "windows"], out);
}

/// All that is wrong with a container of any kind that stands at `at` in a pod with these volumes.
pub(crate) fn container(one: &Value, at: &str, volumes: &[&str]) -> Causes {
    let mut out = Causes::new();
    containers::common(one, at, volumes, &mut out);
    out
}

/// What is wrong with labels that stand at `field`.
pub(super) fn labels(labels: &Value, field: &str, out: &mut Causes) {
    for (key, value) in labels.as_object().into_iter().flatten() {
        out.extend(wrong_key(key).iter().map(|why| invalid(field.to_owned(), &Value::from(key.as_str()), why)));
        let wrong = wrong_value(value.as_str().unwrap_or_default());
        out.extend(wrong.into_iter().map(|why| invalid(field.to_owned(), value, why)));
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
