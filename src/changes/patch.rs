//! Changes that are a patch of one object: which field means what for which kind, and how each is taken back.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::{
    change::{Change, Subject, Through, What},
    desk::Desk,
    look,
    outcome::Outcome,
    paths,
    send::{self, Sent},
};
use crate::{
    cluster::{
        Problem, ProblemKind,
        access::{self, Ask, Verdict},
    },
    jobs::{Name, Sym, Uid, kind::Kind},
};

/// How often an object is looked at anew that changes between a look and the order.
const LOOKS: usize = 5;
/// Kueue's label for the queue.
const QUEUE: &str = "kueue.x-k8s.io/queue-name";
/// Kueue's label for the priority class.
const PRIORITY: &str = "kueue.x-k8s.io/priority-class";

/// Sends it.
pub(super) async fn patch(desk: &Desk, change: &Change) -> Outcome {
    let doing = change.to_string();
    let Some(body) = body(&change.subject, &change.what) else {
        let why = format!("a {} has no field for it", change.subject.kind);
        let hint = "Clone it with what you want, and delete this one.";
        return Outcome::Failed(Problem::new(ProblemKind::Invalid, &format!("can't {doing}"), &why, hint));
    };
    let place = match &change.what {
        What::Suspend(Through::Workload(name, uid)) | What::Resume(Through::Workload(name, uid)) => {
            workload(desk, &change.subject.namespace, name, &doing).await.map(|path| (path, Some(uid)))
        }
        _ => paths::one(&desk.offer, &change.subject, &doing).map(|path| (path, change.subject.uid.as_ref())),
    };
    let (path, uid) = match place {
        Ok(place) => place,
        Err(problem) => return Outcome::Failed(problem),
    };
    match &change.what {
        What::Patch { was: Some(was), .. } => as_seen(desk, change, &path, uid, &body, was).await,
        _ => once(desk, change, &path, uid, body).await.unwrap_or_else(Outcome::Failed),
    }
}

/// Sends it if what it replaces is as a person saw it, and only for the version that was looked at for that: what others
/// change of the object in between makes no difference, unless it is the same.
async fn as_seen(desk: &Desk, change: &Change, path: &str, uid: Option<&Uid>, body: &Value, was: &Value) -> Outcome {
    let doing = change.to_string();
    let failed = |kind: ProblemKind, why: &str, hint: &str| {
        Outcome::Failed(Problem::new(kind, &format!("can't {doing}"), why, hint))
    };
    for _ in 0..LOOKS {
        let object = match look::object(&desk.session, path, &doing).await {
            Ok(Some(object)) => object,
            Ok(None) => return failed(ProblemKind::NotFound, "it is gone", "Make a new one of what you wrote."),
            Err(problem) => return Outcome::Failed(problem),
        };
        if !contains(&object, was) {
            let why = "somebody changed the same fields meanwhile";
            return failed(ProblemKind::Conflict, why, "Look at what they are now, and decide.");
        }
        let mut body = body.clone();
        body["metadata"]["resourceVersion"] = object["metadata"]["resourceVersion"].clone();
        match once(desk, change, path, uid, body).await {
            Ok(outcome) => return outcome,
            Err(problem) if problem.kind == ProblemKind::Conflict && !is_about_uid(&problem) => {}
            Err(problem) => return Outcome::Failed(problem),
        }
    }
    failed(ProblemKind::Conflict, "it changes all the time", "Try again in a moment.")
}

/// Sends it once, and looks what became of it where the answer got lost. `Err`: the server refused it.
async fn once(desk: &Desk, change: &Change, path: &str, uid: Option<&Uid>, body: Value) -> Result<Outcome, Problem> {
    let (doing, session) = (change.to_string(), &desk.session);
    let lost = match send::patch(session, path.to_owned(), uid, body.clone(), &doing).await {
        Sent::Taken(object) => return Ok(taken(change, &object, &body)),
        Sent::Refused(problem) if is_about_uid(&problem) => {
            let hint = "It was deleted meanwhile, and a new one has its name; that was not touched.";
            return Err(problem.hinted(hint));
        }
        Sent::Refused(problem) => return Err(problem),
        Sent::Unsure(problem) => problem,
    };
    let landed = |object: Option<&Value>| object.filter(|object| contains(object, &body)).and_then(look::uid);
    Ok(match look::until(session, path, &doing, landed).await {
        Ok(Some(uid)) => Outcome::noted(Some(uid), "its answer got lost on the way"),
        Ok(None) => Outcome::Failed(lost.hinted("It is as it was: try again.")),
        Err(_) => Outcome::Unknown(lost.hinted("Look at it when the cluster answers, then try again.")),
    })
}

