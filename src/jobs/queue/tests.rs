use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::jobs::{
    Clean, Name, Secs, Uid,
    amounts::ByResource,
    part::Part,
    row::{Condition, Owner, Truth},
    taint::Taint,
};

const GPU: &str = "nvidia.com/gpu";
const NOW: Secs = Secs(1_000_000);

fn sym(text: &str) -> Sym {
    Sym::new(text)
}

fn condition(kind: &str, status: Truth, reason: &str, message: &str, since: u32) -> Condition {
    Condition { kind: sym(kind), status, reason: sym(reason), message: Clean::new(message), since: Some(Secs(since)) }
}

fn uid(n: usize) -> Uid {
    Uid::new(&format!("00000000-0000-0000-0000-{n:012x}"))
}

/// A Workload `n` of so many GPUs, made at `created`, waiting in `team`.
fn load(n: usize, gpus: u64, priority: i64, created: u32) -> LoadRow {
    let worker = PodSetRow {
        name: sym("worker"),
        count: 1,
        needs: ByResource::from([(sym(GPU), gpus * 1000)]),
        flavors: Box::default(),
    };
    LoadRow {
        namespace: sym("ns"),
        name: Name::lossy(&format!("mpijob-job-{n}-0a1b2")),
        uid: uid(n),
        created: Secs(created),
        job: Some(Owner { kind: sym("MPIJob"), name: Name::lossy(&format!("job-{n}")), uid: uid(1000 + n) }),
        queue: sym("team"),
        active: true,
        priority,
        sets: Box::new([worker]),
        ..LoadRow::default()
    }
}

fn waits(mut load: LoadRow, message: &str) -> LoadRow {
    load.conditions = Box::new([condition("QuotaReserved", Truth::False, "WaitingForQuota", message, load.created.0)]);
    load
}

fn holds(mut load: LoadRow, queue: &str, flavor: &str, since: u32) -> LoadRow {
    load.cluster_queue = Some(sym(queue));
    load.sets[0].flavors = Box::new([(sym(GPU), sym(flavor))]);
    load.conditions =
        Box::new(["QuotaReserved", "Admitted"].map(|kind| condition(kind, Truth::True, kind, "Quota reserved", since)));
    load
}

fn quota(flavor: &str, nominal: u64, used: u64) -> Quota {
    Quota { cell: (sym(flavor), sym(GPU)), nominal: nominal * 1000, used: used * 1000, ..Quota::default() }
}

fn cluster(name: &str, cohort: &str, quotas: &[Quota]) -> ClusterQueueRow {
    let flavors = quotas.iter().map(|quota| quota.cell.0.clone()).collect();
    ClusterQueueRow {
        name: sym(name),
        cohort: Some(sym(cohort)).filter(|cohort| !cohort.is_empty()),
        groups: Box::new([Group { resources: Box::new([sym(GPU)]), flavors }]),
        quotas: quotas.into(),
        weight: 1000,
        ..ClusterQueueRow::default()
    }
}

fn local(name: &str) -> LocalQueueRow {
    LocalQueueRow { namespace: sym("ns"), name: sym(name), cluster_queue: sym(name), ..LocalQueueRow::default() }
}

fn queues(clusters: Vec<ClusterQueueRow>, loads: Vec<LoadRow>) -> Queues {
    let locals = clusters.iter().map(|queue| local(queue.name.as_str())).collect();
    Queues {
        clusters: Part::whole(clusters),
        locals: Part::whole(locals),
        loads: Part::whole(loads),
        ..Queues::default()
    }
}

fn words(message: &str) -> Vec<String> {
    decode(message).whys.iter().map(|(_, why)| why.words()).collect()
}

