//! How a queued job stands, read from the sim: as somebody who may see everything, and as somebody who may not.

use mpideck::{
    cluster::{
        self, Session, Target,
        discovery::discover,
        kubeconfig::Loaded,
        survey::{Line, Pods, Survey, Surveyor, Wanted},
    },
    jobs::{
        Name, Secs,
        queue::{Standing, standing},
    },
    sim::{Clock, FleetKind, Options, Sim, scenario},
};

use crate::lived::{Lived, lived};

/// The scenario in which one job waits for another, lived through; `tenant` has rights in its namespace.
async fn sim() -> Sim {
    let (file, text) = scenario::text("queue-waits").unwrap();
    let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
    let lived = std::time::Duration::from_mins(1);
    let fleet = FleetKind::Scenario { file, text };
    let tenant_namespace = "research".to_owned();
    Sim::start(Options { fleet, lived, clock, tenant_namespace, ..Options::new() }).await.unwrap()
}

async fn session(sim: &Sim, context: &str) -> Session {
    let mut target = Target::new(Loaded::from_value(sim.kubeconfig()).unwrap().shared()).in_context(context);
    target.dial = Some(sim.dial());
    cluster::connect(target).await.unwrap()
}

fn wanted() -> Wanted {
    let research = Name::new("research").unwrap();
    Wanted {
        nodes: true,
        pods: Pods::All,
        quotas: true,
        queues: true,
        line: Some(Line::Local(research.clone(), Name::new("research-large").unwrap())),
        namespaces: vec![research],
        ..Wanted::default()
    }
}

async fn read(session: &Session) -> Survey {
    let offer = discover(session).await.unwrap();
    let mut surveyor = Surveyor::default();
    surveyor.read(session, &offer, &wanted()).await;
    // What was refused is not asked of the whole cluster again, and said all the same.
    surveyor.read(session, &offer, &wanted()).await
}

fn stands(read: &Survey) -> Standing {
    let waits = |name: &str| read.queues.loads.rows.iter().find(|load| load.title() == name).unwrap();
    let uid = waits("queue-waits").job.as_ref().unwrap().uid.clone();
    standing(&read.queues, &read.line, &uid, Secs(1_800_000_000)).unwrap()
}

#[tokio::test]
async fn who_may_see_everything_is_told_everything() {
    let sim = sim().await;
    let read = read(&session(&sim, "viewer").await).await;
    let got = stands(&read);
    let place = got.place.unwrap();
    assert_eq!((place.at, place.of, place.told), (0, 1, true));
    assert_eq!(got.lacks[0].words(), "needs 8 GPU, 0 free in flavor h100");
    let holders: Vec<_> = got.holders.iter().map(|h| (h.name.as_str(), h.held[0])).collect();
    assert_eq!(holders, [("before", 8000)]);
    assert!(read.nodes.is_whole() && read.pods.is_whole() && read.nodes.rows.iter().any(|node| node.gpus() == 8));
    let held: u32 = read.pods.rows.iter().filter(|pod| pod.node.is_some()).map(|pod| pod.requests.gpus).sum();
    assert_eq!(held, 8, "the two workers of the job that is in");
}

#[tokio::test]
async fn a_tenant_is_told_what_can_be_and_what_to_ask_for() {
    let sim = sim().await;
    let read = read(&session(&sim, "tenant").await).await;
    let got = stands(&read);
    let place = got.place.unwrap();
    assert_eq!((place.at, place.told), (0, true), "Kueue tells the place in one's own LocalQueue");
    assert_eq!(got.lacks[0].words(), "needs 8 GPU, 0 free in flavor h100", "by the message alone");
    let whys = [
        &read.nodes.unread,
        &read.pods.unread,
        &read.queues.clusters.unread,
        &read.queues.loads.unread,
        &read.line.unread,
    ];
    let words: Vec<_> = whys.iter().map(|why| why.as_ref().map_or("", |why| why.as_str())).collect();
    assert_eq!(
        words,
        [
            "list nodes in all namespaces",
            "list pods in all namespaces",
            "list clusterqueues.kueue.x-k8s.io in all namespaces",
            "list workloads.kueue.x-k8s.io in all namespaces",
            "",
        ]
    );
    assert!(read.pods.rows.iter().all(|pod| pod.namespace.as_str() == "research"));
}

/// Volcano has room for some of the pods of a gang: it tells why none of them starts.
#[tokio::test]
async fn a_gang_tells_why_it_waits() {
    let Lived { sim, namespace, job, .. } = lived("gang-unschedulable").await;
    let session = session(&sim, "viewer").await;
    let offer = discover(&session).await.unwrap();
    let wanted = Wanted { gangs: Name::new(&namespace), ..Wanted::default() };
    let read = Surveyor::default().read(&session, &offer, &wanted).await;
    assert!(read.gangs.is_whole(), "{:?}", read.gangs.unread);
    let gang = read.gangs.rows.iter().find(|gang| gang.name.as_str() == job).unwrap();
    assert_eq!((gang.scheduler(), gang.least, gang.pods), ("Volcano", 10, [0, 0, 0]));
    let says = gang.says().unwrap();
    assert_eq!(says.kind.as_str(), "Unschedulable");
    assert!(says.message.as_str().contains("tasks in gang unschedulable: pod group is not ready"), "{}", says.message);
}
