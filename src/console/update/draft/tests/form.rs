//! The form.

use super::*;
use crate::jobs::{Name, form::Listed};

fn form(width: u16, height: u16) -> Harness {
    let mut it = new_on(width, height);
    it.keys("tab");
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
fn the_form_says_where_a_job_without_a_namespace_goes_and_what_keys_do_while_one_types() {
    let mut it = Harness::new(80, 24);
    super::super::open(&mut it.model, "new", &NEW.replace("  namespace: default\n", ""));
    it.keys("tab");
    assert!(it.screen().contains("Namespace           (default)"), "{}", it.screen());
    it.keys("home enter");
    let footer = it.screen().lines().last().unwrap_or_default().to_owned();
    assert!(footer.starts_with("enter Take it") && footer.contains("esc Leave it as it was"), "{footer}");
    it.keys("esc");
    assert!(it.screen().contains("enter Change"), "{}", it.screen());
}

#[test]
fn tab_leads_to_the_same_place_in_text_and_form() {
    let mut it = form(80, 24);
    it.keys("down down down tab");
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
    it.keys("down down down down down down down enter").type_text("mpich").keys("enter");
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
    let mut it = new();
    it.keys("ctrl-f").type_text("spec:").keys("enter").type_text("a: [").keys("tab");
    let draft = it.model.draft().expect("open");
    assert!(it.screen().contains("There is no form of this text: line "), "{}", it.screen());
    assert!(draft.contexts().contains(&crate::console::ids::Context::Editor));
}
