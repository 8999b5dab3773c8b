//! The sim's memory: objects by group, resource, namespace and name, and what happened to them.
//!
//! Owns versions, uids, generations, indexes, garbage collection and the rules of writing. HTTP (`api/`) and the
//! controllers use the same functions, so that a controller meets the same refusals as a user. Must not know HTTP,
//! users or what a job is. Writers hold one lock for microseconds; readers copy reference-counted objects.

mod amounts;
mod defaults;
mod feed;
mod fields;
mod gc;
mod history;
mod known;
mod labels;
mod object;
mod refusal;
mod selector;
mod table;
pub mod words;
mod write;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};

use compact_str::CompactString;
use serde_json::Value;

use super::chance::Chance;
use super::clock::Clock;
use super::release::Release;
pub use super::resource::{self, Resource};
pub use defaults::{complete_container, quality_of_service};
pub use feed::{Feed, Lagged};
pub use history::{Change, ChangeKind};
pub use object::Object;
use object::Recent;
pub use refusal::Refusal;
pub use selector::Selector;
use table::{Key, Table, TableId};
pub use write::{DeleteOptions, Deleted, Part, Propagation};

/// A stored object, shared.
pub type Obj = Arc<Object>;

/// The label by which pods are indexed beside their names.
pub const JOB_NAME: &str = "training.kubeflow.org/job-name";

