//! Alerts: reading what they are made of, once a minute as long as the session stands, and running the user's program.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering::SeqCst},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::DropGuard;

use super::{Runner, change};
use crate::{
    changes::{Change, Confirmed, Desk, Outcome, Report, visit},
    cluster::{Problem, ProblemKind, survey::Surveyor},
    console::{
        message::{Message, Told},
        model::{
            alert::{AlertEffect, Run},
            notices::Tone,
        },
    },
    term::child::Program,
};

/// Between two looks at quotas: they fill slowly, and nobody looks.
const EVERY: Duration = Duration::from_mins(1);
/// A read that takes long is repeated that much less often.
const REST: u32 = 100;
/// So long the user's program may take.
const LIMIT: Duration = Duration::from_secs(30);

/// What runs for alerts; dropping it ends that.
#[derive(Default)]
pub(super) struct Tasks {
    reading: Option<DropGuard>,
    programs: JoinSet<()>,
    /// The session in which it was said that read-only keeps the program from running.
    kept: Arc<AtomicU32>,
}

/// Executes an order. Signals are for who has the terminal.
pub(super) fn execute(runner: &mut Runner, effect: AlertEffect) {
    match effect {
        AlertEffect::Signal(_) => {}
        AlertEffect::Run(program) => run(runner, program),
        AlertEffect::Read(id, wanted) => {
            runner.alerts.reading = None;
            let Some(ready) = runner.readiness() else { return };
            let (token, results) = (runner.token(), runner.results());
            runner.alerts.reading = Some(token.clone().drop_guard());
            tokio::spawn(token.run_until_cancelled_owned(async move {
                let mut surveyor = Surveyor::default();
                loop {
                    let begun = Instant::now();
                    // After a sign-in the session is connected anew.
                    let now = ready.borrow().clone().filter(|ready| ready.id == id);
                    if let Some(ready) = now {
                        let read = surveyor.read(&ready.session, &ready.offer, &wanted).await;
                        if results.send(Message::Quotas(id, Box::new(read))).await.is_err() {
                            return;
                        }
                    }
                    tokio::time::sleep(EVERY.max(begun.elapsed() * REST)).await;
                }
            }));
        }
    }
}

fn run(runner: &mut Runner, Run { argv, variables, change }: Run) {
    let results = runner.results();
    // Of a session that is not the current one any more nothing is changed.
    let change = match change {
        None => None,
        Some((session, change)) => match change::desk(runner, session) {
            Some(desk) => Some((session, desk, *change)),
            None => return,
        },
    };
    let kept = Arc::clone(&runner.alerts.kept);
    let programs = &mut runner.alerts.programs;
    while programs.try_join_next().is_some() {}
    programs.spawn(async move {
        let said = match change {
            None => program(&argv, &variables).await.err().into_iter().collect(),
            Some((session, desk, change)) => {
                let report = changed(&desk, change, program(&argv, &variables)).await;
                words(report, || kept.swap(session.0, SeqCst) != session.0)
            }
        };
        for text in said {
            // A closed channel means that the console has ended.
            let _ = results.send(Message::Told(Told { tone: Tone::Warn, text })).await;
        }
    });
}

/// Runs it, and says what went wrong.
async fn program(argv: &[String], variables: &[(String, String)]) -> Result<(), String> {
    let Some((name, args)) = argv.split_first() else { return Ok(()) };
    let program = Program { name: name.into(), args: args.iter().map(Into::into).collect() };
    let ran = program.run_unseen(variables, LIMIT).await;
    ran.map_err(|unwell| format!("alert-command: {name} {unwell}. See alert-command in config.toml"))
}

/// Runs it as the change that it says it is: let in and logged like any other.
async fn changed(desk: &Desk, change: Change, program: impl Future<Output = Result<(), String>>) -> Report {
    let work = async { program.await.map_err(|text| Problem::new(ProblemKind::Invalid, &text, "", "")) };
    Box::pin(visit::command(desk, Confirmed::by_setting(change), work)).await
}

/// What is to be said of it: what went wrong, and that it is not in the change log. That read-only keeps it from running is
/// said where that `is_new`.
fn words(report: Report, is_new: impl Fn() -> bool) -> Vec<String> {
    let wrong = report.items.into_iter().filter_map(|item| match item.outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(problem) if problem.kind == ProblemKind::Cancelled => {
            is_new().then(|| format!("alert-command makes changes and is not run: {}. {}", problem.why, problem.hint))
        }
        Outcome::Failed(problem) | Outcome::Unknown(problem) => Some(problem.what.to_string()),
    });
    let unlogged = report.unlogged.iter().map(|why| format!("The change log could not be written: {why}"));
    wrong.chain(unlogged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        changes::{Item, Subject, What},
        jobs::{Clean, Kind, Name, Uid, fleet::JobKey},
    };

    fn report(outcome: Outcome, unlogged: Option<&str>) -> Report {
        let name = Name::lossy;
        let key = JobKey { namespace: name("v"), name: name("t"), kind: Kind::MpiJob, uid: Uid::new("u") };
        let change = Change { context: Clean::new("x"), subject: Subject::job(&key), what: What::Restart };
        Report { items: vec![Item { change, outcome }], unlogged: unlogged.map(Clean::new) }
    }

    #[test]
    fn that_it_was_not_logged_is_told_though_it_ran() {
        let done = || Outcome::Done(crate::changes::Done::default());
        assert_eq!(words(report(done(), None), || true), [""; 0]);
        assert_eq!(
            words(report(done(), Some("disk full")), || true),
            ["The change log could not be written: disk full"]
        );
        let failed = Outcome::Failed(Problem::new(ProblemKind::Invalid, "it ended with 1", "", ""));
        let said = words(report(failed, Some("disk full")), || true);
        assert_eq!(said, ["it ended with 1", "The change log could not be written: disk full"]);
    }

    #[test]
    fn that_it_is_kept_from_running_is_told_where_it_is_new() {
        let kept =
            || Outcome::Failed(Problem::new(ProblemKind::Cancelled, "no", "context x is read-only", "Unlock it."));
        let said = words(report(kept(), None), || true);
        assert_eq!(said, ["alert-command makes changes and is not run: context x is read-only. Unlock it."]);
        assert_eq!(words(report(kept(), None), || false), [""; 0]);
    }
}
