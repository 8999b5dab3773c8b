//! What the API server refuses of a pod, as far as a manifest's author can get it wrong: place and sentence. Its
//! containers are looked at in `pod_container`.

use core::net::IpAddr;

use serde_json::Value;

use super::names;
use super::pod_container::{self, Faults, goes_up};
use crate::jobs::checks::case::Role;

/// Everything that is wrong with a role's pods.
pub(super) fn faults(role: &Role<'_>) -> Faults {
    let mut out = Faults::new();
    of_pod(role, &mut out);
    network(role, &mut out);
    terms(role, &mut out);
    for (i, name, volume) in role.volumes() {
        of_volume(&role.pod_at(&format!("/volumes/{i}")), name, volume, &mut out);
    }
    let mut seen: Vec<&str> = Vec::new();
    for c in role.containers() {
        if c.init && seen.contains(&c.name()) {
            out.push((format!("{}/name", c.at), format!("{} is the name of another container", c.name())));
        }
        seen.push(c.name());
        pod_container::faults(&c, &mut out);
    }
    out
}

fn of_pod(role: &Role<'_>, out: &mut Faults) {
    let pod = role.pod();
    let mut add = |field: &str, said: &str| out.push((role.pod_at(&format!("/{field}")), said.to_owned()));
    if !matches!(pod["os"]["name"].as_str(), None | Some("linux" | "windows")) {
        add("os/name", "is none of linux, windows");
    }
    if pod["activeDeadlineSeconds"].as_i64().is_some_and(|n| n < 1) {
        add("activeDeadlineSeconds", "must be at least 1");
    }
    for field in ["serviceAccountName", "nodeName"] {
        if let Some(said) = pod[field].as_str().filter(|name| !name.is_empty()).and_then(names::subdomain) {
            add(field, said);
        }
    }
    if pod["ephemeralContainers"].as_array().is_some_and(|list| !list.is_empty()) {
        add("ephemeralContainers", "can't be set at create");
    }
    if !pod["overhead"].is_null() && pod["runtimeClassName"].is_null() {
        add("overhead", "is its runtime class's to set");
    }
    for (i, gate) in pod["readinessGates"].as_array().into_iter().flatten().enumerate() {
        if let Some(said) = gate["conditionType"].as_str().and_then(names::key) {
            add(&format!("readinessGates/{i}/conditionType"), said);
        }
    }
    for (i, claim) in pod["resourceClaims"].as_array().into_iter().flatten().enumerate() {
        if claim["resourceClaimName"].is_null() && claim["resourceClaimTemplateName"].is_null() {
            add(&format!("resourceClaims/{i}"), "must name a claim or a template of one");
        }
    }
}

/// DNS, host aliases and ports of the node.
fn network(role: &Role<'_>, out: &mut Faults) {
    let pod = role.pod();
    let mut add = |at: String, said: &str| out.push((at, said.to_owned()));
    let is_ip = |value: &Value| value.as_str().is_some_and(|text| text.parse::<IpAddr>().is_ok());
    let policy = pod["dnsPolicy"].as_str().unwrap_or_default();
    if !matches!(policy, "" | "ClusterFirstWithHostNet" | "ClusterFirst" | "Default" | "None") {
        add(
            role.pod_at("/dnsPolicy"),
            &format!("{policy:?} is none of ClusterFirstWithHostNet, ClusterFirst, Default, None"),
        );
    }
    let servers = pod["dnsConfig"]["nameservers"].as_array();
    if policy == "None" && servers.is_none_or(Vec::is_empty) {
        add(role.pod_at("/dnsPolicy"), "None needs dnsConfig.nameservers");
    }
    if servers.into_iter().flatten().any(|server| !is_ip(server)) {
        add(role.pod_at("/dnsConfig/nameservers"), "must be IP addresses");
    }
    for (i, alias) in pod["hostAliases"].as_array().into_iter().flatten().enumerate() {
        if !is_ip(&alias["ip"]) {
            add(role.pod_at(&format!("/hostAliases/{i}/ip")), "must be an IP address");
        }
    }
    let mut taken: Vec<(i64, String)> = Vec::new();
    for c in role.containers() {
        for (i, port) in c.value["ports"].as_array().into_iter().flatten().enumerate() {
            let Some(outside) = port["hostPort"].as_i64().filter(|n| *n != 0) else { continue };
            let at = format!("{}/ports/{i}/hostPort", c.at);
            if pod["hostNetwork"] == true && port["containerPort"] != outside {
                add(at.clone(), "must match containerPort with hostNetwork");
            }
            let key = (outside, port["protocol"].as_str().unwrap_or("TCP").to_owned());
            if taken.contains(&key) {
                add(at, "is the host port of another port");
            }
            taken.push(key);
        }
    }
}

