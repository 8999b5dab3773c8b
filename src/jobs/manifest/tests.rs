use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Env, MASK, Role, cleaned, effective, highlight, stored};
use crate::jobs::{Kind, text::is_unsafe};

fn job() -> Value {
    json!({
        "spec": {
            "mpiReplicaSpecs": {
                "Launcher": {"template": {"spec": {"containers": [{
                    "image": "pi:1", "name": "l", "env": [{"name": "HF_TOKEN", "value": "hf_x"}, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                    "command": ["sh", "-c", "set -e\nmpirun pi\n"]}]}, "metadata": {"creationTimestamp": null}}},
                "Worker": {"replicas": 2, "template": {"spec": {"containers": [{"name": "w", "image": "pi:1"}]}}},
            },
            "runPolicy": {"cleanPodPolicy": "All"},
        },
        "kind": "MPIJob", "apiVersion": "kubeflow.org/v2beta1",
        "status": {"conditions": []},
        "metadata": {"uid": "u", "resourceVersion": "7", "generation": 1, "name": "pi", "namespace": "a",
            "creationTimestamp": "2026-11-22T02:00:00Z", "managedFields": [{}],
            "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{\"env\":[{\"name\":\"A\",\"value\":\"hf_x\"}]}"}},
    })
}

#[test]
fn cleaned_is_what_a_person_would_write() {
    let text = cleaned(&job(), Env::Masked).expect("yaml");
    insta::assert_snapshot!(text, @r#"
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata:
  name: pi
  namespace: a
spec:
  mpiReplicaSpecs:
    Launcher:
      template:
        spec:
          containers:
          - name: l
            image: pi:1
            command:
            - sh
            - -c
            - |
              set -e
              mpirun pi
            env:
            - name: HF_TOKEN
              value: "********"
            - name: POD
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
    Worker:
      replicas: 2
      template:
        spec:
          containers:
          - name: w
            image: pi:1
  runPolicy:
    cleanPodPolicy: All
"#);
}

#[test]
fn secrets_are_hidden_everywhere_until_asked_for() {
    let hidden = stored(&job(), Env::Masked).expect("yaml");
    assert!(!hidden.contains("hf_x") && hidden.contains(MASK), "{hidden}");
    assert!(hidden.contains("fieldPath: metadata.name"));
    assert!(stored(&job(), Env::Shown).expect("yaml").contains("value: hf_x"));
    let secret = json!({"kind": "Secret", "data": {"ssh-privatekey": "aGk="}});
    assert!(!stored(&secret, Env::Masked).expect("yaml").contains("aGk="));
}

#[test]
fn effective_marks_what_the_operator_assumes_and_only_that() {
    let text = effective(Kind::MpiJob, &job(), Env::Masked).expect("yaml");
    for line in [
        "    cleanPodPolicy: All",
        "    backoffLimit: 6 # default",
        "  slotsPerWorker: 1 # default",
        "      restartPolicy: OnFailure # default",
        "      replicas: 2",
        "            - /usr/sbin/sshd # default",
        "  launcherCreationPolicy: AtStartup # default",
    ] {
        assert!(text.lines().any(|l| l == line), "{line}\n{text}");
    }
    let back: Value = serde_saphyr::from_str(&text).expect("YAML");
    assert_eq!(back["spec"]["mpiReplicaSpecs"]["Launcher"]["replicas"], 1);
}

#[test]
fn effective_of_the_other_kinds() {
    let torch = json!({"spec": {"pytorchReplicaSpecs": {"Master": {}}}});
    let text = effective(Kind::PyTorchJob, &torch, Env::Masked).expect("yaml");
    assert!(text.contains("restartPolicy: OnFailure # default") && text.contains("replicas: 1 # default"), "{text}");
    let mpi = json!({"spec": {"cleanPodPolicy": "Running", "mpiReplicaSpecs": {"Worker": {}}}});
    let text = effective(Kind::MpiJobV1, &mpi, Env::Masked).expect("yaml");
    assert!(text.contains("    cleanPodPolicy: Running # default") && text.contains("replicas: 0 # default"), "{text}");
    let train = json!({"spec": {"runtimeRef": {"name": "torch"}}});
    let text = effective(Kind::TrainJob, &train, Env::Masked).expect("yaml");
    assert!(text.contains("kind: ClusterTrainingRuntime # default"), "{text}");
    for junk in [json!({}), json!([]), json!({"spec": 3}), json!({"spec": {"mpiReplicaSpecs": [1]}})] {
        for kind in Kind::ALL {
            effective(kind, &junk, Env::Masked).expect("junk is written as it is");
        }
    }
}

#[test]
fn words_that_yaml_1_1_misreads_are_quoted_and_controls_escaped() {
    let text = stored(
        &json!({"a": "on", "b": "0755", "c": "y", "d": "1e3", "e": "x\u{1b}[31m", "f": "\u{202e}r"}),
        Env::Shown,
    );
    let text = text.expect("yaml");
    assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{text:?}");
    for line in text.lines() {
        assert!(line.ends_with(['"', '\'']), "{line} is not quoted");
    }
}

#[test]
fn every_part_of_a_line_has_its_role() {
    let roles = |text: &str| -> Vec<(String, Role)> {
        highlight(text)
            .iter()
            .flat_map(|l| {
                l.spans.iter().map(|(r, role)| (l.text.as_str()[r.start as usize..r.end as usize].to_owned(), *role))
            })
            .collect()
    };
    let is = |text: &str, want: &[(&str, Role)]| {
        assert_eq!(roles(text), want.iter().map(|(t, r)| ((*t).to_owned(), *r)).collect::<Vec<_>>(), "{text}");
    };
    is("- name: a # why", &[("-", Role::Marker), ("name:", Role::Key), ("a", Role::Text), ("# why", Role::Comment)]);
    is("replicas: 2 # default", &[("replicas:", Role::Key), ("2", Role::Number), ("# default", Role::Comment)]);
    is("url: http://x:80", &[("url:", Role::Key), ("http://x:80", Role::Text)]);
    is("a: \"x # y\"", &[("a:", Role::Key), ("\"x # y\"", Role::Text)]);
    is("spec:", &[("spec:", Role::Key)]);
    is(
        "- |\n  a: b\nc: 1",
        &[("-", Role::Marker), ("|", Role::Marker), ("a: b", Role::Text), ("c:", Role::Key), ("1", Role::Number)],
    );
    is(
        "- run: |\n    x: y\n  n: 1",
        &[
            ("-", Role::Marker),
            ("run:", Role::Key),
            ("|", Role::Marker),
            ("x: y", Role::Text),
            ("n:", Role::Key),
            ("1", Role::Number),
        ],
    );
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "\\PC{0,20}".prop_map(Value::from),
        proptest::collection::vec(any::<char>(), 0..12).prop_map(|c| c.into_iter().collect::<String>().into()),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec(("[a-zA-Z.0-9 :#-]{0,8}", inner), 0..4)
                .prop_map(|v| Value::Object(v.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back_the_same_and_never_drives_a_terminal(value in any_json()) {
        let text = stored(&value, Env::Shown).expect("yaml");
        prop_assert!(!text.chars().any(|c| c != '\n' && is_unsafe(c)), "{:?}", text);
        let back: Value = serde_saphyr::from_str(&text).expect("YAML");
        prop_assert_eq!(back, value);
        for line in highlight(&text) {
            for (range, _) in &line.spans {
                prop_assert!(line.text.as_str().get(range.start as usize..range.end as usize).is_some());
            }
        }
    }
}
