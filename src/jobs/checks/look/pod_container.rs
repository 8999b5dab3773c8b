//! What the API server refuses of a container: place and sentence.

use serde_json::{Map, Value};

use super::names;
use crate::jobs::checks::case::Container;
use crate::jobs::quantity::{Quantity, parse_bytes};

/// Place (JSON pointer) and sentence.
pub(super) type Faults = Vec<(String, String)>;

/// Everything that is wrong with a container.
pub(super) fn faults(c: &Container<'_>, out: &mut Faults) {
    let mut add = |field: &str, said: String| out.push((format!("{}/{field}", c.at), said));
    if let Some(said) = names::label(c.name()).filter(|_| !c.value["name"].is_null()) {
        add("name", said.to_owned());
    }
    word(c.value, "imagePullPolicy", &["Always", "IfNotPresent", "Never"], &mut add);
    word(c.value, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"], &mut add);
    word(c.value, "restartPolicy", &["Always", "Never", "OnFailure"], &mut add);
    for (i, device) in c.value["volumeDevices"].as_array().into_iter().flatten().enumerate() {
        add(&format!("volumeDevices/{i}"), format!("there is no volume {} that is a claim", device["name"]));
    }
    for (i, claim) in c.value["resources"]["claims"].as_array().into_iter().flatten().enumerate() {
        add(&format!("resources/claims/{i}"), format!("{} is none of the pod's resourceClaims", claim["name"]));
    }
    env(c, &mut add);
    mounts(c, &mut add);
    ports(c, &mut add);
    lives(c, &mut add);
    pages(c, &mut add);
}

/// A field that takes only some words.
fn word(value: &Value, field: &str, words: &[&str], add: &mut dyn FnMut(&str, String)) {
    if let Some(is) = value[field].as_str().filter(|is| !is.is_empty() && !words.contains(is)) {
        add(field, format!("{is:?} is none of {}", words.join(", ")));
    }
}

fn is_variable(name: &str) -> bool {
    !name.contains('=') && name.bytes().all(|b| (b' '..=b'~').contains(&b))
}

fn env(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    for (i, variable) in c.value["env"].as_array().into_iter().flatten().enumerate() {
        let name = variable["name"].as_str().unwrap_or("?");
        if name.is_empty() || !is_variable(name) {
            add(&format!("env/{i}/name"), format!("{name:?} must be printable ASCII without ="));
        }
        let from = &variable["valueFrom"];
        if !from.is_object() {
            continue;
        }
        if variable["value"].as_str().is_some_and(|value| !value.is_empty()) {
            add(&format!("env/{i}/valueFrom"), "may not stand beside a value".to_owned());
        }
        if from.as_object().map_or(0, |map| map.values().filter(|source| !source.is_null()).count()) != 1 {
            add(&format!("env/{i}/valueFrom"), "must name one source".to_owned());
        }
        if let Some(path) = from["fieldRef"]["fieldPath"].as_str().filter(|path| !is_field(path)) {
            add(&format!("env/{i}/valueFrom/fieldRef/fieldPath"), format!("a pod has no {path} for variables"));
        }
        if let Some(name) = from["resourceFieldRef"]["resource"].as_str().filter(|name| !is_amount(name)) {
            add(&format!("env/{i}/valueFrom/resourceFieldRef/resource"), format!("there is no {name} for variables"));
        }
    }
    for (i, from) in c.value["envFrom"].as_array().into_iter().flatten().enumerate() {
        if from["prefix"].as_str().is_some_and(|prefix| !is_variable(prefix)) {
            add(&format!("envFrom/{i}/prefix"), "must be printable ASCII without =".to_owned());
        }
        match ["configMapRef", "secretRef"].into_iter().find(|of| from[of].is_object()) {
            None => add(&format!("envFrom/{i}"), "must name a ConfigMap or a Secret".to_owned()),
            Some(of) if from[of]["name"].as_str().unwrap_or_default().is_empty() => {
                add(&format!("envFrom/{i}/{of}/name"), "there must be one".to_owned());
            }
            Some(_) => {}
        }
    }
}

/// Fields of a pod that a variable may be read from.
fn is_field(path: &str) -> bool {
    const FIELDS: [&str; 9] = [
        "metadata.name",
        "metadata.namespace",
        "metadata.uid",
        "spec.nodeName",
        "spec.serviceAccountName",
        "status.hostIP",
        "status.hostIPs",
        "status.podIP",
        "status.podIPs",
    ];
    let of_map = ["metadata.labels['", "metadata.annotations['"].into_iter().find_map(|start| path.strip_prefix(start));
    FIELDS.contains(&path)
        || of_map.and_then(|rest| rest.strip_suffix("']")).is_some_and(|key| names::key(key).is_none())
}

/// Amounts of a container that a variable may be read from.
fn is_amount(name: &str) -> bool {
    let of = name.strip_prefix("limits.").or_else(|| name.strip_prefix("requests."));
    of.is_some_and(|r| matches!(r, "cpu" | "memory" | "ephemeral-storage") || r.starts_with("hugepages-"))
}

fn mounts(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    for (i, mount) in c.mounts() {
        let sub = mount["subPath"].as_str().unwrap_or_default();
        if sub.starts_with('/') {
            add(&format!("volumeMounts/{i}/subPath"), "must be a relative path".to_owned());
        } else if goes_up(sub) {
            add(&format!("volumeMounts/{i}/subPath"), "must not contain ..".to_owned());
        }
        if !sub.is_empty() && mount["subPathExpr"].as_str().is_some_and(|text| !text.is_empty()) {
            add(&format!("volumeMounts/{i}/subPathExpr"), "may not stand beside subPath".to_owned());
        }
        if mount["mountPath"] == "" {
            add(&format!("volumeMounts/{i}/mountPath"), "there must be one".to_owned());
        }
        let ways = ["None", "HostToContainer", "Bidirectional"];
        word(mount, "mountPropagation", &ways, &mut |field, said| add(&format!("volumeMounts/{i}/{field}"), said));
    }
}

fn ports(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    let mut names: Vec<&str> = Vec::new();
    for (i, port) in c.value["ports"].as_array().into_iter().flatten().enumerate() {
        if port["containerPort"].as_i64().is_some_and(|n| !is_port(n)) {
            add(&format!("ports/{i}/containerPort"), "must be between 1 and 65535".to_owned());
        }
        word(port, "protocol", &["TCP", "UDP", "SCTP"], &mut |field, said| add(&format!("ports/{i}/{field}"), said));
        let Some(name) = port["name"].as_str() else { continue };
        if name.len() > 15 {
            add(&format!("ports/{i}/name"), "must be no more than 15 characters".to_owned());
        } else if names::label(name).is_some() {
            add(&format!("ports/{i}/name"), "must consist of lower case letters, digits and -".to_owned());
        }
        if names.contains(&name) {
            add(&format!("ports/{i}/name"), format!("{name} is the name of another port"));
        }
        names.push(name);
    }
}

fn is_port(number: i64) -> bool {
    (1..=65535).contains(&number)
}

/// Probes, and what is done at start and end.
fn lives(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    let stays = !c.init || c.value["restartPolicy"] == "Always";
    for field in ["livenessProbe", "readinessProbe", "startupProbe", "lifecycle"] {
        if !stays && !c.value[field].is_null() {
            add(field, "is not for a container that runs before the others".to_owned());
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        of_probe(&c.value[probe], probe, add);
    }
    for moment in ["postStart", "preStop"] {
        let handler = &c.value["lifecycle"][moment];
        if handler.is_object() {
            one_handler(handler, &["exec", "httpGet", "tcpSocket", "sleep"], &format!("lifecycle/{moment}"), add);
        }
    }
}

fn one_handler(value: &Value, known: &[&str], at: &str, add: &mut dyn FnMut(&str, String)) {
    match known.iter().filter(|handler| !value[**handler].is_null()).count() {
        0 => add(at, "must say what to do".to_owned()),
        1 => {}
        _ => add(at, "may do one thing only".to_owned()),
    }
    if value["exec"].is_object() && value["exec"]["command"].as_array().is_none_or(Vec::is_empty) {
        add(&format!("{at}/exec/command"), "there must be one".to_owned());
    }
    for handler in ["tcpSocket", "httpGet", "grpc"] {
        if value[handler]["port"].as_i64().is_some_and(|n| !is_port(n)) {
            add(&format!("{at}/{handler}/port"), "must be between 1 and 65535".to_owned());
        }
    }
}

fn of_probe(probe: &Value, name: &str, add: &mut dyn FnMut(&str, String)) {
    let Some(map) = probe.as_object() else { return };
    one_handler(probe, &["exec", "httpGet", "tcpSocket", "grpc"], name, add);
    negative(map, name, add);
    if name != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|n| n > 1) {
        add(&format!("{name}/successThreshold"), "must be 1".to_owned());
    }
}

fn negative(map: &Map<String, Value>, name: &str, add: &mut dyn FnMut(&str, String)) {
    for (field, _) in map.iter().filter(|(_, value)| value.as_i64().is_some_and(|n| n < 0)) {
        add(&format!("{name}/{field}"), "must not be negative".to_owned());
    }
}

/// Huge pages come in whole pages.
fn pages(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    for (resource, amount) in c.amounts("limits") {
        let Some(page) = resource.strip_prefix("hugepages-").and_then(parse_bytes).filter(|page| *page > 0) else {
            continue;
        };
        let bytes = Quantity::parse(&amount).and_then(Quantity::units);
        if bytes.is_some_and(|bytes| bytes % page != 0) {
            add(&format!("resources/limits/{resource}"), "must be a whole number of pages".to_owned());
        }
    }
}

/// Whether a path has a part `..`.
pub(super) fn goes_up(path: &str) -> bool {
    path.split('/').any(|part| part == "..")
}
