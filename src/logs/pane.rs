//! Where somebody stands in a view: at its end, or at a line, with the hits of a search.
//!
//! Owns standing still while lines come and go. Must not keep lines.

use super::{
    find::Find,
    line::Nanos,
    search::Query,
    store::Store,
    view::{Index, View},
};

/// Lines looked at, and blocks searched, in one step.
const STEP: (usize, usize) = (4_000, 8);

/// A view that is looked at.
#[derive(Debug, Default)]
pub struct Pane {
    index: Index,
    /// Number of the first visible line; `None` follows the newest.
    top: Option<u64>,
    find: Option<Find>,
    /// The line that was gone to: a hit of the search, or one that somebody was led to.
    hit: Option<u64>,
    /// A hit is gone to as soon as there is one: towards older lines, if true.
    seek: Option<bool>,
}

impl Pane {
    /// The index of what is looked at.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// What is looked at.
    pub fn view(&self) -> &View {
        self.index.view()
    }

    /// Looks at something else, about where it stands.
    pub fn show(&mut self, view: View) {
        if view != *self.index.view() {
            self.index = Index::new(view);
            self.search(self.find.as_ref().map(|find| find.query().clone()));
        }
    }

    /// Searches, from the beginning.
    pub fn search(&mut self, query: Option<Query>) {
        self.find = query.map(Find::new);
        self.hit = None;
        self.seek = None;
    }

    /// The search, if there is one.
    pub fn find(&self) -> Option<&Find> {
        self.find.as_ref()
    }

    /// The line that was gone to.
    pub fn hit(&self) -> Option<u64> {
        self.hit
    }

    /// Whether it stands still.
    pub fn is_paused(&self) -> bool {
        self.top.is_some()
    }

    /// Does a part of the work that is left; whether that was all.
    pub fn step(&mut self, store: &Store) -> bool {
        let indexed = self.index.step(store, STEP.0);
        let searched = self.find.as_mut().is_none_or(|find| find.step(store, &self.index, STEP.1));
        indexed && searched
    }

    /// Lines from this number on are not what they were.
    pub fn rewind(&mut self, to: u64) {
        self.index.rewind(to);
        if let Some(find) = &mut self.find {
            find.rewind(to);
        }
    }

    /// The numbers by which it stands, to be put right when lines move.
    pub fn anchors(&mut self) -> impl Iterator<Item = &mut u64> {
        self.top.iter_mut().chain(self.hit.iter_mut())
    }

    /// Follows the newest line.
    pub fn follow(&mut self) {
        self.top = None;
    }

    /// Stands still where it is, with `rows` lines visible.
    pub fn pause(&mut self, store: &Store, rows: u16) {
        self.top = Some(self.top(store, rows));
    }

    /// Moves by so many lines; at the end it follows again.
    pub fn scroll(&mut self, store: &Store, by: i64, rows: u16) {
        let place = self.index.place(store, self.top(store, rows)).saturating_add_signed(by);
        let last = self.index.len(store).saturating_sub(u64::from(rows));
        self.top = if by > 0 && place >= last { None } else { self.index.at(store, place).or(Some(store.first())) };
    }

    /// Goes to this line, or the next one that is looked at, and stands there.
    pub fn go_to(&mut self, store: &Store, number: u64, rows: u16) {
        let place = self.index.place(store, number).saturating_sub(u64::from(rows / 3));
        let last = self.index.len(store).saturating_sub(u64::from(rows));
        self.top = Some(self.index.at(store, place.min(last)).unwrap_or_else(|| store.first()));
    }

    /// Leads to this line.
    pub fn lead_to(&mut self, store: &Store, number: u64, rows: u16) {
        self.go_to(store, number, rows);
        (self.hit, self.seek) = (Some(number), None);
    }

    /// Goes to the first line not earlier than this.
    pub fn go_to_time(&mut self, store: &Store, at: Nanos) {
        let place = self.index.place(store, store.at_or_after(at));
        let last = self.index.len(store).saturating_sub(1);
        self.top = Some(self.index.at(store, place.min(last)).unwrap_or_else(|| store.first()));
    }

    /// Goes to the next hit (the one before, going `back`); if there is none yet, as soon as there is one.
    pub fn next_hit(&mut self, store: &Store, back: bool, rows: u16) {
        let Some(find) = &self.find else { return };
        let from = self.hit.unwrap_or_else(|| if back { store.end() } else { self.top(store, rows) });
        self.hit = find.hit(from, back);
        self.seek = if self.hit.is_none() { Some(back) } else { None };
        if let Some(hit) = self.hit {
            self.go_to(store, hit, rows);
        }
    }

    /// A search that was waited for has come so far: goes to its hit once it is complete.
    pub fn arrive(&mut self, store: &Store, rows: u16) {
        if let Some(back) = self.seek.take() {
            self.next_hit(store, back, rows);
            self.seek = None;
        }
    }

    /// Number of the first of `rows` visible lines.
    pub fn top(&self, store: &Store, rows: u16) -> u64 {
        let last = self.index.len(store).saturating_sub(u64::from(rows));
        self.top.unwrap_or_else(|| self.index.at(store, last).unwrap_or_else(|| store.end()))
    }

    /// The numbers of the visible lines.
    pub fn visible(&self, store: &Store, rows: u16) -> Vec<u64> {
        let from = self.index.place(store, self.top(store, rows));
        (from..from + u64::from(rows)).map_while(|place| self.index.at(store, place)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logs::Line;

    fn store(n: i64) -> Store {
        let mut store = Store::default();
        let line = |n: i64| (Nanos(n), Line { rank: Some((n % 2) as u32), ..Line::plain(&format!("step {n}")) });
        store.add((0..n).map(line).collect(), |_, _| {});
        store
    }

    fn ready(pane: &mut Pane, store: &Store) {
        while !pane.step(store) {}
        pane.arrive(store, 10);
    }

    #[test]
    fn it_follows_until_it_is_moved_and_again_at_the_end() {
        let (mut store, mut pane) = (store(100), Pane::default());
        ready(&mut pane, &store);
        assert_eq!(pane.visible(&store, 10), (90..100).collect::<Vec<_>>());
        pane.scroll(&store, -5, 10);
        store.add(vec![(Nanos(200), Line::plain("new"))], |_, _| {});
        ready(&mut pane, &store);
        assert_eq!((pane.is_paused(), pane.visible(&store, 3)), (true, vec![85, 86, 87]));
        pane.scroll(&store, 100, 10);
        assert_eq!((pane.is_paused(), pane.visible(&store, 10).last()), (false, Some(&100)));
        pane.scroll(&store, -1000, 10);
        assert_eq!(pane.visible(&store, 2), [0, 1]);
        pane.go_to_time(&store, Nanos(50));
        assert_eq!(pane.visible(&store, 1), [50]);
    }

    #[test]
    fn a_search_typed_now_is_gone_to_when_it_is_done_and_only_in_the_view() {
        let (store, mut pane) = (store(100), Pane::default());
        pane.show(View { ranks: vec![1], ..View::default() });
        pane.search(Query::parse("step 4").expect("a search"));
        pane.next_hit(&store, true, 10);
        assert_eq!(pane.hit(), None);
        ready(&mut pane, &store);
        assert_eq!((pane.hit(), pane.find().map(Find::total)), (Some(49), Some(5)));
        assert!(pane.visible(&store, 10).contains(&49));
        pane.next_hit(&store, false, 10);
        assert_eq!(pane.hit(), Some(41), "round, and nothing of rank 0");
    }
}
