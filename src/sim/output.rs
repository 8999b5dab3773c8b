//! What containers write: asked of whoever plays the kubelet, answered line by line.
//!
//! The API server's `log` subresource reads through these traits; nothing is stored, a line is made when it is read.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

/// Finds the output of containers.
pub trait Outputs: Send + Sync {
    /// The output of one container of `pod` (as stored), of its run now or of the one before.
    /// `None`: it has written nothing and will not.
    fn open(&self, pod: &Value, container: &str, previous: bool) -> Option<Arc<dyn Output>>;

    /// What tells how much the main container of `pod` (as stored) uses; `None` where nobody measures it.
    fn meter(&self, _pod: &Value) -> Option<Arc<dyn Meter>> {
        None
    }
}

/// Tells what a container uses, at any moment of its runs.
pub trait Meter: Send + Sync {
    /// What it uses at `at`; `None` while it does not run.
    fn usage(&self, at: Timestamp) -> Option<Usage>;

    /// What it has used from the beginning of its run until `at`: each amount times seconds. Never less later in a run.
    fn used(&self, at: Timestamp) -> Option<Usage>;
}

/// What a container uses at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// How busy its GPUs are, in percent; 0 where it has none, as all that follows of GPUs.
    pub gpu: f64,
    /// Memory in use on each of its GPUs, in GiB.
    pub gpu_memory: f64,
    /// Power that each of its GPUs draws, in watts.
    pub power: f64,
    /// Temperature of its GPUs, in degrees Celsius.
    pub temperature: f64,
    /// CPU, in cores.
    pub cpu: f64,
    /// Memory, in GiB.
    pub memory: f64,
    /// The last Xid error that its GPUs reported; 0 for none.
    pub xid: f64,
    /// The share of time in which its GPUs are slowed down by heat.
    pub hot: f64,
}

/// Degrees from which a GPU slows down.
pub const TOO_HOT: f64 = 87.0;

impl Usage {
    /// This and `other` times `factor`, together.
    #[must_use]
    pub fn plus(self, other: Self, factor: f64) -> Self {
        let add = |a: f64, b: f64| a + b * factor;
        Self {
            gpu: add(self.gpu, other.gpu),
            gpu_memory: add(self.gpu_memory, other.gpu_memory),
            power: add(self.power, other.power),
            temperature: add(self.temperature, other.temperature),
            cpu: add(self.cpu, other.cpu),
            memory: add(self.memory, other.memory),
            xid: add(self.xid, other.xid),
            hot: add(self.hot, other.hot),
        }
    }
}

/// The output of one run of one container. Lines are numbered from 0; a line's text and time never change.
pub trait Output: Send + Sync {
    /// How many lines are written by `now`.
    fn written(&self, now: Timestamp) -> u64;

    /// A line that is written: when, and what of it.
    fn line(&self, number: u64) -> (Timestamp, Written);

    /// When the next line comes after `now`; `None` if none will.
    fn next(&self, now: Timestamp) -> Option<Timestamp>;
}

/// What a container wrote at once: bytes, as programs write them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Without line end.
    pub bytes: Vec<u8>,
    /// Whether a line end follows; if not, the next one goes on from here.
    pub ended: bool,
}

impl From<String> for Written {
    /// A whole line.
    fn from(line: String) -> Self {
        Self { bytes: line.into_bytes(), ended: true }
    }
}
