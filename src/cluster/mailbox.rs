//! Pending changes on their way from the watches to the one fleet: latest wins.
//!
//! Owns rows only until they are taken. However fast a cluster changes, it holds at most one change a row; whoever takes
//! them decides how many at a time, so that keys are never kept waiting.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

use crate::jobs::{
    fleet::{Batch, ListKey, ListPhase, Row},
    text::Uid,
};

/// Shared between the watches, which put, and one owner of a fleet, who takes. Cheap to clone.
#[derive(Clone, Default)]
pub struct Mailbox(Arc<Shared>);

#[derive(Default)]
struct Shared {
    lists: Mutex<BTreeMap<ListKey, Pending>>,
    changed: Notify,
}

/// What one list has to tell: the end of an older read, then the present one.
#[derive(Default)]
struct Pending {
    before: Option<Segment>,
    now: Segment,
}

/// Changes since a restart (or since the last take), the latest of each uid, in order of arrival.
#[derive(Default)]
struct Segment {
    restart: bool,
    changes: BTreeMap<u64, (Uid, Change)>,
    places: HashMap<Uid, u64>,
    next: u64,
    complete: bool,
    phase: Option<ListPhase>,
}

enum Change {
    Upsert(Box<Row>),
    Removal,
}

impl Row {
    /// The uid of the object it is a row of.
    pub fn uid(&self) -> &Uid {
        match self {
            Self::Job(row) => &row.uid,
            Self::Pod(row) => &row.uid,
            Self::Event(row) => &row.uid,
            Self::Workload(row) => &row.uid,
        }
    }
}

impl Mailbox {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits until something was put since the last call. One waiter at a time; nothing is lost between calls.
    pub async fn changed(&self) {
        self.0.changed.notified().await;
    }

    /// Whether there is nothing to take.
    pub fn is_empty(&self) -> bool {
        self.lists().is_empty()
    }

    /// Moves out at most `max_rows` changes, lists of jobs first. Call again while it returns something.
    pub fn take(&self, max_rows: usize) -> Vec<Batch> {
        let (mut out, mut room) = (Vec::new(), max_rows.max(1));
        let mut lists = self.lists();
        while room > 0 {
            let Some(mut entry) = lists.first_entry() else { break };
            let key = entry.key().clone();
            let batch = entry.get_mut().take(key, &mut room);
            if entry.get().is_empty() {
                entry.remove();
            }
            out.extend(batch);
        }
        out
    }

    /// Forgets everything, when a session ends.
    pub fn clear(&self) {
        self.lists().clear();
    }

    pub(crate) fn restart(&self, list: &ListKey) {
        self.with(list, Pending::restart);
    }

    pub(crate) fn upserts(&self, list: &ListKey, rows: impl IntoIterator<Item = Row>) {
        self.with(list, |pending| {
            for row in rows {
                pending.now.put(row.uid().clone(), Change::Upsert(Box::new(row)));
            }
        });
    }

    pub(crate) fn remove(&self, list: &ListKey, uid: Uid) {
        self.with(list, |pending| pending.now.put(uid, Change::Removal));
    }

    pub(crate) fn complete(&self, list: &ListKey) {
        self.with(list, |pending| pending.now.complete = true);
    }

    pub(crate) fn phase(&self, list: &ListKey, phase: ListPhase) {
        self.with(list, |pending| pending.now.phase = Some(phase));
    }

    fn with(&self, list: &ListKey, put: impl FnOnce(&mut Pending)) {
        put(self.lists().entry(list.clone()).or_default());
        self.0.changed.notify_one();
    }

    fn lists(&self) -> MutexGuard<'_, BTreeMap<ListKey, Pending>> {
        // Nothing in here can be left half done by a panic that matters to the next holder.
        self.0.lists.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pending {
    /// An unfinished read that is begun again was never whole: its rows come again, or are gone.
    fn restart(&mut self) {
        let old = std::mem::take(&mut self.now);
        let whole = if old.restart { old.complete } else { self.before.is_none() && !old.is_empty() };
        if whole {
            self.before = Some(old);
        }
        self.now.restart = true;
    }

    fn take(&mut self, list: ListKey, room: &mut usize) -> Option<Batch> {
        if let Some(before) = &mut self.before {
            let batch = before.take(list, room);
            if before.is_empty() {
                self.before = None;
            }
            return batch;
        }
        self.now.take(list, room)
    }

    fn is_empty(&self) -> bool {
        self.before.is_none() && self.now.is_empty()
    }
}

impl Segment {
    fn put(&mut self, uid: Uid, change: Change) {
        if let Some(slot) = self.places.get(&uid).and_then(|place| self.changes.get_mut(place)) {
            slot.1 = change;
            return;
        }
        self.places.insert(uid.clone(), self.next);
        self.changes.insert(self.next, (uid, change));
        self.next += 1;
    }

    fn is_empty(&self) -> bool {
        !self.restart && self.changes.is_empty() && !self.complete && self.phase.is_none()
    }

