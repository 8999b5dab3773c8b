use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::jobs::checks::{Checks, Severity, Verdict};
use crate::jobs::manifest::text::{Change, Document, changed};
use crate::jobs::state::{Cause, Evidence, Origin};
use crate::jobs::{Clean, Kind, Name, Sym};

fn value(text: &str) -> Value {
    Document::parse(text).expect("YAML").value()
}

#[test]
fn every_template_passes_its_checks_and_says_what_to_fill() {
    let all = Template::list();
    assert_eq!(all.len(), 11);
    for template in &all {
        let report = Checks::builtin().check(&template.text, "operator");
        let bad: Vec<_> = report.all().filter(|p| p.severity != Severity::Advice).collect();
        assert!(bad.is_empty(), "{}: {bad:#?}", template.id);
        assert_eq!(report.jobs.len(), 1, "{}", template.id);
        assert_eq!(report.jobs[0].verdict, Verdict::Accepted);
        assert_eq!(template.kind, Some(report.jobs[0].kind));
        assert!(
            !template.about.is_empty() && !template.fill.is_empty() && template.title != template.id,
            "{}",
            template.id
        );
        assert!(!template.text.contains("# fill:"), "{}", template.id);
        let manifest = value(&template.text);
        for fill in &template.fill {
            assert!(manifest.pointer(&fill.at).is_some(), "{}: nothing at {}", template.id, fill.at);
            assert!(!fill.what.is_empty());
        }
    }
}

#[test]
fn the_restricted_template_is_what_a_restricted_namespace_takes() {
    let all = Template::list();
    let template = all.iter().find(|t| t.id.as_str() == "restricted").unwrap();
    let report = Checks::builtin().check(&template.text, "openshift-ai");
    assert!(report.all().all(|p| p.area != "security"), "{report:#?}");
    assert_eq!(Document::all(&template.text).unwrap().len(), 2, "the job and its NetworkPolicy");
}

#[test]
fn a_users_template_stands_before_ours_or_in_its_place() {
    let mine = ("mine".to_owned(), "kind: MPIJob\napiVersion: kubeflow.org/v2beta1\n".to_owned());
    let smoke = ("cpu-smoke".to_owned(), "# template: My smoke\nkind: Job\n".to_owned());
    let all = Template::list_with(&[mine, smoke]);
    assert_eq!(all.len(), 12);
    assert_eq!((all[0].id.as_str(), all[0].title.as_str(), all[0].kind), ("mine", "mine", Some(Kind::MpiJob)));
    assert_eq!((all[1].title.as_str(), all[1].text.as_str(), all[1].kind), ("My smoke", "kind: Job\n", None));
}

#[test]
fn a_copy_has_nothing_of_the_life_of_its_original() {
    let object = json!({
        "apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
        "metadata": {"name": "train", "namespace": "cv", "uid": "u", "resourceVersion": "7", "generation": 2,
            "creationTimestamp": "2026-01-01T00:00:00Z", "managedFields": [{}], "finalizers": ["x"],
            "ownerReferences": [{"name": "o"}],
            "labels": {"team": "cv", "kueue.x-k8s.io/queue-name": "gpu", "kueue.x-k8s.io/podset": "worker",
                "app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"mpideck.io/creator": "jane", "kubectl.kubernetes.io/last-applied-configuration": "{}",
                "meta.helm.sh/release-name": "r", "note": "mine"}},
        "spec": {"slotsPerWorker": 1, "runPolicy": {"suspend": true}, "mpiReplicaSpecs": {"Worker": {"replicas": 2,
            "template": {"metadata": {"creationTimestamp": null}, "spec": {"containers": [
                {"name": "w", "env": [{"name": "HF_TOKEN", "value": "abc"}]}]}}}}},
        "status": {"conditions": []}});
    let text = copied(&object, "train-2").unwrap();
    let copy = value(&text);
    assert_eq!(
        copy["metadata"],
        json!({"name": "train-2", "namespace": "cv",
        "labels": {"team": "cv", "kueue.x-k8s.io/queue-name": "gpu"}, "annotations": {"note": "mine"}})
    );
    assert_eq!(
        copy["spec"],
        json!({"slotsPerWorker": 1, "mpiReplicaSpecs": {"Worker": {"replicas": 2,
        "template": {"spec": {"containers": [{"name": "w", "env": [{"name": "HF_TOKEN", "value": "abc"}]}]}}}}})
    );
    assert!(copy.get("status").is_none());
    assert!(text.starts_with("apiVersion:"), "{text}");
}

