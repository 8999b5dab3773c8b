//! A log under the rules, line by line as it comes.
//!
//! Owns what is remembered of it: the hits (few, each rule once a rank), who went on afterwards, and how it ended. Each line
//! is looked at once, in one pass for all rules. What the hits mean together is decided in `choose.rs`.

use std::collections::{BTreeMap, VecDeque};

use super::{
    json,
    rule::{Rule, Sign},
    rules::Rules,
    spoken,
};
use crate::jobs::{
    progress::{Progress, Track},
    time::Secs,
};

/// Bytes of a line that are looked at: what tells a cause stands at its beginning, and lines may be 16 kB.
const LOOKED_AT: usize = 4096;
/// Bytes of a hit's line that are kept.
const KEPT: usize = 600;
/// Hits that are kept of one log.
const MOST_HITS: usize = 200;
/// Ranks that are told apart.
const MOST_RANKS: usize = 8192;
/// Seconds in which the progress of a training counts once.
const TOLD_EVERY: u32 = 5;
/// So many lines a line's context reaches.
const NEAR: u32 = 40;
/// So many lines before a hit its details may stand, and so many after it the word that it was dealt with.
const CLOSE: u32 = 8;

/// Exceptions of launchers (torchrun, accelerate, deepspeed) by which a process's end is passed on.
const PASS_ON: [&str; 2] = ["ChildFailedError", "CalledProcessError"];

/// A line as the rules look at it.
#[derive(Clone, Copy, Debug, Default)]
pub struct LogLine<'a> {
    /// Its text without tag and colours.
    pub text: &'a str,
    /// The rank that wrote it, if a tag says so.
    pub rank: Option<u32>,
    /// The host that a tag names.
    pub host: Option<&'a str>,
    /// Its number in its log, from 1.
    pub number: u32,
    /// When it was written.
    pub at: Option<Secs>,
}

/// A line that a rule knows.
#[derive(Clone, Debug, PartialEq)]
pub struct LogHit {
    /// The rule, by its place among the rules that it was found with.
    pub(super) rule: u16,
    /// The line's number, from 1.
    pub line: u32,
    /// The line, perhaps cut.
    pub text: Box<str>,
    /// The rank whose tag it has.
    pub rank: Option<u32>,
    /// The host that its tag names.
    pub host: Option<Box<str>>,
    /// When.
    pub at: Option<Secs>,
    /// What near lines say besides: names and values, as captures.
    pub(super) more: Vec<(String, String)>,
    /// Somebody said that it was dealt with.
    caught: bool,
    /// Its rule knew a later line of its rank, too.
    followed: bool,
    /// Lines of progress so far: of its rank, of everyone.
    before: (u32, u32),
}

/// How much a hit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Nothing speaks against it.
    Stands,
    /// Counts only where the run is known to have failed.
    Weak,
    /// The run went on after it.
    Survived,
    /// It was dealt with, and the run went on.
    Harmless,
}

/// What is remembered of one log.
#[derive(Clone, Debug, Default)]
pub struct Scan {
    hits: Vec<LogHit>,
    lines: u32,
    ranks: BTreeMap<u32, OfRank>,
    progress: u32,
    untagged: u32,
    well: Option<u32>,
    badly: Option<u32>,
    /// Lines of rules that give context: rule, rank, line.
    context: Vec<(u16, Option<u32>, u32)>,
    details: VecDeque<Detail>,
    caught: Option<(Option<u32>, u32)>,
    /// A traceback that was announced as dealt with.
    announced: Option<(Option<u32>, u32)>,
    /// Where a launcher says that ranks were which ended.
    places: BTreeMap<u32, Box<str>>,
    /// When the last line was written, and the longest pause between two.
    at: Option<Secs>,
    pause: u32,
    track: Track,
    /// The ranks in it are counted on one node.
    of_node: bool,
}

