//! Logs that are looked at for what they say: lines under the rules, and a message when they mean something new.
//!
//! Owns the tasks that read a log for nothing else; what is read for another reason has an [`Ear`], too.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::{Results, Runner};
use crate::{
    cluster::{
        self, Session,
        logs::{self, LogOf, LogPiece, NoticeKind},
    },
    console::{
        message::Message,
        model::{record::Wanted, session::SessionId},
    },
    disk::records::Stream,
    jobs::{
        Name, Secs, Uid,
        causes::{Gist, Rules, Scan},
        fleet::{JobKey, Said},
    },
    logs::ruled,
};

/// Logs that are read at once.
pub(super) const READS: usize = 3;

/// Logs whose next look goes on where the last one ended, at most.
const KEPT: usize = 32;

/// What was heard of logs that are looked at again and again, and the time of the last line, the latest look last: of one
/// session.
#[derive(Clone, Default)]
pub(super) struct Heard(Arc<Mutex<VecDeque<(Run, Ear, Timestamp)>>>);

/// A run of a container of a job.
type Run = (Uid, Stream);

impl Heard {
    fn take(&self, of: &Run) -> Option<(Ear, Timestamp)> {
        let mut kept = self.0.lock().ok()?;
        let at = kept.iter().position(|(run, ..)| run == of)?;
        kept.remove(at).map(|(_, ear, last)| (ear, last))
    }

    /// What was looked at longest ago makes room: its next look begins anew.
    fn put(&self, of: Run, ear: Ear, last: Timestamp) {
        if let Ok(mut kept) = self.0.lock() {
            kept.push_back((of, ear, last));
            while kept.len() > KEPT {
                kept.pop_front();
            }
        }
    }
}

/// One log under the rules.
pub(super) struct Ear {
    rules: Arc<Rules>,
    results: Results,
    key: JobKey,
    said: Said,
    lines: u32,
    tail: Option<u32>,
    told: Gist,
}

impl Ear {
    /// For a log of which the last `tail` lines are read; none: all that come after a line that was read before.
    pub(super) fn new(rules: Arc<Rules>, results: Results, key: JobKey, wanted: &Wanted, tail: Option<u32>) -> Self {
        let said = Said {
            pod: wanted.stream.pod.clone(),
            container: wanted.stream.container.clone(),
            previous: wanted.previous,
            whole: tail.is_some(),
            quiet: None,
            scan: Scan::default(),
        };
        Self { rules, results, key, said, lines: 0, tail, told: Gist::default() }
    }

    /// All that there was, was read: what comes now is new.
    fn go_on(&mut self) {
        self.tail = self.tail.map(|_| u32::MAX);
    }

    /// The next line.
    pub(super) fn line(&mut self, bytes: &[u8], at: Option<Secs>) {
        self.lines = self.lines.saturating_add(1);
        self.said.whole &= self.tail.is_some_and(|tail| self.lines < tail);
        ruled::line(&mut self.said.scan, &self.rules, bytes, self.lines, at);
    }

    /// Tells what was heard, if it means something else than what was told last. Whether anybody still listens.
    pub(super) async fn tell(&mut self) -> bool {
        let gist = self.said.scan.gist(&self.rules);
        if gist == self.told {
            return true;
        }
        self.told = gist;
        let said = Box::new(self.said.clone());
        self.results.send(Message::Heard(self.key.clone(), said)).await.is_ok()
    }
}

/// Looks at logs of a job.
pub(super) fn execute(runner: &Runner, id: SessionId, key: &JobKey, wanted: Vec<Wanted>) {
    let Some(ready) = runner.ready().filter(|ready| ready.id == id) else { return };
    for wanted in wanted {
        let (turns, rules, results) =
            (Arc::clone(&runner.listening), Arc::clone(&runner.start.rules), runner.results());
        let ear = Ear::new(rules, results, key.clone(), &wanted, Some(wanted.tail));
        let (session, key, token) = (ready.session.clone(), key.clone(), runner.token());
        let heard = runner.running.as_ref().filter(|_| wanted.follow).map(|running| running.heard.clone());
        let looked = async move {
            look(&session, &key, wanted, ear, heard, &turns).await;
            None
        };
        runner.spawn(token, runner.looks.track_future(looked));
    }
}

/// Reads what network policies leave between a job's replicas.
pub(super) fn reach(runner: &Runner, id: SessionId, key: JobKey) {
    let Some(ready) = runner.ready().filter(|ready| ready.id == id) else { return };
    let (session, turns) = (ready.session.clone(), Arc::clone(&runner.listening));
    runner.spawn(runner.token(), async move {
        let _turn = turns.acquire().await.ok()?;
        let reach = cluster::reach::reach(&session, &key).await;
        Some(Message::Reach(key, reach))
    });
}

