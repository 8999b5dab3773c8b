//! The rule file: reading it, laying a user's over ours, and saying which line is wrong.

use std::{collections::HashMap, sync::Arc};

use regex::bytes::{Regex, RegexBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::{choose::Place, template};

pub(super) const BUILTIN: &str = include_str!("../../../assets/rules.toml");

/// One rule: what to look for, and what it means.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique.
    pub id: Arc<str>,
    /// The class of cause it tells of.
    pub class: Arc<str>,
    /// Where it looks.
    pub places: Box<[Place]>,
    /// What it looks for. Of bytes: with Unicode's classes the patterns take 3 MB and longer to make than a first frame.
    pub pattern: Regex,
    /// The cause in a few words; the replica is put in front of it. Holes: captures and `{node}`, `{limit}`, ….
    pub title: String,
    /// The title for where there is little room; the replica is put after it. The title itself, if there is none.
    pub short: String,
    /// What to do.
    pub remedy: String,
    /// The smaller, the better it explains.
    pub priority: u8,
    /// Ids and classes that explain this one away when they hit, too; `*` is any that isn't a consequence itself.
    pub consequence_of: Box<[String]>,
    /// Whether it passes without anybody doing something.
    pub recovers: bool,
    /// A text it matches.
    pub example: String,
}

impl Rule {
    /// Whether what it matches is a healthy cluster's chatter: then no rule looks at it.
    pub fn is_noise(&self) -> bool {
        *self.class == *"none"
    }
}

/// What is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RuleError {
    /// Line, from 1.
    pub line: usize,
    /// Which rule and field, and why it can't be used.
    pub what: String,
}

/// All rules, in the order of the file.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<Rule>);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    rule: Vec<Spanned<Written>>,
}

/// A rule as written: one that is laid over another may name only what it changes.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    id: String,
    class: Option<String>,
    #[serde(rename = "where")]
    places: Option<Vec<Spanned<String>>>,
    pattern: Option<Spanned<String>>,
    title: Option<Spanned<String>>,
    short: Option<Spanned<String>>,
    remedy: Option<Spanned<String>>,
    priority: Option<u8>,
    consequence_of: Option<Vec<String>>,
    recovers: Option<bool>,
    example: Option<String>,
    off: Option<bool>,
}

impl Rules {
    /// The rules that come with the program. A test reads the file, so that none is ever missing.
    pub fn builtin() -> Self {
        Self::parse(BUILTIN).unwrap_or_default()
    }

    /// Reads a rule file.
    pub fn parse(text: &str) -> Result<Self, Vec<RuleError>> {
        Self::default().overlaid_with(text)
    }

    /// These rules with a user's laid over them: a rule of a known id changes the fields that it names, or takes the
    /// rule out with `off = true`; a new id is a new rule.
    pub fn overlaid_with(&self, text: &str) -> Result<Self, Vec<RuleError>> {
        let file: File = toml::from_str(text).map_err(|error| {
            vec![RuleError {
                line: line_of(text, error.span().map_or(0, |span| span.start)),
                what: error.message().into(),
            }]
        })?;
        let (mut rules, mut errors, mut lines) = (self.0.clone(), Vec::new(), HashMap::new());
        for written in file.rule {
            let at = line_of(text, written.span().start);
            let written = written.into_inner();
            if let Some(before) = lines.insert(written.id.clone(), at) {
                let what = format!("rule {:?} is already on line {before}", written.id);
                errors.push(RuleError { line: at, what });
                continue;
            }
            let known = rules.iter().position(|rule| *rule.id == *written.id);
            if written.off == Some(true) {
                known.map(|at| rules.remove(at));
                continue;
            }
            match (finish(&written, known.map(|at| &rules[at]), text, at), known) {
                (Ok(rule), Some(at)) => rules[at] = rule,
                (Ok(rule), None) => rules.push(rule),
                (Err(error), _) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(Self(rules)) } else { Err(errors) }
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.0.iter()
    }

    /// The rule of this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.0.iter().find(|rule| *rule.id == *id)
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

/// The written fields over those of `base`, checked.
fn finish(written: &Written, base: Option<&Rule>, text: &str, line: usize) -> Result<Rule, RuleError> {
    let fail = |line: usize, why: &str| RuleError { line, what: format!("rule {:?}: {why}", written.id) };
    let missing = |field: &str| fail(line, &format!("{field} is missing"));
    let pattern = match &written.pattern {
        Some(pattern) => RegexBuilder::new(pattern.as_ref()).unicode(false).build().map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            fail(line_of(text, pattern.span().start), &format!("pattern: {why}"))
        })?,
        None => base.ok_or_else(|| missing("pattern"))?.pattern.clone(),
    };
    let places = match &written.places {
        Some(names) => names
            .iter()
            .map(|name| {
                let unknown =
                    || fail(line_of(text, name.span().start), &format!("where: {:?} is no place", name.as_ref()));
                Place::named(name.as_ref()).ok_or_else(unknown)
            })
            .collect::<Result<_, _>>()?,
        None => base.ok_or_else(|| missing("where"))?.places.clone(),
    };
    let filled = |value: &Option<Spanned<String>>, field: &str, old: fn(&Rule) -> &String| match value {
        Some(value) => check_holes(value.as_ref(), &pattern)
            .map_err(|why| fail(line_of(text, value.span().start), &format!("{field}: {why}"))),
        None => base.map(old).cloned().ok_or_else(|| missing(field)),
    };
    Ok(Rule {
        id: written.id.as_str().into(),
        class: match &written.class {
            Some(class) => class.as_str().into(),
            None => base.ok_or_else(|| missing("class"))?.class.clone(),
        },
        title: filled(&written.title, "title", |rule| &rule.title)?,
        short: match (&written.short, &written.title) {
            (None, Some(_)) => filled(&written.title, "title", |rule| &rule.title)?,
            _ => filled(&written.short, "short", |rule| &rule.short)?,
        },
        remedy: filled(&written.remedy, "remedy", |rule| &rule.remedy)?,
        priority: written.priority.or(base.map(|rule| rule.priority)).unwrap_or(50),
        recovers: written.recovers.or(base.map(|rule| rule.recovers)).unwrap_or(false),
        consequence_of: match &written.consequence_of {
            Some(ids) => ids.clone().into(),
            None => base.map(|rule| rule.consequence_of.clone()).unwrap_or_default(),
        },
        example: match &written.example {
            Some(example) => example.clone(),
            None => base.filter(|_| written.pattern.is_none()).map(|rule| rule.example.clone()).unwrap_or_default(),
        },
        places,
        pattern,
    })
}

fn check_holes(template: &str, pattern: &Regex) -> Result<String, String> {
    let known = |name: &str| match name.parse::<usize>() {
        Ok(number) => number < pattern.captures_len(),
        Err(_) => pattern.capture_names().flatten().any(|capture| capture == name),
    };
    match template::capture_names(template).find(|name| !known(name)) {
        Some(name) => Err(format!("{{{name}}} is neither a capture of the pattern nor a known word")),
        None => Ok(template.to_owned()),
    }
}
