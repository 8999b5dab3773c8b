//! Kueue's own configuration, as far as it is played: how long pods may take to become ready, whether queues share fairly.

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

/// When one queue may send away another's, by their shares.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(super) enum Rule {
    /// Its own, with the newcomer, is no larger than the other's would be after.
    #[serde(rename = "LessThanOrEqualToFinalShare")]
    FinalShare,
    /// Its own, with the newcomer, is smaller than the other's is now.
    #[serde(rename = "LessThanInitialShare")]
    InitialShare,
}

/// What is played of the whole.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Settings {
    /// `None`: pods are not waited for.
    pub(super) pods_ready: Option<PodsReady>,
    /// `None`: queues do not share fairly.
    pub(super) fair: Option<Vec<Rule>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    wait_for_pods_ready: Option<Wait>,
    fair_sharing: Option<Fair>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Fair {
    enable: Option<bool>,
    preemption_strategies: Vec<Rule>,
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

fn parse(text: &str) -> Settings {
    // What cannot be read is not played; the real one would not start.
    let file: File = serde_saphyr::from_str(text).unwrap_or_default();
    let wait = |wait: Wait| {
        let strategy = wait.requeuing_strategy;
        PodsReady {
            timeout: seconds(&wait.timeout).unwrap_or(300.0),
            limit: strategy.limit,
            base: strategy.base.unwrap_or(60.0),
            most: strategy.most.unwrap_or(3600.0),
        }
    };
    let fair = |fair: Fair| match fair.preemption_strategies {
        rules if rules.is_empty() => vec![Rule::FinalShare, Rule::InitialShare],
        rules => rules,
    };
    Settings {
        pods_ready: file.wait_for_pods_ready.filter(|wait| wait.enable != Some(false)).map(wait),
        fair: file.fair_sharing.filter(|fair| fair.enable != Some(false)).map(fair),
    }
}

/// What `kueue-manager-config` says.
pub(super) fn read(store: &Store) -> Settings {
    let config = store.get(&CONFIGMAPS, "kueue-system", "kueue-manager-config").map(|config| config.value());
    let text = config.as_ref().ok().and_then(|config| config["data"]["controller_manager_config.yaml"].as_str());
    text.map(parse).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_reads_as_kueue_writes_it() {
        let text = "apiVersion: config.kueue.x-k8s.io/v1beta2\nkind: Configuration\nwaitForPodsReady:\n  timeout: 1m30s\n  requeuingStrategy:\n    backoffLimitCount: 2\n    backoffBaseSeconds: 10\n";
        let wanted = PodsReady { timeout: 90.0, limit: Some(2), base: 10.0, most: 3600.0 };
        assert_eq!(parse(text), Settings { pods_ready: Some(wanted), fair: None });
        assert_eq!(parse("waitForPodsReady: {enable: false}\nfairSharing: {enable: false}"), Settings::default());
        assert_eq!(parse("manageJobsWithoutQueueName: false"), Settings::default());
        let rules = vec![Rule::FinalShare, Rule::InitialShare];
        assert_eq!(parse("fairSharing: {}").fair.as_ref(), Some(&rules));
        assert_eq!(parse("fairSharing: {preemptionStrategies: [LessThanInitialShare]}").fair, Some(vec![rules[1]]));
    }
}
