//! The embedded cluster's Prometheus at scale: what the console asks it, from question to numbers, in this process.

use std::{hint::black_box, time::Duration};

use criterion::Criterion;
use mpideck::{
    cluster::{self, Session, Target, discovery::Offer, kubeconfig::Loaded},
    jobs::{
        Name, Sym,
        usage::{Metric, Range},
    },
    metrics::{self, Job, Service, Source, Wish, source::Where},
    sim::{
        FleetKind, Options, Sim,
        store::{Selector, resource},
    },
};
use tokio::runtime::Runtime;

use super::loaded::SIZES;

/// A source of the largest size, its session, a job of it; the cluster lives as long as this.
struct Asked {
    _sim: Sim,
    session: Session,
    source: Source,
    job: Job,
}

async fn asked() -> Asked {
    let [.., size] = SIZES;
    let (jobs, workers) = size.counts();
    let mut options = Options::new();
    options.fleet = FleetKind::Scale { jobs, workers, churn_per_second: 0.0 };
    let sim = Sim::start(options).await.expect("a cluster");
    let config = Loaded::from_value(sim.kubeconfig()).expect("a kubeconfig").shared();
    let mut target = Target::new(config).in_context("admin");
    target.dial = Some(sim.dial());
    // In a build without optimisation a question about all GPUs takes minutes.
    target.timeout = Duration::from_mins(10);
    let session = cluster::connect(target.clone()).await.expect("a session");
    let service = Service::parse("monitoring/prometheus:9090").expect("a Service");
    let wish = Wish { prometheus: Where::Service(service), ..Wish::default() };
    let source = metrics::find(&target, &session, &Offer::default(), &wish, None).await.source;
    let job = first_job(&sim);
    Asked { _sim: sim, session, source, job }
}

/// The pods of the first job with GPUs.
fn first_job(sim: &Sim) -> Job {
    let label = "training.kubeflow.org/job-name";
    let mut job: Option<Job> = None;
    for object in &sim.store().list(&resource::PODS, None, &Selector::default()).items {
        let pod: serde_json::Value = serde_json::from_slice(object.json()).expect("JSON");
        let text = |at: &str| Name::lossy(pod.pointer(at).and_then(serde_json::Value::as_str).unwrap_or_default());
        let of = pod["metadata"]["labels"][label].as_str().unwrap_or_default();
        let job = job.get_or_insert_with(|| Job {
            namespace: text("/metadata/namespace"),
            pods: Vec::new(),
            selector: format!("{label}={of}"),
            gpus: Some(Sym::new("nvidia.com/gpu")),
        });
        if job.selector == format!("{label}={of}") && job.namespace == text("/metadata/namespace") {
            job.pods.push(text("/metadata/name"));
        }
    }
    job.expect("a job")
}

/// What a visible tab, a visible overview and the look at all jobs ask.
pub(crate) fn numbers(c: &mut Criterion) {
    let runtime = Runtime::new().expect("a runtime");
    let Asked { _sim, session, source, job } = runtime.block_on(asked());
    let Source::Prometheus(prometheus) = &source else { unreachable!("it is there: {source:?}") };
    let [.., size] = SIZES;
    let mut group = c.benchmark_group(format!("embedded Prometheus, {size}"));
    group.sample_size(10);
    let window = || Range::Quarter.window(session.now(), session.now());
    group.bench_function("all numbers of a job over 15 minutes", |b| {
        b.iter(|| black_box(runtime.block_on(metrics::read(&source, &session, &job, window())).expect("read")));
    });
    let one = Job { pods: job.pods[..1].to_vec(), ..job.clone() };
    group.bench_function("the GPUs of a worker apart", |b| {
        b.iter(|| black_box(runtime.block_on(metrics::apart(&source, &one, Metric::Gpu, window())).expect("read")));
    });
    group.bench_function("how busy all GPUs are", |b| {
        b.iter(|| black_box(runtime.block_on(metrics::work(&source, &[], &[], session.now())).expect("read")));
    });
    group.bench_function("what is odd of all jobs", |b| {
        b.iter(|| black_box(runtime.block_on(prometheus.glance(session.now())).expect("read")));
    });
    group.finish();
}
