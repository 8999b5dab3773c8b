//! What a change is executed with: the session, what is served there, its gate, and the files that remember.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    change::Change,
    confirmed::How,
    gate::Gate,
    outcome::{Done, Outcome},
};
use crate::{
    cluster::{Session, discovery::Offer},
    disk::{
        DiskProblem,
        changes::{ChangeFiles, Entry, Stage},
        records::ClusterPlace,
    },
    jobs::Clean,
};

/// Where changes go, through which context and as whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Site {
    /// The context.
    pub context: Clean,
    /// The cluster: an address alone may lead to another one tomorrow.
    pub cluster: ClusterPlace,
    /// The user, as the kubeconfig calls them, or whom `--as` names.
    pub user: Clean,
}

impl Site {
    /// Where this session's changes go.
    pub fn of(session: &Session) -> Self {
        let who = session.who();
        let cluster = ClusterPlace::new(who.server.as_str(), &who.authority);
        Self { context: who.context.clone(), cluster, user: who.user.clone() }
    }
}

/// See the module.
#[derive(Clone)]
pub struct Desk {
    /// The connection.
    pub session: Session,
    /// What is served.
    pub offer: Arc<Offer>,
    /// What may be changed.
    pub gate: Gate,
    /// Change log, kept manifests, slips; `None` for a user without a home.
    pub files: Option<ChangeFiles>,
}

impl Desk {
    /// A name that no other change of this machine has.
    pub(super) fn new_id(&self) -> Clean {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        let n = NEXT.fetch_add(1, Relaxed);
        Clean::new(&format!("{}-{}-{n}", self.session.now().0, std::process::id()))
    }

    /// The line before a change.
    pub(super) fn begun(&self, run: &Clean, change: &Change, how: &How) -> Entry {
        let (site, subject) = (Site::of(&self.session), &change.subject);
        let confirmed = match how {
            How::Key => "by a key",
            How::Typed(_) => "by typing",
            How::Flag(_) => "by a flag",
            How::Setting => "by a setting",
            How::Before => "when it was begun; it goes on",
        };
        Entry {
            id: self.new_id(),
            run: run.clone(),
            at: self.session.now(),
            stage: Stage::Begun,
            what: Clean::new(&change.to_string()),
            verb: Clean::new(change.what.verb()),
            api_version: Clean::new(&subject.api_version()),
            kind: Clean::new(subject.kind.as_str()),
            namespace: subject.namespace.clone(),
            name: subject.name.clone(),
            uid: subject.uid.clone(),
            context: change.context.clone(),
            server: site.cluster.server,
            cluster: site.cluster.id,
            user: site.user,
            confirmed: Clean::new(confirmed),
            result: Clean::default(),
            undo: None,
        }
    }

    /// The line after it.
    pub(super) fn over(&self, begun: Entry, outcome: &Outcome, undo: Option<Value>) -> Entry {
        let (stage, result) = match outcome {
            Outcome::Done(Done { note, .. }) => (Stage::Done, note.clone()),
            Outcome::Failed(problem) => (Stage::Failed, Clean::new(&problem.to_string())),
            Outcome::Unknown(problem) => (Stage::Unknown, Clean::new(&problem.to_string())),
        };
        let uid = outcome.as_done().and_then(|done| done.uid.clone()).or(begun.uid);
        Entry { at: self.session.now(), stage, result, uid, undo, ..begun }
    }

    /// Does something with the files; `None` where there are none.
    pub(super) async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ChangeFiles) -> Result<T, DiskProblem> + Send + 'static,
    ) -> Option<Result<T, Clean>> {
        let files = self.files.clone()?;
        let done = tokio::task::spawn_blocking(move || work(&files)).await.ok()?;
        Some(done.map_err(|problem| Clean::new(&problem.to_string())))
    }

    /// Writes a line of the change log; why it could not be.
    pub(super) async fn write(&self, entry: Entry) -> Option<Clean> {
        match self.on_disk(move |files| files.write(&entry)).await {
            Some(written) => written.err(),
            None => Some(Clean::new("there is no directory for it: set XDG_STATE_HOME or HOME")),
        }
    }
}
