//! Drafts: a manifest that is being written, and what is known of those on disk.
//!
//! Owns one text, in its [`Editor`]; form, diff and send page read it and change it, and keep no copy of their own.

pub mod asked;
pub mod editor;
pub mod fix;
pub mod form;
pub mod live;
pub mod popup;
pub mod schemas;
pub mod send;

use std::sync::Arc;

use serde_json::Value;

pub use self::{
    asked::{AskedModel, Haste, Question},
    editor::Editor,
    fix::FixModel,
    form::{FormModel, Names, Offers},
    live::Live,
    schemas::Schemas,
    send::SendModel,
};
use super::{page::Soon, session::SessionId};
use crate::{
    console::ids::Context,
    disk::drafts::{About, DraftKey, Summary},
    jobs::{
        Clean, Kind, Name, Raw,
        checks::{Problem, Report, Verdict, cluster::Said},
        drafting::Template,
        fleet::JobKey,
        form::Listed,
        outlook::Outlook,
        schema::Served,
    },
};

/// Counts the drafts that were opened in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DraftId(pub u32);

/// How a draft is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Its text.
    #[default]
    Yaml,
    /// The form over its text.
    Form,
    /// Suggestions for the failed job that it is a copy of.
    Fix,
    /// The last page before it is sent.
    Send,
}

/// How keeping it on disk goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keeping {
    /// Nothing was changed yet, so nothing is kept.
    #[default]
    Untouched,
    /// On its way.
    Writing,
    /// All of it is on disk.
    Kept,
    /// It can't be written, and why.
    Failed(Clean),
}

/// A draft that is open.
#[derive(Debug)]
pub struct Draft {
    /// Which opening it is.
    pub id: DraftId,
    /// Its name on disk.
    pub key: DraftKey,
    /// Where it began: «from template cpu-smoke».
    pub origin: String,
    /// The context it is meant for.
    pub context: String,
    /// How it is shown.
    pub stage: Stage,
    /// How it was shown before the last page.
    pub before: Stage,
    /// Its text.
    pub editor: Editor,
    /// The form over it.
    pub form: FormModel,
    /// What would be sent.
    pub send: SendModel,
    /// Suggestions for the failed job that it is a copy of.
    pub fix: Option<FixModel>,
    /// The living job that it is an edit of.
    pub live: Option<Live>,
    /// What can be written at the cursor, while that is offered.
    pub popup: Option<popup::Popup>,
    /// What is wrong with it in itself, as it was looked at last.
    pub report: Report,
    /// What the cluster says to it.
    pub asked: AskedModel,
    /// Both together, in the order of the text.
    pub problems: Vec<Problem>,
    /// What would become of it; `None` until it was checked.
    pub verdict: Option<Verdict>,
    /// The version of the text that was given away to be checked, and the one that the problems are of.
    pub checked: (Option<u64>, Option<u64>),
    /// How keeping it goes.
    pub keeping: Keeping,
    /// The version of the text that was given away to be kept; `None` before the first.
    pub followed: Option<u64>,
    /// What was cut last.
    pub cut: String,
}

impl Draft {
    /// A draft of this text.
    pub fn new(id: DraftId, key: DraftKey, origin: String, context: String, text: &str) -> Self {
        Self {
            id,
            key,
            origin,
            context,
            stage: Stage::default(),
            before: Stage::default(),
            editor: Editor::new(text),
            form: FormModel::default(),
            send: SendModel::default(),
            fix: None,
            live: None,
            popup: None,
            report: Report::default(),
            asked: AskedModel::default(),
            problems: Vec::new(),
            verdict: None,
            checked: (None, None),
            keeping: Keeping::default(),
            followed: Some(0),
            cut: String::new(),
        }
    }

    /// Where its keys are looked for.
    pub fn contexts(&self) -> Vec<Context> {
        match self.stage {
            Stage::Yaml => vec![Context::Editor, Context::Draft],
            Stage::Form => vec![Context::Form, Context::Draft, Context::Any],
            Stage::Fix => vec![Context::Fixes, Context::Draft, Context::Any],
            Stage::Send if self.live.is_some() => vec![Context::Review, Context::Any],
            Stage::Send => vec![Context::Send, Context::Any],
        }
    }

    /// What it will be, by its text: kind and name, where they can be read.
    pub fn title(&self) -> String {
        let field = |key: &str, indent: &str| {
            let value = |line: &String| Some(line.strip_prefix(indent)?.strip_prefix(key)?.trim().to_owned());
            let mut values = self.editor.lines().iter().take(200).filter_map(value);
            values.next().map(|value| value.trim_matches(['"', '\'']).to_owned()).unwrap_or_default()
        };
        let (kind, name) = (field("kind:", ""), field("name:", "  "));
        match (kind.is_empty(), name.is_empty()) {
            (true, true) => "a manifest".to_owned(),
            (false, true) => kind,
            (true, false) => name,
            (false, false) => format!("{kind} {name}"),
        }
    }

    /// Begins with another text; there is nothing to take back then.
    pub fn set_text(&mut self, text: &str) {
        self.editor = Editor::new(text);
    }

