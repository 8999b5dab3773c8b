//! The rules of writing: what a request may set, what the server sets, and when it refuses.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::{forget, forget_empty, set_or_forget};
use super::resource::{NAMESPACES, PODS};
use super::{Inner, Obj, Object, Refusal, Resource, Store, defaults, known, table, table::Table};
use crate::sim::value::stamp;

/// More objects than these are refused, as by an etcd that is full: a job of two thousand million pods is a typing error.
const MOST_OBJECTS: usize = 250_000;

/// Which half of an object a write is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but the status.
    Main,
    /// The status alone.
    Status,
    /// Both at once, as the `binding` subresource of pods writes them.
    Both,
}

/// What becomes of the things that a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Propagation {
    /// They go after it.
    #[default]
    Background,
    /// They go before it.
    Foreground,
    /// They stay, without owner.
    Orphan,
}

/// How to delete.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Seconds a pod gets to stop; its own wish if `None`.
    pub grace: Option<i64>,
    /// What becomes of dependents.
    pub propagation: Propagation,
    /// Refuse if the object has another uid.
    pub uid: Option<String>,
    /// Refuse if the object has another resourceVersion.
    pub version: Option<String>,
    /// Only say what would happen.
    pub dry_run: bool,
}

/// What a deletion came to.
#[derive(Clone, Debug)]
pub struct Deleted {
    /// The object as it is or last was.
    pub object: Obj,
    /// False while it is still there, waiting for its grace or its finalizers.
    pub gone: bool,
}

/// Whether a store of so many objects takes one more.
fn room_for(objects: usize) -> Result<(), Refusal> {
    let full = || Refusal::new(500, "", "etcdserver: mvcc: database space exceeded");
    if objects < MOST_OBJECTS { Ok(()) } else { Err(full()) }
}

impl Store {
    /// Creates an object: the server's fields are set, what is wrong is refused.
    pub fn create(&self, resource: &'static Resource, value: Value) -> Result<Obj, Refusal> {
        self.create_with(resource, value, false)
    }

