//! `mpideck explain`: why a job, a log or a bug report's evidence failed, by the console's own rules.
//!
//! Owns the reading of logs and evidence files and the two ways to print an answer. What the answer is, is decided in
//! `jobs::causes`.

use std::{
    fmt::Write as _,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args as ArgsOf, ValueEnum};
use serde::{Deserialize, Serialize};

use super::{
    args::Global,
    console,
    exit::{self, Failure},
    explain_job, print,
    setup::Setup,
};
use crate::{
    jobs::{
        causes::{Report, ReportedEvent, ReportedPod, Rules},
        state::Cause,
        text::{Clean, Name, Sym},
    },
    logs::ruled,
};

/// Flags of `explain`.
#[derive(Clone, Debug, ArgsOf)]
pub struct ExplainArgs {
    /// The job to explain
    #[arg(required_unless_present_any = ["log", "evidence"], conflicts_with_all = ["log", "evidence"])]
    pub job: Option<String>,
    /// A log to explain instead, `-` for stdin
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// A JSON file with log, pods and events to explain instead, `-` for stdin
    #[arg(long, value_name = "FILE", conflicts_with = "log")]
    pub evidence: Option<PathBuf>,
    /// How to print the answer
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub output: Format,
}

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

/// Most bytes of a file that are read.
const MOST_BYTES: u64 = 512 << 20;

/// Reads, explains and prints.
pub fn run(args: &ExplainArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    setup.complain();
    let (rules, complaints) = console::rules(setup);
    for complaint in &complaints {
        print::complain(&format!("warning: {complaint}"));
    }
    let (cause, calm, partial) = match (&args.log, &args.evidence, &args.job) {
        (Some(path), _, _) => {
            let scan = ruled::scan(&rules, &read(path)?);
            (Report::default().cause(&rules, Some(&scan)), Report::default().calm(Some(&scan)), false)
        }
        (_, Some(path), _) => {
            let (cause, calm) = evidence(path)?.cause(&rules);
            (cause, calm, false)
        }
        (_, _, Some(job)) => {
            let (cause, partial) = explain_job::run(job, rules.clone(), global, setup)?;
            (cause, if partial { 50 } else { 95 }, partial)
        }
        (None, None, None) => return Err(Failure::usage("name a job, or --log or --evidence")),
    };
    let text = match args.output {
        Format::Json => json(cause.as_ref(), calm)?,
        Format::Text => text(cause.as_ref(), calm),
    };
    print::out(&text)?;
    Ok(if partial { ExitCode::from(exit::PARTIAL) } else { ExitCode::SUCCESS })
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "standard input".to_owned() } else { path.display().to_string() }
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let taken = if path.as_os_str() == "-" {
        io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
    };
    taken.map_err(|error| Failure::new(&format!("{} can't be read: {error}", shown(path))))?;
    Ok(bytes)
}

/// What an evidence file may hold. Every part is optional; what else it has is not looked at.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Evidence {
    log: Option<String>,
    pods: Option<Vec<Pod>>,
    events: Option<Vec<Event>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Pod {
    name: Option<String>,
    role: Option<String>,
    phase: Option<String>,
    waiting_reason: Option<String>,
    terminated_reason: Option<String>,
    exit_code: Option<i32>,
    message: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    #[serde(rename = "type")]
    kind: Option<String>,
    reason: Option<String>,
    message: Option<String>,
    object: Option<String>,
}

fn evidence(path: &Path) -> Result<Evidence, Failure> {
    serde_json::from_slice(&read(path)?).map_err(|error| {
        let what = format!("{}, line {}, column {}: {error}", shown(path), error.line(), error.column());
        Failure::usage(&what)
            .hint("an evidence file is {\"log\": \"…\", \"pods\": […], \"events\": […]}: see docs/cli.md")
    })
}

