//! Visits to replicas end to end: a shell, a forwarded port, files out and in, and who is refused them.

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::Path;

use mpideck::changes::{self, Change, Confirmed, Desk, Gate, Outcome, ReadOnly, Subject, Terminal, Typed, What, visit};
use mpideck::cluster::discovery::discover;
use mpideck::cluster::kubeconfig::Loaded;
use mpideck::cluster::{Target, connect};
use mpideck::disk::changes::{ChangeFiles, Stage};
use mpideck::jobs::{Clean, Name, Sym, Uid};
use mpideck::sim::Sim;
use mpideck::sim::store::resource::PODS;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::sim_client::empty;

/// A cluster with one pod that runs.
async fn with_pod() -> Sim {
    let sim = empty().await;
    let pod = json!({"metadata": {"name": "w-0", "namespace": "vision"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i", "ports": [{"containerPort": 6006}]}]},
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
            "containerStatuses": [{"name": "c", "restartCount": 0, "state": {"running": {}}}]}});
    sim.store().seed(&PODS, pod).unwrap();
    sim
}

async fn desk(sim: &Sim, user: &str, read_only: ReadOnly, dir: &Path) -> Desk {
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared()).in_context(user);
    target.dial = Some(sim.dial());
    let session = connect(target).await.unwrap();
    let offer = discover(&session).await.unwrap().into();
    let gate = Gate::new(Clean::new(user), read_only, false);
    Desk { session, offer, gate, files: Some(ChangeFiles::new(dir)) }
}

fn confirmed(user: &str, uid: Option<Uid>, what: What) -> Confirmed {
    let subject = Subject {
        group: Sym::default(),
        version: Sym::new("v1"),
        kind: Sym::new("Pod"),
        namespace: Name::new("vision").unwrap(),
        name: Name::new("w-0").unwrap(),
        uid,
    };
    Confirmed::on_screen(vec![Change { context: Clean::new(user), subject, what }], None)
}

fn shell(line: &[&str]) -> What {
    What::Shell { container: Some(Sym::new("c")), argv: line.iter().map(|&w| w.to_owned()).collect(), stays: false }
}

/// Types a line whenever it is asked for more, and keeps what it is shown.
struct Person {
    lines: VecDeque<&'static str>,
    saw: String,
}

impl Person {
    fn typing(lines: &[&'static str]) -> Self {
        Self { lines: lines.iter().copied().collect(), saw: String::new() }
    }
}

impl Terminal for Person {
    fn size(&self) -> Option<(u16, u16)> {
        Some((80, 24))
    }

    async fn read(&mut self) -> io::Result<Typed> {
        match self.lines.pop_front() {
            Some(line) => Ok(Typed::Bytes(line.as_bytes().to_vec())),
            None => std::future::pending().await,
        }
    }

    async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.saw.push_str(&String::from_utf8_lossy(&bytes));
        Ok(())
    }
}

#[tokio::test]
async fn a_shell_goes_on_until_it_ends_and_nothing_of_it_is_written_down() {
    let (sim, home) = (with_pod().await, tempfile::tempdir().unwrap());
    let desk = desk(&sim, "admin", ReadOnly::No, home.path()).await;
    let mut person = Person::typing(&["echo se", "cret\r", "exit 3\r"]);
    let report = visit::shell(&desk, confirmed("admin", None, shell(&["sh"])), &mut person).await;
    assert!(person.saw.contains("secret\r\n"), "{:?}", person.saw);
    assert_eq!(report.items[0].to_string(), "Left Pod vision/w-0; it ended with exit code 3");
    let log = fs::read_to_string(ChangeFiles::new(home.path()).log()).unwrap();
    assert_eq!((log.lines().count(), log.contains("secret")), (2, false), "{log}");

    let best = ["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"];
    let mut person = Person::typing(&["hostname\r", "exit\r"]);
    let report = visit::shell(&desk, confirmed("admin", None, shell(&best)), &mut person).await;
    assert!(person.saw.contains("w-0\r\n") && report.is_done(), "{:?}", person.saw);

    let mut leaves = Person::typing(&["echo on\r", "~", "."]);
    let report = visit::shell(&desk, confirmed("admin", None, shell(&["sh"])), &mut leaves).await;
    assert_eq!(report.items[0].to_string(), "Left Pod vision/w-0; the connection was closed");
}

#[tokio::test]
async fn who_may_not_is_told_why_and_nothing_is_asked_in_read_only() {
    let (sim, home) = (with_pod().await, tempfile::tempdir().unwrap());
    let viewer = desk(&sim, "viewer", ReadOnly::No, home.path()).await;
    let mut person = Person::typing(&["x\r"]);
    let report = visit::shell(&viewer, confirmed("viewer", None, shell(&["sh"])), &mut person).await;
    let said = report.items[0].to_string();
    assert!(said.contains("resource \"pods/exec\"") && said.contains("Ask"), "{said}");

    let locked = desk(&sim, "admin", ReadOnly::Locked, home.path()).await;
    let report = visit::shell(&locked, confirmed("admin", None, shell(&["sh"])), &mut person).await;
    assert!(report.items[0].to_string().contains("read-only"), "{}", report.items[0]);
    let other = Some(Uid::new("another"));
    let admin = desk(&sim, "admin", ReadOnly::No, home.path()).await;
    let report = visit::shell(&admin, confirmed("admin", other, shell(&["sh"])), &mut person).await;
    assert!(report.items[0].to_string().contains("another one of its name"), "{}", report.items[0]);
    assert_eq!(person.saw, "");
}

