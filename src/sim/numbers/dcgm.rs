//! dcgm-exporter's metrics: what each GPU does, and whose it is.

use std::sync::Arc;

use jiff::Timestamp;

use super::family::{Family, Row, counter, gauge};
use super::scene::{Gpu, GpuLabels, Node, Scene, Tenancy};
use crate::sim::chance::Chance;
use crate::sim::output::Usage;
use crate::sim::promql::Labels;
use crate::sim::value::{chance, hash, mix};

/// The driver of all nodes.
const DRIVER: &str = "580.95.05";
/// MiB of a GPU's memory that nobody can have.
const RESERVED: f64 = 611.0;
/// The bit of `nvmlClocksThrottleReasonHwThermalSlowdown`.
const THERMAL: f64 = 64.0;
/// The bit of `nvmlClocksThrottleReasonGpuIdle`.
const AT_REST: f64 = 1.0;

/// What a product can do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Card {
    pub(crate) name: &'static str,
    /// MiB.
    pub(crate) memory: f64,
    /// Watts.
    pub(crate) power: f64,
    /// MHz of its multiprocessors at rest and at work, and of its memory.
    pub(crate) clocks: (f64, f64, f64),
}

const CARDS: [Card; 3] = [
    Card { name: "NVIDIA A100-SXM4-80GB", memory: 81_920.0, power: 400.0, clocks: (210.0, 1410.0, 1593.0) },
    Card { name: "NVIDIA H100 80GB HBM3", memory: 81_559.0, power: 700.0, clocks: (345.0, 1980.0, 2619.0) },
    Card { name: "NVIDIA H200", memory: 143_771.0, power: 700.0, clocks: (345.0, 1980.0, 3201.0) },
];

/// The card behind a product label.
pub(crate) fn card(product: &str) -> Card {
    let [first, ..] = CARDS;
    CARDS.into_iter().find(|card| card.name.replace(' ', "-") == product).unwrap_or(first)
}

/// A GPU at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct State {
    /// Percent.
    pub(crate) util: f64,
    /// MiB in use.
    pub(crate) used: f64,
    /// MiB left.
    pub(crate) free: f64,
    /// Watts.
    pub(crate) power: f64,
    /// Degrees.
    pub(crate) temperature: f64,
    /// MHz.
    pub(crate) clocks: (f64, f64),
    /// The last Xid.
    pub(crate) xid: f64,
    /// Bits.
    pub(crate) throttled: f64,
}

/// What a GPU does while nobody has it, or its container does not run.
const AT_EASE: Usage =
    Usage { gpu: 0.0, gpu_memory: 0.0, power: 58.0, temperature: 31.0, cpu: 0.0, memory: 0.0, xid: 0.0, hot: 0.0 };

impl Gpu {
    /// Its UUID, the same in every run of the cluster.
    pub(crate) fn uuid(&self) -> String {
        let mut chance = Chance::new(mix(hash(&self.node.name) ^ self.index as u64));
        format!("GPU-{}", chance.uuid())
    }

    /// Where it sits on the bus.
    pub(crate) fn bus(&self) -> String {
        format!("00000000:{:02X}:00.0", 7 + 8 * self.index % 248)
    }

    /// Who has it at a moment.
    pub(crate) fn tenant(&self, at: Timestamp) -> Option<&Tenancy> {
        self.tenancies.iter().find(|tenancy| tenancy.holds(at))
    }

    /// What it does at a moment.
    pub(crate) fn state(&self, at: Timestamp) -> State {
        let meter = self.tenant(at).and_then(|tenancy| tenancy.pod.meter.as_ref());
        let usage = meter.and_then(|meter| meter.usage(at)).unwrap_or(AT_EASE);
        let card = card(&self.node.product);
        // GPUs of one pod are not quite alike.
        let own = 0.98 + 0.04 * chance(mix(hash(&self.node.name) ^ self.index as u64));
        let most = card.memory - RESERVED;
        let used = (usage.gpu_memory * 1024.0 * (0.99 + own / 100.0)).min(most).round();
        let util = (usage.gpu * own).min(100.0).round();
        let hot = usage.hot > 0.0;
        let (rest, work, memory) = card.clocks;
        let sm = if util < 1.0 {
            rest
        } else if hot {
            (work * 0.62).round()
        } else {
            work
        };
        State {
            util,
            used,
            free: most - used,
            power: (usage.power * own).min(card.power),
            temperature: usage.temperature.round(),
            clocks: (sm, memory),
            xid: usage.xid,
            throttled: if hot {
                THERMAL
            } else if util < 1.0 {
                AT_REST
            } else {
                0.0
            },
        }
    }

    /// Nanoseconds of heat since its container began to run.
    fn heat(&self, at: Timestamp) -> f64 {
        let meter = self.tenant(at).and_then(|tenancy| tenancy.pod.meter.as_ref());
        meter.and_then(|meter| meter.used(at)).map_or(0.0, |used| (used.hot * 1e9).round())
    }

