//! Derivation by values: each state, what it must not be mistaken for, and its cause.

mod deadline;

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;
use crate::jobs::{
    row::{ContainerRow, ContainerState, Owner, Phase, ReplicaCount, ReplicaSpec, Requests, Terminated, Truth},
    text::{Clean, Name, Uid},
};

static RULES: LazyLock<Rules> = LazyLock::new(Rules::builtin);
const NOW: Secs = Secs(10_000);

/// A job with what is known about it; the clock stands at `NOW`.
#[derive(Debug)]
struct Case {
    job: JobRow,
    pods: Vec<PodRow>,
    events: Vec<EventRow>,
    workload: Option<WorkloadRow>,
}

impl Case {
    fn derive(&self) -> Derived {
        self.derive_at(NOW)
    }

    fn derive_at(&self, now: Secs) -> Derived {
        let (pods, events) = (self.pods.iter().collect::<Vec<_>>(), self.events.iter().collect::<Vec<_>>());
        let workload = self.workload.as_ref();
        let input = Input {
            job: &self.job,
            pods: &pods,
            events: &events,
            workload,
            since: Secs(0),
            rules: &RULES,
            logs: Logs::default(),
            odd: &[],
            reach: None,
        };
        derive(&input, now)
    }

    /// `State: title of the cause`.
    fn told(&self) -> String {
        let derived = self.derive();
        let cause = derived.cause.map_or_else(String::new, |cause| format!(": {}", cause.title));
        format!("{}{cause}", derived.state)
    }

    fn with(mut self, kind: &str, truth: Truth, reason: &str, message: &str) -> Self {
        let mut all = self.job.conditions.to_vec();
        all.push(condition(kind, truth, reason, message));
        self.job.conditions = all.into();
        self
    }

    fn event(mut self, kind: &str, reason: &str, message: &str, last: u32) -> Self {
        self.events.push(EventRow {
            namespace: Sym::new("ns"),
            uid: Uid::new(&format!("e{}", self.events.len())),
            about_kind: Sym::new(kind),
            about_name: Name::lossy("a"),
            about_uid: Uid::new("a"),
            warning: true,
            reason: Sym::new(reason),
            message: Clean::new(message),
            count: 1,
            first: Secs(last),
            last: Secs(last),
            source: Sym::default(),
        });
        self
    }

    fn queue(mut self, active: bool, conditions: &[Condition]) -> Self {
        self.job.suspend = true;
        self.workload = Some(WorkloadRow {
            namespace: Sym::new("ns"),
            name: Name::lossy("mpijob-a"),
            uid: Uid::new("w"),
            created: Secs(9000),
            job_uid: Some(Uid::new("a")),
            queue: Sym::new("q"),
            cluster_queue: None,
            active,
            priority: 0,
            conditions: conditions.into(),
            requeues: 0,
        });
        self
    }
}

fn condition(kind: &str, status: Truth, reason: &str, message: &str) -> Condition {
    Condition {
        kind: Sym::new(kind),
        status,
        reason: Sym::new(reason),
        message: Clean::new(message),
        since: Some(Secs(9500)),
    }
}

fn spec(role: &str, replicas: u32, gpus: u32) -> ReplicaSpec {
    let each = Requests { gpus, ..Requests::default() };
    ReplicaSpec { role: Sym::new(role), replicas: Some(replicas), restart_policy: None, image: None, each }
}

/// An MPIJob with a launcher and two workers of eight GPUs, made at 9000, accepted, as its pods say.
fn mpi(pods: Vec<PodRow>) -> Case {
    of(Kind::MpiJob, &[spec("Launcher", 1, 0), spec("Worker", 2, 8)], pods).with(
        "Created",
        Truth::True,
        "MPIJobCreated",
        "",
    )
}

fn of(kind: Kind, replicas: &[ReplicaSpec], pods: Vec<PodRow>) -> Case {
    let mut job = JobRow::bare(kind, Name::lossy("ns"), Name::lossy("a"), Uid::new("a"));
    job.created = Secs(9000);
    job.started = Some(Secs(9000));
    job.replicas = replicas.into();
    Case { job, pods, events: vec![], workload: None }
}