#[tokio::test]
async fn a_port_leads_to_the_replica_until_it_is_stopped() {
    let (sim, home) = (with_pod().await, tempfile::tempdir().unwrap());
    let desk = desk(&sim, "admin", ReadOnly::No, home.path()).await;
    let listener = changes::listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    assert!(address.ip().is_loopback());
    let traffic = changes::Traffic::default();
    let forwarding = changes::Forwarding { listener, traffic: traffic.clone() };
    let (stop, stopped) = tokio::sync::oneshot::channel();
    let asked = confirmed("admin", None, What::Forward { port: 6006, local: 0 });
    let visiting = visit::forward(&desk, asked, forwarding, async {
        let _ = stopped.await;
    });
    let using = async {
        let mut near = tokio::net::TcpStream::connect(address).await.unwrap();
        near.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut said = [0; 12];
        near.read_exact(&mut said).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 200");
        stop.send(()).unwrap();
    };
    let (report, ()) = tokio::join!(visiting, using);
    assert_eq!(report.items[0].to_string(), "Forwarded a port of Pod vision/w-0; stopped after 1 connections");
    assert_eq!(traffic.counts().1, 1);
    assert!(changes::listen(address.port()).await.is_ok(), "the port is free again");
}

#[tokio::test]
async fn a_port_leads_nowhere_any_more_when_the_context_is_locked_again() {
    let (sim, home) = (with_pod().await, tempfile::tempdir().unwrap());
    let desk = desk(&sim, "admin", ReadOnly::Locked, home.path()).await;
    desk.gate.unlock(mpideck::jobs::Secs(u32::MAX));
    let listener = changes::listen(0).await.unwrap();
    let address = listener.local_addr().unwrap();
    let forwarding = changes::Forwarding { listener, traffic: changes::Traffic::default() };
    let asked = confirmed("admin", None, What::Forward { port: 6006, local: 0 });
    let visiting = visit::forward(&desk, asked, forwarding, std::future::pending());
    let using = async {
        let mut near = tokio::net::TcpStream::connect(address).await.unwrap();
        near.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
        let mut said = [0; 12];
        near.read_exact(&mut said).await.unwrap();
        assert_eq!(String::from_utf8_lossy(&said), "HTTP/1.1 200");
        desk.gate.unlock(mpideck::jobs::Secs(0));
        tokio::net::TcpStream::connect(address).await.unwrap()
    };
    let both = Box::pin(async { tokio::join!(visiting, using) });
    let (report, mut second) = tokio::time::timeout(std::time::Duration::from_mins(1), both).await.unwrap();
    assert!(report.items[0].to_string().contains("read-only"), "{}", report.items[0]);
    // Closed, or reset: nothing was said either way.
    assert_eq!(second.read(&mut [0; 12]).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn files_go_in_and_come_out_and_what_is_there_stays() {
    let (sim, home) = (with_pod().await, tempfile::tempdir().unwrap());
    let desk = desk(&sim, "admin", ReadOnly::No, &home.path().join("changes")).await;
    let tell: changes::Tell = std::sync::Arc::new(|_| {});
    let from = home.path().join("conf");
    fs::create_dir(&from).unwrap();
    fs::write(from.join("a.yaml"), "lr: 3\n").unwrap();
    let container = Some(Sym::new("c"));
    let copy_in = What::CopyIn { container: container.clone(), from, into: "/tmp".to_owned() };
    let report = changes::run(&desk, confirmed("admin", None, copy_in), tell.clone()).await;
    assert_eq!(report.items[0].to_string(), "Copied into Pod vision/w-0; 1 file, 6 bytes, to /tmp");

    let into = home.path().join("out");
    let copy_out = || {
        let what = What::CopyOut { container: container.clone(), path: "/tmp/conf".to_owned(), into: into.clone() };
        confirmed("admin", None, what)
    };
    let report = changes::run(&desk, copy_out(), tell.clone()).await;
    assert!(report.is_done(), "{}", report.items[0]);
    assert_eq!(fs::read_to_string(into.join("conf/a.yaml")).unwrap(), "lr: 3\n");

    fs::write(into.join("conf/a.yaml"), "mine").unwrap();
    let report = changes::run(&desk, copy_out(), tell.clone()).await;
    assert!(matches!(report.items[0].outcome, Outcome::Failed(_)), "{}", report.items[0]);
    assert_eq!(fs::read_to_string(into.join("conf/a.yaml")).unwrap(), "mine");

    let none = What::CopyOut { container, path: "/none".to_owned(), into };
    let report = changes::run(&desk, confirmed("admin", None, none), tell).await;
    assert!(report.items[0].to_string().contains("/none: Cannot stat: No such file"), "{}", report.items[0]);
    let entries = desk.files.as_ref().unwrap().entries(20).unwrap();
    let stages: Vec<_> = entries.iter().map(|entry| entry.stage).filter(|stage| *stage != Stage::Begun).collect();
    assert_eq!(stages, [Stage::Done, Stage::Done, Stage::Failed, Stage::Failed]);
}
