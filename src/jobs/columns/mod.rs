//! The columns of a job list, for console and command line alike: one table, a row a column.
//!
//! Owns which columns there are, what a job shows in them, how they sort and how they share a width. Must not know
//! colours, symbols or a terminal: a cell has text and a [`Tone`].

mod cells;
mod config;
pub mod cut;
mod fit;
pub mod text_table;

use std::{fmt, str::FromStr};

pub use cells::{Cell, SortKey, Tone, cell, sort_key};
pub use config::{ColumnsConfig, Sort};
pub use fit::{Fitted, Wanted, fit};

use super::text::Sym;

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ColumnId {
    /// The job's name.
    Name,
    /// Its namespace.
    Namespace,
    /// Its kind.
    Kind,
    /// State, with what is reported where that differs.
    State,
    /// Workers ready of all.
    Workers,
    /// Accelerators.
    Gpus,
    /// Kueue's or Volcano's queue.
    Queue,
    /// Since creation.
    Age,
    /// From start to end, or to now.
    Duration,
    /// How far its training has come.
    Progress,
    /// Why it is in a bad state.
    Cause,
    /// The launcher's (leading) pod.
    Launcher,
    /// Restarts seen.
    Restarts,
    /// Nodes of its pods.
    Nodes,
    /// Image of the leading replica.
    Image,
    /// Priority class.
    Priority,
    /// Who made it.
    Creator,
    /// When it was made.
    Created,
    /// When it ended.
    Finished,
    /// The operator's own word.
    Reported,
    /// The value of a label.
    Label(Sym),
}

/// Which side a column's text stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A column's row of the table.
#[derive(Debug)]
pub struct Spec {
    id: ColumnId,
    /// Its name in config files and pickers.
    pub name: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What it shows.
    pub help: &'static str,
    /// Side of its text.
    pub align: Align,
    /// Narrower than this it says nothing.
    pub min: u16,
    /// Wider than this it only takes room.
    pub max: u16,
    /// The higher, the earlier it is left out where room is short; 0 stays.
    pub gives_way: u8,
    /// Whether it takes the rest of the line.
    pub takes_rest: bool,
    /// Whether sorting by it begins with the highest.
    pub highest_first: bool,
}

type Width = (u16, u16);

const fn words(
    id: ColumnId,
    name: &'static str,
    title: &'static str,
    width: Width,
    way: u8,
    help: &'static str,
) -> Spec {
    let takes_rest = matches!(id, ColumnId::Cause);
    let (min, max) = width;
    Spec { id, name, title, help, align: Align::Left, min, max, gives_way: way, takes_rest, highest_first: false }
}

const fn numbers(
    id: ColumnId,
    name: &'static str,
    title: &'static str,
    width: Width,
    way: u8,
    help: &'static str,
) -> Spec {
    let highest_first = !matches!(id, ColumnId::Age);
    let (min, max) = width;
    Spec { id, name, title, help, align: Align::Right, min, max, gives_way: way, takes_rest: false, highest_first }
}

