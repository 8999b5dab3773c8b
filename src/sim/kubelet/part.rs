//! The parts of a run: what the times of lines and curves count from.

/// Which part of a run a time counts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The container's start.
    Before,
    /// The beginning of its wait.
    During,
    /// The end of its wait.
    After,
}
