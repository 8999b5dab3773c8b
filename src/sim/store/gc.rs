//! Deleting, and what goes with it: finalizers, grace, owned objects, namespaces.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use compact_str::CompactString;
use serde_json::{Value, json};

use super::fields::forget;
use super::resource::{NAMESPACES, PODS};
use super::{DeleteOptions, Deleted, Inner, Obj, Object, Propagation, Resource, Store, table};

/// Gone owners that are remembered.
const REMEMBERED: usize = 4096;
/// Finalizer of an object that waits for its dependents.
const FOREGROUND: &str = "foregroundDeletion";
/// Finalizer of an object whose dependents are to be freed first.
const ORPHAN: &str = "orphan";

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
            Propagation::Orphan => return self.orphan(store, resource, &object, grace),
            Propagation::Foreground if self.dependents.contains_key(&object.uid) => {
                object = self.with_finalizer(store, resource, &object, FOREGROUND);
                let key = (object.namespace.clone(), object.name.clone());
                self.waiting.insert(object.uid.clone(), (table::id(resource), key));
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
        let last = if *resource == PODS { self.mark_over(store, &object) } else { object };
        Deleted { object: self.remove(store, resource, &last), gone: true }
    }

    /// A pod that goes at once, as it is told: without a second of grace. Nobody sees it in the store.
    fn mark_over(&self, store: &Store, pod: &Obj) -> Obj {
        let mut value = (*pod.value()).clone();
        let meta = &mut value["metadata"];
        meta["deletionTimestamp"] = json!(store.clock().stamp());
        meta["deletionGracePeriodSeconds"] = json!(0);
        Arc::new(Object::new(&PODS, Arc::new(value), self.version, &store.0.recent))
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

    /// Marks the object, frees what it owned, then lets it go. What is told is the marked object: a real server's
    /// garbage collector comes later.
    fn orphan(&mut self, store: &Store, resource: &'static Resource, owner: &Obj, grace: i64) -> Deleted {
        let held = self.with_finalizer(store, resource, owner, ORPHAN);
        let marked = self.mark(store, resource, &held, grace);
        for (resource, object) in self.dependents_of(&owner.uid) {
            self.without_owner(store, resource, &object, &owner.uid);
        }
        self.without_finalizer(store, resource, &marked, ORPHAN);
        Deleted { object: marked, gone: false }
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

    fn with_finalizer(&mut self, store: &Store, resource: &'static Resource, object: &Obj, name: &str) -> Obj {
        let mut value = (*object.value()).clone();
        let finalizers = &mut value["metadata"]["finalizers"];
        let mut list = finalizers.as_array().cloned().unwrap_or_default();
        if list.iter().all(|f| f != name) {
            list.push(json!(name));
        }
        *finalizers = Value::Array(list);
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
        self.without_finalizer(store, resource, &object, FOREGROUND);
    }

    /// Takes a finalizer away, and with the last one the object.
    fn without_finalizer(&mut self, store: &Store, resource: &'static Resource, object: &Obj, name: &str) {
        let mut value = (*object.value()).clone();
        let Some(finalizers) = value["metadata"]["finalizers"].as_array_mut() else { return };
        finalizers.retain(|f| f != name);
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
        if let Some(left) = self.find(&NAMESPACES, "", &marked.name) {
            self.tell_what_is_left(store, &left);
        }
        let still = self.find(&NAMESPACES, "", &marked.name);
        Deleted { gone: still.is_none(), object: still.unwrap_or(marked) }
    }

    /// The conditions of a namespace that can't go yet.
    fn tell_what_is_left(&mut self, store: &Store, space: &Obj) {
        let mut resources: Vec<String> = Vec::new();
        let mut finalizers: BTreeMap<String, usize> = BTreeMap::new();
        for table in self.tables.values().filter(|t| t.resource.namespaced) {
            let left: Vec<&Obj> = table.in_namespace(&space.name).collect();
            if !left.is_empty() {
                let name = format!("{}.{}", table.resource.plural, table.resource.group);
                resources.push(format!("{name} has {} resource instances", left.len()));
            }
            for object in left {
                for name in object.value()["metadata"]["finalizers"].as_array().into_iter().flatten() {
                    *finalizers.entry(name.as_str().unwrap_or_default().to_owned()).or_default() += 1;
                }
            }
        }
        resources.sort();
        let held: Vec<String> =
            finalizers.iter().map(|(name, n)| format!("{name} in {n} resource instances")).collect();
        let mut value = (*space.value()).clone();
        value["status"]["conditions"] = namespace_conditions(&resources, &held, &store.clock().stamp());
        self.write(store, &NAMESPACES, value, false);
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

fn namespace_conditions(left: &[String], held: &[String], now: &str) -> Value {
    let condition = |kind: &str, holds: bool, reason: &str, message: &str| {
        json!({"type": kind, "status": if holds { "True" } else { "False" }, "lastTransitionTime": now,
            "reason": reason, "message": message})
    };
    let remaining = if left.is_empty() {
        condition("NamespaceContentRemaining", false, "ContentRemoved", "All content successfully removed")
    } else {
        let said = format!("Some resources are remaining: {}", left.join(", "));
        condition("NamespaceContentRemaining", true, "SomeResourcesRemain", &said)
    };
    let finalizing = if held.is_empty() {
        let said = "All content-preserving finalizers finished";
        condition("NamespaceFinalizersRemaining", false, "ContentHasNoFinalizers", said)
    } else {
        let said = format!("Some content in the namespace has finalizers remaining: {}", held.join(", "));
        condition("NamespaceFinalizersRemaining", true, "SomeFinalizersRemain", &said)
    };
    let discovered = "All resources successfully discovered";
    let parsed = "All legacy kube types successfully parsed";
    let deleted = "All content successfully deleted, may be waiting on finalization";
    json!([
        condition("NamespaceDeletionDiscoveryFailure", false, "ResourcesDiscovered", discovered),
        condition("NamespaceDeletionGroupVersionParsingFailure", false, "ParsedGroupVersions", parsed),
        condition("NamespaceDeletionContentFailure", false, "ContentDeleted", deleted),
        remaining,
        finalizing,
    ])
}

fn has_finalizers(value: &Value) -> bool {
    value["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty())
}
