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
    changes::{Change, Confirmed, Desk, Outcome, visit},
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
            None => program(&argv, &variables).await.err(),
            Some((session, desk, change)) => {
                let said = changed(&desk, change, program(&argv, &variables)).await;
                // That read-only keeps it from running is said once.
                said.filter(|(kind, _)| *kind != ProblemKind::Cancelled || kept.swap(session.0, SeqCst) != session.0)
                    .map(|(_, text)| text)
            }
        };
        if let Some(text) = said {
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
async fn changed(
    desk: &Desk,
    change: Change,
    program: impl Future<Output = Result<(), String>>,
) -> Option<(ProblemKind, String)> {
    let work = async { program.await.map_err(|text| Problem::new(ProblemKind::Invalid, &text, "", "")) };
    let report = Box::pin(visit::command(desk, Confirmed::by_setting(change), work)).await;
    report.items.into_iter().find_map(|item| match item.outcome {
        Outcome::Done(_) => None,
        Outcome::Failed(problem) if problem.kind == ProblemKind::Cancelled => {
            let text = format!("alert-command makes changes and is not run: {}. {}", problem.why, problem.hint);
            Some((problem.kind, text))
        }
        Outcome::Failed(problem) | Outcome::Unknown(problem) => Some((problem.kind, problem.what.to_string())),
    })
}
