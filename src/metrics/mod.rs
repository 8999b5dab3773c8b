//! Where numbers come from: a Prometheus, else metrics.k8s.io, when asked nvidia-smi in the replicas; each named.
//!
//! Owns finding a source, the questions that it is asked and what its answers mean. It keeps nothing: what was read goes
//! to a [`Usage`](crate::jobs::usage::Usage). It must not alter a cluster.

pub mod apart;
pub mod find;
pub mod glance;
pub mod nvidia_smi;
pub mod read;
pub mod source;
pub mod work;

mod answer;
mod diagnose;
mod makers;
mod queries;
mod server;

pub use apart::apart;
pub use find::{Found, find};
pub use glance::Odd;
pub use read::{Job, read};
pub use source::{Prometheus, Service, Source, Wish};
pub use work::work;
