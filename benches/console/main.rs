//! What must be fast, with its figure: the console process against `demo --serve` in another process.
//!
//! `cargo bench --bench console` builds with optimisation and prints one table: each figure beside its budget, with the
//! machine's name. `-- NAME…` measures only those. Nothing here can fail a build: a figure over its budget is marked, and
//! that is all, since time on a shared machine is no test.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark reads clocks, starts processes and prints"
)]

mod figures;
mod lives;
mod process;
mod raw;
mod screen;
mod size;

use std::process::ExitCode;

use size::Size;

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let is_wanted = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    println!("{}", process::machine());
    for size in [Size { jobs: 200, workers: 8 }, Size { jobs: 1000, workers: 16 }] {
        head(&format!("{} jobs x {} workers", size.jobs, size.workers));
        for figure in figures::SIZED.iter().filter(|figure| is_wanted(figure.name)) {
            report(figure.name, (figure.measure)(size));
        }
    }
    head("one job");
    for figure in lives::ALL.iter().filter(|figure| is_wanted(figure.name)) {
        report(figure.name, (figure.measure)());
    }
    ExitCode::SUCCESS
}

fn head(of: &str) {
    println!("\n{of}");
    println!("{:<44} {:>14} {:>14}", "figure", "measured", "budget");
}

fn report(name: &str, measured: figures::Measured) {
    match measured {
        Ok(rows) => {
            for row in rows {
                let over = if row.over { "  over" } else { "" };
                println!("{:<44} {:>14} {:>14}{over}", row.what, row.measured, row.budget);
            }
        }
        Err(why) => println!("{name:<44} not measured: {why}"),
    }
}
