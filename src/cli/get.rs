//! `mpideck get jobs`: the console's fleet, read once and printed.
//!
//! Uses the same lists, mailbox, derivation, filter and columns. Parts that can't be read are said on stderr and in the
//! output; then the exit code is 3.

use std::{process::ExitCode, time::Duration};

use clap::{Args as ArgsOf, Subcommand};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    args::Global,
    console,
    exit::{self, Failure},
    output::{self, Format},
    print, reach,
    setup::Setup,
    unread::{self, Unread},
};
use crate::{
    cluster::{
        Mailbox, Session, connect,
        discovery::{self, Offer},
        watch::{self, Watches},
    },
    console::{model::session::Scope, start::LoadTarget},
    jobs::{
        Name, PodRow, Secs,
        columns::{ColumnsConfig, Sort, sort_key, text_table::Room},
        filter::{self, Filter, Scratch, Subject},
        fleet::{Fleet, Job, ListKey, ListPhase},
    },
};

/// What to get.
#[derive(Clone, Debug, Subcommand)]
pub enum What {
    /// Training jobs of every kind, with state and cause
    #[command(visible_alias = "job")]
    Jobs(JobsArgs),
}

/// Flags of `get jobs`.
#[derive(Clone, Debug, ArgsOf)]
pub struct JobsArgs {
    /// Only the job of this name
    pub name: Option<String>,
    /// How to print them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub output: Format,
    /// Only those that match, as in the console: text, state:failed, gpu>=8, age<2h, label:app=x, …
    #[arg(long, value_name = "FILTER")]
    pub filter: Option<String>,
    /// Order by a column, `-` in front for the highest first: -gpus
    #[arg(long, value_name = "COLUMN", value_parser = sort, allow_hyphen_values = true)]
    pub sort: Option<Sort>,
}

/// Rows applied at a time.
const SLICE: usize = 2_000;

/// Reads and prints.
pub fn run(what: &What, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.complain();
    let What::Jobs(args) = what;
    let filter = parsed(args.filter.as_deref().unwrap_or_default())?;
    let scope = reach::scope(global)?;
    let load = reach::user_clusters(global, setup);
    console::in_runtime(jobs(args, &filter, scope, &load, setup))
}

async fn jobs(
    args: &JobsArgs,
    filter: &Filter,
    scope: Option<Scope>,
    load: &LoadTarget,
    setup: &Setup,
) -> Result<ExitCode, Failure> {
    let target = load()?;
    let (now, timeout) = (target.now.clone(), target.timeout);
    let session = connect(target).await?;
    let offer = discovery::discover(&session).await?;
    let (rules, complaints) = console::rules(setup);
    for complaint in &complaints {
        print::complain(&format!("warning: {complaint}"));
    }
    let mut fleet = Fleet::new(rules);
    let scope = scope.unwrap_or_else(|| own_namespace(&session));
    let unread = read(&session, &offer, &scope, filter, &mut fleet, timeout, now()).await?;
    unread::complain(&unread);
    let now = now();
    fleet.settle(now);
    let chosen = choose(&fleet, args, filter, now);
    if let (Some(name), true) = (&args.name, chosen.is_empty()) {
        return Err(absent(name, &scope, &unread));
    }
    let subjects: Vec<_> = chosen.iter().map(|(job, pods)| Subject { job, pods }).collect();
    let partial = !unread.is_empty();
    let texts = unread.iter().map(Unread::text).collect();
    let room = print::width().map(|width| Room { width, ascii: setup.caps.ascii });
    print::out(&output::render(args.output, &ColumnsConfig::default(), &subjects, texts, now, room)?)?;
    if subjects.is_empty() && matches!(args.output, Format::Table | Format::Wide) {
        let why = if offer.has_jobs() {
            "no jobs match"
        } else {
            "this cluster serves no training jobs: is an operator installed?"
        };
        print::complain(&format!("note: {why} ({scope})"));
    }
    Ok(if partial { ExitCode::from(exit::PARTIAL) } else { ExitCode::SUCCESS })
}

/// kubectl's rule: the context's namespace, else default.
pub(super) fn own_namespace(session: &Session) -> Scope {
    Scope::Named(session.who().namespace.clone().or(Name::new("default")).into_iter().collect())
}

