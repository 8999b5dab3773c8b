//! From what was observed to the best cause (facts: cause before consequence, then priority, time, and a name).
//!
//! Of what logs say, the first counts: a time-out that is printed after an exception follows from it.

use std::sync::Arc;

use super::{
    hit::{Hit, LATE, OfLog, VAGUE},
    place::{At, Observation, Place, Subject},
    quiet::Quiet,
    ranks::Crew,
    rule::Rule,
    rules::Rules,
    scan::{LogHit, Scan, Standing},
    template::{self, Holes},
    whom::{filled_in, named_first},
    words,
};
use crate::jobs::{
    state::{Cause, Evidence, Origin},
    text::{Clean, Name},
};

/// Pieces of evidence that are told.
const MOST: usize = 6;

/// One log and what the rules found in it.
#[derive(Clone, Copy, Debug)]
pub struct LogSeen<'a> {
    /// What was found.
    pub scan: &'a Scan,
    /// Whose log, for people: `launcher log`.
    pub of: &'a str,
    /// The pod that wrote it, where it is not a file.
    pub pod: Option<&'a str>,
    /// The replica that wrote it, where it is not the launcher's with everyone's lines.
    pub writer: Option<&'a Arc<Subject>>,
    /// It was read from its start: its lines have the numbers that anybody would give them.
    pub whole: bool,
    /// It is an attempt's before the present one: it tells nothing of a job that runs.
    pub past: bool,
    /// It has said nothing for longer than is usual.
    pub quiet: Option<&'a Quiet>,
}

/// Everything that was observed of a job.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen<'a> {
    /// In statuses, conditions and events.
    pub told: &'a [Observation<'a>],
    /// In logs, the launcher's first.
    pub logs: &'a [LogSeen<'a>],
    /// Who has which rank.
    pub crew: Option<&'a Crew>,
    /// How many replicas the job has, for «12 of 16 workers».
    pub replicas: usize,
    /// It is known to have ended well: only what is wrong all the same counts.
    pub ended_well: bool,
    /// The launcher runs and has not been at it for long: that replicas can't be reached yet passes.
    pub launching: bool,
}

