//! Reading and making Kubernetes objects as JSON: the few accessors that controllers need.
//!
//! Must not know any kind of object; a missing field reads as empty.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::{Value, json};

/// The string at JSON pointer `path`, empty if there is none.
pub(crate) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    object.pointer(path).and_then(Value::as_str).unwrap_or("")
}

/// The whole number at `path`.
pub(crate) fn int(object: &Value, path: &str) -> Option<i64> {
    object.pointer(path).and_then(Value::as_i64)
}

/// Whether `path` holds `true`.
pub(crate) fn truth(object: &Value, path: &str) -> bool {
    object.pointer(path).and_then(Value::as_bool).unwrap_or(false)
}

/// The array at `path`, empty if there is none.
pub(crate) fn list<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    object.pointer(path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The RFC 3339 time at `path`.
pub(crate) fn time(object: &Value, path: &str) -> Option<Timestamp> {
    text(object, path).parse().ok()
}

/// `at` as the API server writes it.
pub(crate) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `at` with microseconds, as Events and leases have it.
pub(crate) fn micro_stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

/// Seconds from `earlier` to `later`, negative if it is not.
pub(crate) fn seconds_between(earlier: Timestamp, later: Timestamp) -> f64 {
    later.duration_since(earlier).as_secs_f64()
}

/// `at` plus `seconds` (clamped to what a timestamp can hold).
pub(crate) fn after(at: Timestamp, seconds: f64) -> Timestamp {
    let wait = jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default();
    at.checked_add(wait).unwrap_or(at)
}

/// `metadata.name`.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "/metadata/name")
}

/// `metadata.namespace`.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "/metadata/namespace")
}

/// `metadata.uid`.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

/// A label's value, empty if it is not set.
pub(crate) fn label<'a>(object: &'a Value, key: &str) -> &'a str {
    keyed(object, "/metadata/labels", key)
}

/// An annotation's value, empty if it is not set.
pub(crate) fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    keyed(object, "/metadata/annotations", key)
}

fn keyed<'a>(object: &'a Value, map: &str, key: &str) -> &'a str {
    object.pointer(map).and_then(|m| m.get(key)).and_then(Value::as_str).unwrap_or("")
}

/// Whether it is being deleted.
pub(crate) fn is_deleting(object: &Value) -> bool {
    !text(object, "/metadata/deletionTimestamp").is_empty()
}

/// A pod's phase.
pub(crate) fn phase(pod: &Value) -> &str {
    text(pod, "/status/phase")
}

/// Whether a pod has come to its end.
pub(crate) fn is_over(pod: &Value) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

/// Whether a pod's Ready condition is True.
pub(crate) fn is_ready(pod: &Value) -> bool {
    has_condition(pod, "Ready")
}

/// Whether condition `kind` is True.
pub(crate) fn has_condition(object: &Value, kind: &str) -> bool {
    condition(object, kind).is_some_and(|c| text(c, "/status") == "True")
}

/// The condition of type `kind`.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    list(object, "/status/conditions").iter().find(|c| text(c, "/type") == kind)
}

/// The controlling owner's uid, empty if there is none.
pub(crate) fn controller_uid(object: &Value) -> &str {
    controller(object).map_or("", |owner| text(owner, "/uid"))
}

/// The owner reference with `controller: true`.
pub(crate) fn controller(object: &Value) -> Option<&Value> {
    list(object, "/metadata/ownerReferences").iter().find(|o| truth(o, "/controller"))
}

/// A controlling owner reference to `owner`.
pub(crate) fn owned_by(owner: &Value) -> Value {
    json!([{
        "apiVersion": text(owner, "/apiVersion"), "kind": text(owner, "/kind"), "name": name(owner), "uid": uid(owner),
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// What an Event says it is about.
pub(crate) fn reference(object: &Value) -> Value {
    let mut out = json!({
        "apiVersion": text(object, "/apiVersion"), "kind": text(object, "/kind"), "name": name(object),
        "uid": uid(object), "resourceVersion": text(object, "/metadata/resourceVersion"),
    });
    if !namespace(object).is_empty() {
        out["namespace"] = json!(namespace(object));
    }
    out
}

/// Sets `key` of the object at pointer `path`, making the objects on the way.
pub(crate) fn set(object: &mut Value, path: &str, value: Value) {
    *reach(object, path) = value;
}

/// The place at a path, made where it is missing: on the way, what is no object becomes one. `/` in a key is written `~1`.
pub(crate) fn reach<'a>(object: &'a mut Value, path: &str) -> &'a mut Value {
    let mut at = object;
    for part in path.split('/').skip(1) {
        let part = part.replace("~1", "/");
        if !at.is_object() {
            *at = json!({});
        }
        at = &mut at[part];
    }
    at
}

/// Appends to the array at `path`, making it if need be.
pub(crate) fn push(object: &mut Value, path: &str, value: Value) {
    let mut all = list(object, path).to_vec();
    all.push(value);
    set(object, path, Value::Array(all));
}

/// Ends of names as generateName makes them: five of an alphabet without vowels.
pub(crate) fn suffix(seed: u64) -> String {
    const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut state = mix(seed);
    let mut out = String::with_capacity(5);
    for _ in 0..5 {
        out.push(char::from(LETTERS[(state % LETTERS.len() as u64) as usize]));
        state = mix(state);
    }
    out
}

/// A well spread number out of another (splitmix64): the source of all repeatable chance here.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A number out of text, for seeds (FNV-1a).
pub(crate) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// SHA-1 in hexadecimal digits, as controllers make names of.
pub(crate) fn sha1(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut out, byte| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A number from 0 (inclusive) to 1 out of a seed.
pub(crate) fn chance(seed: u64) -> f64 {
    (mix(seed) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn setting_makes_the_way() {
        let mut object = json!({});
        set(&mut object, "/a/b~1c/d", json!(1));
        push(&mut object, "/a/list", json!("x"));
        push(&mut object, "/a/list", json!("y"));
        assert_eq!(object, json!({"a": {"b/c": {"d": 1}, "list": ["x", "y"]}}));
    }

    #[test]
    fn suffixes_repeat_with_their_seed_only() {
        assert_eq!(suffix(7), suffix(7));
        assert_ne!(suffix(7), suffix(8));
        assert_eq!(suffix(9).len(), 5);
    }
}
