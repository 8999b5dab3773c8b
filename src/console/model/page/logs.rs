//! Tab Logs: which streams of the job are read, what of them is looked at, and a window on that.
//!
//! The lines belong to the task that reads the logs; here is only what is visible, asked for with a [`LogOrder`].

use std::path::PathBuf;

use super::Refusal;
use crate::{
    jobs::{Clean, Name, Secs, Sym, Uid},
    logs::{Line, LineKind, Nanos, Query, View, Who},
};

/// Counts openings of logs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogId(pub u32);

/// Streams that are read at once when nobody says otherwise.
pub const STREAMS: usize = 8;

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

/// One container of one attempt, and what its lines are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Namespace.
    pub namespace: Name,
    /// Pod.
    pub pod: Name,
    /// Its controller: a pod that has its name under another one is of another job.
    pub owner: Option<Uid>,
    /// Container.
    pub container: Sym,
    /// Its run before the last restart.
    pub previous: bool,
    /// The replica, for the eye: `Launcher`, `Worker 2, attempt 3`.
    pub title: Clean,
    /// The first rank on it, where its lines count the ranks of its node only.
    pub base: Option<u32>,
}

impl Target {
    /// What it is asked for by: pod, container, run.
    pub fn key(&self) -> String {
        format!("{}/{}{}", self.pod, self.container, if self.previous { "/previous" } else { "" })
    }
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

/// How a stream is.
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

/// What is looked at: of these streams (by their keys; all if there are none), what the view admits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Choice {
    /// Ranks, stream, level, texts.
    pub view: View,
    /// Keys of streams, beside the view's ranks.
    pub streams: Vec<String>,
}

/// What a person may want written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Writing {
    /// One file of this name, with the lines that are looked at.
    One(String),
    /// A directory of this name, with a file for each rank or stream.
    Each(String),
    /// A file to be shown by a pager.
    Pager(String),
}

/// What is asked of the task that reads the logs.
#[derive(Clone, Debug, PartialEq)]
pub enum LogOrder {
    /// Read these streams, and no others.
    Read(Vec<Target>),
    /// The job has so many ranks.
    Ranks(Option<u32>),
    /// So many lines are visible; whether in two halves; whether writers are shown with their last lines.
    Rows {
        /// Of the first half.
        rows: u16,
        /// Of the second.
        second: u16,
        /// Send who was heard of.
        heard: bool,
    },
    /// Look at this.
    Look(Choice),
    /// Look at this in the second half, too.
    Second(Option<Choice>),
    /// Follow the newest line.
    Follow,
    /// Stand still, or follow again.
    Pause,
    /// Move by so many lines.
    Scroll(i64),
    /// Go to the oldest line.
    Top,
    /// Go to the first line not earlier than this.
    Time(Nanos),
    /// Search for this from now on, and go to the newest hit.
    Search(Option<Query>),
    /// Go to the next hit, or (`true`) to the one before.
    Hit(bool),
    /// Go to this line as soon as it is there, and mark it.
    Line(Sought),
    /// Mark the line of the hit, else the first visible one, or take the mark away.
    Mark,
    /// Go to the next mark.
    NextMark,
    /// Write lines to new 0600 files.
    Write(Writing),
}

impl LogOrder {
    /// Whether it goes somewhere, so that nobody is led elsewhere any more.
    pub fn moves(&self) -> bool {
        use LogOrder as O;
        matches!(
            self,
            O::Follow | O::Pause | O::Scroll(_) | O::Top | O::Time(_) | O::Search(_) | O::Hit(_) | O::NextMark
        )
    }
}

/// A line that somebody wants to be led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The pod in whose log it is; any, if that is not known.
    pub pod: Option<Name>,
    /// Words that it has.
    pub text: Clean,
    /// The rank that wrote it.
    pub rank: Option<u32>,
    /// When.
    pub at: Option<Secs>,
}

/// How far looking for a line is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeking {
    /// None is looked for.
    #[default]
    Idle,
    /// It was found just now.
    Found,
    /// It may still come.
    Looking,
    /// It is not in what is read, and won't come.
    Lost,
}

/// What a person waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To be led to the line that tells the cause, once a log has one.
    Cause,
    /// To be led to this line.
    Line(Sought),
}

/// A visible line.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shown {
    /// Its number.
    pub number: u64,
    /// The line.
    pub line: Line,
    /// Whether it is marked.
    pub marked: bool,
}

/// A search, as far as it has come.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Lines that have it.
    pub total: u64,
    /// How many of them come before the one that was gone to.
    pub at: Option<u64>,
    /// Of whom.
    pub by: Vec<(Who, u64)>,
    /// Everything was searched.
    pub complete: bool,
}

/// How a stream is doing.
#[derive(Clone, Debug, PartialEq)]
pub struct StreamState {
    /// [`Target::key`].
    pub key: String,
    /// [`Target::title`].
    pub title: Clean,
    /// How it is.
    pub flow: Flow,
}

