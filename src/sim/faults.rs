//! What goes wrong on purpose: cut watches, forgotten history, busy, broken, slow and absent servers.
//!
//! Owns the switches; the API server and the transport obey them. Chances follow the seed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;

use super::chance::Chance;
pub use super::numbers::GpuLabels;
use super::store::Store;

/// How long the server is gone when it is gone by plan.
pub const ABSENCE: Duration = Duration::from_mins(1);

/// Faults that last until they are changed. Shares are of 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Plan {
    /// Share of lists and watches answered 429 with `Retry-After: 1`.
    pub throttle: f64,
    /// Share of requests answered 500.
    pub errors: f64,
    /// Share of requests answered 503.
    pub unavailable: f64,
    /// Share of requests answered 401, as if the token had just ended.
    pub unauthorized: f64,
    /// Share of bodies that end in the middle of a line.
    pub half_lines: f64,
    /// Share of bodies whose connection breaks before their end.
    pub truncate: f64,
    /// Milliseconds before each answer.
    pub latency_ms: u64,
    /// Milliseconds between two pieces of a body.
    pub body_pause_ms: u64,
    /// Seconds between two cuts of all watches; 0 for never.
    pub cut_every_s: u64,
    /// Seconds between two compactions; 0 for never.
    pub compact_every_s: u64,
    /// Seconds between two absences of the server, each [`ABSENCE`] long; 0 for never.
    pub gone_every_s: u64,
    /// Lines of a container that its node keeps: older ones were rotated away. 0 for all.
    pub log_keeps_lines: u64,
    /// What ails Prometheus.
    pub prometheus: Ailment,
    /// metrics-server does not answer; set from the start, it is not installed.
    pub no_metrics_server: bool,
    /// How GPU series tell whose they are.
    pub gpu_labels: GpuLabels,
}

/// What can ail a Prometheus.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ailment {
    /// It is well.
    #[default]
    None,
    /// Nobody answers for its Service.
    Down,
    /// Each answer takes [`SLOWNESS`].
    Slow,
    /// A proxy before it wants credentials.
    Unauthorized,
    /// It refuses every query as too much.
    Refuses,
    /// It has no series.
    Empty,
}

/// How long a slow Prometheus takes.
pub const SLOWNESS: Duration = Duration::from_secs(20);

/// A fault that happens once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Blow {
    /// Ends every watch, as a proxy that loses its connections.
    Cut,
    /// Forgets the history and ends every watch with 410.
    Expire,
}

/// The switches. Cheap to clone; all clones are the same switches.
#[derive(Clone)]
pub struct Faults(Arc<Inner>);

struct Inner {
    store: Store,
    plan: Mutex<Plan>,
    chance: Mutex<Chance>,
    blows: watch::Sender<(u64, Blow)>,
    gone_until: watch::Sender<Option<Instant>>,
}

impl Faults {
    pub(super) fn new(store: Store, plan: Plan, seed: u64) -> Self {
        let (blows, gone_until) = (watch::Sender::new((0, Blow::Cut)), watch::Sender::new(None));
        let (plan, chance) = (Mutex::new(plan), Mutex::new(Chance::new(seed ^ 0xFA17)));
        Self(Arc::new(Inner { store, plan, chance, blows, gone_until }))
    }

    /// The lasting faults.
    pub fn plan(&self) -> Plan {
        self.0.plan.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the lasting faults.
    pub fn set(&self, plan: Plan) {
        *self.0.plan.lock().unwrap_or_else(PoisonError::into_inner) = plan;
    }

    /// Ends every open watch now.
    pub fn cut_watches(&self) {
        self.blow(Blow::Cut);
    }

    /// Forgets the history: open watches end with 410, resumed ones and half-read lists get it too.
    pub fn expire(&self) {
        self.0.store.compact();
        self.blow(Blow::Expire);
    }

    /// No server for so long: connections break and none can be made.
    pub fn gone(&self, duration: Duration) {
        self.0.gone_until.send_replace(Some(Instant::now() + duration));
    }

    fn blow(&self, blow: Blow) {
        self.0.blows.send_modify(|(count, kind)| {
            *count += 1;
            *kind = blow;
        });
    }

    pub(super) fn blows(&self) -> watch::Receiver<(u64, Blow)> {
        self.0.blows.subscribe()
    }

    /// How long the server stays away, if it is away.
    pub(super) fn away(&self) -> Option<Duration> {
        let until = *self.0.gone_until.borrow();
        until.map(|u| u.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    /// Comes back when the server goes away (at once if it is away).
    pub(super) async fn going_away(&self) {
        let mut gone = self.0.gone_until.subscribe();
        while self.away().is_none() {
            if gone.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Whether a fault of this share happens now.
    pub(super) fn strikes(&self, share: f64) -> bool {
        share > 0.0 && self.0.chance.lock().unwrap_or_else(PoisonError::into_inner).unit() < share
    }

    /// A number below `n`.
    pub(super) fn draw(&self, n: u64) -> u64 {
        self.0.chance.lock().unwrap_or_else(PoisonError::into_inner).below(n)
    }

    /// Strikes at the planned times, for ever.
    pub(super) async fn run(self) {
        let (mut cut, mut compact, mut gone) = (0, 0, 0);
        loop {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let plan = self.plan();
            (cut, compact, gone) = (cut + 1, compact + 1, gone + 1);
            if plan.cut_every_s > 0 && cut >= plan.cut_every_s {
                cut = 0;
                self.cut_watches();
            }
            if plan.compact_every_s > 0 && compact >= plan.compact_every_s {
                compact = 0;
                self.expire();
            }
            if plan.gone_every_s > 0 && gone >= plan.gone_every_s {
                gone = 0;
                self.gone(ABSENCE);
            }
        }
    }
}
