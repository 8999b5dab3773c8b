//! What a recording of a real controller shows of the objects, read off this cluster in the same words.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde_json::{Map, Value, json};

use super::*;
use crate::sim::{
    store::{
        Selector,
        resource::{CONFIGMAPS, EVENTS, SERVICES},
    },
    value::{list, name},
};

/// What is chance, or time.
const CHANCE: [&str; 17] = [
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "namespace",
    "lastTransitionTime",
    "lastProbeTime",
    "generation",
    "observedGeneration",
    "batch.kubernetes.io/controller-uid",
    "controller-uid",
    "deletionGracePeriodSeconds",
    "clusterIP",
    "clusterIPs",
    "fake/run-seconds",
    "fake/state",
];
/// Of what is chance: there or not.
const THERE: [&str; 8] = [
    "accumulatedPastExecutionTimeSeconds",
    "requeueAt",
    "startTime",
    "completionTime",
    "jobset.sigs.k8s.io/job-key",
    "jobset.sigs.k8s.io/jobset-uid",
    "kueue.x-k8s.io/job-uid",
    "deletionTimestamp",
];

/// Kinds that are looked at.
const KINDS: [&str; 18] = [
    "Pod",
    "Service",
    "ConfigMap",
    "Secret",
    "Job",
    "JobSet",
    "TrainJob",
    "MPIJob",
    "PyTorchJob",
    "TFJob",
    "XGBoostJob",
    "PaddleJob",
    "JAXJob",
    "Workload",
    "LocalQueue",
    "ClusterQueue",
    "Cohort",
    "AdmissionCheck",
];

