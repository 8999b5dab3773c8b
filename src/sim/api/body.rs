//! Bodies of requests: their media types, and the object in them held against the URL.

use serde_json::{Value, json};

use super::{Admitted, go, header};
use crate::sim::store::{Refusal, Resource, resource};

/// What Go reads of a body first.
const TYPE_META: &str =
    r#"struct { APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }"#;
/// Bytes of a body that a refusal repeats.
const REPEATED: usize = 30;

/// A body as a tree. `parse` refuses what cannot be read.
pub(super) fn read(request: &Admitted, refuse: impl Fn(&str) -> Refusal) -> Result<Value, Refusal> {
    let media = header(&request.headers, "content-type").split(';').next().unwrap_or_default().trim();
    match media.to_ascii_lowercase().as_str() {
        "" | "application/json" | "application/vnd.kubernetes.protobuf" => {
            let refuse = |error| refuse(&format!("json parse error: {}", go::error(&error, &request.body)));
            serde_json::from_slice(&request.body).map_err(refuse)
        }
        "application/yaml" => {
            let text = String::from_utf8_lossy(&request.body);
            serde_saphyr::from_str(&text).map_err(|error| refuse(&format!("yaml parse error: {error}")))
        }
        _ => {
            let known = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
            let said =
                format!("the body of the request was in an unknown format - accepted media types include: {known}");
            Err(Refusal::new(415, "UnsupportedMediaType", said))
        }
    }
}

/// The beginning of a body, as refusals repeat it: as text if it looks like JSON, else in hexadecimal.
fn repeated(body: &[u8]) -> String {
    use std::fmt::Write as _;
    let cut = &body[..body.len().min(REPEATED)];
    let more = if body.len() > REPEATED { " ..." } else { "" };
    if body.is_empty() {
        return "<empty>".to_owned();
    }
    if body.starts_with(b"{") {
        return format!("{}{more}", String::from_utf8_lossy(cut));
    }
    let hex = cut.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    hex + more
}

/// The object of a body, held against the URL.
pub(super) fn manifest(resource: &Resource, request: &Admitted) -> Result<Value, Refusal> {
    let kind = resource.kind;
    let unrecognized = |why: &str| {
        let sent = repeated(&request.body);
        Refusal::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({sent})"))
    };
    let mut value = read(request, |why| unrecognized(&format!("couldn't get version/kind; {why}")))?;
    if value.is_null() {
        if resource.custom {
            return Err(unrecognized("Object 'Kind' is missing in 'null'"));
        }
        value = json!({});
    }
    if !value.is_object() {
        let what = go::kind(&value);
        let why = format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {what} into Go value of type {TYPE_META}"
        );
        return Err(unrecognized(&why));
    }
    for key in ["kind", "apiVersion"] {
        if let Some(other) = value.get(key).filter(|sent| !sent.is_string() && !sent.is_null()) {
            let what = go::kind(other);
            let why = format!("json: cannot unmarshal {what} into Go struct field .{key} of type string");
            return Err(unrecognized(&format!("couldn't get version/kind; json parse error: {why}")));
        }
    }
    let sent = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
    let (sent_kind, sent_version) = (sent("kind"), sent("apiVersion"));
    if sent_version.matches('/').count() > 1 {
        return Err(unrecognized(&format!("unexpected GroupVersion string: {sent_version}")));
    }
    if resource.custom {
        if sent_kind.is_empty() {
            return Err(unrecognized(&format!("Object 'Kind' is missing in '{value}'")));
        }
        custom_type(resource, &sent_kind, &sent_version, &value)?;
    } else {
        built_in_type(resource, &sent_kind, &sent_version)?;
        (value["apiVersion"], value["kind"]) = (json!(resource.api_version()), json!(kind));
    }
    place(resource, request, &mut value)?;
    if request.asked.verb == "create" && value["metadata"]["resourceVersion"].as_str().is_some_and(|v| !v.is_empty()) {
        return Err(Refusal::new(500, "", "resourceVersion should not be set on objects to be created"));
    }
    Ok(value)
}

fn custom_type(resource: &Resource, kind: &str, version: &str, value: &Value) -> Result<(), Refusal> {
    let expected = resource.api_version();
    if version != expected {
        let why =
            format!("the API version in the data ({version}) does not match the expected API version ({expected})");
        return Err(Refusal::bad_request(why));
    }
    if kind == resource.kind {
        return Ok(());
    }
    let name = value["metadata"]["name"].as_str().unwrap_or_default();
    let said = format!("Invalid value: \"{kind}\": must be {}", resource.kind);
    let message = format!("{kind}.{} \"{name}\" is invalid: kind: {said}", resource.group);
    let causes = json!([{"reason": "FieldValueInvalid", "message": said, "field": "kind"}]);
    let details = json!({"name": name, "group": resource.group, "kind": kind, "causes": causes});
    Err(Refusal { details, ..Refusal::new(422, "Invalid", message) })
}