fn pod(role: &str, index: u16, state: ContainerState) -> PodRow {
    let phase = match &state {
        ContainerState::Waiting { reason, .. } if reason.as_str() == "CrashLoopBackOff" => Phase::Running,
        ContainerState::Waiting { .. } => Phase::Pending,
        ContainerState::Running(_) => Phase::Running,
        ContainerState::Terminated(end) if end.exit_code == 0 => Phase::Succeeded,
        ContainerState::Terminated(_) => Phase::Failed,
    };
    PodRow {
        name: Name::lossy(&format!("a-{role}-{index}")),
        uid: Uid::new(&format!("{role}-{index}")),
        created: Secs(9100),
        role: Sym::new(role),
        index: Some(index),
        owner: Some(Owner { kind: Sym::new("MPIJob"), name: Name::lossy("a"), uid: Uid::new("a") }),
        node: Some(Sym::new("n1")),
        phase,
        ready: phase == Phase::Running,
        requests: Requests {
            gpus: if role == "worker" { 8 } else { 0 },
            memory_limit: 16 << 30,
            ..Requests::default()
        },
        containers: Box::new([ContainerRow {
            name: Sym::new("main"),
            image: Sym::new("img:1"),
            state: Some(state),
            ..ContainerRow::default()
        }]),
        ..PodRow::default()
    }
}

fn runs() -> ContainerState {
    ContainerState::Running(Some(Secs(9150)))
}

fn waits(reason: &str, message: &str) -> ContainerState {
    ContainerState::Waiting { reason: Sym::new(reason), message: Clean::new(message) }
}

fn ended(reason: &str, exit_code: i32, finished: u32) -> ContainerState {
    let (reason, finished) = (Sym::new(reason), Some(Secs(finished)));
    ContainerState::Terminated(Terminated { reason, exit_code, finished, ..Terminated::default() })
}

fn team(launcher: ContainerState, first: ContainerState, second: ContainerState) -> Vec<PodRow> {
    vec![pod("launcher", 0, launcher), pod("worker", 0, first), pod("worker", 1, second)]
}

fn running(case: Case) -> Case {
    case.with("Running", Truth::True, "MPIJobRunning", "")
}

#[test]
fn a_healthy_job_is_silent() {
    let derived = running(mpi(team(runs(), runs(), runs())))
        .event(
            "MPIJob",
            "MPIJobFailed",
            "worker pod created failed: exceeded quota: a, requested: b=1, used: b=1, limited: b=1",
            9050,
        )
        .derive();
    assert_eq!((derived.state, derived.cause), (State::Running, None));
    assert_eq!((derived.ready, derived.total, derived.gpus, derived.disagrees), (2, 2, 16, false));
}

#[test]
fn a_pod_that_a_lost_node_never_lets_go_degrades_its_job() {
    let mut pods = team(runs(), runs(), runs());
    pods[2].deleting = Some(Secs(9500));
    assert_eq!(running(mpi(pods.clone())).derive().state, State::Running, "a worker that is asked to go");
    pods[2].disruption = Some(Sym::new("DeletionByTaintManager"));
    let told = running(mpi(pods)).told();
    assert!(told.starts_with("Degraded: Worker 1: "), "{told}");
}

#[test]
fn running_true_is_not_believed() {
    let oom = running(mpi(team(runs(), runs(), ended("OOMKilled", 137, 9200))));
    assert_eq!(oom.told(), "Degraded: Worker 1: out of memory, limit 16Gi (exit 137)");
    let derived = oom.derive();
    assert!(derived.disagrees && derived.reported.as_str() == "Running");
    let cause = derived.cause.expect("a cause");
    assert_eq!((cause.class.as_ref(), cause.recovers), ("host_oom_killed", false));
    assert_eq!(cause.replica.map(|name| name.to_string()).as_deref(), Some("worker-1"));
}

#[test]
fn a_cause_beats_its_consequence() {
    let mut case =
        running(mpi(team(ended("Error", 1, 9300), ended("Error", 137, 9210), ended("OOMKilled", 137, 9200))));
    case.job.policy.backoff_limit = Some(0);
    let case =
        case.with("Failed", Truth::True, "BackoffLimitExceeded/", "Job has reached the specified backoff limit: ");
    assert_eq!(case.told(), "Failed (back-off): Worker 1: out of memory, limit 16Gi (exit 137)");
}

#[test]
fn many_replicas_are_counted() {
    let image = || waits("ImagePullBackOff", "Back-off pulling image: manifest unknown");
    assert_eq!(mpi(team(runs(), image(), image())).told(), "Degraded: 2 workers: there is no such image: img:1");
    let one = mpi(team(runs(), image(), runs())).derive().cause.expect("a cause");
    assert_eq!((one.rule.as_ref(), one.recovers), ("image-missing", false));
}

