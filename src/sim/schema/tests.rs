use serde_json::json;

use super::*;

fn faults(resource: &Resource, value: &Value) -> Vec<Fault> {
    let mut out = Vec::new();
    check(Schemas::all().of(resource).unwrap(), value, "", &mut out);
    out
}

#[test]
fn every_reference_leads_somewhere_and_nothing_is_null() {
    let all = Schemas::all();
    for (name, schema) in &all.definitions {
        let mut found = Vec::new();
        tidy::references(schema, &mut found);
        for reference in found {
            assert!(all.definitions.contains_key(&reference), "{name} names {reference}");
        }
        assert!(!schema.to_string().contains(r#""null""#), "{name}: {schema}");
    }
    let size = serde_json::to_vec(&all.definitions).unwrap().len();
    assert!(size < 1 << 20, "{size} bytes");
}

#[test]
fn defaults_are_those_of_the_definition() {
    let mut job = json!({"spec": {"runPolicy": {}, "mpiReplicaSpecs": {"Worker": {"template": {"spec": {
        "containers": [{"name": "w", "ports": [{"containerPort": 22}]}]}}}}}});
    fill(Schemas::all().of(&MPIJOBS).unwrap(), &mut job);
    let port = &job["spec"]["mpiReplicaSpecs"]["Worker"]["template"]["spec"]["containers"][0]["ports"][0];
    assert_eq!(port["protocol"], "TCP");
    job["spec"]["mpiReplicaSpecs"] = json!({});
    assert_eq!(
        job["spec"],
        json!({"launcherCreationPolicy": "AtStartup", "mpiImplementation": "OpenMPI", "mpiReplicaSpecs": {},
            "runLauncherAsWorker": false, "runPolicy": {"suspend": false}, "slotsPerWorker": 1, "sshAuthMountPath": "/root/.ssh"})
    );
    let mut bare = json!({"spec": {"mpiReplicaSpecs": {}}});
    fill(Schemas::all().of(&MPIJOBS).unwrap(), &mut bare);
    assert!(bare["spec"].get("runPolicy").is_none());
}

#[test]
fn unknown_fields_go_and_known_ones_stay() {
    let mut job = json!({"metadata": {"name": "a", "nam": 1}, "spec": {"x": 1, "mpiReplicaSpecs": {"Any": {"template": {
        "metadata": {"labels": {"a": "b"}, "creationTimestamp": null},
        "spec": {"containers": [{"name": "c", "imagee": "x", "resources": {"limits": {"nvidia.com/gpu": 1}}}], "nodeSelector": {"k": "v"}}}}}}});
    let mut unknown = Vec::new();
    prune(Schemas::all().of(&MPIJOBS).unwrap(), &mut job, "", &mut unknown);
    let template = "spec.mpiReplicaSpecs.Any.template";
    assert_eq!(
        unknown,
        [
            "metadata.nam".to_owned(),
            format!("{template}.metadata.creationTimestamp"),
            format!("{template}.spec.containers[0].imagee"),
            "spec.x".to_owned()
        ]
    );
    let kept = &job["spec"]["mpiReplicaSpecs"]["Any"]["template"];
    assert_eq!(kept["spec"]["nodeSelector"]["k"], "v");
    assert_eq!(kept["spec"]["containers"][0]["resources"]["limits"]["nvidia.com/gpu"], 1);
}

#[test]
fn what_does_not_fit_is_said_in_the_servers_words() {
    let spec = |field: &str, value: Value| {
        let mut job = json!({"spec": {"mpiReplicaSpecs": {}}});
        job["spec"][field] = value;
        faults(&MPIJOBS, &job).into_iter().map(|fault| fault.2).collect::<Vec<_>>()
    };
    let range = "Invalid value: \"\": Checked value must be of type integer with format int32 in spec.slotsPerWorker";
    let impls = "supported values: \"OpenMPI\", \"Intel\", \"MPICH\"";
    let float = "Invalid value: \"float64\": spec.slotsPerWorker in body must be of type int32: \"float64\"".to_owned();
    assert_eq!(spec("slotsPerWorker", json!(1.5)), [float, range.to_owned()]);
    assert_eq!(spec("slotsPerWorker", json!(3_000_000_000_u64)), [range]);
    assert!(spec("slotsPerWorker", json!(2.0)).is_empty());
    assert_eq!(
        spec("mpiImplementation", json!(1)),
        [
            "Invalid value: \"integer\": spec.mpiImplementation in body must be of type string: \"integer\"".to_owned(),
            format!("Unsupported value: 1: {impls}"),
        ]
    );
    assert_eq!(spec("mpiImplementation", json!("")), [format!("Unsupported value: \"\": {impls}")]);
    assert_eq!(faults(&MPIJOBS, &json!({"spec": {}}))[0].1, "spec.mpiReplicaSpecs");
    assert_eq!(faults(&TRAINJOBS, &json!({"spec": {"runtimeRef": {}}}))[0].1, "spec.runtimeRef.name");
    assert!(
        faults(&TRAINJOBS, &json!({"spec": {"runtimeRef": {"name": "x"}, "trainer": {"numProcPerNode": 4}}}))
            .is_empty()
    );
}

#[test]
fn null_is_not_said_unless_it_has_a_default() {
    let mut job = json!({"spec": {"runPolicy": null, "slotsPerWorker": null, "mpiReplicaSpecs": {"Worker": null,
        "Launcher": {"template": {"spec": {"containers": [{"name": "c", "env": null}]}}}}}});
    let node = Schemas::all().of(&MPIJOBS).unwrap();
    coerce(node, &mut job);
    assert_eq!(
        job["spec"],
        json!({"slotsPerWorker": null, "mpiReplicaSpecs": {"Launcher": {"template": {"spec": {"containers": [{"name": "c"}]}}}}})
    );
}

#[test]
fn elements_of_a_list_are_told_apart_by_its_keys() {
    let port = |number: u32, protocol: &str| json!({"containerPort": number, "protocol": protocol});
    let container = |name: &str, ports: Value| json!({"name": name, "ports": ports});
    let containers = json!([
        container("a", json!([port(1, "TCP"), port(1, "UDP"), port(1, "TCP"), port(1, "TCP")])),
        container("b", json!([])),
        container("a", json!([])),
    ]);
    let job = json!({"spec": {"mpiReplicaSpecs": {"Worker": {"template": {"spec": {"containers": containers}}}}}});
    let mut found = Vec::new();
    repeated(Schemas::all().of(&MPIJOBS).unwrap(), &job, "", &mut found);
    let place = "spec.mpiReplicaSpecs[Worker].template.spec.containers";
    let told: Vec<_> = found.iter().map(|(_, field, said)| (field.as_str(), said.as_str())).collect();
    assert_eq!(
        told,
        [
            (format!("{place}[2]").as_str(), "Duplicate value: {\"name\":\"a\"}"),
            (format!("{place}[0].ports[2]").as_str(), "Duplicate value: {\"containerPort\":1,\"protocol\":\"TCP\"}"),
        ]
    );
}

#[test]
fn a_built_in_kind_answers_as_gos_decoder() {
    let all = Schemas::all();
    let said = |pod: Value| mistyped(all.of(&PODS).unwrap(), &pod, "", "Pod");
    assert_eq!(
        said(json!({"metadata": {"labels": {"a": 1}}})).unwrap(),
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"
    );
    assert_eq!(
        said(json!({"spec": {"containers": "x"}})).unwrap(),
        "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container"
    );
    for number in [json!(3_000_000_000_i64), json!(10_000_000_000_000_000_000_u64), json!(1.5)] {
        let job = json!({"spec": {"completions": number}});
        let why = format!(
            "json: cannot unmarshal number {number} into Go struct field JobSpec.spec.completions of type int32"
        );
        assert_eq!(mistyped(all.of(&JOBS).unwrap(), &job, "", "Job"), Some(why));
    }
    assert!(
        said(json!({"spec": {"containers": [{"resources": {"limits": {"cpu": "lots"}}}]}}))
            .unwrap()
            .starts_with("quantities must")
    );
    assert_eq!(said(json!({"spec": {"containers": [{"resources": {"limits": {"cpu": 1}}}], "volumes": null}})), None);
}

/// What the simulation writes is not held against schemas when it is written.
#[tokio::test]
async fn the_demos_own_objects_fit_their_schemas() {
    use crate::sim::{Options, Sim, store::Selector};
    let sim = Sim::start(Options::new()).await.unwrap();
    let mut wrong = Vec::new();
    for resource in sim.store().resources() {
        let Some(node) = Schemas::all().of(resource) else { continue };
        for object in sim.store().list(resource, None, &Selector::default()).items {
            let mut value = (*object.value()).clone();
            let mut said = Vec::new();
            if resource.custom {
                check(node, &value, "", &mut said);
            } else if let Some(why) = mistyped(node, &value, "", resource.kind) {
                said.push(("", String::new(), why));
            }
            let mut unknown = Vec::new();
            prune(node, &mut value, "", &mut unknown);
            wrong.extend(said.into_iter().map(|fault| format!("{} {}: {}", resource.kind, object.name, fault.2)));
            wrong.extend(unknown.into_iter().map(|path| format!("{} {}: unknown {path}", resource.kind, object.name)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
