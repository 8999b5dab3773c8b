use super::*;
use crate::jobs::{
    Name, Secs, Uid,
    amounts::ByResource,
    capacity::{HeldPod, NodeRow, SpaceRow},
    part::Part,
    queue::{ClusterQueueRow, Group, LoadRow, LocalQueueRow, PodSetRow, Queues, Quota, WaitingRow},
    row::{Condition, Requests, Truth},
};

fn sym(text: &str) -> Sym {
    Sym::new(text)
}

fn table(rows: &[(&str, u8, u64)]) -> Table {
    let row = |(id, depth, n): &(&str, u8, u64)| Row {
        id: (*id).to_owned(),
        depth: *depth,
        cells: vec![Cell::text(*id, Tone::Name), Cell::count(*n)],
        goes: None,
    };
    Table { rows: rows.iter().map(row).collect(), ..Table::default() }
}

fn ids(table: &Table) -> Vec<&str> {
    table.rows.iter().map(|row| row.id.as_str()).collect()
}

#[test]
fn rows_are_sorted_with_those_below_them_and_most_comes_first() {
    let mut it = table(&[("b", 0, 1), ("b1", 1, 9), ("a", 0, 5), ("a1", 1, 0), ("a2", 1, 7), ("c", 0, 3)]);
    it.sort(0, false);
    assert_eq!(ids(&it), ["a", "a1", "a2", "b", "b1", "c"]);
    it.sort(1, false);
    assert_eq!(ids(&it), ["a", "a1", "a2", "c", "b", "b1"]);
    it.sort(1, true);
    assert_eq!(ids(&it), ["b", "b1", "c", "a", "a1", "a2"]);
    assert_eq!((it.position("c"), it.position("x")), (Some(2), None));
}

fn node(name: &str, gpus: u64) -> NodeRow {
    let amounts = ByResource::from([(sym("nvidia.com/gpu"), gpus * 1000), (sym("cpu"), 64_000)]);
    NodeRow { name: sym(name), ready: true, capacity: amounts.clone(), allocatable: amounts, ..NodeRow::default() }
}

fn pod(job: &str, node: &str, gpus: u32) -> HeldPod {
    HeldPod {
        namespace: sym("ns"),
        name: Name::lossy(&format!("{job}-pod")),
        uid: Uid::new(&format!("{job}{node}")),
        job: if job == "notebook" { Name::default() } else { Name::lossy(job) },
        node: Some(sym(node)),
        requests: Requests { gpus, ..Requests::default() },
    }
}

fn fleet() -> crate::jobs::fleet::Fleet {
    crate::jobs::fleet::Fleet::new(std::sync::Arc::new(crate::jobs::causes::Rules::builtin()))
}

#[test]
fn each_gpu_of_a_node_has_the_sign_of_its_holder() {
    let mut sick = node("two", 4);
    sick.capacity.insert(sym("nvidia.com/gpu"), 5000);
    let closed = NodeRow { closed: true, ..node("three", 2) };
    let pods = [pod("big", "one", 6), pod("small", "two", 1), pod("big", "two", 2), pod("notebook", "one", 1)];
    let nodes = Part::whole(vec![node("one", 8), sick, closed]);
    let it = nodes_of(&nodes, &pods);
    let strips: Vec<&str> = it.rows.iter().map(|row| row.cells[1].text.as_str()).collect();
    assert_eq!(strips, ["aaaaaa#.", "aab.x", "--"]);
    let legend: Vec<_> = it.legend.iter().map(|(mark, who, n)| (mark.symbol, who.as_str(), *n)).collect();
    assert_eq!(legend, [('a', "ns/big", 8), ('b', "ns/small", 1), ('#', "no training jobs", 1)]);
    let cells: Vec<(&str, &str)> =
        it.rows.iter().map(|row| (row.cells[2].text.as_str(), row.cells[7].text.as_str())).collect();
    assert_eq!(cells, [("1", "ready"), ("1", "ready"), ("2", "closed")]);
    assert_eq!(it.rows[0].goes, Some(Goes::Jobs("node:=one".to_owned())));
}

