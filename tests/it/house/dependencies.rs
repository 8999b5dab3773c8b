//! What we build on: under which licences, and nothing twice that must be one.
//!
//! Asks cargo what it really builds, without a network. `cargo metadata` would name optional crates, too.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use super::fail_if_any;

/// Licences that go with Apache-2.0. MPL-2.0 is for two crates whose sources we don't change.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Crates whose types go from one to the other, or that keep a state for the whole process: a second version would not
/// be seen by the first. Beginnings of names.
const ONE_VERSION: &[&str] =
    &["ratatui", "crossterm", "kube", "k8s-openapi", "hyper", "rustls", "tokio", "serde_json", "jiff"];

/// Name, version and licence of every crate that is built for this platform, tests included.
#[expect(clippy::disallowed_methods, reason = "who else knows what is built")]
fn crates() -> BTreeSet<(String, String, String)> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let told = Command::new(cargo)
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal,build,dev",
            "--prefix",
            "none",
            "--format",
            "{p}|{l}",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let text = String::from_utf8(told.stdout).expect("text");
    let line = |line: &str| {
        let (package, licence) = line.trim_end_matches(" (*)").split_once('|')?;
        let mut words = package.split_whitespace();
        let (name, version) = (words.next()?, words.next()?);
        Some((name.to_owned(), version.to_owned(), licence.to_owned()))
    };
    let found: BTreeSet<_> = text.lines().filter_map(line).collect();
    assert!(found.len() > 100, "{text}");
    found
}

/// Whether an SPDX expression leaves us a choice that is in [`LICENCES`]. `/` is the older way to write OR.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (allowed, rest) = any_of(&words);
    allowed && rest.is_empty()
}

/// `a OR b`.
fn any_of<'w>(words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
    let (mut allowed, mut rest) = all_of(words);
    while let ["OR", more @ ..] = rest {
        let (other, after) = all_of(more);
        (allowed, rest) = (allowed | other, after);
    }
    (allowed, rest)
}

/// `a AND b`, which binds stronger.
fn all_of<'w>(words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
    let (mut allowed, mut rest) = one(words);
    while let ["AND", more @ ..] = rest {
        let (other, after) = one(more);
        (allowed, rest) = (allowed & other, after);
    }
    (allowed, rest)
}

fn one<'w>(words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
    match words {
        ["(", inner @ ..] => {
            let (allowed, rest) = any_of(inner);
            rest.strip_prefix(&[")"]).map_or((false, rest), |rest| (allowed, rest))
        }
        [licence, "WITH", exception, rest @ ..] => {
            (LICENCES.contains(&format!("{licence} WITH {exception}").as_str()), rest)
        }
        [licence, rest @ ..] => (LICENCES.contains(licence), rest),
        [] => (false, words),
    }
}

#[test]
fn what_we_build_on_may_be_given_away_with_us() {
    let wrong: Vec<String> = crates()
        .into_iter()
        .filter(|(_, _, licence)| !is_allowed(licence))
        .map(|(name, version, licence)| format!("{name} {version}: {licence:?}"))
        .collect();
    fail_if_any("licences that are not in the list of this test", &wrong);
}

#[test]
fn what_must_be_one_is_built_once() {
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, version, _) in crates() {
        versions.entry(name).or_default().insert(version);
    }
    let must_be_one = |name: &str| ONE_VERSION.iter().any(|beginning| name.starts_with(beginning));
    let missing: Vec<String> =
        ONE_VERSION.iter().filter(|name| !versions.contains_key(**name)).map(ToString::to_string).collect();
    fail_if_any("crates that this test asks about and nobody uses", &missing);
    let twice: Vec<String> = versions
        .into_iter()
        .filter(|(name, versions)| must_be_one(name) && versions.len() > 1)
        .map(|(name, versions)| format!("{name}: {}", versions.into_iter().collect::<Vec<_>>().join(", ")))
        .collect();
    fail_if_any("crates of which two versions are built (see `cargo tree -d`)", &twice);
}

#[test]
fn a_licence_is_read_as_spdx_has_it() {
    for (expression, allowed) in [
        ("MIT", true),
        ("GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT", true),
        ("MIT/GPL-3.0", true),
        ("MIT AND GPL-3.0-only", false),
        ("GPL-3.0-only OR MIT AND ISC", true),
        ("(GPL-3.0-only OR MIT) AND GPL-2.0-only", false),
        ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
        ("Apache-2.0 WITH LLVM-exception", true),
        ("Apache-2.0 WITH something-else", false),
        ("(MIT", false),
        ("MIT ISC", false),
        ("", false),
    ] {
        assert_eq!(is_allowed(expression), allowed, "{expression}");
    }
}
