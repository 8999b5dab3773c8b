//! Executes passes: reads what a controller needs to see, lets it decide, does what it says.
//!
//! Owns what controllers remember between passes (back-off, counted pods, stages, seats on nodes). The deciding is
//! in the controllers' own files.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    amounts::{self, Amounts},
    batch, kueue,
    manager::{Key, Pace, Work},
    mpijob, quota,
    recorder::Recorder,
    scheduler::{self, Room},
    trainer, training,
    value::{self, after, is_deleting, is_over, name, namespace, set, text},
    volumes,
    write::{Note, Write},
};
use crate::{
    jobs::Kind,
    sim::{
        kubelet::{self, Surroundings, Ward, behaviour, journal::Journal, script::Scripts},
        scenario::UNWATCHED,
        store::{
            DeleteOptions, Obj, Part, Refusal, Resource, Selector, Store,
            resource::{
                CLAIMS, CLUSTERTRAININGRUNTIMES, CONFIGMAPS, DEPLOYMENTS, JOBS, JOBSETS, MPIJOBS, NAMESPACES,
                NETWORKPOLICIES, NODES, PODS, PRIORITYCLASSES, QUOTAS, SECRETS, SERVICES, STORAGECLASSES,
                TRAININGRUNTIMES, TRAINJOBS,
            },
        },
    },
};

/// Seconds between a pod's deletion and its end.
const STOPPING: f64 = 1.0;

/// The desk.
pub(crate) struct Desk {
    store: Store,
    scripts: Arc<Scripts>,
    journal: Arc<Journal>,
    pace: Pace,
    recorder: Recorder,
    tries: HashMap<Key, u32>,
    counted: HashMap<CompactString, batch::Counted>,
    /// When a pod was taken on, and the stage it was last seen in.
    stages: HashMap<CompactString, (Timestamp, Option<u32>)>,
    rooms: Option<BTreeMap<String, Room>>,
    seats: HashMap<CompactString, (String, Amounts)>,
    homeless: BTreeSet<Key>,
}

impl Desk {
    /// A desk with nothing on it.
    pub(crate) fn new(store: Store, scripts: Arc<Scripts>, pace: Pace) -> Self {
        Self {
            store,
            scripts,
            journal: Arc::default(),
            pace,
            recorder: Recorder::default(),
            tries: HashMap::new(),
            counted: HashMap::new(),
            stages: HashMap::new(),
            rooms: None,
            seats: HashMap::new(),
            homeless: BTreeSet::new(),
        }
    }

    /// The store it works on.
    pub(crate) fn store(&self) -> &Store {
        &self.store
    }

