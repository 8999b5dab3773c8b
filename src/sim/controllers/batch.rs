//! The batch Job controller: attempts by back-off, deadlines, suspension, completion, ttl, indexed pods.
//!
//! Owns one pass over one Job. Words and order are those of Kubernetes 1.31 and later.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    value::{
        self, after, hash, int, is_deleting, is_over, label, list, mix, name, namespace, owned_by, phase, set, stamp,
        suffix, text, time, truth, uid,
    },
    write::{Cond, Note, Write, set_condition},
};
use crate::sim::store::resource::{JOBS, PODS};

const FROM: &str = "job-controller";
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// What the controller remembers of a Job between passes: pods it has counted as failed.
#[derive(Default)]
pub(crate) struct Counted {
    failed: BTreeSet<String>,
    made: u64,
}

/// One pass; also when to look again though nothing changes.
pub(crate) fn reconcile(
    job: &Value,
    pods: &[Arc<Value>],
    counted: &mut Counted,
    now: Timestamp,
) -> (Vec<Write>, Option<Timestamp>) {
    if is_deleting(job) {
        return (Vec::new(), None);
    }
    if let Some(end) = end(job) {
        return after_the_end(job, end, now);
    }
    let mine: Vec<_> = pods.iter().filter(|p| value::controller_uid(p) == uid(job)).collect();
    for pod in &mine {
        // Pods that a suspension takes away have not failed.
        let taken = is_deleting(pod) && !is_over(pod) && !truth(job, "/spec/suspend");
        if phase(pod) == "Failed" || taken {
            counted.failed.insert(uid(pod).to_owned());
        }
    }
    let mut pass = Pass { job, next: job.clone(), pods: mine, writes: Vec::new(), wake: None, now };
    pass.set("failed", counted.failed.len() as i64);
    if truth(job, "/spec/suspend") {
        pass.suspend();
    } else {
        pass.resume();
        if !pass.ended(counted) {
            pass.start_pods(counted);
        }
    }
    pass.count();
    pass.save();
    (pass.writes, pass.wake)
}

fn end(job: &Value) -> Option<Timestamp> {
    let done = ["Complete", "Failed"].into_iter().filter_map(|kind| value::condition(job, kind));
    done.filter(|c| text(c, "/status") == "True").find_map(|c| time(c, "/lastTransitionTime"))
}

