//! What is odd in an object but allowed: the API server takes it, and says so in a header.
//!
//! Owns which objects are looked at, and when. People see it as `Warning:` lines of kubectl. Pure.

mod paths;
mod pods;
mod ports;

use serde_json::Value;

use crate::sim::store::Resource;
use crate::sim::store::resource::{CLAIMS, DEPLOYMENTS, JOBS, PODS, REPLICASETS};
use crate::sim::store::words;

/// The pod template of what makes pods.
const TEMPLATE: &str = "spec.template.";

/// What a server says of a new object.
pub(super) fn of_new(resource: &Resource, stored: &Value) -> Vec<String> {
    let name = stored["metadata"]["name"].as_str().unwrap_or_default();
    let mut told = Vec::new();
    if *resource == PODS && !words::is_label(name) {
        told.push(hostname("in the Pod's hostname", name));
    } else if [&JOBS, &DEPLOYMENTS, &REPLICASETS].contains(&resource) && !words::is_label(name) {
        told.push(hostname("in Pod names and hostnames", name));
    }
    told.extend(of_content(resource, stored));
    told
}

/// What a server says of a changed object: of pods nothing, of what makes them when their template may have changed.
pub(super) fn of_changed(resource: &Resource, old: &Value, stored: &Value) -> Vec<String> {
    if *resource == PODS || old["metadata"]["generation"] == stored["metadata"]["generation"] {
        return Vec::new();
    }
    of_content(resource, stored)
}

fn of_content(resource: &Resource, stored: &Value) -> Vec<String> {
    match resource {
        r if *r == PODS => pods::odd("", stored),
        r if [&JOBS, &DEPLOYMENTS, &REPLICASETS].contains(&r) => pods::odd(TEMPLATE, &stored["spec"]["template"]),
        r if *r == CLAIMS => claim(&stored["spec"]["resources"]),
        _ => Vec::new(),
    }
}

/// A volume of so many bytes and a part of one.
fn claim(resources: &Value) -> Vec<String> {
    let of = |side: &str| pods::fraction(&resources[side], "storage", &format!("spec.resources.{side}"));
    ["requests", "limits"].into_iter().filter_map(of).collect()
}

/// A name that is none of a host.
fn hostname(used: &str, name: &str) -> String {
    let long = (name.len() > 63).then_some("must be no more than 63 characters");
    let dotted = name.contains('.').then_some("must not contain dots");
    let why = long.into_iter().chain(dotted).collect::<Vec<_>>().join(" ");
    format!(
        "metadata.name: this is used {used}, which can result in surprising behavior; a DNS label is recommended: [{why}]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(spec: &Value) -> Value {
        json!({"metadata": {"name": "a.b", "generation": 1}, "spec": spec})
    }

    #[test]
    fn a_pod_is_looked_at_when_it_is_new_and_a_job_when_its_template_changes() {
        let odd = pod(&json!({"containers": [{"name": "c", "resources": {"limits": {"memory": "100m"}}}]}));
        let told = of_new(&PODS, &odd);
        assert!(told[0].starts_with("metadata.name: this is used in the Pod's hostname"), "{told:?}");
        let fraction = "spec.containers[0].resources.limits[memory]: fractional byte value \"100m\" is invalid, must be an integer";
        assert_eq!(told[1..], [fraction]);
        assert!(of_changed(&PODS, &odd, &odd).is_empty());
        let job =
            |generation: u32| json!({"metadata": {"name": "a", "generation": generation}, "spec": {"template": odd}});
        assert!(of_changed(&JOBS, &job(1), &job(1)).is_empty(), "nothing but metadata changed");
        assert_eq!(of_changed(&JOBS, &job(1), &job(2)), [format!("spec.template.{fraction}")]);
    }

    #[test]
    fn a_claim_of_a_part_of_a_byte() {
        let claim = json!({"metadata": {"name": "c"}, "spec": {"resources": {"requests": {"storage": "1500m"}}}});
        let said = "spec.resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer";
        assert_eq!(of_new(&CLAIMS, &claim), [said]);
    }
}
