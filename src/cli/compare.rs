//! `mpideck compare`: jobs side by side, living and recorded, as the console compares them.
//!
//! A job is looked for in the cluster first, then among the records. Of a living one the end of its leading log is read for
//! its speed; one that can't be read is said on stderr.

use std::{process::ExitCode, sync::Arc};

use clap::{Args as ArgsOf, ValueEnum};

use super::{
    args::Global,
    console,
    exit::{self, Failure},
    history, listened, print, reach,
    reached::{Jobs, Reached},
    setup::Setup,
    unread,
};
use crate::{
    cluster::Session,
    console::{model::session::Scope, runner::open_record, start::LoadTarget},
    disk::records::{Records, Summary},
    jobs::{
        Name,
        causes::Rules,
        compare::{Run, Sheet, text},
        filter::Filter,
        fleet::{Fleet, JobKey, Said, main_container, telling},
    },
};

/// Lines of a living job's leading log.
const TAIL: u32 = 200_000;

/// Flags of `compare`.
#[derive(Clone, Debug, ArgsOf)]
pub struct CompareArgs {
    /// NAME or NAMESPACE/NAME of a job or of a record, or the beginning of a record's uid; the first is the baseline
    #[arg(required = true, num_args = 2.., value_name = "JOB")]
    pub jobs: Vec<String>,
    /// How to print it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub output: Format,
    /// Only records: no cluster is asked
    #[arg(long)]
    pub recorded: bool,
}

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Table,
    /// For scripts
    Json,
    /// A line a run
    Csv,
}

/// Runs it.
pub fn run(args: &CompareArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.complain();
    let scope = reach::scope(global)?;
    let load = (!args.recorded).then(|| reach::user_clusters(global, setup));
    let records = setup.records();
    let recorded = records.as_ref().map(|records| history::chosen(records, global)).transpose()?.unwrap_or_default();
    console::in_runtime(compared(args, scope, load, (records, recorded), setup))
}

async fn compared(
    args: &CompareArgs,
    scope: Option<Scope>,
    load: Option<LoadTarget>,
    (records, recorded): (Option<Records>, Vec<Summary>),
    setup: &Setup,
) -> Result<ExitCode, Failure> {
    let (rules, complaints) = console::rules(setup);
    for complaint in &complaints {
        print::complain(&format!("warning: {complaint}"));
    }
    let mut runs: Vec<Option<Run>> = vec![None; args.jobs.len()];
    let (mut partial, mut trouble) = (false, None);
    if let Some(load) = load {
        match living(&args.jobs, scope, &load, &rules).await {
            Ok((found, is_partial)) => (runs, partial) = (found, is_partial),
            Err(failure) => trouble = Some(failure),
        }
    }
    for (run, name) in runs.iter_mut().zip(&args.jobs).filter(|(run, _)| run.is_none()) {
        let Ok(one) = history::find(&recorded, name) else {
            // What kept us from the cluster tells more than that there is no record.
            return Err(trouble.unwrap_or_else(|| absent(name)));
        };
        let opened = match &records {
            Some(records) => open_record(records, one.dir.clone(), &rules)?,
            None => None,
        };
        let opened = opened.ok_or_else(|| absent(name))?;
        let (job, last) = (&opened.job, opened.recorded.last);
        *run = Some(Run::of(&job.row, &job.pod_refs(), job.workload.as_ref(), &job.derived, last, true));
    }
    if let Some(failure) = trouble {
        print::complain(&format!("note: only records are compared: {failure}"));
        partial = true;
    }
    let runs: Vec<Run> = runs.into_iter().flatten().collect();
    let sheet = Sheet { runs: &runs, base: 0, goals: setup.config.goals() };
    let out = match args.output {
        Format::Table => text(&sheet, print::width(), setup.caps.ascii),
        Format::Json => print::json(&sheet.json())?,
        Format::Csv => sheet.csv(),
    };
    print::out(&out)?;
    Ok(if partial { ExitCode::from(exit::PARTIAL) } else { ExitCode::SUCCESS })
}

fn absent(name: &str) -> Failure {
    Failure::not_found(&format!("no job and no record «{name}»"))
        .hint("-A looks in all namespaces; mpideck history lists what was recorded")
}

/// Those of the names that are jobs of the cluster, and whether part of what belongs to them could not be read.
async fn living(
    names: &[String],
    scope: Option<Scope>,
    load: &LoadTarget,
    rules: &Arc<Rules>,
) -> Result<(Vec<Option<Run>>, bool), Failure> {
    let reached = Reached::by(load).await?;
    let scope = scope.unwrap_or_else(|| with_named(&reached.own_scope(), names));
    let Jobs { mut fleet, unread, .. } = reached.jobs(Arc::clone(rules), Some(scope), &Filter::default()).await?;
    unread::complain(&unread);
    let keys: Vec<Option<JobKey>> = names.iter().map(|name| find(&fleet, name)).collect();
    let mut partial = !unread.is_empty();
    for key in keys.iter().flatten() {
        match said(&reached.session, &fleet, key, rules).await {
            Ok(Some(said)) => fleet.look(key, said),
            Ok(None) => {}
            Err(why) => {
                print::complain(&format!("note: the log of {}/{} could not be read: {why}", key.namespace, key.name));
                partial = true;
            }
        }
    }
    let now = reached.session.now();
    fleet.settle(now);
    let run = |key: &JobKey| {
        let job = fleet.get(key)?;
        Some(Run::of(&job.row, &fleet.pods(key), fleet.workload(key), &job.derived, now, false))
    };
    Ok((keys.iter().map(|key| key.as_ref().and_then(run)).collect(), partial))
}

/// The namespaces that names begin with are looked at, too.
fn with_named(own: &Scope, names: &[String]) -> Scope {
    let named = names.iter().filter_map(|name| Name::new(name.split_once('/')?.0));
    let mut all: Vec<Name> = own.names().iter().cloned().chain(named).collect();
    all.sort();
    all.dedup();
    Scope::Named(all)
}

/// The newest of that name.
fn find(fleet: &Fleet, name: &str) -> Option<JobKey> {
    let is_it = |key: &JobKey| key.name.as_str() == name || format!("{}/{}", key.namespace, key.name) == name;
    let found = fleet.jobs().filter(|job| is_it(&job.key())).max_by_key(|job| job.row.created);
    found.map(crate::jobs::fleet::Job::key)
}

/// What the leading replica's log says.
async fn said(session: &Session, fleet: &Fleet, key: &JobKey, rules: &Rules) -> Result<Option<Said>, String> {
    let pods = fleet.pods(key);
    let Some(pod) = telling(&pods).first().map(|teller| teller.pod) else { return Ok(None) };
    let Some(container) = main_container(pod).filter(|container| container.state.is_some()) else { return Ok(None) };
    let scan = listened::scan(session, rules, pod, TAIL, false).await?;
    let whole = scan.lines() < TAIL;
    let (pod, container) = (pod.name.clone(), container.name.clone());
    Ok(Some(Said { pod, container, previous: false, whole, quiet: None, scan }))
}
