//! Tables: the form in which kubectl asks for what people read.

mod cells;
mod column;
mod columns;
mod event;
mod places;
mod pods;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::events;
use super::partial::metadata;
use crate::sim::store::{
    Object, Resource,
    resource::{CLUSTERROLES, LIMITRANGES, ROLES},
};

/// Whether a row begins with the name of what it shows.
fn is_named(resource: &Resource) -> bool {
    resource.plural != "events"
}

fn cells(resource: &Resource, tree: &Value, now: Timestamp) -> Vec<Value> {
    let name = is_named(resource).then(|| cells::name(resource, tree));
    name.into_iter().chain(columns::of(resource).iter().map(|column| (column.cell)(tree, now))).collect()
}

/// The parts of a Table before its rows.
pub(super) fn head(resource: &Resource, version: &str, meta: Option<&Value>) -> Vec<Bytes> {
    let column = |name: &str, kind: &str, wide: bool| {
        let format = if name == column::NAME { "name" } else { "" };
        json!({"name": name, "type": kind, "format": format, "description": "", "priority": u8::from(wide)})
    };
    let name = is_named(resource).then(|| column(column::NAME, "string", false));
    let others = columns::of(resource).iter().map(|c| column(c.name, c.kind, c.wide));
    let columns: Vec<Value> = name.into_iter().chain(others).collect();
    let meta = meta.map_or_else(|| json!({"resourceVersion": version}), Clone::clone);
    let columns = Value::Array(columns);
    let head = format!(
        r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{meta},"columnDefinitions":{columns},"rows":["#
    );
    vec![head.into()]
}

/// Whether a kind has no printer of its own: where there is nothing to show, its rows are null.
pub(super) fn is_bare(resource: &Resource) -> bool {
    [&LIMITRANGES, &ROLES, &CLUSTERROLES].contains(&resource)
}

/// The table of such a kind where there is nothing to show.
pub(super) fn empty(resource: &Resource, meta: &Value) -> Bytes {
    let mut table = head(resource, "", Some(meta)).concat();
    table.truncate(table.len() - 1);
    table.extend(b"null}");
    table.into()
}

/// A table without columns, as watches send it after the first: one row, of this object.
pub(super) fn later(version: &str, row: &[u8]) -> Bytes {
    let head = format!(
        r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{{"resourceVersion":"{version}"}},"columnDefinitions":null,"rows":["#
    );
    [head.as_bytes(), row, b"]}"].concat().into()
}

/// The row of a bookmark: an object that has nothing but this metadata.
pub(super) fn bookmark(resource: &Resource, meta: &Value, now: Timestamp) -> Bytes {
    let mut cells = cells(resource, &json!({"metadata": {"name": ""}}), now);
    for cell in cells.iter_mut().filter(|cell| cell.is_null()) {
        *cell = json!("");
    }
    let object = json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": meta});
    json!({"cells": cells, "object": object}).to_string().into()
}

/// One row. `include` is the request's `includeObject`.
pub(super) fn row(resource: &Resource, object: &Object, include: &str, now: Timestamp) -> Bytes {
    let tree = object.value();
    let cells = Value::Array(cells(resource, &tree, now));
    match include {
        "None" => format!(r#"{{"cells":{cells},"object":null}}"#).into(),
        "Object" => {
            let shown = events::shown(resource, object);
            [format!(r#"{{"cells":{cells},"object":"#).as_bytes(), &shown, b"}"].concat().into()
        }
        _ => [format!(r#"{{"cells":{cells},"object":"#).as_bytes(), &metadata(object), b"}"].concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::store::resource;

    #[test]
    fn a_row_can_be_made_of_anything() {
        let now = "2026-11-20T08:00:00Z".parse().unwrap();
        for r in resource::ALL {
            for tree in [json!({}), json!({"metadata": {"name": "a"}, "spec": {}, "status": {"conditions": []}})] {
                let named = usize::from(is_named(r));
                assert_eq!(cells(r, &tree, now).len(), columns::of(r).len() + named, "{}", r.plural);
            }
        }
    }

    #[test]
    fn a_mpi_job_shows_name_and_age_alone() {
        let tree = json!({"metadata": {"name": "a", "creationTimestamp": "2026-11-20T07:55:00Z"}});
        assert_eq!(
            cells(&resource::MPIJOBS, &tree, "2026-11-20T08:00:00Z".parse().unwrap()),
            [json!("a"), json!("5m")]
        );
    }
}
