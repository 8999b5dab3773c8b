//! Events, in the forms that the old and the new event API leave in core/v1.

use serde::{Deserialize, de::IgnoredAny};

use super::{
    lenient::{Num, Obj, Text},
    parts::{Meta, clean, name, time},
};
use crate::jobs::{
    row::EventRow,
    text::{Sym, Uid},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct EventWire<'a> {
    #[serde(borrow)]
    pub(super) metadata: Obj<Meta<'a, IgnoredAny>>,
    #[serde(borrow)]
    involved_object: Obj<About<'a>>,
    #[serde(borrow)]
    r#type: Text<'a>,
    #[serde(borrow)]
    reason: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    count: Num,
    #[serde(borrow)]
    first_timestamp: Text<'a>,
    #[serde(borrow)]
    last_timestamp: Text<'a>,
    #[serde(borrow)]
    event_time: Text<'a>,
    #[serde(borrow)]
    series: Obj<Series<'a>>,
    #[serde(borrow)]
    source: Obj<Source<'a>>,
    #[serde(borrow)]
    reporting_component: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct About<'a> {
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    uid: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Series<'a> {
    count: Num,
    #[serde(borrow)]
    last_observed_time: Text<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Source<'a> {
    #[serde(borrow)]
    component: Text<'a>,
}

impl EventWire<'_> {
    /// Odd fields don't matter here: an event is shown with what it has.
    pub(super) fn row(self) -> EventRow {
        let Obj(meta) = &self.metadata;
        let Obj(about) = &self.involved_object;
        let Obj(series) = &self.series;
        let created = meta.created();
        let first = time(&self.first_timestamp).or_else(|| time(&self.event_time)).unwrap_or(created);
        let last = time(&series.last_observed_time).or_else(|| time(&self.last_timestamp)).unwrap_or(first);
        let source = self.source.0.component.some().unwrap_or(self.reporting_component.as_str());
        EventRow {
            namespace: meta.namespace_sym(),
            uid: meta.uid(),
            about_kind: Sym::new(about.kind.as_str()),
            about_name: name(about.name.as_str()),
            about_uid: Uid::new(about.uid.as_str()),
            warning: self.r#type.as_str() == "Warning",
            reason: Sym::new(self.reason.as_str()),
            message: clean(&self.message),
            count: series.count.count().or(self.count.count()).unwrap_or(1).max(1),
            first,
            last: last.max(first),
            source: Sym::new(source),
        }
    }
}
