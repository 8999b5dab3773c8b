//! What runs in the cluster, in numbers: the samples of dcgm-exporter, cAdvisor and kube-state-metrics, and a Prometheus
//! over them.
//!
//! Owns which series there are, their labels and their values at any moment. Nothing is stored but which pods there were:
//! a value is a function of time, so that the past can be asked for without anybody having scraped it. Must not know HTTP
//! connections, users or faults' chances; the API server hands questions in and answers out.

mod cadvisor;
mod dcgm;
mod exporter;
mod family;
mod history;
mod http;
mod kube_state;
mod ledger;
mod page;
mod resources;
mod scene;
mod targets;

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use self::dcgm::{Card, State, card};
use self::history::History;
pub(crate) use self::http::{Answered, Asking};
use self::ledger::Ledger;
pub(crate) use self::resources::Resources;
pub use self::scene::GpuLabels;
use self::scene::Scene;
use super::output::Outputs;
use super::store::Store;

/// The numbers of a cluster.
pub(crate) struct Numbers {
    store: Store,
    outputs: Arc<dyn Outputs>,
    ledger: Mutex<Ledger>,
}

impl Numbers {
    /// Those of the pods in `store`, measured by `outputs`.
    pub(crate) fn new(store: Store, outputs: Arc<dyn Outputs>) -> Self {
        let ledger = Mutex::new(Ledger::new(&store));
        Self { store, outputs, ledger }
    }

    /// All that can be measured, with what was there before.
    fn scene(&self, labels: GpuLabels) -> Scene {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        ledger.read(&self.store, self.outputs.as_ref());
        ledger.scene(&self.store, labels)
    }

    /// What exporters say now, in Prometheus' text format; `exporter` names one of them, or is empty.
    pub(crate) fn page(&self, exporter: &str, labels: GpuLabels) -> String {
        page::page(&self.scene(labels), exporter, self.now())
    }

    /// What Prometheus answers. `empty`: it has nothing.
    pub(crate) fn prometheus(&self, asking: &Asking, labels: GpuLabels, empty: bool) -> Answered {
        let scene = if empty { Scene::default() } else { self.scene(labels) };
        http::answer(&History { scene: &scene, now: self.now() }, asking)
    }

    /// The GPUs that a pod has now, and what they do.
    pub(crate) fn gpus_of(&self, uid: &str) -> Vec<Held> {
        let (scene, now) = (self.scene(GpuLabels::default()), self.now());
        let is_held = |gpu: &&Arc<scene::Gpu>| gpu.tenant(now).is_some_and(|tenancy| tenancy.pod.uid == uid);
        let held = scene.gpus.iter().filter(is_held);
        held.map(|gpu| Held { uuid: gpu.uuid(), bus: gpu.bus(), card: card(&gpu.node.product), state: gpu.state(now) })
            .collect()
    }

    /// Now.
    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }
}

/// A GPU that a pod has.
pub(crate) struct Held {
    pub(crate) uuid: String,
    pub(crate) bus: String,
    pub(crate) card: Card,
    pub(crate) state: State,
}

#[cfg(test)]
mod tests;
