//! Commands around the launcher's program: before it, after it, when it failed. They stand in the manifest for all to
//! read, as a shell script with the program in its middle.
//!
//! A script that was written otherwise is taken as the program.

use serde_json::{Value, json};

use super::{Shown, words};
use crate::jobs::manifest::text::{Change, Document, joined};

/// When commands run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hook {
    /// Before the program; if they fail, it does not begin.
    Before,
    /// When the program failed.
    OnFailure,
    /// After it, however it ended.
    After,
}

const BEFORE: &str = "# before";
const PROGRAM: &str = "# the program";
const ON_FAILURE: &str = "# on failure";
const AFTER: &str = "# after";
const END: &str = "# the end";
/// The exit code is the program's, whatever runs after it.
const STATUS: &str = "status=$?";
const FAILED: &str = "if [ \"$status\" -ne 0 ]; then";
const EXIT: &str = "exit \"$status\"";

/// A script by its parts, lines each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Script {
    before: Vec<String>,
    program: Vec<String>,
    on_failure: Vec<String>,
    after: Vec<String>,
}

impl Script {
    /// Reads what [`Script::text`] wrote; `None` for a script of another kind.
    fn parse(text: &str) -> Option<Self> {
        let (mut script, mut part) = (Self::default(), "");
        for line in text.lines() {
            match line.trim_end() {
                mark @ (BEFORE | PROGRAM | ON_FAILURE | AFTER | END) => part = mark,
                line => match part {
                    BEFORE if line == "set -e" || line == "set +e" => {}
                    BEFORE => script.before.push(line.to_owned()),
                    PROGRAM if line == STATUS => {}
                    PROGRAM => script.program.push(line.to_owned()),
                    ON_FAILURE if line == FAILED || line == "fi" => {}
                    ON_FAILURE => script.on_failure.push(line.strip_prefix("  ").unwrap_or(line).to_owned()),
                    AFTER => script.after.push(line.to_owned()),
                    END if line == EXIT => {}
                    _ => return None,
                },
            }
        }
        (part == END).then_some(script)
    }

    fn text(&self) -> String {
        let mut lines: Vec<String> = Vec::new();
        let mut add = |line: &str| lines.push(line.to_owned());
        if !self.before.is_empty() {
            [BEFORE, "set -e"].into_iter().for_each(&mut add);
            self.before.iter().for_each(|line| add(line));
            add("set +e");
        }
        add(PROGRAM);
        self.program.iter().for_each(|line| add(line));
        add(STATUS);
        if !self.on_failure.is_empty() {
            [ON_FAILURE, FAILED].into_iter().for_each(&mut add);
            self.on_failure.iter().for_each(|line| add(&format!("  {line}")));
            add("fi");
        }
        if !self.after.is_empty() {
            add(AFTER);
            self.after.iter().for_each(|line| add(line));
        }
        [END, EXIT].into_iter().for_each(&mut add);
        lines.join("\n") + "\n"
    }

    fn part(&self, hook: Hook) -> &[String] {
        match hook {
            Hook::Before => &self.before,
            Hook::OnFailure => &self.on_failure,
            Hook::After => &self.after,
        }
    }

    fn set(&mut self, hook: Hook, lines: Vec<String>) {
        match hook {
            Hook::Before => self.before = lines,
            Hook::OnFailure => self.on_failure = lines,
            Hook::After => self.after = lines,
        }
    }

    fn has_hooks(&self) -> bool {
        [Hook::Before, Hook::OnFailure, Hook::After].into_iter().any(|hook| !self.part(hook).is_empty())
    }
}

/// What the container at this path does at a hook.
pub(super) fn read(document: &Document, container: &str, hook: Hook) -> Shown {
    let script = script_of(&told(document, container)).and_then(|text| Script::parse(&text));
    match script.as_ref().map(|script| script.part(hook)) {
        None | Some([]) => Shown::Unset,
        Some([line]) => Shown::Text(line.clone()),
        Some(lines) => Shown::Long(format!("{} commands", lines.len())),
    }
}

