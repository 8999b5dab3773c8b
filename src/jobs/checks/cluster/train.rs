//! What a `TrainJob` asks of the cluster: the pods of its runtime's `JobSet`, with what the job says laid over them.
//!
//! Source: Kubeflow Trainer 2.3 (`newRuntimeInfo`, the plugins `mpi`, `torch` and `jobset`).

use serde_json::{Value, json};

use super::need::{Need, need};
use super::overlay::lay_over;

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
    let parts = parts(job, runtime);
    let first = |part: &&Part<'_>| !parts.iter().any(|other| other.waits_for_the_end_of(part.name()));
    let spec = |part: &Part<'_>| part.template().get_mut("spec").map(Value::take).unwrap_or_default();
    parts.iter().filter(first).map(|part| need(part.name(), part.pods(), spec(part))).collect()
}

/// The pod templates of a `TrainJob`, by part of its runtime.
pub fn templates(job: &Value, runtime: &Value) -> Vec<(String, Value)> {
    parts(job, runtime).iter().map(|part| (part.name().to_owned(), part.template())).collect()
}

fn parts<'a>(job: &'a Value, runtime: &'a Value) -> Vec<Part<'a>> {
    let parts = runtime.pointer("/spec/template/spec/replicatedJobs").and_then(Value::as_array);
    parts.into_iter().flatten().map(|own| Part { own, runtime, job }).collect()
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

    /// The template of its pods: labels, annotations, spec.
    fn template(&self) -> Value {
        let mut template = self.own["template"]["spec"]["template"].clone();
        if template.is_null() {
            template = json!({});
        }
        self.initialize(&mut template);
        self.train(&mut template);
        for (field, patch) in self.patches() {
            if field.is_empty() {
                lay_over(&mut template, patch);
            } else if let Some(template) = template.as_object_mut() {
                lay_over(template.entry(field).or_insert(Value::Null), patch);
            }
        }
        template
    }

    /// What the job says of its trainer, in the container of that name.
    fn train(&self, template: &mut Value) {
        let given = &self.job["spec"]["trainer"];
        let takes = self.trains() || (self.launcher_is_node() && self.name() == NODE);
        let Some(container) = container(template, NODE).filter(|_| takes) else { return };
        if given["resourcesPerNode"].is_object() {
            container["resources"] = given["resourcesPerNode"].clone();
        }
        for field in ["image", "command", "args"] {
            if self.trains() && !given[field].is_null() {
                container[field] = given[field].clone();
            }
        }
        variables(container, &given["env"]);
    }

    /// What the job says of where its data and its model come from.
    fn initialize(&self, template: &mut Value) {
        let step = &self.own["template"]["metadata"]["labels"][STEP];
        for (role, field) in [("dataset-initializer", "dataset"), ("model-initializer", "model")] {
            let given = &self.job["spec"]["initializer"][field];
            let Some(container) = container(template, role).filter(|_| step == role && given.is_object()) else {
                continue;
            };
            if let Some(uri) = given["storageUri"].as_str() {
                variables(container, &json!([{"name": "STORAGE_URI", "value": uri}]));
            }
            variables(container, &given["env"]);
            if let (Some(name), Some(container)) = (given["secretRef"]["name"].as_str(), container.as_object_mut()) {
                let from = container.entry("envFrom").or_insert_with(|| json!([]));
                from.as_array_mut().into_iter().for_each(|from| from.push(json!({"secretRef": {"name": name}})));
            }
        }
    }

    /// What the job changes in the pods of this part, and in which field of their template (none: the template itself):
    /// `runtimePatches`, before Trainer 2.2 `podTemplateOverrides`.
    fn patches(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let spec = &self.job["spec"];
        let of_jobs = spec["runtimePatches"].as_array().into_iter().flatten().flat_map(|patch| {
            let jobs = patch.pointer("/trainingRuntimeSpec/template/spec/replicatedJobs").and_then(Value::as_array);
            jobs.into_iter().flatten()
        });
        let new =
            of_jobs.filter(|part| part["name"] == self.name()).map(|part| ("", &part["template"]["spec"]["template"]));
        let overrides = spec["podTemplateOverrides"].as_array().into_iter().flatten();
        let is_meant = |one: &&Value| {
            let mut targets = one["targetJobs"].as_array().into_iter().flatten();
            targets.any(|target| target["name"] == self.name())
        };
        let old = overrides.filter(is_meant).flat_map(|one| [("metadata", &one["metadata"]), ("spec", &one["spec"])]);
        new.chain(old)
    }
}

