//! The loop that plays all controllers, scheduler and kubelets on one store.
//!
//! Owns the queue of what to look at and when. Work is found by the store's changes and by the times that controllers
//! ask for; a pass is a function elsewhere, its writes are executed by [`desk`](super::desk).

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{
    desk::Desk,
    gangs, namespaces, podgc,
    work::{Key, Pace, Work},
};
use crate::{
    jobs::Kind,
    sim::{
        kubelet::{STATIC, journal::Journal, script::Scripts},
        store::{Change, ChangeKind, Feed, Obj, Resource, Store, resource},
        value::{after, controller, is_deleting, text},
    },
};

/// What users do, each thing at its time.
pub(crate) trait Calendar: Send {
    /// When something is next done.
    fn next(&self) -> Option<Timestamp>;

    /// Does what is due by `now`.
    fn act(&mut self, store: &Store, now: Timestamp);
}

/// Passes done in one go before others get their turn.
const IN_A_ROW: usize = 64;

/// The loop's state.
pub(crate) struct Manager {
    desk: Desk,
    feed: Feed,
    due: BinaryHeap<Reverse<(Timestamp, u64, Key)>>,
    waiting: HashMap<Key, Timestamp>,
    order: u64,
    pace: Pace,
    calendar: Option<Box<dyn Calendar>>,
}

impl Manager {
    /// A manager that begins with what the store holds now.
    pub(crate) fn new(store: &Store, scripts: Arc<Scripts>, pace: Pace, calendar: Option<Box<dyn Calendar>>) -> Self {
        let watched: Vec<&'static Resource> =
            store.resources().into_iter().filter(|r| **r != resource::EVENTS).collect();
        let feed = store.subscribe_from(&watched, 0);
        let desk = Desk::new(store.clone(), scripts, pace.clone());
        let mut manager =
            Self { desk, feed, due: BinaryHeap::new(), waiting: HashMap::new(), order: 0, pace, calendar };
        let now = manager.now();
        manager.add(Key::new(Work::Sweep, "", ""), after(now, 60.0));
        manager.add(Key::new(Work::Admission, "", ""), after(now, 1.0));
        if let Some(first) = manager.calendar.as_ref().and_then(|calendar| calendar.next()) {
            manager.add(Key::new(Work::Act, "", ""), first);
        }
        manager
    }

    /// What kubelets know of runs, for those who make logs of it.
    pub(crate) fn journal(&self) -> Arc<Journal> {
        self.desk.journal()
    }

    fn store(&self) -> &Store {
        self.desk.store()
    }

    fn now(&self) -> Timestamp {
        self.store().clock().now()
    }

    /// Lives through everything up to `end` at once, the store's clock going along: how old jobs come to be.
    pub(crate) fn live_until(&mut self, end: Timestamp) {
        loop {
            while self.drain() {}
            let Some(Reverse((at, _, _))) = self.due.peek() else { break };
            let at = *at;
            if at > end {
                break;
            }
            self.store().turn_back(at);
            self.pop(at);
        }
        self.store().turn_back(end);
    }

    /// The past is over: the clock tells the time again, and events too old to be kept are gone.
    pub(crate) fn arrive(&mut self) {
        self.store().turn_forward();
        let now = self.now();
        self.desk.sweep(now);
    }

