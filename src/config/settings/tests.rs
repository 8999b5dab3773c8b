use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn load_with(text: &str, mode: u32, vars: &[(&str, &str)]) -> (Loaded, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let paths = Paths { config: dir.path().to_owned(), state: dir.path().to_owned() };
    std::fs::write(paths.settings(), text).expect("written");
    std::fs::set_permissions(paths.settings(), std::fs::Permissions::from_mode(mode)).expect("set");
    let env = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    (Config::load(Some(&paths), env), dir)
}

fn notes(text: &str) -> Vec<String> {
    let (loaded, dir) = load_with(text, 0o600, &[]);
    let prefix = format!("{}/", dir.path().display());
    loaded.notes.iter().map(|note| note.to_string().replace(&prefix, "")).collect()
}

#[test]
fn a_variable_wins_over_the_file_and_each_keeps_its_origin() {
    let text =
        "theme = \"dark\"\n\nrequest-timeout = \"1m\"\n[context.\"prod/eu\"]\ncolor = \"red\"\nread-only = true\n";
    let (loaded, dir) = load_with(text, 0o644, &[("MPIDECK_THEME", "light"), ("MPIDECK_ASCII", "1")]);
    assert_eq!(loaded.notes, []);
    let config = loaded.config;
    assert_eq!((config.theme.value.as_str(), config.theme.origin.to_string()), ("light", "$MPIDECK_THEME".into()));
    assert_eq!(config.request_timeout.value, Duration::from_mins(1));
    assert_eq!(config.request_timeout.origin, Origin::File(dir.path().join("config.toml"), 3));
    assert_eq!(config.ascii.value, Some(true));
    let prod = config.context("prod/eu");
    assert_eq!((prod.color.as_deref(), prod.read_only), (Some("red"), Some(true)));
    assert_eq!(config.context("other"), ContextSettings::default());
}

#[test]
fn a_context_says_whether_it_is_recorded_and_a_variable_goes_before() {
    let text = "[context.prod]\nrecord = false\n";
    let (loaded, _dir) = load_with(text, 0o600, &[]);
    assert_eq!((loaded.config.records_in("prod"), loaded.config.records_in("other")), (false, true));
    let (loaded, _dir) = load_with(text, 0o600, &[("MPIDECK_RECORD", "on")]);
    assert!(loaded.config.records_in("prod"));
    let (loaded, _dir) = load_with("[context.oai]\nprofile = \"openshift-ai\"\n", 0o600, &[]);
    assert_eq!(["oai", "x"].map(|name| loaded.config.profile_in(name)), ["openshift-ai", "operator"]);
    let (loaded, _dir) = load_with("record = false\n[context.dev]\nrecord = true\n", 0o600, &[]);
    assert_eq!((loaded.config.records_in("dev"), loaded.config.records_in("other")), (true, false));
}

#[test]
fn mistakes_are_said_with_their_place_and_a_remedy() {
    assert_eq!(notes("mouse = true\nthem = \"x\""), ["config.toml:2:1: unknown key «them»; did you mean «theme»?"]);
    assert_eq!(
        notes("mouse = \"maybe\""),
        ["config.toml:1:9: mouse: «maybe» is neither true nor false; it takes true or false"]
    );
    assert_eq!(
        notes("profile = \"x\""),
        ["config.toml:1:11: profile: «x» is not one of openshift-ai, operator; it takes operator or openshift-ai"]
    );
    assert_eq!(
        notes("[context.a]\nprotect = \"no\""),
        ["config.toml:2:11: protect: «no» is not one of ask, type-name; it takes \"ask\" or \"type-name\""]
    );
    let broken = notes("theme = ");
    assert!(broken[0].starts_with("config.toml:1:") && broken[0].contains("until it is mended"), "{broken:?}");
}

#[test]
fn a_file_with_a_secret_that_others_can_read_is_refused() {
    let text = "theme = \"dark\"\n[prometheus]\ntoken-file = \"/x\"\n";
    let (loaded, _dir) = load_with(text, 0o640, &[]);
    assert_eq!(loaded.config.theme.value, "terminal", "nothing of it may be used");
    assert!(loaded.errors().any(|note| note.to_string().contains("chmod 600")), "{:?}", loaded.notes);
    assert_eq!(load_with(text, 0o600, &[]).0.errors().count(), 0);
}

#[test]
fn every_key_can_be_set_by_its_variable() {
    for (key, ..) in KEYS {
        let text = match *key {
            "request-timeout" | "stall-after" => "5s",
            "log-memory" => "256M",
            "log-streams" | "goal-efficiency" | "goal-speed" => "3",
            "color" => "never",
            "ascii" | "mouse" | "read-only" | "alert-changes" => "true",
            "record" | "alerts" => "off",
            "records-size" | "record-size" => "2G",
            "records-age" => "7d",
            "profile" => "openshift-ai",
            "alert-quota" => "80",
            "alert-signal" => "bell,osc9",
            _ => "x",
        };
        let mut config = Config::default();
        assert_eq!(config.set(key, Value::Text(text.into()), Origin::Default), Ok(true), "{key}");
        assert_ne!(config, Config::default(), "{key}");
    }
}
