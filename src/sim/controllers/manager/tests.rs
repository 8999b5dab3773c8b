//! Life cycles: recorded jobs lived through again, compared in everything but time.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    recorded::{Recording, act, at, folder, make},
    *,
};
use crate::sim::{
    Clock,
    controllers::admit,
    scenario::ground,
    store::resource::{EVENTS, JOBS, MPIJOBS, NAMESPACES, PODS},
    value::{label, list, name, phase},
};

pub(super) struct World {
    pub(super) store: Store,
    pub(super) manager: Manager,
    pub(super) start: Timestamp,
    pub(super) feed: Feed,
}

impl World {
    pub(super) fn new(lag: f64) -> Self {
        let start: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let store = Store::new(Clock::manual(start), 7);
        resource::of_age(false).for_each(|row| store.serve(row));
        ground::lay(&store, false);
        store.admit(admit::step());
        store.seed(&NAMESPACES, json!({"metadata": {"name": "rec"}, "status": {"phase": "Active"}})).unwrap();
        let pace = Pace { operator_lag: lag, ..Pace::default() };
        let manager = Manager::new(&store, Arc::new(Scripts::default()), pace, None);
        let feed = store.subscribe(&[&MPIJOBS, &PODS, &EVENTS, &JOBS]);
        Self { store, manager, start, feed }
    }

    pub(super) fn until(&mut self, seconds: f64) {
        self.manager.live_until(after(self.start, seconds));
    }

    fn seen(&mut self) -> Seen {
        let mut seen = Seen::default();
        loop {
            let changes = self.feed.take().unwrap();
            if changes.is_empty() {
                return seen;
            }
            for change in changes {
                let value = change.object.value();
                if *change.resource == MPIJOBS {
                    seen.conditions(&value["status"]["conditions"]);
                } else if *change.resource == PODS && change.kind != ChangeKind::Deleted {
                    seen.phase(label(&value, "training.kubeflow.org/job-role"), name(&value), phase(&value));
                } else if *change.resource == EVENTS && change.kind == ChangeKind::Added {
                    let on = text(&value, "/involvedObject/kind");
                    let said = [text(&value, "/type"), text(&value, "/reason"), text(&value, "/message")].join("|");
                    let from = [text(&value, "/source/component"), text(&value, "/reportingComponent")];
                    seen.event(on, from.into_iter().find(|f| !f.is_empty()).unwrap_or(""), &said);
                }
            }
        }
    }
}

/// What is compared.
#[derive(Debug, Default, PartialEq)]
struct Seen {
    /// The MPIJob's conditions, each time they changed.
    conditions: Vec<Vec<[String; 4]>>,
    /// Events by the object's kind, of the controllers.
    events: BTreeMap<String, Vec<String>>,
    /// Phases of every pod; launchers in order of creation.
    phases: BTreeMap<String, Vec<String>>,
    launchers: Vec<String>,
}

impl Seen {
    fn conditions(&mut self, all: &Value) {
        let short = |c: &Value| -> [String; 4] {
            if c.is_array() {
                return [0, 1, 2, 3].map(|i| c[i].as_str().unwrap_or("").to_owned());
            }
            ["type", "status", "reason", "message"].map(|k| c[k].as_str().unwrap_or("").to_owned())
        };
        let now: Vec<_> = all.as_array().into_iter().flatten().map(short).collect();
        if !now.is_empty() && self.conditions.last() != Some(&now) {
            self.conditions.push(now);
        }
    }

    fn phase(&mut self, role: &str, pod: &str, phase: &str) {
        let key = if role == "launcher" { self.launcher(pod) } else { pod.to_owned() };
        let all = self.phases.entry(key).or_default();
        if all.last().is_none_or(|last| last != phase) {
            all.push(phase.to_owned());
        }
    }

    fn launcher(&mut self, pod: &str) -> String {
        if !self.launchers.iter().any(|l| l == pod) {
            self.launchers.push(pod.to_owned());
        }
        format!("launcher #{}", self.launchers.iter().position(|l| l == pod).unwrap_or(0))
    }

    /// Which pod and which node are chance; the scheduler's and the kubelet's events come from a stand-in there.
    fn event(&mut self, on: &str, from: &str, said: &str) {
        if matches!(from, "mpi-job-controller" | "job-controller") {
            let said = said.split(": ").next().filter(|_| said.contains("ed pod: ")).unwrap_or(said);
            self.events.entry(on.to_owned()).or_default().push(said.to_owned());
        }
    }

    fn finish(mut self) -> Self {
        self.launchers.clear();
        // Events of one moment have no order of their own.
        self.events.values_mut().for_each(|all| all.sort());
        self
    }
}

