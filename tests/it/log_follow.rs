//! Following a log of the embedded cluster through everything that can happen to it, under paused time: every line
//! once, in order, and a word about what happened.
//!
//! `MPIDECK_SEEDS=200 cargo test --test it log_follow` tries more cuts.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use mpideck::cluster::kubeconfig::Loaded;
use mpideck::cluster::logs::{LogOf, LogPiece, NoticeKind, follow};
use mpideck::cluster::{ProblemKind, Session, Target, connect};
use mpideck::jobs::Name;
use mpideck::sim::store::resource::PODS;
use mpideck::sim::store::{DeleteOptions, Part};
use mpideck::sim::{Output, Outputs, Sim};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::sim_client::empty;

/// What containers of a test write: one list of lines a run, the newest last.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<Arc<Run>>>>);

struct Run(Vec<(Timestamp, String)>);

impl Written {
    fn run(&self, lines: Vec<(Timestamp, String)>) {
        self.0.lock().unwrap().push(Arc::new(Run(lines)));
    }
}

impl Outputs for Written {
    fn open(&self, _: &Value, _: &str, previous: bool) -> Option<Arc<dyn Output>> {
        let runs = self.0.lock().unwrap();
        let run = runs.iter().rev().nth(usize::from(previous)).cloned()?;
        Some(run)
    }
}

impl Output for Run {
    fn written(&self, now: Timestamp) -> u64 {
        self.0.partition_point(|(at, _)| *at <= now) as u64
    }

    fn line(&self, number: u64) -> (Timestamp, mpideck::sim::Written) {
        let (at, text) = self.0[number as usize].clone();
        (at, text.into())
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.0.get(self.written(now) as usize).map(|(at, _)| *at)
    }
}

struct Place {
    sim: Sim,
    written: Written,
}

impl Place {
    /// A pod `p` with a container `c` in namespace `default`.
    async fn with(node: &str, state: Value) -> Self {
        let sim = empty().await;
        let written = Written::default();
        sim.set_outputs(Arc::new(written.clone()));
        let mut pod = json!({"metadata": {"name": "p", "namespace": "default"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
            "status": {"phase": "Pending"}});
        if !node.is_empty() {
            pod["spec"]["nodeName"] = json!(node);
        }
        if !state.is_null() {
            pod["status"]["phase"] = json!("Running");
            pod["status"]["containerStatuses"] = json!([{"name": "c", "restartCount": 0, "state": state}]);
        }
        sim.store().seed(&PODS, pod).unwrap();
        Self { sim, written }
    }

    fn change(&self, change: impl FnOnce(&mut Value)) {
        self.sim.store().modify(&PODS, "default", "p", Part::Status, |pod| change(&mut pod["status"])).unwrap();
    }

    fn end(&self, code: i32) {
        let over = json!({"terminated": {"exitCode": code, "finishedAt": self.sim.clock().stamp()}});
        self.change(|status| {
            status["phase"] = json!(if code == 0 { "Succeeded" } else { "Failed" });
            status["containerStatuses"][0]["state"] = over;
        });
    }

    async fn session(&self, context: &str) -> Session {
        let mut target = Target::new(Loaded::from_value(self.sim.kubeconfig()).unwrap().shared());
        target.context = Some(context.to_owned());
        target.dial = Some(self.sim.dial());
        let clock = self.sim.clock();
        target.now = Arc::new(move || clock.now().into());
        connect(target).await.unwrap()
    }

    /// Starts following and gathers everything.
    async fn follow(&self, context: &str) -> Heard {
        let mut pieces = follow(&self.session(context).await, of(), &CancellationToken::new());
        let heard: Heard = Heard::default();
        let told = heard.clone();
        tokio::spawn(async move {
            while let Some(piece) = pieces.recv().await {
                told.0.lock().unwrap().push(piece);
            }
        });
        heard
    }

    fn at(&self, ms: i64) -> Timestamp {
        self.sim.clock().now().checked_add(SignedDuration::from_millis(ms)).unwrap()
    }
}

fn of() -> LogOf {
    let name = |n| Name::new(n).unwrap();
    LogOf {
        namespace: name("default"),
        pod: name("p"),
        owner: None,
        container: Some(name("c")),
        previous: false,
        follow: true,
        tail: None,
        since: None,
    }
}

/// What a follower has delivered so far.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<LogPiece>>>);

impl Heard {
    fn lines(&self) -> Vec<String> {
        let pieces = self.0.lock().unwrap();
        let lines = pieces.iter().filter_map(|piece| match piece {
            LogPiece::Lines(lines) => Some(lines.iter().map(|line| String::from_utf8_lossy(&line.bytes).into_owned())),
            _ => None,
        });
        lines.flatten().collect()
    }

