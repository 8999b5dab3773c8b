//! Containers of a pod: names, images, ports, mounts, and what other files look at.

use serde_json::Value;

use super::{
    Causes, duplicate, environment, invalid, probes, required, resources, settings, supported, volumes::relative,
};
use crate::sim::{
    store::words::{self, is_label},
    value::{list, text},
};

const RESTARTS: [&str; 3] = ["Always", "Never", "OnFailure"];

/// All that is wrong with the containers of a spec that stands at `at`.
pub(super) fn all(spec: &Value, at: &str, out: &mut Causes) {
    if list(spec, "/containers").is_empty() {
        out.push(required(format!("{at}.containers")));
    }
    let volumes: Vec<&str> = list(spec, "/volumes").iter().map(|v| text(v, "/name")).collect();
    let main: Vec<&str> = list(spec, "/containers").iter().map(|c| text(c, "/name")).collect();
    for role in ["containers", "initContainers"] {
        let all = list(spec, &format!("/{role}"));
        for (n, one) in all.iter().enumerate() {
            let (name, path) = (text(one, "/name"), format!("{at}.{role}[{n}]"));
            common(one, &path, &volumes, out);
            let before = all[..n].iter().any(|other| text(other, "/name") == name);
            if before || (role == "initContainers" && main.contains(&name)) {
                out.push(duplicate(format!("{path}.name"), name));
            }
            if role == "initContainers" && text(one, "/restartPolicy") != "Always" {
                probes::none(one, &path, out);
            } else {
                probes::all(one, &path, out);
            }
            supported(text(one, "/restartPolicy"), format!("{path}.restartPolicy"), &RESTARTS, out);
        }
    }
}

/// Ports of containers that use the host's network.
pub(super) fn on_the_host(spec: &Value, at: &str, out: &mut Causes) {
    for (n, one) in list(spec, "/containers").iter().enumerate() {
        for (m, port) in list(one, "/ports").iter().enumerate() {
            if !port["hostPort"].is_null() && port["hostPort"] != port["containerPort"] {
                let why = "must match `containerPort` when `hostNetwork` is true";
                out.push(invalid(format!("{at}.containers[{n}].ports[{m}].hostPort"), &port["hostPort"], why));
            }
        }
    }
}

/// What holds of containers of every kind.
pub(super) fn common(one: &Value, path: &str, volumes: &[&str], out: &mut Causes) {
    let (name, image) = (text(one, "/name"), text(one, "/image"));
    if name.is_empty() {
        out.push(required(format!("{path}.name")));
    } else if name.len() > 63 {
        out.push(invalid(format!("{path}.name"), &one["name"], "must be no more than 63 characters"));
    } else if !is_label(name) {
        let why = if name.contains('.') { "must not contain dots" } else { words::LABEL };
        out.push(invalid(format!("{path}.name"), &one["name"], why));
    }
    if image.is_empty() {
        out.push(required(format!("{path}.image")));
    } else if image.trim() != image {
        out.push(invalid(format!("{path}.image"), &one["image"], "must not have leading or trailing whitespace"));
    }
    let known = ["File", "FallbackToLogsOnError"];
    supported(text(one, "/terminationMessagePolicy"), format!("{path}.terminationMessagePolicy"), &known, out);
    ports(list(one, "/ports"), path, out);
    environment::all(one, path, out);
    mounts(list(one, "/volumeMounts"), path, volumes, out);
    for (n, device) in list(one, "/volumeDevices").iter().enumerate() {
        let name = text(device, "/name");
        if !volumes.contains(&name) {
            out.push(("FieldValueNotFound", format!("{path}.volumeDevices[{n}].name"), format!("Not found: {name:?}")));
        }
    }
    let policies = ["Always", "IfNotPresent", "Never"];
    supported(text(one, "/imagePullPolicy"), format!("{path}.imagePullPolicy"), &policies, out);
    resources::all(one, path, out);
    settings::of_container(one, path, out);
}

fn ports(ports: &[Value], path: &str, out: &mut Causes) {
    let range = "must be between 1 and 65535, inclusive";
    for (n, port) in ports.iter().enumerate() {
        let (name, path) = (text(port, "/name"), format!("{path}.ports[{n}]"));
        if !name.is_empty() {
            let wrong = probes::wrong_name(name);
            if wrong.is_empty() && ports[..n].iter().any(|other| text(other, "/name") == name) {
                out.push(duplicate(format!("{path}.name"), name));
            }
            out.extend(wrong.into_iter().map(|why| invalid(format!("{path}.name"), &port["name"], why)));
        }
        match port["containerPort"].as_i64().unwrap_or(0) {
            0 => out.push(required(format!("{path}.containerPort"))),
            1..=65535 => {}
            _ => out.push(invalid(format!("{path}.containerPort"), &port["containerPort"], range)),
        }
        if port["hostPort"].as_i64().is_some_and(|port| !(0..=65535).contains(&port)) {
            out.push(invalid(format!("{path}.hostPort"), &port["hostPort"], range));
        }
        supported(text(port, "/protocol"), format!("{path}.protocol"), &["SCTP", "TCP", "UDP"], out);
    }
}

fn mounts(mounts: &[Value], path: &str, volumes: &[&str], out: &mut Causes) {
    for (n, mount) in mounts.iter().enumerate() {
        let (named, place) = (text(mount, "/name"), text(mount, "/mountPath"));
        let at = format!("{path}.volumeMounts[{n}]");
        // The token volume is added by admission.
        if !volumes.contains(&named) && !named.starts_with("kube-api-access-") {
            out.push(("FieldValueNotFound", format!("{at}.name"), format!("Not found: {named:?}")));
        }
        if place.is_empty() {
            out.push(required(format!("{at}.mountPath")));
        } else if mounts[..n].iter().any(|other| text(other, "/mountPath") == place) {
            out.push(invalid(format!("{at}.mountPath"), &mount["mountPath"], "must be unique"));
        }
        // The server does not say which mount it is.
        relative(text(mount, "/subPath"), format!("{path}.volumeMounts.subPath"), out);
    }
}
