//! The edit of a living job: base, theirs, mine.

use serde_json::{Value, json};

use super::*;
use crate::{
    changes::{Change, Item, Outcome, Report, What},
    cluster::{Problem, ProblemKind},
    console::model::{
        change::{ChangeEffect, ChangeId, ChangeMessage},
        draft::{Purpose, Question, Source},
        page::Soon,
    },
    jobs::{
        Kind, Name, Uid,
        checks::cluster::Said,
        fleet::{Changed, JobKey},
    },
};

const UID: &str = "6f1c6fe5-0f7a-4a1b-9d5f-000000000001";

fn key() -> JobKey {
    JobKey { namespace: Name::lossy("team"), name: Name::lossy("train"), kind: Kind::MpiJob, uid: Uid::new(UID) }
}

fn object() -> Value {
    let pod = json!({"spec": {"containers": [{"name": "c", "image": "a:1"}]}});
    json!({
        "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
        "metadata": {"name": "train", "namespace": "team", "uid": UID, "resourceVersion": "7", "labels": {"team": "cv"}},
        "spec": {"slotsPerWorker": 1, "runPolicy": {"backoffLimit": 3}, "mpiReplicaSpecs": {
            "Launcher": {"replicas": 1, "template": pod},
            "Worker": {"replicas": 2, "template": pod},
        }},
        "status": {"conditions": []},
    })
}

/// The edit of a job, as it opens.
fn editing() -> Harness {
    let mut it = Harness::new(80, 24);
    it.model.session.context = "prod".to_owned();
    it.model.session.user = Clean::new("jane");
    let source = Source { key: key(), purpose: Purpose::Edit };
    it.model.drafts.wanted = Some(source.clone());
    it.send(Message::Draft(DraftMessage::Read(source, Ok(object()))));
    theirs(&mut it, |_| {});
    it
}

/// The job was read again, and somebody had changed this of it.
fn theirs(it: &mut Harness, change: impl FnOnce(&mut Value)) {
    let mut object = object();
    change(&mut object);
    it.send(Message::Draft(DraftMessage::Theirs(DraftId(1), Ok(Some(object)))));
}

/// Puts another text in the place of this one.
fn rewrite(it: &mut Harness, from: &str, to: &str) {
    it.keys("ctrl-f").type_text(&format!("s/{from}/{to}/")).keys("enter");
}

fn sent(it: &Harness) -> Option<(ChangeId, Change)> {
    it.effects.iter().rev().find_map(|effect| match effect {
        Effect::Change(ChangeEffect::Run(id, _, confirmed)) => Some((*id, confirmed.changes()[0].clone())),
        _ => None,
    })
}

fn asked(it: &Harness) -> Vec<Soon> {
    let soon = |effect: &Effect| match effect {
        Effect::Draft(DraftEffect::Theirs(_, _, _, soon)) => Some(*soon),
        _ => None,
    };
    it.effects.iter().filter_map(soon).collect()
}

#[test]
fn only_what_differs_is_sent_for_that_very_job_and_as_it_was_seen() {
    let mut it = editing();
    rewrite(&mut it, "backoffLimit: 3", "backoffLimit: 5");
    it.keys("ctrl-o");
    insta::assert_snapshot!("edit_review_80x24", it.screen());
    assert!(sent(&it).is_none(), "looking sends nothing");
    it.keys("enter");
    let (_, change) = sent(&it).expect("sent");
    assert_eq!(change.subject.uid, Some(Uid::new(UID)));
    let What::Patch { patch, was } = &change.what else { panic!("{change:?}") };
    assert_eq!(**patch, json!({"spec": {"runPolicy": {"backoffLimit": 5}}}));
    assert_eq!(was.as_deref(), Some(&json!({"spec": {"runPolicy": {"backoffLimit": 3}}})));
}

#[test]
fn what_others_change_comes_into_the_text_and_is_told() {
    let mut it = editing();
    rewrite(&mut it, "backoffLimit: 3", "backoffLimit: 5");
    theirs(&mut it, |job| job["metadata"]["labels"]["owner"] = json!("eva"));
    assert!(text(&it).contains("owner: eva") && text(&it).contains("backoffLimit: 5"), "{}", text(&it));
    assert!(it.screen().contains("The job was changed on the server: 1 change"), "{}", it.screen());
    it.keys("ctrl-o enter");
    let (_, change) = sent(&it).expect("sent");
    assert!(matches!(&change.what, What::Patch { patch, .. } if patch.get("metadata").is_none()), "{change:?}");
}

