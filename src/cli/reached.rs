//! A cluster as a verb meets it: reached once, its jobs read once with the lists and the fleet that the console has.
//!
//! What can't be read is told to the caller, who says it; must not print.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    exit::{self, Failure},
    unread::{self, Unread},
};
use crate::{
    cluster::{
        Mailbox, Session, Target, connect,
        discovery::{self, Offer},
        watch::{self, Watches},
    },
    console::{model::session::Scope, start::LoadTarget},
    jobs::{
        Name, Secs,
        causes::Rules,
        filter::Filter,
        fleet::{Fleet, Job, ListKey, ListPhase},
    },
};

/// Rows applied at a time.
const SLICE: usize = 2_000;

/// A cluster that answered, and what it offers.
pub(super) struct Reached {
    pub(super) target: Target,
    pub(super) session: Session,
    pub(super) offer: Offer,
}

/// The jobs of a scope as they were when they were read.
pub(super) struct Jobs {
    pub(super) fleet: Fleet,
    pub(super) scope: Scope,
    /// What of it could not be read.
    pub(super) unread: Vec<Unread>,
    /// When that was.
    pub(super) now: Secs,
}

impl Reached {
    /// Connects and asks what there is.
    pub(super) async fn by(load: &LoadTarget) -> Result<Self, Failure> {
        let target = load()?;
        let session = connect(target.clone()).await?;
        let offer = discovery::discover(&session).await?;
        Ok(Self { target, session, offer })
    }

    /// kubectl's rule: the context's namespace, else default.
    pub(super) fn own_scope(&self) -> Scope {
        Scope::Named(self.session.who().namespace.clone().or(Name::new("default")).into_iter().collect())
    }

    /// Reads the jobs of a scope, or of one's own namespace, until each list has come or has failed. That no list of jobs
    /// could be read is an error; whatever else lacks is told.
    pub(super) async fn jobs(&self, rules: Arc<Rules>, scope: Option<Scope>, filter: &Filter) -> Result<Jobs, Failure> {
        let scope = scope.unwrap_or_else(|| self.own_scope());
        let mut fleet = Fleet::new(rules);
        let unread = self.read(&scope, filter, &mut fleet).await?;
        let now = self.session.now();
        fleet.settle(now);
        Ok(Jobs { fleet, scope, unread, now })
    }

    async fn read(&self, scope: &Scope, filter: &Filter, fleet: &mut Fleet) -> Result<Vec<Unread>, Failure> {
        let lists = watch::lists(&self.offer, scope.names());
        let (mailbox, cancel) = (Mailbox::new(), CancellationToken::new());
        let selector = filter.selector();
        let _watches =
            Watches::start(&self.session, &self.offer, lists.clone(), selector.as_deref(), &mailbox, &cancel);
        fill(fleet, &lists, &mailbox, self.session.timeout()).await;
        cancel.cancel();
        let unread: Vec<_> = lists.iter().filter_map(|list| Unread::of(list, fleet.list_phase(list))).collect();
        let jobs = lists.iter().filter(|list| unread::is_of_jobs(list)).count();
        let none = jobs > 0 && unread.iter().filter(|one| one.is_of_jobs()).count() == jobs;
        if none { Err(nothing(&unread)) } else { Ok(unread) }
    }
}

impl Jobs {
    /// The job of this name, the latest of several.
    pub(super) fn named(&self, name: &str) -> Result<&Job, Failure> {
        let named = self.fleet.jobs().filter(|job| job.row.name.as_str() == name);
        named.max_by_key(|job| job.row.created).ok_or_else(|| self.absent(name))
    }

    /// It is not there; or it may be where we could not look.
    pub(super) fn absent(&self, name: &str) -> Failure {
        let Self { scope, unread, .. } = self;
        if unread.iter().any(Unread::is_of_jobs) {
            let mut failure = Failure::new(&format!("no job «{name}» in what could be read of {scope}"));
            failure.code = exit::PARTIAL;
            return failure;
        }
        Failure::not_found(&format!("no job «{name}» in {scope}")).hint("-A looks in all namespaces")
    }
}

/// A list of many pages may take longer than one request; silence may not.
async fn fill(fleet: &mut Fleet, lists: &[ListKey], mailbox: &Mailbox, timeout: Duration) {
    let mut end = Instant::now() + timeout;
    while lists.iter().any(|list| !is_answered(fleet, list)) {
        if tokio::time::timeout_at(end, mailbox.changed()).await.is_err() {
            break;
        }
        for batch in mailbox.take(SLICE) {
            fleet.apply(batch);
            end = Instant::now() + timeout;
        }
    }
}

/// Not one list of jobs was read: that is no answer.
fn nothing(unread: &[Unread]) -> Failure {
    let jobs: Vec<_> = unread.iter().filter(|one| one.is_of_jobs()).cloned().collect();
    Failure::new(&format!("no jobs could be read: {}", unread::notes(&jobs).join("; ")))
}

fn is_answered(fleet: &Fleet, list: &ListKey) -> bool {
    !matches!(fleet.list_phase(list), None | Some(ListPhase::Loading(_)))
}
