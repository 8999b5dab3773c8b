//! Where a new manifest comes from: a template, a job that there is, the cause of a failure; and how two versions of
//! one are compared and merged.
//!
//! Owns the texts of templates, what is taken out of a copied job, which changes a cause suggests. Must not judge a
//! manifest (`jobs::checks`) nor send it.

mod batch;
mod copy;
mod debug;
mod diff;
mod fix;
mod late;
mod make;
mod merge;
mod scene;
mod template;
mod way;

pub use copy::{copied, free_name};
pub use debug::debug;
pub use diff::{DiffLine, Side, diff};
pub use fix::{Fix, fixes};
pub use late::too_late;
pub use merge::{Conflict, Merge, Take, decided, merge};
pub use template::{Fill, Template};
pub use way::{edits, merge_patch};

#[cfg(test)]
mod tests;
