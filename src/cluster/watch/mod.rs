//! Lists that stay true: read once in pages, then watched, for as long as someone looks.
//!
//! Owns one task a list, and what a list does when it is cut, refused, outdated or kept waiting. It never empties a list:
//! whatever happens, what was read stays until a new read is complete. Rows go to the [`Mailbox`] and nowhere else.

mod backoff;
mod driver;
mod lines;

use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

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
#[derive(Debug)]
pub struct Watches {
    _tasks: JoinSet<()>,
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

/// Every list that a scope needs, most wanted first: jobs, their pods, what went wrong, queues. `None` is all namespaces.
pub fn lists(offer: &Offer, namespaces: Option<&[Name]>) -> Vec<ListKey> {
    let mut what: Vec<_> = offer.kinds.iter().map(|k| ListOf::Jobs(*k)).collect();
    if what.is_empty() {
        return Vec::new();
    }
    if offer.kinds.iter().any(|k| *k != Kind::TrainJob) {
        what.push(ListOf::Pods);
    }
    if offer.kinds.contains(&Kind::TrainJob) {
        what.push(ListOf::JobSetPods);
    }
    what.push(ListOf::Warnings);
    if offer.kueue.is_some() {
        what.push(ListOf::Workloads);
    }
    let places: Vec<Option<Name>> = match namespaces {
        None => vec![None],
        Some(names) => names.iter().cloned().map(Some).collect(),
    };
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
        let mut tasks = JoinSet::new();
        for (index, key) in lists.into_iter().enumerate() {
            let Some(spec) = Spec::new(key.clone(), offer, job_labels, index < MOST_WATCHES) else {
                mailbox.phase(&key, ListPhase::Error(Clean::new("not served by this cluster")));
                continue;
            };
            tasks.spawn(run(session.clone(), spec, mailbox.clone(), cancel.clone()));
        }
        Self { _tasks: tasks }
    }

    /// Reads events of all types in a namespace, those that `only` keeps.
    pub(crate) fn of_events(
        session: &Session,
        namespace: &Name,
        only: EventFilter,
        mailbox: &Mailbox,
        cancel: &CancellationToken,
    ) -> Self {
        let mut tasks = JoinSet::new();
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
        tasks.spawn(run(session.clone(), spec, mailbox.clone(), cancel.clone()));
        Self { _tasks: tasks }
    }
}

async fn run(session: Session, spec: Spec, mailbox: Mailbox, cancel: CancellationToken) {
    tokio::select! {
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
        let mut pairs = Vec::with_capacity(8);
        if !self.labels.is_empty() {
            pairs.push(("labelSelector", self.labels.as_str()));
        }
        if !self.fields.is_empty() {
            pairs.push(("fieldSelector", self.fields));
        }
        pairs.extend_from_slice(more);
        format!("{}{}", self.path, paths::query(&pairs))
    }

    fn is_pods(&self) -> bool {
        matches!(self.key.of, ListOf::Pods | ListOf::JobSetPods)
    }
}

#[cfg(test)]
mod tests;
