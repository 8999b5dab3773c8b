//! The job page: which job, which tab, and what was read for it.

use crate::{console::commands::Context, jobs::Secs};

/// Counts job pages, so that an answer for a closed one is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PageId(pub u32);

/// Counts log streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LogId(pub u32);

/// An open job page.
#[derive(Debug)]
pub struct PageModel {
    /// Which opening of a page it is.
    pub id: PageId,
}

impl PageModel {
    /// When a visible age will read otherwise.
    pub const fn next_deadline(&self, _now: Secs) -> Option<Secs> {
        None
    }

    /// Where its keys are looked for.
    pub fn contexts(&self) -> Vec<Context> {
        vec![Context::Page, Context::Any]
    }
}

/// What was read for a page.
#[derive(Clone, Copy, Debug)]
pub enum PageMessage {}

/// What a log stream brought.
#[derive(Clone, Copy, Debug)]
pub enum LogMessage {}

/// What a page wants from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum PageEffect {}
