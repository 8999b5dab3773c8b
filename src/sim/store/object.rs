//! One stored object: its JSON bytes, what selectors and indexes need of it, and its tree when somebody asks.
//!
//! Bytes are made once, when written; lists and watches copy them. A tree is several times as large as its bytes, so
//! only the trees used last are kept ([`Recent`]); others are read again from the bytes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use bytes::Bytes;
use compact_str::CompactString;
use serde_json::Value;

use super::Resource;

/// Trees kept alive. A demo fleet fits whole; 17,000 pods would take a gigabyte.
const KEPT_TREES: usize = 2048;

/// An object as it was at one resourceVersion.
#[derive(Debug)]
pub struct Object {
    /// Its resourceVersion.
    pub version: u64,
    /// Empty for cluster-scoped ones.
    pub namespace: CompactString,
    /// `metadata.name`.
    pub name: CompactString,
    /// `metadata.uid`.
    pub uid: CompactString,
    /// uids of the owners.
    pub owners: Box<[CompactString]>,
    labels: Box<[(CompactString, CompactString)]>,
    fields: Box<[CompactString]>,
    json: Bytes,
    tree: Mutex<Weak<Value>>,
    recent: Arc<Recent>,
}

impl Object {
    pub(super) fn new(resource: &Resource, tree: Arc<Value>, version: u64, recent: &Arc<Recent>) -> Self {
        let meta = &tree["metadata"];
        let owners = meta["ownerReferences"].as_array().into_iter().flatten().map(|o| text(&o["uid"])).collect();
        let labels = meta["labels"].as_object().into_iter().flatten().map(|(k, v)| (k.into(), text(v))).collect();
        let object = Self {
            version,
            namespace: text(&meta["namespace"]),
            name: text(&meta["name"]),
            uid: text(&meta["uid"]),
            owners,
            labels,
            fields: resource.selectable.iter().map(|path| field(&tree, path)).collect(),
            json: serde_json::to_vec(&*tree).unwrap_or_default().into(),
            tree: Mutex::new(Arc::downgrade(&tree)),
            recent: Arc::clone(recent),
        };
        recent.keep(tree);
        object
    }

    /// The object as JSON, without a line end.
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The object as a tree.
    pub fn value(&self) -> Arc<Value> {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tree) = tree.upgrade() {
            return tree;
        }
        let read: Arc<Value> = Arc::new(serde_json::from_slice(&self.json).unwrap_or_default());
        *tree = Arc::downgrade(&read);
        self.recent.keep(Arc::clone(&read));
        read
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// All labels.
    pub fn labels(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The value of a field that selectors may name; `None` if they may not.
    pub fn field(&self, resource: &Resource, path: &str) -> Option<&str> {
        match path {
            "metadata.name" => Some(&self.name),
            "metadata.namespace" => Some(&self.namespace),
            _ => {
                let at = resource.selectable.iter().position(|p| *p == path)?;
                self.fields.get(at).map(CompactString::as_str)
            }
        }
    }
}

/// The trees used last, whoever's they are.
#[derive(Debug, Default)]
pub(super) struct Recent(Mutex<VecDeque<Arc<Value>>>);

impl Recent {
    fn keep(&self, tree: Arc<Value>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() == KEPT_TREES {
            kept.pop_front();
        }
        kept.push_back(tree);
    }
}

fn text(value: &Value) -> CompactString {
    value.as_str().unwrap_or_default().into()
}

/// What a field selector compares: a missing field reads as the server's default for it.
fn field(tree: &Value, path: &str) -> CompactString {
    let found = path.split('.').fold(tree, |at, step| &at[step]);
    match (path, found) {
        ("source", _) => text(&tree["source"]["component"]),
        ("spec.unschedulable" | "spec.hostNetwork", Value::Null) => "false".into(),
        ("status.successful", _) => tree["status"]["succeeded"].as_i64().unwrap_or(0).to_string().into(),
        (_, Value::String(s)) => s.into(),
        // Of `podIPs` the server takes a selector, and never finds a value.
        ("status.podIPs", _) | (_, Value::Null) => CompactString::default(),
        (_, other) => other.to_string().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::store::resource::PODS;
    use serde_json::json;

    #[test]
    fn a_dropped_tree_is_read_again_and_selectors_need_none() {
        let recent = Arc::new(Recent::default());
        let tree = json!({"metadata": {"name": "a", "labels": {"x": "1"}}, "status": {"phase": "Running"}});
        let object = Object::new(&PODS, Arc::new(tree.clone()), 3, &recent);
        recent.0.lock().unwrap().clear();
        assert!(object.tree.lock().unwrap().upgrade().is_none());
        assert_eq!((object.label("x"), object.label("y")), (Some("1"), None));
        assert_eq!(object.field(&PODS, "status.phase"), Some("Running"));
        assert_eq!(object.field(&PODS, "status.other"), None);
        assert_eq!(*object.value(), tree);
    }

    #[test]
    fn trees_kept_are_bounded() {
        let recent = Recent::default();
        for n in 0..=KEPT_TREES {
            recent.keep(Arc::new(json!(n)));
        }
        assert_eq!(recent.0.lock().unwrap().len(), KEPT_TREES);
    }
}
