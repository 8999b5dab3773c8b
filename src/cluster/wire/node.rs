//! Nodes, quotas and namespaces, as much of them as says what there is and who may have it.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{Entries, Flag, List, Obj, Pairs, Scalar, Text},
    parts::{Conditions, Meta, sym},
    slim::SlimWire,
};
use crate::jobs::{
    amounts::{self, ByResource},
    capacity::{NodeRow, QuotaRow, SharedQuotaRow, SpaceRow, TEAM_LABELS},
    row::Truth,
    taint::Taint,
    text::Sym,
};

/// A map of quantities.
pub(super) type AmountsWire<'a> = Entries<'a, Scalar<'a>>;

/// In thousandths; what is no quantity is left out.
pub(super) fn by_resource(wire: &AmountsWire<'_>) -> ByResource {
    let read = |(name, amount): &(Text<'_>, Scalar<'_>)| Some((Sym::new(name.as_str()), amounts::parse(&amount.0)?));
    wire.0.iter().filter_map(read).collect()
}

pub(super) fn labels(pairs: &Pairs<'_>) -> Box<[(Sym, Sym)]> {
    pairs.0.iter().map(|(key, value)| (Sym::new(key.as_str()), Sym::new(value.as_str()))).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TaintWire<'a> {
    #[serde(borrow)]
    key: Text<'a>,
    #[serde(borrow)]
    value: Text<'a>,
    #[serde(borrow)]
    effect: Text<'a>,
}

pub(super) fn taints(wire: &List<Obj<TaintWire<'_>>>) -> Box<[Taint]> {
    let taint = |Obj(t): &Obj<TaintWire<'_>>| Taint {
        key: Sym::new(t.key.as_str()),
        value: Sym::new(t.value.as_str()),
        effect: Sym::new(t.effect.as_str()),
    };
    wire.0.iter().map(taint).collect()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct NodeWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<NodeSpec<'a>>,
    #[serde(borrow)]
    status: Obj<NodeStatus<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeSpec<'a> {
    #[serde(borrow)]
    taints: List<Obj<TaintWire<'a>>>,
    unschedulable: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NodeStatus<'a> {
    #[serde(borrow)]
    capacity: AmountsWire<'a>,
    #[serde(borrow)]
    allocatable: AmountsWire<'a>,
    #[serde(borrow)]
    conditions: Conditions<'a>,
}

impl<'a> SlimWire<'a> for NodeWire<'a> {
    type Row = NodeRow;

    fn row(self) -> Option<NodeRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let is_true =
            |kind: &str| status.conditions.0.iter().any(|c| c.0.r#type.as_str() == kind && c.0.truth() == Truth::True);
        let bad = ["MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"];
        Some(NodeRow {
            name: Sym::new(meta.name.as_str()),
            labels: labels(&meta.labels),
            taints: taints(&spec.taints),
            closed: spec.unschedulable.0.unwrap_or(false),
            ready: is_true("Ready"),
            pressure: bad.into_iter().filter(|kind| is_true(kind)).map(Sym::new).collect(),
            capacity: by_resource(&status.capacity),
            allocatable: by_resource(&status.allocatable),
        })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct QuotaWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<QuotaSpec<'a>>,
    #[serde(borrow)]
    status: Obj<QuotaStatus<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct QuotaSpec<'a> {
    #[serde(borrow)]
    hard: AmountsWire<'a>,
    #[serde(borrow)]
    scopes: List<Text<'a>>,
    scope_selector: Option<IgnoredAny>,
}

impl QuotaSpec<'_> {
    fn is_scoped(&self) -> bool {
        !self.scopes.0.is_empty() || self.scope_selector.is_some()
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct QuotaStatus<'a> {
    #[serde(borrow)]
    used: AmountsWire<'a>,
}

impl<'a> SlimWire<'a> for QuotaWire<'a> {
    type Row = QuotaRow;

    fn row(self) -> Option<QuotaRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let used = by_resource(&status.used);
        let lines = by_resource(&spec.hard).into_iter().map(|(key, hard)| {
            let used = used.get(&key).copied().unwrap_or(0);
            (key, hard, used)
        });
        Some(QuotaRow {
            namespace: meta.namespace_sym(),
            name: Sym::new(meta.name.as_str()),
            scoped: spec.is_scoped(),
            shared: false,
            lines: lines.collect(),
        })
    }
}

/// OpenShift's quota over several namespaces, and its twin that one namespace sees.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SharedQuotaWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<SharedSpec<'a>>,
    #[serde(borrow)]
    status: Obj<SharedStatus<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SharedSpec<'a> {
    #[serde(borrow)]
    quota: Obj<QuotaSpec<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SharedStatus<'a> {
    #[serde(borrow)]
    total: Obj<QuotaStatus<'a>>,
    #[serde(borrow)]
    namespaces: List<Obj<SharedPlace<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SharedPlace<'a> {
    #[serde(borrow)]
    namespace: Text<'a>,
}

impl<'a> SlimWire<'a> for SharedQuotaWire<'a> {
    type Row = SharedQuotaRow;

    fn row(self) -> Option<SharedQuotaRow> {
        let Self { metadata, spec: Obj(spec), status: Obj(status) } = self;
        let all = status.namespaces.0.iter().map(|Obj(place)| Sym::new(place.namespace.as_str()));
        let namespaces = all.collect();
        let quota = QuotaWire { metadata, spec: spec.quota, status: status.total };
        Some(SharedQuotaRow { namespaces, quota: QuotaRow { shared: true, ..quota.row()? } })
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct SpaceWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, Pairs<'a>>>,
}

impl<'a> SlimWire<'a> for SpaceWire<'a> {
    type Row = SpaceRow;

    fn row(self) -> Option<SpaceRow> {
        let Obj(meta) = self.metadata;
        let requester = meta.annotations.find("openshift.io/requester").and_then(sym);
        let team = TEAM_LABELS.iter().find_map(|label| meta.labels.find(label).and_then(sym));
        Some(SpaceRow { name: Sym::new(meta.name.as_str()), requester, team })
    }
}
