//! The user's own commands: `commands.toml`.
//!
//! Owns the file's shape, its complaints, and how an object's fields are put into a command's arguments: each stays one
//! argument, none becomes an option, and no shell reads them. Must not run anything, and must not know what a key is.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::{
    files,
    notes::{Gravity, Note},
    value::Value,
};
use crate::jobs::{Clean, near::nearest};

/// More than anybody has keys for.
const MOST: usize = 100;

/// What a command is about, and so where it can run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Target {
    /// Nothing in particular.
    Any,
    /// The job under the cursor or on the page.
    #[default]
    Job,
    /// The replica under the cursor of the tab Workers.
    Replica,
}

/// One command of the user's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserCommand {
    /// What the palette calls it.
    pub name: String,
    /// One sentence for help.
    pub help: String,
    /// Keys as a keymap spells them, if it has any, and their line in the file.
    pub key: Option<(String, usize)>,
    /// What it is about.
    pub target: Target,
    /// Program and arguments, with fields in braces.
    pub run: Vec<String>,
    /// Whether it alters the cluster.
    pub changes: bool,
    /// Whether its output stays until a key is pressed.
    pub wait: bool,
}

/// A field that arguments may hold.
type Field = (&'static str, Target);

/// Every field in braces, and what must be at hand for it.
pub const FIELDS: [Field; 11] = [
    ("context", Target::Any),
    ("cluster", Target::Any),
    ("user", Target::Any),
    ("namespace", Target::Any),
    ("name", Target::Job),
    ("kind", Target::Job),
    ("resource", Target::Job),
    ("uid", Target::Job),
    ("pod", Target::Replica),
    ("container", Target::Replica),
    ("node", Target::Replica),
];

/// The keys of a command's section, and what each is for.
pub const KEYS: [(&str, &str); 6] = [
    ("run", "program and arguments, a list; fields in braces stand for the object's"),
    ("key", "keys that run it, spelled as in a keymap"),
    ("target", "\"job\", \"replica\" or \"any\": what it is about"),
    ("help", "one sentence for the help"),
    ("changes", "true if it alters the cluster: read-only refuses it then"),
    ("wait", "false if the console comes back without waiting for a key"),
];

/// Reads the file, which need not be there. What is wrong costs only the command it stands in.
pub fn load(path: &Path) -> (Vec<UserCommand>, Vec<Note>) {
    match files::read(path) {
        Ok(Some(file)) => parse(path, &file.text),
        Ok(None) => (Vec::new(), Vec::new()),
        Err(note) => (Vec::new(), vec![note]),
    }
}

fn parse(path: &Path, text: &str) -> (Vec<UserCommand>, Vec<Note>) {
    let (mut commands, mut notes) = (Vec::new(), Vec::new());
    let complain = |byte, what: &str| Note::in_file(Gravity::Warning, path, text, byte, what);
    let table = match DeTable::parse(text) {
        Ok(table) => table.into_inner(),
        Err(error) => {
            notes.push(complain(error.span().map_or(0, |span| span.start), error.message()));
            return (commands, notes);
        }
    };
    let mut sections: Vec<_> = table.iter().collect();
    sections.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in sections {
        let read = match value.get_ref() {
            _ if commands.len() == MOST => Err((name.span().start, format!("there are more than {MOST} commands"))),
            DeValue::Table(table) => section(name.get_ref(), name.span().start, table, text),
            _ => Err((name.span().start, format!("«{0}» must be a section: [{0}]", name.get_ref()))),
        };
        match read {
            Ok(command) => commands.push(command),
            Err((byte, what)) => notes.push(complain(byte, &what)),
        }
    }
    (commands, notes)
}

type Wrong = (usize, String);

fn section(name: &str, at: usize, table: &DeTable<'_>, text: &str) -> Result<UserCommand, Wrong> {
    let named = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if !named {
        return Err((at, format!("«{name}»: a name is of a-z, 0-9 and -")));
    }
    let mut command = UserCommand { name: name.to_owned(), wait: true, ..UserCommand::default() };
    for (key, value) in table {
        let wrong = |what: String| (value.span().start, format!("{}: {what}", key.get_ref()));
        let given = Value::from(value.get_ref());
        match key.get_ref().as_ref() {
            "run" => command.run = given.texts().map_err(wrong)?,
            "key" => {
                let (line, _) = super::notes::line_and_column(text, value.span().start);
                command.key = Some((given.text().map_err(wrong)?, line));
            }
            "target" => command.target = target(given).map_err(wrong)?,
            "help" => command.help = given.text().map_err(wrong)?,
            "changes" => command.changes = given.flag().map_err(wrong)?,
            "wait" => command.wait = given.flag().map_err(wrong)?,
            other => {
                let near = nearest(other, KEYS.map(|(key, _)| key));
                let near = near.map_or(String::new(), |near| format!("; did you mean «{near}»?"));
                return Err((key.span().start, format!("there is no «{other}» in a command{near}")));
            }
        }
    }
    if command.run.first().is_none_or(String::is_empty) {
        return Err((at, format!("«{name}» runs nothing: give run = [\"program\", \"argument\"]")));
    }
    for argument in &command.run {
        pieces(argument, |field| known(field, command.target)).map_err(|what| (at, format!("«{name}»: {what}")))?;
    }
    Ok(command)
}

fn target(value: Value) -> Result<Target, String> {
    match value.text()?.as_str() {
        "any" => Ok(Target::Any),
        "job" => Ok(Target::Job),
        "replica" => Ok(Target::Replica),
        other => Err(format!("«{other}» is not one of job, replica, any")),
    }
}

/// That a field exists and is at hand where the command runs; it is not filled in yet.
fn known(field: &str, target: Target) -> Result<String, String> {
    let Some((_, needs)) = FIELDS.iter().find(|(name, _)| *name == field) else {
        let near = nearest(field, FIELDS.map(|(name, _)| name));
        let near = near.map_or(String::new(), |near| format!("; did you mean {{{near}}}?"));
        return Err(format!("there is no field {{{field}}}{near}"));
    };
    let at_hand = match needs {
        Target::Any => true,
        Target::Job => target != Target::Any,
        Target::Replica => target == Target::Replica,
    };
    let place = if *needs == Target::Replica { "replica" } else { "job" };
    if at_hand { Ok(String::new()) } else { Err(format!("{{{field}}} needs target = \"{place}\"")) }
}

impl UserCommand {
    /// What it is for, or what it runs.
    pub fn about(&self) -> String {
        if self.help.is_empty() { self.run.join(" ") } else { self.help.clone() }
    }

    /// Program and arguments for an object. `field` gives a field's text, or `None` if there is none just now, which is
    /// told as an error.
    pub fn argv(&self, field: impl Fn(&str) -> Option<String>) -> Result<Vec<String>, String> {
        let fill = |name: &str| field(name).ok_or_else(|| format!("there is no {name} here"));
        self.run.iter().map(|argument| pieces(argument, fill)).collect()
    }
}

/// Replaces each `{field}`; `{{` and `}}` stand for braces.
fn pieces(argument: &str, fill: impl Fn(&str) -> Result<String, String>) -> Result<String, String> {
    let (mut filled, mut rest) = (String::new(), argument);
    while let Some(at) = rest.find(['{', '}']) {
        filled.push_str(&rest[..at]);
        let brace = &rest[at..=at];
        if rest[at + 1..].starts_with(brace) {
            filled.push_str(brace);
            rest = &rest[at + 2..];
        } else if let Some(end) = rest[at..].find('}').filter(|_| brace == "{") {
            let field = &rest[at + 1..at + end];
            let text = fill(field)?;
            // The cluster, or somebody's kubeconfig, chose it: `ssh -oProxyCommand=…` would run what it says here.
            if filled.is_empty() && text.starts_with('-') {
                let text = Clean::new(&text);
                return Err(format!("{{{field}}} is «{text}» here, which would be read as an option; nothing was run"));
            }
            filled.push_str(&text);
            rest = &rest[at + end + 1..];
        } else {
            return Err(format!("«{argument}» has a lone {brace}; write {brace}{brace} for the character"));
        }
    }
    filled.push_str(rest);
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<UserCommand>, Vec<String>) {
        let (commands, notes) = parse(Path::new("commands.toml"), text);
        (commands, notes.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn fields_fill_arguments_and_never_become_several() {
        let text = r#"
            [describe]
            key = "ctrl-t"
            run = ["kubectl", "--context={context}", "describe", "{kind}/{name}", "{{literal}}"]
        "#;
        let (commands, notes) = read(text);
        assert_eq!(notes, [""; 0]);
        let describe = &commands[0];
        assert_eq!(
            (describe.key.clone(), describe.target, describe.wait),
            (Some(("ctrl-t".into(), 3)), Target::Job, true)
        );
        let argv = describe.argv(|field| Some(format!("<{field}; rm -rf /> ")));
        let expected = [
            "kubectl",
            "--context=<context; rm -rf /> ",
            "describe",
            "<kind; rm -rf /> /<name; rm -rf /> ",
            "{literal}",
        ];
        assert_eq!(argv.expect("filled"), expected);
        assert_eq!(describe.argv(|_| None), Err("there is no context here".to_owned()));
    }

    #[test]
    fn what_the_cluster_calls_a_thing_never_becomes_an_option() {
        let text = r#"
            [gpus]
            target = "replica"
            run = ["ssh", "{node}", "nvidia-smi"]
            [user]
            target = "replica"
            run = ["ssh", "{user}{node}"]
            [option]
            target = "replica"
            run = ["ssh", "-l{user}", "root@{node}"]
        "#;
        let (commands, notes) = read(text);
        assert_eq!(notes, [""; 0]);
        let hostile = |field: &str| Some(if field == "node" { "-oProxyCommand=x" } else { "" }.to_owned());
        for at in [0, 1] {
            let refused = commands[at].argv(hostile).expect_err("refused");
            assert!(refused.starts_with("{node} is «-oProxyCommand=x» here"), "{refused}");
        }
        assert_eq!(commands[2].argv(hostile).expect("within"), ["ssh", "-l", "root@-oProxyCommand=x"]);
        assert_eq!(commands[0].argv(|_| Some("gpu-1".to_owned())).expect("a name"), ["ssh", "gpu-1", "nvidia-smi"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_costs_only_its_command() {
        let text = "[ok]\nrun = \"true\"\n[Bad]\nrun = [\"x\"]\n[none]\nkey = \"x\"\n[b]\nrun = [\"a\", \"{nmae}\"]\n\
                    [c]\ntarget = \"any\"\nrun = [\"{pod}\"]\n[d]\nrun = [\"}\"]\n[e]\nrnu = 1\n[f]\nrun = [1]\n";
        let (commands, notes) = read(text);
        assert_eq!(commands.len(), 1);
        assert_eq!(
            notes,
            [
                "commands.toml:3:2: «Bad»: a name is of a-z, 0-9 and -",
                "commands.toml:5:2: «none» runs nothing: give run = [\"program\", \"argument\"]",
                "commands.toml:7:2: «b»: there is no field {nmae}; did you mean {name}?",
                "commands.toml:9:2: «c»: {pod} needs target = \"replica\"",
                "commands.toml:12:2: «d»: «}» has a lone }; write }} for the character",
                "commands.toml:15:1: there is no «rnu» in a command; did you mean «run»?",
                "commands.toml:17:7: run: is a list of other things, not a list of texts",
            ]
        );
        let (none, notes) = read("[a\n");
        assert!(none.is_empty() && notes[0].starts_with("commands.toml:1:"), "{notes:?}");
    }
}
