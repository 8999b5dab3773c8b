//! Deleting, and what goes with it: finalizers, grace, owned objects, namespaces.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use compact_str::CompactString;
use serde_json::{Value, json};

use super::resource::{NAMESPACES, PODS};
use super::write::forget;
use super::{DeleteOptions, Deleted, Inner, Obj, Object, Propagation, Resource, Store, table};

/// Gone owners that are remembered.
const REMEMBERED: usize = 4096;
/// Finalizer of an object that waits for its dependents.
const FOREGROUND: &str = "foregroundDeletion";

/// Owners that are gone: what is created for them late is collected.
#[derive(Default)]
pub(super) struct Dead {
    order: VecDeque<CompactString>,
    uids: HashSet<CompactString>,
}

impl Dead {
    fn remember(&mut self, uid: &CompactString) {
        if self.order.len() == REMEMBERED
            && let Some(first) = self.order.pop_front()
        {
            self.uids.remove(&first);
        }
        self.order.push_back(uid.clone());
        self.uids.insert(uid.clone());
    }

    fn contains(&self, uid: &CompactString) -> bool {
        self.uids.contains(uid)
    }
}

impl Inner {
    /// Begins and, where nothing holds it, ends the deletion of `object`.
    pub(super) fn delete(
        &mut self,
        store: &Store,
        resource: &'static Resource,
        object: &Obj,
        options: &DeleteOptions,
    ) -> Deleted {
        if *resource == NAMESPACES {
            return self.delete_namespace(store, object);
        }
        let value = object.value();
        let grace = if *resource == PODS { Self::grace(&value, options.grace) } else { 0 };
        let mut object = Arc::clone(object);
        match options.propagation {
            Propagation::Orphan => self.orphan(store, &object),
            Propagation::Foreground if self.dependents.contains_key(&object.uid) => {
                object = self.with_finalizer(store, resource, &object);
            }
            Propagation::Foreground | Propagation::Background => {}
        }
        if grace > 0 || has_finalizers(&object.value()) {
            let marked = self.mark(store, resource, &object, grace);
            if options.propagation == Propagation::Foreground {
                self.delete_dependents(store, &marked, Propagation::Foreground);
            }
            let still = self.find(resource, &marked.namespace, &marked.name);
            return Deleted { gone: still.is_none(), object: still.unwrap_or(marked) };
        }
        Deleted { object: self.remove(store, resource, &object), gone: true }
    }

    /// Ends a deletion that waited for what the last write took away.
    pub(super) fn finish_deletion(&mut self, store: &Store, resource: &'static Resource, object: &Obj) {
        let value = object.value();
        let marked = value["metadata"]["deletionTimestamp"].is_string();
        if marked && !has_finalizers(&value) && !Self::still_stopping(resource, &value) && *resource != NAMESPACES {
            self.remove(store, resource, object);
        }
    }

    /// Collects an object whose owners were all gone before it came.
    pub(super) fn collect_if_orphaned(&mut self, store: &Store, resource: &'static Resource, object: &Obj) {
        if !object.owners.is_empty() && object.owners.iter().all(|o| self.dead.contains(o)) {
            self.delete(store, resource, object, &DeleteOptions::default());
        }
    }

