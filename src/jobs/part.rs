//! What was read of one kind of object, and what of it could not be.

use super::text::Clean;

/// Rows, and what keeps them from being all there is.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<T> {
    /// What was read.
    pub rows: Vec<T>,
    /// Why there may be more: the right to ask for (`list nodes in all namespaces`), or what went wrong.
    pub unread: Option<Clean>,
}

impl<T> Default for Part<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), unread: None }
    }
}

impl<T> Part<T> {
    /// All there is.
    pub fn whole(rows: Vec<T>) -> Self {
        Self { rows, unread: None }
    }

    /// Nothing, and why.
    pub fn unread(why: Clean) -> Self {
        Self { rows: Vec::new(), unread: Some(why) }
    }

    /// Whether this is all there is.
    pub fn is_whole(&self) -> bool {
        self.unread.is_none()
    }
}
