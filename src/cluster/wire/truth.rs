//! What we show of objects as a cluster has them: `tests/data/truth.yaml` (its head explains the words) through the wire
//! types, the fleet and the derivation, in every order in which the lists may come.

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::row;
use crate::jobs::{
    Kind, Secs,
    causes::Rules,
    fleet::{Batch, Fleet, Job, ListKey, ListOf},
    replica,
};

const NOW: u32 = 1_800_000_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    case: String,
    /// `MPIJob`, `MPIJob v1`, `TrainJob`, …
    #[serde(default = "mpijob")]
    kind: String,
    /// Replicas by role; null where the manifest is silent.
    #[serde(default)]
    roles: BTreeMap<String, Option<u32>>,
    /// Of each pod that isn't a launcher.
    #[serde(default)]
    gpus: u32,
    #[serde(default)]
    policy: Map<String, Value>,
    #[serde(default)]
    spec: Map<String, Value>,
    /// Seconds.
    #[serde(default = "ten_minutes")]
    age: u32,
    #[serde(default)]
    says: Vec<String>,
    /// `replicaStatuses`, or `jobsStatus` of a TrainJob.
    #[serde(default)]
    counts: Map<String, Value>,
    #[serde(default)]
    pods: BTreeMap<String, String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    workload: Option<Vec<String>>,
    expect: String,
    #[serde(default)]
    title: Option<String>,
}

fn mpijob() -> String {
    "MPIJob".to_owned()
}

fn ten_minutes() -> u32 {
    600
}

/// An RFC 3339 time so many seconds after the job was made.
fn at(case: &Entry, seconds: i64) -> String {
    let second = i64::from(NOW) - i64::from(case.age) + seconds;
    jiff::Timestamp::from_second(second).expect("a time").to_string()
}

/// `1800`, `@30 rest`: seconds after the job was made, and what follows.
fn timed(text: &str, otherwise: i64) -> (i64, &str) {
    let Some((seconds, rest)) = text.strip_prefix('@').and_then(|text| text.split_once(' ')) else {
        return (otherwise, text);
    };
    (seconds.parse().expect("seconds"), rest)
}

/// `Type[=False] [Reason[: message]]`
fn condition(case: &Entry, kind: &str, text: &str) -> Value {
    let (head, message) = text.split_once(": ").unwrap_or((text, ""));
    let (what, reason) = head.split_once(' ').unwrap_or((head, ""));
    let (what, status) = what.split_once('=').unwrap_or((what, "True"));
    let reason = if reason.is_empty() { format!("{kind}{what}") } else { reason.to_owned() };
    json!({"type": what, "status": status, "reason": reason, "message": message, "lastTransitionTime": at(case, 60)})
}

impl Entry {
    fn kind(&self) -> Kind {
        let (word, version) = self.kind.split_once(' ').unwrap_or((&self.kind, ""));
        let is = |kind: &Kind| kind.info().kind == word && (kind.info().version == "v1") == (version == "v1");
        let all = Kind::ALL.into_iter();
        all.clone().find(is).or_else(|| all.clone().find(|kind| kind.info().kind == word)).expect("a kind")
    }

    fn resources(&self, role: &str) -> Value {
        match self.gpus {
            0 => json!({"limits": {"memory": "16Gi"}}),
            _ if replica::is_launcher(role) || role == "PS" || role == "ps" => json!({}),
            gpus => json!({"limits": {"nvidia.com/gpu": gpus.to_string(), "memory": "16Gi"}}),
        }
    }