fn recorded(lines: &[Value]) -> Seen {
    let mut seen = Seen::default();
    for line in lines {
        let (object, change) = (text(line, "/object"), text(line, "/change"));
        if object == "mpijob" {
            seen.conditions(&line["conditions"]);
        } else if let Some(pod) = object.strip_prefix("pod ").filter(|_| change != "DELETED") {
            let role = if pod.contains("-launcher-") { "launcher" } else { "worker" };
            seen.phase(role, pod, text(line, "/phase"));
        } else if object == "event" && change == "ADDED" {
            let on = text(line, "/on").split('/').next().unwrap_or("");
            let said = [text(line, "/type"), text(line, "/reason"), text(line, "/message")].join("|");
            seen.event(on, text(line, "/from"), &said);
        }
    }
    seen.finish()
}

/// What happened to the recorded job `job`, and what happens here.
fn both(job: &str, lag: f64, longer: f64) -> (Seen, Seen) {
    let Recording { manifest, lines, did, before, .. } = Recording::read(job);
    let end = lines.last().map_or(0.0, at) + longer;
    let mut world = World::new(lag);
    for object in &before {
        make(&world.store, object);
    }
    world.store.create(&MPIJOBS, manifest).unwrap();
    for (second, what) in did {
        world.until(second);
        act(&world.store, job, &what);
    }
    world.until(end);
    (recorded(&lines), world.seen().finish())
}

macro_rules! life_cycles {
    ($($test:ident: $job:literal, $lag:literal, $longer:literal;)*) => {$(
        #[tokio::test(start_paused = true)]
        async fn $test() {
            let (real, ours) = both($job, $lag, $longer);
            assert_eq!(ours.conditions, real.conditions, "conditions");
            assert_eq!(ours.events, real.events, "events");
            assert_eq!(ours.phases, real.phases, "phases");
        }
    )*};
}

life_cycles! {
    a_job_succeeds: "ok-default", 0.1, 12.0;
    workers_are_cleaned_up: "ok-clean-running", 0.1, 12.0;
    attempts_with_never: "fail-never", 0.1, 12.0;
    attempts_with_on_failure: "fail-onfailure", 0.1, 12.0;
    suspended_and_resumed: "suspended", 0.1, 12.0;
    a_crash_loop_ends_by_back_off: "crashloop", 0.1, 12.0;
    a_deadline_passes: "deadline", 0.1, 12.0;
    a_running_job_is_deleted: "deleted", 0.1, 12.0;
    workers_scale: "elastic", 0.1, 12.0;
    a_foreign_manager_is_left_alone: "foreign", 0.1, 12.0;
    an_image_cannot_be_pulled: "image-pull", 0.1, 12.0;
    intel_mpi: "intel", 0.1, 12.0;
    an_invalid_spec_is_only_told: "invalid", 0.1, 12.0;
    workers_fit_nowhere: "unschedulable", 0.1, 12.0;
    workers_run_out_of_memory: "worker-oom", 0.1, 12.0;
    suspended_while_it_runs: "suspend-later", 0.1, 12.0;
    a_worker_is_evicted: "evicted", 0.1, 12.0;
    a_worker_is_evicted_and_the_launcher_fails: "evicted-clean", 0.1, 12.0;
    a_worker_is_deleted: "worker-deleted", 0.1, 12.0;
    the_launcher_job_is_deleted: "launcher-job-deleted", 0.1, 12.0;
    the_launcher_is_a_worker: "as-worker", 0.1, 12.0;
    the_launcher_is_the_only_worker: "as-worker-alone", 0.1, 12.0;
    all_workers_are_cleaned_up: "clean-all", 0.1, 12.0;
    running_workers_are_cleaned_up_after_a_failure: "fail-clean-running", 0.1, 12.0;
    the_launcher_job_is_removed_in_time: "ttl", 0.1, 12.0;
    mpich: "mpich", 0.1, 12.0;
    the_launcher_is_evicted_twice: "launcher-evicted", 0.1, 12.0;
    the_launcher_waits_long: "wait-ready-slow", 0.1, 12.0;
    the_launcher_waits_for_workers_of_a_resumed_job: "wait-ready-suspended", 0.1, 12.0;
    the_clean_up_policy_changes_before_the_end: "policy-changed", 0.1, 12.0;
    the_clean_up_policy_changes_after_the_end: "policy-late", 0.1, 12.0;
    workers_scale_to_none: "scaled-to-none", 0.1, 12.0;
    a_finished_job_is_suspended: "suspended-finished", 0.1, 12.0;
    a_suspended_job_is_scaled: "suspended-scaled", 0.1, 12.0;
    a_job_leaves_orphans: "orphaned", 0.1, 12.0;
    workers_end_before_the_launcher: "worker-done", 0.1, 12.0;
    the_launcher_fits_nowhere: "launcher-unschedulable", 0.1, 12.0;
    there_are_no_workers: "no-workers", 0.1, 12.0;
    somebody_empties_the_status: "status-emptied", 0.1, 12.0;
    a_deadline_begins_anew: "deadline-resumed", 0.1, 12.0;
    a_deadline_comes_too_late: "deadline-changed", 0.1, 12.0;
    a_pod_is_in_the_way: "unowned-pod", 0.1, 12.0;
    a_job_is_in_the_way: "unowned-job", 0.1, 12.0;
    failed_workers_stay: "fail-mixed", 0.1, 12.0;
    suspended_scaled_and_resumed: "suspend-running-clean", 0.1, 12.0;
    three_attempts: "three-attempts", 0.1, 12.0;
    a_changed_image_holds_for_new_workers: "image-changed", 0.1, 12.0;
    // The recorded operator was busy and never saw it running.
    the_launcher_waits_for_workers: "wait-ready", 25.0, 70.0;
}

