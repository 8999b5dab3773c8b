//! Lists that stay true: read once in pages, then watched, for as long as someone looks.
//!
//! Owns one task a list, and what a list does when it is cut, refused, outdated or kept waiting. It never empties a list:
//! whatever happens, what was read stays until a new read is complete. Rows go to the [`Mailbox`] and nowhere else.

mod backoff;
mod driver;
mod lines;

use std::{collections::BTreeMap, sync::Arc};

use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    discovery::Offer,
    mailbox::Mailbox,
    paths::{self, Resource},
    session::Session,
};
use crate::jobs::{
    fleet::{ListKey, ListOf, ListPhase},
    kind::Kind,
    row::EventRow,
    text::{Clean, Name},
};

/// How many watches a session holds at most; further lists are polled.
pub const MOST_WATCHES: usize = 24;

/// The running lists of a session. Dropping it ends them all.
pub struct Watches {
    reading: BTreeMap<ListKey, Reading>,
    mailbox: Mailbox,
    cancel: CancellationToken,
}

/// One list being read.
struct Reading {
    path: String,
    labels: String,
    watched: bool,
    _ends: DropGuard,
}

/// Which events to keep of a namespace's.
pub(crate) type EventFilter = Arc<dyn Fn(&EventRow) -> bool + Send + Sync>;

/// What to ask for, and how.
#[derive(Clone)]
pub(crate) struct Spec {
    /// Only for events; without one, those about jobs and what they own.
    only: Option<EventFilter>,
    key: ListKey,
    path: String,
    labels: String,
    fields: &'static str,
    doing: String,
    watched: bool,
}

/// The lists for what is served, most wanted first: jobs, which are the screen, their pods, what went wrong, queues. In all
/// namespaces if none is named.
pub fn lists(offer: &Offer, namespaces: &[Name]) -> Vec<ListKey> {
    let mut what: Vec<_> = offer.kinds.iter().map(|k| ListOf::Jobs(*k)).collect();
    if what.is_empty() {
        return Vec::new();
    }
    if offer.kinds.iter().any(|k| *k != Kind::TrainJob) {
        what.push(ListOf::Pods);
    }
    if offer.kinds.contains(&Kind::TrainJob) && offer.jobsets.is_some() {
        what.push(ListOf::JobSetPods);
    }
    what.push(ListOf::Warnings);
    if offer.kueue.is_some() {
        what.push(ListOf::Workloads);
    }
    let places: Vec<Option<Name>> =
        if namespaces.is_empty() { vec![None] } else { namespaces.iter().cloned().map(Some).collect() };
    what.iter().flat_map(|of| places.iter().map(|place| ListKey { of: *of, namespace: place.clone() })).collect()
}

impl Watches {
    /// Starts reading `lists` into `mailbox`. `job_labels` is a selector that lists of jobs are narrowed by.
    ///
    /// Must be called within a runtime. Ends when it is dropped or `cancel` is cancelled.
    pub fn start(
        session: &Session,
        offer: &Offer,
        lists: Vec<ListKey>,
        job_labels: Option<&str>,
        mailbox: &Mailbox,
        cancel: &CancellationToken,
    ) -> Self {
        let mut watches = Self::none(mailbox, cancel);
        watches.change(session, offer, lists, job_labels);
        watches
    }

    fn none(mailbox: &Mailbox, cancel: &CancellationToken) -> Self {
        Self { reading: BTreeMap::new(), mailbox: mailbox.clone(), cancel: cancel.clone() }
    }

    /// Reads these from now on: what is read in the same way goes on undisturbed, what is new begins, the rest ends
    /// and its rows go.
    pub fn change(&mut self, session: &Session, offer: &Offer, lists: Vec<ListKey>, job_labels: Option<&str>) {
        let mailbox = self.mailbox.clone();
        self.reading.retain(|key, _| {
            let stays = lists.contains(key);
            if !stays {
                mailbox.restart(key);
                mailbox.complete(key);
            }
            stays
        });
        for (index, key) in lists.into_iter().enumerate() {
            match Spec::new(key.clone(), offer, job_labels, index < MOST_WATCHES) {
                Some(spec) => self.read(session, spec),
                None => self.mailbox.phase(&key, ListPhase::Error(Clean::new("not served by this cluster"))),
            }
        }
    }

