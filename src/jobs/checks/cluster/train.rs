//! What a `TrainJob` asks of the cluster: the pods of its runtime's `JobSet`, with what the job says laid over them.
//!
//! Source: Kubeflow Trainer 2.3 (`newRuntimeInfo`, the plugins `mpi`, `torch` and `jobset`).

use serde_json::{Value, json};

use super::need::{Need, need};

/// The label that tells which part of a runtime trains.
const STEP: &str = "trainer.kubeflow.org/trainjob-ancestor-step";
/// The part, and the container in it, that a node of a training is.
const NODE: &str = "node";

/// The kind of runtime that a `TrainJob` builds on.
pub fn runtime_kind(job: &Value) -> &'static str {
    if job["spec"]["runtimeRef"]["kind"] == "TrainingRuntime" { "TrainingRuntime" } else { "ClusterTrainingRuntime" }
}

/// The needs of a `TrainJob`, by part of its runtime; of the nodes alone where the runtime is not known.
pub(super) fn needs(job: &Value, runtime: Option<&Value>) -> Vec<Need> {
    let trainer = &job["spec"]["trainer"];
    let Some(runtime) = runtime else {
        let container = json!({"name": NODE, "resources": trainer["resourcesPerNode"]});
        return vec![need(NODE, trainer["numNodes"].as_u64().unwrap_or(1), json!({"containers": [container]}))];
    };
    let parts = runtime.pointer("/spec/template/spec/replicatedJobs").and_then(Value::as_array);
    let parts: Vec<Part<'_>> = parts.into_iter().flatten().map(|own| Part { own, runtime, job }).collect();
    let first = |part: &&Part<'_>| !parts.iter().any(|other| other.waits_for_the_end_of(part.name()));
    parts.iter().filter(first).map(|part| need(part.name(), part.pods(), part.pod())).collect()
}

/// One replicated job of a runtime, for a `TrainJob`.
struct Part<'a> {
    own: &'a Value,
    runtime: &'a Value,
    job: &'a Value,
}

impl Part<'_> {
    fn name(&self) -> &str {
        self.own["name"].as_str().unwrap_or_default()
    }

    /// Whether it begins when that one has ended: what is over holds nothing any more.
    fn waits_for_the_end_of(&self, name: &str) -> bool {
        let others = self.own["dependsOn"].as_array();
        others.into_iter().flatten().any(|other| other["name"] == name && other["status"] == "Complete")
    }

    fn trains(&self) -> bool {
        self.own["template"]["metadata"]["labels"][STEP] == "trainer"
    }

    fn launcher_is_node(&self) -> bool {
        self.runtime["spec"]["mlPolicy"]["mpi"]["runLauncherAsNode"] == true
    }

    /// How many pods it has.
    fn pods(&self) -> u64 {
        let policy = &self.runtime["spec"]["mlPolicy"];
        let given = self.job["spec"]["trainer"]["numNodes"].as_u64();
        let own = if self.trains() && policy.is_object() {
            &policy["numNodes"]
        } else {
            &self.own["template"]["spec"]["parallelism"]
        };
        let each = match given {
            // One node is the launcher, but another one is always made.
            Some(given) if policy["mpi"].is_object() && self.name() == NODE => {
                if self.launcher_is_node() {
                    given.saturating_sub(1).max(1)
                } else {
                    given
                }
            }
            Some(given) if !policy["mpi"].is_object() && self.trains() => given,
            _ => own.as_u64().unwrap_or(1),
        };
        each.saturating_mul(self.own["replicas"].as_u64().unwrap_or(1))
    }

    /// Its pod spec.
    fn pod(&self) -> Value {
        let mut spec = self.own["template"]["spec"]["template"]["spec"].clone();
        let resources = &self.job["spec"]["trainer"]["resourcesPerNode"];
        let takes = self.trains() || (self.launcher_is_node() && self.name() == NODE);
        if takes && resources.is_object() {
            let containers = spec.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten();
            for container in containers.filter(|container| container["name"] == NODE) {
                container["resources"] = resources.clone();
            }
        }
        for patch in self.patches() {
            lay_over(&mut spec, patch);
        }
        spec
    }

    /// What the job changes in the pods of this part: `runtimePatches`, before Trainer 2.2 `podTemplateOverrides`.
    fn patches(&self) -> impl Iterator<Item = &Value> {
        let spec = &self.job["spec"];
        let of_jobs = spec["runtimePatches"].as_array().into_iter().flatten().flat_map(|patch| {
            let jobs = patch.pointer("/trainingRuntimeSpec/template/spec/replicatedJobs").and_then(Value::as_array);
            jobs.into_iter().flatten()
        });
        let new = of_jobs
            .filter(|part| part["name"] == self.name())
            .map(|part| &part["template"]["spec"]["template"]["spec"]);
        let overrides = spec["podTemplateOverrides"].as_array().into_iter().flatten();
        let is_meant = |one: &&Value| {
            let mut targets = one["targetJobs"].as_array().into_iter().flatten();
            targets.any(|target| target["name"] == self.name())
        };
        let old = overrides.filter(is_meant).map(|one| &one["spec"]);
        new.chain(old)
    }
}

