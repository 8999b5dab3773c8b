//! What commands, their places and rights are called in code: plain values that everybody may know.
//!
//! What a command is called for people, where it applies and when it can run is its row in `commands`. Must not know the
//! model.

mod place;

pub use place::{ClusterView, Context, Tab};

use crate::jobs::Kind;

/// Any command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CommandId {
    /// Works everywhere, or concerns session and scope.
    App(AppCommand),
    /// The job list's.
    List(ListCommand),
    /// The job page's.
    Page(PageCommand),
    /// The flight recorder's.
    Record(RecordCommand),
    /// Goes into a replica.
    Visit(VisitCommand),
    /// One of the user's own, by its place in their file.
    User(u8),
    /// Alters the cluster, or belongs to that.
    Change(ChangeCommand),
    /// Its tab Logs'.
    Log(LogCommand),
    /// Its tab Metrics'.
    Metrics(MetricsCommand),
    /// Of read-only text on top of a view.
    Text(TextCommand),
    /// Of drafts, however they are shown.
    Draft(DraftCommand),
    /// Of a draft's text.
    Editor(EditorCommand),
    /// Of a draft's form.
    Form(FormCommand),
    /// Of suggestions for a failed job.
    Fix(FixCommand),
    /// The cluster views'.
    Cluster(ClusterCommand),
    /// Of runs side by side.
    Compare(CompareCommand),
}

/// Of the cluster views: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum ClusterCommand {
    View(ClusterView),
    Next,
    Previous,
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    Top,
    Bottom,
    Open,
    Line,
    Sort,
    Reverse,
}

/// Works everywhere: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum AppCommand {
    Quit,
    Back,
    LastView,
    Help,
    Palette,
    Contexts,
    Scope,
    Favourite(u8),
    Login,
    Reconnect,
    Messages,
    Debug,
    Health,
    Copy,
    Dump,
    Mouse,
    Redraw,
}

/// Of the job list: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum ListCommand {
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    Top,
    Bottom,
    Open,
    Filter,
    ClearFilter,
    SaveFilter,
    Filters,
    DeleteFilter,
    Attention,
    Sort,
    Reverse,
    Columns,
    MoveColumn,
    Wide,
    Left,
    Right,
    Mark,
    MarkRange,
    Invert,
    ClearMarks,
}

/// Of the job page: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum PageCommand {
    Tab(Tab),
    NextTab,
    PreviousTab,
    Successor,
    Cause,
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    Top,
    Bottom,
    Left,
    Right,
    Evidence,
    Hostfile,
    Search,
    Next,
    Previous,
    Form,
    Reveal,
    SaveManifest,
    Shape,
    ByNode,
    Open,
    PodYaml,
    LogOf,
    Filter,
    WarningsOnly,
}

/// Of its tab Logs: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum LogCommand {
    Pause,
    Choose,
    All,
    NextWriter,
    PreviousWriter,
    Grid,
    Open,
    Split,
    Filter,
    Exclude,
    Context,
    Stream,
    Trouble,
    Fold,
    Wrap,
    Stamps,
    Colours,
    Past,
    PreviousRun,
    Time,
    Mark,
    NextMark,
    Save,
    SaveEach,
    Pager,
}

/// Of its tab Metrics: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum MetricsCommand {
    Shape,
    Range,
    Open,
    SaveJson,
    SaveCsv,
}

/// Of the flight recorder: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum RecordCommand {
    Pin,
    History,
    Show,
}

/// Of runs side by side: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum CompareCommand {
    Open,
    Down,
    Up,
    Left,
    Right,
    Base,
    Add,
    Remove,
    SaveJson,
    SaveCsv,
}

/// Into a replica: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum VisitCommand {
    Shell,
    Run,
    Forward,
    Gpus,
    GpusAgain,
    Forwards,
    CopyOut,
    CopyIn,
}

/// Of changes to the cluster: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum ChangeCommand {
    Delete,
    Restart,
    Suspend,
    Resume,
    Scale,
    Free,
    Queue,
    Priority,
    Label,
    Undo,
    Log,
    Unlock,
    Lock,
    FreeAll,
    CleanUp,
}

/// Of read-only text: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum TextCommand {
    Close,
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    Top,
    Bottom,
    Search,
    Next,
    Previous,
}

/// Of drafts: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum DraftCommand {
    New,
    Clone,
    Debug,
    Fix,
    Edit,
    List,
    Switch,
    Send,
    Create,
    Anyway,
    Apply,
    Mine,
    Theirs,
    Back,
    ScrollDown,
    ScrollUp,
    PageDown,
    PageUp,
    Close,
    Discard,
    Remove,
    External,
}

/// Of a draft's text: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum EditorCommand {
    Move(Motion),
    Select(Motion),
    Mark,
    Newline,
    Backspace,
    Delete,
    DeleteWord,
    DeleteLine,
    Paste,
    Undo,
    Redo,
    Indent,
    Dedent,
    Comment,
    Find,
    Next,
    Previous,
    GoTo,
    Complete,
    Explain,
}

/// Of a draft's form: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum FormCommand {
    Down,
    Up,
    HalfPageDown,
    HalfPageUp,
    Top,
    Bottom,
    NextGroup,
    PreviousGroup,
    Edit,
    Clear,
    Undo,
    Redo,
}

/// Of suggestions for a failed job: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum FixCommand {
    Down,
    Up,
    ScrollDown,
    ScrollUp,
    Toggle,
    Edit,
    Send,
}

/// A way of the cursor through a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the ways by name")]
pub enum Motion {
    Left,
    Right,
    Up,
    Down,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    PageUp,
    PageDown,
    Top,
    Bottom,
}

/// What a command needs to be allowed in a namespace, beside reading its view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Right {
    /// `get`, `create`, ….
    pub verb: &'static str,
    /// API group, empty for core.
    pub group: &'static str,
    /// `pods/log`.
    pub resource: &'static str,
}

impl Right {
    /// Whether it matters for a job of this kind: one on another kind of job does not.
    pub fn concerns(self, kind: Option<Kind>) -> bool {
        let on_jobs = Kind::ALL.iter().any(|kind| kind.info().plural == self.resource);
        !on_jobs || kind.is_none_or(|kind| (kind.info().group, kind.info().plural) == (self.group, self.resource))
    }
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.verb, self.resource)
    }
}
