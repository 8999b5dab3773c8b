//! What a job needs to be there: Service, hostfile, ssh key, gang, workers, launcher.

use serde_json::{Value, json};

use super::{
    FROM, Pass, Stop, Workers, is_suspended, names, objects, pods,
    value::{self, label, list, name, namespace, set, text, truth},
    worker_name,
};
use crate::sim::{
    store::resource::{CONFIGMAPS, JOBS, PODS, SECRETS, SERVICES},
    write::{Note, Write},
};

impl Pass<'_> {
    /// Makes what is missing: the workers, and whether the launcher was made.
    pub(super) fn make(&mut self) -> Result<(Workers, bool), Stop> {
        self.extras()?;
        let mut workers = Workers::new();
        if !is_suspended(self.job) {
            self.make_gang()?;
            workers = self.make_workers()?;
        }
        if self.seen.launcher.is_some() {
            return Ok((workers, false));
        }
        let ready = workers.iter().flatten().filter(|pod| value::is_ready(pod)).count();
        let at_once = text(self.job, "/spec/launcherCreationPolicy") == "AtStartup";
        if at_once || ready == workers.len() {
            self.template_policy_note();
            let blame = Note::warning(self.job, FROM, "MPIJobFailed", "launcher pod created failed: ");
            let object = pods::launcher_job(self.job, self.gang());
            self.writes.push(Write::Create { resource: &JOBS, object, blame: Some(blame) });
            return Ok((workers, true));
        }
        Ok((workers, false))
    }

    fn extras(&mut self) -> Result<(), Stop> {
        let wanted = [
            (&SERVICES, "Service", Some(objects::service(self.job))),
            (&CONFIGMAPS, "ConfigMap", objects::config(self.job, &self.seen.pods)),
            (&SECRETS, "Secret", Some(objects::secret(self.job))),
        ];
        let seen = self.seen;
        for ((resource, kind, object), there) in wanted.into_iter().zip(&seen.extras) {
            let object = object.ok_or(Stop)?;
            match there {
                None => self.writes.push(Write::Create { resource, object, blame: None }),
                Some(old) if !self.is_mine(old) => return Err(self.exists("", name(old))),
                Some(old) => {
                    if let Some(changed) = adjusted(kind, old, &object) {
                        self.writes.push(Write::Update(resource, changed));
                    }
                }
            }
        }
        Ok(())
    }

    fn make_workers(&mut self) -> Result<Workers, Stop> {
        // A job that has lost the role leaves its pods alone.
        if !self.job.pointer("/spec/mpiReplicaSpecs/Worker").is_some_and(Value::is_object) {
            return Ok(Workers::new());
        }
        let wanted = self.seen.named.len();
        let seen = self.seen;
        let labelled: Vec<_> = seen.pods.iter().filter(|pod| names::is_worker(pod)).collect();
        if labelled.len() > wanted {
            // One that has lost its number ends the look at all of them.
            if labelled.iter().any(|pod| label(pod, names::INDEX).is_empty()) {
                return Ok(Workers::new());
            }
            // By label, though with runLauncherAsWorker the label is one more than the index.
            let index = |pod: &Value| label(pod, names::INDEX).parse::<usize>().ok();
            for pod in labelled.into_iter().filter(|pod| index(pod).is_some_and(|i| i >= wanted)) {
                self.writes.push(Write::Delete(&PODS, namespace(pod).into(), name(pod).into()));
            }
        }
        let mut workers = Workers::new();
        for (index, there) in seen.named.iter().enumerate() {
            match there {
                Some(pod) if !self.is_mine(pod) => {
                    return Err(self.exists("", &worker_name(name(self.job), index)));
                }
                Some(_) => {}
                None => {
                    let blame = Note::warning(self.job, FROM, "MPIJobFailed", "worker pod created failed: ");
                    let object = pods::worker(self.job, index, self.gang());
                    self.writes.push(Write::Create { resource: &PODS, object, blame: Some(blame) });
                }
            }
            workers.push(there.clone());
        }
        Ok(workers)
    }

    fn template_policy_note(&mut self) {
        if !text(self.job, "/spec/mpiReplicaSpecs/Launcher/template/spec/restartPolicy").is_empty() {
            self.warn(
                "SetPodTemplateRestartPolicy",
                "Restart policy in pod template overridden by restart policy in replica spec",
            );
        }
    }

    /// The launcher Job follows the job's suspension; when it starts, it takes over what may have been injected.
    pub(super) fn align_suspension(&mut self) {
        let Some(launcher) = self.seen.launcher.as_deref() else { return };
        let suspended = truth(launcher, "/spec/suspend");
        if suspended == is_suspended(self.job) {
            return;
        }
        let mut changed = launcher.clone();
        set(&mut changed, "/spec/suspend", json!(!suspended));
        if suspended {
            if !text(launcher, "/status/startTime").is_empty() {
                if let Some(status) = changed["status"].as_object_mut() {
                    status.remove("startTime");
                }
                self.writes.push(Write::Status(&JOBS, changed.clone()));
            }
            self.template_policy_note();
            directives(&mut changed, &pods::launcher_template(self.job, self.gang()));
        }
        self.writes.push(Write::Update(&JOBS, changed));
    }
}

/// What of an object of ours differs from what it should be, put right.
fn adjusted(kind: &str, old: &Value, wanted: &Value) -> Option<Value> {
    let mut changed = old.clone();
    match kind {
        "Service" => {
            for field in ["selector", "publishNotReadyAddresses"] {
                changed["spec"][field] = wanted["spec"][field].clone();
            }
            let ready = |v: &Value| truth(v, "/spec/publishNotReadyAddresses");
            if old["spec"]["selector"] == wanted["spec"]["selector"] && ready(old) == ready(wanted) {
                return None;
            }
        }
        "Secret" => {
            let keys = |v: &Value| v["data"].as_object().map(|m| m.keys().cloned().collect::<Vec<_>>());
            if keys(old) == keys(wanted) {
                return None;
            }
            changed["data"] = wanted["data"].clone();
        }
        _ if old["data"] == wanted["data"] => return None,
        _ => changed["data"] = wanted["data"].clone(),
    }
    Some(changed)
}

/// Scheduling fields that a suspended Job's template may still change (KEP-2926).
fn directives(launcher: &mut Value, template: &Value) {
    for map in ["labels", "annotations"] {
        for (key, wanted) in template["metadata"][map].as_object().into_iter().flatten() {
            launcher["spec"]["template"]["metadata"][map][key] = wanted.clone();
        }
    }
    let spec = &mut launcher["spec"]["template"]["spec"];
    for field in ["nodeSelector", "tolerations", "schedulingGates"] {
        match template["spec"].get(field).filter(|v| !v.is_null()) {
            Some(wanted) => spec[field] = wanted.clone(),
            None => {
                if let Some(spec) = spec.as_object_mut() {
                    spec.remove(field);
                }
            }
        }
    }
}

/// Whether a role's template has a first container to work on.
pub(super) fn has_container(spec: &Value) -> bool {
    !list(spec, "/template/spec/containers").is_empty()
}
