//! What the API server fills in before it stores an object, and the names it takes.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};

use super::resource::{
    CLAIMS, CLUSTERROLEBINDINGS, CLUSTERROLES, DEPLOYMENTS, EVENTS, JOBS, LIMITRANGES, NAMESPACES, NETWORKPOLICIES,
    PODS, PRIORITYCLASSES, QUOTAS, REPLICASETS, ROLEBINDINGS, ROLES, SECRETS, SERVICES, STORAGECLASSES, VOLUMES,
};
use super::{
    Refusal, Resource, amounts,
    fields::{forget, forget_empty},
    words,
};
use crate::sim::schema::{self, Schemas};
use crate::sim::value::{hash, mix};

/// Fills in apiVersion, kind and the defaults of the kind.
pub(super) fn complete(resource: &Resource, value: &mut Value) {
    if !value.is_object() {
        *value = json!({});
    }
    value["apiVersion"] = json!(resource.api_version());
    value["kind"] = json!(resource.kind);
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
    forget_empty(&mut value["metadata"]);
    of_kind(resource, value);
}

/// The defaults of the kind.
fn of_kind(resource: &Resource, value: &mut Value) {
    if *resource == PODS {
        pod_spec(&mut value["spec"], "Always");
        running_pod(&mut value["spec"]);
    } else if let Some(node) = Schemas::all().of(resource).filter(|_| resource.custom) {
        schema::fill(node, value);
    } else if *resource == JOBS {
        batch_job(value);
    } else if *resource == NAMESPACES {
        own_label(value);
        set(&mut value["spec"], &json!({"finalizers": ["kubernetes"]}));
    } else if *resource == SERVICES {
        service(&mut value["spec"]);
    } else if *resource == SECRETS {
        secret(value);
    } else if *resource == CLAIMS {
        set(&mut value["spec"], &json!({"volumeMode": "Filesystem"}));
        amounts::tidy(value.pointer_mut("/spec/resources/requests"));
        set(&mut value["metadata"], &json!({"finalizers": ["kubernetes.io/pvc-protection"]}));
    } else if *resource == EVENTS {
        set(value, &json!({"reportingComponent": "", "reportingInstance": "", "source": {}}));
        for time in ["eventTime", "firstTimestamp", "lastTimestamp"] {
            if value[time].is_null() {
                value[time] = Value::Null;
            }
        }
    } else if *resource == STORAGECLASSES {
        set(value, &json!({"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"}));
    } else if *resource == DEPLOYMENTS {
        deployment(&mut value["spec"]);
    } else if *resource == NETWORKPOLICIES {
        network_policy(&mut value["spec"]);
    } else if *resource == QUOTAS {
        amounts::tidy(value.pointer_mut("/spec/hard"));
    } else if *resource == LIMITRANGES {
        limit_range(&mut value["spec"]);
    } else if *resource == PRIORITYCLASSES {
        set(value, &json!({"preemptionPolicy": "PreemptLowerPriority"}));
    } else {
        of_kept_kind(resource, value);
    }
}

