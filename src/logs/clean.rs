//! From the bytes a container wrote to lines that are safe to show.
//!
//! Owns the cutting into lines and what happens to escapes: colours and weight are kept as spans, every other control
//! sequence goes, also one that is not ended. It is incremental (a chunk may end anywhere), bounded (a line keeps at
//! most [`LINE_CAP`] bytes) and starts afresh with each line, so that no line can spoil the next.

use std::fmt::Write as _;

use vte::{Params, Parser, Perform};

use super::line::{Line, LineSpan, Nanos, Sgr};
use crate::jobs::{Clean, text::is_unsafe};

/// Bytes of text that a line keeps.
pub const LINE_CAP: usize = 16 * 1024;
/// Raw bytes of an unfinished line that are held: enough for a full line of coloured text.
const RAW_CAP: usize = 4 * LINE_CAP;
/// Columns between tab stops.
const TAB: usize = 8;

/// Makes [`Line`]s out of chunks of bytes.
#[derive(Debug, Default)]
pub struct Cleaner {
    pending: Vec<u8>,
    /// Bytes of the pending line that were not kept.
    lost: usize,
    stamped: bool,
}

impl Cleaner {
    /// For a stream whose lines begin with a time, if `stamped`.
    pub fn new(stamped: bool) -> Self {
        Self { stamped, ..Self::default() }
    }

    /// Takes a chunk and gives `out` each line that it completes.
    pub fn feed(&mut self, mut chunk: &[u8], mut out: impl FnMut(Line)) {
        while let Some(end) = chunk.iter().position(|&b| b == b'\n') {
            if self.pending.is_empty() && self.lost == 0 && end <= RAW_CAP {
                out(clean_line(&chunk[..end], 0, self.stamped));
            } else {
                self.keep(&chunk[..end]);
                out(self.take());
            }
            chunk = &chunk[end + 1..];
        }
        self.keep(chunk);
    }

    /// The last line, if the stream ended without a line end.
    pub fn finish(&mut self) -> Option<Line> {
        (!self.pending.is_empty() || self.lost > 0).then(|| self.take())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = RAW_CAP.saturating_sub(self.pending.len());
        let kept = bytes.len().min(room);
        self.pending.extend_from_slice(&bytes[..kept]);
        let rest = &bytes[kept..];
        // A progress bar may rewrite one line for hours: only what it shows now matters, not what came first.
        if let Some(cr) = rest.iter().rposition(|&b| b == b'\r').filter(|&cr| cr + 1 < rest.len()) {
            let stamp = stamp_len(&self.pending, self.stamped);
            self.pending.truncate(stamp);
            self.lost = 0;
            self.keep(&rest[cr + 1..]);
        } else {
            self.lost += rest.len();
        }
    }

    fn take(&mut self) -> Line {
        let line = clean_line(&self.pending, self.lost, self.stamped);
        self.pending.clear();
        self.lost = 0;
        line
    }
}

/// Cleans one line that was cut out and stamped by others; `cut`: more of it was not kept.
pub fn whole(bytes: &[u8], cut: bool) -> Line {
    let mut line = clean_line(bytes, 0, false);
    if cut {
        line.text = Clean::new(&format!("{} [cut: the rest is not shown]", line.text));
    }
    line
}

/// Cleans one line (without its line end), of which `lost` further bytes were not kept.
fn clean_line(bytes: &[u8], lost: usize, stamped: bool) -> Line {
    let (stamp, body) = bytes.split_at(stamp_len(bytes, stamped));
    let at = std::str::from_utf8(stamp).ok().and_then(|s| Nanos::parse(s.trim_end()));
    let body = body.strip_suffix(b"\r").unwrap_or(body);
    if lost == 0
        && body.len() <= LINE_CAP
        && body.iter().all(|&b| matches!(b, b' '..=b'~'))
        && let Ok(text) = std::str::from_utf8(body)
    {
        return Line { at, text: Clean::new(text), ..Line::default() };
    }
    let mut sink = Sink::default();
    Parser::new().advance(&mut sink, &with_seven_bit_controls(body));
    sink.into_line(at, lost)
}

/// How many bytes of a stamped line are its time and the blank after it.
fn stamp_len(bytes: &[u8], stamped: bool) -> usize {
    if !stamped {
        return 0;
    }
    let Some(blank) = bytes.iter().take(40).position(|&b| b == b' ') else { return 0 };
    let is_time =
        bytes[0].is_ascii_digit() && std::str::from_utf8(&bytes[..blank]).is_ok_and(|s| Nanos::parse(s).is_some());
    if is_time { blank + 1 } else { 0 }
}

/// U+0080..U+009F are controls in one character (U+009B begins what ESC [ begins); the parser knows the long form.
fn with_seven_bit_controls(bytes: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let is_c1 = |pair: &[u8]| pair[0] == 0xc2 && matches!(pair[1], 0x80..=0x9f);
    if !bytes.windows(2).any(is_c1) {
        return bytes.into();
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        if i + 1 < bytes.len() && is_c1(&bytes[i..i + 2]) {
            out.extend([0x1b, bytes[i + 1] - 0x40]);
            i += 2;
        } else {
            out.push(bytes[i]);
            i += 1;
        }
    }
    out.into()
}