/// Lays over a pod spec what decides where its pods may go. What is no map is the server's to complain of.
fn lay_over(spec: &mut Value, patch: &Value) {
    if spec.is_null() {
        *spec = json!({});
    }
    let Some(spec) = spec.as_object_mut() else { return };
    for field in ["tolerations", "affinity"] {
        if !patch[field].is_null() {
            spec.insert(field.to_owned(), patch[field].clone());
        }
    }
    let Some(patch) = patch["nodeSelector"].as_object() else { return };
    let selector = spec.entry("nodeSelector").or_insert(Value::Null);
    if selector.is_null() {
        *selector = json!({});
    }
    if let Some(selector) = selector.as_object_mut() {
        selector.extend(patch.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A runtime with an initializer, and MPI if this is its policy.
    fn runtime(mpi: &Value) -> Value {
        let part = |name: &str, step: &str, cpu: &str, after: Value| {
            json!({"name": name, "dependsOn": after, "template": {"metadata": {"labels": {STEP: step}},
                "spec": {"template": {"spec": {"nodeSelector": {"pool": "gpu"}, "containers": [
                    {"name": NODE, "resources": {"limits": {"cpu": cpu}}},
                    {"name": "side", "resources": {"requests": {"cpu": "1"}}}]}}}}})
        };
        let step = if mpi.is_object() { ("trainer", "") } else { ("", "trainer") };
        let after = json!([{"name": "dataset", "status": "Complete"}]);
        let mut parts = vec![part("dataset", "dataset-initializer", "64", json!(null)), part(NODE, step.1, "4", after)];
        if mpi.is_object() {
            parts.push(part("launcher", step.0, "2", json!([{"name": NODE, "status": "Ready"}])));
        }
        let mut policy = json!({"numNodes": 1});
        policy["mpi"] = mpi.clone();
        json!({"spec": {"mlPolicy": policy, "template": {"spec": {"replicatedJobs": parts}}}})
    }

    /// Role, pods, thousandths of a CPU of one.
    fn of(trainer: &Value, mpi: &Value) -> Vec<(String, u64, u64)> {
        let needs = needs(&json!({"spec": {"trainer": trainer}}), Some(&runtime(mpi)));
        needs.into_iter().map(|need| (need.role, need.pods, need.requests["cpu"])).collect()
    }

    fn rows(rows: &[(&str, u64, u64)]) -> Vec<(String, u64, u64)> {
        rows.iter().map(|(role, pods, cpu)| ((*role).to_owned(), *pods, *cpu)).collect()
    }

    #[test]
    fn nodes_have_what_the_job_says_else_what_its_runtime_says_and_its_side_containers() {
        let none = json!(null);
        assert_eq!(of(&json!({}), &none), rows(&[("node", 1, 5_000)]), "what is over before holds nothing");
        let own = json!({"numNodes": 3, "resourcesPerNode": {"limits": {"cpu": "8"}}});
        assert_eq!(of(&own, &none), rows(&[("node", 3, 9_000)]));
    }

    #[test]
    fn with_mpi_the_launcher_is_a_pod_of_its_own_and_may_be_a_node() {
        let own = json!({"numNodes": 3, "resourcesPerNode": {"limits": {"cpu": "8"}}});
        let apart = rows(&[("node", 3, 5_000), ("launcher", 1, 9_000)]);
        assert_eq!(of(&own, &json!({})), apart, "its resources reach the launcher only");
        let node = json!({"runLauncherAsNode": true});
        assert_eq!(of(&own, &node), rows(&[("node", 2, 9_000), ("launcher", 1, 9_000)]));
        assert_eq!(of(&json!({"numNodes": 1}), &node)[0].1, 1, "a node is always made");
    }

    #[test]
    fn a_job_sends_its_pods_elsewhere_by_patches_of_both_kinds() {
        let patch = json!({"nodeSelector": {"gpu": "a100"}, "tolerations": [{"key": "x"}]});
        let new = json!({"trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs":
            [{"name": NODE, "template": {"spec": {"template": {"spec": patch}}}}]}}}});
        let old = json!({"targetJobs": [{"name": NODE}], "spec": patch});
        for spec in [json!({"runtimePatches": [new]}), json!({"podTemplateOverrides": [old]})] {
            let needs = needs(&json!({"spec": spec}), Some(&runtime(&json!(null))));
            assert_eq!(needs[0].spec["nodeSelector"], json!({"pool": "gpu", "gpu": "a100"}));
            assert_eq!(needs[0].spec["tolerations"], json!([{"key": "x"}]));
        }
    }

    #[test]
    fn a_runtime_that_is_no_runtime_is_nothing_to_patch() {
        let patch = json!({"nodeSelector": {"gpu": "a100"}, "tolerations": [{"key": "x"}]});
        let laid = |mut spec: Value| {
            lay_over(&mut spec, &patch);
            spec["nodeSelector"].clone()
        };
        for spec in [json!(null), json!({}), json!({"nodeSelector": null})] {
            assert_eq!(laid(spec), patch["nodeSelector"]);
        }
        for odd in [json!("gpu"), json!([1]), json!(true)] {
            assert_eq!(laid(json!({"nodeSelector": odd})), odd);
            assert_eq!(laid(odd), json!(null));
        }
        let mut runtime = runtime(&json!(null));
        runtime["spec"]["template"]["spec"]["replicatedJobs"][1]["template"]["spec"]["template"]["spec"] = json!("odd");
        let own = json!({"targetJobs": [{"name": NODE}], "spec": patch});
        let trainer = json!({"resourcesPerNode": {"limits": {"cpu": "8"}}});
        let job = json!({"spec": {"trainer": trainer, "podTemplateOverrides": [own]}});
        assert_eq!(needs(&job, Some(&runtime)).len(), 1);
    }

    #[test]
    fn without_its_runtime_only_its_own_words_count() {
        let job = json!({"spec": {"trainer": {"numNodes": 2, "resourcesPerNode": {"limits": {"cpu": "8"}}}}});
        let needs = needs(&job, None);
        assert_eq!((needs.len(), needs[0].pods, needs[0].requests["cpu"]), (1, 2, 8_000));
    }
}