    fn job(&self) -> Value {
        let kind = self.kind();
        let info = kind.info();
        let mut spec = self.spec.clone();
        if kind == Kind::TrainJob {
            spec.extend(self.policy.clone());
            let nodes = self.roles.get("node").copied().flatten();
            spec.insert("trainer".into(), json!({"numNodes": nodes, "resourcesPerNode": self.resources("node")}));
        } else {
            let template = |role: &str| json!({"spec": {"containers": [{"name": "main", "image": "img:1", "resources": self.resources(role)}]}});
            let roles = self.roles.iter().map(|(role, n)| {
                let mut one = json!({"template": template(role)});
                n.map(|n| one["replicas"] = json!(n));
                (role.clone(), one)
            });
            spec.insert(info.replica_specs.into(), roles.collect());
            spec.insert("runPolicy".into(), Value::Object(self.policy.clone()));
        }
        let mut meta = json!({"name": "a", "namespace": "ns", "uid": "job", "creationTimestamp": at(self, 0)});
        let mut status = json!({"conditions": []});
        for said in &self.says {
            match said.as_str() {
                "deleting" => meta["deletionTimestamp"] = json!(at(self, 590)),
                said => status["conditions"].as_array_mut().expect("a list").push(condition(self, info.kind, said)),
            }
        }
        if kind == Kind::TrainJob {
            let one = |(name, count): (&String, &Value)| {
                let mut count = count.clone();
                count["name"] = json!(name);
                count
            };
            status["jobsStatus"] = self.counts.iter().map(one).collect();
        } else {
            status["replicaStatuses"] = Value::Object(self.counts.clone());
        }
        json!({"metadata": meta, "spec": spec, "status": status})
    }

    /// A pod by its key (`worker-0`, `launcher`, `launcher.2` for a further attempt, `old worker-0` for an earlier job's).
    fn pod(&self, key: &str, text: &str) -> Value {
        let (old, key) = key.strip_prefix("old ").map_or((false, key), |key| (true, key));
        let (key, attempt) = key.split_once('.').map_or((key, 0), |(key, n)| (key, n.parse::<u32>().expect("attempt")));
        let (role, index) = match key.rsplit_once('-') {
            Some((role, index)) if index.parse::<u32>().is_ok() => (role, index.parse::<u32>().expect("an index")),
            _ => (key, 0),
        };
        let made = if old { -100 } else { 10 + i64::from(attempt) * 100 };
        let (made, text) = timed(text, made);
        let name = self.pod_name(role, index, attempt, key);
        let mut pod = json!({
            "metadata": {
                "name": name, "namespace": "ns", "uid": format!("pod {old}{key}.{attempt}"),
                "creationTimestamp": at(self, made), "labels": self.labels(role, index, attempt),
                "ownerReferences": [self.owner(role, old)],
            },
            "spec": {"containers": [{"name": "main", "image": "img:1", "resources": self.resources(role)}]},
        });
        if text != "pending" && !text.starts_with("unschedulable") && !text.starts_with("gated") {
            pod["spec"]["nodeName"] = json!("node-1");
        }
        pod["status"] = self.pod_status(text, made);
        if text.starts_with("leaving") {
            pod["metadata"]["deletionTimestamp"] = json!(at(self, 590));
        }
        pod
    }

    fn pod_name(&self, role: &str, index: u32, attempt: u32, key: &str) -> String {
        match self.kind() {
            Kind::TrainJob => format!("a-{role}-0-{index}-abcd{attempt}"),
            Kind::MpiJob if role == "launcher" => format!("a-launcher-abcd{attempt}"),
            _ => format!("a-{key}"),
        }
    }

    /// Labels as each operator sets them.
    fn labels(&self, role: &str, index: u32, attempt: u32) -> Value {
        let (kind, shift) = (self.kind(), u32::from(self.spec.get("runLauncherAsWorker") == Some(&json!(true))));
        if kind == Kind::TrainJob {
            return json!({"jobset.sigs.k8s.io/jobset-name": "a", "jobset.sigs.k8s.io/replicatedjob-name": role,
                "jobset.sigs.k8s.io/job-index": "0", "jobset.sigs.k8s.io/restart-attempt": attempt.to_string(),
                "batch.kubernetes.io/job-completion-index": index.to_string()});
        }
        let mut labels =
            json!({"training.kubeflow.org/job-name": "a", "training.kubeflow.org/operator-name": kind.info().operator});
        if kind == Kind::MpiJob {
            labels["training.kubeflow.org/job-role"] = json!(role);
            labels["training.kubeflow.org/replica-index"] =
                json!((index + if role == "worker" { shift } else { 0 }).to_string());
            return labels;
        }
        labels["training.kubeflow.org/replica-type"] = json!(role);
        labels["training.kubeflow.org/replica-index"] = json!(index.to_string());
        let lone = !self.roles.keys().any(|role| matches!(role.as_str(), "Chief" | "Master"));
        if matches!(role, "chief" | "master") || (role == "worker" && index == 0 && lone && kind == Kind::TfJob) {
            labels["training.kubeflow.org/job-role"] = json!("master");
        }
        labels
    }

