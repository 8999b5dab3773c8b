//! Logs of a job as verbs listen to them: once, those of the pods that tell, for what the rules find in them.
//!
//! A log that can't be read is said on stderr, and the answer is given without it.

use tokio_util::sync::CancellationToken;

use super::print;
use crate::{
    cluster::{
        Session,
        logs::{self, LogOf, LogPiece},
    },
    jobs::{
        Name, PodRow, Secs,
        causes::{Rules, Scan},
        fleet::{self, Said, Teller, telling},
        row::ContainerState,
    },
    logs::ruled,
};

/// How to listen.
#[derive(Clone, Copy)]
pub(super) struct Listening<'a> {
    pub(super) session: &'a Session,
    pub(super) rules: &'a Rules,
    /// Lines that are read of the leading pod's log, and of each bad pod's.
    pub(super) tail: (u32, u32),
    pub(super) now: Secs,
    /// Seconds of silence that are nothing special.
    pub(super) stall: u32,
}

impl Listening<'_> {
    /// What the logs of a job with these pods say, and whether all of them could be read.
    pub(super) async fn to(self, pods: &[&PodRow]) -> (Vec<Said>, bool) {
        let (mut out, mut all) = (Vec::new(), true);
        for (nth, Teller { pod, previous, .. }) in telling(pods).into_iter().enumerate() {
            let tail = if nth == 0 { self.tail.0 } else { self.tail.1 };
            match scan(self.session, self.rules, pod, tail, previous).await {
                Ok(scan) => out.extend(self.said(pod, tail, previous, scan)),
                Err(why) => {
                    all = false;
                    print::complain(&format!("note: the log of {} could not be read: {why}", pod.name));
                }
            }
        }
        (out, all)
    }

    fn said(self, pod: &PodRow, tail: u32, previous: bool, scan: Scan) -> Option<Said> {
        let main = fleet::main_container(pod)?;
        let goes_on = matches!(main.state, Some(ContainerState::Running(_)));
        let waited = goes_on && scan.patience(self.stall).is_some_and(|until| until <= self.now);
        let (container, whole) = (main.name.clone(), scan.lines() < tail);
        let quiet = scan.quiet().filter(|_| waited);
        Some(Said { pod: pod.name.clone(), container, previous, whole, quiet, scan })
    }
}

/// What the rules find in the last lines of one log.
pub(super) async fn scan(
    session: &Session,
    rules: &Rules,
    pod: &PodRow,
    tail: u32,
    previous: bool,
) -> Result<Scan, String> {
    let namespace = Name::new(pod.namespace.as_str()).ok_or("its namespace has no name")?;
    let container = fleet::main_container(pod);
    let what = LogOf {
        namespace,
        pod: pod.name.clone(),
        owner: None,
        container: container.and_then(|container| Name::new(container.name.as_str())),
        previous,
        follow: false,
        tail: Some(tail),
        since: None,
    };
    let cancel = CancellationToken::new();
    let _end = cancel.clone().drop_guard();
    let mut pieces = logs::follow(session, what, &cancel);
    let (mut scan, mut number) = (Scan::default(), 0);
    loop {
        let piece = tokio::time::timeout(session.timeout(), pieces.recv()).await;
        match piece.map_err(|_| "no answer in time".to_owned())? {
            Some(LogPiece::Lines(lines)) => {
                for line in lines {
                    number += 1;
                    ruled::line(&mut scan, rules, &line.bytes, number, line.at.map(Secs::from));
                }
            }
            Some(LogPiece::Notice(notice)) if notice.kind == logs::NoticeKind::Waiting => return Ok(scan),
            Some(LogPiece::Notice(_)) => {}
            Some(LogPiece::End(Some(problem))) => return Err(problem.to_string()),
            Some(LogPiece::End(None)) | None => return Ok(scan),
        }
    }
}
