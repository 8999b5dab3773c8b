//! What of an answer could not be read, in words: a text a list for scripts, a line a cause for people.
//!
//! A person without rights in a namespace lacks a dozen lists there for one reason, and wants to read it once.

use std::collections::BTreeMap;

use super::print;
use crate::jobs::{
    Kind, Name,
    fleet::{ListKey, ListOf, ListPhase},
};

/// One list that could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    list: ListKey,
    why: Why,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Why {
    /// What to ask for, in whole.
    NotAllowed(String),
    Because(String),
}

impl Unread {
    /// Whether a list in this phase lacks, and why.
    pub fn of(list: &ListKey, phase: Option<&ListPhase>) -> Option<Self> {
        let why = match phase {
            Some(ListPhase::Live | ListPhase::Polling(_)) => return None,
            None | Some(ListPhase::Loading(_)) => Why::Because("did not answer in time".to_owned()),
            Some(ListPhase::Forbidden(ask)) => Why::NotAllowed(ask.to_string()),
            Some(ListPhase::Stale(_, why) | ListPhase::Error(why)) => Why::Because(why.to_string()),
        };
        Some(Self { list: list.clone(), why })
    }

    /// Whether jobs are missing, not only what belongs to them.
    pub fn is_of_jobs(&self) -> bool {
        is_of_jobs(&self.list)
    }

    /// Whether jobs of this kind, or of any, may be where this could not be read.
    pub fn may_hide(&self, kind: Option<Kind>) -> bool {
        matches!(self.list.of, ListOf::Jobs(of) if kind.is_none_or(|kind| kind == of))
    }

    /// This list alone.
    pub fn text(&self) -> String {
        let (what, place) = (title(&self.list), place(&[self.list.namespace.as_ref()]));
        match &self.why {
            Why::NotAllowed(ask) => format!("{what} in {place} could not be read: not allowed; ask for: {ask}"),
            Why::Because(why) => format!("{what} in {place} could not be read: {why}"),
        }
    }
}

/// Whether a list holds jobs.
pub fn is_of_jobs(list: &ListKey) -> bool {
    matches!(list.of, ListOf::Jobs(_))
}

/// Says on stderr what was not read.
pub fn complain(unread: &[Unread]) {
    for note in notes(unread) {
        print::complain(&format!("note: {note}"));
    }
}

/// A line a cause. Namespaces that lack the same for the same reason share one.
pub fn notes(unread: &[Unread]) -> Vec<String> {
    let mut by_place: BTreeMap<(Option<&str>, Option<&Name>), Vec<&Unread>> = BTreeMap::new();
    for one in unread {
        let reason = match &one.why {
            Why::NotAllowed(_) => None,
            Why::Because(why) => Some(why.as_str()),
        };
        by_place.entry((reason, one.list.namespace.as_ref())).or_default().push(one);
    }
    let mut lines: Vec<Line<'_>> = Vec::new();
    for ((reason, namespace), lists) in by_place {
        let words = if reason.is_none() { resource } else { title };
        let mut what: Vec<String> = Vec::new();
        for word in lists.iter().map(|one| words(&one.list)) {
            if !what.contains(&word) {
                what.push(word);
            }
        }
        match lines.iter_mut().find(|line| line.reason == reason && line.what == what) {
            Some(line) => line.places.push(namespace),
            None => lines.push(Line { reason, what, places: vec![namespace] }),
        }
    }
    lines.iter().map(Line::text).collect()
}

/// What lacks for one reason, and in which namespaces.
struct Line<'u> {
    /// `None` where it is not allowed.
    reason: Option<&'u str>,
    what: Vec<String>,
    places: Vec<Option<&'u Name>>,
}

impl Line<'_> {
    fn text(&self) -> String {
        let (what, place) = (self.what.join(", "), place(&self.places));
        if let Some(why) = self.reason {
            return format!("{what} in {place} could not be read: {why}");
        }
        let narrower = if self.places.contains(&None) { "; or name your own namespace with -n" } else { "" };
        format!("you may not see all that belongs here; ask for: list {what} in {place}{narrower}")
    }
}

fn place(namespaces: &[Option<&Name>]) -> String {
    let names: Vec<&str> = namespaces.iter().flatten().map(|name| name.as_str()).collect();
    match names.as_slice() {
        [] => "all namespaces".to_owned(),
        [one] => format!("namespace {one}"),
        several => format!("namespaces {}", several.join(", ")),
    }
}

fn title(list: &ListKey) -> String {
    match list.of {
        ListOf::Jobs(kind) => format!("{}s", kind.info().kind),
        ListOf::Pods => "pods".to_owned(),
        ListOf::JobSetPods => "pods of JobSets".to_owned(),
        ListOf::Warnings => "warning events".to_owned(),
        ListOf::Workloads => "Kueue's Workloads".to_owned(),
    }
}

/// As a role names it.
fn resource(list: &ListKey) -> String {
    match list.of {
        ListOf::Jobs(kind) => format!("{}.{}", kind.info().plural, kind.info().group),
        ListOf::Pods | ListOf::JobSetPods => "pods".to_owned(),
        ListOf::Warnings => "events".to_owned(),
        ListOf::Workloads => "workloads.kueue.x-k8s.io".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{Clean, Kind};

    fn list(of: ListOf, namespace: &str) -> ListKey {
        ListKey { of, namespace: Name::new(namespace) }
    }

    fn refused(of: ListOf, namespace: &str) -> Unread {
        let ask = ListPhase::Forbidden(Clean::new("list it there"));
        Unread::of(&list(of, namespace), Some(&ask)).expect("it lacks")
    }

    #[test]
    fn a_list_alone_says_what_to_ask_for() {
        let pods = list(ListOf::Pods, "team-a");
        assert_eq!(Unread::of(&pods, Some(&ListPhase::Live)), None);
        let ask = ListPhase::Forbidden(Clean::new("list pods in namespace team-a"));
        assert_eq!(
            Unread::of(&pods, Some(&ask)).map(|unread| unread.text()).as_deref(),
            Some("pods in namespace team-a could not be read: not allowed; ask for: list pods in namespace team-a")
        );
    }

    #[test]
    fn one_cause_is_one_line_whatever_lacks_for_it() {
        let of = [ListOf::Jobs(Kind::MpiJob), ListOf::Pods, ListOf::JobSetPods, ListOf::Warnings];
        let everywhere: Vec<_> = ["a", "b"].iter().flat_map(|ns| of.map(|of| refused(of, ns))).collect();
        let expected = "you may not see all that belongs here; ask for: list mpijobs.kubeflow.org, pods, events in namespaces a, b";
        assert_eq!(notes(&everywhere), [expected]);
        let mut mixed = everywhere;
        mixed.push(refused(ListOf::Workloads, "b"));
        let stale = ListPhase::Stale(crate::jobs::Secs(1), Clean::new("it is away"));
        mixed.push(Unread::of(&list(ListOf::Pods, "c"), Some(&stale)).expect("it lacks"));
        let lines = notes(&mixed);
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines.contains(&"pods in namespace c could not be read: it is away".to_owned()), "{lines:?}");
        assert!(
            notes(&[refused(ListOf::Pods, "")])[0].ends_with("in all namespaces; or name your own namespace with -n")
        );
    }
}
