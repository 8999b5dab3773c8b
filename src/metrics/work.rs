//! How busy the GPUs of a whole cluster are: one question for all of them, whose answer has a few numbers a model.

use futures::future::join_all;

use super::{
    answer::Row,
    diagnose,
    makers::{Maker, held, of_pods, selector},
    source::{Prometheus, Source},
};
use crate::{
    cluster::Problem,
    jobs::{
        Clean, Name, Secs, Sym,
        capacity::{Busy, Work},
        usage::flags::IDLE_BELOW,
    },
};

/// Namespaces that a tenant's Prometheus is asked about at most.
const MOST: usize = 16;
const DOING: &str = "ask how busy the GPUs are";

/// Why it is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    /// In words, and what to do.
    pub why: Clean,
    /// The source did not answer, rather than that there is nothing to be known.
    pub has_failed: bool,
}

impl Unknown {
    fn new(why: &str) -> Self {
        Self { why: Clean::new(why), has_failed: false }
    }
}

/// What GPUs that pods hold do now, of the whole cluster; where each question has to name a namespace, of these. `offered`:
/// the accelerators that nodes have, as far as they are known.
pub async fn work(source: &Source, namespaces: &[Name], offered: &[Sym], now: Secs) -> Result<Work, Unknown> {
    let from = match source {
        Source::Prometheus(from) => from,
        Source::MetricsServer => return Err(Unknown::new("metrics.k8s.io knows CPU and memory only")),
        Source::Nothing => return Err(Unknown::new("no Prometheus was found; set its address (docs/metrics.md)")),
    };
    if from.tenancy && namespaces.is_empty() {
        let why = format!("{} wants a namespace in each question. Choose those to look at (:session.scope)", from.name);
        return Err(Unknown::new(&why));
    }
    let (work, failed) = from.work(namespaces, now).await;
    if work.all().measured > 0 {
        return Ok(work);
    }
    if let Some(problem) = failed {
        let has_failed = work.places.is_none_or(|(answered, _)| answered == 0);
        return Err(Unknown { why: Clean::new(&format!("{problem} {}", problem.hint)), has_failed });
    }
    let makers = makers(offered);
    if let (true, Some(other)) = (makers.is_empty(), offered.first()) {
        return Err(Unknown::new(&format!("no exporter is known for {other}")));
    }
    let makers = if makers.is_empty() { Maker::ALL.to_vec() } else { makers };
    let nowhere = namespaces.first().cloned().unwrap_or_default();
    let lack = diagnose::held_gpus(from, &nowhere, &makers, now).await;
    Err(Unknown::new(&format!("{}. {}", lack.why, lack.hint)))
}

/// Who made these, each once.
fn makers(offered: &[Sym]) -> Vec<Maker> {
    let is_there = |maker: &Maker| offered.iter().any(|resource| Maker::known(resource.as_str()) == Some(*maker));
    Maker::ALL.into_iter().filter(is_there).collect()
}

impl Prometheus {
    /// What could be read, and why something could not.
    async fn work(&self, namespaces: &[Name], now: Secs) -> (Work, Option<Problem>) {
        let promql = question();
        let everywhere = [Name::default()];
        let asked = if self.tenancy { &namespaces[..namespaces.len().min(MOST)] } else { &everywhere };
        let (mut work, mut failed, mut answered) = (Work::new(now), None, 0);
        let questions = asked.iter().map(|namespace| self.instant(namespace, &promql, now, DOING));
        for answer in join_all(questions).await {
            match answer {
                Ok(rows) => {
                    for row in &rows {
                        take(&mut work, row);
                    }
                    answered += 1;
                }
                Err(problem) => failed = failed.or(Some(problem)),
            }
        }
        work.places = self.tenancy.then_some((answered, namespaces.len()));
        (work, failed)
    }
}