    /// What its kubelets know of runs.
    pub(crate) fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.journal)
    }

    /// Does one piece of work; when to do it again.
    pub(crate) fn pass(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        match key.work {
            Work::Schedule => return self.schedule(key, now),
            Work::Kubelet => return self.kubelet(key, now),
            Work::Quota => return self.quota(key),
            Work::Sweep => {
                self.sweep(now);
                return Some(after(now, 600.0));
            }
            Work::Act => return None,
            _ => {}
        }
        let (writes, wake) = self.decide(key, now).unwrap_or_default();
        if self.execute(writes, now).is_ok() {
            self.tries.remove(key);
            return wake;
        }
        let tries = self.tries.entry(key.clone()).or_default();
        *tries += 1;
        // The work queue of client-go: 5 ms, doubled each time, at most 1000 s.
        let wait = 0.005 * 2f64.powi((*tries).min(18) as i32 - 1);
        Some(after(now, wait.min(1000.0)))
    }

    fn decide(&mut self, key: &Key, now: Timestamp) -> Option<(Vec<Write>, Option<Timestamp>)> {
        let (space, object) = (key.namespace.as_str(), key.name.as_str());
        match key.work {
            Work::MpiJob => {
                if self.unwatched(space) {
                    return None;
                }
                let job = self.get(&MPIJOBS, space, object)?;
                let seen = self.mpi_seen(&job, space, object);
                Some((mpijob::reconcile(&job, &seen, now), None))
            }
            Work::Batch => {
                let selector = Selector::label("batch.kubernetes.io/job-name", object);
                let pods = values(&self.store.list(&PODS, Some(space), &selector).items);
                let Some(job) = self.get(&JOBS, space, object) else {
                    return Some((batch::orphans(&pods, ""), None));
                };
                let counted = self.counted.entry(value::uid(&job).into()).or_default();
                Some(batch::reconcile(&job, &pods, counted, now))
            }
            Work::Training(kind) => self.training(kind, space, object, now),
            Work::TrainJob => {
                let job = self.get(&TRAINJOBS, space, object)?;
                let runtime = self.runtime(&job);
                let jobset = self.get(&JOBSETS, space, object);
                Some(trainer::train_job(&job, runtime.as_deref(), jobset.as_deref(), now))
            }
            Work::JobSet => {
                let set_of = self.get(&JOBSETS, space, object)?;
                let jobs = values(
                    &self
                        .store
                        .list(&JOBS, Some(space), &Selector::label("jobset.sigs.k8s.io/jobset-name", object))
                        .items,
                );
                let service = self.get(&SERVICES, space, object).is_some();
                Some((trainer::job_set(&set_of, &jobs, service, now), None))
            }
            Work::Claim => {
                let claim = self.get(&CLAIMS, space, object)?;
                Some(volumes::reconcile(&claim, &self.classes(), now))
            }
            Work::Queued => Some((kueue::workload(&self.store, space, object, now), None)),
            Work::Admission => Some(kueue::admit(&self.store, now)),
            _ => None,
        }
    }

    fn training(&self, kind: Kind, space: &str, job: &str, now: Timestamp) -> Option<(Vec<Write>, Option<Timestamp>)> {
        let info = kind.info();
        let resource = self.store.resource(info.group, info.version, info.plural)?;
        let job = self.get(resource, space, job)?;
        let pods = self.pods_of(space, name(&job));
        let selector = Selector::label("training.kubeflow.org/job-name", name(&job));
        let services: Vec<_> =
            self.store.list(&SERVICES, Some(space), &selector).items.iter().map(|s| s.name.to_string()).collect();
        let seen = training::Seen { resource, kind, pods: &pods, services: &services };
        Some(training::reconcile(&job, &seen, now))
    }

    fn mpi_seen(&self, job: &Value, space: &str, object: &str) -> mpijob::Seen {
        let workers = usize::try_from(mpijob::worker_replicas(job)).unwrap_or(0);
        let gang = self.gang().map(|gang| mpijob::SeenGang {
            group: self.get(gang.resource(), space, object),
            priorities: self.priorities(),
            gang,
        });
        mpijob::Seen {
            launcher: self.get(&JOBS, space, &format!("{object}-launcher")),
            pods: self.pods_of(space, object),
            named: (0..workers).map(|i| self.get(&PODS, space, &mpijob::worker_name(object, i))).collect(),
            extras: [
                self.get(&SERVICES, space, object),
                self.get(&CONFIGMAPS, space, &format!("{object}-config")),
                self.get(&SECRETS, space, &format!("{object}-ssh")),
            ],
            gang,
        }
    }

    /// The gang scheduler that mpi-operator's Deployment was started with.
    fn gang(&self) -> Option<mpijob::Gang> {
        mpijob::told_by(&*self.get(&DEPLOYMENTS, "mpi-operator", "mpi-operator")?)
    }

    fn priorities(&self) -> BTreeMap<String, i64> {
        let classes = self.store.list(&PRIORITYCLASSES, None, &Selector::default()).items;
        classes.iter().map(|c| (c.name.to_string(), value::int(&c.value(), "/value").unwrap_or(0))).collect()
    }

    /// Whether the operators were told to leave this namespace alone.
    fn unwatched(&self, space: &str) -> bool {
        self.store.get(&NAMESPACES, "", space).is_ok_and(|n| n.label(UNWATCHED).is_some())
    }

    fn runtime(&self, job: &Value) -> Option<Arc<Value>> {
        let runtime = text(job, "/spec/runtimeRef/name");
        if text(job, "/spec/runtimeRef/kind") == "TrainingRuntime" {
            self.get(&TRAININGRUNTIMES, namespace(job), runtime)
        } else {
            self.get(&CLUSTERTRAININGRUNTIMES, "", runtime)
        }
    }

    fn get(&self, resource: &'static Resource, space: &str, object: &str) -> Option<Arc<Value>> {
        self.store.get(resource, space, object).ok().map(|o| o.value())
    }

    fn pods_of(&self, space: &str, job: &str) -> Vec<Arc<Value>> {
        values(&self.store.pods_of(space, job))
    }

    fn execute(&mut self, writes: Vec<Write>, now: Timestamp) -> Result<(), Refusal> {
        for write in writes {
            match write {
                Write::Create { resource, object, blame } => {
                    if let Err(refusal) = self.store.create(resource, object) {
                        if let Some(mut note) = blame {
                            note.message.push_str(&refusal.message);
                            self.recorder.tell(&self.store, &note, now);
                        }
                        return Err(refusal);
                    }
                }
                Write::Update(resource, object) => drop(self.store.update(resource, unversioned(object))?),
                Write::Status(resource, object) => drop(self.store.update_status(resource, unversioned(object))?),
                Write::Delete(resource, space, object) => {
                    match self.store.delete(resource, &space, &object, &DeleteOptions::default()) {
                        Err(refusal) if refusal.code != 404 => return Err(refusal),
                        _ => {}
                    }
                }
                Write::Release(resource, space, object, finalizer) => {
                    let released = self.store.modify(resource, &space, &object, Part::Main, |o| {
                        if let Some(all) = o["metadata"]["finalizers"].as_array_mut() {
                            all.retain(|f| f != finalizer);
                        }
                    });
                    if let Err(refusal) = released
                        && refusal.code != 404
                    {
                        return Err(refusal);
                    }
                }
                Write::Tell(note) => self.recorder.tell(&self.store, &note, now),
                Write::Fail => return Err(Refusal::new(500, "InternalError", "")),
            }
        }
        Ok(())
    }

    /// Removes old events.
    pub(crate) fn sweep(&mut self, now: Timestamp) {
        self.recorder.sweep(&self.store, now);
    }

    /// Forgets what was remembered of an object that is gone.
    pub(crate) fn forget(&mut self, key: &Key, uid: &str) {
        self.tries.remove(key);
        self.counted.remove(uid);
        self.stages.remove(uid);
        self.journal.forget(uid);
        self.homeless.remove(&Key { work: Work::Schedule, ..key.clone() });
    }

    /// Names of a namespace's quotas.
    pub(crate) fn quotas(&self, space: &str) -> Vec<String> {
        let all = self.store.list(&QUOTAS, Some(space), &Selector::default()).items;
        all.iter().map(|q| q.name.to_string()).collect()
    }

    fn quota(&mut self, key: &Key) -> Option<Timestamp> {
        let mut quota = Value::clone(&*self.get(&QUOTAS, &key.namespace, &key.name)?);
        quota["status"] = quota::status(&self.store, &quota);
        // It may be gone by now; then there is nothing to count.
        let _ = self.store.update_status(&QUOTAS, unversioned(quota));
        None
    }

    /// Nodes came, went or changed: rooms are measured again.
    pub(crate) fn rooms_changed(&mut self) {
        self.rooms = None;
    }

    fn rooms(&mut self) -> &mut BTreeMap<String, Room> {
        self.rooms.get_or_insert_with(|| {
            let nodes = self.store.list(&NODES, None, &Selector::default()).items;
            let mut rooms = scheduler::rooms(nodes.iter().map(|n| Value::clone(&n.value())));
            for (node, asked) in self.seats.values() {
                if let Some(room) = rooms.get_mut(node) {
                    room.take(asked, 1);
                }
            }
            rooms
        })
    }

    /// Keeps account of who sits where; whether a seat became free.
    pub(crate) fn seat(&mut self, pod: &Obj, gone: bool) -> bool {
        let value = pod.value();
        let node = scheduler::node_of(&value).to_owned();
        let sits = !gone && !node.is_empty() && !is_over(&value);
        if sits && !self.seats.contains_key(&pod.uid) {
            let asked = amounts::of_spec(&value["spec"]);
            if let Some(room) = self.rooms().get_mut(&node) {
                room.take(&asked, 1);
            }
            self.seats.insert(pod.uid.clone(), (node, asked));
        } else if !sits && let Some((node, asked)) = self.seats.remove(&pod.uid) {
            if let Some(room) = self.rooms().get_mut(&node) {
                room.take(&asked, -1);
            }
            return true;
        }
        false
    }

    /// Pods that found no node.
    pub(crate) fn unscheduled(&self) -> Vec<Key> {
        self.homeless.iter().cloned().collect()
    }

    fn schedule(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let pod = self.get(&PODS, &key.namespace, &key.name)?;
        if !scheduler::node_of(&pod).is_empty() || is_deleting(&pod) || is_over(&pod) {
            self.homeless.remove(key);
            return None;
        }
        let found = match self.claims(&pod) {
            volumes::Place::Nowhere(why) => Err(scheduler::nowhere(&why, self.rooms().len())),
            volumes::Place::Near(node) => scheduler::place(&pod, self.rooms(), node.as_deref()),
            volumes::Place::First(claims) => match scheduler::place(&pod, self.rooms(), None) {
                Ok(node) => {
                    for claim in claims {
                        // Gone in the meantime: the next look sees it.
                        let _ = self
                            .store
                            .modify(&CLAIMS, &key.namespace, &claim, Part::Main, |c| volumes::select(c, &node));
                    }
                    return Some(after(now, 0.5));
                }
                refused => refused,
            },
        };
        match found {
            Ok(node) => {
                self.homeless.remove(key);
                self.bind(&pod, &node, now);
                None
            }
            Err(message) => {
                self.homeless.insert(key.clone());
                self.refuse(&pod, &message, now);
                Some(after(now, 300.0))
            }
        }
    }

    /// Where its claims let a pod go.
    fn claims(&self, pod: &Value) -> volumes::Place {
        let claims: Vec<_> =
            volumes::mounted(pod).map(|claim| (claim, self.get(&CLAIMS, namespace(pod), claim))).collect();
        if claims.is_empty() { volumes::Place::Near(None) } else { volumes::place(&claims, &self.classes()) }
    }

    fn classes(&self) -> Vec<Arc<Value>> {
        values(&self.store.list(&STORAGECLASSES, None, &Selector::default()).items)
    }

    fn bind(&mut self, pod: &Value, node: &str, now: Timestamp) {
        let (space, pod_name) = (namespace(pod), name(pod));
        let bound = self.store.modify(&PODS, space, pod_name, Part::Both, |p| {
            set(p, "/spec/nodeName", json!(node));
            scheduler::scheduled(p, None, now);
        });
        // The pod is there, or it is gone and needs no node.
        let Ok(bound) = bound else { return };
        self.seat(&bound, false);
        let message = format!("Successfully assigned {space}/{pod_name} to {node}");
        self.recorder.tell(&self.store, &Note::normal(pod, "default-scheduler", "Scheduled", message), now);
    }

    fn refuse(&mut self, pod: &Value, message: &str, now: Timestamp) {
        let old = value::condition(pod, "PodScheduled").map_or("", |c| text(c, "/message"));
        if old != message {
            // The pod is there, or it is gone and needs no status.
            let _ = self.store.modify(&PODS, namespace(pod), name(pod), Part::Status, |p| {
                scheduler::scheduled(p, Some(message), now);
            });
        }
        self.recorder.tell(&self.store, &Note::warning(pod, "default-scheduler", "FailedScheduling", message), now);
    }

    fn kubelet(&mut self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let pod = self.get(&PODS, &key.namespace, &key.name)?;
        let uid = CompactString::from(value::uid(&pod));
        if is_deleting(&pod) {
            return self.stop(&pod, uid, now);
        }
        let begun = || (kubelet::start_time(&pod).unwrap_or(now), None);
        let before = self.stages.get(&uid).copied().unwrap_or_else(begun);
        let host_ip = self.host_ip(scheduler::node_of(&pod));
        let volume = self.volume(&pod);
        let turn = self.ward(now).turn(&pod, before, host_ip, volume.as_deref(), || self.around(&pod))?;
        self.stages.insert(uid, (before.0, Some(turn.serial)));
        if !turn.status.is_null() {
            // Deleted in the meantime: the next look will see it.
            let _ = self.store.modify(&PODS, &key.namespace, &key.name, Part::Status, |p| p["status"] = turn.status);
        }
        for note in &turn.notes {
            self.recorder.tell(&self.store, note, now);
        }
        turn.next
    }

    fn ward(&self, now: Timestamp) -> Ward<'_> {
        let pace = (self.pace.speed, self.pace.seed);
        Ward { scripts: &self.scripts, journal: &self.journal, pace, now }
    }

    /// The first claim that a pod mounts.
    fn volume(&self, pod: &Value) -> Option<String> {
        let claim = volumes::mounted(pod).next()?;
        self.get(&CLAIMS, namespace(pod), claim).map(|claim| value::uid(&claim).to_owned())
    }

    /// What a pod can see around it.
    fn around(&self, pod: &Value) -> Surroundings {
        let (space, job) = (namespace(pod), behaviour::job_name(pod));
        let mut pods = self.pods_of(space, job);
        if pods.is_empty() {
            let selector = Selector::label("jobset.sigs.k8s.io/jobset-name", job);
            pods = values(&self.store.list(&PODS, Some(space), &selector).items);
        }
        let config = self.get(&CONFIGMAPS, space, &format!("{job}-config"));
        let hostfile = config.map(|c| text(&c, "/data/hostfile").to_owned()).unwrap_or_default();
        let policies = values(&self.store.list(&NETWORKPOLICIES, Some(space), &Selector::default()).items);
        Surroundings { pods, hostfile, policies }
    }

    fn stop(&mut self, pod: &Value, uid: CompactString, now: Timestamp) -> Option<Timestamp> {
        const STOP: u32 = u32::MAX;
        if self.scripts.of(pod).trouble == Some(behaviour::Trouble::NodeLost) {
            return None;
        }
        if self.stages.insert(uid, (now, Some(STOP))).and_then(|(_, stage)| stage) != Some(STOP) {
            if let Some(volume) = self.volume(pod) {
                self.ward(now).leaves(pod, &volume);
            }
            let container = text(pod, "/spec/containers/0/name");
            let mut note = Note::normal(pod, "kubelet", "Killing", format!("Stopping container {container}"));
            scheduler::node_of(pod).clone_into(&mut note.host);
            self.recorder.tell(&self.store, &note, now);
            return Some(after(now, STOPPING));
        }
        if let Some(status) = kubelet::stopped(pod, &self.scripts, now) {
            // Gone already is as good.
            let _ = self.store.modify(&PODS, namespace(pod), name(pod), Part::Status, |p| p["status"] = status);
        }
        let at_once = DeleteOptions { grace: Some(0), ..DeleteOptions::default() };
        // Gone already is as good.
        let _ = self.store.delete(&PODS, namespace(pod), name(pod), &at_once);
        None
    }

    fn host_ip(&mut self, node: &str) -> String {
        let room = self.rooms().get(node);
        let addresses = room.map(|r| value::list(&r.node, "/status/addresses").to_vec()).unwrap_or_default();
        addresses.first().map_or_else(String::new, |a| text(a, "/address").to_owned())
    }
}

fn values(objects: &[Obj]) -> Vec<Arc<Value>> {
    objects.iter().map(|o| o.value()).collect()
}

/// Controllers are the only writers of what they own and have just read it.
fn unversioned(mut object: Value) -> Value {
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.remove("resourceVersion");
    }
    object
}
