//! The objects that mpi-operator makes for an MPIJob: names, labels, environment, mounts, hostfile.

use std::{fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::{is_suspended, worker_replicas};
use crate::sim::controllers::value::{
    hash, int, list, mix, name, namespace, owned_by, phase, push, set, text, truth, uid,
};

/// Pod label that tells a launcher from a worker.
pub(super) const ROLE: &str = "training.kubeflow.org/job-role";
const OPERATOR: &str = "training.kubeflow.org/operator-name";
const JOB: &str = "training.kubeflow.org/job-name";
const INDEX: &str = "training.kubeflow.org/replica-index";

fn runs_on_launcher(job: &Value) -> bool {
    truth(job, "/spec/runLauncherAsWorker")
}

fn slots(job: &Value) -> i64 {
    int(job, "/spec/slotsPerWorker").filter(|n| *n > 0).unwrap_or(1)
}

fn metadata(job: &Value, suffix: &str) -> Value {
    json!({
        "name": format!("{}{suffix}", name(job)), "namespace": namespace(job),
        "labels": {"app": name(job)}, "ownerReferences": owned_by(job),
    })
}

/// The headless Service that gives the pods their host names.
pub(super) fn service(job: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(job, ""),
        "spec": {
            "clusterIP": "None", "clusterIPs": ["None"], "type": "ClusterIP", "sessionAffinity": "None",
            "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
            "publishNotReadyAddresses": runs_on_launcher(job),
            "selector": {OPERATOR: "mpi-operator", JOB: name(job)},
        },
        "status": {"loadBalancer": {}},
    })
}

/// The `ConfigMap` with the hostfile, and `discover_hosts.sh` naming the workers that run now.
pub(super) fn config(job: &Value, workers: &[Arc<Value>]) -> Value {
    let host = |pod: &str| format!("{pod}.{}.{}.svc", name(job), namespace(job));
    let line = |pod: &str| match text(job, "/spec/mpiImplementation") {
        "Intel" | "MPICH" => format!("{}:{}\n", host(pod), slots(job)),
        _ => format!("{} slots={}\n", host(pod), slots(job)),
    };
    let launcher = format!("{}-launcher", name(job));
    let (mut hostfile, mut discover) = (String::new(), "#!/bin/sh\n".to_owned());
    if runs_on_launcher(job) {
        hostfile.push_str(&line(&launcher));
        let _ = writeln!(discover, "echo {}", host(&launcher));
    }
    for index in 0..worker_replicas(job) {
        hostfile.push_str(&line(&format!("{}-worker-{index}", name(job))));
    }
    for pod in workers.iter().filter(|p| phase(p) == "Running") {
        let _ = writeln!(discover, "echo {}", host(name(pod)));
    }
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(job, "-config"),
        "data": {"hostfile": hostfile, "discover_hosts.sh": discover},
    })
}

/// The Secret for ssh. Its key material is made up: nobody can log in with it.
pub(super) fn secret(job: &Value) -> Value {
    let mut state = hash(uid(job));
    let bytes: Vec<u8> = std::iter::repeat_with(|| {
        state = mix(state);
        state.to_le_bytes()
    })
    .take(28)
    .flatten()
    .collect();
    let body = STANDARD.encode(&bytes);
    let private = format!("-----BEGIN EC PRIVATE KEY-----\n{body}\n-----END EC PRIVATE KEY-----\n");
    let public = format!("ecdsa-sha2-nistp521 {body}\n");
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/ssh-auth", "metadata": metadata(job, "-ssh"),
        "data": {"ssh-privatekey": STANDARD.encode(private), "ssh-publickey": STANDARD.encode(public)},
    })
}

/// Worker `index` as a plain pod.
pub(super) fn worker_pod(job: &Value, index: usize) -> Value {
    let pod_name = format!("{}-worker-{index}", name(job));
    let mut pod = template(job, "Worker", "worker");
    let label = if runs_on_launcher(job) { index + 1 } else { index };
    pod["metadata"]["labels"][INDEX] = json!(label.to_string());
    pod["spec"]["hostname"] = json!(pod_name);
    set(&mut pod, "/spec/restartPolicy", json!(restart_policy(job, "Worker", "Never")));
    if list(&pod, "/spec/containers/0/command").is_empty() && list(&pod, "/spec/containers/0/args").is_empty() {
        pod["spec"]["containers"][0]["command"] = json!(["/usr/sbin/sshd", "-De"]);
    }
    env(&mut pod, &[("K_MPI_JOB_ROLE", "worker".into())]);
    ssh(job, &mut pod);
    let mut out = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": pod["metadata"].take(), "spec": pod["spec"].take(),
        "status": {"phase": "Pending"},
    });
    set(&mut out, "/metadata/name", json!(pod_name));
    set(&mut out, "/metadata/namespace", json!(namespace(job)));
    set(&mut out, "/metadata/ownerReferences", owned_by(job));
    out
}

/// The batch Job that runs the launcher.
pub(super) fn launcher_job(job: &Value) -> Value {
    let mut out = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(job, "-launcher"),
        "spec": {
            "parallelism": 1, "completions": 1, "completionMode": "NonIndexed", "manualSelector": false,
            "backoffLimit": int(job, "/spec/runPolicy/backoffLimit").unwrap_or(6),
            "suspend": is_suspended(job), "podReplacementPolicy": "Failed",
            "template": launcher_template(job),
        },
        "status": {},
    });
    for field in ["ttlSecondsAfterFinished", "activeDeadlineSeconds"] {
        if let Some(n) = int(job, &format!("/spec/runPolicy/{field}")) {
            out["spec"][field] = json!(n);
        }
    }
    out
}

