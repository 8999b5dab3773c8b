//! All that alters a cluster: every change as data, and the one place that executes it.
//!
//! [`Change`] says what is done to which object. [`Confirmed`] is a set of changes that a person said yes to; only a
//! confirmation on screen or a flag of the command line makes one. [`run()`] is the only way on: it refuses what is
//! read-only, protected or of another session ([`Gate`]), writes the change log before and after, sends each order once
//! with the object's uid, and looks by name before it says that something failed. Must not decide what is changed.

mod back;
pub mod change;
mod confirmed;
mod create;
mod delete;
mod desk;
mod gate;
mod logged;
mod look;
mod outcome;
mod patch;
mod paths;
mod restart;
mod run;
mod send;
mod slip;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod visit;

pub use change::{Change, PodRef, Propagation, Subject, Through, What};
pub use confirmed::{Confirmed, How};
pub use desk::{Desk, Site};
pub use gate::{Gate, ReadOnly};
pub use outcome::{Done, Item, Outcome, Progress, Report};
pub use patch::{replaced, scalable};
pub use run::{Tell, forget, resume, run};
pub use slip::{Slip, interrupted};
pub use visit::{Forwarding, Terminal, Traffic, Typed, listen};
