//! Alerts: reading what they are made of, once a minute as long as the session stands, and running the user's program.

use std::time::Duration;

use tokio::{task::JoinSet, time::Instant};
use tokio_util::sync::DropGuard;

use super::Runner;
use crate::{
    cluster::survey::Surveyor,
    console::{
        message::{Message, Told},
        model::{alert::AlertEffect, notices::Tone},
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
}

/// Executes an order. Signals are for who has the terminal.
pub(super) fn execute(runner: &mut Runner, effect: AlertEffect) {
    match effect {
        AlertEffect::Signal(_) => {}
        AlertEffect::Run(argv, variables) => run(runner, argv, variables),
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

fn run(runner: &mut Runner, argv: Vec<String>, variables: Vec<(String, String)>) {
    let results = runner.results();
    let programs = &mut runner.alerts.programs;
    while programs.try_join_next().is_some() {}
    programs.spawn(async move {
        let Some((name, args)) = argv.split_first() else { return };
        let program = Program { name: name.into(), args: args.iter().map(Into::into).collect() };
        let Err(unwell) = program.run_unseen(&variables, LIMIT).await else { return };
        let text = format!("alert-command: {name} {unwell}. See alert-command in config.toml");
        // A closed channel means that the console has ended.
        let _ = results.send(Message::Told(Told { tone: Tone::Warn, text })).await;
    });
}
