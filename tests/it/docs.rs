//! The documentation says what is true.

use std::{fs, path::Path};

use mpideck::{
    cli::keys,
    config::{context, settings},
    console::keymap::Keymap,
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

#[test]
fn the_changelog_and_the_readme_name_this_version_and_the_two_commands() {
    assert!(doc("CHANGELOG.md").contains(env!("CARGO_PKG_VERSION")));
    let readme = doc("README.md");
    let first_screen: String = readme.lines().take(60).collect::<Vec<_>>().join("\n");
    assert!(first_screen.contains("cargo run --release -- demo") && first_screen.contains("cargo test"));
}