    /// As [`create`](Self::create), or as if with `dry_run`.
    pub fn create_with(&self, resource: &'static Resource, mut value: Value, dry_run: bool) -> Result<Obj, Refusal> {
        let resource = self.served(resource.group, resource.plural).unwrap_or(resource);
        defaults::complete(resource, &mut value);
        let steps = self.0.admissions.read().map(|a| a.clone()).unwrap_or_default();
        for step in steps {
            step(self, resource, &mut value)?;
        }
        let now = self.clock().stamp();
        let mut inner = self.lock();
        inner.name(resource, &mut value)?;
        let (namespace, name) = identity(&value);
        inner.check_room(resource, &namespace, &name)?;
        let meta = &mut value["metadata"];
        meta["uid"] = json!(inner.chance.uuid());
        meta["creationTimestamp"] = json!(now);
        defaults::identify(resource, &mut value);
        let meta = &mut value["metadata"];
        for unset in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            forget(meta, unset);
        }
        if resource.generation {
            meta["generation"] = json!(1);
        }
        if resource.status {
            defaults::first_status(resource, &mut value);
        }
        let object = inner.write(self, resource, value, dry_run);
        if !dry_run {
            inner.collect_if_orphaned(self, resource, &object);
        }
        Ok(object)
    }

    /// Puts an object there as it is: with its own status, uid and creation time where it has them. For seeding.
    pub fn seed(&self, resource: &'static Resource, mut value: Value) -> Result<Obj, Refusal> {
        let resource = self.served(resource.group, resource.plural).unwrap_or(resource);
        defaults::complete(resource, &mut value);
        let now = self.clock().stamp();
        let mut inner = self.lock();
        inner.name(resource, &mut value)?;
        let (namespace, name) = identity(&value);
        inner.check_room(resource, &namespace, &name)?;
        let uid = inner.chance.uuid();
        let meta = &mut value["metadata"];
        for (key, made) in [("uid", json!(uid)), ("creationTimestamp", json!(now))] {
            if meta[key].is_null() {
                meta[key] = made;
            }
        }
        if resource.generation && meta["generation"].is_null() {
            meta["generation"] = json!(1);
        }
        Ok(inner.write(self, resource, value, false))
    }

    /// Replaces all but the status. With `metadata.resourceVersion` set it must be the current one.
    pub fn update(&self, resource: &'static Resource, value: Value) -> Result<Obj, Refusal> {
        self.replace(resource, value, Part::Main, false)
    }

    /// Replaces the status alone.
    pub fn update_status(&self, resource: &'static Resource, value: Value) -> Result<Obj, Refusal> {
        self.replace(resource, value, Part::Status, false)
    }

    /// Replaces one part, or only says what that would give.
    pub fn replace(&self, resource: &'static Resource, value: Value, part: Part, dry: bool) -> Result<Obj, Refusal> {
        let (namespace, name) = identity(&value);
        self.rewrite(resource, &namespace, &name, part, dry, |current| {
            *current = value;
            Ok(())
        })
    }

    /// Changes one part of an object in place: read, change and write are one step.
    pub fn modify(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        part: Part,
        change: impl FnOnce(&mut Value),
    ) -> Result<Obj, Refusal> {
        self.rewrite(resource, namespace, name, part, false, |value| {
            change(value);
            Ok(())
        })
    }

    /// As [`modify`](Self::modify), where the change may be refused and may be a dry run.
    pub fn rewrite(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        part: Part,
        dry_run: bool,
        change: impl FnOnce(&mut Value) -> Result<(), Refusal>,
    ) -> Result<Obj, Refusal> {
        let mut inner = self.lock();
        let current = inner.find(resource, namespace, name).ok_or_else(|| Refusal::not_found(resource, name))?;
        let old = current.value();
        let mut value = (*old).clone();
        change(&mut value)?;
        check_preconditions(resource, &current, &value)?;
        keep_what_is_the_servers(resource, &old, &mut value, part);
        defaults::on_update(resource, &mut value);
        // What is not stored is no change, either.
        known::cut(self.release(), resource, &mut value);
        if resource.generation && part != Part::Status && spec_differs(resource, &old, &value) {
            value["metadata"]["generation"] = json!(old["metadata"]["generation"].as_i64().unwrap_or(0) + 1);
        }
        if value == *old {
            return Ok(current);
        }
        let object = inner.write(self, resource, value, dry_run);
        if !dry_run {
            inner.finish_deletion(self, resource, &object);
        }
        Ok(object)
    }

    /// Deletes an object, or begins to: a running pod gets its grace, finalizers are waited for.
    pub fn delete(
        &self,
        resource: &'static Resource,
        namespace: &str,
        name: &str,
        options: &DeleteOptions,
    ) -> Result<Deleted, Refusal> {
        let mut inner = self.lock();
        let current = inner.find(resource, namespace, name).ok_or_else(|| Refusal::not_found(resource, name))?;
        let precondition = |what: &str, asked: &Option<String>, is: &str, maybe: &str| match asked {
            Some(asked) if asked != is => {
                let why = format!(
                    "the {what} in the precondition ({asked}) does not match the {what} in record ({is}). The object might have been {maybe}"
                );
                Err(Refusal::precondition(resource, name, &why))
            }
            _ => Ok(()),
        };
        precondition("UID", &options.uid, &current.uid, "deleted and then recreated")?;
        precondition("ResourceVersion", &options.version, &current.version.to_string(), "modified")?;
        if options.dry_run {
            return Ok(Deleted { object: current, gone: true });
        }
        Ok(inner.delete(self, resource, &current, options))
    }
}

