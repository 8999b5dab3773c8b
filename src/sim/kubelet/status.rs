//! Pod statuses and Events as a kubelet writes them.
//!
//! Pure: a pod and its [`Moment`] in, the new status and what to tell out.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    behaviour::{Behaviour, Trouble},
    life::{Moment, Run, Stage},
};
use crate::sim::{
    release::Release,
    value::{after, hash, list, mix, name, namespace, set, stamp, text, uid},
    write::Note,
};

/// A pod at a moment of its life.
pub(crate) struct Scene<'a> {
    /// As stored.
    pub(crate) pod: &'a Value,
    /// What it does.
    pub(crate) behaviour: &'a Behaviour,
    /// Where it is.
    pub(crate) moment: &'a Moment,
    /// When the kubelet took it on.
    pub(crate) bound: Timestamp,
    /// Script seconds a second.
    pub(crate) speed: f64,
    /// The node's address.
    pub(crate) host_ip: String,
    /// Whose words the kubelet has.
    pub(crate) release: Release,
}

/// The status of a pod that was stopped before its end.
pub(super) fn stopped(pod: &Value, now: Timestamp) -> Value {
    let mut status = pod["status"].clone();
    let at = stamp(now);
    status["phase"] = json!("Failed");
    let [main, beside] = ["containerStatuses", "ephemeralContainerStatuses"].map(|list| status[list].take());
    let mut lists = [("containerStatuses", main), ("ephemeralContainerStatuses", beside)];
    for container in lists.iter_mut().flat_map(|(_, list)| list.as_array_mut().into_iter().flatten()) {
        let state = &container["state"];
        let ended = match (state["terminated"].is_object(), state["running"].is_object()) {
            (true, _) => continue,
            (_, true) => json!({
                "exitCode": 143, "reason": "Error", "startedAt": state["running"]["startedAt"], "finishedAt": at,
                "containerID": container["containerID"],
            }),
            _ => json!({
                "exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": null, "finishedAt": null,
                "message": "The container could not be located when the pod was terminated",
            }),
        };
        container["state"] = json!({"terminated": ended});
        container["ready"] = json!(false);
        container["started"] = json!(false);
    }
    for (key, list) in lists.into_iter().filter(|(_, list)| list.is_array()) {
        status[key] = list;
    }
    if let Some(status) = status.as_object_mut() {
        status.retain(|_, part| !part.is_null());
    }
    for c in status["conditions"].as_array_mut().into_iter().flatten() {
        if matches!(text(c, "/type"), "Ready" | "ContainersReady" | "PodReadyToStartContainers") {
            if c["status"] != "False" {
                c["lastTransitionTime"] = json!(at);
            }
            c["status"] = json!("False");
            if text(c, "/type") != "PodReadyToStartContainers" {
                c["reason"] = json!("PodFailed");
            }
            if let Some(c) = c.as_object_mut() {
                c.remove("message");
            }
        }
    }
    status
}

