//! What commands, their places and rights are called in code: plain values that everybody may know.
//!
//! What a command is called for people, where it applies and when it can run is its row in `commands`. Must not know the
//! model.

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

/// Of the flight recorder: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum RecordCommand {
    Pin,
    History,
    Show,
}

/// Into a replica: each has its row in `commands`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "each is explained by its row's help text")]
pub enum VisitCommand {
    Shell,
    Run,
    Forward,
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

/// A tab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the tabs by name")]
pub enum Tab {
    #[default]
    Overview,
    Configuration,
    Workers,
    Logs,
    Events,
    Queue,
}

impl Tab {
    /// All, in order.
    pub const ALL: [Self; 6] =
        [Self::Overview, Self::Configuration, Self::Workers, Self::Logs, Self::Events, Self::Queue];

    /// Its number, which is its key.
    pub const fn number(self) -> u8 {
        match self {
            Self::Overview => 1,
            Self::Configuration => 2,
            Self::Workers => 3,
            Self::Logs => 4,
            Self::Events => 5,
            Self::Queue => 7,
        }
    }

    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Configuration => "Configuration",
            Self::Workers => "Workers",
            Self::Logs => "Logs",
            Self::Events => "Events",
            Self::Queue => "Queue",
        }
    }

    /// Its heading where there is little room.
    pub const fn short(self) -> &'static str {
        match self {
            Self::Configuration => "Config",
            other => other.title(),
        }
    }

    /// Where its own commands apply.
    pub const fn context(self) -> Context {
        match self {
            Self::Overview => Context::Overview,
            Self::Configuration => Context::Configuration,
            Self::Workers => Context::Workers,
            Self::Logs => Context::Logs,
            Self::Events => Context::Events,
            Self::Queue => Context::Queue,
        }
    }
}

/// Where a command applies. A key is looked for in the most specific context first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Context {
    /// Everywhere but in prompts and pickers.
    Any,
    /// The job list.
    List,
    /// Every tab of the job page.
    Page,
    /// Tab Overview.
    Overview,
    /// Tab Configuration.
    Configuration,
    /// Tab Workers.
    Workers,
    /// Tab Logs.
    Logs,
    /// Tab Events.
    Events,
    /// Tab Queue.
    Queue,
    /// Help, messages and other text shown on top.
    Text,
    /// A draft, however it is shown.
    Draft,
    /// The text of a draft.
    Editor,
    /// The form of a draft.
    Form,
    /// The last page before a draft is sent.
    Send,
    /// Suggestions for a failed job.
    Fixes,
    /// The last page of an edit of a living job.
    Review,
}

impl Context {
    /// Every context, as help lists them.
    pub const ALL: [Self; 15] = [
        Self::Any,
        Self::List,
        Self::Page,
        Self::Overview,
        Self::Configuration,
        Self::Workers,
        Self::Logs,
        Self::Events,
        Self::Queue,
        Self::Text,
        Self::Draft,
        Self::Editor,
        Self::Form,
        Self::Send,
        Self::Fixes,
        Self::Review,
    ];

    /// Its section in keymap files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Any => "any",
            Self::List => "list",
            Self::Page => "page",
            Self::Overview => "overview",
            Self::Configuration => "configuration",
            Self::Workers => "workers",
            Self::Logs => "logs",
            Self::Events => "events",
            Self::Queue => "queue",
            Self::Text => "text",
            Self::Draft => "draft",
            Self::Editor => "editor",
            Self::Form => "form",
            Self::Send => "send",
            Self::Fixes => "fixes",
            Self::Review => "review",
        }
    }

    /// Its heading in help.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Any => "Everywhere",
            Self::List => "Job list",
            Self::Page => "Job page",
            Self::Overview => "Job page: Overview",
            Self::Configuration => "Job page: Configuration",
            Self::Workers => "Job page: Workers",
            Self::Logs => "Job page: Logs",
            Self::Events => "Job page: Events",
            Self::Queue => "Job page: Queue",
            Self::Text => "Help and other texts",
            Self::Draft => "Draft",
            Self::Editor => "Draft: YAML",
            Self::Form => "Draft: form",
            Self::Send => "Draft: send",
            Self::Fixes => "Draft: suggestions",
            Self::Review => "Edit of a job: last page",
        }
    }

    /// The context of a section name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|context| context.name() == name)
    }
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