/// The best cause of what statuses and events tell. `replicas` is how many replicas the job has.
pub fn best(rules: &Rules, told: &[Observation<'_>], replicas: usize) -> Option<Cause> {
    cause(rules, &Seen { told, replicas, ..Seen::default() })
}

/// The best cause of everything that was observed.
pub fn cause(rules: &Rules, seen: &Seen<'_>) -> Option<Cause> {
    let mut hits = told(rules, seen);
    let mut aside = Vec::new();
    let mut in_logs: Vec<Hit<'_>> =
        seen.logs.iter().enumerate().flat_map(|(n, log)| of_log(rules, seen, n, log)).collect();
    if seen.launching {
        in_logs.retain(|hit| !is_launch_trouble(hit));
    }
    if seen.ended_well {
        hits.clear();
        in_logs.retain(|hit| hit.rule.lasts);
    }
    let stands = |hit: &Hit<'_>| hit.log.is_some_and(|log| log.standing == Standing::Stands);
    let failed = !hits.is_empty() || in_logs.iter().any(stands);
    for hit in in_logs {
        match hit.log.map(|log| log.standing) {
            Some(Standing::Stands) => hits.push(hit),
            Some(Standing::Weak) if failed => hits.push(hit),
            Some(Standing::Survived) if failed => aside.push(hit),
            _ => {}
        }
    }
    if hits.iter().any(is_of_worker) {
        // A worker's own words say why it could not be reached.
        hits.retain(|hit| !is_launch_trouble(hit));
    }
    let kinds = kinds(&hits);
    if hits.iter().all(|hit| hit.rule.priority >= VAGUE && (is_consequence(hit.rule, &kinds) || hit.rule.can_follow()))
    {
        // The run failed, and nothing else says why: then what it seemed to have survived.
        hits.append(&mut aside);
    }
    told_of(seen, &hits)
}

/// Whether a replica that the launcher wants to reach says itself what is wrong with it.
fn is_of_worker(hit: &Hit<'_>) -> bool {
    let beside = hit.log.is_some_and(|log| log.nth > 0 && log.standing == Standing::Stands);
    beside && hit.rule.priority < VAGUE && !hit.rule.can_follow() && !hit.rule.is_of_launch()
}

/// Whether it is the leading log's word on a launch that went wrong.
fn is_launch_trouble(hit: &Hit<'_>) -> bool {
    hit.rule.is_of_launch() && hit.log.is_some_and(|log| log.nth == 0)
}

/// What statuses, conditions and events say.
fn told<'a>(rules: &'a Rules, seen: &Seen<'a>) -> Vec<Hit<'a>> {
    // Two rules may know the same text.
    let mut hits = Vec::with_capacity(2 * seen.told.len());
    for one in seen.told {
        let Observation { place, text, at, subject, time } = one;
        hits.extend(rules.matching(*place, text).map(|(rule, part)| Hit {
            rule,
            place: *place,
            text,
            at: *at,
            subject: subject.clone(),
            time: *time,
            part,
            log: None,
        }));
    }
    hits
}

fn of_log<'a>(rules: &'a Rules, seen: &Seen<'a>, nth: usize, log: &LogSeen<'a>) -> Vec<Hit<'a>> {
    let hit = |hit: &'a LogHit| {
        let rule = rules.at(hit.rule)?;
        let standing = log.scan.standing(rule, hit);
        Some(Hit {
            rule,
            place: Place::Log,
            text: &hit.text,
            at: At::Log(log.of, hit.line, log.whole),
            subject: writer(rule, seen, log, hit),
            time: hit.at,
            part: None,
            log: Some(OfLog { hit, standing, nth }),
        })
    };
    log.scan.hits().iter().filter_map(hit).collect()
}

/// Whom a line is about: the rank and host that it names itself, else (if who prints it is at fault) its writer's.
fn writer(rule: &Rule, seen: &Seen<'_>, log: &LogSeen<'_>, hit: &LogHit) -> Option<Arc<Subject>> {
    let captures = rule.pattern.captures(&hit.text);
    let named = |name: &str| {
        let own = captures.as_ref().and_then(|captures| captures.name(name));
        let own = own.map(|found| String::from_utf8_lossy(found.as_bytes()).into_owned());
        own.or_else(|| hit.more.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()))
    };
    let any = |word: &str| {
        let mut names = vec![word.to_owned()];
        names.extend((2..=5).map(|n| format!("{word}{n}")));
        names.iter().find_map(|name| named(name))
    };
    let (rank, host) = (any("rank").and_then(|rank| rank.parse().ok()), any("host"));
    let (rank, host) = if rule.victim || rank.is_some() || host.is_some() {
        (rank, host)
    } else {
        (hit.rank, hit.host.as_deref().map(ToOwned::to_owned))
    };
    // Which node it was isn't known: its ranks may be anybody's.
    let rank = rank.filter(|_| !log.scan.of_node() || seen.replicas < 2);
    let host = host.or_else(|| rank.and_then(|rank| log.scan.host(rank)).map(ToOwned::to_owned));
    let of_host = |crew: &Crew| crew.subject(rank, host.as_deref(), log.scan.ranks());
    let found = seen.crew.map_or_else(|| of_host(&Crew::default()), of_host);
    // A host that is nobody's, in a replica's own log, is another name of its own.
    let nobodys = found.as_ref().is_none_or(|subject| subject.role.is_empty());
    let writer = log.writer.filter(|_| !rule.victim && (host.is_none() || nobodys));
    let found = writer.map(|writer| Subject { rank, ..(**writer).clone() }).or(found);
    found.map(Arc::new)
}

