//! Keymap files: the compiled-in ones, and a user's laid over them.
//!
//! Owns reading of `keymaps/*.toml` and its complaints with file and line.

use std::fmt;

use toml::de::{DeTable, DeValue};

use super::{
    commands,
    ids::{CommandId, Context},
    key::{self, Key},
    keymap::Keymap,
};
use crate::jobs::near::nearest;

/// The keymaps that come with the program: name and text.
pub const BUILTIN: [(&str, &str); 3] = [
    ("default", include_str!("../../keymaps/default.toml")),
    ("vim", include_str!("../../keymaps/vim.toml")),
    ("emacs", include_str!("../../keymaps/emacs.toml")),
];

/// Something wrong in a keymap file; the rest of the file still counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// File name.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong and what to do.
    pub what: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl Keymap {
    /// The compiled-in keymap of this name (`default` if there is none such), with its complaints (none, tested).
    pub fn builtin(name: &str) -> (Self, Vec<Complaint>) {
        let mut keymap = Self::default();
        let mut complaints = keymap.overlay("keymaps/default.toml", BUILTIN[0].1);
        if let Some((_, text)) = BUILTIN[1..].iter().find(|(builtin, _)| *builtin == name) {
            complaints.extend(keymap.overlay(&format!("keymaps/{name}.toml"), text));
        }
        (keymap, complaints)
    }

    /// Lays a file over what is there. A key set to `""` is unbound.
    pub fn overlay(&mut self, file: &str, text: &str) -> Vec<Complaint> {
        let mut reader = Reader { file, text, complaints: Vec::new() };
        for (at, context, keys, command) in reader.read() {
            if let Err(other) = self.bind(context, keys.clone(), command) {
                let name = commands::row(other.command).map_or("?", |row| row.name);
                let what = format!(
                    "«{}» can't be typed beside «{}» ({name}), which begins alike; set «{}» to \"\" to free it",
                    key::spell(&keys),
                    key::spell(&other.keys),
                    key::spell(&other.keys),
                );
                reader.complain(at, what);
            }
        }
        reader.complaints
    }
}

type Line = (usize, Context, Vec<Key>, Option<CommandId>);

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    complaints: Vec<Complaint>,
}

impl Reader<'_> {
    fn complain(&mut self, at: usize, what: impl Into<String>) {
        let line = 1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count();
        self.complaints.push(Complaint { file: self.file.to_owned(), line, what: what.into() });
    }

    fn read(&mut self) -> Vec<Line> {
        let text = self.text;
        let table = match DeTable::parse(text) {
            Ok(table) => table.into_inner(),
            Err(error) => {
                self.complain(error.span().map_or(0, |span| span.start), error.message());
                return Vec::new();
            }
        };
        let mut lines = Vec::new();
        for (section, value) in &table {
            let at = section.span().start;
            match (Context::named(section.get_ref()), value.get_ref()) {
                (Some(context), DeValue::Table(keys)) => lines.extend(self.section(context, keys)),
                (Some(_), _) => {
                    self.complain(at, format!("«{}» must be a section: [{}]", section.get_ref(), section.get_ref()));
                }
                (None, _) => {
                    let known = Context::ALL.map(Context::name).join(", ");
                    self.complain(at, format!("there is no section «{}»; there are {known}", section.get_ref()));
                }
            }
        }
        lines.sort_by_key(|line| line.0);
        lines
    }

    fn section(&mut self, context: Context, table: &DeTable<'_>) -> Vec<Line> {
        let mut lines = Vec::new();
        for (keys, value) in table {
            let at = keys.span().start;
            let bound = match key::sequence(keys.get_ref()) {
                Ok(bound) => bound,
                Err(error) => {
                    self.complain(at, error.to_string());
                    continue;
                }
            };
            if let Some(why) = bound.iter().find_map(|key| key.unbindable()) {
                self.complain(at, format!("«{}» can't be bound: {why}", keys.get_ref()));
                continue;
            }
            match bound_to(context, value.get_ref()) {
                Ok(command) => lines.push((at, context, bound, command)),
                Err(what) => self.complain(value.span().start, what),
            }
        }
        lines
    }
}

fn bound_to(context: Context, value: &DeValue<'_>) -> Result<Option<CommandId>, String> {
    let DeValue::String(name) = value else {
        return Err("expected the name of a command in quotes, or \"\" for none".to_owned());
    };
    if name.is_empty() {
        return Ok(None);
    }
    let Some(command) = commands::named(name) else {
        let near = meant(name).map_or(String::new(), |near| format!("; did you mean «{near}»?"));
        return Err(format!("there is no command «{name}»{near}"));
    };
    if context == Context::Any || command.contexts.contains(&context) || command.contexts.contains(&Context::Any) {
        return Ok(Some(command.id));
    }
    let places: Vec<_> = command.contexts.iter().map(|c| c.name()).collect();
    Err(format!("«{name}» works in [{}], not in [{}]", places.join("], ["), context.name()))
}

/// The command that was probably meant: by a slip of the keys, or by its last part alone.
fn meant(name: &str) -> Option<&'static str> {
    let last = |name: &str| name.rsplit('.').next().map(str::to_owned);
    let names = || commands::all().map(|command| command.name);
    nearest(name, names()).or_else(|| names().find(|known| last(known) == last(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::console::keymap::Found;

    #[test]
    fn the_builtin_keymaps_have_no_complaints() {
        for (name, _) in BUILTIN {
            assert_eq!(Keymap::builtin(name).1, [], "{name}");
        }
    }

    #[test]
    fn every_command_has_a_key_or_is_in_the_palette() {
        let (keymap, _) = Keymap::builtin("default");
        for command in commands::all() {
            assert!(command.in_palette || keymap.keys_of(command.id).next().is_some(), "{}", command.name);
        }
    }

    #[test]
    fn complaints_name_file_and_line_and_the_rest_counts() {
        let (mut keymap, _) = Keymap::builtin("default");
        let text = "[list]\nx = \"list.dwn\"\nctrl-b = \"list.down\"\nJ = \"list.down\"\n\n[lst]\na = \"list.up\"\n";
        let complaints: Vec<_> = keymap.overlay("my.toml", text).iter().map(ToString::to_string).collect();
        assert!(
            complaints.iter().any(|c| c.starts_with("my.toml:2: there is no command «list.dwn»")),
            "{complaints:?}"
        );
        assert!(complaints.iter().any(|c| c.starts_with("my.toml:3: «ctrl-b» can't be bound")), "{complaints:?}");
        assert!(complaints.iter().any(|c| c.starts_with("my.toml:6: there is no section «lst»")), "{complaints:?}");
        let found = keymap.find(&[Context::List], &key::sequence("J").unwrap());
        assert_eq!(Some(found), commands::named("list.down").map(|c| Found::Command(c.id)));
    }

    #[test]
    fn sequences_wait_for_their_end_and_clash_with_their_beginning() {
        let mut keymap = Keymap::default();
        assert_eq!(keymap.overlay("a", "[list]\n\"z z\" = \"list.top\"\n\"z b\" = \"list.bottom\""), []);
        let z = key::sequence("z").unwrap();
        assert!(matches!(keymap.find(&[Context::List, Context::Any], &z), Found::Prefix(next) if next.len() == 2));
        let clash = keymap.overlay("b", "[list]\nz = \"list.down\"");
        assert_eq!(clash.len(), 1, "{clash:?}");
        assert_eq!(keymap.overlay("c", "[list]\n\"z z\" = \"\"\n\"z b\" = \"\"\nz = \"list.down\""), []);
    }
}