    /// The first changes, and with the last of them what ends the segment.
    fn take(&mut self, list: ListKey, room: &mut usize) -> Option<Batch> {
        if self.is_empty() {
            return None;
        }
        let mut batch = Batch::new(list);
        batch.restart = std::mem::take(&mut self.restart);
        while *room > 0 {
            let Some((_, (uid, change))) = self.changes.pop_first() else { break };
            self.places.remove(&uid);
            *room -= 1;
            match change {
                Change::Upsert(row) => batch.upserts.push(*row),
                Change::Removal => batch.removals.push(uid),
            }
        }
        if self.changes.is_empty() {
            batch.complete = std::mem::take(&mut self.complete);
            batch.phase = self.phase.take();
        }
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jobs::{fleet::ListOf, kind::Kind, row::JobRow, text::Name};

    fn key(of: ListOf) -> ListKey {
        ListKey { of, namespace: None }
    }

    fn jobs() -> ListKey {
        key(ListOf::Jobs(Kind::MpiJob))
    }

    fn row(uid: u8, slots: u32) -> Row {
        let name = Name::lossy("job");
        let mut row = JobRow::bare(Kind::MpiJob, name.clone(), name, Uid::new(&format!("uid-{uid}")));
        row.slots = Some(slots);
        Row::Job(row)
    }

    fn slots(batch: &Batch) -> Vec<(String, Option<u32>)> {
        let of = |row: &Row| match row {
            Row::Job(job) => (job.uid.to_string(), job.slots),
            _ => panic!("not a job"),
        };
        batch.upserts.iter().map(of).collect()
    }

    #[test]
    fn the_latest_row_of_an_object_wins() {
        let mailbox = Mailbox::new();
        mailbox.upserts(&jobs(), [row(1, 1), row(2, 1), row(1, 2)]);
        mailbox.remove(&jobs(), Uid::new("uid-2"));
        let batches = mailbox.take(100);
        assert_eq!(slots(&batches[0]), [("uid-1".to_owned(), Some(2))]);
        assert_eq!(batches[0].removals, [Uid::new("uid-2")]);
        assert!(mailbox.is_empty() && mailbox.take(1).is_empty());
    }

    #[test]
    fn a_large_read_is_taken_in_pieces_and_ends_with_the_last() {
        let mailbox = Mailbox::new();
        mailbox.restart(&jobs());
        mailbox.upserts(&jobs(), (0..25).map(|n| row(n, 0)));
        mailbox.complete(&jobs());
        mailbox.phase(&jobs(), ListPhase::Live);
        let mut pieces = Vec::new();
        while !mailbox.is_empty() {
            pieces.extend(mailbox.take(10));
        }
        let shape: Vec<_> =
            pieces.iter().map(|b| (b.restart, b.upserts.len(), b.complete, b.phase.is_some())).collect();
        assert_eq!(shape, [(true, 10, false, false), (false, 10, false, false), (false, 5, true, true)]);
    }

    #[test]
    fn jobs_come_before_their_pods() {
        let mailbox = Mailbox::new();
        mailbox.phase(&key(ListOf::Pods), ListPhase::Live);
        mailbox.phase(&jobs(), ListPhase::Live);
        assert_eq!(mailbox.take(9).into_iter().map(|b| b.list).collect::<Vec<_>>(), [jobs(), key(ListOf::Pods)]);
    }

    #[test]
    fn what_was_known_before_a_new_read_is_still_told() {
        let mailbox = Mailbox::new();
        mailbox.upserts(&jobs(), [row(1, 1)]);
        mailbox.restart(&jobs());
        mailbox.upserts(&jobs(), [row(2, 2)]);
        mailbox.restart(&jobs());
        mailbox.upserts(&jobs(), [row(3, 3)]);
        mailbox.complete(&jobs());
        let mut seen = Vec::new();
        while !mailbox.is_empty() {
            seen.extend(mailbox.take(100));
        }
        let shape: Vec<_> = seen.iter().map(|b| (b.restart, slots(b), b.complete)).collect();
        let one = |n: u32| vec![(format!("uid-{n}"), Some(n))];
        assert_eq!(shape, [(false, one(1), false), (true, one(3), true)], "a read that was begun again is not told");
    }

    #[tokio::test]
    async fn a_wake_up_is_kept() {
        let mailbox = Mailbox::new();
        mailbox.phase(&jobs(), ListPhase::Live);
        tokio::time::timeout(std::time::Duration::from_secs(5), mailbox.changed()).await.expect("woken");
    }

    proptest! {
        /// However it is taken, the last word on each object is what arrives.
        #[test]
        fn the_last_word_arrives(steps in prop::collection::vec((0..6u8, 0..9u32, any::<bool>(), 1..4usize), 1..60)) {
            let (mailbox, mut expected, mut got) = (Mailbox::new(), HashMap::new(), HashMap::new());
            let take = |most: usize, got: &mut HashMap<String, u32>| {
                for batch in mailbox.take(most) {
                    got.extend(slots(&batch).into_iter().map(|(uid, s)| (uid, s.unwrap_or(0))));
                    batch.removals.iter().for_each(|uid| { got.remove(&uid.to_string()); });
                }
            };
            for (uid, value, gone, most) in steps {
                if gone {
                    mailbox.remove(&jobs(), Uid::new(&format!("uid-{uid}")));
                    expected.remove(&format!("uid-{uid}"));
                } else {
                    mailbox.upserts(&jobs(), [row(uid, value)]);
                    expected.insert(format!("uid-{uid}"), value);
                }
                if value % 3 == 0 {
                    take(most, &mut got);
                }
            }
            while !mailbox.is_empty() {
                take(2, &mut got);
            }
            prop_assert_eq!(got, expected);
        }
    }
}
