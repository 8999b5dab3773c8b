use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const JOB: &str = r#"# a job of mine
apiVersion: kubeflow.org/v2beta1   # the newest
kind: MPIJob
metadata:
  name: train
  labels: {team: cv, "a/b": 'x'}
spec:
  slotsPerWorker: 1 # one
  runPolicy:
    cleanPodPolicy: Running
  mpiReplicaSpecs:
    Launcher:
      template:
        spec:
          containers:
          - name: main   # the first
            image: "repo/train:1"
            command:
            args:
            - |
              set -e
              mpirun -np 2 train   # not a comment

            - 'x'
          # between
          - image: b
            name: side
          resources: {}
    Worker:
      replicas: 2

# the end
"#;

fn doc(text: &str) -> Document {
    Document::parse(text).expect("YAML")
}

fn set(text: &str, at: &str, value: impl std::borrow::Borrow<Value>) -> String {
    doc(text).set(at, value.borrow()).unwrap_or_else(|e| panic!("{at}: {e}")).apply(text)
}

fn remove(text: &str, at: &str) -> String {
    doc(text).remove(at).unwrap_or_else(|e| panic!("{at}: {e}")).apply(text)
}

/// The lines that differ, as a diff would show them.
fn diff(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.lines().collect(), after.lines().collect());
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}"));
    gone.chain(new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}"))).collect()
}

const MAIN: &str = "/spec/mpiReplicaSpecs/Launcher/template/spec/containers/0";

#[test]
fn values_and_places_are_found_by_path() {
    let d = doc(JOB);
    let at = |pointer: &str| d.place(pointer).map(|p| (p.line, p.column, &JOB[p.range]));
    assert_eq!(at("/spec/slotsPerWorker"), Some((8, 19, "1")));
    assert_eq!(at("/metadata/labels/a~1b"), Some((6, 29, "'x'")));
    assert_eq!(at(&format!("{MAIN}/image")), Some((17, 20, "\"repo/train:1\"")));
    assert_eq!(at(&format!("{MAIN}/command")).map(|p| (p.0, p.1)), Some((18, 13)));
    assert_eq!(at(&format!("{MAIN}/args/0")).unwrap().2.lines().count(), 3);
    assert_eq!(d.get(&format!("{MAIN}/args/0")), Some(json!("set -e\nmpirun -np 2 train   # not a comment\n")));
    assert_eq!(d.get("/spec/mpiReplicaSpecs/Worker/replicas"), Some(json!(2)));
    assert_eq!(d.key_place("/spec/runPolicy").map(|p| (p.line, p.column)), Some((9, 3)));
    // What is missing is looked for at what is there.
    assert_eq!(d.nearest("/spec/runPolicy/backoffLimit").line, 9);
    assert_eq!(d.nearest("/status/x").line, 2);
    assert_eq!(d.value(), serde_saphyr::from_str::<Value>(JOB).unwrap());
}

#[test]
fn the_path_at_a_place_is_what_stands_there() {
    let d = doc(JOB);
    let at = |needle: &str| d.pointer_at(JOB.find(needle).unwrap());
    assert_eq!(at("slotsPerWorker"), "/spec/slotsPerWorker");
    assert_eq!(at("1 # one"), "/spec/slotsPerWorker");
    assert_eq!(at("repo/train"), format!("{MAIN}/image"));
    assert_eq!(at("set -e"), format!("{MAIN}/args/0"));
    assert_eq!(at("- image: b"), MAIN.replace("/0", "/1"));
}

