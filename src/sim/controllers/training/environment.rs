//! What training-operator gives the containers of a replica so that its library finds the others: variables, a port, and
//! for workers of `PyTorch` a container that waits for the master.

use serde_json::{Map, Value, json};

use crate::{
    jobs::Kind,
    sim::value::{int, list, name, namespace, push, set, text, truth},
};

/// No list of hosts is longer: with more, no API server would take the pod.
const MOST_HOSTS: i64 = 10_000;

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

fn joined(count: i64, host: impl Fn(i64) -> String) -> Vec<String> {
    (0..count.min(MOST_HOSTS)).map(host).collect()
}

/// What the container of the kind's name lists as its ports.
fn own_ports(kind: Kind, spec: &Value) -> Option<&[Value]> {
    let (called, ..) = defaults(kind);
    let container = list(spec, "/template/spec/containers").iter().find(|c| text(c, "/name") == called)?;
    Some(list(container, "/ports"))
}

/// The ports of the Service of a role: all that its container lists, and the kind's where that is not one of them.
pub(super) fn service_ports(kind: Kind, spec: &Value) -> Vec<Value> {
    let (_, port, number) = defaults(kind);
    let one = |name: &str, number: i64| json!({"name": name, "port": number, "protocol": "TCP", "targetPort": number});
    let own = own_ports(kind, spec).unwrap_or_default();
    let mut all: Vec<Value> =
        own.iter().map(|p| one(text(p, "/name"), int(p, "/containerPort").unwrap_or(number))).collect();
    if own.iter().all(|p| text(p, "/name") != port) {
        all.push(one(port, number));
    }
    all
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
        self.specs.iter().find(|(of, _)| *of == role).map_or(0, |(_, spec)| int(spec, "/replicas").unwrap_or(1).max(0))
    }

    fn all(&self) -> i64 {
        self.specs.iter().map(|(role, _)| self.replicas(role)).fold(0, i64::saturating_add)
    }

    /// The port where a role listens: its own, or the kind's.
    fn port(&self, role: &str) -> i64 {
        let (_, port, number) = defaults(self.kind);
        let spec = self.specs.iter().find(|(of, _)| *of == role).map(|(_, spec)| spec);
        let own = spec.and_then(|spec| own_ports(self.kind, spec));
        own.into_iter()
            .flatten()
            .find(|p| text(p, "/name") == port)
            .and_then(|p| int(p, "/containerPort"))
            .unwrap_or(number)
    }

    /// The replica that all others look for.
    fn leader(&self) -> &'static str {
        if self.replicas("Master") > 0 { "Master" } else { "Worker" }
    }

    /// Masters come first; workers count on.
    fn rank(&self) -> i64 {
        if self.role == "Worker" && self.replicas("Master") > 0 { self.index + 1 } else { self.index }
    }

    fn variables(&self) -> Vec<Value> {
        let plain = |name: &str, value: String| json!({"name": name, "value": value});
        let host = |role: &str, index: i64| format!("{}-{role}-{index}", name(self.job));
        let buffered = plain("PYTHONUNBUFFERED", "1".to_owned());
        let (leader, rank, all) = (self.leader(), self.rank().to_string(), self.all().to_string());
        let port = self.port(leader).to_string();
        match self.kind {
            Kind::TfJob => self.tf_config().map(|config| plain("TF_CONFIG", config)).into_iter().collect(),
            Kind::XgBoostJob => {
                let mut out = vec![
                    plain("MASTER_PORT", port),
                    plain("MASTER_ADDR", host("master", 0)),
                    plain("WORLD_SIZE", all),
                    plain("RANK", rank),
                    buffered,
                ];
                if self.replicas("Worker") > 0 {
                    let workers = joined(self.replicas("Worker"), |i| host("worker", i));
                    out.extend([
                        plain("WORKER_PORT", self.port("Worker").to_string()),
                        plain("WORKER_ADDRS", workers.join(",")),
                    ]);
                }
                out
            }
            Kind::PaddleJob => {
                let mut out =
                    vec![buffered, plain("PADDLE_JOB_ID", name(self.job).to_owned()), plain("PADDLE_NNODES", all)];
                if self.role == leader && self.index == 0 {
                    let ip = json!({"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}});
                    out.push(json!({"name": "POD_IP_DUMMY", "valueFrom": ip}));
                    out.push(plain("PADDLE_MASTER", format!("$(POD_IP_DUMMY):{port}")));
                } else {
                    out.push(plain("PADDLE_MASTER", format!("{}:{port}", host(&leader.to_lowercase(), 0))));
                }
                if leader == "Master" {
                    let what = if self.role == "Master" { "PADDLE_SERVER_NUM" } else { "PADDLE_TRAINER_NUM" };
                    out.push(plain(what, "1".to_owned()));
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
            _ => self.torch(buffered, &port, &rank),
        }
    }

    fn torch(&self, buffered: Value, port: &str, rank: &str) -> Vec<Value> {
        let plain = |name: &str, value: &str| match value {
            "" => json!({"name": name}),
            value => json!({"name": name, "value": value}),
        };
        let mut out = vec![buffered];
        let elastic = &self.job["spec"]["elasticPolicy"];
        let given = self.job["spec"]["nprocPerNode"].as_str();
        // A number of processes in the elastic policy leaves none to be told beside it.
        let each = given.or_else(|| int(elastic, "/nProcPerNode").is_none().then_some("auto"));
        if self.replicas("Master") > 0 {
            let master = format!("{}-master-0", name(self.job));
            let on_each = given.and_then(|n| n.parse::<i64>().ok()).unwrap_or(1);
            let world = self.all().saturating_mul(on_each).to_string();
            out.extend([
                plain("MASTER_PORT", port),
                plain("PET_MASTER_PORT", port),
                plain("MASTER_ADDR", &master),
                plain("PET_MASTER_ADDR", &master),
                plain("WORLD_SIZE", &world),
                plain("RANK", rank),
                plain("PET_NODE_RANK", rank),
            ]);
        }
        out.extend(each.map(|each| plain("PET_NPROC_PER_NODE", each)));
        if elastic.is_object() {
            out.extend(self.elastic(elastic).iter().map(|(name, value)| plain(name, value)));
        } else {
            out.push(plain("PET_NNODES", &self.all().to_string()));
        }
        out
    }

    /// What an elastic policy tells torchrun.
    fn elastic(&self, policy: &Value) -> Vec<(&'static str, String)> {
        let said = |field: &str| Some(text(policy, field)).filter(|word| !word.is_empty());
        let host = said("/rdzvHost").map_or_else(|| format!("{}-worker-0", name(self.job)), str::to_owned);
        let port = int(policy, "/rdzvPort").unwrap_or_else(|| self.port("Worker"));
        let nodes = match (int(policy, "/minReplicas"), int(policy, "/maxReplicas")) {
            (None, None) => self.replicas("Worker").to_string(),
            (least, most) => format!("{}:{}", least.unwrap_or(1), most.unwrap_or_else(|| self.replicas("Worker"))),
        };
        let mut out = vec![
            ("PET_RDZV_ENDPOINT", format!("{host}:{port}")),
            ("PET_RDZV_BACKEND", said("/rdzvBackend").unwrap_or("c10d").to_owned()),
            ("PET_NNODES", nodes),
        ];
        out.extend(int(policy, "/maxRestarts").map(|n| ("PET_MAX_RESTARTS", n.to_string())));
        out.extend(int(policy, "/nProcPerNode").map(|n| ("PET_NPROC_PER_NODE", n.to_string())));
        out.extend(said("/rdzvId").map(|id| ("PET_RDZV_ID", id.to_owned())));
        let settings = list(policy, "/rdzvConf").iter().map(|s| format!("{}={}", text(s, "/key"), text(s, "/value")));
        let settings = settings.collect::<Vec<_>>().join(",");
        out.extend((!settings.is_empty()).then_some(("PET_RDZV_CONF", settings)));
        out.extend(truth(policy, "/standalone").then_some(("PET_STANDALONE", String::new())));
        out
    }

    /// `TF_CONFIG`, where there is more than one replica: everybody by role, and who this is.
    fn tf_config(&self) -> Option<String> {
        if self.all() < 2 {
            return None;
        }
        let host = |role: &str, i: i64| {
            let low = role.to_lowercase();
            format!("{}-{low}-{i}.{}.svc:{}", name(self.job), namespace(self.job), self.port(role))
        };
        let of = |role: &str| joined(self.replicas(role), |i| host(role, i));
        // As Go writes it: in the order of the struct.
        let task = format!("{{\"type\":\"{}\",\"index\":{}}}", self.role.to_lowercase(), self.index);
        if truth(self.job, "/spec/enableDynamicWorker") {
            let (worker, ps) = match self.role {
                "PS" => (json!({}), json!([host("PS", self.index)])),
                "Worker" => (json!({self.index.to_string(): host("Worker", self.index)}), json!(of("PS"))),
                _ => (json!({}), json!([])),
            };
            return Some(format!("{{\"cluster\":{{\"worker\":{worker},\"ps\":{ps}}},\"task\":{task}}}"));
        }
        let mut roles: Vec<_> = self.specs.iter().map(|(role, _)| *role).collect();
        roles.sort_by_key(|role| role.to_lowercase());
        let cluster: Map<_, _> = roles.into_iter().map(|role| (role.to_lowercase(), json!(of(role)))).collect();
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
