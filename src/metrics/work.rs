//! How busy the GPUs of a whole cluster are: one question for all of them, whose answer has a few numbers a model.

use super::{
    answer::Row,
    diagnose,
    makers::{Maker, held},
    source::{Prometheus, Source},
};
use crate::{
    cluster::Problem,
    jobs::{
        Clean, Name, Secs, Sym,
        capacity::{Busy, Work},
        usage::{Metric, flags::IDLE_BELOW},
    },
};

/// Namespaces that a tenant's Prometheus is asked about at most.
const MOST: usize = 16;
const DOING: &str = "ask how busy the GPUs are";

/// What GPUs that pods hold do now, of the whole cluster; where each question has to name a namespace, of these. `Err`: why
/// it is not known, and what to do.
pub async fn work(source: &Source, namespaces: &[Name], now: Secs) -> Result<Work, Clean> {
    let from = match source {
        Source::Prometheus(from) => from,
        Source::MetricsServer => return Err(Clean::new("metrics.k8s.io knows CPU and memory only")),
        Source::Nothing => return Err(Clean::new("no Prometheus was found; set its address (docs/metrics.md)")),
    };
    let work = from.work(namespaces, now).await;
    let work = work.map_err(|problem| Clean::new(&format!("{problem} {}", problem.hint)))?;
    if work.all().measured > 0 {
        return Ok(work);
    }
    let nowhere = namespaces.first().cloned().unwrap_or_default();
    let lack = diagnose::gpus(from, &nowhere, Maker::Nvidia, vec![Metric::Gpu], now).await;
    Err(Clean::new(&format!("{}. {}", lack.why, lack.hint)))
}

impl Prometheus {
    async fn work(&self, namespaces: &[Name], now: Secs) -> Result<Work, Problem> {
        let promql = question();
        let everywhere = [Name::default()];
        let asked = if self.tenancy { &namespaces[..namespaces.len().min(MOST)] } else { &everywhere };
        let mut work = Work::new(now);
        for namespace in asked {
            for row in self.instant(namespace, &promql, now, DOING).await? {
                take(&mut work, &row);
            }
        }
        Ok(work)
    }
}

/// The sum of utilisations, the number of GPUs, and of those that are idle: each by model, told apart by the label `is`.
fn question() -> String {
    let all = Maker::ALL.map(of_maker).join(" or ");
    let named = |is: &str, how: &str, after: &str| {
        format!("label_replace({how} by (modelName) (({all}){after}),\"is\",\"{is}\",\"\",\"\")")
    };
    let below = format!(" < {IDLE_BELOW}");
    [named("sum", "sum", ""), named("count", "count", ""), named("idle", "count", &below)].join(" or ")
}

/// Each GPU of a maker that a pod holds, once, with its model as `modelName`.
fn of_maker(maker: Maker) -> String {
    let known = |series: &str| format!("({}) < 9e18", held(maker, series));
    let inner = match maker {
        Maker::Nvidia => format!("{} or 100 * ({})", known(maker.sign()), known("DCGM_FI_PROF_GR_ENGINE_ACTIVE")),
        Maker::Amd | Maker::Gaudi => known(maker.sign()),
    };
    let by = maker.model().map(|label| format!("{label},")).unwrap_or_default();
    let each = format!("max by ({by}{}) ({inner})", maker.unique());
    match maker.model() {
        Some("modelName") => each,
        Some(label) => format!("label_replace({each},\"modelName\",\"$1\",\"{label}\",\"(.+)\")"),
        None => format!("label_replace({each},\"modelName\",\"Gaudi\",\"\",\"\")"),
    }
}

fn take(work: &mut Work, row: &Row) {
    let Some((_, value)) = row.values.first() else { return };
    let mut busy = Busy::default();
    match row.label("is") {
        "sum" => busy.sum = *value,
        "count" => busy.measured = *value as u32,
        "idle" => busy.idle = *value as u32,
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

    /// What is made of these numbers, and how often it was asked.
    async fn told(rows: &[(&str, &str, &str)], tenancy: bool) -> (Result<Work, Clean>, usize) {
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
        let work = work(&Source::Prometheus(from), &namespaces, Secs(100)).await;
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
        let (work, asked) = told(&rows, true).await;
        assert_eq!((work.expect("known").all().measured, asked), (8, 2));
    }

    #[tokio::test]
    async fn where_nothing_is_measured_it_is_said_why() {
        let (work, _) = told(&[], false).await;
        assert_eq!(
            work.expect_err("not known").as_str(),
            "p has no DCGM_FI_DEV_GPU_UTIL. Is the DCGM exporter installed, and does this Prometheus scrape it?"
        );
        let why = super::work(&Source::MetricsServer, &[], Secs(1)).await.expect_err("not known");
        assert_eq!(why.as_str(), "metrics.k8s.io knows CPU and memory only");
    }
}
