//! TrainJobs whose runtime runs MPI: how many processes a node has, the hostfile, the keys.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::extras;
use crate::sim::{
    amounts::amount,
    controllers::mpijob,
    value::{int, list, name, namespace, owned_by, text, truth, uid},
};

/// What the runtime's policy and the TrainJob say about MPI.
pub(super) struct Policy {
    slots: i64,
    launcher_is_node: bool,
    ssh_path: String,
}

impl Policy {
    /// The policy of a TrainJob; `None` if its runtime runs no MPI.
    pub(super) fn of(job: &Value, runtime: &Value) -> Option<Self> {
        let mpi = runtime.pointer("/spec/mlPolicy/mpi").filter(|mpi| mpi.is_object())?;
        let path = text(mpi, "/sshAuthMountPath");
        Some(Self {
            slots: slots(job, runtime, mpi),
            launcher_is_node: truth(mpi, "/runLauncherAsNode"),
            ssh_path: if path.is_empty() { "/root/.ssh" } else { path }.to_owned(),
        })
    }

    /// How many pods make so many nodes: one of them may be the launcher, but one is always made.
    pub(super) fn nodes(&self, wanted: i64) -> i64 {
        if self.launcher_is_node { (wanted - 1).max(1) } else { wanted }
    }

    /// Gives a launcher or a node its keys, and a launcher its hostfile.
    pub(super) fn equip(&self, job: &Value, replicated: &mut Value) {
        let launcher = match text(replicated, "/name") {
            "launcher" => true,
            "node" => false,
            _ => return,
        };
        let [secret, hostfile] = extras(name(job));
        let items = json!([
            {"key": "ssh-privatekey", "path": "id_rsa"}, {"key": "ssh-publickey", "path": "id_rsa.pub"},
            {"key": "ssh-publickey", "path": "authorized_keys"},
        ]);
        let keys = json!({"secretName": secret, "defaultMode": 0o640, "items": items});
        let pod = &mut replicated["template"]["spec"]["template"]["spec"];
        add(pod, "volumes", json!({"name": "mpi-ssh-auth", "secret": keys}));
        if launcher {
            let items = json!([{"key": "hostfile", "path": "hostfile", "mode": 0o444}]);
            add(pod, "volumes", json!({"name": "mpi-hostfile", "configMap": {"name": hostfile, "items": items}}));
        }
        let containers = pod.get_mut("containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter(|c| text(c, "/name") == "node") {
            add(container, "volumeMounts", json!({"name": "mpi-ssh-auth", "mountPath": self.ssh_path}));
            if !launcher {
                continue;
            }
            add(container, "volumeMounts", json!({"name": "mpi-hostfile", "mountPath": "/etc/mpi"}));
            for (key, value) in [
                ("OMPI_MCA_orte_default_hostfile", "/etc/mpi/hostfile"),
                ("OMPI_MCA_orte_keep_fqdn_hostnames", "true"),
                ("OMPI_MCA_orte_set_default_slots", &self.slots.to_string()),
                ("OMPI_MCA_plm_rsh_args", "-o ConnectionAttempts=10"),
            ] {
                add(container, "env", json!({"name": key, "value": value}));
            }
        }
    }

    /// The `ConfigMap` with the hostfile: a line for each pod that ranks run in.
    pub(super) fn hostfile(&self, job: &Value, jobset: &Value) -> Value {
        let mut lines = String::new();
        for replicated in list(jobset, "/spec/replicatedJobs") {
            let role = text(replicated, "/name");
            if role != "node" && !(self.launcher_is_node && role == "launcher") {
                continue;
            }
            for index in 0..int(replicated, "/replicas").unwrap_or(1) {
                for pod in 0..int(replicated, "/template/spec/parallelism").unwrap_or(1) {
                    let job = name(job);
                    let _ = writeln!(lines, "{job}-{role}-{index}-{pod}.{job} slots={}", self.slots);
                }
            }
        }
        let [_, called] = extras(name(job));
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"hostfile": lines},
            "metadata": {"name": called, "namespace": namespace(job), "ownerReferences": owned_by(job)},
        })
    }
}

/// What the TrainJob says; else, where the runtime says 1, as many as a node has GPUs.
fn slots(job: &Value, runtime: &Value, mpi: &Value) -> i64 {
    if let Some(given) = int(job, "/spec/trainer/numProcPerNode") {
        return given;
    }
    let usual = int(mpi, "/numProcPerNode").unwrap_or(1);
    let gpus = |resources: &Value| {
        let all = ["limits", "requests"].into_iter().filter_map(|side| resources[side].as_object()).flatten();
        all.filter(|(key, _)| key.contains("gpu")).map(|(key, n)| amount(key, n)).max().unwrap_or(0)
    };
    let own = &job["spec"]["trainer"]["resourcesPerNode"];
    let each = if own.is_object() { gpus(own) } else { gpus(&of_runtime(runtime)) };
    if usual == 1 && each > 1 { each } else { usual }
}

