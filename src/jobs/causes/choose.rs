//! From observations to the best cause (facts: cause before consequence, then priority, time, and a name).

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use super::{
    rules::{Rule, Rules},
    scheduler, template,
};
use crate::jobs::{
    state::{Cause, Evidence},
    text::{Clean, Name, Sym},
    time::Secs,
};

/// Where something was observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Place {
    /// Why a container waits: its reason.
    Waiting,
    /// The kubelet's words on a container that waits or has ended.
    Message,
    /// Why a container ended: its reason.
    Terminated,
    /// With which code a container ended.
    Exit,
    /// The reason of a pod's status.
    PodReason,
    /// The message of a pod's status.
    PodMessage,
    /// The reason of a pod's `DisruptionTarget` condition.
    Disruption,
    /// Why a pod has no node: `reason: message`.
    Unscheduled,
    /// An event: `reason: message`.
    Event,
    /// A condition of the job: `reason: message`.
    Condition,
    /// A condition of the Workload: `reason: message`.
    Queue,
    /// A refusal of the API server.
    Api,
}

impl Place {
    const NAMES: [(&'static str, Self); 12] = [
        ("waiting", Self::Waiting),
        ("message", Self::Message),
        ("terminated", Self::Terminated),
        ("exit", Self::Exit),
        ("pod-reason", Self::PodReason),
        ("pod-message", Self::PodMessage),
        ("disruption", Self::Disruption),
        ("unscheduled", Self::Unscheduled),
        ("event", Self::Event),
        ("condition", Self::Condition),
        ("queue", Self::Queue),
        ("api", Self::Api),
    ];

    /// The place that a rule file calls so.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, place)| *place)
    }
}

/// The replica that an observation is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Subject {
    /// `Worker 2`.
    pub title: String,
    /// `worker-2`.
    pub id: Name,
    /// Its node, if it has one.
    pub node: String,
    /// Its memory limit, if it has one.
    pub limit: String,
    /// The container's image.
    pub image: String,
    /// The container's name.
    pub container: String,
    /// The exit code, if it ended.
    pub exit: String,
}

/// One thing that was observed.
#[derive(Clone, Debug)]
pub struct Observation<'a> {
    /// Where.
    pub place: Place,
    /// What, in the cluster's words.
    pub text: &'a str,
    /// Where, for people: `pod train-worker-2`.
    pub at: Arc<str>,
    /// The replica it is about, if one.
    pub subject: Option<Arc<Subject>>,
    /// When.
    pub time: Option<Secs>,
}

struct Hit<'a> {
    rule: &'a Rule,
    seen: &'a Observation<'a>,
    /// The part of the text that the rule is about, where it is not all of it, and how many nodes that concerns.
    part: Option<(Arc<str>, u32)>,
}

impl Hit<'_> {
    /// What the pattern matched in.
    fn text(&self) -> &str {
        self.part.as_ref().map_or(self.seen.text, |(part, _)| part)
    }
}

/// The best cause. `replicas` is how many replicas the job has, for «12 of 16 workers».
pub fn best(rules: &Rules, seen: &[Observation<'_>], replicas: usize) -> Option<Cause> {
    let hits = hits(rules, seen);
    let winner = hits.iter().min_by_key(|hit| {
        let late = hit.seen.time.unwrap_or(Secs(u32::MAX));
        let nodes = hit.part.as_ref().map(|(_, nodes)| *nodes);
        (is_consequence(hit.rule, &hits), hit.rule.priority, Reverse(nodes), late, hit.seen.subject.is_none())
    })?;
    // Other exit codes are other ends, though one rule may tell of them all.
    let same = |hit: &&Hit<'_>| {
        hit.rule.id == winner.rule.id && (hit.seen.place != Place::Exit || hit.seen.text == winner.seen.text)
    };
    let like: Vec<&Hit<'_>> = hits.iter().filter(same).collect();
    let captures = winner.rule.pattern.captures(winner.text().as_bytes());
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
        replica: subject.map(|subject| subject.id.clone()),
        node: subject.filter(|subject| !subject.node.is_empty()).map(|subject| Sym::new(&subject.node)),
        recovers: winner.rule.recovers,
    })
}

