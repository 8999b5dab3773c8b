//! From observations to the best cause (facts: cause before consequence, then priority, time, and a name).

use std::cmp::Reverse;

use super::{
    place::{At, Observation, Place, Subject},
    rules::{Part, Rule, Rules},
    template,
};
use crate::jobs::{
    state::{Cause, Evidence},
    text::Clean,
    time::Secs,
};

struct Hit<'a> {
    rule: &'a Rule,
    seen: &'a Observation<'a>,
    part: Option<Part>,
}

impl Hit<'_> {
    /// What the pattern matched in.
    fn text(&self) -> &str {
        self.part.as_ref().map_or(self.seen.text, |(part, _)| part)
    }
}

/// The best cause. `replicas` is how many replicas the job has, for «12 of 16 workers».
pub fn best(rules: &Rules, seen: &[Observation<'_>], replicas: usize) -> Option<Cause> {
    let mut hits = Vec::new();
    for seen in seen {
        hits.extend(rules.matching(seen.place, seen.text).map(|(rule, part)| Hit { rule, seen, part }));
    }
    let kinds = kinds(&hits);
    let winner = hits.iter().min_by_key(|hit| {
        let late = hit.seen.time.unwrap_or(Secs(u32::MAX));
        let nodes = hit.part.as_ref().map(|(_, nodes)| *nodes);
        (is_consequence(hit.rule, &kinds), hit.rule.priority, Reverse(nodes), late, hit.seen.subject.is_none())
    })?;
    // Other exit codes are other ends, though one rule may tell of them all.
    let same = |hit: &&Hit<'_>| {
        std::ptr::eq(hit.rule, winner.rule) && (hit.seen.place != Place::Exit || hit.seen.text == winner.seen.text)
    };
    let like: Vec<&Hit<'_>> = hits.iter().filter(same).collect();
    let captures = winner.rule.pattern.captures(winner.text());
    let words = template::fill(&winner.rule.title, captures.as_ref(), winner.seen);
    let who = who(&like, replicas);
    let subject = winner.seen.subject.as_ref();
    Some(Cause {
        rule: winner.rule.id.clone(),
        class: winner.rule.class.clone(),
        title: Clean::new(&titled(who.as_deref(), &words)),
        brief: Clean::new(&brief(who.as_deref(), &template::fill(&winner.rule.short, captures.as_ref(), winner.seen))),
        remedy: Clean::new(&template::fill(&winner.rule.remedy, captures.as_ref(), winner.seen)),
        evidence: evidence(winner, &like, &hits),
        replica: subject.map(|subject| subject.id()),
        node: subject.and_then(|subject| subject.node.clone()),
        recovers: winner.rule.recovers,
    })
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

/// Whether another rule that hit explains this one away.
fn is_consequence(rule: &Rule, hits: &[&Rule]) -> bool {
    let explains = |of: &String, other: &Rule| {
        !std::ptr::eq(other, rule)
            && match of.as_str() {
                "*" => other.consequence_of.is_empty(),
                of => *other.id == *of || *other.class == *of,
            }
    };
    rule.consequence_of.iter().any(|of| hits.iter().any(|hit| explains(of, hit)))
}

/// «Worker 2» for one, «12 of 16 workers» for many of a role, «3 replicas» for a mixture; nobody is the job itself.
fn who(like: &[&Hit<'_>], replicas: usize) -> Option<String> {
    let mut subjects: Vec<&Subject> = like.iter().filter_map(|hit| hit.seen.subject.as_deref()).collect();
    subjects.sort_by(|a, b| (&a.role, a.index).cmp(&(&b.role, b.index)));
    subjects.dedup_by(|a, b| (&a.role, a.index) == (&b.role, b.index));
    Some(match subjects.as_slice() {
        [] => return None,
        [one] => one.title(),
        [first, rest @ ..] if rest.iter().all(|other| other.role == first.role) => {
            let (count, role) = (subjects.len(), first.role.as_str().to_lowercase());
            let of = if replicas > count { format!(" of {replicas}") } else { String::new() };
            format!("{count}{of} {role}s")
        }
        many => format!("{} replicas", many.len()),
    })
}

/// «Worker 2: out of memory».
fn titled(who: Option<&str>, words: &str) -> String {
    who.map_or_else(|| capital(words), |who| format!("{who}: {words}"))
}

/// «Out of memory, worker 2».
fn brief(who: Option<&str>, words: &str) -> String {
    let words = capital(words);
    who.map_or_else(|| words.clone(), |who| format!("{words}, {}", who.to_lowercase()))
}

/// With a great first letter.
pub(crate) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The winner's own, then what says the same elsewhere, then what else was seen. Each text is told once, with where it
/// was seen, and one that a fuller text contains is not told at all; few are enough.
fn evidence(winner: &Hit<'_>, like: &[&Hit<'_>], all: &[Hit<'_>]) -> Box<[Evidence]> {
    const MOST: usize = 6;
    let mut groups: Vec<(Place, &str, Vec<At<'_>>)> = Vec::new();
    for hit in std::iter::once(winner).chain(like.iter().copied()).chain(all) {
        let (place, text, at) = (hit.seen.place, hit.seen.text, hit.seen.at);
        // Some more than are told, since some of them are not worth it.
        let room = groups.len() < 2 * MOST;
        match groups.iter_mut().find(|(_, known, _)| *known == text) {
            Some((_, _, places)) => places.push(at),
            None if room => groups.push((place, text, vec![at])),
            None => {}
        }
    }
    let fuller = |text: &str| groups.iter().any(|(_, other, _)| other.len() > text.len() && other.contains(text));
    // A bare code says nothing beside the reason that came with it.
    let reasoned = |at: &At<'_>| groups.iter().any(|(place, _, places)| *place != Place::Exit && places.contains(at));
    let worth = |(place, text, places): &&(Place, &str, Vec<At<'_>>)| match place {
        Place::Exit => !places.iter().take(MOST).all(reasoned),
        _ => !fuller(text),
    };
    groups
        .iter()
        .filter(worth)
        .take(MOST)
        .map(|(place, text, places)| {
            let text = if *place == Place::Exit { format!("exit code {text}") } else { (*text).to_owned() };
            Evidence { at: Clean::new(&joined(places)), text: Clean::new(&text) }
        })
        .collect()
}

/// `pod a`, `pods a, b`, `100 pods: a, b and 98 more`. What is seen elsewhere than in pods is named by its first place.
fn joined(places: &[At<'_>]) -> String {
    let mut names: Vec<&str> = places.iter().filter_map(At::pod).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] | [_] => places.first().map_or_else(String::new, ToString::to_string),
        [a, b] => format!("pods {a}, {b}"),
        [a, b, rest @ ..] => format!("{} pods: {a}, {b} and {} more", names.len(), rest.len()),
    }
}