/// The best of these hits, in words.
fn told_of(seen: &Seen<'_>, hits: &[Hit<'_>]) -> Option<Cause> {
    let kinds = kinds(hits);
    let roots: Vec<&Rule> = kinds.iter().copied().filter(|kind| !is_consequence(kind, &kinds)).collect();
    let is_root = |hit: &&Hit<'_>| roots.iter().any(|root| std::ptr::eq(*root, hit.rule));
    let first = |of_log: bool| {
        hits.iter().filter(is_root).filter(move |hit| hit.log.is_some() == of_log).min_by_key(|h| h.order())
    };
    // Statuses have no place among the lines: the better explanation counts.
    let root = match (first(false), first(true)) {
        (Some(status), Some(log)) if log.rule.priority < status.rule.priority => Some(log),
        (status, log) => status.or(log),
    };
    let winner = named_first(root.or_else(|| hits.iter().min_by_key(|hit| hit.order()))?, hits);
    // Other exit codes are other ends, though one rule may tell of them all; other lines are other findings.
    let same = |hit: &&Hit<'_>| {
        std::ptr::eq(hit.rule, winner.rule)
            && (!matches!(hit.place, Place::Exit | Place::Log) || hit.text == winner.text)
    };
    let like: Vec<&Hit<'_>> = hits.iter().filter(same).collect();
    let about = filled_in(winner, hits);
    let holes = Holes { subject: about.as_ref(), ..winner.holes() };
    let of_node = winner.subject.as_deref().is_some_and(|subject| subject.role.is_empty());
    let subjects: Vec<&Subject> = if winner.log.is_some() || of_node {
        about.iter().collect()
    } else {
        like.iter().filter_map(|hit| hit.subject.as_deref()).collect()
    };
    let who = words::who(subjects, seen.replicas);
    let rule = winner.rule;
    Some(Cause {
        rule: rule.id.clone(),
        class: rule.class.clone(),
        title: Clean::new(&words::titled(who.as_deref(), &template::fill(&rule.title, &holes))),
        brief: Clean::new(&words::brief(who.as_deref(), &template::fill(&rule.short, &holes))),
        remedy: Clean::new(&template::fill(&rule.remedy, &holes)),
        evidence: evidence(seen, winner, &like, hits),
        replica: about.as_ref().filter(|subject| !subject.role.is_empty()).map(Subject::id),
        node: about.as_ref().and_then(|subject| subject.node.clone()),
        rank: about.as_ref().and_then(|subject| subject.rank),
        sure: sure(winner, hits, &roots),
        consequences: kinds
            .iter()
            .filter(|kind| !std::ptr::eq(**kind, rule) && is_consequence(kind, &[&[rule][..], &kinds[..]].concat()))
            .map(|kind| kind.id.clone())
            .collect(),
        recovers: rule.recovers,
    })
}

/// How sure the choice is, in percent.
fn sure(winner: &Hit<'_>, hits: &[Hit<'_>], roots: &[&Rule]) -> u8 {
    let rule = winner.rule;
    let mut sure: u8 = match rule.priority {
        0..LATE => 95,
        LATE..VAGUE => 85,
        _ => 70,
    };
    sure = sure.min(rule.sure);
    if !rule.consequence_of.is_empty() {
        sure = sure.min(if rule.class.ends_with("_unknown") || rule.priority >= VAGUE { 40 } else { 60 });
    }
    if winner.log.is_some_and(|log| log.standing != Standing::Stands) {
        sure = sure.min(40);
    }
    // Another explanation that isn't a consequence of this one.
    let line = winner.log.map(|log| (log.nth, log.hit.line));
    let other = |hit: &&Hit<'_>| {
        hit.rule.class != rule.class
            && hit.rule.priority < VAGUE
            && roots.iter().any(|root| std::ptr::eq(*root, hit.rule))
            && (line.is_none() || hit.log.map(|log| (log.nth, log.hit.line)) != line)
    };
    if hits.iter().any(|hit| other(&hit)) {
        sure = sure.saturating_sub(15);
    }
    sure
}

