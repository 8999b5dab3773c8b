//! Whether replicas find and reach each other.

use super::Looks;
use crate::jobs::checks::case::{Case, Found};

pub(super) const LOOKS: Looks =
    &[("host-network", host_network), ("dns-policy", dns_policy), ("sidecar", sidecar), ("ssh-port", ssh_port)];

fn host_network(case: &Case<'_>) -> Vec<Found> {
    let on = case.made().into_iter().filter(|role| case.is_mpi() && role.pod()["hostNetwork"] == true);
    on.map(|role| Found::at(role.pod_at("/hostNetwork")).with("role", role.name)).collect()
}

fn dns_policy(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for role in case.made() {
        let policy = role.pod()["dnsPolicy"].as_str().unwrap_or_default();
        let host = role.pod()["hostNetwork"] == true;
        if policy == "Default" || policy == "None" || host && policy != "ClusterFirstWithHostNet" {
            let is = if policy.is_empty() { "ClusterFirst (the default)" } else { policy };
            found.push(Found::at(role.pod_at("/dnsPolicy")).with("role", role.name).with("is", is));
        }
    }
    found
}

fn sidecar(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for role in case.made() {
        for place in ["annotations", "labels"] {
            let value = &role.spec["template"]["metadata"][place]["sidecar.istio.io/inject"];
            if value == "true" {
                let at = format!("{}/template/metadata/{place}/sidecar.istio.io~1inject", role.at);
                found.push(Found::at(at).with("role", role.name));
            }
        }
    }
    found
}

/// A readiness probe of a port that the worker's sshd does not listen on.
fn ssh_port(case: &Case<'_>) -> Vec<Found> {
    let Some(main) = case.role("Worker").filter(|_| case.is_mpi()).and_then(|role| role.main()) else {
        return Vec::new();
    };
    let words = main.words();
    let told = words.iter().position(|word| *word == "-p").and_then(|at| words.get(at + 1)?.parse::<i64>().ok());
    // With a file of its own, the port is in there.
    let filed = words.contains(&"-f");
    let port = told.or((!filed && words.iter().any(|w| w.ends_with("sshd")) || words.is_empty()).then_some(22));
    let probed = main.value["readinessProbe"]["tcpSocket"]["port"].as_i64();
    match (port, probed) {
        (Some(port), Some(probed)) if port != probed => {
            let at = format!("{}/readinessProbe/tcpSocket/port", main.at);
            vec![Found::at(at).with("probed", probed).with("port", port)]
        }
        _ => Vec::new(),
    }
}
