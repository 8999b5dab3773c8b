//! `mpideck keys`: every command with its keys, as the chosen keymap and the user's own file make them.
//!
//! `docs/keys.md` is its output with `--markdown` and no user file; a test holds it to that.

use std::{fmt::Write as _, process::ExitCode};

use super::{exit::Failure, print, setup::Setup};
use crate::{
    config::files,
    console::{
        commands::{self, Command, Context},
        keymap::Keymap,
        keymap_file::Complaint,
    },
};

/// Prints the table; mistakes in the user's file go to stderr.
pub fn run(setup: &Setup, markdown: bool) -> Result<ExitCode, Failure> {
    setup.complain();
    let (keymap, complaints) = keymap(setup);
    for complaint in &complaints {
        print::complain(&format!("warning: {}:{}: {}", complaint.file, complaint.line, complaint.what));
    }
    print::out(&if markdown { as_markdown(&keymap) } else { as_text(&keymap) })?;
    Ok(ExitCode::SUCCESS)
}

fn keymap(setup: &Setup) -> (Keymap, Vec<Complaint>) {
    let name = &setup.config.keymap.value;
    let (mut keymap, mut complaints) = Keymap::builtin(name);
    let path = setup.paths.as_ref().map(|paths| paths.keymap(name));
    if let Some(path) = path {
        match files::read(&path) {
            Ok(Some(file)) => complaints.extend(keymap.overlay(&path.display().to_string(), &file.text)),
            Ok(None) => {}
            Err(note) => {
                complaints.push(Complaint { file: path.display().to_string(), line: 1, what: note.what.to_string() });
            }
        }
    }
    (keymap, complaints)
}

/// The commands of each context that has some, in the order of the table.
fn sections() -> impl Iterator<Item = (Context, Vec<&'static Command>)> {
    let first = |command: &&'static Command, context| command.contexts.first() == Some(&context);
    Context::ALL.into_iter().filter_map(move |context| {
        let commands: Vec<_> = commands::all().filter(|command| first(command, context)).collect();
        (!commands.is_empty()).then_some((context, commands))
    })
}

fn keys(keymap: &Keymap, command: &Command) -> Vec<String> {
    let mut keys: Vec<_> = keymap.keys_of(command.id).collect();
    let mut seen = std::collections::HashSet::new();
    keys.retain(|key| seen.insert(key.clone()));
    keys
}

fn as_text(keymap: &Keymap) -> String {
    let mut text = String::new();
    for (context, commands) in sections() {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}{}  [{}]", context.title(), context.name());
        for command in commands {
            let keys = keys(keymap, command).join("  ");
            let _ = writeln!(text, "  {keys:<20} {:<24} {}", command.name, command.help);
        }
    }
    text
}

/// The documentation's table of keys.
pub fn as_markdown(keymap: &Keymap) -> String {
    let mut text = String::from(
        "# Keys\n\nMade by `mpideck keys --markdown` from the table of commands and `keymaps/default.toml`. \
         Every command is also in the palette (`:`) by its name.\n",
    );
    for (context, commands) in sections() {
        let _ = writeln!(
            text,
            "\n## {} (`[{}]`)\n\n| keys | command | what it does |\n|---|---|---|",
            context.title(),
            context.name()
        );
        for command in commands {
            let keys: Vec<_> =
                keys(keymap, command).iter().map(|key| format!("`{}`", key.replace('|', "\\|"))).collect();
            let change = if command.change { " *(change)*" } else { "" };
            let _ = writeln!(text, "| {} | `{}` | {}{change} |", keys.join(" "), command.name, command.help);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_listed_once() {
        let (keymap, _) = Keymap::builtin("default");
        let text = as_text(&keymap);
        for command in commands::all() {
            let lines = text.lines().filter(|line| line.split_whitespace().any(|word| word == command.name)).count();
            assert_eq!(lines, 1, "{}", command.name);
        }
    }
}
