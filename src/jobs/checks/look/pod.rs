//! What the API server refuses of a pod, as far as a manifest's author can get it wrong: place and sentence.

use serde_json::Value;

use super::names;
use crate::jobs::checks::case::{Container, Role};

type Faults = Vec<(String, String)>;

/// Everything that is wrong with a role's pods.
pub(super) fn faults(role: &Role<'_>) -> Faults {
    let mut out = Faults::new();
    let pod = role.pod();
    of_pod(role, pod, &mut out);
    for (i, name, volume) in role.volumes() {
        of_volume(&role.pod_at(&format!("/volumes/{i}")), name, volume, &mut out);
    }
    let mut seen: Vec<&str> = Vec::new();
    for c in role.containers() {
        if c.init && seen.contains(&c.name()) {
            out.push((format!("{}/name", c.at), format!("{} is the name of another container", c.name())));
        }
        seen.push(c.name());
        of_container(&c, &mut out);
    }
    out
}

fn of_pod(role: &Role<'_>, pod: &Value, out: &mut Faults) {
    let mut add = |field: &str, said: String| out.push((role.pod_at(&format!("/{field}")), said));
    word(pod, "dnsPolicy", &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], &mut add);
    if pod["dnsPolicy"] == "None" && pod["dnsConfig"]["nameservers"].as_array().is_none_or(Vec::is_empty) {
        add("dnsPolicy", "None needs dnsConfig.nameservers".to_owned());
    }
    if !matches!(pod["os"]["name"].as_str(), None | Some("linux" | "windows")) {
        add("os/name", "is none of linux, windows".to_owned());
    }
    if pod["activeDeadlineSeconds"].as_i64().is_some_and(|n| n < 1) {
        add("activeDeadlineSeconds", "must be at least 1".to_owned());
    }
    if let Some(said) = pod["serviceAccountName"].as_str().filter(|name| !name.is_empty()).and_then(names::subdomain) {
        add("serviceAccountName", said.to_owned());
    }
    if pod["ephemeralContainers"].as_array().is_some_and(|list| !list.is_empty()) {
        add("ephemeralContainers", "can't be set at create".to_owned());
    }
    let host = pod["hostNetwork"] == true;
    for c in role.containers() {
        for (i, port) in c.value["ports"].as_array().into_iter().flatten().enumerate() {
            let (inside, outside) = (port["containerPort"].as_i64(), port["hostPort"].as_i64());
            if host && outside.is_some() && inside != outside {
                out.push((
                    format!("{}/ports/{i}/hostPort", c.at),
                    "must match containerPort with hostNetwork".to_owned(),
                ));
            }
        }
    }
}

/// A field that takes only some words.
fn word(value: &Value, field: &str, words: &[&str], add: &mut dyn FnMut(&str, String)) {
    if let Some(is) = value[field].as_str().filter(|is| !is.is_empty() && !words.contains(is)) {
        add(field, format!("{is:?} is none of {}", words.join(", ")));
    }
}

fn of_volume(at: &str, name: &str, volume: &Value, out: &mut Faults) {
    let mut add = |field: &str, said: &str| out.push((format!("{at}{field}"), said.to_owned()));
    if let Some(said) = names::label(name).filter(|_| !name.is_empty()) {
        add("/name", said);
    }
    let sources: Vec<&String> = volume
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(key, source)| *key != "name" && !source.is_null())
        .map(|(key, _)| key)
        .collect();
    if sources.len() > 1 {
        add("", "a volume is of one type only");
    }
    for (source, field) in [("secret", "secretName"), ("configMap", "name")] {
        let source_of = &volume[source];
        if source_of.is_object() && source_of[field].as_str().unwrap_or_default().is_empty() {
            add(&format!("/{source}/{field}"), "there must be one");
        }
        if source_of["defaultMode"].as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
            add(&format!("/{source}/defaultMode"), "must be between 0 and 0777 (octal)");
        }
    }
}