#[test]
fn gpus_of_other_makers_are_cells_like_any() {
    let of = |name: &str, resource: &str| {
        let amounts = ByResource::from([(sym(resource), 4000)]);
        NodeRow { capacity: amounts.clone(), allocatable: amounts, ..node(name, 0) }
    };
    let amd =
        NodeRow { labels: Box::new([(sym("amd.com/gpu.product-name"), sym("MI300X"))]), ..of("amd", "amd.com/gpu") };
    let pods = [pod("big", "amd", 3), pod("small", "gaudi", 1)];
    let it = nodes_of(&Part::whole(vec![amd, of("gaudi", "habana.ai/gaudi")]), &pods);
    let cells: Vec<(&str, &str)> =
        it.rows.iter().map(|row| (row.cells[1].text.as_str(), row.cells[2].text.as_str())).collect();
    assert_eq!(cells, [("aaa.", "1"), ("b...", "3")]);
    assert_eq!(it.rows[0].cells[3].text, "MI300X");
}

fn nodes_of(rows: &Part<NodeRow>, pods: &[HeldPod]) -> Table {
    nodes(&fleet(), rows, &Part::whole(pods.to_vec()))
}

#[test]
fn the_twenty_sixth_job_shares_its_sign_with_the_rest() {
    let jobs: Vec<HeldPod> = (0..30).map(|n| pod(&format!("job-{n:02}"), "one", 1)).collect();
    let it = nodes_of(&Part::whole(vec![node("one", 30)]), &jobs);
    assert_eq!(it.rows[0].cells[1].text.matches('+').count(), 5);
    assert_eq!(it.legend.last().map(|(mark, who, n)| (mark.symbol, who.as_str(), *n)), Some(('+', "other jobs", 5)));
}

fn kueue() -> Queues {
    let quota = Quota {
        cell: (sym("a100"), sym("nvidia.com/gpu")),
        nominal: 8000,
        used: 10_000,
        borrowed: 2000,
        ..Quota::default()
    };
    let other = Quota { nominal: 8000, used: 0, borrowed: 0, ..quota.clone() };
    let cluster = |name: &str, quota: &Quota| ClusterQueueRow {
        name: sym(name),
        cohort: Some(sym("all")),
        groups: Box::new([Group { resources: Box::new([sym("nvidia.com/gpu")]), flavors: Box::new([sym("a100")]) }]),
        quotas: Box::new([quota.clone()]),
        weight: 1000,
        pending: 2,
        reserving: 1,
        ..ClusterQueueRow::default()
    };
    let local = |namespace: &str, queue: &str| LocalQueueRow {
        namespace: sym(namespace),
        name: sym("gpu"),
        cluster_queue: sym(queue),
        used: Box::new([((sym("a100"), sym("nvidia.com/gpu")), 10_000)]),
        ..LocalQueueRow::default()
    };
    let load = |n: u32, priority: i64| LoadRow {
        namespace: sym("ns"),
        name: Name::lossy(&format!("load-{n}")),
        uid: Uid::new(&format!("{n}")),
        created: Secs(100 + n),
        queue: sym("gpu"),
        active: true,
        priority,
        sets: Box::new([PodSetRow {
            name: sym("worker"),
            count: 1,
            needs: ByResource::from([(sym("nvidia.com/gpu"), 4000), (sym("cpu"), 500)]),
            flavors: Box::default(),
        }]),
        conditions: Box::new([Condition {
            kind: sym("QuotaReserved"),
            status: Truth::False,
            message: Clean::new("ClusterQueue left is stopped"),
            ..Condition::default()
        }]),
        ..LoadRow::default()
    };
    Queues {
        clusters: Part::whole(vec![cluster("right", &other), cluster("left", &quota)]),
        locals: Part::whole(vec![local("ns", "left"), local("other", "gone")]),
        loads: Part::whole(vec![load(1, 0), load(2, -5), load(3, 7)]),
        ..Queues::default()
    }
}

