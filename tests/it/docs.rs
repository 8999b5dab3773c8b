//! The documentation says what is true.

use std::{collections::BTreeSet, fs, path::Path};

use clap::CommandFactory as _;
use mpideck::{
    cli::{check_rules, keys, verbs::Args},
    config::{context, settings},
    console::keymap::Keymap,
    jobs::checks::Checks,
};

fn doc(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn the_table_of_keys_is_current() {
    let (keymap, complaints) = Keymap::builtin("default");
    assert!(complaints.is_empty());
    let made = keys::as_markdown(&keymap);
    if std::env::var_os("MPIDECK_UPDATE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/keys.md");
        fs::write(path, &made).expect("written");
    }
    assert_eq!(doc("docs/keys.md"), made, "run MPIDECK_UPDATE_DOCS=1 cargo test --test it docs");
}

#[test]
fn the_page_of_checks_is_current() {
    let made = check_rules::as_markdown(&Checks::builtin());
    if std::env::var_os("MPIDECK_UPDATE_DOCS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md");
        fs::write(path, &made).expect("written");
    }
    assert_eq!(doc("docs/checks.md"), made, "run MPIDECK_UPDATE_DOCS=1 cargo test --test it docs");
}

#[test]
fn every_setting_is_documented_and_nothing_else() {
    let text = doc("docs/config.md");
    let keys = settings::KEYS.iter().map(|key| key.0).chain(context::KEYS.iter().map(|key| key.0));
    for key in keys.clone() {
        assert!(text.contains(&format!("| `{key}` |")), "docs/config.md lacks {key}");
    }
    let documented = text.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    for name in documented {
        assert!(keys.clone().any(|key| key == name), "docs/config.md describes {name}, which is no setting");
    }
}

/// `command` and all below it.
fn commands(command: &clap::Command) -> Vec<&clap::Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(commands)).collect()
}

#[test]
fn every_verb_and_flag_is_documented_and_nothing_else() {
    let mut args = Args::command();
    args.build();
    let (text, all) = (doc("docs/cli.md"), commands(&args));
    for name in args.get_subcommands().map(clap::Command::get_name).filter(|name| *name != "help") {
        assert!(text.contains(&format!("| `{name}")), "docs/cli.md lacks the verb {name}");
    }
    let flags: BTreeSet<&str> =
        all.iter().flat_map(|command| command.get_arguments()).filter_map(|arg| arg.get_long()).collect();
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_ascii_lowercase() || *c == '-').collect() };
    let said: BTreeSet<String> = text.match_indices("--").map(|(at, _)| word(&text[at + 2..])).collect();
    let lacking: Vec<_> = flags.iter().filter(|flag| !said.contains(**flag)).collect();
    assert!(lacking.is_empty(), "docs/cli.md lacks {lacking:?}");
    // `|---|` of a table is no flag.
    let unknown: Vec<_> =
        said.iter().filter(|flag| flag.starts_with(char::is_alphabetic) && !flags.contains(flag.as_str())).collect();
    assert!(unknown.is_empty(), "docs/cli.md tells of {unknown:?}, which there is not");
}

#[test]
fn the_changelog_and_the_readme_name_this_version_and_the_two_commands() {
    assert!(doc("CHANGELOG.md").contains(env!("CARGO_PKG_VERSION")));
    let readme = doc("README.md");
    let first_screen: String = readme.lines().take(60).collect::<Vec<_>>().join("\n");
    assert!(first_screen.contains("cargo run --release -- demo") && first_screen.contains("cargo test"));
}
