//! The pods of an MPIJob: workers, and the launcher's Job with its template.

use serde_json::{Map, Value, json};

use super::{
    Gang, gang, is_suspended,
    names::{INDEX, JOB, OPERATOR, ROLE, metadata, slots},
    runs_on_launcher,
    value::{int, list, name, namespace, owned_by, push, set, text, truth},
    worker_name,
};

/// Worker `index` as a plain pod.
pub(super) fn worker(job: &Value, index: usize, gang: Option<&Gang>) -> Value {
    let pod_name = worker_name(name(job), index);
    let mut pod = template(job, "Worker", "worker");
    // Kueue wants every pod of a gang to have an index of its own.
    let label = if runs_on_launcher(job) { index + 1 } else { index };
    pod["metadata"]["labels"][INDEX] = json!(label.to_string());
    pod["spec"]["hostname"] = json!(pod_name);
    if list(&pod, "/spec/containers/0/command").is_empty() && list(&pod, "/spec/containers/0/args").is_empty() {
        pod["spec"]["containers"][0]["command"] = json!(["/usr/sbin/sshd", "-De"]);
    }
    let search = format!("{}.{}.svc.cluster.local", name(job), namespace(job));
    push(&mut pod, "/spec/dnsConfig/searches", json!(search));
    env(&mut pod, &[("K_MPI_JOB_ROLE", "worker".into())]);
    ssh(job, &mut pod);
    gang::decorate(gang, job, &mut pod);
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
pub(super) fn launcher_job(job: &Value, gang: Option<&Gang>) -> Value {
    let mut spec = json!({"podReplacementPolicy": "Failed", "template": launcher_template(job, gang)});
    for field in ["ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"] {
        if let Some(n) = int(job, &format!("/spec/runPolicy/{field}")) {
            spec[field] = json!(n);
        }
    }
    if is_suspended(job) {
        spec["suspend"] = json!(true);
    }
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata(job, "-launcher"), "spec": spec})
}

/// The template of the launcher's pods.
pub(super) fn launcher_template(job: &Value, gang: Option<&Gang>) -> Value {
    let mut pod = template(job, "Launcher", "launcher");
    gang::decorate(gang, job, &mut pod);
    pod["spec"]["hostname"] = json!(format!("{}-launcher", name(job)));
    if runs_on_launcher(job) {
        pod["metadata"]["labels"][INDEX] = json!("0");
    }
    env(&mut pod, &launcher_env(job));
    ssh(job, &mut pod);
    let items = json!([{"key": "hostfile", "path": "hostfile", "mode": 0o444},
                       {"key": "discover_hosts.sh", "path": "discover_hosts.sh", "mode": 0o555}]);
    let volume = json!({"name": "mpi-job-config", "configMap": {"name": format!("{}-config", name(job)), "items": items, "defaultMode": 0o644}});
    push(&mut pod, "/spec/volumes", volume);
    mount(&mut pod, json!({"name": "mpi-job-config", "mountPath": "/etc/mpi"}));
    pod["metadata"]["ownerReferences"] = owned_by(job);
    pod
}

fn launcher_env(job: &Value) -> Vec<(&'static str, String)> {
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
    vars
}

/// Metadata and spec of a role's pods, with the labels that every pod of the job has.
fn template(job: &Value, role: &str, label: &str) -> Value {
    let given = job.pointer(&format!("/spec/mpiReplicaSpecs/{role}/template")).cloned().unwrap_or_default();
    let mut labels = given.pointer("/metadata/labels").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    for (key, made) in [(OPERATOR, "mpi-operator"), (JOB, name(job)), (ROLE, label)] {
        labels.insert(key.into(), json!(made));
    }
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
    let policy = text(job, &format!("/spec/mpiReplicaSpecs/{role}/restartPolicy")).to_owned();
    pod["spec"]["restartPolicy"] = json!(policy);
    pod
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
    let path = text(job, "/spec/sshAuthMountPath");
    let mode = if path == "/root/.ssh" { 0o600 } else { 0o644 };
    let items = json!([
        {"key": "ssh-privatekey", "path": "id_rsa"}, {"key": "ssh-publickey", "path": "id_rsa.pub"},
        {"key": "ssh-publickey", "path": "authorized_keys"},
    ]);
    let secret = json!({"secretName": format!("{}-ssh", name(job)), "defaultMode": mode, "items": items});
    push(pod, "/spec/volumes", json!({"name": "ssh-auth", "secret": secret}));
    mount(pod, json!({"name": "ssh-auth", "mountPath": path}));
}
