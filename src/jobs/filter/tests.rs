//! Values first, then: any text parses, printing is stable, and matching never fails.

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::jobs::{
    fleet::Job,
    kind::Kind,
    row::{JobRow, PodRow},
    state::{Cause, Derived, Failure, State},
    text::{Name, Sym, Uid},
    time::Secs,
};

const NOW: Secs = Secs(1_793_497_600); // 2026-11-01T01:46:40Z

fn job(namespace: &str, name: &str) -> Job {
    let mut row = JobRow::bare(Kind::MpiJob, Name::lossy(namespace), Name::lossy(name), Uid::new(name));
    row.created = Secs(NOW.0 - 7200);
    row.queue = Some(Sym::new("gold"));
    row.labels = [("app", "x"), ("team", "vision")].map(|(k, v)| (Sym::new(k), Sym::new(v))).into();
    let derived = Derived {
        state: State::Failed(Failure::BackOff),
        cause: Some(Cause {
            rule: "oom-killed".into(),
            class: "memory".into(),
            title: Clean::new("Worker 2: out of memory"),
            brief: Clean::new("Worker 2: out of memory"),
            remedy: Clean::default(),
            evidence: Box::default(),
            replica: None,
            node: None,
            rank: None,
            sure: 95,
            consequences: Box::default(),
            recovers: false,
        }),
        reported: Sym::new("Failed"),
        disagrees: false,
        ready: 3,
        total: 4,
        gpus: 32,
        leaked_gpus: 0,
        progress: None,
        restarts: 1,
        started: Some(Secs(NOW.0 - 7000)),
        finished: Some(Secs(NOW.0 - 3000)),
        valid_until: None,
    };
    Job { row, derived: Arc::new(derived) }
}

fn keeps(text: &str, job: &Job) -> bool {
    let pod = PodRow { node: Some(Sym::new("gpu-node-7")), ..PodRow::default() };
    let parsed = parse(text);
    assert_eq!(parsed.hints, [], "{text}");
    parsed.filter.matches(Subject { job, pods: &[&pod] }, NOW, &mut Scratch::default())
}

#[test]
fn terms_keep_what_they_say() {
    let job = job("team-a", "train-llama-7b");
    let yes = [
        "",
        "llama",
        "tl7",
        "team-a/train",
        "Worker",
        "memory oom-killed",
        "gold",
        "failed",
        "\"of memory\"",
        "/llama-[0-9]b/",
        "/^train/ !/bert/",
        "!bert",
        "ns:team",
        "ns:=team-a",
        "ns:team-*",
        "ns:b,team-a",
        "kind:mpi",
        "kind:MPIJob,tf",
        "state:failed",
        "state:fail,running",
        "queue:gold",
        "user:\"\"",
        "node:gpu-node-7",
        "node:other,node-7",
        "cause:\"out of\"",
        "cause:oom",
        "gpu>=8",
        "gpu=4,32",
        "gpus<33",
        "workers>3 restarts>0",
        "ready:3",
        "age<3h",
        "age>1h59m",
        "duration>1h !duration>2h",
        "created:2026-10-31..2026-11-01",
        "created:2026-10-31",
        "created:..2026-11-02",
        "created:2026-10-01..",
        "finished:2026-11-01T00:56",
        "label:app=x",
        "label:app",
        "label:app!=y",
        "label:app=y,x",
        "label:!gone",
        "!label:app=y",
        "attention",
        "is:finished,active",
        "NS:team-a",
        "!!llama",
    ];
    for text in yes.iter().filter(|t| **t != "memory oom-killed") {
        assert!(keeps(text, &job), "{text}");
    }
    let no = [
        "bert",
        "!llama",
        "LLAMA",
        "ns:=team",
        "ns:b",
        "kind:tf",
        "state:running",
        "queue:\"\"",
        "node:node-8",
        "gpu<32",
        "age>3h",
        "duration>2h",
        "created:2026-11-01",
        "label:app=y",
        "label:gone",
        "!attention",
        "is:active",
        "/LLAMA/",
        "llama ns:b",
        "\"llama train\"",
    ];
    for text in no {
        assert!(!keeps(text, &job), "{text}");
    }
}

#[test]
fn letters_strewn_over_a_name_are_no_match() {
    let job = job("research", "bert-pretraining-large");
    assert!(keeps("bpl", &job) && keeps("bertlarge", &job));
    assert!(!keeps("rrr", &job) && !keeps("bnr", &job));
}

fn hint(text: &str) -> (Range<usize>, String, bool) {
    let hint = parse(text).hints.into_iter().next().expect("a hint");
    (hint.span, hint.text.as_str().to_owned(), hint.partial)
}

