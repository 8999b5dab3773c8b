//! Parts that several kinds of object share: metadata, conditions, pod templates, amounts.

use serde::Deserialize;

use super::lenient::{Entries, Flag, List, Obj, Pairs, Scalar, Text};
use crate::jobs::{
    amounts::is_accelerator,
    quantity,
    row::{Condition, Owner, Requests, Truth},
    text::{Clean, Name, Sym, Uid},
    time::Secs,
};

/// `metadata`; annotations are read only by those who ask for them, being long and full of escapes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", bound(deserialize = "A: Deserialize<'de> + Default, 'de: 'a"))]
pub(super) struct Meta<'a, A> {
    pub(super) name: Text<'a>,
    pub(super) namespace: Text<'a>,
    pub(super) uid: Text<'a>,
    pub(super) resource_version: Text<'a>,
    pub(super) creation_timestamp: Text<'a>,
    pub(super) deletion_timestamp: Text<'a>,
    pub(super) labels: Pairs<'a>,
    pub(super) annotations: A,
    pub(super) owner_references: List<Obj<OwnerWire<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerWire<'a> {
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
    controller: Flag,
}

impl<A> Meta<'_, A> {
    pub(super) fn name(&self) -> Name {
        name(self.name.as_str())
    }

    pub(super) fn namespace(&self) -> Name {
        name(self.namespace.as_str())
    }

    pub(super) fn namespace_sym(&self) -> Sym {
        Sym::new(self.namespace.as_str())
    }

    /// The uid, or what must stand in for one.
    pub(super) fn uid(&self) -> Uid {
        match self.uid.some() {
            Some(uid) => Uid::new(uid),
            None => Uid::Other(format!("{}/{}", self.namespace.as_str(), self.name()).into()),
        }
    }

    pub(super) fn created(&self) -> Secs {
        time(&self.creation_timestamp).unwrap_or_default()
    }

    pub(super) fn deleting(&self) -> Option<Secs> {
        time(&self.deletion_timestamp)
    }

    pub(super) fn controller(&self) -> Option<Owner> {
        let found = self.owner_references.0.iter().find(|o| o.0.controller.0 == Some(true))?;
        Some(Owner {
            kind: Sym::new(found.0.kind.as_str()),
            name: name(found.0.name.as_str()),
            uid: Uid::new(found.0.uid.as_str()),
        })
    }
}

/// A name to show even if it can't be one.
pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|| Name::lossy(if text.is_empty() { "?" } else { text }))
}

pub(super) fn time(text: &Text<'_>) -> Option<Secs> {
    Secs::parse(text.some()?)
}

pub(super) fn sym(text: &Text<'_>) -> Option<Sym> {
    text.some().map(Sym::new)
}

pub(super) fn clean(text: &Text<'_>) -> Clean {
    Clean::new(text.as_str())
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ConditionWire<'a> {
    #[serde(borrow)]
    pub(super) r#type: Text<'a>,
    #[serde(borrow)]
    pub(super) status: Text<'a>,
    #[serde(borrow)]
    pub(super) reason: Text<'a>,
    #[serde(borrow)]
    pub(super) message: Text<'a>,
    #[serde(borrow)]
    pub(super) last_transition_time: Text<'a>,
}

impl ConditionWire<'_> {
    pub(super) fn truth(&self) -> Truth {
        match self.status.as_str() {
            "True" => Truth::True,
            "False" => Truth::False,
            _ => Truth::Unknown,
        }
    }
}

pub(super) type Conditions<'a> = List<Obj<ConditionWire<'a>>>;

pub(super) fn conditions(wire: &Conditions<'_>) -> Box<[Condition]> {
    wire.0
        .iter()
        .map(|Obj(c)| Condition {
            kind: Sym::new(c.r#type.as_str()),
            status: c.truth(),
            reason: Sym::new(c.reason.as_str()),
            message: clean(&c.message),
            since: time(&c.last_transition_time),
        })
        .collect()
}

/// A pod's spec, as much of it as counts.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct PodSpec<'a> {
    #[serde(borrow)]
    pub(super) node_name: Text<'a>,
    #[serde(borrow)]
    pub(super) priority_class_name: Text<'a>,
    #[serde(borrow)]
    pub(super) init_containers: List<Obj<ContainerWire<'a>>>,
    #[serde(borrow)]
    pub(super) containers: List<Obj<ContainerWire<'a>>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerWire<'a> {
    #[serde(borrow)]
    pub(super) name: Text<'a>,
    #[serde(borrow)]
    pub(super) image: Text<'a>,
    #[serde(borrow)]
    pub(super) resources: Obj<Resources<'a>>,
    /// `Always` for a sidecar among the init containers.
    #[serde(borrow)]
    restart_policy: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Resources<'a> {
    #[serde(borrow)]
    limits: Entries<'a, Scalar<'a>>,
    #[serde(borrow)]
    requests: Entries<'a, Scalar<'a>>,
}

impl PodSpec<'_> {
    pub(super) fn requests(&self) -> Requests {
        let mut sum = Requests::default();
        for Obj(container) in &self.containers.0 {
            container.resources.0.add_to(&mut sum);
        }
        for Obj(init) in &self.init_containers.0 {
            init.add_as_init(&mut sum);
        }
        sum.memory_limit = self.containers.0.first().map_or(0, |main| main.0.resources.0.memory_limit());
        sum
    }
}

impl ContainerWire<'_> {
    /// A sidecar runs beside the others; any other init container runs alone, before them.
    fn add_as_init(&self, sum: &mut Requests) {
        let resources = &self.resources.0;
        if self.restart_policy.as_str() == "Always" {
            return resources.add_to(sum);
        }
        let mut own = Requests::default();
        resources.add_to(&mut own);
        sum.cpu_milli = sum.cpu_milli.max(own.cpu_milli);
        sum.memory = sum.memory.max(own.memory);
        if own.gpus > sum.gpus {
            (sum.gpus, sum.gpu_resource) = (own.gpus, own.gpu_resource);
        }
    }
}

impl Resources<'_> {
    fn memory_limit(&self) -> u64 {
        self.limits.find("memory").and_then(|amount| quantity::parse_bytes(&amount.0)).unwrap_or(0)
    }

    /// Requests; for what they are silent on, limits, as the API server defaults it.
    pub(super) fn add_to(&self, sum: &mut Requests) {
        for (resource, amount) in &self.requests.0 {
            add(sum, resource.as_str(), &amount.0);
        }
        for (resource, amount) in &self.limits.0 {
            if self.requests.find(resource.as_str()).is_none() {
                add(sum, resource.as_str(), &amount.0);
            }
        }
    }
}

fn add(sum: &mut Requests, resource: &str, amount: &str) {
    match resource {
        "cpu" => sum.cpu_milli = sum.cpu_milli.saturating_add(quantity::parse_cpu_milli(amount).unwrap_or(0)),
        "memory" => sum.memory = sum.memory.saturating_add(quantity::parse_bytes(amount).unwrap_or(0)),
        other if is_accelerator(other) => {
            let count = quantity::parse_count(amount).unwrap_or(0);
            sum.gpus = sum.gpus.saturating_add(count);
            if count > 0 && sum.gpu_resource.is_none() {
                sum.gpu_resource = Some(Sym::new(other));
            }
        }
        _ => {}
    }
}
