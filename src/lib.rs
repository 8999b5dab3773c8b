//! mpideck: a terminal console for distributed training jobs on Kubernetes.
//!
//! The folders tell who may know whom (a test holds the code to it, see `tests/it/house.rs`):
//!
//! - [`jobs`] and [`logs`] are pure: rows, state, causes, filters, lines. No I/O, no clock.
//! - [`changes`] is all that alters a cluster; [`metrics`] is where numbers come from.
//! - [`cluster`] reads from Kubernetes; [`disk`] keeps files; [`config`] knows where they are.
//! - [`term`] owns the terminal; [`console`] is the TUI; [`cli`] the headless verbs.
//! - [`sim`] is the embedded cluster, reached like any other.

pub mod changes;
pub mod cli;
pub mod cluster;
pub mod config;
pub mod console;
pub mod disk;
pub mod jobs;
pub mod logs;
pub mod metrics;
pub mod sim;
pub mod term;
