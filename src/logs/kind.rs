//! What kind of line it is: a warning, an error, a part of a traceback or of a launcher's banner.
//!
//! Owns what is highlighted and what can be folded. A hint for the eye only: causes are decided in `jobs/causes`.

use std::{collections::HashMap, sync::LazyLock};

use regex::bytes::Regex;

use super::line::{LineKind, SourceId};

/// Bytes of a line that are looked at for its level.
const LOOK: usize = 240;
/// Lines after which a traceback or a banner is over, whatever they say.
const LONGEST: u32 = 200;
/// Writers that are in the middle of something, at once.
const MOST_OPEN: usize = 10_000;

/// Words that tell the level of a line; the first one counts.
static LEVELS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let words =
        "(?-u)NCCL WARN|FATAL|CRITICAL|ERROR|Error:|Exception:|error:|Segmentation fault|WARN|Warning:|warning:";
    Regex::new(words).ok()
});

#[derive(Clone, Copy)]
enum Open {
    Trace(u32),
    /// A banner, of which no text came yet.
    Rule(u32),
    Banner(u32),
}

/// Tells kinds of lines apart, each writer's on its own.
#[derive(Default)]
pub struct Kinds {
    open: HashMap<(SourceId, Option<u32>), Open>,
}

impl Kinds {
    /// The kind of the next line of a writer; `body` is its text without the tag.
    pub fn of(&mut self, source: SourceId, rank: Option<u32>, body: &str) -> LineKind {
        let key = (source, rank);
        match (self.open.get(&key).copied(), is_rule(body)) {
            (Some(Open::Trace(n)), _) if n < LONGEST => {
                // It ends with the first line that is not indented: the exception.
                if body.starts_with(' ') || body.is_empty() {
                    self.open.insert(key, Open::Trace(n + 1));
                    return LineKind::Trace;
                }
                self.open.remove(&key);
                LineKind::Error
            }
            (Some(Open::Rule(_) | Open::Banner(_)), true) => {
                self.open.remove(&key);
                LineKind::Banner
            }
            (Some(Open::Rule(n)), false) if n < LONGEST => {
                let said = !body.trim().is_empty();
                self.open.insert(key, if said { Open::Banner(n + 1) } else { Open::Rule(n + 1) });
                if said { LineKind::Warn } else { LineKind::Banner }
            }
            (Some(Open::Banner(n)), false) if n < LONGEST => {
                self.open.insert(key, Open::Banner(n + 1));
                LineKind::Banner
            }
            (_, true) => self.begin(key, Open::Rule(0), LineKind::Banner),
            _ if body.starts_with("Traceback (most recent call last)") => {
                self.begin(key, Open::Trace(0), LineKind::Trace)
            }
            (open, false) => {
                if open.is_some() {
                    self.open.remove(&key);
                }
                level(body)
            }
        }
    }

    fn begin(&mut self, key: (SourceId, Option<u32>), open: Open, kind: LineKind) -> LineKind {
        if self.open.len() < MOST_OPEN {
            self.open.insert(key, open);
        }
        kind
    }
}

/// The line of dashes before and after what mpirun has to say.
fn is_rule(body: &str) -> bool {
    let body = body.trim_end().as_bytes();
    body.len() >= 40 && body.iter().all(|b| *b == b'-')
}

fn level(body: &str) -> LineKind {
    let bytes = body.as_bytes();
    let found = LEVELS.as_ref().and_then(|levels| levels.find(&bytes[..bytes.len().min(LOOK)]));
    match found.map(|found| found.as_bytes()) {
        None => LineKind::Text,
        Some(b"NCCL WARN") => LineKind::Nccl,
        Some(b"WARN" | b"Warning:" | b"warning:") => LineKind::Warn,
        Some(_) => LineKind::Error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(lines: &[(u32, &str)]) -> Vec<LineKind> {
        let mut kinds = Kinds::default();
        lines.iter().map(|(rank, line)| kinds.of(SourceId(0), Some(*rank), line)).collect()
    }

    #[test]
    fn a_traceback_folds_to_its_exception_though_another_rank_writes_between() {
        use LineKind::{Error, Text, Trace};
        let lines = [
            (0, "Traceback (most recent call last):"),
            (1, "step 7"),
            (0, "  File \"train.py\", line 3, in <module>"),
            (0, "    main()"),
            (0, "RuntimeError: CUDA out of memory."),
            (0, "done"),
        ];
        assert_eq!(kinds(&lines), [Trace, Text, Trace, Trace, Error, Text]);
    }

    #[test]
    fn a_banner_folds_to_its_first_sentence() {
        use LineKind::{Banner, Text, Warn};
        let rule = "-".repeat(74);
        let lines = [
            (0, rule.as_str()),
            (0, "mpirun noticed that process rank 3"),
            (0, "on signal 9."),
            (0, rule.as_str()),
            (0, "x"),
        ];
        assert_eq!(kinds(&lines), [Banner, Warn, Banner, Banner, Text]);
    }

    #[test]
    fn levels_are_told_by_the_first_word_that_says_one() {
        for (line, kind) in [
            ("2026-11-22 [WARNING] slow", LineKind::Warn),
            ("[ERROR] no", LineKind::Error),
            ("ValueError: x", LineKind::Error),
            ("h:1:2 [0] NCCL WARN Call failed", LineKind::Nccl),
            ("h:1:2 [0] NCCL INFO fine", LineKind::Text),
            ("terror and forewarned", LineKind::Text),
        ] {
            assert_eq!(kinds(&[(0, line)]), [kind], "{line}");
        }
    }
}
