//! Which pods there were and which GPUs each had: kept for some hours beyond a pod's end, as a monitoring system would.
//!
//! Reads the store's changes when somebody asks for numbers, not before: a cluster that nobody measures costs nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use compact_str::CompactString;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::scene::{Container, Gpu, GpuLabels, Node, Pod, Scene, Tenancy};
use crate::sim::amounts::{Amounts, amount};
use crate::sim::output::Outputs;
use crate::sim::store::resource::{NODES, PODS, QUOTAS};
use crate::sim::store::{ChangeKind, Feed, Obj, Selector, Store};
use crate::sim::value::{controller, int, is_over, label, list, name, namespace, phase, text, time, truth, uid};

/// For how long pods are remembered that are gone, and how many at most.
const REMEMBERED: (SignedDuration, usize) = (SignedDuration::from_hours(6), 4000);
/// The resource that is measured as GPUs.
const GPU: &str = "nvidia.com/gpu";
/// Names what GPUs a node has.
const PRODUCT: &str = "nvidia.com/gpu.product";

/// One stretch of a GPU's time: whose, from, until.
type Stretch = (CompactString, Timestamp, Option<Timestamp>);

/// The memory.
pub(super) struct Ledger {
    feed: Feed,
    pods: BTreeMap<CompactString, Arc<Pod>>,
    /// By node: for each GPU who had it, in the order of its index.
    gpus: HashMap<CompactString, Vec<Vec<Stretch>>>,
}

impl Ledger {
    /// Begins with what the store still knows of the past.
    pub(super) fn new(store: &Store) -> Self {
        Self { feed: store.subscribe_from(&[&PODS], 1), pods: BTreeMap::new(), gpus: HashMap::new() }
    }

    /// Catches up with the store.
    pub(super) fn read(&mut self, store: &Store, outputs: &dyn Outputs) {
        let now = store.clock().now();
        // Of many changes of one pod the last says all.
        let mut last: HashMap<CompactString, (Obj, bool)> = HashMap::new();
        loop {
            match self.feed.take() {
                Ok(changes) if changes.is_empty() => break,
                Ok(changes) => last.extend(changes.into_iter().map(|change| {
                    let deleted = change.kind == ChangeKind::Deleted;
                    (change.object.uid.clone(), (change.object, deleted))
                })),
                Err(_) => {
                    self.feed = store.subscribe(&[&PODS]);
                    let there = store.list(&PODS, None, &Selector::default()).items;
                    last = there.into_iter().map(|pod| (pod.uid.clone(), (pod, false))).collect();
                    self.miss(&last, now);
                }
            }
        }
        let mut read: Vec<Pod> = last.into_values().map(|(pod, deleted)| pod_of(&pod, deleted, now, outputs)).collect();
        read.sort_by(|a, b| (a.taken, &a.uid).cmp(&(b.taken, &b.uid)));
        for pod in read {
            self.seat(&pod);
            self.pods.insert(pod.uid.clone(), Arc::new(pod));
        }
        self.forget(now);
    }

    /// Pods that have gone unseen.
    fn miss(&mut self, there: &HashMap<CompactString, (Obj, bool)>, now: Timestamp) {
        let gone: Vec<Pod> = self
            .pods
            .values()
            .filter(|pod| pod.gone.is_none() && !there.contains_key(&pod.uid))
            .map(|pod| Pod { gone: Some(now), ..Pod::clone(pod) })
            .collect();
        for pod in gone {
            self.seat(&pod);
            self.pods.insert(pod.uid.clone(), Arc::new(pod));
        }
    }

    /// Gives a pod its GPUs: those that it has, else the first of its node that are free in its time.
    fn seat(&mut self, pod: &Pod) {
        let (Some(from), 1..) = (pod.taken, pod.gpus) else { return };
        let until = [pod.ended, pod.gone].into_iter().flatten().min();
        let slots = self.gpus.entry(pod.node.clone()).or_default();
        let own = slots.iter_mut().flatten().filter(|(uid, ..)| *uid == pod.uid);
        let had = own.map(|stretch| stretch.2 = until).count();
        let free = |stretches: &Vec<Stretch>| {
            let before = |end: Option<Timestamp>, start: Timestamp| end.is_some_and(|end| end <= start);
            stretches.iter().all(|(_, start, end)| before(*end, from) || before(until, *start))
        };
        for _ in had..pod.gpus {
            let at = slots.iter().position(free).unwrap_or_else(|| {
                slots.push(Vec::new());
                slots.len() - 1
            });
            if let Some(slot) = slots.get_mut(at) {
                slot.push((pod.uid.clone(), from, until));
            }
        }
    }

    fn forget(&mut self, now: Timestamp) {
        let mut gone: Vec<(Timestamp, CompactString)> =
            self.pods.values().filter_map(|pod| Some((pod.gone?, pod.uid.clone()))).collect();
        gone.sort_unstable_by(|a, b| b.cmp(a));
        let old = |(at, (since, _)): &(usize, &(Timestamp, CompactString))| {
            *at >= REMEMBERED.1 || now.duration_since(*since) > REMEMBERED.0
        };
        let forgotten: Vec<&CompactString> = gone.iter().enumerate().filter(old).map(|(_, (_, uid))| uid).collect();
        if forgotten.is_empty() {
            return;
        }
        for uid in forgotten {
            self.pods.remove(uid);
        }
        let pods = &self.pods;
        self.gpus.values_mut().flatten().for_each(|slot| slot.retain(|(uid, ..)| pods.contains_key(uid)));
    }

