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

fn new() -> Harness {
    let mut it = Harness::new(80, 24);
    it.keys("N");
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
    assert!(it.model.draft().is_none() && it.effects.is_empty(), "{:?}", it.effects);
    it.keys("N").type_text("# q");
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
    let Some(Effect::Editor(id, given)) = it.effects.last().cloned() else { panic!("{:?}", it.effects) };
    let changed = given.for_writing().replace("train", "tune");
    it.send(Message::Draft(DraftMessage::Edited(id, Ok(Raw::new(changed.clone())))));
    assert_eq!(text(&it), changed);
    it.keys("ctrl-u");
    assert_eq!(text(&it), given.for_writing());
}

mod any {
    use proptest::prelude::*;

    use super::*;
    use crate::console::key;

    const KEYS: [&str; 24] = [
        "tab",
        "x",
        "a",
        "space",
        "enter",
        "backspace",
        "del",
        "up",
        "down",
        "left",
        "right",
        "end",
        "home",
        "ctrl-k",
        "ctrl-y",
        "ctrl-u",
        "ctrl-r",
        "ctrl-t",
        "ctrl-d",
        "ctrl-7",
        "ctrl-v",
        "ctrl-w",
        "shift-down",
        "pagedown",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn keys_never_lose_the_cursor_and_undo_leads_back(
            keys in proptest::collection::vec(0..KEYS.len(), 0..60),
            (width, height) in (20..100u16, 5..40u16),
        ) {
            let mut it = Harness::new(width, height);
            it.keys("N");
            let first = text(&it);
            for at in keys {
                for key in key::sequence(KEYS[at]).expect("a key") {
                    it.send(Message::Input(Input::Key(key)));
                }
                let editor = &it.model.draft().expect("open").editor;
                let at = editor.cursor();
                prop_assert!(at.col <= editor.lines()[at.row].chars().count());
                it.screen();
            }
            let mut steps = 0;
            while it.model.draft_mut().expect("open").editor.undo() {
                steps += 1;
                prop_assert!(steps < 100);
            }
            prop_assert_eq!(text(&it), first);
        }
    }
}

mod form {
    use super::*;
    use crate::jobs::{Name, form::Listed};

    fn form(width: u16, height: u16) -> Harness {
        let mut it = Harness::new(width, height);
        it.keys("N tab");
        it
    }

    #[test]
    fn the_form_stands_on_both_screens() {
        let mut it = form(80, 24);
        insta::assert_snapshot!("form_80x24", it.screen());
        it.keys("right right");
        insta::assert_snapshot!("form_launcher_80x24", it.screen());
        insta::assert_snapshot!("form_160x45", form(160, 45).screen());
    }

    #[test]
    fn a_value_is_typed_checked_and_written_into_the_text() {
        let mut it = form(80, 24);
        it.keys("right enter ctrl-u").type_text("0");
        let screen = it.screen();
        assert!(screen.contains("x a whole number from 1 on"), "{screen}");
        it.keys("enter");
        assert!(it.model.draft().expect("open").form.edit.is_some(), "what is wrong stays until it is right");
        it.keys("backspace").type_text("16").keys("enter");
        assert!(text(&it).contains("    Worker:\n      replicas: 16\n"), "{}", text(&it));
        assert_eq!(kept(&it).len(), 1, "one step, kept once");
        it.keys("u");
        assert!(text(&it).contains("    Worker:\n      replicas: 2\n"));
    }

    #[test]
    fn tab_leads_to_the_same_place_in_text_and_form() {
        let mut it = form(80, 24);
        it.keys("down down tab");
        let editor = |it: &Harness| it.model.draft().expect("open").editor.line().trim().to_owned();
        assert_eq!(editor(&it), "image: IMAGE");
        it.keys("ctrl-f").type_text("backoffLimit").keys("enter tab");
        assert!(it.screen().contains("> Attempts again"), "{}", it.screen());
    }

    #[test]
    fn choices_come_from_the_table_and_from_the_cluster() {
        let mut it = form(80, 24);
        let asked = it.effects.iter().find_map(|effect| match effect {
            Effect::Draft(DraftEffect::Names(_, namespace, listed)) => Some((namespace.clone(), listed.clone())),
            _ => None,
        });
        let (namespace, listed) = asked.expect("names are asked for");
        assert!(listed.contains(&Listed::LocalQueues));
        it.keys("down down down down enter").type_text("mpich").keys("enter");
        assert!(text(&it).contains("  mpiImplementation: MPICH\n"), "{}", text(&it));
        it.keys("right right right right right enter");
        assert!(it.screen().contains("reading ..."), "{}", it.screen());
        let names = vec![Name::new("gpu").expect("a name"), Name::new("cpu").expect("a name")];
        it.send(Message::Draft(DraftMessage::Named(namespace, Listed::LocalQueues, Ok(names))));
        it.type_text("gp").keys("enter");
        assert!(text(&it).contains("    kueue.x-k8s.io/queue-name: gpu\n"), "{}", text(&it));
    }

    #[test]
    fn a_text_without_a_form_says_where_it_is_broken() {
        let mut it = Harness::new(80, 24);
        it.keys("N ctrl-f").type_text("spec:").keys("enter").type_text("a: [").keys("tab");
        let draft = it.model.draft().expect("open");
        assert!(it.screen().contains("There is no form of this text: line "), "{}", it.screen());
        assert!(draft.contexts().contains(&crate::console::ids::Context::Editor));
    }
}

mod send {
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
        let problem =
            Problem::new(ProblemKind::Forbidden, "can't create MPIJob default/train", "quota", "Ask for more.");
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
}
