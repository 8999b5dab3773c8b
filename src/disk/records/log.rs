//! Lines of logs in a record: a few files one after the other, of which the oldest goes when there is no room.
//!
//! Owns which lines are new: a stream that is read again, after a cut or a restart of the program, begins where its
//! last line was. Text is kept as it came; it is cleaned when it is shown.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::file::{self, LineFile};
use crate::{
    disk::problem::DiskProblem,
    jobs::{Name, Sym},
};

/// Files of a record's log.
const SEGMENTS: u64 = 3;

/// One run of one container.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// The pod.
    pub pod: Name,
    /// The container.
    pub container: Sym,
    /// Which run of it: 0, and one more with each restart in place.
    pub run: u16,
}

/// One line as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogText {
    /// When the runtime took it, in nanoseconds since 1970.
    pub at: Option<i64>,
    /// Its text, escapes and all.
    pub text: String,
}

/// What was kept of one stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeptLog {
    /// Of what.
    pub stream: Stream,
    /// Its lines, oldest first.
    pub lines: Vec<LogText>,
    /// Lines that came too fast to be kept.
    pub skipped: u64,
}

#[derive(Serialize, Deserialize)]
enum LogEntry {
    /// The number stands for this stream from here on, in this file.
    #[serde(rename = "s")]
    Stream(u16, Stream),
    /// Number of the stream, nanoseconds, text.
    #[serde(rename = "l")]
    Line(u16, Option<i64>, String),
    /// Number of the stream, lines that are missing here.
    #[serde(rename = "skipped")]
    Skipped(u16, u64),
}

/// How far a stream has been kept.
#[derive(Clone, Copy, Debug, Default)]
struct Reached {
    at: i64,
    /// Lines with just that stamp.
    lines: u32,
    /// Those of them that the present reading has passed.
    passed: u32,
    /// The present reading is beyond it.
    beyond: bool,
}

/// Adds lines to a record.
#[derive(Debug)]
pub(super) struct LogWriter {
    dir: PathBuf,
    file: LineFile,
    number: u64,
    most: u64,
    numbers: HashMap<Stream, u16>,
    reached: HashMap<Stream, Reached>,
}

impl LogWriter {
    /// Opens the log of a record, of at most `most` bytes.
    pub(super) fn open(dir: &Path, most: u64) -> Result<Self, DiskProblem> {
        let number = segments(dir).last().copied().unwrap_or(0);
        let mut reached: HashMap<Stream, Reached> = HashMap::new();
        for kept in read(dir, most)? {
            let at = kept.lines.iter().filter_map(|line| line.at).max();
            let lines = kept.lines.iter().filter(|line| line.at == at).count() as u32;
            reached.extend(at.map(|at| (kept.stream, Reached { at, lines, passed: 0, beyond: false })));
        }
        let file = LineFile::open(&path(dir, number))?;
        Ok(Self { dir: dir.to_owned(), file, number, most, numbers: HashMap::new(), reached })
    }

    /// The stream is read anew, from anywhere: what is kept already will be passed over.
    pub(super) fn begin(&mut self, stream: &Stream) {
        if let Some(reached) = self.reached.get_mut(stream) {
            (reached.passed, reached.beyond) = (0, false);
        }
    }

    /// The stamp of the last line kept of a stream.
    pub(super) fn last(&self, stream: &Stream) -> Option<i64> {
        self.reached.get(stream).map(|reached| reached.at)
    }

    /// Adds those of the lines that are new, in one write; how many those were.
    pub(super) fn add(&mut self, stream: &Stream, lines: &[LogText], skipped: u64) -> Result<usize, DiskProblem> {
        let before = self.reached.get(stream).copied();
        let new: Vec<&LogText> = lines.iter().filter(|line| self.is_new(stream, line)).collect();
        if new.is_empty() && skipped == 0 {
            return Ok(0);
        }
        let written = self.write(stream, &new, skipped);
        if written.is_err() {
            match before {
                Some(before) => self.reached.insert(stream.clone(), before),
                None => self.reached.remove(stream),
            };
        }
        written.map(|()| new.len())
    }

