//! Reading the numbers of a job: all questions at once, within the budget, and what could not be had in words.

use futures::future::join_all;
use serde::Deserialize;

use super::{
    diagnose::{self, lack},
    makers::Maker,
    nvidia_smi,
    queries::{Of, Query},
    source::{Prometheus, Source},
};
use crate::{
    cluster::{
        Problem, ProblemKind, Session,
        paths::{Resource, query},
    },
    jobs::{
        Name, PodRow, Secs, Sym,
        quantity::Quantity,
        usage::{Lack, Metric, Points, Reading, Window},
    },
};

/// Whose numbers are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its namespace.
    pub namespace: Name,
    /// Its pods.
    pub pods: Vec<Name>,
    /// The label that they have in common.
    pub selector: String,
    /// The resource name of its GPUs; `None` for a job without.
    pub gpus: Option<Sym>,
}

/// Pods that are asked for at most: the others would make a question too long.
const MOST_PODS: usize = 2_000;
const DOING: &str = "read metrics.k8s.io";

impl Job {
    /// A job with these pods.
    pub fn of<'p>(namespace: &Name, pods: impl IntoIterator<Item = &'p PodRow>) -> Self {
        let mut job = Self { namespace: namespace.clone(), pods: Vec::new(), selector: String::new(), gpus: None };
        for pod in pods {
            if job.selector.is_empty() && !pod.job.is_empty() {
                let jobset = pod.operator.as_str() == "jobset";
                let label = if jobset { "jobset.sigs.k8s.io/jobset-name" } else { "training.kubeflow.org/job-name" };
                job.selector = format!("{label}={}", pod.job);
            }
            if pod.requests.gpus > 0 && job.gpus.is_none() {
                job.gpus = Some(pod.requests.gpu_resource.clone().unwrap_or_default());
            }
            job.pods.push(pod.name.clone());
        }
        job.pods.sort_unstable();
        job.pods.truncate(MOST_PODS);
        job
    }

    /// The same job with other pods of it, too.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.pods.extend(other.pods);
        self.pods.sort_unstable();
        self.pods.dedup();
        self.gpus = self.gpus.or(other.gpus);
        if self.selector.is_empty() {
            self.selector = other.selector;
        }
        self
    }
}

/// Reads what there is of a job in a window. The problem is that of the source as a whole.
pub async fn read(source: &Source, session: &Session, job: &Job, window: Window) -> Result<Reading, Problem> {
    if job.pods.is_empty() {
        return Ok(Reading::default());
    }
    match source {
        Source::Prometheus(prometheus) => history(prometheus, job, window, session.now()).await,
        Source::MetricsServer => sample(session, job).await,
        Source::Nothing => Err(Problem::new(ProblemKind::NotFound, "no numbers", "no source was found", hint(job))),
    }
}

/// What else would know the numbers of a job.
fn hint(job: &Job) -> &'static str {
    match &job.gpus {
        Some(gpus) if !nvidia_smi::knows(Some(gpus.as_str())) => {
            "Set the address of a Prometheus with prometheus (docs/metrics.md)."
        }
        _ => {
            "Set the address of a Prometheus with prometheus (docs/metrics.md), or ask nvidia-smi in the workers (A n on the job)."
        }
    }
}

async fn history(from: &Prometheus, job: &Job, window: Window, now: Secs) -> Result<Reading, Problem> {
    let (of, maker) = (Of::new(&job.namespace, &job.pods), job.gpus.as_ref().map(|gpus| Maker::of(gpus.as_str())));
    let queries = of.all(maker, window.step);
    let asked = queries.iter().map(|one| {
        let doing = format!("ask {} for {}", from.name, one.metric.title());
        async move { from.range(&job.namespace, &one.promql, window, &doing).await }
    });
    let (mut reading, mut empty, mut answered, mut first) = (Reading::default(), Vec::new(), false, None);
    for (one, answer) in queries.iter().zip(join_all(asked).await) {
        match answer {
            Ok(rows) => {
                answered = true;
                let points = rows.iter().filter_map(|row| points(one, row.label("pod"), &row.values));
                let before = reading.points.len();
                reading.points.extend(points);
                if reading.points.len() == before {
                    empty.push(one.metric);
                }
            }
            Err(problem) => {
                reading.lacks.push(lack(vec![one.metric], problem.why.as_str(), problem.hint.as_str()));
                first = first.or(Some(problem));
            }
        }
    }
    match first {
        // Not one question was answered: that is the source's problem, not the metrics'.
        Some(problem) if !answered => return Err(problem),
        _ => {}
    }
    reading.lacks.extend(explained(from, job, maker, &empty, now).await);
    Ok(reading)
}