#[test]
fn an_edit_touches_only_its_own_line() {
    assert_eq!(
        diff(JOB, &set(JOB, "/spec/slotsPerWorker", json!(8))),
        ["-  slotsPerWorker: 1 # one", "+  slotsPerWorker: 8 # one"]
    );
    let image = set(JOB, &format!("{MAIN}/image"), json!("repo/train:\"2\""));
    assert_eq!(diff(JOB, &image)[1], r#"+            image: "repo/train:\"2\"""#);
    assert_eq!(
        diff(JOB, &set(JOB, "/metadata/labels/a~1b", json!("it's")))[1],
        "+  labels: {team: cv, \"a/b\": 'it''s'}"
    );
    assert_eq!(
        diff(JOB, &set(JOB, "/metadata/labels/team", json!("a, b")))[1],
        "+  labels: {team: \"a, b\", \"a/b\": 'x'}"
    );
    assert_eq!(diff(JOB, &set(JOB, "/metadata/name", json!("on")))[1], "+  name: \"on\"");
    let command = set(JOB, &format!("{MAIN}/command"), json!(["mpirun", "-np"]));
    assert_eq!(diff(JOB, &command), ["+            - mpirun", "+            - -np"]);
    let script = set(JOB, &format!("{MAIN}/args/0"), json!("one\ntwo\n"));
    assert_eq!(diff(JOB, &script).len(), 4, "{script}");
    assert!(script.contains("            - |\n              one\n              two\n"), "{script}");
    assert!(set(JOB, &format!("{MAIN}/args/0"), json!("short")).contains("            - short\n"));
}

#[test]
fn what_is_equal_is_left_as_it_is_written() {
    let d = doc(JOB);
    for at in ["", "/spec", MAIN, "/metadata/labels", "/spec/slotsPerWorker", &format!("{MAIN}/args")] {
        let edit = d.set(at, &d.get(at).unwrap()).unwrap();
        assert!(edit.is_empty(), "{at}: {edit:?}");
    }
}

#[test]
fn new_fields_stand_with_their_neighbours() {
    assert_eq!(diff(JOB, &set(JOB, "/metadata/namespace", json!("team-cv"))), ["+  namespace: team-cv"]);
    assert!(set(JOB, "/metadata/namespace", json!("a")).contains("name: train\n  namespace: a\n"));
    assert_eq!(
        diff(JOB, &set(JOB, "/metadata/labels/new", json!(true)))[1],
        "+  labels: {team: cv, \"a/b\": 'x', new: true}"
    );
    let limits = set(JOB, &MAIN.replace("containers/0", "resources/limits"), json!({"cpu": 1, "memory": "2Gi"}));
    assert!(
        limits.contains(
            "          resources:\n            limits:\n              cpu: 1\n              memory: 2Gi\n    Worker"
        ),
        "{limits}"
    );
    let deep = set(JOB, "/spec/runPolicy/schedulingPolicy/minAvailable", json!(3));
    assert_eq!(diff(JOB, &deep), ["+    schedulingPolicy:", "+      minAvailable: 3"]);
    let args = set(JOB, &format!("{MAIN}/args/-"), json!({"a": 1, "b": [1]}));
    assert_eq!(diff(JOB, &args), ["+            - a: 1", "+              b:", "+              - 1"]);
    let top = set(JOB, "/status", json!({}));
    assert!(top.contains("      replicas: 2\nstatus: {}\n\n# the end"), "{top}");
    let before = doc(JOB).insert(MAIN, &json!({"name": "init"})).unwrap().apply(JOB);
    assert!(before.contains("          - name: init\n          - name: main   # the first\n"), "{before}");
}

#[test]
fn what_is_removed_takes_only_its_own_lines() {
    assert_eq!(diff(JOB, &remove(JOB, &format!("{MAIN}/args/0"))).len(), 3);
    assert!(remove(JOB, &format!("{MAIN}/name")).contains("          - image: \"repo/train:1\"\n"));
    assert!(remove(JOB, MAIN).contains("          containers:\n          # between\n          - image: b\n"));
    assert_eq!(diff(JOB, &remove(JOB, "/metadata/labels/team"))[1], "+  labels: {\"a/b\": 'x'}");
    assert_eq!(diff(JOB, &remove(JOB, "/metadata/labels/a~1b"))[1], "+  labels: {team: cv}");
    assert_eq!(
        diff(JOB, &remove(JOB, "/spec/runPolicy/cleanPodPolicy")),
        ["-  runPolicy:", "-    cleanPodPolicy: Running", "+  runPolicy: {}"]
    );
    assert_eq!(doc(JOB).remove("/spec/nothing"), Err(EditError::Absent("/spec/nothing".into())));
}

#[test]
fn other_peoples_indentation_is_theirs() {
    let text = "spec:\n    a:\n        - x: 1\n          y: 2\n    b: 1\n";
    assert_eq!(
        set(text, "/spec/c", json!({"d": [1]})),
        "spec:\n    a:\n        - x: 1\n          y: 2\n    b: 1\n    c:\n        d:\n            - 1\n"
    );
    assert_eq!(set(text, "/spec/a/-", json!({"x": 2, "z": 3})).lines().nth(4), Some("        - x: 2"));
    let crlf = "a: 1\r\nb:\r\n  c: 2\r\n";
    assert_eq!(set(crlf, "/b/d", json!(3)), "a: 1\r\nb:\r\n  c: 2\r\n  d: 3\r\n");
    assert_eq!(set("", "/metadata/name", json!("a")), "metadata:\n  name: a\n");
    assert_eq!(set("# nothing yet\n", "/kind", json!("MPIJob")), "# nothing yet\nkind: MPIJob\n");
    assert_eq!(set("spec:   # later\n", "/spec/a/b", json!(1)), "spec: # later\n  a:\n    b: 1\n");
    assert_eq!(set("a:\n  - b\n  # why\n  - c\n", "/a", json!({"x": 1})), "a:\n  x: 1\n");
}

#[test]
fn one_document_of_several_is_edited() {
    let text = "# only words\n---\nkind: A\nsize: 1\n---\nkind: B\nsize: 2\n---\n";
    let all = Document::all(text).unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(all[1].set("/size", &json!(3)).unwrap().apply(text), text.replace("size: 2", "size: 3"));
    assert_eq!(all[1].place("/size").unwrap().line, 7);
    assert_eq!(doc(text).get("/kind"), Some(json!("A")));
}

#[test]
fn what_is_shared_is_not_changed_behind_anyones_back() {
    let text = "base: &base\n  a: 1\n  b: 2\nuse:\n  <<: *base\n  b: 3\nagain: *base\n";
    let d = doc(text);
    assert_eq!(d.value(), json!({"base": {"a": 1, "b": 2}, "use": {"a": 1, "b": 3}, "again": {"a": 1, "b": 2}}));
    assert_eq!(d.set("/base/a", &json!(2)), Err(EditError::Shared("/base/a".into())));
    assert_eq!(d.set("/again/a", &json!(2)), Err(EditError::Shared("/again/a".into())));
    assert_eq!(set(text, "/use/b", json!(4)), text.replace("b: 3", "b: 4"));
}

#[test]
fn what_is_no_manifest_is_refused_with_its_place() {
    let said = |text: &str| Document::parse(text).map(|d| d.value()).unwrap_err();
    assert_eq!(said("a: 1\n\tb: 2\n").place.line, 2);
    assert!(said("a: 1\n\tb: 2\n").to_string().contains("tab"));
    assert_eq!(said("a: [1, 2\nb: 3\n").place.line, 2);
    assert!(said("? [a]\n: b\n").said.as_str().contains("key must be a word"));
    let bomb: String = (1..12).fold("a0: &a0 [x,x,x,x,x,x,x,x]\n".to_owned(), |text, i| {
        let all = vec![format!("*a{}", i - 1); 8].join(",");
        format!("{text}a{i}: &a{i} [{all}]\n")
    });
    assert!(said(&bomb).said.as_str().contains("larger"));
    assert!(said("a: &a [*a]\n").said.as_str().contains("inside"));
    assert_eq!(doc("a: 1\nb:\n  c: 1\n  c: 2\n").repeated()[0].0, "/b/c");
}

#[test]
fn several_changes_follow_each_other() {
    let changes = [
        Change::Set("/spec/runPolicy/backoffLimit".into(), json!(0)),
        Change::Remove("/spec/runPolicy/backoffLimit".into()),
        Change::Remove("/not/there".into()),
    ];
    assert_eq!(changed(JOB, &changes).unwrap(), JOB);
}

#[test]
fn every_shared_example_is_read_as_kubectl_reads_it_and_edited_in_place() {
    let Some(examples) = examples() else { return };
    assert!(examples.len() > 20, "{}", examples.len());
    for (name, text) in examples {
        for d in Document::all(&text).unwrap_or_else(|e| panic!("{name}: {e}")) {
            let mut paths = Vec::new();
            leaves(&d.value(), "", &mut paths);
            for (at, value) in paths {
                assert!(d.set(&at, &value).unwrap().is_empty());
                let other = if value.is_number() { json!(77) } else { json!("other") };
                let edit = d.set(&at, &other).unwrap_or_else(|e| panic!("{name}: {e}"));
                let removed = d.remove(&at);
                assert!(removed.is_ok(), "{name}: {removed:?}");
                assert!(edit.text.len() < 20, "{name} {at}: {edit:?}");
            }
        }
    }
}

/// The files of other people, where they are at hand.
pub(crate) fn examples() -> Option<Vec<(String, String)>> {
    let shared = std::env::var("MPIDECK_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let mut dirs = vec![std::path::Path::new(&shared).join("data/examples")];
    if !dirs[0].is_dir() {
        eprintln!("SKIPPED: no examples at {}", dirs[0].display());
        return None;
    }
    let mut found = Vec::new();
    while let Some(dir) = dirs.pop() {
        for path in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml") {
                found.push((path.display().to_string(), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    Some(found)
}

fn leaves(value: &Value, at: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(k, v)| leaves(v, &joined(at, k), out)),
        Value::Array(list) if !list.is_empty() => {
            list.iter().enumerate().for_each(|(i, v)| leaves(v, &joined(at, &i.to_string()), out));
        }
        leaf => out.push((at.to_owned(), leaf.clone())),
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let text = prop_oneof![
        "[a-z]{0,6}",
        Just("on".to_owned()),
        Just("a: b # c".to_owned()),
        Just("- x".to_owned()),
        Just("it's \"so\"".to_owned()),
        Just("one\ntwo\n".to_owned()),
        Just("one\n  two\n\n".to_owned()),
        Just(" blank ".to_owned()),
        Just("{x}, [y]".to_owned()),
        Just("\u{202e}odd\t".to_owned()),
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(Value::Null),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,4}|a/b|on|x~y", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

fn any_map() -> impl Strategy<Value = Value> {
    prop::collection::btree_map("[a-z]{1,4}", any_value(), 1..5).prop_map(|map| map.into_iter().collect())
}

/// A text of a value with comments on lines of their own wherever they can be.
fn commented(value: &Value, step: usize, compact: bool) -> String {
    let text = crate::jobs::manifest::write::laid_out(value, step, compact).unwrap();
    if text.contains('|') || text.contains('>') {
        return text;
    }
    text.lines().flat_map(|line| ["# above\n", line, "\n"]).collect()
}

proptest! {
    #[test]
    fn any_value_can_be_set_removed_and_added_without_touching_another(
        before in any_map(), new in any_value(), step in 2usize..5, compact: bool, pick: prop::sample::Index,
    ) {
        let text = commented(&before, step, compact);
        let d = doc(&text);
        prop_assert_eq!(&d.value(), &before, "{}", text);
        let mut paths = Vec::new();
        leaves(&before, "", &mut paths);
        let (at, old) = pick.get(&paths);
        let there = d.set(at, &new);
        prop_assert!(there.is_ok(), "set {} {:?} in\n{}", at, there, text);
        // `set` compared the whole value; here: back again, and comments.
        let changed = there.unwrap().apply(&text);
        let back = doc(&changed).set(at, old).unwrap().apply(&changed);
        prop_assert_eq!(&doc(&back).value(), &before, "{}", back);
        if !old.is_array() && !old.is_object() {
            prop_assert!(changed.matches("# above").count() >= text.matches("# above").count(), "{}", changed);
        }
        let removed = d.remove(at);
        prop_assert!(removed.is_ok(), "remove {} {:?} in\n{}", at, removed, text);
        let added = d.set("/new~1key", &new);
        prop_assert!(added.is_ok(), "add {:?} in\n{}", added, text);
    }

    #[test]
    fn no_text_is_too_odd_to_be_refused(text in "[a-z:\\-#&*!|>'\"\\[\\]{},? \n\t%@`0-9]{0,60}") {
        if let Ok(all) = Document::all(&text) {
            for d in all {
                let _ = d.set("/a/b", &json!(1));
                let _ = d.pointer_at(text.len() / 2);
                let _ = d.repeated();
            }
        }
    }
}
