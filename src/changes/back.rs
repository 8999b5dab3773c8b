//! How a change is taken back, as the change log keeps it.

use serde::{Deserialize, Serialize};

use super::change::What;

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Undo {
    /// Made again from the manifest kept under this name.
    Again(String),
    /// This is done to the same object.
    Back(Box<What>),
}