impl StreamState {
    /// Whether it is a log of this pod.
    pub fn is_of(&self, pod: &Name) -> bool {
        self.key.strip_prefix(pod.as_str()).is_some_and(|rest| rest.starts_with('/'))
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        matches!(self.flow, Flow::Ended | Flow::Refused(_))
    }
}

/// A writer, and what it said last.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Who.
    pub who: Who,
    /// When.
    pub at: Option<Secs>,
    /// What, without its tag.
    pub text: Clean,
    /// Its kind.
    pub kind: LineKind,
    /// Lines so far.
    pub lines: u64,
    /// The host that it named.
    pub host: Option<Clean>,
}

impl Heard {
    /// Nothing.
    pub fn never(who: Who) -> Self {
        Self { who, at: None, text: Clean::default(), kind: LineKind::Text, lines: 0, host: None }
    }
}

/// What is visible of the logs, and how the rest is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Window {
    /// The visible lines.
    pub lines: Vec<Shown>,
    /// Those of the second half.
    pub second: Vec<Shown>,
    /// How many lines come before them in the view.
    pub before: u64,
    /// How many lines the view has.
    pub total: u64,
    /// Whether the view was gone through.
    pub complete: bool,
    /// Whether it stands still.
    pub paused: bool,
    /// Number of the line that was gone to.
    pub at: Option<u64>,
    /// How far looking for a line is.
    pub seeking: Seeking,
    /// Lines kept.
    pub kept: u64,
    /// Older ones that were dropped for room.
    pub dropped: u64,
    /// What the lines cost in memory.
    pub bytes: usize,
    /// What they may cost.
    pub max_bytes: usize,
    /// The search.
    pub found: Option<Found>,
    /// The streams, by [`crate::logs::SourceId`].
    pub streams: Vec<StreamState>,
    /// How many ranks were heard of.
    pub ranks_heard: u32,
    /// The highest of them and one.
    pub ranks_seen: u32,
    /// The first of those that were not, if it is known how many there are.
    pub missing: Vec<u32>,
    /// The writers, if they are shown.
    pub heard: Vec<Heard>,
}

/// What the logs brought.
#[derive(Debug)]
pub enum LogMessage {
    /// What is visible now, because an order asked for it.
    Window(Box<Window>),
    /// What is visible now, because lines came.
    News(Box<Window>),
    /// A search found nothing.
    NotFound,
    /// There is no mark.
    NoMark,
    /// So many lines of so many are written.
    Writing(u64, u64),
    /// A file or directory was written, with so many lines, or not.
    Written(Result<(Clean, u64), Refusal>),
    /// A file for the pager is there.
    ForPager(PathBuf),
}

/// See the module.
#[derive(Debug)]
pub struct LogsModel {
    /// The opening, if there was one.
    pub id: LogId,
    /// What is read.
    pub targets: Vec<Target>,
    /// Streams that somebody wanted to see, by their keys.
    pub wanted: Vec<String>,
    /// How far back is read.
    pub past: Past,
    /// Whether runs before the last restart are read, too.
    pub previous: bool,
    /// What is looked at.
    pub choice: Choice,
    /// What is looked at in the second half.
    pub second: Option<Choice>,
    /// Whether writers are shown with their last lines, in the place of lines.
    pub grid: bool,
    /// Which of them is selected.
    pub selected: Option<Who>,
    /// Lines around hits of the filter.
    pub context: usize,
    /// Wrap long lines.
    pub wrap: bool,
    /// Columns scrolled to the right, without wrapping.
    pub left: u16,
    /// Times before lines.
    pub stamps: Stamps,
    /// Show the colours that lines ask for.
    pub colours: bool,
    /// What is searched for.
    pub search: Option<Query>,
    /// What somebody waits for.
    pub wish: Option<Wish>,
    /// Lines written of how many, while a file is.
    pub writing: Option<(u64, u64)>,
    /// What is visible.
    pub window: Window,
}

impl Default for LogsModel {
    fn default() -> Self {
        Self {
            id: LogId::default(),
            targets: Vec::new(),
            wanted: Vec::new(),
            past: Past::default(),
            previous: true,
            choice: Choice::default(),
            second: None,
            grid: false,
            selected: None,
            context: 0,
            wrap: false,
            left: 0,
            stamps: Stamps::default(),
            colours: true,
            search: None,
            wish: None,
            writing: None,
            window: Window::default(),
        }
    }
}

impl LogsModel {
    /// Whether anything is read.
    pub fn is_open(&self) -> bool {
        !self.targets.is_empty()
    }

    /// The stream that a line came from.
    pub fn stream(&self, who: Who) -> Option<&StreamState> {
        match who {
            Who::Source(source) => self.window.streams.get(usize::from(source.0)),
            Who::Rank(_) => None,
        }
    }
}
