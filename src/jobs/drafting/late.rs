//! Fields of a living job that nobody looks at any more, or only for pods to come.
//!
//! Sources: mpi-operator 0.8 (`getOrCreateWorker`, `newLauncherJob`), training-operator 1.9, the CEL rules of TrainJob,
//! the webhooks of Kueue.

use crate::jobs::Kind;

/// Why changing the field at this pointer of a job that has started does nothing, or less than one may think.
pub fn too_late(kind: Kind, at: &str) -> Option<&'static str> {
    let below = |place: &str| at == place || at.strip_prefix(place).is_some_and(|rest| rest.starts_with('/'));
    let field = at.rsplit('/').next().unwrap_or_default();
    if below("/metadata/labels/kueue.x-k8s.io~1queue-name") {
        return Some("Kueue lets the queue be changed only while the job is suspended");
    }
    if kind == Kind::TrainJob {
        let fixed = ["/spec/trainer", "/spec/runtimeRef", "/spec/initializer", "/spec/activeDeadlineSeconds"];
        return fixed.iter().any(|place| below(place)).then_some("the server does not let it be changed");
    }
    if at.starts_with("/spec/") && at.contains("/template") {
        return Some("pods that are there keep what they were made with; it holds for those made later");
    }
    if kind != Kind::MpiJob {
        return None;
    }
    match field {
        "backoffLimit" | "activeDeadlineSeconds" | "ttlSecondsAfterFinished" if below_policy(at) => {
            Some("the launcher's Job got it when it was made, and nobody looks again")
        }
        "slotsPerWorker" => Some("the hostfile is written anew, but mpirun has read it"),
        "mpiImplementation" | "sshAuthMountPath" | "runLauncherAsWorker" | "launcherCreationPolicy" => {
            Some("pods that are there keep what they were made with; it holds for those made later")
        }
        "restartPolicy" => Some("pods that are there keep what they were made with; it holds for those made later"),
        _ => None,
    }
}

fn below_policy(at: &str) -> bool {
    at.starts_with("/spec/runPolicy/")
}
