//! All that reads from Kubernetes: where it is, who we are, what it offers, and the rows it keeps sending.
//!
//! Owns connections, wire formats and watches. It keeps no copy of what it read: rows are moved on through a
//! [`mailbox::Mailbox`]. It must not alter a cluster, draw anything, or decide what a job's state is.

pub mod access;
pub mod discovery;
pub mod elsewhere;
pub mod exec;
pub mod health;
pub mod kubeconfig;
pub mod load;
pub mod logs;
pub mod mailbox;
pub mod names;
pub mod namespaces;
pub mod objects;
pub mod preflight;
pub mod problem;
pub mod reach;
pub mod reply;
pub mod session;
pub mod survey;
pub mod target;
pub mod watch;
pub mod who;
pub mod wire;

mod credentials;
pub(crate) mod order;
mod pages;
pub(crate) mod paths;
mod proxy;
mod rights;
mod signer;
mod transport;

pub use mailbox::Mailbox;
pub use problem::{Problem, ProblemKind};
pub use session::{Session, connect};
pub use target::{Dial, Target};
pub use watch::Watches;

#[cfg(test)]
pub(crate) mod testing;
