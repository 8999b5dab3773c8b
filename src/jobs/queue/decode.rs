//! Kueue's messages taken apart, in the words of its releases before and after 0.19.
//!
//! Owns the grammar of those sentences; what a reader should know of each is in `tests.rs`. Words that it does not know
//! come out as they are.

use crate::jobs::{
    amounts::{parse, short, shown},
    text::{Clean, Sym, Uid},
};

/// What is the matter with a queue that takes nobody in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// It does not exist.
    Missing,
    /// It is not active.
    Inactive,
    /// Somebody has stopped it.
    Stopped,
}

/// One reason why a Workload is not in. Amounts in thousandths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// So much is missing until others go.
    Missing {
        /// The resource.
        resource: Sym,
        /// The flavor.
        flavor: Sym,
        /// How much.
        missing: u64,
    },
    /// It asks for more than there ever can be.
    TooMuch {
        /// The resource.
        resource: Sym,
        /// The flavor.
        flavor: Sym,
        /// What it asks for, with the pods before it.
        asked: u64,
        /// What there can be.
        most: u64,
    },
    /// The flavor's nodes are not for its pods: why.
    Unfit {
        /// The flavor.
        flavor: Sym,
        /// The taint or label.
        by: Clean,
    },
    /// The queue does not offer the resource at all.
    NotOffered(Sym),
    /// A queue takes nobody in.
    Queue {
        /// `LocalQueue` or `ClusterQueue`.
        kind: &'static str,
        /// Its name.
        name: Sym,
        /// What is the matter.
        how: Shut,
    },
    /// Another came first in the same pass; it is looked at again.
    Overtaken,
    /// It is switched off.
    Off,
    /// Anything else, in Kueue's words.
    Said(Clean),
}

impl Why {
    /// In words for people.
    pub fn words(&self) -> String {
        match self {
            Self::Missing { resource, flavor, missing } => {
                let n = shown(resource.as_str(), *missing);
                format!("{n} {} too few free in flavor {flavor}", short(resource.as_str()))
            }
            Self::TooMuch { resource, flavor, asked, most } => {
                let [asked, most] = [*asked, *most].map(|n| shown(resource.as_str(), n));
                format!(
                    "can never fit: needs {asked} {}, maximum of flavor {flavor} is {most}",
                    short(resource.as_str())
                )
            }
            Self::Unfit { flavor, by } => format!("flavor {flavor} is not for its pods: {by}"),
            Self::NotOffered(resource) => format!("can never fit: the queue offers no {resource}"),
            Self::Queue { kind, name, how } => {
                let how = match how {
                    Shut::Missing => "does not exist",
                    Shut::Inactive => "is not active",
                    Shut::Stopped => "is stopped",
                };
                format!("{kind} {name} {how}")
            }
            Self::Overtaken => "another Workload took the room just before it; Kueue looks again by itself".to_owned(),
            Self::Off => "it is switched off (spec.active of its Workload)".to_owned(),
            Self::Said(words) => words.to_string(),
        }
    }

    /// Whether waiting alone can't help.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::TooMuch { .. } | Self::NotOffered(_) | Self::Queue { how: Shut::Missing, .. })
    }
}

/// A message taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decoded {
    /// Each reason, with the set of pods that it is about, where it says so.
    pub whys: Vec<(Option<Sym>, Why)>,
    /// So many others are being put out for it.
    pub preempting: Option<u32>,
}

/// Takes the message of `QuotaReserved=False` apart.
pub fn decode(message: &str) -> Decoded {
    let (message, preempting) = match message.split_once(". Pending the preemption of ") {
        Some((rest, pending)) => (rest, pending.split(' ').next().and_then(|n| n.parse().ok())),
        None => (message, None),
    };
    let mut whys = Vec::new();
    for part in message.split("; ").filter(|part| !part.trim().is_empty()) {
        let (set, text) =
            match part.strip_prefix("couldn't assign flavors to pod set ").and_then(|p| p.split_once(": ")) {
                Some((set, text)) => (Some(Sym::new(set)), text),
                None => (None, part),
            };
        whys.extend(reasons(text).into_iter().map(|reason| (set.clone(), why(reason))));
    }
    Decoded { whys, preempting }
}

/// What a reason begins with: a comma before one of these parts two reasons.
const BEGINNINGS: [&str; 5] =
    ["insufficient unused quota for ", "insufficient quota for ", "untolerated taint ", "resource ", "flavor "];

