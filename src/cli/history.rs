//! `mpideck history`: what was recorded, to list, to read and to remove. Needs no cluster.
//!
//! Owns the shapes of its output, which are an interface as `get jobs` has one. Nothing is removed without a word.

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use clap::{Args as ArgsOf, Subcommand, ValueEnum};
use serde::Serialize;
use serde_json::json;

use super::{
    args::{self, Global},
    exit::Failure,
    print, reach,
    setup::Setup,
};
use crate::{
    disk::records::{KeptLog, Record, Records, Summary, remove},
    jobs::{Secs, columns::cut, manifest, quantity::format_bytes, row::ContainerState, text::few, time::duration},
};

/// What to do with records.
#[derive(Clone, Debug, Default, ArgsOf)]
#[command(args_conflicts_with_subcommands = true)]
pub struct HistoryArgs {
    /// Instead of listing them
    #[command(subcommand)]
    pub verb: Option<HistoryVerb>,
    /// Flags of the list.
    #[command(flatten)]
    pub list: ListArgs,
}

/// Flags of the list.
#[derive(Clone, Debug, Default, ArgsOf)]
pub struct ListArgs {
    /// Only those with this text in namespace, name, kind, state or cause
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub filter: String,
    /// How to print them
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ListFormat::Table)]
    pub output: ListFormat,
}

/// `-o` of the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people
    #[default]
    Table,
    /// For scripts
    Json,
}

/// What can be done with records.
#[derive(Clone, Debug, Subcommand)]
pub enum HistoryVerb {
    /// Print one: the newest of that name
    Show {
        /// NAME or NAMESPACE/NAME, or the beginning of its uid
        job: String,
        /// What of it
        #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = ShowFormat::Text)]
        output: ShowFormat,
    },
    /// Remove records
    Prune {
        /// Only of these: NAME or NAMESPACE/NAME, or the beginning of a uid
        jobs: Vec<String>,
        /// Only those that nothing was added to for so long: 12h, 7d
        #[arg(long, value_name = "TIME", value_parser = args::length_of_time)]
        older_than: Option<Duration>,
        /// All of them
        #[arg(long, conflicts_with = "older_than")]
        all: bool,
        /// Without asking
        #[arg(short, long)]
        yes: bool,
    },
}

/// `-o` of one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ShowFormat {
    /// How it was, why, and what happened, for people
    #[default]
    Text,
    /// The manifest
    Yaml,
    /// Every line of its logs
    Log,
    /// Everything, for scripts
    Json,
}

/// Runs it.
pub fn run(args: &HistoryArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.complain();
    let none = || Failure::usage("there is no directory for records").hint("set XDG_STATE_HOME or HOME");
    let records = setup.records().ok_or_else(none)?;
    let now = reach::wall_clock()();
    let all = chosen(&records, global)?;
    match &args.verb {
        None => list(&args.list, &records, all, now, setup.caps.ascii),
        Some(HistoryVerb::Show { job, output }) => show(&records, &find(&all, job)?, *output, now),
        Some(HistoryVerb::Prune { jobs, older_than, all: every, yes }) => {
            let age = older_than.map(|age| u32::try_from(age.as_secs()).unwrap_or(u32::MAX));
            if jobs.is_empty() && age.is_none() && !every {
                return Err(Failure::usage("what shall go?").hint("name jobs, or give --older-than TIME or --all"));
            }
            let named = |summary: &Summary| jobs.is_empty() || jobs.iter().any(|job| is_called(summary, job));
            let old = |summary: &Summary| age.is_none_or(|age| now.since(summary.last) >= age);
            let going: Vec<Summary> = all.into_iter().filter(|one| named(one) && old(one)).collect();
            take_away(&records, &going, *yes)
        }
    }
}

/// The records of the contexts and namespaces asked for.
pub(super) fn chosen(records: &Records, global: &Global) -> Result<Vec<Summary>, Failure> {
    let namespaces = reach::scope(global)?;
    let mut all = records.list(None)?;
    all.retain(|one| {
        let header = &one.header;
        let names = namespaces.as_ref().map(crate::console::model::session::Scope::names).unwrap_or_default();
        global.context.as_deref().is_none_or(|context| header.context.as_str() == context)
            && (names.is_empty() || names.contains(&header.job.namespace))
    });
    Ok(all)
}

