//! Problems, completion and explanation.

use super::*;
use crate::jobs::checks::Checks;

/// The checks answered for the text as it is.
fn checked(it: &mut Harness) {
    let draft = it.model.draft().expect("open");
    let (id, version) = (draft.id, draft.editor.version);
    let report = Checks::builtin().check(&draft.editor.text(), "operator");
    it.send(Message::Draft(DraftMessage::Checked(id, version, Box::new(report))));
}

#[test]
fn a_problem_stands_at_its_line_and_below_its_field() {
    let mut it = new();
    it.keys("ctrl-f").type_text("s/replicas: 2/replicas: 0/").keys("enter");
    checked(&mut it);
    it.keys("ctrl-n");
    insta::assert_snapshot!("yaml_problem_80x24", it.screen());
    it.keys("tab");
    assert!(it.screen().contains("  x "), "{}", it.screen());
    it.keys("ctrl-o");
    assert!(it.screen().contains("refused by event"), "{}", it.screen());
    it.keys("enter");
    assert!(it.screen().contains("The checks say: refused by event; ! sends it all the same"), "{}", it.screen());
}

#[test]
fn an_answer_about_an_older_text_is_not_shown() {
    let mut it = new();
    let draft = it.model.draft().expect("open");
    let (id, version) = (draft.id, draft.editor.version);
    let report = Checks::builtin().check("a: [", "operator");
    it.type_text("x").send(Message::Draft(DraftMessage::Checked(id, version, Box::new(report))));
    assert!(it.model.draft().expect("open").problems.is_empty());
}

#[test]
fn keys_and_words_of_the_schema_complete_what_is_typed() {
    let mut it = new();
    it.keys("ctrl-f").type_text("cleanPodPolicy").keys("enter end ctrl-w ctrl-space");
    assert!(it.screen().contains("Running"), "{}", it.screen());
    it.type_text("A").keys("enter");
    assert!(text(&it).contains("    cleanPodPolicy: All\n"), "{}", text(&it));
    it.keys("enter").type_text("ttl").keys("ctrl-space enter").type_text("60");
    assert!(text(&it).contains("    ttlSecondsAfterFinished: 60\n"), "{}", text(&it));
    it.keys("ctrl-x");
    assert!(it.screen().contains("kubectl explain mpijobs.spec.runPolicy.ttlSecondsAfterFinished"), "{}", it.screen());
}
