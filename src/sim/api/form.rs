//! In which form an answer is wanted: whole objects, tables for people, or metadata alone.

use std::collections::BTreeMap;

use hyper::body::Bytes;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::partial::metadata;
use super::{Admitted, Query, events, header, table};
use crate::sim::store::{Object, Refusal, Resource, Store};

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As stored.
    Whole,
    /// `meta.k8s.io/v1` Table.
    Table,
    /// `PartialObjectMetadata`.
    Metadata,
}

impl Form {
    /// Reads `Accept`: the first entry that can be given.
    pub(super) fn of(request: &Admitted) -> Result<Self, Refusal> {
        let accept = header(&request.headers, "accept");
        if accept.is_empty() {
            return Ok(Self::Whole);
        }
        let form = accept.split(',').find_map(Self::entry).ok_or_else(|| not_acceptable(accept))?;
        let include = request.query.get("includeObject");
        if form == Self::Table && !["", "Metadata", "Object", "None"].contains(&include) {
            let said =
                format!("includeObject: Invalid value: {include:?}: must be 'Metadata', 'Object', 'None', or empty");
            return Err(Refusal::bad_request(format!("Unable to convert to Table as requested: {said}")));
        }
        Ok(form)
    }

    /// As [`of`](Self::of), for one object: a form of lists is refused.
    pub(super) fn of_one(request: &Admitted, resource: &Resource) -> Result<Self, Refusal> {
        let accept = header(&request.headers, "accept");
        let form = Self::of(request)?;
        if form == Self::Metadata
            && accept.split(',').next().is_some_and(|first| first.contains("as=PartialObjectMetadataList"))
        {
            let kind = if resource.group.is_empty() { "core" } else { resource.group };
            let message = format!(
                "you requested PartialObjectMetadataList, but the requested object is not a list (*{kind}.{})",
                resource.kind
            );
            return Err(Refusal::new(406, "NotAcceptable", message));
        }
        Ok(form)
    }

    fn entry(entry: &str) -> Option<Self> {
        let mut steps = entry.split(';').map(str::trim);
        if !matches!(steps.next()?, "application/json" | "application/yaml" | "*/*" | "application/*") {
            return None;
        }
        match steps.find_map(|s| s.strip_prefix("as=")) {
            None => Some(Self::Whole),
            Some("Table") => Some(Self::Table),
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => Some(Self::Metadata),
            Some(_) => None,
        }
    }

    /// One object as the body of an answer or of a watch line.
    pub(super) fn one(self, resource: &Resource, object: &Object, query: &Query, store: &Store) -> Bytes {
        match self {
            Self::Whole => events::shown(resource, object),
            Self::Metadata => metadata(object),
            Self::Table => {
                let mut parts = table::head(resource, &object.version.to_string(), None);
                parts.push(table::row(resource, object, query.get("includeObject"), store.clock().now()));
                parts.push(Bytes::from_static(b"]}"));
                parts.concat().into()
            }
        }
    }

    /// A list in parts. `meta` is its `metadata`.
    pub(super) fn many<'o>(
        self,
        resource: &Resource,
        objects: impl Iterator<Item = &'o Object>,
        meta: &Value,
        query: &Query,
        store: &Store,
    ) -> Vec<Bytes> {
        let (version, kind) = match self {
            Self::Metadata => ("meta.k8s.io/v1".to_owned(), "PartialObjectMetadataList".to_owned()),
            _ => (resource.api_version(), format!("{}List", resource.kind)),
        };
        let mut parts = match self {
            Self::Table => table::head(resource, "", Some(meta)),
            _ => vec![format!(r#"{{"kind":"{kind}","apiVersion":"{version}","metadata":{meta},"items":["#).into()],
        };
        let mut objects = objects.peekable();
        if self == Self::Table && objects.peek().is_none() && table::is_bare(resource) {
            return vec![table::empty(resource, meta)];
        }
        let now = store.clock().now();
        for (at, object) in objects.enumerate() {
            if at > 0 {
                parts.push(Bytes::from_static(b","));
            }
            match self {
                Self::Whole => parts.extend(listed(resource, object)),
                Self::Metadata => parts.push(metadata(object)),
                Self::Table => parts.push(table::row(resource, object, query.get("includeObject"), now)),
            }
        }
        parts.push(Bytes::from_static(b"]}"));
        parts
    }
}

/// An object in a list: built-in kinds say `kind` and `apiVersion` of the list alone, custom ones of each object.
fn listed(resource: &Resource, object: &Object) -> Vec<Bytes> {
    let said = format!(r#"{{"apiVersion":"{}","kind":"{}","#, resource.api_version(), resource.kind);
    let json = events::shown(resource, object);
    if resource.custom {
        vec![json]
    } else if json.starts_with(said.as_bytes()) {
        vec![Bytes::from_static(b"{"), json.slice(said.len()..)]
    } else {
        let fields: BTreeMap<&str, &RawValue> = serde_json::from_slice(&json).unwrap_or_default();
        let kept: BTreeMap<_, _> =
            fields.into_iter().filter(|(key, _)| !matches!(*key, "apiVersion" | "kind")).collect();
        vec![serde_json::to_vec(&kept).unwrap_or_default().into()]
    }
}

/// 406: for a media type that nobody writes, or for a form of JSON that nobody knows.
pub(super) fn not_acceptable(accept: &str) -> Refusal {
    let known = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    if accept.contains("application/json") {
        let message = format!("only the following media types are accepted: {known}");
        return Refusal::new(406, "NotAcceptable", message);
    }
    let message = format!(
        "406: Not Acceptable\n\nAvailable representations: {known}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch"
    );
    Refusal { details: json!({}), ..Refusal::new(406, "NotAcceptable", message) }
}
