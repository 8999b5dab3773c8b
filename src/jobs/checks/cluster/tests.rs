use serde_json::{Value, json};

use super::*;
use crate::jobs::Clean;
use crate::jobs::checks::{Checks, Outcome, Severity, Verdict};

fn job() -> Value {
    let pod = |gpus: u32, extra: Value| {
        let mut spec = json!({"containers": [{"name": "main", "image": "i:1", "command": ["x"],
            "resources": {"limits": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": gpus}}}]});
        if gpus == 0 {
            spec["containers"][0]["resources"]["limits"].as_object_mut().unwrap().remove("nvidia.com/gpu");
        }
        spec.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        json!({"spec": spec})
    };
    json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob",
        "metadata": {"name": "train", "labels": {"kueue.x-k8s.io/queue-name": "gpu"}},
        "spec": {"mpiReplicaSpecs": {
            "Launcher": {"replicas": 1, "template": pod(0, json!({}))},
            "Worker": {"replicas": 8, "template": pod(4, json!({"priorityClassName": "high", "serviceAccountName": "bot",
                "nodeSelector": {"gpu": "a100"},
                "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "s", "secret": {"secretName": "key"}},
                    {"name": "o", "configMap": {"name": "maybe", "optional": true}}]}))}}}})
}

fn facts(answers: Vec<(Part, Fact)>) -> Facts {
    let mut facts = Facts::new("team-cv", []);
    for (part, answer) in answers {
        facts.take(part, answer);
    }
    facts
}

fn said(answers: Vec<(Part, Fact)>) -> Vec<(&'static str, String, String)> {
    let problems = Checks::builtin().check_cluster(Kind::MpiJob, &job(), &facts(answers));
    problems.into_iter().map(|p| (p.rule, p.at, p.reason.to_string())).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "a fact is an answer or why there is none")]
fn objects(list: &Value) -> Fact {
    Ok(Answer::Objects(list.as_array().unwrap().clone()))
}

#[test]
fn what_the_whole_job_needs_is_held_against_what_a_quota_leaves() {
    let quota = json!([{"metadata": {"name": "gpu-quota"}, "spec": {"hard": {"requests.nvidia.com/gpu": "28", "pods": "20", "limits.cpu": "10"}},
        "status": {"used": {"requests.nvidia.com/gpu": "4", "pods": "1"}}},
        {"metadata": {"name": "low"}, "spec": {"hard": {"pods": "0"}, "scopes": ["BestEffort"]}}]);
    let found = said(vec![(Part::Quotas, objects(&quota))]);
    let gpu = "/spec/mpiReplicaSpecs/Worker/template/spec/containers/0/resources/limits/nvidia.com~1gpu";
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(
        found[1],
        (
            "quota-short",
            gpu.to_owned(),
            "The job needs 32 nvidia.com/gpu, and quota gpu-quota leaves 24 of 28 in team-cv".to_owned()
        )
    );
    assert!(found[0].2.contains("needs 18 limits.cpu, and quota gpu-quota leaves 10 of 10"), "{found:?}");
}

#[test]
fn what_a_runtime_adds_to_a_train_job_is_held_against_quota_and_nodes() {
    let runtime = json!({"spec": {"mlPolicy": {"numNodes": 2}, "template": {"spec": {"replicatedJobs": [{"name": "node",
        "template": {"metadata": {"labels": {"trainer.kubeflow.org/trainjob-ancestor-step": "trainer"}},
            "spec": {"template": {"spec": {"nodeSelector": {"gpu": "h100"}, "containers": [
                {"name": "node", "resources": {"limits": {"nvidia.com/gpu": 8}}}]}}}}}]}}}});
    let job = json!({"apiVersion": "trainer.kubeflow.org/v1alpha1", "kind": "TrainJob", "metadata": {"name": "t"},
        "spec": {"runtimeRef": {"name": "torch"}}});
    let quota = json!([{"metadata": {"name": "q"}, "spec": {"hard": {"requests.nvidia.com/gpu": "12"}}, "status": {}}]);
    let nodes = json!([{"metadata": {"name": "a", "labels": {"gpu": "a100"}}, "spec": {},
        "status": {"allocatable": {"nvidia.com/gpu": "8"}}}]);
    let reference = Part::Object("ClusterTrainingRuntime", "torch".into());
    let rules = |runtime: Fact| {
        let answers =
            vec![(Part::Quotas, objects(&quota)), (Part::Nodes, objects(&nodes)), (reference.clone(), runtime)];
        let problems = Checks::builtin().check_cluster(Kind::TrainJob, &job, &facts(answers));
        problems.into_iter().map(|p| (p.rule, p.reason.to_string())).collect::<Vec<_>>()
    };
    let found = rules(Ok(Answer::Objects(vec![runtime])));
    assert_eq!(found.iter().map(|(rule, _)| *rule).collect::<Vec<_>>(), ["quota-short", "no-node-fits"], "{found:?}");
    assert!(found[0].1.contains("needs 16 nvidia.com/gpu, and quota q leaves 12 of 12"), "{found:?}");
    assert!(found[1].1.contains("without the label gpu=h100"), "{found:?}");
    assert!(rules(Err(Clean::new("forbidden"))).is_empty(), "what may not be read is not guessed");
    assert_eq!(rules(Ok(Answer::No(Clean::new("not found"))))[0].0, "object-missing");
}

#[test]
fn limit_ranges_speak_for_one_pod_or_container() {
    let range = json!([{"metadata": {"name": "small"}, "spec": {"limits": [
        {"type": "Container", "max": {"cpu": "1"}, "min": {"memory": "8Gi"}, "default": {"ephemeral-storage": "1Gi"}},
        {"type": "Pod", "max": {"nvidia.com/gpu": "2"}}]}}]);
    let found = said(vec![(Part::LimitRanges, objects(&range))]);
    let texts: Vec<_> = found.iter().map(|(_, _, said)| said.as_str()).collect();
    assert!(texts.contains(&"Worker: small allows at most 1 cpu a Container, and the limit is 2"), "{texts:?}");
    assert!(
        texts.contains(&"Launcher: small allows at least 8Gi memory a Container, and the request is 4Gi"),
        "{texts:?}"
    );
    assert!(texts.contains(&"Worker: small allows at most 2 nvidia.com/gpu a Pod, and the limit is 4"), "{texts:?}");
    assert_eq!(found.len(), 5);
}

#[test]
fn objects_that_are_named_must_be_there_and_optional_ones_need_not() {
    let named: Vec<_> = references(Kind::MpiJob, &job()).into_iter().map(|r| (r.kind, r.name)).collect();
    let want = [
        ("LocalQueue", "gpu"),
        ("ServiceAccount", "bot"),
        ("PriorityClass", "high"),
        ("PersistentVolumeClaim", "data"),
        ("Secret", "key"),
    ];
    assert_eq!(named, want.map(|(kind, name)| (kind, name.to_owned())));
    let no = || Ok(Answer::No(Clean::new("not found")));
    let found = said(vec![
        (Part::Object("PersistentVolumeClaim", "data".into()), no()),
        (Part::Object("PriorityClass", "high".into()), no()),
        (Part::Object("Secret", "key".into()), Err(Clean::new("forbidden"))),
    ]);
    assert_eq!(found.iter().map(|(rule, ..)| *rule).collect::<Vec<_>>(), ["object-missing-pods", "object-missing"]);
    assert_eq!(found[1].1, "/spec/mpiReplicaSpecs/Worker/template/spec/volumes/0/persistentVolumeClaim/claimName");
}

#[test]
fn no_node_fits_only_if_each_is_out_and_the_reasons_are_counted() {
    let node = |name: &str, labels: Value, gpus: &str, taints: Value| {
        json!({"metadata": {"name": name, "labels": labels}, "spec": {"taints": taints},
            "status": {"allocatable": {"cpu": "64", "memory": "512Gi", "nvidia.com/gpu": gpus}}})
    };
    let a100 = json!({"gpu": "a100"});
    let mut nodes = json!([
        node("a", a100.clone(), "2", json!([])),
        node("b", a100.clone(), "8", json!([{"key": "reserved", "effect": "NoSchedule"}])),
        node("c", json!({}), "8", json!([])),
        node("d", json!({}), "8", json!([])),
    ]);
    let found = said(vec![(Part::Nodes, objects(&nodes))]);
    assert_eq!(found.len(), 1, "the launcher fits anywhere: {found:?}");
    assert_eq!(
        found[0].2,
        "None of the 4 nodes can take a pod of Worker: 2: without the label gpu=a100; 1: too small (2 of 4 nvidia.com/gpu); 1: with the taint reserved"
    );
    nodes.as_array_mut().unwrap().push(node("e", a100, "4", json!([{"key": "x", "effect": "PreferNoSchedule"}])));
    assert!(said(vec![(Part::Nodes, objects(&nodes))]).is_empty());
}

#[test]
fn tolerations_that_the_server_gives_to_pods_count() {
    let nodes = json!([{"metadata": {"name": "a", "labels": {"gpu": "a100"}}, "spec": {"taints": [{"key": "nvidia.com/gpu", "effect": "NoSchedule"}]},
        "status": {"allocatable": {"cpu": "64", "memory": "512Gi", "nvidia.com/gpu": "8"}}}]);
    let rules = |pod: Value| {
        let answers = vec![(Part::Nodes, objects(&nodes)), (Part::DryPod("Worker".into()), objects(&json!([pod])))];
        said(answers).into_iter().filter(|(.., said)| said.contains("Worker")).count()
    };
    assert_eq!(rules(json!({"spec": {}})), 1);
    let tolerates = json!([{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]);
    assert_eq!(rules(json!({"spec": {"tolerations": tolerates}})), 0);
}

#[test]
fn what_is_out_or_may_not_be_read_is_said_and_counts_for_nothing() {
    let mut facts = Facts::new("team-cv", [Part::Right, Part::Quotas, Part::DryJob]);
    facts.take(Part::Quotas, Err(Clean::new("forbidden")));
    facts.take(Part::Right, Ok(Answer::No(Clean::new("User \"jane\" cannot create resource \"mpijobs\""))));
    assert_eq!(facts.out().map(Part::words).collect::<Vec<_>>(), ["the server's own check of the job"]);
    assert_eq!(
        facts.unread().map(|(part, why)| (part.words(), why.to_string())).collect::<Vec<_>>(),
        [("quotas".to_owned(), "forbidden".to_owned())]
    );
    let problems = Checks::builtin().check_cluster(Kind::MpiJob, &job(), &facts);
    assert_eq!(problems.len(), 1);
    assert_eq!((problems[0].rule, problems[0].severity), ("may-not-create", Severity::Error));
    assert_eq!(Verdict::of(&problems), Verdict::Refused(Outcome::Create));
}

#[test]
fn policies_must_leave_ssh_and_mpi_open_between_the_replicas() {
    let policy = |spec: Value| json!([{"metadata": {"name": "closed"}, "spec": spec}]);
    let rules = |spec: Value| {
        said(vec![(Part::Policies, objects(&policy(spec)))]).into_iter().map(|(rule, ..)| rule).collect::<Vec<_>>()
    };
    let own = json!({"matchLabels": {"training.kubeflow.org/job-name": "train"}});
    assert_eq!(rules(json!({"podSelector": {}})), ["network-closed"]);
    assert_eq!(rules(json!({"podSelector": {}, "policyTypes": ["Egress"]})), ["network-closed"]);
    assert_eq!(
        rules(json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "other"}}}]}]})),
        ["network-closed"]
    );
    assert_eq!(
        rules(json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": own}], "ports": [{"port": 22}]}]})),
        ["network-few-ports"]
    );
    assert_eq!(rules(json!({"podSelector": own, "ingress": [{"from": [{"podSelector": own}]}]})), Vec::<&str>::new());
    assert_eq!(rules(json!({"podSelector": {"matchLabels": {"app": "web"}}, "ingress": []})), Vec::<&str>::new());
}
