//! Where a new manifest comes from: a template, a job that there is, the cause of a failure; and how two versions of
//! one are compared and merged.
//!
//! Owns the texts of templates, what is taken out of a copied job, which changes a cause suggests. Must not judge a
//! manifest (`jobs::checks`) nor send it.

mod copy;
mod debug;
mod diff;
mod fix;
mod make;
mod merge;
mod template;

pub use copy::{copied, free_name};
pub use debug::debug;
pub use diff::{DiffLine, Side, diff};
pub use fix::{Fix, fixes};
pub use merge::{Conflict, Merge, merge};
pub use template::{Fill, Template};

#[cfg(test)]
mod tests;
