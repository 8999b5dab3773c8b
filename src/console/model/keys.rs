//! The bindings in force, and keys pressed so far of a sequence.

use std::sync::Arc;

use crate::console::{key::Key, keymap::Keymap};

/// See the module.
#[derive(Clone, Debug)]
pub struct KeyState {
    /// What keys mean.
    pub map: Arc<Keymap>,
    /// The beginning of a sequence, waiting for the next key.
    pub pending: Vec<Key>,
}

impl KeyState {
    /// Nothing pressed yet.
    pub const fn new(map: Arc<Keymap>) -> Self {
        Self { map, pending: Vec::new() }
    }
}
