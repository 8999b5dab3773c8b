//! `mpideck top workers JOB`: what the replicas of a job use, from the source that the console's tab Metrics has.
//!
//! What of it can't be had is said on stderr and in the output; then the exit code is 3.

use std::{fmt::Write as _, process::ExitCode, sync::Arc};

use clap::{Args, ValueEnum};

use crate::{
    cli::{
        args::Global,
        console,
        exit::{self, Failure},
        print, reach,
        reached::Reached,
        setup::Setup,
        unread,
    },
    console::{model::session::Scope, start::LoadTarget, wish::wish},
    disk::Remembered,
    jobs::{
        Clean, Secs,
        columns::cut,
        filter::Filter,
        progress::Progress,
        replica::replicas,
        usage::{
            Metric, Range, Sheet, Usage,
            export::{Row, told},
        },
    },
    metrics::{self, Service},
};

/// How it is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A line a replica, what it uses now
    #[default]
    Table,
    /// The same with means, pods and nodes
    Wide,
    /// One JSON document
    Json,
    /// Every value of the range, a line each
    Csv,
}

/// How far back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Back {
    /// 15 minutes
    #[default]
    #[value(name = "15m")]
    Quarter,
    /// An hour
    #[value(name = "1h")]
    Hour,
    /// Six hours
    #[value(name = "6h")]
    SixHours,
    /// Since the job began
    #[value(name = "start")]
    Start,
}

/// Flags of `top workers`.
#[derive(Clone, Debug, Args)]
pub struct WorkersArgs {
    /// The job
    pub job: String,
    /// How to print it
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t = Format::Table)]
    pub output: Format,
    /// How far back means and highest values go
    #[arg(long, value_enum, value_name = "TIME", default_value_t = Back::Quarter)]
    pub range: Back,
}

/// Reads and prints.
pub(super) fn run(args: &WorkersArgs, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let scope = reach::scope(global)?;
    let load = reach::user_clusters(global, setup);
    console::in_runtime(top(args, scope, &load, setup))
}

async fn top(args: &WorkersArgs, scope: Option<Scope>, load: &LoadTarget, setup: &Setup) -> Result<ExitCode, Failure> {
    let reached = Reached::by(load).await?;
    let read = reached.jobs(Arc::default(), scope, &Filter::default()).await?;
    unread::complain(&read.unread);
    let job = read.named(&args.job)?;
    let Reached { target, session, offer } = &reached;
    let pods = read.fleet.pods(&job.key());
    if pods.is_empty() {
        return Err(Failure::not_found(&format!("job «{}» has no pods", args.job)).hint("Nothing of it runs now."));
    }
    let context = session.who().context.clone();
    let wish = wish(&setup.config.context(context.as_str()).prometheus)?;
    let found = metrics::find(target, session, offer, &wish, remembered(setup, &context)).await;
    for problem in &found.tried {
        print::complain(&format!("note: {problem}. {}", problem.hint));
    }
    let of = metrics::Job::of(&job.row.namespace, pods.iter().copied());
    let (range, now) = (args.range.range(), session.now());
    let window = range.window(job.row.started.unwrap_or(job.row.created), now);
    let reading = metrics::read(&found.source, session, &of, window).await?;
    let mut usage = Usage::new(window.step);
    usage.take(&reading);
    for lack in &reading.lacks {
        print::complain(&format!("note: {}", told(lack)));
    }
    let replicas = replicas(&job.row, &pods);
    let source = found.source.title();
    let sheet =
        Sheet { job: &job.row, replicas: &replicas, usage: &usage, source: &source, range, lacks: &reading.lacks, now };
    print::out(&rendered(args.output, &sheet)?)?;
    let partial = !read.unread.is_empty() || !reading.lacks.is_empty();
    Ok(if partial { ExitCode::from(exit::PARTIAL) } else { ExitCode::SUCCESS })
}

/// The Service that the console found in this context.
fn remembered(setup: &Setup, context: &Clean) -> Option<Service> {
    let paths = setup.paths.as_ref()?;
    Service::parse(Remembered::load(&paths.remembered()).0.sources.get(context.as_str())?)
}

impl Back {
    const fn range(self) -> Range {
        match self {
            Self::Quarter => Range::Quarter,
            Self::Hour => Range::Hour,
            Self::SixHours => Range::SixHours,
            Self::Start => Range::Start,
        }
    }
}

fn rendered(format: Format, sheet: &Sheet<'_>) -> Result<String, Failure> {
    match format {
        Format::Table => Ok(table(sheet, false)),
        Format::Wide => Ok(table(sheet, true)),
        Format::Json => print::json(&sheet.json()),
        Format::Csv => Ok(sheet.csv()),
    }
}

