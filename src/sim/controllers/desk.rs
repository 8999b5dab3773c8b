//! Executes passes: reads what a controller needs to see, lets it decide, does what it says.
//!
//! Owns what controllers remember between passes (back-off, counted pods, stages, seats on nodes). The deciding is
//! in the controllers' own files.

mod aggregating;
mod gangs;
mod heartbeats;
mod kubelets;
mod placing;
mod serving;
mod storing;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use compact_str::CompactString;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    batch, endpoints, jobset, kueue, leases, mpijob, namespaces, nodes, podgc, quota,
    recorder::Recorder,
    scheduler::{self, Room, Sitter},
    trainer, training, volumes,
    work::{Key, Pace, Work},
};
use crate::{
    jobs::Kind,
    sim::{
        kubelet::{journal::Journal, script::Scripts},
        store::{
            DeleteOptions, Obj, Part, Propagation, Refusal, Resource, Selector, Store,
            resource::{
                CLAIMS, CLUSTERTRAININGRUNTIMES, CONFIGMAPS, DEPLOYMENTS, JOBS, JOBSETS, MPIJOBS, NAMESPACES, NODES,
                PODS, PRIORITYCLASSES, QUOTAS, SECRETS, SERVICES, TRAININGRUNTIMES, TRAINJOBS, VOLUMES,
            },
        },
        value::{self, after, name, namespace, text},
        write::Write,
    },
};

/// Label of a namespace that the operators do not watch.
pub(crate) const UNWATCHED: &str = "sim.mpideck.io/operators";

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
    seats: HashMap<CompactString, Sitter>,
    mounts: storing::Mounts,
    /// Nodes that are not heard from, and when they were last.
    silent: HashMap<String, Timestamp>,
    homeless: BTreeSet<Key>,
    served: endpoints::Served,
    /// Pods for which others were sent away: what they will take, and where.
    nominated: HashMap<Key, Sitter>,
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
            mounts: storing::Mounts::default(),
            silent: HashMap::new(),
            homeless: BTreeSet::new(),
            served: endpoints::Served::default(),
            nominated: HashMap::new(),
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
            Work::Gang => return self.place_gang(key, now),
            Work::Quota => return self.quota(key),
            Work::Sweep => {
                self.sweep(now);
                return Some(after(now, 600.0));
            }
            Work::Heartbeat => {
                self.beat(now);
                return Some(after(now, leases::BEAT));
            }
            Work::Act => return None,
            _ => {}
        }
        let (writes, wake) = self.decide(key, now).unwrap_or_default();
        if self.execute(writes, now).is_ok() {
            self.tries.remove(key);
            return wake;
        }
        Some(after(now, self.backed_off(key)))
    }

    /// Counts a try and gives the seconds until it: the work queue of client-go has 5 ms, doubled each time, at most
    /// 1000 s. mpi-operator puts all that it hears of into its queue so, too.
    pub(crate) fn backed_off(&mut self, key: &Key) -> f64 {
        let tries = self.tries.entry(key.clone()).or_default();
        *tries += 1;
        (0.005 * 2f64.powi((*tries).min(18) as i32 - 1)).min(1000.0)
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
                let [secret, hostfile] = trainer::extras(object);
                let [hostfile, snapshot] =
                    [hostfile, trainer::snapshot(object)].map(|map| self.get(&CONFIGMAPS, space, &map));
                let seen = trainer::Seen {
                    runtime: runtime.as_deref(),
                    snapshot: snapshot.as_deref(),
                    jobset: jobset.as_deref(),
                    secret: self.get(&SECRETS, space, &secret).is_some(),
                    hostfile: hostfile.as_deref(),
                };
                Some(trainer::train_job(&job, seen, now))
            }
            Work::JobSet => {
                let set_of = self.get(&JOBSETS, space, object)?;
                let jobs = values(
                    &self
                        .store
                        .list(&JOBS, Some(space), &Selector::label("jobset.sigs.k8s.io/jobset-name", object))
                        .items,
                );
                let service = self.get(&SERVICES, space, jobset::subdomain(&set_of)).is_some();
                Some(jobset::job_set(&set_of, &jobs, service, now))
            }
            Work::Namespace => {
                let there = namespaces::KEPT.map(|(resource, name)| self.get(resource, object, name).is_some());
                Some((namespaces::reconcile(&*self.get(&NAMESPACES, "", object)?, there), None))
            }
            Work::Claim => self.claim(space, object, now),
            Work::Volume => {
                let volume = self.get(&VOLUMES, "", object)?;
                let claim = volumes::claim_of(&volume).and_then(|(space, name)| self.get(&CLAIMS, space, name));
                Some((volumes::keep(&volume, claim.as_deref(), now), None))
            }
            Work::Endpoints => Some((self.endpoints(space, object), None)),
            Work::Aggregate => Some((self.aggregate(object)?, None)),
            Work::Collect => {
                let pod = self.get(&PODS, space, object)?;
                let node = self.store.get(&NODES, "", scheduler::node_of(&pod)).is_ok();
                Some((podgc::collect(&pod, node, now), None))
            }
            Work::Node => self.node(object, now),
            Work::Queued => Some((kueue::workload(&self.store, space, object, now), None)),
            Work::Admission => Some(kueue::admit(&self.store, now)),
            _ => None,
        }
    }

    fn node(&mut self, object: &str, now: Timestamp) -> Option<(Vec<Write>, Option<Timestamp>)> {
        let node = self.get(&NODES, "", object)?;
        let heard = if nodes::is_silent(&node) {
            *self.silent.entry(object.to_owned()).or_insert(now)
        } else {
            self.silent.remove(object);
            now
        };
        let keys = self.seated_on(object, Work::Kubelet);
        let pods: Vec<_> = keys.iter().filter_map(|key| self.get(&PODS, &key.namespace, &key.name)).collect();
        Some(nodes::reconcile(&node, &pods, heard, self.pace.release, now))
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
        // A hostfile of more lines is refused, and then no worker is made.
        let workers = usize::try_from(mpijob::worker_replicas(job)).unwrap_or(0).min(mpijob::MOST_CONFIG / 16);
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
                    self.delete(resource, &space, &object, Propagation::Background)?;
                }
                Write::DeleteWithAll(resource, space, object) => {
                    self.delete(resource, &space, &object, Propagation::Foreground)?;
                }
                Write::Release(resource, space, object, finalizer) => {
                    let released = self.store.modify(resource, &space, &object, Part::Main, |o| {
                        let Some(meta) = o["metadata"].as_object_mut() else { return };
                        let all = meta.get_mut("finalizers").and_then(Value::as_array_mut);
                        if all.is_some_and(|all| {
                            all.retain(|f| f != finalizer);
                            all.is_empty()
                        }) {
                            meta.remove("finalizers");
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

    /// Deletes it; what is gone already is as good.
    fn delete(
        &self,
        resource: &'static Resource,
        space: &str,
        object: &str,
        propagation: Propagation,
    ) -> Result<(), Refusal> {
        let options = DeleteOptions { propagation, ..DeleteOptions::default() };
        match self.store.delete(resource, space, object, &options) {
            Err(refusal) if refusal.code != 404 => Err(refusal),
            _ => Ok(()),
        }
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
        let pod = Key { work: Work::Schedule, ..key.clone() };
        self.homeless.remove(&pod);
        self.nominated.remove(&pod);
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
