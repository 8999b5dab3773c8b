use serde_json::{Value, json};

use super::*;
use crate::jobs::manifest::text::changed;

const JOB: &str = "\
# a job
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata:
  name: train   # of mine
  labels: {team: cv, kueue.x-k8s.io/queue-name: gpu}
spec:
  slotsPerWorker: 2
  mpiReplicaSpecs:
    Launcher:
      replicas: 1
      template:
        spec:
          containers:
            - name: l
              image: \"a:1\"
              command: [mpirun, -np, '4', sh, -c, 'echo a b']
              env:
                - {name: A, value: '1'}
                - name: TOKEN
                  valueFrom: {secretKeyRef: {name: s, key: k}}
    Worker:
      replicas: 2
      template:
        spec:
          tolerations:
            - key: nvidia.com/gpu
              operator: Exists
              effect: NoSchedule
          containers:
            - name: w
              image: a:1
              resources:
                limits:
                  nvidia.com/gpu: 1
              volumeMounts:
                - name: data
                  mountPath: /data
          volumes:
            - name: data
              persistentVolumeClaim:
                claimName: set
";

fn document(text: &str) -> Document {
    Document::parse(text).expect("YAML")
}

fn row<'a>(rows: &'a [Row], group: Group, label: &str) -> &'a Row {
    rows.iter().find(|row| row.field.group == group && row.field.label == label).expect(label)
}

fn shown(text: &str, group: Group, label: &str) -> Shown {
    row(&rows(&document(text)).expect("a kind"), group, label).value.clone()
}

/// The text after something was typed into a field.
fn typed(text: &str, group: Group, label: &str, typed: &str) -> Result<String, String> {
    let document = document(text);
    let rows = rows(&document).expect("a kind");
    let changes = write(&document, row(&rows, group, label).field, typed)?;
    changed(text, &changes).map_err(|error| error.to_string())
}

#[test]
fn what_is_shown_and_typed_again_changes_nothing() {
    let document = document(JOB);
    for row in rows(&document).expect("a kind") {
        if let Shown::Text(text) = &row.value {
            let changes = write(&document, row.field, text).expect(row.field.label);
            assert_eq!(changed(JOB, &changes).expect("edited"), JOB, "{:?} {}", row.field.group, row.field.label);
        }
    }
}

#[test]
fn values_are_read_as_lines() {
    let text = |group, label| shown(JOB, group, label);
    let is = |text: &str| Shown::Text(text.to_owned());
    assert_eq!(text(Group::General, "Image"), is("a:1"));
    assert_eq!(text(Group::General, "Command"), is("mpirun -np 4 sh -c 'echo a b'"));
    assert_eq!(text(Group::Launcher, "Environment"), is("A=1 'TOKEN=(from elsewhere)'"));
    assert_eq!(text(Group::Queue, "Queue"), is("gpu"));
    assert_eq!(text(Group::Scheduling, "Tolerations"), is("nvidia.com/gpu:NoSchedule"));
    assert_eq!(text(Group::Volumes, "Of workers"), is("pvc:set at /data"));
    assert_eq!(text(Group::Policy, "Deadline"), Shown::Unset);
    let script = JOB.replace("'echo a b'", "\"a\\nb\\nc\"");
    assert_eq!(shown(&script, Group::General, "Command"), Shown::Long("8 lines, in the text".to_owned()));
}

#[test]
fn an_edit_touches_what_it_is_about_and_nothing_else() {
    for (group, label, line, from, to) in [
        (Group::General, "Name", "tune", "name: train ", "name: tune "),
        (Group::General, "Slots per worker", "4", "slotsPerWorker: 2", "slotsPerWorker: 4"),
        (Group::Workers, "Workers", "8", "      replicas: 2\n", "      replicas: 8\n"),
        (Group::Workers, "GPUs", "2", "nvidia.com/gpu: 1", "nvidia.com/gpu: 2"),
    ] {
        let text = typed(JOB, group, label, line).expect(label);
        assert_eq!(text, JOB.replace(from, to), "{label}");
    }
}

#[test]
fn one_image_is_that_of_all_replicas() {
    let text = typed(JOB, Group::General, "Image", "b:2").expect("written");
    let job = document(&text);
    for role in ["Launcher", "Worker"] {
        let at = format!("/spec/mpiReplicaSpecs/{role}/template/spec/containers/0/image");
        assert_eq!(job.get(&at), Some(json!("b:2")));
    }
}

