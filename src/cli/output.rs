//! Jobs as text, in the format that was asked for.

use clap::ValueEnum;

use super::{
    exit::Failure,
    item::{JobItem, JobList},
    print,
};
use crate::jobs::{
    Secs,
    columns::{
        ColumnsConfig,
        text_table::{self, Room},
    },
    filter::Subject,
};

/// `-o`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The console's columns
    #[default]
    Table,
    /// Every column
    Wide,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
    /// resource.group/name, a line each
    Name,
}

/// The jobs, in their order, as text that ends with a line end (or is empty). A table is made to fit into `room`; what
/// was asked for in full (`wide`), and what scripts read, is not.
pub fn render(
    format: Format,
    columns: &ColumnsConfig,
    jobs: &[Subject<'_>],
    unread: Vec<String>,
    now: Secs,
    room: Option<Room>,
) -> Result<String, Failure> {
    let list = || JobList::new(jobs.iter().map(|job| JobItem::of(*job)).collect(), unread);
    match format {
        Format::Table => Ok(text_table::render(&columns.columns, jobs.iter().copied(), now, room)),
        Format::Wide => Ok(text_table::render(&columns.wide(), jobs.iter().copied(), now, None)),
        Format::Json => print::json(&list()),
        Format::Yaml => {
            let text = serde_saphyr::to_string(&list());
            text.map_err(|error| Failure::new(&format!("can't write YAML: {error}")))
        }
        Format::Name => Ok(jobs.iter().map(|job| name(*job)).collect()),
    }
}

/// As kubectl's `-o name`.
fn name(subject: Subject<'_>) -> String {
    let info = subject.job.row.kind.info();
    format!("{}.{}/{}\n", info.kind.to_ascii_lowercase(), info.group, subject.job.row.name)
}
