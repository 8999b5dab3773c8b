//! `mpideck get jobs`: the console's fleet, read once and printed.
//!
//! Uses the same lists, mailbox, derivation, filter and columns. Parts that can't be read are said on stderr and in the
//! output; then the exit code is 3.

use std::{process::ExitCode, sync::Arc};

use clap::{Args as ArgsOf, Subcommand};
use futures::{StreamExt as _, stream};

use super::{
    args::Global,
    console,
    exit::{self, Failure},
    listened::Listening,
    output::{self, Format},
    print, reach,
    reached::{Jobs, Reached},
    setup::Setup,
    unread::{self, Unread},
};
use crate::{
    console::{model::session::Scope, start::LoadTarget},
    jobs::{
        PodRow, Secs,
        causes::Rules,
        columns::{ColumnsConfig, Sort, sort_key, text_table::Room},
        filter::{self, Filter, Scratch, Subject},
        fleet::{Fleet, Job, JobKey},
    },
};

/// Jobs whose logs are read for one answer, and how many at once.
const MOST_EXPLAINED: usize = 200;
const AT_ONCE: usize = 4;
/// Lines that are read of the leading pod's log, and of each bad pod's.
const TAIL: (u32, u32) = (5_000, 1_000);

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
    /// Read the logs of jobs in trouble whose objects don't say why, too
    #[arg(long)]
    pub explain: bool,
    /// Order by a column, `-` in front for the highest first: -gpus
    #[arg(long, value_name = "COLUMN", value_parser = sort, allow_hyphen_values = true)]
    pub sort: Option<Sort>,
}

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
    let reached = Reached::by(load).await?;
    let (rules, complaints) = console::rules(setup);
    for complaint in &complaints {
        print::complain(&format!("warning: {complaint}"));
    }
    let mut read = reached.jobs(Arc::clone(&rules), scope, filter).await?;
    let mut heard = true;
    if args.explain {
        let wanted = unclear(&read, args, filter);
        heard = listen(&reached, &rules, &mut read, wanted, setup.stall()).await;
    }
    let Jobs { fleet, scope, unread, now } = &read;
    unread::complain(unread);
    let chosen = choose(fleet, args, filter, *now);
    if let (Some(name), true) = (&args.name, chosen.is_empty()) {
        return Err(read.absent(name));
    }
    let subjects: Vec<_> = chosen.iter().map(|(job, pods)| Subject { job, pods }).collect();
    let partial = !heard || !unread.is_empty();
    let texts = unread.iter().map(Unread::text).collect();
    let room = print::width().map(|width| Room { width, ascii: setup.caps.ascii });
    print::out(&output::render(args.output, &ColumnsConfig::default(), &subjects, texts, *now, room)?)?;
    if subjects.is_empty() && matches!(args.output, Format::Table | Format::Wide) {
        let why = if reached.offer.has_jobs() {
            "no jobs match"
        } else {
            "this cluster serves no training jobs: is an operator installed?"
        };
        print::complain(&format!("note: {why} ({scope})"));
    }
    Ok(if partial { ExitCode::from(exit::PARTIAL) } else { ExitCode::SUCCESS })
}

/// The jobs to be printed of which only a log may tell what is wrong.
fn unclear(read: &Jobs, args: &JobsArgs, filter: &Filter) -> Vec<JobKey> {
    let chosen = choose(&read.fleet, args, filter, read.now);
    chosen.iter().filter(|(job, _)| job.derived.wants_log()).map(|(job, _)| job.key()).collect()
}

/// Reads their logs, some at a time, and takes in what they say. `false`: some could not be read.
async fn listen(reached: &Reached, rules: &Rules, read: &mut Jobs, mut wanted: Vec<JobKey>, stall: u32) -> bool {
    if wanted.len() > MOST_EXPLAINED {
        let more = wanted.len() - MOST_EXPLAINED;
        print::complain(&format!(
            "note: {more} more jobs in trouble; narrow it with --filter or -n to have their logs read"
        ));
        wanted.truncate(MOST_EXPLAINED);
    }
    let listening = Listening { session: &reached.session, rules, tail: TAIL, now: read.now, stall };
    let heard: Vec<_> = {
        let fleet = &read.fleet;
        let one = |key: JobKey| async move {
            let said = listening.to(&fleet.pods(&key)).await;
            (key, said)
        };
        stream::iter(wanted).map(one).buffer_unordered(AT_ONCE).collect().await
    };
    let mut whole = true;
    for (key, (said, all)) in heard {
        whole &= all;
        read.fleet.hear(&key, said);
    }
    read.fleet.settle(read.now);
    whole
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