/// Every message of a `QuotaReserved=False`, old and new, with what is made of it.
#[test]
fn every_message_is_taken_apart() {
    for (message, told) in [
        (
            "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 8 more needed",
            &["8 GPU too few free in flavor a100"][..],
        ),
        (
            "couldn't assign flavors to pod set worker: insufficient quota for nvidia.com/gpu in flavor a100, previously considered podsets requests (0) + current podset request (32) > maximum capacity (24)",
            &["can never fit: needs 32 GPU, maximum of flavor a100 is 24"],
        ),
        (
            "couldn't assign flavors to pod set worker: insufficient quota for nvidia.com/gpu in flavor a100, request > maximum capacity (32 > 24)",
            &["can never fit: needs 32 GPU, maximum of flavor a100 is 24"],
        ),
        (
            "couldn't assign flavors to pod set worker: insufficient quota for memory in flavor a100, previously considered podsets requests (1Gi) + current podset request (2Gi) > maximum capacity (2560Mi)",
            &["can never fit: needs 3Gi memory, maximum of flavor a100 is 2.5Gi"],
        ),
        (
            "couldn't assign flavors to pod set launcher: untolerated taint {nvidia.com/gpu present NoSchedule <nil>} in flavor a100",
            &["flavor a100 is not for its pods: untolerated taint {nvidia.com/gpu present NoSchedule <nil>}"],
        ),
        (
            "couldn't assign flavors to pod set worker: flavor h100 doesn't match node affinity",
            &["flavor h100 is not for its pods: doesn't match node affinity"],
        ),
        (
            "couldn't assign flavors to pod set worker: resource amd.com/gpu unavailable in ClusterQueue",
            &["can never fit: the queue offers no amd.com/gpu"],
        ),
        (
            "couldn't assign flavors to pod set launcher: insufficient unused quota for cpu in flavor cpu, 500m more needed; couldn't assign flavors to pod set worker: flavor a100 not found, insufficient unused quota for nvidia.com/gpu in flavor h100, 2 more needed",
            &[
                "500m cpu too few free in flavor cpu",
                "flavor a100 is not for its pods: not found",
                "2 GPU too few free in flavor h100",
            ],
        ),
        ("LocalQueue x doesn't exist", &["LocalQueue x does not exist"]),
        ("LocalQueue x is inactive", &["LocalQueue x is not active"]),
        ("LocalQueue x is stopped", &["LocalQueue x is stopped"]),
        ("ClusterQueue x doesn't exist", &["ClusterQueue x does not exist"]),
        ("ClusterQueue x is inactive", &["ClusterQueue x is not active"]),
        ("ClusterQueue x is stopped", &["ClusterQueue x is stopped"]),
        (
            "Workload no longer fits after processing another workload",
            &["another Workload took the room just before it; Kueue looks again by itself"],
        ),
        ("The workload is deactivated", &["it is switched off (spec.active of its Workload)"]),
        ("something new, and odd", &["something new, and odd"]),
        ("", &[]),
    ] {
        assert_eq!(words(message), told, "{message}");
    }
}

#[test]
fn whoever_is_put_out_for_it_is_counted_and_pod_sets_are_named() {
    let said = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 4 more needed. Pending the preemption of 3 workload(s)";
    let decoded = decode(said);
    assert_eq!(decoded.preempting, Some(3));
    assert_eq!(decoded.whys[0].0, Some(sym("worker")));
}

#[test]
fn a_preemptor_is_named_by_its_job() {
    let said = "Previously: Preempted to accommodate a workload (UID: u-1, JobUID: 00000000-0000-0000-0000-0000000003e8) due to reclamation within the cohort; preemptor path: /all/lender; preemptee path: /all/borrower";
    let got = preempted(said).expect("a preemption");
    assert_eq!(
        (got.by, got.why.as_str(), got.from.as_str()),
        (Some(uid(1000)), "reclamation within the cohort", "/all/lender")
    );
    assert_eq!(preempted("Exceeded the PodsReady timeout ns/name"), None);
}

fn free(queues: &Queues, name: &str) -> Vec<(u64, u64)> {
    let queue = queues.cluster(name).expect("the queue");
    let each = rooms(queues, queue);
    // However many are asked for before.
    let mut all = Rooms::new(queues);
    let before: Vec<_> = queues.clusters.rows.iter().map(|other| all.of(other)).collect();
    assert!(before.contains(&each) && all.of(queue) == each, "{each:?}");
    each.iter().map(|room| (room.free / 1000, room.most / 1000)).collect()
}

