//! Queues as tables: who comes in, who waits for what, who has to go.

use std::sync::Arc;

use serde_json::{Value, json};

use super::summary;
use crate::sim::{
    Clock,
    controllers::{admit, manager::Manager, work::Pace},
    kubelet::script::Scripts,
    scenario::ground,
    store::{
        DeleteOptions, Part, Selector, Store,
        resource::{self, CLUSTERQUEUES, CONFIGMAPS, LOCALQUEUES, MPIJOBS, NAMESPACES, RESOURCEFLAVORS, WORKLOADS},
    },
    value::{after, condition, list, set, text},
};

/// Name, cohort, preemption, and GPUs by flavor.
type Queue<'a> = (&'a str, &'a str, Value, &'a [(&'a str, i64)]);

struct World {
    store: Store,
    manager: Manager,
    start: jiff::Timestamp,
}

impl World {
    /// A cluster with these queues.
    fn new(queues: &[Queue<'_>]) -> Self {
        let start = "2026-11-20T08:00:00Z".parse().unwrap();
        let store = Store::new(Clock::manual(start), 7);
        resource::of_age(false).for_each(|row| store.serve(row));
        ground::lay(&store, false);
        store.admit(admit::step());
        let put = |resource, object: Value| drop(store.seed(resource, object).unwrap());
        put(&NAMESPACES, json!({"metadata": {"name": "q"}, "status": {"phase": "Active"}}));
        for flavor in ["a100", "h100"] {
            let tolerations = json!([{"key": "nvidia.com/gpu", "operator": "Exists"}]);
            put(&RESOURCEFLAVORS, json!({"metadata": {"name": flavor}, "spec": {"tolerations": tolerations}}));
        }
        for (name, cohort, preemption, flavors) in queues {
            let flavor = |(flavor, gpus): &(&str, i64)| json!({"name": flavor, "resources": [{"name": "nvidia.com/gpu", "nominalQuota": gpus.to_string()}]});
            let flavors: Vec<_> = flavors.iter().map(flavor).collect();
            put(
                &CLUSTERQUEUES,
                json!({"metadata": {"name": name}, "spec": {"cohortName": cohort, "preemption": preemption,
                    "queueingStrategy": "BestEffortFIFO", "stopPolicy": "None",
                    "resourceGroups": [{"coveredResources": ["nvidia.com/gpu"], "flavors": flavors}]}}),
            );
            put(&LOCALQUEUES, json!({"metadata": {"name": name, "namespace": "q"}, "spec": {"clusterQueue": name}}));
        }
        let manager = Manager::new(&store, Arc::new(Scripts::default()), Pace::default(), None);
        Self { store, manager, start }
    }

    /// A job of one worker with so many GPUs, that runs for ever.
    fn job(&mut self, name: &str, queue: &str, gpus: i64, priority: i64, at: f64) {
        self.until(at);
        let container = |limits: Value| json!({"name": "c", "image": "i", "resources": {"limits": limits}});
        let template = |c: Value| json!({"spec": {"containers": [c]}});
        let job = json!({
            "metadata": {"name": name, "namespace": "q", "labels": {"kueue.x-k8s.io/queue-name": queue}},
            "spec": {"runPolicy": {"suspend": true}, "mpiReplicaSpecs": {
                "Launcher": {"replicas": 1, "template": template(container(json!({})))},
                "Worker": {"replicas": 1, "template": template(container(json!({"nvidia.com/gpu": gpus.to_string()})))},
            }},
        });
        self.store.create(&MPIJOBS, job).unwrap();
        self.until(at + 0.2);
        self.store
            .modify(&WORKLOADS, "q", &self.load(name).1, Part::Main, |w| set(w, "/spec/priority", json!(priority)))
            .unwrap();
    }

    fn until(&mut self, seconds: f64) {
        self.manager.live_until(after(self.start, seconds));
    }

    fn load(&self, job: &str) -> (Value, String) {
        let all = self.store.list(&WORKLOADS, Some("q"), &Selector::default()).items;
        let of = |w: &&crate::sim::store::Obj| text(&w.value(), "/metadata/ownerReferences/0/name") == job;
        let found = all.iter().find(of).unwrap();
        (Value::clone(&found.value()), found.name.to_string())
    }

    /// `Type=Status/Reason` of a Workload.
    fn says(&self, job: &str, kind: &str) -> String {
        let load = self.load(job).0;
        let c = condition(&load, kind).cloned().unwrap_or_default();
        format!("{}/{}", text(&c, "/status"), text(&c, "/reason"))
    }

    fn message(&self, job: &str, kind: &str) -> String {
        condition(&self.load(job).0, kind).map_or("", |c| text(c, "/message")).to_owned()
    }

    fn flavor(&self, job: &str) -> String {
        let load = self.load(job).0;
        let sets = list(&load, "/status/admission/podSetAssignments").to_vec();
        sets.iter().find_map(|s| s["flavors"]["nvidia.com/gpu"].as_str().map(str::to_owned)).unwrap_or_default()
    }
}

#[tokio::test(start_paused = true)]
async fn the_next_flavor_is_taken_where_the_first_is_full() {
    let mut world = World::new(&[("team", "", json!({}), &[("a100", 4), ("h100", 8)])]);
    world.job("one", "team", 4, 0, 0.0);
    world.job("two", "team", 6, 0, 5.0);
    world.job("three", "team", 4, 0, 10.0);
    world.job("vast", "team", 9, 0, 11.0);
    world.until(20.0);
    assert_eq!((world.flavor("one"), world.flavor("two")), ("a100".into(), "h100".into()));
    assert_eq!(world.says("three", "QuotaReserved"), "False/WaitingForQuota");
    let said = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 4 more needed, insufficient unused quota for nvidia.com/gpu in flavor h100, 2 more needed";
    assert_eq!(world.message("three", "QuotaReserved"), said);
    assert_eq!(world.says("vast", "QuotaReserved"), "False/ExceedsMaxQuota");
    let queue = world.store.get(&CLUSTERQUEUES, "", "team").unwrap().value();
    assert_eq!((&queue["status"]["pendingWorkloads"], &queue["status"]["admittedWorkloads"]), (&json!(2), &json!(2)));
    assert_eq!(queue["status"]["flavorsUsage"][1]["resources"][0]["total"], "6");
}

#[tokio::test(start_paused = true)]
async fn a_cohort_lends_and_takes_back() {
    let reclaim = json!({"reclaimWithinCohort": "Any"});
    let mut world =
        World::new(&[("lender", "all", reclaim, &[("a100", 4)]), ("borrower", "all", json!({}), &[("a100", 4)])]);
    world.job("borrows", "borrower", 7, 0, 0.0);
    world.until(10.0);
    assert_eq!(world.says("borrows", "Admitted"), "True/Admitted");
    let queue = world.store.get(&CLUSTERQUEUES, "", "borrower").unwrap().value();
    assert_eq!(queue["status"]["flavorsUsage"][0]["resources"][0]["borrowed"], "3");
    world.job("own", "lender", 4, 0, 30.0);
    world.until(50.0);
    assert_eq!(world.says("borrows", "Preempted"), "True/InCohortReclamation");
    assert!(
        world.message("borrows", "Preempted").contains("preemptor path: /all/lender; preemptee path: /all/borrower")
    );
    assert_eq!(world.says("own", "Admitted"), "True/Admitted");
    assert_eq!(world.says("borrows", "QuotaReserved"), "False/WaitingForQuota");
    assert_eq!(world.says("borrows", "Requeued"), "True/Preempted");
}

#[tokio::test(start_paused = true)]
async fn a_stronger_job_waits_until_the_weaker_has_stopped() {
    let within = json!({"withinClusterQueue": "LowerPriority"});
    let mut world = World::new(&[("team", "", within, &[("a100", 4)])]);
    world.job("weak", "team", 4, 0, 0.0);
    world.until(30.0);
    world.job("strong", "team", 4, 10, 30.0);
    world.until(31.2);
    assert_eq!(world.says("weak", "Evicted"), "True/Preempted");
    assert_eq!(world.says("strong", "QuotaReserved"), "False/WaitingForPreemptedWorkloads");
    assert!(world.message("strong", "QuotaReserved").ends_with(". Pending the preemption of 1 workload(s)"));
    world.until(45.0);
    assert_eq!(world.says("strong", "Admitted"), "True/Admitted");
    assert_eq!(world.says("weak", "Admitted"), "False/NoReservation");
    let stats = &world.load("weak").0["status"]["schedulingStats"]["evictions"];
    assert_eq!(*stats, json!([{"reason": "Preempted", "underlyingCause": "", "count": 1}]));
}

#[tokio::test(start_paused = true)]
async fn pods_that_are_not_ready_in_time_go_back_to_the_queue_and_at_last_out_of_it() {
    let mut world = World::new(&[("team", "", json!({}), &[("a100", 400)])]);
    let text_of =
        "waitForPodsReady:\n  timeout: 30s\n  requeuingStrategy: {backoffLimitCount: 1, backoffBaseSeconds: 20}\n";
    let config = json!({"metadata": {"name": "kueue-manager-config", "namespace": "kueue-system"}, "data": {"controller_manager_config.yaml": text_of}});
    world.store.create(&CONFIGMAPS, config).unwrap();
    // No node has so many.
    world.job("vast", "team", 100, 0, 0.0);
    world.until(40.0);
    assert_eq!(world.says("vast", "Evicted"), "True/PodsReadyTimeout");
    assert_eq!(world.says("vast", "Requeued"), "False/PodsReadyTimeout");
    assert_eq!(world.load("vast").0["status"]["requeueState"]["count"], 1);
    world.until(60.0);
    assert_eq!(world.says("vast", "Requeued"), "True/BackoffFinished");
    assert_eq!(world.says("vast", "Admitted"), "True/Admitted");
    world.until(95.0);
    assert_eq!(world.says("vast", "Evicted"), "True/DeactivatedDueToRequeuingLimitExceeded");
    assert_eq!(world.says("vast", "DeactivationTarget"), "/", "it has done its work");
    assert_eq!(world.load("vast").0["spec"]["active"], false);
    assert_eq!(world.says("vast", "QuotaReserved"), "False/Deactivated");
}

// The words are those of a recorded life of Kueue 0.20.
#[tokio::test(start_paused = true)]
async fn a_drained_local_queue_puts_its_jobs_out_and_takes_them_back() {
    let mut world = World::new(&[("team", "", json!({}), &[("a100", 4)])]);
    world.job("one", "team", 2, 0, 0.0);
    world.until(10.0);
    let stop = |world: &World, policy: &str| {
        let set_policy = |queue: &mut Value| set(queue, "/spec/stopPolicy", json!(policy));
        world.store.modify(&LOCALQUEUES, "q", "team", Part::Main, set_policy).unwrap();
    };
    stop(&world, "Hold");
    world.job("two", "team", 1, 0, 15.0);
    world.until(20.0);
    assert_eq!(world.says("one", "Admitted"), "True/Admitted", "who is in stays");
    assert_eq!(world.message("two", "QuotaReserved"), "LocalQueue team is inactive");
    stop(&world, "HoldAndDrain");
    world.until(40.0);
    assert_eq!(world.says("one", "Evicted"), "True/LocalQueueStopped");
    assert_eq!(world.says("one", "Requeued"), "False/LocalQueueStopped");
    assert_eq!(world.message("one", "QuotaReserved"), "LocalQueue team is inactive");
    stop(&world, "None");
    world.until(60.0);
    assert_eq!(world.says("one", "Requeued"), "True/LocalQueueRestarted");
    assert_eq!(world.says("one", "Admitted"), "True/Admitted");
    assert_eq!(world.says("two", "Admitted"), "True/Admitted");
}

#[tokio::test(start_paused = true)]
async fn names_and_places_are_those_of_kueue() {
    let mut world = World::new(&[("team", "", json!({}), &[("a100", 1)])]);
    for (at, (job, priority)) in [("first", 0), ("second", 0), ("third", 5)].into_iter().enumerate() {
        world.job(job, "team", 1, priority, at as f64 * 3.0);
    }
    world.until(12.0);
    let (load, name) = world.load("second");
    let known = format!("MPIJob\nkubeflow.org\nsecond\n{}", text(&load, "/metadata/ownerReferences/0/uid"));
    assert_eq!(name, format!("mpijob-second-{}", &crate::sim::value::sha1(&known)[..5]));
    let summary = summary(&world.store, Some("q"), "team", (0, 10)).unwrap();
    let places: Vec<_> = list(&summary, "/items")
        .iter()
        .map(|i| (text(i, "/metadata/ownerReferences/0/name").to_owned(), i["positionInLocalQueue"].as_i64().unwrap()))
        .collect();
    assert_eq!(places, [("third".to_owned(), 0), ("second".to_owned(), 1)]);
    assert!(super::summary(&world.store, Some("q"), "nobody", (0, 10)).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_workload_is_held_until_its_job_has_ended_or_is_gone() {
    let mut world = World::new(&[("team", "", json!({}), &[("a100", 4)])]);
    world.job("one", "team", 2, 0, 0.0);
    world.until(10.0);
    let (load, name) = world.load("one");
    assert_eq!(load["metadata"]["finalizers"], json!(["kueue.x-k8s.io/resource-in-use"]));
    world.store.delete(&MPIJOBS, "q", "one", &DeleteOptions::default()).unwrap();
    world.until(30.0);
    assert!(world.store.get(&WORKLOADS, "q", &name).is_err(), "nothing holds the Workload of a job that is gone");
    let queue = world.store.get(&CLUSTERQUEUES, "", "team").unwrap().value();
    assert_eq!(queue["status"]["reservingWorkloads"], 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_waits_can_be_moved_to_another_queue() {
    let mut world = World::new(&[("full", "", json!({}), &[("a100", 1)]), ("free", "", json!({}), &[("a100", 4)])]);
    world.job("one", "full", 2, 0, 0.0);
    world.until(10.0);
    assert_eq!(world.says("one", "Admitted"), "False/NoReservation");
    assert_eq!(world.load("one").0["status"]["resourceRequests"][1]["resources"]["nvidia.com/gpu"], "2");
    let other = |job: &mut Value| set(job, "/metadata/labels/kueue.x-k8s.io~1queue-name", json!("free"));
    world.store.modify(&MPIJOBS, "q", "one", Part::Main, other).unwrap();
    world.until(20.0);
    assert_eq!(world.says("one", "Admitted"), "True/Admitted");
    let (load, _) = world.load("one");
    assert_eq!(text(&load, "/status/admission/clusterQueue"), "free");
    assert!(load.pointer("/status/resourceRequests").is_none(), "what is in asks for nothing");
}