fn is_called(summary: &Summary, name: &str) -> bool {
    let job = &summary.header.job;
    job.name.as_str() == name
        || format!("{}/{}", job.namespace, job.name) == name
        || (name.len() >= 6 && job.uid.to_string().starts_with(name))
}

pub(super) fn find(all: &[Summary], name: &str) -> Result<Summary, Failure> {
    let mut found = all.iter().filter(|one| is_called(one, name));
    let first = found.next().cloned().ok_or_else(|| {
        Failure::not_found(&format!("nothing was recorded of a job «{name}»"))
            .hint("mpideck history lists what there is")
    })?;
    let more: Vec<String> = found.map(|one| one.header.job.uid.to_string()).collect();
    if !more.is_empty() {
        print::complain(&format!("note: this is the newest of that name; older: {}", more.join(", ")));
    }
    Ok(first)
}

/// A record in the list, as scripts read it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    namespace: String,
    name: String,
    kind: &'static str,
    uid: String,
    context: String,
    server: String,
    state: String,
    finished_job: bool,
    cause: Option<String>,
    begun: String,
    last: String,
    deleted: Option<String>,
    bytes: u64,
    path: String,
}

impl Item {
    fn of(one: &Summary) -> Self {
        let header = &one.header;
        Self {
            namespace: header.job.namespace.to_string(),
            name: header.job.name.to_string(),
            kind: header.job.kind.info().kind,
            uid: header.job.uid.to_string(),
            context: header.context.to_string(),
            server: header.cluster.server.to_string(),
            state: one.state.to_string(),
            finished_job: one.finished,
            cause: one.cause.as_ref().map(ToString::to_string),
            begun: one.begun.to_string(),
            last: one.last.to_string(),
            deleted: one.deleted.map(|at| at.to_string()),
            bytes: one.size,
            path: one.dir.display().to_string(),
        }
    }
}

fn list(
    args: &ListArgs,
    records: &Records,
    mut all: Vec<Summary>,
    now: Secs,
    ascii: bool,
) -> Result<ExitCode, Failure> {
    let wanted = args.filter.to_lowercase();
    all.retain(|one| words(one).to_lowercase().contains(&wanted));
    let bytes: u64 = all.iter().map(|one| one.size).sum();
    if args.output == ListFormat::Json {
        let items: Vec<Item> = all.iter().map(Item::of).collect();
        let directory = records.root().display().to_string();
        let whole = json!({
            "apiVersion": "mpideck/v1", "kind": "RecordList", "directory": directory, "bytes": bytes, "items": items
        });
        print::out(&format!("{whole:#}\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if all.is_empty() {
        print::complain(&format!("note: nothing was recorded ({})", records.root().display()));
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows = vec![["LAST", "CONTEXT", "NAMESPACE", "NAME", "KIND", "STATE", "SIZE", "CAUSE"].map(str::to_owned)];
    for one in &all {
        let header = &one.header;
        let deleted = if one.deleted.is_some() { ", deleted" } else { "" };
        rows.push([
            duration(now.since(one.last)),
            header.context.to_string(),
            header.job.namespace.to_string(),
            header.job.name.to_string(),
            header.job.kind.info().kind.to_owned(),
            format!("{}{deleted}", one.state),
            format_bytes(one.size),
            one.cause.as_ref().map(ToString::to_string).unwrap_or_default(),
        ]);
    }
    print::out(&within(table(&rows), print::width(), ascii))?;
    let total = format!("{} records, {} in {}", all.len(), format_bytes(bytes), records.root().display());
    print::complain(&total);
    Ok(ExitCode::SUCCESS)
}

fn words(one: &Summary) -> String {
    let job = &one.header.job;
    let cause = one.cause.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{}/{} {} {} {cause}", job.namespace, job.name, job.kind.info().kind, one.state)
}

/// On a terminal no line wraps: what is cut is the end, the cause.
fn within(table: String, width: Option<u16>, ascii: bool) -> String {
    match width {
        Some(width) => table.lines().flat_map(|line| [cut::end(line, width.into(), ascii), "\n".into()]).collect(),
        None => table,
    }
}

/// Columns as wide as their longest cells; an empty cell is `-`.
fn table<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |i: usize| rows.iter().map(|row| cut::width(&row[i])).max().unwrap_or(0);
    let widths: [usize; N] = std::array::from_fn(width);
    let mut out = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| {
            let cell = if cell.is_empty() { "-" } else { cell };
            cut::filled(cell, width)
        });
        out.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        out.push('\n');
    }
    out
}

