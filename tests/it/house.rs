//! The rules of the house that a compiler does not hold: who may use whom, and what may be written where.
//!
//! Reads the sources as text. A rule that has to bend is bent here, with its reason.

mod circles;
mod dependencies;

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

/// Folder, and the folders that it may use. An arrow that is not here is not allowed.
const ARROWS: &[(&str, &[&str])] = &[
    ("console", &["changes", "metrics", "cluster", "logs", "disk", "term", "config", "jobs"]),
    ("cli", &["console", "sim", "changes", "metrics", "cluster", "logs", "disk", "term", "config", "jobs"]),
    ("metrics", &["cluster", "jobs"]),
    ("changes", &["cluster", "disk", "jobs"]),
    ("cluster", &["jobs"]),
    ("disk", &["jobs"]),
    ("config", &["jobs"]),
    ("logs", &["jobs"]),
    ("sim", &["jobs"]),
    ("term", &[]),
    ("jobs", &[]),
    ("lib.rs", &["cli"]),
    ("main.rs", &[]),
];

/// Words that may only be written in some places: word, places (beginnings of paths), why.
const WORDS: &[(&str, &[&str], &str)] = &[
    ("process::Command", &["src/term/child.rs", "src/cluster/credentials"], "only these start programs"),
    ("Color::", &["src/console/theme", "src/term/", "src/cli/args.rs", "src/cli/setup.rs"], "themes have the colours"),
    ("println!", &["src/cli/"], "stdout and stderr belong to cli"),
    ("stdout()", &["src/cli/", "src/term/", "src/changes/visit/"], "stdout and stderr belong to cli"),
    ("stderr()", &["src/cli/", "src/changes/visit/"], "stdout and stderr belong to cli"),
    ("unbounded", &[], "every queue is bounded"),
    ("mpsc::channel()", &[], "every queue is bounded"),
    ("std::env::var", &["src/cli/", "src/cluster/", "src/sim/"], "the environment is read at the edge"),
    (".alter(", &["src/changes/send.rs"], "only changes alter a cluster"),
    (".rehearse(", &["src/cluster/preflight.rs"], "what is rehearsed there keeps nothing"),
    (
        "Confirmed::on_screen",
        &["src/changes/", "src/console/update/change/", "src/console/update/draft/"],
        "a person said yes",
    ),
    ("Confirmed::by_flag", &["src/changes/", "src/cli/"], "a flag said yes"),
    (
        "Confirmed::by_setting",
        &["src/changes/", "src/console/runner/alert.rs"],
        "alert-command and alert-changes said yes",
    ),
    ("TODO", &[], "finish it, or open an issue"),
    ("FIXME", &[], "finish it, or open an issue"),
];

/// Folders that are pure, and what would make them impure.
const PURE: &[&str] = &["src/jobs/", "src/logs/", "src/console/update/", "src/console/view/", "src/console/model/"];
const IMPURE: &[&str] =
    &["tokio::", "kube::", "std::fs", "std::net", "std::env", "std::thread", "std::process", "async fn", ".await"];

/// The sim must not prove our own reasoning with itself: it uses types and quantities only.
const NOT_FOR_SIM: &[&str] = &["derive", "causes", "replica", "replicas", "fleet", "timeline", "checks", "filter"];

const MOST_LINES: usize = 500;

struct Source {
    path: String,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut dirs = vec![root.join("src"), root.join("tests"), root.join("benches")];
    while let Some(dir) = dirs.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.push(read(root, &path));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 50, "the sources were not found under {}", root.display());
    found
}

fn read(root: &Path, path: &PathBuf) -> Source {
    let relative = path.strip_prefix(root).expect("below the root").to_string_lossy().into_owned();
    Source { path: relative, text: fs::read_to_string(path).expect("a source is text") }
}

/// The code of a line, without a comment. A `//` inside a string cuts too much, which no rule minds.
fn code(line: &str) -> &str {
    line.find("//").map_or(line, |at| &line[..at])
}