#[test]
fn a_free_name_counts_on() {
    let free = |name: &str, taken: &[&str]| free_name(name, 53, |name| taken.contains(&name));
    assert_eq!(free("train", &[]), "train-2");
    assert_eq!(free("train", &["train-2", "train-3"]), "train-4");
    assert_eq!(free("train-2", &[]), "train-3");
    assert_eq!(free("resnet-50k", &[]), "resnet-50k-2");
    assert_eq!(free("run-20260101", &[]), "run-20260101-2");
    let long = free(&"a".repeat(60), &[]);
    assert_eq!((long.len(), long.ends_with("a-2")), (53, true));
    assert_eq!(free_name("ab-cd", 5, |_| false), "ab-2");
}

const JOB: &str = r#"# keep me
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata:
  name: train
spec:
  slotsPerWorker: 4   # one a GPU
  runPolicy:
    cleanPodPolicy: Running
  mpiReplicaSpecs:
    Launcher:
      template:
        spec:
          containers:
          - name: launcher
            image: train:1
            command: [mpirun, -np, "32", train]
    Worker:
      replicas: 8
      template:
        spec:
          containers:
          - name: worker
            image: train:1
            resources:
              limits: {memory: 16Gi, nvidia.com/gpu: 4}
              requests: {memory: 16Gi}
"#;

fn cause(class: &str, replica: &str, node: &str, text: &str) -> Cause {
    Cause {
        rule: Arc::from("r"),
        class: Arc::from(class),
        title: Clean::new("it failed"),
        brief: Clean::default(),
        remedy: Clean::default(),
        evidence: Box::new([Evidence {
            at: Clean::new("pod"),
            line: None,
            text: Clean::new(text),
            origin: Origin::Job,
        }]),
        replica: Name::new(replica),
        node: (!node.is_empty()).then(|| Sym::new(node)),
        rank: None,
        sure: 90,
        consequences: Box::new([]),
        recovers: false,
    }
}

/// Title, whether something is to fill, and what differs after the first fix.
fn first(cause: &Cause, text: &str) -> (String, bool, String) {
    let fixes = fixes(cause, Kind::MpiJob, &value(text), 0);
    let Some(fix) = fixes.first() else { return (String::new(), false, String::new()) };
    let after = fix.apply(text).unwrap_or_else(|e| panic!("{}: {e}", fix.id));
    let report = Checks::builtin().check(&after, "operator");
    assert_eq!(report.jobs[0].verdict, Verdict::Accepted, "{report:#?}");
    let lines = diff(text, &after, 0);
    let sign = |side| if side == Side::New { '+' } else { '-' };
    let shown: Vec<_> = lines.iter().map(|line| format!("{}{}", sign(line.side), line.text.trim())).collect();
    for text in [fix.title.as_str(), fix.reason.as_str()] {
        assert!(!text.contains(['{', '}']), "a hole is not filled: {text}");
    }
    (fix.title.to_string(), fix.fill.is_some(), shown.join(" "))
}

