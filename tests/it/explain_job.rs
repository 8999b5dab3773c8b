//! `mpideck explain JOB` as a process, on scenarios that only a log explains.

use mpideck::sim::scenario;
use serde_json::Value;

use crate::lived::{Lived, lived};
use crate::program::Program;

/// What is told of a scenario's job when all has happened.
async fn explained(name: &str) -> Value {
    let Lived { sim, namespace, job, .. } = lived(name).await;
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let said = Program::with(served.kubeconfig()).run(&format!("explain {job} -n {namespace} -o json")).await;
    assert_eq!(said.code, 0, "{said:?}");
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// Scenarios of which statuses tell a consequence or nothing.
const IN_LOGS: &[&str] = &[
    "gpu-oom",
    "module-missing-train",
    "bad-args",
    "collective-mismatch",
    "cuda-assert",
    "disk-full",
    "dns",
    "driver-old",
    "exception",
    "file-missing",
    "hf-auth",
    "ib-error",
    "memlock",
    "mpi-abort",
    "mpi-fabric",
    "mpi-tcp",
    "nccl-interface",
    "permission",
    "port-in-use",
    "segfault",
    "shm-nccl",
    "slots",
    "ssh-host-key",
    "ssh-key",
    "ssh-refused",
    "orted-missing",
    "library-missing",
    "rendezvous",
    "nccl-network",
    "nccl-timeout",
    "xid",
    "nan-loss",
    "istio",
    "run-as-root",
    "uid-unknown",
    "stall",
    "peer-failure",
    "daemon-lost",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_network_policy_that_keeps_ssh_out_is_named() {
    let told = explained("ssh-policy").await;
    let words = told["title"].as_str().unwrap_or_default();
    let named = "NetworkPolicy default-deny-ingress lets only port 443 through";
    assert!(words.contains(named), "{told}");
    let evidence = told["evidence"].as_array().into_iter().flatten();
    let mut policies = evidence.filter(|piece| piece["where"] == "NetworkPolicy default-deny-ingress");
    assert_eq!(policies.next().map(|piece| piece["line"].is_null()), Some(true), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_tells_what_logs_say_where_it_is_asked_to() {
    let Lived { sim, namespace, job, .. } = lived("exception").await;
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let program = Program::with(served.kubeconfig());
    let mut classes = Vec::new();
    for flag in ["", " --explain"] {
        let said = program.run(&format!("get jobs {job} -n {namespace} -o json{flag}")).await;
        assert_eq!(said.code, 0, "{said:?}");
        let list: Value = serde_json::from_str(&said.out).unwrap();
        classes.push(list["items"][0]["cause"]["class"].as_str().unwrap_or_default().to_owned());
    }
    assert_eq!(classes[1], "app_exception");
    assert_ne!(classes[0], classes[1], "its objects don't tell");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_jobs_log_tells_what_its_statuses_do_not() {
    let mut wrong = Vec::new();
    for name in IN_LOGS {
        let class = scenario::scenario(name).unwrap().unwrap().class;
        let told = explained(name).await;
        let lines = told["evidence"].as_array().is_some_and(|all| all.iter().any(|seen| seen["line"].is_u64()));
        if told["class"] != *class || !lines {
            wrong.push(format!("{name}: {class} is told as {}: {}", told["class"], told["title"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
