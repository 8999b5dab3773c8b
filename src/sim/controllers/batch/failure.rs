//! When a Job fails: deadline, back-off limit, pod failure policy.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::sim::value::{after, has_condition, int, is_over, list, name, namespace, phase, text, time, truth};

/// How a Job ends.
#[derive(Clone)]
pub(super) enum Verdict {
    /// It has failed.
    Failed {
        /// One word.
        reason: String,
        /// The sentence.
        message: String,
    },
    /// As many pods have succeeded as were wanted.
    Complete,
}

fn failed(reason: &str, message: impl Into<String>) -> Verdict {
    Verdict::Failed { reason: reason.to_owned(), message: message.into() }
}

/// Whether and why the Job fails now.
pub(super) fn verdict(
    job: &Value,
    next: &Value,
    pods: &[&Arc<Value>],
    failures: i64,
    now: Timestamp,
) -> Option<Verdict> {
    if let Some(message) = pods.iter().find_map(|pod| forbidden(job, pod)) {
        return Some(failed("PodFailurePolicy", message));
    }
    let limit = int(job, "/spec/backoffLimit").unwrap_or(6);
    let again = text(job, "/spec/template/spec/restartPolicy") == "OnFailure";
    let restarts: i64 = pods.iter().filter(|p| !is_over(p)).map(|p| restarts(p)).sum();
    let in_place = again && if limit == 0 { restarts > 0 } else { restarts >= limit };
    if failures > limit || in_place {
        return Some(failed("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    if deadline(job, next).is_some_and(|due| now >= due) {
        return Some(failed("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    None
}

/// When the active deadline passes; suspended Jobs have none.
pub(super) fn deadline(job: &Value, next: &Value) -> Option<Timestamp> {
    if truth(job, "/spec/suspend") || has_condition(next, "Suspended") {
        return None;
    }
    let limit = int(job, "/spec/activeDeadlineSeconds")?;
    Some(after(time(next, "/status/startTime")?, limit as f64))
}

fn restarts(pod: &Value) -> i64 {
    list(pod, "/status/containerStatuses").iter().filter_map(|c| int(c, "/restartCount")).sum()
}

/// The sentence of the rule by which this failed pod fails the Job.
fn forbidden(job: &Value, pod: &Value) -> Option<String> {
    matching(job, pod).filter(|(action, _)| *action == "FailJob").map(|(_, message)| message)
}

/// Whether a rule says that this failed pod does not count.
pub(super) fn is_ignored(job: &Value, pod: &Value) -> bool {
    matching(job, pod).is_some_and(|(action, _)| action == "Ignore")
}

/// The first rule of the pod failure policy that fits a failed pod: its action, and what is said of it.
fn matching<'a>(job: &'a Value, pod: &Value) -> Option<(&'a str, String)> {
    if phase(pod) != "Failed" {
        return None;
    }
    let rules = list(job, "/spec/podFailurePolicy/rules").iter().enumerate();
    rules.into_iter().find_map(|(at, rule)| {
        let action = text(rule, "/action");
        let tail = format!("matching {action} rule at index {at}");
        by_exit_code(rule, pod, &tail).or_else(|| by_condition(rule, pod, &tail)).map(|said| (action, said))
    })
}

fn by_exit_code(rule: &Value, pod: &Value, tail: &str) -> Option<String> {
    let codes = list(rule, "/onExitCodes/values");
    let wanted = text(rule, "/onExitCodes/containerName");
    let inside = text(rule, "/onExitCodes/operator") == "In";
    if codes.is_empty() {
        return None;
    }
    let statuses = list(pod, "/status/containerStatuses").iter().chain(list(pod, "/status/initContainerStatuses"));
    statuses.filter(|c| wanted.is_empty() || text(c, "/name") == wanted).find_map(|c| {
        let code = int(c, "/state/terminated/exitCode").filter(|code| *code != 0)?;
        let listed = codes.iter().any(|v| v.as_i64() == Some(code));
        (listed == inside).then(|| {
            let pod = format!("{}/{}", namespace(pod), name(pod));
            format!("Container {} for pod {pod} failed with exit code {code} {tail}", text(c, "/name"))
        })
    })
}

fn by_condition(rule: &Value, pod: &Value, tail: &str) -> Option<String> {
    list(rule, "/onPodConditions").iter().find_map(|pattern| {
        let (kind, status) = (text(pattern, "/type"), text(pattern, "/status"));
        let status = if status.is_empty() { "True" } else { status };
        let there = list(pod, "/status/conditions").iter();
        let fits = there.into_iter().any(|c| text(c, "/type") == kind && text(c, "/status") == status);
        fits.then(|| format!("Pod {}/{} has condition {kind} {tail}", namespace(pod), name(pod)))
    })
}