#[test]
fn a_cause_suggests_the_change_that_answers_it() {
    let one = |class: &str, replica: &str, node: &str, text: &str| {
        let (title, _, lines) = first(&cause(class, replica, node, text), JOB);
        (title, lines)
    };
    let is = |made: (String, String), title: &str, lines: &str| assert_eq!(made, (title.to_owned(), lines.to_owned()));
    is(
        one("host_oom_killed", "worker-2", "", ""),
        "worker: memory 16Gi → 24Gi",
        "-limits: {memory: 16Gi, nvidia.com/gpu: 4} -requests: {memory: 16Gi} +limits: {memory: 24Gi, nvidia.com/gpu: 4} +requests: {memory: 24Gi}",
    );
    is(
        one("shm_too_small", "worker-0", "", ""),
        "worker: /dev/shm in memory, up to 4Gi",
        "+volumeMounts: +- name: shm +mountPath: /dev/shm +volumes: +- name: shm +emptyDir: +medium: Memory +sizeLimit: 4Gi",
    );
    let taint = "0/3 nodes are available: 3 node(s) had untolerated taint {nvidia.com/gpu: present}.";
    is(
        one("unschedulable_placement", "worker-0", "", taint),
        "worker: tolerate nvidia.com/gpu=present",
        "+tolerations: +- key: nvidia.com/gpu +operator: Equal +value: present",
    );
    is(
        one("ssh_refused", "launcher", "", ""),
        "start the launcher when all workers are ready",
        "+launcherCreationPolicy: WaitForWorkersReady",
    );
    is(
        one("gpu_hardware_fault", "worker-1", "gpu-7", ""),
        "worker: not on node gpu-7",
        "+affinity: +nodeAffinity: +requiredDuringSchedulingIgnoredDuringExecution: +nodeSelectorTerms: +- matchExpressions: +- key: kubernetes.io/hostname +operator: NotIn +values: +- gpu-7",
    );
    let quota = "pods \"train-worker-3\" is forbidden: exceeded quota: gpu-quota, requested: requests.nvidia.com/gpu=4, used: requests.nvidia.com/gpu=4, limited: requests.nvidia.com/gpu=28";
    is(
        one("quota_exceeded", "", "", quota),
        "workers 8 → 6",
        "-command: [mpirun, -np, \"32\", train] +command: [mpirun, -np, \"24\", train] -replicas: 8 +replicas: 6",
    );
    let own = fixes(
        &cause("quota_exceeded", "", "", &quota.replace("gpu=4, limited", "gpu=12, limited")),
        Kind::MpiJob,
        &value(JOB),
        8,
    );
    assert_eq!(
        (own[0].title.as_str(), own[0].reason.as_str()),
        ("workers 8 → 6", "24 nvidia.com/gpu is what there is room for, once the failed job is deleted.")
    );
    let queue = "couldn't assign flavors to pod set worker: insufficient quota for nvidia.com/gpu in flavor a100, previously considered podsets requests (0) + current podset request (32) > maximum capacity (24)";
    assert_eq!(one("kueue_inadmissible", "", "", queue).0, "workers 8 → 6");
    is(
        one("run_as_root_refused", "launcher", "", ""),
        "mpirun --allow-run-as-root",
        "-command: [mpirun, -np, \"32\", train] +command: [mpirun, --allow-run-as-root, -np, \"32\", train]",
    );
    is(one("backoff_limit", "", "", ""), "launcher: restartPolicy Never", "+restartPolicy: Never");
    let (title, fill, _) = first(&cause("image_not_found", "worker-0", "", ""), JOB);
    assert_eq!((title.as_str(), fill), ("another image for worker than train:1", true));
}

#[test]
fn ranks_follow_the_slots_in_words_and_scripts() {
    let cause = cause("not_enough_slots", "launcher", "", "");
    let words = JOB.replace("\"32\"", "\"64\"");
    assert_eq!(first(&cause, &words).0, "-np 64 → 32");
    let script = JOB.replace("[mpirun, -np, \"32\", train]", "[bash, -c, \"set -e; mpirun --x -np 64 train -n 3\"]");
    let (title, _, lines) = first(&cause, &script);
    assert_eq!(title, "-np 64 → 32");
    assert!(lines.contains("mpirun --x -np 32 train -n 3"), "{lines}");
    assert_ne!(first(&cause, JOB).0, "-np 32 → 32", "what fits is not changed");
}