    /// Takes the object away, then what it owned.
    fn remove(&mut self, store: &Store, resource: &'static Resource, object: &Obj) -> Obj {
        self.version += 1;
        let mut value = (*object.value()).clone();
        value["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let last = Arc::new(Object::new(resource, Arc::new(value), self.version, &store.0.recent));
        self.record(resource, &last, true);
        self.dead.remember(&last.uid);
        self.delete_dependents(store, &last, Propagation::Background);
        for owner in &last.owners {
            self.release_owner(store, owner);
        }
        self.release_namespace(store, &last.namespace);
        last
    }

    /// What names `owner` as an owner, in a fixed order.
    fn dependents_of(&self, owner: &str) -> Vec<(&'static Resource, Obj)> {
        let mut entries: Vec<_> = self.dependents.get(owner).into_iter().flatten().collect();
        entries.sort();
        let found = entries.into_iter().filter_map(|(id, (namespace, name))| {
            let table = self.tables.get(id)?;
            Some((table.resource, Arc::clone(table.get(namespace, name)?)))
        });
        found.collect()
    }

    /// Begins the deletion of what `owner` owned; under an owner that waits, dependents wait for theirs, too.
    fn delete_dependents(&mut self, store: &Store, owner: &Obj, propagation: Propagation) {
        for (resource, object) in self.dependents_of(&owner.uid) {
            let has_others = object.owners.iter().any(|o| *o != owner.uid && !self.dead.contains(o));
            if has_others {
                self.without_owner(store, resource, &object, &owner.uid);
            } else if object.value()["metadata"]["deletionTimestamp"].is_null() {
                self.delete(store, resource, &object, &DeleteOptions { propagation, ..DeleteOptions::default() });
            }
        }
    }

    fn orphan(&mut self, store: &Store, owner: &Obj) {
        for (resource, object) in self.dependents_of(&owner.uid) {
            self.without_owner(store, resource, &object, &owner.uid);
        }
    }

    fn without_owner(&mut self, store: &Store, resource: &'static Resource, object: &Obj, owner: &str) {
        let mut value = (*object.value()).clone();
        if let Some(owners) = value["metadata"]["ownerReferences"].as_array_mut() {
            owners.retain(|o| o["uid"] != owner);
            if owners.is_empty() {
                forget(&mut value["metadata"], "ownerReferences");
            }
        }
        self.write(store, resource, value, false);
    }

    fn with_finalizer(&mut self, store: &Store, resource: &'static Resource, object: &Obj) -> Obj {
        let mut value = (*object.value()).clone();
        let finalizers = &mut value["metadata"]["finalizers"];
        let mut list = finalizers.as_array().cloned().unwrap_or_default();
        if list.iter().all(|f| f != FOREGROUND) {
            list.push(json!(FOREGROUND));
        }
        *finalizers = Value::Array(list);
        let key = (object.namespace.clone(), object.name.clone());
        self.waiting.insert(object.uid.clone(), (table::id(resource), key));
        self.write(store, resource, value, false)
    }

    /// Lets an owner go that waited for the last of its dependents.
    fn release_owner(&mut self, store: &Store, owner: &str) {
        if self.dependents.contains_key(owner) {
            return;
        }
        let Some((id, (namespace, name))) = self.waiting.remove(owner) else { return };
        let found = self.tables.get(&id).and_then(|t| Some((t.resource, Arc::clone(t.get(&namespace, &name)?))));
        let Some((resource, object)) = found else { return };
        let mut value = (*object.value()).clone();
        let Some(finalizers) = value["metadata"]["finalizers"].as_array_mut() else { return };
        finalizers.retain(|f| f != FOREGROUND);
        if finalizers.is_empty() {
            forget(&mut value["metadata"], "finalizers");
        }
        let written = self.write(store, resource, value, false);
        self.finish_deletion(store, resource, &written);
    }

    /// A namespace first becomes `Terminating`; it goes when nothing is left in it.
    fn delete_namespace(&mut self, store: &Store, object: &Obj) -> Deleted {
        let mut value = (*object.value()).clone();
        if value["metadata"]["deletionTimestamp"].is_null() {
            value["metadata"]["deletionTimestamp"] = json!(store.clock().stamp());
        }
        value["status"]["phase"] = json!("Terminating");
        let marked = self.write(store, &NAMESPACES, value, false);
        let content: Vec<(&'static Resource, Obj)> = self
            .tables
            .values()
            .filter(|t| t.resource.namespaced)
            .flat_map(|t| t.in_namespace(&marked.name).map(|o| (t.resource, Arc::clone(o))))
            .collect();
        for (resource, object) in content {
            if self.find(resource, &object.namespace, &object.name).is_some_and(|o| o.version == object.version) {
                self.delete(store, resource, &object, &DeleteOptions::default());
            }
        }
        self.release_namespace(store, &marked.name);
        let still = self.find(&NAMESPACES, "", &marked.name);
        Deleted { gone: still.is_none(), object: still.unwrap_or(marked) }
    }

    /// Removes a terminating namespace that has become empty.
    fn release_namespace(&mut self, store: &Store, name: &str) {
        let Some(space) = self.find(&NAMESPACES, "", name) else { return };
        let terminating = space.field(&NAMESPACES, "status.phase") == Some("Terminating");
        let empty =
            || self.tables.values().filter(|t| t.resource.namespaced).all(|t| t.in_namespace(name).next().is_none());
        if terminating && empty() {
            self.remove(store, &NAMESPACES, &space);
        }
    }
}

fn has_finalizers(value: &Value) -> bool {
    value["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty())
}