/// Every column but the labels, in the order in which a picker offers them.
pub static SPECS: [Spec; 20] = [
    words(ColumnId::Name, "name", "NAME", (16, 24), 0, "The job's name"),
    words(ColumnId::Namespace, "namespace", "NAMESPACE", (8, 20), 4, "Its namespace"),
    words(ColumnId::Kind, "kind", "KIND", (7, 7), 8, "Its kind"),
    words(
        ColumnId::State,
        "state",
        "STATE",
        (14, 22),
        1,
        "Its state; in brackets the operator's word, where that says otherwise",
    ),
    words(ColumnId::Workers, "workers", "READY", (5, 9), 3, "Workers ready, of all"),
    numbers(ColumnId::Gpus, "gpus", "GPUS", (4, 6), 6, "Accelerators asked for, launcher included"),
    words(ColumnId::Queue, "queue", "QUEUE", (8, 16), 10, "Its queue"),
    numbers(ColumnId::Age, "age", "AGE", (4, 6), 5, "Time since it was made"),
    numbers(ColumnId::Duration, "duration", "DURATION", (8, 8), 11, "Time from its start to its end, or to now"),
    numbers(
        ColumnId::Progress,
        "progress",
        "PROGRESS",
        (8, 16),
        7,
        "How far its training has come, where that is told",
    ),
    words(ColumnId::Cause, "cause", "CAUSE", (20, 200), 2, "Why it is as it is"),
    words(
        ColumnId::Launcher,
        "launcher",
        "LAUNCHER",
        (12, 40),
        18,
        "The launcher's pod, or that of the leading replica",
    ),
    numbers(ColumnId::Restarts, "restarts", "RESTARTS", (8, 8), 13, "Restarts of containers and further attempts"),
    words(ColumnId::Nodes, "nodes", "NODES", (8, 32), 16, "Nodes of its pods: the first, and how many more"),
    words(ColumnId::Image, "image", "IMAGE", (12, 48), 19, "Image of the leading replica"),
    words(ColumnId::Priority, "priority", "PRIORITY", (8, 20), 14, "Priority class"),
    words(ColumnId::Creator, "creator", "CREATOR", (7, 24), 12, "Who made it, where that is written down"),
    words(ColumnId::Created, "created", "CREATED", (16, 16), 20, "When it was made, UTC"),
    words(ColumnId::Finished, "finished", "FINISHED", (16, 16), 17, "When it ended, UTC"),
    words(ColumnId::Reported, "reported", "REPORTED", (9, 14), 15, "The operator's own word"),
];

static LABEL: Spec = words(ColumnId::Name, "label", "LABEL", (6, 24), 9, "The value of a label");

impl ColumnId {
    /// Its row of the table; all labels share one.
    pub fn spec(&self) -> &'static Spec {
        SPECS.iter().find(|spec| spec.id == *self).unwrap_or(&LABEL)
    }

    /// Its heading: for a label the last part of its key.
    pub fn title(&self) -> String {
        match self {
            Self::Label(key) => key.as_str().rsplit('/').next().unwrap_or_default().to_uppercase(),
            other => other.spec().title.to_owned(),
        }
    }

    /// Its heading in so many cells, if there is a shorter one.
    pub fn title_in(&self, cells: u16) -> String {
        match self {
            Self::Namespace if cells < 9 => "NS".to_owned(),
            other => other.title(),
        }
    }

    /// Whether its cells need the job's pods.
    pub const fn needs_pods(&self) -> bool {
        matches!(self, Self::Launcher | Self::Nodes)
    }

    /// Whether what tells its cells apart may stand at their ends, so that they are cut in the middle.
    pub const fn is_told_by_its_end(&self) -> bool {
        matches!(self, Self::Name | Self::Namespace | Self::Launcher | Self::Image | Self::Nodes)
    }

    /// Whether its cells change as time passes.
    pub const fn needs_clock(&self) -> bool {
        matches!(self, Self::Age | Self::Duration)
    }

    /// Every column but the labels.
    pub fn all() -> impl Iterator<Item = Self> {
        SPECS.iter().map(|spec| spec.id.clone())
    }
}

/// As it is written in config files: `gpus`, `label:team`.
impl fmt::Display for ColumnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Label(key) => write!(f, "label:{key}"),
            other => f.pad(other.spec().name),
        }
    }
}

/// There is no such column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no column «{0}»: there are name, namespace, kind, state, …, and label:KEY")]
pub struct UnknownColumn(pub String);

impl FromStr for ColumnId {
    type Err = UnknownColumn;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(key) = text.strip_prefix("label:").filter(|key| !key.is_empty()) {
            return Ok(Self::Label(Sym::new(key)));
        }
        let spec = SPECS.iter().find(|spec| spec.name == text);
        spec.map(|spec| spec.id.clone()).ok_or_else(|| UnknownColumn(text.to_owned()))
    }
}

#[cfg(test)]
mod tests;