fn built_in_type(resource: &Resource, kind: &str, version: &str) -> Result<(), Refusal> {
    let own = resource.kind;
    let refuse = |version: &str, why: &str| {
        let sent = if kind.is_empty() { own } else { kind };
        Err(Refusal::bad_request(format!("{sent} in version \"{version}\" cannot be handled as a {own}: {why}")))
    };
    let is_known = resource::ALL.iter().any(|r| !r.custom && r.kind == kind && r.api_version() == version);
    if !version.is_empty() && version != resource.api_version() && !is_known {
        let sent = if kind.is_empty() { own } else { kind };
        let why = format!(
            "no kind \"{sent}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
        );
        return refuse(version, &why);
    }
    if !kind.is_empty() && kind != own {
        let group =
            if resource.group.is_empty() { "core" } else { resource.group.split('.').next().unwrap_or_default() };
        let why = format!("converting ({}.{kind}) to ({group}.{own}): unknown conversion", resource.version);
        return refuse(resource.version, &why);
    }
    Ok(())
}

/// Namespace and name: those of the URL, which the body must not gainsay.
pub(super) fn place(resource: &Resource, request: &Admitted, value: &mut Value) -> Result<(), Refusal> {
    let asked = &request.asked;
    let namespace = asked.object_namespace(resource);
    if value["metadata"].is_null() {
        value["metadata"] = json!({});
    }
    let meta = &mut value["metadata"];
    match meta.as_object_mut() {
        // Of what is null nothing was said.
        Some(said) => said.retain(|_, part| !part.is_null()),
        None => return Ok(()),
    }
    if asked.verb != "create" {
        if let Some(sent) = meta["name"].as_str().filter(|n| *n != asked.name) {
            let why = format!("the name of the object ({sent}) does not match the name on the URL ({})", asked.name);
            return Err(Refusal::bad_request(why));
        }
        if meta["name"].as_str().is_none_or(str::is_empty) {
            let why = format!(
                "the name of the object ({} based on URL) was undeterminable: name must be provided",
                asked.name
            );
            return Err(Refusal::bad_request(why));
        }
    }
    if meta["namespace"].as_str().is_some_and(|n| !n.is_empty() && n != namespace) {
        let why = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(why));
    }
    if resource.namespaced {
        meta["namespace"] = json!(namespace);
    }
    Ok(())
}

/// The options of a deletion that are in its body.
pub(super) fn delete_options(request: &Admitted) -> Result<serde_json::Map<String, Value>, Refusal> {
    if request.body.is_empty() {
        return Ok(serde_json::Map::new());
    }
    let read = read(request, |why| Refusal::bad_request(format!("couldn't get version/kind; {why}")))?;
    let options = match read {
        Value::Object(options) => options,
        Value::Null => return Ok(serde_json::Map::new()),
        other => {
            let what = go::kind(&other);
            let into = format!("Go value of type {TYPE_META}");
            let why = format!("couldn't get version/kind; json parse error: json: cannot unmarshal {what} into {into}");
            return Err(Refusal::bad_request(why));
        }
    };
    let word = |key: &str| options.get(key).and_then(Value::as_str).unwrap_or_default();
    let kind = word("kind");
    if !kind.is_empty() && kind != "DeleteOptions" {
        let version = word("apiVersion");
        let why = format!(
            "no kind \"{kind}\" is registered for version \"{version}\" in scheme \"pkg/runtime/scheme.go:111\""
        );
        return Err(Refusal::bad_request(why));
    }
    match mistyped_option(&options) {
        Some(why) => Err(Refusal::bad_request(why)),
        None => Ok(options),
    }
}

/// The first option of a deletion that is not what it should be, in the words of Go's decoder.
fn mistyped_option(options: &serde_json::Map<String, Value>) -> Option<String> {
    let wrong = |value: Option<&Value>, fits: fn(&Value) -> bool, field: &str, kind: &str| {
        let value = value.filter(|value| !value.is_null() && !fits(value))?;
        let what = go::kind(value);
        Some(format!("json: cannot unmarshal {what} into Go struct field {field} of type {kind}"))
    };
    let conditions = |key: &str| options.get("preconditions").and_then(|conditions| conditions.get(key));
    let grace = options.get("gracePeriodSeconds");
    wrong(grace, Value::is_i64, "DeleteOptions.gracePeriodSeconds", "int64")
        .or_else(|| wrong(conditions("uid"), Value::is_string, "Preconditions.preconditions.uid", "types.UID"))
        .or_else(|| {
            let field = "Preconditions.preconditions.resourceVersion";
            wrong(conditions("resourceVersion"), Value::is_string, field, "string")
        })
        .or_else(|| wrong(options.get("orphanDependents"), Value::is_boolean, "DeleteOptions.orphanDependents", "bool"))
        .or_else(|| wrong(options.get("dryRun"), Value::is_array, "DeleteOptions.dryRun", "[]string"))
}

#[cfg(test)]
mod tests {
    use super::repeated;

    #[test]
    fn bodies_are_repeated_as_far_as_they_look_like_json() {
        assert_eq!(repeated(b""), "<empty>");
        assert_eq!(repeated(b"{\"kind\": "), "{\"kind\": ");
        assert_eq!(repeated(b"[1]"), "5b315d");
        assert_eq!(repeated(&[b'{'; 40]), format!("{} ...", "{".repeat(30)));
    }
}