/// The defaults of what administrators and controllers keep.
fn of_kept_kind(resource: &Resource, value: &mut Value) {
    if *resource == VOLUMES {
        set(&mut value["spec"], &json!({"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}));
        amounts::tidy(value.pointer_mut("/spec/capacity"));
        set(&mut value["metadata"], &json!({"finalizers": ["kubernetes.io/pv-protection"]}));
    } else if [&ROLES, &CLUSTERROLES].contains(&resource) {
        value["rules"] = value["rules"].take();
    } else if [&ROLEBINDINGS, &CLUSTERROLEBINDINGS].contains(&resource) {
        binding(value);
    } else if *resource == REPLICASETS {
        set(&mut value["spec"], &json!({"replicas": 1}));
        pod_spec(&mut value["spec"]["template"]["spec"], "Always");
    }
}

/// The status of a new object: the server's, never the sender's.
pub(super) fn first_status(resource: &Resource, value: &mut Value) {
    if *resource == PODS {
        value["status"] = json!({"phase": "Pending", "qosClass": quality_of_service(&value["spec"])});
    } else if *resource == NAMESPACES {
        value["status"] = json!({"phase": "Active"});
    } else if [&CLAIMS, &VOLUMES].contains(&resource) {
        value["status"] = json!({"phase": "Pending"});
    } else if *resource == REPLICASETS {
        value["status"] = json!({"replicas": 0});
    } else if *resource == SERVICES {
        value["status"] = json!({"loadBalancer": {}});
    } else if resource.custom {
        forget(value, "status");
    } else {
        value["status"] = json!({});
    }
}

/// Sets the fields of `from` that `to` lacks.
fn set(to: &mut Value, from: &Value) {
    if !to.is_object() {
        *to = Value::Object(Map::new());
    }
    for (key, made) in from.as_object().into_iter().flatten() {
        if to[key].is_null() {
            to[key] = made.clone();
        }
    }
}

fn batch_job(value: &mut Value) {
    set(
        &mut value["spec"],
        &json!({"parallelism": 1, "completions": 1, "backoffLimit": 6, "completionMode": "NonIndexed", "suspend": false,
            "manualSelector": false, "podReplacementPolicy": "TerminatingOrFailed"}),
    );
    pod_spec(&mut value["spec"]["template"]["spec"], "Always");
}

/// What follows from the uid of a new object: a Job selects its pods by it.
pub(super) fn identify(resource: &Resource, value: &mut Value) {
    if *resource == SERVICES {
        address(value);
    }
    if *resource != JOBS || value["spec"]["manualSelector"] == true {
        return;
    }
    let (uid, name) = (value["metadata"]["uid"].clone(), value["metadata"]["name"].clone());
    set(&mut value["spec"], &json!({"selector": {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}}));
    let labels = json!({
        "batch.kubernetes.io/controller-uid": uid, "batch.kubernetes.io/job-name": name,
        "controller-uid": uid, "job-name": name,
    });
    let template = &mut value["spec"]["template"];
    if !template["metadata"].is_object() {
        template["metadata"] = json!({});
    }
    set(&mut template["metadata"]["labels"], &labels);
    let labels = template["metadata"]["labels"].clone();
    if value["metadata"]["labels"].as_object().is_none_or(Map::is_empty) {
        value["metadata"]["labels"] = labels;
    }
}

/// A Service without an address gets one of the cluster's.
fn address(service: &mut Value) {
    let n = mix(hash(service["metadata"]["uid"].as_str().unwrap_or_default()));
    let spec = &mut service["spec"];
    if spec["type"] != "ExternalName" && spec["clusterIP"].as_str().unwrap_or_default().is_empty() {
        let ip = format!("10.96.{}.{}", n % 256, (n >> 8) % 254 + 1);
        (spec["clusterIP"], spec["clusterIPs"]) = (json!(ip), json!([ip]));
    }
}

fn pod_spec(spec: &mut Value, restart: &str) {
    set(
        spec,
        &json!({
            "restartPolicy": restart, "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "securityContext": {}, "schedulerName": "default-scheduler",
        }),
    );
    volumes(spec);
    if spec["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds < 0) {
        spec["terminationGracePeriodSeconds"] = json!(1);
    }
    let on_host = spec["hostNetwork"] == true;
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            complete_container(container);
            for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                if on_host {
                    let own = port["containerPort"].clone();
                    set(port, &json!({"hostPort": own}));
                }
            }
        }
    }
}

/// The defaults of a container of any kind.
pub fn complete_container(container: &mut Value) {
    let image = container["image"].as_str().unwrap_or_default();
    let tag = image.rsplit('/').next().unwrap_or_default();
    let latest = !tag.contains(':') || tag.ends_with(":latest");
    let pull = if latest { "Always" } else { "IfNotPresent" };
    // A text that is empty is as good as none.
    for key in ["imagePullPolicy", "terminationMessagePath", "terminationMessagePolicy"] {
        if container[key] == "" {
            container[key] = Value::Null;
        }
    }
    set(
        container,
        &json!({
            "imagePullPolicy": pull, "resources": {}, "terminationMessagePath": "/dev/termination-log",
            "terminationMessagePolicy": "File",
        }),
    );
    parts_of_container(container);
}

fn service(spec: &mut Value) {
    set(
        spec,
        &json!({"type": "ClusterIP", "sessionAffinity": "None", "internalTrafficPolicy": "Cluster",
        "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack"}),
    );
    if let Some(ip) = spec["clusterIP"].as_str().map(str::to_owned) {
        set(spec, &json!({"clusterIPs": [ip]}));
    }
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let own = port["port"].clone();
        set(port, &json!({"protocol": "TCP", "targetPort": own}));
    }
}

/// What an update fills in as a creation does.
pub(super) fn on_update(resource: &Resource, value: &mut Value) {
    if *resource == NAMESPACES {
        own_label(value);
    } else if [&ROLEBINDINGS, &CLUSTERROLEBINDINGS].contains(&resource) {
        binding(value);
    }
}

