//! Problems, completion and explanation.

use super::*;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::console::model::session::{Phase, SessionId};
use crate::jobs::{Kind, checks::Checks, schema::Served};

/// A schema whose spec has the fields that we know, and these.
fn served(fields: &Value) -> Option<Arc<Served>> {
    let mut spec = json!({"type": "object", "properties": {"runPolicy": {"type": "object", "properties":
        {"cleanPodPolicy": {"type": "string"}}}}});
    for (name, field) in fields.as_object().into_iter().flatten() {
        spec["properties"]["runPolicy"]["properties"][name] = field.clone();
    }
    let mark = json!([{"group": "kubeflow.org", "version": "v2beta1", "kind": "MPIJob"}]);
    let root = json!({"type": "object", "x-kubernetes-group-version-kind": mark, "properties": {"spec": spec}});
    let document = json!({"components": {"schemas": {"Job": root}}}).to_string();
    Served::read(Kind::MpiJob, document.as_bytes()).map(Arc::new)
}

/// How often a session was asked for the schema.
fn asked(it: &Harness, session: u32) -> usize {
    let is_it = |effect: &&Effect| matches!(effect, Effect::Draft(DraftEffect::Schema(SessionId(id), Kind::MpiJob)) if *id == session);
    it.effects.iter().filter(is_it).count()
}

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
    it.keys("tab right");
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
    assert!(it.screen().contains("As this mpideck knows it"), "{}", it.screen());
}

#[test]
fn the_clusters_own_schema_completes_and_explains_once_it_was_read() {
    let mut it = new();
    (it.model.session.phase, it.model.session.id) = (Phase::Up, SessionId(7));
    checked(&mut it);
    checked(&mut it);
    assert_eq!(asked(&it, 7), 1);
    let served = served(&json!({"grace": {"type": "integer", "description": "Of a newer operator."}}));
    it.send(Message::Draft(DraftMessage::Schema(SessionId(6), Kind::MpiJob, None)));
    it.send(Message::Draft(DraftMessage::Schema(SessionId(7), Kind::MpiJob, served)));
    it.keys("ctrl-f").type_text("cleanPodPolicy").keys("enter end ctrl-w ctrl-space");
    assert!(it.screen().contains("Running"), "words that only we know: {}", it.screen());
    it.keys("enter enter").type_text("gr").keys("ctrl-space enter").type_text("5");
    assert!(text(&it).contains("    grace: 5\n"), "{}", text(&it));
    it.keys("ctrl-x");
    assert!(
        it.screen().contains("Of a newer operator.") && it.screen().contains("As this cluster has it."),
        "{}",
        it.screen()
    );
}

#[test]
fn a_draft_that_was_checked_before_the_connection_stood_asks_then_and_another_cluster_is_asked_anew() {
    let mut it = new();
    (it.model.session.phase, it.model.session.id) = (Phase::Connecting, SessionId(7));
    checked(&mut it);
    assert_eq!(asked(&it, 7), 0, "there is nobody to ask");
    it.model.session.phase = Phase::Up;
    it.keys("down");
    assert_eq!(asked(&it, 7), 1);
    let newer = json!({"grace": {"type": "integer", "description": "Of a newer operator."}});
    it.send(Message::Draft(DraftMessage::Schema(SessionId(7), Kind::MpiJob, served(&newer))));
    it.keys("ctrl-f").type_text("cleanPodPolicy").keys("enter end enter").type_text("gr").keys("ctrl-space");
    assert!(it.screen().contains("Of a newer operator."), "{}", it.screen());
    it.model.session.id = SessionId(8);
    it.keys("esc ctrl-space");
    assert!(!it.screen().contains("Of a newer operator."), "of another cluster: {}", it.screen());
    assert_eq!(asked(&it, 8), 1);
}

#[test]
fn what_a_schema_says_of_a_default_can_turn_no_text_around_and_has_its_length() {
    let mut it = new();
    (it.model.session.phase, it.model.session.id) = (Phase::Up, SessionId(7));
    checked(&mut it);
    let odd = json!({"grace": {"type": "int\u{202e}eger", "default": format!("a\u{202e}b{}", "c".repeat(9_000))}});
    it.send(Message::Draft(DraftMessage::Schema(SessionId(7), Kind::MpiJob, served(&odd))));
    it.keys("ctrl-f").type_text("cleanPodPolicy").keys("enter end enter").type_text("grace: 5").keys("ctrl-x");
    let screen = it.screen();
    assert!(screen.contains("default: \"a?bccc") && screen.contains("type: any"), "{screen}");
    assert!(!screen.contains('\u{202e}') && screen.contains("kubectl explain"), "{screen}");
}
