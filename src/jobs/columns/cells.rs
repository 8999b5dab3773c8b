//! What a job shows in a column, and by what the column sorts.

use std::{borrow::Cow, cmp::Ordering};

use compact_str::CompactString;

use super::ColumnId;
use crate::jobs::{
    filter::Subject,
    quantity::counted,
    row::ReplicaSpec,
    state::{Derived, Severity, State},
    text::{Clean, Sym},
    time::{Secs, duration},
};

/// How a cell's text is meant, for a theme to choose its looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// What identifies the row.
    Name,
    /// Plain.
    Plain,
    /// Of lesser weight.
    Quiet,
    /// Says how urgent something is.
    Severity(Severity),
}

/// What stands in one place of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell<'a> {
    /// Its text; empty where there is nothing to say.
    pub text: Cow<'a, str>,
    /// A shorter way to say it, for where the text does not fit.
    pub short: Option<Cow<'a, str>>,
    /// How it is meant.
    pub tone: Tone,
}

impl<'a> Cell<'a> {
    fn new(text: impl Into<Cow<'a, str>>, tone: Tone) -> Self {
        Self { text: text.into(), short: None, tone }
    }

    fn or_short(self, short: impl Into<Cow<'a, str>>) -> Self {
        Self { short: Some(short.into()), ..self }
    }
}

/// The cell of `subject` in a column.
pub fn cell<'a>(column: &ColumnId, subject: Subject<'a>, now: Secs) -> Cell<'a> {
    let (row, derived) = (&subject.job.row, &*subject.job.derived);
    let quiet = |text: Option<&'a Sym>| Cell::new(text.map_or("", Sym::as_str), Tone::Quiet);
    match column {
        ColumnId::Name => Cell::new(row.name.as_str(), Tone::Name),
        ColumnId::Namespace => Cell::new(row.namespace.as_str(), Tone::Quiet),
        ColumnId::Kind => Cell::new(row.kind.info().short, Tone::Quiet),
        ColumnId::State => state(derived),
        ColumnId::Workers => workers(derived),
        ColumnId::Gpus => gpus(derived),
        ColumnId::Queue => quiet(row.queue.as_ref()),
        ColumnId::Age => age(now.since(row.created)),
        ColumnId::Duration => Cell::new(lasted(derived, now).map(duration).unwrap_or_default(), Tone::Quiet),
        ColumnId::Progress => progress(derived),
        ColumnId::Cause => cause(subject),
        ColumnId::Launcher => Cell::new(subject.pods.first().map_or("", |pod| pod.name.as_str()), Tone::Plain),
        ColumnId::Restarts => count(derived.restarts.into(), Tone::Plain),
        ColumnId::Nodes => nodes(subject),
        ColumnId::Image => image(subject),
        ColumnId::Priority => quiet(row.priority.as_ref()),
        ColumnId::Creator => quiet(row.creator.as_ref()),
        ColumnId::Created => Cell::new(minute(row.created), Tone::Quiet),
        ColumnId::Finished => Cell::new(derived.finished.map(minute).unwrap_or_default(), Tone::Quiet),
        ColumnId::Reported => quiet(Some(&derived.reported)),
        ColumnId::Label(key) => quiet(row.label(key.as_str())),
    }
}

fn state(derived: &Derived) -> Cell<'static> {
    let mut text = derived.state.to_string();
    if derived.disagrees && !derived.reported.is_empty() {
        text = format!("{text} [{}]", derived.reported);
    }
    Cell::new(text, Tone::Severity(derived.urgency())).or_short(state_in_short(&derived.state))
}

/// `Pending 1/3`: how many have come as far as the others wait for.
fn state_in_short(state: &State) -> Cow<'static, str> {
    match state {
        State::Pending { scheduled, pulled, ready, total } if *total > 0 => {
            let behind = [scheduled, pulled, ready].into_iter().find(|n| *n < total).unwrap_or(ready);
            format!("Pending {behind}/{total}").into()
        }
        State::OperatorSilent => "No operator".into(),
        other => other.word().into(),
    }
}

/// `4h40m`, or `4h` where there is little room.
fn age(seconds: u32) -> Cell<'static> {
    let text = duration(seconds);
    let first = text.find(|c: char| c.is_ascii_alphabetic()).map_or(text.len(), |at| at + 1);
    let short = text[..first].to_owned();
    Cell::new(text, Tone::Quiet).or_short(short)
}

fn workers(derived: &Derived) -> Cell<'static> {
    let text = if derived.total == 0 { String::new() } else { format!("{}/{}", derived.ready, derived.total) };
    Cell::new(text, Tone::Plain)
}

fn gpus(derived: &Derived) -> Cell<'static> {
    let tone = if derived.leaked_gpus > 0 { Tone::Severity(Severity::Warn) } else { Tone::Plain };
    count(derived.gpus, tone)
}

fn count(n: u32, tone: Tone) -> Cell<'static> {
    Cell::new(if n == 0 { String::new() } else { n.to_string() }, tone)
}

