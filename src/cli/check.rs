//! `mpideck check`: what is wrong with a manifest, before anything is made of it.
//!
//! Owns the reading of the file and the two ways to print what was found. What is wrong is decided in `jobs::checks`.

use std::{
    fmt::Write as _,
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args as ArgsOf, ValueEnum};
use serde::Serialize;

use super::{
    args::Global,
    check_cluster, check_rules,
    exit::{self, Failure},
    print,
    setup::Setup,
};
use crate::jobs::checks::{Checked, Checks, Outcome, Problem, Report, Severity};

/// Flags of `check`.
#[derive(Clone, Debug, ArgsOf)]
pub struct CheckArgs {
    /// The manifest, `-` for stdin
    #[arg(required_unless_present = "rules")]
    pub file: Option<PathBuf>,
    /// Which rules and limits: operator or openshift-ai; the setting profile, where this is not given
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// Ask the cluster, too: rights, quotas, what must be there, and its own checks with nothing made
    #[arg(long)]
    pub cluster: bool,
    /// How to print what was found
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Text)]
    pub output: Format,
    /// Print every rule with its examples, as the documentation has it
    #[arg(long, conflicts_with = "file")]
    pub rules: bool,
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

/// Most bytes of a manifest that are read; the API server takes 3 MiB.
const MOST_BYTES: u64 = 16 << 20;

/// Reads, checks and prints. Code 1 if there is an error, else 3 if something could not be checked.
pub fn run(args: &CheckArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let checks = Checks::builtin();
    let Some(path) = args.file.as_ref().filter(|_| !args.rules) else {
        print::out(&check_rules::as_markdown(&checks))?;
        return Ok(ExitCode::SUCCESS);
    };
    let set = || setup.config.profile_in(global.context.as_deref().unwrap_or_default());
    let profile = args.profile.clone().unwrap_or_else(set);
    if !checks.profiles().any(|(name, _)| name == profile) {
        let known: Vec<_> = checks.profiles().map(|(name, _)| name).collect();
        return Err(Failure::usage(&format!("no profile «{profile}»")).hint(&format!("one of {}", known.join(", "))));
    }
    let text = read(path)?;
    let mut report = checks.check(&text, &profile);
    let partial = args.cluster && check_cluster::add(&checks, &mut report, global, setup)?;
    let failed = report.all().any(|problem| problem.severity == Severity::Error);
    let said = match args.output {
        Format::Text => as_text(&report, &shown(path)),
        Format::Json => as_json(&report, &profile)?,
    };
    print::out(&said)?;
    Ok(match (failed, partial) {
        (true, _) => ExitCode::from(exit::FAILED),
        (false, true) => ExitCode::from(exit::PARTIAL),
        (false, false) => ExitCode::SUCCESS,
    })
}

fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" { "stdin".to_owned() } else { path.display().to_string() }
}

fn read(path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let taken = if path.as_os_str() == "-" {
        io::stdin().lock().take(MOST_BYTES).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(MOST_BYTES).read_to_end(&mut bytes))
    };
    let refused = |why: &str| Failure::usage(&format!("{} can't be read: {why}", shown(path)));
    taken.map_err(|error| refused(&error.to_string()))?;
    String::from_utf8(bytes).map_err(|_| refused("it is no UTF-8 text"))
}

/// A line a problem, as compilers write them, its remedy below it; a line a job.
fn as_text(report: &Report, file: &str) -> String {
    let mut out = String::new();
    let mut tell = |problem: &Problem| {
        let (line, column) = problem.place.as_ref().map_or((1, 1), |place| (place.line, place.column));
        let (word, rule) = (problem.severity.word(), problem.rule);
        let _ = writeln!(out, "{file}:{line}:{column}: {word}: {} [{rule}]\n    {}", problem.reason, problem.remedy);
    };
    report.all().for_each(&mut tell);
    for job in &report.jobs {
        let _ = writeln!(out, "{}", summary(job));
    }
    out
}

fn summary(job: &Checked) -> String {
    let count = |severity: Severity| job.problems.iter().filter(|problem| problem.severity == severity).count();
    let words = [(Severity::Error, "errors"), (Severity::Warning, "warnings"), (Severity::Advice, "pieces of advice")];
    let counts: Vec<String> = words
        .into_iter()
        .filter_map(|(severity, many)| match count(severity) {
            0 => None,
            1 => Some(format!(
                "1 {}",
                many.trim_end_matches("s of advice").trim_end_matches('s').replace("piece", "piece of advice")
            )),
            n => Some(format!("{n} {many}")),
        })
        .collect();
    let counts = if counts.is_empty() { "nothing to complain about".to_owned() } else { counts.join(", ") };
    format!("{} {}: {} ({counts})", job.kind.info().kind, job.name, job.verdict.words())
}

#[derive(Serialize)]
struct Document<'a> {
    profile: &'a str,
    jobs: Vec<Job<'a>>,
    problems: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Job<'a> {
    kind: &'static str,
    name: &'a str,
    namespace: &'a str,
    verdict: &'static str,
    problems: Vec<Item<'a>>,
}

#[derive(Serialize)]
struct Item<'a> {
    rule: &'a str,
    area: &'a str,
    severity: &'static str,
    refused_by: Option<&'static str>,
    path: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    reason: &'a str,
    remedy: &'a str,
}

fn item(problem: &Problem) -> Item<'_> {
    Item {
        rule: problem.rule,
        area: problem.area,
        severity: problem.severity.word(),
        refused_by: problem.outcome.map(|outcome| match outcome {
            Outcome::Create => "create",
            Outcome::Event => "event",
            Outcome::Pods => "pods",
            Outcome::Ignored => "ignored",
        }),
        path: &problem.at,
        line: problem.place.as_ref().map(|place| place.line),
        column: problem.place.as_ref().map(|place| place.column),
        reason: problem.reason.as_str(),
        remedy: problem.remedy.as_str(),
    }
}

fn as_json(report: &Report, profile: &str) -> Result<String, Failure> {
    let jobs = report.jobs.iter().map(|job| Job {
        kind: job.kind.info().kind,
        name: job.name.as_str(),
        namespace: job.namespace.as_str(),
        verdict: job.verdict.words(),
        problems: job.problems.iter().map(item).collect(),
    });
    let document = Document { profile, jobs: jobs.collect(), problems: report.problems.iter().map(item).collect() };
    print::json(&document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_read_as_a_compilers_and_a_job_is_summed_up() {
        let base = Checks::builtin().base();
        let said = |text: &str| as_text(&Checks::builtin().check(text, "operator"), "a.yaml");
        assert_eq!(said(base), "MPIJob train: accepted (nothing to complain about)\n");
        let bad = base.replace("slotsPerWorker: 1", "slotsPerWorker: 4\n  slot: 1").replace("Running", "running");
        let text = said(&bad);
        assert!(text.contains("a.yaml:7:3: error: There is no field slot here"), "{text}");
        assert!(text.contains("a.yaml:9:21: error: cleanPodPolicy \"running\" is none of All, None, Running [clean-policy-word]\n    Write Running"), "{text}");
        assert!(text.ends_with("MPIJob train: refused by event (2 errors, 1 piece of advice)\n"), "{text}");
        let json: serde_json::Value =
            serde_json::from_str(&as_json(&Checks::builtin().check(&bad, "operator"), "operator").unwrap()).unwrap();
        assert_eq!(json["jobs"][0]["problems"][0]["path"], "/spec/slot");
    }
}
