use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::{
    cluster::testing::{self, Store},
    jobs::fleet::{Batch, Row},
};

/// What an owner of a fleet would hold after these batches: the contract of [`Batch`], and nothing else.
#[derive(Default)]
struct Held {
    rows: BTreeMap<String, u32>,
    unseen: Option<BTreeMap<String, u32>>,
    phase: Option<ListPhase>,
    emptied: bool,
    completed: u32,
}

impl Held {
    fn apply(&mut self, batch: Batch) {
        if batch.restart {
            self.unseen = Some(self.rows.clone());
        }
        for row in batch.upserts {
            let Row::Job(job) = row else { panic!("not a job") };
            let uid = job.uid.to_string();
            if let Some(unseen) = &mut self.unseen {
                unseen.remove(&uid);
            }
            self.rows.insert(uid, job.slots.unwrap_or(0));
        }
        for uid in batch.removals {
            self.rows.remove(&uid.to_string());
        }
        if batch.complete {
            for uid in self.unseen.take().unwrap_or_default().into_keys() {
                self.rows.remove(&uid);
            }
            self.completed += 1;
        }
        if batch.phase.is_some() {
            self.phase = batch.phase;
        }
        self.emptied |= self.rows.is_empty() && self.completed > 0;
    }

    /// Takes what comes until it has been quiet for `quiet`.
    async fn until_quiet(&mut self, mailbox: &Mailbox, quiet: Duration) {
        while tokio::time::timeout(quiet, mailbox.changed()).await.is_ok() {
            self.drain(mailbox);
        }
        self.drain(mailbox);
    }

    fn drain(&mut self, mailbox: &Mailbox) {
        loop {
            let batches = mailbox.take(7);
            if batches.is_empty() {
                break;
            }
            for batch in batches {
                self.apply(batch);
            }
        }
    }
}

fn truth(store: &Store) -> BTreeMap<String, u32> {
    let slots = |o: &serde_json::Value| o["spec"]["slotsPerWorker"].as_u64().unwrap_or(0) as u32;
    let uid = |o: &serde_json::Value| o["metadata"]["uid"].as_str().unwrap_or_default().to_owned();
    store.objects().values().map(|o| (uid(o), slots(o))).collect()
}

fn slots(n: u32) -> serde_json::Value {
    json!({ "slotsPerWorker": n })
}

fn offer() -> Offer {
    Offer::of(&[Kind::MpiJob])
}

struct Run {
    store: Store,
    mailbox: Mailbox,
    session: Session,
    watches: Option<Watches>,
}

async fn start(store: &Store, labels: Option<&str>) -> Run {
    let server = store.clone();
    let session = testing::session(move |request| server.handle(&request)).await;
    let mailbox = Mailbox::new();
    let scope = [Name::new("team-a").expect("a name")];
    let keys: Vec<_> = lists(&offer(), &scope).into_iter().filter(|k| matches!(k.of, ListOf::Jobs(_))).collect();
    let watches = Watches::start(&session, &offer(), keys, labels, &mailbox, &CancellationToken::new());
    Run { store: store.clone(), mailbox, session, watches: Some(watches) }
}

const QUIET: Duration = Duration::from_secs(8);

