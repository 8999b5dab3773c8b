//! What is odd in a pod or in a pod template.

use std::collections::HashSet;

use serde_json::Value;

use super::{paths, ports};
use crate::jobs::quantity::Quantity;
use crate::sim::value::{list, text};

/// Labels of nodes that have better names by now.
const OLD_LABELS: [(&str, &str); 8] = [
    ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
    ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
    (
        "failure-domain.beta.kubernetes.io/region",
        "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
    ),
    ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
    ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("scheduler.alpha.kubernetes.io/preferAvoidPods", "deprecated since v1.22; use Taints and Tolerations instead"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
];
/// Annotations that mean nothing any more.
const OLD_ANNOTATIONS: [(&str, &str); 3] = [
    (
        "scheduler.alpha.kubernetes.io/critical-pod",
        "non-functional in v1.16+; use the \"priorityClassName\" field instead",
    ),
    ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
];
const OLD_SECCOMP: &str = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
/// Kinds of volumes that are no more.
const OLD_VOLUMES: [(&str, &str); 9] = [
    ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
];
const NO_MATCH: &str = "a null labelSelector results in matching no pod";

/// All that is odd, in the server's order. `at` stands before every path: empty, or that of a template with its dot.
pub(super) fn odd(at: &str, stored: &Value) -> Vec<String> {
    let spec = &stored["spec"];
    let mut told = Vec::new();
    nodes(at, spec, &mut told);
    let notes = &stored["metadata"]["annotations"];
    for (key, why) in OLD_ANNOTATIONS.iter().filter(|(key, _)| notes.get(key).is_some()) {
        told.push(format!("{at}metadata.annotations[{key}]: {why}"));
    }
    for (n, volume) in list(spec, "/volumes").iter().enumerate() {
        for (kind, why) in OLD_VOLUMES.iter().filter(|(kind, _)| !volume[*kind].is_null()) {
            told.push(format!("{at}spec.volumes[{n}].{kind}: {why}"));
        }
    }
    told.extend(paths::overlapping(list(spec, "/volumes")));
    twice(at, spec, "hostAliases", "ip", &mut told);
    twice(at, spec, "imagePullSecrets", "name", &mut told);
    for (n, _) in list(spec, "/imagePullSecrets").iter().enumerate().filter(|(_, s)| text(s, "/name").is_empty()) {
        told.push(format!("{at}spec.imagePullSecrets[{n}].name: invalid empty name \"\""));
    }
    let seccomp = "seccomp.security.alpha.kubernetes.io/pod";
    if notes.get(seccomp).is_some() && spec["securityContext"]["seccompProfile"].is_null() {
        told.push(format!("{at}metadata.annotations[{seccomp}]: {OLD_SECCOMP}"));
    }
    for (path, container) in containers(at, spec) {
        of_container(at, &path, container, notes, &mut told);
    }
    ports::odd(&containers(at, spec), &mut told);
    affinity(at, spec, &mut told);
    told
}

/// Containers of every kind with their paths: those that run first come first.
fn containers<'s>(at: &str, spec: &'s Value) -> Vec<(String, &'s Value)> {
    let lists = ["initContainers", "containers", "ephemeralContainers"];
    let each = |kind: &'static str| {
        let all = spec[kind].as_array().into_iter().flatten().enumerate();
        all.map(move |(n, container)| (format!("spec.{kind}[{n}]"), container))
    };
    lists.into_iter().flat_map(each).map(|(path, container)| (format!("{at}{path}"), container)).collect()
}

fn old_label(key: &str) -> Option<&'static str> {
    OLD_LABELS.iter().find(|(old, _)| *old == key).map(|(_, why)| *why)
}

/// What a pod says of nodes.
fn nodes(at: &str, spec: &Value, told: &mut Vec<String>) {
    for (key, _) in spec["nodeSelector"].as_object().into_iter().flatten() {
        told.extend(old_label(key).map(|why| format!("{at}spec.nodeSelector[{key}]: {why}")));
    }
    let affinity = "spec.affinity.nodeAffinity";
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let preferred = "preferredDuringSchedulingIgnoredDuringExecution";
    let node = &spec["affinity"]["nodeAffinity"];
    for (n, term) in list(&node[required], "/nodeSelectorTerms").iter().enumerate() {
        term_of_nodes(&format!("{at}{affinity}.{required}.nodeSelectorTerms[{n}]"), term, told);
    }
    for (n, term) in node[preferred].as_array().into_iter().flatten().enumerate() {
        term_of_nodes(&format!("{at}{affinity}.{preferred}[{n}].preference"), &term["preference"], told);
    }
    for (n, spread) in list(spec, "/topologySpreadConstraints").iter().enumerate() {
        let (path, key) = (format!("{at}spec.topologySpreadConstraints[{n}]"), text(spread, "/topologyKey"));
        told.extend(old_label(key).map(|why| format!("{path}.topologyKey: {key} is {why}")));
        if spread["labelSelector"].is_null() {
            told.push(format!("{path}.labelSelector: {NO_MATCH}"));
        }
    }
}

