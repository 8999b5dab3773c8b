//! What training-operator gives the containers of a replica so that its library finds the others: variables, a port, and
//! for workers of `PyTorch` a container that waits for the master.

use serde_json::{Map, Value, json};

use crate::{
    jobs::Kind,
    sim::value::{int, list, name, namespace, push, set, text},
};

/// What a kind calls its container and its port, and the port.
pub(super) fn defaults(kind: Kind) -> (&'static str, &'static str, i64) {
    match kind {
        Kind::TfJob => ("tensorflow", "tfjob-port", 2222),
        Kind::XgBoostJob => ("xgboost", "xgboostjob-port", 9999),
        Kind::PaddleJob => ("paddle", "master", 36543),
        Kind::JaxJob => ("jax", "jaxjob-port", 6666),
        _ => ("pytorch", "pytorchjob-port", 23456),
    }
}

/// The replica that is made: role as the job writes it, and index.
pub(super) struct Place<'a> {
    pub(super) kind: Kind,
    pub(super) job: &'a Value,
    /// All roles with their specs.
    pub(super) specs: &'a [(&'static str, Value)],
    pub(super) role: &'a str,
    pub(super) index: i64,
}

impl Place<'_> {
    /// Equips a pod that is to be made.
    pub(super) fn equip(&self, pod: &mut Value) {
        if self.kind == Kind::MpiJobV1 {
            return;
        }
        self.open(pod);
        let variables = self.variables();
        let only = (self.kind == Kind::TfJob).then_some("tensorflow");
        let containers = pod.pointer_mut("/spec/containers").and_then(Value::as_array_mut);
        for container in containers.into_iter().flatten().filter(|c| only.is_none_or(|only| text(c, "/name") == only)) {
            for variable in &variables {
                push(container, "/env", variable.clone());
            }
        }
        if self.kind == Kind::PyTorchJob && self.role == "Worker" && self.replicas("Master") > 0 {
            push(pod, "/spec/initContainers", self.wait());
        }
    }

    /// The port, where the container of the kind's name has none of that name.
    fn open(&self, pod: &mut Value) {
        let (called, port, number) = defaults(self.kind);
        let all = list(pod, "/spec/containers");
        let at = all.iter().position(|c| text(c, "/name") == called).unwrap_or(0);
        let Some(container) = all.get(at) else { return };
        if list(container, "/ports").iter().all(|p| text(p, "/name") != port) {
            let entry = json!({"name": port, "containerPort": number, "protocol": "TCP"});
            let path = format!("/spec/containers/{at}");
            let mut container = container.clone();
            push(&mut container, "/ports", entry);
            if let Some(place) = pod.pointer_mut(&path) {
                *place = container;
            }
        }
    }

    fn replicas(&self, role: &str) -> i64 {
        self.specs.iter().find(|(of, _)| *of == role).map_or(0, |(_, spec)| int(spec, "/replicas").unwrap_or(1))
    }

    fn all(&self) -> i64 {
        self.specs.iter().map(|(_, spec)| int(spec, "/replicas").unwrap_or(1)).sum()
    }

    /// Masters come first; workers count on.
    fn rank(&self) -> i64 {
        if self.role == "Worker" && self.replicas("Master") > 0 { self.index + 1 } else { self.index }
    }

    fn variables(&self) -> Vec<Value> {
        let (.., port) = defaults(self.kind);
        let plain = |name: &str, value: String| json!({"name": name, "value": value});
        let host = |role: &str, index: i64| format!("{}-{role}-{index}", name(self.job));
        let buffered = plain("PYTHONUNBUFFERED", "1".to_owned());
        let (port, rank, all) = (port.to_string(), self.rank().to_string(), self.all().to_string());
        match self.kind {
            Kind::TfJob => self.tf_config().map(|config| plain("TF_CONFIG", config)).into_iter().collect(),
            Kind::XgBoostJob => {
                let mut out = vec![
                    plain("MASTER_PORT", port.clone()),
                    plain("MASTER_ADDR", host("master", 0)),
                    plain("WORLD_SIZE", all),
                    plain("RANK", rank),
                    buffered,
                ];
                if self.replicas("Worker") > 0 {
                    let workers: Vec<_> = (0..self.replicas("Worker")).map(|i| host("worker", i)).collect();
                    out.extend([plain("WORKER_PORT", port), plain("WORKER_ADDRS", workers.join(","))]);
                }
                out
            }
            Kind::PaddleJob => {
                let mut out =
                    vec![buffered, plain("PADDLE_JOB_ID", name(self.job).to_owned()), plain("PADDLE_NNODES", all)];
                let leader = if self.replicas("Master") > 0 { "Master" } else { "Worker" };
                if self.role == leader && self.index == 0 {
                    let ip = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}});
                    out.push(json!({"name": "POD_IP_DUMMY", "valueFrom": ip}));
                    out.push(plain("PADDLE_MASTER", format!("$(POD_IP_DUMMY):{port}")));
                } else {
                    out.push(plain("PADDLE_MASTER", format!("{}:{port}", host(&leader.to_lowercase(), 0))));
                }
                out
            }
            Kind::JaxJob => vec![
                buffered,
                plain("COORDINATOR_PORT", port),
                plain("COORDINATOR_ADDRESS", host("worker", 0)),
                plain("NUM_PROCESSES", all),
                plain("PROCESS_ID", rank),
            ],
            _ => self.torch(buffered, &port, &rank, &all),
        }
    }

    fn torch(&self, buffered: Value, port: &str, rank: &str, all: &str) -> Vec<Value> {
        let plain = |name: &str, value: &str| json!({"name": name, "value": value});
        let head = |role: &str| format!("{}-{role}-0", name(self.job));
        let mut out = vec![buffered];
        let elastic = &self.job["spec"]["elasticPolicy"];
        let each = int(elastic, "/nProcPerNode").map(|n| n.to_string());
        let given = self.job["spec"]["nprocPerNode"].as_str().map(str::to_owned);
        if elastic.is_object() {
            let backend = text(elastic, "/rdzvBackend");
            let bound = |field: &str| int(elastic, field).unwrap_or_else(|| self.all());
            out.push(plain("PET_RDZV_ENDPOINT", &format!("{}:{port}", head("worker"))));
            out.push(plain("PET_RDZV_BACKEND", if backend.is_empty() { "c10d" } else { backend }));
            out.push(plain("PET_NNODES", &format!("{}:{}", bound("/minReplicas"), bound("/maxReplicas"))));
            out.extend(each.or(given).map(|n| plain("PET_NPROC_PER_NODE", &n)));
            return out;
        }
        if self.replicas("Master") > 0 {
            let master = head("master");
            out.extend([
                plain("MASTER_PORT", port),
                plain("PET_MASTER_PORT", port),
                plain("MASTER_ADDR", &master),
                plain("PET_MASTER_ADDR", &master),
                plain("WORLD_SIZE", all),
                plain("RANK", rank),
                plain("PET_NODE_RANK", rank),
            ]);
        }
        out.push(plain("PET_NPROC_PER_NODE", &given.unwrap_or_else(|| "auto".to_owned())));
        out.push(plain("PET_NNODES", all));
        out
    }

    /// `TF_CONFIG`, where there is more than one replica: everybody by role, and who this is.
    fn tf_config(&self) -> Option<String> {
        if self.all() < 2 {
            return None;
        }
        let (.., port) = defaults(self.kind);
        let mut roles: Vec<_> = self.specs.iter().map(|(role, _)| role.to_lowercase()).collect();
        roles.sort();
        let mut cluster = Map::new();
        for role in roles {
            let count = self.specs.iter().find(|(of, _)| of.to_lowercase() == role);
            let count = count.map_or(0, |(_, spec)| int(spec, "/replicas").unwrap_or(1));
            let host = |i| format!("{}-{role}-{i}.{}.svc:{port}", name(self.job), namespace(self.job));
            cluster.insert(role.clone(), json!((0..count).map(host).collect::<Vec<_>>()));
        }
        // As Go writes it: in the order of the struct.
        let task = format!("{{\"type\":\"{}\",\"index\":{}}}", self.role.to_lowercase(), self.index);
        Some(format!("{{\"cluster\":{},\"task\":{task},\"environment\":\"cloud\"}}", Value::Object(cluster)))
    }

    fn wait(&self) -> Value {
        let master = format!("{}-master-0", name(self.job));
        let mut container = json!({
            "name": "init-pytorch", "image": "alpine:3.10", "imagePullPolicy": "IfNotPresent",
            "command": ["sh", "-c", format!("err=1;for i in $(seq 100); do if nslookup {master}; then err=0 && break; fi;echo waiting for master; sleep 2; done; exit $err")],
        });
        set(&mut container, "/resources/limits", json!({"cpu": "100m", "memory": "20Mi"}));
        set(&mut container, "/resources/requests", json!({"cpu": "50m", "memory": "10Mi"}));
        container
    }
}