#[test]
fn a_cohort_lends_what_is_not_kept_up_to_the_limit() {
    let alone = queues(vec![cluster("a", "", &[quota("x", 8, 3)])], vec![]);
    assert_eq!(free(&alone, "a"), [(5, 8)]);
    let mut lender = quota("x", 8, 2);
    let pair = |lender: &Quota, borrower: &Quota| {
        queues(
            vec![
                cluster("a", "all", std::slice::from_ref(lender)),
                cluster("b", "all", std::slice::from_ref(borrower)),
            ],
            vec![],
        )
    };
    assert_eq!(free(&pair(&lender, &quota("x", 4, 3)), "b"), [(7, 12)]);
    lender.lending = Some(3000);
    assert_eq!(free(&pair(&lender, &quota("x", 4, 3)), "b"), [(4, 7)]);
    let limited = Quota { borrowing: Some(2000), ..quota("x", 4, 3) };
    assert_eq!(free(&pair(&lender, &limited), "b"), [(3, 6)]);
    let all = pair(&lender, &limited);
    let pool = Rooms::new(&all).pool(&sym("all"), &quota("x", 0, 0).cell);
    assert_eq!((pool.queues, pool.used, pool.nominal), (2, 5_000, 12_000), "with what is not lent");
    // Over what it has: nothing, not less.
    assert_eq!(free(&pair(&quota("x", 8, 8), &quota("x", 4, 6)), "b"), [(0, 12)]);
}

#[test]
fn cohorts_lie_in_each_other_and_never_in_a_circle() {
    let mut it =
        queues(vec![cluster("a", "left", &[quota("x", 4, 4)]), cluster("b", "right", &[quota("x", 8, 0)])], vec![]);
    let cohort = |name: &str, parent: &str, quotas: &[Quota]| CohortRow {
        name: sym(name),
        parent: Some(sym(parent)).filter(|parent| !parent.is_empty()),
        quotas: quotas.into(),
        weight: 1000,
    };
    it.cohorts = Part::whole(vec![
        cohort("left", "top", &[]),
        cohort("right", "top", &[]),
        cohort("top", "", &[quota("x", 2, 0)]),
    ]);
    assert_eq!(free(&it, "a"), [(10, 14)]);
    it.cohorts.rows[1].quotas = Box::new([Quota { lending: Some(3000), ..quota("x", 0, 0) }]);
    assert_eq!(free(&it, "a"), [(5, 9)]);
    it.cohorts.rows[2].parent = Some(sym("left"));
    let _ends = free(&it, "a");
}

fn need(gpus: u64) -> PodSetNeed {
    let each = std::collections::BTreeMap::from([(GPU.to_owned(), 1000)]);
    PodSetNeed::of("Worker", gpus, &each, &json!({}))
}

#[test]
fn a_job_can_come_in_now_later_or_never() {
    let mut it = queues(vec![cluster("team", "", &[quota("a100", 8, 6), quota("h100", 16, 8)])], vec![]);
    let ask = |it: &Queues, gpus| chance(it, ("ns", "team"), &[need(gpus)], 1);
    assert_eq!(ask(&it, 2), Chance::Now(1));
    assert_eq!(ask(&it, 8), Chance::Now(1), "by the second flavor");
    match ask(&it, 12) {
        Chance::Waits(short, 1) => assert_eq!(short[0].words(), "needs 12 GPU, 8 free in flavor h100"),
        other => panic!("{other:?}"),
    }
    match ask(&it, 24) {
        Chance::Never(why) => assert_eq!(why[1], "needs 24 GPU, and flavor h100 can never give more than 16"),
        other => panic!("{other:?}"),
    }
    // Two sets of pods share what is free.
    assert!(matches!(chance(&it, ("ns", "team"), &[need(6), need(6)], 0), Chance::Waits(..)));
    it.flavors.rows = vec![FlavorRow {
        name: sym("h100"),
        taints: Box::new([Taint { key: sym("big"), effect: sym("NoSchedule"), ..Taint::default() }]),
        ..FlavorRow::default()
    }];
    assert!(matches!(ask(&it, 12), Chance::Never(_)), "its only flavor is tainted");
    it.clusters.rows[0].inactive = Some(Clean::new("is stopped"));
    assert!(matches!(ask(&it, 1), Chance::Never(_)));
    it.clusters = Part::unread(Clean::new("list clusterqueues.kueue.x-k8s.io in all namespaces"));
    assert!(matches!(ask(&it, 1), Chance::Unknown(_)));
    assert!(matches!(chance(&it, ("ns", "nowhere"), &[need(1)], 0), Chance::Never(_)));
}

