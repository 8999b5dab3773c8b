use serde_json::json;

use super::*;

fn rooms(nodes: usize, gpus: &str) -> BTreeMap<String, Room> {
    let node = |n: usize| {
        let all = json!({"cpu": "64", "memory": "256Gi", "pods": "110", "nvidia.com/gpu": gpus});
        Arc::new(json!({"metadata": {"name": format!("n{n}")}, "status": {"allocatable": all}}))
    };
    scheduler::rooms((0..nodes).map(node))
}

fn pods(n: usize, phase: &str, node: &str) -> Vec<Arc<Value>> {
    let pod = |n: usize| {
        let limits = json!({"cpu": "1", "nvidia.com/gpu": "8"});
        let name = format!("j-worker-{n}");
        Arc::new(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "ns", "uid": name, "annotations": {VOLCANO_GROUP: "j"}},
            "spec": {"nodeName": node, "containers": [{"resources": {"limits": limits}}]}, "status": {"phase": phase},
        }))
    };
    (0..n).map(pod).collect()
}

fn group(least: usize, gpus: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "PodGroup", "metadata": {"name": "j", "namespace": "ns", "uid": "g"},
        "spec": {"minMember": least, "minResources": {"nvidia.com/gpu": gpus}},
    })
}

fn looked(scheduler: &str, group: &Value, pods: &[Arc<Value>], rooms: &BTreeMap<String, Room>) -> Outcome {
    look(&Seen {
        group,
        pods,
        rooms,
        scheduler,
        release: Release::default(),
        now: "2026-11-20T08:00:00Z".parse().unwrap(),
    })
}

fn status(out: &Outcome) -> Value {
    let status = out.writes.iter().find_map(|w| match w {
        Write::Status(_, group) => Some(group["status"].clone()),
        _ => None,
    });
    status.unwrap_or_default()
}

#[test]
fn a_gang_that_fits_is_placed_as_a_whole() {
    for scheduler in ["volcano", "plugins"] {
        let out = looked(scheduler, &group(3, "24"), &pods(3, "Pending", ""), &rooms(3, "8"));
        let nodes: Vec<_> = out.bound.iter().map(|(_, node)| node.as_str()).collect();
        assert_eq!((nodes, out.refused.len()), (vec!["n0", "n1", "n2"], 0), "{scheduler}");
    }
}

#[test]
fn of_a_gang_that_does_not_fit_no_pod_is_placed() {
    let out = looked("volcano", &group(6, "40"), &pods(6, "Pending", ""), &rooms(3, "16"));
    assert_eq!(out.bound.len(), 6, "two on each");
    let out = looked("volcano", &group(6, "28"), &pods(6, "Pending", ""), &rooms(3, "8"));
    assert!(out.bound.is_empty());
    let words = "3/6 tasks in gang unschedulable: pod group is not ready, 6 Pending, 6 minAvailable; Pending: 3 \
                 Schedulable, 3 Unschedulable";
    let seen = status(&out);
    assert_eq!(seen["conditions"][0]["message"], words);
    assert_eq!((&seen["phase"], &seen["conditions"][0]["type"]), (&json!("Inqueue"), &json!("Unschedulable")));
    let told: Vec<_> = out.refused.iter().map(|r| (r.reason, r.message.as_str())).collect();
    assert_eq!(
        told[0],
        ("Schedulable", "Pod ns/j-worker-0 can possibly be assgined to n0, once minAvailable is satisfied")
    );
    assert_eq!(told[3], ("Unschedulable", "0/3 nodes are unavailable: 3 Insufficient nvidia.com/gpu."));
    assert_eq!(told[5], ("Unschedulable", words));
}

#[test]
fn a_gang_that_is_larger_than_the_cluster_stays_out_of_the_queue() {
    let out = looked("volcano", &group(6, "48"), &pods(6, "Pending", ""), &rooms(3, "8"));
    let seen = status(&out);
    let words =
        "6/6 tasks in gang unschedulable: pod group is not ready, 6 Pending, 6 minAvailable; Pending: 6 Undetermined";
    assert_eq!((&seen["phase"], &seen["conditions"][0]["message"]), (&json!("Pending"), &json!(words)));
}

#[test]
fn a_gang_that_runs_says_so_and_ends() {
    let out = looked("volcano", &group(2, "16"), &pods(2, "Running", "n0"), &rooms(2, "8"));
    assert_eq!((&status(&out)["phase"], &status(&out)["running"]), (&json!("Running"), &json!(2)));
    let out = looked("volcano", &group(2, "16"), &pods(2, "Succeeded", "n0"), &rooms(2, "8"));
    assert_eq!((&status(&out)["phase"], &status(&out)["succeeded"]), (&json!("Completed"), &json!(2)));
    let out = looked("plugins", &group(2, "16"), &pods(2, "Succeeded", "n0"), &rooms(2, "8"));
    assert_eq!(status(&out)["phase"], "Finished");
}

#[test]
fn coscheduling_waits_for_siblings_and_rejects_all_with_one() {
    let few = looked("plugins", &group(3, "24"), &pods(2, "Pending", ""), &rooms(3, "8"));
    assert!(
        few.refused[0]
            .message
            .contains("cannot find enough sibling pods, current pods number: 2, minMember of group: 3")
    );
    assert_eq!((few.bound.len(), &status(&few)["phase"]), (0, &json!("Pending")));
    let full = looked("plugins", &group(3, "24"), &pods(3, "Pending", ""), &rooms(2, "8"));
    assert_eq!((full.bound.len(), &status(&full)["phase"]), (0, &json!("Scheduling")));
    assert_eq!(full.refused[0].message, "optimistic rejection in PostFilter");
    let last = "PodGroup ns/j gets rejected due to Pod j-worker-2 is unschedulable even after PostFilter";
    assert!(full.refused[2].message.ends_with(last), "{}", full.refused[2].message);
}
