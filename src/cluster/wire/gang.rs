//! `PodGroup`s of Volcano (`scheduling.volcano.sh`) and scheduler-plugins (`scheduling.x-k8s.io`), alike in what we read.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{Num, Obj, Text},
    parts::{self, Conditions, Meta, sym},
    slim::SlimWire,
};
use crate::jobs::{gang::GangRow, text::Sym};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GangWire<'a> {
    #[serde(borrow)]
    metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    spec: Obj<Spec<'a>>,
    #[serde(borrow)]
    status: Obj<Status<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Spec<'a> {
    min_member: Num,
    #[serde(borrow)]
    queue: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status<'a> {
    #[serde(borrow)]
    phase: Text<'a>,
    running: Num,
    succeeded: Num,
    failed: Num,
    #[serde(borrow)]
    conditions: Conditions<'a>,
}

impl<'a> SlimWire<'a> for GangWire<'a> {
    type Row = GangRow;

    fn row(self) -> Option<GangRow> {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let count = |number: Num| number.count().unwrap_or(0);
        Some(GangRow {
            group: Sym::default(),
            namespace: meta.namespace_sym(),
            name: meta.name(),
            owner: meta.controller().map(|owner| owner.uid),
            phase: Sym::new(status.phase.as_str()),
            least: count(spec.min_member),
            queue: sym(&spec.queue),
            pods: [count(status.running), count(status.succeeded), count(status.failed)],
            conditions: parts::conditions(&status.conditions),
        })
    }
}
