//! `mpideck record` and `mpideck history` as processes, on a served sim.

use std::process::Stdio;
use std::time::Duration;

use http::Method;
use mpideck::sim::{FleetKind, Options, Sim};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr};

use crate::program::Program;
use crate::sim_client::{ask, client, mpi_job};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/vision/mpijobs";
const PATIENCE: Duration = Duration::from_mins(1);

/// A recorder that runs.
struct Recorder {
    child: Child,
    said: Lines<BufReader<ChildStderr>>,
}

impl Recorder {
    fn start(program: &Program, args: &[&str]) -> Self {
        let mut command = program.command(env!("CARGO_BIN_EXE_mpideck"), args);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, said }
    }

    /// Waits until it says something with these words.
    async fn says(&mut self, words: &str) {
        let hear = async {
            while let Some(line) = self.said.next_line().await.unwrap() {
                if line.contains(words) {
                    return true;
                }
            }
            false
        };
        assert!(tokio::time::timeout(PATIENCE, hear).await.expect("it says something"), "it ended without «{words}»");
    }

    /// Ends it with a signal; how long that takes, and the exit code.
    async fn end(mut self, signal: Signal) -> Option<i32> {
        kill_process(Pid::from_raw(self.child.id().unwrap() as i32).unwrap(), signal).unwrap();
        tokio::time::timeout(Duration::from_secs(5), self.child.wait()).await.expect("it ends soon").unwrap().code()
    }
}