#[test]
fn a_gpu_without_memory_gets_half_the_batch_in_words_scripts_and_every_role() {
    let cause = cause("gpu_oom", "worker-1", "", "");
    let of = |words: &str| {
        let (title, _, lines) = first(&cause, &JOB.replace("[mpirun, -np, \"32\", train]", words));
        (title, lines)
    };
    let (title, lines) = of("[mpirun, -np, \"32\", train, --batch-size, \"256\"]");
    assert_eq!(title, "--batch-size 256 → 128");
    assert!(lines.ends_with("+command: [mpirun, -np, \"32\", train, --batch-size, \"128\"]"), "{lines}");
    let (title, lines) = of("[bash, -c, \"mpirun train --per_device_train_batch_size=8 --global-batch-size 64\"]");
    assert_eq!(title, "--per_device_train_batch_size 8 → 4");
    assert!(lines.contains("--per_device_train_batch_size=4 --global-batch-size 64"), "{lines}");
    for left in ["[train, --global-batch-size, \"64\"]", "[train, --batch-size, \"1\"]", "[train, --batch-size]"] {
        assert!(!of(left).0.contains("batch"), "{left}");
    }
    let pod = |words: Value| json!({"template": {"spec": {"containers": [{"args": words}]}}});
    let replicas = json!({"Master": pod(json!(["--batch-size=6"])), "Worker": pod(json!(["--batch-size", "6"]))});
    let all = fixes(&cause, Kind::PyTorchJob, &json!({"spec": {"pytorchReplicaSpecs": replicas}}), 0);
    assert_eq!((all[0].title.as_str(), all[0].changes.len()), ("--batch-size 6 → 3", 2));
    let trainer = json!({"spec": {"trainer": {"args": ["--micro-batch-size", "4"]}}});
    assert_eq!(fixes(&cause, Kind::TrainJob, &trainer, 0)[0].title.as_str(), "--micro-batch-size 4 → 2");
}

#[test]
fn the_file_of_fixes_is_read_and_names_classes_and_makers_that_there_are() {
    assert_eq!(fix::file_error(), None);
    let rules = [include_str!("../../../assets/rules.toml"), include_str!("../../../assets/rules-log.toml")].concat();
    for row in fix::rows() {
        assert!(make::of(&row.make).is_some(), "{}: no maker {}", row.id, row.make);
        for class in row.classes.iter().filter(|class| *class != "*") {
            assert!(rules.contains(&format!("class = \"{class}\"")), "{}: no class {class}", row.id);
        }
    }
}

#[test]
fn a_debug_copy_keeps_everything_and_holds_its_launcher() {
    let after = changed(JOB, &debug(Kind::MpiJob, &value(JOB), true)).unwrap();
    let job = value(&after);
    assert_eq!(job["spec"]["runPolicy"], json!({"cleanPodPolicy": "None", "backoffLimit": 0}));
    let launcher = &job["spec"]["mpiReplicaSpecs"]["Launcher"];
    assert_eq!(launcher["restartPolicy"], "Never");
    let command = launcher["template"]["spec"]["containers"][0]["command"].as_array().unwrap();
    assert_eq!(command[0..2], [json!("/bin/sh"), json!("-c")]);
    assert_eq!(command[4..], [json!("mpirun"), json!("-np"), json!("32"), json!("train")]);
    assert!(after.contains("# keep me") && after.contains("# one a GPU"));
    assert_eq!(Checks::builtin().check(&after, "operator").jobs[0].verdict, Verdict::Accepted);
}

#[test]
fn a_difference_shows_lines_with_their_numbers() {
    let (old, new) = ("a\nb\nc\nd\ne\n", "a\nB\nc\nd\ne\nf\n");
    let lines = diff(old, new, 1);
    let shown: Vec<_> = lines.iter().map(|l| (l.side, l.old, l.new, l.text.as_str())).collect();
    let want = [
        (Side::Both, Some(1), Some(1), "a"),
        (Side::Old, Some(2), None, "b"),
        (Side::New, None, Some(2), "B"),
        (Side::Both, Some(3), Some(3), "c"),
        (Side::Both, Some(5), Some(5), "e"),
        (Side::New, None, Some(6), "f"),
    ];
    assert_eq!(shown, want);
    assert!(diff(old, old, 3).is_empty());
}

