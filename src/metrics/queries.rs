//! The questions: one a metric and job, whatever the number of its pods and whichever way the GPUs' exporter is scraped.
//!
//! Owns `PromQL`, but no names of series and labels of GPUs ([`Maker`]).

use std::{collections::BTreeMap, fmt::Write as _};

use super::makers::{MIB, Maker, selector};
use crate::jobs::{Name, usage::Metric};

/// What a value of DCGM that it does not know is above: its sentinel is 2⁶³ and a bit less.
const UNKNOWN: &str = "9e18";

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

impl Of {
    /// These pods of a namespace.
    pub(super) fn new<'n>(namespace: &Name, pods: impl IntoIterator<Item = &'n Name>) -> Self {
        Self { namespace: quotable(namespace.as_str()), pods: pattern(pods) }
    }

    /// A series of a GPU exporter, under `pod` in whichever way, without values that mean «not known».
    fn gpu(&self, maker: Maker, series: &str) -> String {
        self.either(maker, |labels| format!("{} < {UNKNOWN}", selector(series, labels)))
    }

    /// The rate of a counter of a GPU exporter, under `pod` in whichever way.
    fn gpu_rate(&self, maker: Maker, series: &str, window: u32) -> String {
        self.either(maker, |labels| format!("rate({}[{window}s])", selector(series, labels)))
    }

    fn either(&self, maker: Maker, of: impl Fn(&str) -> String) -> String {
        let Self { namespace, pods } = self;
        let one = |(space, pod): &(&str, &str)| {
            let found = of(&format!("{space}=\"{namespace}\",{pod}=~\"{pods}\""));
            if *pod == "pod" { found } else { format!("label_replace({found},\"pod\",\"$1\",\"{pod}\",\"(.+)\")") }
        };
        maker.names().iter().map(one).collect::<Vec<_>>().join(" or ")
    }

    /// The sum over a pod's GPUs, each of which counts once, whoever else tells of it: a second scrape under another
    /// `instance`, or an exporter that says `hostname` where it said `Hostname` before.
    fn each(&self, maker: Maker, by: &str, series: &str) -> String {
        format!("sum by (pod) (max by (pod,{by}) ({}))", self.gpu(maker, series))
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
        let sum = |series: &str| self.each(maker, maker.part(), series);
        let highest = |series: &str| format!("max by (pod) ({})", self.gpu(maker, series));
        let one = |metric: Metric, of: &dyn Fn(&str) -> String| {
            maker.series(metric).map(|(series, factor)| times(metric, of(series), factor))
        };
        let total = match maker {
            // There is no total among the default series.
            Maker::Nvidia => Some(times(
                Metric::GpuMemoryTotal,
                format!("{} + {}", sum("DCGM_FI_DEV_FB_USED"), sum("DCGM_FI_DEV_FB_FREE")),
                MIB,
            )),
            Maker::Amd | Maker::Gaudi => one(Metric::GpuMemoryTotal, &sum),
        };
        // Nanoseconds a second; not among the default series.
        let throttle = |series: &str| format!("max by (pod) ({})", self.gpu_rate(maker, series, window));
        let all = [
            Some(plain(Metric::Gpu, format!("avg by (pod) (max by (pod,{}) ({}))", maker.part(), self.work(maker)))),
            one(Metric::GpuMemory, &sum),
            total,
            // Of the parts of a GPU each tells what the whole one draws.
            one(Metric::Power, &|series| self.each(maker, maker.whole(), series)),
            one(Metric::Temperature, &highest),
            one(Metric::Xid, &highest),
            one(Metric::Throttle, &throttle),
        ];
        all.into_iter().flatten().collect()
    }

    /// Utilisation of each GPU or part of one.
    fn work(&self, maker: Maker) -> String {
        let sign = self.gpu(maker, maker.sign());
        match maker {
            // Under MIG there is no utilisation, but how long the engine was at work.
            Maker::Nvidia => format!("({sign}) or 100 * ({})", self.gpu(maker, "DCGM_FI_PROF_GR_ENGINE_ACTIVE")),
            Maker::Amd | Maker::Gaudi => sign,
        }
    }

    /// A metric of each GPU, or part of one, apart; `None` for what is not told of each.
    pub(super) fn apart(&self, maker: Maker, metric: Metric) -> Option<Query> {
        let profile = maker.profile().map(|label| format!(",{label}")).unwrap_or_default();
        let (inner, factor) = match metric {
            Metric::Gpu => (self.work(maker), 1.0),
            Metric::GpuMemory | Metric::Power | Metric::Temperature => {
                let (series, factor) = maker.series(metric)?;
                (self.gpu(maker, series), factor)
            }
            _ => return None,
        };
        Some(times(metric, format!("max by ({}{profile}) ({inner})", maker.part()), factor))
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
    let mut heads: BTreeMap<Option<&str>, Vec<&str>> = BTreeMap::new();
    for pod in pods {
        let (head, tail) =
            pod.as_str().rsplit_once('-').map_or((None, pod.as_str()), |(head, tail)| (Some(head), tail));
        heads.entry(head).or_default().push(tail);
    }
    let mut out = String::new();
    for (head, mut tails) in heads {
        tails.sort_unstable();
        tails.dedup();
        let tails: Vec<String> = tails.iter().map(|tail| literal(tail)).collect();
        let bar = if out.is_empty() { "" } else { "|" };
        let head = head.map(|head| format!("{}-", literal(head))).unwrap_or_default();
        let tails = if let [only] = tails.as_slice() { only.clone() } else { format!("({})", tails.join("|")) };
        // Writing to a String does not fail.
        let _ = write!(out, "{bar}{head}{tails}");
    }
    out
}

