//! The shape of causes that speak for themselves: no rule has found them.

use crate::jobs::{causes, state::Cause, text::Clean};

/// A cause without evidence, of class `none`.
pub(super) fn plain(rule: &str, title: &str, remedy: &str, recovers: bool) -> Cause {
    Cause {
        rule: rule.into(),
        class: "none".into(),
        title: Clean::new(&causes::capital(title)),
        brief: Clean::new(&causes::capital(title)),
        remedy: Clean::new(remedy),
        evidence: Box::default(),
        replica: None,
        node: None,
        rank: None,
        sure: 90,
        consequences: Box::default(),
        recovers,
    }
}