/// Looks at (and may complete or refuse) an object before it is created.
pub type Admission = Arc<dyn Fn(&Store, &'static Resource, &mut Value) -> Result<(), Refusal> + Send + Sync>;

/// The store. Cheap to clone; all clones are one store.
#[derive(Clone)]
pub struct Store(Arc<Shared>);

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

struct Shared {
    clock: Clock,
    /// Milliseconds by which the clock is put back, while a past is lived through.
    back: AtomicI64,
    recent: Arc<Recent>,
    release: OnceLock<Release>,
    admissions: RwLock<Vec<Admission>>,
    inner: Mutex<Inner>,
}

struct Inner {
    version: u64,
    chance: Chance,
    tables: BTreeMap<TableId, Table>,
    /// Resources that show the objects of another.
    views: Vec<&'static Resource>,
    /// Who names a uid as owner.
    dependents: HashMap<CompactString, HashSet<(TableId, Key)>>,
    /// Owners that wait for their dependents to go first.
    waiting: HashMap<CompactString, (TableId, Key)>,
    dead: gc::Dead,
}

/// What [`Store::list`] found.
#[derive(Clone, Debug)]
pub struct Listed {
    /// The version of the whole.
    pub version: u64,
    /// By namespace, then name.
    pub items: Vec<Obj>,
}

impl Store {
    /// An empty store that serves nothing yet.
    pub fn new(clock: Clock, seed: u64) -> Self {
        let inner = Inner {
            version: 1,
            chance: Chance::new(seed),
            tables: BTreeMap::new(),
            views: Vec::new(),
            dependents: HashMap::new(),
            waiting: HashMap::new(),
            dead: gc::Dead::default(),
        };
        let (recent, admissions) = (Arc::default(), RwLock::default());
        let (back, release) = (AtomicI64::new(0), OnceLock::new());
        Self(Arc::new(Shared { clock, back, recent, release, admissions, inner: Mutex::new(inner) }))
    }

    /// Plays this release from now on: what it doesn't know is not stored. Once, before anything is stored.
    pub fn plays(&self, release: Release) {
        self.0.release.get_or_init(|| release);
    }

    /// The release that is played.
    pub fn release(&self) -> Release {
        self.0.release.get().copied().unwrap_or_default()
    }

    /// The time by which objects are stamped.
    pub fn clock(&self) -> Clock {
        self.0.clock.behind(self.0.back.load(Ordering::Relaxed))
    }

    /// Puts the clock back to `at`: what is written is stamped so. For living through a past before the present.
    pub fn turn_back(&self, at: jiff::Timestamp) {
        let behind = self.0.clock.now().duration_since(at).as_millis();
        self.0.back.store(i64::try_from(behind).unwrap_or(0), Ordering::Relaxed);
    }

    /// It is now again.
    pub fn turn_forward(&self) {
        self.0.back.store(0, Ordering::Relaxed);
    }

    /// Serves `resource` from now on (another version of the same resource is replaced, its objects kept).
    pub fn serve(&self, resource: &'static Resource) {
        let mut inner = self.lock();
        if resource.kept_as.is_some() {
            inner.views.retain(|view| view.group != resource.group);
            inner.views.push(resource);
            return;
        }
        let version = inner.version;
        let id = table::id(resource);
        inner.tables.entry(id).and_modify(|t| t.resource = resource).or_insert_with(|| Table::new(resource, version));
    }

    /// Adds a step that sees every object before it is created, in the order of adding.
    pub fn admit(&self, step: Admission) {
        self.0.admissions.write().unwrap_or_else(PoisonError::into_inner).push(step);
    }

    /// The resources that have objects of their own, by group and name.
    pub fn resources(&self) -> Vec<&'static Resource> {
        self.lock().tables.values().map(|t| t.resource).collect()
    }

    /// All that is served, by group and name: [`resources`](Self::resources) and what shows their objects otherwise.
    pub fn offered(&self) -> Vec<&'static Resource> {
        let inner = self.lock();
        let mut all: Vec<_> = inner.tables.values().map(|t| t.resource).chain(inner.views.iter().copied()).collect();
        all.sort_by_key(|r| (r.group, r.plural));
        all
    }

    /// The served resource of these words.
    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&'static Resource> {
        let inner = self.lock();
        let mut found = inner.tables.values().map(|t| t.resource).chain(inner.views.iter().copied());
        found.find(|r| (r.group, r.version, r.plural) == (group, version, plural))
    }

    /// The version in which a resource is served, if it is.
    pub fn served(&self, group: &str, plural: &str) -> Option<&'static Resource> {
        self.lock().tables.values().map(|t| t.resource).find(|r| (r.group, r.plural) == (group, plural))
    }

    /// The newest version given out.
    pub fn version(&self) -> u64 {
        self.lock().version
    }

    /// One object; `namespace` is empty for cluster-scoped ones.
    pub fn get(&self, resource: &'static Resource, namespace: &str, name: &str) -> Result<Obj, Refusal> {
        self.lock().find(resource, namespace, name).ok_or_else(|| Refusal::not_found(resource, name))
    }

    /// Objects of one namespace, or of all with `None`.
    pub fn list(&self, resource: &'static Resource, namespace: Option<&str>, selector: &Selector) -> Listed {
        let inner = self.lock();
        let items = inner.tables.get(&table::id(resource)).map(|t| t.list(namespace, selector)).unwrap_or_default();
        Listed { version: inner.version, items }
    }

    /// As [`list`](Self::list), as it was at `version`; `None` if that is forgotten.
    pub fn list_at(
        &self,
        resource: &'static Resource,
        namespace: Option<&str>,
        selector: &Selector,
        version: u64,
    ) -> Option<Listed> {
        let inner = self.lock();
        let items = inner.tables.get(&table::id(resource))?.list_at(namespace, selector, version)?;
        Some(Listed { version, items })
    }

    /// An object as it was, under a later version.
    pub fn as_of(&self, resource: &Resource, object: &Obj, version: u64) -> Obj {
        let mut value = (*object.value()).clone();
        value["metadata"]["resourceVersion"] = serde_json::json!(version.to_string());
        Arc::new(Object::new(resource, Arc::new(value), version, &self.0.recent))
    }

    /// An object of a resource that is not stored.
    pub fn unstored(&self, resource: &Resource, value: Value) -> Obj {
        Arc::new(Object::new(resource, Arc::new(value), 0, &self.0.recent))
    }

    /// The pods that carry this job's name, by name.
    pub fn pods_of(&self, namespace: &str, job: &str) -> Vec<Obj> {
        self.list(&resource::PODS, Some(namespace), &Selector::label(JOB_NAME, job)).items
    }

    /// How many objects there are.
    pub fn count(&self, resource: &'static Resource) -> usize {
        self.lock().tables.get(&table::id(resource)).map_or(0, Table::len)
    }

    /// All changes of these resources from now on.
    pub fn subscribe(&self, resources: &[&'static Resource]) -> Feed {
        let version = self.version();
        self.subscribe_from(resources, version)
    }

    /// All changes of these resources after `version`.
    pub fn subscribe_from(&self, resources: &[&'static Resource], version: u64) -> Feed {
        let inner = self.lock();
        let tables = resources.iter().map(|r| table::id(r));
        let wakes = tables.filter_map(|id| inner.tables.get(&id).map(|t| (id, t.wake.subscribe()))).collect();
        Feed::new(self.clone(), wakes, version)
    }

    /// Forgets the history: a watch that resumes from before now gets 410, as after etcd's compaction.
    pub fn compact(&self) {
        let mut inner = self.lock();
        inner.version += 1;
        let version = inner.version;
        for table in inner.tables.values_mut() {
            table.history.forget(version);
        }
    }

    /// A name that is not taken yet, as for `generateName`, and a fresh uid for seeding.
    pub fn chance(&self) -> Chance {
        let mut inner = self.lock();
        Chance::new(inner.chance.bits())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn find(&self, resource: &Resource, namespace: &str, name: &str) -> Option<Obj> {
        self.tables.get(&table::id(resource))?.get(namespace, name).cloned()
    }
}

#[cfg(test)]
mod tests;