    /// What is known, with the nodes and quotas of now.
    pub(super) fn scene(&self, store: &Store, labels: GpuLabels) -> Scene {
        let listed = store.list(&NODES, None, &Selector::default()).items;
        let mut nodes: BTreeMap<CompactString, Arc<Node>> =
            listed.iter().map(|node| (node.name.clone(), Arc::new(node_of(&node.value())))).collect();
        for name in self.gpus.keys() {
            nodes.entry(name.clone()).or_insert_with(|| Arc::new(Node { name: name.clone(), ..Node::default() }));
        }
        let gpus = nodes.values().flat_map(|node| self.gpus_of(node)).collect();
        let quotas = store.list(&QUOTAS, None, &Selector::default()).items;
        Scene { pods: self.pods.values().cloned().collect(), nodes, gpus, unowned: true, quotas, labels }
    }

    fn gpus_of(&self, node: &Arc<Node>) -> Vec<Arc<Gpu>> {
        let slots = self.gpus.get(&node.name).map(Vec::as_slice).unwrap_or_default();
        let has = node.capacity.get(GPU).map_or(0, |n| usize::try_from(*n).unwrap_or(0));
        let tenancy = |(uid, from, until): &Stretch| {
            let pod = Arc::clone(self.pods.get(uid)?);
            Some(Tenancy { pod, from: *from, until: *until })
        };
        let gpu = |index: usize| {
            let stretches = slots.get(index).into_iter().flatten();
            Arc::new(Gpu { node: Arc::clone(node), index, tenancies: stretches.filter_map(tenancy).collect() })
        };
        (0..has.max(slots.len())).map(gpu).collect()
    }
}

fn amounts(of: Option<&Value>) -> Amounts {
    let all = of.and_then(Value::as_object).into_iter().flatten();
    all.map(|(resource, value)| (resource.clone(), amount(resource, value))).collect()
}

fn pod_of(object: &Obj, deleted: bool, now: Timestamp, outputs: &dyn Outputs) -> Pod {
    let pod = object.value();
    let statuses = list(&pod, "/status/containerStatuses");
    let container = |spec: &Value| {
        let status = statuses.iter().find(|s| text(s, "/name") == text(spec, "/name")).unwrap_or(&Value::Null);
        let limits = amounts(spec.pointer("/resources/limits"));
        let mut requests = limits.clone();
        requests.extend(amounts(spec.pointer("/resources/requests")));
        Container {
            name: text(spec, "/name").into(),
            image: text(spec, "/image").to_owned(),
            id: text(status, "/containerID").to_owned(),
            requests,
            limits,
            restarts: int(status, "/restartCount").unwrap_or(0),
            waiting: text(status, "/state/waiting/reason").to_owned(),
            last_terminated: text(status, "/lastState/terminated/reason").to_owned(),
        }
    };
    let containers: Vec<Container> = list(&pod, "/spec/containers").iter().map(container).collect();
    let states = ["/lastState/terminated", "/state/terminated", "/state/running"];
    let of_states = |field: &str| {
        let times =
            statuses.iter().flat_map(|s| states.iter().filter_map(move |state| time(s, &format!("{state}{field}"))));
        times.collect::<Vec<_>>()
    };
    let gone = time(&pod, "/metadata/deletionTimestamp").map_or(now, |at| at.min(now));
    let ended = of_states("/finishedAt").into_iter().max().or_else(|| time(&pod, "/status/startTime"));
    let owner = controller(&pod).map(|o| (text(o, "/kind").to_owned(), text(o, "/name").to_owned()));
    Pod {
        namespace: namespace(&pod).into(),
        name: name(&pod).into(),
        uid: uid(&pod).into(),
        node: text(&pod, "/spec/nodeName").into(),
        ip: text(&pod, "/status/podIP").to_owned(),
        host_ip: text(&pod, "/status/hostIP").to_owned(),
        owner: owner.unwrap_or_default(),
        gpus: containers.iter().filter_map(|c| c.requests.get(GPU)).map(|n| usize::try_from(*n).unwrap_or(0)).sum(),
        containers,
        created: time(&pod, "/metadata/creationTimestamp").unwrap_or(now),
        taken: time(&pod, "/status/startTime"),
        started: of_states("/startedAt").into_iter().min(),
        ended: if is_over(&pod) { ended } else { None },
        gone: deleted.then_some(gone),
        phase: phase(&pod).to_owned(),
        meter: outputs.meter(&pod),
    }
}

fn node_of(node: &Value) -> Node {
    let conditions = list(node, "/status/conditions");
    let status = |c: &Value| match text(c, "/status") {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    };
    let ready = conditions.iter().find(|c| text(c, "/type") == "Ready");
    let address = list(node, "/status/addresses").iter().find(|a| text(a, "/type") == "InternalIP");
    Node {
        name: name(node).into(),
        ip: address.map(|a| text(a, "/address").to_owned()).unwrap_or_default(),
        product: label(node, PRODUCT).to_owned(),
        capacity: amounts(node.pointer("/status/capacity")),
        allocatable: amounts(node.pointer("/status/allocatable")),
        kubelet: text(node, "/status/nodeInfo/kubeletVersion").to_owned(),
        unschedulable: truth(node, "/spec/unschedulable"),
        conditions: conditions.iter().map(|c| (text(c, "/type").to_owned(), status(c))).collect(),
        silent: ready.filter(|c| status(c) != Some(true)).and_then(|c| time(c, "/lastTransitionTime")),
    }
}
