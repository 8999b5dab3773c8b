//! Kueue's Workloads for views of queues: with what their pods need and have. The fleet's rows are shorter (`workload`).

use serde::Deserialize;

use super::{
    lenient::{Flag, List, Num, Obj, Pairs, Text},
    node::{AmountsWire, by_resource, labels},
    parts::{self, Conditions, Meta, PodSpec, sym},
    slim::SlimWire,
};
use crate::jobs::{
    amounts::{self, ByResource},
    queue::{LoadRow, PodSetRow},
    row::Owner,
    text::{Sym, Uid},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LoadWire<'a> {
    #[serde(borrow)]
    pub(super) metadata: Obj<Meta<'a, Pairs<'a>>>,
    #[serde(borrow)]
    spec: Obj<Spec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec<'a> {
    #[serde(borrow)]
    queue_name: Text<'a>,
    active: Flag,
    priority: Num,
    /// v1beta1.
    #[serde(borrow)]
    priority_class_name: Text<'a>,
    #[serde(borrow)]
    priority_class_ref: Obj<Named<'a>>,
    maximum_execution_time_seconds: Num,
    #[serde(borrow)]
    pod_sets: List<Obj<PodSet<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PodSet<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    count: Num,
    #[serde(borrow)]
    template: Obj<Template<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Template<'a> {
    #[serde(borrow)]
    spec: Obj<PodSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    conditions: Conditions<'a>,
    #[serde(borrow)]
    admission: Obj<Admission<'a>>,
    #[serde(borrow)]
    requeue_state: Obj<Requeue<'a>>,
    #[serde(borrow)]
    scheduling_stats: Obj<Stats<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Admission<'a> {
    #[serde(borrow)]
    cluster_queue: Text<'a>,
    #[serde(borrow)]
    pod_set_assignments: List<Obj<Assigned<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Assigned<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    count: Num,
    #[serde(borrow)]
    flavors: Pairs<'a>,
    #[serde(borrow)]
    resource_usage: AmountsWire<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Requeue<'a> {
    count: Num,
    #[serde(borrow)]
    requeue_at: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stats<'a> {
    #[serde(borrow)]
    evictions: List<Obj<Eviction<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Eviction<'a> {
    #[serde(borrow)]
    reason: Text<'a>,
    count: Num,
}

impl PodSet<'_> {
    /// What all its pods need, as their template says.
    fn row(&self) -> PodSetRow {
        let count = self.count.count().unwrap_or(1);
        let mut needs = ByResource::new();
        amounts::add(&mut needs, &amounts::of_requests(&self.template.0.spec.0.requests()), u64::from(count));
        PodSetRow { name: Sym::new(self.name.as_str()), count, needs, flavors: Box::default() }
    }
}

impl Assigned<'_> {
    /// What it uses, as Kueue counts it.
    fn row(&self) -> PodSetRow {
        PodSetRow {
            name: Sym::new(self.name.as_str()),
            count: self.count.count().unwrap_or(0),
            needs: by_resource(&self.resource_usage),
            flavors: labels(&self.flavors),
        }
    }
}

impl<'a> SlimWire<'a> for LoadWire<'a> {
    type Row = LoadRow;

    fn row(self) -> Option<LoadRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let Status { conditions, admission: Obj(admission), requeue_state: Obj(requeue), scheduling_stats } = status;
        let labelled = meta.labels.text("kueue.x-k8s.io/job-uid").map(Uid::new);
        let owner = meta.controller().map(|owner| Owner { uid: labelled.unwrap_or(owner.uid), ..owner });
        let boost = meta.annotations.text("kueue.x-k8s.io/priority-boost").and_then(|b| b.parse::<i64>().ok());
        let assigned = &admission.pod_set_assignments.0;
        let sets = if assigned.is_empty() {
            spec.pod_sets.0.iter().map(|Obj(set)| set.row()).collect()
        } else {
            assigned.iter().map(|Obj(set)| set.row()).collect()
        };
        let put_out = |Obj(e): &Obj<Eviction<'_>>| (Sym::new(e.reason.as_str()), e.count.count().unwrap_or(0));
        Some(LoadRow {
            namespace: meta.namespace_sym(),
            name: meta.name(),
            uid: meta.uid(),
            created: meta.created(),
            job: owner,
            queue: Sym::new(spec.queue_name.as_str()),
            cluster_queue: sym(&admission.cluster_queue),
            active: spec.active.0.unwrap_or(true),
            priority: spec.priority.0.unwrap_or(0).saturating_add(boost.unwrap_or(0)),
            class: sym(&spec.priority_class_ref.0.name).or_else(|| sym(&spec.priority_class_name)),
            sets,
            conditions: parts::conditions(&conditions),
            requeue_at: parts::time(&requeue.requeue_at),
            evictions: scheduling_stats.0.evictions.0.iter().map(put_out).collect(),
            most_seconds: spec.maximum_execution_time_seconds.count(),
        })
    }
}