/// The sum of utilisations and the number of GPUs, each by model, and those that are idle by model and pod: told apart by the
/// label `is`.
fn question() -> String {
    let all = Maker::ALL.map(|maker| of_maker(maker, "", |series| held(maker, series))).join(" or ");
    let by_pod =
        |maker: Maker| of_maker(maker, "namespace,pod,", |series| of_pods(maker, |labels| selector(series, labels)));
    let each = Maker::ALL.map(by_pod).join(" or ");
    let named = |is: &str, promql: String| format!("label_replace({promql},\"is\",\"{is}\",\"\",\"\")");
    let by_model = |is: &str| named(is, format!("{is} by (modelName) ({all})"));
    let idle = named("idle", format!("count by (modelName,namespace,pod) (({each}) < {IDLE_BELOW})"));
    [by_model("sum"), by_model("count"), idle].join(" or ")
}

/// Each GPU of a maker that a pod holds, once (for all of these labels), with its model as `modelName`.
fn of_maker(maker: Maker, labels: &str, of: impl Fn(&str) -> String) -> String {
    let known = |series: &str| format!("({}) < 9e18", of(series));
    let inner = match maker {
        Maker::Nvidia => format!("{} or 100 * ({})", known(maker.sign()), known("DCGM_FI_PROF_GR_ENGINE_ACTIVE")),
        Maker::Amd | Maker::Gaudi => known(maker.sign()),
    };
    let by = maker.model().map(|label| format!("{label},")).unwrap_or_default();
    let each = format!("max by ({labels}{by}{}) ({inner})", maker.unique());
    match maker.model() {
        Some("modelName") => each,
        Some(label) => format!("label_replace({each},\"modelName\",\"$1\",\"{label}\",\"(.+)\")"),
        None => format!("label_replace({each},\"modelName\",\"Gaudi\",\"\",\"\")"),
    }
}