    fn owner(&self, role: &str, old: bool) -> Value {
        let (kind, uid) = match self.kind() {
            Kind::TrainJob => ("Job", "child"),
            Kind::MpiJob if role == "launcher" => ("Job", "child"),
            kind => (kind.info().kind, "job"),
        };
        let uid = if old { format!("old {uid}") } else { uid.to_owned() };
        json!({"kind": kind, "name": "a", "uid": uid, "controller": true})
    }

    fn pod_status(&self, text: &str, made: i64) -> Value {
        let (head, message) = text.split_once(": ").unwrap_or((text, ""));
        let words: Vec<&str> = head.split(' ').collect();
        let number = |at: usize| words.get(at).and_then(|n| n.parse::<i64>().ok()).unwrap_or(0);
        let word = |at: usize, otherwise: &'static str| words.get(at).map_or(otherwise.to_owned(), ToString::to_string);
        let running = || json!({"running": {"startedAt": at(self, made + 5)}});
        let end = |code: i64, reason: String| {
            json!({"terminated": {"exitCode": code, "reason": reason, "message": message,
                "startedAt": at(self, made + 5), "finishedAt": at(self, made + 50)}})
        };
        let ready = |yes: bool| json!([{"type": "Ready", "status": if yes { "True" } else { "False" }}]);
        let one = |phase: &str, state: Value, is_ready: bool| {
            json!({"phase": phase, "startTime": at(self, made + 1), "conditions": ready(is_ready),
                "containerStatuses": [{"name": "main", "state": state, "ready": is_ready, "restartCount": 0}]})
        };
        let unscheduled = |reason: &str| {
            json!({"phase": "Pending",
            "conditions": [{"type": "PodScheduled", "status": "False", "reason": reason, "message": message}]})
        };
        match words[0] {
            "runs" | "leaving" => one("Running", running(), true),
            "unready" => one("Running", running(), false),
            "pending" => json!({"phase": "Pending"}),
            "creating" => one("Pending", json!({"waiting": {"reason": "ContainerCreating"}}), false),
            "unschedulable" => unscheduled("Unschedulable"),
            "gated" => unscheduled("SchedulingGated"),
            "waits" => one("Pending", json!({"waiting": {"reason": word(1, ""), "message": message}}), false),
            "done" => one("Succeeded", end(0, "Completed".into()), false),
            "ended" => one("Failed", end(number(1), word(2, "Error")), false),
            "crashes" => {
                let mut status = one(
                    "Running",
                    json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 5m0s restarting failed container"}}),
                    false,
                );
                status["containerStatuses"][0]["restartCount"] = json!(number(1));
                status["containerStatuses"][0]["lastState"] = end(number(2), word(3, "Error"));
                status
            }
            "again" => {
                let mut status = one("Running", running(), true);
                status["containerStatuses"][0]["restartCount"] = json!(number(1));
                status["containerStatuses"][0]["lastState"] = end(number(2), word(3, "Error"));
                status
            }
            "lost" => json!({"phase": "Failed", "reason": word(1, "Evicted"), "message": message}),
            "disrupted" => {
                let mut status = one("Failed", end(137, "Error".into()), false);
                status["conditions"] = json!([{"type": "DisruptionTarget", "status": "True", "reason": word(1, "")}]);
                status
            }
            other => panic!("{}: no pod is {other:?}", self.case),
        }
    }

    /// `[@seconds] Kind|replica Reason: message`
    fn event(&self, n: usize, text: &str) -> Value {
        let (seconds, text) = timed(text, 300);
        let (about, rest) = text.split_once(' ').expect("what it is about");
        let (reason, message) = rest.split_once(": ").expect("a message");
        let (kind, name, uid) = match about {
            "Job" => ("Job", "a-launcher".to_owned(), "child".to_owned()),
            about if about == self.kind().info().kind => (about, "a".to_owned(), "job".to_owned()),
            replica => {
                let pod = self.pod(replica, self.pods.get(replica).map_or("pending", String::as_str));
                let text = |key: &str| pod["metadata"][key].as_str().unwrap_or_default().to_owned();
                ("Pod", text("name"), text("uid"))
            }
        };
        json!({"metadata": {"name": format!("e{n}"), "namespace": "ns", "uid": format!("e{n}")}, "type": "Warning",
            "involvedObject": {"kind": kind, "name": name, "uid": uid, "namespace": "ns"}, "reason": reason, "message": message,
            "count": 1, "firstTimestamp": at(self, seconds), "lastTimestamp": at(self, seconds)})
    }

