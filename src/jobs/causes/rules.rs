//! All rules, and which of them match a text.
//!
//! Owns the set of all rules and the finding: one regex set for each place, made when that place
//! is first looked at, and a bounded memory of texts that came before (a cluster repeats itself). Reading the files is
//! `file.rs`, choosing among hits is `choose.rs`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use regex::bytes::{RegexSet, RegexSetBuilder};

use super::{
    file::{self, RuleError},
    place::Place,
    rule::Rule,
    scheduler,
};

/// Texts of a place that are remembered. A cluster of 1,000 jobs in trouble says fewer different things.
const REMEMBERED: usize = 1024;
/// Room for the states of a place's set; more than any log has needed, so that it is never thrown away and made again.
const SET_CACHE: usize = 8 << 20;

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

    /// The rule at this place among them.
    pub(super) fn at(&self, at: u16) -> Option<&Rule> {
        self.all().get(usize::from(at))
    }

    /// Where the rules are that know a line of a log; none, if one of them calls it chatter. One pass, nothing remembered.
    pub(super) fn in_log(&self, text: &str) -> Vec<u16> {
        let (set, at) = self.places[Place::Log as usize].set.get_or_init(|| self.set(Place::Log));
        let matching = set.matches(text.as_bytes());
        if !matching.matched_any() {
            return Vec::new();
        }
        let found: Vec<u16> = matching.iter().filter_map(|i| at.get(i).copied()).collect();
        if found.iter().any(|at| self.at(*at).is_some_and(Rule::is_noise)) { Vec::new() } else { found }
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
        let rule = |at| self.at(at);
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
            self.iter().enumerate().filter(here).map(|(at, rule)| (at as u16, rule.pattern.source())).unzip();
        let made = RegexSetBuilder::new(sources).unicode(false).dfa_size_limit(SET_CACHE).build();
        made.map_or_else(|_| (RegexSet::empty(), Vec::new()), |set| (set, at))
    }
}
