//! Variables of containers and where their values come from.

use serde_json::Value;

use super::{Causes, invalid, required, supported};
use crate::sim::value::{list, text};

const RESOURCES: [&str; 6] = [
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
];
/// Fields of a pod that a variable may have, beside labels and annotations by their key.
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
const SOURCES: [&str; 5] = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
const TOO_MANY: &str = "may not have more than one field specified at a time";

/// All that is wrong with the variables of the container at `path`.
pub(super) fn all(container: &Value, path: &str, out: &mut Causes) {
    for (n, variable) in list(container, "/env").iter().enumerate() {
        let (name, path) = (text(variable, "/name"), format!("{path}.env[{n}]"));
        if name.is_empty() {
            out.push(required(format!("{path}.name")));
        } else if !name.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'=') {
            let why =
                "a valid environment variable name must consist only of printable ASCII characters other than '='";
            out.push(invalid(format!("{path}.name"), &variable["name"], why));
        }
        if variable["valueFrom"].is_object() {
            source(variable, &format!("{path}.valueFrom"), out);
        }
    }
    for (n, from) in list(container, "/envFrom").iter().enumerate() {
        let refs: Vec<&str> = ["configMapRef", "secretRef"].into_iter().filter(|r| from[*r].is_object()).collect();
        for one in &refs {
            if text(&from[*one], "/name").is_empty() {
                out.push(required(format!("{path}.envFrom[{n}].{one}.name")));
            }
        }
        let why = match refs.len() {
            0 => "must specify one of: `configMapRef` or `secretRef`",
            1 => continue,
            _ => TOO_MANY,
        };
        out.push(invalid(format!("{path}.envFrom"), &Value::from(""), why));
    }
}

fn source(variable: &Value, path: &str, out: &mut Causes) {
    let from = &variable["valueFrom"];
    let field = text(from, "/fieldRef/fieldPath");
    let keyed = ["metadata.labels[", "metadata.annotations["].iter().any(|of| field.starts_with(of));
    if from["fieldRef"].is_object() {
        let at = format!("{path}.fieldRef.fieldPath");
        if field.is_empty() {
            out.push(required(at));
        } else if !keyed && !FIELDS.contains(&field) {
            let why = format!("error converting fieldPath: field label not supported: {field}");
            out.push(invalid(at, &Value::from(field), &why));
        }
    }
    let resource = text(from, "/resourceFieldRef/resource");
    if !["limits.hugepages-", "requests.hugepages-"].iter().any(|pages| resource.starts_with(pages)) {
        supported(resource, format!("{path}.resourceFieldRef.resource"), &RESOURCES, out);
    }
    for one in ["configMapKeyRef", "secretKeyRef"].into_iter().filter(|one| from[*one].is_object()) {
        for key in ["name", "key"].into_iter().filter(|key| text(&from[one][*key], "").is_empty()) {
            out.push(required(format!("{path}.{one}.{key}")));
        }
    }
    let why = match SOURCES.iter().filter(|one| from[**one].is_object()).count() {
        0 => "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`",
        _ if !text(variable, "/value").is_empty() => "may not be specified when `value` is not empty",
        1 => return,
        _ => TOO_MANY,
    };
    out.push(invalid(path.to_owned(), &Value::from(""), why));
}