#[tokio::test(start_paused = true)]
async fn pages_then_live_changes() {
    let store = Store::default();
    for i in 0..600 {
        store.put(&format!("job-{i:04}"), &slots(i));
    }
    let run = start(&store, Some("app=x,tier in (a,b)")).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(held.rows, truth(&store));
    assert_eq!((held.phase.clone(), held.completed), (Some(ListPhase::Live), 1));
    let requests = store.data().requests.clone();
    assert_eq!(requests.iter().filter(|r| r.contains("limit=250")).count(), 3, "{requests:?}");
    assert!(requests.iter().all(|r| r.contains("labelSelector=app%3Dx%2Ctier%20in%20%28a%2Cb%29")), "{requests:?}");
    store.put("job-0000", &slots(9999));
    store.put("new", &slots(5));
    store.delete("job-0001");
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(held.rows, truth(&store));
    assert_eq!(held.completed, 1, "no second read was needed");
    assert!(run.session.load().now().bytes > 0 && run.session.load().now().streams == 1);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_lists_starts_and_ends_only_what_differs() {
    let store = Store::default();
    store.put("a", &slots(1));
    let mut run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    let scope = [Name::new("team-a").expect("a name")];
    let jobs = || lists(&offer(), &scope).into_iter().filter(|k| matches!(k.of, ListOf::Jobs(_))).collect();
    let asked = |run: &Run| run.store.data().requests.len();
    let before = asked(&run);
    let watches = run.watches.as_mut().expect("running");
    watches.change(&run.session, &offer(), jobs(), None);
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(asked(&run), before, "the same lists go on undisturbed");
    let watches = run.watches.as_mut().expect("running");
    watches.change(&run.session, &offer(), jobs(), Some("app=x"));
    held.until_quiet(&run.mailbox, QUIET).await;
    assert!(asked(&run) > before && run.store.data().requests.last().is_some_and(|r| r.contains("app%3Dx")));
    let watches = run.watches.as_mut().expect("running");
    watches.change(&run.session, &offer(), Vec::new(), None);
    held.until_quiet(&run.mailbox, QUIET).await;
    assert!(held.rows.is_empty(), "the rows of a list that ended go");
    assert_eq!(run.session.load().now().streams, 0);
}

#[tokio::test(start_paused = true)]
async fn what_changed_while_cut_off_is_not_lost() {
    let store = Store::default();
    store.put("a", &slots(1));
    store.put("b", &slots(1));
    let run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    store.data().faults.push_back(|| testing::status(503, "restarting"));
    store.cut();
    store.put("a", &slots(2));
    store.delete("b");
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(held.rows, truth(&store));
    assert_eq!((held.completed, held.phase), (1, Some(ListPhase::Live)), "went on from where it was");
}

#[tokio::test(start_paused = true)]
async fn an_outdated_watch_is_read_again_and_never_emptied() {
    let store = Store::default();
    store.put("a", &slots(1));
    store.put("b", &slots(1));
    let run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    store.delete("a");
    store.put("c", &slots(3));
    store.compact();
    store.cut();
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(held.rows, truth(&store));
    assert!(!held.emptied);
    // The other form: a status instead of a line.
    store.data().faults.push_back(|| testing::status(410, "too old resource version"));
    store.put("d", &slots(4));
    store.cut();
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(held.rows, truth(&run.store));
    assert_eq!(held.phase, Some(ListPhase::Live));
}

#[tokio::test(start_paused = true)]
async fn a_starting_server_is_waited_for_as_it_asks() {
    let store = Store::default();
    store.put("a", &slots(1));
    for _ in 0..3 {
        store.data().faults.push_back(|| {
            let mut answer = testing::status(429, "storage is (re)initializing");
            answer.headers_mut().insert("retry-after", http::HeaderValue::from_static("1"));
            answer
        });
    }
    let begun = tokio::time::Instant::now();
    let run = start(&store, None).await;
    let mut held = Held::default();
    while held.completed == 0 {
        run.mailbox.changed().await;
        held.drain(&run.mailbox);
    }
    assert!(
        begun.elapsed() >= Duration::from_secs(3) && begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!((held.rows, held.phase), (truth(&store), Some(ListPhase::Live)));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_may_not_be_watched_is_polled() {
    let store = Store::default();
    store.put("a", &slots(1));
    store.data().no_watch = true;
    let run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, Duration::from_secs(3)).await;
    assert_eq!(held.phase, Some(ListPhase::Polling(5)));
    store.put("b", &slots(2));
    store.delete("a");
    tokio::time::sleep(Duration::from_secs(6)).await;
    held.drain(&run.mailbox);
    assert_eq!(held.rows, truth(&store));
    // Rights change: the watch is tried again within a minute or so.
    store.data().no_watch = false;
    tokio::time::sleep(Duration::from_secs(70)).await;
    held.drain(&run.mailbox);
    assert_eq!(held.phase, Some(ListPhase::Live));
}

#[tokio::test(start_paused = true)]
async fn a_forbidden_list_says_what_to_ask_for_and_comes_when_granted() {
    let store = Store::default();
    store.put("a", &slots(1));
    store.data().no_list = true;
    let run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    assert_eq!(held.phase, Some(ListPhase::Forbidden(Clean::new("list mpijobs.kubeflow.org in namespace team-a"))));
    assert_eq!(store.data().requests.len(), 1, "asked once a minute, not more");
    store.data().no_list = false;
    held.until_quiet(&run.mailbox, Duration::from_secs(61)).await;
    assert_eq!((held.rows, held.phase), (truth(&store), Some(ListPhase::Live)));
}

#[tokio::test(start_paused = true)]
async fn a_server_in_trouble_leaves_the_list_stale_and_whole() {
    let store = Store::default();
    store.put("a", &slots(1));
    let run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    for _ in 0..4 {
        store.data().faults.push_back(|| testing::status(500, "etcd is away"));
    }
    store.cut();
    tokio::time::sleep(Duration::from_secs(3)).await;
    held.drain(&run.mailbox);
    assert!(matches!(&held.phase, Some(ListPhase::Stale(_, why)) if why.as_str().contains("etcd")), "{:?}", held.phase);
    assert_eq!(held.rows, truth(&store));
    held.until_quiet(&run.mailbox, Duration::from_secs(20)).await;
    assert_eq!(held.phase, Some(ListPhase::Live));
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_reading() {
    let store = Store::default();
    let mut run = start(&store, None).await;
    let mut held = Held::default();
    held.until_quiet(&run.mailbox, QUIET).await;
    drop(run.watches.take());
    tokio::time::sleep(Duration::from_secs(1)).await;
    store.put("late", &slots(1));
    held.until_quiet(&run.mailbox, QUIET).await;
    assert!(held.rows.is_empty());
    assert_eq!(run.session.load().now().streams, 0);
}

#[test]
fn every_kind_of_list_is_asked_for_where_it_lives() {
    let mut all = Offer::of(&[Kind::MpiJob, Kind::TrainJob]);
    all.kueue = Some(Clean::new("v1beta1"));
    all.jobsets = Some(Clean::new("v1alpha2"));
    let urls: Vec<_> =
        lists(&all, &[]).into_iter().map(|key| Spec::new(key, &all, None, true).expect("served").url(&[])).collect();
    assert_eq!(
        urls,
        [
            "/apis/kubeflow.org/v2beta1/mpijobs",
            "/apis/trainer.kubeflow.org/v1alpha1/trainjobs",
            "/api/v1/pods?labelSelector=training.kubeflow.org%2Fjob-name",
            "/api/v1/pods?labelSelector=jobset.sigs.k8s.io%2Fjobset-name",
            "/api/v1/events?fieldSelector=type%3DWarning",
            "/apis/kueue.x-k8s.io/v1beta1/workloads",
        ]
    );
    all.jobsets = None;
    assert!(lists(&all, &[]).iter().all(|key| key.of != ListOf::JobSetPods), "a TrainJob has no pods without JobSets");
    all.kinds = vec![Kind::TrainJob];
    assert!(lists(&all, &[]).iter().all(|key| key.of != ListOf::Pods));
    assert!(lists(&Offer::default(), &[]).is_empty());
}

#[derive(Clone, Debug)]
enum Step {
    Put(u8, u32),
    Delete(u8),
    Cut,
    Compact,
    Fault(u8),
    Wait(u16),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..12u8, 0..1000u32).prop_map(|(n, s)| Step::Put(n, s)),
        2 => (0..12u8).prop_map(Step::Delete),
        1 => Just(Step::Cut),
        1 => Just(Step::Compact),
        1 => (0..4u8).prop_map(Step::Fault),
        3 => (0..3000u16).prop_map(Step::Wait),
    ]
}

fn fault(which: u8) -> fn() -> testing::Answer {
    match which {
        0 => || testing::status(410, "too old"),
        1 => || testing::status(429, "busy"),
        2 => || testing::status(500, "broken"),
        _ => || testing::answer(200, &json!({"type": "ERROR", "object": {"code": 410, "reason": "Expired"}})),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    /// Whatever happens to the connection: once it is quiet, what was fed equals what there is.
    #[test]
    fn after_the_storm_nothing_is_lost_or_double(steps in prop::collection::vec(step(), 1..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
        let (got, truth) = runtime.block_on(async {
            let store = Store::default();
            store.put("seed", &slots(1));
            let run = start(&store, None).await;
            let mut held = Held::default();
            for step in steps {
                match step {
                    Step::Put(n, s) => store.put(&format!("job-{n}"), &slots(s)),
                    Step::Delete(n) => store.delete(&format!("job-{n}")),
                    Step::Cut => store.cut(),
                    Step::Compact => store.compact(),
                    Step::Fault(which) => store.data().faults.push_back(fault(which)),
                    Step::Wait(ms) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
                }
                held.drain(&run.mailbox);
            }
            store.put("last", &slots(7));
            store.cut();
            held.until_quiet(&run.mailbox, Duration::from_secs(130)).await;
            assert!(!held.emptied);
            (held.rows, truth(&store))
        });
        prop_assert_eq!(got, truth);
    }
}
