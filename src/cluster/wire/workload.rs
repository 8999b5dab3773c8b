//! Kueue's Workloads, alike in v1beta1 and v1beta2 as far as we read them.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{Flag, Num, Obj, Text},
    parts::{self, Conditions, Meta, sym},
};
use crate::jobs::{
    row::WorkloadRow,
    text::{Sym, Uid},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WorkloadWire<'a> {
    #[serde(borrow)]
    pub(super) metadata: Obj<Meta<'a, IgnoredAny>>,
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
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status<'a> {
    #[serde(borrow)]
    conditions: Conditions<'a>,
    #[serde(borrow)]
    admission: Obj<Admission<'a>>,
    requeue_state: Obj<Requeue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Admission<'a> {
    #[serde(borrow)]
    cluster_queue: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Requeue {
    count: Num,
}

impl WorkloadWire<'_> {
    pub(super) fn row(self) -> WorkloadRow {
        let Self { metadata: Obj(meta), spec: Obj(spec), status: Obj(status) } = self;
        let labelled = meta.labels.text("kueue.x-k8s.io/job-uid").map(Uid::new);
        WorkloadRow {
            namespace: meta.namespace_sym(),
            name: meta.name(),
            uid: meta.uid(),
            created: meta.created(),
            job_uid: labelled.or_else(|| meta.controller().map(|o| o.uid)),
            queue: Sym::new(spec.queue_name.as_str()),
            cluster_queue: sym(&status.admission.0.cluster_queue),
            active: spec.active.0.unwrap_or(true),
            priority: spec.priority.0.unwrap_or(0),
            conditions: parts::conditions(&status.conditions),
            requeues: status.requeue_state.0.count.count().unwrap_or(0),
        }
    }
}
