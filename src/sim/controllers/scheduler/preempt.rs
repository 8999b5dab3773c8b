//! Preemption: who has to go that a pod of higher priority finds room.
//!
//! Owns the choice only. As few and as little important pods as possible.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde_json::Value;

use super::{Room, obstacles};
use crate::sim::{
    amounts::{self, Amounts},
    release::Release,
    value::{int, text},
};

/// A pod on a node.
#[derive(Clone, Debug)]
pub(crate) struct Sitter {
    /// Where.
    pub(crate) node: String,
    /// What it asked for.
    pub(crate) asked: Amounts,
    /// Its priority.
    pub(crate) priority: i64,
    /// Namespace and name.
    pub(crate) pod: (String, String),
}

/// The node on which `pod` would fit without some pods of lower priority, and those pods: the most important first.
pub(crate) fn victims(
    pod: &Value,
    rooms: &BTreeMap<String, Room>,
    seats: &std::collections::HashMap<CompactString, Sitter>,
) -> Option<(String, Vec<Sitter>)> {
    let priority = int(pod, "/spec/priority").unwrap_or(0);
    if text(pod, "/spec/preemptionPolicy") == "Never" || seats.values().all(|seat| seat.priority >= priority) {
        return None;
    }
    let asked = amounts::of_spec(&pod["spec"]);
    let choices = rooms.iter().filter_map(|(node, room)| {
        let weaker = seats.values().filter(|seat| seat.node == *node && seat.priority < priority);
        Some((node, on_node(pod, &asked, room, weaker.cloned().collect())?))
    });
    let rank = |(node, gone): &(&String, Vec<Sitter>)| {
        let top = gone.iter().map(|seat| seat.priority).max();
        (top, gone.iter().map(|seat| seat.priority).sum::<i64>(), gone.len(), (*node).clone())
    };
    choices.min_by_key(rank).map(|(node, gone)| (node.clone(), gone))
}

/// Who has to leave one node: all weaker pods, less those that may stay after all.
fn on_node(pod: &Value, asked: &Amounts, room: &Room, mut weaker: Vec<Sitter>) -> Option<Vec<Sitter>> {
    let fits = |room: &Room| obstacles(&pod["spec"], asked, room, Release::default()).0.is_empty();
    let mut room = room.clone();
    weaker.sort_by(|a, b| (-a.priority, &a.pod).cmp(&(-b.priority, &b.pod)));
    for seat in &weaker {
        room.take(&seat.asked, -1);
    }
    if weaker.is_empty() || !fits(&room) {
        return None;
    }
    weaker.retain(|seat| {
        room.take(&seat.asked, 1);
        let stays = fits(&room);
        if !stays {
            room.take(&seat.asked, -1);
        }
        !stays
    });
    Some(weaker)
}

#[cfg(test)]
mod tests {
    use std::{collections::HashMap, sync::Arc};

    use serde_json::json;

    use super::*;

    fn pod(priority: i64, cpu: &str) -> Value {
        json!({"spec": {"priority": priority, "containers": [{"resources": {"requests": {"cpu": cpu}}}]}})
    }

    fn world(seats: &[(&str, &str, i64)]) -> (BTreeMap<String, Room>, HashMap<CompactString, Sitter>) {
        let node = |name: &str| {
            Arc::new(json!({"metadata": {"name": name}, "status": {"allocatable": {"cpu": "4", "pods": "9"}}}))
        };
        let mut rooms = super::super::rooms(["a", "b"].into_iter().map(node));
        let mut all = HashMap::new();
        for (n, (node, cpu, priority)) in seats.iter().enumerate() {
            let asked = amounts::of_spec(&pod(0, cpu)["spec"]);
            rooms.get_mut(*node).unwrap().take(&asked, 1);
            let seat = Sitter { node: (*node).into(), asked, priority: *priority, pod: ("ns".into(), format!("p{n}")) };
            all.insert(format!("{n}").into(), seat);
        }
        (rooms, all)
    }

    fn chosen(pod: &Value, seats: &[(&str, &str, i64)]) -> Option<(String, Vec<String>)> {
        let (rooms, all) = world(seats);
        victims(pod, &rooms, &all).map(|(node, gone)| (node, gone.into_iter().map(|seat| seat.pod.1).collect()))
    }

    #[test]
    fn the_least_important_go_and_no_more_than_must() {
        let seats = [("a", "2", 5), ("a", "2", 1), ("b", "2", 3), ("b", "2", 3)];
        assert_eq!(chosen(&pod(10, "2"), &seats), Some(("a".into(), vec!["p1".into()])));
        assert_eq!(chosen(&pod(10, "4"), &seats), Some(("b".into(), vec!["p2".into(), "p3".into()])));
        assert_eq!(chosen(&pod(4, "4"), &seats).map(|(node, _)| node), Some("b".into()));
    }

    #[test]
    fn nobody_goes_for_an_equal_for_the_modest_or_in_vain() {
        let seats = [("a", "4", 5), ("b", "4", 5)];
        assert_eq!(chosen(&pod(5, "2"), &seats), None);
        assert_eq!(chosen(&pod(9, "8"), &seats), None);
        let mut modest = pod(9, "2");
        modest["spec"]["preemptionPolicy"] = json!("Never");
        assert_eq!(chosen(&modest, &seats), None);
    }
}
