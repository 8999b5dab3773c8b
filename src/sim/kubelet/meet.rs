//! What a run waits for: whether the other replicas are there yet.
//!
//! Pure: the pods around and what is known of their runs in, who is missing out.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    behaviour::Peers,
    journal::{Ending, Journal},
    network,
    script::{Scripts, role},
};
use crate::sim::value::{int, is_deleting, is_ready, list, name, seconds_between, text, time, uid};

/// All that can be seen from a pod.
pub(crate) struct Around<'a> {
    /// The pods of its job, itself among them.
    pub(crate) pods: &'a [Arc<Value>],
    /// The hostfile of its job, empty if there is none.
    pub(crate) hostfile: &'a str,
    /// Network policies of its namespace.
    pub(crate) policies: &'a [Arc<Value>],
    /// What pods do.
    pub(crate) scripts: &'a Scripts,
    /// How their waits ended.
    pub(crate) journal: &'a Journal,
    /// Script seconds a second.
    pub(crate) speed: f64,
    /// Now.
    pub(crate) now: Timestamp,
}

/// How a wait of `pod` for `on` would end now.
pub(crate) fn meet(pod: &Value, on: Peers, around: &Around<'_>) -> Ending {
    match on {
        Peers::Ssh => ssh(pod, around),
        Peers::Ranks => ranks(around),
        Peers::All => all(pod, around),
    }
}

