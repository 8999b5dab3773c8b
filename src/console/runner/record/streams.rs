//! What is read from the cluster for a record: logs, events, the manifest.
//!
//! Each is a task that ends with its token. A log that is written faster than anybody could read is kept in part, and
//! how much is missing is kept, too.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Ear, Results, keeper::Work};
use crate::{
    cluster::{
        Mailbox, Session,
        logs::{self, LogLine, LogOf, LogPiece},
        objects,
    },
    console::model::record::Wanted,
    disk::records::{Fact, Header, KeptManifest, LogText},
    jobs::{Name, Secs, causes::Rules, fleet::Row, manifest},
    logs::Nanos,
};

/// Bytes a second of one log that are kept for long, and how many at once.
const RATE: f64 = 256.0 * 1024.0;
const BURST: f64 = 4.0 * 1024.0 * 1024.0;
/// Events that come closer together than this are written together.
const EVENTS_EVERY: Duration = Duration::from_millis(500);
/// Lines written at a time.
const PIECE: usize = 512;

/// Where what was read goes.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) session: Session,
    pub(super) header: Arc<Header>,
    pub(super) work: mpsc::Sender<Work>,
    /// What logs say is heard on the way.
    pub(super) rules: Arc<Rules>,
    pub(super) results: Results,
}

impl Desk {
    fn now(&self) -> Secs {
        self.session.now()
    }

    /// Whether anybody still writes.
    pub(super) async fn write(&self, work: Work) -> bool {
        self.work.send(work).await.is_ok()
    }

    /// Keeps a log to its end.
    pub(super) async fn log(self, wanted: Wanted, token: CancellationToken) {
        let (reply, answer) = oneshot::channel();
        let begin = Work::Begin(Arc::clone(&self.header), self.now(), wanted.stream.clone(), reply);
        if !self.write(begin).await {
            return;
        }
        let (rules, results) = (self.rules.clone(), self.results.clone());
        let since = answer.await.ok().flatten().and_then(|at| jiff::Timestamp::from_nanosecond(i128::from(at)).ok());
        let what = LogOf {
            namespace: self.header.job.namespace.clone(),
            pod: wanted.stream.pod.clone(),
            owner: None,
            container: Name::new(wanted.stream.container.as_str()),
            previous: wanted.previous,
            follow: wanted.follow,
            tail: since.is_none().then_some(wanted.tail),
            since,
        };
        let mut ear = Ear::new(rules, results, self.header.job.clone(), &wanted, what.tail);
        let mut pieces = logs::follow(&self.session, what, &token);
        let mut allowance = Allowance::default();
        while let Some(piece) = pieces.recv().await {
            let mut lines = match piece {
                LogPiece::Lines(lines) => VecDeque::from(lines),
                LogPiece::End(_) => return,
                LogPiece::Notice(_) => continue,
            };
            let (kept, skipped) = allowance.pass(&mut lines);
            for line in &kept {
                ear.line(line.text.as_bytes(), line.at.map(|at| Nanos(at).secs()));
            }
            for (i, part) in kept.chunks(PIECE).enumerate() {
                let skipped = if i == 0 { skipped } else { 0 };
                let header = Arc::clone(&self.header);
                let work = Work::Lines(header, self.now(), wanted.stream.clone(), part.to_vec(), skipped);
                if !self.write(work).await {
                    return;
                }
            }
            if !ear.tell().await {
                return;
            }
        }
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

/// How much of a log may be kept now.
struct Allowance {
    bytes: f64,
    at: Instant,
    skipped: u64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { bytes: BURST, at: Instant::now(), skipped: 0 }
    }
}

impl Allowance {
    /// The lines that may be kept, and how many were left out before the first of them.
    fn pass(&mut self, lines: &mut VecDeque<LogLine>) -> (Vec<LogText>, u64) {
        let passed = self.at.elapsed().as_secs_f64();
        self.at = Instant::now();
        self.bytes = (self.bytes + passed * RATE).min(BURST);
        let mut kept = Vec::new();
        let before = std::mem::take(&mut self.skipped);
        while let Some(line) = lines.pop_front() {
            let cost = line.bytes.len() as f64 + 32.0;
            if cost > self.bytes {
                // The newest are worth more than those between: what comes when there is room again is kept.
                self.skipped += 1 + lines.len() as u64;
                break;
            }
            self.bytes -= cost;
            kept.push(text(&line));
        }
        if kept.is_empty() {
            self.skipped += before;
        }
        (kept, before)
    }
}

fn text(line: &LogLine) -> LogText {
    let at = line.at.and_then(|at| i64::try_from(at.as_nanosecond()).ok());
    let mut text = String::from_utf8_lossy(&line.bytes).into_owned();
    if line.cut {
        text.push_str(" [cut]");
    }
    LogText { at, text }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_log_that_outpaces_us_is_kept_in_part_and_the_rest_is_counted() {
        let line = || LogLine { at: None, bytes: Bytes::from(vec![b'x'; 1000]), cut: false };
        let mut allowance = Allowance::default();
        let (mut kept, mut skipped, mut all) = (0, 0, 0);
        for _ in 0..100 {
            let mut lines: VecDeque<_> = (0..1000).map(|_| line()).collect();
            let (some, before) = allowance.pass(&mut lines);
            (kept, skipped, all) = (kept + some.len() as u64, skipped + before, all + 1000);
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        assert!(kept * 1000 < (BURST + 2.0 * RATE) as u64, "{kept}");
        assert_eq!(kept + skipped + allowance.skipped, all, "each line is kept or counted");
        tokio::time::advance(Duration::from_mins(1)).await;
        let (some, before) = allowance.pass(&mut VecDeque::from([line()]));
        assert_eq!(some.len(), 1);
        assert_eq!(kept + skipped + before, all);
    }
}
