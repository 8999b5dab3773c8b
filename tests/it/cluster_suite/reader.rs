//! The console's way of reading, without a console: session, lists, mailbox, fleet.

use std::fmt::Write as _;
use std::time::Duration;

use mpideck::cluster::discovery::{self, Offer};
use mpideck::cluster::watch::{self, Watches};
use mpideck::cluster::{Mailbox, Session, Target, connect};
use mpideck::jobs::causes::Rules;
use mpideck::jobs::fleet::{Fleet, Job, ListKey, ListOf, ListPhase};
use mpideck::jobs::{Kind, Name};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// Whoever reads a scope.
pub(super) struct Reader {
    pub(super) session: Session,
    pub(super) offer: Offer,
    pub(super) fleet: Fleet,
    pub(super) mailbox: Mailbox,
    _watches: Watches,
}

/// A checked name.
pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

impl Reader {
    /// Begins to read `namespaces` (`None` is all), jobs narrowed by `labels`.
    pub(super) async fn start(target: Target, namespaces: Option<&[&str]>, labels: Option<&str>) -> Self {
        let session = connect(target).await.unwrap();
        let offer = discovery::discover(&session).await.unwrap();
        let names: Option<Vec<Name>> = namespaces.map(|all| all.iter().map(|n| name(n)).collect());
        let (mailbox, cancel) = (Mailbox::new(), CancellationToken::new());
        let lists = watch::lists(&offer, names.as_deref().unwrap_or_default());
        let watches = Watches::start(&session, &offer, lists, labels, &mailbox, &cancel);
        let fleet = Fleet::new(Rules::builtin().into());
        Self { session, offer, fleet, mailbox, _watches: watches }
    }

    /// Reads on until it is so, or says what there is instead.
    pub(super) async fn until(&mut self, what: &str, so: impl Fn(&Fleet) -> bool) {
        let came = self.within(PATIENCE, so).await;
        assert!(came, "{what}: not so after {} s; there is:\n{}", PATIENCE.as_secs(), self.all());
    }

    /// Reads on until it is so, or for that long; whether it is so.
    pub(super) async fn within(&mut self, time: Duration, so: impl Fn(&Fleet) -> bool) -> bool {
        let end = Instant::now() + time;
        loop {
            for batch in self.mailbox.take(500) {
                self.fleet.apply(batch);
            }
            self.fleet.settle(self.session.now());
            if so(&self.fleet) {
                return true;
            }
            if Instant::now() >= end {
                return false;
            }
            // States change with time alone, too.
            let _ = tokio::time::timeout(Duration::from_millis(250), self.mailbox.changed()).await;
        }
    }

    /// Reads until MPIJobs of a namespace are live (or polled).
    pub(super) async fn until_read(&mut self, namespace: Option<&str>) {
        let key = jobs_in(namespace);
        let read = |fleet: &Fleet| matches!(fleet.list_phase(&key), Some(ListPhase::Live | ListPhase::Polling(_)));
        self.until("MPIJobs are read", read).await;
    }

    fn all(&self) -> String {
        let mut text = String::new();
        for (key, phase) in self.fleet.lists() {
            let _ = writeln!(text, "  {key:?}: {phase:?}");
        }
        for job in self.fleet.jobs().take(20) {
            let pods: Vec<_> =
                self.fleet.pods(&job.key()).iter().map(|p| format!("{} {:?}", p.name, p.phase)).collect();
            let cause = job.derived.cause.as_ref().map(|c| c.title.to_string());
            let _ = writeln!(text, "  {}/{} {} {pods:?} {cause:?}", job.row.namespace, job.row.name, job.derived.state);
        }
        text
    }
}

/// The list of MPIJobs of a namespace.
pub(super) fn jobs_in(namespace: Option<&str>) -> ListKey {
    ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: namespace.map(name) }
}

/// The one job of that name.
pub(super) fn one<'f>(fleet: &'f Fleet, namespace: &str, name: &str) -> Option<&'f Job> {
    match fleet.find(namespace, name).as_slice() {
        [job] => Some(job),
        _ => None,
    }
}

/// Its state, in one word.
pub(super) fn state(fleet: &Fleet, namespace: &str, name: &str) -> &'static str {
    one(fleet, namespace, name).map_or("none", |job| job.derived.state.word())
}