#[test]
fn a_launcher_that_comes_too_early_is_only_tried_again() {
    let mut early = pod("launcher", 0, waits("CrashLoopBackOff", "back-off 20s"));
    early.containers[0].restarts = 2;
    early.containers[0].last = Some(Terminated { reason: Sym::new("Error"), exit_code: 255, ..Terminated::default() });
    let case = mpi(vec![early, pod("worker", 0, waits("ContainerCreating", "")), pod("worker", 1, runs())]);
    let derived = case.derive();
    assert_eq!(derived.state, State::Restarting { attempt: 3, of: 7 });
    assert_eq!(derived.restarts, 2);
}

#[test]
fn attempts_are_counted_from_status_and_pods() {
    let mut retry = pod("launcher", 0, ContainerState::Running(Some(Secs(9900))));
    (retry.uid, retry.created) = (Uid::new("second"), Secs(9890));
    let mut case = running(mpi(vec![
        pod("launcher", 0, ended("Error", 1, 9800)),
        retry,
        pod("worker", 0, runs()),
        pod("worker", 1, runs()),
    ]));
    case.job.policy.backoff_limit = Some(3);
    case.job.counts =
        Box::new([ReplicaCount { role: Sym::new("Launcher"), active: 1, failed: 1, ..Default::default() }]);
    let derived = case.derive();
    assert_eq!(derived.state, State::Restarting { attempt: 2, of: 4 });
    assert_eq!(derived.valid_until, Some(Secs(10_200)), "until it has settled");
    assert_eq!(case.derive_at(Secs(10_200)).state, State::Running);
}

#[test]
fn the_end_of_the_workers_after_the_launcher_is_nothing() {
    let derived = running(mpi(team(ended("Completed", 0, 9500), ended("Error", 143, 9501), runs()))).derive();
    assert_eq!((derived.state, derived.finished), (State::Succeeded, Some(Secs(9500))));
    assert_eq!(derived.cause.expect("a leak").title.as_str(), "Finished, still holding 8 GPUs");
}

#[test]
fn held_gpus_are_told_at_once_or_after_the_operators_time() {
    let mut case = mpi(team(ended("Completed", 0, 9990), runs(), runs())).with("Succeeded", Truth::True, "", "");
    case.job.completed = Some(Secs(9990));
    assert_eq!(case.derive().leaked_gpus, 16, "policy None");
    case.job.policy.clean_pods = Some(Sym::new("Running"));
    let derived = case.derive();
    assert_eq!((derived.leaked_gpus, derived.valid_until), (0, Some(Secs(10_020))));
    assert_eq!(case.derive_at(Secs(10_020)).leaked_gpus, 16);
}

#[test]
fn failures_have_their_names() {
    let failed = |reason: &str| mpi(vec![]).with("Failed", Truth::True, reason, "words").derive().state;
    assert_eq!(failed("DeadlineExceeded"), State::Failed(Failure::Deadline));
    assert_eq!(failed("BackoffLimitExceeded/"), State::Failed(Failure::BackOff));
    assert_eq!(failed("MPIJobEvicted"), State::Failed(Failure::Evicted));
    assert_eq!(failed(""), State::Failed(Failure::Other));
    let evicted = mpi(vec![]).with("Failed", Truth::True, "MPIJobEvicted", "1/2 workers are evicted").derive();
    assert_eq!(evicted.finished, Some(Secs(9500)), "without completionTime");
}

#[test]
fn who_says_nothing() {
    let mut case = of(Kind::MpiJob, &[spec("Launcher", 1, 0)], vec![]);
    case.job.started = None;
    case.job.created = Secs(9995);
    let derived = case.derive();
    assert_eq!((derived.state.word(), derived.valid_until), ("Pending", Some(Secs(10_005))));
    assert_eq!(case.derive_at(Secs(9990)).state.word(), "Pending", "our clock is behind");
    assert_eq!(case.derive_at(Secs(10_005)).state, State::OperatorSilent);
    let refused = case.event("MPIJob", "ValidationError", "Found validation errors: spec.x: Required value", 9996);
    assert_eq!(refused.told(), "Invalid: The operator refuses the manifest: spec.x: Required value");
}

#[test]
fn blocked_until_pods_come() {
    let quota = "worker pod created failed: pods \"a-worker-1\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=8, used: requests.nvidia.com/gpu=28, limited: requests.nvidia.com/gpu=28";
    let case = mpi(vec![pod("worker", 0, runs())]).event("MPIJob", "MPIJobFailed", quota, 9200);
    assert_eq!(
        case.told(),
        "Blocked: Quota gpus is used up: asks requests.nvidia.com/gpu=8, used requests.nvidia.com/gpu=28, limit requests.nvidia.com/gpu=28"
    );
    let later = mpi(vec![pod("worker", 0, runs())]).event("MPIJob", "MPIJobFailed", quota, 9050);
    assert_eq!(later.derive().state.word(), "Pending", "a pod was made since");
}