#[test]
fn what_is_not_understood_is_a_hint_with_its_place_and_the_rest_applies() {
    let table = [
        ("a nsp:x", 2..7, "Did you mean ns:?", false),
        ("ns:", 0..3, "part of it", true),
        ("!", 0..1, "not what?", true),
        ("/a[", 0..3, "unclosed character class", true),
        ("/a[/", 0..4, "unclosed character class", false),
        ("/abc", 0..4, "close it with /", true),
        ("\"abc", 0..4, "quote", true),
        ("gpu>", 0..4, "how many", true),
        ("gpu>x", 0..5, "whole number", false),
        ("age<2", 0..5, "unit", true),
        ("age=2h", 0..6, "compare", false),
        ("created:2026-11", 0..15, "write a day", true),
        ("created:2026-02-30", 0..18, "there is no", false),
        ("created:2026-11-07..2026-11-01", 0..30, "is before", false),
        ("x kind:foo", 2..10, "mpi, train, pytorch", false),
        ("state:foo", 0..9, "failed, degraded", false),
        ("is:att", 0..6, "attention", true),
        ("label:", 0..6, "label:key=value", true),
        ("label:a=b$", 0..10, "value", false),
    ];
    for (text, span, part, partial) in table {
        let (at, says, is_partial) = hint(text);
        assert!(at == span && says.contains(part) && is_partial == partial, "{text}: {at:?} {says} {is_partial}");
    }
    let parsed = parse("llama kind:foo gpu>8");
    assert_eq!(parsed.filter.to_string(), "llama gpu>8");
}

#[test]
fn labels_become_a_selector_that_the_server_understands() {
    let selector = |text: &str| parse(text).filter.selector();
    assert_eq!(selector("llama"), None);
    assert_eq!(selector("label:app=x x label:team"), Some("app=x,team".to_owned()));
    assert_eq!(selector("label:app=x,y,tier!=z"), Some("app in (x,y),tier!=z".to_owned()));
    assert_eq!(selector("!label:app=x"), Some("app!=x".to_owned()));
    assert_eq!(selector("!label:app label:k8s.io/a"), Some("!app,k8s.io/a".to_owned()));
    assert_eq!(selector("!label:a=b,c=d"), None);
}

#[test]
fn time_changes_the_answer_when_it_says_so() {
    let job = job("a", "b");
    let filter = parse("age<3h").filter;
    let at = filter.changes_at(&job, NOW).expect("a moment");
    let subject = Subject { job: &job, pods: &[] };
    let mut scratch = Scratch::default();
    assert!(filter.matches(subject, Secs(at.0 - 1), &mut scratch));
    assert!(!filter.matches(subject, at, &mut scratch));
    assert_eq!(parse("duration>1d").filter.changes_at(&job, NOW), None, "it has ended");
}

#[test]
fn every_state_has_its_word() {
    for word in crate::jobs::state::WORDS {
        assert_eq!(parse(&format!("state:{word}")).hints, []);
    }
}

fn fragments() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "a",
        "B",
        "llama",
        " ",
        "  ",
        "!",
        "/",
        "\"",
        "\\",
        ",",
        ":",
        "=",
        "*",
        "<",
        ">",
        ">=",
        "..",
        "ns",
        "kind",
        "state",
        "label",
        "gpu",
        "age",
        "created",
        "is",
        "attention",
        "2h",
        "8",
        "2026-11-01",
        "T10:30",
        "Z",
        "mpi",
        "failed",
        "app",
        "(",
        "[",
        "é",
        "日",
        "\u{202e}",
        "-",
        ".",
    ]);
    prop::collection::vec(pieces, 0..14).prop_map(|p| p.concat())
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let parsed = parse(text);
    for hint in &parsed.hints {
        prop_assert!(text.get(hint.span.clone()).is_some_and(|s| !s.is_empty()), "{hint:?}");
    }
    let printed = parsed.filter.to_string();
    let again = parse(&printed);
    prop_assert_eq!(&again.filter, &parsed.filter, "{} -> {}", text, printed);
    prop_assert_eq!(&again.hints, &vec![], "{}", printed);
    prop_assert_eq!(again.filter.to_string(), printed);
    let job = job("team-a", "train");
    parsed.filter.matches(Subject { job: &job, pods: &[] }, NOW, &mut Scratch::default());
    Ok(())
}

proptest! {
    #[test]
    fn any_text_parses_and_prints_the_same(text in ".{0,40}") {
        check(&text)?;
    }

    #[test]
    fn likely_texts_parse_and_print_the_same(text in fragments()) {
        check(&text)?;
    }
}
