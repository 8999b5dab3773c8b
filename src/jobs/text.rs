//! Text from outside, made safe where it enters.
//!
//! Owns the types that say what a text may be used for: [`Clean`] and [`Sym`] may be shown, [`Raw`] may go back to
//! a server or a file, [`Name`] and [`Uid`] may do both because of what they are made of. Must not know a terminal.

use std::{
    borrow::{Borrow, Cow},
    fmt,
    sync::{Arc, LazyLock},
};

use compact_str::CompactString;

/// Text that can be shown: no control characters, no bidirectional or zero-width marks, one line.
///
/// Made by [`Clean::new`] from anything; there is no other way to make one.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Clean(CompactString);

impl Clean {
    /// Cleans `text`: tabs and line ends become a blank, other control and invisible characters `?`.
    pub fn new(text: &str) -> Self {
        Self(CompactString::from(cleaned(text)))
    }

    /// The text, safe for a terminal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Short text that repeats over many rows (a namespace, a node, an image, a reason): [`Clean`], and cheap to clone.
///
/// The fleet makes equal ones share their memory.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sym(Arc<str>);

impl Sym {
    /// Cleans `text` as [`Clean::new`] does.
    pub fn new(text: &str) -> Self {
        Self(Arc::from(cleaned(text).as_ref()))
    }

    /// The text, safe for a terminal.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Sym {
    /// Whether anybody else holds the same memory.
    pub(super) fn is_shared(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }
}

/// The empty text. All of them share their memory.
impl Default for Sym {
    fn default() -> Self {
        static EMPTY: LazyLock<Arc<str>> = LazyLock::new(|| Arc::from(""));
        Self(EMPTY.clone())
    }
}

/// The name of a Kubernetes object or namespace: visible ASCII only, so it can be shown and sent back.
#[derive(Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(CompactString);

impl Name {
    /// `None` if `text` is empty or holds anything but visible ASCII (no real API server has such names).
    pub fn new(text: &str) -> Option<Self> {
        let ok = !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
        ok.then(|| Self(CompactString::from(text)))
    }

    /// For an object that must be shown though its name is not one: every other character becomes `?`.
    pub fn lossy(text: &str) -> Self {
        let shown = || Self(text.chars().map(|c| if c.is_ascii_graphic() { c } else { '?' }).collect());
        Self::new(text).unwrap_or_else(shown)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the empty default.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Text that must go back to a server or a file unchanged. It cannot be displayed: it has no `Display`, and its
/// `Debug` shows only its length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Raw(Arc<str>);

impl Raw {
    /// Keeps `text` as it is.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for a request body or a file, never for a screen.
    pub fn for_writing(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Raw({} bytes)", self.0.len())
    }
}

/// The uid of a Kubernetes object. Nearly always a UUID, kept in 16 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Uid {
    /// A canonical lower-case UUID.
    Uuid([u8; 16]),
    /// Anything else (static pods, malformed objects: then `namespace/name`).
    Other(Arc<str>),
}

impl Uid {
    /// Reads a uid as the API server writes it.
    pub fn new(text: &str) -> Self {
        uuid_bytes(text).map_or_else(|| Self::Other(Arc::from(cleaned(text).as_ref())), Self::Uuid)
    }
}

impl Default for Uid {
    fn default() -> Self {
        Self::Uuid([0; 16])
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(text) => f.write_str(text),
            Self::Uuid(bytes) => {
                for (i, byte) in bytes.iter().enumerate() {
                    if matches!(i, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

macro_rules! shown {
    ($($ty:ident),*) => {$(
        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }
        impl fmt::Debug for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }
        impl AsRef<str> for $ty {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }
        /// So that maps keyed by it can be asked with a plain text (it hashes and compares as that text does).
        impl Borrow<str> for $ty {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }
        impl PartialEq<&str> for $ty {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }
    )*};
}
shown!(Clean, Sym, Name);

/// Whether `c` moves, hides or reorders text on a terminal instead of showing something.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn cleaned(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|b| matches!(b, b' '..=b'~')) || !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' | '\n' => out.push(' '),
            '\r' => {}
            c if is_unsafe(c) => out.push('?'),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let bytes = text.as_bytes();
    if bytes.len() != 36 {
        return None;
    }
    let (mut out, mut digits) = ([0u8; 16], 0);
    for (i, &b) in bytes.iter().enumerate() {
        if matches!(i, 8 | 13 | 18 | 23) {
            if b != b'-' {
                return None;
            }
            continue;
        }
        let digit = match b {
            b'0'..=b'9' => b - b'0',
            b'a'..=b'f' => b - b'a' + 10,
            _ => return None,
        };
        out[digits / 2] |= digit << (4 * (1 - digits % 2));
        digits += 1;
    }
    Some(out)
}

/// The first of several things in a line, and how many more there are: `a, b and 3 more`.
pub fn few(most: usize, things: impl IntoIterator<Item = String>) -> String {
    let mut things = things.into_iter();
    let named: Vec<String> = things.by_ref().take(most).collect();
    match things.count() {
        0 => named.join(", "),
        more => format!("{} and {more} more", named.join(", ")),
    }
}

/// A field of CSV as RFC 4180 has it.
pub fn csv_field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_csv_stays_one_field() {
        assert_eq!(csv_field("w-0"), "w-0");
        assert_eq!(csv_field("=cmd|,\"x"), "\"=cmd|,\"\"x\"");
    }

    #[test]
    fn clean_drops_what_drives_a_terminal() {
        assert_eq!(Clean::new("a\x1b[31mb\u{9b}c\td\r\ne\u{202e}f").as_str(), "a?[31mb?c d e?f");
        assert_eq!(Clean::new("日本語 ok").as_str(), "日本語 ok");
    }

    #[test]
    fn uid_round_trips() {
        for text in ["70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed", "0123456789abcdef", "70AC6CC2-b96e-48ea-a9fc-fa4cdef2e2ed"]
        {
            assert_eq!(Uid::new(text).to_string(), text);
        }
        assert!(matches!(Uid::new("70ac6cc2-b96e-48ea-a9fc-fa4cdef2e2ed"), Uid::Uuid(_)));
    }

    #[test]
    fn a_name_is_visible_ascii() {
        assert!(Name::new("train-1.a").is_some());
        assert!(Name::new("").is_none() && Name::new("a b").is_none() && Name::new("a\x1bb").is_none());
        assert_eq!(Name::lossy("a\x1b b").as_str(), "a??b");
    }
}
