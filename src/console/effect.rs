//! Effects: orders to the outside, as data. The runner executes them; nothing else does.

use std::path::PathBuf;

use super::model::{
    Drawn,
    alert::AlertEffect,
    change::ChangeEffect,
    draft::{DraftEffect, DraftId},
    page::{
        PageEffect, PageId,
        metrics::{Followed, Parted},
    },
    record::{RecordEffect, Wanted},
    session::{Scope, SessionEffect, SessionId},
    survey::SurveyEffect,
    visit::VisitEffect,
};
use crate::{
    disk::Sort,
    jobs::{Raw, Uid, fleet::JobKey},
};

/// Something to keep for the next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remember {
    /// The scope looked at in a context.
    Scope {
        /// Name of the context.
        context: String,
        /// The scope.
        scope: Scope,
    },
    /// The favourites that were chosen in a context.
    Favourites {
        /// Name of the context.
        context: String,
        /// The scopes, in the order of their keys.
        scopes: Vec<Scope>,
    },
    /// A job was pinned in a context, or unpinned.
    Pin {
        /// Name of the context.
        context: String,
        /// The job's uid.
        uid: Uid,
        /// It is pinned now.
        pinned: bool,
    },
    /// Where numbers were found in a context.
    Source {
        /// Name of the context.
        context: String,
        /// `NAMESPACE/SERVICE:PORT`.
        service: String,
    },
    /// A line entered in the palette.
    Line(String),
    /// The columns of the list, by id.
    Columns(Vec<String>),
    /// The order of the list.
    Sort(Option<Sort>),
    /// A named filter; `None` forgets it.
    Filter {
        /// Its name.
        name: String,
        /// Its text.
        text: Option<String>,
    },
}

/// What a job page wants of numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum MetricsEffect {
    /// Read these again and again, in place of what was read for the page before.
    Follow(PageId, SessionId, Followed),
    /// Read no more for the page.
    Stop(PageId),
    /// Read the GPUs of this replica one by one, in place of those before; `None`: no more.
    Part(PageId, SessionId, Option<Box<Parted>>),
}

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Read the kubeconfig, and what was remembered.
    Load,
    /// Keep something for the next run.
    Remember(Remember),
    /// Hand the terminal to the sign-in program of this session, then open it again.
    Login(SessionId),
    /// About a session.
    Session(SessionId, SessionEffect),
    /// About a job page or a log.
    Page(PageEffect),
    /// About what one is told of without looking.
    Alert(AlertEffect),
    /// About what is read beside the fleet.
    Survey(SurveyEffect),
    /// About the numbers of a job page.
    Metrics(MetricsEffect),
    /// About changes to the cluster.
    Change(ChangeEffect),
    /// About visits to replicas.
    Visit(VisitEffect),
    /// About records.
    Record(RecordEffect),
    /// About drafts.
    Draft(DraftEffect),
    /// Hand the terminal to another editor on this text, and take back what it made of it.
    Editor(DraftId, Raw),
    /// Find out what network policies leave between the replicas of a job.
    Reach(SessionId, JobKey),
    /// Look at these logs of a job for what they say, without keeping them.
    Listen(SessionId, JobKey, Vec<Wanted>),
    /// Write a text to a file of this name below the state directory, only for its owner, and say where.
    Save(String, Raw),
    /// Copy this text to the terminal's clipboard and say how it went.
    Clipboard(String),
    /// Hand the terminal to the pager, to show this file; it is removed afterwards.
    Pager(PathBuf),
    /// Write the screen as it is to a 0600 text file and say where.
    Dump,
    /// Draw everything again.
    Redraw,
    /// Turn mouse reports on or off.
    Mouse(bool),
    /// Count what was written to the terminal since this.
    CountFrames(Drawn),
    /// Leave.
    Quit,
}