    fn write(&mut self, stream: &Stream, lines: &[&LogText], skipped: u64) -> Result<(), DiskProblem> {
        if self.file.len() >= self.most / SEGMENTS {
            self.turn_over()?;
        }
        let mut out = Vec::new();
        let fresh = self.numbers.len() as u16;
        let number = self.numbers.get(stream).copied().unwrap_or(fresh);
        if number == fresh {
            push(&mut out, &LogEntry::Stream(number, stream.clone()));
        }
        if skipped > 0 {
            push(&mut out, &LogEntry::Skipped(number, skipped));
        }
        for line in lines {
            push(&mut out, &LogEntry::Line(number, line.at, line.text.clone()));
        }
        self.file.append(&out)?;
        self.numbers.insert(stream.clone(), number);
        Ok(())
    }

    fn is_new(&mut self, stream: &Stream, line: &LogText) -> bool {
        // Without a stamp there is nothing to tell it by.
        let Some(at) = line.at else { return true };
        let first = Reached { at: i64::MIN, ..Reached::default() };
        let reached = self.reached.entry(stream.clone()).or_insert(first);
        if !reached.beyond {
            if at < reached.at {
                return false;
            }
            if at == reached.at && reached.passed < reached.lines {
                reached.passed += 1;
                return false;
            }
            reached.beyond = true;
        }
        let lines = if at == reached.at { reached.lines + 1 } else { 1 };
        *reached = Reached { at, lines, passed: 0, beyond: true };
        true
    }

    fn turn_over(&mut self) -> Result<(), DiskProblem> {
        self.number += 1;
        self.file = LineFile::open(&path(&self.dir, self.number))?;
        self.numbers.clear();
        let numbers = segments(&self.dir);
        let over = numbers.len().saturating_sub(SEGMENTS as usize);
        for old in &numbers[..over] {
            // If it stays, the next turn takes it.
            let _ = fs::remove_file(path(&self.dir, *old));
        }
        Ok(())
    }

    pub(super) fn sync(&self) {
        self.file.sync();
    }
}

fn push(out: &mut Vec<u8>, entry: &LogEntry) {
    // Numbers and text can't fail to be written into memory.
    if serde_json::to_writer(&mut *out, entry).is_ok() {
        out.push(b'\n');
    }
}

fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("log-{number}.jsonl"))
}

/// Numbers of the files that are there, oldest first.
fn segments(dir: &Path) -> Vec<u64> {
    let names = fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let number = |name: &str| name.strip_prefix("log-")?.strip_suffix(".jsonl")?.parse().ok();
    let mut numbers: Vec<u64> = names.filter_map(|entry| number(&entry.file_name().to_string_lossy())).collect();
    numbers.sort_unstable();
    numbers
}

