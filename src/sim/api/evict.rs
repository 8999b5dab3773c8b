//! The `eviction` subresource: a deletion that disruption budgets may refuse.

use serde_json::{Value, json};

use super::{Admitted, Reply, Server, reply};
use crate::sim::store::resource::{BUDGETS, PODS};
use crate::sim::store::{DeleteOptions, Obj, Part, Refusal, Selector};

impl Server {
    /// Answers an eviction.
    pub(super) fn evict(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let pod = self.store.get(&PODS, &asked.namespace, &asked.name)?;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let meta = &body["metadata"];
        if meta["namespace"].as_str().is_some_and(|namespace| !namespace.is_empty() && namespace != asked.namespace) {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(Refusal::bad_request(why));
        }
        if meta["name"] != asked.name.as_str() {
            return Err(Refusal::bad_request("name in URL does not match name in Eviction object"));
        }
        let options = &body["deleteOptions"];
        let over = matches!(pod.field(&PODS, "status.phase"), Some("Succeeded" | "Failed" | "Pending"));
        if !over {
            self.within_budget(&pod)?;
        }
        let text = |at: &str| options.pointer(at).and_then(Value::as_str).map(str::to_owned);
        let options = DeleteOptions {
            grace: options["gracePeriodSeconds"].as_i64(),
            uid: text("/preconditions/uid"),
            version: text("/preconditions/resourceVersion"),
            dry_run: request.query.get("dryRun") == "All" || options["dryRun"][0] == "All",
            ..DeleteOptions::default()
        };
        let condition = json!({"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
            "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": self.store.clock().stamp()});
        let is_meant = options.uid.as_ref().is_none_or(|uid| *uid == pod.uid) && options.version.is_none();
        if is_meant && !options.dry_run {
            self.store.modify(&PODS, &asked.namespace, &asked.name, Part::Status, |pod| {
                let mut conditions = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
                conditions.push(condition);
                pod["status"]["conditions"] = Value::Array(conditions);
            })?;
        }
        self.store.delete(&PODS, &asked.namespace, &asked.name, &options)?;
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
        Ok(reply::value(201, &status))
    }

    /// 429 if a budget of the namespace has no room for it.
    fn within_budget(&self, pod: &Obj) -> Result<(), Refusal> {
        for budget in self.store.list(&BUDGETS, Some(&pod.namespace), &Selector::default()).items {
            let tree = budget.value();
            let Ok(selector) = Selector::of_manifest(&PODS, &tree["spec"]["selector"]) else { continue };
            if !selector.matches(&PODS, pod) {
                continue;
            }
            let all = self.store.list(&PODS, Some(&pod.namespace), &selector).items;
            let healthy = all.iter().filter(|pod| is_ready(&pod.value())).count();
            let needed = needed(&tree["spec"], all.len());
            if healthy <= needed {
                return Err(refusal(&budget.name, needed, healthy));
            }
        }
        Ok(())
    }
}

fn refusal(budget: &str, needed: usize, healthy: usize) -> Refusal {
    let said = format!("The disruption budget {budget} needs {needed} healthy pods and has {healthy} currently");
    let details = json!({"causes": [{"reason": "DisruptionBudget", "message": said}]});
    let message = "Cannot evict pod as it would violate the pod's disruption budget.";
    Refusal { details, ..Refusal::new(429, "TooManyRequests", message) }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    pod["metadata"]["deletionTimestamp"].is_null()
        && conditions.into_iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// How many of `all` pods a budget wants to be ready.
fn needed(spec: &Value, all: usize) -> usize {
    let share = |value: &Value| -> Option<usize> {
        match value {
            Value::String(text) => {
                let percent: usize = text.strip_suffix('%')?.parse().ok()?;
                Some((all * percent).div_ceil(100))
            }
            other => other.as_u64().and_then(|n| usize::try_from(n).ok()),
        }
    };
    let unavailable = share(&spec["maxUnavailable"]).map(|n| all.saturating_sub(n));
    share(&spec["minAvailable"]).or(unavailable).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_count_in_pods_or_percent() {
        for (spec, expected) in [
            (json!({"minAvailable": 2}), 2),
            (json!({"minAvailable": "50%"}), 2),
            (json!({"maxUnavailable": 1}), 2),
            (json!({"maxUnavailable": "100%"}), 0),
            (json!({}), 0),
        ] {
            assert_eq!(needed(&spec, 3), expected, "{spec}");
        }
    }
}