/// A name as an expression that matches it, for between quotes. Of the characters of a real one only the dot means
/// something; a hostile cluster may send others.
fn literal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '.' => out.push_str("[.]"),
            '\\' | '(' | ')' | '[' | ']' | '{' | '}' | '*' | '+' | '?' | '|' | '^' | '$' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    quotable(&out)
}

/// Text for between quotes: it can't end them.
pub(super) fn quotable(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
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
            all in proptest::collection::vec("[a-z0-9]([-a-z0-9.]{0,6}[a-z0-9])?|[!-~]{1,8}", 1..8),
            other in "[-a-z0-9.]{1,8}|[!-~]{1,3}",
        ) {
            let all: Vec<Name> = all.iter().map(|text| Name::lossy(text)).collect();
            // Read as PromQL reads it: nothing ends the quotes too early.
            let selector = format!("up{{namespace=\"{}\",pod=~\"{}\"}}", quotable(&other), pattern(&all));
            let read = promql_parser::parser::parse(&selector).map_err(TestCaseError::fail)?;
            let promql_parser::parser::Expr::VectorSelector(read) = read else { panic!("{selector}") };
            prop_assert_eq!(read.matchers.matchers.len(), 2);
            prop_assert_eq!(&read.matchers.matchers[0].value, &other);
            let anchored = Regex::new(&format!("^(?:{})$", read.matchers.matchers[1].value)).expect("an expression");
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
    fn amd_gpus_are_found_with_and_without_a_prefix_and_gaudis_by_the_names_of_their_exporter() {
        let of = Of::new(&Name::lossy("nlp"), &names(&["t-0"]));
        let ask = |maker, metric| {
            let all = of.all(Some(maker), 15);
            let query = all.into_iter().find(|query| query.metric == metric).expect("asked");
            (query.promql, query.factor)
        };
        let (power, factor) = ask(Maker::Amd, Metric::Power);
        assert_eq!(
            (power.as_str(), factor),
            (
                "sum by (pod) (max by (pod,gpu_id) (label_replace({__name__=~\"(amd_)?gpu_(average_)?package_power\",\
                 exported_namespace=\"nlp\",exported_pod=~\"t-0\"} < 9e18,\"pod\",\"$1\",\"exported_pod\",\"(.+)\") or \
                 {__name__=~\"(amd_)?gpu_(average_)?package_power\",namespace=\"nlp\",pod=~\"t-0\"} < 9e18))",
                1.0
            )
        );
        let (power, factor) = ask(Maker::Gaudi, Metric::Power);
        let own = "label_replace(habanalabs_power_mW{pod_namespace=\"nlp\",pod_name=~\"t-0\"} < 9e18,\"pod\",\"$1\",\"pod_name\",\"(.+)\")";
        assert!(power.starts_with(&format!("sum by (pod) (max by (pod,id) ({own} or ")), "{power}");
        assert!((factor - 0.001).abs() < 1e-12);
    }

    #[test]
    fn gpus_are_asked_for_apart_with_the_names_of_their_parts() {
        let of = Of::new(&Name::lossy("nlp"), &names(&["t-0"]));
        let ask = |maker, metric| of.apart(maker, metric).map(|query| (query.promql, query.factor));
        let (memory, factor) = ask(Maker::Nvidia, Metric::GpuMemory).expect("asked");
        assert!(
            memory.starts_with("max by (gpu,GPU_I_ID,GPU_I_PROFILE) (label_replace(DCGM_FI_DEV_FB_USED{"),
            "{memory}"
        );
        assert!((factor - MIB).abs() < 1.0);
        for maker in Maker::ALL {
            let told = Metric::ALL.into_iter().filter(|metric| ask(maker, *metric).is_some());
            assert_eq!(told.collect::<Vec<_>>(), &Metric::SHOWN[..4], "{maker:?}");
        }
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
}
