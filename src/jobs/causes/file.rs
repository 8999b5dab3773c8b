//! The rule files: reading them, laying a user's over ours, and saying which line is wrong.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::{
    place::Place,
    rule::{Pattern, Rule, Sign},
    template,
};

/// What comes with the program.
pub(super) const BUILTIN: [&str; 2] =
    [include_str!("../../../assets/rules.toml"), include_str!("../../../assets/rules-log.toml")];

/// What is wrong with a rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct RuleError {
    /// Line, from 1.
    pub line: usize,
    /// Which rule and field, and why it can't be used.
    pub what: String,
}

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
    sign: Option<Sign>,
    soft: Option<bool>,
    lasts: Option<bool>,
    generic: Option<bool>,
    victim: Option<bool>,
    echo: Option<bool>,
    sure: Option<u8>,
    after: Option<Vec<String>>,
    details_of: Option<Vec<String>>,
    off: Option<bool>,
}

/// Our own rules. Their patterns are not made here: a test does, and each is made when it first matches.
pub(super) fn builtin() -> Vec<Rule> {
    let add = |rules: Vec<Rule>, text: &&str| read(&rules, text, Trust::Ours).unwrap_or(rules);
    BUILTIN.iter().fold(Vec::new(), add)
}

/// `base` with the rules of a file over it.
pub(super) fn overlaid(base: &[Rule], text: &str) -> Result<Vec<Rule>, Vec<RuleError>> {
    read(base, text, Trust::Theirs)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Trust {
    Ours,
    Theirs,
}

fn read(base: &[Rule], text: &str, trust: Trust) -> Result<Vec<Rule>, Vec<RuleError>> {
    let file: File = toml::from_str(text).map_err(|error| {
        vec![RuleError { line: line_of(text, error.span().map_or(0, |span| span.start)), what: error.message().into() }]
    })?;
    let (mut rules, mut errors, mut lines) = (base.to_vec(), Vec::new(), HashMap::new());
    let mut at_id: HashMap<String, usize> =
        rules.iter().enumerate().map(|(at, rule)| (rule.id.to_string(), at)).collect();
    let mut off = Vec::new();
    for written in file.rule {
        let at = line_of(text, written.span().start);
        let written = written.into_inner();
        if let Some(before) = lines.insert(written.id.clone(), at) {
            let what = format!("rule {:?} is already on line {before}", written.id);
            errors.push(RuleError { line: at, what });
            continue;
        }
        let known = at_id.get(&written.id).copied();
        if written.off == Some(true) {
            off.extend(known);
            continue;
        }
        let reader = Reader { written: &written, base: known.map(|at| &rules[at]), text, line: at, trust };
        match (reader.finish(), known) {
            (Ok(rule), Some(at)) => rules[at] = rule,
            (Ok(rule), None) => {
                at_id.insert(written.id, rules.len());
                rules.push(rule);
            }
            (Err(error), _) => errors.push(error),
        }
    }
    let mut at = 0;
    rules.retain(|_| {
        at += 1;
        !off.contains(&(at - 1))
    });
    if errors.is_empty() { Ok(rules) } else { Err(errors) }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}

/// One written rule over the one it changes, if there is one.
struct Reader<'r> {
    written: &'r Written,
    base: Option<&'r Rule>,
    text: &'r str,
    line: usize,
    trust: Trust,
}

