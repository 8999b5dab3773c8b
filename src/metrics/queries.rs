//! The questions: one a metric and job, whatever the number of its pods and whichever way the GPUs' exporter is scraped.
//!
//! Owns `PromQL`. A pod's series are found under `pod` and `namespace`, or under `exported_pod` and `exported_namespace`
//! where Prometheus keeps those names for the exporter itself (`honorLabels: false`, the GPU operator's default).

use std::{collections::BTreeMap, fmt::Write as _};

use crate::jobs::{Name, usage::Metric};

/// What a value of DCGM that it does not know is above: its sentinel is 2⁶³ and a bit less.
const UNKNOWN: &str = "9e18";
/// What tells the GPUs of a pod apart, and under MIG their parts: a pod has one host, so that hosts need not be told.
const WHOLE: &str = "(pod,gpu)";
const PART: &str = "(pod,gpu,GPU_I_ID)";
/// Mebibytes in bytes.
const MIB: f64 = 1_048_576.0;

/// Whose numbers are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Of {
    namespace: String,
    pods: String,
}

/// A question: its text, and by what its values are multiplied to be in the metric's unit.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Query {
    pub(super) metric: Metric,
    pub(super) promql: String,
    pub(super) factor: f64,
}

/// Makers of GPUs, by the resource that their pods ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Nvidia,
    Amd,
    Gaudi,
}

impl Maker {
    /// Of a resource name; whoever asks for none is taken for the most usual one.
    pub(super) fn of(resource: &str) -> Self {
        match resource {
            amd if amd.starts_with("amd.com/") => Self::Amd,
            gaudi if gaudi.starts_with("habana.ai/") => Self::Gaudi,
            _ => Self::Nvidia,
        }
    }

    /// The series without which its exporter isn't there.
    pub(super) const fn sign(self) -> &'static str {
        match self {
            Self::Nvidia => "DCGM_FI_DEV_GPU_UTIL",
            Self::Amd => "gpu_gfx_activity",
            Self::Gaudi => "habanalabs_utilization",
        }
    }

    /// What its exporter is called.
    pub(super) const fn exporter(self) -> &'static str {
        match self {
            Self::Nvidia => "DCGM exporter",
            Self::Amd => "AMD device metrics exporter",
            Self::Gaudi => "Gaudi metric exporter",
        }
    }
}