fn show(records: &Records, one: &Summary, format: ShowFormat, now: Secs) -> Result<ExitCode, Failure> {
    let gone = || Failure::not_found("the record went away meanwhile");
    let record = records.read(&one.dir)?.ok_or_else(gone)?;
    let logs = records.logs_in(&one.dir)?;
    let text = match format {
        ShowFormat::Text => told(one, &record, &logs, now),
        ShowFormat::Log => logs.iter().map(whole_log).collect(),
        ShowFormat::Yaml => {
            let (_, kept) = record.manifest.as_ref().ok_or_else(|| {
                Failure::not_found("the manifest was not recorded").hint("the job was gone before it could be read")
            })?;
            if !kept.removed.is_empty() {
                let names: Vec<_> = kept.removed.iter().map(|removed| removed.name.to_string()).collect();
                print::complain(&format!("note: values that were not recorded: {}", names.join(", ")));
            }
            let yaml = manifest::cleaned(&kept.object, manifest::Env::Shown);
            yaml.map_err(|error| Failure::new(&error.to_string()))?
        }
        ShowFormat::Json => format!("{:#}\n", everything(one, &record, &logs)),
    };
    print::out(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn everything(one: &Summary, record: &Record, logs: &[KeptLog]) -> serde_json::Value {
    let lines = |log: &KeptLog| -> Vec<serde_json::Value> {
        log.lines.iter().map(|line| json!({"at": line.at.and_then(moment), "text": line.text})).collect()
    };
    json!({
        "apiVersion": "mpideck/v1",
        "kind": "Record",
        "summary": Item::of(one),
        "changes": record.changes.iter().map(|change| json!({
            "at": change.at.to_string(), "state": change.state, "cause": change.cause, "remedy": change.remedy,
        })).collect::<Vec<_>>(),
        "pods": record.pods.iter().map(|pod| json!({
            "name": pod.row.name, "role": pod.row.role, "node": pod.row.node, "phase": pod.row.phase,
            "gone": pod.gone.map(|at| at.to_string()), "containers": pod.row.containers,
        })).collect::<Vec<_>>(),
        "events": record.events.iter().map(|event| json!({
            "last": event.last.to_string(), "count": event.count, "warning": event.warning, "reason": event.reason,
            "about": format!("{}/{}", event.about_kind, event.about_name), "message": event.message,
        })).collect::<Vec<_>>(),
        "manifest": record.manifest.as_ref().map(|(_, kept)| &kept.object),
        "removed": record.manifest.as_ref().map(|(_, kept)| &kept.removed),
        "logs": logs.iter().map(|log| json!({
            "pod": log.stream.pod, "container": log.stream.container, "run": log.stream.run,
            "skipped": log.skipped, "lines": lines(log),
        })).collect::<Vec<_>>(),
        "unreadable": record.unreadable,
    })
}

fn moment(nanos: i64) -> Option<String> {
    jiff::Timestamp::from_nanosecond(i128::from(nanos)).ok().map(|at| at.to_string())
}

/// Lines of a log that the text shows.
const LINES: usize = 20;

fn told(one: &Summary, record: &Record, logs: &[KeptLog], now: Secs) -> String {
    let job = &one.header.job;
    let mut out = format!("{} {}/{} ({})\n", job.kind.info().kind, job.namespace, job.name, job.uid);
    let mut say = |label: &str, text: String| {
        if !text.is_empty() {
            let _ = writeln!(out, "{label:<10} {text}");
        }
    };
    say("context", format!("{} ({})", one.header.context, one.header.cluster.server));
    say("state", one.state.to_string());
    say("cause", one.cause.as_ref().map(ToString::to_string).unwrap_or_default());
    let remedy = record.changes.last().and_then(|change| change.remedy.clone());
    say("remedy", remedy.map(|text| text.to_string()).unwrap_or_default());
    let ago = |at: Secs| format!("{at}, {} ago", duration(now.since(at)));
    say("recorded", format!("from {} to {}", one.begun, ago(one.last)));
    say("deleted", one.deleted.map(ago).unwrap_or_default());
    say("path", format!("{} ({})", one.dir.display(), format_bytes(one.size)));
    if record.unreadable > 0 {
        say("spoiled", format!("{} lines of the record could not be read", record.unreadable));
    }
    section(
        &mut out,
        "States",
        record.changes.iter().map(|change| {
            let cause = change.cause.as_ref().map(|cause| format!(": {cause}")).unwrap_or_default();
            format!("{}  {}{cause}", change.at, change.state)
        }),
    );
    section(
        &mut out,
        "Pods",
        record.pods.iter().map(|pod| {
            let node = pod.row.node.as_ref().map(|node| format!(" on {node}")).unwrap_or_default();
            format!(
                "{}{node}: {}{}",
                pod.row.name,
                ended(pod),
                pod.gone.map_or_else(String::new, |at| format!(", gone {at}"))
            )
        }),
    );
    section(
        &mut out,
        "Events",
        record
            .events
            .iter()
            .map(|event| format!("{}  {} {}: {}", event.last, event.reason, event.about_name, event.message)),
    );
    for log in logs {
        let title = format!("Log of {}, {}", log.stream.pod, log.stream.container);
        let from = log.lines.len().saturating_sub(LINES);
        let note = (from > 0).then(|| format!("... {from} lines before, -o log prints them"));
        section(&mut out, &title, note.into_iter().chain(log.lines[from..].iter().map(|line| line.text.clone())));
    }
    out
}

fn section(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|line| format!("  {line}\n")).collect();
    if !lines.is_empty() {
        let _ = write!(out, "\n{title}\n{}", lines.concat());
    }
}

fn ended(pod: &crate::disk::records::KeptPod) -> String {
    let main = pod.row.containers.iter().find(|container| !container.init);
    match main.and_then(|main| main.state.as_ref().or(None)) {
        Some(ContainerState::Terminated(end)) => format!("{:?}, exit {} {}", pod.row.phase, end.exit_code, end.reason),
        Some(ContainerState::Waiting { reason, .. }) => format!("{:?}, {reason}", pod.row.phase),
        _ => format!("{:?}", pod.row.phase),
    }
}

fn whole_log(log: &KeptLog) -> String {
    let mut out = format!("# {} {} run {}\n", log.stream.pod, log.stream.container, log.stream.run);
    if log.skipped > 0 {
        let _ = writeln!(out, "# {} lines came too fast to be kept", log.skipped);
    }
    for line in &log.lines {
        let _ = writeln!(out, "{} {}", line.at.and_then(moment).unwrap_or_default(), line.text);
    }
    out
}

fn take_away(records: &Records, going: &[Summary], yes: bool) -> Result<ExitCode, Failure> {
    let bytes: u64 = going.iter().map(|one| one.size).sum();
    if going.is_empty() {
        print::complain("note: there is nothing to remove");
        return Ok(ExitCode::SUCCESS);
    }
    if !yes {
        confirm(records, going, bytes)?;
    }
    let (mut removed, mut busy) = (0, 0);
    for one in going {
        if remove(&one.dir)? { removed += 1 } else { busy += 1 }
    }
    print::out(&format!("{removed} records removed\n"))?;
    if busy > 0 {
        print::complain(&format!("note: {busy} are being written by a running mpideck and stay"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks for the number of records: nobody types that by accident.
fn confirm(records: &Records, going: &[Summary], bytes: u64) -> Result<(), Failure> {
    let number = going.len();
    let names = going.iter().map(|one| format!("{}/{}", one.header.job.namespace, one.header.job.name));
    let what = format!("{number} records ({}) below {}", format_bytes(bytes), records.root().display());
    if !io::stdin().is_terminal() {
        return Err(Failure::usage(&format!("{what} would be removed")).hint("--yes removes them without asking"));
    }
    print::complain(&format!("{what}: {}", few(10, names)));
    print::complain(&format!("They can't be brought back. Type their number ({number}) to remove them:"));
    let mut typed = String::new();
    io::stdin().lock().read_line(&mut typed)?;
    if typed.trim() == number.to_string() { Ok(()) } else { Err(Failure::new("nothing was removed")) }
}
