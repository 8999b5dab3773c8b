//! TrainJobs whose runtime runs MPI: how many processes a node has, the hostfile, the keys.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{
    extras,
    policy::{gpus, per_node},
    role::{launcher_is_node, node, parallelism, upsert},
};
use crate::sim::{
    controllers::{jobset, mpijob},
    value::{int, list, name, namespace, owned_by, reach, text, uid},
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
            launcher_is_node: launcher_is_node(runtime),
            ssh_path: if path.is_empty() { "/root/.ssh" } else { path }.to_owned(),
        })
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
            {"key": "ssh-privatekey", "path": "id_rsa", "mode": 0o640},
            {"key": "ssh-publickey", "path": "id_rsa.pub", "mode": 0o644},
            {"key": "ssh-publickey", "path": "authorized_keys", "mode": 0o644},
        ]);
        let keys = json!({"secretName": secret, "defaultMode": 0o400, "items": items});
        let pod = reach(replicated, "/template/spec/template/spec");
        upsert(pod, "volumes", "name", json!({"name": "mpi-ssh-auth", "secret": keys}));
        if launcher {
            let items = json!([{"key": "hostfile", "path": "hostfile", "mode": 0o444}]);
            let map = json!({"name": hostfile, "items": items});
            upsert(pod, "volumes", "name", json!({"name": "mpi-hostfile", "configMap": map}));
        }
        let Some(container) = node(replicated) else { return };
        let mount = json!({"name": "mpi-ssh-auth", "mountPath": self.ssh_path});
        upsert(container, "volumeMounts", "mountPath", mount);
        if !launcher {
            return;
        }
        upsert(container, "volumeMounts", "mountPath", json!({"name": "mpi-hostfile", "mountPath": "/etc/mpi"}));
        for (key, value) in [
            ("OMPI_MCA_orte_default_hostfile", "/etc/mpi/hostfile"),
            ("OMPI_MCA_orte_keep_fqdn_hostnames", "true"),
            ("OMPI_MCA_orte_set_default_slots", &self.slots.to_string()),
            ("OMPI_MCA_plm_rsh_args", "-o ConnectionAttempts=10"),
        ] {
            upsert(container, "env", "name", json!({"name": key, "value": value}));
        }
    }

    /// The `ConfigMap` with the hostfile: a line for each pod that ranks run in. `None` if it would be too large.
    pub(super) fn hostfile(&self, job: &Value, jobset: &Value) -> Option<Value> {
        let mut lines = String::new();
        for replicated in list(jobset, "/spec/replicatedJobs") {
            let role = text(replicated, "/name");
            if role != "node" && !(self.launcher_is_node && role == "launcher") {
                continue;
            }
            let (job, domain) = (name(job), jobset::subdomain(jobset));
            for index in 0..int(replicated, "/replicas").unwrap_or(1) {
                for pod in 0..parallelism(replicated) {
                    // Writing to a String cannot fail.
                    let _ = writeln!(lines, "{job}-{role}-{index}-{pod}.{domain} slots={}", self.slots);
                    if lines.len() > mpijob::MOST_CONFIG {
                        return None;
                    }
                }
            }
        }
        let [_, called] = extras(name(job));
        Some(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "data": {"hostfile": lines},
            "metadata": {"name": called, "namespace": namespace(job), "ownerReferences": owned_by(job)},
        }))
    }
}

/// What the TrainJob says; else, where the runtime says 1, as many as a node has GPUs.
fn slots(job: &Value, runtime: &Value, mpi: &Value) -> i64 {
    if let Some(given) = int(job, "/spec/trainer/numProcPerNode") {
        return given;
    }
    let usual = int(mpi, "/numProcPerNode").unwrap_or(1);
    let each = gpus(&per_node(job, runtime));
    if usual == 1 && each > 1 { each } else { usual }
}

/// The Secret for ssh.
pub(super) fn secret(job: &Value) -> Value {
    let [called, _] = extras(name(job));
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/ssh-auth", "immutable": true, "data": mpijob::keys(uid(job)),
        "metadata": {"name": called, "namespace": namespace(job), "ownerReferences": owned_by(job)},
    })
}
