//! Which keys run which command, and looking keys up.
//!
//! Read from files by `keymap_file`. Must not know what a command does, nor what it is called.

use super::{
    ids::{CommandId, Context},
    key::{self, Key},
};

/// One way to run a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Where.
    pub context: Context,
    /// The keys, one after the other.
    pub keys: Vec<Key>,
    /// What they run.
    pub command: CommandId,
}

/// What pressed keys mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// They run this.
    Command(CommandId),
    /// They begin these: the next key of each and what it leads to.
    Prefix(Vec<(Key, CommandId)>),
    /// Nothing.
    Nothing,
}

/// All bindings in force.
#[derive(Clone, Debug, Default)]
pub struct Keymap {
    bindings: Vec<Binding>,
}

impl Keymap {
    /// What `keys` mean where `contexts` apply, most specific first.
    pub fn find(&self, contexts: &[Context], keys: &[Key]) -> Found {
        for context in contexts {
            let here = || self.bindings.iter().filter(|b| b.context == *context);
            if let Some(binding) = here().find(|b| b.keys == keys) {
                return Found::Command(binding.command);
            }
            let next: Vec<_> = here()
                .filter(|b| b.keys.len() > keys.len() && b.keys.starts_with(keys))
                .map(|b| (b.keys[keys.len()], b.command))
                .collect();
            if !next.is_empty() {
                return Found::Prefix(next);
            }
        }
        Found::Nothing
    }

    /// Binds keys, to nothing with `None`. Refused where others begin alike in the same place: those are given.
    pub(super) fn bind(&mut self, context: Context, keys: Vec<Key>, command: Option<CommandId>) -> Result<(), Binding> {
        self.bindings.retain(|b| !(b.context == context && b.keys == keys));
        let Some(command) = command else { return Ok(()) };
        if let Some(other) = self.bindings.iter().find(|b| b.context == context && overlaps(&b.keys, &keys)) {
            return Err(other.clone());
        }
        self.bindings.push(Binding { context, keys, command });
        Ok(())
    }

    /// Every binding.
    pub fn bindings(&self) -> &[Binding] {
        &self.bindings
    }

    /// The keys to show for a command where `contexts` apply (most specific first): the first that really run it there,
    /// not those that a more specific context uses for something else.
    pub fn key_in(&self, contexts: &[Context], command: CommandId) -> Option<String> {
        let own = self.bindings.iter().filter(|b| b.command == command && contexts.contains(&b.context));
        own.map(|b| &b.keys)
            .find(|keys| matches!(self.find(contexts, keys), Found::Command(id) if id == command))
            .map(|keys| key::spell(keys))
    }

    /// The keys of a command, as they are written; the first is the one to show.
    pub fn keys_of(&self, command: CommandId) -> impl Iterator<Item = String> {
        self.bindings.iter().filter(move |b| b.command == command).map(|b| key::spell(&b.keys))
    }
}

fn overlaps(a: &[Key], b: &[Key]) -> bool {
    a.starts_with(b) || b.starts_with(a)
}
