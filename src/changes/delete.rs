//! Deleting a job, or pods that it left behind.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    change::{Change, PodRef, Propagation, Subject},
    desk::Desk,
    look,
    outcome::Outcome,
    paths,
    send::{self, Sent},
};
use crate::{
    cluster::{ProblemKind, objects},
    jobs::{Name, Sym, Uid, fleet::JobKey, text::few},
};

/// How long it is watched going, to tell what is still there.
const WATCHED: Duration = Duration::from_secs(4);
/// Between looks at it.
const LOOK: Duration = Duration::from_millis(400);
/// Objects that are named one by one.
const NAMED: usize = 4;

/// Deletes it. `look_after`: tells what of it is still there.
pub(super) async fn delete(
    desk: &Desk,
    change: &Change,
    propagation: Propagation,
    grace: Option<u32>,
    look_after: bool,
) -> Outcome {
    let doing = change.to_string();
    let path = match paths::one(&desk.offer, &change.subject, &doing) {
        Ok(path) => path,
        Err(problem) => return Outcome::Failed(problem),
    };
    let uid = change.subject.uid.as_ref();
    let outcome = send_delete(desk, &path, uid, propagation, grace, &doing).await;
    match (outcome.as_done(), change.subject.job_key()) {
        (Some(_), Some(key)) if look_after && propagation != Propagation::Orphan => {
            Outcome::noted(Some(key.uid.clone()), &left(desk, &path, &key).await)
        }
        _ => outcome,
    }
}

/// Deletes one object of this uid; that it is gone already is as good.
pub(super) async fn send_delete(
    desk: &Desk,
    path: &str,
    uid: Option<&Uid>,
    propagation: Propagation,
    grace: Option<u32>,
    doing: &str,
) -> Outcome {
    let session = &desk.session;
    let lost = match send::delete(session, path.to_owned(), uid, propagation, grace, doing).await {
        Sent::Taken(_) => return Outcome::done(uid.cloned()),
        Sent::Refused(problem) if problem.kind == ProblemKind::NotFound => {
            return Outcome::noted(uid.cloned(), "it was gone already");
        }
        Sent::Refused(problem) if problem.kind == ProblemKind::Conflict => {
            return Outcome::Failed(problem.hinted("A new object has this name now; it was not touched."));
        }
        Sent::Refused(problem) => return Outcome::Failed(problem),
        Sent::Unsure(problem) => problem,
    };
    let gone = |object: Option<&serde_json::Value>| match object {
        None => Some("its answer got lost on the way"),
        Some(object) if uid.is_some() && look::uid(object).as_ref() != uid => Some("its answer got lost on the way"),
        Some(object) if look::is_going(object) => Some("it is going"),
        Some(_) => None,
    };
    match look::until(session, path, doing, gone).await {
        Ok(Some(note)) => Outcome::noted(uid.cloned(), note),
        Ok(None) => Outcome::Failed(lost.hinted("It is still there: try again.")),
        Err(_) => Outcome::Unknown(lost.hinted("Look whether it is still there, then try again.")),
    }
}

/// What is still there of a deleted job, after a moment.
async fn left(desk: &Desk, path: &str, key: &JobKey) -> String {
    let end = Instant::now() + WATCHED;
    let mut left = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(LOOK).await;
        left.clear();
        if let Ok(Some(object)) = look::object(&desk.session, path, "look what is left").await
            && look::uid(&object).as_ref() == Some(&key.uid)
        {
            left.push((Sym::new(key.kind.info().kind), key.name.clone()));
        }
        let owned = objects::owned(&desk.session, &desk.offer, key).await;
        left.extend(owned.objects.into_iter().map(|object| (object.kind, object.name)));
        if left.is_empty() {
            return String::new();
        }
    }
    still_there(&left)
}

fn still_there(left: &[(Sym, Name)]) -> String {
    format!("still there, and going: {}", few(NAMED, left.iter().map(|(kind, name)| format!("{kind} {name}"))))
}

/// Deletes pods that hold accelerators though their job has ended.
pub(super) async fn free(desk: &Desk, change: &Change, pods: &[PodRef]) -> Outcome {
    let mut failed = Vec::new();
    for pod in pods {
        let subject = Subject::pod(&change.subject.namespace, &pod.name, &pod.uid);
        let doing = format!("delete {subject}");
        let outcome = match paths::one(&desk.offer, &subject, &doing) {
            Ok(path) => send_delete(desk, &path, Some(&pod.uid), Propagation::Background, None, &doing).await,
            Err(problem) => Outcome::Failed(problem),
        };
        match outcome {
            Outcome::Done(_) => {}
            Outcome::Failed(problem) | Outcome::Unknown(problem) => failed.push(problem),
        }
    }
    let (gone, all) = (pods.len() - failed.len(), pods.len());
    match failed.into_iter().next() {
        None => Outcome::noted(change.subject.uid.clone(), &format!("{gone} pods deleted")),
        Some(first) => {
            let what = format!("{gone} of {all} pods were deleted; {}", first.what);
            Outcome::Failed(first.about(&what))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_named_up_to_a_few() {
        let pod = |n: usize| (Sym::new("Pod"), Name::lossy(&format!("p-{n}")));
        assert_eq!(still_there(&[pod(0)]), "still there, and going: Pod p-0");
        let many: Vec<_> = (0..9).map(pod).collect();
        assert!(still_there(&many).ends_with("Pod p-3 and 5 more"));
    }
}
