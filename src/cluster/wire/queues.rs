//! Kueue's queues, alike in v1beta1 and v1beta2 but for the names of a few fields, and the visibility API.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{List, Num, Obj, Pairs, Scalar, Text},
    node::{TaintWire, labels, taints},
    parts::{Conditions, Meta, clean, name, sym, time},
    slim::SlimWire,
};
use crate::jobs::{
    amounts,
    queue::{Cell, ClusterQueueRow, CohortRow, FlavorRow, Group, LocalQueueRow, Quota, Stop, WaitingRow},
    row::Truth,
    text::{Clean, Sym},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ClusterQueueWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<ClusterQueueSpec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ClusterQueueSpec<'a> {
    /// v1beta1.
    #[serde(borrow)]
    cohort: Text<'a>,
    #[serde(borrow)]
    cohort_name: Text<'a>,
    #[serde(borrow)]
    queueing_strategy: Text<'a>,
    #[serde(borrow)]
    stop_policy: Text<'a>,
    #[serde(borrow)]
    resource_groups: List<Obj<GroupWire<'a>>>,
    #[serde(borrow)]
    preemption: Obj<Preemption<'a>>,
    #[serde(borrow)]
    fair_sharing: Obj<Fair<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Preemption<'a> {
    #[serde(borrow)]
    within_cluster_queue: Text<'a>,
    #[serde(borrow)]
    reclaim_within_cohort: Text<'a>,
    #[serde(borrow)]
    borrow_within_cohort: Obj<Policy<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Policy<'a> {
    #[serde(borrow)]
    policy: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Fair<'a> {
    #[serde(borrow)]
    weight: Scalar<'a>,
}

