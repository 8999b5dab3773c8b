//! Images, mounts, volumes, variables, ports, probes.

use std::collections::HashSet;

use serde_json::Value;

use super::{Looks, pod};
use crate::jobs::Kind;
use crate::jobs::checks::case::{Case, Container, Found};
use crate::jobs::manifest::REMOVED;

pub(super) const LOOKS: Looks = &[
    ("image-missing", image_missing),
    ("repeated-item", repeated),
    ("pod-form", pod_form),
    ("mount-missing", mount_missing),
    ("mount-reserved", mount_reserved),
    ("volume-of-launcher", volume_of_launcher),
    ("image-tag", image_tag),
    ("main-container", main_container),
    ("value-removed", value_removed),
];

fn image_missing(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (role, c) in case.containers() {
        let image = c.value["image"].as_str().unwrap_or_default();
        let said = match image {
            "" => "there is none",
            image if image.trim() != image => "there is a blank before or behind it",
            _ => continue,
        };
        found.push(
            Found::at(format!("{}/image", c.at)).with("container", c.name()).with("role", role.name).with("said", said),
        );
    }
    found
}

/// Items of lists that the API server keeps by a key.
fn repeated(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    // Custom resources are held against their schema in every role, known or not.
    for role in case.roles() {
        for list in ["containers", "initContainers", "volumes", "imagePullSecrets"] {
            twice(&role.pod()[list], &["name"], &role.pod_at(&format!("/{list}")), &mut found);
        }
        let spread = "topologySpreadConstraints";
        let keys = ["topologyKey", "whenUnsatisfiable"];
        twice(&role.pod()[spread], &keys, &role.pod_at(&format!("/{spread}")), &mut found);
        for c in role.containers() {
            for (list, keys) in
                [("env", &["name"][..]), ("volumeMounts", &["mountPath"]), ("ports", &["containerPort", "protocol"])]
            {
                twice(&c.value[list], keys, &format!("{}/{list}", c.at), &mut found);
            }
        }
    }
    found
}

fn twice(list: &Value, keys: &[&str], at: &str, found: &mut Vec<Found>) {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    let key = |item: &Value| -> Vec<String> {
        let of = |key: &&str| {
            if *key == "protocol" && item[*key].is_null() { "TCP".to_owned() } else { item[*key].to_string() }
        };
        keys.iter().map(of).collect()
    };
    let mut seen = HashSet::new();
    for (i, item) in list.iter().enumerate() {
        if !item[keys[0]].is_null() && !seen.insert(key(item)) {
            let name = key(item).join(" ").replace('"', "");
            found.push(
                Found::at(format!("{at}/{i}"))
                    .with("name", name)
                    .with("list", at.rsplit('/').next().unwrap_or_default()),
            );
        }
    }
}

fn pod_form(case: &Case<'_>) -> Vec<Found> {
    let all = case.made().into_iter().flat_map(|role| {
        let faults = pod::faults(&role);
        faults
            .into_iter()
            .map(move |(at, said)| Found::at(at).with("role", role.name).with("said", said))
            .collect::<Vec<_>>()
    });
    all.collect()
}

fn mount_missing(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (role, c) in case.containers() {
        // The operator brings these two along.
        let own = |name: &str| {
            case.kind == Kind::MpiJob && (name == "ssh-auth" || name == "mpi-job-config" && role.is_launcher())
        };
        for (i, mount) in c.mounts() {
            let name = mount["name"].as_str().unwrap_or_default();
            if !own(name) && !role.volumes().any(|(_, volume, _)| volume == name) {
                let at = format!("{}/volumeMounts/{i}/name", c.at);
                found.push(Found::at(at).with("volume", name).with("container", c.name()).with("role", role.name));
            }
        }
    }
    found
}

/// Names and paths that the operator takes for itself.
fn mount_reserved(case: &Case<'_>) -> Vec<Found> {
    if case.kind != Kind::MpiJob {
        return Vec::new();
    }
    let mut found = Vec::new();
    for role in case.made() {
        for (i, name, _) in role.volumes() {
            if name == "ssh-auth" || name == "mpi-job-config" && role.is_launcher() {
                found.push(
                    Found::at(role.pod_at(&format!("/volumes/{i}/name")))
                        .with("what", format!("the volume {name}"))
                        .with("role", role.name),
                );
            }
        }
        for (i, mount) in role.main().iter().flat_map(Container::mounts) {
            let path = mount["mountPath"].as_str().unwrap_or_default();
            if path == case.ssh_path() || path == "/etc/mpi" && role.is_launcher() {
                let at = role.pod_at(&format!("/containers/0/volumeMounts/{i}/mountPath"));
                found.push(Found::at(at).with("what", format!("the path {path}")).with("role", role.name));
            }
        }
    }
    found
}

/// Ranks run in the workers: data that only the launcher has does not help them.
fn volume_of_launcher(case: &Case<'_>) -> Vec<Found> {
    let (Some(launcher), Some(worker)) = (case.role("Launcher"), case.role("Worker")) else { return Vec::new() };
    if !case.is_mpi() {
        return Vec::new();
    }
    let claim = |volume: &Value| volume["persistentVolumeClaim"]["claimName"].as_str().map(str::to_owned);
    let theirs: Vec<_> = worker.volumes().filter_map(|(_, _, volume)| claim(volume)).collect();
    let lacking = launcher.volumes().filter_map(|(i, name, volume)| Some((i, name, claim(volume)?)));
    lacking
        .filter(|(_, _, claim)| !theirs.contains(claim))
        .map(|(i, name, claim)| {
            Found::at(launcher.pod_at(&format!("/volumes/{i}"))).with("volume", name).with("claim", claim)
        })
        .collect()
}

fn image_tag(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (role, c) in case.containers() {
        let image = c.value["image"].as_str().unwrap_or_default();
        let last = image.rsplit('/').next().unwrap_or_default();
        let moves = !image.is_empty() && !image.contains('@') && (!last.contains(':') || last.ends_with(":latest"));
        if moves {
            found.push(Found::at(format!("{}/image", c.at)).with("image", image).with("role", role.name));
        }
    }
    found
}

fn main_container(case: &Case<'_>) -> Vec<Found> {
    let many = case
        .made()
        .into_iter()
        .filter(|role| case.is_mpi() && role.pod()["containers"].as_array().is_some_and(|list| list.len() > 1));
    many.filter_map(|role| {
        Some(Found::at(role.pod_at("/containers")).with("role", role.name).with("main", role.main()?.name()))
    })
    .collect()
}

/// Values that a record did not keep.
fn value_removed(case: &Case<'_>) -> Vec<Found> {
    let mut found = Vec::new();
    for (_, c) in case.containers() {
        for (i, variable) in c.value["env"].as_array().into_iter().flatten().enumerate() {
            if variable["value"] == REMOVED {
                let name = variable["name"].as_str().unwrap_or_default();
                found.push(Found::at(format!("{}/env/{i}/value", c.at)).with("name", name));
            }
        }
    }
    found
}
