//! Objects cut down to their metadata.

use hyper::body::Bytes;
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use crate::sim::store::Object;

#[derive(Deserialize)]
struct MetadataOnly<'j> {
    #[serde(borrow)]
    metadata: &'j RawValue,
}

/// The metadata of an object, cut out of its bytes.
pub(super) fn metadata(object: &Object) -> Bytes {
    let read: Result<MetadataOnly<'_>, _> = serde_json::from_slice(object.json());
    let metadata = read.map_or_else(|_| json!({}).to_string(), |m| m.metadata.get().to_owned());
    format!(r#"{{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":{metadata}}}"#).into()
}
