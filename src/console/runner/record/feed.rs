//! A recorded log in the place of a live one: the same pieces, from the disk.

use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::{
    cluster::{
        Problem, ProblemKind,
        logs::{LogLine, LogOf, LogPiece, Notice, NoticeKind},
    },
    disk::records::{KeptLog, LogText, Records},
    jobs::Clean,
};

/// Lines of one piece.
const PIECE: usize = 512;

/// The logs of one record.
#[derive(Clone)]
pub(in crate::console::runner) struct Feed {
    pub(in crate::console::runner) records: Records,
    pub(in crate::console::runner) dir: PathBuf,
}

impl Feed {
    /// Reads what was kept of a log, as [`crate::cluster::logs::follow`] reads a live one.
    pub(in crate::console::runner) fn read(&self, what: LogOf) -> mpsc::Receiver<LogPiece> {
        let (send, receive) = mpsc::channel(8);
        let Self { records, dir } = self.clone();
        tokio::task::spawn_blocking(move || {
            for piece in pieces(records.logs_in(&dir), &what) {
                if send.blocking_send(piece).is_err() {
                    return;
                }
            }
        });
        receive
    }
}

fn pieces(logs: Result<Vec<KeptLog>, crate::disk::DiskProblem>, what: &LogOf) -> Vec<LogPiece> {
    let refused = |why: &str| {
        let words = format!("show the recorded log of {}", what.pod);
        let hint = "Only logs of jobs that are opened or pinned, and of launchers that end, are recorded.";
        vec![LogPiece::End(Some(Problem::new(ProblemKind::NotFound, &format!("can't {words}"), why, hint)))]
    };
    let mut logs = match logs {
        Ok(logs) => logs,
        Err(problem) => return refused(&problem.to_string()),
    };
    logs.retain(|log| {
        let container = what.container.as_ref().is_none_or(|name| name.as_str() == log.stream.container.as_str());
        log.stream.pod == what.pod && container
    });
    logs.sort_by_key(|log| log.stream.run);
    let last = logs.pop();
    if !what.previous {
        logs = last.into_iter().collect();
    }
    if logs.is_empty() {
        return refused("nothing of it was recorded");
    }
    let skipped: u64 = logs.iter().map(|log| log.skipped).sum();
    let since = what.since.and_then(|at| i64::try_from(at.as_nanosecond()).ok());
    let in_time = |line: &LogText| since.is_none_or(|since| line.at.is_none_or(|at| at >= since));
    let lines: Vec<LogText> = logs.into_iter().flat_map(|log| log.lines).filter(in_time).collect();
    let from = what.tail.map_or(0, |tail| lines.len().saturating_sub(tail as usize));
    let mut out = Vec::new();
    if skipped > 0 {
        let words = Clean::new(&format!("{skipped} lines came too fast to be recorded"));
        out.push(LogPiece::Notice(Notice { kind: NoticeKind::Skipped(skipped), words }));
    }
    for part in lines[from..].chunks(PIECE) {
        out.push(LogPiece::Lines(part.iter().map(line).collect()));
    }
    out.push(LogPiece::End(None));
    out
}

fn line(kept: &LogText) -> LogLine {
    let at = kept.at.and_then(|at| jiff::Timestamp::from_nanosecond(i128::from(at)).ok());
    LogLine { at, bytes: Bytes::copy_from_slice(kept.text.as_bytes()), cut: false }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        disk::records::Stream,
        jobs::{Name, Sym},
    };

    fn kept(pod: &str, run: u16, lines: std::ops::Range<i64>) -> KeptLog {
        let stream = Stream { pod: Name::lossy(pod), container: Sym::new("main"), run };
        let lines = lines.map(|at| LogText { at: Some(at), text: format!("{pod} {at}") }).collect();
        KeptLog { stream, lines, skipped: 0 }
    }

    fn what(previous: bool, tail: Option<u32>) -> LogOf {
        let (namespace, pod) = (Name::lossy("n"), Name::lossy("a"));
        LogOf {
            namespace,
            pod,
            owner: None,
            container: Name::new("main"),
            previous,
            follow: !previous,
            tail,
            since: None,
        }
    }

    fn texts(pieces: &[LogPiece]) -> Vec<String> {
        let of = |piece: &LogPiece| match piece {
            LogPiece::Lines(lines) => lines.iter().map(|l| String::from_utf8_lossy(&l.bytes).into_owned()).collect(),
            _ => Vec::new(),
        };
        pieces.iter().flat_map(of).collect()
    }

    #[test]
    fn the_last_run_comes_or_those_before_it_in_order() {
        let logs = || Ok(vec![kept("b", 0, 0..3), kept("a", 2, 10..12), kept("a", 1, 5..6), kept("a", 0, 0..2)]);
        assert_eq!(texts(&pieces(logs(), &what(false, None))), ["a 10", "a 11"]);
        assert_eq!(texts(&pieces(logs(), &what(false, Some(1)))), ["a 11"]);
        assert_eq!(texts(&pieces(logs(), &what(true, None))), ["a 0", "a 1", "a 5"]);
        let none = pieces(Ok(vec![kept("b", 0, 0..3)]), &what(false, None));
        assert!(matches!(&none[..], [LogPiece::End(Some(_))]), "never a blank pane: {none:?}");
    }
}
