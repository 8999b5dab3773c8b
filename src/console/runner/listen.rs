//! Logs that are looked at for what they say: lines under the rules, and a message when they mean something new.
//!
//! Owns the tasks that read a log for nothing else; what is read for another reason has an [`Ear`], too.

use std::sync::Arc;

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
    jobs::{
        Name, Secs,
        causes::{Gist, Rules, Scan},
        fleet::{JobKey, Said},
    },
    logs::ruled,
};

/// Logs that are read at once.
pub(super) const READS: usize = 3;

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
        let (session, namespace, token) = (ready.session.clone(), key.namespace.clone(), runner.token());
        let looked = async move {
            look(&session, namespace, wanted, ear, &turns).await;
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

async fn look(session: &Session, namespace: Name, wanted: Wanted, mut ear: Ear, turns: &Semaphore) {
    let Ok(_turn) = turns.acquire().await else { return };
    let what = LogOf {
        namespace,
        pod: wanted.stream.pod,
        owner: None,
        container: Name::new(wanted.stream.container.as_str()),
        previous: wanted.previous,
        follow: false,
        tail: Some(wanted.tail),
        since: None,
    };
    let token = tokio_util::sync::CancellationToken::new();
    let mut pieces = logs::follow(session, what, &token);
    let _ends = token.drop_guard();
    while let Some(piece) = pieces.recv().await {
        match piece {
            LogPiece::Lines(lines) => {
                for line in &lines {
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
}