/// A uid that is not the object's own can't be patched in.
fn is_about_uid(problem: &Problem) -> bool {
    let named = problem.causes().iter().any(|cause| cause.field == "metadata.uid");
    named || problem.why.as_str().contains("UID in precondition")
}

/// The server may take a patch and keep what it had: a webhook, or a field that it does not know.
fn taken(change: &Change, object: &Value, body: &Value) -> Outcome {
    let uid = change.subject.uid.clone().or_else(|| look::uid(object));
    if contains(object, body) {
        return Outcome::done(uid);
    }
    let why = "the server took the order and kept the old value";
    let hint = "An admission webhook of the cluster may have put it back: ask who runs it.";
    Outcome::Failed(Problem::new(ProblemKind::Invalid, &format!("can't {change}"), why, hint))
}

/// The path of a job's Workload, if it may be changed. The server would say so too, but not what to do.
async fn workload(desk: &Desk, namespace: &Name, name: &Name, doing: &str) -> Result<String, Problem> {
    let path = paths::workload(&desk.offer, namespace, name, doing)?;
    let ask = Ask { verb: "patch", group: "kueue.x-k8s.io", resource: "workloads", namespace: Some(namespace.clone()) };
    match access::review(&desk.session, &[ask]).await.first() {
        Some(Verdict::Denied(_)) => {
            let why = format!(
                "Kueue manages it, and you may not change Workloads in {namespace}; suspended in itself, Kueue would start it again"
            );
            let hint = format!(
                "Ask for: patch workloads.kueue.x-k8s.io in {namespace}. To give back what it holds you can delete it."
            );
            Err(Problem::new(ProblemKind::Forbidden, &format!("can't {doing}"), &why, &hint))
        }
        _ => Ok(path),
    }
}

/// The merge patch for a change; `None` where the kind has no such field.
fn body(subject: &Subject, what: &What) -> Option<Value> {
    let label = |key: &str, value: Option<&str>| json!({"metadata": {"labels": {key: value}}});
    Some(match what {
        What::Suspend(Through::Workload(..)) => json!({"spec": {"active": false}}),
        What::Resume(Through::Workload(..)) => json!({"spec": {"active": true}}),
        What::Suspend(Through::Job) => suspend(subject.job_kind()?, true),
        What::Resume(Through::Job) => suspend(subject.job_kind()?, false),
        What::Scale { role, replicas } => {
            let specs = subject.job_kind()?.info().replica_specs;
            if specs.is_empty() {
                return None;
            }
            json!({"spec": {specs: {role.as_str(): {"replicas": replicas}}}})
        }
        What::Label { key, value } => label(key, value.as_deref()),
        What::Queue(queue) => label(QUEUE, Some(queue)),
        What::Priority(class) => label(PRIORITY, Some(class)),
        What::Patch { patch, .. } => (**patch).clone(),
        What::Create { .. }
        | What::Delete { .. }
        | What::Restart
        | What::FreeGpus { .. }
        | What::Shell { .. }
        | What::Forward { .. }
        | What::CopyOut { .. }
        | What::CopyIn { .. }
        | What::Measure { .. }
        | What::Command { .. } => return None,
    })
}

fn suspend(kind: Kind, on: bool) -> Value {
    if kind == Kind::TrainJob {
        json!({"spec": {"suspend": on}})
    } else {
        json!({"spec": {"runPolicy": {"suspend": on}}})
    }
}

/// What takes a change back, from the object before it. `None`: nothing would.
pub(super) fn inverse(subject: &Subject, what: &What, before: &Value) -> Option<What> {
    let label = |key: &str| {
        let value = before.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str);
        What::Label { key: key.to_owned(), value: value.map(str::to_owned) }
    };
    Some(match what {
        What::Suspend(through) => What::Resume(through.clone()),
        What::Resume(through) => What::Suspend(through.clone()),
        What::Scale { role, .. } => {
            let specs = before.get("spec")?.get(subject.job_kind()?.info().replica_specs)?;
            let replicas = specs.get(role.as_str())?.get("replicas")?.as_u64()?;
            What::Scale { role: role.clone(), replicas: u32::try_from(replicas).ok()? }
        }
        What::Label { key, .. } => label(key),
        What::Queue(_) => label(QUEUE),
        What::Priority(_) => label(PRIORITY),
        What::Patch { patch, .. } => What::Patch { patch: Arc::new(replaced(patch, before)), was: None },
        // No patch: `body` knows which.
        _ => return None,
    })
}

/// What a merge patch replaces in an object, as the merge patch that brings it back.
pub fn replaced(patch: &Value, before: &Value) -> Value {
    inverse_of(patch, Some(before))
}

fn inverse_of(patch: &Value, before: Option<&Value>) -> Value {
    match (patch, before) {
        (Value::Object(patch), Some(Value::Object(before))) => {
            let back = |(key, value): (&String, &Value)| (key.clone(), inverse_of(value, before.get(key)));
            Value::Object(patch.iter().map(back).collect::<Map<_, _>>())
        }
        (_, before) => before.cloned().unwrap_or(Value::Null),
    }
}