    fn notices(&self) -> Vec<(NoticeKind, String)> {
        let pieces = self.0.lock().unwrap();
        let told = pieces.iter().filter_map(|piece| match piece {
            LogPiece::Notice(notice) => Some((notice.kind, notice.words.to_string())),
            _ => None,
        });
        told.collect()
    }

    /// Whether it has ended so.
    fn ended(&self, why: Option<ProblemKind>) -> bool {
        let pieces = self.0.lock().unwrap();
        matches!(pieces.last(), Some(LogPiece::End(problem)) if problem.as_ref().map(|problem| problem.kind) == why)
    }

    /// Waits until it is so, in simulated time.
    async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        for _ in 0..6_000 {
            if so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("{what}: not so; heard {:?} and {} lines", self.notices(), self.lines().len());
    }
}

/// Small reproducible numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }
}

fn seeds() -> u64 {
    std::env::var("MPIDECK_SEEDS").ok().and_then(|n| n.parse().ok()).unwrap_or(20)
}

#[tokio::test(start_paused = true)]
async fn every_line_comes_once_and_in_order_through_cuts() {
    for seed in 0..seeds() {
        let place = Place::with("n", json!({"running": {}})).await;
        let mut dice = Dice(seed);
        let (mut at, mut lines) = (place.at(0), Vec::new());
        for n in 0..400 {
            // Bursts within a millisecond, pauses of seconds, and texts that repeat.
            let step = [0, 0, 3, 40, 200, 1_500][dice.below(6) as usize];
            at = at.checked_add(SignedDuration::from_millis(step)).unwrap();
            lines.push((at, if dice.below(3) == 0 { "same".to_owned() } else { format!("line {n}") }));
        }
        place.written.run(lines.clone());
        let heard = place.follow("admin").await;
        while place.sim.clock().now() < at {
            tokio::time::sleep(Duration::from_millis(200 + dice.below(6_000))).await;
            place.sim.faults().gone(Duration::from_millis(1 + dice.below(2_500)));
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        place.end(0);
        heard.until("the end", |heard| heard.ended(None)).await;
        let expected: Vec<String> = lines.into_iter().map(|(_, text)| text).collect();
        assert_eq!(heard.lines(), expected, "seed {seed}; {:?}", heard.notices());
        assert!(heard.notices().iter().all(|(kind, _)| *kind == NoticeKind::Interrupted), "{:?}", heard.notices());
        assert!(!heard.notices().is_empty(), "seed {seed}: a cut is told");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_is_waited_for_until_it_runs() {
    let place = Place::with("", Value::Null).await;
    let heard = place.follow("admin").await;
    heard.until("no node", |heard| !heard.notices().is_empty()).await;
    place.sim.store().modify(&PODS, "default", "p", Part::Main, |pod| pod["spec"]["nodeName"] = json!("n")).unwrap();
    place.change(|status| {
        status["containerStatuses"] =
            json!([{"name": "c", "restartCount": 0, "state": {"waiting": {"reason": "ContainerCreating"}}}]);
    });
    tokio::time::sleep(Duration::from_secs(5)).await;
    place.written.run(vec![(place.at(100), "hello".to_owned())]);
    place.change(|status| {
        status["phase"] = json!("Running");
        status["containerStatuses"][0]["state"] = json!({"running": {}});
    });
    heard.until("its line", |heard| heard.lines() == ["hello"]).await;
    assert_eq!(heard.notices(), [(NoticeKind::Waiting, "waiting for a node".to_owned())], "one word while it waits");
    place.end(1);
    heard.until("the end", |heard| heard.ended(None)).await;
}

#[tokio::test(start_paused = true)]
async fn no_right_and_no_pod_are_told_apart() {
    let place = Place::with("n", json!({"running": {}})).await;
    let heard = place.follow("tenant").await;
    heard.until("the refusal", |heard| heard.ended(Some(ProblemKind::Forbidden))).await;
    place.written.run(vec![(place.at(0), "last words".to_owned())]);
    let heard = place.follow("admin").await;
    heard.until("its line", |heard| heard.lines() == ["last words"]).await;
    place
        .sim
        .store()
        .delete(&PODS, "default", "p", &DeleteOptions { grace: Some(0), ..DeleteOptions::default() })
        .unwrap();
    heard.until("the end", |heard| heard.ended(None)).await;
    assert_eq!(heard.notices(), [(NoticeKind::Gone, "the pod is gone".to_owned())]);
    let heard = place.follow("admin").await;
    heard.until("no such pod", |heard| heard.ended(Some(ProblemKind::NotFound))).await;
}

#[tokio::test(start_paused = true)]
async fn what_a_run_wrote_before_its_restart_is_read_after_a_cut() {
    let place = Place::with("n", json!({"running": {}})).await;
    let lines = |from: i64, words: &[&str]| -> Vec<(Timestamp, String)> {
        words.iter().zip(0..).map(|(word, n)| (place.at(from + 1_500 * n), (*word).to_owned())).collect()
    };
    place.written.run(lines(0, &["a", "b", "c", "d"]));
    let heard = place.follow("admin").await;
    heard.until("half of it", |heard| heard.lines() == ["a", "b"]).await;
    // It goes on and is started again while nobody can look.
    place.sim.faults().gone(Duration::from_secs(8));
    tokio::time::sleep(Duration::from_secs(6)).await;
    let now = place.sim.clock().stamp();
    place.written.run(lines(500, &["e", "f"]));
    place.change(|status| {
        status["containerStatuses"] = json!([{"name": "c", "restartCount": 1, "state": {"running": {"startedAt": now}},
            "lastState": {"terminated": {"exitCode": 3, "finishedAt": now}}}]);
    });
    heard.until("all of it", |heard| heard.lines().len() >= 6).await;
    place.end(0);
    heard.until("the end", |heard| heard.ended(None)).await;
    assert_eq!(heard.lines(), ["a", "b", "c", "d", "e", "f"]);
    let said = heard.notices();
    assert!(said.iter().any(|(kind, _)| *kind == NoticeKind::Restarted), "{said:?}");
    assert!(said.iter().all(|(kind, _)| *kind != NoticeKind::Rotated), "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_restart_is_told_between_the_runs_and_a_rotation_is_not_hidden() {
    let place = Place::with("n", json!({"running": {}})).await;
    place.written.run(vec![(place.at(0), "first".to_owned())]);
    let heard = place.follow("admin").await;
    heard.until("a line", |heard| heard.lines() == ["first"]).await;
    place.change(|status| {
        status["containerStatuses"][0]["state"] = json!({"terminated": {"exitCode": 9}});
    });
    tokio::time::sleep(Duration::from_secs(20)).await;
    place.written.run(vec![(place.at(2_000), "second".to_owned())]);
    let now = place.sim.clock().stamp();
    place.change(|status| {
        status["containerStatuses"] = json!([{"name": "c", "restartCount": 1, "state": {"running": {"startedAt": now}},
            "lastState": {"terminated": {"exitCode": 9, "finishedAt": now}}}]);
    });
    heard.until("the second run", |heard| heard.lines() == ["first", "second"]).await;
    let said: Vec<NoticeKind> = heard.notices().into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(said, [NoticeKind::Waiting, NoticeKind::Restarted], "{:?}", heard.notices());
    // The same run in a new file: what we have seen last is not there any more.
    place.sim.faults().gone(Duration::from_secs(2));
    place.written.run(vec![(place.at(1_000), "third".to_owned())]);
    heard.until("the new file", |heard| heard.lines() == ["first", "second", "third"]).await;
    assert!(heard.notices().iter().any(|(kind, _)| *kind == NoticeKind::Rotated), "{:?}", heard.notices());
}