#[test]
fn a_new_status_changes_nothing_and_is_not_told() {
    let mut it = editing();
    let before = it.screen();
    theirs(&mut it, |job| {
        job["status"]["startTime"] = json!("2026-01-01T00:00:00Z");
        job["metadata"]["resourceVersion"] = json!("8");
    });
    assert_eq!(it.screen(), before);
}

/// Both changed the number of workers.
fn contradicting() -> Harness {
    let mut it = editing();
    rewrite(&mut it, "replicas: 2", "replicas: 4");
    theirs(&mut it, |job| job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] = json!(8));
    it
}

#[test]
fn a_contradiction_is_shown_at_once_and_decided_before_anything_is_sent() {
    let mut it = contradicting();
    assert!(it.screen().contains("1 conflict with the server"), "{}", it.screen());
    assert!(text(&it).contains("replicas: 4"), "mine stays until somebody decides");
    it.keys("ctrl-o");
    insta::assert_snapshot!("edit_conflict_80x24", it.screen());
    it.keys("enter");
    assert!(sent(&it).is_none() && it.screen().contains("decide first"), "{}", it.screen());
    it.keys("m enter");
    let (_, change) = sent(&it).expect("sent");
    let What::Patch { patch, was } = &change.what else { panic!("{change:?}") };
    let workers = |n: u32| json!({"spec": {"mpiReplicaSpecs": {"Worker": {"replicas": n}}}});
    assert_eq!((&**patch, was.as_deref()), (&workers(4), Some(&workers(8))));
}

#[test]
fn taking_the_servers_side_leaves_nothing_to_send() {
    let mut it = contradicting();
    it.keys("ctrl-o t");
    assert!(text(&it).contains("replicas: 8") && it.screen().contains("Nothing differs"), "{}", it.screen());
    it.keys("enter");
    assert!(sent(&it).is_none());
    it.keys("esc esc");
    assert!(matches!(it.effects.last(), Some(Effect::Draft(DraftEffect::Discard(_)))), "nothing of it is to be kept");
}

#[test]
fn writing_what_the_server_has_ends_a_contradiction() {
    let mut it = contradicting();
    rewrite(&mut it, "replicas: 4", "replicas: 8");
    assert!(it.model.draft().and_then(|draft| draft.live.as_ref()).is_some_and(|live| live.conflicts.is_empty()));
}

#[test]
fn news_of_the_job_have_it_read_again_one_read_at_a_time() {
    let mut it = editing();
    assert_eq!(asked(&it), [Soon::Now]);
    let news = |it: &mut Harness| {
        let changed = Changed { jobs: vec![key()], ..Changed::default() };
        let effect = super::super::changed(&mut it.model, &changed);
        it.effects.extend(effect);
    };
    news(&mut it);
    news(&mut it);
    assert_eq!(asked(&it), [Soon::Now, Soon::InAMoment]);
    theirs(&mut it, |_| {});
    assert_eq!(asked(&it).len(), 3, "once more for what came meanwhile");
}

#[test]
fn a_job_that_is_gone_can_not_be_changed_and_the_text_stays() {
    let mut it = editing();
    rewrite(&mut it, "backoffLimit: 3", "backoffLimit: 5");
    it.send(Message::Draft(DraftMessage::Theirs(DraftId(1), Ok(None))));
    assert!(it.screen().contains("can't be changed any more"), "{}", it.screen());
    it.keys("ctrl-o enter");
    assert!(sent(&it).is_none());
    assert!(text(&it).contains("backoffLimit: 5"));
    let mut other = editing();
    theirs(&mut other, |job| job["metadata"]["uid"] = json!("another"));
    assert!(other.screen().contains("another one has its name"), "{}", other.screen());
}

#[test]
fn the_name_of_a_job_can_not_be_edited() {
    let mut it = editing();
    rewrite(&mut it, "name: train", "name: other");
    it.keys("ctrl-o enter");
    assert!(sent(&it).is_none() && it.screen().contains("clone it"), "{}", it.screen());
}

