//! What one is told of without looking: the states of pinned jobs, as they were last.

use std::collections::BTreeMap;

use crate::jobs::fleet::JobKey;

/// See the module.
#[derive(Debug, Default)]
pub struct AlertModel {
    /// The state of each pinned job, in a word.
    pub states: BTreeMap<JobKey, &'static str>,
}
