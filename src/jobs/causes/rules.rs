//! Rules and which of them match a text.
//!
//! Owns the shape of a rule, the set of all of them, and the finding: one regex set for each place, made when that place
//! is first looked at, and a bounded memory of texts that came before (a cluster repeats itself). Reading the files is
//! `file.rs`, choosing among hits is `choose.rs`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::{
    file::{self, RuleError},
    place::Place,
    scheduler,
};

/// Texts of a place that are remembered. A cluster of 1,000 jobs in trouble says fewer different things.
const REMEMBERED: usize = 1024;
/// Room for the states of a place's set; more than any log has needed, so that it is never thrown away and made again.
const SET_CACHE: usize = 8 << 20;

/// What a rule looks for. Of bytes: with Unicode's classes the patterns take 3 MB and longer to make than a first frame.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    made: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that is only looked at when something matches it. A test has made all of ours.
    pub(super) fn trusted(source: &str) -> Self {
        Self { source: source.into(), made: OnceLock::new() }
    }

    /// A pattern, or why it is none.
    pub(super) fn checked(source: &str) -> Result<Self, regex::Error> {
        Ok(Self { source: source.into(), made: OnceLock::from(Some(build(source)?)) })
    }

    /// Its regex; `None` for one of ours that a test would have found to be wrong.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.made.get_or_init(|| build(&self.source).ok()).as_ref()
    }

    /// Whether it is in this text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text.as_bytes()))
    }

    /// What it captures in a text that it matches.
    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex()?.captures(text.as_bytes())
    }
}

fn build(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source).unicode(false).build()
}

/// One rule: what to look for, and what it means.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique.
    pub id: Arc<str>,
    /// The class of cause it tells of.
    pub class: Arc<str>,
    /// Where it looks.
    pub places: Box<[Place]>,
    /// What it looks for.
    pub pattern: Pattern,
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

/// All rules, in the order of the files.
#[derive(Debug, Default)]
pub struct Rules {
    /// Ours, until something else was put here: made when they are first asked for, so that no start waits for them.
    all: OnceLock<Vec<Rule>>,
    places: [OfPlace; Place::COUNT],
}

/// What looks at one place.
#[derive(Debug, Default)]
struct OfPlace {
    set: OnceLock<(RegexSet, Vec<u16>)>,
    known: Mutex<HashMap<Box<str>, Arc<[Found]>>>,
}

/// A rule that matched a text.
#[derive(Clone, Debug)]
struct Found {
    rule: u16,
    part: Option<Part>,
}

/// The part of a text that a rule is about, where it is not all of it, and how many nodes that concerns.
pub(super) type Part = (Arc<str>, u32);

impl Rules {
    /// The rules that come with the program. A test reads the files, so that none is ever missing.
    pub fn builtin() -> Self {
        Self::default()
    }

    /// Reads a rule file.
    pub fn parse(text: &str) -> Result<Self, Vec<RuleError>> {
        file::overlaid(&[], text).map(Self::of)
    }

    /// These rules with a user's laid over them: a rule of a known id changes the fields that it names, or takes the
    /// rule out with `off = true`; a new id is a new rule.
    pub fn overlaid_with(&self, text: &str) -> Result<Self, Vec<RuleError>> {
        file::overlaid(self.all(), text).map(Self::of)
    }

    fn of(all: Vec<Rule>) -> Self {
        Self { all: OnceLock::from(all), places: Default::default() }
    }

    fn all(&self) -> &[Rule] {
        self.all.get_or_init(file::builtin)
    }

    /// The rules.
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all().iter()
    }

    /// The rule of this id.
    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.iter().find(|rule| *rule.id == *id)
    }

    /// The rules that match `text` at `place`, in the order of the files; none, if one of them calls it chatter. A rule
    /// that is about several parts of the text comes once for each.
    pub(super) fn matching(&self, place: Place, text: &str) -> impl Iterator<Item = (&Rule, Option<Part>)> {
        let found = self.known(place, text);
        (0..found.len()).filter_map(move |i| {
            let Found { rule, part } = found.get(i)?;
            Some((self.all().get(usize::from(*rule))?, part.clone()))
        })
    }

    fn known(&self, place: Place, text: &str) -> Arc<[Found]> {
        let of_place = &self.places[place as usize];
        let known = || of_place.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known().get(text) {
            return found.clone();
        }
        let found: Arc<[Found]> = self.find(place, text).into();
        let mut known = known();
        if known.len() >= REMEMBERED {
            known.clear();
        }
        known.insert(text.into(), found.clone());
        found
    }

    /// One pass over the text, whatever the number of rules.
    fn find(&self, place: Place, text: &str) -> Vec<Found> {
        let (set, at) = self.places[place as usize].set.get_or_init(|| self.set(place));
        let matching = set.matches(text.as_bytes());
        let whole: Vec<u16> = matching.iter().filter_map(|i| at.get(i).copied()).collect();
        let rule = |at: u16| self.all().get(usize::from(at));
        if whole.iter().any(|at| rule(*at).is_some_and(Rule::is_noise)) {
            return Vec::new();
        }
        let reasons = scheduler::reasons(text);
        let mut out = Vec::new();
        for at in whole {
            let before = out.len();
            let own = reasons.iter().filter(|(text, _)| rule(at).is_some_and(|rule| rule.pattern.is_match(text)));
            out.extend(own.map(|(text, nodes)| Found { rule: at, part: Some((text.as_str().into(), *nodes)) }));
            if out.len() == before {
                out.push(Found { rule: at, part: None });
            }
        }
        out
    }

    fn set(&self, place: Place) -> (RegexSet, Vec<u16>) {
        let here = |(_, rule): &(usize, &Rule)| rule.places.contains(&place);
        let (at, sources): (Vec<u16>, Vec<&str>) =
            self.iter().enumerate().filter(here).map(|(at, rule)| (at as u16, &*rule.pattern.source)).unzip();
        let made = RegexSetBuilder::new(sources).unicode(false).dfa_size_limit(SET_CACHE).build();
        made.map_or_else(|_| (RegexSet::empty(), Vec::new()), |set| (set, at))
    }
}
