//! Fleets from random batches, and what joins to what.

use super::*;
use crate::jobs::text::Sym;

pub(super) fn event(uid: &str, kind: &str, name: &str, about: &str) -> EventRow {
    EventRow {
        namespace: Sym::new("ns"),
        uid: Uid::new(uid),
        about_kind: Sym::new(kind),
        about_name: Name::lossy(name),
        about_uid: Uid::new(about),
        warning: true,
        reason: Sym::new("Failed"),
        message: Clean::new("it failed"),
        count: 1,
        first: Secs(50),
        last: Secs(150),
        source: Sym::new("kubelet"),
    }
}