/// All that was kept of the logs, stream by stream in order of their first lines.
pub(super) fn read(dir: &Path, most: u64) -> Result<Vec<KeptLog>, DiskProblem> {
    let mut all: Vec<KeptLog> = Vec::new();
    for number in segments(dir) {
        let bytes = file::read(&path(dir, number), most)?;
        let mut streams: HashMap<u16, usize> = HashMap::new();
        for line in file::lines(&bytes) {
            match serde_json::from_slice(line) {
                Ok(LogEntry::Stream(number, stream)) => {
                    let at = all.iter().position(|kept| kept.stream == stream).unwrap_or_else(|| {
                        all.push(KeptLog { stream, ..KeptLog::default() });
                        all.len() - 1
                    });
                    streams.insert(number, at);
                }
                Ok(LogEntry::Line(number, at, text)) => {
                    if let Some(kept) = streams.get(&number).and_then(|at| all.get_mut(*at)) {
                        kept.lines.push(LogText { at, text });
                    }
                }
                Ok(LogEntry::Skipped(number, lines)) => {
                    if let Some(kept) = streams.get(&number).and_then(|at| all.get_mut(*at)) {
                        kept.skipped = kept.skipped.saturating_add(lines);
                    }
                }
                Err(_) => {}
            }
        }
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stream(pod: &str) -> Stream {
        Stream { pod: Name::lossy(pod), container: Sym::new("main"), run: 0 }
    }

    fn line(at: i64, text: &str) -> LogText {
        LogText { at: Some(at), text: text.to_owned() }
    }

    fn texts(dir: &Path, of: &Stream) -> Vec<String> {
        let kept = read(dir, 1 << 30).expect("read").into_iter().find(|kept| kept.stream == *of);
        kept.map_or_else(Vec::new, |kept| kept.lines.into_iter().map(|line| line.text).collect())
    }

    proptest! {
        #[test]
        fn a_log_read_again_from_anywhere_is_kept_once(
            steps in proptest::collection::vec(0i64..3, 1..40), reads in proptest::collection::vec((0usize..40, 0usize..40, any::<bool>()), 1..8),
        ) {
            let dir = tempfile::tempdir().expect("a directory");
            let mut at = 0;
            let all: Vec<_> = steps.iter().enumerate().map(|(i, step)| { at += step; line(at, &format!("line {i}")) }).collect();
            let of = stream("a");
            let mut writer = LogWriter::open(dir.path(), 1 << 20).expect("opened");
            let mut reached = 0;
            for (from, len, reopen) in reads {
                if reopen {
                    writer = LogWriter::open(dir.path(), 1 << 20).expect("opened again");
                }
                // A reading begins at the first line of a stamp, not after what is not read yet.
                let from = from.min(reached).min(all.len() - 1);
                let from = all.iter().position(|other| other.at == all[from].at).unwrap_or(0);
                let end = (from + len).min(all.len());
                writer.begin(&of);
                for part in all[from..end].chunks(3) {
                    writer.add(&of, part, 0).expect("added");
                }
                reached = reached.max(end);
            }
            let want: Vec<_> = all[..reached].iter().map(|line| line.text.clone()).collect();
            prop_assert_eq!(texts(dir.path(), &of), want);
        }
    }

    #[test]
    fn the_newest_lines_stay_within_the_bound() {
        let dir = tempfile::tempdir().expect("a directory");
        let (of, most) = (stream("a"), 30_000);
        let mut writer = LogWriter::open(dir.path(), most).expect("opened");
        for i in 0..5_000 {
            writer.add(&of, &[line(i, &format!("line {i} \u{1b}[31mred"))], 0).expect("added");
        }
        let size: u64 = segments(dir.path()).iter().map(|n| file::size(&path(dir.path(), *n))).sum();
        assert!(size <= most + 200, "{size}");
        let kept = texts(dir.path(), &of);
        assert_eq!(kept.last().map(String::as_str), Some("line 4999 \u{1b}[31mred"));
        assert!(kept.len() > 300, "{}", kept.len());
    }

    #[test]
    fn streams_are_kept_apart_and_rubbish_between_them_is_passed_over() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut writer = LogWriter::open(dir.path(), 1 << 20).expect("opened");
        writer.add(&stream("a"), &[line(1, "one")], 0).expect("added");
        writer.add(&stream("b"), &[line(1, "other")], 7).expect("added");
        let file = path(dir.path(), 0);
        let text = fs::read_to_string(&file).expect("read") + "{not json\n{\"l\":[9,1,\"of nobody\"]}\n";
        fs::write(&file, text + "{\"l\":[0,2,\"two\"]}\n{\"l\":[0,3,\"tor").expect("written");
        assert_eq!(
            (texts(dir.path(), &stream("a")), texts(dir.path(), &stream("b"))),
            (vec!["one".to_owned(), "two".into()], vec!["other".to_owned()])
        );
        let kept = read(dir.path(), 1 << 20).expect("read");
        assert_eq!(kept.iter().map(|kept| kept.skipped).collect::<Vec<_>>(), [0, 7]);
    }
}
