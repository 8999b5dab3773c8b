//! Suggestions for a failed job.

use super::*;
use crate::{
    console::model::draft::{Draft, FixModel, Stage},
    jobs::{drafting::Fix, manifest::text::Change},
};

fn suggested() -> Harness {
    let mut it = new();
    let fix = |id: &'static str, title: &str, change: Change, fill: Option<&str>| Fix {
        id,
        title: Clean::new(title),
        reason: Clean::new("It was killed for using more memory than its limit."),
        changes: vec![change],
        fill: fill.map(str::to_owned),
    };
    let limit = "/spec/mpiReplicaSpecs/Worker/template/spec/containers/0/resources/limits/memory";
    let image = "/spec/mpiReplicaSpecs/Worker/template/spec/containers/0/image";
    let fixes = vec![
        fix("memory", "worker: memory 16Gi -> 24Gi", Change::Set(limit.into(), "24Gi".into()), None),
        fix("image", "another image than IMAGE", Change::Set(image.into(), "".into()), Some(image)),
    ];
    let copy = NEW.replace("name: train", "name: train-2");
    let mut fix = FixModel::new(Clean::new("Killed for memory"), NEW.to_owned(), copy, fixes);
    let draft: &mut Draft = it.model.draft_mut().expect("open");
    draft.set_text(&fix.text());
    (draft.fix, draft.stage) = (Some(fix), Stage::Fix);
    it
}

#[test]
fn suggestions_are_shown_with_their_difference_and_taken_one_by_one() {
    let mut it = suggested();
    insta::assert_snapshot!("fixes_80x24", it.screen());
    assert!(text(&it).contains("memory: 24Gi"));
    it.keys("space");
    assert!(!text(&it).contains("memory"), "it is left");
    it.keys("k space enter");
    assert!(it.screen().contains("Makes     MPIJob default/train-2"), "{}", it.screen());
    it.keys("esc");
    assert_eq!(it.model.draft().expect("open").stage, Stage::Fix, "back leads where one came from");
}

#[test]
fn what_only_a_person_knows_is_written_before_it_is_sent() {
    let mut it = suggested();
    it.keys("j space enter");
    let draft = it.model.draft().expect("open");
    assert_eq!((draft.stage, draft.editor.line().trim()), (Stage::Yaml, "image: \"\""));
}