/// The cause; before it what is still held after the end; without one what could not be read of the object.
fn cause(subject: Subject<'_>) -> Cell<'_> {
    let (row, derived) = (&subject.job.row, &*subject.job.derived);
    let title = derived.cause.as_ref().map(|cause| cause.title.as_str());
    let text = title.or(row.warning.as_ref().map(Clean::as_str)).unwrap_or_default();
    let tone = if derived.needs_attention() { Tone::Plain } else { Tone::Quiet };
    match derived.leaked_gpus {
        0 => {
            let brief = derived.cause.as_ref().map_or(text, |cause| cause.brief.as_str());
            Cell::new(text, tone).or_short(brief)
        }
        _ if text.contains("still holding") => Cell::new(text, tone),
        n if text.is_empty() => Cell::new(format!("Finished, still holding {}", counted(n.into(), "GPU")), tone),
        n => Cell::new(format!("Still holding {}; {text}", counted(n.into(), "GPU")), tone),
    }
}

/// `45% 450/1000`, or `45%` where there is little room.
fn progress(derived: &Derived) -> Cell<'static> {
    let Some(progress) = &derived.progress else { return Cell::new("", Tone::Plain) };
    let text = progress.brief();
    let short = progress.percent().unwrap_or_else(|| text.clone());
    Cell::new(text, Tone::Plain).or_short(short)
}

/// Seconds from its start to its end or to now.
pub(super) fn lasted(derived: &Derived, now: Secs) -> Option<u32> {
    derived.started.map(|from| derived.finished.unwrap_or(now).since(from))
}

fn nodes(subject: Subject<'_>) -> Cell<'_> {
    let mut nodes: Vec<&Sym> = subject.pods.iter().filter_map(|pod| pod.node.as_ref()).collect();
    nodes.sort_unstable();
    nodes.dedup();
    match nodes[..] {
        [] => Cell::new("", Tone::Plain),
        [one] => Cell::new(one.as_str(), Tone::Plain),
        [first, ref more @ ..] => {
            Cell::new(format!("{first} +{}", more.len()), Tone::Plain).or_short(format!("{} nodes", nodes.len()))
        }
    }
}

fn image(subject: Subject<'_>) -> Cell<'_> {
    let image = leading(subject).and_then(|spec| spec.image.as_ref()).map_or("", Sym::as_str);
    Cell::new(image, Tone::Quiet).or_short(image.rsplit('/').next().unwrap_or_default())
}

fn leading(subject: Subject<'_>) -> Option<&ReplicaSpec> {
    subject.job.row.replicas.first()
}

/// `2026-11-20 08:11`.
fn minute(at: Secs) -> String {
    let text = at.to_string();
    text.get(..16).unwrap_or(&text).replace('T', " ")
}

/// By what a column sorts. Nothing comes last in either direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortKey {
    /// By number.
    Number(i64),
    /// By text.
    Text(CompactString),
    /// There is nothing to sort by.
    Nothing,
}

impl SortKey {
    /// The order of two keys.
    pub fn compare(&self, other: &Self, descending: bool) -> Ordering {
        let turned = |order: Ordering| if descending { order.reverse() } else { order };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => turned(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => turned(a.cmp(b)),
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            (a, b) => a.rank().cmp(&b.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Number(_) => 0,
            Self::Text(_) => 1,
            Self::Nothing => 2,
        }
    }

    fn text(text: &str) -> Self {
        if text.is_empty() { Self::Nothing } else { Self::Text(CompactString::from(text)) }
    }

    fn count(n: u32) -> Self {
        if n == 0 { Self::Nothing } else { Self::Number(n.into()) }
    }
}

/// By the share that is done, in millionths.
fn progress_key(derived: &Derived) -> SortKey {
    let share = derived.progress.as_ref().and_then(|progress| progress.share);
    share.map_or(SortKey::Nothing, |share| SortKey::Number((share * 1e6) as i64))
}

/// What `subject` sorts by in a column. By state: the most urgent first, and the newest of these.
pub fn sort_key(column: &ColumnId, subject: Subject<'_>, now: Secs) -> SortKey {
    let (row, derived) = (&subject.job.row, &*subject.job.derived);
    let moment = |at: Option<Secs>| at.map_or(SortKey::Nothing, |at| SortKey::Number(at.0.into()));
    match column {
        ColumnId::State => {
            let newest_first = i64::from(u32::MAX - row.created.0);
            SortKey::Number(((derived.urgency() as i64) << 32) + newest_first)
        }
        ColumnId::Age => SortKey::Number(-i64::from(row.created.0)),
        ColumnId::Created => moment(Some(row.created)),
        ColumnId::Finished => moment(derived.finished),
        ColumnId::Duration => lasted(derived, now).map_or(SortKey::Nothing, |s| SortKey::Number(s.into())),
        ColumnId::Gpus => SortKey::count(derived.gpus),
        ColumnId::Progress => progress_key(derived),
        ColumnId::Restarts => SortKey::count(derived.restarts.into()),
        ColumnId::Workers if derived.total == 0 => SortKey::Nothing,
        ColumnId::Workers => {
            let share = u64::from(derived.ready) * 1_000_000 / u64::from(derived.total);
            SortKey::Number(share as i64)
        }
        other => SortKey::text(&cell(other, subject, now).text),
    }
}
