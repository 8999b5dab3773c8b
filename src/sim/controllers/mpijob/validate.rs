//! The checks that mpi-operator makes before it acts, in its words. They end in an Event and nothing else.

use serde_json::Value;

use crate::sim::controllers::value::{int, list, name, text};

const DNS_1035: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an \
                        alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', \
                        regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

/// All that is wrong with `job` as one text, `None` if nothing is.
pub(super) fn errors(job: &Value) -> Option<String> {
    let mut out = Vec::new();
    job_name(job, &mut out);
    run_policy(job, &mut out);
    implementation(job, &mut out);
    let specs = job.pointer("/spec/mpiReplicaSpecs").and_then(Value::as_object);
    match specs {
        None => out.push("spec.mpiReplicaSpecs: Required value: must have replica specs".into()),
        Some(specs) => {
            match specs.get("Launcher") {
                None => out
                    .push("spec.mpiReplicaSpecs[Launcher]: Required value: must have Launcher replica spec".to_owned()),
                Some(spec) => {
                    replica("Launcher", spec, &mut out);
                    if int(spec, "/replicas").is_some_and(|n| n != 1) {
                        out.push(at("Launcher", &format!("replicas: Invalid value: {}: must be 1", number(spec))));
                    }
                }
            }
            if let Some(spec) = specs.get("Worker") {
                replica("Worker", spec, &mut out);
                if int(spec, "/replicas").unwrap_or(0) < 1 {
                    let n = number(spec);
                    out.push(at(
                        "Worker",
                        &format!("replicas: Invalid value: {n}: must be greater than or equal to 1"),
                    ));
                }
            }
        }
    }
    match out.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

fn at(role: &str, tail: &str) -> String {
    format!("spec.mpiReplicaSpecs[{role}].{tail}")
}

fn number(spec: &Value) -> i64 {
    int(spec, "/replicas").unwrap_or(0)
}

fn job_name(job: &Value, out: &mut Vec<String>) {
    let workers = int(job, "/spec/mpiReplicaSpecs/Worker/replicas").unwrap_or(0);
    let longest =
        if workers > 0 { format!("{}-worker-{}", name(job), workers - 1) } else { format!("{}-launcher", name(job)) };
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

fn run_policy(job: &Value, out: &mut Vec<String>) {
    let policy = job.pointer("/spec/runPolicy/cleanPodPolicy").and_then(Value::as_str);
    if let Some(policy) = policy.filter(|p| !matches!(*p, "None" | "Running" | "All")) {
        out.push(format!(
            "spec.runPolicy.cleanPodPolicy: Unsupported value: {policy:?}: supported values: \"All\", \"None\", \"Running\""
        ));
    }
    for field in ["ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"] {
        if let Some(n) = int(job, &format!("/spec/runPolicy/{field}")).filter(|n| *n < 0) {
            out.push(format!("spec.runPolicy.{field}: Invalid value: {n}: must be greater than or equal to 0"));
        }
    }
}

fn implementation(job: &Value, out: &mut Vec<String>) {
    let word = text(job, "/spec/mpiImplementation");
    if !matches!(word, "" | "OpenMPI" | "Intel" | "MPICH") {
        out.push(format!(
            "spec.mpiImplementation: Unsupported value: {word:?}: supported values: \"Intel\", \"MPICH\", \"OpenMPI\""
        ));
    }
}

fn replica(role: &str, spec: &Value, out: &mut Vec<String>) {
    let policy = text(spec, "/restartPolicy");
    if !matches!(policy, "" | "Never" | "OnFailure") {
        out.push(at(
            role,
            &format!("restartPolicy: Unsupported value: {policy:?}: supported values: \"Never\", \"OnFailure\""),
        ));
    }
    if !list(spec, "/template/spec/containers").first().is_some_and(Value::is_object) {
        out.push(at(role, "template.spec.containers: Required value: must define at least one container"));
    }
}
