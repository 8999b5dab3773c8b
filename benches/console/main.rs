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
mod process;
mod raw;
mod screen;

use std::process::ExitCode;

use figures::{Figure, Size};

fn main() -> ExitCode {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    println!("{}", process::machine());
    for size in [Size { jobs: 200, workers: 8 }, Size { jobs: 1000, workers: 16 }] {
        println!("\n{} jobs x {} workers", size.jobs, size.workers);
        println!("{:<44} {:>14} {:>14}", "figure", "measured", "budget");
        for figure in figures::ALL {
            if !wanted.is_empty() && !wanted.iter().any(|w| figure.name.contains(w.as_str())) {
                continue;
            }
            report(figure, size);
        }
    }
    ExitCode::SUCCESS
}

fn report(figure: &Figure, size: Size) {
    match (figure.measure)(size) {
        Ok(rows) => {
            for row in rows {
                let over = if row.over { "  over" } else { "" };
                println!("{:<44} {:>14} {:>14}{over}", row.what, row.measured, row.budget);
            }
        }
        Err(why) => println!("{:<44} not measured: {why}", figure.name),
    }
}