fn of_container(c: &Container<'_>, out: &mut Faults) {
    let mut add = |field: &str, said: String| out.push((format!("{}/{field}", c.at), said));
    if let Some(said) = names::label(c.name()).filter(|_| !c.name().is_empty()) {
        add("name", said.to_owned());
    }
    word(c.value, "imagePullPolicy", &["Always", "IfNotPresent", "Never"], &mut add);
    word(c.value, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"], &mut add);
    word(c.value, "restartPolicy", &["Always", "Never", "OnFailure"], &mut add);
    for handler in ["postStart", "preStop"] {
        if c.value["lifecycle"][handler].as_object().is_some_and(serde_json::Map::is_empty) {
            add(&format!("lifecycle/{handler}"), "must say what to do".to_owned());
        }
    }
    for (i, device) in c.value["volumeDevices"].as_array().into_iter().flatten().enumerate() {
        add(&format!("volumeDevices/{i}"), format!("there is no volume {} that is a claim", device["name"]));
    }
    for (i, claim) in c.value["resources"]["claims"].as_array().into_iter().flatten().enumerate() {
        add(&format!("resources/claims/{i}"), format!("{} is none of the pod's resourceClaims", claim["name"]));
    }
    env(c, &mut add);
    mounts(c, &mut add);
    ports(c, &mut add);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        of_probe(&c.value[probe], probe, &mut add);
    }
}

fn env(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    for (i, variable) in c.value["env"].as_array().into_iter().flatten().enumerate() {
        let name = variable["name"].as_str().unwrap_or_default();
        if name.contains('=') || !name.bytes().all(|b| (b' '..=b'~').contains(&b)) {
            add(&format!("env/{i}/name"), format!("{name:?} must be printable ASCII without ="));
        }
        let from = &variable["valueFrom"];
        if !from.is_object() {
            continue;
        }
        if variable["value"].as_str().is_some_and(|value| !value.is_empty()) {
            add(&format!("env/{i}/valueFrom"), "may not stand beside a value".to_owned());
        }
        let sources = from.as_object().map_or(0, |map| map.values().filter(|source| !source.is_null()).count());
        if sources != 1 {
            add(&format!("env/{i}/valueFrom"), "must name one source".to_owned());
        }
        if let Some(path) = from["fieldRef"]["fieldPath"].as_str().filter(|path| !is_field(path)) {
            add(&format!("env/{i}/valueFrom/fieldRef/fieldPath"), format!("a pod has no {path} for variables"));
        }
    }
    for (i, from) in c.value["envFrom"].as_array().into_iter().flatten().enumerate() {
        let of = ["configMapRef", "secretRef"].into_iter().find(|of| from[of].is_object());
        match of {
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
    FIELDS.contains(&path) || path.starts_with("metadata.labels['") || path.starts_with("metadata.annotations['")
}

fn mounts(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    for (i, mount) in c.mounts() {
        let sub = mount["subPath"].as_str().unwrap_or_default();
        if sub.starts_with('/') {
            add(&format!("volumeMounts/{i}/subPath"), "must be a relative path".to_owned());
        } else if sub.split('/').any(|part| part == "..") {
            add(&format!("volumeMounts/{i}/subPath"), "must not contain ..".to_owned());
        }
    }
}

fn ports(c: &Container<'_>, add: &mut dyn FnMut(&str, String)) {
    let mut names: Vec<&str> = Vec::new();
    for (i, port) in c.value["ports"].as_array().into_iter().flatten().enumerate() {
        if port["containerPort"].as_i64().is_some_and(|n| !(1..=65535).contains(&n)) {
            add(&format!("ports/{i}/containerPort"), "must be between 1 and 65535".to_owned());
        }
        if !matches!(port["protocol"].as_str(), None | Some("TCP" | "UDP" | "SCTP")) {
            add(&format!("ports/{i}/protocol"), "is none of SCTP, TCP, UDP".to_owned());
        }
        let Some(name) = port["name"].as_str() else { continue };
        if name.len() > 15 {
            add(&format!("ports/{i}/name"), "must be no more than 15 characters".to_owned());
        }
        if names.contains(&name) {
            add(&format!("ports/{i}/name"), format!("{name} is the name of another port"));
        }
        names.push(name);
    }
}

fn of_probe(probe: &Value, name: &str, add: &mut dyn FnMut(&str, String)) {
    let Some(map) = probe.as_object() else { return };
    let handlers = ["exec", "httpGet", "tcpSocket", "grpc"].iter().filter(|h| !probe[**h].is_null()).count();
    match handlers {
        0 => add(name, "must say how to probe".to_owned()),
        1 => {}
        _ => add(name, "may probe in one way only".to_owned()),
    }
    for (field, _) in map.iter().filter(|(_, value)| value.as_i64().is_some_and(|n| n < 0)) {
        add(&format!("{name}/{field}"), "must not be negative".to_owned());
    }
}
