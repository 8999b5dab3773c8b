//! How full each quota is: of namespaces, and of the queues that their jobs go to.

use std::collections::BTreeSet;

use super::{rows::QuotaRow, space::Use};
use crate::jobs::{
    amounts::{short, shown},
    queue::{LocalQueueRow, Queues, Room, Rooms},
    text::{Name, Sym},
};

/// From here on a quota is nearly full, in percent.
pub const NEARLY: u64 = 90;

/// One line of a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fill {
    /// Whose: `team-a/gpu-quota`, or a `ClusterQueue` with its flavor.
    pub quota: String,
    /// Of what: a key of the quota, or a resource.
    pub resource: Sym,
    /// Use against what may be used.
    pub of: Use,
}

impl Fill {
    /// What stands for it from one look to the next.
    pub fn id(&self) -> (String, Sym) {
        (self.quota.clone(), self.resource.clone())
    }

    /// One sentence.
    pub fn text(&self) -> String {
        let key = self.resource.as_str();
        let resource = key.strip_prefix("requests.").unwrap_or(key);
        let (used, hard) = (shown(resource, self.of.used), shown(resource, self.of.hard));
        format!("{} is {}% full: {used} of {hard} {}", self.quota, self.of.percent(), short(resource))
    }
}

/// All lines that allow anything, of these namespaces; of all, if none are named.
///
/// What counts for a `ClusterQueue` is what it has reserved against what it could have now: its cohort may lend it more
/// than is its own, or hold what it could have borrowed.
pub fn fills(quotas: &[QuotaRow], queues: &Queues, namespaces: &[Name]) -> Vec<Fill> {
    let is_in = |namespace: &Sym| namespaces.is_empty() || namespaces.iter().any(|n| n.as_str() == namespace.as_str());
    let mut all = Vec::new();
    let mut seen = BTreeSet::new();
    // One that several namespaces share is one.
    let in_scope = quotas.iter().filter(|quota| is_in(&quota.namespace));
    for quota in in_scope.filter(|quota| !quota.shared || seen.insert(quota.name.clone())) {
        let title = if quota.shared { quota.name.to_string() } else { format!("{}/{}", quota.namespace, quota.name) };
        let lines = quota.lines.iter().filter(|(_, hard, _)| *hard > 0);
        all.extend(lines.map(|(key, hard, used)| Fill {
            quota: title.clone(),
            resource: key.clone(),
            of: Use { used: *used, hard: *hard },
        }));
    }
    let leads = |local: &&LocalQueueRow| is_in(&local.namespace);
    let led_to: BTreeSet<&Sym> = queues.locals.rows.iter().filter(leads).map(|local| &local.cluster_queue).collect();
    let mut rooms = Rooms::new(queues);
    for queue in queues.clusters.rows.iter().filter(|queue| namespaces.is_empty() || led_to.contains(&queue.name)) {
        let here = rooms.of(queue).into_iter().filter(|room| room.most > 0);
        all.extend(here.map(|room| Fill {
            quota: format!("ClusterQueue {}, flavor {}", queue.name, room.cell.0),
            of: of_room(&room),
            resource: room.cell.1,
        }));
    }
    all
}

fn of_room(room: &Room) -> Use {
    Use { used: room.used, hard: room.used.saturating_add(room.free) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        part::Part,
        queue::{ClusterQueueRow, Quota},
    };

    fn quota(namespace: &str, key: &str, hard: u64, used: u64) -> QuotaRow {
        let lines = [(Sym::new(key), hard * 1000, used * 1000)];
        QuotaRow { namespace: Sym::new(namespace), name: Sym::new("q"), lines: lines.into(), ..QuotaRow::default() }
    }

    fn cluster(name: &str, cohort: Option<&str>, nominal: u64, used: u64) -> ClusterQueueRow {
        let cell = (Sym::new("a100"), Sym::new("nvidia.com/gpu"));
        let quotas = [Quota { cell, nominal: nominal * 1000, used: used * 1000, ..Quota::default() }];
        let (name, cohort) = (Sym::new(name), cohort.map(Sym::new));
        ClusterQueueRow { name, cohort, quotas: quotas.into(), ..ClusterQueueRow::default() }
    }

    fn local(namespace: &str, to: &str) -> LocalQueueRow {
        let (namespace, cluster_queue) = (Sym::new(namespace), Sym::new(to));
        LocalQueueRow { namespace, name: Sym::new("main"), cluster_queue, ..LocalQueueRow::default() }
    }

    #[test]
    fn each_line_of_the_scopes_quotas_counts_and_no_other() {
        let quotas = [
            quota("a", "requests.nvidia.com/gpu", 40, 36),
            quota("b", "pods", 10, 1),
            quota("a", "requests.amd.com/gpu", 0, 0),
        ];
        let all = fills(&quotas, &Queues::default(), &[]);
        assert_eq!(
            all.iter().map(Fill::text).collect::<Vec<_>>(),
            ["a/q is 90% full: 36 of 40 GPU", "b/q is 10% full: 1 of 10 pods",]
        );
        let of_b: Vec<_> = fills(&quotas, &Queues::default(), &[Name::lossy("b")]).iter().map(Fill::id).collect();
        assert_eq!(of_b, [("b/q".to_owned(), Sym::new("pods"))]);
        let shared = |namespace| QuotaRow { shared: true, ..quota(namespace, "requests.nvidia.com/gpu", 10, 9) };
        let told: Vec<_> = fills(&[shared("a"), shared("b")], &Queues::default(), &[]).iter().map(Fill::text).collect();
        assert_eq!(told, ["q is 90% full: 9 of 10 GPU"], "one quota of two namespaces is told once");
        let huge = quota("a", "requests.memory", 1 << 52, 1 << 51);
        assert_eq!(fills(&[huge], &Queues::default(), &[])[0].of.percent(), 50, "no overflow");
    }

    #[test]
    fn a_queue_is_full_when_it_can_get_no_more() {
        let of = |clusters: Vec<ClusterQueueRow>, scope: &[Name]| -> Vec<(String, u64)> {
            let locals = Part::whole(vec![local("a", "one"), local("b", "two")]);
            let queues = Queues { clusters: Part::whole(clusters), locals, ..Queues::default() };
            fills(&[], &queues, scope).iter().map(|fill| (fill.quota.clone(), fill.of.percent())).collect()
        };
        let one = ("ClusterQueue one, flavor a100".to_owned(), 75);
        assert_eq!(of(vec![cluster("one", None, 8, 6)], &[]), [one]);
        // More than its own is used, and as much again could be had.
        let pair = || vec![cluster("one", Some("c"), 8, 12), cluster("two", Some("c"), 16, 0)];
        assert_eq!(of(pair(), &[Name::lossy("a")]), [("ClusterQueue one, flavor a100".to_owned(), 50)]);
        // All is with others: there is nothing to be had.
        let held = vec![cluster("one", Some("c"), 8, 24), cluster("two", Some("c"), 16, 0)];
        assert_eq!(of(held, &[Name::lossy("b")]), [("ClusterQueue two, flavor a100".to_owned(), 100)]);
    }
}
