//! A rule that matched something that was observed: one of the candidates for the cause.

use std::{cmp::Reverse, sync::Arc};

use regex::bytes::Captures;

use super::{
    place::{At, Place, Subject},
    rule::Rule,
    rules::Part,
    scan::{LogHit, Standing},
    template::Holes,
};
use crate::jobs::time::Secs;

/// A rule from this priority on tells how something ended rather than why: what came first counts more.
pub(super) const LATE: u8 = 27;
/// A rule from this priority on knows only that something failed.
pub(super) const VAGUE: u8 = 50;

#[derive(Clone, Debug)]
pub(super) struct Hit<'a> {
    pub(super) rule: &'a Rule,
    pub(super) place: Place,
    pub(super) text: &'a str,
    pub(super) at: At<'a>,
    pub(super) subject: Option<Arc<Subject>>,
    pub(super) time: Option<Secs>,
    pub(super) part: Option<Part>,
    pub(super) log: Option<OfLog<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct OfLog<'a> {
    pub(super) hit: &'a LogHit,
    pub(super) standing: Standing,
    pub(super) nth: usize,
}

impl Hit<'_> {
    /// What the pattern matched in.
    pub(super) fn matched(&self) -> &str {
        self.part.as_ref().map_or(self.text, |(part, _)| part)
    }

    pub(super) fn captures(&self) -> Option<Captures<'_>> {
        self.rule.pattern.captures(self.matched())
    }

    /// What logs say is ordered by where it stands, what statuses say by how well it explains.
    pub(super) fn order(&self) -> impl Ord {
        let late = self.time.unwrap_or(Secs(u32::MAX));
        let nodes = self.part.as_ref().map(|(_, nodes)| *nodes);
        let tier = (self.rule.priority >= VAGUE, self.log.map(|log| log.standing), self.rule.priority >= LATE);
        // Of what a run seemed to have survived, the last is nearest to its end.
        let place = |log: OfLog<'_>| match log.standing {
            Standing::Survived => u32::MAX - log.hit.line,
            _ => log.hit.line,
        };
        let line = self.log.map(|log| (log.nth, place(log)));
        (tier, line, self.rule.priority, Reverse(nodes), late, self.subject.is_none())
    }

    pub(super) fn holes(&self) -> Holes<'_> {
        Holes {
            captures: self.captures(),
            more: self.log.map_or(&[], |log| &log.hit.more),
            text: self.text,
            subject: self.subject.as_deref(),
        }
    }
}
