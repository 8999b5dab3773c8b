//! Messages: past facts, the only thing that changes the model. One small enum per feature, in that feature's file.

use std::fmt;

use crossterm::event::MouseEvent;
use ratatui::layout::Size;

use super::{
    key::Key,
    model::{
        Drawn,
        change::ChangeMessage,
        draft::DraftMessage,
        page::{LogId, LogMessage, PageId, PageMessage, metrics::MetricsMessage},
        record::RecordMessage,
        session::{ContextInfo, Scope, SessionId, SessionMessage, Trouble},
        survey::{self, Survey, SurveyId},
        visit::VisitMessage,
    },
};
use crate::{
    cluster::Target,
    disk::Remembered,
    jobs::{
        fleet::{Batch, JobKey, Said},
        reach::Reach,
    },
    metrics::Odd,
};

/// What happened.
#[derive(Debug)]
pub enum Message {
    /// Something came from the terminal.
    Input(Input),
    /// The terminal is ours again (after a stop, an editor, a sign-in): everything must be drawn again.
    Resumed(Size),
    /// The deadline that the model asked for has come.
    Deadline,
    /// Rows changed in the cluster; only of the current session (older ones are dropped by the loop).
    Fleet(Vec<Batch>),
    /// Of a session: an older generation is dropped.
    Session(SessionId, SessionMessage),
    /// Of a job page: of one that is closed is dropped.
    Page(PageId, PageMessage),
    /// Numbers for a job page: of one that is closed is dropped.
    Metrics(PageId, MetricsMessage),
    /// What is odd about what pods of the cluster use; of an older session is dropped.
    Glance(SessionId, Vec<Odd>),
    /// Of a log: of one that is closed is dropped.
    Log(LogId, LogMessage),
    /// What the lines of a log that is read say of its job, whenever that changes.
    Said(LogId, Vec<Said>),
    /// What was read beside the fleet: of what is not wanted any more is dropped.
    Survey(SurveyId, Box<Survey>),
    /// How busy accelerators are: of what is not wanted any more is dropped.
    Work(SurveyId, Box<survey::Told>),
    /// Quotas were read, for alerts; of an older session is dropped.
    Quotas(SessionId, Box<Survey>),
    /// Of changes to the cluster: never dropped, whatever session is current.
    Change(ChangeMessage),
    /// What network policies leave between the replicas of a job.
    Reach(JobKey, Reach),
    /// What one look at a log found.
    Heard(JobKey, Box<Said>),
    /// Of visits to replicas.
    Visit(VisitMessage),
    /// Of the flight recorder.
    Record(RecordMessage),
    /// Of drafts.
    Draft(DraftMessage),
    /// The kubeconfig was read, and what was remembered.
    Loaded(Box<Loaded>),
    /// What the terminal cost was counted.
    Drawn(Drawn),
    /// Something about files, the clipboard or the program itself.
    Told(Told),
}

/// From the terminal.
#[derive(Clone, Debug)]
pub enum Input {
    /// A key.
    Key(Key),
    /// More characters at once than fingers type: text for a prompt, never commands.
    Burst(Vec<Key>),
    /// Pasted text, never keys.
    Paste(String),
    /// A new size.
    Resize(Size),
    /// Only while the mouse is on.
    Mouse(MouseEvent),
}

/// What a start needs from files.
pub struct Loaded {
    /// Every context, with what the config says about it.
    pub contexts: Vec<ContextInfo>,
    /// Name of the context to open, or why there is none.
    pub current: Result<String, Trouble>,
    /// For the runner, which takes it out on the way.
    pub target: Option<Box<Target>>,
    /// The scope asked for on the command line.
    pub scope: Option<Scope>,
    /// What was remembered.
    pub remembered: Remembered,
    /// What is wrong with files.
    pub notes: Vec<String>,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("contexts", &self.contexts)
            .field("current", &self.current)
            .finish_non_exhaustive()
    }
}

/// Something to tell the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// How it is meant.
    pub tone: super::model::notices::Tone,
    /// One line.
    pub text: String,
}
