//! A log that is kept: read by a stream of its own, until a page reads it, too; from then on what the page reads is kept.
//!
//! Owns what of it may be kept, and that no line is missed when one reading takes the place of the other. A log that is
//! written faster than anybody could read is kept in part, and how much is missing is kept, too.

use std::{collections::VecDeque, sync::Arc};

use jiff::Timestamp;
use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use super::{Ear, keeper::Work, streams::Desk};
use crate::{
    cluster::logs::{self, LogLine, LogOf, LogPiece, NoticeKind},
    console::{
        model::record::Wanted,
        runner::tap::{Heard, Of, Overlap, What},
    },
    disk::records::LogText,
    jobs::Name,
    logs::Nanos,
};

/// Bytes a second of one log that are kept for long, and how many at once.
const RATE: f64 = 256.0 * 1024.0;
const BURST: f64 = 4.0 * 1024.0 * 1024.0;
/// Lines written at a time.
const PIECE: usize = 512;

/// Keeps a log to its end.
pub(super) async fn keep(desk: Desk, wanted: Wanted, token: CancellationToken) {
    let mut log = Log { desk, wanted, ear: None, allowance: Allowance::default(), tap: None, last: None, before: None };
    // Whoever has an end has nothing to add.
    let _end = log.keep(&token).await;
}

/// There is nothing more to keep, or nobody who would.
struct Over;

struct Log {
    desk: Desk,
    wanted: Wanted,
    ear: Option<Ear>,
    allowance: Allowance,
    /// What others read of it.
    tap: Option<mpsc::Receiver<Heard>>,
    /// The last line that came.
    last: Option<Timestamp>,
    /// The last line of the reading before this one: what is older comes again.
    before: Option<Timestamp>,
}

impl Log {
    async fn keep(&mut self, token: &CancellationToken) -> Result<(), Over> {
        loop {
            let (reading, held) = self.read(token).await?;
            self.hear(reading, held).await?;
        }
    }

    /// Reads it, until what others read of it takes over.
    async fn read(&mut self, token: &CancellationToken) -> Result<(u64, Vec<What>), Over> {
        let since = self.begin().await?;
        let what = LogOf {
            namespace: self.desk.header.job.namespace.clone(),
            pod: self.wanted.stream.pod.clone(),
            owner: None,
            container: Name::new(self.wanted.stream.container.as_str()),
            previous: self.wanted.previous,
            follow: self.wanted.follow,
            tail: since.is_none().then_some(self.wanted.tail),
            since,
        };
        let (rules, results) = (Arc::clone(&self.desk.rules), self.desk.results.clone());
        let job = || self.desk.header.job.clone();
        self.ear.get_or_insert_with(|| Ear::new(rules, results, job(), &self.wanted, what.tail));
        self.listen();
        let (token, mut overlap) = (token.child_token(), Overlap::default());
        let mut pieces = logs::follow(&self.desk.session, what, &token);
        let _ends = token.drop_guard();
        loop {
            tokio::select! {
                piece = pieces.recv() => match piece {
                    Some(LogPiece::Lines(lines)) => self.lines(lines).await?,
                    Some(LogPiece::Notice(notice)) => {
                        if let NoticeKind::Skipped(lines) = notice.kind {
                            self.allowance.skipped += lines;
                        }
                    }
                    Some(LogPiece::End(_)) | None => return Err(Over),
                },
                heard = next(&mut self.tap) => match heard {
                    Some(heard) => overlap.hear(heard),
                    // It was too fast; another time.
                    None => overlap = Overlap::default(),
                },
            }
            if let Some(joined) = overlap.joins(self.last) {
                return Ok(joined);
            }
        }
    }

    /// Keeps what others read, as long as they do.
    async fn hear(&mut self, reading: u64, held: Vec<What>) -> Result<(), Over> {
        self.begin().await?;
        for what in held {
            self.take(what).await?;
        }
        while let Some(heard) = next(&mut self.tap).await {
            if heard.reading != reading {
                continue;
            }
            if matches!(heard.what, What::Over) {
                break;
            }
            self.take(heard.what).await?;
        }
        Ok(())
    }

    async fn take(&mut self, what: What) -> Result<(), Over> {
        match what {
            What::Lines(lines) => return self.lines(lines).await,
            What::Skipped(lines) => self.allowance.skipped += lines,
            What::Over => {}
        }
        Ok(())
    }

    fn listen(&mut self) {
        let lost = self.tap.as_ref().is_none_or(mpsc::Receiver::is_closed);
        if self.wanted.follow && lost {
            let (namespace, stream) = (self.desk.header.job.namespace.clone(), self.wanted.stream.clone());
            self.tap = Some(self.desk.taps.listen(Of { namespace, pod: stream.pod, container: stream.container }));
        }
    }

    /// A reading begins: how far was the log kept, or passed over?
    async fn begin(&mut self) -> Result<Option<Timestamp>, Over> {
        self.before = self.last;
        let (reply, answer) = oneshot::channel();
        let (header, stream) = (Arc::clone(&self.desk.header), self.wanted.stream.clone());
        self.write(Work::Begin(header, self.desk.now(), stream, reply)).await?;
        let kept = answer.await.ok().flatten().and_then(|at| Timestamp::from_nanosecond(i128::from(at)).ok());
        Ok(kept.max(self.last))
    }

    async fn lines(&mut self, lines: Vec<LogLine>) -> Result<(), Over> {
        self.last = lines.iter().filter_map(|line| line.at).max().max(self.last);
        // Of the last moment itself there may be more; how many there were is known where they are kept.
        let is_new = |line: &LogLine| line.at.is_none() || line.at >= self.before;
        let mut lines: VecDeque<LogLine> = lines.into_iter().filter(is_new).collect();
        let (kept, skipped) = self.allowance.pass(&mut lines);
        let before = self.before.and_then(nanos);
        if let Some(ear) = &mut self.ear {
            for line in kept.iter().filter(|line| line.at.is_none() || line.at > before) {
                ear.line(line.text.as_bytes(), line.at.map(|at| Nanos(at).secs()));
            }
        }
        for (i, part) in kept.chunks(PIECE).enumerate() {
            let skipped = if i == 0 { skipped } else { 0 };
            let (header, stream) = (Arc::clone(&self.desk.header), self.wanted.stream.clone());
            self.write(Work::Lines(header, self.desk.now(), stream, part.to_vec(), skipped)).await?;
        }
        let is_heard = match &mut self.ear {
            Some(ear) => ear.tell().await,
            None => true,
        };
        if is_heard { Ok(()) } else { Err(Over) }
    }

    async fn write(&self, work: Work) -> Result<(), Over> {
        if self.desk.write(work).await { Ok(()) } else { Err(Over) }
    }
}

/// What is heard next; if nobody can be heard any more, that is told once.
async fn next(tap: &mut Option<mpsc::Receiver<Heard>>) -> Option<Heard> {
    let Some(open) = tap else { return std::future::pending().await };
    let heard = open.recv().await;
    if heard.is_none() {
        *tap = None;
    }
    heard
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
    let mut text = String::from_utf8_lossy(&line.bytes).into_owned();
    if line.cut {
        text.push_str(" [cut]");
    }
    LogText { at: line.at.and_then(nanos), text }
}

fn nanos(at: Timestamp) -> Option<i64> {
    i64::try_from(at.as_nanosecond()).ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