/// What of a log counts for its cause: while it stays the same, the same comes of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gist {
    hits: Vec<(u16, Option<u32>, u32, Standing, usize)>,
    ended_well: bool,
    ranks: u32,
    trained: Option<(u64, bool)>,
}

#[derive(Clone, Debug, Default)]
struct OfRank {
    progress: u32,
    /// When it last told of progress.
    at: Option<Secs>,
    host: Option<Box<str>>,
}

#[derive(Clone, Debug)]
struct Detail {
    rule: u16,
    rank: Option<u32>,
    line: u32,
    values: Vec<(String, String)>,
}

/// What the rules made of a text.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// One of them knew it.
    any: bool,
    /// It says that something was dealt with.
    dealt_with: bool,
}

impl Scan {
    /// Takes the next line.
    pub fn feed(&mut self, rules: &Rules, line: &LogLine<'_>) {
        self.lines = self.lines.max(line.number);
        if let Some(at) = line.at {
            self.pause = self.pause.max(self.at.map_or(0, |before| at.since(before)));
            self.at = self.at.max(Some(at));
        }
        let Some(said) = json::said(line.text) else {
            self.take_in(rules, line);
            return;
        };
        let line = LogLine { rank: line.rank.or(said.rank), host: line.host.or(said.host.as_deref()), ..*line };
        let parts: Vec<Known> = said.words.lines().map(|text| self.take_in(rules, &LogLine { text, ..line })).collect();
        if !parts.iter().any(|known| known.any) {
            // What it says may stand in fields that are not known here.
            self.take_in(rules, &line);
        } else if parts.iter().any(|known| known.dealt_with) {
            // One part's word holds for the others.
            self.dealt_with(rules, &line);
        }
    }

    /// What a line says, or one of the several things that it says.
    fn take_in(&mut self, rules: &Rules, line: &LogLine<'_>) -> Known {
        if let Some(rank) = line.rank
            && (self.ranks.len() < MOST_RANKS || self.ranks.contains_key(&rank))
        {
            let of_rank = self.ranks.entry(rank).or_default();
            if of_rank.host.is_none() {
                of_rank.host = line.host.map(Into::into);
            }
        }
        let (host, text) = spoken::by(head(line.text, LOOKED_AT));
        let line = LogLine { text, host: line.host.or(host), ..*line };
        self.track.feed(line.text, line.rank, line.at);
        let found = rules.in_log(line.text);
        let rule = |at: &u16| rules.at(*at);
        // What is said only where nothing else is known about the line.
        let tells = |rule: &Rule| !rule.generic && rule.sign.is_none_or(Sign::is_an_end);
        let known = found.iter().filter_map(rule).any(tells);
        // A line that healthy runs print, too, is no more than that whatever else it looks like.
        let soft = found.iter().filter_map(rule).any(|rule| rule.soft && !rule.generic);
        for at in &found {
            if let Some(rule) = rule(at)
                && !(rule.generic && known)
                && !(soft && tells(rule) && !rule.soft)
            {
                self.take(rules, *at, rule, &line);
            }
        }
        // A word that it was dealt with counts for the line's own hits, too. Lines of progress count what was left out, too.
        let says = |sign| found.iter().filter_map(rule).any(|rule| rule.sign == Some(sign));
        let dealt_with = says(Sign::Caught) && !says(Sign::Progress);
        if dealt_with {
            self.dealt_with(rules, &line);
        }
        Known { any: !found.is_empty(), dealt_with }
    }

    /// The ranks in it are those of one node, which need not be the first.
    pub fn is_of_a_node(&mut self) {
        self.of_node = true;
    }

    /// Whether its ranks are only one node's.
    pub(super) fn of_node(&self) -> bool {
        self.of_node
    }

    /// The number of the last line.
    pub fn lines(&self) -> u32 {
        self.lines
    }

    /// When the last line was written, and how long the longest pause between two was.
    pub(super) fn pauses(&self) -> (Option<Secs>, u32) {
        (self.at, self.pause)
    }

