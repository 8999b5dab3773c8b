//! Label terms: matched here, and written as a selector for the server.

use std::fmt;

use super::Fault;
use crate::jobs::row::JobRow;

/// Requirements that all must hold, as in `label:app=x,y,team!=z`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Labels(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Clone, Debug, PartialEq)]
enum Test {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
}

impl Labels {
    /// Reads `key`, `!key`, `key=value`, `key!=value`, parted by commas; a bare word after a value is another value.
    pub(super) fn parse(raw: &str) -> Result<Self, Fault> {
        let mut out: Vec<Requirement> = Vec::new();
        for part in raw.split(',').filter(|p| !p.is_empty()) {
            let (key, test) = if let Some((key, value)) = part.split_once("!=") {
                (key, Test::NotIn(vec![checked_value(value)?]))
            } else if let Some((key, value)) = part.split_once('=') {
                (key, Test::In(vec![checked_value(value.strip_prefix('=').unwrap_or(value))?]))
            } else if let Some(Requirement { test: Test::In(values) | Test::NotIn(values), .. }) = out.last_mut() {
                values.push(checked_value(part)?);
                continue;
            } else if let Some(key) = part.strip_prefix('!') {
                (key, Test::Missing)
            } else {
                (part, Test::Exists)
            };
            out.push(Requirement { key: checked_key(key)?, test });
        }
        if out.is_empty() {
            return Err(Fault::partial("label: write label:key, label:key=value or label:key!=value"));
        }
        Ok(Self(out))
    }

    pub(super) fn matches(&self, row: &JobRow) -> bool {
        self.0.iter().all(|requirement| requirement.matches(row))
    }

    /// The selector, if the server can say it (it has no «not all of these»).
    pub(super) fn selector(&self, not: bool) -> Option<String> {
        match (&self.0[..], not) {
            (all, false) => Some(all.iter().map(Requirement::selector).collect::<Vec<_>>().join(",")),
            ([one], true) => Some(one.negated().selector()),
            _ => None,
        }
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<String> = self.0.iter().map(Requirement::written).collect();
        f.write_str(&parts.join(","))
    }
}

impl Requirement {
    fn matches(&self, row: &JobRow) -> bool {
        let value = row.label(&self.key);
        let among = |values: &[String]| value.is_some_and(|v| values.iter().any(|w| w == v.as_str()));
        match &self.test {
            Test::Exists => value.is_some(),
            Test::Missing => value.is_none(),
            Test::In(values) => among(values),
            Test::NotIn(values) => !among(values),
        }
    }

    fn negated(&self) -> Self {
        let test = match self.test.clone() {
            Test::Exists => Test::Missing,
            Test::Missing => Test::Exists,
            Test::In(values) => Test::NotIn(values),
            Test::NotIn(values) => Test::In(values),
        };
        Self { key: self.key.clone(), test }
    }

    fn written(&self) -> String {
        match &self.test {
            Test::Exists => self.key.clone(),
            Test::Missing => format!("!{}", self.key),
            Test::In(values) => format!("{}={}", self.key, values.join(",")),
            Test::NotIn(values) => format!("{}!={}", self.key, values.join(",")),
        }
    }

    fn selector(&self) -> String {
        match &self.test {
            Test::In(values) if values.len() > 1 => format!("{} in ({})", self.key, values.join(",")),
            Test::NotIn(values) if values.len() > 1 => format!("{} notin ({})", self.key, values.join(",")),
            _ => self.written(),
        }
    }
}

fn checked_key(key: &str) -> Result<String, Fault> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let dns = |p: &str| p.len() <= 253 && is_word(p, |b| b == b'-' || b == b'.');
    if name.is_empty() {
        return Err(Fault::partial("label: which key?"));
    }
    if name.len() > 63 || !is_word(name, is_inner) || !prefix.is_none_or(dns) {
        return Err(Fault::wrong(format!("«{key}» can't be a label's key")));
    }
    Ok(key.to_owned())
}

fn checked_value(value: &str) -> Result<String, Fault> {
    if value.is_empty() || (value.len() <= 63 && is_word(value, is_inner)) {
        return Ok(value.to_owned());
    }
    Err(Fault::wrong(format!("«{value}» can't be a label's value")))
}

fn is_inner(b: u8) -> bool {
    matches!(b, b'-' | b'_' | b'.')
}

fn is_word(text: &str, inner: impl Fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    let ends = [bytes.first(), bytes.last()].into_iter().all(|b| b.is_some_and(u8::is_ascii_alphanumeric));
    ends && bytes.iter().all(|b| b.is_ascii_alphanumeric() || inner(*b))
}
