//! `mpideck top`: what is used, by what one looks at. One file for each.

mod workers;

use std::process::ExitCode;

use clap::Subcommand;

use super::{args::Global, exit::Failure, setup::Setup};

/// What to look at.
#[derive(Clone, Debug, Subcommand)]
pub enum Top {
    /// What the replicas of a job use: GPUs, memory, CPU, network
    Workers(workers::WorkersArgs),
}

/// Reads and prints.
pub fn run(top: &Top, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.complain();
    match top {
        Top::Workers(args) => workers::run(args, global, setup),
    }
}