/// Whether an object is as a merge patch wants it.
fn contains(object: &Value, patch: &Value) -> bool {
    match (object, patch) {
        (Value::Object(object), Value::Object(patch)) => patch.iter().all(|(key, wanted)| {
            // The version is a condition, not a wish.
            key == "resourceVersion"
                || match object.get(key) {
                    None => wanted.is_null() || wanted.as_object().is_some_and(all_null),
                    Some(value) => !wanted.is_null() && contains(value, wanted),
                }
        }),
        _ => object == patch,
    }
}

fn all_null(map: &Map<String, Value>) -> bool {
    map.values().all(|value| value.is_null() || value.as_object().is_some_and(all_null))
}

/// Values that a role may be scaled to.
pub fn scalable(kind: Kind) -> Option<Sym> {
    let info = kind.info();
    let worker = info.roles.iter().find(|role| **role == "Worker")?;
    (!info.replica_specs.is_empty()).then(|| Sym::new(worker))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jobs::Uid;

    fn job(kind: Kind) -> Subject {
        let key = crate::jobs::fleet::JobKey {
            namespace: Name::lossy("v"),
            name: Name::lossy("t"),
            kind,
            uid: Uid::new("u"),
        };
        Subject::job(&key)
    }

    fn arb() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            (0..5u8).prop_map(Value::from),
            "[ab]".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 20, 3, |inner| {
            prop_oneof![
                proptest::collection::btree_map("[a-d]", inner.clone(), 0..3).prop_map(|m| json!(m)),
                proptest::collection::vec(inner, 0..3).prop_map(Value::from),
            ]
        })
    }

    /// Objects with objects in them, as manifests are: a patch turns no object into a value.
    fn map() -> impl Strategy<Value = Value> {
        proptest::collection::btree_map("[a-c]", arb(), 0..4).prop_map(|m| json!(m))
    }

    proptest! {
        #[test]
        fn what_was_patched_is_there_and_its_inverse_brings_back_what_was(before in map(), patch in map()) {
            let mut after = before.clone();
            json_patch::merge(&mut after, &patch);
            prop_assert!(contains(&after, &patch), "{after} {patch}");
            let mut back = after;
            json_patch::merge(&mut back, &replaced(&patch, &before));
            // Merge patches can't bring back an object that had a key less: what was there is there.
            prop_assert!(contains(&back, &before), "{back} {before}");
        }
    }

    #[test]
    fn each_kind_has_its_own_switch() {
        let on = |kind| body(&job(kind), &What::Suspend(Through::Job));
        assert_eq!(on(Kind::MpiJob), Some(json!({"spec": {"runPolicy": {"suspend": true}}})));
        assert_eq!(on(Kind::PyTorchJob), on(Kind::MpiJob));
        assert_eq!(on(Kind::TrainJob), Some(json!({"spec": {"suspend": true}})));
        let workload = Through::Workload(Name::lossy("w"), Uid::new("x"));
        assert_eq!(body(&job(Kind::MpiJob), &What::Resume(workload)), Some(json!({"spec": {"active": true}})));
    }

    #[test]
    fn scaling_names_the_role_and_a_trainjob_can_not_be_scaled() {
        let to = |replicas| What::Scale { role: Sym::new("Worker"), replicas };
        let wanted = json!({"spec": {"mpiReplicaSpecs": {"Worker": {"replicas": 4}}}});
        assert_eq!(body(&job(Kind::MpiJob), &to(4)), Some(wanted.clone()));
        assert_eq!((body(&job(Kind::TrainJob), &to(4)), scalable(Kind::TrainJob)), (None, None));
        assert_eq!(inverse(&job(Kind::MpiJob), &to(8), &wanted), Some(to(4)));
        assert_eq!(scalable(Kind::MpiJob), Some(Sym::new("Worker")));
    }

    #[test]
    fn a_label_that_was_not_there_is_taken_away_again() {
        let set = What::Label { key: "a/b".into(), value: Some("c".into()) };
        assert_eq!(inverse(&job(Kind::MpiJob), &set, &json!({})), Some(What::Label { key: "a/b".into(), value: None }));
        let queue =
            inverse(&job(Kind::MpiJob), &What::Queue("q".into()), &json!({"metadata": {"labels": {QUEUE: "p"}}}));
        assert_eq!(queue, Some(What::Label { key: QUEUE.into(), value: Some("p".into()) }));
        let gone = body(&job(Kind::MpiJob), &What::Label { key: "x".into(), value: None });
        assert!(contains(&json!({"metadata": {"name": "t"}}), &gone.expect("a patch")));
    }
}