/// Weights of preferences, and labels that pods of other jobs are known by.
fn terms(role: &Role<'_>, out: &mut Faults) {
    const SOFT: &str = "preferredDuringSchedulingIgnoredDuringExecution";
    const HARD: &str = "requiredDuringSchedulingIgnoredDuringExecution";
    for kind in ["nodeAffinity", "podAffinity", "podAntiAffinity"] {
        let affinity = &role.pod()["affinity"][kind];
        for (i, term) in affinity[SOFT].as_array().into_iter().flatten().enumerate() {
            if term["weight"].as_i64().is_some_and(|n| !(1..=100).contains(&n)) {
                let at = role.pod_at(&format!("/affinity/{kind}/{SOFT}/{i}/weight"));
                out.push((at, "must be between 1 and 100".to_owned()));
            }
        }
        for (i, term) in affinity[HARD].as_array().into_iter().flatten().enumerate() {
            for (key, value) in term["labelSelector"]["matchLabels"].as_object().into_iter().flatten() {
                let said = names::key(key).or_else(|| names::value(value.as_str().unwrap_or_default()));
                let at = role.pod_at(&format!("/affinity/{kind}/{HARD}/{i}/labelSelector/matchLabels"));
                out.extend(said.map(|said| (at, format!("{key}: {said}"))));
            }
        }
    }
}

fn of_volume(at: &str, name: &str, volume: &Value, out: &mut Faults) {
    let mut add = |field: &str, said: &str| out.push((format!("{at}{field}"), said.to_owned()));
    if let Some(said) = names::label(name) {
        add("/name", said);
    }
    let fields = volume.as_object().into_iter().flatten();
    if fields.filter(|(key, source)| *key != "name" && !source.is_null()).count() > 1 {
        add("", "a volume is of one type only");
    }
    let required = [("secret", "secretName"), ("configMap", "name"), ("persistentVolumeClaim", "claimName")];
    for (source, field) in required {
        if volume[source].is_object() && volume[source][field].as_str().unwrap_or_default().is_empty() {
            add(&format!("/{source}/{field}"), "there must be one");
        }
    }
    for source in ["secret", "configMap"] {
        if volume[source]["defaultMode"].as_i64().is_some_and(|mode| !(0..=0o777).contains(&mode)) {
            add(&format!("/{source}/defaultMode"), "must be between 0 and 0777 (octal)");
        }
        for (i, item) in volume[source]["items"].as_array().into_iter().flatten().enumerate() {
            let path = item["path"].as_str().unwrap_or_default();
            if path.starts_with('/') || goes_up(path) {
                add(&format!("/{source}/items/{i}/path"), "must be a path below the volume");
            }
        }
    }
    if goes_up(volume["hostPath"]["path"].as_str().unwrap_or_default()) {
        add("/hostPath/path", "must not contain ..");
    }
    if volume["nfs"]["path"].as_str().is_some_and(|path| !path.starts_with('/')) {
        add("/nfs/path", "must be an absolute path");
    }
}