#[test]
fn the_queue_speaks_for_a_suspended_job() {
    let unadmitted = |reason: &str, message: &str| condition("QuotaReserved", Truth::False, reason, message);
    let state = |active, conditions: &[Condition]| mpi(vec![]).queue(active, conditions).told();
    let more = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 8 more needed";
    assert_eq!(
        state(true, &[unadmitted("WaitingForQuota", more)]),
        "Queued: Waits for 8 more nvidia.com/gpu of flavor a100"
    );
    assert_eq!(state(true, &[unadmitted("Pending", "Something new")]), "Queued: Something new");
    assert_eq!(
        state(true, &[unadmitted("Inadmissible", "LocalQueue x doesn't exist")]),
        "Inadmissible: LocalQueue x doesn't exist"
    );
    assert_eq!(
        state(
            true,
            &[unadmitted("Pending", "insufficient quota for cpu in flavor f, request > maximum capacity (32 > 24)")]
        ),
        "Inadmissible: Asks for more cpu than flavor f can ever give (maximum 32 > 24)"
    );
    assert_eq!(state(false, &[unadmitted("Pending", "The workload is deactivated")]), "Paused");
    let out = condition("Evicted", Truth::True, "PodsReadyTimeout", "Exceeded the PodsReady timeout ns/w");
    assert_eq!(state(true, &[out]), "Preempted: Put back into the queue: its pods weren't ready in time");
    let mut plain = mpi(vec![]);
    plain.job.suspend = true;
    assert_eq!(plain.told(), "Suspended");
}

#[test]
fn other_controllers_are_named() {
    let mut case = of(Kind::MpiJob, &[spec("Launcher", 1, 0)], vec![]);
    case.job.managed_by = Some(Sym::new("kueue.x-k8s.io/multikueue"));
    assert_eq!(case.told(), "Remote");
    case.job.managed_by = Some(Sym::new("example.com/mine"));
    assert_eq!(case.told(), "Operator silent: Left to example.com/mine by managedBy, which has said nothing");
}

#[test]
fn a_trainjob_has_no_running_condition() {
    let node = |index, state| PodRow { operator: Sym::new("jobset"), ..pod("node", index, state) };
    let case = of(Kind::TrainJob, &[spec("node", 2, 4)], vec![node(0, runs()), node(1, runs())]).with(
        "Suspended",
        Truth::False,
        "Resumed",
        "",
    );
    let derived = case.derive();
    assert_eq!((derived.state, derived.ready, derived.total), (State::Running, 2, 2));
    let mut again = node(0, runs());
    (again.attempt, again.uid) = (1, Uid::new("again"));
    let case = of(Kind::TrainJob, &[spec("node", 1, 4)], vec![again]);
    assert_eq!(case.derive().state, State::Restarting { attempt: 2, of: 0 });
    let done = of(Kind::TrainJob, &[], vec![]).with("Complete", Truth::True, "JobsCompleted", "").derive();
    assert_eq!((done.state, done.disagrees, done.finished), (State::Succeeded, false, Some(Secs(9500))));
}

#[test]
fn a_launcher_may_be_one_of_the_nodes() {
    let jobset = |role, index| PodRow { operator: Sym::new("jobset"), ..pod(role, index, runs()) };
    let nodes = |n: u16| (0..n).map(|index| jobset("node", index)).collect::<Vec<_>>();
    let with_launcher = |n| [vec![jobset("launcher", 0)], nodes(n)].concat();
    let counts = |pods| {
        let derived = of(Kind::TrainJob, &[spec("node", 4, 2)], pods).derive();
        (derived.state, derived.ready, derived.total)
    };
    // runLauncherAsNode: numNodes - 1 pods of role node, and the launcher trains with them.
    assert_eq!(counts(with_launcher(3)), (State::Running, 4, 4));
    assert_eq!(counts(with_launcher(4)), (State::Running, 4, 4));
    let (state, ready, total) = counts(nodes(3));
    assert!(matches!(state, State::Pending { .. }) && (ready, total) == (3, 4), "the launcher comes last: {state}");
}

