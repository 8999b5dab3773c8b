//! What stands beside the pods of an MPIJob: Service, hostfile, ssh Secret.

use std::{fmt::Write as _, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{
    names::{JOB, OPERATOR, is_worker, metadata, slots},
    runs_on_launcher,
    value::{hash, mix, name, namespace, phase, text, uid},
    worker_name, worker_replicas,
};

/// The headless Service that gives the pods their host names.
pub(super) fn service(job: &Value) -> Value {
    let mut spec = json!({
        "clusterIP": "None", "clusterIPs": ["None"], "type": "ClusterIP", "sessionAffinity": "None",
        "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack", "internalTrafficPolicy": "Cluster",
        "selector": {OPERATOR: "mpi-operator", JOB: name(job)},
    });
    if runs_on_launcher(job) {
        spec["publishNotReadyAddresses"] = json!(true);
    }
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata(job, ""), "spec": spec,
        "status": {"loadBalancer": {}},
    })
}

/// What a `ConfigMap` can hold.
pub(crate) const MOST_CONFIG: usize = 1 << 20;

/// The `ConfigMap` with the hostfile, and `discover_hosts.sh` naming the workers that run now; `None` of a job whose
/// hostfile no server would take.
pub(super) fn config(job: &Value, pods: &[Arc<Value>]) -> Option<Value> {
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
    for index in 0..worker_replicas(job) as usize {
        hostfile.push_str(&line(&worker_name(name(job), index)));
        if hostfile.len() > MOST_CONFIG {
            return None;
        }
    }
    // Sorted as text: worker-10 comes before worker-2.
    let mut running: Vec<_> = pods.iter().filter(|p| is_worker(p) && phase(p) == "Running").map(|p| name(p)).collect();
    running.sort_unstable();
    for pod in running {
        let _ = writeln!(discover, "echo {}", host(pod));
    }
    Some(json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata(job, "-config"),
        "data": {"hostfile": hostfile, "discover_hosts.sh": discover},
    }))
}

/// The Secret for ssh.
pub(super) fn secret(job: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/ssh-auth", "metadata": metadata(job, "-ssh"),
        "data": keys(uid(job)),
    })
}

/// Keys for ssh, as a Secret's data. They are made up: nobody can log in with them.
pub(crate) fn keys(seed: &str) -> Value {
    let mut state = hash(seed);
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
    json!({"ssh-privatekey": STANDARD.encode(private), "ssh-publickey": STANDARD.encode(public)})
}
