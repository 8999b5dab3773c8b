//! Every check as a page of the documentation, made from the rule file.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::Value;

use crate::jobs::checks::{Checks, Limits, Outcome, Rule};

/// The page.
pub fn as_markdown(checks: &Checks) -> String {
    let mut out = String::from(HEAD);
    let _ = writeln!(out, "\n## Profiles\n");
    for (name, profile) in checks.profiles() {
        let limits = limits(&profile.limits);
        let limits = if limits.is_empty() { "no limits".to_owned() } else { limits.join(", ") };
        let _ = writeln!(out, "- `{name}`: {}; {limits}.", profile.title);
    }
    let _ = writeln!(
        out,
        "\n## The base\n\nExamples are changes of this manifest.\n\n```yaml\n{}\n```",
        checks.base().trim()
    );
    let mut area = "";
    for rule in checks.rules() {
        if rule.area != area {
            area = &rule.area;
            let _ = writeln!(out, "\n## {}\n", title(area));
            let _ =
                writeln!(out, "| rule | severity | says | what to do | hit by | not by |\n|---|---|---|---|---|---|");
        }
        let _ = writeln!(out, "{}", row(rule));
    }
    out
}

const HEAD: &str = "# Checks\n\nWhat `mpideck check` and the console look for in a manifest before anything is made of it. This page is made from\n`assets/checks.toml` (`mpideck check --rules`); each example is a test. A severity names who refuses the manifest, where somebody\ndoes: the API server at create, the operator by an event and nothing else, the API server when the pods are made, or nobody,\nbecause the operator looks away. `W` and `L` stand for `/spec/mpiReplicaSpecs/Worker` and `Launcher`, `WP` and `LP` for the specs\nof their pods, `WC` and `LC` for their main containers. Verdicts are held against some 350 manifests that a real API server 1.36 and a\nreal mpi-operator 0.8.2 were given.\n";

fn title(area: &str) -> String {
    let mut letters = area.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn limits(limits: &Limits) -> Vec<String> {
    let range = |what: &str, range: Option<(i64, i64)>| range.map(|(least, most)| format!("{least} to {most} {what}"));
    let text = |what: &str, text: &Option<String>| text.as_ref().map(|text| format!("{what} {text}"));
    [
        range("workers", limits.workers),
        range("slots per worker", limits.slots),
        range("GPUs per worker", limits.gpus),
        text("cpu", &limits.cpu),
        text("memory", &limits.memory),
        text("cleanPodPolicy", &limits.clean_pod_policy),
        limits.backoff_limit.map(|n| format!("backoffLimit {n}")),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn row(rule: &Rule) -> String {
    let severity = match rule.outcome {
        Some(Outcome::Create) => "error: refused at create",
        Some(Outcome::Event) => "error: refused by event",
        Some(Outcome::Pods) => "error: pods refused",
        Some(Outcome::Ignored) => "error: ignored",
        None => rule.severity.word(),
    };
    let profiles =
        if rule.profiles.is_empty() { String::new() } else { format!(" (`{}`)", rule.profiles.join("`, `")) };
    let gone = rule.without.iter().map(|at| format!("no `{at}`"));
    let hit: Vec<String> = values(&rule.bad).chain(gone).collect();
    let passes: Vec<String> = values(&rule.good).collect();
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| `{}` | {severity}{profiles} | {} | {} | {} | {} |",
        rule.id,
        cell(&rule.reason),
        cell(&rule.remedy),
        cell(&hit.join("<br>")),
        cell(&passes.join("<br>"))
    )
}

fn values(values: &BTreeMap<String, Value>) -> impl Iterator<Item = String> {
    values.iter().map(|(at, value)| format!("`{at}: {value}`"))
}
