//! Gangs: the `PodGroup` that the operator makes when it runs with `--gang-scheduling`, and how pods name it.

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};

use super::{
    Pass, Stop,
    value::{annotation, int, list, name, namespace, owned_by, text},
    worker_replicas,
};
use crate::sim::{
    amounts::{self, Amounts, written},
    controllers::gangs::{PLUGINS_GROUP, VOLCANO_GROUP},
    store::{
        Resource,
        resource::{PODGROUPS, PODGROUPS_SCHEDULER_PLUGINS},
    },
    write::Write,
};

/// A gang scheduler, by the operator's flag. Whatever is not `volcano` is taken for scheduler-plugins of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gang(String);

impl Gang {
    /// The scheduler that `--gang-scheduling=NAME` among `args` names.
    pub(crate) fn of_args(args: &[Value]) -> Option<Self> {
        let mut words = args.iter().filter_map(Value::as_str);
        while let Some(word) = words.next() {
            let Some(rest) = word.trim_start_matches('-').strip_prefix("gang-scheduling") else { continue };
            let scheduler = rest.strip_prefix('=').or_else(|| words.next()).unwrap_or_default();
            return (!scheduler.is_empty()).then(|| Self(scheduler.to_owned()));
        }
        None
    }

    /// Its `schedulerName`.
    pub(crate) fn scheduler(&self) -> &str {
        &self.0
    }

    fn is_volcano(&self) -> bool {
        self.0 == "volcano"
    }

    /// Where its groups are stored.
    pub(crate) fn resource(&self) -> &'static Resource {
        if self.is_volcano() { &PODGROUPS } else { &PODGROUPS_SCHEDULER_PLUGINS }
    }
}

/// What a pass sees of gangs.
pub(crate) struct Seen {
    /// The scheduler.
    pub(crate) gang: Gang,
    /// The `PodGroup` of the job's name, whoever owns it.
    pub(crate) group: Option<Arc<Value>>,
    /// Values of the cluster's priority classes.
    pub(crate) priorities: BTreeMap<String, i64>,
}

/// Hands a template to the gang's scheduler.
pub(super) fn decorate(gang: Option<&Gang>, job: &Value, template: &mut Value) {
    let Some(gang) = gang else { return };
    template["spec"]["schedulerName"] = json!(gang.scheduler());
    let (map, key) = if gang.is_volcano() { ("annotations", VOLCANO_GROUP) } else { ("labels", PLUGINS_GROUP) };
    template["metadata"][map][key] = json!(name(job));
}

impl<'a> Pass<'a> {
    /// The gang scheduler, if there is one.
    pub(super) fn gang(&self) -> Option<&'a Gang> {
        self.seen.gang.as_ref().map(|seen| &seen.gang)
    }

    /// Makes the `PodGroup`, or puts its spec right.
    pub(super) fn make_gang(&mut self) -> Result<(), Stop> {
        let Some(seen) = &self.seen.gang else { return Ok(()) };
        let resource = seen.gang.resource();
        let spec = spec(self.job, seen);
        let Some(old) = seen.group.as_deref() else {
            let object = json!({
                "apiVersion": resource.api_version(), "kind": "PodGroup", "spec": spec,
                "metadata": {"name": name(self.job), "namespace": namespace(self.job), "ownerReferences": owned_by(self.job)},
            });
            self.writes.push(Write::Create { resource, object, blame: None });
            return Ok(());
        };
        if !self.is_mine(old) {
            return Err(self.exists("PodGroup", name(old)));
        }
        if old["spec"] != spec {
            let mut changed = old.clone();
            changed["spec"] = spec;
            self.writes.push(Write::Update(resource, changed));
        }
        Ok(())
    }

    /// Takes the `PodGroup` away.
    pub(super) fn remove_gang(&mut self) -> Result<(), Stop> {
        let Some(seen) = &self.seen.gang else { return Ok(()) };
        let Some(old) = seen.group.as_deref() else { return Ok(()) };
        if !self.is_mine(old) {
            return Err(self.exists("PodGroup", name(old)));
        }
        self.writes.push(Write::Delete(seen.gang.resource(), namespace(old).into(), name(old).into()));
        Ok(())
    }
}

fn spec(job: &Value, seen: &Seen) -> Value {
    let policy = job.pointer("/spec/runPolicy/schedulingPolicy");
    let of = |field: &str| policy.and_then(|p| p.get(field)).filter(|v| !v.is_null()).cloned();
    let members = of("minAvailable").and_then(|n| n.as_i64()).unwrap_or(worker_replicas(job) + 1);
    let mut spec = json!({"minMember": members});
    let resources = of("minResources").or_else(|| (members != 0).then(|| least(job, members, &seen.priorities)));
    if let Some(resources) = resources {
        spec["minResources"] = resources;
    }
    if !seen.gang.is_volcano() {
        spec["scheduleTimeoutSeconds"] = of("scheduleTimeoutSeconds").unwrap_or_else(|| json!(0));
        return spec;
    }
    let word = |field: &str| policy.map_or("", |p| text(p, field));
    let classes = ["Launcher", "Worker"]
        .map(|role| text(job, &format!("/spec/mpiReplicaSpecs/{role}/template/spec/priorityClassName")));
    let class = [word("/priorityClass"), classes[0], classes[1]].into_iter().find(|class| !class.is_empty());
    let queue = [word("/queue"), annotation(job, "scheduling.volcano.sh/queue-name")];
    if let Some(queue) = queue.into_iter().find(|queue| !queue.is_empty()) {
        spec["queue"] = json!(queue);
    }
    if let Some(class) = class {
        spec["priorityClassName"] = json!(class);
    }
    spec
}

/// What the first `members` pods ask for together, those of higher priority first; workers come last among equals.
fn least(job: &Value, members: i64, priorities: &BTreeMap<String, i64>) -> Value {
    let specs = job.pointer("/spec/mpiReplicaSpecs").and_then(Value::as_object);
    let mut order: Vec<(i64, &str, i64, &Value)> = specs
        .into_iter()
        .flatten()
        .filter(|(_, spec)| spec.is_object())
        .map(|(role, spec)| {
            let class = text(spec, "/template/spec/priorityClassName");
            let priority = priorities.get(class).copied().unwrap_or(0);
            (priority, role.as_str(), int(spec, "/replicas").unwrap_or(0), spec)
        })
        .collect();
    order.sort_by_key(|(priority, ..)| -priority);
    let all: i64 = order.iter().take(2).map(|(_, _, n, _)| n).sum();
    if all > members && order.len() > 1 {
        let equal = order[0].0 == order[1].0;
        let last = if equal { order.iter().position(|(_, role, ..)| *role == "Worker") } else { Some(1) };
        if let Some(last) = last.and_then(|at| order.get_mut(at)) {
            last.2 = members - 1;
        }
    }
    let mut total = Amounts::new();
    for (_, _, n, spec) in &order {
        for (resource, each) in amounts::of_spec(&spec["template"]["spec"]) {
            *total.entry(resource).or_default() += each * n;
        }
    }
    let mut out = Map::new();
    for (resource, n) in total {
        let n = written(&resource, n);
        out.insert(resource, json!(n));
    }
    Value::Object(out)
}

/// Whether an operator's Deployment tells of a gang scheduler.
pub(crate) fn told_by(deployment: &Value) -> Option<Gang> {
    let containers = list(deployment, "/spec/template/spec/containers");
    containers.iter().find_map(|c| {
        let mut words = list(c, "/command").to_vec();
        words.extend_from_slice(list(c, "/args"));
        Gang::of_args(&words)
    })
}
