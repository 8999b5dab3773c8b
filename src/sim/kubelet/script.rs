//! Scripts: what replicas do, by name, and the choice of one for a pod.
//!
//! Must not know time or a store. The format of a role is [`form`](super::form)'s.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::{
    behaviour::{Behaviour, Tags, Trouble},
    form::{Fault, RoleForm},
};
use crate::sim::value::{annotation, label, list, text};

/// Pod annotation that names the script.
pub(crate) const ANNOTATION: &str = "sim.mpideck.io/script";

/// A script as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ScriptForm {
    /// Words of a command or image that choose it.
    #[serde(rename = "match")]
    matching: Vec<String>,
    /// Another script to take roles, tags and words from that this one lacks.
    like: Option<Spanned<String>>,
    /// How ranks are told apart.
    tags: Option<Tags>,
    /// What is written when a wait was in vain: `refused`, `timed-out`, `unresolved`, `rendezvous`.
    words: BTreeMap<String, String>,
    /// By role (`launcher`), by replica (`worker-2`), or `any`.
    role: BTreeMap<String, Spanned<RoleForm>>,
}

impl ScriptForm {
    /// A scenario's own script: its parts, without `match`.
    pub(crate) fn of(
        like: Option<Spanned<String>>,
        tags: Option<Tags>,
        words: BTreeMap<String, String>,
        role: BTreeMap<String, Spanned<RoleForm>>,
    ) -> Self {
        Self { matching: Vec::new(), like, tags, words, role }
    }

    /// The script that it is like.
    pub(crate) fn like(&self) -> Option<&str> {
        self.like.as_ref().map(|like| like.get_ref().as_str())
    }
}

#[derive(Debug, Default)]
struct Script {
    matching: Vec<String>,
    like: String,
    tags: Tags,
    words: Arc<BTreeMap<String, String>>,
    role: BTreeMap<String, Arc<Behaviour>>,
}

/// All scripts by name.
#[derive(Debug, Default)]
pub(crate) struct Scripts(BTreeMap<String, Script>);

impl Scripts {
    /// Whether there is a script of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds scripts that may refer to each other and to those that are there.
    pub(crate) fn add(&mut self, forms: BTreeMap<String, ScriptForm>) -> Result<(), Fault> {
        let mut left: Vec<_> = forms.into_iter().collect();
        while !left.is_empty() {
            let (now, later): (Vec<_>, Vec<_>) =
                left.into_iter().partition(|(_, form)| form.like.as_ref().is_none_or(|l| self.has(l.get_ref())));
            if let ([], Some(like)) = (&now[..], later.first().and_then(|(_, form)| form.like.as_ref())) {
                let what = format!("no script is called {:?}", like.get_ref());
                return Err(Fault::new(like.span(), what, format!("there are: {}", self.names().join(", "))));
            }
            for (name, form) in now {
                let script = self.script(&form)?;
                self.0.insert(name, script);
            }
            left = later;
        }
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }

    fn script(&self, form: &ScriptForm) -> Result<Script, Fault> {
        let base = form.like.as_ref().and_then(|like| self.0.get(like.get_ref()));
        let mut words = base.map(|b| BTreeMap::clone(&b.words)).unwrap_or_default();
        words.extend(form.words.clone());
        let words = Arc::new(words);
        let tags = form.tags.or(base.map(|b| b.tags)).unwrap_or_default();
        let mut role = BTreeMap::new();
        for (name, spec) in &form.role {
            let at: Range<usize> = spec.span();
            role.insert(name.clone(), Arc::new(spec.get_ref().behaviour(at, tags, &words)?));
        }
        let like = form.like.as_ref().map(|l| l.get_ref().clone()).unwrap_or_default();
        Ok(Script { matching: form.matching.clone(), like, tags, words, role })
    }

    /// What `pod` does.
    pub(crate) fn of(&self, pod: &Value) -> Arc<Behaviour> {
        if let Some(told) = told(pod) {
            return Arc::new(told);
        }
        let named = annotation(pod, ANNOTATION);
        let script = if self.has(named) { named } else { self.guess(pod) };
        let (role, index) = role(pod);
        let keys = [format!("{role}-{index}"), role.to_owned(), "any".to_owned()];
        self.behaviour(script, &keys).unwrap_or_default()
    }

    /// No circle: a script is added after the one it is like.
    fn behaviour(&self, script: &str, keys: &[String]) -> Option<Arc<Behaviour>> {
        let script = self.0.get(script)?;
        let own = keys.iter().find_map(|key| script.role.get(key)).cloned();
        own.or_else(|| if script.like.is_empty() { None } else { self.behaviour(&script.like, keys) })
    }

    fn guess(&self, pod: &Value) -> &str {
        let Some(container) = list(pod, "/spec/containers").first() else { return "plain" };
        let words = ["/command", "/args"].into_iter().flat_map(|path| list(container, path)).filter_map(Value::as_str);
        let said = format!("{} {}", words.collect::<Vec<_>>().join(" "), text(container, "/image"));
        let fits = |script: &Script| script.matching.iter().any(|word| said.contains(word.as_str()));
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
    let base = Behaviour { pull: 1.05, run, exit, exact: true, recorded: true, ..Behaviour::default() };
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

    fn scripts(text: &str) -> Result<Scripts, Fault> {
        let mut all = Scripts::default();
        all.add(toml::from_str(text).unwrap()).map(|()| all)
    }

    #[test]
    fn a_script_takes_what_it_lacks_from_another_wherever_that_stands() {
        let text = r#"
            [a]
            like = "b"
            [a.role.worker]
            pull = 9
            [b]
            tags = "hydra"
            words = { refused = "no" }
            [b.role.launcher]
            run = 7
        "#;
        let all = scripts(text).unwrap();
        let of = |role: &str| {
            all.of(&serde_json::json!({"metadata": {"annotations": {"sim.mpideck.io/script": "a"}, "labels": {"training.kubeflow.org/job-role": role}}}))
        };
        assert_eq!((of("worker").pull, of("worker").tags), (9.0, Tags::Hydra));
        assert_eq!((of("launcher").run, of("worker").words["refused"].as_str()), (Some(7.0), "no"));
        let fault = scripts("[a]\nlike = \"zebra\"").unwrap_err();
        assert!(fault.what.contains("zebra") && fault.at == (11..18), "{fault:?}");
        assert!(scripts("[a]\nlike = \"b\"\n[b]\nlike = \"a\"").is_err(), "a circle");
    }
}