fn launcher_template(job: &Value) -> Value {
    let mut pod = template(job, "Launcher", "launcher");
    pod["spec"]["hostname"] = json!(format!("{}-launcher", name(job)));
    if runs_on_launcher(job) {
        pod["metadata"]["labels"][INDEX] = json!("0");
    }
    set(&mut pod, "/spec/restartPolicy", json!(restart_policy(job, "Launcher", "OnFailure")));
    let slots = slots(job).to_string();
    let mut vars = vec![("K_MPI_JOB_ROLE", "launcher".to_owned())];
    vars.extend(match text(job, "/spec/mpiImplementation") {
        "Intel" => vec![
            ("I_MPI_HYDRA_HOST_FILE", "/etc/mpi/hostfile".into()),
            ("I_MPI_HYDRA_BOOTSTRAP_EXEC_EXTRA_ARGS", "-o ConnectionAttempts=10".into()),
            ("I_MPI_PERHOST", slots),
        ],
        "MPICH" => vec![
            ("HYDRA_HOST_FILE", "/etc/mpi/hostfile".into()),
            ("HYDRA_LAUNCH_EXTRA_ARGS", "-o ConnectionAttempts=10".into()),
        ],
        _ => vec![
            ("OMPI_MCA_orte_keep_fqdn_hostnames", "true".into()),
            ("OMPI_MCA_orte_default_hostfile", "/etc/mpi/hostfile".into()),
            ("OMPI_MCA_plm_rsh_args", "-o ConnectionAttempts=10".into()),
            ("OMPI_MCA_orte_set_default_slots", slots),
        ],
    });
    if !runs_on_launcher(job) {
        vars.push(("NVIDIA_VISIBLE_DEVICES", String::new()));
        vars.push(("NVIDIA_DRIVER_CAPABILITIES", String::new()));
    }
    env(&mut pod, &vars);
    ssh(job, &mut pod);
    let items = json!([{"key": "hostfile", "path": "hostfile", "mode": 0o444},
                       {"key": "discover_hosts.sh", "path": "discover_hosts.sh", "mode": 0o555}]);
    let volume = json!({"name": "mpi-job-config", "configMap": {"name": format!("{}-config", name(job)), "items": items, "defaultMode": 0o644}});
    push(&mut pod, "/spec/volumes", volume);
    mount(&mut pod, json!({"name": "mpi-job-config", "mountPath": "/etc/mpi"}));
    pod
}

/// Metadata and spec of a role's pods, with the labels and DNS that every pod of the job has.
fn template(job: &Value, role: &str, label: &str) -> Value {
    let given = job.pointer(&format!("/spec/mpiReplicaSpecs/{role}/template")).cloned().unwrap_or_default();
    let mut labels = given.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    labels.insert(OPERATOR.into(), json!("mpi-operator"));
    labels.insert(JOB.into(), json!(name(job)));
    labels.insert(ROLE.into(), json!(label));
    let mut pod = json!({"metadata": {"labels": labels}, "spec": given["spec"]});
    if let Some(annotations) =
        given.pointer("/metadata/annotations").filter(|a| a.as_object().is_some_and(|m| !m.is_empty()))
    {
        pod["metadata"]["annotations"] = annotations.clone();
    }
    pod["spec"]["subdomain"] = json!(name(job));
    if truth(&pod, "/spec/hostNetwork") {
        pod["spec"]["dnsPolicy"] = json!("ClusterFirstWithHostNet");
    }
    let search = format!("{}.{}.svc.cluster.local", name(job), namespace(job));
    push(&mut pod, "/spec/dnsConfig/searches", json!(search));
    pod
}

fn restart_policy<'a>(job: &'a Value, role: &str, default: &'a str) -> &'a str {
    match text(job, &format!("/spec/mpiReplicaSpecs/{role}/restartPolicy")) {
        "" => default,
        policy => policy,
    }
}

fn env(pod: &mut Value, vars: &[(&str, String)]) {
    for (key, value) in vars {
        let entry = if value.is_empty() { json!({"name": key}) } else { json!({"name": key, "value": value}) };
        let mut all = list(pod, "/spec/containers/0/env").to_vec();
        all.push(entry);
        pod["spec"]["containers"][0]["env"] = Value::Array(all);
    }
}

fn mount(pod: &mut Value, entry: Value) {
    let mut all = list(pod, "/spec/containers/0/volumeMounts").to_vec();
    all.push(entry);
    pod["spec"]["containers"][0]["volumeMounts"] = Value::Array(all);
}

fn ssh(job: &Value, pod: &mut Value) {
    let path = match text(job, "/spec/sshAuthMountPath") {
        "" => "/root/.ssh",
        path => path,
    };
    let mode = if path == "/root/.ssh" { 0o600 } else { 0o644 };
    let items = json!([
        {"key": "ssh-privatekey", "path": "id_rsa"}, {"key": "ssh-publickey", "path": "id_rsa.pub"},
        {"key": "ssh-publickey", "path": "authorized_keys"},
    ]);
    let secret = json!({"secretName": format!("{}-ssh", name(job)), "defaultMode": mode, "items": items});
    push(pod, "/spec/volumes", json!({"name": "ssh-auth", "secret": secret}));
    mount(pod, json!({"name": "ssh-auth", "mountPath": path}));
}
