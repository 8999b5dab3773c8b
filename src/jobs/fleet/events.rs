//! Warning events: the few that a job keeps, and the waiting room of those whose object is not known yet.

use std::collections::{HashMap, VecDeque};

use crate::jobs::{row::EventRow, text::Uid};

/// An event with the list that brought it and the read in which it was last seen.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) row: EventRow,
    pub(super) list: u16,
    pub(super) seen: u32,
}

/// The events of one job: the latest of each object and reason, at most [`JobEvents::MOST`].
#[derive(Debug, Default)]
pub(super) struct JobEvents(pub(super) Vec<Kept>);

/// What became of an event that was offered to a job.
#[derive(Debug, PartialEq)]
pub(super) enum Taken {
    /// Already there, and the same.
    Same,
    /// Kept; the event of this uid had to make room.
    New(Option<Uid>),
    /// A newer one of its object and reason is there, or all that are there are newer.
    Older,
}

impl JobEvents {
    /// How many a job keeps.
    pub(super) const MOST: usize = 20;

    pub(super) fn take(&mut self, event: Kept) -> Taken {
        if let Some(old) = self.0.iter_mut().find(|old| old.row.uid == event.row.uid) {
            if event.row.last < old.row.last {
                return Taken::Older;
            }
            let same = old.row == event.row;
            *old = event;
            return if same { Taken::Same } else { Taken::New(None) };
        }
        let like = |old: &Kept| old.row.about_uid == event.row.about_uid && old.row.reason == event.row.reason;
        let rival = self.0.iter().position(like).or_else(|| {
            let oldest = self.0.iter().enumerate().min_by_key(|(_, old)| old.row.last);
            oldest.filter(|_| self.0.len() >= Self::MOST).map(|(at, _)| at)
        });
        match rival {
            Some(at) if self.0[at].row.last > event.row.last => Taken::Older,
            Some(at) => {
                let out = std::mem::replace(&mut self.0[at], event);
                Taken::New(Some(out.row.uid))
            }
            None => {
                self.0.push(event);
                Taken::New(None)
            }
        }
    }

    pub(super) fn remove(&mut self, uid: &Uid) -> bool {
        let before = self.0.len();
        self.0.retain(|kept| kept.row.uid != *uid);
        self.0.len() < before
    }
}

/// Events whose object is not known yet, by the object's uid. The oldest arrivals leave first.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    by_object: HashMap<Uid, Vec<Kept>>,
    arrivals: VecDeque<(Uid, Uid)>,
    count: usize,
}

impl Waiting {
    /// How many may wait.
    pub(super) const MOST: usize = 1024;

    pub(super) fn push(&mut self, event: Kept) {
        let object = event.row.about_uid.clone();
        let same_object = self.by_object.entry(object.clone()).or_default();
        if let Some(old) = same_object.iter_mut().find(|old| old.row.uid == event.row.uid) {
            *old = event;
            return;
        }
        self.arrivals.push_back((object, event.row.uid.clone()));
        same_object.push(event);
        self.count += 1;
        // Arrivals of events that have left are skipped here, and bounded, too.
        while self.count > Self::MOST || self.arrivals.len() > 2 * Self::MOST {
            let Some((object, uid)) = self.arrivals.pop_front() else { break };
            self.remove_from(&object, &uid);
        }
    }

    /// All that wait for this object.
    pub(super) fn claim(&mut self, object: &Uid) -> Vec<Kept> {
        if self.count == 0 {
            return Vec::new();
        }
        let out = self.by_object.remove(object).unwrap_or_default();
        self.count -= out.len();
        out
    }

    /// Everyone, in order of arrival.
    pub(super) fn drain(&mut self) -> Vec<Kept> {
        let all = std::mem::take(self);
        let mut by_uid: HashMap<Uid, Kept> =
            all.by_object.into_values().flatten().map(|kept| (kept.row.uid.clone(), kept)).collect();
        all.arrivals.into_iter().filter_map(|(_, uid)| by_uid.remove(&uid)).collect()
    }

    pub(super) fn remove(&mut self, uid: &Uid) {
        let found = self.by_object.iter().find(|(_, all)| all.iter().any(|kept| kept.row.uid == *uid));
        if let Some(object) = found.map(|(object, _)| object.clone()) {
            self.remove_from(&object, uid);
        }
    }

    pub(super) fn retain(&mut self, keep: impl Fn(&Kept) -> bool) {
        for all in self.by_object.values_mut() {
            all.retain(&keep);
        }
        self.by_object.retain(|_, all| !all.is_empty());
        self.count = self.by_object.values().map(Vec::len).sum();
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    fn remove_from(&mut self, object: &Uid, uid: &Uid) {
        let Some(all) = self.by_object.get_mut(object) else { return };
        let before = all.len();
        all.retain(|kept| kept.row.uid != *uid);
        self.count -= before - all.len();
        if all.is_empty() {
            self.by_object.remove(object);
        }
    }
}
