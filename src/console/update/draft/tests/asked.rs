//! What the cluster says before anything is sent.

use super::*;
use crate::{
    console::model::{
        change::ChangeEffect,
        draft::{Haste, Question},
        session::{Phase, Scope, SessionMessage},
    },
    jobs::{
        Kind,
        checks::{
            Checks,
            cluster::{Answer, Facts, Part},
        },
        manifest::text::Document,
        outlook::Outlook,
    },
};

/// A draft while a cluster is there to be asked.
fn connected() -> Harness {
    let mut it = Harness::new(80, 24);
    it.model.session.phase = Phase::Up;
    it.model.session.context = "prod".to_owned();
    it.model.session.user = Clean::new("jane");
    super::super::open(&mut it.model, "new", NEW);
    it
}

/// What was asked last.
fn asked(it: &Harness) -> Option<(DraftId, Question)> {
    it.effects.iter().rev().find_map(|effect| match effect {
        Effect::Draft(DraftEffect::Ask(id, question, _)) => Some((*id, question.clone())),
        _ => None,
    })
}

/// The cluster has answered this much.
fn answered(it: &mut Harness, parts: &[Part], answers: Vec<(Part, Answer)>) {
    let (id, question) = asked(it).expect("it was asked");
    let job = Document::parse(&text(it)).expect("a manifest").value();
    let mut facts = Facts::new("default", parts.iter().cloned());
    for (part, answer) in answers {
        facts.take(part, Ok(answer));
    }
    facts.take(Part::Nodes, Err(Clean::new("nodes is forbidden")));
    facts.take(Part::LimitRanges, Err(Clean::new("nodes is forbidden")));
    let said = Checks::builtin().said(Kind::MpiJob, &job, &facts);
    it.send(Message::Draft(DraftMessage::Asked(id, question, vec![said])));
}

/// The text itself is looked at, and nothing is wrong with it.
fn checked(it: &mut Harness) {
    let draft = it.model.draft().expect("open");
    let report = Checks::builtin().check(&draft.editor.text(), "operator");
    let told = DraftMessage::Checked(draft.id, draft.editor.version, Box::new(report));
    it.send(Message::Draft(told));
}

fn sent(it: &Harness) -> bool {
    it.effects.iter().any(|effect| matches!(effect, Effect::Change(ChangeEffect::Run(..))))
}

fn no_right() -> (Part, Answer) {
    (Part::Right, Answer::No(Clean::new("you can't create resource \"mpijobs\" in the namespace \"default\"")))
}

#[test]
fn the_cluster_is_asked_when_fingers_pause_and_anew_on_the_last_page() {
    let mut it = connected();
    it.type_text("#");
    let (_, first) = asked(&it).expect("asked");
    assert_eq!((first.version, first.haste, first.namespace.as_str()), (1, Haste::Pause, "default"));
    let before = it.effects.len();
    it.keys("down up");
    assert_eq!(it.effects.len(), before, "nothing new is to be asked");
    it.keys("backspace ctrl-o");
    let (_, last) = asked(&it).expect("asked");
    assert_eq!((last.version, last.haste), (2, Haste::Now));
    it.keys("esc ctrl-o");
    let asks = it.effects.iter().filter(|effect| matches!(effect, Effect::Draft(DraftEffect::Ask(..))));
    assert_eq!(asks.count(), 4, "each time the last page opens");
}

#[test]
fn a_draft_that_was_there_before_the_connection_is_asked_about_when_it_stands() {
    let mut it = new();
    it.keys("ctrl-o");
    assert!(asked(&it).is_none() && it.screen().contains("no connection"), "{}", it.screen());
    it.model.session.phase = Phase::Up;
    let told = SessionMessage::Scoped { scope: Scope::default(), choose: false };
    it.send(Message::Session(it.model.session.id, told));
    assert!(asked(&it).is_some());
}

