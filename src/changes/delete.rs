//! Deleting a job, or pods that it left behind.

use std::time::Duration;

use futures::stream::{self, StreamExt};
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
    cluster::{
        Problem, ProblemKind,
        objects::{self, Owned, Unread},
        paths::Resource,
    },
    jobs::{Name, Sym, Uid, fleet::JobKey, quantity::counted, text::few},
};

/// How long it is watched going, to tell what is still there.
const WATCHED: Duration = Duration::from_secs(4);
/// How long pods are waited for that nobody has told to end yet, where they get less time than their own.
const TOLD: Duration = Duration::from_secs(20);
/// Between looks at it.
const LOOK: Duration = Duration::from_millis(400);
/// Pods that are told at once to end sooner.
const AT_ONCE: usize = 8;
/// Objects that are named one by one.
const NAMED: usize = 4;

/// Deletes it; its pods get `grace` seconds to end, or less where they ask for less. `look_after`: tells what of it is
/// still there.
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
    let key = change.subject.job_key().filter(|_| propagation != Propagation::Orphan);
    let key = key.filter(|_| look_after || grace.is_some());
    let before = match &key {
        Some(key) => objects::owned(&desk.session, &desk.offer, key).await,
        None => Owned::default(),
    };
    // A custom resource takes no time to end: a grace is its pods'.
    let outcome = send_delete(desk, &path, change.subject.uid.as_ref(), propagation, None, &doing).await;
    match (outcome.as_done(), key) {
        (Some(_), Some(key)) => {
            let mut going = Going { desk, key: &key, parts: Vec::new(), told: Vec::new(), refused: None };
            if grace.is_some() {
                going.refused = before.unread.iter().find(|part| has_pods(part)).map(|part| part.problem.clone());
            }
            going.parts = before.objects.into_iter().map(|object| object.uid).collect();
            let note = going.watched(look_after.then_some(path.as_str()), grace).await;
            Outcome::noted(Some(key.uid.clone()), &note)
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

/// A deleted job while what it owned goes.
struct Going<'a> {
    desk: &'a Desk,
    key: &'a JobKey,
    /// What it owned before: what an owner that is gone has left behind is found by this.
    parts: Vec<Uid>,
    /// Pods that were told to end sooner.
    told: Vec<Uid>,
    /// Why one of them could not be told, or may not have been found.
    refused: Option<Problem>,
}

/// Pods that nobody has told to end yet.
enum Untold {
    /// So many; with 0 all have heard of it.
    Pods(usize),
    /// There may be some: they can't be read.
    Unread(Problem),
}

impl Untold {
    /// Whether another look may change that.
    fn may_change(&self) -> bool {
        match self {
            Self::Pods(count) => *count > 0,
            Self::Unread(problem) => problem.kind != ProblemKind::Forbidden,
        }
    }
}

/// Whether pods belong to what is of this kind: without it they are not known for the job's.
fn has_pods(part: &Unread) -> bool {
    matches!(part.kind.as_str(), "Job" | "JobSet")
}

impl Going<'_> {
    /// What is still there after a moment, if the job's path is given to look at. With a grace: once each pod that ends has
    /// heard of it.
    async fn watched(mut self, path: Option<&str>, grace: Option<u32>) -> String {
        let began = Instant::now();
        loop {
            tokio::time::sleep(LOOK).await;
            let owned = objects::left_of(&self.desk.session, &self.desk.offer, self.key, &self.parts).await;
            let untold = match grace {
                Some(grace) => self.hurry(&owned, grace).await,
                None => Untold::Pods(0),
            };
            let (waited, goes_on) = (began.elapsed(), untold.may_change());
            let Some(path) = path else {
                if !goes_on || waited >= TOLD {
                    return self.words(&[], &untold);
                }
                continue;
            };
            let mut left = Vec::new();
            if let Ok(Some(object)) = look::object(&self.desk.session, path, "look what is left").await
                && look::uid(&object).as_ref() == Some(&self.key.uid)
            {
                left.push((Sym::new(self.key.kind.info().kind), self.key.name.clone()));
            }
            left.extend(owned.objects.into_iter().map(|object| (object.kind, object.name)));
            let is_gone = left.is_empty() && !matches!(untold, Untold::Unread(_));
            if is_gone || waited >= TOLD || (waited >= WATCHED && !goes_on) {
                return self.words(&left, &untold);
            }
        }
    }

    /// Tells pods that are ending to do so within `grace` seconds. Those that nobody has told to end yet are left alone:
    /// whoever made them could make them again.
    async fn hurry(&mut self, owned: &Owned, grace: u32) -> Untold {
        let (mut untold, mut late) = (0, Vec::new());
        for pod in owned.objects.iter().filter(|object| object.kind.as_str() == "Pod") {
            match pod.object["metadata"]["deletionGracePeriodSeconds"].as_u64() {
                None => untold += 1,
                Some(own) if own > u64::from(grace) && !self.told.contains(&pod.uid) => {
                    self.told.push(pod.uid.clone());
                    late.push(Subject::pod(&self.key.namespace, &pod.name, &pod.uid));
                }
                Some(_) => {}
            }
        }
        let desk = self.desk;
        let tell = |pod: Subject| async move { end_within(desk, &pod, grace).await.err() };
        let mut answers = stream::iter(late.into_iter().map(tell)).buffer_unordered(AT_ONCE);
        while let Some(problem) = answers.next().await {
            self.refused = self.refused.take().or(problem);
        }
        match owned.unread.iter().find(|part| part.kind.as_str() == "Pod") {
            Some(unread) => Untold::Unread(unread.problem.clone()),
            None => Untold::Pods(untold),
        }
    }

    fn words(&self, left: &[(Sym, Name)], untold: &Untold) -> String {
        let mut said = Vec::new();
        let unread = match untold {
            Untold::Unread(problem) => Some(problem),
            Untold::Pods(_) => None,
        };
        if let Some(problem) = self.refused.as_ref().or(unread) {
            said.push(format!("pods of it may keep their own time to end: {}", problem.why));
        }
        if let Untold::Pods(count @ 1..) = untold {
            said.push(format!("{} not told to end yet", counted(*count as u64, "pod")));
        }
        if !left.is_empty() {
            said.push(still_there(left));
        }
        said.join("; ")
    }
}

/// Has a pod that is ending end within so many seconds.
async fn end_within(desk: &Desk, pod: &Subject, grace: u32) -> Result<(), Problem> {
    let doing = format!("have {pod} end within {grace}s");
    let path = Resource::core("pods").one(Some(&pod.namespace), pod.name.as_str());
    let sent = send_delete(desk, &path, pod.uid.as_ref(), Propagation::Background, Some(grace), &doing).await;
    match sent {
        Outcome::Done(_) => Ok(()),
        Outcome::Failed(problem) | Outcome::Unknown(problem) => Err(problem),
    }
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
