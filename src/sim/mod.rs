//! The embedded cluster: an API server, controllers, a clock and faults.
//!
//! Reached like any other cluster, through a kubeconfig; nothing outside may ask whether it is this one. It uses the
//! types and quantities of [`jobs`](crate::jobs), neither derivation nor checks, or it would prove nothing.

mod amounts;
pub mod api;
mod asked;
pub mod chance;
mod claims;
pub mod clock;
mod controllers;
pub mod faults;
mod housekeeping;
mod kubelet;
mod numbers;
pub mod options;
pub mod output;
mod promql;
pub mod release;
pub mod resource;
pub mod scenario;
mod schema;
pub mod start;
pub mod store;
mod strategic;
mod transport;
pub mod users;
mod value;
mod write;

pub use clock::Clock;
pub use faults::Faults;
pub use options::{FleetKind, Options};
pub use output::{Meter, Output, Outputs, Usage, Written};
pub use release::Release;
pub use start::{Dial, Served, Sim, StartError};
pub use store::Store;