fn take(work: &mut Work, row: &Row) {
    let Some((_, value)) = row.values.first() else { return };
    let (mut busy, count) = (Busy::default(), *value as u32);
    match row.label("is") {
        "sum" => busy.sum = *value,
        "count" => busy.measured = count,
        "idle" => {
            busy.idle = count;
            work.add_idle(Sym::new(row.label("namespace")), row.label("pod"), count);
        }
        _ => return,
    }
    let model = row.label("modelName");
    work.add(Sym::new(if model.is_empty() { "unnamed" } else { model }), busy);
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;
    use crate::{cluster::testing, metrics::source::Way};

    /// What is made of these numbers of the namespaces `a` and `b`, and how often it was asked.
    async fn told(rows: &[(&str, &str, &str)], tenancy: bool) -> (Result<Work, Unknown>, usize) {
        let row = |(is, model, value): &(&str, &str, &str)| json!({"metric": {"is": is, "modelName": model}, "value": [100, value]});
        let rows: Vec<_> = rows.iter().map(row).collect();
        let asked = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&asked);
        let session = testing::session(move |_| {
            *counter.lock().expect("not poisoned") += 1;
            testing::answer(200, &json!({"status": "success", "data": {"resultType": "vector", "result": rows}}))
        })
        .await;
        let mut from = Prometheus::new("p", session, "", Way::Proxy);
        from.tenancy = tenancy;
        let namespaces = ["a", "b"].map(Name::lossy);
        let work = work(&Source::Prometheus(from), &namespaces, &[], Secs(100)).await;
        let asked = *asked.lock().expect("not poisoned");
        (work, asked)
    }

    #[tokio::test]
    async fn one_question_tells_of_all_models_and_a_tenant_asks_for_each_namespace() {
        let rows = [
            ("sum", "A100", "150"),
            ("count", "A100", "3"),
            ("idle", "A100", "1"),
            ("sum", "", "80"),
            ("count", "", "1"),
        ];
        let (work, asked) = told(&rows, false).await;
        let work = work.expect("known");
        assert_eq!(asked, 1);
        assert_eq!(work.all(), Busy { measured: 4, idle: 1, sum: 230.0 });
        assert_eq!(work.models()[0], (&Sym::new("A100"), Busy { measured: 3, idle: 1, sum: 150.0 }));
        assert_eq!(work.models()[1].0.as_str(), "unnamed");
        assert!(question().len() < 3_500, "addresses of 8 kB are the longest that some servers take");
        let (work, asked) = told(&rows, true).await;
        let work = work.expect("known");
        assert_eq!((work.all().measured, work.places, asked), (8, Some((2, 2)), 2));
    }

    /// What is said by a Prometheus that has so many series where the question has such a word, of nodes with these; `Err`:
    /// the question fails.
    async fn said(
        namespaces: &[&str],
        offered: &[&str],
        series: impl Fn(&str) -> Result<u32, ()> + Send + Sync + 'static,
    ) -> Result<Work, String> {
        let session = testing::session(move |request| {
            let question = request.uri().query().unwrap_or_default();
            let Ok(count) = series(question) else { return testing::status(403, "not in this namespace") };
            let row = |is: &str| json!({"metric": {"is": is}, "value": [100, count.to_string()]});
            let rows: Vec<_> = (count > 0).then(|| row("count")).into_iter().collect();
            testing::answer(200, &json!({"status": "success", "data": {"resultType": "vector", "result": rows}}))
        })
        .await;
        let mut from = Prometheus::new("p", session, "", Way::Proxy);
        from.tenancy = !namespaces.is_empty();
        let namespaces: Vec<_> = namespaces.iter().copied().map(Name::lossy).collect();
        let offered: Vec<_> = offered.iter().copied().map(Sym::new).collect();
        let work = work(&Source::Prometheus(from), &namespaces, &offered, Secs(100)).await;
        work.map_err(|unknown| unknown.why.to_string())
    }

    #[tokio::test]
    async fn the_exporter_of_those_that_nodes_have_is_looked_for() {
        let none = |_: &str| Ok(0);
        let amd = said(&[], &["amd.com/gpu"], none).await.expect_err("not known");
        assert_eq!(
            amd,
            "p has no gpu_gfx_activity. Is the AMD device metrics exporter installed, and does this Prometheus scrape it?"
        );
        let both = said(&[], &["habana.ai/gaudi", "amd.com/gpu"], none).await.expect_err("not known");
        assert!(both.starts_with("p has no gpu_gfx_activity nor habanalabs_utilization. Is the AMD"), "{both}");
        let other = said(&[], &["gpu.intel.com/i915"], none).await.expect_err("not known");
        assert_eq!(other, "no exporter is known for gpu.intel.com/i915");
        // The question for all has labels of pods; the one for what there is at all has none.
        let idle = |question: &str| Ok(if question.contains("exported_pod") { 0 } else { 8 });
        let idle = said(&[], &["nvidia.com/gpu"], idle).await.expect_err("not known");
        assert!(idle.starts_with("no pod holds any of the 8 GPUs that the DCGM exporter tells of, or"), "{idle}");
    }

    #[tokio::test]
    async fn a_namespace_that_fails_takes_nothing_from_the_others() {
        let one = |question: &str| if question.contains("namespace=b") { Err(()) } else { Ok(3) };
        let work = said(&["a", "b", "c"], &[], one).await.expect("known");
        assert_eq!((work.all().measured, work.places), (6, Some((2, 3))));
        let why = said(&["a", "b"], &[], |_| Err(())).await.expect_err("not known");
        assert!(why.contains("not in this namespace"), "{why}");
    }

    #[tokio::test]
    async fn where_nothing_is_measured_it_is_said_why() {
        let (work, _) = told(&[], false).await;
        assert_eq!(
            work.expect_err("not known").why.as_str(),
            "p has no DCGM_FI_DEV_GPU_UTIL nor gpu_gfx_activity nor habanalabs_utilization. Is the DCGM exporter or the AMD \
             device metrics exporter or the Gaudi metric exporter installed, and does this Prometheus scrape it?"
        );
        let session = testing::session(|_| testing::status(500, "")).await;
        let from = Prometheus { tenancy: true, ..Prometheus::new("p", session, "", Way::Proxy) };
        let why = super::work(&Source::Prometheus(from), &[], &[], Secs(1)).await.expect_err("not known");
        assert!(why.why.as_str().contains("wants a namespace in each question") && !why.has_failed, "{why:?}");
        let why = super::work(&Source::MetricsServer, &[], &[], Secs(1)).await.expect_err("not known");
        assert_eq!(why.why.as_str(), "metrics.k8s.io knows CPU and memory only");
    }
}
