//! Where a pod may run: affinity, tolerations, spread, gates.

use serde_json::Value;

use super::{Causes, duplicate, forbidden, invalid, missing, supported};
use crate::sim::{
    store::words::{wrong_key, wrong_value},
    value::{list, text},
};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const HARD: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const SOFT: &str = "preferredDuringSchedulingIgnoredDuringExecution";

fn key(given: &Value, field: &str, out: &mut Causes) {
    let name = text(given, "");
    out.extend(wrong_key(name).iter().map(|why| invalid(field.to_owned(), &Value::from(name), why)));
}

/// One toleration.
pub(super) fn tolerated(toleration: &Value, path: &str, out: &mut Causes) {
    let (operator, effect) = (text(toleration, "/operator"), text(toleration, "/effect"));
    let at = |field: &str| format!("{path}.{field}");
    if !text(toleration, "/key").is_empty() {
        key(&toleration["key"], &at("key"), out);
    } else if operator != "Exists" {
        let why = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
        out.push(invalid(at("operator"), &Value::from(operator), why));
    }
    if !toleration["tolerationSeconds"].is_null() && effect != "NoExecute" {
        let why = "effect must be 'NoExecute' when `tolerationSeconds` is set";
        out.push(invalid(at("effect"), &Value::from(effect), why));
    }
    let value = text(toleration, "/value");
    match operator {
        "Exists" if !value.is_empty() => {
            out.push(invalid(at("operator"), &toleration["value"], "value must be empty when `operator` is 'Exists'"));
        }
        "" | "Equal" => {
            let wrong = wrong_value(value);
            if !wrong.is_empty() {
                out.push(invalid(at("operator"), &toleration["value"], &wrong.join(";")));
            }
        }
        _ => {}
    }
    supported(operator, at("operator"), &["Equal", "Exists"], out);
    supported(effect, at("effect"), &EFFECTS, out);
}

/// Wishes about nodes and about other pods.
pub(super) fn affinity(affinity: &Value, path: &str, out: &mut Causes) {
    let (nodes, at) = (&affinity["nodeAffinity"], format!("{path}.nodeAffinity"));
    if nodes[HARD].is_object() {
        let (terms, at) = (list(&nodes[HARD], "/nodeSelectorTerms"), format!("{at}.{HARD}.nodeSelectorTerms"));
        if terms.is_empty() {
            out.push(missing(at.clone(), "must have at least one node selector term"));
        }
        for (n, term) in terms.iter().enumerate() {
            expressions(term, &format!("{at}[{n}]"), out);
        }
    }
    for (n, wish) in list(nodes, &format!("/{SOFT}")).iter().enumerate() {
        let at = format!("{at}.{SOFT}[{n}]");
        weight(&wish["weight"], &at, out);
        expressions(&wish["preference"], &format!("{at}.preference"), out);
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (pods, at) = (&affinity[kind], format!("{path}.{kind}"));
        for (n, term) in list(pods, &format!("/{HARD}")).iter().enumerate() {
            topology(&term["topologyKey"], &format!("{at}.{HARD}[{n}].topologyKey"), out);
        }
        for (n, wish) in list(pods, &format!("/{SOFT}")).iter().enumerate() {
            let at = format!("{at}.{SOFT}[{n}]");
            weight(&wish["weight"], &at, out);
            topology(&wish["podAffinityTerm"]["topologyKey"], &format!("{at}.podAffinityTerm.topologyKey"), out);
        }
    }
}

fn weight(weight: &Value, at: &str, out: &mut Causes) {
    if !(1..=100).contains(&weight.as_i64().unwrap_or(0)) {
        out.push(invalid(format!("{at}.weight"), weight, "must be in the range 1-100"));
    }
}

fn topology(given: &Value, field: &str, out: &mut Causes) {
    if text(given, "").is_empty() {
        out.push(missing(field.to_owned(), "can not be empty"));
    }
    key(given, field, out);
}

fn expressions(term: &Value, path: &str, out: &mut Causes) {
    for (n, one) in list(term, "/matchExpressions").iter().enumerate() {
        let path = format!("{path}.matchExpressions[{n}]");
        let (values, at) = (list(one, "/values").len(), format!("{path}.values"));
        match text(one, "/operator") {
            "In" | "NotIn" if values == 0 => {
                out.push(missing(at, "must be specified when `operator` is 'In' or 'NotIn'"));
            }
            "Exists" | "DoesNotExist" if values > 0 => {
                out.push(forbidden(at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
            }
            "Gt" | "Lt" if values != 1 => {
                out.push(missing(at, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
            }
            "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
            _ => out.push(invalid(format!("{path}.operator"), &one["operator"], "not a valid selector operator")),
        }
        key(&one["key"], &format!("{path}.key"), out);
    }
}

/// How evenly pods are spread.
pub(super) fn spread(constraints: &[Value], path: &str, out: &mut Causes) {
    for (n, one) in constraints.iter().enumerate() {
        let path = format!("{path}[{n}]");
        if one["maxSkew"].as_i64().unwrap_or(0) <= 0 {
            out.push(invalid(format!("{path}.maxSkew"), &one["maxSkew"], "must be greater than zero"));
        }
        if text(one, "/topologyKey").is_empty() {
            out.push(missing(format!("{path}.topologyKey"), "can not be empty"));
        } else {
            key(&one["topologyKey"], &format!("{path}.topologyKey"), out);
        }
        let known = ["DoNotSchedule", "ScheduleAnyway"];
        supported(text(one, "/whenUnsatisfiable"), format!("{path}.whenUnsatisfiable"), &known, out);
    }
}

/// What must be lifted before a pod is scheduled.
pub(super) fn gates(gates: &[Value], path: &str, out: &mut Causes) {
    for (n, gate) in gates.iter().enumerate() {
        let (name, path) = (text(gate, "/name"), format!("{path}[{n}]"));
        key(&gate["name"], &path, out);
        if gates[..n].iter().any(|other| text(other, "/name") == name) {
            out.push(duplicate(path, name));
        }
    }
}
