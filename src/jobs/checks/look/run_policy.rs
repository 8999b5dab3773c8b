//! How the job ends, what is tried again, and what is left then.

use serde_json::Value;

use super::{Looks, resources};
use crate::jobs::Kind;
use crate::jobs::checks::case::{Case, Found};

pub(super) const LOOKS: Looks = &[
    ("clean-policy-word", clean_word),
    ("number-negative", negative),
    ("restart-word", restart_word),
    ("managed-elsewhere", managed),
    ("clean-none-gpus", clean_none),
    ("deadline-zero", deadline_zero),
    ("log-lost", log_lost),
    ("ttl-short", ttl_short),
    ("template-restart", template_restart),
    ("backoff-other", backoff),
];

const POLICY: &str = "/spec/runPolicy";

fn is_v2(case: &Case<'_>) -> bool {
    case.kind == Kind::MpiJob
}

fn clean_word(case: &Case<'_>) -> Vec<Found> {
    let at = format!("{POLICY}/cleanPodPolicy");
    let odd = case.text(&at).filter(|word| is_v2(case) && !matches!(*word, "None" | "Running" | "All"));
    odd.map(|word| Found::at(&at).with("is", format!("{word:?}"))).into_iter().collect()
}

fn negative(case: &Case<'_>) -> Vec<Found> {
    let fields = ["ttlSecondsAfterFinished", "activeDeadlineSeconds", "backoffLimit"];
    let bad = fields.into_iter().filter_map(|field| {
        let at = format!("{POLICY}/{field}");
        let is = case.number(&at).filter(|n| *n < 0 && is_v2(case))?;
        Some(Found::at(at).with("field", field).with("is", is))
    });
    bad.collect()
}

fn restart_word(case: &Case<'_>) -> Vec<Found> {
    let odd = |role: &super::super::case::Role<'_>| {
        let word = role.spec["restartPolicy"].as_str().unwrap_or_default().to_owned();
        (!matches!(word.as_str(), "" | "Never" | "OnFailure")).then_some(word)
    };
    let roles = case.made().into_iter().filter(|_| is_v2(case));
    roles
        .filter_map(|role| {
            Some(Found::at(format!("{}/restartPolicy", role.at)).with("is", odd(&role)?).with("role", role.name))
        })
        .collect()
}

/// `managedBy` of another controller: the operator does not even say that it looks away.
fn managed(case: &Case<'_>) -> Vec<Found> {
    let at = format!("{POLICY}/managedBy");
    let other = case.text(&at).filter(|word| is_v2(case) && *word != "kubeflow.org/mpi-operator");
    other.map(|word| Found::at(&at).with("is", format!("{word:?}"))).into_iter().collect()
}

fn clean_none(case: &Case<'_>) -> Vec<Found> {
    let at = format!("{POLICY}/cleanPodPolicy");
    let is = case.text(&at).unwrap_or("None");
    let leaks = is_v2(case) && is == "None" && resources::has_gpus(case);
    let gpus = case.role("Worker").map_or(0, |role| role.gpus().0) * case.workers();
    let said = if case.text(&at).is_some() { "is None" } else { "is not set, and None is the default" };
    (leaks && gpus > 0).then(|| Found::at(at).with("gpus", gpus).with("said", said)).into_iter().collect()
}

fn deadline_zero(case: &Case<'_>) -> Vec<Found> {
    let at = format!("{POLICY}/activeDeadlineSeconds");
    case.number(&at).filter(|n| *n == 0).map(|_| Found::at(&at)).into_iter().collect()
}

/// The Job controller deletes a launcher's pod, and its log, when the attempts inside of it are used up.
fn log_lost(case: &Case<'_>) -> Vec<Found> {
    let Some(role) = case.role("Launcher").filter(|_| is_v2(case)) else { return Vec::new() };
    let is = role.spec["restartPolicy"].as_str().filter(|word| !word.is_empty());
    let said = if is.is_some() { "is OnFailure" } else { "is not set, and OnFailure is the default" };
    let lost = is.is_none_or(|word| word == "OnFailure");
    lost.then(|| Found::at(format!("{}/restartPolicy", role.at)).with("said", said)).into_iter().collect()
}

fn ttl_short(case: &Case<'_>) -> Vec<Found> {
    let at = format!("{POLICY}/ttlSecondsAfterFinished");
    let short = case.number(&at).filter(|n| (0..300).contains(n));
    short.map(|is| Found::at(&at).with("is", is)).into_iter().collect()
}

fn template_restart(case: &Case<'_>) -> Vec<Found> {
    let set = case.made().into_iter().filter(|role| case.is_mpi() && role.pod()["restartPolicy"].is_string());
    set.map(|role| {
        let is = role.pod()["restartPolicy"].as_str().unwrap_or_default();
        Found::at(role.pod_at("/restartPolicy")).with("is", is).with("role", role.name)
    })
    .collect()
}

fn backoff(case: &Case<'_>) -> Vec<Found> {
    let at = format!("{POLICY}/backoffLimit");
    let most = case.limits.backoff_limit;
    let is = case.get(&at).and_then(Value::as_i64);
    match (is, most) {
        (Some(is), Some(most)) if is > most => vec![Found::at(at).with("is", is).with("most", most)],
        _ => Vec::new(),
    }
}