pub(super) struct Look {
    words: [(Regex, &'static str); 5],
    conditions: BTreeMap<String, Map<String, Value>>,
    heard: BTreeSet<String>,
}

impl Look {
    pub(super) fn new(store: &Store) -> Self {
        let rule = |pattern: &str, with| (Regex::new(pattern).unwrap(), with);
        let words = [
            rule("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UID"),
            rule(
                r"\b((?:mpijob|jobset|trainjob|pytorchjob|tfjob|xgboostjob|paddlejob|jaxjob|job)-[a-z0-9-]+?)-[0-9a-f]{5}\b",
                "$1-*",
            ),
            rule(r"\b([a-z0-9-]+(?:-launcher|-\d+(?:-\d+)?))-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "$1-*"),
            rule(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?( \+0000 UTC|Z)", "TIME"),
            rule(r"\b\d+(\.\d+)?s\b", "Ns"),
        ];
        let mut look = Self { words, conditions: BTreeMap::new(), heard: BTreeSet::new() };
        let _ = look.told(store);
        look
    }

    fn say(&self, text: &str) -> String {
        self.words.iter().fold(text.to_owned(), |said, (rule, with)| rule.replace_all(&said, *with).into_owned())
    }

    fn key(&self, object: &Value, kind: &str) -> String {
        self.say(&format!("{kind}/{}", name(object)))
    }

    /// How conditions went since the last look, what was told, and all as it is now.
    pub(super) fn step(
        &mut self,
        feed: &mut Feed,
        store: &Store,
        real: &BTreeMap<String, Value>,
    ) -> (Map<String, Value>, Vec<Value>, Map<String, Value>) {
        let went = self.went(feed, real);
        (went, self.told(store), self.seen(store, real))
    }

    fn went(&mut self, feed: &mut Feed, real: &BTreeMap<String, Value>) -> Map<String, Value> {
        let mut went = Map::<String, Value>::new();
        loop {
            let changes = feed.take().unwrap();
            if changes.is_empty() {
                return went;
            }
            for change in changes {
                let (value, kind) = (change.object.value(), change.resource.kind);
                let key = self.key(&value, kind);
                if !is_of_life(change.resource, &value, &key, real) {
                    continue;
                }
                let mut say = |what: String| {
                    let all = went.entry(key.clone()).or_insert_with(|| json!([]));
                    let all = all.as_array_mut().unwrap();
                    // As the recordings have it: that it came stands first.
                    all.insert(if what == "+" { 0 } else { all.len() }, json!(what));
                };
                if change.kind == ChangeKind::Deleted {
                    say("-".to_owned());
                    self.conditions.remove(&format!("{kind}/{}", name(&value)));
                    continue;
                }
                let known = self.conditions.get(&format!("{kind}/{}", name(&value))).cloned();
                if known.is_none() {
                    say("+".to_owned());
                }
                let (mut now, mut order) = (Map::new(), Vec::new());
                for c in list(&value, "/status/conditions") {
                    let [status, reason, message] = ["/status", "/reason", "/message"].map(|path| text(c, path));
                    now.insert(text(c, "/type").to_owned(), json!([status, reason, self.say(message)]));
                    order.push(text(c, "/type").to_owned());
                }
                for c in order.iter().filter(|_| kind != "Pod") {
                    let is = &now[c];
                    if known.as_ref().and_then(|known| known.get(c)) != Some(is) {
                        let [status, reason, message] = [0, 1, 2].map(|at| is[at].as_str().unwrap_or(""));
                        say(format!("{c}={status} {reason}: {message}"));
                    }
                }
                self.conditions.insert(format!("{kind}/{}", name(&value)), now);
            }
        }
    }

    fn told(&mut self, store: &Store) -> Vec<Value> {
        let mut told = Vec::new();
        for event in store.list(&EVENTS, Some("rec"), &Selector::default()).items {
            let event = event.value();
            let from = [text(&event, "/source/component"), text(&event, "/reportingComponent")];
            let from = from.into_iter().find(|from| !from.is_empty()).unwrap_or("");
            let count = event["count"].as_i64().or(event["series"]["count"].as_i64()).unwrap_or(1);
            if ["default-scheduler", "kubelet"].contains(&from)
                || !self.heard.insert(format!("{} {count}", name(&event)))
            {
                continue;
            }
            let on = format!("{}/{}", text(&event, "/involvedObject/kind"), text(&event, "/involvedObject/name"));
            let mut line = vec![
                self.say(&on),
                text(&event, "/type").into(),
                text(&event, "/reason").into(),
                self.say(text(&event, "/message")),
                from.into(),
            ];
            line.extend(event["action"].as_str().map(str::to_owned));
            told.push(json!(line));
        }
        told
    }

    fn seen(&self, store: &Store, real: &BTreeMap<String, Value>) -> Map<String, Value> {
        let mut seen = Map::new();
        for row in
            store.resources().into_iter().filter(|row| KINDS.contains(&row.kind) && !row.group.contains("metrics"))
        {
            let mut all = store.list(row, None, &Selector::default()).items;
            // Names are chance: what is said of one of two means the older one.
            all.sort_by_key(|object| text(&object.value(), "/metadata/creationTimestamp").to_owned());
            for object in all {
                let value = object.value();
                let mut key = self.key(&value, row.kind);
                if !is_of_life(row, &value, &key, real) {
                    continue;
                }
                if seen.contains_key(&key) {
                    key.push('~');
                }
                seen.insert(key, self.trimmed(row.kind, &value));
            }
        }
        seen
    }

    fn trimmed(&self, kind: &str, object: &Value) -> Value {
        let mut object = object.clone();
        let take = |object: &mut Value, path: &str, keys: &[&str]| {
            if let Some(map) = object.pointer_mut(path).and_then(Value::as_object_mut) {
                for key in keys {
                    map.remove(*key);
                }
            }
        };
        match kind {
            "Secret" => {
                let mut keys: Vec<_> =
                    object["data"].as_object().into_iter().flatten().map(|(k, _)| k.clone()).collect();
                keys.sort();
                object["data"] = json!(keys);
            }
            "ConfigMap" if object["data"]["runtime"].is_string() => object["data"]["runtime"] = json!("set"),
            "Job" => {
                take(&mut object, "/spec", &["selector"]);
                take(&mut object, "/spec/template/metadata", &["annotations"]);
            }
            "Pod" => {
                take(&mut object, "/metadata", &["annotations", "finalizers"]);
                let some = |from: &Value, keys: &[&str]| {
                    let kept = keys.iter().filter_map(|k| Some(((*k).to_owned(), from.get(*k)?.clone())));
                    kept.collect::<Map<String, Value>>()
                };
                let keys = [
                    "nodeSelector",
                    "hostname",
                    "subdomain",
                    "schedulingGates",
                    "affinity",
                    "restartPolicy",
                    "priorityClassName",
                ];
                let mut spec = some(&object["spec"], &keys);
                let keys = ["name", "command", "args", "env", "resources", "ports"];
                let all: Vec<_> = list(&object, "/spec/containers").iter().map(|c| some(c, &keys)).collect();
                spec.insert("containers".to_owned(), json!(all));
                let keys = ["name", "image", "command", "args", "env", "resources"];
                let inits: Vec<_> = list(&object, "/spec/initContainers").iter().map(|c| some(c, &keys)).collect();
                spec.insert("initContainers".to_owned(), json!(inits));
                object["spec"] = Value::Object(spec);
                object["status"] = json!({"phase": object["status"]["phase"]});
            }
            "LocalQueue" | "ClusterQueue" | "Cohort" | "AdmissionCheck" => {
                take(&mut object, "", &["spec"]);
                take(&mut object, "/metadata", &["finalizers", "annotations"]);
            }
            _ => {}
        }
        take(&mut object, "", &["apiVersion", "kind"]);
        self.normal(&object)
    }

    fn normal(&self, value: &Value) -> Value {
        match value {
            Value::Object(map) => {
                let kept = map.iter().filter_map(|(key, value)| {
                    if CHANCE.contains(&key.as_str()) {
                        return None;
                    }
                    let there = THERE.contains(&key.as_str());
                    let value = if there && !value.is_null() { json!("set") } else { self.normal(value) };
                    Some((key.clone(), value)).filter(|(_, value)| !value.is_null())
                });
                Value::Object(kept.collect())
            }
            Value::Array(all) => Value::Array(all.iter().map(|v| self.normal(v)).collect()),
            Value::String(text) => json!(self.say(text)),
            other => other.clone(),
        }
    }
}

/// Whether an object belongs to what was recorded: not to the ground that is laid here.
fn is_of_life(row: &Resource, object: &Value, key: &str, real: &BTreeMap<String, Value>) -> bool {
    let ours = text(object, "/metadata/namespace") == "rec" || (!row.namespaced && real.contains_key(key));
    let usual = (*row == CONFIGMAPS && name(object) == "kube-root-ca.crt")
        || (*row == SERVICES && name(object) == "kubernetes");
    KINDS.contains(&row.kind) && ours && !usual && !row.group.contains("metrics")
}