const SHORT: &str = "couldn't assign flavors to pod set worker: insufficient unused quota for nvidia.com/gpu in flavor a100, 8 more needed";

#[test]
fn a_standing_tells_what_lacks_who_is_ahead_and_who_holds_it() {
    let mut holder = holds(load(1, 16, 0, 100), "team", "a100", 200);
    holder.most_seconds = Some(1_000_000);
    let loads = vec![
        holder,
        holds(load(2, 8, 0, 100), "team", "a100", 300),
        holds(load(3, 8, 0, 100), "other", "a100", 300),
        waits(load(4, 4, 5, 900), SHORT),
        waits(load(5, 16, 0, 800), SHORT),
    ];
    let it = queues(
        vec![cluster("team", "", &[quota("a100", 32, 24)]), cluster("other", "", &[quota("a100", 8, 8)])],
        loads,
    );
    let got = standing(&it, &Part::default(), &uid(1005), NOW).expect("known");
    let place = got.place.expect("a place");
    assert_eq!((place.at, place.of, place.local, place.told), (1, 2, 1, false));
    assert_eq!(got.lacks[0].words(), "needs 16 GPU, 8 free in flavor a100");
    assert_eq!(got.ahead.iter().map(|ahead| ahead.name.as_str()).collect::<Vec<_>>(), ["job-4"]);
    let holders: Vec<_> = got.holders.iter().map(|h| (h.name.as_str(), h.held[0])).collect();
    assert_eq!(holders, [("job-1", 16_000), ("job-2", 8000)], "not those of another cohort");
    let forecast = got.forecast.expect("a forecast");
    assert_eq!(forecast.about, None, "{}", forecast.how);
    assert_eq!(forecast.given_back, Some((Secs(1_000_200), Clean::new("job-1"))));
}

#[test]
fn what_can_never_fit_is_said_with_both_numbers_and_without_an_estimate() {
    let said = "couldn't assign flavors to pod set worker: insufficient quota for nvidia.com/gpu in flavor a100, previously considered podsets requests (0) + current podset request (32) > maximum capacity (16)";
    let it = queues(vec![cluster("team", "", &[quota("a100", 16, 0)])], vec![waits(load(1, 32, 0, 100), said)]);
    let got = standing(&it, &Part::default(), &uid(1001), NOW).expect("known");
    assert_eq!(got.lacks[0].words(), "needs 32 GPU, 16 free in flavor a100; can never fit: maximum is 16");
    assert_eq!(got.forecast, None);
}

#[test]
fn without_the_right_to_read_the_queue_the_message_still_tells() {
    let mut it = queues(vec![], vec![waits(load(1, 16, 0, 100), SHORT)]);
    it.clusters = Part::unread(Clean::new("list clusterqueues"));
    it.locals = Part::whole(vec![local("team")]);
    it.loads.unread = Some(Clean::new("list workloads in all namespaces"));
    let got = standing(&it, &Part::default(), &uid(1001), NOW).expect("known");
    assert_eq!(got.lacks[0].words(), "needs 16 GPU, 8 free in flavor a100");
    let place = got.place.expect("a place");
    assert_eq!(place.at_least.expect("says so").as_str(), "list workloads in all namespaces");
}

#[test]
fn kueue_s_own_word_on_the_place_counts_more_than_ours() {
    let told = |name: &str, place| WaitingRow {
        namespace: sym(if place == 1 { "ns" } else { "elsewhere" }),
        name: Name::lossy(name),
        place,
        ..WaitingRow::default()
    };
    let it = queues(vec![cluster("team", "", &[quota("a100", 8, 8)])], vec![waits(load(1, 8, 0, 100), SHORT)]);
    let rows = Part::whole(vec![told("unseen", 0), told("mpijob-job-1-0a1b2", 1)]);
    let got = standing(&it, &rows, &uid(1001), NOW).expect("known");
    let place = got.place.expect("a place");
    assert_eq!((place.at, place.of, place.told, place.at_least), (1, 2, true, None));
    assert_eq!(got.ahead[0].name.as_str(), "unseen");
}

