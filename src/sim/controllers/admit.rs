//! What the API server checks before it lets an object in: of a pod its own validation and priority class, then limit
//! ranges; of all, quotas. Owns the refusals in the server's words. A job's controller meets them as events.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{
    batch, jobset, kueue, limits,
    pod_rules::{self, Causes},
    quota, trainer, volumes,
};
use crate::sim::{
    amounts,
    store::{
        Admission, Refusal, Resource, Selector, Store,
        resource::{CLAIMS, JOBS, JOBSETS, PODS, PRIORITYCLASSES, STORAGECLASSES, TRAINJOBS},
    },
    value::{int, label, list, name, text},
};

/// What holds of pods whose class says nothing else.
const PREEMPTS: &str = "PreemptLowerPriority";

/// The step that the store runs before it creates an object.
pub(crate) fn step() -> Admission {
    Arc::new(|store, resource, value| {
        kueue::hold(store, resource, value);
        if *resource == PODS {
            pod(store, resource, value)?;
        } else if *resource == JOBS {
            job(resource, value)?;
        } else if *resource == JOBSETS {
            jobset::defaults(value);
        } else if *resource == TRAINJOBS {
            trainer::defaults(value, store.clock().now());
        } else if *resource == CLAIMS {
            class(store, value);
            limits::admit(store, resource, value)?;
        }
        quota::check(store, resource, value)
    })
}

/// A claim that says nothing of a storage class gets the default.
fn class(store: &Store, claim: &mut Value) {
    let classes = store.list(&STORAGECLASSES, None, &Selector::default()).items;
    let classes: Vec<_> = classes.iter().map(|class| class.value()).collect();
    volumes::complete(claim, &classes);
}

fn pod(store: &Store, resource: &'static Resource, pod: &mut Value) -> Result<(), Refusal> {
    priority(store, resource, pod)?;
    if !label(pod, "jobset.sigs.k8s.io/jobset-name").is_empty() {
        // JobSet's webhook: for those who want a topology domain for themselves.
        let priority = int(pod, "/spec/priority").unwrap_or(0);
        pod["metadata"]["labels"]["jobset.sigs.k8s.io/priority"] = json!(priority.to_string());
    }
    runtime(resource, pod)?;
    limits::admit(store, resource, pod)?;
    tolerate(pod);
    let mut wrong = Causes::new();
    pod_rules::labels(&pod["metadata"]["labels"], "metadata.labels", &mut wrong);
    pod_rules::spec(&pod["spec"], "spec", &mut wrong);
    if !list(pod, "/spec/schedulingGates").is_empty() && !text(pod, "/spec/nodeName").is_empty() {
        let why = "Forbidden: cannot be set until all schedulingGates have been cleared".to_owned();
        wrong.push(("FieldValueForbidden", "spec.nodeName".to_owned(), why));
    }
    refused(resource, name(pod), &wrong)
}

/// The `ExtendedResourceToleration` admission: who asks for a resource tolerates the taint of its name.
fn tolerate(pod: &mut Value) {
    let asked = amounts::of_spec(&pod["spec"]);
    for (resource, _) in asked.iter().filter(|(resource, n)| resource.contains('/') && **n > 0) {
        let toleration = json!({"key": resource, "operator": "Exists", "effect": "NoSchedule"});
        let known = list(pod, "/spec/tolerations");
        if !known.contains(&toleration) {
            pod["spec"]["tolerations"] = known.iter().cloned().chain([toleration]).collect();
        }
    }
}

/// A Job's template is held to what its pods will be held to, and may not run for ever.
fn job(resource: &Resource, job: &Value) -> Result<(), Refusal> {
    let template = &job["spec"]["template"];
    let mut wrong = Causes::new();
    batch::numbers(job, &mut wrong);
    pod_rules::labels(&template["metadata"]["labels"], "spec.template.labels", &mut wrong);
    pod_rules::spec(&template["spec"], "spec.template.spec", &mut wrong);
    if text(template, "/spec/restartPolicy") == "Always" {
        let field = "spec.template.spec.restartPolicy".to_owned();
        let why = "Required value: valid values: \"OnFailure\", \"Never\"";
        wrong.push(("FieldValueRequired", field, why.to_owned()));
    }
    refused(resource, name(job), &wrong)
}

fn refused(resource: &Resource, name: &str, wrong: &Causes) -> Result<(), Refusal> {
    let causes: Vec<_> = wrong.iter().map(|(reason, field, said)| (*reason, field.as_str(), said.clone())).collect();
    if causes.is_empty() { Ok(()) } else { Err(Refusal::invalid(resource, name, &causes)) }
}

/// There are no runtime classes here.
fn runtime(resource: &Resource, pod: &Value) -> Result<(), Refusal> {
    let class = text(pod, "/spec/runtimeClassName");
    let why = if !class.is_empty() {
        format!("pod rejected: RuntimeClass {class:?} not found")
    } else if pod["spec"]["overhead"].is_object() {
        "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::forbidden(resource, name(pod), &why))
}

/// What a pod says of preemption must be what its class says.
fn preemption(resource: &Resource, pod: &Value, class: &str) -> Result<(), Refusal> {
    let given = text(pod, "/spec/preemptionPolicy");
    // Of one that says nothing the usual was written down before.
    if ["", PREEMPTS, class].contains(&given) {
        return Ok(());
    }
    let why = format!(
        "the string value of PreemptionPolicy ({given}) must not be provided in pod spec; priority admission controller computed {class} from the given PriorityClass name"
    );
    Err(Refusal::forbidden(resource, name(pod), &why))
}

/// The name of a pod before it gets one: what it is going to begin with.
fn so_far(pod: &Value) -> &str {
    let stem = text(pod, "/metadata/generateName");
    if !stem.is_empty() && name(pod).starts_with(stem) { stem } else { name(pod) }
}

fn priority(store: &Store, resource: &Resource, pod: &mut Value) -> Result<(), Refusal> {
    let class = text(pod, "/spec/priorityClassName");
    if class.is_empty() {
        preemption(resource, pod, PREEMPTS)?;
        let given = pod["spec"]["priority"].as_i64().filter(|priority| *priority != 0);
        let Some(given) = given else { return Ok(()) };
        let why = format!(
            "the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed 0 from the given PriorityClass name"
        );
        return Err(Refusal::forbidden(resource, name(pod), &why));
    }
    let Ok(found) = store.get(&PRIORITYCLASSES, "", class) else {
        let why = format!("no PriorityClass with name {class} was found");
        return Err(Refusal::forbidden(resource, so_far(pod), &why));
    };
    let found = found.value();
    let policy = text(&found, "/preemptionPolicy");
    preemption(resource, pod, if policy.is_empty() { PREEMPTS } else { policy })?;
    pod["spec"]["priority"] = found["value"].clone();
    if found["preemptionPolicy"].is_string() {
        pod["spec"]["preemptionPolicy"] = found["preemptionPolicy"].clone();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_refused_by_the_name_that_it_has_so_far() {
        let pod = |meta: Value| json!({"metadata": meta});
        assert_eq!(so_far(&pod(json!({"name": "j-launcher-abcde", "generateName": "j-launcher-"}))), "j-launcher-");
        assert_eq!(so_far(&pod(json!({"name": "mine", "generateName": "other-"}))), "mine");
        assert_eq!(so_far(&pod(json!({"name": "mine"}))), "mine");
    }
}
