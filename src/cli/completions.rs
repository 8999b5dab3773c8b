//! `mpideck completions SHELL`.

use std::process::ExitCode;

use clap::CommandFactory as _;

use super::{exit::Failure, print, verbs::Args};

/// Prints the script.
pub fn run(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "mpideck", &mut script);
    print::out(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::SUCCESS)
}
