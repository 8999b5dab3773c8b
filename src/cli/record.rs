//! `mpideck record`: the flight recorder alone, until it is told to end.
//!
//! Records what a console would that looks at the same jobs. Its one line of status goes to stderr.

use std::{fmt::Write as _, process::ExitCode};

use clap::Args as ArgsOf;

use super::{args::Global, console, exit::Failure, print, reach, setup::Setup};
use crate::{
    console::headless::{self, Recording, Stopped},
    term::signals::Signal,
};

/// Flags of `record`.
#[derive(Clone, Debug, Default, ArgsOf)]
pub struct RecordArgs {
    /// Follow the log and events of this job, NAME or NAMESPACE/NAME, also when it comes later (at most 8 at once)
    #[arg(long = "pin", value_name = "JOB")]
    pub pins: Vec<String>,
}

/// Runs it.
pub fn run(args: &RecordArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.complain();
    if setup.paths.is_none() {
        return Err(Failure::usage("there is no directory to record to").hint("set XDG_STATE_HOME or HOME"));
    }
    for pin in &args.pins {
        if pin.is_empty() || pin.split('/').count() > 2 {
            return Err(
                Failure::usage(&format!("«{pin}» is not the name of a job")).hint("write NAME or NAMESPACE/NAME")
            );
        }
    }
    let start = console::begin(global, setup, reach::user_clusters(global, setup), reach::wall_clock())?;
    for note in &start.notes {
        print::complain(&format!("warning: {note}"));
    }
    console::in_runtime(async {
        let stopped = headless::record(start, args.pins.clone(), |recording| print::status(&line(recording))).await?;
        print::end_status();
        match stopped {
            Stopped::Signal(Signal::Interrupt) => Ok(ExitCode::SUCCESS),
            Stopped::Signal(signal) => Ok(ExitCode::from(signal.exit_code())),
            Stopped::Hopeless(trouble) => {
                Err(Failure::usage(&format!("{}: {}", trouble.what, trouble.why)).hint(trouble.hint.as_str()))
            }
            Stopped::Off(context) => Err(Failure::usage(&format!("recording is off for context {context}"))
                .hint("the setting `record` says so; MPIDECK_RECORD=true overrides it for once")),
        }
    })
}

/// How it goes, in a line.
fn line(recording: &Recording) -> String {
    let Recording { context, scope, down, complete, jobs, followed, kept, elsewhere, problem } = recording;
    if let Some(why) = down {
        return format!("{context}: {why}; trying again");
    }
    if !complete {
        return format!("{context}, {scope}: reading the jobs ...");
    }
    let mut out = format!("{context}, {scope}: {jobs} jobs seen, {followed} followed, {kept} recorded");
    if *elsewhere > 0 {
        let _ = write!(out, ", {elsewhere} recorded by another mpideck");
    }
    if let Some(problem) = problem {
        let _ = write!(out, "; NOT RECORDED NOW: {problem}");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Clean;

    #[test]
    fn the_line_says_what_is_wrong_and_else_how_much() {
        let well = Recording {
            context: Clean::new("prod"),
            scope: "team-a".to_owned(),
            complete: true,
            jobs: 12,
            followed: 1,
            kept: 3,
            ..Recording::default()
        };
        assert_eq!(line(&well), "prod, team-a: 12 jobs seen, 1 followed, 3 recorded");
        let ill = Recording { problem: Some(Clean::new("the disk is full")), elsewhere: 2, ..well.clone() };
        assert!(line(&ill).ends_with("2 recorded by another mpideck; NOT RECORDED NOW: the disk is full"));
        let down = Recording { down: Some(Clean::new("not reached")), ..well };
        assert_eq!(line(&down), "prod: not reached; trying again");
    }
}