/// The rules that hit, each once.
fn kinds<'a>(hits: &[Hit<'a>]) -> Vec<&'a Rule> {
    let mut kinds: Vec<&Rule> = Vec::new();
    for hit in hits {
        if !kinds.iter().any(|known| std::ptr::eq(*known, hit.rule)) {
            kinds.push(hit.rule);
        }
    }
    kinds
}

/// Whether another rule that hit explains this one away. One that names this very rule as what it follows from does not.
fn is_consequence(rule: &Rule, hits: &[&Rule]) -> bool {
    let follows = |other: &Rule| other.consequence_of.iter().any(|of| **of == *rule.id);
    let explains = |of: &String, other: &Rule| {
        !std::ptr::eq(other, rule)
            && match of.as_str() {
                "*" => !other.can_follow() && !follows(other),
                of => *other.id == *of || *other.class == *of && !follows(other),
            }
    };
    rule.consequence_of.iter().any(|of| hits.iter().any(|hit| explains(of, hit)))
}

/// The winner's own, then what says the same elsewhere, then what else was seen. Each text is told once, with where it
/// was seen, and one that a fuller text contains is not told at all; few are enough.
fn evidence<'a>(seen: &Seen<'_>, winner: &'a Hit<'a>, like: &'a [&Hit<'a>], all: &'a [Hit<'a>]) -> Box<[Evidence]> {
    let hits = || std::iter::once(winner).chain(like.iter().copied()).chain(all);
    // Some more than are told, since some of them are not worth it.
    let mut texts: Vec<&Hit<'_>> = Vec::with_capacity(2 * MOST);
    for hit in hits() {
        if !texts.iter().any(|known| known.text == hit.text) {
            texts.push(hit);
            if texts.len() == 2 * MOST {
                break;
            }
        }
    }
    let places = |text: &'a str| hits().filter(move |hit| hit.text == text).map(|hit| hit.at);
    let fuller = |text: &str| texts.iter().any(|other| other.text.len() > text.len() && other.text.contains(text));
    // A bare code says nothing beside the reason that came with it.
    let reasoned =
        |at: At<'_>| texts.iter().any(|hit| hit.place != Place::Exit && places(hit.text).any(|place| place == at));
    let worth = |hit: &&&Hit<'a>| match hit.place {
        Place::Exit => !places(hit.text).take(MOST).all(reasoned),
        Place::Log => true,
        _ => !fuller(hit.text),
    };
    let told = |hit: &&Hit<'a>| {
        let code = || format!("exit code {}", hit.text);
        Evidence {
            at: Clean::new(&words::joined(&places(hit.text).collect::<Vec<_>>())),
            line: hit.at.line(),
            text: if hit.place == Place::Exit { Clean::new(&code()) } else { Clean::new(hit.text) },
            origin: origin(seen, hit),
        }
    };
    texts.iter().filter(worth).take(MOST).map(told).collect()
}

/// Where a hit can be read.
fn origin(seen: &Seen<'_>, hit: &Hit<'_>) -> Origin {
    match (hit.at, hit.log) {
        (_, Some(OfLog { hit: line, nth, .. })) => {
            let pod = seen.logs.get(nth).and_then(|log| log.pod).map(Name::lossy);
            Origin::Log { pod, rank: line.rank, time: line.at }
        }
        (At::Pod(pod), None) => {
            let said = if hit.place == Place::Message { hit.rule.pattern.find(hit.matched()) } else { None };
            let said = String::from_utf8_lossy(said.unwrap_or_default());
            Origin::Pod { pod: Name::lossy(pod), said: Clean::new(&said) }
        }
        (At::Event(..), None) => {
            let message = hit.text.split_once(": ").map_or(hit.text, |(_, message)| message);
            Origin::Event(Clean::new(message))
        }
        (At::Condition(_) | At::Workload(..) | At::Log(..), None) => Origin::Job,
    }
}
