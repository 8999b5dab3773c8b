//! What the pods of one role ask of the cluster.

use std::collections::BTreeMap;

use serde_json::Value;

pub(super) use crate::jobs::amounts::shown;
use crate::jobs::quantity::Quantity;

/// Amounts in thousandths, by resource.
pub type Amounts = BTreeMap<String, u64>;

/// What the pods of a role need.
#[derive(Clone, Debug, PartialEq)]
pub struct Need {
    /// The role's key: `Worker`; of a `TrainJob` the part of its runtime: `node`, `launcher`.
    pub role: String,
    /// How many pods.
    pub pods: u64,
    /// Requests of one; limits stand in for requests that are not there.
    pub requests: Amounts,
    /// Limits of one.
    pub limits: Amounts,
    /// The pod spec, as far as it is known.
    pub spec: Value,
}

/// The need of one role with so many pods of this spec.
pub(super) fn need(role: &str, pods: u64, spec: Value) -> Need {
    let (requests, limits) = (pod(&spec, true), pod(&spec, false));
    Need { role: role.to_owned(), pods, requests, limits, spec }
}

/// Containers run together; an initializer runs alone, unless it stays beside them.
fn pod(spec: &Value, requests: bool) -> Amounts {
    let mut sum = Amounts::new();
    let list = |field: &str| spec[field].as_array().cloned().unwrap_or_default();
    let stays = |c: &Value| c["restartPolicy"] == "Always";
    for container in list("containers").iter().chain(list("initContainers").iter().filter(|c| stays(c))) {
        for (resource, amount) in of_container(container, requests) {
            *sum.entry(resource).or_default() += amount;
        }
    }
    for container in list("initContainers").iter().filter(|c| !stays(c)) {
        for (resource, amount) in of_container(container, requests) {
            let all = sum.entry(resource).or_default();
            *all = (*all).max(amount);
        }
    }
    sum
}

fn of_container(container: &Value, requests: bool) -> Amounts {
    let of = |which: &str| amounts(&container["resources"][which]);
    let mut found = of("limits");
    if requests {
        found.extend(of("requests"));
    }
    found
}

/// A map of quantities in thousandths; what is no amount is left out.
pub(super) fn amounts(map: &Value) -> Amounts {
    let each = map.as_object().into_iter().flatten();
    each.filter_map(|(resource, amount)| Some((resource.clone(), milli(amount)?))).collect()
}

/// An amount in thousandths.
pub(super) fn milli(amount: &Value) -> Option<u64> {
    match amount {
        Value::String(text) => Quantity::parse(text)?.milli(),
        Value::Number(number) => Quantity::parse(&number.to_string())?.milli(),
        _ => None,
    }
}
