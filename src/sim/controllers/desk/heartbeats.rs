//! The desk as all nodes and leaders: their leases are renewed at once.

use jiff::Timestamp;

use super::{Desk, values};
use crate::sim::{
    controllers::{leases, nodes},
    store::{
        Selector,
        resource::{LEASES, NAMESPACES, NODES},
    },
    value::name,
    write::Write,
};

impl Desk {
    pub(super) fn beat(&mut self, now: Timestamp) {
        let heard = values(&self.store.list(&NODES, None, &Selector::default()).items);
        let heard = heard.iter().filter(|node| !nodes::is_silent(node));
        let mut writes: Vec<Write> = heard
            .map(|node| leases::of_node(node, self.get(&LEASES, leases::NODES_SPACE, name(node)).as_deref(), now))
            .collect();
        let leads = leases::LEADERS.iter().filter(|(space, ..)| self.store.get(&NAMESPACES, "", space).is_ok());
        writes.extend(
            leads.map(|leader| leases::of_leader(*leader, self.get(&LEASES, leader.0, leader.1).as_deref(), now)),
        );
        // One that is refused is tried with the next beat.
        for write in writes {
            let _ = self.execute(vec![write], now);
        }
    }
}