/// What the parser's calls leave of a line.
#[derive(Default)]
struct Sink {
    text: String,
    column: usize,
    look: Sgr,
    spans: Vec<LineSpan>,
    /// A carriage return was seen: the next character begins the line anew.
    returned: bool,
    over: usize,
}

impl Sink {
    fn put(&mut self, c: char) {
        if self.returned {
            self.returned = false;
            self.text.clear();
            self.spans.clear();
            (self.column, self.over) = (0, 0);
        }
        if self.text.len() + c.len_utf8() > LINE_CAP {
            self.over += c.len_utf8();
            return;
        }
        let start = self.text.len() as u32;
        self.text.push(c);
        self.column += 1;
        if self.look.is_plain() {
            return;
        }
        let end = self.text.len() as u32;
        match self.spans.last_mut() {
            Some(last) if last.end == start && last.look == self.look => last.end = end,
            _ => self.spans.push(LineSpan { start, end, look: self.look }),
        }
    }

    fn into_line(mut self, at: Option<Nanos>, lost: usize) -> Line {
        let over = self.over + lost;
        if over > 0 {
            let _ = write!(self.text, " [cut: {over} more bytes]");
        }
        Line { at, text: Clean::new(&self.text), spans: self.spans.into_boxed_slice(), ..Line::default() }
    }
}

