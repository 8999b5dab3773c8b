//! What a TrainJob whose runtime runs MPI gets, by value.

use serde_json::{Value, json};

use super::{expand::expanded, mpi::Policy};
use crate::sim::value::{list, text};

fn runtime(launcher_is_node: bool) -> Value {
    let role = |name: &str| json!({"name": name, "template": {"metadata": {}, "spec": {"template": {"spec": {"containers": [{"name": "node", "image": "i"}]}}}}});
    let mut launcher = role("launcher");
    launcher["template"]["metadata"]["labels"] = json!({"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"});
    json!({"spec": {
        "mlPolicy": {"numNodes": 1, "mpi": {"numProcPerNode": 1, "mpiImplementation": "OpenMPI", "runLauncherAsNode": launcher_is_node}},
        "template": {"spec": {"replicatedJobs": [role("node"), launcher]}},
    }})
}

fn hostfile(launcher_is_node: bool, trainer: &Value) -> (String, Value) {
    let job = json!({"metadata": {"name": "pi", "namespace": "a", "uid": "u"}, "spec": {"trainer": trainer}});
    let runtime = runtime(launcher_is_node);
    let policy = Policy::of(&job, &runtime).unwrap();
    let whole = expanded(&job, &runtime);
    (text(&policy.hostfile(&job, &whole).unwrap_or_default(), "/data/hostfile").to_owned(), whole)
}

#[test]
fn a_hostfile_too_large_for_its_map_is_never_written() {
    assert_eq!(hostfile(false, &json!({"numNodes": 2_000_000_000})).0, "");
    assert!(!hostfile(false, &json!({"numNodes": 20_000})).0.is_empty());
}

#[test]
fn ranks_run_on_nodes_and_where_asked_in_the_launcher() {
    let (lines, _) = hostfile(false, &json!({"numNodes": 2, "numProcPerNode": 4}));
    assert_eq!(lines, "pi-node-0-0.pi slots=4\npi-node-0-1.pi slots=4\n");
    let (lines, _) = hostfile(true, &json!({"numNodes": 3}));
    assert_eq!(lines, "pi-node-0-0.pi slots=1\npi-node-0-1.pi slots=1\npi-launcher-0-0.pi slots=1\n");
    let (lines, _) = hostfile(true, &json!({"numNodes": 1}));
    assert_eq!(lines, "pi-node-0-0.pi slots=1\npi-launcher-0-0.pi slots=1\n", "a node is always made");
}

#[test]
fn a_node_has_as_many_slots_as_gpus_unless_told() {
    let (lines, whole) = hostfile(false, &json!({"resourcesPerNode": {"limits": {"nvidia.com/gpu": "8"}}}));
    assert_eq!(lines, "pi-node-0-0.pi slots=8\n");
    let launcher = &whole["spec"]["replicatedJobs"][1]["template"]["spec"]["template"]["spec"];
    let env = list(launcher, "/containers/0/env");
    assert!(env.contains(&json!({"name": "OMPI_MCA_orte_set_default_slots", "value": "8"})), "{env:?}");
    assert_eq!(launcher["volumes"][0]["secret"]["secretName"], "pi-mpi-ssh-auth");
    assert_eq!(launcher["volumes"][1]["configMap"]["name"], "pi-mpi-hostfile");
    let node = &whole["spec"]["replicatedJobs"][0]["template"]["spec"]["template"]["spec"];
    assert_eq!((list(node, "/volumes").len(), node["containers"][0]["env"].is_null()), (1, true));
}

#[test]
fn runtimes_of_the_wrong_shape_are_expanded_all_the_same() {
    let pod = "/template/spec/template/spec";
    let roles = "/spec/template/spec/replicatedJobs";
    let mut places =
        vec!["/spec/template".to_owned(), "/spec/template/metadata".to_owned(), "/spec/template/spec".to_owned()];
    places.push("/spec/template/metadata/labels".to_owned());
    places.extend([pod, "/template/spec/template", "/template"].map(|tail| format!("{roles}/0{tail}")));
    places.extend(
        ["resources", "resources/limits", "env", "volumeMounts"].map(|f| format!("{roles}/1{pod}/containers/0/{f}")),
    );
    places.push(format!("{roles}/1{pod}/volumes"));
    let patch = json!({"trainingRuntimeSpec": {"template": {"metadata": {"labels": {"team/a": "b"}}, "spec": {"suspend": false}}}});
    let job = json!({"metadata": {"name": "pi", "namespace": "a", "uid": "u"}, "spec": {
        "suspend": true, "runtimePatches": [patch],
        "trainer": {"numNodes": 2, "image": "i", "resourcesPerNode": {"limits": {"cpu": "9223372036854775807", "example.com/gpu": 1}}},
    }});
    for place in &places {
        for value in [json!("x"), json!(1), json!([])] {
            let mut runtime = runtime(true);
            runtime["spec"]["template"]["metadata"] = json!({"labels": {}});
            let launcher =
                &mut runtime["spec"]["template"]["spec"]["replicatedJobs"][1]["template"]["spec"]["template"]["spec"];
            launcher["containers"][0]["resources"] = json!({"limits": {}});
            if let Some(there) = runtime.pointer_mut(place) {
                *there = value.clone();
            } else if let Some((parent, field)) = place.rsplit_once('/') {
                runtime.pointer_mut(parent).unwrap()[field] = value.clone();
            }
            let whole = expanded(&job, &runtime);
            assert_eq!(whole["spec"]["suspend"], true, "{place} = {value}");
            assert_eq!(text(&whole, "/metadata/labels/team~1a"), "b", "{place} = {value}");
        }
    }
    let mut torch = runtime(false);
    torch["spec"]["mlPolicy"] = json!({"torch": {}});
    let mut cpus = job.clone();
    cpus["spec"]["trainer"]["resourcesPerNode"] = json!({"limits": {"cpu": "9223372036854775807"}});
    let whole = expanded(&cpus, &torch);
    let env = whole.pointer(&format!("{}/1{pod}/containers/0/env", &roles[14..])).unwrap();
    assert!(env.to_string().contains("PET_NPROC_PER_NODE"), "{env}");
}
