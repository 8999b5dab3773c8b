//! What a training job is: rows, the fleet, its state and the cause of a bad one.
//!
//! Owns every rule about jobs that needs no cluster to be decided. It must not do I/O, read a clock,
//! use tokio or a kube client: time comes in as [`time::Secs`], data as rows.

pub mod absence;
pub mod amounts;
pub mod boards;
pub mod capacity;
pub mod causes;
pub mod checks;
pub mod columns;
pub mod compare;
pub mod complete;
pub mod derive;
pub mod drafting;
pub mod filter;
pub mod fleet;
pub mod form;
pub mod gang;
pub mod health;
pub mod kind;
pub mod manifest;
pub mod near;
pub mod outlook;
pub mod part;
pub mod progress;
pub mod quantity;
pub mod queue;
pub mod ranks;
pub mod reach;
pub mod replica;
pub mod resources;
pub mod row;
pub mod schema;
mod serial;
pub mod state;
pub mod taint;
pub mod text;
pub mod time;
pub mod timeline;
pub mod usage;

pub use kind::Kind;
pub use row::{EventRow, JobRow, PodRow, WorkloadRow};
pub use text::{Clean, Name, Raw, Sym, Uid};
pub use time::Secs;
