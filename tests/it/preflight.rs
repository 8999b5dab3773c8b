//! Checks of a manifest with a cluster: our questions and what follows from the answers, against the sim.

use std::time::Duration;

use http::Method;
use mpideck::{
    cluster::{
        self, Session, Target,
        discovery::discover,
        kubeconfig::Loaded,
        preflight::{Candidate, preflight},
    },
    jobs::{
        Kind, Name,
        checks::{
            Checks,
            cluster::{Facts, Part},
        },
        drafting::Template,
        manifest::text::Document,
    },
    sim::{Clock, FleetKind, Options, Sim},
};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::sim_client::{ask, client, namespace};

async fn sim() -> Sim {
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    Sim::start(Options { fleet: FleetKind::Empty, clock, ..Options::new() }).await.unwrap()
}

async fn session(sim: &Sim, context: &str) -> Session {
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared()).in_context(context);
    target.dial = Some(sim.dial());
    cluster::connect(target).await.unwrap()
}

async fn make(sim: &Sim, path: &str, object: &Value) {
    let (code, said) = ask(&client(sim, "admin").await, &Method::POST, path).json(object).answer().await;
    assert_eq!(code, 201, "{said}");
}

fn smoke() -> Value {
    let template = Template::list().into_iter().find(|t| t.id.as_str() == "cpu-smoke").unwrap();
    Document::parse(&template.text).unwrap().value()
}

async fn rules(session: &Session, job: Value) -> (Vec<&'static str>, Facts) {
    let offer = discover(session).await.unwrap();
    let kind = Kind::of(job["apiVersion"].as_str().unwrap(), job["kind"].as_str().unwrap()).unwrap();
    let candidate = Candidate { kind, namespace: Name::new("speech").unwrap(), job, runtime: None };
    let candidate = candidate.with_runtime(session, &offer).await;
    let mut facts = Facts::new("speech", candidate.parts(&offer));
    preflight(session, &offer, &candidate, candidate.parts(&offer), |part, answer| facts.take(part, answer)).await;
    let problems = Checks::builtin().check_cluster(candidate.kind, &candidate.job, &facts);
    (problems.iter().map(|problem| problem.rule).collect(), facts)
}

#[tokio::test]
async fn a_good_job_is_told_nothing_and_nothing_is_made() {
    let sim = sim().await;
    namespace(&sim, "speech");
    let session = session(&sim, "admin").await;
    let (found, facts) = rules(&session, smoke()).await;
    assert_eq!(found, Vec::<&str>::new(), "{facts:?}");
    assert_eq!((facts.out().count(), facts.unread().count()), (0, 0), "{facts:?}");
    for path in ["/apis/kubeflow.org/v2beta1/namespaces/speech/mpijobs", "/api/v1/namespaces/speech/pods"] {
        let (_, list) = ask(&client(&sim, "admin").await, &Method::GET, path).answer().await;
        assert_eq!(list["items"], json!([]), "{path}");
    }
}

#[tokio::test]
async fn quota_missing_objects_and_a_taken_name_are_told_before_anything_is_made() {
    let sim = sim().await;
    namespace(&sim, "speech");
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}});
    make(&sim, "/api/v1/namespaces/speech/resourcequotas", &quota).await;
    let mut job = smoke();
    make(&sim, "/apis/kubeflow.org/v2beta1/namespaces/speech/mpijobs", &job).await;
    job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["volumes"] =
        json!([{"name": "d", "persistentVolumeClaim": {"claimName": "nowhere"}}]);
    let session = session(&sim, "admin").await;
    let (found, facts) = rules(&session, job).await;
    for rule in ["name-taken", "object-missing", "quota-short"] {
        assert!(found.contains(&rule), "{rule} is not in {found:?}: {facts:?}");
    }
}

#[tokio::test]
async fn a_job_with_gpus_fits_on_nodes_whose_taint_its_pods_are_given_a_toleration_for() {
    let sim = sim().await;
    namespace(&sim, "speech");
    let mut job = smoke();
    job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"limits": {"nvidia.com/gpu": 1}});
    let (found, facts) = rules(&session(&sim, "admin").await, job.clone()).await;
    assert!(!found.contains(&"no-node-fits"), "{found:?}: {facts:?}");
    job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["resources"] =
        json!({"limits": {"nvidia.com/gpu": 64}});
    let (found, facts) = rules(&session(&sim, "admin").await, job).await;
    assert!(found.contains(&"no-node-fits"), "{found:?}: {facts:?}");
}

#[tokio::test]
async fn a_train_job_needs_what_its_runtime_adds() {
    let sim = sim().await;
    namespace(&sim, "speech");
    let quota = json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}});
    make(&sim, "/api/v1/namespaces/speech/resourcequotas", &quota).await;
    let part = |name: &str, step: &str| {
        json!({"name": name, "template": {"metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": step}},
            "spec": {"template": {"spec": {"containers": [{"name": "node", "image": "i"}]}}}}})
    };
    let runtime = json!({"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "ClusterTrainingRuntime", "metadata": {"name": "mpi"},
        "spec": {"mlPolicy": {"numNodes": 1, "mpi": {"mpiImplementation": "OpenMPI"}},
            "template": {"spec": {"replicatedJobs": [part("node", ""), part("launcher", "trainer")]}}}});
    make(&sim, "/apis/trainer.kubeflow.org/v1alpha1/clustertrainingruntimes", &runtime).await;
    let job = json!({"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "t", "namespace": "speech"},
        "spec": {"runtimeRef": {"name": "mpi"}, "trainer": {"numNodes": 2}}});
    let (found, facts) = rules(&session(&sim, "admin").await, job).await;
    // Two nodes would be two pods: the launcher is the runtime's.
    assert!(found.contains(&"quota-short"), "{found:?}: {facts:?}");
    assert!(!found.contains(&"object-missing"), "{found:?}: {facts:?}");
    let asked = ["node", "launcher"].map(|part| facts.answer(&Part::DryPod(part.to_owned())).is_some());
    assert_eq!(asked, [true, true], "the server is asked about one pod of each part: {facts:?}");
}

#[tokio::test]
async fn the_servers_own_checks_and_missing_rights_are_told() {
    let sim = sim().await;
    namespace(&sim, "speech");
    let mut job = smoke();
    job["spec"]["slotsPerWorker"] = json!("two");
    let (found, facts) = rules(&session(&sim, "admin").await, job).await;
    assert!(found.contains(&"server-refuses-job"), "{found:?}: {facts:?}");
    let (found, facts) = rules(&session(&sim, "viewer").await, smoke()).await;
    assert!(found.contains(&"may-not-create"), "{found:?}: {facts:?}");
}

#[tokio::test]
async fn a_job_of_a_hundred_workers_is_checked_within_two_seconds() {
    let sim = sim().await;
    namespace(&sim, "speech");
    let mut job = smoke();
    job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] = json!(100);
    let session = session(&sim, "admin").await;
    let begun = Instant::now();
    rules(&session, job).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
}