#[test]
fn an_estimate_says_how_it_was_made() {
    let ago = |n: u32| NOW.0 - n;
    let mut loads: Vec<_> =
        (0..4).map(|n| holds(load(n, 1, 0, 10), "team", "a100", ago(4000 - 1000 * n as u32))).collect();
    loads.push(holds(load(8, 1, 0, 10), "team", "a100", ago(100_000)));
    let it = queues(vec![cluster("team", "", &[quota("a100", 8, 8)])], loads);
    let got = forecast(&it, "team", 1, &[], NOW);
    assert_eq!(got.about, Some(2000), "{}", got.how);
    assert_eq!(got.how, "an estimate: 4 Workloads were let in there in the last 66m, 1 ahead");
    assert_eq!(forecast(&it, "empty", 0, &[], NOW).about, None);
}

/// What a Workload of the model may be like.
fn any_load() -> impl Strategy<Value = (i64, u32, Option<(bool, u8, u32)>, u8)> {
    (-2i64..3, 0u32..5, proptest::option::of((any::<bool>(), 0u8..4, 0u32..8)), 0u8..8)
}

fn built(n: usize, (priority, created, evicted, fate): (i64, u32, Option<(bool, u8, u32)>, u8)) -> LoadRow {
    let mut row = load(n, 1, priority, created);
    let mut conditions = vec![condition("QuotaReserved", Truth::False, "Pending", "", created)];
    if let Some((is, reason, since)) = evicted {
        let reason = ["PodsReadyTimeout", "AdmissionCheck", "Preempted", "Deactivated"][usize::from(reason)];
        conditions.push(condition("Evicted", if is { Truth::True } else { Truth::False }, reason, "", since));
    }
    match fate {
        0 => row.active = false,
        1 => conditions[0].status = Truth::True,
        2 => conditions.push(condition("Finished", Truth::True, "Succeeded", "", 9)),
        _ => {}
    }
    row.conditions = conditions.into();
    row
}

/// Kueue's heap, popped to the end: at each turn the one that no other comes before.
fn model(loads: &[LoadRow]) -> Vec<usize> {
    let is =
        |load: &LoadRow, kind: &str| load.conditions.iter().any(|c| c.kind.as_str() == kind && c.status == Truth::True);
    let since = |load: &LoadRow| {
        let mut at = load.created.0;
        for c in &load.conditions {
            let moves = c.reason.as_str() == "PodsReadyTimeout" || c.reason.as_str() == "AdmissionCheck";
            if c.kind.as_str() == "Evicted" && c.status == Truth::True && moves {
                at = c.since.map_or(at, |since| since.0);
            }
        }
        at
    };
    let less = |a: &LoadRow, b: &LoadRow| {
        if a.priority != b.priority {
            return a.priority > b.priority;
        }
        if since(a) != since(b) {
            return since(a) < since(b);
        }
        a.uid.to_string() < b.uid.to_string()
    };
    let mut heap: Vec<usize> = (0..loads.len())
        .filter(|i| loads[*i].active && !is(&loads[*i], "QuotaReserved") && !is(&loads[*i], "Finished"))
        .collect();
    let mut order = Vec::new();
    while let Some(first) = (0..heap.len()).find(|i| heap.iter().all(|other| !less(&loads[*other], &loads[heap[*i]]))) {
        order.push(heap.remove(first));
    }
    order
}

proptest! {
    #[test]
    fn the_place_is_the_one_in_kueue_s_own_order(rows in proptest::collection::vec(any_load(), 1..14)) {
        let loads: Vec<_> = rows.into_iter().enumerate().map(|(n, row)| built(n, row)).collect();
        let order = model(&loads);
        let it = queues(vec![cluster("team", "", &[quota("a100", 8, 8)])], loads.clone());
        for (n, load) in loads.iter().enumerate() {
            let got = standing(&it, &Part::default(), &uid(1000 + n), NOW).and_then(|s| s.place).map(|place| place.at);
            prop_assert_eq!(got, order.iter().position(|at| *at == n), "{}", load.name);
        }
    }

    #[test]
    fn any_message_is_read(text in ".{0,80}") {
        let _any = (decode(&text), preempted(&text));
        let _known = decode(&format!("couldn't assign flavors to pod set a: insufficient quota for {text}"));
    }
}
