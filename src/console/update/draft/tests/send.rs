//! The last page.

use super::*;
use crate::{
    changes::{Done, Item, Outcome, Report, What},
    cluster::{Problem, ProblemKind},
    console::model::change::{ChangeEffect, ChangeId, ChangeMessage},
    jobs::Uid,
};

/// The changes that were sent.
fn sent(it: &Harness) -> Option<(ChangeId, Vec<crate::changes::Change>)> {
    it.effects.iter().rev().find_map(|effect| match effect {
        Effect::Change(ChangeEffect::Run(id, _, confirmed)) => Some((*id, confirmed.changes().to_vec())),
        _ => None,
    })
}

fn answered(it: &mut Harness, outcome: &Outcome) {
    let (id, changes) = sent(it).expect("something was sent");
    let items = changes.into_iter().map(|change| Item { change, outcome: outcome.clone() }).collect();
    it.send(Message::Change(ChangeMessage::Over(id, Report { items, unlogged: None })));
}

#[test]
fn the_last_page_says_what_is_made_and_enter_makes_it() {
    let mut it = new();
    it.keys("ctrl-o");
    insta::assert_snapshot!("send_80x24", it.screen());
    assert!(sent(&it).is_none(), "looking sends nothing");
    it.keys("enter enter");
    let (_, changes) = sent(&it).expect("sent");
    let What::Create { manifest, .. } = &changes[0].what else { panic!("{changes:?}") };
    assert_eq!((changes.len(), manifest["spec"]["slotsPerWorker"].as_u64()), (1, Some(1)));
    let runs = it.effects.iter().filter(|effect| matches!(effect, Effect::Change(ChangeEffect::Run(..))));
    assert_eq!(runs.count(), 1, "it is sent once");
    let uid = Some(Uid::new("6f1c6fe5-0f7a-4a1b-9d5f-000000000001"));
    answered(&mut it, &Outcome::Done(Done { uid, note: Clean::default() }));
    assert!(it.model.draft().is_none());
    assert!(it.effects.contains(&Effect::Draft(DraftEffect::Discard(DraftId(1)))));
    assert!(it.model.changes.expected.is_some(), "its page opens when it is there");
}

#[test]
fn a_refusal_leaves_the_draft_as_it_was_and_says_what_to_do() {
    let mut it = new();
    let before = text(&it);
    it.keys("ctrl-o enter");
    let problem = Problem::new(ProblemKind::Forbidden, "can't create MPIJob default/train", "quota", "Ask for more.");
    answered(&mut it, &Outcome::Failed(problem));
    let screen = it.screen();
    assert!(screen.contains("quota") && screen.contains("Ask for more."), "{screen}");
    it.keys("esc");
    assert_eq!(text(&it), before);
    it.keys("ctrl-o enter");
    assert_eq!(sent(&it).map(|(id, _)| id), Some(ChangeId(2)), "it can be sent again");
}

#[test]
fn what_is_no_manifest_is_not_sent_and_read_only_sends_nothing() {
    let mut it = new();
    it.type_text("a: [").keys("ctrl-o");
    assert!(it.screen().contains("This can't be sent: line "), "{}", it.screen());
    let mut it = new();
    it.model.session.read_only = true;
    it.keys("ctrl-o enter");
    assert!(sent(&it).is_none() && it.screen().contains("read-only"), "{}", it.screen());
}
