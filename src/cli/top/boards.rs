//! `mpideck top nodes|queues|namespaces|users`: the console's views of the cluster, read once and printed.
//!
//! Uses the same reads and the same rows. What can't be read is said on stderr and in the output; then the exit code is 3.

use std::{process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::items;
use crate::{
    cli::{
        args::Global,
        console,
        exit::{self, Failure},
        print, reach,
        reached::{Jobs, Reached},
        setup::Setup,
        unread,
    },
    cluster::survey::{Pods, Survey, Surveyor, Wanted},
    console::{model::session::Scope, start::LoadTarget},
    jobs::{
        Clean, Name,
        boards::{self, Table},
        filter::Filter,
        fleet::Fleet,
    },
};

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Board {
    Nodes,
    Queues,
    Namespaces,
    Users,
}

/// How it is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The console's columns
    #[default]
    Table,
    /// Every column, whatever the width
    Wide,
    /// One JSON document
    Json,
}

/// Flags of these views.
#[derive(Clone, Debug, Args)]
pub struct BoardArgs {
    /// How to print it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub output: Format,
    /// Order by a column, `-` in front to turn it round: free
    #[arg(long, value_name = "COLUMN", allow_hyphen_values = true)]
    pub sort: Option<String>,
}

/// Reads and prints.
pub(super) fn run(board: Board, args: &BoardArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let scope = reach::scope(global)?;
    let load = reach::user_clusters(global, setup);
    console::in_runtime(top(board, args, scope, &load, setup))
}

async fn top(
    board: Board,
    args: &BoardArgs,
    scope: Option<Scope>,
    load: &LoadTarget,
    setup: &Setup,
) -> Result<ExitCode, Failure> {
    let reached = Reached::by(load).await?;
    if board == Board::Queues && reached.offer.kueue.is_none() {
        return Err(Failure::not_found("this cluster serves no queues").hint("Kueue is not installed here."));
    }
    let mut fleet = Fleet::new(Arc::default());
    let mut missing = Vec::new();
    if matches!(board, Board::Namespaces | Board::Users) {
        let read = jobs(&reached, scope.as_ref()).await?;
        missing.extend(unread::notes(&read.unread).iter().map(|note| Clean::new(note)));
        fleet = read.fleet;
    }
    let own = reached.own_scope();
    let places = scope.as_ref().map_or(own.names(), Scope::names);
    let wanted = wanted(board, places);
    let read = Surveyor::default().read(&reached.session, &reached.offer, &wanted).await;
    let mut table = rows(board, &fleet, &read);
    sort(&mut table, args.sort.as_deref())?;
    let whys = table.unread.iter().map(|why| Clean::new(&format!("ask for: {why}")));
    missing.extend(whys);
    for why in &missing {
        print::complain(&format!("note: {why}"));
    }
    if table.rows.is_empty() && !missing.is_empty() {
        return Err(Failure::new("nothing of it can be read"));
    }
    let text = match args.output {
        Format::Json => json_text(&items(board, &fleet, &read), &missing)?,
        Format::Wide => boards::text(&table, None, setup.caps.ascii),
        Format::Table => boards::text(&table, print::width(), setup.caps.ascii),
    };
    print::out(&text)?;
    Ok(if missing.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(exit::PARTIAL) })
}

/// The jobs of all namespaces, else of one's own, unless others were asked for.
async fn jobs(reached: &Reached, scope: Option<&Scope>) -> Result<Jobs, Failure> {
    let all = Filter::default();
    match reached.jobs(Arc::default(), Some(scope.cloned().unwrap_or(Scope::All)), &all).await {
        Err(_) if scope.is_none() => reached.jobs(Arc::default(), None, &all).await,
        answer => answer,
    }
}

fn wanted(board: Board, places: &[Name]) -> Wanted {
    let namespaces = places.to_vec();
    let plain = Wanted { namespaces, ..Wanted::default() };
    match board {
        Board::Nodes => Wanted { nodes: true, pods: Pods::All, ..plain },
        Board::Queues => Wanted { queues: true, ..plain },
        Board::Namespaces => Wanted { quotas: true, spaces: true, pods: Pods::All, ..plain },
        Board::Users => Wanted { spaces: true, ..plain },
    }
}

fn rows(board: Board, fleet: &Fleet, read: &Survey) -> Table {
    match board {
        Board::Nodes => boards::nodes(fleet, &read.nodes, &read.pods),
        Board::Queues => boards::queues(&read.queues),
        Board::Namespaces => boards::spaces(fleet, &read.quotas, &read.spaces, &read.pods),
        Board::Users => boards::users(fleet, &read.spaces),
    }
}

fn sort(table: &mut Table, by: Option<&str>) -> Result<(), Failure> {
    let Some(by) = by else { return Ok(()) };
    let (name, reversed) = by.strip_prefix('-').map_or((by, false), |name| (name, true));
    let names = || table.columns.iter().map(|column| column.title.to_lowercase().replace(' ', "-"));
    let Some(at) = names().position(|title| title == name.to_lowercase()) else {
        let all = names().collect::<Vec<_>>().join(", ");
        return Err(Failure::usage(&format!("there is no column «{name}»")).hint(&format!("There are: {all}.")));
    };
    table.sort(at, reversed);
    Ok(())
}

fn json_text(items: &[Value], unread: &[Clean]) -> Result<String, Failure> {
    let unread: Vec<&str> = unread.iter().map(Clean::as_str).collect();
    print::json(&json!({"items": items, "unread": unread}))
}

fn items(board: Board, fleet: &Fleet, read: &Survey) -> Vec<Value> {
    match board {
        Board::Nodes => items::nodes(read),
        Board::Queues => items::queues(&read.queues),
        Board::Namespaces => items::spaces(fleet, read),
        Board::Users => items::users(fleet, read),
    }
}