    /// Lines of progress.
    pub(super) fn progress(&self) -> u32 {
        self.progress
    }

    /// Whether it said that it has ended, well or badly.
    pub(super) fn has_ended(&self) -> bool {
        self.well.is_some() || self.badly.is_some()
    }

    /// The ranks that told of progress at least so often, with when they did last.
    pub(super) fn last_progress(&self, least: u32) -> impl Iterator<Item = (Secs, u32)> {
        self.ranks.iter().filter(move |(_, of)| of.progress >= least).filter_map(|(rank, of)| Some((of.at?, *rank)))
    }

    /// How far the training has come, as far as its lines say.
    pub fn trained(&self) -> Option<Progress> {
        self.track.progress()
    }

    /// The highest rank heard of and one, or 0.
    pub fn ranks(&self) -> u32 {
        self.ranks.last_key_value().map_or(0, |(rank, _)| rank.saturating_add(1))
    }

    /// Which MPI the launcher's words are of, if only one of them: `openmpi`, `hydra`.
    pub fn speaks<'r>(&self, rules: &'r Rules) -> Option<&'r str> {
        let mut spoken = self.context.iter().filter_map(|(rule, ..)| rules.at(*rule)?.id.strip_prefix("speaks-"));
        let first = spoken.next()?;
        spoken.all(|other| other == first).then_some(first)
    }

    /// The host of this rank, if a line named it.
    pub fn host_of(&self, rank: u32) -> Option<&str> {
        self.host(rank)
    }

    /// The host that lines of this rank name.
    pub(super) fn host(&self, rank: u32) -> Option<&str> {
        let own = self.ranks.get(&rank).and_then(|of| of.host.as_deref());
        own.or_else(|| self.places.get(&rank).map(AsRef::as_ref))
    }

    /// Whether its last word is that it ended well.
    pub fn ended_well(&self) -> bool {
        self.well.is_some_and(|well| self.badly.is_none_or(|badly| badly < well))
    }

    /// What of it counts. Costs as much as there are hits, which are few.
    pub fn gist(&self, rules: &Rules) -> Gist {
        let of = |hit: &LogHit| {
            let standing = self.standing(rules.at(hit.rule)?, hit);
            Some((hit.rule, hit.rank, hit.line, standing, hit.more.len()))
        };
        let hits: Vec<_> = self.hits.iter().filter_map(of).collect();
        let ranks = if hits.is_empty() { 0 } else { self.ranks() };
        // Another step every few seconds is worth a word, and the last one always.
        let trained = self.trained().map(|now| match now.at {
            Some(at) => (u64::from(at.0 / TOLD_EVERY), now.share >= Some(1.0) || self.has_ended()),
            None => (now.step.unwrap_or(0), false),
        });
        Gist { ended_well: !hits.is_empty() && self.ended_well(), hits, ranks, trained }
    }

    /// The hits, in the order of their lines.
    pub(super) fn hits(&self) -> &[LogHit] {
        &self.hits
    }

    /// How much a hit counts by what came after it.
    pub(super) fn standing(&self, rule: &Rule, hit: &LogHit) -> Standing {
        let own = hit.rank.and_then(|rank| self.ranks.get(&rank)).map_or(0, |of| of.progress);
        let (own, any) = (own.saturating_sub(hit.before.0), self.progress.saturating_sub(hit.before.1));
        let light = rule.soft || hit.caught || rule.is_of_launch();
        let enough = match hit.rank {
            // Others go on a little after one of them failed.
            Some(_) if !light && self.untagged * 2 < self.progress => own >= 1,
            _ => own >= 1 || any >= if light { 1 } else { 2 },
        };
        let ended_well = self.ended_well() && self.well.is_some_and(|well| well > hit.line);
        // What follows from an end follows from a good one, too: connections that break, processes that are stopped.
        let torn_down = rule.can_follow() && rule.sign.is_none() && self.well.is_some_and(|well| well < hit.line);
        let went_on = !rule.lasts && (enough || ended_well || torn_down && self.badly.is_none());
        match (went_on, hit.caught || rule.soft) {
            (true, true) => Standing::Harmless,
            (true, false) => Standing::Survived,
            (false, true) => Standing::Weak,
            (false, false) => Standing::Stands,
        }
    }

    fn take(&mut self, rules: &Rules, at: u16, rule: &Rule, line: &LogLine<'_>) {
        match rule.sign {
            Some(Sign::Progress) => {
                self.progress = self.progress.saturating_add(1);
                match line.rank.and_then(|rank| self.ranks.get_mut(&rank)) {
                    Some(of) => (of.progress, of.at) = (of.progress.saturating_add(1), line.at.or(of.at)),
                    None => self.untagged = self.untagged.saturating_add(1),
                }
                return;
            }
            Some(Sign::Success) => {
                self.well = Some(line.number);
                return;
            }
            Some(Sign::Context) => {
                self.context.retain(|(rule, rank, _)| (*rule, *rank) != (at, line.rank));
                if self.context.len() < MOST_HITS {
                    self.context.push((at, line.rank, line.number));
                }
                return;
            }
            Some(Sign::Caught) => return,
            Some(Sign::Failed) => {
                self.badly = Some(line.number);
                self.place(rule, line.text);
                self.raised(rules, line);
            }
            None => {}
        }
        if !rule.details_of.is_empty() {
            return self.detail(rules, at, rule, line);
        }
        let near = |(context, rank, at): &(u16, Option<u32>, u32)| {
            let named = rules.at(*context).is_some_and(|known| rule.after.iter().any(|id| *known.id == **id));
            named && is_same(*rank, line.rank) && line.number.saturating_sub(*at) <= NEAR
        };
        if rule.after.is_empty() || self.context.iter().any(near) {
            self.hit(rules, at, rule, line);
        }
    }

    /// A launcher's exception that only passes on a process's end is none of its own: its traceback, just before, is
    /// forgotten. One that another has followed is the process's.
    fn raised(&mut self, rules: &Rules, line: &LogLine<'_>) {
        let passes_on = |name: &str| !name.contains(' ') && PASS_ON.iter().any(|known| name.ends_with(known));
        let is_raised = line.text.split_once(':').is_some_and(|(name, _)| passes_on(name));
        let is_its = |hit: &LogHit| {
            let traceback = rules.at(hit.rule).is_some_and(|rule| *rule.id == *"traceback");
            traceback && !hit.followed && hit.rank == line.rank && near(hit.line, line.number, NEAR)
        };
        if is_raised {
            self.hits.retain(|hit| !is_its(hit));
        }
    }

    /// `process rank 3 … on node train-worker-1` says of all that this rank wrote where that was.
    fn place(&mut self, rule: &Rule, text: &str) {
        let Some(captures) = rule.pattern.captures(text).filter(|_| self.places.len() < MOST_HITS) else { return };
        let named = |name: &str| captures.name(name).map(|found| String::from_utf8_lossy(found.as_bytes()));
        if let (Some(Ok(rank)), Some(host)) = (named("rank").map(|rank| rank.parse()), named("host")) {
            self.places.entry(rank).or_insert_with(|| host.into());
        }
    }

    fn hit(&mut self, rules: &Rules, at: u16, rule: &Rule, line: &LogLine<'_>) {
        if *rule.id == *"traceback" {
            self.announced = self.caught.filter(|(rank, at)| is_same(*rank, line.rank) && near(*at, line.number, 3));
            self.announced = self.announced.map(|(rank, _)| (rank, line.number));
        }
        let announced = |(rank, at): (Option<u32>, u32)| is_same(rank, line.rank) && near(at, line.number, NEAR);
        let own = line.rank.and_then(|rank| self.ranks.get(&rank)).map_or(0, |of| of.progress);
        let mut hit = LogHit {
            rule: at,
            line: line.number,
            text: head(line.text, KEPT).into(),
            rank: line.rank,
            host: line.host.map(Into::into),
            at: line.at,
            more: Vec::new(),
            caught: rule.sign.is_none() && self.announced.is_some_and(announced),
            followed: false,
            before: (own, self.progress),
        };
        for detail in &self.details {
            if near(detail.line, line.number, CLOSE) && belongs(rules, detail.rule, rule, detail.rank, line.rank) {
                lay_over(&mut hit.more, &detail.values);
            }
        }
        let known = self.hits.iter().position(|known| (known.rule, known.rank) == (at, line.rank));
        match known {
            // What came before was survived: it counts anew from here.
            Some(known) if self.standing(rule, &self.hits[known]) >= Standing::Survived => self.hits[known] = hit,
            // The first says where; what was dealt with doesn't speak for what follows it.
            Some(known) if self.hits[known].caught && !hit.caught => self.hits[known] = hit,
            Some(known) => self.hits[known].followed = true,
            None if self.hits.len() < MOST_HITS => self.hits.push(hit),
            None => {}
        }
    }

    /// A line that says more about a hit near it.
    fn detail(&mut self, rules: &Rules, at: u16, rule: &Rule, line: &LogLine<'_>) {
        let Some((regex, captures)) = rule.pattern.regex().zip(rule.pattern.captures(line.text)) else { return };
        let value =
            |name: &str| captures.name(name).map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
        let values: Vec<(String, String)> =
            regex.capture_names().flatten().filter_map(|name| Some((name.to_owned(), value(name)?))).collect();
        let of = |hit: &&mut LogHit| {
            let about = rules.at(hit.rule).is_some_and(|about| belongs(rules, at, about, line.rank, hit.rank));
            about && near(hit.line, line.number, NEAR)
        };
        if let Some(hit) = self.hits.iter_mut().rev().find(of) {
            lay_over(&mut hit.more, &values);
        }
        if self.details.len() >= 8 {
            self.details.pop_front();
        }
        self.details.push_back(Detail { rule: at, rank: line.rank, line: line.number, values });
    }

    /// Of an end nobody says that it was dealt with.
    fn dealt_with(&mut self, rules: &Rules, line: &LogLine<'_>) {
        self.caught = Some((line.rank, line.number));
        let is_end = |hit: &LogHit| rules.at(hit.rule).is_some_and(|rule| rule.sign.is_some());
        for hit in self.hits.iter_mut().rev().take(16).filter(|hit| !is_end(hit)) {
            if is_same(hit.rank, line.rank) && near(hit.line, line.number, CLOSE) {
                hit.caught = true;
            }
        }
    }
}

/// Whether a detail rule is about that rule, and both lines about one rank.
fn belongs(rules: &Rules, detail: u16, about: &Rule, a: Option<u32>, b: Option<u32>) -> bool {
    is_same(a, b) && rules.at(detail).is_some_and(|detail| detail.details_of.iter().any(|id| **id == *about.id))
}

/// The first word on a thing holds.
fn lay_over(more: &mut Vec<(String, String)>, values: &[(String, String)]) {
    for (name, value) in values {
        if !more.iter().any(|(known, _)| known == name) {
            more.push((name.clone(), value.clone()));
        }
    }
}

/// Whether two lines may be of one rank: tags are often missing.
fn is_same(a: Option<u32>, b: Option<u32>) -> bool {
    a.is_none() || b.is_none() || a == b
}

fn near(before: u32, line: u32, most: u32) -> bool {
    line >= before && line - before <= most
}

/// The beginning of a text, at most so many bytes.
fn head(text: &str, most: usize) -> &str {
    text.get(..text.floor_char_boundary(most)).unwrap_or(text)
}