#[test]
fn mine_and_theirs_come_together_where_they_do_not_contradict() {
    let base = json!({"spec": {"a": 1, "b": 2, "gone": 3, "list": [1], "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]}});
    let mut theirs = base.clone();
    theirs["spec"]["a"] = json!(10);
    theirs["spec"]["env"] =
        json!([{"name": "A", "value": "theirs"}, {"name": "B", "value": "2"}, {"name": "T", "value": "t"}]);
    let mut mine = base.clone();
    mine["spec"]["b"] = json!(20);
    mine["spec"].as_object_mut().unwrap().remove("gone");
    mine["spec"]["env"] =
        json!([{"name": "A", "value": "1"}, {"name": "B", "value": "mine"}, {"name": "M", "value": "m"}]);
    let merge = merge(&base, &theirs, &mine);
    assert_eq!(merge.conflicts, []);
    let env = json!([{"name": "A", "value": "theirs"}, {"name": "B", "value": "mine"}, {"name": "T", "value": "t"}, {"name": "M", "value": "m"}]);
    assert_eq!(merge.merged, json!({"spec": {"a": 10, "b": 20, "list": [1], "env": env}}));
    theirs["spec"]["b"] = json!(30);
    let again = super::merge(&base, &theirs, &mine);
    assert_eq!(
        again.conflicts,
        [Conflict { at: "/spec/b".into(), base: Some(json!(2)), theirs: Some(json!(30)), mine: Some(json!(20)) }]
    );
    assert_eq!((&again.merged["spec"]["b"], &again.mine["spec"]["b"]), (&json!(30), &json!(20)));
    let sides = [Take::Mine, Take::Theirs].map(|take| decided(&base, &theirs, &mine, "/spec/b", take));
    assert_eq!(
        sides.map(|merge| (merge.merged["spec"]["b"].clone(), merge.conflicts.len())),
        [(json!(20), 0), (json!(30), 0)]
    );
}

#[test]
fn the_way_from_one_manifest_to_another_touches_only_what_differs() {
    let text = "# mine\nspec:\n  a: 1 # one\n  env:\n  - name: A\n    value: '1'\n  - name: B\n    value: two\n";
    let to = json!({"spec": {"a": 1, "env": [{"name": "B", "value": "2"}, {"name": "C", "value": "3"}]}});
    let steps = edits(&value(text), &to);
    assert_eq!(steps.iter().map(Change::at).collect::<Vec<_>>(), ["/spec/env/0", "/spec/env/0/value", "/spec/env/-"]);
    let after = changed(text, &steps).unwrap();
    assert_eq!(
        after,
        "# mine\nspec:\n  a: 1 # one\n  env:\n  - name: B\n    value: \"2\"\n  - name: C\n    value: \"3\"\n"
    );
    assert_eq!(
        merge_patch(&json!({"a": {"b": 1, "c": 2}, "d": [1]}), &json!({"a": {"b": 1}, "d": [2]})),
        json!({"a": {"c": null}, "d": [2]})
    );
}

#[test]
fn what_a_job_that_has_started_does_not_look_at_is_known() {
    let late = |kind: Kind, at: &str| too_late(kind, at).is_some();
    let worker = "/spec/mpiReplicaSpecs/Worker";
    assert!(late(Kind::MpiJob, &format!("{worker}/template/spec/containers/0/image")));
    assert!(!late(Kind::MpiJob, &format!("{worker}/replicas")));
    assert!(
        late(Kind::MpiJob, "/spec/runPolicy/backoffLimit") && !late(Kind::MpiJob, "/spec/runPolicy/cleanPodPolicy")
    );
    assert!(late(Kind::MpiJob, "/spec/slotsPerWorker") && !late(Kind::PyTorchJob, "/spec/runPolicy/backoffLimit"));
    assert!(late(Kind::TrainJob, "/spec/trainer/numNodes") && !late(Kind::TrainJob, "/spec/suspend"));
    assert!(
        !late(Kind::MpiJob, "/metadata/labels/team")
            && late(Kind::JaxJob, "/metadata/labels/kueue.x-k8s.io~1queue-name")
    );
}

fn any_object() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![(0..3i32).prop_map(Value::from), "[ab]".prop_map(Value::from)];
    let item = ("[a-c]", 0..2i32).prop_map(|(name, n)| json!({"name": name, "n": n}));
    leaf.prop_recursive(3, 20, 4, move |inner| {
        prop_oneof![
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| map.into_iter().collect()),
            prop::collection::vec(item.clone(), 0..3).prop_map(Value::from),
        ]
    })
}

/// Every leaf of a value with a path in which items that have names are named.
fn leaves(value: &Value, at: &str, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(k, v)| leaves(v, &format!("{at}/{k}"), out)),
        leaf => out.push((at.to_owned(), leaf.clone())),
    }
}