#[test]
fn namespaces_stand_below_their_teams_and_those_of_none_at_the_end() {
    let space = |name: &str, team: &str| SpaceRow {
        name: sym(name),
        team: Some(sym(team)).filter(|_| !team.is_empty()),
        ..SpaceRow::default()
    };
    let known = Part::whole(vec![space("asr", "speech"), space("ns", ""), space("tts", "speech")]);
    let held = HeldPod { namespace: sym("tts"), ..pod("big", "one", 6) };
    let pods = Part::whole(vec![held, pod("small", "one", 1)]);
    let it = spaces(&fleet(), &Part::default(), &known, &pods);
    assert_eq!(ids(&it), ["team/speech", "asr", "tts", "ns"]);
    let cells = |column: usize| it.rows.iter().map(|row| row.cells[column].text.as_str()).collect::<Vec<_>>();
    assert_eq!(cells(0), ["team speech", "  asr", "  tts", "ns"]);
    assert_eq!(cells(2), ["6", "-", "6", "1"], "GPUs held");
    let Some(Goes::Jobs(filter)) = &it.rows[0].goes else { panic!("{:?}", it.rows[0].goes) };
    let parsed = crate::jobs::filter::parse(filter);
    assert_eq!((filter.as_str(), parsed.hints.len()), ("ns:=asr,=tts", 0));
}

#[test]
fn local_queues_stand_below_theirs_and_lost_ones_at_the_end() {
    let it = queues(&kueue());
    assert_eq!(ids(&it), ["cluster/left", "local/ns/gpu", "cluster/right", "local/other/gpu"]);
    let text = |row: usize, cell: usize| it.rows[row].cells[cell].text.as_str();
    assert_eq!((text(0, 4), text(0, 5), text(0, 6)), ("10/8", "6", "2"), "used, free and borrowed");
    assert_eq!((text(2, 4), text(2, 5)), ("0/8", "6"), "what the other has borrowed is not free");
    assert_eq!(it.rows[0].goes, Some(Goes::Line(sym("left"))));
    assert_eq!(it.rows[1].goes, Some(Goes::Jobs("queue:=gpu ns:=ns".to_owned())));
    let about = of_queue(&kueue(), "left");
    assert_eq!(about[0], "a100 GPU: 10 of 8 reserved, 2 of it borrowed, 6 free, at most 16");
    assert!(about[1].starts_with("who fits may pass; preempts in the queue: Never"), "{}", about[1]);
}

#[test]
fn the_waiting_list_is_in_order_and_says_why() {
    let it = line(&kueue(), &Part::default(), "left", Secs(200));
    assert_eq!(ids(&it), ["ns/load-3", "ns/load-1", "ns/load-2"]);
    let texts: Vec<&str> = it.rows[0].cells.iter().map(|cell| cell.text.as_str()).collect();
    assert_eq!(texts, ["0", "load-3", "ns", "gpu", "7", "97s", "4", "500m", "ClusterQueue left is stopped"]);
    let mut sorted = it.clone();
    sorted.sort(4, true);
    assert_eq!(ids(&sorted), ["ns/load-2", "ns/load-1", "ns/load-3"], "priorities below zero are the lowest");
    sorted.sort(0, false);
    assert_eq!(ids(&sorted), ids(&it));
    let told = WaitingRow { namespace: sym("far"), name: Name::lossy("unseen"), place: 0, ..WaitingRow::default() };
    let own = WaitingRow { namespace: sym("ns"), name: Name::lossy("load-2"), place: 1, ..WaitingRow::default() };
    let it = line(&kueue(), &Part::whole(vec![own, told]), "left", Secs(200));
    assert_eq!(ids(&it), ["far/unseen", "ns/load-2"], "Kueue's own order counts");
}
