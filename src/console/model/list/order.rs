//! Which jobs are shown and in which order, kept up to date job by job.
//!
//! A change costs what concerns that job (and moving a few pointers), however many there are. Must not know what is
//! selected or where the screen ends.

use std::{cmp::Ordering, collections::HashMap, sync::Arc};

use crate::jobs::{
    Secs,
    columns::{Sort, SortKey, sort_key},
    filter::{Filter, Scratch, Subject},
    fleet::{Fleet, Job, JobKey},
    state::{State, WORDS},
};

/// By what is chosen and sorted.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// Only what this keeps.
    pub filter: &'a Filter,
    /// Only what needs attention.
    pub attention: bool,
    /// The order.
    pub sort: &'a Sort,
}

/// The shown jobs in their order, and counts over all of them.
#[derive(Debug, Default)]
pub struct Order {
    rows: Vec<Arc<Row>>,
    known: HashMap<JobKey, Known>,
    counts: [(Option<State>, u32); WORDS.len()],
    attention: u32,
    until: Option<Secs>,
}

#[derive(Debug)]
struct Row {
    key: JobKey,
    sort: SortKey,
}

#[derive(Debug)]
struct Known {
    word: usize,
    attention: bool,
    row: Arc<Row>,
    shown: bool,
}

/// Where a changed job was and is among the shown ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Before.
    pub from: Option<usize>,
    /// Now.
    pub to: Option<usize>,
    /// Whether a count changed.
    pub counted: bool,
}

impl Order {
    /// Begins anew with all jobs of the fleet.
    pub fn rebuild(&mut self, fleet: &Fleet, choice: Choice<'_>, now: Secs, scratch: &mut Scratch) {
        *self = Self::default();
        for job in fleet.jobs() {
            let known = self.known_of(job, fleet, choice, now, scratch);
            self.rows.extend(known.shown.then(|| Arc::clone(&known.row)));
            self.count(&known, 1);
            self.known.insert(job.key(), known);
        }
        let descending = choice.sort.descending;
        self.rows.sort_unstable_by(|a, b| compare(a, b, descending));
    }

    /// Only the filter is another: what jobs sort by stays as it is.
    pub fn refilter(&mut self, fleet: &Fleet, choice: Choice<'_>, now: Secs, scratch: &mut Scratch) {
        (self.rows, self.until) = (Vec::with_capacity(self.rows.len()), None);
        for (key, known) in &mut self.known {
            let Some(job) = fleet.get(key) else { continue };
            let pods = if choice.filter.needs_pods() { fleet.pods(key) } else { Vec::new() };
            let subject = Subject { job, pods: &pods };
            known.shown = (known.attention || !choice.attention) && choice.filter.matches(subject, now, scratch);
            self.rows.extend(known.shown.then(|| Arc::clone(&known.row)));
            self.until = earlier(self.until, choice.filter.changes_at(job, now));
        }
        let descending = choice.sort.descending;
        self.rows.sort_unstable_by(|a, b| compare(a, b, descending));
    }

    /// One job changed, came or went.
    pub fn change(
        &mut self,
        key: &JobKey,
        fleet: &Fleet,
        choice: Choice<'_>,
        now: Secs,
        scratch: &mut Scratch,
    ) -> Moved {
        let before = self.known.remove(key);
        let from = before.as_ref().and_then(|known| self.take_out(known, choice));
        let after = fleet.get(key).map(|job| self.known_of(job, fleet, choice, now, scratch));
        let to = after.as_ref().and_then(|known| self.put_in(known, choice));
        let sign = |known: &Option<Known>| known.as_ref().map(|known| (known.word, known.attention));
        let counted = sign(&before) != sign(&after);
        if let Some(known) = before {
            self.count(&known, -1);
        }
        if let Some(known) = after {
            self.count(&known, 1);
            self.known.insert(key.clone(), known);
        }
        Moved { from, to, counted }
    }

