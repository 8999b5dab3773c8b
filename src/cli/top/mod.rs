//! `mpideck top`: what is used, by what one looks at. One file for each.

mod boards;
mod items;
mod workers;

use std::process::ExitCode;

use clap::Subcommand;

use super::{args::Global, exit::Failure, get, setup::Setup};
use crate::jobs::columns::Sort;
use boards::Board;

/// What to look at.
#[derive(Clone, Debug, Subcommand)]
pub enum Top {
    /// What the replicas of a job use: GPUs, memory, CPU, network
    Workers(workers::WorkersArgs),
    /// Jobs, those with most GPUs first (`get jobs` in that order)
    Jobs(get::JobsArgs),
    /// Nodes: GPUs by job, what is free, what is the matter
    Nodes(boards::BoardArgs),
    /// Queues: what is reserved and free, who waits
    Queues(boards::BoardArgs),
    /// Namespaces: quota against use
    Namespaces(boards::BoardArgs),
    /// Users: whose jobs hold what
    Users(boards::BoardArgs),
}

/// Reads and prints.
pub fn run(top: &Top, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    if !matches!(top, Top::Jobs(_)) {
        setup.complain();
    }
    match top {
        Top::Workers(args) => workers::run(args, global, setup),
        Top::Jobs(args) => {
            let sort = args.sort.clone().or_else(|| Sort::parse("-gpus"));
            get::run(&get::What::Jobs(get::JobsArgs { sort, ..args.clone() }), global, setup)
        }
        Top::Nodes(args) => boards::run(Board::Nodes, args, global, setup),
        Top::Queues(args) => boards::run(Board::Queues, args, global, setup),
        Top::Namespaces(args) => boards::run(Board::Namespaces, args, global, setup),
        Top::Users(args) => boards::run(Board::Users, args, global, setup),
    }
}
