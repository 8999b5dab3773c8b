//! The objects of one resource with their indexes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use compact_str::CompactString;
use tokio::sync::watch;

use super::history::{Change, History};
use super::{ChangeKind, JOB_NAME, Obj, Resource, Selector};

/// Group and plural.
pub(super) type TableId = (&'static str, &'static str);
/// Namespace and name.
pub(super) type Key = (CompactString, CompactString);

/// Under which its objects are kept: those of a view with what it shows.
pub(super) fn id(resource: &Resource) -> TableId {
    resource.kept_as.map_or((resource.group, resource.plural), |kept| (kept.group, kept.plural))
}

pub(super) struct Table {
    pub(super) resource: &'static Resource,
    pub(super) history: History,
    pub(super) wake: watch::Sender<u64>,
    objects: BTreeMap<Key, Obj>,
    /// Names by namespace and job-name label.
    by_job: HashMap<Key, BTreeSet<CompactString>>,
}

impl Table {
    pub(super) fn new(resource: &'static Resource, version: u64) -> Self {
        let history = History::new(resource, version);
        let (objects, by_job) = (BTreeMap::new(), HashMap::new());
        Self { resource, history, wake: watch::Sender::new(version), objects, by_job }
    }

    pub(super) fn len(&self) -> usize {
        self.objects.len()
    }

    pub(super) fn get(&self, namespace: &str, name: &str) -> Option<&Obj> {
        self.objects.get(&(namespace.into(), name.into()))
    }

    pub(super) fn in_namespace<'t>(&'t self, namespace: &'t str) -> impl Iterator<Item = &'t Obj> + use<'t> {
        let start = (CompactString::from(namespace), CompactString::default());
        let rest = self.objects.range((Bound::Included(start), Bound::Unbounded));
        rest.take_while(move |((n, _), _)| n == namespace).map(|(_, object)| object)
    }

    pub(super) fn list(&self, namespace: Option<&str>, selector: &Selector) -> Vec<Obj> {
        let wanted = |object: &&Obj| selector.matches(self.resource, object);
        match (namespace, selector.required(JOB_NAME), selector.name()) {
            (Some(namespace), _, Some(name)) => self.get(namespace, name).into_iter().filter(wanted).cloned().collect(),
            (Some(namespace), Some(job), _) => {
                let names = self.by_job.get(&(namespace.into(), job.into())).into_iter().flatten();
                names.filter_map(|name| self.get(namespace, name)).filter(wanted).cloned().collect()
            }
            (Some(namespace), ..) => self.in_namespace(namespace).filter(wanted).cloned().collect(),
            (None, ..) => self.objects.values().filter(wanted).cloned().collect(),
        }
    }

    /// As [`list`](Self::list), as it was at `version`; `None` if that is forgotten.
    pub(super) fn list_at(&self, namespace: Option<&str>, selector: &Selector, version: u64) -> Option<Vec<Obj>> {
        let later: Vec<&Change> = self.history.since(version)?.collect();
        let mut objects: BTreeMap<Key, Obj> = self
            .list(namespace, &Selector::default())
            .into_iter()
            .map(|object| ((object.namespace.clone(), object.name.clone()), object))
            .collect();
        for change in later.into_iter().rev() {
            let key = (change.object.namespace.clone(), change.object.name.clone());
            match &change.before {
                Some(before) if namespace.is_none_or(|n| n == before.namespace) => {
                    drop(objects.insert(key, std::sync::Arc::clone(before)));
                }
                _ => {
                    objects.remove(&key);
                }
            }
        }
        Some(objects.into_values().filter(|object| selector.matches(self.resource, object)).collect())
    }

    /// Stores the object (or removes it, if it is deleted), remembers the change and wakes the readers.
    pub(super) fn record(&mut self, object: Obj, deleted: bool) {
        let key = (object.namespace.clone(), object.name.clone());
        let before =
            if deleted { self.objects.remove(&key) } else { self.objects.insert(key, std::sync::Arc::clone(&object)) };
        if let Some(old) = &before {
            self.index(old, false);
        }
        if !deleted {
            self.index(&object, true);
        }
        let kind = match (&before, deleted) {
            (_, true) => ChangeKind::Deleted,
            (None, false) => ChangeKind::Added,
            (Some(_), false) => ChangeKind::Modified,
        };
        let version = object.version;
        self.history.push(Change { resource: self.resource, kind, object, before });
        self.wake.send_replace(version);
    }

    fn index(&mut self, object: &Obj, present: bool) {
        let Some(job) = object.label(JOB_NAME) else { return };
        let key = (object.namespace.clone(), job.into());
        if present {
            self.by_job.entry(key).or_default().insert(object.name.clone());
        } else if let Some(names) = self.by_job.get_mut(&key) {
            names.remove(&object.name);
            if names.is_empty() {
                self.by_job.remove(&key);
            }
        }
    }
}
