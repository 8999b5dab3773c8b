//! Deleting a job and making it again, as one step that can't lose it.
//!
//! Before anything is deleted the manifest is on disk, a rehearsal of the new job went well, and a slip tells what was
//! begun. How far it came is read from the cluster, not from the slip: so it goes on after a crash, by whoever reads
//! the slip, and twice is as good as once.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{
    back::Undo,
    change::{Change, Propagation, What},
    confirmed::How,
    create, delete,
    desk::Desk,
    logged::logged,
    look,
    outcome::{Item, Outcome, Report},
    paths,
    send::{self, Sent},
};
use crate::{
    cluster::{Problem, ProblemKind, paths::query},
    disk::{DiskProblem, changes::ChangeFiles},
    jobs::{Clean, Secs},
};

/// How long the old job may take to go: pods end in their own time.
const PATIENCE: Duration = Duration::from_mins(10);
/// Between looks whether it is gone.
const LOOK: Duration = Duration::from_millis(500);

/// What is on disk while it is under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slip {
    /// The restart.
    pub change: Change,
    /// Address of the cluster: a context may lead elsewhere tomorrow.
    pub server: Clean,
    /// When it was begun.
    pub at: Secs,
    /// The name of the kept manifest.
    pub kept: String,
}

/// Restarts it. The manifest stays kept, also when that fails half way.
pub(super) async fn restart(desk: &Desk, change: &Change, before: Option<&Value>) -> (Outcome, Option<Undo>) {
    let Some(object) = before else { return (Outcome::Failed(unreadable(change)), None) };
    let kept = match keep(desk, change, object).await {
        Ok(kept) => kept,
        Err(why) => return (Outcome::Failed(not_kept(change, &why)), None),
    };
    let manifest = again(object);
    if let Err(problem) = rehearse(desk, change, &manifest).await {
        return (Outcome::Failed(problem), None);
    }
    let server = desk.session.who().server.clone();
    let slip = Slip { change: change.clone(), server, at: desk.session.now(), kept: kept.clone() };
    let (name, text) = (client(change), serde_json::to_value(&slip).unwrap_or_default());
    let begun = desk.on_disk(move |files| files.begin(&name, &text)).await;
    if let Some(Err(why)) = begun {
        return (Outcome::Failed(not_kept(change, &why)), None);
    }
    carry_on(desk, change, &manifest, kept).await
}

/// Goes on from wherever the cluster is, to the end; then the slip goes.
async fn carry_on(desk: &Desk, change: &Change, manifest: &Value, kept: String) -> (Outcome, Option<Undo>) {
    let (outcome, deleted) = go_on(desk, change, manifest).await;
    if !matches!(outcome, Outcome::Unknown(_)) {
        let name = client(change);
        // One that stays is read again and found to be over.
        let _ = desk.on_disk(move |files| files.end(&name)).await;
    }
    match outcome {
        Outcome::Failed(problem) if deleted => {
            let what = format!("{} is deleted and could not be made again: {}", change.subject, problem.what);
            let hint = format!("{} Its manifest is kept: `:undo` makes it again.", problem.hint);
            (Outcome::Failed(problem.about(&what).hinted(&hint)), Some(Undo::Again(kept)))
        }
        outcome => (outcome, None),
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

fn unreadable(change: &Change) -> Problem {
    let why = "its manifest can't be read, and without it it could not be made again";
    let hint = format!("Ask for: get {} in {}. Nothing was deleted.", change.subject.kind, change.subject.namespace);
    Problem::new(ProblemKind::Forbidden, &format!("can't {change}"), why, &hint)
}

fn not_kept(change: &Change, why: &Clean) -> Problem {
    let why = format!("its manifest could not be kept on disk: {why}");
    Problem::new(ProblemKind::Cancelled, &format!("can't {change}"), &why, "Nothing was deleted.")
}

/// The client id of the new job: the same whoever goes on with this restart.
fn client(change: &Change) -> String {
    let uid = change.subject.uid.as_ref().map_or_else(String::new, ToString::to_string);
    format!("restart-{uid}")
}

/// Keeps what makes the object again; its name on disk.
pub(super) async fn keep(desk: &Desk, change: &Change, object: &Value) -> Result<String, Clean> {
    let name = change.subject.uid.as_ref().map_or_else(String::new, ToString::to_string);
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

/// Restarts that were begun on this cluster and are not over.
pub fn interrupted(files: &ChangeFiles, server: &Clean) -> Result<Vec<Slip>, DiskProblem> {
    let slips = files.begun()?.into_iter();
    let slips = slips.filter_map(|(_, slip)| serde_json::from_value::<Slip>(slip).ok());
    Ok(slips.filter(|slip| slip.server == *server).collect())
}

/// Goes on with a restart that was interrupted. It was confirmed when it was begun.
pub async fn resume(desk: &Desk, slip: Slip) -> Report {
    let Slip { mut change, kept, .. } = slip;
    change.context = desk.session.who().context.clone();
    let name = kept.clone();
    let manifest = desk.on_disk(move |files| files.kept(&name)).await;
    let outcome = match (desk.gate.check_open(&change, desk.session.now()), manifest) {
        (Err(problem), _) => Outcome::Failed(problem),
        (Ok(()), Some(Ok(Some(manifest)))) => {
            let (mut unlogged, id) = (None, desk.new_id());
            let resumed = Change { what: What::Restart, ..change.clone() };
            let work = carry_on(desk, &resumed, &manifest, kept);
            let outcome = logged(desk, &id, &How::Key, &resumed, &mut unlogged, work).await;
            return Report { items: vec![Item { change, outcome }], unlogged };
        }
        (Ok(()), _) => {
            let name = client(&change);
            // Without its manifest nothing can be done; it must not come up for ever.
            let _ = desk.on_disk(move |files| files.end(&name)).await;
            Outcome::Failed(unreadable(&change))
        }
    };
    Report { items: vec![Item { change, outcome }], unlogged: None }
}

/// As [`resume`] needs it for a kept manifest.
pub(super) fn remade(change: &Change, manifest: Value) -> What {
    let uid = change.subject.uid.as_ref().map_or_else(String::new, ToString::to_string);
    What::Create { manifest: Arc::new(manifest), client: format!("undo-{uid}") }
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