impl Of {
    /// These pods of a namespace.
    pub(super) fn new<'n>(namespace: &Name, pods: impl IntoIterator<Item = &'n Name>) -> Self {
        Self { namespace: namespace.to_string(), pods: pattern(pods) }
    }

    /// A series of a GPU exporter, under `pod` in either way, without values that mean «not known».
    fn gpu(&self, series: &str) -> String {
        let Self { namespace, pods } = self;
        format!(
            "label_replace({series}{{exported_namespace=\"{namespace}\",exported_pod=~\"{pods}\"}} < {UNKNOWN},\
             \"pod\",\"$1\",\"exported_pod\",\"(.+)\") or {series}{{namespace=\"{namespace}\",pod=~\"{pods}\"}} < {UNKNOWN}"
        )
    }

    /// The sum over a pod's GPUs, each of which counts once, whoever else tells of it: a second scrape under another
    /// `instance`, or an exporter that says `hostname` where it said `Hostname` before.
    fn each(&self, by: &str, series: &str) -> String {
        format!("sum by (pod) (max by {by} ({}))", self.gpu(series))
    }

    /// The rate of a counter of a GPU exporter, under `pod` in either way.
    fn gpu_rate(&self, series: &str, window: u32) -> String {
        let Self { namespace, pods } = self;
        format!(
            "label_replace(rate({series}{{exported_namespace=\"{namespace}\",exported_pod=~\"{pods}\"}}[{window}s]),\
             \"pod\",\"$1\",\"exported_pod\",\"(.+)\") or rate({series}{{namespace=\"{namespace}\",pod=~\"{pods}\"}}[{window}s])"
        )
    }

    /// A series of the kubelet's about containers.
    fn container(&self, series: &str) -> String {
        let Self { namespace, pods } = self;
        format!("{series}{{namespace=\"{namespace}\",pod=~\"{pods}\",container!=\"\",container!=\"POD\"}}")
    }

    /// A series of the kubelet's about pods.
    fn pod(&self, series: &str) -> String {
        let Self { namespace, pods } = self;
        format!("{series}{{namespace=\"{namespace}\",pod=~\"{pods}\"}}")
    }

    /// Everything that is asked of a job with GPUs of this maker (`None` for one without) over steps of this many seconds.
    pub(super) fn all(&self, maker: Option<Maker>, step: u32) -> Vec<Query> {
        // Four scrapes at the usual interval; and no sample between two steps is left out.
        let window = step.max(120);
        let mut out = maker.map_or_else(Vec::new, |maker| self.gpus(maker, window));
        let rate = |selector: String| format!("sum by (pod) (rate({selector}[{window}s]))");
        out.extend([
            plain(Metric::Cpu, rate(self.container("container_cpu_usage_seconds_total"))),
            plain(Metric::Memory, format!("sum by (pod) ({})", self.container("container_memory_working_set_bytes"))),
            plain(Metric::NetIn, rate(self.pod("container_network_receive_bytes_total"))),
            plain(Metric::NetOut, rate(self.pod("container_network_transmit_bytes_total"))),
        ]);
        out
    }

    fn gpus(&self, maker: Maker, window: u32) -> Vec<Query> {
        let by = |how: &str, series: &str| format!("{how} by (pod) ({})", self.gpu(series));
        match maker {
            Maker::Nvidia => vec![
                // Under MIG there is no utilisation, but how long the engine was at work.
                plain(
                    Metric::Gpu,
                    format!(
                        "avg by (pod) (max by {PART} (({}) or 100 * ({})))",
                        self.gpu("DCGM_FI_DEV_GPU_UTIL"),
                        self.gpu("DCGM_FI_PROF_GR_ENGINE_ACTIVE")
                    ),
                ),
                times(Metric::GpuMemory, self.each(PART, "DCGM_FI_DEV_FB_USED"), MIB),
                // There is no total among the default series.
                times(
                    Metric::GpuMemoryTotal,
                    format!("{} + {}", self.each(PART, "DCGM_FI_DEV_FB_USED"), self.each(PART, "DCGM_FI_DEV_FB_FREE")),
                    MIB,
                ),
                // Of the parts of a GPU each tells what the whole one draws.
                plain(Metric::Power, self.each(WHOLE, "DCGM_FI_DEV_POWER_USAGE")),
                plain(Metric::Temperature, by("max", "DCGM_FI_DEV_GPU_TEMP")),
                plain(Metric::Xid, by("max", "DCGM_FI_DEV_XID_ERRORS")),
                // Nanoseconds a second; not among the default series.
                times(
                    Metric::Throttle,
                    format!("max by (pod) ({})", self.gpu_rate("DCGM_FI_DEV_THERMAL_VIOLATION", window)),
                    1e-9,
                ),
            ],
            Maker::Amd => vec![
                plain(Metric::Gpu, by("avg", "gpu_gfx_activity")),
                times(Metric::GpuMemory, by("sum", "gpu_used_vram"), MIB),
                times(Metric::GpuMemoryTotal, by("sum", "gpu_total_vram"), MIB),
                plain(Metric::Power, by("sum", "gpu_package_power")),
                plain(Metric::Temperature, by("max", "gpu_junction_temperature")),
            ],
            Maker::Gaudi => vec![
                plain(Metric::Gpu, by("avg", "habanalabs_utilization")),
                plain(Metric::GpuMemory, by("sum", "habanalabs_memory_used_bytes")),
                plain(Metric::GpuMemoryTotal, by("sum", "habanalabs_memory_total_bytes")),
                times(Metric::Power, by("sum", "habanalabs_power_mW"), 0.001),
                plain(Metric::Temperature, by("max", "habanalabs_temperature_onchip")),
            ],
        }
    }
}

fn plain(metric: Metric, promql: String) -> Query {
    times(metric, promql, 1.0)
}

fn times(metric: Metric, promql: String, factor: f64) -> Query {
    Query { metric, promql, factor }
}

/// These names and no others as one expression. `PromQL` anchors it; what names begin with alike is written once.
fn pattern<'n>(pods: impl IntoIterator<Item = &'n Name>) -> String {
    let mut heads: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for pod in pods {
        let (head, tail) = pod.as_str().rsplit_once('-').map_or(("", pod.as_str()), |(head, tail)| (head, tail));
        heads.entry(head).or_default().push(tail);
    }
    let mut out = String::new();
    for (head, mut tails) in heads {
        tails.sort_unstable();
        tails.dedup();
        let tails: Vec<String> = tails.iter().map(|tail| literal(tail)).collect();
        let bar = if out.is_empty() { "" } else { "|" };
        let dash = if head.is_empty() { "" } else { "-" };
        let tails = if let [only] = tails.as_slice() { only.clone() } else { format!("({})", tails.join("|")) };
        // Writing to a String does not fail.
        let _ = write!(out, "{bar}{}{dash}{tails}", literal(head));
    }
    out
}

