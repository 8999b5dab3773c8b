//! Probes and hooks of containers: one way each, and numbers that can be.

use serde_json::Value;

use super::{Causes, forbidden, invalid, missing, not_negative, required};
use crate::sim::value::{list, text};

/// The ways in which something is done, in the order in which they are looked at.
const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
const NUMBERS: [&str; 5] =
    ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

/// All that is wrong with hooks and probes of the container at `path`.
pub(super) fn all(container: &Value, path: &str, out: &mut Causes) {
    for hook in ["postStart", "preStop"] {
        let given = &container["lifecycle"][hook];
        if given.is_object() {
            handled(given, &format!("{path}.lifecycle.{hook}"), out);
        }
    }
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let (probe, path) = (&container[kind], format!("{path}.{kind}"));
        if !probe.is_object() {
            continue;
        }
        handled(probe, &path, out);
        for number in NUMBERS {
            not_negative(&probe[number], format!("{path}.{number}"), out);
        }
        if kind != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|n| n > 1) {
            out.push(invalid(format!("{path}.successThreshold"), &probe["successThreshold"], "must be 1"));
        }
    }
}

/// What a container that only prepares may not have.
pub(super) fn none(container: &Value, path: &str, out: &mut Causes) {
    for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
        if container[field].is_object() {
            let why = "may not be set for init containers without restartPolicy=Always";
            out.push(forbidden(format!("{path}.{field}"), why));
        }
    }
}

fn handled(what: &Value, path: &str, out: &mut Causes) {
    let given: Vec<&str> = HANDLERS.into_iter().filter(|way| what[*way].is_object()).collect();
    let Some((first, others)) = given.split_first() else {
        out.push(missing(path.to_owned(), "must specify a handler type"));
        return;
    };
    let (way, at) = (&what[*first], format!("{path}.{first}"));
    match *first {
        "exec" if way.get("command").is_some() && list(way, "/command").is_empty() => {
            out.push(required(format!("{at}.command")));
        }
        "httpGet" | "tcpSocket" => port(&way["port"], format!("{at}.port"), out),
        _ => {}
    }
    for other in others {
        out.push(forbidden(format!("{path}.{other}"), "may not specify more than 1 handler type"));
    }
}

/// A port by its number or its name.
fn port(port: &Value, field: String, out: &mut Causes) {
    match port.as_i64() {
        Some(1..=65535) => {}
        Some(_) => out.push(invalid(field, port, "must be between 1 and 65535, inclusive")),
        None => out.extend(wrong_name(text(port, "")).into_iter().map(|why| invalid(field.clone(), port, why))),
    }
}

/// What is wrong with a port's name.
pub(super) fn wrong_name(name: &str) -> Vec<&'static str> {
    let mut wrong = Vec::new();
    if name.len() > 15 {
        wrong.push("must be no more than 15 characters");
    }
    if name.chars().any(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')) {
        wrong.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
    }
    if !name.chars().any(|c| c.is_ascii_lowercase()) {
        wrong.push("must contain at least one letter (a-z)");
    }
    wrong
}