impl Inner {
    /// Makes up a name from `generateName`, and checks the one that is there.
    fn name(&mut self, resource: &Resource, value: &mut Value) -> Result<(), Refusal> {
        let meta = &mut value["metadata"];
        if meta["name"].as_str().unwrap_or_default().is_empty() {
            let prefix = meta["generateName"].as_str().unwrap_or_default();
            if prefix.is_empty() {
                let why = "name or generateName is required".to_owned();
                return Err(Refusal::invalid(
                    resource,
                    "",
                    &[("FieldValueRequired", "metadata.name", format!("Required value: {why}"))],
                ));
            }
            meta["name"] = json!(format!("{}{}", &prefix[..prefix.floor_char_boundary(58)], self.chance.suffix()));
        }
        let text = |key: &str| meta[key].as_str().unwrap_or_default();
        defaults::check_name(resource, text("name"), text("generateName"))
    }

    /// Whether an object of this name may come to be.
    fn check_room(&self, resource: &Resource, namespace: &str, name: &str) -> Result<(), Refusal> {
        if resource.namespaced {
            let space = self.find(&NAMESPACES, "", namespace);
            let space = space.ok_or_else(|| Refusal::not_found(&NAMESPACES, namespace))?;
            if space.field(&NAMESPACES, "status.phase") == Some("Terminating") {
                return Err(Refusal::terminating(resource, name, namespace));
            }
        }
        if self.find(resource, namespace, name).is_some() {
            return Err(Refusal::already_exists(resource, name));
        }
        room_for(self.tables.values().map(Table::len).sum())
    }

    /// Gives the object the next version and stores it, unless it is a dry run.
    pub(super) fn write(&mut self, store: &Store, resource: &'static Resource, mut value: Value, dry: bool) -> Obj {
        known::cut(store.release(), resource, &mut value);
        let meta = &mut value["metadata"];
        if dry {
            return Arc::new(Object::new(resource, Arc::new(value), self.version, &store.0.recent));
        }
        self.version += 1;
        meta["resourceVersion"] = json!(self.version.to_string());
        let object = Arc::new(Object::new(resource, Arc::new(value), self.version, &store.0.recent));
        self.record(resource, &object, false);
        object
    }

    /// Takes note of a written or removed object in table and owner index.
    pub(super) fn record(&mut self, resource: &'static Resource, object: &Obj, deleted: bool) {
        let id = table::id(resource);
        let entry = (id, (object.namespace.clone(), object.name.clone()));
        if let Some(before) = self.find(resource, &object.namespace, &object.name) {
            for owner in &before.owners {
                if let Some(set) = self.dependents.get_mut(owner) {
                    set.remove(&entry);
                    if set.is_empty() {
                        self.dependents.remove(owner);
                    }
                }
            }
        }
        if !deleted {
            for owner in &object.owners {
                self.dependents.entry(owner.clone()).or_default().insert(entry.clone());
            }
        }
        if let Some(table) = self.tables.get_mut(&id) {
            table.record(Arc::clone(object), deleted);
        }
    }

    /// Marks a pod as going and tells when it has to be gone; 0 seconds: at once.
    pub(super) fn grace(pod: &Value, asked: Option<i64>) -> i64 {
        let over = matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"));
        if over || pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            return 0;
        }
        let own = pod["spec"]["terminationGracePeriodSeconds"].as_i64().unwrap_or(30);
        let asked = asked.unwrap_or(own).max(0);
        match pod["metadata"]["deletionGracePeriodSeconds"].as_i64() {
            Some(running) => asked.min(running),
            None => asked,
        }
    }

    /// Sets the deletion mark; a mark that is there only becomes earlier.
    pub(super) fn mark(&mut self, store: &Store, resource: &'static Resource, object: &Obj, grace: i64) -> Obj {
        let mut value = (*object.value()).clone();
        let meta = &mut value["metadata"];
        if meta["deletionTimestamp"].is_string() && meta["deletionGracePeriodSeconds"].as_i64() == Some(grace) {
            return Arc::clone(object);
        }
        let at = store.clock().now().saturating_add(jiff::SignedDuration::from_secs(grace));
        meta["deletionTimestamp"] = json!(at.map(stamp).unwrap_or_default());
        meta["deletionGracePeriodSeconds"] = json!(grace);
        if resource.generation && object.value()["metadata"]["deletionTimestamp"].is_null() {
            meta["generation"] = json!(meta["generation"].as_i64().unwrap_or(0) + 1);
        }
        self.write(store, resource, value, false)
    }

    /// Whether a pod still has seconds to stop in.
    pub(super) fn still_stopping(resource: &Resource, value: &Value) -> bool {
        *resource == PODS && value["metadata"]["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0
    }
}