fn after_the_end(job: &Value, end: Timestamp, now: Timestamp) -> (Vec<Write>, Option<Timestamp>) {
    let Some(ttl) = int(job, "/spec/ttlSecondsAfterFinished") else { return (Vec::new(), None) };
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
    fn set(&mut self, field: &str, n: i64) {
        if n > 0 {
            set(&mut self.next, &format!("/status/{field}"), json!(n));
        } else if let Some(status) = self.next["status"].as_object_mut() {
            status.remove(field);
        }
    }

    fn condition(&mut self, kind: &str, truth: bool, reason: &str, message: &str) -> bool {
        set_condition(&mut self.next, Cond { kind, truth, reason, message }, self.now)
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

    fn delete_active(&mut self) {
        let doomed: Vec<_> = self.active().map(|p| name(p).to_owned()).collect();
        for pod in doomed {
            self.writes.push(Write::Delete(&PODS, namespace(self.job).into(), pod.clone()));
            let message = format!("Deleted pod: {pod}");
            self.writes.push(Write::Tell(Note::normal(self.job, FROM, "SuccessfulDelete", message)));
        }
    }

    fn suspend(&mut self) {
        self.delete_active();
        if self.condition("Suspended", true, "JobSuspended", "Job suspended") {
            self.writes.push(Write::Tell(Note::normal(self.job, FROM, "Suspended", "Job suspended")));
        }
        if let Some(status) = self.next["status"].as_object_mut() {
            status.remove("startTime");
        }
    }

    fn resume(&mut self) {
        if value::has_condition(&self.next, "Suspended") {
            self.condition("Suspended", false, "JobResumed", "Job resumed");
            self.writes.push(Write::Tell(Note::normal(self.job, FROM, "Resumed", "Job resumed")));
        }
        if text(&self.next, "/status/startTime").is_empty() {
            set(&mut self.next, "/status/startTime", json!(stamp(self.now)));
        }
    }

    /// Whether the Job has come, or is coming, to its end.
    fn ended(&mut self, counted: &Counted) -> bool {
        let failure = value::condition(self.job, "FailureTarget")
            .map(|c| (text(c, "/reason").to_owned(), text(c, "/message").to_owned()))
            .or_else(|| self.failure(counted).map(|(r, m)| (r.to_owned(), m.to_owned())));
        if let Some((reason, message)) = failure {
            self.fail(&reason, &message, counted);
            return true;
        }
        let done = self.pods.iter().filter(|p| phase(p) == "Succeeded").count() as i64;
        if done < self.completions() {
            return false;
        }
        self.succeed(done);
        true
    }

    fn completions(&self) -> i64 {
        int(self.job, "/spec/completions").or_else(|| int(self.job, "/spec/parallelism")).unwrap_or(1)
    }

    fn failure(&mut self, counted: &Counted) -> Option<(&'static str, &'static str)> {
        if let (Some(limit), Some(start)) =
            (int(self.job, "/spec/activeDeadlineSeconds"), time(&self.next, "/status/startTime"))
        {
            let due = after(start, limit as f64);
            if self.now >= due {
                return Some(("DeadlineExceeded", "Job was active longer than specified deadline"));
            }
            self.wake = Some(due);
        }
        let limit = int(self.job, "/spec/backoffLimit").unwrap_or(6);
        let restarts: i64 = self.pods.iter().filter(|p| !is_over(p)).map(|p| restarts(p)).sum();
        let in_place = text(self.job, "/spec/template/spec/restartPolicy") == "OnFailure"
            && if limit == 0 { restarts > 0 } else { restarts >= limit };
        (in_place || counted.failed.len() as i64 > limit)
            .then_some(("BackoffLimitExceeded", "Job has reached the specified backoff limit"))
    }

    fn fail(&mut self, reason: &str, message: &str, counted: &Counted) {
        if self.condition("FailureTarget", true, reason, message) {
            self.count();
            self.save();
        }
        self.delete_active();
        if self.pods.iter().any(|p| !is_over(p)) {
            return;
        }
        self.set("failed", counted.failed.len() as i64);
        self.condition("Failed", true, reason, message);
        self.writes.push(Write::Tell(Note::warning(self.job, FROM, reason, message)));
    }

    fn succeed(&mut self, done: i64) {
        let (reason, message) = ("CompletionsReached", "Reached expected number of succeeded pods");
        if self.condition("SuccessCriteriaMet", true, reason, message) {
            self.count();
            self.save();
        }
        self.delete_active();
        if self.pods.iter().any(|p| !is_over(p)) {
            return;
        }
        self.set("succeeded", done);
        set(&mut self.next, "/status/completionTime", json!(stamp(self.now)));
        self.condition("Complete", true, reason, message);
        self.writes.push(Write::Tell(Note::normal(self.job, FROM, "Completed", "Job completed")));
    }

    fn count(&mut self) {
        let active = self.active().count() as i64;
        let ready = self.active().filter(|p| value::is_ready(p)).count();
        let terminating = self.pods.iter().filter(|p| is_deleting(p) && !is_over(p)).count();
        self.set("active", active);
        set(&mut self.next, "/status/ready", json!(ready));
        set(&mut self.next, "/status/terminating", json!(terminating));
    }

    fn start_pods(&mut self, counted: &mut Counted) {
        let late = int(self.job, "/spec/completions").is_some();
        let indexed = text(self.job, "/spec/completionMode") == "Indexed";
        let waiting = self.pods.iter().any(|p| is_deleting(p) && !is_over(p));
        if waiting {
            return;
        }
        if let Some(due) = self.backed_off_until(counted)
            && due > self.now
        {
            self.wake = Some(self.wake.map_or(due, |w| w.min(due)));
            return;
        }
        if indexed {
            for index in 0..self.completions() {
                let there = |p: &&&Arc<Value>| label(p, INDEX) == index.to_string() && phase(p) != "Failed";
                if !self.pods.iter().any(|p| there(&p)) {
                    self.create(counted, Some(index));
                }
            }
            return;
        }
        let running = self.active().count() as i64;
        let done = if late { self.pods.iter().filter(|p| phase(p) == "Succeeded").count() as i64 } else { 0 };
        let wanted = int(self.job, "/spec/parallelism").unwrap_or(1).min(self.completions() - done);
        for _ in running..wanted {
            self.create(counted, None);
        }
    }

    /// 10 s after the first failure, twice that after each further one, at most 10 minutes.
    fn backed_off_until(&self, counted: &Counted) -> Option<Timestamp> {
        let last = self.pods.iter().filter(|p| phase(p) == "Failed").filter_map(|p| finished(p)).max()?;
        let power = counted.failed.len().saturating_sub(1).min(6);
        Some(after(last, (10.0 * f64::from(1 << power)).min(600.0)))
    }

    fn create(&mut self, counted: &mut Counted, index: Option<i64>) {
        counted.made += 1;
        let end = suffix(mix(hash(uid(self.job))).wrapping_add(counted.made));
        let job_name = name(self.job);
        let pod_name = index.map_or_else(|| format!("{job_name}-{end}"), |i| format!("{job_name}-{i}-{end}"));
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": self.job.pointer("/spec/template/metadata").cloned().unwrap_or_else(|| json!({})),
            "spec": self.job.pointer("/spec/template/spec").cloned().unwrap_or_default(),
            "status": {"phase": "Pending"},
        });
        set(&mut pod, "/metadata/name", json!(pod_name));
        set(&mut pod, "/metadata/generateName", json!(format!("{job_name}-")));
        set(&mut pod, "/metadata/namespace", json!(namespace(self.job)));
        set(&mut pod, "/metadata/ownerReferences", owned_by(self.job));
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", uid(self.job)),
            ("batch.kubernetes.io/job-name", job_name),
            ("controller-uid", uid(self.job)),
            ("job-name", job_name),
        ] {
            pod["metadata"]["labels"][key] = json!(value);
        }
        if let Some(index) = index {
            pod["metadata"]["labels"][INDEX] = json!(index.to_string());
            set(&mut pod, "/spec/hostname", json!(format!("{job_name}-{index}")));
        }
        let blame = Note::warning(self.job, FROM, "FailedCreate", "Error creating: ");
        self.writes.push(Write::Create { resource: &PODS, object: pod, blame: Some(blame) });
        let message = format!("Created pod: {pod_name}");
        self.writes.push(Write::Tell(Note::normal(self.job, FROM, "SuccessfulCreate", message)));
    }
}

fn restarts(pod: &Value) -> i64 {
    list(pod, "/status/containerStatuses").iter().filter_map(|c| int(c, "/restartCount")).sum()
}

fn finished(pod: &Value) -> Option<Timestamp> {
    let ends = list(pod, "/status/containerStatuses").iter().filter_map(|c| time(c, "/state/terminated/finishedAt"));
    ends.max().or_else(|| time(pod, "/metadata/creationTimestamp"))
}
