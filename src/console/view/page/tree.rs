//! The tree of what a job owns, as lines: each object with how it is, what may not be read in its place.

use crate::{
    console::{
        model::page::{Kept, OwnedObject, PageModel},
        theme::Role,
        widgets::{
            rich::{RichLine, labelled},
            text::width,
        },
    },
    jobs::{
        PodRow,
        replica::{self, Replica, ReplicaStatus},
    },
};

/// Columns that the status must have beside the names, for all of them to be aligned.
const STATUS: u16 = 22;
/// Columns that are enough for more about it, beside its status.
const MORE: u16 = 24;

/// One line an object, its content below it.
pub(super) fn lines(page: &PageModel, objects: &[OwnedObject], columns: u16, ascii: bool) -> Vec<RichLine> {
    let names: Vec<_> = (0..objects.len()).map(|at| name(objects, at, &page.job, ascii)).collect();
    let widest = names.iter().map(RichLine::width).max().unwrap_or(0);
    let aligned = if widest + STATUS <= columns { widest + 2 } else { 0 };
    let mut out = Vec::new();
    for (at, (object, name)) in objects.iter().zip(names).enumerate() {
        let status = status(object, &page.job);
        let start = name.pad_to(aligned).and(if aligned == 0 { "  " } else { "" }, Role::Text);
        let stem = format!("  {}  ", pass(objects, at, ascii));
        out.extend(beside(start, &status, object, &stem, columns));
        out.extend(content(object, &stem, page.all_hosts, columns));
    }
    out
}

/// Stem, symbol, kind and name.
fn name(objects: &[OwnedObject], at: usize, job: &Kept, ascii: bool) -> RichLine {
    let object = &objects[at];
    let status = status(object, job);
    let symbol = if ascii { status.ascii() } else { status.symbol };
    RichLine::of(format!("  {}", stem(objects, at, ascii)), Role::Dim)
        .and(format!("{symbol} "), Role::of(status.severity))
        .and(object.kind.to_string(), Role::Label)
        .and(format!(" {}", object.name), Role::Text)
}

/// How a pod is, the fleet knows sooner.
fn status(object: &OwnedObject, job: &Kept) -> ReplicaStatus {
    let live = || job.pods.iter().find(|pod| pod.name == object.name);
    let pod = (object.kind.as_str() == "Pod").then(live).flatten();
    pod.map_or_else(|| object.status.clone(), of_pod)
}

fn of_pod(pod: &PodRow) -> ReplicaStatus {
    Replica { role: pod.role.clone(), index: pod.index, attempts: vec![pod], absent: replica::MISSING }.status()
}

/// The status and more about it after `start`: beside it, else below it. Further lines begin with `stem`.
fn beside(start: RichLine, status: &ReplicaStatus, object: &OwnedObject, stem: &str, columns: u16) -> Vec<RichLine> {
    let start = start.and(status.word.as_str(), Role::of(status.severity));
    if object.about.is_empty() {
        return vec![start];
    }
    let beside = start.width() + 2;
    let room = columns.saturating_sub(beside);
    let fits = room >= width(object.about.as_str()) || room >= MORE;
    let at = if fits { beside } else { stem.chars().count() as u16 + 2 };
    let told = labelled("", at, object.about.as_str(), Role::Dim, columns);
    let told = told.into_iter().map(|line| line.text().trim_start().to_owned());
    let mut out = if fits { Vec::new() } else { vec![start.clone()] };
    for words in told {
        let before = if out.is_empty() { start.clone() } else { RichLine::of(stem, Role::Dim) };
        out.push(before.pad_to(at).and(words, Role::Dim));
    }
    out
}

/// The lines of a hostfile; of a long one the first, and how many there are.
fn content(object: &OwnedObject, stem: &str, all: bool, columns: u16) -> Vec<RichLine> {
    let lines = &object.content;
    let indent = stem.chars().count() as u16;
    let folded = object.is_long() && !all;
    let shown = if folded { OwnedObject::SHORT } else { lines.len() };
    let mut out: Vec<RichLine> = Vec::new();
    for line in &lines[..shown] {
        for part in labelled("", indent, line.as_str(), Role::Dim, columns) {
            out.push(RichLine::of(stem, Role::Dim).and(part.text().trim_start(), Role::Dim));
        }
    }
    if folded {
        let words = format!("... {} more of {} hosts, h shows all", lines.len() - shown, lines.len());
        out.push(RichLine::of(stem, Role::Dim).and(words, Role::Key));
    }
    out
}

/// The branches before object `at`: whether a later one hangs on the same branch decides each of them.
fn stem(objects: &[OwnedObject], at: usize, ascii: bool) -> String {
    let [through, last] = if ascii { ["|- ", "`- "] } else { ["├─ ", "└─ "] };
    let depth = objects[at].depth;
    let mut out: String = (0..depth).map(|depth| passing(objects, at, depth, ascii)).collect();
    out.push_str(if goes_on(objects, at, depth) { through } else { last });
    out
}

/// The branches that go by below object `at`.
fn pass(objects: &[OwnedObject], at: usize, ascii: bool) -> String {
    (0..=objects[at].depth).map(|depth| passing(objects, at, depth, ascii)).collect()
}

fn passing(objects: &[OwnedObject], at: usize, depth: u8, ascii: bool) -> &'static str {
    match (goes_on(objects, at, depth), ascii) {
        (true, false) => "│  ",
        (true, true) => "|  ",
        (false, _) => "   ",
    }
}

fn goes_on(objects: &[OwnedObject], at: usize, depth: u8) -> bool {
    objects[at + 1..].iter().take_while(|later| later.depth >= depth).any(|later| later.depth == depth)
}
