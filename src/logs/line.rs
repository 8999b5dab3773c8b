//! A line of a log: its time, its text without anything that drives a terminal, and the colours it asked for.
//!
//! Owns the shape of a line and what it costs in memory. Must not parse escapes: see [`super::clean`].

use std::fmt;

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

/// One line of a log.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Line {
    /// When the kubelet read it, if it was asked.
    pub at: Option<Nanos>,
    /// Its text.
    pub text: Clean,
    /// Stretches that are not plain, in order, not overlapping.
    pub spans: Box<[LineSpan]>,
}

impl Line {
    /// A plain line without a time.
    pub fn plain(text: &str) -> Self {
        Self { at: None, text: Clean::new(text), spans: Box::default() }
    }

    /// What keeping it costs, about: its own size and what it has on the heap.
    pub fn cost(&self) -> usize {
        let text = self.text.as_str().len();
        let heap = if text > 24 { text } else { 0 };
        size_of::<Self>() + heap + self.spans.len() * size_of::<LineSpan>()
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
