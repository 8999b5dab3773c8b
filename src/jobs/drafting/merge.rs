//! Three versions of an object: what it was, what it is on the server by now, what a person made of it.

use serde_json::{Map, Value};

use crate::jobs::manifest::text::joined;

/// What comes of theirs and mine.
#[derive(Clone, Debug, PartialEq)]
pub struct Merge {
    /// Theirs with everything of mine that does not contradict it; theirs where it does.
    pub merged: Value,
    /// The same, with mine where they contradict.
    pub mine: Value,
    /// Theirs, with what it was where they contradict: merging again from here finds the same conflicts and no others.
    pub base: Value,
    /// Where both changed the same thing differently.
    pub conflicts: Vec<Conflict>,
}

/// The same thing, changed in two ways. `None`: not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Conflict {
    /// JSON pointer, in the merged object.
    pub at: String,
    /// What it was.
    pub base: Option<Value>,
    /// What it is on the server.
    pub theirs: Option<Value>,
    /// What I made of it.
    pub mine: Option<Value>,
}

/// Which side of a conflict is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// Mine.
    Mine,
    /// Theirs.
    Theirs,
}

/// Merges what `mine` changed of `base` into `theirs`. Maps are merged by key, lists whose items have names by name (as
/// the API server does with containers, variables, volumes), other lists as one value.
pub fn merge(base: &Value, theirs: &Value, mine: &Value) -> Merge {
    merged(base, theirs, mine, &|_| None)
}

/// The same, where the conflict at this pointer was decided. What it leads to is merged again: items that are gone now
/// no longer count in the pointers of those behind them.
pub fn decided(base: &Value, theirs: &Value, mine: &Value, at: &str, take: Take) -> Merge {
    let after = merged(base, theirs, mine, &|here| (here == at).then_some(take));
    merge(&after.base, theirs, &after.mine)
}

fn merged(base: &Value, theirs: &Value, mine: &Value, decide: &Decide<'_>) -> Merge {
    let mut merger = Merger { decide, conflicts: Vec::new() };
    let made = merger.both("", Some(base), Some(theirs), Some(mine));
    let [merged, mine, base] = made.map(|value| value.unwrap_or(Value::Null));
    Merge { merged, mine, base, conflicts: merger.conflicts }
}

type Decide<'a> = dyn Fn(&str) -> Option<Take> + 'a;

/// What a merge makes of one place: merged, mine and base, as [`Merge`] has them.
type Made = [Option<Value>; 3];

struct Merger<'a> {
    decide: &'a Decide<'a>,
    conflicts: Vec<Conflict>,
}

impl Merger<'_> {
    fn both(&mut self, at: &str, base: Option<&Value>, theirs: Option<&Value>, mine: Option<&Value>) -> Made {
        let of = |value: Option<&Value>| value.cloned();
        if mine == base || mine == theirs {
            return [of(theirs), of(theirs), of(theirs)];
        }
        if theirs == base {
            return [of(mine), of(mine), of(theirs)];
        }
        match (base, theirs, mine) {
            (base, Some(Value::Object(theirs)), Some(Value::Object(mine))) if base.is_none_or(Value::is_object) => {
                let made = self.maps(at, base.and_then(Value::as_object), theirs, mine);
                made.map(|map| Some(Value::Object(map)))
            }
            (base, Some(Value::Array(theirs_items)), Some(Value::Array(mine_items))) => {
                let items = base.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                match self.lists(at, items, theirs_items, mine_items) {
                    Some(made) => made.map(|list| Some(Value::Array(list))),
                    None => self.conflict(at, base, theirs, mine),
                }
            }
            _ => self.conflict(at, base, theirs, mine),
        }
    }

    fn conflict(&mut self, at: &str, base: Option<&Value>, theirs: Option<&Value>, mine: Option<&Value>) -> Made {
        let of = |value: Option<&Value>| value.cloned();
        match (self.decide)(at) {
            Some(Take::Mine) => [of(mine), of(mine), of(theirs)],
            Some(Take::Theirs) => [of(theirs), of(theirs), of(theirs)],
            None => {
                self.conflicts.push(Conflict { at: at.to_owned(), base: of(base), theirs: of(theirs), mine: of(mine) });
                [of(theirs), of(mine), of(base)]
            }
        }
    }

    fn maps(
        &mut self,
        at: &str,
        base: Option<&Map<String, Value>>,
        theirs: &Map<String, Value>,
        mine: &Map<String, Value>,
    ) -> [Map<String, Value>; 3] {
        let mut made = [Map::new(), Map::new(), Map::new()];
        for key in theirs.keys().chain(mine.keys().filter(|key| !theirs.contains_key(*key))) {
            let base = base.and_then(|base| base.get(key));
            let values = self.both(&joined(at, key), base, theirs.get(key), mine.get(key));
            for (map, value) in made.iter_mut().zip(values) {
                map.extend(value.map(|value| (key.clone(), value)));
            }
        }
        // What both took away is gone; what one took away and the other changed is a conflict, told above.
        made
    }

    /// By name: theirs in their order, then mine that they don't have. `None` if an item has no name of its own.
    fn lists(&mut self, at: &str, base: &[Value], theirs: &[Value], mine: &[Value]) -> Option<[Vec<Value>; 3]> {
        let (base, theirs, mine) = (named(base)?, named(theirs)?, named(mine)?);
        let mut made = [Vec::new(), Vec::new(), Vec::new()];
        // What only they took away leaves no trace.
        let only_mine =
            |(name, item): &&(&str, &Value)| find(&theirs, name).is_none() && find(&base, name) != Some(*item);
        let names = theirs.iter().chain(mine.iter().filter(only_mine));
        for (number, (name, _)) in names.enumerate() {
            // Counted through, so that no two conflicts have one place, whatever becomes of the items before.
            let here = joined(at, &number.to_string());
            let values = self.both(&here, find(&base, name), find(&theirs, name), find(&mine, name));
            for (list, value) in made.iter_mut().zip(values) {
                list.extend(value);
            }
        }
        Some(made)
    }
}

/// The item of a name.
fn find<'v>(list: &[(&str, &'v Value)], name: &str) -> Option<&'v Value> {
    list.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
}

/// The items with their names, if each has one of its own.
pub(super) fn named(list: &[Value]) -> Option<Vec<(&str, &Value)>> {
    let named: Vec<_> = list.iter().map(|item| Some((item.get("name")?.as_str()?, item))).collect::<Option<_>>()?;
    let unique = named.iter().enumerate().all(|(i, (name, _))| named[..i].iter().all(|(other, _)| other != name));
    unique.then_some(named)
}
