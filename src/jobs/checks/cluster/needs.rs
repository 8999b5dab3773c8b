//! What a job asks of the cluster: pods by role, and what each of them needs.

use serde_json::Value;

use super::facts::{Answer, Facts, Part};
use super::need::{Need, need};
use super::train;
use crate::jobs::Kind;

/// The needs of a job, by role. `runtime` is what a `TrainJob` builds on, where it is known.
pub fn needs(kind: Kind, job: &Value, runtime: Option<&Value>) -> Vec<Need> {
    if kind == Kind::TrainJob {
        return train::needs(job, runtime);
    }
    let info = kind.info();
    let specs = job["spec"][info.replica_specs].as_object().into_iter().flatten();
    let known = specs.filter(|(role, spec)| info.roles.contains(&role.as_str()) && spec.is_object());
    known
        .map(|(role, spec)| {
            let pods = spec["replicas"].as_u64().unwrap_or(u64::from(role != "Worker" || kind.is_v1()));
            need(role, pods, spec["template"]["spec"].clone())
        })
        .collect()
}

/// The same as the server would have the pods: with the tolerations that its admission gives to who asks for GPUs.
pub fn needs_as_served(kind: Kind, job: &Value, facts: &Facts) -> Vec<Need> {
    let mut all = needs(kind, job, facts.runtime(job));
    for need in &mut all {
        let Some(Answer::Objects(pods)) = facts.answer(&Part::DryPod(need.role.clone())) else { continue };
        if let Some(tolerations) = pods.first().and_then(|pod| pod.pointer("/spec/tolerations")) {
            need.spec["tolerations"] = tolerations.clone();
        }
    }
    all
}
