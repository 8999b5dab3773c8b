//! Visits to a replica: a program on its terminal, a port of it, files out of it and into it.
//!
//! Each is a change like others ([`super::What`]): let in by the gate and written to the change log, of which what is
//! typed, shown or copied is no part. Must not know what a terminal is ([`Terminal`]).

mod archive;
mod copy;
mod escape;
mod forward;
mod measure;
mod shell;

pub use forward::{Forwarding, Traffic, listen};
pub use measure::{Answer, Places};
pub use shell::{Terminal, Typed};

use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use tokio::sync::watch;

use super::{
    change::{Change, What},
    confirmed::Confirmed,
    desk::Desk,
    logged::logged,
    look,
    outcome::{Done, Item, Outcome, Report},
};
use crate::cluster::{
    Problem, ProblemKind,
    exec::{Ended, Place},
};

pub(super) use copy::{copied_in, copied_out};

/// Lets a person use a program in a replica until it ends, or until they leave it.
pub async fn shell(desk: &Desk, confirmed: Confirmed, terminal: &mut impl Terminal) -> Report {
    let Some(change) = confirmed.changes().first().cloned() else { return Report::default() };
    let work = async {
        let (What::Shell { argv, .. }, Some(place)) = (&change.what, place(&change)) else {
            return Outcome::Failed(wrong(&change));
        };
        let uid = change.subject.uid.clone();
        match Box::pin(shell::run(&desk.session, &place, argv, terminal)).await {
            Ok(Ended::NotRun(why)) => {
                let hint = "Name another program with Run.";
                Outcome::Failed(Problem::new(ProblemKind::Invalid, &format!("can't {change}"), why.as_str(), hint))
            }
            Ok(Ended::Code(0)) => Outcome::done(uid),
            Ok(Ended::Code(code)) => Outcome::noted(uid, &format!("it ended with exit code {code}")),
            Ok(Ended::Unknown) => Outcome::noted(uid, "the connection was closed"),
            Err(problem) => Outcome::Failed(problem),
        }
    };
    around(desk, confirmed, &change, work).await
}

/// Leads connections to a port of this machine to one of a replica, until the pod is gone or `stop` says so.
pub async fn forward(
    desk: &Desk,
    confirmed: Confirmed,
    forwarding: Forwarding,
    stop: impl Future<Output = ()>,
) -> Report {
    let Some(change) = confirmed.changes().first().cloned() else { return Report::default() };
    let work = async {
        let What::Forward { port, .. } = change.what else { return Outcome::Failed(wrong(&change)) };
        tokio::select! {
            problem = Box::pin(forwarding.run(desk, &change, port)) => Outcome::Failed(problem),
            () = stop => {
                let (_, all) = forwarding.traffic.counts();
                Outcome::noted(change.subject.uid.clone(), &format!("stopped after {all} connections"))
            }
        }
    };
    around(desk, confirmed, &change, work).await
}

/// Runs a program in replicas at once, and gives what it printed in each.
pub async fn measure(desk: &Desk, confirmed: Confirmed) -> (Report, Vec<Answer>) {
    let Some(change) = confirmed.changes().first().cloned() else { return Default::default() };
    let mut answers = Vec::new();
    let work = async {
        let What::Measure { argv, pods, .. } = &change.what else { return Outcome::Failed(wrong(&change)) };
        answers = Box::pin(measure::ask(desk, &change.subject.namespace, pods, argv)).await;
        let good = answers.iter().filter(|(_, said)| said.is_ok()).count();
        let uid = change.subject.uid.clone();
        match answers.iter().find_map(|(_, said)| said.as_ref().err()) {
            None => Outcome::done(uid),
            Some(why) if good > 0 => Outcome::noted(uid, &format!("{good} of {} answered; {why}", answers.len())),
            Some(why) => {
                let hint = "Look with Run whether the program is there.";
                Outcome::Failed(Problem::new(ProblemKind::Invalid, &format!("can't {change}"), why.as_str(), hint))
            }
        }
    };
    let report = around(desk, confirmed, &change, work).await;
    (report, answers)
}

/// The same again and again until `stop` says so, or until it may not be done any more: each time `tell` has the answers.
/// It is one change, begun and ended once. `pods`: those of the change's job that there are at that time.
pub async fn watch<F: Future<Output = ()>>(
    desk: &Desk,
    confirmed: Confirmed,
    pods: watch::Receiver<Places>,
    tell: impl Fn(Vec<Answer>) -> F,
    stop: impl Future<Output = ()>,
) -> Report {
    let Some(change) = confirmed.changes().first().cloned() else { return Report::default() };
    let work = async {
        let What::Measure { argv, every: Some(every), .. } = &change.what else {
            return Outcome::Failed(wrong(&change));
        };
        let looks = AtomicU32::new(0);
        let again = async {
            loop {
                if let Err(problem) = desk.gate.check_open(&change, desk.session.now()) {
                    break problem;
                }
                let now = pods.borrow().clone();
                // While all are down, what was measured last stays with its time.
                if !now.is_empty() {
                    tell(Box::pin(measure::ask(desk, &change.subject.namespace, &now, argv)).await).await;
                    looks.fetch_add(1, Ordering::Relaxed);
                }
                tokio::time::sleep(Duration::from_secs(u64::from(*every))).await;
            }
        };
        tokio::select! {
            problem = again => Outcome::Failed(problem),
            () = stop => {
                let count = looks.load(Ordering::Relaxed);
                let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
                Outcome::noted(change.subject.uid.clone(), &format!("asked {times}"))
            }
        }
    };
    around(desk, confirmed, &change, work).await
}

/// Lets something of the user's own run that says of itself that it alters the cluster.
pub async fn command(desk: &Desk, confirmed: Confirmed, work: impl Future<Output = Result<(), Problem>>) -> Report {
    let Some(change) = confirmed.changes().first().cloned() else { return Report::default() };
    let work = async {
        match work.await {
            Ok(()) => Outcome::Done(Done::default()),
            Err(problem) => Outcome::Failed(problem),
        }
    };
    around(desk, confirmed, &change, work).await
}

/// Asks the gate, then does the one thing between its lines in the change log.
async fn around(desk: &Desk, confirmed: Confirmed, change: &Change, work: impl Future<Output = Outcome>) -> Report {
    if let Err(problem) = desk.gate.check(&confirmed, desk.session.now()) {
        return Report::refused(confirmed.into_changes(), &problem);
    }
    let (run, mut unlogged) = (desk.new_id(), None);
    let work = async {
        // Another pod may have the name by now.
        match look::before(desk, change).await {
            Ok(_) => (work.await, None),
            Err(problem) => (Outcome::Failed(problem), None),
        }
    };
    let outcome = logged(desk, &run, confirmed.how(), change, &mut unlogged, work).await;
    Report { items: vec![Item { change: change.clone(), outcome }], unlogged }
}

/// The container that a change is about.
fn place(change: &Change) -> Option<Place> {
    let (What::Shell { container, .. } | What::CopyOut { container, .. } | What::CopyIn { container, .. }) =
        &change.what
    else {
        return None;
    };
    let (namespace, pod) = (change.subject.namespace.clone(), change.subject.name.clone());
    Some(Place { namespace, pod, container: container.clone() })
}

fn wrong(change: &Change) -> Problem {
    Problem::new(ProblemKind::Bug, &format!("can't {change}"), "it is not what was asked for", "Please report this.")
}