#[tokio::test(start_paused = true)]
async fn good_and_bad_specs_get_the_recorded_verdicts() {
    let text_of = std::fs::read_to_string(folder().with_file_name("verdicts.jsonl")).unwrap();
    let mut wrong = Vec::new();
    for line in text_of.lines() {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let job = text(&verdict, "/name");
        let mut world = World::new(0.1);
        world
            .store
            .seed(&NAMESPACES, json!({"metadata": {"name": "verdicts"}, "status": {"phase": "Active"}}))
            .unwrap();
        let manifest = json!({"metadata": {"name": job, "namespace": "verdicts"}, "spec": verdict["spec"]});
        world.store.create(&MPIJOBS, manifest).unwrap();
        world.until(20.0);
        let real: Vec<String> = list(&verdict, "/events")
            .iter()
            .map(|e| [0, 1, 2].map(|i| e[i].as_str().unwrap_or("")).join("|"))
            .filter(|e| !e.contains("SuccessfulCreate"))
            .collect();
        let seen = world.seen().finish();
        let ours: Vec<String> = seen.events.get("MPIJob").cloned().unwrap_or_default();
        let conditions: Vec<_> = seen.conditions.last().into_iter().flatten().map(|c| c[..3].to_vec()).collect();
        let wanted: Vec<Vec<String>> = serde_json::from_value(verdict["conditions"].clone()).unwrap();
        if ours != real || conditions != wanted {
            wrong.push(format!("{job}: {ours:?} {conditions:?}, really {real:?} {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The events of job `job` about what could not be made, and how often each was told, after so many seconds.
fn failing(role: &str, moments: &[f64]) -> Vec<Vec<(String, i64)>> {
    let mut world = World::new(Pace::default().operator_lag);
    let text_of = std::fs::read_to_string(folder().join("ok-default.jsonl")).unwrap();
    let mut manifest: Value =
        serde_json::from_str::<Value>(text_of.lines().next().unwrap()).unwrap()["manifest"].take();
    for each in ["Launcher", "Worker"] {
        let spec = &mut manifest["spec"]["mpiReplicaSpecs"][each]["template"]["spec"];
        spec["nodeSelector"] = json!({"never": "there"});
        if each == role {
            spec["containers"][0]["ports"] = json!([{"containerPort": 70_000}]);
        }
    }
    world.store.create(&MPIJOBS, manifest).unwrap();
    let look = |at: &f64| {
        world.until(*at);
        let all = world.store.list(&EVENTS, Some("rec"), &crate::sim::store::Selector::default()).items;
        let of = |e: &Value| (text(e, "/message").to_owned(), e["count"].as_i64().unwrap_or(0));
        let mut told: Vec<_> = all.iter().map(|e| of(&e.value())).filter(|e| e.0.contains("created failed")).collect();
        told.sort();
        told
    };
    moments.iter().map(look).collect()
}

/// As a real operator was seen to do: what it makes wakes it, and each time counts for its back-off.
#[tokio::test(start_paused = true)]
async fn what_is_refused_is_tried_again_as_often_as_the_real_operator_tries() {
    let port = "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive";
    let worker =
        format!("worker pod created failed: Pod \"ok-default-worker-0\" is invalid: spec.containers[0].{port}");
    assert_eq!(failing("Worker", &[9.0, 24.0]), [vec![(worker.clone(), 7)], vec![(worker, 9)]]);
    let launcher = format!(
        "launcher pod created failed: Job.batch \"ok-default-launcher\" is invalid: spec.template.spec.containers[0].{port}"
    );
    // A real one where nothing was scheduled said it 5 or 6 times; here the scheduler's word on both workers counts, too.
    assert_eq!(failing("Launcher", &[9.0]), [vec![(launcher, 4)]]);
}