#[test]
fn a_variable_from_elsewhere_stays_as_it_is() {
    let text = typed(JOB, Group::Launcher, "Environment", "A=2 'TOKEN=(from elsewhere)' B='x y'").expect("written");
    let env = document(&text).get("/spec/mpiReplicaSpecs/Launcher/template/spec/containers/0/env").expect("there");
    assert_eq!(env[0], json!({"name": "A", "value": "2"}));
    assert_eq!(env[1]["valueFrom"]["secretKeyRef"]["name"], "s");
    assert_eq!(env[2], json!({"name": "B", "value": "x y"}));
}

#[test]
fn volumes_come_and_go_with_their_mounts() {
    let text = typed(JOB, Group::Volumes, "Of workers", "pvc:set at /data, shm:16Gi at /dev/shm").expect("written");
    let pod = document(&text).get("/spec/mpiReplicaSpecs/Worker/template/spec").expect("there");
    assert_eq!(pod["volumes"][1], json!({"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "16Gi"}}));
    assert_eq!(pod["containers"][0]["volumeMounts"][1], json!({"name": "shm", "mountPath": "/dev/shm"}));
    let text = typed(&text, Group::Volumes, "Of workers", "shm:16Gi at /dev/shm").expect("written");
    let pod = document(&text).get("/spec/mpiReplicaSpecs/Worker/template/spec").expect("there");
    let names = |list: &Value| list.as_array().expect("a list").iter().map(|v| v["name"].clone()).collect::<Vec<_>>();
    assert_eq!(
        (names(&pod["volumes"]), names(&pod["containers"][0]["volumeMounts"])),
        (vec![json!("shm")], vec![json!("shm")])
    );
}

#[test]
fn what_can_not_be_is_refused_with_a_word_on_what_can() {
    for (group, label, line, why) in [
        (Group::Workers, "Workers", "0", "from 1 on"),
        (Group::Workers, "Memory limit", "much", "16Gi"),
        (Group::General, "Command", "sh -c 'a", "quote"),
        (Group::Volumes, "Of workers", "pvc:a", "at /PATH"),
        (Group::Volumes, "Of workers", "nfs:a at /b", "none of pvc:"),
        (Group::Scheduling, "Node selector", "gpu", "key=value"),
        (Group::Scheduling, "Workers stand", "round", "one of: spread"),
        (Group::Scheduling, "Tolerations", "a:Never", "NoSchedule"),
        (Group::Policy, "Suspended", "maybe", "true or false"),
    ] {
        let error = typed(JOB, group, label, line).expect_err(label);
        assert!(error.contains(why), "{label}: {error}");
    }
}

#[test]
fn the_kind_is_shown_and_stays() {
    assert_eq!(shown(JOB, Group::General, "Kind"), Shown::Text("MPIJob".to_owned()));
    assert_eq!(typed(JOB, Group::General, "Kind", "MPIJob"), Ok(JOB.to_owned()));
    for other in ["PyTorchJob", ""] {
        let refused = typed(JOB, Group::General, "Kind", other).expect_err("all else follows from it");
        assert!(refused.contains("template"), "{refused}");
    }
}

#[test]
fn a_preset_is_known_again_and_nothing_typed_takes_a_value_away() {
    let text = typed(JOB, Group::Scheduling, "Workers stand", "one per node").expect("written");
    assert_eq!(shown(&text, Group::Scheduling, "Workers stand"), Shown::Text("one per node".to_owned()));
    let text = typed(JOB, Group::Scheduling, "Tolerations", "").expect("written");
    assert_eq!(shown(&text, Group::Scheduling, "Tolerations"), Shown::Unset);
    assert_eq!(typed(JOB, Group::Policy, "Deadline", ""), Ok(JOB.to_owned()));
}

#[test]
fn every_kind_has_a_form_and_every_field_says_what_it_is_for() {
    for kind in Kind::ALL {
        let info = kind.info();
        let text = format!("apiVersion: {}/{}\nkind: {}\nmetadata: {{name: a}}\n", info.group, info.version, info.kind);
        let rows = rows(&document(&text)).expect("a form");
        assert!(rows.len() > 10, "{kind}");
        for row in rows {
            assert!(row.field.help.ends_with(['.', ':', 'y']) && row.field.help.len() <= 78, "{}", row.field.label);
            assert!(row.field.label.len() <= 18 && row.path.starts_with('/'));
        }
    }
    assert_eq!(rows(&document("kind: Pod\n")), None);
}