/// A line a replica, the job's last, and where it comes from.
fn table(sheet: &Sheet<'_>, wide: bool) -> String {
    let mut rows = vec![heading(wide)];
    let all = sheet.rows();
    rows.extend(all.iter().map(|row| line(sheet, row, wide)));
    if all.len() > 1 {
        let mut total = vec!["(job)".to_owned()];
        for metric in Metric::SHOWN {
            let stats = sheet.total(metric);
            total.push(value(metric, stats.map(|stats| stats.now)));
            if wide {
                total.push(value(metric, stats.map(|stats| stats.mean)));
            }
        }
        rows.push(total);
    }
    let mut out = String::new();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cut::width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| cut::filled(cell, *width)).collect();
        out.push_str(cells.join("  ").trim_end());
        out.push('\n');
    }
    if let Some(progress) = &sheet.job.progress {
        let left =
            |progress: &Progress| progress.left_text(sheet.now).map(|left| format!(", {left}")).unwrap_or_default();
        // Writing to a String does not fail.
        let _ = writeln!(out, "\ntrain  {}{}; {}", progress.text(), left(progress), progress.source(sheet.now));
    }
    let age = sheet.usage.newest().map_or_else(|| "nothing measured".to_owned(), |at| aged(sheet.now, at));
    out + &format!("\n{}, {age}\n", sheet.source)
}

fn aged(now: Secs, at: Secs) -> String {
    format!("{} old", crate::jobs::time::duration(now.since(at)))
}

fn heading(wide: bool) -> Vec<String> {
    let mut out = vec!["WORKER".to_owned()];
    for metric in Metric::SHOWN {
        out.push(metric.short().to_owned());
        if wide {
            out.push("MEAN".to_owned());
        }
    }
    out.push("FLAGS".to_owned());
    if wide {
        out.extend(["POD".to_owned(), "NODE".to_owned()]);
    }
    out
}

fn line(sheet: &Sheet<'_>, row: &Row<'_>, wide: bool) -> Vec<String> {
    let mut out = vec![row.id.to_string()];
    for metric in Metric::SHOWN {
        let stats = sheet.stats(row, metric);
        out.push(value(metric, stats.map(|stats| stats.now)));
        if wide {
            out.push(value(metric, stats.map(|stats| stats.mean)));
        }
    }
    let flags: Vec<String> = row.flags.iter().map(ToString::to_string).collect();
    out.push(if flags.is_empty() { "-".to_owned() } else { flags.join("; ") });
    if wide {
        out.extend([row.worker.pod.to_string(), row.node.to_owned()]);
    }
    out
}

/// A value for people; what was not measured is a dash, never a zero.
fn value(metric: Metric, value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| metric.text(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        JobRow, Kind, Name, PodRow, Uid,
        replica::{MISSING, Replica},
        row::Requests,
        text::Sym,
        usage::{Points, Reading},
    };

    #[test]
    fn a_table_tells_what_is_used_and_where_it_was_read() {
        let job = JobRow::bare(Kind::MpiJob, Name::lossy("nlp"), Name::lossy("t"), Uid::new("u"));
        let pod = |index: u16| PodRow {
            name: Name::lossy(&format!("t-worker-{index}")),
            requests: Requests { gpus: 8, ..Requests::default() },
            node: Some(Sym::new("n1")),
            ..PodRow::default()
        };
        let pods = [pod(0), pod(1)];
        let replica = |index: u16| Replica {
            role: Sym::new("Worker"),
            index: Some(index),
            attempts: vec![&pods[usize::from(index)]],
            absent: MISSING,
        };
        let replicas = [replica(0), replica(1)];
        let now = Secs(1_000_000);
        let mut usage = Usage::new(15);
        let point = |pod: &PodRow, metric, value| Points {
            pod: pod.name.clone(),
            metric,
            values: vec![(Secs(now.0 - 25), value)],
        };
        let points = vec![
            point(&pods[0], Metric::Gpu, 90.0),
            point(&pods[1], Metric::Gpu, 70.0),
            point(&pods[0], Metric::Power, 400.0),
        ];
        usage.take(&Reading { points, ..Reading::default() });
        let source = Clean::new("Prometheus p");
        let sheet = Sheet {
            job: &job,
            replicas: &replicas,
            usage: &usage,
            source: &source,
            range: Range::Quarter,
            lacks: &[],
            now,
        };
        let text = table(&sheet, false);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(lines[0][..4], ["WORKER", "GPU", "GPU-MEM", "POWER"]);
        assert_eq!(lines[1][..4], ["worker-0", "90%", "-", "400W"]);
        assert_eq!(lines[2][..4], ["worker-1", "70%", "-", "-"]);
        assert_eq!(lines[3][..2], ["(job)", "80%"]);
        assert!(text.ends_with("\nPrometheus p, 25s old\n") && !text.contains("train"), "{text}");
        let told =
            r#"{"progressPercentage": 45, "currentStep": 450, "totalSteps": 1000, "estimatedRemainingSeconds": 600}"#;
        let job = JobRow { progress: crate::jobs::progress::reported(told).map(Box::new), ..job.clone() };
        let text = table(&Sheet { job: &job, ..sheet }, false);
        assert!(text.contains("\ntrain  45%, step 450 of 1000, about 10m left"), "{text}");
        let wide = table(&sheet, true);
        assert!(wide.lines().nth(1).is_some_and(|line| line.ends_with("t-worker-0  n1")), "{wide}");
    }
}
