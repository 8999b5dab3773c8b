//! Cuts a stream of bytes into lines without copying those that are whole.

use bytes::{Bytes, BytesMut};

/// No object is larger than etcd's 1.5 MB several times over; a longer line is no watch.
const LONGEST: usize = 64 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Lines {
    pending: BytesMut,
    /// How much of `pending` is known to hold no line end.
    scanned: usize,
}

/// A line longer than any should be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLong;

impl Lines {
    pub(super) fn push(&mut self, data: &[u8]) -> Result<(), TooLong> {
        if self.pending.len() + data.len() > LONGEST {
            return Err(TooLong);
        }
        self.pending.extend_from_slice(data);
        Ok(())
    }

    /// The next whole line, without its end.
    pub(super) fn next(&mut self) -> Option<Bytes> {
        let Some(at) = self.pending[self.scanned..].iter().position(|b| *b == b'\n') else {
            self.scanned = self.pending.len();
            return None;
        };
        let mut line = self.pending.split_to(self.scanned + at + 1);
        self.scanned = 0;
        line.truncate(line.len() - 1);
        Some(line.freeze())
    }

    /// What came after the last line end, taken out.
    pub(super) fn rest(&mut self) -> Bytes {
        self.scanned = 0;
        self.pending.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_wherever_the_stream_is_cut() {
        let text = b"one\n\nthree is longer\nfour";
        for cut in 0..text.len() {
            let (mut lines, mut got) = (Lines::default(), Vec::new());
            for part in [&text[..cut], &text[cut..]] {
                lines.push(part).expect("short");
                while let Some(line) = lines.next() {
                    got.push(line);
                }
            }
            assert_eq!(got, ["one", "", "three is longer"].map(Bytes::from));
            assert_eq!(lines.rest(), "four");
        }
    }
}
