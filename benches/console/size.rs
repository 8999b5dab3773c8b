//! How large a cluster is measured.

/// How large the served cluster is.
#[derive(Clone, Copy)]
pub(crate) struct Size {
    /// Jobs.
    pub(crate) jobs: u32,
    /// Workers of each.
    pub(crate) workers: u32,
}
