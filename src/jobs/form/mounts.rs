//! Volumes of a pod and where its first container has them, as one line: `pvc:data at /data, shm:16Gi at /dev/shm`.
//!
//! Owns both lists of the manifest at once; what is not mentioned any more goes from both.

use serde_json::{Value, json};

use super::Shown;
use crate::jobs::manifest::text::{Change, Document};

/// One volume where it is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mount {
    /// `pvc:data`, `configmap:settings`, `secret:token`, `empty`, `shm:16Gi`, `volume:name` for all else.
    source: String,
    /// Where.
    path: String,
}

fn list(document: &Document, at: &str) -> Vec<Value> {
    document.get(at).and_then(|value| value.as_array().cloned()).unwrap_or_default()
}

fn volumes(pod: &str) -> String {
    format!("{pod}/volumes")
}

fn mounts(pod: &str) -> String {
    format!("{pod}/containers/0/volumeMounts")
}

/// What a volume is, in a word.
fn source(volume: &Value) -> String {
    let text = |at: &str| volume.pointer(at).and_then(Value::as_str);
    if let Some(claim) = text("/persistentVolumeClaim/claimName") {
        return format!("pvc:{claim}");
    }
    if let Some(name) = text("/configMap/name") {
        return format!("configmap:{name}");
    }
    if let Some(name) = text("/secret/secretName") {
        return format!("secret:{name}");
    }
    match volume.get("emptyDir") {
        Some(dir) if dir["medium"] == "Memory" => {
            text("/emptyDir/sizeLimit").map_or("shm".to_owned(), |size| format!("shm:{size}"))
        }
        Some(_) => "empty".to_owned(),
        None => format!("volume:{}", volume["name"].as_str().unwrap_or_default()),
    }
}

fn of_container(document: &Document, pod: &str) -> Vec<(Mount, Value)> {
    let volumes = list(document, &volumes(pod));
    let one = |mount: Value| {
        let name = mount["name"].as_str().unwrap_or_default();
        let volume = volumes.iter().find(|volume| volume["name"].as_str() == Some(name));
        let source = volume.map_or_else(|| format!("volume:{name}"), source);
        let path = mount["mountPath"].as_str().unwrap_or_default().to_owned();
        (Mount { source, path }, mount)
    };
    list(document, &mounts(pod)).into_iter().map(one).collect()
}

pub(super) fn read(document: &Document, pod: &str) -> Shown {
    let all: Vec<_> = of_container(document, pod);
    if all.is_empty() {
        return Shown::Unset;
    }
    let text: Vec<_> = all.iter().map(|(mount, _)| format!("{} at {}", mount.source, mount.path)).collect();
    Shown::Text(text.join(", "))
}

fn parse(typed: &str) -> Result<Vec<Mount>, String> {
    let one = |part: &str| {
        let (source, path) = part.split_once(" at ").ok_or_else(|| format!("write «{part}» as pvc:NAME at /PATH"))?;
        let (source, path) = (source.trim().to_owned(), path.trim().to_owned());
        if !path.starts_with('/') {
            return Err(format!("«{path}» must begin with /"));
        }
        let (word, name) = source.split_once(':').unwrap_or((&source, ""));
        match word {
            "pvc" | "configmap" | "secret" | "volume" if name.is_empty() => Err(format!("{word} of which name?")),
            "pvc" | "configmap" | "secret" | "volume" | "shm" | "empty" => Ok(Mount { source, path }),
            _ => Err(format!("«{word}» is none of pvc:, configmap:, secret:, shm, empty")),
        }
    };
    typed.split(',').map(str::trim).filter(|part| !part.is_empty()).map(one).collect()
}

/// A name that no volume has yet.
fn free_name(source: &str, volumes: &[Value]) -> String {
    let (word, name) = source.split_once(':').unwrap_or((source, ""));
    let base = if ["pvc", "configmap", "secret"].contains(&word) { name } else { word };
    let base: String =
        base.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).take(50).collect();
    let taken = |name: &str| volumes.iter().any(|volume| volume["name"].as_str() == Some(name));
    let mut all = std::iter::once(base.clone()).chain((2..).map(|n| format!("{base}-{n}")));
    all.find(|name| !taken(name)).unwrap_or(base)
}

fn volume(name: &str, source: &str) -> Value {
    let (word, of) = source.split_once(':').unwrap_or((source, ""));
    match word {
        "pvc" => json!({ "name": name, "persistentVolumeClaim": { "claimName": of } }),
        "configmap" => json!({ "name": name, "configMap": { "name": of } }),
        "secret" => json!({ "name": name, "secret": { "secretName": of } }),
        "shm" if of.is_empty() => json!({ "name": name, "emptyDir": { "medium": "Memory" } }),
        "shm" => json!({ "name": name, "emptyDir": { "medium": "Memory", "sizeLimit": of } }),
        _ => json!({ "name": name, "emptyDir": {} }),
    }
}

pub(super) fn write(document: &Document, pod: &str, typed: &str) -> Result<Vec<Change>, String> {
    let wanted = parse(typed)?;
    let have = of_container(document, pod);
    let mut volumes_now = list(document, &volumes(pod));
    let mut changes = Vec::new();
    let gone: Vec<usize> = (0..have.len()).filter(|i| !wanted.contains(&have[*i].0)).collect();
    for at in gone.iter().rev() {
        changes.push(Change::Remove(format!("{}/{at}", mounts(pod))));
    }
    let kept: Vec<&Value> = have.iter().filter(|(mount, _)| wanted.contains(mount)).map(|(_, value)| value).collect();
    for mount in wanted.iter().filter(|mount| !have.iter().any(|(old, _)| old == *mount)) {
        let there = volumes_now.iter().find(|volume| source(volume) == mount.source);
        let name = match (there, mount.source.strip_prefix("volume:")) {
            (Some(volume), _) => volume["name"].as_str().unwrap_or_default().to_owned(),
            (None, Some(name)) => return Err(format!("there is no volume «{name}»: define it in the text first")),
            (None, None) => {
                let name = free_name(&mount.source, &volumes_now);
                let made = volume(&name, &mount.source);
                changes.push(Change::Set(format!("{}/-", volumes(pod)), made.clone()));
                volumes_now.push(made);
                name
            }
        };
        changes.push(Change::Set(format!("{}/-", mounts(pod)), json!({ "name": name, "mountPath": mount.path })));
    }
    changes.extend(unused(document, pod, &gone, &have, &kept, &wanted));
    Ok(changes)
}

/// Volumes that only what goes had mounted.
fn unused(
    document: &Document,
    pod: &str,
    gone: &[usize],
    have: &[(Mount, Value)],
    kept: &[&Value],
    wanted: &[Mount],
) -> Vec<Change> {
    let volumes_then = list(document, &volumes(pod));
    let others = document.get(pod).unwrap_or_default();
    let containers = ["containers", "initContainers"].into_iter().filter_map(|key| others[key].as_array());
    let mounted: Vec<&Value> =
        containers.flatten().skip(1).filter_map(|container| container["volumeMounts"].as_array()).flatten().collect();
    let lonely = |(_, volume): &(usize, &Value)| {
        let is = |mount: &&Value| mount["name"] == volume["name"];
        gone.iter().any(|at| have[*at].1["name"] == volume["name"])
            && !kept.iter().any(is)
            && !mounted.iter().any(is)
            && !wanted.iter().any(|mount| mount.source == source(volume))
    };
    let all: Vec<_> = volumes_then.iter().enumerate().filter(lonely).map(|(at, _)| at).collect();
    all.into_iter().rev().map(|at| Change::Remove(format!("{}/{at}", volumes(pod)))).collect()
}
