//! What a container asks for.

use serde_json::{Map, Value};

use super::{Causes, forbidden, invalid};
use crate::sim::{
    amounts::amount,
    store::words::wrong_key,
    value::{list, text},
};

/// What containers can ask for beside what has a domain.
const RESOURCES: [&str; 3] = ["cpu", "ephemeral-storage", "memory"];

/// All that is wrong with what the container at `path` asks for.
pub(super) fn all(container: &Value, path: &str, out: &mut Causes) {
    let side = |side: &str| container["resources"][side].as_object();
    let plain = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let empty = Map::new();
    let limits = side("limits").unwrap_or(&empty);
    for (name, all) in [("limits", side("limits")), ("requests", side("requests"))] {
        for (resource, asked) in all.into_iter().flatten() {
            let field = format!("{path}.resources.{name}[{resource}]");
            if !resource.contains('/') && !RESOURCES.contains(&resource.as_str()) && !resource.starts_with("hugepages-")
            {
                let value = Value::from(resource.as_str());
                let odd = wrong_key(resource);
                out.extend(odd.iter().map(|why| invalid(field.clone(), &value, why)));
                if odd.is_empty() {
                    let why = "must be a standard resource type or fully qualified";
                    out.push(invalid(field.clone(), &value, why));
                }
                out.push(invalid(field, &value, "must be a standard resource for containers"));
            } else if amount(resource, asked) < 0 {
                out.push(invalid(field, &Value::from(plain(asked)), "must be greater than or equal to 0"));
            } else if resource.contains('/') && plain(asked).ends_with('m') {
                out.push(invalid(field, &Value::from(plain(asked)), "must be an integer"));
            }
        }
    }
    for (resource, asked) in side("requests").into_iter().flatten() {
        match limits.get(resource) {
            None if resource.contains('/') => {
                let why = "Required value: Limit must be set for non overcommitable resources".into();
                out.push(("FieldValueRequired", format!("{path}.resources.limits"), why));
            }
            Some(limit)
                if amount(resource, asked) > amount(resource, limit)
                    || (resource.contains('/') && amount(resource, asked) != amount(resource, limit)) =>
            {
                let must = if resource.contains('/') { "equal to" } else { "less than or equal to" };
                let why = format!("must be {must} {resource} limit of {}", plain(limit));
                out.push(invalid(format!("{path}.resources.requests"), &Value::from(plain(asked)), &why));
            }
            _ => {}
        }
    }
    let all = || limits.keys().chain(side("requests").into_iter().flat_map(Map::keys));
    if all().any(|r| r.starts_with("hugepages-")) && !all().any(|r| matches!(r.as_str(), "cpu" | "memory")) {
        out.push(forbidden(format!("{path}.resources"), "HugePages require cpu or memory"));
    }
    for (n, claim) in list(container, "/resources/claims").iter().enumerate() {
        let said = format!(
            "Not found: {:?}: must be one of the names in pod.spec.resourceClaims which is empty",
            text(claim, "/name")
        );
        out.push(("FieldValueNotFound", format!("{path}.resources.claims[{n}]"), said));
    }
}
