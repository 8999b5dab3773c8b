//! What holds for the metadata of every object: labels, annotations, finalizers, owners, and what may not change.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::sim::schema::Fault;
use crate::sim::store::words::{wrong_key, wrong_value};
use crate::sim::store::{Refusal, Resource};

/// Bytes of all annotations together.
const LARGEST: usize = 256 << 10;
/// Fields of an owner, in the order in which Go writes them.
const OWNER: [&str; 6] = ["apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion"];
/// Finalizers that need no domain.
const STANDARD: [&str; 3] = ["foregroundDeletion", "kubernetes", "orphan"];

/// What is wrong with an object's metadata. `old` is the object before.
pub(super) fn faults(value: &Value, old: Option<&Value>) -> Vec<Fault> {
    let meta = &value["metadata"];
    let mut out = Vec::new();
    let invalid = |field: &str, what: &str, why: &str| {
        ("FieldValueInvalid", format!("metadata.{field}"), format!("Invalid value: {}: {why}", json!(what)))
    };
    for owner in list(&meta["ownerReferences"]) {
        for key in ["apiVersion", "kind", "name", "uid"] {
            if owner[key].as_str().unwrap_or_default().is_empty() {
                let why = if key == "apiVersion" { "version must not be empty" } else { "must not be empty" };
                out.push(invalid(&format!("ownerReferences.{key}"), "", why));
            }
        }
    }
    out.extend(two_controllers(list(&meta["ownerReferences"])));
    for (key, at) in map(&meta["labels"]) {
        out.extend(wrong_key(key).iter().map(|why| invalid("labels", key, why)));
        let text = at.as_str().unwrap_or_default();
        out.extend(wrong_value(text).into_iter().map(|why| invalid("labels", text, why)));
    }
    for (key, _) in map(&meta["annotations"]) {
        out.extend(wrong_key(&key.to_lowercase()).iter().map(|why| invalid("annotations", key, why)));
    }
    let size: usize = map(&meta["annotations"]).map(|(key, text)| key.len() + text.as_str().map_or(0, str::len)).sum();
    if size > LARGEST {
        let said = format!("Too long: may not be more than {LARGEST} bytes");
        out.push(("FieldValueTooLong", "metadata.annotations".to_owned(), said));
    }
    for (at, finalizer) in list(&meta["finalizers"]).iter().filter_map(Value::as_str).enumerate() {
        let why = wrong_key(finalizer).into_iter().next();
        let bare = !finalizer.contains('/') && !STANDARD.contains(&finalizer);
        let why = why.or(bare.then_some("name is neither a standard finalizer name nor is it fully qualified".into()));
        out.extend(why.map(|why| invalid(&format!("finalizers[{at}]"), finalizer, &why)));
    }
    if let Some(old) = old {
        out.extend(late_finalizers(&old["metadata"], meta));
    }
    out
}

/// Only one owner controls.
fn two_controllers(owners: &[Value]) -> Option<Fault> {
    let mut controllers = owners.iter().filter(|owner| owner["controller"] == true);
    let named = |owner: &Value| {
        let word = |key: &str| owner[key].as_str().unwrap_or_default().to_owned();
        format!("{}/{}", word("kind"), word("name"))
    };
    let (first, second) = (named(controllers.next()?), named(controllers.next()?));
    let why = format!(
        "Only one reference can have Controller set to true. Found \"true\" in references for {first} and {second}"
    );
    let one = |owner: &Value| {
        let said = OWNER.iter().filter(|field| !owner[**field].is_null());
        let parts: Vec<String> = said.map(|field| format!("{}:{}", json!(field), owner[*field])).collect();
        format!("{{{}}}", parts.join(","))
    };
    let all: Vec<String> = owners.iter().map(one).collect();
    let said = format!("Invalid value: [{}]: {why}", all.join(","));
    Some(("FieldValueInvalid", "metadata.ownerReferences".to_owned(), said))
}

/// What is being deleted takes no new finalizers.
fn late_finalizers(old: &Value, new: &Value) -> Vec<Fault> {
    if !old["deletionTimestamp"].is_string() {
        return Vec::new();
    }
    let of = |meta: &Value| -> BTreeSet<String> {
        list(&meta["finalizers"]).iter().filter_map(|f| f.as_str().map(str::to_owned)).collect()
    };
    let (had, has) = (of(old), of(new));
    let late: Vec<String> = has.difference(&had).map(|f| format!("{f:?}")).collect();
    if late.is_empty() {
        return Vec::new();
    }
    let said = format!(
        "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
        late.join(", ")
    );
    // The server finds it twice, and says it once.
    vec![("FieldValueForbidden", "metadata.finalizers".to_owned(), said); 2]
}

/// 422 for a patch that names another uid.
pub(super) fn same_uid(resource: &Resource, old: &Value, new: &Value) -> Result<(), Refusal> {
    let (was, is) = (&old["metadata"]["uid"], &new["metadata"]["uid"]);
    let Some(sent) = is.as_str().filter(|sent| !sent.is_empty() && is != was) else { return Ok(()) };
    let fault = ("FieldValueInvalid", "metadata.uid", format!("Invalid value: \"{sent}\": field is immutable"));
    let name = old["metadata"]["name"].as_str().unwrap_or_default();
    Err(Refusal::invalid(resource, name, &[fault.clone(), fault]))
}

/// 422 for a PUT of a custom resource that doesn't say which version it replaces.
pub(super) fn unversioned(resource: &Resource, name: &str) -> Refusal {
    let said = "Invalid value: 0: must be specified for an update";
    let field = "metadata.resourceVersion";
    let causes = json!([{"reason": "FieldValueInvalid", "message": said, "field": field}]);
    let details = json!({"name": name, "group": resource.group, "kind": resource.plural, "causes": causes});
    let message = format!("{} \"{name}\" is invalid: {field}: {said}", resource.qualified());
    Refusal { details, ..Refusal::new(422, "Invalid", message) }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn map(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