/// Users and groups are of the group of roles.
fn binding(value: &mut Value) {
    let fill = |named: &mut Value| {
        if named["apiGroup"] == "" {
            named["apiGroup"] = Value::Null;
        }
        set(named, &json!({"apiGroup": ROLES.group}));
    };
    fill(&mut value["roleRef"]);
    for subject in value.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject["kind"] != "ServiceAccount" {
            fill(subject);
        }
    }
}

/// Its text becomes data. What is no base64 is refused before.
fn secret(value: &mut Value) {
    let texts = value["stringData"].take();
    forget(value, "stringData");
    for (key, text) in texts.as_object().into_iter().flatten() {
        let text = text.as_str().unwrap_or_default();
        value["data"][key] = json!(BASE64_STANDARD.encode(text));
    }
    set(value, &json!({"type": "Opaque"}));
}

fn deployment(spec: &mut Value) {
    let steps = json!({"maxSurge": "25%", "maxUnavailable": "25%"});
    set(
        spec,
        &json!({"progressDeadlineSeconds": 600, "replicas": 1, "revisionHistoryLimit": 10,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": steps}}),
    );
    pod_spec(&mut spec["template"]["spec"], "Always");
}

/// What a policy is about follows from the rules it has.
fn network_policy(spec: &mut Value) {
    for side in ["ingress", "egress"] {
        for rule in spec.get_mut(side).and_then(Value::as_array_mut).into_iter().flatten() {
            for port in rule.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                set(port, &json!({"protocol": "TCP"}));
            }
        }
    }
    let types = if spec["egress"].is_null() { json!(["Ingress"]) } else { json!(["Ingress", "Egress"]) };
    set(spec, &json!({"policyTypes": types}));
}

/// A container's default limit is its maximum, its default request its default limit, else its minimum.
fn limit_range(spec: &mut Value) {
    for rule in spec.get_mut("limits").and_then(Value::as_array_mut).into_iter().flatten() {
        for side in ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"] {
            amounts::tidy(rule.get_mut(side));
        }
        if rule["type"] != "Container" {
            continue;
        }
        for (to, from) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
            let from = rule[from].clone();
            if from.as_object().is_some_and(|from| !from.is_empty()) {
                set(&mut rule[to], &from);
            }
        }
    }
}

fn parts_of_container(container: &mut Value) {
    let each = |list: &mut Value, made: &Value| {
        for element in list.as_array_mut().into_iter().flatten() {
            set(element, made);
        }
    };
    for side in ["/resources/limits", "/resources/requests"] {
        amounts::tidy(container.pointer_mut(side));
    }
    if let Some(ports) = container.get_mut("ports") {
        each(ports, &json!({"protocol": "TCP"}));
    }
    for hook in [
        "/lifecycle/postStart/httpGet",
        "/lifecycle/preStop/httpGet",
        "/livenessProbe/httpGet",
        "/readinessProbe/httpGet",
        "/startupProbe/httpGet",
    ] {
        if let Some(request) = container.pointer_mut(hook) {
            set(request, &json!({"path": "/", "scheme": "HTTP"}));
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe) {
            set(
                probe,
                &json!({"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1}),
            );
        }
    }
    for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        if let Some(field) = variable.pointer_mut("/valueFrom/fieldRef") {
            set(field, &json!({"apiVersion": "v1"}));
        }
        if let Some(field) = variable.pointer_mut("/valueFrom/resourceFieldRef") {
            set(field, &json!({"divisor": "0"}));
        }
    }
}

fn volumes(spec: &mut Value) {
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for (kind, made) in [("configMap", 420), ("secret", 420), ("projected", 420), ("downwardAPI", 420)] {
            if let Some(source) = volume.get_mut(kind) {
                set(source, &json!({"defaultMode": made}));
            }
        }
        if let Some(host) = volume.get_mut("hostPath") {
            set(host, &json!({"type": ""}));
        }
        for item in volume.pointer_mut("/downwardAPI/items").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(field) = item.get_mut("fieldRef") {
                set(field, &json!({"apiVersion": "v1"}));
            }
        }
        if volume.as_object().is_some_and(|v| v.len() == 1 && v.contains_key("name")) {
            volume["emptyDir"] = json!({});
        }
    }
}