impl Perform for Sink {
    fn print(&mut self, c: char) {
        // DEL reaches us as a character.
        if !is_unsafe(c) {
            self.put(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\r' => self.returned = true,
            b'\t' => {
                let to = TAB - self.column % TAB;
                (0..to).for_each(|_| self.put(' '));
            }
            _ => {}
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        if action == 'm' && intermediates.is_empty() {
            self.look = after_sgr(self.look, params);
        }
    }
}

/// The look after an SGR sequence. Colours of the 256 and of the RGB palette become their nearest of the 16.
fn after_sgr(mut look: Sgr, params: &Params) -> Sgr {
    let mut groups = params.iter();
    if params.is_empty() {
        return Sgr::default();
    }
    while let Some(group) = groups.next() {
        match *group.first().unwrap_or(&0) {
            0 => look = Sgr::default(),
            1 => look.bold = true,
            22 => look.bold = false,
            4 => look.underline = group.get(1) != Some(&0),
            24 => look.underline = false,
            39 => look.fg = None,
            n @ 30..=37 => look.fg = Some((n - 30) as u8),
            n @ 90..=97 => look.fg = Some((n - 90 + 8) as u8),
            n @ (38 | 48 | 58) => {
                // Written 38:5:n in one group, or 38;5;n in several.
                let colour = if group.len() > 1 {
                    colour_of(group.get(1..).unwrap_or_default())
                } else {
                    next_colour(&mut groups)
                };
                if n == 38 {
                    look.fg = colour;
                }
            }
            _ => {}
        }
    }
    look
}

fn next_colour<'a>(groups: &mut impl Iterator<Item = &'a [u16]>) -> Option<u8> {
    let mut next = || groups.next().and_then(|g| g.first().copied());
    match next()? {
        5 => colour_of(&[5, next()?]),
        2 => colour_of(&[2, next()?, next()?, next()?]),
        _ => None,
    }
}

fn colour_of(words: &[u16]) -> Option<u8> {
    match *words {
        [5, n] => Some(of_256(u8::try_from(n).ok()?)),
        [2, .., r, g, b] => Some(of_rgb([r, g, b])),
        _ => None,
    }
}

fn of_256(n: u8) -> u8 {
    match n {
        0..=15 => n,
        16..=231 => {
            let n = u16::from(n - 16);
            let level = |v: u16| if v == 0 { 0 } else { 55 + 40 * v };
            of_rgb([level(n / 36), level(n / 6 % 6), level(n % 6)])
        }
        232..=255 => of_rgb([8 + 10 * u16::from(n - 232); 3]),
    }
}

fn of_rgb(rgb: [u16; 3]) -> u8 {
    let brightest = rgb.into_iter().max().unwrap_or(0).min(255);
    if brightest < 48 {
        return 0;
    }
    let bit = |v: u16| u8::from(v.min(255) * 2 > brightest);
    let hue = bit(rgb[0]) | bit(rgb[1]) << 1 | bit(rgb[2]) << 2;
    match (hue, brightest) {
        (7, ..=135) => 8,
        (_, ..=200) => hue,
        _ => hue + 8,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(bytes: &[u8]) -> Vec<String> {
        let (mut cleaner, mut out) = (Cleaner::new(false), Vec::new());
        cleaner.feed(bytes, |line| out.push(line));
        out.extend(cleaner.finish());
        out.into_iter().map(|line| line.text.as_str().to_owned()).collect()
    }

    #[test]
    fn drops_everything_that_drives_a_terminal() {
        for (from, to) in [
            ("a\x1b[31mb\x1b[0mc", "abc"),
            ("a\x1b]0;title\x07b", "ab"),
            ("a\x1b]52;c;aGk=\x1b\\b", "ab"),
            ("a\u{9b}31mb\u{9d}0;t\u{9c}c", "abc"),
            ("a\x1bP+q544e\x1b\\b\x1b_apc\x1b\\c\x1b^pm\x1b\\d", "abcd"),
            ("open \x1b]0;never ended", "open "),
            ("a\u{202e}b\u{200b}c\u{feff}\x7fd", "abcd"),
            ("a\x1b[2J\x1b[1;1Hb\x08c", "abc"),
        ] {
            assert_eq!(lines(from.as_bytes()), [to], "{from:?}");
        }
    }

    #[test]
    fn an_open_escape_does_not_eat_the_next_line() {
        assert_eq!(lines(b"x\x1b]0;evil\nplain\n\x1b[31\nm\n"), ["x", "plain", "", "m"]);
    }

    #[test]
    fn a_progress_bar_shows_its_last_state_and_tabs_go_to_stops() {
        assert_eq!(lines(b"10%\r50%\r100%\r\nab\tc\n"), ["100%", "ab      c"]);
    }

    #[test]
    fn bad_utf8_is_marked_and_split_characters_are_whole() {
        assert_eq!(lines(b"a\xffb\n"), ["a\u{fffd}b"]);
        let (mut cleaner, mut out) = (Cleaner::new(false), Vec::new());
        for byte in "日本\x1b[1m語\n".bytes() {
            cleaner.feed(&[byte], |line| out.push(line));
        }
        assert_eq!(out[0].text.as_str(), "日本語");
        assert_eq!(&*out[0].spans, [LineSpan { start: 6, end: 9, look: Sgr { bold: true, ..Sgr::default() } }]);
    }

    #[test]
    fn a_line_is_cut_with_a_word_about_it() {
        let long = vec![b'x'; LINE_CAP + 10];
        let all = lines(&long);
        assert!(all[0].ends_with("x [cut: 10 more bytes]"), "{}", &all[0][LINE_CAP - 3..]);
        let huge = [vec![b'y'; 10 * RAW_CAP], b"\nnext\n".to_vec()].concat();
        assert_eq!(lines(&huge)[1], "next");
        let bar = [b"50%\r".repeat(100_000), b"100%\n".to_vec()].concat();
        assert_eq!(lines(&bar), ["100%"]);
    }

    #[test]
    fn colours_become_the_sixteen() {
        let look = |text: &str| {
            let mut out = Vec::new();
            Cleaner::new(false).feed(format!("{text}x\n").as_bytes(), |line| out.push(line));
            out[0].spans.first().map(|s| s.look)
        };
        let fg = |n| Some(Sgr { fg: Some(n), ..Sgr::default() });
        assert_eq!(look("\x1b[31m"), fg(1));
        assert_eq!(look("\x1b[94m"), fg(12));
        assert_eq!(look("\x1b[38;5;196m"), fg(9));
        assert_eq!(look("\x1b[38:2::0:128:0m"), fg(2));
        assert_eq!(look("\x1b[38;2;0;128;0;1m"), Some(Sgr { fg: Some(2), bold: true, underline: false }));
        assert_eq!(look("\x1b[31;7;5;8m\x1b[m"), None, "reset, and no reverse, blink or conceal");
    }

    #[test]
    fn a_stamp_becomes_the_time_of_the_line() {
        let (mut cleaner, mut out) = (Cleaner::new(true), Vec::new());
        cleaner.feed(b"2026-11-22T02:03:04.5Z hello\nno stamp\n", |line| out.push(line));
        assert_eq!((out[0].at, out[0].text.as_str()), (Nanos::parse("2026-11-22T02:03:04.5Z"), "hello"));
        assert_eq!((out[1].at, out[1].text.as_str()), (None, "no stamp"));
    }

    proptest! {
        #[test]
        fn no_bytes_ever_make_a_line_that_drives_a_terminal(
            bytes in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0x1b), Just(b'['), Just(b']'), Just(0xc2), Just(b'\n'), Just(b'\r'), Just(b'm'), Just(b'3')], 0..300),
            cut in 1usize..40,
        ) {
            let mut out = Vec::new();
            let mut cleaner = Cleaner::new(false);
            for chunk in bytes.chunks(cut) {
                cleaner.feed(chunk, |line| out.push(line));
            }
            out.extend(cleaner.finish());
            let whole = lines(&bytes);
            prop_assert_eq!(out.len(), whole.len());
            for (line, whole) in out.iter().zip(whole) {
                prop_assert_eq!(line.text.as_str(), whole);
                prop_assert!(!line.text.as_str().chars().any(is_unsafe));
                for span in &line.spans {
                    prop_assert!(line.text.as_str().get(span.start as usize..span.end as usize).is_some());
                }
            }
        }
    }
}