/// What the runtime asks for where the trainer runs.
fn of_runtime(runtime: &Value) -> Value {
    let step =
        |r: &&Value| r["template"]["metadata"]["labels"]["trainer.kubeflow.org/trainjob-ancestor-step"] == "trainer";
    let found = list(runtime, "/spec/template/spec/replicatedJobs").iter().find(step);
    let containers = found.map_or(&[][..], |r| list(r, "/template/spec/template/spec/containers"));
    containers.iter().find(|c| text(c, "/name") == "node").map(|c| c["resources"].clone()).unwrap_or_default()
}

/// The Secret for ssh.
pub(super) fn secret(job: &Value) -> Value {
    let [called, _] = extras(name(job));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/ssh-auth", "immutable": true, "data": mpijob::keys(uid(job)),
        "metadata": {"name": called, "namespace": namespace(job), "ownerReferences": owned_by(job)},
    })
}

/// Adds to a list, in the place of what has the same name and mount path.
fn add(to: &mut Value, field: &str, entry: Value) {
    let mut all = list(to, &format!("/{field}")).to_vec();
    all.retain(|old| old["name"] != entry["name"] || old["mountPath"] != entry["mountPath"]);
    all.push(entry);
    to[field] = Value::Array(all);
}

#[cfg(test)]
mod tests {
    use super::{super::expand::expanded, *};

    fn runtime(launcher_is_node: bool) -> Value {
        let role = |name: &str| json!({"name": name, "template": {"metadata": {}, "spec": {"template": {"spec": {"containers": [{"name": "node", "image": "i"}]}}}}});
        let mut launcher = role("launcher");
        launcher["template"]["metadata"]["labels"] = json!({"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"});
        json!({"spec": {
            "mlPolicy": {"numNodes": 1, "mpi": {"numProcPerNode": 1, "mpiImplementation": "OpenMPI", "runLauncherAsNode": launcher_is_node}},
            "template": {"spec": {"replicatedJobs": [role("node"), launcher]}},
        }})
    }

    fn hostfile(launcher_is_node: bool, trainer: &Value) -> (String, Value) {
        let job = json!({"metadata": {"name": "pi", "namespace": "a", "uid": "u"}, "spec": {"trainer": trainer}});
        let runtime = runtime(launcher_is_node);
        let policy = Policy::of(&job, &runtime).unwrap();
        let whole = expanded(&job, &runtime, Some(&policy));
        (text(&policy.hostfile(&job, &whole), "/data/hostfile").to_owned(), whole)
    }

    #[test]
    fn ranks_run_on_nodes_and_where_asked_in_the_launcher() {
        let (lines, _) = hostfile(false, &json!({"numNodes": 2, "numProcPerNode": 4}));
        assert_eq!(lines, "pi-node-0-0.pi slots=4\npi-node-0-1.pi slots=4\n");
        let (lines, _) = hostfile(true, &json!({"numNodes": 3}));
        assert_eq!(lines, "pi-node-0-0.pi slots=1\npi-node-0-1.pi slots=1\npi-launcher-0-0.pi slots=1\n");
        let (lines, _) = hostfile(true, &json!({"numNodes": 1}));
        assert_eq!(lines, "pi-node-0-0.pi slots=1\npi-launcher-0-0.pi slots=1\n", "a node is always made");
    }

    #[test]
    fn a_node_has_as_many_slots_as_gpus_unless_told() {
        let (lines, whole) = hostfile(false, &json!({"resourcesPerNode": {"limits": {"nvidia.com/gpu": "8"}}}));
        assert_eq!(lines, "pi-node-0-0.pi slots=8\n");
        let launcher = &whole["spec"]["replicatedJobs"][1]["template"]["spec"]["template"]["spec"];
        let env = list(launcher, "/containers/0/env");
        assert!(env.contains(&json!({"name": "OMPI_MCA_orte_set_default_slots", "value": "8"})), "{env:?}");
        assert_eq!(launcher["volumes"][0]["secret"]["secretName"], "pi-mpi-ssh-auth");
        assert_eq!(launcher["volumes"][1]["configMap"]["name"], "pi-mpi-hostfile");
        let node = &whole["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"];
        assert_eq!((list(node, "/volumes").len(), node["containers"][0]["env"].is_null()), (1, true));
    }
}