impl Reader<'_> {
    fn fail(&self, line: usize, why: &str) -> RuleError {
        RuleError { line, what: format!("rule {:?}: {why}", self.written.id) }
    }

    fn missing(&self, field: &str) -> RuleError {
        self.fail(self.line, &format!("{field} is missing"))
    }

    fn finish(&self) -> Result<Rule, RuleError> {
        let (written, base) = (self.written, self.base);
        let pattern = self.pattern()?;
        let text = |value: &Option<_>, field, old| self.text(value.as_ref(), field, old, &pattern);
        Ok(Rule {
            id: written.id.as_str().into(),
            class: match &written.class {
                Some(class) => class.as_str().into(),
                None => base.ok_or_else(|| self.missing("class"))?.class.clone(),
            },
            title: text(&written.title, "title", |rule| &rule.title)?,
            short: match (&written.short, &written.title) {
                (None, Some(_)) => text(&written.title, "title", |rule| &rule.title)?,
                _ => text(&written.short, "short", |rule| &rule.short)?,
            },
            remedy: text(&written.remedy, "remedy", |rule| &rule.remedy)?,
            priority: written.priority.or(base.map(|rule| rule.priority)).unwrap_or(50),
            recovers: self.flag(written.recovers, |rule| rule.recovers),
            consequence_of: self.ids(written.consequence_of.as_ref(), |rule| &rule.consequence_of),
            sign: written.sign.or(base.and_then(|rule| rule.sign)),
            soft: self.flag(written.soft, |rule| rule.soft),
            lasts: self.flag(written.lasts, |rule| rule.lasts),
            generic: self.flag(written.generic, |rule| rule.generic),
            victim: self.flag(written.victim, |rule| rule.victim),
            echo: self.flag(written.echo, |rule| rule.echo),
            sure: written.sure.or(base.map(|rule| rule.sure)).unwrap_or(100).min(100),
            after: self.ids(written.after.as_ref(), |rule| &rule.after),
            details_of: self.ids(written.details_of.as_ref(), |rule| &rule.details_of),
            example: match &written.example {
                Some(example) => example.clone(),
                None => base.filter(|_| written.pattern.is_none()).map(|rule| rule.example.clone()).unwrap_or_default(),
            },
            places: self.places()?,
            pattern,
        })
    }

    fn flag(&self, value: Option<bool>, old: fn(&Rule) -> bool) -> bool {
        value.or(self.base.map(old)).unwrap_or(false)
    }

    fn ids(&self, value: Option<&Vec<String>>, old: fn(&Rule) -> &[String]) -> Box<[String]> {
        value.map_or_else(|| self.base.map(old).unwrap_or_default().into(), |ids| ids.clone().into())
    }

    fn pattern(&self) -> Result<Pattern, RuleError> {
        let Some(pattern) = &self.written.pattern else {
            return self.base.map(|rule| rule.pattern.clone()).ok_or_else(|| self.missing("pattern"));
        };
        if self.trust == Trust::Ours {
            return Ok(Pattern::trusted(pattern.as_ref()));
        }
        Pattern::checked(pattern.as_ref()).map_err(|error| {
            let why = error.to_string();
            let why = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            self.fail(line_of(self.text, pattern.span().start), &format!("pattern: {why}"))
        })
    }

    fn places(&self) -> Result<Box<[Place]>, RuleError> {
        let Some(names) = &self.written.places else {
            return self.base.map(|rule| rule.places.clone()).ok_or_else(|| self.missing("where"));
        };
        let place = |name: &Spanned<String>| {
            let line = || line_of(self.text, name.span().start);
            let unknown = || self.fail(line(), &format!("where: {:?} is no place", name.as_ref()));
            Place::named(name.as_ref()).ok_or_else(unknown)
        };
        names.iter().map(place).collect()
    }

    fn text(
        &self,
        value: Option<&Spanned<String>>,
        field: &str,
        old: fn(&Rule) -> &String,
        pattern: &Pattern,
    ) -> Result<String, RuleError> {
        let Some(value) = value else {
            return self.base.map(old).cloned().ok_or_else(|| self.missing(field));
        };
        if self.trust == Trust::Theirs {
            check_holes(value.as_ref(), pattern)
                .map_err(|why| self.fail(line_of(self.text, value.span().start), &format!("{field}: {why}")))?;
        }
        Ok(value.as_ref().clone())
    }
}

fn check_holes(template: &str, pattern: &Pattern) -> Result<(), String> {
    let known = |name: &str| match name.parse::<usize>() {
        Ok(number) => pattern.regex().is_some_and(|regex| number < regex.captures_len()),
        Err(_) => pattern.names(name),
    };
    match template::capture_names(template).find(|name| !known(name)) {
        Some(name) => Err(format!("{{{name}}} is neither a capture of the pattern nor a known word")),
        None => Ok(()),
    }
}
