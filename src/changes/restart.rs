//! Deleting a job and making it again, as one step that can't lose it.
//!
//! Before anything is deleted the manifest is on disk, a rehearsal of the new job went well, and a slip tells what was
//! begun. How far it came is read from the cluster: so it goes on after a crash, by whoever reads the slip, and twice is
//! as good as once.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    back::Undo,
    change::{Change, Propagation, What},
    create, delete,
    desk::Desk,
    look,
    outcome::Outcome,
    paths,
    send::{self, Sent},
};
use crate::{
    cluster::{Problem, ProblemKind, paths::query},
    jobs::Clean,
};

/// How long the old job may take to go: pods end in their own time.
const PATIENCE: Duration = Duration::from_mins(10);
/// Between looks whether it is gone.
const LOOK: Duration = Duration::from_millis(500);

/// Restarts it, from wherever the cluster is: also one that was begun before. The manifest stays kept, also when that
/// fails half way.
pub(super) async fn restart(desk: &Desk, change: &Change) -> (Outcome, Option<Undo>) {
    let manifest = match manifest(desk, change).await {
        Ok(manifest) => manifest,
        Err(outcome) => return (*outcome, None),
    };
    let (outcome, deleted) = go_on(desk, change, &manifest).await;
    match outcome {
        Outcome::Failed(problem) if deleted => {
            let what = format!("{} is deleted and could not be made again: {}", change.subject, problem.what);
            let hint = format!("{} Its manifest is kept: `:undo` makes it again.", problem.hint);
            (Outcome::Failed(problem.about(&what).hinted(&hint)), Some(Undo::Again(kept_as(change))))
        }
        outcome => (outcome, None),
    }
}

/// The manifest of the new job, kept on disk; of a job that is still there it was rehearsed. `Err`: it is over.
async fn manifest(desk: &Desk, change: &Change) -> Result<Value, Box<Outcome>> {
    let doing = change.to_string();
    let fail = |problem| Box::new(Outcome::Failed(problem));
    let path = paths::one(&desk.offer, &change.subject, &doing).map_err(fail)?;
    match look::object(&desk.session, &path, &doing).await.map_err(|problem| fail(unreadable(change, &problem)))? {
        Some(object) if look::uid(&object) == change.subject.uid => {
            keep(desk, change, &object).await.map_err(|why| fail(not_kept(change, &why)))?;
            let manifest = again(&object);
            if !look::is_going(&object) {
                rehearse(desk, change, &manifest).await.map_err(fail)?;
            }
            Ok(manifest)
        }
        Some(object) => Err(Box::new(made_meanwhile(change, &object))),
        // It was deleted for this restart, or by somebody else: only of the former there is a manifest.
        None => {
            let name = kept_as(change);
            match desk.on_disk(move |files| files.kept(&name)).await {
                Some(Ok(Some(manifest))) => Ok(manifest),
                _ => Err(fail(gone(change))),
            }
        }
    }
}

