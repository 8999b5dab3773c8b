//! Tables: the form in which kubectl asks for what people read.

mod cells;
mod pods;

use hyper::body::Bytes;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::form::metadata;
use crate::sim::store::{Object, Resource};

/// A column: its name, type, and 1 if only the wide form shows it.
type Column = (&'static str, &'static str, u8);

const NAME: Column = ("Name", "string", 0);
const AGE: Column = ("Age", "string", 0);
/// Custom resources tell when they were made; the server turns it into an age all the same.
const AGE_OF_CUSTOM: Column = ("Age", "date", 0);

fn columns(resource: &Resource) -> Vec<Column> {
    let own: &[Column] = match (resource.group, resource.plural) {
        ("", "events") => return cells::EVENT_COLUMNS.to_vec(),
        ("", "pods") => pods::COLUMNS,
        (group, plural) => cells::columns(group, plural),
    };
    let (narrow, wide): (Vec<Column>, Vec<Column>) = own.iter().partition(|c| c.2 == 0);
    let age = if resource.custom { AGE_OF_CUSTOM } else { AGE };
    [vec![NAME], narrow, vec![age], wide].concat()
}

fn cells(resource: &Resource, tree: &Value, now: Timestamp) -> Vec<Value> {
    let name = tree["metadata"]["name"].clone();
    let age = json!(cells::age(&tree["metadata"]["creationTimestamp"], now));
    let own = match (resource.group, resource.plural) {
        ("", "events") => return cells::event(tree, now),
        ("", "pods") => pods::cells(tree, now),
        (group, plural) => cells::of(group, plural, tree, now),
    };
    let narrow = columns(resource).iter().filter(|c| c.2 == 0).count() - 2;
    let (narrow, wide) = own.split_at(narrow.min(own.len()));
    [&[name], narrow, &[age], wide].concat()
}

/// The parts of a Table before its rows.
pub(super) fn head(resource: &Resource, version: &str, meta: Option<&Value>) -> Vec<Bytes> {
    let columns: Vec<Value> = columns(resource)
        .iter()
        .map(|(name, kind, priority)| {
            let format = if *name == "Name" { "name" } else { "" };
            json!({"name": name, "type": kind, "format": format, "description": "", "priority": priority})
        })
        .collect();
    let meta = meta.map_or_else(|| json!({"resourceVersion": version}), Clone::clone);
    let columns = Value::Array(columns);
    let head = format!(
        r#"{{"kind":"Table","apiVersion":"meta.k8s.io/v1","metadata":{meta},"columnDefinitions":{columns},"rows":["#
    );
    vec![head.into()]
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
        "Object" => [format!(r#"{{"cells":{cells},"object":"#).as_bytes(), object.json(), b"}"].concat().into(),
        _ => [format!(r#"{{"cells":{cells},"object":"#).as_bytes(), &metadata(object), b"}"].concat().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::store::resource;

    #[test]
    fn every_row_has_a_cell_for_each_column() {
        let now = "2026-11-20T08:00:00Z".parse().unwrap();
        for r in resource::ALL {
            for tree in [json!({}), json!({"metadata": {"name": "a"}, "spec": {}, "status": {"conditions": []}})] {
                assert_eq!(cells(r, &tree, now).len(), columns(r).len(), "{}", r.plural);
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
