//! Without a terminal: one screen as text, at once, or a refusal that says what to do.

use std::{
    process::{Command, Output, Stdio},
    time::Duration,
};

use crate::pty::now;

fn mpideck(args: &[&str]) -> Output {
    let home = tempfile::tempdir().expect("a home");
    #[expect(clippy::disallowed_methods, reason = "a test runs the program")]
    let mut command = Command::new(env!("CARGO_BIN_EXE_mpideck"));
    command.env_clear().env("HOME", home.path()).env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8");
    command.args(args).stdin(Stdio::null()).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn a_minute_of_the_demo_is_printed_at_once() {
    let begun = now();
    let out = mpideck(&["demo", "--once", "--at", "60s", "--size", "120x40"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited: {:?}", begun.elapsed());
    let screen = text(&out.stdout);
    assert_eq!(out.status.code(), Some(0), "{}", text(&out.stderr));
    assert_eq!(text(&out.stderr), "");
    assert!(screen.contains("live") && screen.contains("NAMESPACE"), "{screen}");
    assert!(screen.contains("flash_attn"), "only a log says which module is missing:\n{screen}");
    assert!(screen.lines().count() <= 40 && screen.lines().all(|line| line.chars().count() <= 120), "{screen}");
    assert!(!screen.contains('\x1b') && screen.lines().all(|line| line == line.trim_end()), "{screen:?}");
    let begin = mpideck(&["demo", "--once", "--at", "0s", "--size", "120x40"]);
    let jobs = |screen: &str| screen.split("Jobs 1 of ").nth(1)?.split_whitespace().next()?.parse::<u32>().ok();
    let before = jobs(&text(&begin.stdout));
    assert!(before.is_some() && jobs(&screen) > before, "nothing happened in a minute:\n{screen}");
}

#[test]
fn a_screen_has_colours_only_where_they_are_asked_for() {
    let painted = text(&mpideck(&["demo", "--once", "--fleet", "empty", "--color", "16"]).stdout);
    let plain = text(&mpideck(&["demo", "--once", "--fleet", "empty"]).stdout);
    assert!(painted.contains("\x1b["), "{painted}");
    let parts = painted.split("\x1b[").enumerate();
    let stripped: String = parts.map(|(i, part)| if i == 0 { part } else { part.split_once('m').unwrap().1 }).collect();
    assert_eq!(stripped.trim_end().lines().next(), plain.lines().next());
    assert!(!plain.contains('\x1b'));
}

#[test]
fn a_cluster_that_can_not_be_reached_is_a_screen_and_code_1() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("config");
    let cluster = r#"{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}"#;
    let config = format!(
        r#"{{"apiVersion": "v1", "kind": "Config", "current-context": "x", "clusters": [{cluster}],
            "contexts": [{{"name": "x", "context": {{"cluster": "c", "user": "u"}}}}],
            "users": [{{"name": "u", "user": {{"token": "t"}}}}]}}"#
    );
    std::fs::write(&file, config).expect("written");
    let out = mpideck(&["--once", "--kubeconfig", &file.to_string_lossy()]);
    assert_eq!(out.status.code(), Some(1), "{}{}", text(&out.stdout), text(&out.stderr));
    assert!(!text(&out.stdout).trim().is_empty() && text(&out.stderr).starts_with("error: "));
}

#[test]
fn no_terminal_is_refused_with_what_to_do() {
    for args in [&["demo"][..], &[]] {
        let out = mpideck(args);
        assert_eq!(out.status.code(), Some(2));
        assert_eq!(text(&out.stdout), "");
        assert!(text(&out.stderr).contains("needs a terminal") && text(&out.stderr).contains("--once"));
    }
}
