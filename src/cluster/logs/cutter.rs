//! From chunks of a body to lines, with the time that the server puts before each.
//!
//! Owns the limit of a line. Must not know what a line says.

use bytes::Bytes;
use jiff::Timestamp;

use super::LogLine;

/// Longest line that is delivered whole.
pub const MOST_LINE: usize = 16 * 1024;
/// A timestamp of nanoseconds and its blank, before the line itself.
const STAMP: usize = 40;

/// Cuts bytes into lines, and lines that are too long off.
#[derive(Default)]
pub(super) struct Cutter {
    pending: Vec<u8>,
    /// The end of the present line is being left out.
    skipping: bool,
}

impl Cutter {
    /// The lines that this chunk completes. They share its memory.
    pub(super) fn push(&mut self, data: &Bytes) -> Vec<LogLine> {
        let (mut out, mut at) = (Vec::new(), 0);
        while let Some(len) = memchr(&data[at..]) {
            if self.pending.is_empty() && len <= MOST_LINE {
                out.extend((len > 0).then(|| line(&data.slice(at..at + len), false)));
            } else {
                self.keep(&data[at..at + len]);
                out.extend(self.finish());
            }
            self.skipping = false;
            at += len + 1;
        }
        self.keep(&data[at..]);
        out
    }

    fn keep(&mut self, part: &[u8]) {
        let room = (MOST_LINE + STAMP).saturating_sub(self.pending.len());
        self.skipping |= part.len() > room;
        self.pending.extend_from_slice(&part[..part.len().min(room)]);
    }

    /// The line that is pending, if there is one.
    pub(super) fn finish(&mut self) -> Option<LogLine> {
        let pending = std::mem::take(&mut self.pending);
        (!pending.is_empty()).then(|| line(&Bytes::from(pending), self.skipping))
    }
}

fn memchr(data: &[u8]) -> Option<usize> {
    data.iter().position(|b| *b == b'\n')
}

fn line(whole: &Bytes, cut: bool) -> LogLine {
    let (at, start) = stamp(whole);
    let mut bytes = whole.slice(start..);
    let cut = cut || bytes.len() > MOST_LINE;
    bytes.truncate(MOST_LINE);
    if bytes.last() == Some(&b'\r') {
        bytes.truncate(bytes.len() - 1);
    }
    LogLine { at, bytes, cut }
}

/// The timestamp that the server puts before a line, and where the line begins.
fn stamp(line: &[u8]) -> (Option<Timestamp>, usize) {
    let end = line.iter().take(STAMP).position(|b| *b == b' ').unwrap_or(line.len().min(STAMP));
    let at = line.first().filter(|b| b.is_ascii_digit());
    let at = at.and_then(|_| std::str::from_utf8(&line[..end]).ok()).and_then(|text| text.parse().ok());
    match at {
        Some(at) => (Some(at), (end + 1).min(line.len())),
        None => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_at_their_limit_wherever_the_stream_is() {
        let mut data = b"2026-11-20T08:00:00.000000001Z ".to_vec();
        data.extend(std::iter::repeat_n(b'x', 3 * MOST_LINE));
        data.extend_from_slice(b"\n2026-11-20T08:00:01Z next\n");
        for step in [1, 7, 1000, data.len()] {
            let mut cutter = Cutter::default();
            let chunks = data.chunks(step).map(Bytes::copy_from_slice);
            let lines: Vec<_> = chunks.flat_map(|chunk| cutter.push(&chunk)).collect();
            let shape: Vec<_> = lines.iter().map(|l| (l.bytes.len(), l.cut, l.at.is_some())).collect();
            assert_eq!(shape, [(MOST_LINE, true, true), (4, false, true)], "in steps of {step}");
        }
    }
}