/// A name as an expression that matches it: of its characters only the dot means something.
fn literal(text: &str) -> String {
    text.replace('.', "[.]")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use regex::Regex;

    use super::*;

    fn names(texts: &[&str]) -> Vec<Name> {
        texts.iter().map(|text| Name::lossy(text)).collect()
    }

    #[test]
    fn names_are_written_once_for_what_they_begin_with() {
        let all = names(&["train-worker-0", "train-worker-10", "train-launcher-x7k2p", "a.b"]);
        assert_eq!(pattern(&all), "a[.]b|train-launcher-x7k2p|train-worker-(0|10)");
        let many: Vec<Name> = (0..1_000).map(|i| Name::lossy(&format!("train-worker-{i}"))).collect();
        assert!(pattern(&many).len() < 4_000, "a thousand workers fit into an address");
    }

    proptest! {
        #[test]
        fn a_pattern_is_these_names_and_no_others(
            all in proptest::collection::vec("[a-z0-9]([-a-z0-9.]{0,6}[a-z0-9])?", 1..8), other in "[-a-z0-9.]{1,8}",
        ) {
            let all: Vec<Name> = all.iter().map(|text| Name::lossy(text)).collect();
            let anchored = Regex::new(&format!("^(?:{})$", pattern(&all))).expect("an expression");
            for name in &all {
                prop_assert!(anchored.is_match(name.as_str()), "{}", name);
            }
            prop_assert_eq!(anchored.is_match(&other), all.iter().any(|name| name.as_str() == other));
        }
    }

    #[test]
    fn a_gpu_is_found_under_either_name() {
        let of = Of::new(&Name::lossy("nlp"), &names(&["t-0", "t-1"]));
        let queries = of.all(Some(Maker::Nvidia), 15);
        let memory = &queries.iter().find(|query| query.metric == Metric::GpuMemory).expect("asked").promql;
        assert_eq!(
            memory,
            "sum by (pod) (max by (pod,gpu,GPU_I_ID) (label_replace(DCGM_FI_DEV_FB_USED{exported_namespace=\"nlp\",\
             exported_pod=~\"t-(0|1)\"} < 9e18,\"pod\",\"$1\",\"exported_pod\",\"(.+)\") or \
             DCGM_FI_DEV_FB_USED{namespace=\"nlp\",pod=~\"t-(0|1)\"} < 9e18))"
        );
    }

    #[test]
    fn each_metric_is_asked_for_once_and_gpus_only_where_there_are_some() {
        let of = Of::new(&Name::lossy("nlp"), &names(&["t-0"]));
        for maker in [None, Some(Maker::Nvidia), Some(Maker::Amd), Some(Maker::Gaudi)] {
            let mut metrics: Vec<Metric> = of.all(maker, 15).into_iter().map(|query| query.metric).collect();
            let count = metrics.len();
            metrics.sort_unstable();
            metrics.dedup();
            assert_eq!(metrics.len(), count);
            assert_eq!(metrics.iter().any(|metric| metric.is_of_gpus()), maker.is_some());
            let missing: Vec<_> = Metric::SHOWN.iter().filter(|metric| !metrics.contains(metric)).collect();
            assert_eq!(missing.len(), if maker.is_some() { 0 } else { 4 }, "{missing:?}");
        }
    }

    #[test]
    fn a_rate_looks_back_as_far_as_a_step() {
        let of = Of::new(&Name::lossy("nlp"), &names(&["t-0"]));
        let cpu = |step| of.all(None, step).remove(0).promql;
        assert!(cpu(15).ends_with("[120s]))") && cpu(1_800).ends_with("[1800s]))"), "{}", cpu(15));
    }

    #[test]
    fn makers_are_known_by_their_resources() {
        let makers = ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu", "habana.ai/gaudi", ""].map(Maker::of);
        assert_eq!(makers, [Maker::Nvidia, Maker::Nvidia, Maker::Amd, Maker::Gaudi, Maker::Nvidia]);
    }
}
