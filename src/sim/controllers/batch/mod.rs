//! The batch Job controller: attempts by back-off, deadlines, suspension, completion, ttl, indexed pods.
//!
//! Owns one pass over one Job. Words and order are those of Kubernetes 1.31 and later: what has ended is first noted
//! as uncounted, then counted, and an end is announced before it is reached.

mod failure;
mod indexes;
mod rules;
mod start;

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use self::failure::Verdict;
pub(crate) use self::rules::numbers;
use crate::sim::{
    store::resource::{JOBS, PODS},
    value::{
        self, after, has_condition, int, is_deleting, is_over, list, name, namespace, phase, push, set, stamp, text,
        time, truth, uid,
    },
    write::{Note, Write},
};

const FROM: &str = "job-controller";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";
/// Finalizer of pods that are not counted yet.
const TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// What the controller remembers of a Job between passes.
#[derive(Default)]
pub(crate) struct Counted {
    /// Pods that count as failed.
    failed: BTreeSet<String>,
    /// Pods that count as succeeded.
    succeeded: BTreeSet<String>,
    /// Pods that count as neither, as a rule of the failure policy says.
    spared: BTreeSet<String>,
    /// When the last that failed ended, whether or not it is still there.
    last_failure: Option<Timestamp>,
    /// How it fails: older releases do not announce it in the status.
    failure: Option<Verdict>,
    made: u64,
}

/// One pass; also when to look again though nothing changes.
pub(crate) fn reconcile(
    job: &Value,
    pods: &[Arc<Value>],
    counted: &mut Counted,
    now: Timestamp,
) -> (Vec<Write>, Option<Timestamp>) {
    if let Some(end) = end(job) {
        return after_the_end(job, end, now);
    }
    let mine: Vec<_> = pods.iter().filter(|p| value::controller_uid(p) == uid(job)).collect();
    let mut pass = Pass { job, next: job.clone(), pods: mine, writes: Vec::new(), wake: None, now };
    pass.run(counted);
    let mut writes = orphans(pods, uid(job));
    writes.append(&mut pass.writes);
    (writes, pass.wake)
}

/// Lets go of pods whose Job is not the one of uid `job`: it is no more.
pub(crate) fn orphans(pods: &[Arc<Value>], job: &str) -> Vec<Write> {
    pods.iter().filter(|pod| value::controller_uid(pod) != job).filter_map(|pod| release(pod)).collect()
}

/// Whether a pod waits to be counted.
fn is_tracked(pod: &Value) -> bool {
    list(pod, "/metadata/finalizers").iter().any(|f| f == TRACKING)
}

/// Takes the tracking finalizer off a pod that has it.
fn release(pod: &Value) -> Option<Write> {
    is_tracked(pod).then(|| Write::Release(&PODS, namespace(pod).into(), name(pod).into(), TRACKING))
}

fn end(job: &Value) -> Option<Timestamp> {
    let done = ["Complete", "Failed"].into_iter().filter_map(|kind| value::condition(job, kind));
    done.filter(|c| text(c, "/status") == "True").find_map(|c| time(c, "/lastTransitionTime"))
}

fn after_the_end(job: &Value, end: Timestamp, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let Some(ttl) = int(job, "/spec/ttlSecondsAfterFinished").filter(|_| !is_deleting(job)) else {
        return (Vec::new(), None);
    };
    let due = after(end, ttl as f64);
    if now >= due {
        (vec![Write::Delete(&JOBS, namespace(job).into(), name(job).into())], None)
    } else {
        (Vec::new(), Some(due))
    }
}

struct Pass<'a> {
    job: &'a Value,
    next: Value,
    pods: Vec<&'a Arc<Value>>,
    writes: Vec<Write>,
    wake: Option<Timestamp>,
    now: Timestamp,
}