    /// Runs until cancelled.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let begin = self.now();
        self.add(Key::new(Work::Heartbeat, "", ""), begin);
        loop {
            let now = self.now();
            let busy = self.drain();
            let mut left = IN_A_ROW;
            while left > 0 && self.pop(now) {
                left -= 1;
            }
            if busy || left == 0 {
                tokio::task::yield_now().await;
                if stop.is_cancelled() {
                    return;
                }
                continue;
            }
            let clock = self.store().clock();
            let next = self.due.peek().map_or_else(|| after(now, 60.0), |Reverse((at, _, _))| *at);
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.feed.ready() => {}
                () = clock.sleep_until(next) => {}
            }
        }
    }

    /// Does the first piece of work that is due at `now`, if any.
    fn pop(&mut self, now: Timestamp) -> bool {
        let Some(Reverse((at, _, _))) = self.due.peek() else { return false };
        if *at > now {
            return false;
        }
        let Some(Reverse((at, _, key))) = self.due.pop() else { return false };
        // An entry that was moved earlier has a twin; only the one on record counts.
        if self.waiting.get(&key) != Some(&at) {
            return true;
        }
        self.waiting.remove(&key);
        let look = AssertUnwindSafe(|| if key.work == Work::Act { self.act(now) } else { self.desk.pass(&key, now) });
        // What one object brings about must not stop the work on all others; the key is left until it changes.
        let Ok(next) = catch_unwind(look) else {
            tracing::error!(target: "sim", "a pass of {:?} over {}/{} ended in a panic", key.work, key.namespace, key.name);
            return true;
        };
        if let Some(next) = next {
            // A pass that wants itself again at once would keep all others waiting.
            self.add(key, next.max(after(now, 0.005)));
        }
        true
    }

    fn act(&mut self, now: Timestamp) -> Option<Timestamp> {
        let store = self.desk.store().clone();
        let calendar = self.calendar.as_mut()?;
        calendar.act(&store, now);
        calendar.next()
    }

    fn add(&mut self, key: Key, at: Timestamp) {
        if self.waiting.get(&key).is_some_and(|old| *old <= at) {
            return;
        }
        self.order += 1;
        self.waiting.insert(key.clone(), at);
        self.due.push(Reverse((at, self.order, key)));
    }

    /// Reads changes and queues what they concern; whether there were any.
    fn drain(&mut self) -> bool {
        let Ok(changes) = self.feed.take() else {
            self.relist();
            return true;
        };
        let now = self.now();
        for change in &changes {
            self.wake(change, now);
        }
        !changes.is_empty()
    }

    /// Starts over after losing track: looks at everything.
    fn relist(&mut self) {
        let watched: Vec<_> = self.store().resources().into_iter().filter(|r| **r != resource::EVENTS).collect();
        self.feed = self.store().subscribe(&watched);
        let now = self.now();
        for kind in watched {
            for object in self.store().list(kind, None, &crate::sim::store::Selector::default()).items {
                self.wake(&Change { resource: kind, kind: ChangeKind::Modified, object, before: None }, now);
            }
        }
    }

    /// Claims that come or go, and volumes that are free now: who waits for them may go on.
    fn wake_for_storage(&mut self, change: &Change, now: Timestamp) {
        let (object, gone, soon) = (&change.object, change.kind == ChangeKind::Deleted, after(now, 0.1));
        let is_claim = *change.resource == resource::CLAIMS;
        if is_claim && gone {
            self.desk.journal().erase(&object.uid);
            if let Some(volume) = Desk::volume_of(object) {
                self.add(volume, soon);
            }
        }
        let is_volume = *change.resource == resource::VOLUMES && !gone;
        let is_free = is_volume && text(&object.value(), "/status/phase") == "Available";
        if is_free {
            for key in self.desk.waiting_claims() {
                self.add(key, soon);
            }
        }
        if is_claim || is_free {
            for key in self.desk.unscheduled() {
                self.add(key, after(now, 1.0));
            }
        }
    }

    fn wake(&mut self, change: &Change, now: Timestamp) {
        let object = &change.object;
        self.wake_for_service(change, now);
        if object.label(STATIC).is_some() {
            return;
        }
        let soon = after(now, 0.1);
        let of = |work| Key::new(work, &object.namespace, &object.name);
        let gone = change.kind == ChangeKind::Deleted;
        if *change.resource == resource::PODS {
            return self.wake_for_pod(object, gone, now);
        }
        if *change.resource == resource::NODES {
            return self.wake_for_node(object, gone, now);
        }
        self.wake_for_storage(change, now);
        if *change.resource == resource::CLUSTERROLES {
            for key in self.desk.gathering() {
                self.add(key, soon);
            }
        }
        if let Some(work) = work_of(change.resource) {
            if gone {
                self.desk.forget(&of(work), &object.uid);
            } else if work == Work::MpiJob {
                self.add_mpi_job(&object.namespace, &object.name, now);
            } else {
                self.add(of(work), soon);
            }
        }
        if *change.resource == resource::NAMESPACES && !gone {
            self.add(Key::new(Work::Namespace, "", &object.name), soon);
        }
        if gone && namespaces::KEPT.contains(&(change.resource, object.name.as_str())) {
            self.add(Key::new(Work::Namespace, "", &object.namespace), soon);
        }
        let (group, plural) = (change.resource.group, change.resource.plural);
        if object.label("kueue.x-k8s.io/queue-name").is_some() && plural != "workloads" {
            let name = format!("{plural}/{}", object.name);
            self.add(Key::new(Work::Queued, &object.namespace, &name), soon);
        }
        if group == "kueue.x-k8s.io" {
            if plural == "workloads" && !gone {
                self.wake_queued(object, soon);
            }
            self.add(Key::new(Work::Admission, "", ""), after(now, 0.4));
        }
        self.wake_owner(object, 0.1, now);
    }

    /// What is told of where a Service's pods are: of one that changed, or of those that a pod belongs or belonged to.
    fn wake_for_service(&mut self, change: &Change, now: Timestamp) {
        let gone = change.kind == ChangeKind::Deleted;
        let mut keys = Vec::new();
        if *change.resource == resource::SERVICES {
            keys.push(self.desk.serves(&change.object, gone));
        } else if *change.resource == resource::PODS {
            keys = self.desk.served_by(&change.object);
            keys.extend(change.before.iter().flat_map(|before| self.desk.served_by(before)));
        }
        for key in keys {
            self.add(key, after(now, 0.1));
        }
    }

    /// The job that a Workload speaks for.
    fn wake_queued(&mut self, load: &Obj, at: Timestamp) {
        let value = load.value();
        let Some(owner) = controller(&value) else { return };
        let kind = Kind::of(text(owner, "/apiVersion"), text(owner, "/kind")).map(|kind| kind.info().plural);
        let kind = kind.or_else(|| (text(owner, "/kind") == "JobSet").then_some(resource::JOBSETS.plural));
        if let Some(plural) = kind {
            let name = format!("{plural}/{}", text(owner, "/name"));
            self.add(Key::new(Work::Queued, &load.namespace, &name), at);
        }
    }

    fn wake_owner(&mut self, object: &Obj, lag: f64, now: Timestamp) {
        if object.owners.is_empty() {
            return;
        }
        let value = object.value();
        let Some(owner) = controller(&value) else { return };
        let work = match text(owner, "/kind") {
            "MPIJob" if text(owner, "/apiVersion") == "kubeflow.org/v2beta1" => Work::MpiJob,
            "Job" => Work::Batch,
            "JobSet" => Work::JobSet,
            "TrainJob" => Work::TrainJob,
            word => match Kind::of(text(owner, "/apiVersion"), word) {
                Some(kind) => Work::Training(kind),
                None => return,
            },
        };
        if work == Work::MpiJob {
            return self.add_mpi_job(&object.namespace, text(owner, "/name"), now);
        }
        let lag = if work == Work::Batch { lag } else { 0.1 };
        self.add(Key::new(work, &object.namespace, text(owner, "/name")), after(now, lag));
        if object.label("training.kubeflow.org/operator-name") == Some("mpi-operator") {
            let job = object.label("training.kubeflow.org/job-name").unwrap_or_default();
            self.add_mpi_job(&object.namespace, job, now);
        }
    }

    /// mpi-operator looks soon, or, while it fails, not before its back-off is over.
    fn add_mpi_job(&mut self, namespace: &str, job: &str, now: Timestamp) {
        let key = Key::new(Work::MpiJob, namespace, job);
        let wait = self.desk.backed_off(&key).max(self.pace.operator_lag);
        self.add(key, after(now, wait));
    }

    fn wake_for_node(&mut self, node: &Obj, gone: bool, now: Timestamp) {
        self.desk.rooms_changed();
        let (work, due) = if gone {
            (Work::Collect, podgc::round(after(now, podgc::QUARANTINE)))
        } else {
            self.add(Key::new(Work::Node, "", &node.name), after(now, 0.01));
            (Work::Kubelet, after(now, 0.1))
        };
        for key in self.desk.seated_on(&node.name, work) {
            self.add(key, due);
        }
        for key in self.desk.unscheduled() {
            self.add(key, after(now, 1.0));
        }
    }

    fn wake_for_pod(&mut self, pod: &Obj, gone: bool, now: Timestamp) {
        let of = |work| Key::new(work, &pod.namespace, &pod.name);
        let soon = after(now, 0.05);
        if self.desk.seat(pod, gone) {
            for key in self.desk.unscheduled() {
                self.add(key, after(now, 1.0));
            }
        }
        if gone {
            self.desk.forget(&of(Work::Kubelet), &pod.uid);
        } else if is_deleting(&pod.value()) && pod.field(&resource::PODS, "spec.nodeName").is_none_or(str::is_empty) {
            self.add(of(Work::Collect), podgc::round(now));
        } else if pod.field(&resource::PODS, "spec.nodeName").is_some_and(|n| !n.is_empty()) {
            self.add(of(Work::Kubelet), soon);
        } else {
            self.add(of(Work::Schedule), soon);
        }
        let value = pod.value();
        let group = gangs::group_of(&value);
        if !group.is_empty() {
            self.add(Key::new(Work::Gang, &pod.namespace, group), soon);
        }
        for quota in self.desk.quotas(&pod.namespace) {
            self.add(Key::new(Work::Quota, &pod.namespace, &quota), after(now, 0.5));
        }
        // The Job controller gathers pod updates for a second.
        let fresh = pod.field(&resource::PODS, "spec.nodeName").is_none_or(str::is_empty);
        self.wake_owner(pod, if fresh { 0.1 } else { 1.0 }, now);
    }
}

fn work_of(kind: &Resource) -> Option<Work> {
    match (kind.group, kind.plural, kind.version) {
        ("kubeflow.org", "mpijobs", "v2beta1") => Some(Work::MpiJob),
        ("batch", "jobs", _) => Some(Work::Batch),
        ("trainer.kubeflow.org", "trainjobs", _) => Some(Work::TrainJob),
        ("jobset.x-k8s.io", "jobsets", _) => Some(Work::JobSet),
        ("", "resourcequotas", _) => Some(Work::Quota),
        ("", "persistentvolumeclaims", _) => Some(Work::Claim),
        ("", "persistentvolumes", _) => Some(Work::Volume),
        ("scheduling.volcano.sh" | "scheduling.x-k8s.io", "podgroups", _) => Some(Work::Gang),
        ("kubeflow.org", ..) => Kind::of(&kind.api_version(), kind.kind).map(Work::Training),
        _ => None,
    }
}

#[cfg(test)]
mod peers;
#[cfg(test)]
mod peers_known;
#[cfg(test)]
mod peers_look;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod replay;
#[cfg(test)]
mod steady;
#[cfg(test)]
mod tests;