impl Fair<'_> {
    /// One, where nothing is set.
    fn weight(&self) -> u64 {
        amounts::parse(&self.weight.0).unwrap_or(1000)
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct GroupWire<'a> {
    #[serde(borrow)]
    covered_resources: List<Text<'a>>,
    #[serde(borrow)]
    flavors: List<Obj<FlavorQuotas<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FlavorQuotas<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    resources: List<Obj<QuotaWire<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct QuotaWire<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    nominal_quota: Scalar<'a>,
    #[serde(borrow)]
    borrowing_limit: Scalar<'a>,
    #[serde(borrow)]
    lending_limit: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    conditions: Conditions<'a>,
    pending_workloads: Num,
    reserving_workloads: Num,
    admitted_workloads: Num,
    #[serde(borrow)]
    flavors_reservation: List<Obj<FlavorUsage<'a>>>,
    fair_sharing: Obj<Share>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct FlavorUsage<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    resources: List<Obj<Usage<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Usage<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    total: Scalar<'a>,
    #[serde(borrow)]
    borrowed: Scalar<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Share {
    weighted_share: Num,
}

impl Status<'_> {
    /// What is reserved, by flavor and resource: in all, and borrowed.
    fn used(&self) -> Vec<(Cell, u64, u64)> {
        let mut out = Vec::new();
        for Obj(flavor) in &self.flavors_reservation.0 {
            for Obj(usage) in &flavor.resources.0 {
                let cell = (Sym::new(flavor.name.as_str()), Sym::new(usage.name.as_str()));
                let of = |amount: &Scalar<'_>| amounts::parse(&amount.0).unwrap_or(0);
                out.push((cell, of(&usage.total), of(&usage.borrowed)));
            }
        }
        out
    }

    fn inactive(&self) -> Option<Clean> {
        let active = self.conditions.0.iter().find(|c| c.0.r#type.as_str() == "Active")?;
        (active.0.truth() == Truth::False).then(|| clean(&active.0.message))
    }
}

fn quotas(groups: &List<Obj<GroupWire<'_>>>, used: &[(Cell, u64, u64)]) -> Box<[Quota]> {
    let mut out = Vec::new();
    for Obj(flavor) in groups.0.iter().flat_map(|Obj(group)| &group.flavors.0) {
        for Obj(quota) in &flavor.resources.0 {
            let cell = (Sym::new(flavor.name.as_str()), Sym::new(quota.name.as_str()));
            let (used, borrowed) = used.iter().find(|(c, ..)| *c == cell).map_or((0, 0), |(_, u, b)| (*u, *b));
            out.push(Quota {
                cell,
                nominal: amounts::parse(&quota.nominal_quota.0).unwrap_or(0),
                borrowing: amounts::parse(&quota.borrowing_limit.0),
                lending: amounts::parse(&quota.lending_limit.0),
                used,
                borrowed,
            });
        }
    }
    out.into()
}

impl<'a> SlimWire<'a> for ClusterQueueWire<'a> {
    type Row = ClusterQueueRow;

    fn row(self) -> Option<ClusterQueueRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let words = |list: &List<Text<'_>>| list.0.iter().map(|text| Sym::new(text.as_str())).collect();
        let groups = spec.resource_groups.0.iter().map(|Obj(group)| Group {
            resources: words(&group.covered_resources),
            flavors: group.flavors.0.iter().map(|Obj(flavor)| Sym::new(flavor.name.as_str())).collect(),
        });
        let Preemption { within_cluster_queue, reclaim_within_cohort, borrow_within_cohort } = spec.preemption.0;
        let preemption = [within_cluster_queue, reclaim_within_cohort, borrow_within_cohort.0.policy];
        Some(ClusterQueueRow {
            name: Sym::new(meta.name.as_str()),
            cohort: sym(&spec.cohort_name).or_else(|| sym(&spec.cohort)),
            strict: spec.queueing_strategy.as_str() == "StrictFIFO",
            stop: Stop::named(spec.stop_policy.as_str()),
            groups: groups.collect(),
            quotas: quotas(&spec.resource_groups, &status.used()),
            preemption: preemption.map(|text| Sym::new(text.as_str())),
            weight: spec.fair_sharing.0.weight(),
            share: status.fair_sharing.0.weighted_share.count().map(u64::from),
            pending: status.pending_workloads.count().unwrap_or(0),
            reserving: status.reserving_workloads.count().unwrap_or(0),
            admitted: status.admitted_workloads.count().unwrap_or(0),
            inactive: status.inactive(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CohortWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<CohortSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct CohortSpec<'a> {
    /// v1beta1.
    #[serde(borrow)]
    parent: Text<'a>,
    #[serde(borrow)]
    parent_name: Text<'a>,
    #[serde(borrow)]
    resource_groups: List<Obj<GroupWire<'a>>>,
    #[serde(borrow)]
    fair_sharing: Obj<Fair<'a>>,
}

impl<'a> SlimWire<'a> for CohortWire<'a> {
    type Row = CohortRow;

    fn row(self) -> Option<CohortRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec) } = self;
        Some(CohortRow {
            name: Sym::new(meta.name.as_str()),
            parent: sym(&spec.parent_name).or_else(|| sym(&spec.parent)),
            quotas: quotas(&spec.resource_groups, &[]),
            weight: spec.fair_sharing.0.weight(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LocalQueueWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<LocalQueueSpec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct LocalQueueSpec<'a> {
    #[serde(borrow)]
    cluster_queue: Text<'a>,
    #[serde(borrow)]
    stop_policy: Text<'a>,
    #[serde(borrow)]
    fair_sharing: Obj<Fair<'a>>,
}

impl<'a> SlimWire<'a> for LocalQueueWire<'a> {
    type Row = LocalQueueRow;

    fn row(self) -> Option<LocalQueueRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        Some(LocalQueueRow {
            namespace: meta.namespace_sym(),
            name: Sym::new(meta.name.as_str()),
            cluster_queue: Sym::new(spec.cluster_queue.as_str()),
            stop: Stop::named(spec.stop_policy.as_str()),
            pending: status.pending_workloads.count().unwrap_or(0),
            reserving: status.reserving_workloads.count().unwrap_or(0),
            admitted: status.admitted_workloads.count().unwrap_or(0),
            inactive: status.inactive(),
            used: status.used().into_iter().map(|(cell, used, _)| (cell, used)).collect(),
            weight: spec.fair_sharing.0.weight(),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FlavorWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<FlavorSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FlavorSpec<'a> {
    #[serde(borrow)]
    node_labels: Pairs<'a>,
    #[serde(borrow)]
    node_taints: List<Obj<TaintWire<'a>>>,
}

impl<'a> SlimWire<'a> for FlavorWire<'a> {
    type Row = FlavorRow;

    fn row(self) -> Option<FlavorRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec) } = self;
        let name = Sym::new(meta.name.as_str());
        Some(FlavorRow { name, labels: labels(&spec.node_labels), taints: taints(&spec.node_taints) })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct WaitingWire<'a> {
    #[serde(borrow)]
    metadata: Obj<WaitingMeta<'a>>,
    priority: Num,
    #[serde(borrow)]
    local_queue_name: Text<'a>,
    position_in_cluster_queue: Num,
    position_in_local_queue: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WaitingMeta<'a> {
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    namespace: Text<'a>,
    #[serde(borrow)]
    creation_timestamp: Text<'a>,
    /// The owner is not always marked as a controller here.
    #[serde(borrow)]
    owner_references: List<Obj<Owner<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Owner<'a> {
    #[serde(borrow)]
    name: Text<'a>,
}

impl<'a> SlimWire<'a> for WaitingWire<'a> {
    type Row = WaitingRow;

    fn row(self) -> Option<WaitingRow> {
        let Obj(meta) = self.metadata;
        Some(WaitingRow {
            namespace: Sym::new(meta.namespace.as_str()),
            name: name(meta.name.as_str()),
            owner: meta.owner_references.0.first().map(|Obj(owner)| name(owner.name.as_str())),
            priority: self.priority.0.unwrap_or(0),
            queue: Sym::new(self.local_queue_name.as_str()),
            place: self.position_in_cluster_queue.count()?,
            local_place: self.position_in_local_queue.count().unwrap_or(0),
            created: time(&meta.creation_timestamp).unwrap_or_default(),
        })
    }
}