    fn labels(&self, tenancy: Option<&Tenancy>, how: GpuLabels) -> Labels {
        let (index, uuid, bus) = (self.index.to_string(), self.uuid(), self.bus());
        let device = format!("nvidia{index}");
        let mut labels = vec![
            ("gpu", index.as_str()),
            ("UUID", &uuid),
            ("pci_bus_id", &bus),
            ("device", &device),
            ("modelName", card(&self.node.product).name),
            ("Hostname", &self.node.name),
            ("DCGM_FI_DRIVER_VERSION", DRIVER),
        ];
        if let (Some(tenancy), true) = (tenancy, how != GpuLabels::None) {
            let container = tenancy.pod.containers.iter().find(|c| c.requests.contains_key("nvidia.com/gpu"));
            labels.extend([
                ("container", container.map_or("", |c| c.name.as_str())),
                ("namespace", &tenancy.pod.namespace),
                ("pod", &tenancy.pod.name),
            ]);
        }
        Labels::new(labels)
    }
}

/// What GPUs do.
fn rows(scene: &Scene, read: fn(&State) -> f64) -> Vec<Row> {
    each(scene, move |gpu, at| read(&gpu.state(at)))
}

/// Each GPU once for each pod that had it, and once without.
fn each(scene: &Scene, read: impl Fn(&Gpu, Timestamp) -> f64 + Copy + 'static) -> Vec<Row> {
    let mut rows = Vec::new();
    let speaks = |node: &Arc<Node>, at: Timestamp| node.speaks(at);
    for gpu in &scene.gpus {
        let row = |labels, read| Row { labels, node: gpu.node.name.to_string(), read };
        if scene.labels == GpuLabels::None {
            let own = Arc::clone(gpu);
            let value = move |at| speaks(&own.node, at).then(|| read(&own, at));
            rows.push(row(gpu.labels(None, scene.labels), Box::new(value)));
            continue;
        }
        // A pod that was narrowed away is not asked for.
        let asked = |tenancy: &&Tenancy| scene.pods.binary_search_by(|pod| pod.uid.cmp(&tenancy.pod.uid)).is_ok();
        for tenancy in gpu.tenancies.iter().filter(asked) {
            let (own, term) = (Arc::clone(gpu), tenancy.clone());
            let value = move |at| (term.holds(at) && speaks(&own.node, at)).then(|| read(&own, at));
            rows.push(row(gpu.labels(Some(tenancy), scene.labels), Box::new(value)));
        }
        if scene.unowned {
            let own = Arc::clone(gpu);
            let value = move |at| (own.tenant(at).is_none() && speaks(&own.node, at)).then(|| read(&own, at));
            rows.push(row(gpu.labels(None, scene.labels), Box::new(value)));
        }
    }
    rows
}

/// The default counters, as far as they say something here, and the reasons of throttling.
pub(super) const FAMILIES: &[Family] = &[
    gauge("DCGM_FI_DEV_SM_CLOCK", "SM clock frequency (in MHz).", |s| rows(s, |g| g.clocks.0)),
    gauge("DCGM_FI_DEV_MEM_CLOCK", "Memory clock frequency (in MHz).", |s| rows(s, |g| g.clocks.1)),
    gauge("DCGM_FI_DEV_GPU_TEMP", "GPU temperature (in C).", |s| rows(s, |g| g.temperature)),
    gauge("DCGM_FI_DEV_POWER_USAGE", "Power draw (in W).", |s| rows(s, |g| g.power)),
    gauge("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %).", |s| rows(s, |g| g.util)),
    gauge("DCGM_FI_DEV_MEM_COPY_UTIL", "Memory utilization (in %).", |s| rows(s, |g| (g.util * 0.58).round())),
    gauge("DCGM_FI_DEV_XID_ERRORS", "Value of the last XID error encountered.", |s| rows(s, |g| g.xid)),
    gauge("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB).", |s| rows(s, |g| g.free)),
    gauge("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB).", |s| rows(s, |g| g.used)),
    gauge("DCGM_FI_DEV_FB_RESERVED", "Framebuffer memory reserved (in MiB).", |s| rows(s, |_| RESERVED)),
    gauge("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Ratio of time the graphics engine is active.", |s| {
        rows(s, |g| g.util / 100.0)
    }),
    gauge("DCGM_FI_PROF_PIPE_TENSOR_ACTIVE", "Ratio of cycles the tensor (HMMA) pipe is active.", |s| {
        rows(s, |g| g.util * 0.0041)
    }),
    gauge("DCGM_FI_DEV_CLOCK_THROTTLE_REASONS", "Current clock throttle reasons (bitmask).", |s| {
        rows(s, |g| g.throttled)
    }),
    counter("DCGM_FI_DEV_THERMAL_VIOLATION", "Throttling duration due to thermal constraints (in ns).", |s| {
        each(s, Gpu::heat)
    }),
];
