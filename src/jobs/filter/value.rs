//! Numbers, lengths of time and moments as they are written in filters, with their way back to text.

use std::fmt::{self, Write};

use super::Fault;
use crate::jobs::time::Secs;

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compare {
    Less,
    LessOrEqual,
    Equal,
    GreaterOrEqual,
    Greater,
}

impl Compare {
    /// The operator that `text` starts with, and the rest. Longest first; `:` is `=`.
    pub(super) fn take(text: &str) -> Option<(Self, &str)> {
        let table = [
            ("<=", Self::LessOrEqual),
            (">=", Self::GreaterOrEqual),
            ("<", Self::Less),
            (">", Self::Greater),
            ("=", Self::Equal),
            (":", Self::Equal),
        ];
        table.into_iter().find_map(|(sign, op)| text.strip_prefix(sign).map(|rest| (op, rest)))
    }

    pub(super) fn holds<T: Ord>(self, a: &T, b: &T) -> bool {
        match self {
            Self::Less => a < b,
            Self::LessOrEqual => a <= b,
            Self::Equal => a == b,
            Self::GreaterOrEqual => a >= b,
            Self::Greater => a > b,
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Equal => "=",
            Self::GreaterOrEqual => ">=",
            Self::Greater => ">",
        })
    }
}

const UNITS: [(char, u32); 5] = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Reads `90s`, `2h`, `1d12h`.
pub(super) fn seconds(text: &str) -> Result<u32, Fault> {
    let (mut total, mut number) = (0u64, None::<u64>);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit)));
            continue;
        }
        let unit = UNITS.iter().find(|(unit, _)| *unit == c);
        let (Some((_, unit)), Some(n)) = (unit, number.take()) else {
            return Err(Fault::wrong(format!("«{text}» is no length of time: write 90s, 30m, 2h, 1d12h or 2w")));
        };
        total = total.saturating_add(n.saturating_mul(u64::from(*unit)));
    }
    if number.is_some() {
        return Err(Fault::partial(format!("«{text}» needs a unit: s, m, h, d or w")));
    }
    u32::try_from(total).map_err(|_| Fault::wrong(format!("«{text}» is too long a time")))
}

/// Seconds as [`seconds`] reads them.
pub(super) fn write_seconds(mut seconds: u32) -> String {
    let mut out = String::new();
    for (unit, size) in UNITS {
        if seconds >= size {
            let _ = write!(out, "{}{unit}", seconds / size);
            seconds %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// A day, minute or second, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moment {
    start: Secs,
    length: u32,
}

impl Moment {
    fn end(self) -> Secs {
        self.start.plus(self.length)
    }

    /// Reads `2026-11-01`, `2026-11-01T10:30` or `2026-11-01T10:30:05`, with or without a `Z`.
    fn parse(text: &str) -> Result<Self, Fault> {
        let whole = text.strip_suffix(['Z', 'z']).unwrap_or(text);
        let (date, time) = whole.split_once(['T', 't']).map_or((whole, None), |(d, t)| (d, Some(t)));
        let [year, month, day] = numbers(date, '-', [4, 2, 2]).ok_or_else(|| unclear(text))?;
        let (clock, length) = match time {
            None => ([0; 3], 86_400),
            Some(time) => match numbers(time, ':', [2, 2, 2]) {
                Some(clock) => (clock, 1),
                None => numbers(time, ':', [2, 2]).map(|[h, m]| ([h, m, 0], 60)).ok_or_else(|| unclear(text))?,
            },
        };
        let [hour, minute, second] = clock.map(|n| i8::try_from(n).unwrap_or(-1));
        let small = |n: i16| i8::try_from(n).unwrap_or(-1);
        let at = jiff::civil::DateTime::new(year, small(month), small(day), hour, minute, second, 0)
            .and_then(|at| at.to_zoned(jiff::tz::TimeZone::UTC))
            .map_err(|_| Fault::wrong(format!("there is no {text}")))?;
        let start = u32::try_from(at.timestamp().as_second())
            .map_err(|_| Fault::wrong(format!("{text} is before 1970 or after 2105")))?;
        Ok(Self { start: Secs(start), length })
    }
}

fn unclear(text: &str) -> Fault {
    let so_far = text.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | ':' | 'T')) && text.len() < 16;
    Fault { text: "write a day as 2026-11-01, a minute as 2026-11-01T10:30 (UTC)".to_owned(), partial: so_far }
}

fn numbers<const N: usize>(text: &str, sep: char, digits: [usize; N]) -> Option<[i16; N]> {
    let mut out = [0; N];
    let mut parts = text.split(sep);
    for (slot, digits) in out.iter_mut().zip(digits) {
        let part = parts.next()?;
        if part.len() != digits || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    parts.next().is_none().then_some(out)
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.start.to_string();
        let end = match self.length {
            86_400 => 10,
            60 => 16,
            _ => 19,
        };
        f.write_str(text.get(..end).unwrap_or(&text))
    }
}

/// From one moment to another, both included; an end may be open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    from: Option<Moment>,
    to: Option<Moment>,
}

impl Span {
    /// Reads `a..b`, `a..`, `..b` or `a`.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        let Some((from, to)) = text.split_once("..") else {
            let at = Moment::parse(text)?;
            return Ok(Self { from: Some(at), to: Some(at) });
        };
        let end = |text: &str| if text.is_empty() { Ok(None) } else { Moment::parse(text).map(Some) };
        let span = Self { from: end(from)?, to: end(to)? };
        match span {
            Self { from: None, to: None } => Err(Fault::partial("from..to: write a day on at least one side")),
            Self { from: Some(from), to: Some(to) } if to.start < from.start => {
                Err(Fault::wrong(format!("{to} is before {from}")))
            }
            span => Ok(span),
        }
    }

    pub(super) fn holds(self, at: Secs) -> bool {
        self.from.is_none_or(|from| from.start <= at) && self.to.is_none_or(|to| at < to.end())
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.to) {
            (Some(from), Some(to)) if from == to => write!(f, "{from}"),
            (from, to) => {
                let text = |at: Option<Moment>| at.map(|at| at.to_string()).unwrap_or_default();
                write!(f, "{}..{}", text(from), text(to))
            }
        }
    }
}
