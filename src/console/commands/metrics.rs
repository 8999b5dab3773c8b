//! Commands of the job page's tab Metrics.

use super::{Command, CommandId, Context, MetricsCommand, Why};
use crate::console::model::Model;

use MetricsCommand as M;

const METRICS: &[Context] = &[Context::Metrics];

const fn row(id: MetricsCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Metrics(id), name, title, help, METRICS)
}

pub(super) const ROWS: &[Command] = &[
    row(M::Range, "metrics.range", "Range", "Go round the last 15 minutes, hour, six hours, and since the start.")
        .hinted(2),
    row(M::Open, "metrics.open", "Enlarge", "Show the selected replica alone as a chart, or all of them.").hinted(3),
    row(M::Shape, "metrics.shape", "Lines or cells", "Show replicas as lines over time or as cells of a heat map.")
        .hinted(4),
    row(M::SaveJson, "metrics.save", "Save", "Write what was measured to a JSON file only you can read.")
        .hinted(5)
        .when(measured),
    row(M::SaveCsv, "metrics.save-csv", "Save as CSV", "Write every measured value to a CSV file only you can read.")
        .when(measured),
];

fn measured(model: &Model) -> Result<(), Why> {
    let measured = model.page.as_ref().is_some_and(|page| !page.metrics.usage.is_empty());
    if measured { Ok(()) } else { Err("nothing was measured yet".to_owned()) }
}