/// A container of a pod template.
fn container<'a>(template: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let all = template.get_mut("spec")?.get_mut("containers")?.as_array_mut()?;
    all.iter_mut().find(|container| container["name"] == name)
}

/// Gives a container variables, in the place of those of the same name.
fn variables(container: &mut Value, given: &Value) {
    let (Some(container), Some(given)) = (container.as_object_mut(), given.as_array()) else { return };
    let own = container.entry("env").or_insert_with(|| json!([]));
    // A variable has a value or comes from somewhere: the one takes the other's place.
    if let Some(own) = own.as_array_mut() {
        own.retain(|known| !given.iter().any(|other| other["name"] == known["name"]));
        own.extend(given.iter().cloned());
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
        let own = json!({"targetJobs": [{"name": NODE}], "spec": patch});
        let trainer = json!({"resourcesPerNode": {"limits": {"cpu": "8"}}, "env": [{"name": "A"}]});
        let job = json!({"spec": {"trainer": trainer, "podTemplateOverrides": [own]}});
        for odd in [json!("odd"), json!({"spec": "odd"}), json!({"spec": {"containers": {"name": NODE}}}), json!([1])] {
            let mut runtime = runtime(&json!(null));
            runtime["spec"]["template"]["spec"]["replicatedJobs"][1]["template"]["spec"]["template"] = odd;
            assert_eq!(needs(&job, Some(&runtime)).len(), 1);
        }
    }

    #[test]
    fn every_pod_is_as_the_operator_makes_it_of_runtime_and_job() {
        let mut runtime = runtime(&json!(null));
        let parts = runtime["spec"]["template"]["spec"]["replicatedJobs"].as_array_mut().expect("parts");
        parts[0]["template"]["spec"]["template"]["spec"]["containers"][0]["name"] = json!("dataset-initializer");
        parts[1]["template"]["spec"]["template"]["metadata"] = json!({"labels": {"team": "nlp"}});
        let own = &mut parts[1]["template"]["spec"]["template"]["spec"]["containers"][0];
        own["image"] = json!("runtime:1");
        own["env"] = json!([{"name": "A", "valueFrom": {}}, {"name": "B", "value": "2"}]);
        let patch = json!({"metadata": {"labels": {"shift": "night"}}, "spec": {"serviceAccountName": "trainer"}});
        let replicated = json!([{"name": NODE, "template": {"spec": {"template": patch}}}]);
        let patches = json!([{"trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": replicated}}}}]);
        let data = json!({"storageUri": "hf://set", "secretRef": {"name": "token"}});
        let trainer = json!({"image": "mine:2", "command": ["torchrun"], "args": ["train.py"], "env": [{"name": "A", "value": "1"}]});
        let job = json!({"spec": {"trainer": trainer, "initializer": {"dataset": data}, "runtimePatches": patches}});
        let all = templates(&job, &runtime);
        assert_eq!(all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["dataset", NODE]);
        let (first, node) = (&all[0].1["spec"]["containers"][0], &all[1].1);
        assert_eq!(first["env"], json!([{"name": "STORAGE_URI", "value": "hf://set"}]));
        assert_eq!(first["envFrom"], json!([{"secretRef": {"name": "token"}}]));
        assert_eq!(node["metadata"]["labels"], json!({"team": "nlp", "shift": "night"}));
        assert_eq!(node["spec"]["serviceAccountName"], "trainer");
        let container = &node["spec"]["containers"][0];
        assert_eq!((&container["image"], &container["args"]), (&json!("mine:2"), &json!(["train.py"])));
        assert_eq!(container["env"], json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]));
        assert_eq!(node["spec"]["containers"][1]["name"], "side", "what stands beside it stays as it is");
    }

    #[test]
    fn without_its_runtime_only_its_own_words_count() {
        let job = json!({"spec": {"trainer": {"numNodes": 2, "resourcesPerNode": {"limits": {"cpu": "8"}}}}});
        let needs = needs(&job, None);
        assert_eq!((needs.len(), needs[0].pods, needs[0].requests["cpu"]), (1, 2, 8_000));
    }
}