#[test]
fn the_v1_kinds_lead_with_their_master() {
    let pods = |master| vec![pod("master", 0, master), pod("worker", 0, runs()), pod("worker", 1, runs())];
    let torch = |pods| {
        of(Kind::PyTorchJob, &[spec("Master", 1, 1), spec("Worker", 2, 1)], pods).with("Created", Truth::True, "", "")
    };
    assert_eq!(torch(pods(runs())).derive().ready, 3, "a Master trains, too");
    assert_eq!(torch(pods(waits("ContainerCreating", ""))).derive().state, State::Starting);
    assert_eq!(torch(pods(ended("Error", 1, 9300))).told(), "Degraded: Master 0: left with exit code 1");
    let failed =
        torch(vec![]).with("Failed", Truth::True, "PyTorchJobFailedValidation", "Found validation errors: x").derive();
    assert_eq!(failed.state, State::Invalid);
}

#[test]
fn no_pod_to_be_seen_is_no_reason_to_doubt_the_status() {
    let mut case = running(mpi(vec![]));
    case.job.counts = Box::new([ReplicaCount { role: Sym::new("Worker"), active: 2, ..Default::default() }]);
    let derived = case.derive();
    assert_eq!((derived.state, derived.ready), (State::Running, 2));
}

#[test]
fn deletion_comes_first_and_junk_is_unreadable() {
    let mut case = mpi(vec![]).with("Failed", Truth::True, "", "");
    case.job.deleting = Some(NOW);
    assert_eq!(case.told(), "Terminating");
    let mut junk = of(Kind::MpiJob, &[], vec![]);
    junk.job.warning = Some(Clean::new("spec is a number"));
    assert_eq!(junk.told(), "Unreadable: Spec is a number");
}

fn any_container() -> impl Strategy<Value = ContainerState> {
    prop_oneof![
        3 => (9000u32..10_100).prop_map(|at| ContainerState::Running(Some(Secs(at)))),
        1 => prop_oneof!["ContainerCreating", "ImagePullBackOff", "CrashLoopBackOff", ""].prop_map(|why| waits(&why, "x")),
        1 => (0i32..145, 9000u32..10_100).prop_map(|(code, at)| ended(if code == 137 { "OOMKilled" } else { "Error" }, code, at)),
    ]
}

fn any_pod() -> impl Strategy<Value = PodRow> {
    let role = prop_oneof!["launcher", "worker", "worker", "master", "node", "data-initializer"];
    (role, 0u16..3, any_container(), 0u32..200, 0u16..3, any::<[bool; 4]>()).prop_map(
        |(role, index, state, age, restarts, flags)| {
            let mut row = pod(&role, index, state);
            row.created = Secs(9900 + age);
            row.deleting = flags[0].then_some(Secs(10_000));
            row.node = row.node.filter(|_| flags[1]);
            row.disruption = (flags[2] && flags[3]).then(|| Sym::new("EvictionByEvictionAPI"));
            row.containers[0].restarts = restarts;
            row
        },
    )
}

fn any_condition() -> impl Strategy<Value = Condition> {
    let kind = prop_oneof!["Created", "Running", "Restarting", "Suspended", "Succeeded", "Complete", "Failed", "Odd"];
    (kind, any::<bool>())
        .prop_map(|(kind, yes)| condition(&kind, if yes { Truth::True } else { Truth::False }, "R", "m"))
}

fn any_case() -> impl Strategy<Value = Case> {
    let pods = prop::collection::vec(any_pod(), 0..6);
    let conditions = prop::collection::vec(any_condition(), 0..4);
    let more = (0usize..8, prop_oneof![Just(2u32), Just(u32::MAX)], any::<bool>(), any::<bool>(), 9900u32..10_200);
    (pods, conditions, more).prop_map(|(mut pods, conditions, (kind, workers, suspend, finished, created))| {
        let kind = Kind::ALL[kind];
        let replicas: Vec<ReplicaSpec> = kind.info().roles.iter().map(|role| spec(role, workers, 8)).collect();
        pods.sort_by_key(|pod| (pod.role.as_str() != "launcher", pod.role.clone(), pod.index, pod.created));
        let mut case = of(kind, &replicas, pods);
        case.job.created = Secs(created);
        case.job.suspend = suspend;
        case.job.conditions = conditions.into();
        case.job.completed = finished.then_some(Secs(9990));
        case.job.policy.clean_pods = suspend.then(|| Sym::new("All"));
        case.event("Job", "BackoffLimitExceeded", "Job has reached the specified backoff limit", 9950)
    })
}

proptest! {
    #[test]
    fn a_look_holds_exactly_until_it_says(case in any_case(), seconds in 1u32..400) {
        let first = case.derive();
        let later = case.derive_at(NOW.plus(seconds));
        prop_assert!(first.valid_until.is_none_or(|until| until > NOW));
        if first.valid_until.is_none_or(|until| until > NOW.plus(seconds)) {
            prop_assert_eq!(first, later);
        }
    }
}
