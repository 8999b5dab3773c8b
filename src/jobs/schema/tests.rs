use serde_json::{Value, json};

use super::*;
use crate::jobs::Kind;

fn misfits(kind: Kind, object: &Value) -> Vec<(String, Wrong)> {
    walk(Shape::of(kind).expect("a schema"), object).into_iter().map(|m| (m.at, m.wrong)).collect()
}

#[test]
fn misfits_are_told_by_path() {
    let container = json!({"name": "a", "imag": "x", "env": [{"name": "A", "value": 3}], "command": "sleep",
        "resources": {"limits": {"cpu": "lots", "memory": 1.5, "nvidia.com/gpu": 1}}});
    let job = json!({"metadata": {"labels": {"a": true}}, "spec": {"slotPerWorker": 1, "slotsPerWorker": 3e9,
        "mpiImplementation": "LAM", "runPolicy": null,
        "mpiReplicaSpecs": {"Worker": {"replicas": "2", "template": {"spec": {"containers": [container]}}}}}});
    let at = |path: &str| format!("/spec/mpiReplicaSpecs/Worker{path}");
    let c = |path: &str| at(&format!("/template/spec/containers/0{path}"));
    let mut found = misfits(Kind::MpiJob, &job);
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let want = [
        ("/metadata/labels/a".into(), Wrong::Type("text", "true or false")),
        ("/spec/mpiImplementation".into(), Wrong::Word(vec!["OpenMPI", "Intel", "MPICH"])),
        (at("/replicas"), Wrong::Type("a whole number", "text")),
        (c("/command"), Wrong::Type("a list", "text")),
        (c("/env/0/value"), Wrong::Type("text", "a number")),
        (c("/imag"), Wrong::Unknown(Some("image"))),
        (c("/resources/limits/cpu"), Wrong::Quantity),
        (c("/resources/limits/memory"), Wrong::Type("a whole number or text", "a number")),
        ("/spec/slotPerWorker".into(), Wrong::Unknown(Some("slotsPerWorker"))),
        ("/spec/slotsPerWorker".into(), Wrong::Range),
    ];
    assert_eq!(found, want);
    let required =
        json!({"spec": {"mpiReplicaSpecs": {"Worker": {"template": {"spec": {"containers": [{"image": "x"}]}}}}}});
    assert_eq!(misfits(Kind::MpiJob, &required), [(c("/name"), Wrong::Missing)]);
    assert!(
        misfits(Kind::TrainJob, &json!({"spec": {"runtimeRef": {"name": "x"}, "runtimePatches": [{"any": 1}]}}))
            .is_empty()
    );
}

#[test]
fn fields_and_words_are_offered_with_what_they_are_for() {
    let spec = Shape::of(Kind::MpiJob).unwrap().at("/spec").unwrap();
    let fields = spec.fields();
    let slots = fields.iter().find(|f| f.name == "slotsPerWorker").unwrap();
    assert_eq!((slots.kind, slots.required), ("integer", false));
    assert!(slots.description.contains("hostfile"), "{}", slots.description);
    assert!(fields.iter().find(|f| f.name == "mpiReplicaSpecs").unwrap().required);
    let container =
        Shape::of(Kind::PyTorchJob).unwrap().at("/spec/pytorchReplicaSpecs/Master/template/spec/containers/0");
    assert!(container.unwrap().fields().iter().any(|f| f.name == "volumeMounts" && f.kind == "array"));
    let job = Shape::of(Kind::MpiJob).unwrap();
    assert_eq!(job.words("/spec/mpiImplementation"), ["OpenMPI", "Intel", "MPICH"]);
    assert_eq!(job.words("/spec/runPolicy/cleanPodPolicy"), ["Running", "None", "All"]);
    assert_eq!(job.words("/spec/runPolicy/suspend"), ["true", "false"]);
    let pod = "/spec/mpiReplicaSpecs/Worker/template/spec";
    assert_eq!(job.words(&format!("{pod}/tolerations/0/operator")), ["Exists", "Equal"]);
    for kind in Kind::ALL {
        assert!(Shape::of(kind).and_then(|shape| shape.at("/spec")).is_some_and(|spec| !spec.fields().is_empty()));
    }
}