/// It is not there; or it may be where we could not look.
pub(super) fn absent(name: &str, scope: &Scope, unread: &[Unread]) -> Failure {
    if unread.iter().any(Unread::is_of_jobs) {
        let mut failure = Failure::new(&format!("no job «{name}» in what could be read of {scope}"));
        failure.code = exit::PARTIAL;
        return failure;
    }
    Failure::not_found(&format!("no job «{name}» in {scope}")).hint("-A looks in all namespaces")
}

/// Fills the fleet until each list has been read or has failed; returns what is missing. All jobs missing is an error.
pub(super) async fn read(
    session: &Session,
    offer: &Offer,
    scope: &Scope,
    filter: &Filter,
    fleet: &mut Fleet,
    timeout: Duration,
    now: Secs,
) -> Result<Vec<Unread>, Failure> {
    let lists = watch::lists(offer, scope.names());
    let (mailbox, cancel) = (Mailbox::new(), CancellationToken::new());
    let selector = filter.selector();
    let _watches = Watches::start(session, offer, lists.clone(), selector.as_deref(), &mailbox, &cancel);
    // A list of many pages may take longer than one request; silence may not.
    let mut end = Instant::now() + timeout;
    while lists.iter().any(|list| !is_answered(fleet, list)) {
        if tokio::time::timeout_at(end, mailbox.changed()).await.is_err() {
            break;
        }
        for batch in mailbox.take(SLICE) {
            fleet.apply(batch);
            end = Instant::now() + timeout;
        }
        fleet.settle(now);
    }
    cancel.cancel();
    let unread: Vec<_> = lists.iter().filter_map(|list| Unread::of(list, fleet.list_phase(list))).collect();
    let jobs = lists.iter().filter(|list| unread::is_of_jobs(list)).count();
    let none = jobs > 0 && unread.iter().filter(|one| one.is_of_jobs()).count() == jobs;
    if none { Err(nothing(&unread)) } else { Ok(unread) }
}

/// Not one list of jobs was read: that is no answer.
fn nothing(unread: &[Unread]) -> Failure {
    let jobs: Vec<_> = unread.iter().filter(|one| one.is_of_jobs()).cloned().collect();
    Failure::new(&format!("no jobs could be read: {}", unread::notes(&jobs).join("; ")))
}

fn is_answered(fleet: &Fleet, list: &ListKey) -> bool {
    !matches!(fleet.list_phase(list), None | Some(ListPhase::Loading(_)))
}

fn choose<'a>(fleet: &'a Fleet, args: &JobsArgs, filter: &Filter, now: Secs) -> Vec<(&'a Job, Vec<&'a PodRow>)> {
    let mut scratch = Scratch::default();
    let mut chosen: Vec<_> = fleet
        .jobs()
        .filter(|job| args.name.as_ref().is_none_or(|name| job.row.name.as_str() == name))
        .map(|job| (job, fleet.pods(&job.key())))
        .filter(|(job, pods)| filter.matches(Subject { job, pods }, now, &mut scratch))
        .collect();
    chosen.sort_by(|(a, _), (b, _)| (&a.row.namespace, &a.row.name).cmp(&(&b.row.namespace, &b.row.name)));
    if let Some(sort) = &args.sort {
        chosen.sort_by(|(a, a_pods), (b, b_pods)| {
            let key = |job, pods| sort_key(&sort.column, Subject { job, pods }, now);
            key(a, a_pods).compare(&key(b, b_pods), sort.descending)
        });
    }
    chosen
}

/// A script must not take a misunderstood filter for an answer.
fn parsed(text: &str) -> Result<Filter, Failure> {
    let parsed = filter::parse(text);
    match parsed.hints.first() {
        None => Ok(parsed.filter),
        Some(hint) => {
            let part = text.get(hint.span.clone()).unwrap_or(text);
            Err(Failure::usage(&format!("--filter: «{part}»: {}", hint.text)))
        }
    }
}

fn sort(text: &str) -> Result<Sort, String> {
    Sort::parse(text).ok_or_else(|| format!("there is no column «{text}»"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_not_understood_is_an_error() {
        assert!(parsed("state:failed gpu>=8").is_ok());
        assert_eq!(parsed("gpu>=many").map_err(|failure| failure.code), Err(exit::USAGE));
    }
}
