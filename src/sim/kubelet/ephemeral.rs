//! Containers that somebody puts into a running pod: they start at once, and run until their shell ends or the pod does.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::sim::{
    release::Release,
    value::{hash, list, mix, phase, set, stamp, text, uid},
    write::Note,
};

/// The statuses of a pod's ephemeral containers with those that start now, and what is told of these; `None` where none
/// has to start.
pub(crate) fn started(pod: &Value, release: Release, now: Timestamp) -> Option<(Value, Vec<Note>)> {
    let mut statuses = list(pod, "/status/ephemeralContainerStatuses").to_vec();
    let there = |statuses: &[Value], name: &str| statuses.iter().any(|status| text(status, "/name") == name);
    let mut notes = Vec::new();
    for container in list(pod, "/spec/ephemeralContainers") {
        let (name, image) = (text(container, "/name"), text(container, "/image"));
        if phase(pod) != "Running" || there(&statuses, name) {
            continue;
        }
        let n = hash(&format!("{}/{name}", uid(pod)));
        statuses.push(json!({
            "name": name, "image": image, "imageID": format!("sha256:{:016x}{:016x}", hash(image), mix(hash(image))),
            "containerID": format!("containerd://{:016x}{:016x}{:016x}{:016x}", mix(n), mix(n + 1), mix(n + 2), mix(n + 3)),
            "ready": false, "restartCount": 0, "state": {"running": {"startedAt": stamp(now)}}, "lastState": {},
        }));
        let told = [
            ("Pulling", format!("Pulling image {image:?}")),
            ("Pulled", release.pulled(image, 1.2, hash(image) % 90_000_000 + 2_000_000)),
            ("Created", release.created(name)),
            ("Started", release.started(name)),
        ];
        notes.extend(told.into_iter().map(|(reason, message)| {
            let mut note = Note::normal(pod, "kubelet", reason, message);
            text(pod, "/spec/nodeName").clone_into(&mut note.host);
            set(&mut note.about, "/fieldPath", json!(format!("spec.ephemeralContainers{{{name}}}")));
            note
        }));
    }
    (!notes.is_empty()).then_some((Value::Array(statuses), notes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_starts_once_and_only_in_a_pod_that_runs() {
        let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
        let mut pod = json!({"metadata": {"name": "p", "uid": "u"}, "spec": {"nodeName": "n", "ephemeralContainers": [{"name": "look", "image": "busybox:1"}]},
            "status": {"phase": "Pending"}});
        let look = |pod: &Value| started(pod, Release::default(), now);
        assert!(look(&pod).is_none());
        pod["status"]["phase"] = json!("Running");
        let (statuses, notes) = look(&pod).unwrap();
        assert_eq!(statuses[0]["state"]["running"]["startedAt"], "2026-11-20T08:00:00Z");
        assert_eq!(notes.last().map(|note| note.message.as_str()), Some("Container started"));
        assert_eq!(notes[0].about["fieldPath"], "spec.ephemeralContainers{look}");
        pod["status"]["ephemeralContainerStatuses"] = statuses;
        assert!(look(&pod).is_none());
    }
}