fn points(of: &Query, pod: &str, values: &[(Secs, f64)]) -> Option<Points> {
    let pod = Name::new(pod)?;
    let values: Vec<_> = values.iter().map(|(at, value)| (*at, value * of.factor)).collect();
    (!values.is_empty()).then_some(Points { pod, metric: of.metric, values })
}

/// Why metrics are empty, each reason once. That a series which exporters don't have by default is not there needs no words.
async fn explained(from: &Prometheus, job: &Job, maker: Option<Maker>, empty: &[Metric], now: Secs) -> Vec<Lack> {
    let shown = |metric: &&Metric| Metric::SHOWN.contains(metric);
    let (gpus, kubelet): (Vec<Metric>, Vec<Metric>) =
        empty.iter().filter(shown).partition(|metric| metric.is_of_gpus());
    let mut lacks = Vec::new();
    if let (Some(maker), false) = (maker, gpus.is_empty()) {
        lacks.push(if gpus.contains(&Metric::Gpu) || gpus.len() == 4 {
            diagnose::gpus(from, &job.namespace, maker, gpus, now).await
        } else {
            let why = format!("the {} does not export it", maker.exporter());
            lack(gpus, &why, "Add it to the exporter's list of counters.")
        });
    }
    let of_series = [
        ("container_cpu_usage_seconds_total", &[Metric::Cpu][..]),
        ("container_memory_working_set_bytes", &[Metric::Memory]),
        ("container_network_receive_bytes_total", &[Metric::NetIn, Metric::NetOut]),
    ];
    for (series, metrics) in of_series {
        let missing: Vec<Metric> = metrics.iter().filter(|metric| kubelet.contains(metric)).copied().collect();
        if !missing.is_empty() {
            lacks.push(diagnose::kubelet(from, &job.namespace, series, missing, now).await);
        }
    }
    lacks
}

#[derive(Deserialize)]
struct PodMetricsList {
    #[serde(default)]
    items: Vec<PodMetrics>,
}

#[derive(Deserialize)]
struct PodMetrics {
    metadata: Named,
    #[serde(default)]
    timestamp: String,
    #[serde(default)]
    containers: Vec<ContainerMetrics>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct ContainerMetrics {
    #[serde(default)]
    usage: Used,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Used {
    cpu: String,
    memory: String,
}

/// CPU and memory as metrics-server has them now.
async fn sample(session: &Session, job: &Job) -> Result<Reading, Problem> {
    let pods = Resource::new("metrics.k8s.io", "v1beta1", "pods");
    let path = format!("{}{}", pods.all(Some(&job.namespace)), query(&[("labelSelector", &job.selector)]));
    let list: PodMetricsList = session.get_json(&path, DOING).await?;
    let mut reading = Reading::default();
    for item in list.items.iter().filter(|item| job.pods.iter().any(|name| name.as_str() == item.metadata.name)) {
        reading.points.extend(item.points());
    }
    let gpus: &[Metric] = if job.gpus.is_some() { &Metric::SHOWN[..4] } else { &[] };
    if !gpus.is_empty() {
        let why = "metrics.k8s.io knows CPU and memory only";
        reading.lacks.push(lack(gpus.to_vec(), why, hint(job)));
    }
    let network = vec![Metric::NetIn, Metric::NetOut];
    reading.lacks.push(lack(
        network,
        "metrics.k8s.io knows CPU and memory only",
        "A Prometheus would know (docs/metrics.md).",
    ));
    if reading.points.is_empty() {
        let why = "metrics-server has no sample of these pods yet";
        reading.lacks.push(lack(
            vec![Metric::Cpu, Metric::Memory],
            why,
            "It takes one or two minutes after a pod's start.",
        ));
    }
    Ok(reading)
}

impl PodMetrics {
    fn points(&self) -> Vec<Points> {
        let (Some(pod), Some(at)) = (Name::new(&self.metadata.name), Secs::parse(&self.timestamp)) else {
            return Vec::new();
        };
        let sum = |of: fn(&Used) -> &str, scale: fn(Quantity) -> Option<f64>| {
            self.containers.iter().map(|c| scale(Quantity::parse(of(&c.usage))?)).sum::<Option<f64>>()
        };
        let cpu = sum(|used| &used.cpu, |amount| Some(amount.milli()? as f64 / 1000.0));
        let memory = sum(|used| &used.memory, |amount| Some(amount.units()? as f64));
        let all = [(Metric::Cpu, cpu), (Metric::Memory, memory)];
        let of = |(metric, value): (Metric, Option<f64>)| Points {
            pod: pod.clone(),
            metric,
            values: vec![(at, value.unwrap_or(f64::NAN))],
        };
        all.into_iter().filter(|(_, value)| value.is_some()).map(of).collect()
    }
}

#[cfg(test)]
mod tests;