    fn read(&mut self, session: &Session, spec: Spec) {
        let same = |old: &Reading| (&old.path, &old.labels, old.watched) == (&spec.path, &spec.labels, spec.watched);
        if self.reading.get(&spec.key).is_some_and(same) {
            return;
        }
        let token = self.cancel.child_token();
        let reading = Reading {
            path: spec.path.clone(),
            labels: spec.labels.clone(),
            watched: spec.watched,
            _ends: token.clone().drop_guard(),
        };
        self.reading.insert(spec.key.clone(), reading);
        tokio::spawn(run(session.clone(), spec, self.mailbox.clone(), token));
    }

    /// Reads events of all types in a namespace, those that `only` keeps.
    pub(crate) fn of_events(
        session: &Session,
        namespace: &Name,
        only: EventFilter,
        mailbox: &Mailbox,
        cancel: &CancellationToken,
    ) -> Self {
        let mut watches = Self::none(mailbox, cancel);
        let events = Resource::core("events");
        let spec = Spec {
            only: Some(only),
            path: events.all(Some(namespace)),
            labels: String::new(),
            fields: "",
            doing: format!("list events in {namespace}"),
            watched: true,
            key: ListKey { of: ListOf::Warnings, namespace: Some(namespace.clone()) },
        };
        watches.read(session, spec);
        watches
    }
}

async fn run(session: Session, spec: Spec, mailbox: Mailbox, cancel: CancellationToken) {
    tokio::select! {
        biased;
        () = cancel.cancelled() => {}
        () = driver::Driver::new(session, spec, mailbox).run() => {}
    }
}

impl Spec {
    fn new(key: ListKey, offer: &Offer, job_labels: Option<&str>, watched: bool) -> Option<Self> {
        let (resource, labels, fields) = match key.of {
            ListOf::Jobs(kind) => {
                let info = kind.info();
                let resource = Resource::new(info.group, info.version, info.plural);
                (resource, job_labels.unwrap_or_default(), "")
            }
            ListOf::Pods => (Resource::core("pods"), "training.kubeflow.org/job-name", ""),
            ListOf::JobSetPods => (Resource::core("pods"), "jobset.sigs.k8s.io/jobset-name", ""),
            ListOf::Warnings => (Resource::core("events"), "", "type=Warning"),
            ListOf::Workloads => (Resource::new("kueue.x-k8s.io", offer.kueue.as_ref()?.as_str(), "workloads"), "", ""),
        };
        let place = key.namespace.as_ref().map_or_else(|| "all namespaces".to_owned(), ToString::to_string);
        Some(Self {
            only: None,
            path: resource.all(key.namespace.as_ref()),
            labels: labels.to_owned(),
            fields,
            doing: format!("list {} in {place}", resource.title()),
            watched,
            key,
        })
    }

    fn url(&self, more: &[(&str, &str)]) -> String {
        let mut pairs = self.query();
        pairs.extend_from_slice(more);
        format!("{}{}", self.path, paths::query(&pairs))
    }

    /// What narrows it down.
    fn query(&self) -> Vec<(&str, &str)> {
        let mut pairs = Vec::with_capacity(8);
        if !self.labels.is_empty() {
            pairs.push(("labelSelector", self.labels.as_str()));
        }
        if !self.fields.is_empty() {
            pairs.push(("fieldSelector", self.fields));
        }
        pairs
    }

    fn is_pods(&self) -> bool {
        matches!(self.key.of, ListOf::Pods | ListOf::JobSetPods)
    }
}

#[cfg(test)]
mod tests;
