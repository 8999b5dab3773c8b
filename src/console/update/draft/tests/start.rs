//! Where drafts begin.

use serde_json::json;

use super::*;
use crate::{
    console::model::draft::{Purpose, Stage},
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
    assert_eq!(draft.stage, Stage::Form);
    assert_eq!(draft.form.row().map(|row| row.field.label), Some("Name"), "what is to be filled first");
    assert!(draft.origin.contains("template intel-mpi") && text(&it).contains("mpiImplementation: Intel"));
    let own = Template::read("mine", "# template: My own\nkind: MPIJob\n");
    let mut it = Harness::new(80, 24);
    it.keys("N").send(Message::Draft(DraftMessage::Templates(vec![own])));
    assert!(matches!(it.model.overlays.last(), Some(Overlay::Picker(p)) if p.items.len() == 1));
    it.keys("esc");
    assert!(it.model.overlays.is_empty());
}

#[test]
fn a_template_that_is_no_job_begins_as_the_text_that_it_is() {
    let mut it = Harness::new(80, 24);
    let own =
        Template::read("mine", "# template: My own\n# fill: /metadata/name a name\nkind: List\nmetadata: {name: x}\n");
    it.keys("N").send(Message::Draft(DraftMessage::Templates(vec![own])));
    it.keys("enter");
    assert_eq!(it.model.draft().map(|draft| draft.stage), Some(Stage::Yaml));
    assert!(it.screen().contains("1 thing to look at: a name"), "{}", it.screen());
}

#[test]
fn a_failure_that_nothing_is_known_against_leads_to_what_the_job_ran() {
    let mut it = Harness::new(80, 24);
    read(&mut it, Purpose::Fix);
    let draft = it.model.draft().expect("open");
    let path = draft.form.row().map(|row| row.path.as_str());
    assert_eq!(draft.stage, Stage::Form);
    assert_eq!(path, Some("/spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/command"));
    assert!(it.screen().contains("No change is known for this cause"), "{}", it.screen());
}

fn key() -> JobKey {
    let (namespace, name) = (Name::lossy("team"), Name::lossy("train"));
    JobKey { namespace, name, kind: Kind::MpiJob, uid: Uid::new("6f1c6fe5-0f7a-4a1b-9d5f-000000000001") }
}

/// The object of a job was read for this.
fn read(it: &mut Harness, purpose: Purpose) {
    let source = crate::console::model::draft::Source { key: key(), purpose };
    it.model.drafts.wanted = Some(source.clone());
    let pod = json!({"spec": {"containers": [{"name": "c", "image": "a:1", "command": ["run"], "resources": {"limits": {"memory": "4Gi"}}}]}});
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
