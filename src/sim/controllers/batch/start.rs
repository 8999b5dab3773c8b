//! Starting a Job's pods: how many, when, and what they look like.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Counted, FROM, INDEX, Pass, TRACKING, indexes};
use crate::sim::{
    store::resource::PODS,
    value::{after, hash, int, label, list, mix, name, namespace, owned_by, phase, push, set, suffix, text, time, uid},
    write::{Note, Write},
};

/// So many pods are made in one pass, as in the real one; what these change wakes the next.
const IN_ONE_PASS: usize = 500;

/// The labels that tie a pod to its Job.
pub(crate) fn identity(job: &Value) -> [(&'static str, String); 4] {
    [
        ("batch.kubernetes.io/controller-uid", uid(job).to_owned()),
        ("batch.kubernetes.io/job-name", name(job).to_owned()),
        ("controller-uid", uid(job).to_owned()),
        ("job-name", name(job).to_owned()),
    ]
}

impl Pass<'_> {
    /// Makes the pods that are missing, unless an earlier one is still going or has failed a moment ago.
    pub(super) fn start_pods(&mut self, counted: &mut Counted) {
        if self.terminating() > 0 && text(self.job, "/spec/podReplacementPolicy") == "Failed" {
            return;
        }
        if let Some(due) = Self::backed_off_until(counted)
            && due > self.now
        {
            self.wake = Some(self.wake.map_or(due, |w| w.min(due)));
            return;
        }
        let running = self.active().count();
        let indexed = text(self.job, "/spec/completionMode") == "Indexed";
        let fixed = indexed || int(self.job, "/spec/completions").is_some();
        let done = counted.succeeded.len() as i64;
        let left = if fixed { self.completions().saturating_sub(done) } else { i64::MAX };
        let wanted = int(self.job, "/spec/parallelism").unwrap_or(1).min(left);
        let missing = usize::try_from(wanted).unwrap_or(0).saturating_sub(running).min(IN_ONE_PASS);
        if !indexed {
            for _ in 0..missing {
                self.create(counted, None);
            }
            return;
        }
        let alive = self.pods.iter().filter(|pod| phase(pod) != "Failed");
        let taken: BTreeSet<i64> = alive.filter_map(|pod| label(pod, INDEX).parse().ok()).collect();
        let complete = text(&self.next, "/status/completedIndexes").to_owned();
        for index in indexes::pending(&complete, self.completions(), &taken, missing) {
            self.create(counted, Some(index));
        }
    }

    /// 10 s after the first failure, twice that after each further one, at most 10 minutes.
    fn backed_off_until(counted: &Counted) -> Option<Timestamp> {
        let last = counted.last_failure?;
        let power = counted.failed.len().saturating_sub(1).min(6);
        Some(after(last, (10.0 * f64::from(1 << power)).min(600.0)))
    }

    fn create(&mut self, counted: &mut Counted, index: Option<i64>) {
        counted.made += 1;
        let end = suffix(mix(hash(uid(self.job))).wrapping_add(counted.made));
        let job_name = name(self.job);
        let stem = index.map_or_else(|| format!("{job_name}-"), |i| format!("{job_name}-{i}-"));
        // As the API server makes names: 63 characters with the five at the end.
        let pod_name = format!("{}{end}", &stem[..stem.len().min(58)]);
        let template = |part: &str| self.job.pointer(&format!("/spec/template/{part}")).cloned();
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {}, "spec": template("spec").unwrap_or_default(),
            "status": {"phase": "Pending"},
        });
        for map in ["labels", "annotations"] {
            if let Some(given) = template(&format!("metadata/{map}")).filter(Value::is_object) {
                pod["metadata"][map] = given;
            }
        }
        set(&mut pod, "/metadata/name", json!(pod_name));
        set(&mut pod, "/metadata/generateName", json!(stem));
        set(&mut pod, "/metadata/finalizers", json!([TRACKING]));
        set(&mut pod, "/metadata/namespace", json!(namespace(self.job)));
        set(&mut pod, "/metadata/ownerReferences", owned_by(self.job));
        for (key, value) in identity(self.job) {
            pod["metadata"]["labels"][key] = json!(value);
        }
        if let Some(index) = index {
            pod["metadata"]["labels"][INDEX] = json!(index.to_string());
            pod["metadata"]["annotations"][INDEX] = json!(index.to_string());
            for all in ["/spec/containers", "/spec/initContainers"] {
                let containers = pod.pointer_mut(all).and_then(Value::as_array_mut);
                containers.into_iter().flatten().for_each(tell_index);
            }
            if text(&pod, "/spec/hostname").is_empty() {
                set(&mut pod, "/spec/hostname", json!(format!("{job_name}-{index}")));
            }
        }
        let blame = Note::warning(self.job, FROM, "FailedCreate", "Error creating: ");
        self.writes.push(Write::Create { resource: &PODS, object: pod, blame: Some(blame) });
        self.tell("SuccessfulCreate", &format!("Created pod: {pod_name}"));
    }
}

/// Gives a container the variable that says its pod's index, unless it has one of that name.
fn tell_index(container: &mut Value) {
    const NAME: &str = "JOB_COMPLETION_INDEX";
    if list(container, "/env").iter().all(|variable| text(variable, "/name") != NAME) {
        let label = json!({"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")});
        push(container, "/env", json!({"name": NAME, "valueFrom": {"fieldRef": label}}));
    }
}

/// When a pod's last container ended.
pub(super) fn finished(pod: &Value) -> Option<Timestamp> {
    let ends = list(pod, "/status/containerStatuses").iter().filter_map(|c| time(c, "/state/terminated/finishedAt"));
    ends.max().or_else(|| time(pod, "/metadata/creationTimestamp"))
}