    /// Puts together what is wrong with it in itself and what the cluster says.
    pub fn judge(&mut self) {
        let mut all = self.report.problems.clone();
        all.extend(self.report.jobs.iter().flat_map(|job| job.problems.iter().cloned()));
        for (at, said) in self.asked.said.iter().enumerate() {
            let said = said.problems.clone();
            all.extend(match self.report.jobs.get(at) {
                Some(job) => job.placed(said),
                None => said,
            });
        }
        all.sort_by_key(Problem::order);
        self.verdict = Some(Verdict::of(&all));
        self.problems = all;
    }

    /// Whether the checks say that somebody refuses it, and who.
    pub fn refused(&self) -> Option<Verdict> {
        self.verdict.filter(|verdict| matches!(verdict, Verdict::Refused(_)))
    }

    /// The draft as it goes to the disk now.
    pub fn kept_text(&self) -> Text {
        Text { about: self.about(true), text: Raw::new(self.editor.text()), version: self.editor.version }
    }

    /// What is written beside its text.
    pub fn about(&self, open: bool) -> About {
        let live = self.live.as_ref().map(Live::kept);
        About { title: self.title(), origin: self.origin.clone(), context: self.context.clone(), open, live }
    }
}

/// A draft asked for on the command line.
#[derive(Clone, Debug, PartialEq)]
pub enum Opening {
    /// A new job; the template is to be chosen.
    New,
    /// A new job from this template.
    Template(Box<Template>),
    /// This text, and where it came from.
    Text {
        /// «file train.yaml».
        origin: String,
        /// The text.
        text: Raw,
    },
}

/// What is known of drafts beside the one that is open.
#[derive(Debug, Default)]
pub struct DraftsModel {
    /// This process, in the names of drafts.
    pub process: u32,
    /// Drafts opened so far: their ids.
    pub opened: u32,
    /// Those that went from the screen and are not known to be on disk yet.
    pub closing: Vec<Draft>,
    /// To be opened once the settings are read.
    pub opening: Option<Opening>,
    /// What can be chosen from in the namespace of the open draft.
    pub offers: Offers,
    /// The schemas that the cluster serves.
    pub schemas: Schemas,
    /// What a new job can begin with.
    pub templates: Vec<Template>,
    /// A job whose object is being read, and what for.
    pub wanted: Option<Source>,
    /// Those on disk, newest first; `None` until they were read.
    pub listed: Option<Vec<Summary>>,
}

/// What a job's object is read for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A copy under a free name.
    Clone,
    /// A copy that keeps everything after a failure.
    Debug,
    /// The next attempt of a failed job.
    Fix,
    /// An edit of the job itself.
    Edit,
}

/// A job whose object is to become a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Which job.
    pub key: JobKey,
    /// What for.
    pub purpose: Purpose,
}

/// A draft as it goes to the disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// What is known about it.
    pub about: About,
    /// The text.
    pub text: Raw,
    /// Which version of it.
    pub version: u64,
}

/// What a draft wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum DraftEffect {
    /// Keep this text; the first of an id makes the draft.
    Keep(DraftId, DraftKey, Box<Text>),
    /// It is closed and stays on disk; it was left on purpose.
    Close(DraftId, Box<About>),
    /// It is sent, or thrown away.
    Discard(DraftId),
    /// Read which drafts there are.
    List,
    /// Read the user's own templates.
    Templates,
    /// Read the object of a job.
    Read(SessionId, Source),
    /// Read the living job that a draft is an edit of.
    Theirs(DraftId, SessionId, JobKey, Soon),
    /// Check this text, of this version.
    Check(DraftId, u64, Raw),
    /// Have the server say what it would do to this patch of a living job.
    Rehearse(DraftId, Question, JobKey, Arc<Value>),
    /// Ask the cluster about this text.
    Ask(DraftId, Question, Raw),
    /// Read one.
    Load(DraftKey),
    /// Throw one away that is not open.
    Remove(DraftKey),
    /// Read the names of these objects, in this namespace where they have one.
    Names(SessionId, Option<Name>, Vec<Listed>),
    /// Read the schema of this kind as the cluster serves it.
    Schema(SessionId, Kind),
}

/// What happened to drafts.
#[derive(Debug)]
pub enum DraftMessage {
    /// Which drafts there are, newest first.
    Listed(Result<Vec<Summary>, Clean>),
    /// All templates.
    Templates(Vec<Template>),
    /// A job's object was read, or why not.
    Read(Source, Result<Value, Clean>),
    /// The living job that a draft is an edit of; `None` if there is none of its name.
    Theirs(DraftId, Result<Option<Value>, Clean>),
    /// What is wrong with the text of this version.
    Checked(DraftId, u64, Box<Report>),
    /// What the cluster says so far to each job of the text that was asked about.
    Asked(DraftId, Question, Vec<Said>),
    /// Whether each of them would start at once.
    Outlook(DraftId, Question, Vec<Outlook>),
    /// One was read, or not.
    Loaded(DraftKey, Result<(About, Raw), Clean>),
    /// The text of this version is on disk, or why not.
    Kept(DraftId, u64, Result<(), Clean>),
    /// Names of objects in a namespace, or why there are none.
    Named(Option<Name>, Listed, Result<Vec<Name>, Clean>),
    /// The schema of a kind as the cluster of this session serves it; `None` if it can't be read.
    Schema(SessionId, Kind, Option<Arc<Served>>),
    /// Another editor gave this text back.
    Edited(DraftId, Result<Raw, Clean>),
}