#[test]
fn what_is_wrong_what_is_out_and_what_is_not_told_stand_on_the_last_page() {
    let mut it = connected();
    it.keys("ctrl-o");
    checked(&mut it);
    answered(&mut it, &[Part::Right, Part::Quotas, Part::DryPod("Worker".into())], vec![no_right()]);
    insta::assert_snapshot!("send_asking_80x24", it.screen());
    let quota = serde_json::json!({"metadata": {"name": "few"}, "spec": {"hard": {"pods": "2"}}});
    let answers = vec![no_right(), (Part::Quotas, Answer::Objects(vec![quota]))];
    answered(&mut it, &[Part::Right, Part::Quotas], answers);
    insta::assert_snapshot!("send_refused_80x24", it.screen());
    it.keys("enter");
    assert!(!sent(&it), "it would be refused");
    assert!(it.screen().contains("! sends it all the same"), "{}", it.screen());
    it.keys("!");
    assert!(sent(&it));
}

#[test]
fn enter_before_the_answers_waits_for_them_and_esc_takes_it_back() {
    let mut it = connected();
    it.keys("ctrl-o enter");
    checked(&mut it);
    assert!(!sent(&it) && it.screen().contains("It is sent when the cluster has answered"), "{}", it.screen());
    answered(&mut it, &[Part::Right], vec![]);
    assert!(!sent(&it), "not all is answered");
    answered(&mut it, &[Part::Right], vec![(Part::Right, Answer::Yes)]);
    assert!(sent(&it));
    let mut it = connected();
    it.keys("ctrl-o enter esc");
    checked(&mut it);
    answered(&mut it, &[Part::Right], vec![(Part::Right, Answer::Yes)]);
    assert!(!sent(&it));
    let mut it = connected();
    it.keys("ctrl-o enter");
    checked(&mut it);
    answered(&mut it, &[Part::Right], vec![no_right()]);
    assert!(!sent(&it), "{}", it.screen());
}

#[test]
fn a_long_page_scrolls() {
    let mut it = connected();
    it.model.size = ratatui::layout::Size::new(60, 12);
    it.keys("ctrl-o");
    let quota = |n: usize| serde_json::json!({"metadata": {"name": format!("q{n}")}, "spec": {"hard": {"pods": "1"}}});
    answered(&mut it, &[Part::Quotas], vec![(Part::Quotas, Answer::Objects((0..9).map(quota).collect()))]);
    assert!(it.screen().contains("lines 1-7 of "), "{}", it.screen());
    let before = it.screen();
    it.keys("j pagedown pagedown pagedown pagedown");
    assert!(it.screen().contains("q8") && it.screen() != before, "{}", it.screen());
    it.keys("k k pageup pageup pageup pageup");
    assert_eq!(it.screen(), before);
}

#[test]
fn what_the_cluster_said_moves_with_the_text() {
    let mut it = connected();
    it.type_text("#").keys("enter");
    checked(&mut it);
    answered(&mut it, &[Part::Name], vec![(Part::Name, Answer::No(Clean::new("it is there")))]);
    let line = |it: &Harness| {
        let draft = it.model.draft().expect("open");
        let problem = draft.problems.iter().find(|problem| problem.rule == "name-taken").expect("told");
        problem.place.as_ref().map(|place| place.line)
    };
    assert_eq!(line(&it), Some(5));
    it.keys("enter");
    checked(&mut it);
    assert_eq!(line(&it), Some(6));
}

#[test]
fn whether_it_starts_at_once_is_told_and_what_never_starts_is_not_sent_by_enter() {
    let mut it = connected();
    it.keys("ctrl-o");
    checked(&mut it);
    answered(&mut it, &[Part::Right], vec![(Part::Right, Answer::Yes)]);
    assert!(it.screen().contains("asking who holds what"), "{}", it.screen());
    let tell = |it: &mut Harness, outlook: Outlook| {
        let (id, question) = asked(it).expect("asked");
        it.send(Message::Draft(DraftMessage::Outlook(id, question, vec![outlook])));
    };
    tell(&mut it, Outlook::Starts(Clean::new("all its pods find room on the nodes")));
    assert!(it.screen().contains("Starts    at once: all its pods find room"), "{}", it.screen());
    tell(&mut it, Outlook::Never(Clean::new("queue gpu: needs 32 GPU")));
    it.keys("enter");
    assert!(!sent(&it) && it.screen().contains("It would never start"), "{}", it.screen());
    it.keys("!");
    assert!(sent(&it));
}
