//! What is read from the cluster for a record beside logs: events, the manifest; and what every reader has at hand.

use std::{sync::Arc, time::Duration};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Results, keeper::Work};
use crate::{
    cluster::{Mailbox, Session, objects},
    console::runner::tap::Taps,
    disk::records::{Fact, Header, KeptManifest},
    jobs::{Secs, causes::Rules, fleet::Row, manifest},
};

/// Events that come closer together than this are written together.
const EVENTS_EVERY: Duration = Duration::from_millis(500);

/// Where what was read goes.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) session: Session,
    pub(super) header: Arc<Header>,
    pub(super) work: mpsc::Sender<Work>,
    /// What logs say is heard on the way.
    pub(super) rules: Arc<Rules>,
    pub(super) results: Results,
    /// Logs that others read.
    pub(super) taps: Taps,
}

impl Desk {
    pub(super) fn now(&self) -> Secs {
        self.session.now()
    }

    /// Whether anybody still writes.
    pub(super) async fn write(&self, work: Work) -> bool {
        self.work.send(work).await.is_ok()
    }

    /// Keeps all events about the job.
    pub(super) async fn events(self, token: CancellationToken) {
        let mailbox = Mailbox::new();
        // The watch ends with this task.
        let _watches = objects::events_about(&self.session, &self.header.job, &mailbox, &token);
        loop {
            mailbox.changed().await;
            let rows = mailbox.take(2_000).into_iter().flat_map(|batch| batch.upserts);
            let facts: Vec<Fact> = rows
                .filter_map(|row| match row {
                    Row::Event(event) => Some(Fact::Event(Box::new(event))),
                    _ => None,
                })
                .collect();
            if !facts.is_empty() && !self.write(Work::Facts(Arc::clone(&self.header), self.now(), facts)).await {
                return;
            }
            tokio::time::sleep(EVENTS_EVERY).await;
        }
    }

    /// Keeps the job's manifest, if it is still that job's.
    pub(super) async fn manifest(self) {
        // A job that is gone, or that we may not read, has none; the page says so.
        let Ok(object) = objects::get_job(&self.session, &self.header.job).await else { return };
        let uid = object.pointer("/metadata/uid").and_then(serde_json::Value::as_str);
        if uid != Some(self.header.job.uid.to_string().as_str()) {
            return;
        }
        let (object, removed) = manifest::without_secrets(&object);
        let fact = Fact::Manifest(Box::new(KeptManifest { object, removed }));
        self.write(Work::Facts(Arc::clone(&self.header), self.now(), vec![fact])).await;
    }
}