impl Evidence {
    /// Its cause, and how sure it would be that there is none.
    fn cause(self, rules: &Rules) -> (Option<Cause>, u8) {
        let log = self.log.map(|log| ruled::scan(rules, log.as_bytes()));
        let clean = |text: Option<String>| text.map_or_else(String::new, |text| Clean::new(&text).to_string());
        let pod = |pod: Pod| ReportedPod {
            name: clean(pod.name),
            role: clean(pod.role),
            phase: clean(pod.phase),
            waiting_reason: clean(pod.waiting_reason),
            terminated_reason: clean(pod.terminated_reason),
            exit_code: pod.exit_code,
            message: clean(pod.message),
        };
        let event = |event: Event| ReportedEvent {
            kind: clean(event.kind),
            reason: clean(event.reason),
            message: clean(event.message),
            object: clean(event.object),
        };
        let pods = self.pods.unwrap_or_default();
        let words = |(at, pod): (usize, &Pod)| {
            let words = pod.message.as_ref().filter(|_| pod.exit_code.is_some_and(|code| code != 0))?;
            Some((at, ruled::scan(rules, words.as_bytes())))
        };
        let last_words = pods.iter().enumerate().filter_map(words).collect();
        let events = self.events.unwrap_or_default().into_iter().map(event).collect();
        let report = Report { pods: pods.into_iter().map(pod).collect(), events, last_words };
        (report.cause(rules, log.as_ref()), report.calm(log.as_ref()))
    }
}

/// The answer for scripts.
#[derive(Serialize)]
struct Answer<'a> {
    cause: Option<&'a str>,
    class: &'a str,
    sure: f64,
    title: &'a str,
    replica: Option<&'a str>,
    rank: Option<u32>,
    node: Option<&'a str>,
    remedy: &'a str,
    evidence: Vec<Piece<'a>>,
    consequences: Vec<&'a str>,
}

#[derive(Serialize)]
struct Piece<'a> {
    #[serde(rename = "where")]
    at: &'a str,
    line: Option<u32>,
    text: &'a str,
}

const HEALTHY: &str = "No cause: nothing here says that something went wrong";

fn json(cause: Option<&Cause>, calm: u8) -> Result<String, Failure> {
    let answer = cause.map_or(
        Answer {
            cause: None,
            class: "none",
            sure: f64::from(calm) / 100.0,
            title: HEALTHY,
            replica: None,
            rank: None,
            node: None,
            remedy: "",
            evidence: Vec::new(),
            consequences: Vec::new(),
        },
        |cause| Answer {
            cause: Some(&cause.rule),
            class: &cause.class,
            sure: f64::from(cause.sure) / 100.0,
            title: cause.title.as_str(),
            replica: cause.replica.as_ref().map(Name::as_str),
            rank: cause.rank,
            node: cause.node.as_ref().map(Sym::as_str),
            remedy: cause.remedy.as_str(),
            evidence: cause
                .evidence
                .iter()
                .map(|piece| Piece { at: piece.at.as_str(), line: piece.line, text: piece.text.as_str() })
                .collect(),
            consequences: cause.consequences.iter().map(AsRef::as_ref).collect(),
        },
    );
    print::json(&answer)
}

fn text(cause: Option<&Cause>, calm: u8) -> String {
    let Some(cause) = cause else { return format!("{HEALTHY} ({calm} % sure).\n") };
    let mut out = format!("{}\n", cause.title);
    let how = match cause.sure {
        90.. => "almost certain",
        75..90 => "likely",
        55..75 => "probable",
        _ => "a guess: only consequences are visible",
    };
    let _ = writeln!(out, "  {how} ({} %), class {}, rule {}", cause.sure, cause.class, cause.rule);
    let _ = writeln!(out, "\nWhat to do\n  {}", cause.remedy);
    if !cause.evidence.is_empty() {
        out.push_str("\nEvidence\n");
        for piece in &cause.evidence {
            let _ = writeln!(out, "  {}: {}", piece.at, piece.text);
        }
    }
    if !cause.consequences.is_empty() {
        let _ = writeln!(out, "\nFollows from it\n  {}", cause.consequences.join(", "));
    }
    out
}

#[cfg(test)]
mod tests;