fn count(missing: Option<(&'static str, String)>, there: usize, wanted: usize) -> Ending {
    match missing {
        None => Ending::Met,
        Some((words, peer)) => Ending::InVain { words, peer, there, wanted },
    }
}

fn ssh(pod: &Value, around: &Around<'_>) -> Ending {
    let mut hosts: Vec<(String, String)> = around
        .hostfile
        .lines()
        .filter_map(|line| line.split([' ', ':']).next().filter(|host| !host.is_empty()))
        .map(|host| (host.split('.').next().unwrap_or(host).to_owned(), host.to_owned()))
        .collect();
    if hosts.is_empty() {
        let others = around.pods.iter().filter(|p| role(p).0 != role(pod).0);
        hosts = others.map(|p| (name(p).to_owned(), name(p).to_owned())).collect();
    }
    let own = [name(pod), text(pod, "/spec/hostname")];
    hosts.retain(|(host, _)| !own.contains(&host.as_str()));
    let mut missing = None;
    let mut there = 0;
    for (host, full) in &hosts {
        match silent(pod, host, around) {
            None => there += 1,
            Some(words) => missing = missing.or(Some((words, full.clone()))),
        }
    }
    count(missing, there, hosts.len())
}

/// Why `host` does not answer on its ssh port, if it does not.
fn silent(pod: &Value, host: &str, around: &Around<'_>) -> Option<&'static str> {
    let found = around.pods.iter().find(|p| name(p) == host && !is_deleting(p));
    // The headless Service gives names to pods that are ready.
    let Some(peer) = found.filter(|p| is_ready(p)) else { return Some("unresolved") };
    if !network::lets_through(around.policies, pod, peer, ssh_port(peer)) {
        return Some("timed-out");
    }
    let listens = around.scripts.of(peer).sshd.filter(|sshd| ran(peer, around).is_some_and(|ran| ran >= *sshd));
    if listens.is_none() { Some("refused") } else { None }
}

/// The port of a worker's sshd: that of its command or its container's port, else 22.
pub(crate) fn ssh_port(pod: &Value) -> i64 {
    let container = &pod["spec"]["containers"][0];
    let words = ["/command", "/args"].into_iter().flat_map(|path| list(container, path)).filter_map(Value::as_str);
    let words: Vec<_> = words.flat_map(str::split_whitespace).collect();
    let said = words.windows(2).find(|pair| pair[0] == "-p" || pair[0] == "-oPort").and_then(|p| p[1].parse().ok());
    let named =
        || list(container, "/ports").iter().find(|p| text(p, "/name") == "ssh").and_then(|p| int(p, "/containerPort"));
    said.or_else(named).unwrap_or(22)
}

fn running_since(pod: &Value) -> Option<Timestamp> {
    time(pod, "/status/containerStatuses/0/state/running/startedAt")
}

/// Script seconds that the main container has been running.
fn ran(pod: &Value, around: &Around<'_>) -> Option<f64> {
    running_since(pod).map(|since| seconds_between(since, around.now) * around.speed)
}

fn ranks(around: &Around<'_>) -> Ending {
    let launchers = around.pods.iter().filter(|p| role(p).0 == "launcher" && running_since(p).is_some());
    let mut found = launchers.map(|p| {
        let waits = around.scripts.of(p).wait.is_some_and(|wait| wait.on == Peers::Ssh);
        let run = int(p, "/status/containerStatuses/0/restartCount").unwrap_or(0);
        let waited = around.journal.run(uid(p), run as usize).waited;
        !waits || waited.is_some_and(|w| w.ending == Ending::Met)
    });
    count((!found.any(|begun| begun)).then(|| ("rendezvous", "launcher".to_owned())), 0, 1)
}

fn all(pod: &Value, around: &Around<'_>) -> Ending {
    let env = list(pod, "/spec/containers/0/env");
    let said =
        |key: &str| env.iter().find(|e| text(e, "/name") == key).and_then(|e| text(e, "/value").parse::<usize>().ok());
    let wanted = said("PET_NNODES").or_else(|| said("WORLD_SIZE")).unwrap_or(around.pods.len()).max(1);
    let up = |p: &&Arc<Value>| running_since(p).is_some() && !is_deleting(p);
    let there = around.pods.iter().filter(up).count().min(wanted);
    let missing = around.pods.iter().find(|p| !up(p)).map_or_else(|| "a node".to_owned(), |p| name(p).to_owned());
    count((there < wanted).then_some(("rendezvous", missing)), there, wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(role: &str, index: u32, ready: bool) -> Arc<Value> {
        let state = if ready { json!({"running": {"startedAt": "2026-11-20T08:00:00Z"}}) } else { json!({}) };
        Arc::new(json!({
            "metadata": {"name": format!("j-{role}-{index}"), "uid": format!("{role}{index}"), "namespace": "a", "labels": {"training.kubeflow.org/job-role": role}},
            "spec": {"containers": [{"name": "c"}]},
            "status": {"conditions": [{"type": "Ready", "status": if ready { "True" } else { "False" }}], "containerStatuses": [{"restartCount": 0, "state": state}]},
        }))
    }

    fn ends(pods: &[Arc<Value>], policies: &[Arc<Value>], on: Peers) -> Ending {
        let around = Around {
            pods,
            hostfile: "j-worker-0.j.a.svc slots=1\nj-worker-1.j.a.svc:1\n",
            policies,
            scripts: &Scripts::default(),
            journal: &Journal::default(),
            speed: 1.0,
            now: "2026-11-20T08:00:05Z".parse().unwrap(),
        };
        meet(&pods[0], on, &around)
    }

    #[test]
    fn ssh_waits_for_every_host_and_says_what_it_meets() {
        let words = |pods: &[Arc<Value>], policies: &[Arc<Value>]| match ends(pods, policies, Peers::Ssh) {
            Ending::Met => "met".to_owned(),
            Ending::InVain { words, peer, there, wanted } => format!("{words} {peer} {there}/{wanted}"),
        };
        let all = [pod("launcher", 0, true), pod("worker", 0, true), pod("worker", 1, true)];
        assert_eq!(words(&all, &[]), "met");
        assert_eq!(words(&all[..2], &[]), "unresolved j-worker-1.j.a.svc 1/2");
        let late = [all[0].clone(), all[1].clone(), pod("worker", 1, false)];
        assert_eq!(words(&late, &[]), "unresolved j-worker-1.j.a.svc 1/2");
        let deny = json!({"metadata": {"namespace": "a"}, "spec": {"podSelector": {}, "policyTypes": ["Ingress"]}});
        assert_eq!(words(&all, &[Arc::new(deny)]), "timed-out j-worker-0.j.a.svc 0/2");
        assert_eq!(ends(&all, &[], Peers::All), Ending::Met);
        assert_eq!(ends(&all, &[], Peers::Ranks), Ending::Met, "a launcher that waits for nobody has begun");
        assert!(matches!(ends(&late, &[], Peers::All), Ending::InVain { there: 2, wanted: 3, .. }));
    }

    #[test]
    fn the_port_of_sshd_is_what_the_pod_says() {
        assert_eq!(ssh_port(&json!({"spec": {"containers": [{"command": ["/usr/sbin/sshd", "-De"]}]}})), 22);
        assert_eq!(ssh_port(&json!({"spec": {"containers": [{"args": ["sshd -De -p 2222"]}]}})), 2222);
        let ports = json!([{"name": "ssh", "containerPort": 2022}]);
        assert_eq!(ssh_port(&json!({"spec": {"containers": [{"ports": ports}]}})), 2022);
    }
}