    /// How many are shown.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether none is shown.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// How many there are, shown or not.
    pub fn total(&self) -> usize {
        self.known.len()
    }

    /// How many need attention.
    pub fn attention(&self) -> u32 {
        self.attention
    }

    /// How many there are of each state, most urgent first, those with none left out.
    pub fn counts(&self) -> impl Iterator<Item = (&State, u32)> {
        self.counts.iter().filter(|(_, n)| *n > 0).filter_map(|(state, n)| Some((state.as_ref()?, *n)))
    }

    /// The job in this place.
    pub fn get(&self, at: usize) -> Option<&JobKey> {
        self.rows.get(at).map(|row| &row.key)
    }

    /// Jobs from one place on.
    pub fn from(&self, at: usize) -> impl Iterator<Item = &JobKey> {
        self.rows.iter().skip(at).map(|row| &row.key)
    }

    /// Where a job is shown.
    pub fn position(&self, key: &JobKey, sort: &Sort) -> Option<usize> {
        let Known { row, .. } = self.known.get(key).filter(|known| known.shown)?;
        self.rows.binary_search_by(|other| compare(other, row, sort.descending)).ok()
    }

    /// Whether there is such a job, shown or not.
    pub fn knows(&self, key: &JobKey) -> bool {
        self.known.contains_key(key)
    }

    /// A shown job of the same kind, namespace and name: one that was made again.
    pub fn namesake(&self, key: &JobKey) -> Option<&JobKey> {
        let same = |k: &&JobKey| k.name == key.name && k.namespace == key.namespace && k.kind == key.kind;
        self.rows.iter().map(|row| &row.key).find(same)
    }

    /// When time alone changes what is shown.
    pub fn until(&self) -> Option<Secs> {
        self.until
    }

    fn known_of(&mut self, job: &Job, fleet: &Fleet, choice: Choice<'_>, now: Secs, scratch: &mut Scratch) -> Known {
        let key = job.key();
        let pods = choice.filter.needs_pods() || choice.sort.column.needs_pods();
        let pods = if pods { fleet.pods(&key) } else { Vec::new() };
        let subject = Subject { job, pods: &pods };
        let attention = job.derived.needs_attention();
        let shown = (attention || !choice.attention) && choice.filter.matches(subject, now, scratch);
        self.until = earlier(self.until, choice.filter.changes_at(job, now));
        let name = job.derived.state.word();
        let word = WORDS.iter().position(|w| *w == name).unwrap_or_default();
        self.counts[word].0.get_or_insert_with(|| job.derived.state.clone());
        Known { word, attention, row: Arc::new(Row { key, sort: sort_key(&choice.sort.column, subject, now) }), shown }
    }

    fn count(&mut self, known: &Known, by: i32) {
        let count = &mut self.counts[known.word].1;
        *count = count.saturating_add_signed(by);
        if known.attention {
            self.attention = self.attention.saturating_add_signed(by);
        }
    }

    fn take_out(&mut self, known: &Known, choice: Choice<'_>) -> Option<usize> {
        let row = known.shown.then_some(&known.row)?;
        let at = self.rows.binary_search_by(|other| compare(other, row, choice.sort.descending)).ok()?;
        self.rows.remove(at);
        Some(at)
    }

    fn put_in(&mut self, known: &Known, choice: Choice<'_>) -> Option<usize> {
        let row = known.shown.then_some(&known.row)?;
        let at = self.rows.partition_point(|other| compare(other, row, choice.sort.descending) == Ordering::Less);
        self.rows.insert(at, Arc::clone(row));
        Some(at)
    }
}

fn earlier(a: Option<Secs>, b: Option<Secs>) -> Option<Secs> {
    a.into_iter().chain(b).min()
}

fn compare(a: &Row, b: &Row, descending: bool) -> Ordering {
    a.sort.compare(&b.sort, descending).then_with(|| a.key.cmp(&b.key))
}