/// Namespace and name of a manifest.
fn identity(value: &Value) -> (String, String) {
    let text = |key: &str| value["metadata"][key].as_str().unwrap_or_default().to_owned();
    (text("namespace"), text("name"))
}

fn check_preconditions(resource: &Resource, current: &Object, value: &Value) -> Result<(), Refusal> {
    let meta = &value["metadata"];
    if let Some(version) = meta["resourceVersion"].as_str().filter(|v| !v.is_empty())
        && version != current.version.to_string()
    {
        return Err(Refusal::stale(resource, &current.name));
    }
    if let Some(uid) = meta["uid"].as_str().filter(|u| !u.is_empty() && *u != current.uid) {
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            key(resource, current),
            current.uid
        );
        return Err(Refusal::conflict(resource, &current.name, &why));
    }
    Ok(())
}

/// Where a real server keeps the object in etcd.
fn key(resource: &Resource, object: &Object) -> String {
    let group = if resource.custom { format!("{}/", resource.group) } else { String::new() };
    let space = if resource.namespaced { format!("{}/", object.namespace) } else { String::new() };
    format!("/registry/{group}{}/{space}{}", resource.plural, object.name)
}

/// Undoes what this kind of write may not change.
fn keep_what_is_the_servers(resource: &Resource, old: &Value, value: &mut Value, part: Part) {
    if !value.is_object() {
        *value = old.clone();
    }
    if resource.status {
        match part {
            Part::Main => set_or_forget(value, "status", &old["status"]),
            Part::Status => {
                let (status, labels) = (value["status"].take(), value["metadata"]["labels"].take());
                *value = old.clone();
                set_or_forget(value, "status", &status);
                if !resource.custom && value["metadata"].is_object() {
                    // Strategies of built-in kinds keep the spec only.
                    set_or_forget(&mut value["metadata"], "labels", &labels);
                }
                return;
            }
            Part::Both => {}
        }
    }
    for key in ["apiVersion", "kind"] {
        set_or_forget(value, key, &old[key]);
    }
    if !value["metadata"].is_object() {
        value["metadata"] = json!({});
    }
    for key in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "resourceVersion",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "generateName",
    ] {
        set_or_forget(&mut value["metadata"], key, &old["metadata"][key]);
    }
    if value["metadata"]["managedFields"].is_null() {
        set_or_forget(&mut value["metadata"], "managedFields", &old["metadata"]["managedFields"]);
    }
    forget_empty(&mut value["metadata"]);
}

/// Whether anything differs outside metadata and status. That a pod is bound does not count.
fn spec_differs(resource: &Resource, old: &Value, new: &Value) -> bool {
    let rest = |v: &'_ Value| -> Vec<(String, Value)> {
        let fields = v.as_object().into_iter().flatten();
        let mut rest: Vec<(String, Value)> =
            fields.filter(|(k, _)| *k != "metadata" && *k != "status").map(|(k, v)| (k.clone(), v.clone())).collect();
        for (_, spec) in rest.iter_mut().filter(|(key, _)| *resource == PODS && key == "spec") {
            forget(spec, "nodeName");
        }
        rest
    };
    rest(old) != rest(new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_store_says_so_as_an_etcd_does() {
        assert!(room_for(0).is_ok() && room_for(MOST_OBJECTS - 1).is_ok());
        let refusal = room_for(MOST_OBJECTS).unwrap_err();
        assert_eq!((refusal.code, refusal.message.as_str()), (500, "etcdserver: mvcc: database space exceeded"));
    }
}
