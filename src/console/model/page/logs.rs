//! Tab Logs: one container of one attempt, and a window on its lines.
//!
//! The lines belong to the task that follows the log; here is only what is visible, asked for with a [`LogOrder`].

use super::Refusal;
use crate::{
    jobs::{Clean, Name, Sym},
    logs::{Line, Query},
};

/// Counts log streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogId(pub u32);

/// How much of the past is read when a log is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Past {
    /// The last 1,000 lines.
    #[default]
    Tail,
    /// The last 5 minutes.
    FiveMinutes,
    /// The last hour.
    Hour,
    /// Everything the kubelet still has.
    Everything,
}

impl Past {
    /// All, in the order in which one key goes round them.
    pub const ALL: [Self; 4] = [Self::Tail, Self::FiveMinutes, Self::Hour, Self::Everything];

    /// In words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Tail => "last 1000 lines",
            Self::FiveMinutes => "last 5 min",
            Self::Hour => "last hour",
            Self::Everything => "from the start",
        }
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|past| *past == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// `tailLines`.
    pub const fn tail(self) -> Option<u32> {
        if matches!(self, Self::Tail) { Some(1000) } else { None }
    }

    /// `sinceSeconds`.
    pub const fn since(self) -> Option<u32> {
        match self {
            Self::FiveMinutes => Some(300),
            Self::Hour => Some(3600),
            Self::Tail | Self::Everything => None,
        }
    }
}

/// One container of one attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Namespace.
    pub namespace: Name,
    /// Pod.
    pub pod: Name,
    /// Container.
    pub container: Sym,
    /// Its run before the last restart.
    pub previous: bool,
    /// How far back.
    pub past: Past,
}

/// How times are shown before lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamps {
    /// Not.
    #[default]
    Off,
    /// How long ago.
    Relative,
    /// Time of day, UTC.
    Absolute,
}

impl Stamps {
    /// The next one.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Off => Self::Relative,
            Self::Relative => Self::Absolute,
            Self::Absolute => Self::Off,
        }
    }
}

/// How the stream is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Flow {
    /// No answer yet.
    #[default]
    Opening,
    /// Lines come.
    Open,
    /// Not for now, and why: is tried again.
    Waiting(Clean),
    /// It has ended: the container has.
    Ended,
    /// It can't be had.
    Refused(Refusal),
}

/// What is asked of the task that follows a log.
#[derive(Clone, Debug, PartialEq)]
pub enum LogOrder {
    /// Show the newest `rows` lines, and go on doing so.
    Tail {
        /// How many.
        rows: u16,
    },
    /// Show `rows` lines from this number on, whatever comes.
    From {
        /// Number of the first line.
        top: u64,
        /// How many.
        rows: u16,
    },
    /// Go to the next line that has it, after (before, going `back`) line `from`.
    Find {
        /// What.
        query: Query,
        /// Not this line.
        from: u64,
        /// Towards older lines.
        back: bool,
        /// How many lines to show then.
        rows: u16,
    },
    /// Write all lines kept to a new 0600 file named like this.
    Save(String),
}

/// What is visible of a log, and how the rest is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// Number of the first line here.
    pub top: u64,
    /// The lines.
    pub lines: Vec<Line>,
    /// Number of the oldest line kept.
    pub first: u64,
    /// Number after the newest.
    pub end: u64,
    /// What the lines cost in memory.
    pub bytes: usize,
    /// What they may cost.
    pub max_bytes: usize,
    /// How the stream is.
    pub flow: Flow,
}

/// What a log stream brought.
#[derive(Debug)]
pub enum LogMessage {
    /// What is visible now; `hit` is the line that a [`LogOrder::Find`] went to.
    Window(Window, Option<u64>),
    /// A search found nothing.
    NotFound,
    /// A file was written, or not.
    Saved(Result<Clean, Refusal>),
}

/// See the module.
#[derive(Debug, Default)]
pub struct LogsModel {
    /// The stream, if one was opened.
    pub id: LogId,
    /// What it reads.
    pub target: Option<Target>,
    /// How far back the next stream reads.
    pub past: Past,
    /// Read the run before the last restart.
    pub previous: bool,
    /// Whether the view stands still.
    pub paused: bool,
    /// Wrap long lines.
    pub wrap: bool,
    /// Columns scrolled to the right, without wrapping.
    pub left: u16,
    /// Times before lines.
    pub stamps: Stamps,
    /// What is searched for.
    pub search: Option<Query>,
    /// The line of the hit that was gone to.
    pub hit: Option<u64>,
    /// What is visible.
    pub window: Window,
}
