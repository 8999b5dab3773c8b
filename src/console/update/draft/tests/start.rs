//! Where drafts begin.

use serde_json::json;

use super::*;
use crate::{
    console::model::draft::Purpose,
    jobs::{Kind, Name, Uid, drafting::Template, fleet::JobKey},
};

#[test]
fn a_new_job_begins_with_a_template_in_the_namespace_that_is_looked_at() {
    let mut it = Harness::new(80, 24);
    it.keys("N");
    insta::assert_snapshot!("templates_80x24", it.screen());
    assert_eq!(it.effects, [Effect::Draft(DraftEffect::Templates)]);
    it.type_text("intel").keys("enter");
    let draft = it.model.draft().expect("open");
    assert!(draft.origin.contains("template intel-mpi") && text(&it).contains("mpiImplementation: Intel"));
    let own = Template::read("mine", "# template: My own\nkind: MPIJob\n");
    let mut it = Harness::new(80, 24);
    it.keys("N").send(Message::Draft(DraftMessage::Templates(vec![own])));
    assert!(matches!(it.model.overlays.last(), Some(Overlay::Picker(p)) if p.items.len() == 1));
    it.keys("esc");
    assert!(it.model.overlays.is_empty());
}

fn key() -> JobKey {
    let (namespace, name) = (Name::lossy("team"), Name::lossy("train"));
    JobKey { namespace, name, kind: Kind::MpiJob, uid: Uid::new("6f1c6fe5-0f7a-4a1b-9d5f-000000000001") }
}

/// The object of a job was read for this.
fn read(it: &mut Harness, purpose: Purpose) {
    let source = crate::console::model::draft::Source { key: key(), purpose };
    it.model.drafts.wanted = Some(source.clone());
    let pod =
        json!({"spec": {"containers": [{"name": "c", "image": "a:1", "resources": {"limits": {"memory": "4Gi"}}}]}});
    let object = json!({
        "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
        "metadata": {"name": "train", "namespace": "team", "uid": "u", "resourceVersion": "7"},
        "spec": {"mpiReplicaSpecs": {
            "Launcher": {"replicas": 1, "template": pod},
            "Worker": {"replicas": 2, "template": pod},
        }},
        "status": {"conditions": []},
    });
    it.send(Message::Draft(DraftMessage::Read(source, Ok(object))));
}

#[test]
fn a_clone_has_a_free_name_and_nothing_of_the_server() {
    let mut it = Harness::new(80, 24);
    read(&mut it, Purpose::Clone);
    let text = text(&it);
    assert!(text.contains("name: train-2") && !text.contains("resourceVersion") && !text.contains("status"), "{text}");
    assert_eq!(it.model.draft().expect("open").editor.line().trim(), "name: train-2");
}

#[test]
fn a_debug_clone_keeps_what_fails() {
    let mut it = Harness::new(80, 24);
    read(&mut it, Purpose::Debug);
    let text = text(&it);
    assert!(text.contains("cleanPodPolicy: None") && text.contains("backoffLimit: 0"), "{text}");
}

#[test]
fn an_answer_that_nobody_waits_for_opens_nothing() {
    let mut it = Harness::new(80, 24);
    let source = crate::console::model::draft::Source { key: key(), purpose: Purpose::Clone };
    it.send(Message::Draft(DraftMessage::Read(source, Ok(json!({})))));
    assert!(it.model.draft().is_none());
}