impl Scene<'_> {
    fn time(&self, offset: f64) -> String {
        stamp(after(self.bound, offset / self.speed))
    }

    /// The exit code of the last run.
    fn exit(&self) -> i64 {
        self.moment.last.map_or(self.behaviour.exit, |run| run.exit)
    }

    fn image(&self) -> &str {
        text(self.pod, "/spec/containers/0/image")
    }

    /// The whole status.
    pub(crate) fn status(&self) -> Value {
        let m = self.moment;
        let (ready, phase) = match m.stage {
            Stage::Running => (true, "Running"),
            Stage::Ended if self.exit() == 0 => (false, "Succeeded"),
            Stage::Ended | Stage::Evicted | Stage::Refused => (false, "Failed"),
            Stage::BackOff | Stage::Lost => (false, "Running"),
            _ => (false, "Pending"),
        };
        let mut status = json!({
            "phase": phase, "qosClass": text(self.pod, "/status/qosClass"), "startTime": stamp(self.bound),
            "hostIP": self.host_ip, "hostIPs": [{"ip": self.host_ip}], "conditions": self.conditions(ready),
        });
        if self.sandboxed() {
            let ip = self.pod_ip();
            status["podIP"] = json!(ip);
            status["podIPs"] = json!([{"ip": ip}]);
        }
        if matches!(m.stage, Stage::Evicted | Stage::Refused) {
            let refused = self.behaviour.reason.as_str();
            status["reason"] = json!(if m.stage == Stage::Refused { refused } else { "Evicted" });
            status["message"] = json!(self.behaviour.message);
        }
        if m.stage == Stage::Refused {
            // Nothing of it was begun.
            return json!({"phase": phase, "reason": status["reason"], "message": status["message"], "startTime": stamp(self.bound)});
        }
        let containers = list(self.pod, "/spec/containers").iter().map(|c| self.container(c, ready)).collect();
        status["containerStatuses"] = Value::Array(containers);
        let inits: Vec<Value> = list(self.pod, "/spec/initContainers").iter().map(|c| self.init(c)).collect();
        if !inits.is_empty() {
            status["initContainerStatuses"] = Value::Array(inits);
        }
        status
    }

    /// Whether the pod has its network.
    fn sandboxed(&self) -> bool {
        let m = self.moment;
        m.stage != Stage::MountError && (m.since > 0.5 || m.stage != Stage::Creating)
    }

    fn pod_ip(&self) -> String {
        let n = mix(hash(uid(self.pod)));
        format!("10.244.{}.{}", n % 32, (n >> 8) % 250 + 4)
    }

    fn conditions(&self, ready: bool) -> Value {
        let m = self.moment;
        let over = matches!(m.stage, Stage::Ended);
        let done = over && self.exit() == 0;
        let since = self.time(m.since);
        let unready = if done {
            "PodCompleted"
        } else if over {
            "PodFailed"
        } else {
            "ContainersNotReady"
        };
        let one = |kind: &str, truth: bool, at: &str, reason: &str| {
            let mut c = json!({"type": kind, "status": if truth { "True" } else { "False" }, "lastProbeTime": null, "lastTransitionTime": at, "observedGeneration": 1});
            if !truth && !reason.is_empty() {
                c["reason"] = json!(reason);
                if reason == "ContainersNotReady" {
                    let names: Vec<_> = list(self.pod, "/spec/containers").iter().map(|c| text(c, "/name")).collect();
                    c["message"] = json!(format!("containers with unready status: [{}]", names.join(" ")));
                }
            }
            c
        };
        let bound = stamp(self.bound);
        let sandbox = self.sandboxed() && !over && m.stage != Stage::Evicted;
        let mut all = vec![
            one("PodReadyToStartContainers", sandbox, &since, ""),
            one("Initialized", true, &bound, if done { "PodCompleted" } else { "" }),
            one("Ready", ready, &since, unready),
            one("ContainersReady", ready, &since, unready),
            one("PodScheduled", true, &bound, ""),
        ];
        if m.stage == Stage::Evicted {
            let mut c = one("DisruptionTarget", true, &since, "");
            c["reason"] = json!("TerminationByKubelet");
            c["message"] = json!(self.behaviour.message);
            all.insert(0, c);
        }
        if m.stage == Stage::Lost {
            all[2]["status"] = json!("False");
            all[2]["reason"] = json!("NodeNotReady");
        }
        Value::Array(all)
    }

    fn container(&self, spec: &Value, ready: bool) -> Value {
        let m = self.moment;
        let ran = !matches!(
            m.stage,
            Stage::Creating | Stage::PullError | Stage::PullBackOff | Stage::ConfigError | Stage::MountError
        );
        let state = self.state(spec);
        let last = match (m.stage, m.last) {
            (Stage::Ended | Stage::Evicted | Stage::Lost, _) | (_, None) => json!({}),
            (_, Some(run)) => json!({"terminated": self.terminated(run)}),
        };
        let image = text(spec, "/image");
        let mut out = json!({
            "name": text(spec, "/name"), "image": image, "imageID": "", "ready": ready, "restartCount": m.restarts,
            "started": matches!(m.stage, Stage::Running | Stage::Lost), "state": state, "lastState": last,
        });
        if ran {
            let digest = hash(image);
            let (repository, _) = image.rsplit_once(':').unwrap_or((image, ""));
            out["imageID"] = json!(format!(
                "{repository}@sha256:{digest:016x}{:016x}{:016x}{:016x}",
                mix(digest),
                mix(digest + 1),
                mix(digest + 2)
            ));
            out["containerID"] = json!(self.container_id(m.restarts));
        }
        out
    }

    fn container_id(&self, restart: u32) -> String {
        let n = hash(uid(self.pod)).wrapping_add(u64::from(restart));
        format!("containerd://{:016x}{:016x}{:016x}{:016x}", mix(n), mix(n + 1), mix(n + 2), mix(n + 3))
    }

    fn state(&self, spec: &Value) -> Value {
        let m = self.moment;
        let waiting = |reason: &str, message: String| {
            let mut w = json!({"reason": reason});
            if !message.is_empty() {
                w["message"] = json!(message);
            }
            json!({"waiting": w})
        };
        match m.stage {
            Stage::Creating | Stage::MountError | Stage::Refused => waiting("ContainerCreating", String::new()),
            Stage::PullError => waiting("ErrImagePull", self.pull_error()),
            Stage::PullBackOff => {
                let message = format!("Back-off pulling image {:?}: ErrImagePull: {}", self.image(), self.pull_error());
                waiting("ImagePullBackOff", message)
            }
            Stage::ConfigError => waiting(self.config_error(), self.message()),
            Stage::Running | Stage::Lost => {
                json!({"running": {"startedAt": self.time(m.last.filter(|_| m.stage == Stage::Lost).map_or(m.since, |r| r.started))}})
            }
            Stage::BackOff => waiting("CrashLoopBackOff", self.crash_message(spec)),
            Stage::Ended => json!({"terminated": self.terminated(m.last.unwrap_or_default())}),
            Stage::Evicted => json!({"terminated": {
                "exitCode": 137, "reason": "Error", "startedAt": self.time(m.last.unwrap_or_default().started),
                "finishedAt": self.time(m.since), "containerID": self.container_id(m.restarts),
            }}),
        }
    }

    fn crash_message(&self, spec: &Value) -> String {
        let wait = match self.moment.wait as u32 {
            n @ 0..60 => format!("{n}s"),
            n => format!("{}m{}s", n / 60, n % 60),
        };
        let pod = format!("{}_{}({})", name(self.pod), namespace(self.pod), uid(self.pod));
        format!("back-off {wait} restarting failed container={} pod={pod}", text(spec, "/name"))
    }

    fn terminated(&self, run: Run) -> Value {
        let own = run.exit == self.behaviour.exit;
        let reason = match (self.behaviour.reason.as_str(), run.exit) {
            (_, 0) => "Completed",
            (reason, _) if own && !reason.is_empty() => reason,
            _ => "Error",
        };
        let restart = self.moment.restarts.saturating_sub(u32::from(self.moment.stage == Stage::Running));
        let mut out = json!({
            "exitCode": run.exit, "reason": reason, "startedAt": self.time(run.started), "finishedAt": self.time(run.finished),
            "containerID": self.container_id(restart),
        });
        if own && run.exit != 0 && self.behaviour.trouble.is_none() && !self.behaviour.message.is_empty() {
            out["message"] = json!(self.message());
        }
        out
    }

    /// What the waiting container says for want of something.
    fn config_error(&self) -> &str {
        let reason = self.behaviour.reason.as_str();
        if reason.is_empty() { "CreateContainerConfigError" } else { reason }
    }

    /// The trouble's words, about this pod.
    fn message(&self) -> String {
        let about = [
            ("{image}", self.image()),
            ("{pod}", name(self.pod)),
            ("{ns}", namespace(self.pod)),
            ("{uid}", uid(self.pod)),
        ];
        about.iter().fold(self.behaviour.message.clone(), |text, (place, value)| text.replace(place, value))
    }

    fn init(&self, spec: &Value) -> Value {
        let at = self.time(0.0);
        json!({
            "name": text(spec, "/name"), "image": text(spec, "/image"), "imageID": "", "ready": true, "restartCount": 0, "started": false,
            "state": {"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": at, "finishedAt": at}}, "lastState": {},
        })
    }

    fn pull_error(&self) -> String {
        if self.behaviour.message == "not found" {
            return format!(
                "failed to pull and unpack image {0:?}: failed to resolve reference {0:?}: {0}: not found",
                self.image()
            );
        }
        self.message()
    }

    /// The Events of entering this stage.
    pub(crate) fn notes(&self) -> Vec<Note> {
        let (image, m) = (self.image(), self.moment);
        let container = text(self.pod, "/spec/containers/0/name");
        let normal = |reason: &str, message: String| Note::normal(self.pod, "kubelet", reason, message);
        let warning = |reason: &str, message: String| Note::warning(self.pod, "kubelet", reason, message);
        let pulling = || normal("Pulling", format!("Pulling image {image:?}"));
        let mut notes = match m.stage {
            Stage::Creating if self.behaviour.trouble == Some(Trouble::Mount) => Vec::new(),
            Stage::Creating => vec![pulling()],
            Stage::PullError if m.next.is_some_and(|n| n - m.since < 12.5) => vec![pulling()],
            Stage::PullError => vec![
                warning("Failed", format!("Failed to pull image {image:?}: {}", self.pull_error())),
                warning("Failed", "Error: ErrImagePull".into()),
            ],
            Stage::PullBackOff => vec![
                normal("BackOff", format!("Back-off pulling image {image:?}")),
                warning("Failed", "Error: ImagePullBackOff".into()),
            ],
            Stage::ConfigError => vec![warning("Failed", format!("Error: {}", self.message()))],
            Stage::MountError => vec![warning("FailedMount", self.message())],
            Stage::Refused => vec![warning(&self.behaviour.reason, self.message())],
            Stage::Running => {
                let size = hash(image) % 9_000_000_000 + 900_000_000;
                let took = self.behaviour.pull / self.speed;
                let pulled =
                    if m.restarts == 0 { self.release.pulled(image, took, size) } else { self.release.present(image) };
                vec![
                    normal("Pulled", pulled),
                    normal("Created", self.release.created(container)),
                    normal("Started", self.release.started(container)),
                ]
            }
            Stage::BackOff => {
                let pod = format!("{}_{}({})", name(self.pod), namespace(self.pod), uid(self.pod));
                vec![warning("BackOff", format!("Back-off restarting failed container {container} in pod {pod}"))]
            }
            Stage::Evicted => vec![
                warning("Evicted", self.behaviour.message.clone()),
                normal("Killing", format!("Stopping container {container}")),
            ],
            Stage::Lost => vec![Note::warning(self.pod, "node-controller", "NodeNotReady", "Node is not ready")],
            Stage::Ended if self.behaviour.reason == "StartError" => vec![
                normal("Pulled", self.release.present(image)),
                normal("Created", self.release.created(container)),
                warning("Failed", format!("Error: {}", self.message())),
            ],
            Stage::Ended => Vec::new(),
        };
        for note in &mut notes {
            text(self.pod, "/spec/nodeName").clone_into(&mut note.host);
            if note.from == "kubelet" {
                set(&mut note.about, "/fieldPath", json!(format!("spec.containers{{{container}}}")));
            }
        }
        notes
    }
}
