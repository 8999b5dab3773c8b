//! The format of a scenario: what lives, what its replicas do, what happens to it, and the class it must lead to.
//!
//! Owns reading and checking of one file's text; docs/scenarios.md is its description. Must not touch files or a store.

use std::{collections::BTreeMap, ops::Range};

use serde::Deserialize;
use serde_json::Value;
use toml::Spanned;

use super::{error::ScenarioError, plan::Plan};
use crate::{
    jobs::Kind,
    sim::{
        kubelet::{
            behaviour::Tags,
            form::{Fault, RoleForm},
            script::ScriptForm,
        },
        store::{Resource, resource},
        value::text,
    },
};

/// An object that is made, changed or deleted at its time.
#[derive(Clone, Debug)]
pub(super) struct Happening {
    /// Seconds after the begin.
    pub(super) at: f64,
    /// Which resource.
    pub(super) resource: &'static Resource,
    /// The object, or what of it changes.
    pub(super) manifest: Value,
    /// It goes.
    pub(super) delete: bool,
}

/// Pods that the API server lets nobody make.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Denial {
    /// A part of their names.
    pub(super) pods: String,
    /// The server's words, after «is forbidden: ».
    pub(super) says: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HappeningForm {
    #[serde(default)]
    at: f64,
    #[serde(default)]
    delete: bool,
    manifest: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Form {
    about: String,
    class: String,
    seconds: f64,
    like: Option<Spanned<String>>,
    tags: Option<Tags>,
    #[serde(default)]
    words: BTreeMap<String, String>,
    #[serde(default)]
    role: BTreeMap<String, Spanned<RoleForm>>,
    #[serde(default)]
    job: Vec<Spanned<Plan>>,
    #[serde(default)]
    object: Vec<HappeningForm>,
    #[serde(default)]
    denial: Vec<Denial>,
}

/// A scenario that can be played.
#[derive(Debug)]
pub struct Scenario {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// The class of the cause that it must lead to; `none` for a healthy one.
    pub class: String,
    /// After so many script seconds all of it has happened.
    pub seconds: f64,
    pub(super) jobs: Vec<Plan>,
    pub(super) happenings: Vec<Happening>,
    pub(super) denials: Vec<Denial>,
    pub(super) script: ScriptForm,
}

impl Scenario {
    /// Namespace and name of its jobs.
    pub fn jobs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.jobs.iter().map(|job| (job.namespace.as_str(), job.name.as_str()))
    }

    /// Reads `source`, the content of `file`.
    pub fn parse(file: &str, source: &str) -> Result<Self, ScenarioError> {
        let form: Form = toml::from_str(source).map_err(|error| ScenarioError::syntax(file, source, &error))?;
        let stem = file.rsplit('/').next().unwrap_or(file);
        let name = stem.strip_suffix(".toml").unwrap_or(stem);
        Self::checked(name, form).map_err(|fault| ScenarioError::of(file, source, &fault))
    }

    fn checked(name: &str, form: Form) -> Result<Self, Fault> {
        if !form.seconds.is_finite() || form.seconds <= 0.0 {
            return Err(Fault::new(
                0..0,
                "`seconds` is no length of time",
                "say after how many seconds all has happened",
            ));
        }
        if form.job.is_empty() {
            return Err(Fault::new(0..0, "there is no job", "add a [[job]] with what it is like"));
        }
        let mut jobs = Vec::new();
        for job in form.job {
            let at = job.span();
            jobs.push(plan(name, at, job.into_inner())?);
        }
        let happenings = form.object.iter().map(happening).collect::<Result<_, _>>()?;
        let script = ScriptForm::of(form.like, form.tags, form.words, form.role);
        let (about, class, seconds, denials) = (form.about, form.class, form.seconds, form.denial);
        Ok(Self { name: name.to_owned(), about, class, seconds, jobs, happenings, denials, script })
    }
}

