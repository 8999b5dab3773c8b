//! What can lie on top of a view: an enum, so that every kind is known everywhere.

use super::{compare::CompareModel, draft::Draft};
use crate::{
    changes::Change,
    console::{
        ids::{ChangeCommand, CommandId, Context, VisitCommand},
        line_edit::LineEdit,
    },
};

/// One layer.
#[derive(Debug)]
pub enum Overlay {
    /// A typed line in the footer.
    Prompt(Prompt),
    /// A filtered choice.
    Picker(Picker),
    /// Yes or no, about something named.
    Confirm(Confirm),
    /// Text to read.
    Text(TextOverlay),
    /// A manifest that is being written.
    Draft(Box<Draft>),
    /// Runs side by side.
    Compare(Box<CompareModel>),
}

impl Overlay {
    /// Where its keys are looked for; empty if it takes the keys itself.
    pub fn contexts(&self) -> Vec<Context> {
        match self {
            Self::Text(_) => vec![Context::Text],
            Self::Compare(_) => vec![Context::Compare, Context::Any],
            Self::Draft(draft) => draft.contexts(),
            Self::Prompt(_) | Self::Picker(_) | Self::Confirm(_) => Vec::new(),
        }
    }

    /// Whether it shows costs, which go on while one looks.
    pub fn is_debug(&self) -> bool {
        matches!(self, Self::Text(text) if text.source == TextSource::Debug)
    }
}

/// A typed line.
#[derive(Debug)]
pub struct Prompt {
    /// What it is for; its feature hears of every change.
    pub purpose: Purpose,
    /// Before the line: `/`, `:`, `Namespace: `.
    pub label: &'static str,
    /// What is typed.
    pub line: LineEdit,
    /// A hint on what is typed (a wrong term, where the file will go).
    pub hint: String,
    /// Earlier lines, newest last, and which of them is shown.
    pub history: Vec<String>,
    /// Index into `history` while walking it.
    pub walking: Option<usize>,
    /// What tab or down may complete it to.
    pub completions: Vec<Completion>,
    /// Which completion is chosen.
    pub chosen: Option<usize>,
}

impl Prompt {
    /// An empty line, or one to begin with.
    pub fn new(purpose: Purpose, label: &'static str, text: &str) -> Self {
        Self {
            purpose,
            label,
            line: LineEdit::new(text),
            hint: String::new(),
            history: Vec::new(),
            walking: None,
            completions: Vec::new(),
            chosen: None,
        }
    }
}

/// One way to complete a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// The whole line then.
    pub line: String,
    /// What it is, shown beside it.
    pub about: String,
}

/// What a prompt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `:`.
    Palette,
    /// The job list's filter.
    ListFilter,
    /// Search in the text on top.
    TextSearch,
    /// Namespaces typed by hand.
    Namespaces,
    /// What a visit needs to know.
    Visit(VisitCommand),
    /// What a change needs to know.
    Change(ChangeCommand),
    /// Of the job page (its own enum says which).
    Page(u8),
    /// Of the job list beside the filter.
    List(u8),
    /// Of a draft.
    Draft(DraftPrompt),
}

/// What is chosen for a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftPicker {
    /// The value of the selected field of its form.
    Field,
    /// The template that a new one begins with.
    Template,
}

/// What a draft asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftPrompt {
    /// What to find.
    Find,
    /// The number of a line.
    Line,
}

/// What happened to a prompt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PromptEvent {
    /// The line is now this.
    Changed(String),
    /// Enter.
    Done(String),
    /// Esc.
    Cancelled,
}

/// A choice among items, filtered as one types.
#[derive(Debug)]
pub struct Picker {
    /// What is chosen.
    pub purpose: PickerPurpose,
    /// Heading.
    pub title: String,
    /// Filter.
    pub line: LineEdit,
    /// All items.
    pub items: Vec<PickerItem>,
    /// Selected item by its id, so that new items don't move the choice.
    pub selected: Option<String>,
    /// Whether several may be marked (space).
    pub several: bool,
    /// One line about the items: still loading, not allowed, ….
    pub note: String,
    /// Whether what is typed may be taken though it is no item.
    pub free: bool,
}

/// What a picker chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PickerPurpose {
    /// The scope.
    Scope,
    /// The context.
    Context,
    /// Columns of the list.
    Columns,
    /// The list's order.
    Sort,
    /// A saved filter.
    Filter,
    /// The order of a cluster view.
    Board,
    /// A record.
    Record,
    /// Records to compare with.
    Compare,
    /// A draft on disk.
    Drafts,
    /// Something to take back.
    Undo,
    /// Of a draft.
    Draft(DraftPicker),
    /// Ports to lead on no more.
    Forwards,
    /// Of the job page (its own enum says which).
    Page(u8),
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PickerItem {
    /// Its identity.
    pub id: String,
    /// Shown.
    pub label: String,
    /// Shown beside it, dimmed.
    pub about: String,
    /// Marked, where several may be.
    pub marked: bool,
}

/// A question.
#[derive(Debug)]
pub struct Confirm {
    /// The question, naming what it is about.
    pub title: String,
    /// What goes with it, a line each.
    pub lines: Vec<String>,
    /// Word on the button that does it.
    pub yes: &'static str,
    /// Whether that button is chosen; Cancel is the default.
    pub on_yes: bool,
    /// Choices that belong to it: up and down change the first, `[` and `]` the second.
    pub options: Vec<Options>,
    /// What must be typed to agree.
    pub must_type: Option<String>,
    /// What is typed.
    pub line: LineEdit,
    /// What happens then.
    pub then: Then,
}

/// One choice among a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What is chosen.
    pub label: &'static str,
    /// The choices.
    pub words: &'static [&'static str],
    /// Which of them is chosen.
    pub at: usize,
}

/// What happens when a question is answered by yes.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// This command runs.
    Command(CommandId),
    /// These changes are made.
    Changes(Vec<Change>),
}

impl Confirm {
    /// Whether what must be typed is there.
    pub fn is_typed(&self) -> bool {
        self.must_type.as_ref().is_none_or(|word| self.line.text() == word)
    }
}

/// Text to read.
#[derive(Debug)]
pub struct TextOverlay {
    /// Where its lines come from.
    pub source: TextSource,
    /// First visible line.
    pub scroll: usize,
    /// What is searched for.
    pub search: String,
}

/// Which text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextSource {
    /// Keys and commands of these contexts.
    Help(Vec<Context>),
    /// Notices.
    Messages,
    /// What the console costs.
    Debug,
    /// What the cluster serves, and how its operators do.
    Health,
    /// Changes: those under way, and the change log.
    Changes,
    /// A given text: heading and lines.
    Fixed(String, Vec<String>),
}