#[test]
fn a_conflict_keeps_its_place_though_items_before_it_are_gone() {
    let base = json!([{"n": 1, "name": "a"}, {"n": 0, "name": "c"}]);
    let mine = json!([{"n": 0, "name": "c"}, {"n": 0, "name": "a"}]);
    let merge = merge(&base, &json!([]), &mine);
    assert_eq!(merge.conflicts.iter().map(|c| c.at.as_str()).collect::<Vec<_>>(), ["/0"]);
    let after = decided(&merge.base, &json!([]), &merge.mine, "/0", Take::Mine);
    assert_eq!((after.conflicts.len(), after.merged), (0, json!([{"n": 0, "name": "a"}])));
}

proptest! {
    #[test]
    fn a_merge_drops_nothing_of_mine_or_theirs_in_silence(base in any_object(), theirs in any_object(), mine in any_object()) {
        let merge = merge(&base, &theirs, &mine);
        let of = |value: &Value| { let mut out = Vec::new(); leaves(value, "", &mut out); out };
        let (before, result) = (of(&base), of(&merge.merged));
        let told = |at: &str| merge.conflicts.iter().any(|c| at.starts_with(&c.at) || c.at.starts_with(at));
        for side in [&mine, &theirs] {
            for (at, value) in of(side) {
                let new = !before.contains(&(at.clone(), value.clone()));
                let there = result.contains(&(at.clone(), value.clone()));
                // A list by name may hold more; an empty map may have been filled.
                let grown = value.is_array() || value == json!({});
                prop_assert!(!new || there || told(&at) || grown, "{at} {value} lost: {merge:?}");
            }
        }
        let all = |merged: &Value, base: &Value| {
            Merge { merged: merged.clone(), mine: merged.clone(), base: base.clone(), conflicts: vec![] }
        };
        prop_assert_eq!(super::merge(&base, &base, &mine), all(&mine, &base));
        prop_assert_eq!(super::merge(&base, &theirs, &base), all(&theirs, &theirs));
        // From where a merge leads, the same contradictions are found again, and no others.
        let again = super::merge(&merge.base, &theirs, &merge.mine);
        let sides = |merge: &Merge| merge.conflicts.iter().map(|c| (c.theirs.clone(), c.mine.clone())).collect::<Vec<_>>();
        prop_assert_eq!(sides(&again), sides(&merge));
    }

    #[test]
    fn conflicts_are_decided_one_by_one_until_none_is_left(
        base in any_object(), theirs in any_object(), mine in any_object(), takes in prop::collection::vec(any::<bool>(), 20),
    ) {
        let mut merge = merge(&base, &theirs, &mine);
        for take in takes.into_iter().map(|mine| if mine { Take::Mine } else { Take::Theirs }) {
            let Some(first) = merge.conflicts.first().cloned() else { break };
            let after = decided(&merge.base, &theirs, &merge.mine, &first.at, take);
            prop_assert!(after.conflicts.len() < merge.conflicts.len(), "{first:?}: {after:?}");
            merge = after;
        }
        if merge.conflicts.is_empty() {
            prop_assert_eq!(&merge.base, &theirs);
            prop_assert_eq!(&merge.mine, &merge.merged);
        }
    }

    #[test]
    fn edits_of_a_text_and_a_patch_of_an_object_lead_to_the_same(from in any_object(), to in any_object()) {
        prop_assume!(from.is_object() && to.is_object());
        let mut patched = from.clone();
        json_patch::merge(&mut patched, &merge_patch(&from, &to));
        prop_assert_eq!(&patched, &to);
        let text = serde_saphyr::to_string(&from).unwrap();
        let edited = changed(&text, &edits(&from, &to)).unwrap();
        prop_assert_eq!(value(&edited), to);
    }

    #[test]
    fn a_difference_is_both_texts(old in "([abc]\n){0,12}", new in "([abc]\n){0,12}") {
        let lines = diff(&old, &new, 100);
        let of = |side: Side| -> String { lines.iter().filter(|l| l.side != side).map(|l| l.text.clone() + "\n").collect() };
        if old != new {
            prop_assert_eq!(of(Side::New), old);
            prop_assert_eq!(of(Side::Old), new);
        }
    }
}
