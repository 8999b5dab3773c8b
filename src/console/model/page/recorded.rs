//! The mark of a page that shows a record instead of a living job.

use std::path::PathBuf;

use crate::jobs::Secs;

/// Which record a page shows, and what there is to say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recorded {
    /// Where it is.
    pub dir: PathBuf,
    /// When it was begun.
    pub begun: Secs,
    /// When something was last added.
    pub last: Secs,
    /// When the job was found deleted.
    pub deleted: Option<Secs>,
    /// When the manifest was read, if it was.
    pub manifest: Option<Secs>,
    /// Lines of its logs.
    pub lines: usize,
    /// Lines of its file that could not be read.
    pub unreadable: usize,
}