/// What admission adds to a pod itself.
fn running_pod(spec: &mut Value) {
    let wait = |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
    let account = spec.get("serviceAccountName").and_then(Value::as_str).unwrap_or("default").to_owned();
    let both = [wait("node.kubernetes.io/not-ready"), wait("node.kubernetes.io/unreachable")];
    set(
        spec,
        &json!({
            "serviceAccountName": account, "serviceAccount": account, "priority": 0, "enableServiceLinks": true,
            "preemptionPolicy": "PreemptLowerPriority", "tolerations": [],
        }),
    );
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let limits = container["resources"]["limits"].clone();
            if limits.as_object().is_some_and(|l| !l.is_empty()) {
                set(&mut container["resources"]["requests"], &limits);
            }
        }
    }
    let Some(tolerations) = spec["tolerations"].as_array_mut() else { return };
    for toleration in both {
        let covers = |t: &Value| {
            let key = t["key"].as_str().unwrap_or_default();
            let effect = t["effect"].as_str().unwrap_or_default();
            (key == toleration["key"] || (key.is_empty() && t["operator"] == "Exists"))
                && ["", "NoExecute"].contains(&effect)
        };
        if !tolerations.iter().any(covers) {
            tolerations.push(toleration);
        }
    }
}

/// The quality of service that follows from a pod's resources.
pub fn quality_of_service(spec: &Value) -> &'static str {
    let containers = || spec["containers"].as_array().into_iter().flatten();
    let amount = |c: &Value, side: &str, what: &str| c["resources"][side].get(what).map(Value::to_string);
    let asks = |c: &Value, what: &str| amount(c, "requests", what).or_else(|| amount(c, "limits", what));
    let names = ["cpu", "memory"];
    if containers().all(|c| names.iter().all(|n| asks(c, n).is_none())) {
        "BestEffort"
    } else if containers().all(|c| names.iter().all(|n| asks(c, n).is_some() && amount(c, "limits", n) == asks(c, n))) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// 422 for a name that is none of its kind.
pub(super) fn check_name(resource: &Resource, name: &str, prefix: &str) -> Result<(), Refusal> {
    // A dash at the end of what it was made of is not the end of the name.
    let stem = prefix.strip_suffix('-').map_or_else(|| prefix.to_owned(), |stem| format!("{stem}a"));
    let fault = |field, said: &str, held: &str| {
        let why = wrong_name(resource, held)?;
        Some(("FieldValueInvalid", field, format!("Invalid value: \"{said}\": {why}")))
    };
    let of_prefix = if prefix.is_empty() { None } else { fault("metadata.generateName", prefix, &stem) };
    let faults: Vec<_> = of_prefix.into_iter().chain(fault("metadata.name", name, name)).collect();
    if faults.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, name, &faults)) }
}

/// The label by which a namespace is selected: nobody takes it off.
fn own_label(namespace: &mut Value) {
    let name = namespace["metadata"]["name"].clone();
    namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = name;
}

/// What is wrong with a name of this kind.
fn wrong_name(resource: &Resource, name: &str) -> Option<String> {
    if *resource == NAMESPACES && name.contains('.') {
        return Some("must not contain dots".to_owned());
    }
    if resource.group == ROLES.group {
        return wrong_step(name);
    }
    let (good, rule, longest) = if [&NAMESPACES, &SERVICES].contains(&resource) {
        (words::is_label(name), words::LABEL, 63)
    } else {
        (words::is_subdomain(name), words::SUBDOMAIN, 253)
    };
    let too_long = || format!("must be no more than {longest} characters");
    (!good).then(|| if name.len() > longest { too_long() } else { rule.to_owned() })
}

/// What is wrong with a name that need only be one step of a path.
fn wrong_step(name: &str) -> Option<String> {
    if [".", ".."].contains(&name) {
        return Some(format!("may not be '{name}'"));
    }
    ['/', '%'].into_iter().find(|sign| name.contains(*sign)).map(|sign| format!("may not contain '{sign}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_of_service_follows_resources() {
        let spec = |resources: Value| json!({"containers": [{"resources": resources}]});
        let same = json!({"cpu": "1", "memory": "1Gi"});
        assert_eq!(quality_of_service(&spec(json!({}))), "BestEffort");
        assert_eq!(quality_of_service(&spec(json!({"limits": same}))), "Guaranteed");
        assert_eq!(quality_of_service(&spec(json!({"limits": same, "requests": {"cpu": "500m"}}))), "Burstable");
    }

    #[test]
    fn a_pods_defaults_are_those_of_the_server() {
        let mut pod = json!({"spec": {"containers": [{"name": "w", "image": "x"}], "restartPolicy": "Never"}});
        complete(&PODS, &mut pod);
        assert_eq!(pod["spec"]["restartPolicy"], "Never");
        assert_eq!(pod["spec"]["containers"][0]["imagePullPolicy"], "Always");
        assert_eq!(pod["spec"]["tolerations"].as_array().unwrap().len(), 2);
        assert_eq!(pod["apiVersion"], "v1");
    }
}