/// The outcome, and whether the old job is gone.
async fn go_on(desk: &Desk, change: &Change, manifest: &Value) -> (Outcome, bool) {
    let (doing, uid) = (change.to_string(), change.subject.uid.as_ref());
    let path = match paths::one(&desk.offer, &change.subject, &doing) {
        Ok(path) => path,
        Err(problem) => return (Outcome::Failed(problem), false),
    };
    let (end, mut sent) = (Instant::now() + PATIENCE, false);
    loop {
        match look::object(&desk.session, &path, &doing).await {
            Ok(None) => return (create::create(desk, change, manifest, &client(change)).await, true),
            Ok(Some(object)) if look::uid(&object).as_ref() != uid => {
                return (made_meanwhile(change, &object), false);
            }
            Ok(Some(object)) if !look::is_going(&object) && !sent => {
                sent = true;
                let outcome = delete::send_delete(desk, &path, uid, Propagation::Foreground, None, &doing).await;
                if outcome.as_done().is_none() {
                    return (outcome, false);
                }
            }
            Err(problem) if !problem.is_passing() => return (Outcome::Unknown(waiting(change, &problem)), false),
            Ok(Some(_)) | Err(_) => {}
        }
        if Instant::now() >= end {
            let problem =
                Problem::new(ProblemKind::Timeout, &format!("can't {doing}"), "the old one is still going", "");
            return (Outcome::Unknown(waiting(change, &problem)), false);
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn made_meanwhile(change: &Change, object: &Value) -> Outcome {
    if let Some(uid) = create::made_by(object, &client(change)) {
        return Outcome::done(Some(uid));
    }
    let why = "somebody made another one of its name meanwhile";
    Outcome::Failed(Problem::new(ProblemKind::Conflict, &format!("can't {change}"), why, "Look at the new one."))
}

fn waiting(change: &Change, problem: &Problem) -> Problem {
    let hint = format!(
        "The restart goes on when a session to this cluster is opened again (`:changes` tells of it). {}",
        problem.hint
    );
    let what = format!("{} is not restarted yet", change.subject);
    problem.clone().about(&what).hinted(&hint)
}

fn unreadable(change: &Change, problem: &Problem) -> Problem {
    let what = format!("can't {change}: without its manifest it could not be made again; {}", problem.what);
    problem.clone().about(&what).hinted(&format!("{} Nothing was deleted.", problem.hint))
}

fn gone(change: &Change) -> Problem {
    let why = "it is gone, and its manifest was not kept";
    Problem::new(ProblemKind::NotFound, &format!("can't {change}"), why, "`:history` may have a record of it.")
}

fn not_kept(change: &Change, why: &Clean) -> Problem {
    let why = format!("its manifest could not be kept on disk: {why}");
    Problem::new(ProblemKind::Cancelled, &format!("can't {change}"), &why, "Nothing was deleted.")
}

/// The name of the kept manifest.
pub(super) fn kept_as(change: &Change) -> String {
    change.subject.uid.as_ref().map_or_else(String::new, ToString::to_string)
}

/// The client id of the new job: the same whoever goes on with this restart.
fn client(change: &Change) -> String {
    format!("restart-{}", kept_as(change))
}

/// Keeps what makes the object again; its name on disk.
pub(super) async fn keep(desk: &Desk, change: &Change, object: &Value) -> Result<String, Clean> {
    let name = kept_as(change);
    let (kept, manifest) = (name.clone(), again(object));
    let written = desk.on_disk(move |files| files.keep(&kept, &manifest)).await;
    written.unwrap_or_else(|| Err(Clean::new("there is no directory for it"))).map(|()| name)
}

/// Asks the server whether it would take the new job, under another name because the old one still has its own.
/// A quota that counts the old job, too, is no answer.
async fn rehearse(desk: &Desk, change: &Change, manifest: &Value) -> Result<(), Problem> {
    let doing = change.to_string();
    let (resource, namespace) = paths::resource(&desk.offer, &change.subject, &doing)?;
    let mut trial = manifest.clone();
    let name: String = change.subject.name.as_str().chars().rev().collect();
    trial["metadata"]["name"] =
        json!(format!("x{}", &name.chars().filter(char::is_ascii_alphanumeric).take(20).collect::<String>()));
    let path = format!("{}{}", resource.all(namespace.as_ref()), query(&[("dryRun", "All")]));
    match send::create(&desk.session, path, trial, &doing).await {
        Sent::Refused(problem)
            if !problem.why.as_str().contains("exceeded quota") && problem.kind != ProblemKind::Conflict =>
        {
            let hint = format!("{} Nothing was deleted.", problem.hint);
            Err(problem.hinted(&hint))
        }
        _ => Ok(()),
    }
}

/// What makes an object again: without status and all that the server and controllers wrote into it.
pub(super) fn again(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(root) = object.as_object_mut() {
        root.remove("status");
    }
    let text = |value: &Value, at: &str| value.pointer(at).and_then(Value::as_str).map(str::to_owned);
    let queued = text(&object, "/metadata/labels/kueue.x-k8s.io~1queue-name").is_some();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| matches!(key.as_str(), "name" | "namespace" | "labels" | "annotations"));
    }
    // Kueue holds a job back with this; it would be left suspended where Kueue does not look after it.
    if queued {
        for at in ["/spec/runPolicy", "/spec"] {
            if let Some(spec) = object.pointer_mut(at).and_then(Value::as_object_mut) {
                spec.remove("suspend");
            }
        }
    }
    object
}

/// What makes an object again from its kept manifest.
pub(super) fn remade(change: &Change, manifest: Value) -> What {
    What::Create { manifest: Arc::new(manifest), client: format!("undo-{}", kept_as(change)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_and_kueue_wrote_does_not_go_into_the_new_one() {
        let object = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
            "metadata": {"name": "t", "namespace": "v", "uid": "u", "resourceVersion": "5", "generation": 2, "managedFields": [],
                "labels": {"kueue.x-k8s.io/queue-name": "q"}, "finalizers": ["x"], "ownerReferences": [{}]},
            "spec": {"runPolicy": {"suspend": true, "backoffLimit": 2}, "slotsPerWorker": 1}, "status": {"conditions": []}});
        let wanted = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
            "metadata": {"name": "t", "namespace": "v", "labels": {"kueue.x-k8s.io/queue-name": "q"}},
            "spec": {"runPolicy": {"backoffLimit": 2}, "slotsPerWorker": 1}});
        assert_eq!(again(&object), wanted);
        let mut alone = object;
        alone["metadata"]["labels"] = json!({});
        assert_eq!(again(&alone)["spec"]["runPolicy"]["suspend"], true, "a job that a person suspended stays so");
    }
}
