//! `mpideck top nodes|queues|namespaces|users|jobs` as a process, on a scenario's cluster.

use serde_json::Value;

use crate::lived::{Lived, lived};
use crate::program::{Program, Said};

struct Desk {
    _cluster: Lived,
    _served: mpideck::sim::Served,
    program: Program,
}

async fn desk() -> Desk {
    let cluster = lived("queue-waits").await;
    let served = cluster.sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    Desk { program: Program::with(served.kubeconfig()), _cluster: cluster, _served: served }
}

fn items(said: &Said) -> Vec<Value> {
    let text: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    text["items"].as_array().unwrap().clone()
}

fn named<'a>(items: &'a [Value], name: &str) -> &'a Value {
    items.iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name} in {items:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_views_are_printed_for_people_and_scripts() {
    let desk = desk().await;
    let said = desk.program.run("top nodes -o json").await;
    assert_eq!(said.code, 0, "{said:?}");
    let nodes = items(&said);
    let held: u64 = nodes.iter().filter_map(|node| node["gpus"]["held"].as_u64()).sum();
    assert_eq!(held, 8, "the job that is in has two workers of four GPUs");
    let holders: Vec<&Value> = nodes.iter().flat_map(|node| node["holders"].as_array().unwrap()).collect();
    assert!(holders.iter().all(|holder| holder["name"] == "before" && holder["job"] == true), "{holders:?}");
    let said = desk.program.run("top nodes --sort -free").await;
    let lines: Vec<Vec<&str>> = said.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!((said.code, lines[0][0], lines[0].len()), (0, "NODE", lines[1].len()), "{}", said.out);
    assert_eq!(lines.len(), nodes.len() + 1);
    let said = desk.program.run("top queues -o json").await;
    let queues = items(&said);
    let gpus = named(&queues, "team-large")["quotas"].as_array().unwrap();
    let gpus = gpus.iter().find(|quota| quota["gpu"] == true).unwrap();
    assert_eq!((&gpus["reserved"], &gpus["free"], &gpus["most"]), (&8.into(), &0.into(), &8.into()), "{said:?}");
    assert_eq!(named(&queues, "research-large")["waiting"], 1);
    let said = desk.program.run("top namespaces -o json").await;
    let speech = items(&said);
    assert_eq!(named(&speech, "speech")["gpuQuota"]["hard"], 6, "{said:?}");
    assert_eq!(named(&speech, "research")["gpusHeld"], 8, "{said:?}");
    let said = desk.program.run("top users -o json").await;
    assert_eq!((said.code, items(&said)[0]["gpusHeld"].as_u64()), (0, Some(8)), "{said:?}");
    let said = desk.program.run("top jobs -A").await;
    assert!(said.code == 0 && said.out.lines().count() == 3, "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_not_see_it_is_told_what_to_ask_for() {
    let desk = desk().await;
    let said = desk.program.run("top nodes --context tenant").await;
    assert!(said.code == 1 && said.err.contains("ask for: list nodes in all namespaces"), "{said:?}");
    let said = desk.program.run("top queues --context tenant -o json").await;
    assert!(said.code == 3 && said.err.contains("list clusterqueues.kueue.x-k8s.io"), "{said:?}");
    assert!(items(&said).iter().all(|item| item["namespace"] == "vision"), "{said:?}");
    let said = desk.program.run("top nodes --sort colour").await;
    assert!(said.code == 2 && said.err.contains("node, gpus"), "{said:?}");
}
