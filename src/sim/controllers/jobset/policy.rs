//! What the end of a Job means for its JobSet: success and failure policies.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Pass, RESTARTING, ROLE};
use crate::sim::value::{self, has_condition, int, label, list, name, set, text};

impl Pass<'_> {
    /// If Jobs have failed: fails or restarts the whole, by its policy.
    pub(super) fn fail(&mut self) -> bool {
        let failed: Vec<&Arc<Value>> =
            self.current.iter().copied().filter(|job| has_condition(job, "Failed")).collect();
        let Some(first) = first(&failed) else { return false };
        let Some(policy) = self.set_of["spec"].get("failurePolicy").filter(|p| p.is_object()) else {
            self.give_up("FailedJobs", "jobset failed due to one or more job failures", name(first));
            return true;
        };
        let rule = list(policy, "/rules").iter().find_map(|rule| {
            let meant: Vec<_> = failed.iter().copied().filter(|job| applies(rule, job)).collect();
            Some((rule, super::policy::first(&meant)?))
        });
        let (action, job) = rule.map_or(("RestartJobSet", first), |(rule, job)| (text(rule, "/action"), job));
        let counted = int(self.set_of, "/status/restartsCountTowardsMax").unwrap_or(0);
        let most = int(policy, "/maxRestarts").unwrap_or(0);
        match action {
            "FailJobSet" => {
                self.give_up("FailJobSetFailurePolicyAction", "applying FailJobSet failure policy action", name(job));
            }
            "RestartJobSetAndIgnoreMaxRestarts" => self.restart(action, rule.map(|(rule, _)| rule), name(job)),
            "RestartJobSet" if counted < most => {
                set(&mut self.next, "/status/restartsCountTowardsMax", json!(counted + 1));
                self.restart(action, rule.map(|(rule, _)| rule), name(job));
            }
            "RestartJobSet" => {
                let words = "jobset failed due to reaching max number of restarts";
                self.give_up("ReachedMaxRestarts", words, name(job));
            }
            // Restarts of single Jobs are alpha: where they are off, the controller fails in vain.
            _ => {}
        }
        true
    }

    fn restart(&mut self, action: &str, rule: Option<&Value>, job: &str) {
        let attempt = int(self.set_of, "/status/restarts").unwrap_or(0);
        set(&mut self.next, "/status/restarts", json!(attempt + 1));
        let message = format!("applying {action} failure policy action (first failed job: {job})");
        let reason = rule
            .map_or_else(|| "DefaultFailurePolicy".to_owned(), |rule| format!("FailurePolicy_{}", text(rule, "/name")));
        self.say(true, RESTARTING, true, &reason, &message);
        let reason = format!("{action}FailurePolicyAction");
        self.tell(true, &reason, &message);
    }

    fn give_up(&mut self, reason: &str, words: &str, job: &str) {
        self.say(true, "Failed", true, reason, &format!("{words} (first failed job: {job})"));
        self.restarted("JobSetFailed", "jobset failed");
        set(&mut self.next, "/status/terminalState", json!("Failed"));
    }

    /// If as many Jobs have succeeded as the policy asks for, so has the whole.
    pub(super) fn succeed(&mut self) -> bool {
        let done: Vec<&str> =
            self.current.iter().filter(|job| has_condition(job, "Complete")).map(|job| label(job, ROLE)).collect();
        let named = list(self.set_of, "/spec/successPolicy/targetReplicatedJobs");
        let counts = |role: &str| named.is_empty() || named.iter().any(|n| n.as_str() == Some(role));
        let wanted: i64 = if text(self.set_of, "/spec/successPolicy/operator") == "Any" {
            1
        } else {
            let roles = list(self.set_of, "/spec/replicatedJobs").iter();
            roles
                .filter(|r| counts(text(r, "/name")))
                .map(|r| int(r, "/replicas").unwrap_or(1))
                .fold(0, i64::saturating_add)
        };
        if done.is_empty() || (done.iter().filter(|role| counts(role)).count() as i64) < wanted {
            return false;
        }
        self.say(false, "Completed", true, "AllJobsCompleted", "jobset completed successfully");
        self.restarted("JobSetCompleted", "jobset completed successfully");
        set(&mut self.next, "/status/terminalState", json!("Completed"));
        true
    }
}

/// The Job that failed first.
fn first<'a>(failed: &[&'a Arc<Value>]) -> Option<&'a Arc<Value>> {
    failed.iter().copied().min_by_key(|job| failure(job, "/lastTransitionTime").to_owned())
}

fn failure<'a>(job: &'a Value, path: &str) -> &'a str {
    value::condition(job, "Failed").map_or("", |c| text(c, path))
}

/// Whether a rule of the failure policy speaks of this failed Job.
fn applies(rule: &Value, job: &Value) -> bool {
    let among = |path: &str, word: &str| {
        let all = list(rule, path);
        all.is_empty() || all.iter().any(|one| one.as_str() == Some(word))
    };
    let patterns = list(rule, "/onJobFailureMessagePatterns");
    let said = failure(job, "/message");
    let fits = |p: &Value| p.as_str().and_then(|p| regex::Regex::new(p).ok()).is_some_and(|p| p.is_match(said));
    among("/onJobFailureReasons", failure(job, "/reason"))
        && (patterns.is_empty() || patterns.iter().any(fits))
        && among("/targetReplicatedJobs", label(job, ROLE))
}