impl Pass<'_> {
    fn run(&mut self, counted: &mut Counted) {
        let mut fresh = self.newly_ended(counted);
        let suspended = truth(self.job, "/spec/suspend");
        if !suspended && text(&self.next, "/status/startTime").is_empty() {
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
        let going = is_deleting(self.job);
        let verdict = self.verdict(counted).filter(|_| !going);
        match &verdict {
            _ if going => {}
            Some(verdict) => {
                let cut_off = self.delete_active();
                if matches!(verdict, Verdict::Failed { .. }) {
                    // Of a failed Job, what still ran has failed, too.
                    counted.failed.extend(cut_off.iter().cloned());
                    fresh[0].extend(cut_off);
                }
                self.announce(verdict);
            }
            None => self.manage(counted, suspended),
        }
        self.count();
        self.note(&fresh);
        if fresh.iter().any(|uids| !uids.is_empty()) || verdict.is_some() {
            self.save();
        }
        let over = going || verdict.is_some();
        let counts = |p: &&&Arc<Value>| {
            [&counted.failed, &counted.succeeded, &counted.spared].iter().any(|all| all.contains(uid(p)))
        };
        let released: Vec<_> = self.pods.iter().filter(|p| over || counts(p)).filter_map(|p| release(p)).collect();
        self.writes.extend(released);
        set(&mut self.next, "/status/uncountedTerminatedPods", json!({}));
        self.set("failed", counted.failed.len() as i64);
        self.set("succeeded", counted.succeeded.len() as i64);
        if let Some(verdict) = verdict {
            self.conclude(&verdict);
        }
        self.save();
    }

    /// What has ended is first noted as uncounted; the numbers follow with the next write.
    fn note(&mut self, fresh: &[Vec<String>; 2]) {
        let mut uncounted = json!({});
        for (what, uids) in ["failed", "succeeded"].into_iter().zip(fresh).filter(|(_, uids)| !uids.is_empty()) {
            uncounted[what] = json!(uids);
        }
        set(&mut self.next, "/status/uncountedTerminatedPods", uncounted);
    }

    fn set(&mut self, field: &str, n: i64) {
        if n > 0 {
            set(&mut self.next, &format!("/status/{field}"), json!(n));
        } else if let Some(status) = self.next["status"].as_object_mut() {
            status.remove(field);
        }
    }

    /// Sets a condition in its place; whether it is new or changed its truth.
    fn condition(&mut self, kind: &str, truth: bool, reason: &str, message: &str) -> bool {
        let status = if truth { "True" } else { "False" };
        if value::condition(&self.next, kind).is_some_and(|c| text(c, "/status") == status) {
            return false;
        }
        let at = stamp(self.now);
        let fresh = json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastProbeTime": at, "lastTransitionTime": at,
        });
        let place = list(&self.next, "/status/conditions").iter().position(|c| text(c, "/type") == kind);
        match place {
            Some(place) => self.next["status"]["conditions"][place] = fresh,
            None => push(&mut self.next, "/status/conditions", fresh),
        }
        true
    }

    fn tell(&mut self, reason: &str, message: &str) {
        self.writes.push(Write::Tell(Note::normal(self.job, FROM, reason, message)));
    }

    fn save(&mut self) {
        let last = self.writes.iter().rev().find_map(|w| match w {
            Write::Status(_, object) => Some(object),
            _ => None,
        });
        if self.next.get("status") != last.unwrap_or(self.job).get("status") {
            self.writes.push(Write::Status(&JOBS, self.next.clone()));
        }
    }

    fn active(&self) -> impl Iterator<Item = &&Arc<Value>> {
        self.pods.iter().filter(|p| !is_over(p) && !is_deleting(p))
    }

    fn terminating(&self) -> usize {
        self.pods.iter().filter(|p| is_deleting(p) && !is_over(p)).count()
    }

    /// Deletes what still runs; their uids.
    fn delete_active(&mut self) -> Vec<String> {
        let doomed: Vec<_> = self.active().map(|p| (name(p).to_owned(), uid(p).to_owned())).collect();
        for (pod, _) in &doomed {
            self.writes.push(Write::Delete(&PODS, namespace(self.job).into(), pod.clone()));
            self.tell("SuccessfulDelete", &format!("Deleted pod: {pod}"));
        }
        doomed.into_iter().map(|(_, uid)| uid).collect()
    }

    fn completions(&self) -> i64 {
        int(self.job, "/spec/completions").or_else(|| int(self.job, "/spec/parallelism")).unwrap_or(1)
    }

    /// Adds the pods that have ended since the last look to what is counted; their uids: failed, succeeded.
    fn newly_ended(&self, counted: &mut Counted) -> [Vec<String>; 2] {
        let waits_for_end = text(self.job, "/spec/podReplacementPolicy") == "Failed";
        let mut fresh = [Vec::new(), Vec::new()];
        for pod in self.pods.iter().filter(|pod| is_tracked(pod)) {
            let id = uid(pod);
            if [&counted.failed, &counted.succeeded, &counted.spared].iter().any(|all| all.contains(id)) {
                continue;
            }
            let going = is_deleting(pod) && !is_over(pod) && !waits_for_end;
            if phase(pod) == "Succeeded" {
                counted.succeeded.insert(id.to_owned());
                fresh[1].push(id.to_owned());
            } else if phase(pod) == "Failed" || going {
                if failure::is_ignored(self.job, pod) {
                    counted.spared.insert(id.to_owned());
                } else {
                    counted.failed.insert(id.to_owned());
                    counted.last_failure = counted.last_failure.max(start::finished(pod));
                    fresh[0].push(id.to_owned());
                }
            }
        }
        fresh
    }

    /// How the Job ends, if it does.
    fn verdict(&mut self, counted: &mut Counted) -> Option<Verdict> {
        if let Some(c) = value::condition(self.job, "FailureTarget") {
            return Some(Verdict::Failed { reason: text(c, "/reason").into(), message: text(c, "/message").into() });
        }
        if counted.failure.is_some() {
            return counted.failure.clone();
        }
        if has_condition(self.job, "SuccessCriteriaMet") {
            return Some(Verdict::Complete);
        }
        let failed = counted.failed.len() as i64;
        if let Some(failure) = failure::verdict(self.job, &self.next, &self.pods, failed, self.now) {
            counted.failure = Some(failure.clone());
            return Some(failure);
        }
        self.wake = failure::deadline(self.job, &self.next);
        let done = counted.succeeded.len() as i64;
        (done >= self.completions()).then_some(Verdict::Complete)
    }

    fn announce(&mut self, verdict: &Verdict) {
        let (kind, reason, message) = match verdict {
            Verdict::Failed { reason, message } => ("FailureTarget", reason.as_str(), message.as_str()),
            Verdict::Complete => ("SuccessCriteriaMet", REACHED.0, REACHED.1),
        };
        self.condition(kind, true, reason, message);
    }

    /// The end itself, once no pod is left.
    fn conclude(&mut self, verdict: &Verdict) {
        let deleted = self.writes.iter().any(|w| matches!(w, Write::Delete(..)));
        if deleted || self.pods.iter().any(|p| !is_over(p)) {
            return;
        }
        match verdict {
            Verdict::Failed { reason, message } => {
                self.condition("Failed", true, reason, message);
                self.writes.push(Write::Tell(Note::warning(self.job, FROM, reason, message.clone())));
            }
            Verdict::Complete => {
                set(&mut self.next, "/status/completionTime", json!(stamp(self.now)));
                self.condition("Complete", true, REACHED.0, REACHED.1);
                self.tell("Completed", "Job completed");
            }
        }
    }

    /// Starts, stops and suspends pods.
    fn manage(&mut self, counted: &mut Counted, suspended: bool) {
        if suspended {
            // What a suspension stops never counts.
            let uncounted: Vec<_> = self.active().filter_map(|pod| release(pod)).collect();
            self.writes.extend(uncounted);
            self.delete_active();
            // Since 1.36 its template may be changed then, which wants a Job that has not started.
            if let Some(status) = self.next["status"].as_object_mut() {
                status.remove("startTime");
            }
            if self.condition("Suspended", true, "JobSuspended", "Job suspended") {
                self.tell("Suspended", "Job suspended");
            }
            return;
        }
        self.start_pods(counted);
        if has_condition(&self.next, "Suspended") && self.condition("Suspended", false, "JobResumed", "Job resumed") {
            self.tell("Resumed", "Job resumed");
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
    }

    /// Pods by state as the pass leaves them.
    fn count(&mut self) {
        if text(self.job, "/spec/completionMode") == "Indexed" {
            let before = text(&self.next, "/status/completedIndexes");
            let now = indexes::completed(before, self.completions(), self.pods.iter().map(|pod| &***pod));
            if !now.is_empty() {
                set(&mut self.next, "/status/completedIndexes", json!(now));
            }
        }
        let made = self.writes.iter().filter(|w| matches!(w, Write::Create { .. })).count();
        let doomed = self.writes.iter().filter(|w| matches!(w, Write::Delete(..))).count();
        let active = self.active().count() - doomed + made;
        let ready = if doomed > 0 { 0 } else { self.active().filter(|p| value::is_ready(p)).count() };
        self.set("active", active as i64);
        set(&mut self.next, "/status/ready", json!(ready));
        let terminating = self.terminating() + doomed;
        set(&mut self.next, "/status/terminating", json!(terminating));
    }
}

const REACHED: (&str, &str) = ("CompletionsReached", "Reached expected number of succeeded pods");

#[cfg(test)]
mod tests;
