//! What must hold for every message: no panic at any size, and paste is never keys.

use proptest::prelude::*;
use ratatui::layout::Size;

use crate::console::{
    Effect,
    commands::{self, Context},
    key::Key,
    message::{Input, Message},
    model::{
        overlay::Overlay,
        session::{ContextInfo, Scope, SessionEffect},
    },
    testing::Harness,
};

fn with_contexts() -> Harness {
    let mut it = Harness::new(80, 24);
    it.model.session.contexts = ["one", "two"]
        .map(|name| ContextInfo {
            name: name.to_owned(),
            shown: crate::jobs::Clean::new(name),
            ..ContextInfo::default()
        })
        .to_vec();
    it
}

fn typed() -> impl Strategy<Value = Message> {
    let keys: Vec<Key> = "j k g G n c m q - / : ? esc enter tab space up down ctrl-d ctrl-u ctrl-r 0 1 a s backspace"
        .split(' ')
        .map(|name| name.parse().expect("a key"))
        .collect();
    prop_oneof![
        8 => proptest::sample::select(keys).prop_map(|key| Message::Input(Input::Key(key))),
        1 => "\\PC{0,20}".prop_map(|text| Message::Input(Input::Paste(text))),
        1 => proptest::collection::vec(any::<char>().prop_map(Key::char), 0..20).prop_map(|keys| Message::Input(Input::Burst(keys))),
        1 => (1..200u16, 1..60u16).prop_map(|(w, h)| Message::Input(Input::Resize(Size::new(w, h)))),
        1 => Just(()).prop_map(|()| Message::Deadline),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_messages_at_any_size_do_not_panic(messages in proptest::collection::vec(typed(), 0..60)) {
        let mut it = with_contexts();
        for message in messages {
            it.send(message);
            it.screen();
        }
    }
}

#[test]
fn every_command_runs_on_an_empty_console() {
    for row in commands::all() {
        let mut it = with_contexts();
        super::command(&mut it.model, row.id);
        it.screen();
    }
}

#[test]
fn a_paste_on_the_list_runs_no_command() {
    let mut it = with_contexts();
    it.send(Message::Input(Input::Paste(":q\n".into())));
    assert_eq!(it.effects, []);
    assert!(it.model.overlays.is_empty() && it.screen().contains("not run as keys"));
}

#[test]
fn characters_that_come_at_once_are_text_for_a_prompt_and_never_commands() {
    let burst = |it: &mut Harness, text: &str| {
        let key = |c| if c == '\n' { "enter".parse().expect("a key") } else { Key::char(c) };
        it.send(Message::Input(Input::Burst(text.chars().map(key).collect())));
    };
    let mut it = with_contexts();
    burst(&mut it, "quit now?\nq:q\n");
    assert_eq!(it.effects, []);
    assert!(it.model.overlays.is_empty() && it.screen().contains("not run as keys"), "{}", it.screen());
    // A line for a prompt is one, and what comes after it is not run.
    burst(&mut it, "/resnet-50\nq?");
    assert_eq!((it.model.list.filter.text.as_str(), it.effects.len()), ("resnet-50", 0));
    assert!(it.model.overlays.is_empty(), "{}", it.screen());
    it.keys("/");
    burst(&mut it, " state:failed");
    assert_eq!(it.model.list.filter.text, "resnet-50 state:failed");
}

#[test]
fn the_palette_switches_context_and_scope() {
    let mut it = with_contexts();
    it.keys(":").type_text("ctx two").keys("enter");
    it.keys(":").type_text("ns b,a").keys("enter");
    let opened: Vec<_> = it
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Session(_, SessionEffect::Open { context, scope }) => Some((context.as_str(), scope.clone())),
            _ => None,
        })
        .collect();
    assert_eq!(opened, [("two", None), ("two", Scope::of(["a", "b"]))]);
    it.keys("-");
    assert_eq!(it.model.session.scope, Scope::All);
    assert!(it.screen().contains("two"));
}

#[test]
fn help_lists_the_keys_of_the_view_it_was_asked_in() {
    let mut it = Harness::new(100, 100);
    it.keys("?");
    let screen = it.screen();
    assert!(screen.contains("Job list") && screen.contains("Everywhere") && !screen.contains("Job page"), "{screen}");
    assert_eq!(it.model.contexts(), [Context::Text]);
    it.keys("esc");
    assert!(it.model.overlays.is_empty());
}

#[test]
fn the_scope_picker_takes_typed_names_where_namespaces_are_unreadable() {
    let mut it = with_contexts();
    it.keys("n").type_text("team-x");
    assert!(matches!(it.model.overlays.last(), Some(Overlay::Picker(_))));
    it.keys("enter");
    assert_eq!(it.model.session.scope, Scope::of(["team-x"]).expect("a scope"));
}

#[test]
fn a_command_may_be_begun_only_and_a_mistyped_one_is_guessed() {
    let mut it = with_contexts();
    it.keys(":").type_text("mess").keys("enter");
    assert!(it.screen().contains("Messages"), "{}", it.screen());
    it.keys("esc :").type_text("h").keys("enter");
    assert!(it.screen().contains("no command «h»;"), "several begin so: {}", it.screen());
    it.keys(":").type_text("helth").keys("enter");
    assert!(it.screen().contains("is «health» meant?"), "{}", it.screen());
}

#[test]
fn a_notice_leaves_the_footer_when_its_time_is_over() {
    let mut it = with_contexts();
    it.keys(":").type_text("nonsense").keys("enter");
    assert!(it.screen().contains("no command «nonsense»"));
    let until = it.model.next_deadline().expect("a deadline for the notice");
    it.at(until);
    assert!(!it.screen().contains("nonsense") && it.model.next_deadline().is_none());
    it.keys(":").type_text("messages").keys("enter");
    assert!(it.screen().contains("nonsense"));
}

#[test]
fn debug_asks_what_the_session_cost() {
    let mut it = with_contexts();
    it.keys(":").type_text("debug").keys("enter");
    assert!(it.effects.contains(&Effect::Session(it.model.session.id, SessionEffect::Count)));
}
