//! The shapes of the job kinds: which fields there are, of which types, with what they are for.
//!
//! Owns the Rust types that stand for the kinds' custom resource definitions (the embedded cluster serves the same
//! ones), how to read them ([`Shape`]), the schema of a kind as a cluster serves it ([`Served`]), and our own walk of a manifest against them. Must not know an API server's
//! sentences: those are the embedded cluster's.

mod served;
mod shape;
pub mod tidy;
pub mod types;
mod walk;
mod words;

pub use served::{Served, document_of};
pub use shape::{Field, Shape};
pub use walk::{Misfit, Wrong, walk};

/// Where definitions live in an `OpenAPI` document.
pub const PLACE: &str = "#/components/schemas/";
/// The metadata of every object.
pub const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

#[cfg(test)]
mod tests;