/// What `history show pi -o json` prints, once it is so.
async fn record(program: &Program, what: &str, so: impl Fn(&Value) -> bool) -> Value {
    let look = async {
        loop {
            let said = program.run("history show vision/pi -o json").await;
            if said.code == 0
                && let Ok(record) = serde_json::from_str(&said.out)
                && so(&record)
            {
                return record;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, look).await.unwrap_or_else(|_| panic!("{what}: not in the record"))
}

fn lines(record: &Value) -> usize {
    record["logs"].as_array().into_iter().flatten().filter_map(|log| log["lines"].as_array()).map(Vec::len).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_vanishes_with_a_job_is_kept_and_can_be_read_and_removed() {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, speed: 5.0, ..Options::new() }).await.unwrap();
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let program = Program::with(served.kubeconfig());
    let mut first = Recorder::start(&program, &["record", "--context", "admin", "-A", "--pin", "vision/pi"]);
    first.says("0 jobs seen").await;

    let admin = client(&sim, "admin").await;
    let mut job = mpi_job("vision", "pi");
    let container = job.pointer_mut("/spec/mpiReplicaSpecs/Launcher/template/spec/containers/0").expect("a container");
    container["env"] =
        serde_json::json!([{"name": "HF_TOKEN", "value": "hf-secret"}, {"name": "EPOCHS", "value": "3"}]);
    let (code, said) = ask(&admin, &Method::POST, JOBS).json(&job).answer().await;
    assert_eq!(code, 201, "{said}");
    let kept = record(&program, "log, events and manifest", |record| {
        let events = record["events"].as_array().is_some_and(|events| events.iter().any(|e| e["warning"] == false));
        lines(record) > 0 && events && record["manifest"].is_object()
    });
    let kept = kept.await;
    assert!(!kept.to_string().contains("hf-secret") && kept["removed"][0]["name"] == "HF_TOKEN", "{kept}");

    let mut second = Recorder::start(&program, &["record", "--context", "admin", "-A", "--pin", "pi"]);
    second.says("1 recorded by another mpideck").await;
    assert_eq!(second.end(Signal::INT).await, Some(0));

    let (code, said) = ask(&admin, &Method::DELETE, &format!("{JOBS}/pi")).answer().await;
    assert_eq!(code, 200, "{said}");
    let kept = record(&program, "its end", |record| record["summary"]["deleted"].is_string()).await;
    assert!(kept["pods"].as_array().is_some_and(|pods| pods.len() >= 2), "{kept}");
    assert_eq!(kept["unreadable"], 0);
    program.run("history prune --all --yes").await.failed_with(0, &["1 are being written"]);
    assert_eq!(first.end(Signal::TERM).await, Some(143));

    let table = program.run("history").await;
    assert!(table.out.contains("pi") && table.out.contains("deleted") && table.err.contains("1 records"), "{table:?}");
    let text = program.run("history show pi").await;
    assert!(text.went_well().contains("States") && text.out.contains("Log of pi-launcher"), "{}", text.out);
    assert!(program.run("history show pi -o yaml").await.out.contains("kind: MPIJob"));
    assert!(program.run("history show pi -o log").await.out.lines().count() > 1);
    program.run("history show nobody").await.failed_with(4, &["nothing was recorded"]);
    program.run("history prune").await.failed_with(2, &["--older-than"]);
    program.run("history prune --all").await.failed_with(2, &["--yes"]);
    assert_eq!(program.run("history prune --older-than 1h --yes").await.code, 0);
    assert!(program.run("history -o json").await.out.contains("vision"), "it is younger");
    assert_eq!(program.run("history prune pi --yes").await.out, "1 records removed\n");
    program.run("history").await.failed_with(0, &["nothing was recorded"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_where_recording_is_off_or_can_not_be() {
    let sim = Sim::start(Options { fleet: FleetKind::Still, ..Options::new() }).await.unwrap();
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let program = Program::with(served.kubeconfig());
    std::fs::create_dir_all(program.path(".config/mpideck")).unwrap();
    program.write(".config/mpideck/config.toml", "[context.admin]\nrecord = false\n");
    program.run("record --context admin -A").await.failed_with(2, &["recording is off", "MPIDECK_RECORD"]);
    program.run("record --context nobody").await.failed_with(2, &["nobody"]);
    program.run("record --pin a/b/c").await.failed_with(2, &["NAMESPACE/NAME"]);
    assert!(!program.path(".local/state/mpideck/records").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorder_that_is_killed_or_hung_up_leaves_a_record_that_the_next_one_goes_on_with() {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, speed: 5.0, ..Options::new() }).await.unwrap();
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let program = Program::with(served.kubeconfig());
    let pinned = ["record", "--context", "admin", "-A", "--pin", "vision/pi"];
    let mut killed = Recorder::start(&program, &pinned);
    killed.says("0 jobs seen").await;
    let admin = client(&sim, "admin").await;
    let (code, said) = ask(&admin, &Method::POST, JOBS).json(&mpi_job("vision", "pi")).answer().await;
    assert_eq!(code, 201, "{said}");
    let before = record(&program, "lines of the log", |record| lines(record) > 0).await;
    assert_eq!(killed.end(Signal::KILL).await, None, "nobody could write anything any more");
    let after = record(&program, "the same", |record| lines(record) >= lines(&before)).await;
    assert!(after["unreadable"].as_u64().is_some_and(|torn| torn <= 1), "{after}");

    // The lock of the dead one is free, and what it wrote is not written again.
    let mut next = Recorder::start(&program, &pinned);
    next.says("1 jobs seen").await;
    let (code, said) = ask(&admin, &Method::DELETE, &format!("{JOBS}/pi")).answer().await;
    assert_eq!(code, 200, "{said}");
    let kept = record(&program, "its end", |record| record["summary"]["deleted"].is_string()).await;
    assert_eq!(next.end(Signal::HUP).await, Some(129));
    let texts = |record: &Value| -> Vec<String> {
        let logs = record["logs"].as_array().into_iter().flatten();
        let of = |log: &Value| -> Vec<String> {
            let lines = log["lines"].as_array().into_iter().flatten();
            lines.map(|line| format!("{} {} {line}", log["pod"], log["run"])).collect()
        };
        logs.flat_map(of).collect()
    };
    let (all, known) = (texts(&kept), texts(&before));
    assert!(known.iter().all(|line| all.contains(line)), "{known:?} {all:?}");
    let mut once = all.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all.len(), "each line once: {all:?}");
}
