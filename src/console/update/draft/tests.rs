//! Drafts under keys and messages: what is kept, what is shown, what is sent.

mod any;
mod asked;
mod checks;
mod fixes;
mod form;
mod live;
mod send;
mod start;

use crate::{
    console::{
        effect::Effect,
        message::{Input, Message},
        model::{
            draft::{DraftEffect, DraftId, DraftMessage, Keeping},
            overlay::Overlay,
        },
        testing::Harness,
    },
    disk::drafts::{About, DraftKey, Summary},
    jobs::{Clean, Raw, Secs},
};

const NEW: &str = "\
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata:
  name: train
  namespace: default
spec:
  slotsPerWorker: 1
  runPolicy:
    cleanPodPolicy: Running
    backoffLimit: 3
  mpiReplicaSpecs:
    Launcher:
      replicas: 1
      restartPolicy: Never
      template:
        spec:
          containers:
            - name: launcher
              image: IMAGE
              command: [mpirun, -np, \"2\", hostname]
    Worker:
      replicas: 2
      template:
        spec:
          containers:
            - name: worker
              image: IMAGE
";

fn new() -> Harness {
    new_on(80, 24)
}

/// A draft of a small job on a screen of this size.
fn new_on(width: u16, height: u16) -> Harness {
    let mut it = Harness::new(width, height);
    super::open(&mut it.model, "new", NEW);
    it
}

fn text(it: &Harness) -> String {
    it.model.draft().expect("a draft is open").editor.text()
}

/// The texts that were given to be kept.
fn kept(it: &Harness) -> Vec<String> {
    let text = |effect: &Effect| match effect {
        Effect::Draft(DraftEffect::Keep(_, _, text)) => Some(text.text.for_writing().to_owned()),
        _ => None,
    };
    it.effects.iter().filter_map(text).collect()
}

#[test]
fn every_key_is_kept_and_what_nobody_touched_is_not() {
    let mut it = new();
    it.keys("down down");
    assert_eq!(kept(&it), Vec::<String>::new());
    it.keys("esc");
    assert!(it.model.draft().is_none());
    assert!(!it.effects.iter().any(|effect| matches!(effect, Effect::Draft(DraftEffect::Close(..)))));
    let mut it = new();
    it.type_text("# q");
    let texts = kept(&it);
    assert_eq!(texts.len(), 3);
    assert!(texts[2].starts_with("# qapiVersion: "), "{}", texts[2]);
    it.keys("esc");
    let closed = it.effects.last();
    assert!(
        matches!(closed, Some(Effect::Draft(DraftEffect::Close(_, about))) if !about.open && about.title == "MPIJob train")
    );
}

#[test]
fn letters_are_text_and_never_commands() {
    let mut it = new();
    it.type_text("q:?N");
    assert!(text(&it).starts_with("q:?Napi"));
    it.send(Message::Input(Input::Paste("a\r\nb\rc".to_owned())));
    assert!(text(&it).starts_with("q:?Na\nb\ncapi"), "{}", text(&it));
    it.keys("ctrl-u");
    assert!(text(&it).starts_with("q:?Napi"), "a paste is one step");
}

#[test]
fn a_draft_says_whether_it_is_kept() {
    let mut it = new();
    it.type_text("x");
    let version = it.model.draft().expect("open").editor.version;
    let told = |version, result| Message::Draft(DraftMessage::Kept(DraftId(1), version, result));
    it.send(told(version - 1, Ok(())));
    assert_eq!(it.model.draft().expect("open").keeping, Keeping::Writing, "something was typed since");
    it.send(told(version, Ok(())));
    assert!(it.screen().contains("kept"));
    it.send(told(version, Err(Clean::new("the disk is full"))));
    assert!(it.screen().contains("not kept: the disk is full"), "{}", it.screen());
}

#[test]
fn a_draft_that_can_not_be_kept_comes_back_and_is_lost_only_by_a_yes() {
    let mut it = new();
    it.type_text("x");
    let version = it.model.draft().expect("open").editor.version;
    let told = |result| Message::Draft(DraftMessage::Kept(DraftId(1), version, result));
    it.keys("esc");
    assert!(it.model.draft().is_none() && !it.screen().contains("is kept"), "nobody knows yet: {}", it.screen());
    it.send(told(Err(Clean::new("the disk is full"))));
    assert!(text(&it).starts_with('x'), "its text is there again");
    let screen = it.screen();
    assert!(screen.contains("It can't be kept: the disk is full") && screen.contains("Throw away"), "{screen}");
    it.keys("enter");
    assert!(text(&it).starts_with('x') && it.screen().contains("not kept"), "Cancel goes back to it");
    let before = kept(&it).len();
    it.keys("esc");
    assert_eq!(kept(&it).len(), before + 1, "it is tried once more: there may be room");
    it.send(told(Err(Clean::new("the disk is full"))));
    it.keys("enter esc");
    it.send(told(Ok(())));
    assert!(it.model.draft().is_none() && it.screen().contains("is kept as a draft"), "{}", it.screen());
    assert!(it.model.drafts.closing.is_empty());
}

fn left(open: bool) -> Summary {
    Summary {
        key: DraftKey::new(Secs(9), 1, 1),
        about: About { title: "MPIJob a".into(), origin: "new".into(), open, ..About::default() },
        changed: Secs(999_700),
        bytes: 1_234,
        busy: false,
    }
}

#[test]
fn a_draft_left_open_is_offered_at_the_start_and_a_closed_one_only_told_of() {
    let mut it = Harness::new(80, 24);
    it.send(Message::Draft(DraftMessage::Listed(Ok(vec![left(false)]))));
    assert!(it.model.overlays.is_empty() && it.screen().contains("1 draft not sent yet"), "{}", it.screen());
    let mut it = Harness::new(80, 24);
    it.send(Message::Draft(DraftMessage::Listed(Ok(vec![left(true)]))));
    insta::assert_snapshot!("left_drafts", it.screen());
    it.keys("enter");
    assert_eq!(it.effects.last(), Some(&Effect::Draft(DraftEffect::Load(left(true).key))));
    let read = Ok((left(true).about, Raw::new("kind: MPIJob\n")));
    it.send(Message::Draft(DraftMessage::Loaded(left(true).key, read)));
    assert_eq!(text(&it), "kind: MPIJob\n");
    assert_eq!(kept(&it), ["kind: MPIJob\n"], "from now on it is ours");
}

#[test]
fn throwing_away_asks_and_cancel_comes_first() {
    let mut it = Harness::new(80, 24);
    it.send(Message::Draft(DraftMessage::Listed(Ok(vec![left(true)]))));
    it.keys("del enter");
    assert!(it.effects.is_empty(), "enter on Cancel does nothing");
    it.keys("del right enter");
    assert_eq!(it.effects, [Effect::Draft(DraftEffect::Remove(left(true).key))]);
    assert!(matches!(it.model.overlays.last(), Some(Overlay::Picker(_))));
}

#[test]
fn the_text_stands_on_a_small_screen() {
    let mut it = new();
    it.keys("ctrl-f").type_text("worker").keys("enter ctrl-n");
    insta::assert_snapshot!("yaml_80x24", it.screen());
    it.keys("ctrl-end");
    assert!(it.screen().contains("line 28 of 28"), "{}", it.screen());
}

#[test]
fn another_editor_gives_one_step_back() {
    let mut it = new();
    it.keys("ctrl-e");
    let given = it.effects.iter().find_map(|effect| match effect {
        Effect::Editor(id, text) => Some((*id, text.clone())),
        _ => None,
    });
    let (id, given) = given.expect("the terminal is handed over");
    let changed = given.for_writing().replace("train", "tune");
    it.send(Message::Draft(DraftMessage::Edited(id, Ok(Raw::new(changed.clone())))));
    assert_eq!(text(&it), changed);
    it.keys("ctrl-u");
    assert_eq!(text(&it), given.for_writing());
}

#[test]
fn a_long_line_goes_on_in_the_rows_below_and_its_end_is_seen() {
    let mut it = new_on(40, 12);
    let words: Vec<String> = (0..40).map(|n| format!("w{n}")).collect();
    it.keys("ctrl-home").type_text(&format!("# {}", words.join(" "))).keys("enter");
    it.keys("up end");
    insta::assert_snapshot!("yaml_wrapped_40x12", it.screen());
    assert!(it.screen().contains("w39") && it.screen().contains("# w0"), "{}", it.screen());
    it.type_text(&"x".repeat(400));
    assert!(it.screen().contains("xxx") && !it.screen().contains("w0"), "longer than the screen: its end is seen");
    it.keys("home home");
    assert!(it.screen().contains("# w0"), "{}", it.screen());
}