#[test]
fn a_refusal_for_what_others_did_reads_the_job_again() {
    let mut it = editing();
    rewrite(&mut it, "backoffLimit: 3", "backoffLimit: 5");
    it.keys("ctrl-o enter");
    let (id, change) = sent(&it).expect("sent");
    let problem = Problem::new(ProblemKind::Conflict, "can't edit MPIJob team/train", "somebody changed it", "Look.");
    let items = vec![Item { change: change.clone(), outcome: Outcome::Failed(problem) }];
    it.send(Message::Change(ChangeMessage::Over(id, Report { items, unlogged: None })));
    assert!(it.screen().contains("somebody changed it"), "{}", it.screen());
    assert_eq!(asked(&it), [Soon::Now, Soon::Now]);
    let items = vec![Item { change, outcome: Outcome::Done(crate::changes::Done::default()) }];
    it.send(Message::Change(ChangeMessage::Over(id, Report { items, unlogged: None })));
    assert!(it.model.draft().is_none(), "it is sent: no draft any more");
}

#[test]
fn an_edit_that_was_left_goes_on_with_what_it_was_compared_with() {
    let it = contradicting();
    let draft = it.model.draft().expect("open");
    let (about, kept) = (draft.about(true), draft.editor.text());
    let loaded = |it: &mut Harness| {
        let read = Ok((about.clone(), Raw::new(kept.clone())));
        it.send(Message::Draft(DraftMessage::Loaded(left(true).key, read)));
    };
    let mut elsewhere = Harness::new(80, 24);
    elsewhere.model.session.context = "other".to_owned();
    loaded(&mut elsewhere);
    assert!(asked(&elsewhere).is_empty(), "it is a job of another cluster");
    elsewhere.keys("ctrl-o enter");
    assert!(elsewhere.screen().contains("context prod: go there"), "{}", elsewhere.screen());
    let mut it = Harness::new(80, 24);
    it.model.session.context = "prod".to_owned();
    loaded(&mut it);
    assert_eq!(asked(&it), [Soon::Now]);
    theirs(&mut it, |job| job["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"] = json!(8));
    assert!(it.screen().contains("1 conflict with the server"), "{}", it.screen());
}

/// What the server was asked to say to: the question and the patch.
fn rehearsed(it: &Harness) -> Vec<(Question, Value)> {
    let of = |effect: &Effect| match effect {
        Effect::Draft(DraftEffect::Rehearse(_, question, of, patch)) if *of == key() => {
            Some((question.clone(), (**patch).clone()))
        }
        _ => None,
    };
    it.effects.iter().filter_map(of).collect()
}

#[test]
fn the_server_says_what_it_thinks_of_an_edit_before_it_is_sent() {
    let mut it = editing();
    it.model.session.phase = crate::console::model::session::Phase::Up;
    rewrite(&mut it, "backoffLimit: 3", "backoffLimit: -5");
    it.keys("ctrl-o");
    let asked = rehearsed(&it);
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].1, json!({"spec": {"runPolicy": {"backoffLimit": -5}}}));
    assert!(it.screen().contains("asking the server's own check"), "{}", it.screen());
    assert!(sent(&it).is_none(), "only rehearsed");

    let words = Clean::new("must be greater than or equal to 0");
    let said = [("/spec/runPolicy/backoffLimit".to_owned(), words)];
    let problems = crate::jobs::checks::Checks::builtin().objections(&said);
    let said = vec![Said { problems, ..Said::default() }];
    it.send(Message::Draft(DraftMessage::Asked(DraftId(1), asked[0].0.clone(), said)));
    let place = it.model.draft().expect("open").problems.iter().find(|p| p.rule == "server-refuses-job");
    assert_eq!(place.map(|p| (p.at.as_str(), p.area)), Some(("/spec/runPolicy/backoffLimit", "cluster")));
    assert!(it.screen().contains("must be greater than or equal to 0"), "{}", it.screen());

    it.keys("esc");
    rewrite(&mut it, "backoffLimit: -5", "backoffLimit: 5");
    let left = it.model.draft().expect("open").problems.iter().any(|p| p.rule == "server-refuses-job");
    assert!(!left, "it was said of another text");
    it.keys("ctrl-o");
    assert_eq!(rehearsed(&it).len(), 2, "asked anew");
}
