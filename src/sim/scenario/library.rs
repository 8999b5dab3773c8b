//! The scripts and scenarios that come with the program.
//!
//! Owns which there are; their texts are in `assets/scenarios`. A script is looked for among the general ones first,
//! then among the scenarios, whose own script bears their name.

use std::collections::BTreeMap;

use super::{error::ScenarioError, file::Scenario, plan::Plan};
use crate::sim::kubelet::script::{ScriptForm, Scripts};

const SCRIPTS: (&str, &str) = ("assets/scenarios/scripts.toml", include_str!("../../../assets/scenarios/scripts.toml"));

macro_rules! cases {
    ($($name:literal)*) => {
        /// Names and texts of the scenarios, by name.
        pub(super) const CASES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../../assets/scenarios/cases/", $name, ".toml")))),*];
    };
}

cases! {
    "api-unreachable"
    "backoff"
    "bad-args"
    "collective-mismatch"
    "command-missing"
    "crash-loop"
    "cuda-assert"
    "daemon-lost"
    "deadline"
    "device-plugin"
    "disk-full"
    "dns"
    "driver-old"
    "elastic-oom"
    "evicted"
    "exception"
    "exit-code"
    "file-missing"
    "gang-unschedulable"
    "gpu-ailing"
    "gpu-leak"
    "gpu-not-visible"
    "gpu-oom"
    "healthy-deepspeed"
    "healthy-gloo"
    "healthy-horovod"
    "healthy-intel"
    "healthy-mpich"
    "healthy-noise"
    "healthy-openmpi4"
    "healthy-openmpi5"
    "healthy-tensorflow"
    "healthy-torchrun"
    "healthy-torchrun-tee"
    "hf-auth"
    "host-oom-rank"
    "host-oom-worker"
    "ib-error"
    "idle-gpus"
    "image-auth"
    "image-missing"
    "image-rate-limit"
    "image-registry-dns"
    "invalid"
    "istio"
    "library-missing"
    "limit-range"
    "memlock"
    "memory-tight"
    "module-missing"
    "module-missing-train"
    "mount-failed"
    "mpi-abort"
    "mpi-fabric"
    "mpi-tcp"
    "nan-loss"
    "nasty"
    "nccl-interface"
    "nccl-network"
    "nccl-timeout"
    "no-gpus-left"
    "no-such-node"
    "node-lost"
    "orted-missing"
    "peer-failure"
    "permission"
    "pod-security"
    "pods-ready-timeout"
    "port-in-use"
    "preempted"
    "preempted-by-pod"
    "program-missing"
    "pvc-unbound"
    "queue-held"
    "queue-too-small"
    "queue-waits"
    "quota"
    "rendezvous"
    "resumed"
    "run-as-root"
    "scc"
    "secret-missing"
    "segfault"
    "shm-nccl"
    "shm-too-small"
    "silent"
    "slots"
    "slow-start"
    "ssh-host-key"
    "ssh-key"
    "ssh-policy"
    "ssh-refused"
    "sshd-chroot"
    "sshd-hostkeys"
    "stall"
    "start-error"
    "straggler"
    "suspended"
    "tainted"
    "uid-unknown"
    "xid"
}

fn file_of(name: &str) -> String {
    format!("assets/scenarios/cases/{name}.toml")
}

/// The scenario of this name, if there is one.
pub fn scenario(name: &str) -> Option<Result<Scenario, ScenarioError>> {
    let (name, source) = CASES.iter().find(|(known, _)| *known == name)?;
    Some(Scenario::parse(&file_of(name), source))
}

/// File name and content of the scenario of this name, if there is one.
pub fn text(name: &str) -> Option<(String, String)> {
    let (name, source) = CASES.iter().find(|(known, _)| *known == name)?;
    Some((file_of(name), (*source).to_owned()))
}

/// The names of all scenarios.
pub fn names() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name)
}

/// The general scripts.
fn general() -> Result<Scripts, ScenarioError> {
    let (file, source) = SCRIPTS;
    let forms: BTreeMap<String, ScriptForm> =
        toml::from_str(source).map_err(|error| ScenarioError::syntax(file, source, &error))?;
    let mut scripts = Scripts::default();
    scripts.add(forms).map_err(|fault| ScenarioError::of(file, source, &fault))?;
    Ok(scripts)
}

/// The scripts that these jobs need: the general ones, those of scenarios, and `own`, if it is given with its text.
pub(super) fn scripts(jobs: &[Plan], own: Option<(&str, &str)>) -> Result<Scripts, ScenarioError> {
    let mut scripts = general()?;
    if let Some((file, source)) = own {
        let scenario = Scenario::parse(file, source)?;
        let like = scenario.script.like();
        if let Some(base) = like.filter(|base| !scripts.has(base)) {
            add(&mut scripts, base)?;
        }
        let added = scripts.add(BTreeMap::from([(scenario.name, scenario.script)]));
        added.map_err(|fault| ScenarioError::of(file, source, &fault))?;
    }
    for job in jobs {
        add(&mut scripts, &job.script)?;
    }
    Ok(scripts)
}

/// Adds a scenario's script, and the one that it is like; a name that nobody knows is left to the pod's command.
fn add(scripts: &mut Scripts, name: &str) -> Result<(), ScenarioError> {
    let Some((name, source)) = CASES.iter().find(|(known, _)| *known == name && !scripts.has(known)) else {
        return Ok(());
    };
    let scenario = Scenario::parse(&file_of(name), source)?;
    if let Some(base) = scenario.script.like().filter(|base| *base != *name) {
        add(scripts, base)?;
    }
    let added = scripts.add(BTreeMap::from([(scenario.name, scenario.script)]));
    added.map_err(|fault| ScenarioError::of(&file_of(name), source, &fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scenarios_are_the_files_of_the_folder_and_can_be_played() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/scenarios/cases");
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().to_string_lossy().trim_end_matches(".toml").to_owned())
            .collect();
        files.sort();
        assert_eq!(names().collect::<Vec<_>>(), files);
        for name in names() {
            let read = scenario(name).unwrap().unwrap_or_else(|error| panic!("{error}"));
            assert!(read.about.len() <= 100 && !read.about.ends_with('.'), "{name}: {}", read.about);
            scripts(&read.jobs, None).unwrap_or_else(|error| panic!("{error}"));
        }
        assert!(scenario("no-such").is_none());
        assert!(general().unwrap().has("plain"));
    }
}
