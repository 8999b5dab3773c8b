//! A copy that keeps everything after a failure, and can hold its launcher for a shell.

use serde_json::{Value, json};

use crate::jobs::Kind;
use crate::jobs::manifest::text::Change;

/// Seconds that a launcher is held.
const HELD: u32 = 4 * 3600;

/// The changes that make a manifest one to look into: nothing is tried again, nothing is cleaned up, no deadline ends
/// it. With `hold`, the leading container stays for four hours after its program has ended, whatever its code.
pub fn debug(kind: Kind, job: &Value, hold: bool) -> Vec<Change> {
    let specs = format!("/spec/{}", kind.info().replica_specs);
    let mut changes = Vec::new();
    if kind != Kind::TrainJob {
        changes.push(Change::Set("/spec/runPolicy/cleanPodPolicy".into(), json!("None")));
        changes.push(Change::Set("/spec/runPolicy/backoffLimit".into(), json!(0)));
        for field in ["ttlSecondsAfterFinished", "activeDeadlineSeconds"] {
            changes.push(Change::Remove(format!("/spec/runPolicy/{field}")));
        }
        for role in job.pointer(&specs).and_then(Value::as_object).into_iter().flatten().map(|(role, _)| role) {
            changes.push(Change::Set(format!("{specs}/{role}/restartPolicy"), json!("Never")));
        }
    }
    if hold {
        changes.extend(held(kind, job, &specs));
    }
    changes
}

/// The leading container's program inside a shell that waits behind it. One that says no program can't be held: what
/// its image does is not known here.
fn held(kind: Kind, job: &Value, specs: &str) -> Vec<Change> {
    let at = if kind == Kind::TrainJob {
        "/spec/trainer".to_owned()
    } else {
        let lead = kind.info().roles.iter().find(|role| job.pointer(&format!("{specs}/{role}")).is_some());
        let Some(lead) = lead else { return Vec::new() };
        format!("{specs}/{lead}/template/spec/containers/0")
    };
    let words =
        |field: &str| job.pointer(&format!("{at}/{field}")).and_then(Value::as_array).cloned().unwrap_or_default();
    let (command, args) = (words("command"), words("args"));
    if command.is_empty() {
        return Vec::new();
    }
    let script =
        format!("\"$@\"; code=$?; echo \"ended with $code; held {HELD} s for a shell\"; sleep {HELD}; exit $code");
    let mut held = vec![json!("/bin/sh"), json!("-c"), json!(script), json!("held")];
    held.extend(command);
    held.extend(args);
    vec![Change::Set(format!("{at}/command"), Value::Array(held)), Change::Remove(format!("{at}/args"))]
}
