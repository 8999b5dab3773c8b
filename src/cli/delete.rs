//! `mpideck delete`: deletes jobs through the one executor of changes that the console has, too.
//!
//! Owns its flags. Nothing is deleted without `--yes`; what would be is said.

use std::{process::ExitCode, sync::Arc};

use clap::{Args as ArgsOf, ValueEnum};

use super::{
    args::Global,
    console,
    exit::{self, Failure},
    print, reach,
    reached::{Jobs, Reached},
    setup::Setup,
    unread,
};
use crate::{
    changes::{self, Change, Confirmed, Desk, Gate, Propagation, Subject, What},
    config::context::Protection,
    console::{model::session::Scope, start::LoadTarget},
    disk::changes::ChangeFiles,
    jobs::{Kind, causes::Rules, filter::Filter, fleet::Job},
};

/// Flags of `delete`.
#[derive(Clone, Debug, Default, ArgsOf)]
pub struct DeleteArgs {
    /// Names of the jobs, or KIND/NAME as `get jobs -o name` prints them
    #[arg(required = true, value_name = "JOB")]
    pub jobs: Vec<String>,
    /// Delete them: without it nothing is
    #[arg(long)]
    pub yes: bool,
    /// Where a context is protected: the job's name, or how many they are
    #[arg(long, value_name = "WORD")]
    pub confirm: Option<String>,
    /// So many seconds their pods get to end at most; as their manifests say unless given
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..))]
    pub grace_period: Option<u32>,
    /// What becomes of what they own
    #[arg(long, value_enum, value_name = "HOW", default_value_t = Cascade::Background)]
    pub cascade: Cascade,
}

/// `--cascade`, as kubectl spells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Cascade {
    /// It goes afterwards
    #[default]
    Background,
    /// It goes first
    Foreground,
    /// It stays
    Orphan,
}

/// Runs it.
pub fn run(args: &DeleteArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    if args.cascade == Cascade::Orphan && args.grace_period.is_some() {
        return Err(Failure::usage("pods that stay are not told to end: --grace-period does not go with orphan"));
    }
    let load = reach::user_clusters(global, setup);
    console::in_runtime(deleted(args, reach::scope(global)?, &load, setup))
}

async fn deleted(
    args: &DeleteArgs,
    scope: Option<Scope>,
    load: &LoadTarget,
    setup: &Setup,
) -> Result<ExitCode, Failure> {
    let reached = Reached::by(load).await?;
    let read = reached.jobs(Rules::builtin().into(), scope, &Filter::default()).await?;
    unread::complain(&read.unread);
    let changes = changes(args, &reached, &read)?;
    if !args.yes {
        let meant: Vec<_> = changes.iter().map(|change| format!("would {change}")).collect();
        return Err(Failure::usage(&meant.join("; ")).hint("--yes does it; nothing was deleted"));
    }
    let desk = desk(reached, setup);
    let report = changes::run(&desk, Confirmed::by_flag(changes, args.confirm.clone()), Arc::new(|_| {})).await;
    for item in &report.items {
        match item.outcome.as_done() {
            Some(_) => print::out(&format!("{item}\n"))?,
            None => print::complain(&format!("error: {item}")),
        }
    }
    if let Some(why) = &report.unlogged {
        print::complain(&format!("warning: the change log could not be written: {why}"));
    }
    Ok(ExitCode::from(if report.is_done() { 0 } else { exit::FAILED }))
}

/// What is to be done to each of the jobs, all of which must be there: a mistyped name deletes nothing.
fn changes(args: &DeleteArgs, reached: &Reached, read: &Jobs) -> Result<Vec<Change>, Failure> {
    let propagation = match args.cascade {
        Cascade::Background => Propagation::Background,
        Cascade::Foreground => Propagation::Foreground,
        Cascade::Orphan => Propagation::Orphan,
    };
    let change = |job: &Job| Change {
        context: reached.session.who().context.clone(),
        subject: Subject::job(&job.key()),
        what: What::Delete { propagation, grace: args.grace_period },
    };
    args.jobs.iter().map(|name| only(read, name).map(change)).collect()
}

/// The one job that is called so; which of several is meant is not guessed here, nor whether there are more where nobody
/// could look.
fn only<'r>(read: &'r Jobs, called: &str) -> Result<&'r Job, Failure> {
    let (kind, name) = called.rsplit_once('/').map_or((None, called), |(kind, name)| (Some(kind), name));
    let mut meant = read
        .fleet
        .jobs()
        .filter(|job| job.row.name.as_str() == name && kind.is_none_or(|word| is_called(job.row.kind, word)));
    match (meant.next(), meant.next()) {
        (Some(one), None) => {
            let unread = read.unread.iter().find(|unread| unread.may_hide(kind.map(|_| one.row.kind)));
            let Some(unread) = unread else { return Ok(one) };
            let mut failure = Failure::new(&format!("«{called}» may be another job, too: {}", unread.text()));
            failure.code = exit::PARTIAL;
            Err(failure.hint("-n and KIND/NAME (mpijob/train) say which one is meant"))
        }
        (Some(one), Some(other)) => {
            let shown = |job: &Job| format!("{} {}/{}", job.row.kind, job.row.namespace, job.row.name);
            let what = format!("«{called}» is more than one job: {}, {}", shown(one), shown(other));
            let same_place = one.row.namespace == other.row.namespace;
            Err(Failure::usage(&what).hint(if same_place {
                "KIND/NAME says which (mpijob/train)"
            } else {
                "-n says in which namespace"
            }))
        }
        (None, _) => Err(read.absent(called)),
    }
}

/// Whether a kind goes by this word: `mpijob`, `mpijobs`, `mpijob.kubeflow.org`.
fn is_called(kind: Kind, word: &str) -> bool {
    let (word, group) = word.split_once('.').map_or((word, None), |(word, group)| (word, Some(group)));
    let info = kind.info();
    (word.eq_ignore_ascii_case(info.kind) || word.eq_ignore_ascii_case(info.plural))
        && group.is_none_or(|group| group == info.group)
}

/// The executor's desk, with the gate that the settings make of this context.
fn desk(reached: Reached, setup: &Setup) -> Desk {
    let Reached { session, offer, .. } = reached;
    let context = session.who().context.clone();
    let own = setup.config.context(context.as_str());
    let always = setup.config.read_only.value;
    let gate = Gate::of(context, always, own.read_only, own.protect == Some(Protection::TypeName));
    let files = setup.paths.as_ref().map(|paths| ChangeFiles::new(&paths.changes()));
    Desk { session, offer: Arc::new(offer), gate, files }
}
