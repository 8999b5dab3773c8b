//! The one table of commands: what can be done, where, and what it is called.
//!
//! Keymap, palette, footer hints, `?` help, the docs' key table and read-only filtering are made from it. Keys come
//! only from `keymaps/*.toml`. A feature's rows are in its file here; their logic is in `update/<feature>.rs`.

mod app;
mod change;
mod cluster;
mod compare;
mod draft;
mod list;
mod logs;
mod metrics;
mod page;
mod record;
mod text;
mod visit;

pub use super::ids::{
    AppCommand, ChangeCommand, ClusterCommand, ClusterView, CommandId, CompareCommand, Context, DraftCommand,
    EditorCommand, FixCommand, FormCommand, ListCommand, LogCommand, MetricsCommand, PageCommand, RecordCommand, Right,
    TextCommand, VisitCommand,
};
use super::model::Model;

/// Why a command can't run now, in words for the person who tried.
pub type Why = String;

/// One row of the table.
#[derive(Debug)]
pub struct Command {
    /// What it does, for the code.
    pub id: CommandId,
    /// What it is called in keymaps and palette: `list.down`.
    pub name: &'static str,
    /// One to three words for hints.
    pub title: &'static str,
    /// One sentence for help.
    pub help: &'static str,
    /// Where it applies.
    pub contexts: &'static [Context],
    /// Whether it alters the cluster.
    pub change: bool,
    /// Whether the palette offers it (moving the cursor isn't worth a line there).
    pub in_palette: bool,
    /// Place in the footer, 1 first; 0 is not shown there.
    pub hint: u8,
    /// Whether it can run now.
    pub enabled: fn(&Model) -> Result<(), Why>,
    /// What the server is asked about before; its answer is a hint, and the command runs all the same.
    pub right: Option<Right>,
}

impl Command {
    /// A command that is always enabled, offered by the palette and not hinted.
    const fn new(
        id: CommandId,
        name: &'static str,
        title: &'static str,
        help: &'static str,
        contexts: &'static [Context],
    ) -> Self {
        Self { id, name, title, help, contexts, change: false, in_palette: true, hint: 0, enabled: always, right: None }
    }

    /// Only by key.
    const fn key_only(mut self) -> Self {
        self.in_palette = false;
        self
    }

    /// Alters the cluster.
    const fn changing(mut self) -> Self {
        self.change = true;
        self
    }

    /// Shown in the footer at this place.
    const fn hinted(mut self, place: u8) -> Self {
        self.hint = place;
        self
    }

    /// Needs a right that not everybody has who sees jobs.
    const fn needing(mut self, right: Right) -> Self {
        self.right = Some(right);
        self
    }

    /// Why the server would probably refuse it for the job at hand.
    pub fn denied(&self, model: &Model) -> Option<Why> {
        let right = self.right?;
        if !right.concerns(kind_at_hand(model)) {
            return None;
        }
        let namespace = model.page.as_ref().map(|page| &page.job.row.namespace);
        let namespace = namespace.or_else(|| model.list.selected.as_ref().map(|key| &key.namespace));
        let why = model.session.denied.iter().find(|denied| {
            denied.right == right && (denied.namespace.is_none() || denied.namespace.as_ref() == namespace)
        })?;
        Some(why.to_string())
    }

    /// In these places.
    const fn within(mut self, contexts: &'static [Context]) -> Self {
        self.contexts = contexts;
        self
    }

    /// Runs only when `enabled` says so.
    const fn when(mut self, enabled: fn(&Model) -> Result<(), Why>) -> Self {
        self.enabled = enabled;
        self
    }
}

/// The kind of the job that a command would be about.
fn kind_at_hand(model: &Model) -> Option<crate::jobs::Kind> {
    let page = model.page.as_ref().map(|page| page.job.row.kind);
    page.or_else(|| model.list.selected.as_ref().map(|key| key.kind))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where others can refuse")]
fn always(_: &Model) -> Result<(), Why> {
    Ok(())
}

/// Every row, by feature.
pub fn all() -> impl Iterator<Item = &'static Command> {
    let job = list::ROWS.iter().chain(page::ROWS).chain(logs::ROWS).chain(metrics::ROWS).chain(change::ROWS);
    let job = job.chain(visit::ROWS).chain(record::ROWS).chain(cluster::ROWS).chain(compare::ROWS);
    app::ROWS.iter().chain(job).chain(text::ROWS).chain(draft::ROWS)
}

/// Every right that a command needs, once.
pub fn rights() -> Vec<Right> {
    let mut rights: Vec<_> = all().filter_map(|row| row.right).collect();
    rights.sort_unstable();
    rights.dedup();
    rights
}

/// The row of a command. Every id has one (tested).
pub fn row(id: CommandId) -> Option<&'static Command> {
    all().find(|command| command.id == id)
}

/// The command of this name.
pub fn named(name: &str) -> Option<&'static Command> {
    all().find(|command| command.name == name)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_are_dotted_and_unique_and_everything_is_explained() {
        let mut names = HashSet::new();
        for command in all() {
            assert!(names.insert(command.name), "{} twice", command.name);
            assert!(command.name.split_once('.').is_some_and(|(a, b)| !a.is_empty() && !b.is_empty()));
            assert!(command.help.ends_with('.') && command.help.len() > 10, "{}: help", command.name);
            assert!(!command.title.is_empty() && command.title.len() <= 20, "{}: title", command.name);
            assert!(!command.contexts.is_empty(), "{}: contexts", command.name);
            assert_eq!(row(command.id).map(|r| r.name), Some(command.name), "one row an id");
        }
    }
}
