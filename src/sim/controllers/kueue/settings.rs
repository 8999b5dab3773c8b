//! Kueue's own configuration, as far as it is played: how long pods may take to become ready.

use serde::Deserialize;

use crate::sim::store::{Store, resource::CONFIGMAPS};

/// Waiting for pods, and how often and how late a Workload that was sent away comes back.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PodsReady {
    pub(super) timeout: f64,
    pub(super) limit: Option<i64>,
    pub(super) base: f64,
    pub(super) most: f64,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    wait_for_pods_ready: Option<Wait>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Wait {
    enable: Option<bool>,
    timeout: String,
    requeuing_strategy: Strategy,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Strategy {
    #[serde(rename = "backoffLimitCount")]
    limit: Option<i64>,
    #[serde(rename = "backoffBaseSeconds")]
    base: Option<f64>,
    #[serde(rename = "backoffMaxSeconds")]
    most: Option<f64>,
}

/// Seconds of a duration as Go writes it: `5m`, `1h30m`, `90s`.
fn seconds(text: &str) -> Option<f64> {
    let duration: jiff::SignedDuration = text.parse().ok()?;
    Some(duration.as_secs_f64()).filter(|s| *s > 0.0)
}

fn parse(text: &str) -> Option<PodsReady> {
    // What cannot be read is not played; the real one would not start.
    let wait = serde_saphyr::from_str::<File>(text).ok()?.wait_for_pods_ready?;
    let strategy = wait.requeuing_strategy;
    (wait.enable != Some(false)).then(|| PodsReady {
        timeout: seconds(&wait.timeout).unwrap_or(300.0),
        limit: strategy.limit,
        base: strategy.base.unwrap_or(60.0),
        most: strategy.most.unwrap_or(3600.0),
    })
}

/// What `kueue-manager-config` says of `waitForPodsReady`; `None`: they are not waited for.
pub(super) fn pods_ready(store: &Store) -> Option<PodsReady> {
    let config = store.get(&CONFIGMAPS, "kueue-system", "kueue-manager-config").ok()?.value();
    parse(config["data"]["controller_manager_config.yaml"].as_str()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_reads_as_kueue_writes_it() {
        let text = "apiVersion: config.kueue.x-k8s.io/v1beta2\nkind: Configuration\nwaitForPodsReady:\n  timeout: 1m30s\n  requeuingStrategy:\n    backoffLimitCount: 2\n    backoffBaseSeconds: 10\n";
        let wanted = PodsReady { timeout: 90.0, limit: Some(2), base: 10.0, most: 3600.0 };
        assert_eq!(parse(text), Some(wanted));
        assert_eq!(parse("waitForPodsReady: {enable: false}"), None);
        assert_eq!(parse("manageJobsWithoutQueueName: false"), None);
    }
}