/// All hits. Many replicas say the same: each text is looked at once.
fn hits<'a>(rules: &'a Rules, seen: &'a [Observation<'a>]) -> Vec<Hit<'a>> {
    let mut known: HashMap<(Place, &str), Vec<Match<'a>>> = HashMap::new();
    let mut hits = Vec::new();
    for one in seen {
        let matching = known.entry((one.place, one.text)).or_insert_with(|| matching(rules, one));
        hits.extend(matching.iter().map(|(rule, part)| Hit { rule, seen: one, part: part.clone() }));
    }
    hits
}

/// A rule, and the part of the text that it is about where it is not all of it.
type Match<'a> = (&'a Rule, Option<(Arc<str>, u32)>);

fn matching<'a>(rules: &'a Rules, one: &Observation<'_>) -> Vec<Match<'a>> {
    let looking = || rules.iter().filter(|rule| rule.places.contains(&one.place));
    let whole: Vec<&Rule> = looking().filter(|rule| rule.pattern.is_match(one.text.as_bytes())).collect();
    if whole.iter().any(|rule| rule.is_noise()) {
        return Vec::new();
    }
    let reasons: Vec<_> =
        scheduler::reasons(one.text).into_iter().map(|(t, nodes)| (Arc::<str>::from(t), nodes)).collect();
    let mut out: Vec<Match<'a>> = Vec::new();
    for rule in whole {
        let before = out.len();
        let own = reasons.iter().filter(|(text, _)| rule.pattern.is_match(text.as_bytes()));
        out.extend(own.map(|part| (rule, Some(part.clone()))));
        if out.len() == before {
            out.push((rule, None));
        }
    }
    out
}

/// Whether another hit explains this rule away.
fn is_consequence(rule: &Rule, hits: &[Hit<'_>]) -> bool {
    let explains = |of: &String, other: &Rule| {
        other.id != rule.id
            && match of.as_str() {
                "*" => other.consequence_of.is_empty(),
                of => *other.id == *of || *other.class == *of,
            }
    };
    rule.consequence_of.iter().any(|of| hits.iter().any(|hit| explains(of, hit.rule)))
}

/// «Worker 2» for one, «12 of 16 workers» for many of a role, «3 replicas» for a mixture; nobody is the job itself.
fn who(like: &[&Hit<'_>], replicas: usize) -> Option<String> {
    let mut subjects: Vec<&Subject> = like.iter().filter_map(|hit| hit.seen.subject.as_deref()).collect();
    subjects.sort_by(|a, b| a.id.cmp(&b.id));
    subjects.dedup_by(|a, b| a.id == b.id);
    let role = |subject: &Subject| subject.title.split(' ').next().unwrap_or_default().to_owned();
    Some(match subjects.as_slice() {
        [] => return None,
        [one] => one.title.clone(),
        [first, rest @ ..] if rest.iter().all(|other| role(other) == role(first)) => {
            let (count, role) = (subjects.len(), role(first).to_lowercase());
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
    let mut groups: Vec<(Place, &str, Vec<&str>)> = Vec::new();
    for hit in std::iter::once(winner).chain(like.iter().copied()).chain(all) {
        let (place, text, at) = (hit.seen.place, hit.seen.text, &*hit.seen.at);
        match groups.iter_mut().find(|(_, known, _)| *known == text) {
            Some((_, _, places)) => places.push(at),
            None => groups.push((place, text, vec![at])),
        }
    }
    let fuller = |text: &str| groups.iter().any(|(_, other, _)| other.len() > text.len() && other.contains(text));
    // A bare code says nothing beside the reason that came with it.
    let reasoned = |at: &&str| groups.iter().any(|(place, _, places)| *place != Place::Exit && places.contains(at));
    let worth = |(place, text, places): &&(Place, &str, Vec<&str>)| match place {
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
fn joined(places: &[&str]) -> String {
    let mut names: Vec<&str> = places.iter().filter_map(|at| at.strip_prefix("pod ")).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] | [_] => places.first().map_or_else(String::new, |at| (*at).to_owned()),
        [a, b] => format!("pods {a}, {b}"),
        [a, b, rest @ ..] => format!("{} pods: {a}, {b} and {} more", names.len(), rest.len()),
    }
}