fn term_of_nodes(path: &str, term: &Value, told: &mut Vec<String>) {
    for (n, rule) in list(term, "/matchExpressions").iter().enumerate() {
        let key = text(rule, "/key");
        told.extend(old_label(key).map(|why| format!("{path}.matchExpressions[{n}].key: {key} is {why}")));
    }
}

/// Elements that have the key of an earlier one.
fn twice(at: &str, spec: &Value, of: &str, key: &str, told: &mut Vec<String>) {
    let mut seen = HashSet::new();
    for (n, element) in spec[of].as_array().into_iter().flatten().enumerate() {
        let value = element[key].as_str().unwrap_or_default();
        if !seen.insert(value) {
            told.push(format!("{at}spec.{of}[{n}].{key}: duplicate {key} {value:?}"));
        }
    }
}

/// A number of bytes that is not whole.
pub(super) fn fraction(amounts: &Value, what: &str, path: &str) -> Option<String> {
    let amount = amounts.get(what)?.as_str()?;
    let milli = Quantity::parse(amount)?.milli().filter(|milli| *milli != u64::MAX)?;
    let whole = milli % 1000 == 0;
    (!whole).then(|| format!("{path}[{what}]: fractional byte value {amount:?} is invalid, must be an integer"))
}

fn of_container(at: &str, path: &str, container: &Value, notes: &Value, told: &mut Vec<String>) {
    let name = text(container, "/name");
    let seccomp = format!("container.seccomp.security.alpha.kubernetes.io/{name}");
    if notes.get(&seccomp).is_some() && container["securityContext"]["seccompProfile"].is_null() {
        told.push(format!("{at}metadata.annotations[{seccomp}]: {OLD_SECCOMP}"));
    }
    for what in ["memory", "ephemeral-storage"] {
        for side in ["limits", "requests"] {
            told.extend(fraction(&container["resources"][side], what, &format!("{path}.resources.{side}")));
        }
    }
    let mut seen = HashSet::new();
    for (n, variable) in list(container, "/env").iter().enumerate() {
        let (name, value) = (text(variable, "/name"), text(variable, "/value"));
        if seen.insert(name) {
            continue;
        }
        // What goes on with the value before it hides nothing.
        let reference = format!("$({name})");
        if !variable["valueFrom"].is_null() || value == reference || !value.contains(&reference) {
            let why = format!("hides previous definition of {name:?}, which may be dropped when using apply");
            told.push(format!("{path}.env[{n}]: {why}"));
        }
    }
}

/// Terms that select no pod.
fn affinity(at: &str, spec: &Value, told: &mut Vec<String>) {
    for kind in ["podAffinity", "podAntiAffinity"] {
        for (when, inside) in [
            ("requiredDuringSchedulingIgnoredDuringExecution", ""),
            ("preferredDuringSchedulingIgnoredDuringExecution", "podAffinityTerm."),
        ] {
            for (n, term) in spec["affinity"][kind][when].as_array().into_iter().flatten().enumerate() {
                let term = if inside.is_empty() { term } else { &term["podAffinityTerm"] };
                if term["labelSelector"].is_null() {
                    told.push(format!("{at}spec.affinity.{kind}.{when}[{n}].{inside}labelSelector: {NO_MATCH}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn told(spec: &Value) -> Vec<String> {
        let pod = json!({"spec": spec});
        odd("", &pod)
    }

    #[test]
    fn what_an_ordinary_pod_has_is_not_odd() {
        let spec = json!({"nodeSelector": {"kubernetes.io/arch": "amd64"}, "containers": [
            {"name": "a", "env": [{"name": "X", "value": "1"}, {"name": "Y", "value": "2"}], "ports": [{"containerPort": 22, "protocol": "TCP"}],
             "resources": {"limits": {"cpu": "500m", "memory": "1Gi"}}}]});
        assert_eq!(told(&spec), Vec::<String>::new());
    }

    #[test]
    fn variables_hide_each_other_unless_they_go_on() {
        let of =
            |second: Value| told(&json!({"containers": [{"name": "a", "env": [{"name": "X", "value": "1"}, second]}]}));
        assert!(of(json!({"name": "X", "value": "$(X):2"})).is_empty());
        for hides in [
            json!({"name": "X", "value": "$(X)"}),
            json!({"name": "X", "value": "2"}),
            json!({"name": "X", "valueFrom": {}}),
        ] {
            let said =
                "spec.containers[0].env[1]: hides previous definition of \"X\", which may be dropped when using apply";
            assert_eq!(of(hides), [said]);
        }
    }

    #[test]
    fn old_names_are_told_with_the_new_ones() {
        let spec = json!({"nodeSelector": {"beta.kubernetes.io/os": "linux"}, "affinity": {"nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [{"key": "node-role.kubernetes.io/master"}]}]}},
            "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"podAffinityTerm": {}}]}}});
        assert_eq!(
            told(&spec),
            [
                "spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use \"kubernetes.io/os\" instead",
                "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: node-role.kubernetes.io/master is use \"node-role.kubernetes.io/control-plane\" instead",
                "spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.labelSelector: a null labelSelector results in matching no pod",
            ]
        );
    }
}
