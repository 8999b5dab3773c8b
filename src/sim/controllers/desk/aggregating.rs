//! The desk as the controller of cluster roles that gather the rules of others.

use super::Desk;
use crate::sim::{
    controllers::{
        aggregation,
        work::{Key, Work},
    },
    store::{Selector, resource::CLUSTERROLES},
    write::Write,
};

impl Desk {
    /// The roles that gather: one of their parts may have changed.
    pub(crate) fn gathering(&self) -> Vec<Key> {
        let all = self.store.list(&CLUSTERROLES, None, &Selector::default()).items;
        let gathering = all.iter().filter(|role| !aggregation::selectors(&role.value()).is_empty());
        gathering.map(|role| Key::new(Work::Aggregate, "", &role.name)).collect()
    }

    pub(super) fn aggregate(&self, object: &str) -> Option<Vec<Write>> {
        let role = self.get(&CLUSTERROLES, "", object)?;
        let selectors = aggregation::selectors(&role).iter();
        // One that can't be read selects nobody.
        let selectors = selectors.filter_map(|selector| Selector::of_manifest(&CLUSTERROLES, selector).ok());
        let parts = selectors.flat_map(|selector| self.store.list(&CLUSTERROLES, None, &selector).items);
        let parts: Vec<_> = parts.map(|part| part.value()).collect();
        Some(aggregation::reconcile(&role, &parts))
    }
}