fn reasons(text: &str) -> Vec<&str> {
    let (mut parts, mut from) = (Vec::new(), 0);
    for (at, _) in text.match_indices(", ") {
        if BEGINNINGS.iter().any(|beginning| text[at + 2..].starts_with(beginning)) {
            parts.push(&text[from..at]);
            from = at + 2;
        }
    }
    parts.push(&text[from..]);
    parts
}

fn why(text: &str) -> Why {
    let text = text.trim().trim_end_matches('.');
    let known = missing(text).or_else(|| too_much(text)).or_else(|| unfit(text)).or_else(|| shut(text));
    known.unwrap_or_else(|| match text {
        "Workload no longer fits after processing another workload" => Why::Overtaken,
        "The workload is deactivated" => Why::Off,
        _ => Why::Said(Clean::new(text)),
    })
}

/// `RESOURCE in flavor FLAVOR, REST`.
fn place(text: &str) -> Option<(Sym, Sym, &str)> {
    let (resource, rest) = text.split_once(" in flavor ")?;
    let (flavor, rest) = rest.split_once(", ")?;
    Some((Sym::new(resource), Sym::new(flavor), rest))
}

fn missing(text: &str) -> Option<Why> {
    let (resource, flavor, rest) = place(text.strip_prefix("insufficient unused quota for ")?)?;
    let missing = parse(rest.strip_suffix(" more needed")?)?;
    Some(Why::Missing { resource, flavor, missing })
}

/// The numbers in parentheses: `previously … (0) + current … (32) > maximum capacity (24)`, before 0.9
/// `request > maximum capacity (32 > 24)`.
fn too_much(text: &str) -> Option<Why> {
    let (resource, flavor, rest) = place(text.strip_prefix("insufficient quota for ")?)?;
    if !rest.contains("maximum capacity") {
        return None;
    }
    let inside: Vec<&str> = rest.split('(').skip(1).filter_map(|part| Some(part.split_once(')')?.0)).collect();
    let (asked, most) = match inside[..] {
        [both] => {
            let (asked, most) = both.split_once(" > ")?;
            (parse(asked)?, parse(most)?)
        }
        [before, now, most] => (parse(before)?.saturating_add(parse(now)?), parse(most)?),
        _ => return None,
    };
    Some(Why::TooMuch { resource, flavor, asked, most })
}

fn unfit(text: &str) -> Option<Why> {
    if text.starts_with("untolerated taint ") {
        let (taint, flavor) = text.rsplit_once(" in flavor ")?;
        return Some(Why::Unfit { flavor: Sym::new(flavor), by: Clean::new(taint) });
    }
    if let Some(resource) = text.strip_prefix("resource ").and_then(|t| t.strip_suffix(" unavailable in ClusterQueue"))
    {
        return Some(Why::NotOffered(Sym::new(resource)));
    }
    let (flavor, by) = text.strip_prefix("flavor ")?.split_once(' ')?;
    Some(Why::Unfit { flavor: Sym::new(flavor), by: Clean::new(by) })
}

fn shut(text: &str) -> Option<Why> {
    let kind = ["LocalQueue", "ClusterQueue"].into_iter().find(|kind| text.starts_with(kind))?;
    let (name, how) = text[kind.len()..].trim_start().split_once(' ')?;
    let how = match how {
        "doesn't exist" => Shut::Missing,
        "is inactive" => Shut::Inactive,
        "is stopped" => Shut::Stopped,
        _ => return None,
    };
    Some(Why::Queue { kind, name: Sym::new(name), how })
}

/// Who put a Workload out, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preempted {
    /// Uid of the preemptor's job, where it is told.
    pub by: Option<Uid>,
    /// `prioritization in the ClusterQueue`, ….
    pub why: Clean,
    /// The preemptor's queue, as a path through its cohorts.
    pub from: Clean,
}

/// Takes the message of `Preempted=True` apart, also one that is over (`Previously: …`).
pub fn preempted(message: &str) -> Option<Preempted> {
    let rest = message.split_once("Preempted to accommodate a workload (UID: ")?.1;
    let (ids, rest) = rest.split_once(") due to ")?;
    let by = ids.split_once("JobUID: ").map(|(_, uid)| uid).filter(|uid| !uid.is_empty() && *uid != "UNKNOWN");
    let mut parts = rest.split("; ");
    let why = Clean::new(parts.next().unwrap_or_default());
    let from = parts.find_map(|part| part.strip_prefix("preemptor path: ")).map(Clean::new).unwrap_or_default();
    Some(Preempted { by: by.map(Uid::new), why, from })
}