fn without_comments(text: &str) -> String {
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

/// The sources that are built for tests only: outside `src/`, or declared under `#[cfg(test)]`.
fn is_test(path: &str, sources: &[Source]) -> bool {
    let declared = |stem: &str, parent: &str| {
        let here = |name: &str| sources.iter().find(|source| source.path == name);
        let parent = here(&format!("{parent}/mod.rs")).or_else(|| here(&format!("{parent}.rs")));
        let is_declaration =
            |line: &str| line.trim_start_matches("pub ").strip_prefix("mod ") == Some(&format!("{stem};"));
        parent.is_some_and(|source| {
            let lines: Vec<_> = source.text.lines().map(str::trim).collect();
            lines.windows(2).any(|pair| pair[0] == "#[cfg(test)]" && is_declaration(pair[1]))
        })
    };
    let mut at = path.trim_end_matches(".rs").trim_end_matches("/mod");
    while let Some((parent, stem)) = at.rsplit_once('/') {
        if declared(stem, parent) {
            return true;
        }
        at = parent;
    }
    !path.starts_with("src/")
}

/// Code of a file without its test module, which is last by custom.
fn without_tests(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    without_comments(text)
}

/// First path segments after `crate::`, also of grouped imports.
fn used(text: &str) -> BTreeSet<String> {
    let text = without_comments(text);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices("crate::") {
        let before = text[..at].chars().next_back().unwrap_or(' ');
        if before.is_alphanumeric() || before == '_' || before == '$' {
            continue;
        }
        found.extend(segments(&text[at + "crate::".len()..]));
    }
    found
}

/// The first segments of a path, or of each path in a braced group.
fn segments(rest: &str) -> Vec<String> {
    let Some(group) = rest.strip_prefix('{') else { return segment(rest).into_iter().collect() };
    let (mut depth, mut start, mut found) = (0, 0, Vec::new());
    for (i, c) in group.char_indices() {
        match (c, depth) {
            ('}', 0) => {
                found.extend(segment(&group[start..i]));
                break;
            }
            (',', 0) => {
                found.extend(segment(&group[start..i]));
                start = i + 1;
            }
            ('{', _) => depth += 1,
            ('}', _) => depth -= 1,
            _ => {}
        }
    }
    found
}

fn segment(text: &str) -> Option<String> {
    let text = text.trim_start();
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

fn folder(path: &str) -> &str {
    path.trim_start_matches("src/").split('/').next().unwrap_or_default()
}

fn fail_if_any(rule: &str, offences: &[String]) {
    let mut text = String::new();
    for offence in offences {
        let _ = writeln!(text, "  {offence}");
    }
    assert!(offences.is_empty(), "{rule}\n{text}");
}

#[test]
fn folders_use_only_those_they_may() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/")) {
        let from = folder(&source.path);
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == from) else {
            offences.push(format!("{}: the folder is not in the table of this test", source.path));
            continue;
        };
        let folders: BTreeSet<_> = ARROWS.iter().map(|(name, _)| *name).collect();
        for to in used(&source.text).iter().filter(|to| folders.contains(to.as_str()) && to.as_str() != from) {
            if !allowed.contains(&to.as_str()) {
                offences.push(format!("{}: {from} may not use {to}", source.path));
            }
        }
    }
    fail_if_any("arrows that ARCHITECTURE.md does not allow", &offences);
}

#[test]
fn the_sim_knows_none_of_our_reasoning() {
    let mut offences = Vec::new();
    for source in sources().iter().filter(|source| source.path.starts_with("src/sim/")) {
        let text = without_comments(&source.text);
        for name in NOT_FOR_SIM.iter().filter(|name| text.contains(&format!("jobs::{name}"))) {
            offences.push(format!("{}: uses jobs::{name}", source.path));
        }
    }
    fail_if_any("the sim must not use what it is there to test", &offences);
}

#[test]
fn pure_folders_do_no_work_outside_themselves() {
    let mut offences = Vec::new();
    let sources = sources();
    for source in sources.iter().filter(|s| PURE.iter().any(|p| s.path.starts_with(p)) && !is_test(&s.path, &sources)) {
        let text = without_tests(&source.text);
        for word in IMPURE.iter().filter(|word| text.contains(*word)) {
            offences.push(format!("{}: {word}", source.path));
        }
    }
    fail_if_any("time, files, network and tasks have no place in a pure folder", &offences);
}

#[test]
fn words_stay_in_their_places() {
    let mut offences = Vec::new();
    let sources = sources();
    for source in sources.iter().filter(|source| !is_test(&source.path, &sources)) {
        let text = without_tests(&source.text);
        for (word, places, why) in WORDS {
            let here = text.contains(word) && !places.iter().any(|place| source.path.starts_with(place));
            if here {
                offences.push(format!("{}: {word} ({why})", source.path));
            }
        }
        for line in text.lines().filter(|line| line.contains("[allow(") && !line.contains("reason")) {
            // rustfmt breaks long attributes; the reason is then on a line of its own.
            if line.trim_end().ends_with(")]") {
                offences.push(format!("{}: an allow without a reason: {}", source.path, line.trim()));
            }
        }
    }
    fail_if_any("words out of place", &offences);
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut offences = Vec::new();
    for source in sources() {
        let lines = source.text.lines().count();
        if lines > MOST_LINES {
            offences.push(format!("{}: {lines} lines (at most {MOST_LINES}): split it by subject", source.path));
        }
        if !source.text.starts_with("//!") && !source.path.ends_with("/tests.rs") {
            offences.push(format!("{}: does not begin with //! and what it owns", source.path));
        }
    }
    fail_if_any("files", &offences);
}

#[test]
fn the_reader_of_imports_reads_them() {
    let text = "use crate::jobs::Clean;\n// crate::nobody::x\nuse crate::{\n    term::{a, b::{c}},\n    disk,\n};\n\
                fn f() { crate::config::x(); super::crate_::y(); mycrate::z(); }";
    let found: Vec<_> = used(text).into_iter().collect();
    assert_eq!(found, ["config", "disk", "jobs", "term"]);
    assert_eq!(without_tests("a // b\n#[cfg(test)]\nmod tests {\n x"), "a ");
}
