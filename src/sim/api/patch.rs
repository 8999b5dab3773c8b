//! Patches: the four forms that are taken, and what is refused in the server's words.

use serde_json::{Value, json};

use super::{Admitted, go, header};
use crate::sim::store::{Refusal, Resource};
use crate::sim::strategic;

/// A patch that was read.
pub(super) enum Patch {
    /// RFC 7386.
    Merge(Value),
    /// Kubernetes' own, for built-in kinds.
    Strategic(Value),
    /// RFC 6902; operations that cannot be read are refused when they are reached.
    Json(Vec<Value>),
}

impl Patch {
    /// Reads the body by its media type.
    pub(super) fn read(resource: &Resource, request: &Admitted) -> Result<Self, Refusal> {
        let content_type = header(&request.headers, "content-type").split(';').next().unwrap_or_default().trim();
        let undecodable = |why: String| Refusal::bad_request(format!("error decoding patch: {why}"));
        let object = |prefix: &str| {
            let refuse = |why: String| Refusal::bad_request(format!("{prefix}{why}"));
            let read: Value =
                serde_json::from_slice(&request.body).map_err(|error| refuse(go::error(&error, &request.body)))?;
            if read.is_object() {
                return Ok(read);
            }
            let what = go::kind(&read);
            Err(refuse(format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}")))
        };
        match content_type {
            "application/merge-patch+json" => object("error decoding patch: ").map(Self::Merge),
            "application/strategic-merge-patch+json" if !resource.custom => object("").map(Self::Strategic),
            "application/json-patch+json" => {
                let read = serde_json::from_slice(&request.body)
                    .map_err(|error| undecodable(go::error(&error, &request.body)))?;
                match read {
                    Value::Array(operations) => Ok(Self::Json(operations)),
                    other => {
                        let what = go::kind(&other);
                        let into = "Go value of type []handlers.jsonPatchOp";
                        Err(undecodable(format!("json: cannot unmarshal {what} into {into}")))
                    }
                }
            }
            "application/apply-patch+yaml" | "application/strategic-merge-patch+json" => Err(unsupported(resource)),
            _ if resource.custom => Err(unsupported(resource)),
            _ => {
                let refusal = Refusal::new(415, "UnsupportedMediaType", "415: Unsupported Media Type");
                Err(Refusal { details: json!({}), ..refusal })
            }
        }
    }

    /// Changes an object.
    pub(super) fn apply(&self, value: &mut Value) -> Result<(), Refusal> {
        match self {
            Self::Merge(patch) => {
                json_patch::merge(value, patch);
                Ok(())
            }
            Self::Strategic(patch) => strategic::merge(value, patch).map_err(|why| Refusal::new(500, "", why)),
            Self::Json(operations) => operations.iter().try_for_each(|operation| {
                one(value, operation).ok_or_else(|| {
                    let message = "the server rejected our request due to an error in our request";
                    Refusal { details: json!({}), ..Refusal::new(422, "Invalid", message) }
                })
            }),
        }
    }
}

fn unsupported(resource: &Resource) -> Refusal {
    // Server-side apply is missing here, as on a server that doesn't offer it.
    let known = if resource.custom {
        "application/json-patch+json, application/merge-patch+json"
    } else {
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json"
    };
    let message = format!("the body of the request was in an unknown format - accepted media types include: {known}");
    Refusal::new(415, "UnsupportedMediaType", message)
}

/// One operation. The server's library lets «replace» make what is not there yet.
fn one(value: &mut Value, operation: &Value) -> Option<()> {
    let mut operation = operation.clone();
    let path = operation["path"].as_str().unwrap_or_default();
    if operation["op"] == "replace" && value.pointer(path).is_none() {
        let (parent, _) = path.rsplit_once('/')?;
        value.pointer(parent)?.as_object()?;
        operation["op"] = json!("add");
    }
    let operation = serde_json::from_value(operation).ok()?;
    json_patch::patch(value, &[operation]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_makes_a_field_but_not_its_parent() {
        let mut value = json!({"data": {}});
        assert!(one(&mut value, &json!({"op": "replace", "path": "/data/a", "value": 1})).is_some());
        assert!(one(&mut value, &json!({"op": "replace", "path": "/none/a", "value": 1})).is_none());
        assert!(one(&mut value, &json!({"op": "jump", "path": "/data/a"})).is_none());
        assert_eq!(value, json!({"data": {"a": 1}}));
    }
}
