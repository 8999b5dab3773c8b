//! A manifest as the text that a person wrote: where each key and value stands, and the smallest change of the text
//! that sets, removes or adds one.
//!
//! Owns places and edits. Comments, quoting, block scalars, order and unknown fields stay as they are: an edit touches
//! only what it is about, and is held against what it should give before anybody sees it. Must not know what a
//! manifest is about. Paths are JSON pointers (`/spec/mpiReplicaSpecs/Worker/replicas`).

mod build;
mod change;
mod document;
mod edit;
mod layout;
mod pointer;
mod render;
mod scalar;
mod tree;

pub use change::{Change, ChangeError, changed};
pub use document::{Document, ParseError, Place};
pub use edit::{Edit, EditError};
pub use pointer::{joined, parent, split};

#[cfg(test)]
pub(crate) use tests::examples;

#[cfg(test)]
mod tests;
