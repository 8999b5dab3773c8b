//! The checks that mpi-operator makes before it acts, in its words. They end in an Event and nothing else.

use serde_json::Value;

use super::make::has_container;
use crate::sim::value::{int, name, text};

const DNS_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                        alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', \
                        regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// All that is wrong with `job` (completed by its defaults) as one text, `None` if nothing is.
pub(super) fn errors(job: &Value) -> Option<String> {
    let mut out = Vec::new();
    job_name(job, &mut out);
    replicas(job, &mut out);
    not_negative(job, "slotsPerWorker", &mut out);
    run_policy(job, &mut out);
    implementation(job, &mut out);
    // The same words are said once.
    let mut said: Vec<String> = Vec::new();
    for one in out {
        if !said.contains(&one) {
            said.push(one);
        }
    }
    match said.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

fn at(role: &str, tail: &str) -> String {
    format!("spec.mpiReplicaSpecs[{role}].{tail}")
}

/// The longest host name that a pod of the job will have.
fn job_name(job: &Value, out: &mut Vec<String>) {
    let workers = int(job, "/spec/mpiReplicaSpecs/Worker/replicas").filter(|n| *n > 0).unwrap_or(1);
    let longest = format!("{}-worker-{}", name(job), workers - 1);
    let begins = longest.starts_with(|c: char| c.is_ascii_lowercase());
    let words = longest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let mut wrong = Vec::new();
    if longest.len() > 63 {
        wrong.push("must be no more than 63 characters");
    }
    if !begins || !words {
        wrong.push(DNS_1035);
    }
    if !wrong.is_empty() {
        out.push(format!(
            "metadata.name: Invalid value: {:?}: will not able to create pod and service with invalid DNS label {longest:?}: {}",
            name(job),
            wrong.join(", ")
        ));
    }
}

fn replicas(job: &Value, out: &mut Vec<String>) {
    let Some(specs) = job.pointer("/spec/mpiReplicaSpecs").and_then(Value::as_object) else {
        return out.push("spec.mpiReplicaSpecs: Required value: must have replica specs".into());
    };
    let of = |role: &str| specs.get(role).filter(|spec| spec.is_object());
    match of("Launcher") {
        None => out.push("spec.mpiReplicaSpecs[Launcher]: Required value: must have Launcher replica spec".into()),
        Some(spec) => {
            replica("Launcher", spec, out);
            if let Some(n) = int(spec, "/replicas").filter(|n| *n != 1) {
                out.push(at("Launcher", &format!("replicas: Invalid value: {n}: must be 1")));
            }
        }
    }
    if let Some(spec) = of("Worker") {
        replica("Worker", spec, out);
        if let Some(n) = int(spec, "/replicas").filter(|n| *n <= 0) {
            out.push(at("Worker", &format!("replicas: Invalid value: {n}: must be greater than or equal to 1")));
        }
    }
}

fn replica(role: &str, spec: &Value, out: &mut Vec<String>) {
    let policy = text(spec, "/restartPolicy");
    if !matches!(policy, "Never" | "OnFailure") {
        let known = "supported values: \"Never\", \"OnFailure\"";
        out.push(at(role, &format!("restartPolicy: Unsupported value: {policy:?}: {known}")));
    }
    if !has_container(spec) {
        out.push(at(role, "template.spec.containers: Required value: must define at least one container"));
    }
}

fn not_negative(job: &Value, field: &str, out: &mut Vec<String>) {
    let path = format!("/spec/{}", field.replace('.', "/"));
    if let Some(n) = int(job, &path).filter(|n| *n < 0) {
        out.push(format!("spec.{field}: Invalid value: {n}: must be greater than or equal to 0"));
    }
}

fn run_policy(job: &Value, out: &mut Vec<String>) {
    let policy = text(job, "/spec/runPolicy/cleanPodPolicy");
    if !matches!(policy, "None" | "Running" | "All") {
        out.push(format!(
            "spec.runPolicy.cleanPodPolicy: Unsupported value: {policy:?}: supported values: \"All\", \"None\", \"Running\""
        ));
    }
    for field in ["ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"] {
        not_negative(job, &format!("runPolicy.{field}"), out);
    }
}

fn implementation(job: &Value, out: &mut Vec<String>) {
    let word = text(job, "/spec/mpiImplementation");
    if !matches!(word, "OpenMPI" | "Intel" | "MPICH") {
        out.push(format!(
            "spec.mpiImplementation: Unsupported value: {word:?}: supported values: \"Intel\", \"MPICH\", \"OpenMPI\""
        ));
    }
}