/// The changes that make it do this; nothing typed takes it away.
pub(super) fn write(document: &Document, container: &str, hook: Hook, typed: &str) -> Result<Vec<Change>, String> {
    let told = told(document, container);
    let written = script_of(&told);
    let mut script = match &written {
        Some(text) => Script::parse(text)
            .unwrap_or_else(|| Script { program: text.lines().map(str::to_owned).collect(), ..Script::default() }),
        None if told.is_empty() => {
            return Err("say what the launcher runs first: the image's own command is not known here".to_owned());
        }
        None => Script {
            program: vec![told.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")],
            ..Script::default()
        },
    };
    script.set(hook, if typed.is_empty() { Vec::new() } else { vec![typed.to_owned()] });
    let set = |field: &str, value: Value| Change::Set(joined(container, field), value);
    if script.has_hooks() {
        return Ok(vec![set("command", json!(["/bin/sh", "-c"])), set("args", json!([script.text()]))]);
    }
    // Nothing is around it any more: the program stands alone again, without a shell where it needs none.
    match script.program.as_slice() {
        [line] if !needs_shell(line) => {
            let words = words::split(line).ok_or("a quote of the program is not closed: change it in the text")?;
            Ok(vec![set("command", json!(words)), Change::Remove(joined(container, "args"))])
        }
        lines => Ok(vec![set("command", json!(["/bin/sh", "-c"])), set("args", json!([lines.join("\n") + "\n"]))]),
    }
}

/// Command and arguments.
fn told(document: &Document, container: &str) -> Vec<String> {
    let words = |field: &str| match document.get(&joined(container, field)) {
        Some(Value::Array(items)) => {
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect()
        }
        _ => Vec::new(),
    };
    [words("command"), words("args")].concat()
}

/// The script that a shell is given.
fn script_of(told: &[String]) -> Option<String> {
    let [shell, flag, script] = told else { return None };
    let shell = shell.rsplit('/').next().unwrap_or_default();
    (matches!(shell, "sh" | "bash" | "ash" | "dash") && flag == "-c").then(|| script.clone())
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

/// Whether a line says more to a shell than words.
fn needs_shell(line: &str) -> bool {
    let mut quote = false;
    line.chars().any(|c| {
        quote ^= c == '\'';
        !quote && "$`*?[]{}()<>|&;~#!\"\\".contains(c) && c != '\\'
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::jobs::manifest::text::changed;

    const AT: &str = "/c";

    fn after(text: &str, hook: Hook, typed: &str) -> String {
        let document = Document::parse(text).expect("YAML");
        changed(text, &write(&document, AT, hook, typed).expect("written")).expect("edited")
    }

    fn shown(text: &str, hook: Hook) -> Shown {
        read(&Document::parse(text).expect("YAML"), AT, hook)
    }

    #[test]
    fn commands_stand_around_the_program_and_go_again() {
        let text = "c:\n  image: a # mine\n  command: [mpirun, -np, \"8\", python, train.py, --name, it's new]\n";
        let one = after(text, Hook::Before, "pip install -r requirements.txt");
        assert_eq!(shown(&one, Hook::Before), Shown::Text("pip install -r requirements.txt".into()));
        assert!(one.contains("mpirun -np 8 python train.py --name 'it'\\''s new'"), "{one}");
        let two = after(&one, Hook::OnFailure, "cat /tmp/errors");
        let three = after(&two, Hook::After, "touch /data/done");
        assert!(three.contains("if [ \"$status\" -ne 0 ]; then\n") && three.contains("exit \"$status\""), "{three}");
        assert_eq!(shown(&three, Hook::OnFailure), Shown::Text("cat /tmp/errors".into()));
        let back =
            [Hook::Before, Hook::OnFailure, Hook::After].iter().fold(three, |text, hook| after(&text, *hook, ""));
        let document = Document::parse(&back).expect("YAML");
        assert_eq!(document.get("/c/command"), Document::parse(text).expect("YAML").get("/c/command"), "{back}");
        assert!(document.get("/c/args").is_none() && back.contains("# mine"), "{back}");
    }

    #[test]
    fn a_script_of_ones_own_is_the_program_and_an_unknown_program_is_asked_for() {
        let text = "c:\n  command: [bash, -c]\n  args: [\"cd /work\\nmpirun train | tee log\\n\"]\n";
        let one = after(text, Hook::After, "ls");
        assert!(one.contains("mpirun train | tee log"), "{one}");
        let back = after(&one, Hook::After, "");
        let script = Document::parse(&back).expect("YAML").get("/c/args/0");
        assert_eq!(script, Some(json!("cd /work\nmpirun train | tee log\n")));
        let document = Document::parse("c: {image: a}\n").expect("YAML");
        assert!(write(&document, AT, Hook::Before, "ls").is_err_and(|why| why.contains("runs first")));
    }

    proptest! {
        #[test]
        fn a_script_is_read_as_it_was_written(
            before in prop::collection::vec("[a-z ]{1,8}[a-z]", 0..3), program in prop::collection::vec("[a-z |]{1,8}[a-z]", 1..3),
            on_failure in prop::collection::vec("[a-z]{1,8}", 0..3), after in prop::collection::vec("[a-z]{1,8}", 0..3),
        ) {
            let script = Script { before, program, on_failure, after };
            prop_assert_eq!(Script::parse(&script.text()), Some(script));
        }
    }
}