async fn look(session: &Session, key: &JobKey, wanted: Wanted, ear: Ear, heard: Option<Heard>, turns: &Semaphore) {
    let Ok(_turn) = turns.acquire().await else { return };
    let of = (key.uid.clone(), wanted.stream.clone());
    let (mut ear, since) = match heard.as_ref().and_then(|heard| heard.take(&of)) {
        Some((ear, last)) => (ear, Some(last)),
        None => (ear, None),
    };
    let what = LogOf {
        namespace: key.namespace.clone(),
        pod: wanted.stream.pod,
        owner: None,
        container: Name::new(wanted.stream.container.as_str()),
        previous: wanted.previous,
        follow: false,
        tail: since.is_none().then_some(wanted.tail),
        since,
    };
    let mut last = since;
    let token = tokio_util::sync::CancellationToken::new();
    let mut pieces = logs::follow(session, what, &token);
    let _ends = token.drop_guard();
    while let Some(piece) = pieces.recv().await {
        match piece {
            LogPiece::Lines(lines) => {
                // A second is asked for from its beginning: what of it was read is left out.
                for line in lines.iter().filter(|line| since.is_none_or(|since| line.at.is_none_or(|at| at > since))) {
                    last = line.at.or(last);
                    ear.line(&line.bytes, line.at.map(Secs::from));
                }
            }
            // It had ended; what is not there now is not worth waiting for.
            LogPiece::Notice(notice) if notice.kind == NoticeKind::Waiting => break,
            LogPiece::Notice(_) => {}
            LogPiece::End(_) => break,
        }
    }
    ear.tell().await;
    if let (Some(heard), Some(last)) = (heard, last) {
        ear.go_on();
        heard.put(of, ear, last);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{
        cluster::testing,
        jobs::{Kind, Sym},
    };

    #[test]
    fn what_was_looked_at_longest_ago_makes_room() {
        let key =
            JobKey { namespace: Name::lossy("v"), name: Name::lossy("t"), kind: Kind::MpiJob, uid: Uid::new("u") };
        let wanted = |run: u16| {
            let stream = Stream { pod: Name::lossy("t-launcher"), container: Sym::new("main"), run };
            Wanted { stream, previous: false, follow: true, tail: 9 }
        };
        let (heard, rules, results) = (Heard::default(), Arc::new(Rules::builtin()), mpsc::channel(1).0);
        let of = |run: u16| (key.uid.clone(), wanted(run).stream);
        let put = |run: u16| {
            let ear = Ear::new(Arc::clone(&rules), results.clone(), key.clone(), &wanted(run), Some(9));
            heard.put(of(run), ear, Timestamp::UNIX_EPOCH);
        };
        let most = u16::try_from(KEPT).expect("few");
        (0..most).for_each(put);
        assert!(heard.take(&of(0)).is_some());
        (most..most + 2).for_each(put);
        assert!(heard.take(&of(1)).is_none(), "the oldest of those that were there");
        assert!(heard.take(&of(2)).is_some() && heard.take(&of(most + 1)).is_some());
    }

    #[tokio::test]
    async fn the_next_look_goes_on_where_the_last_one_ended() {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let session = testing::session(move |request| {
            let mut asked = log.lock().expect("not poisoned");
            asked.push(request.uri().query().unwrap_or_default().to_owned());
            let line = |minute: u32, step: u32| {
                format!("2026-11-20T08:{minute:02}:00.5Z step {step}/100 loss 0.5 {}.0 samples/s\n", step * 10)
            };
            let lines = if asked.len() == 1 { [line(1, 1), line(2, 2)] } else { [line(2, 2), line(3, 6)] };
            testing::text(200, lines.concat())
        })
        .await;
        let key =
            JobKey { namespace: Name::lossy("v"), name: Name::lossy("t"), kind: Kind::MpiJob, uid: Uid::new("u") };
        let stream = Stream { pod: Name::lossy("t-launcher"), container: Sym::new("main"), run: 0 };
        let wanted = Wanted { stream, previous: false, follow: true, tail: 1_000 };
        let (results, mut messages) = mpsc::channel(8);
        let (rules, turns, heard) = (Arc::new(Rules::builtin()), Semaphore::new(1), Heard::default());
        let mut mean = async || {
            let ear = Ear::new(Arc::clone(&rules), results.clone(), key.clone(), &wanted, Some(wanted.tail));
            look(&session, &key, wanted.clone(), ear, Some(heard.clone()), &turns).await;
            let Some(Message::Heard(_, said)) = messages.recv().await else { panic!("it tells") };
            let rate = said.scan.trained().and_then(|progress| progress.rate).expect("a speed");
            (rate.mean, said.whole)
        };
        assert_eq!(mean().await, (15.0, true));
        assert_eq!(mean().await, (30.0, true), "10, 20 and 60; no line counts twice");
        let asked = asked.lock().expect("not poisoned").clone();
        assert!(asked[0].contains("tailLines=1000") && !asked[0].contains("sinceTime"), "{asked:?}");
        assert!(asked[1].contains("sinceTime=") && !asked[1].contains("tailLines"), "{asked:?}");
    }
}
