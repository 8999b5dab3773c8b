//! A line of a log: its time, its text without anything that drives a terminal, and the colours it asked for.
//!
//! Owns the shape of a line. Must not parse escapes: see [`super::clean`].

use std::fmt;

use super::tag::Stream;
use crate::jobs::{Clean, Secs};

/// A moment in nanoseconds since 1970, as the kubelet stamps lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Nanos(pub i64);

impl Nanos {
    /// Reads RFC 3339 with a fraction, as log lines begin with under `timestamps=true`.
    pub fn parse(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        i64::try_from(at.as_nanosecond()).ok().map(Self)
    }

    /// The same moment in whole seconds.
    pub fn secs(self) -> Secs {
        Secs(u32::try_from(self.0 / 1_000_000_000).unwrap_or(0))
    }
}

/// `2026-11-22T02:03:04.567Z`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_nanosecond(i128::from(self.0)) {
            Ok(at) => f.pad(&at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()),
            Err(_) => f.pad("?"),
        }
    }
}

/// Which colours and weight a stretch of a line asked for. Reverse, blink and conceal are never kept: they would
/// imitate a selection or hide text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sgr {
    /// One of the 16 colours, if one was set.
    pub fg: Option<u8>,
    /// Bold.
    pub bold: bool,
    /// Underlined.
    pub underline: bool,
}

impl Sgr {
    /// Whether it asks for nothing.
    pub fn is_plain(self) -> bool {
        self == Self::default()
    }
}

/// A stretch of a line with one look. Text between stretches is plain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineSpan {
    /// First byte.
    pub start: u32,
    /// The byte after its last.
    pub end: u32,
    /// Its look.
    pub look: Sgr,
}

/// Which stream of a job a line came from: a number that its owner gives out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(pub u16);

/// The kind of a line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LineKind {
    /// Any line.
    #[default]
    Text,
    /// Warns.
    Warn,
    /// Says that something failed; also the last line of a traceback.
    Error,
    /// A warning of NCCL.
    Nccl,
    /// A part of a traceback that can be folded.
    Trace,
    /// A part of a launcher's banner that can be folded.
    Banner,
    /// Ours, not the container's: what happened to the stream.
    Notice,
}

impl LineKind {
    /// Whether it is left out while lines are folded.
    pub const fn folds(self) -> bool {
        matches!(self, Self::Trace | Self::Banner)
    }

    /// Whether it should be seen by whoever looks for trouble only.
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Warn | Self::Error | Self::Nccl | Self::Notice)
    }
}

/// One line of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// When the kubelet read it, if it was asked.
    pub at: Option<Nanos>,
    /// Its text, tag included.
    pub text: Clean,
    /// Stretches that are not plain, in order, not overlapping.
    pub spans: Box<[LineSpan]>,
    /// Where it came from.
    pub source: SourceId,
    /// The rank that wrote it, if that is known.
    pub rank: Option<u32>,
    /// What the rank wrote it to, if that is known.
    pub stream: Option<Stream>,
    /// What kind of line it is.
    pub kind: LineKind,
    /// Bytes of `text` that are its tag.
    pub tag: u16,
}

/// A line that somebody else keeps.
#[derive(Clone, Copy, Debug, PartialEq)]
#[expect(missing_docs, reason = "as in Line")]
pub struct LineRef<'a> {
    pub at: Option<Nanos>,
    pub text: &'a str,
    pub spans: &'a [LineSpan],
    pub source: SourceId,
    pub rank: Option<u32>,
    pub stream: Option<Stream>,
    pub kind: LineKind,
    pub tag: u16,
}

impl Line {
    /// A plain line without a time.
    pub fn plain(text: &str) -> Self {
        Self { text: Clean::new(text), ..Self::default() }
    }

    /// The line, kept by its owner.
    pub fn by_ref(&self) -> LineRef<'_> {
        LineRef {
            at: self.at,
            text: self.text.as_str(),
            spans: &self.spans,
            source: self.source,
            rank: self.rank,
            stream: self.stream,
            kind: self.kind,
            tag: self.tag,
        }
    }
}

impl<'a> LineRef<'a> {
    /// A line of one's own.
    pub fn to_line(self) -> Line {
        Line {
            at: self.at,
            text: Clean::new(self.text),
            spans: self.spans.into(),
            source: self.source,
            rank: self.rank,
            stream: self.stream,
            kind: self.kind,
            tag: self.tag,
        }
    }

    /// Its text without the tag.
    pub fn body(self) -> &'a str {
        self.text.get(usize::from(self.tag)..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_to_the_nanosecond_and_written_to_the_millisecond() {
        let at = Nanos::parse("2026-11-22T02:03:04.567890123Z").expect("a time");
        assert_eq!(at.0 % 1_000_000_000, 567_890_123);
        assert_eq!(at.to_string(), "2026-11-22T02:03:04.567Z");
        assert_eq!(Nanos::parse("epoch"), None);
    }
}