    fn workload_object(&self, said: &[String]) -> Value {
        let conditions: Vec<Value> = said.iter().filter(|s| *s != "inactive").map(|s| condition(self, "", s)).collect();
        let active = !said.iter().any(|s| s == "inactive");
        json!({"metadata": {"name": "mpijob-a-1a2b3", "namespace": "ns", "uid": "w", "creationTimestamp": at(self, 1),
                "labels": {"kueue.x-k8s.io/job-uid": "job"}},
            "spec": {"active": active, "queueName": "q", "priority": 0}, "status": {"conditions": conditions}})
    }

    /// Each list with its rows.
    fn lists(&self) -> Vec<(ListOf, Vec<Value>)> {
        let kind = self.kind();
        let pods = if kind == Kind::TrainJob { ListOf::JobSetPods } else { ListOf::Pods };
        vec![
            (ListOf::Jobs(kind), vec![self.job()]),
            (pods, self.pods.iter().map(|(key, text)| self.pod(key, text)).collect()),
            (ListOf::Warnings, self.events.iter().enumerate().map(|(n, text)| self.event(n, text)).collect()),
            (ListOf::Workloads, self.workload.iter().map(|said| self.workload_object(said)).collect()),
        ]
    }
}

/// Applies the lists in this order, settling in between; each row comes twice, as after a cut watch.
fn fleet(rules: &Arc<Rules>, lists: &[&(ListOf, Vec<Value>)]) -> Fleet {
    let mut fleet = Fleet::new(Arc::clone(rules));
    for (of, objects) in lists {
        for object in objects.iter().chain(objects) {
            let mut batch = Batch::new(ListKey { of: *of, namespace: None });
            batch.upserts.push(row(*of, &object.to_string()));
            fleet.apply(batch);
            fleet.settle(Secs(NOW));
        }
    }
    fleet
}

/// `Degraded [Running], 1/2, 16 GPUs (8 held), host_oom_killed`
fn told(job: &Job) -> String {
    let derived = &job.derived;
    let reported = if derived.disagrees { format!(" [{}]", derived.reported) } else { String::new() };
    let held = if derived.leaked_gpus > 0 { format!(" ({} held)", derived.leaked_gpus) } else { String::new() };
    let class = derived.cause.as_ref().map_or_else(String::new, |cause| format!(", {}", cause.class));
    format!("{}{reported}, {}/{}, {} GPUs{held}{class}", derived.state, derived.ready, derived.total, derived.gpus)
}

fn orders() -> Vec<[usize; 4]> {
    let all = (0..256).map(|n| [n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6 & 3]);
    all.filter(|order| (0..4).all(|one| order.contains(&one))).collect()
}

#[test]
fn what_we_show_is_what_there_is() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/truth.yaml");
    let text = fs::read_to_string(path).expect("the table");
    let cases: Vec<Entry> = serde_saphyr::from_str(&text).expect("the table's form");
    assert!(cases.len() >= 60, "{} cases", cases.len());
    let (rules, mut wrong) = (Arc::new(Rules::builtin()), Vec::new());
    for case in &cases {
        let lists = case.lists();
        for order in orders() {
            let fleet = fleet(&rules, &order.map(|at| &lists[at]));
            let job = fleet.jobs().next().expect("the job");
            let (told, title) = (told(job), job.derived.cause.as_ref().map(|cause| cause.title.to_string()));
            let title_fits = case.title.is_none() || case.title == title;
            if told != case.expect || !title_fits {
                let case = &case.case;
                wrong.push(format!(
                    "{case}\n  shown:    {told} — {}\n  expected: {}",
                    title.unwrap_or_default(),
                    expected(&cases, case)
                ));
                break;
            }
            let pods = fleet.pods(&job.key());
            let attempts: usize = replica::replicas(&job.row, &pods).iter().map(|replica| replica.attempts.len()).sum();
            assert_eq!(attempts, pods.len(), "{}: every pod is an attempt of one replica", case.case);
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn expected(cases: &[Entry], name: &str) -> String {
    let found = cases.iter().find(|case| case.case == name);
    found.map_or_else(String::new, |case| format!("{} — {}", case.expect, case.title.as_deref().unwrap_or("any title")))
}
