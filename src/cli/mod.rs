//! The command line: arguments in, text and an exit code out.
//!
//! Owns stdout and stderr, one file for each verb, and the start of console and sim. Everything that comes from a
//! cluster is cleaned before it is printed. Must not hold logic that the console needs, too.

pub mod args;
pub mod check;
mod check_cluster;
pub mod check_rules;
pub mod compare;
pub mod completions;
pub mod console;
pub mod delete;
pub mod demo;
pub mod exit;
pub mod explain;
mod explain_job;
pub mod get;
pub mod history;
pub mod info;
pub mod item;
pub mod keys;
mod listened;
pub mod log;
pub mod new;
pub mod output;
pub mod print;
pub mod reach;
mod reached;
pub mod record;
pub mod setup;
pub mod top;
pub mod unread;
pub mod verbs;

use std::process::ExitCode;

use clap::Parser as _;

use exit::Failure;
use verbs::{Args, Verb};

/// Runs the program. Called once, by `main`.
pub fn main() -> ExitCode {
    if let Err(report) = color_eyre::install() {
        print::complain(&format!("warning: panics will be reported without context: {report}"));
    }
    crate::term::guard::install_panic_hook();
    let args = Args::parse();
    match run(&args) {
        Ok(code) => code,
        Err(failure) => {
            print::complain(&failure.to_string());
            ExitCode::from(failure.code)
        }
    }
}

fn run(args: &Args) -> Result<ExitCode, Failure> {
    if let Some(Verb::Completions { shell }) = &args.verb {
        return completions::run(*shell);
    }
    let setup = setup::Setup::new(&args.global)?;
    match &args.verb {
        Some(Verb::Completions { shell }) => completions::run(*shell),
        Some(Verb::Keys { markdown }) => keys::run(&setup, *markdown),
        Some(Verb::Info) => info::run(&args.global, &setup),
        Some(Verb::Demo(demo)) => demo::run(demo, &args.global, &setup),
        Some(Verb::New(new)) => new::run(new, &args.global, &setup),
        Some(Verb::Record(record)) => record::run(record, &args.global, &setup),
        Some(Verb::History(history)) => history::run(history, &args.global, &setup),
        Some(Verb::Compare(compare)) => compare::run(compare, &args.global, &setup),
        Some(Verb::Get { what }) => get::run(what, &args.global, &setup),
        Some(Verb::Top { what }) => top::run(what, &args.global, &setup),
        Some(Verb::Delete(delete)) => delete::run(delete, &args.global, &setup),
        Some(Verb::Check(check)) => check::run(check, &args.global, &setup),
        Some(Verb::Explain(explain)) => explain::run(explain, &args.global, &setup),
        None => console::run(&args.global, &setup),
    }
}