/// A job of a scenario: what it does not say follows from the scenario's name.
fn plan(scenario: &str, at: Range<usize>, mut plan: Plan) -> Result<Plan, Fault> {
    if !Kind::ALL.iter().any(|k| k.info().kind == plan.kind) {
        let kinds: Vec<_> = Kind::ALL.iter().map(|k| k.info().kind).collect();
        return Err(Fault::new(
            at,
            format!("no job is of kind {:?}", plan.kind),
            format!("there are {}", kinds.join(", ")),
        ));
    }
    if plan.script.is_empty() {
        scenario.clone_into(&mut plan.script);
    }
    if plan.name.is_empty() {
        scenario.clone_into(&mut plan.name);
    }
    if plan.namespace.is_empty() {
        "vision".clone_into(&mut plan.namespace);
    }
    if !plan.patch.is_empty() {
        serde_saphyr::from_str::<Value>(&plan.patch)
            .map_err(|error| Fault::new(at, format!("`patch` is not YAML: {error}"), "write it as in a manifest"))?;
    }
    Ok(plan)
}

fn happening(form: &HappeningForm) -> Result<Happening, Fault> {
    let at = form.manifest.span();
    let manifest: Value = serde_saphyr::from_str(form.manifest.get_ref()).map_err(|error| {
        Fault::new(at.clone(), format!("`manifest` is not YAML: {error}"), "write it as for kubectl apply")
    })?;
    let (version, kind) = (text(&manifest, "/apiVersion"), text(&manifest, "/kind"));
    let known = resource::ALL.iter().copied().find(|r| r.kind == kind && r.api_version() == version);
    let Some(resource) = known else {
        let what = format!("the cluster knows no {kind:?} of apiVersion {version:?}");
        return Err(Fault::new(at, what, "mpideck demo --serve and kubectl api-resources list what it knows"));
    };
    if text(&manifest, "/metadata/name").is_empty() {
        return Err(Fault::new(at, format!("the {kind} has no name"), "add metadata.name"));
    }
    Ok(Happening { at: form.at, resource, manifest, delete: form.delete })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "about = \"a\"\nclass = \"none\"\nseconds = 10\n";

    #[test]
    fn a_scenario_says_the_least_and_gets_the_rest() {
        let object = "[[object]]\nat = 3\nmanifest = '''\napiVersion: v1\nkind: Node\nmetadata: {name: cpu-9}\nspec: {unschedulable: true}\n'''\n";
        let read = Scenario::parse("a/b/slow.toml", &format!("{HEAD}[[job]]\nworkers = 3\n{object}")).unwrap();
        let job = &read.jobs[0];
        let got = (read.name.as_str(), job.name.as_str(), job.script.as_str(), job.namespace.as_str(), job.workers);
        assert_eq!(got, ("slow", "slow", "slow", "vision", 3));
        assert_eq!((read.happenings[0].resource.plural, read.happenings[0].at), ("nodes", 3.0));
    }

    #[test]
    fn what_is_wrong_is_told_with_file_line_and_remedy() {
        for (text, line, words) in [
            ("about = ", 1, "docs/scenarios.md"),
            ("[[job]]\nworker = 3\n", 5, "unknown field `worker`, expected one of"),
            ("[[job]]\nkind = \"Job\"\n", 4, "no job is of kind \"Job\"; there are MPIJob"),
            ("", 1, "there is no job; add a [[job]]"),
            ("[[job]]\n[role.worker]\nphase = [{ seconds = -1 }]\n", 6, ""),
            ("[[job]]\n[[object]]\nmanifest = \"kind: Nod\"\n", 6, "knows no \"Nod\""),
            ("[[job]]\n[[object]]\nmanifest = \"a: [\"\n", 6, "is not YAML"),
        ] {
            let source = if line == 1 && text.starts_with("about") { text.to_owned() } else { format!("{HEAD}{text}") };
            let Err(error) = Scenario::parse("x.toml", &source) else {
                assert!(words.is_empty(), "{text} is taken");
                continue;
            };
            assert!(error.line == line && error.to_string().contains(words), "{text}: {error}");
            assert!(error.to_string().starts_with(&format!("x.toml, line {line}: ")), "{error}");
        }
    }
}
