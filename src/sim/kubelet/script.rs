//! Scripts: what a replica does, as data.
//!
//! Owns the format of `assets/scenarios/scripts.toml` and the choice of a script for a pod. Must not know time or a store.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::Value;

use crate::sim::controllers::value::{annotation, label, list, text};

/// Pod annotation that names the script.
pub(crate) const ANNOTATION: &str = "sim.mpideck.io/script";
const BUILTIN: &str = include_str!("../../../assets/scenarios/scripts.toml");

/// What goes wrong other than by an exit code.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trouble {
    /// The image can't be pulled; `message` is the registry's answer.
    Image,
    /// A config map, secret or key is missing.
    Config,
    /// The kubelet evicts the pod at the end of `run`.
    Evicted,
    /// The node goes silent at the end of `run`.
    NodeLost,
    /// Restarts in place have been going on for long.
    CrashLoop,
    /// Nobody touches it: its status was put there.
    Static,
}

/// A line of output, once or again and again.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Line {
    /// Seconds after the container's start.
    pub(crate) at: f64,
    /// Seconds between repetitions; 0: said once.
    pub(crate) every: f64,
    /// Seconds after which it is not said again; 0: for ever.
    pub(crate) until: f64,
    /// Said by every rank, or only by rank 0.
    pub(crate) ranks: bool,
    /// The text, with `{places}`.
    pub(crate) text: String,
}

/// What one role does.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Behaviour {
    /// Seconds to pull the image.
    pub(crate) pull: f64,
    /// Seconds a container runs; for ever if absent.
    pub(crate) run: Option<f64>,
    /// Its exit code.
    pub(crate) exit: i64,
    /// Termination reason; `Completed` or `Error` by the code if empty.
    pub(crate) reason: String,
    /// The cluster's words for the trouble.
    pub(crate) message: String,
    /// What else goes wrong.
    pub(crate) trouble: Option<Trouble>,
    /// After so many bad runs it runs on without end; 0: never.
    pub(crate) recovers: u32,
    /// Times are meant to the second (no chance of a seed).
    pub(crate) exact: bool,
    /// What it writes.
    pub(crate) log: Vec<Line>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            pull: 4.0,
            run: None,
            exit: 0,
            reason: String::new(),
            message: String::new(),
            trouble: None,
            recovers: 0,
            exact: false,
            log: Vec::new(),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Script {
    /// Words of a command or image that choose it.
    #[serde(rename = "match")]
    words: Vec<String>,
    /// Another script to take roles from that this one lacks.
    like: String,
    /// By role (`launcher`), by replica (`worker-2`), or `any`.
    role: BTreeMap<String, Arc<Behaviour>>,
}

/// All scripts by name.
#[derive(Debug, Default)]
pub(crate) struct Scripts(BTreeMap<String, Script>);

impl Scripts {
    /// The scripts that come with the program.
    pub(crate) fn builtin() -> Result<Self, toml::de::Error> {
        toml::from_str(BUILTIN).map(Self)
    }

    /// What `pod` does.
    pub(crate) fn of(&self, pod: &Value) -> Arc<Behaviour> {
        if let Some(told) = told(pod) {
            return Arc::new(told);
        }
        let named = annotation(pod, ANNOTATION);
        let script = if self.0.contains_key(named) { named } else { self.guess(pod) };
        let (role, index) = role(pod);
        let keys = [format!("{role}-{index}"), role.to_owned(), "any".to_owned()];
        self.behaviour(script, &keys, 0).unwrap_or_default()
    }

    fn behaviour(&self, script: &str, keys: &[String], depth: u32) -> Option<Arc<Behaviour>> {
        let script = self.0.get(script)?;
        let own = keys.iter().find_map(|key| script.role.get(key)).cloned();
        own.or_else(|| (depth < 4 && !script.like.is_empty()).then(|| self.behaviour(&script.like, keys, depth + 1))?)
    }

    fn guess(&self, pod: &Value) -> &str {
        let Some(container) = list(pod, "/spec/containers").first() else { return "plain" };
        let words = ["/command", "/args"].into_iter().flat_map(|path| list(container, path)).filter_map(Value::as_str);
        let said = format!("{} {}", words.collect::<Vec<_>>().join(" "), text(container, "/image"));
        let fits = |script: &Script| script.words.iter().any(|word| said.contains(word.as_str()));
        self.0.iter().find(|(_, script)| fits(script)).map_or("plain", |(script, _)| script.as_str())
    }
}

/// Role and index of a pod, by its labels.
pub(crate) fn role(pod: &Value) -> (&str, &str) {
    let first = |keys: &[&str]| {
        let found = keys.iter().map(|key| label(pod, key)).find(|v| !v.is_empty());
        found.unwrap_or("")
    };
    let role = first(&[
        "jobset.sigs.k8s.io/replicatedjob-name",
        "training.kubeflow.org/replica-type",
        "training.kubeflow.org/job-role",
    ]);
    let index = first(&["batch.kubernetes.io/job-completion-index", "training.kubeflow.org/replica-index"]);
    (if role.is_empty() { "any" } else { role }, if index.is_empty() { "0" } else { index })
}

/// What annotations `fake/…` say outright: the language of recorded jobs, for tests.
fn told(pod: &Value) -> Option<Behaviour> {
    let state = annotation(pod, "fake/state");
    let run: Option<f64> = annotation(pod, "fake/run-seconds").parse().ok();
    let exit = annotation(pod, "fake/exit-code").parse().unwrap_or(0);
    let base = Behaviour { pull: 1.05, run, exit, exact: true, ..Behaviour::default() };
    match state {
        "ImagePullBackOff" => Some(Behaviour { trouble: Some(Trouble::Image), message: "not found".into(), ..base }),
        "CrashLoopBackOff" => Some(Behaviour { trouble: Some(Trouble::CrashLoop), exit: 1, ..base }),
        "OOMKilled" => Some(Behaviour { run: Some(0.0), exit: 137, reason: "OOMKilled".into(), ..base }),
        _ => run.map(|_| base),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_builtin_scripts_are_well_formed_and_refer_to_each_other() {
        let scripts = Scripts::builtin().unwrap();
        for (name, script) in &scripts.0 {
            assert!(script.like.is_empty() || scripts.0.contains_key(&script.like), "{name} is like {}", script.like);
            assert!(!script.role.is_empty() || !script.like.is_empty(), "{name} does nothing");
        }
        assert!(scripts.0.contains_key("plain"));
    }

    #[test]
    fn a_pod_without_annotation_gets_what_its_command_says() {
        let scripts = Scripts::builtin().unwrap();
        let pod = json!({
            "metadata": {"labels": {"training.kubeflow.org/job-role": "launcher"}},
            "spec": {"containers": [{"command": ["horovodrun", "-np", "8", "python", "train.py"], "image": "x"}]},
        });
        assert_eq!(scripts.guess(&pod), "horovod");
        assert!(!scripts.of(&pod).log.is_empty());
    }
}
