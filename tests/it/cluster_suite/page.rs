//! What a job's page reads: the object, what it owns, its events, its logs, and how the operators are.

use std::time::Duration;

use mpideck::cluster::logs::{LogOf, LogPiece, follow};
use mpideck::cluster::{Mailbox, health, objects};
use mpideck::jobs::fleet::{ListPhase, Row};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::everywhere;
use super::make::{self, jobs};
use super::place::{Place, Rights};
use super::reader::{Reader, name, one};

everywhere! {
    the_object_and_what_it_owns
    events_of_all_types_about_it
    a_log_ends_or_says_what_it_waits_for
    health_is_told_or_unknown
}

async fn the_object_and_what_it_owns(place: &Place) {
    let namespace = place.namespace("page").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let job = place.make(&jobs(&namespace), &make::job(&namespace, "pi")).await;
    let names = make::pods_of(place, &mut reader, &job).await;
    let key = one(&reader.fleet, &namespace, "pi").unwrap().key();
    let object = objects::get_job(&reader.session, &key).await.unwrap();
    assert_eq!((&object["metadata"]["uid"], &object["kind"]), (&job["metadata"]["uid"], &json!("MPIJob")));
    let owned = objects::owned(&reader.session, &reader.offer, &key).await;
    assert!(owned.unread.is_empty(), "{:?}", owned.unread);
    let found: Vec<String> = owned.objects.iter().map(|o| format!("{} {}", o.kind, o.name)).collect();
    for pod in &names {
        assert!(found.contains(&format!("Pod {pod}")), "{pod} in {found:?}");
    }
    if place.acting {
        for part in ["Job pi-launcher", "ConfigMap pi-config", "Secret pi-ssh", "Service pi"] {
            assert!(found.contains(&part.to_owned()), "{part} in {found:?}");
        }
        let secret = owned.objects.iter().find(|o| o.kind.as_str() == "Secret").unwrap();
        assert_eq!(secret.object.get("data"), None, "no more than its metadata");
        let hosts = owned.objects.iter().find(|o| o.kind.as_str() == "ConfigMap").unwrap();
        assert!(!objects::hostfile(&hosts.object).is_empty(), "{}", hosts.object);
    }
    let gone = objects::get_job(&reader.session, &mpideck::jobs::fleet::JobKey { name: name("none"), ..key }).await;
    assert_eq!(gone.map_err(|p| p.kind), Err(mpideck::cluster::ProblemKind::NotFound));
}

async fn events_of_all_types_about_it(place: &Place) {
    let namespace = place.namespace("events").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let job = place.make(&jobs(&namespace), &make::left_alone(&namespace, "pi")).await;
    reader.until("the job is there", |fleet| one(fleet, &namespace, "pi").is_some()).await;
    let key = one(&reader.fleet, &namespace, "pi").unwrap().key();
    let (mailbox, cancel) = (Mailbox::new(), CancellationToken::new());
    let _watch = objects::events_about(&reader.session, &key, &mailbox, &cancel);
    let meta = &job["metadata"];
    for (about, kind) in [("pi", "Normal"), ("other", "Normal"), ("pi-worker-0", "Warning")] {
        let event = json!({"metadata": {"generateName": "suite-", "namespace": namespace}, "type": kind,
            "reason": "Tested", "message": about, "firstTimestamp": place.stamp(), "lastTimestamp": place.stamp(),
            "source": {"component": "suite"},
            "involvedObject": {"kind": "Pod", "name": about, "namespace": namespace, "uid": meta["uid"]}});
        place.make(&format!("/api/v1/namespaces/{namespace}/events"), &event).await;
    }
    let (mut seen, mut live) = (Vec::new(), false);
    let read = async {
        while seen.len() < 2 || !live {
            mailbox.changed().await;
            for batch in mailbox.take(100) {
                live |= matches!(batch.phase, Some(ListPhase::Live));
                for row in batch.upserts {
                    let Row::Event(event) = row else { panic!("not an event") };
                    if event.reason.as_str() == "Tested" {
                        seen.push((event.about_name.to_string(), event.warning));
                    }
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_mins(1), read).await.expect("both events");
    seen.sort();
    assert_eq!(seen, [("pi".to_owned(), false), ("pi-worker-0".to_owned(), true)]);
}

async fn a_log_ends_or_says_what_it_waits_for(place: &Place) {
    let namespace = place.namespace("logs").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let job = place.make(&jobs(&namespace), &make::job(&namespace, "pi")).await;
    let names = make::pods_of(place, &mut reader, &job).await;
    let log = |pod: &str, follow| LogOf {
        namespace: name(&namespace),
        pod: name(pod),
        owner: None,
        container: None,
        previous: false,
        follow,
        tail: Some(10),
        since: None,
    };
    let cancel = CancellationToken::new();
    let first = |of: LogOf| {
        let mut pieces = follow(&reader.session, of, &cancel);
        async move { tokio::time::timeout(Duration::from_mins(1), pieces.recv()).await.expect("a word") }
    };
    // Lines where it runs, a notice where it does not, an end with its problem where there is no kubelet.
    assert!(first(log(&names[1], true)).await.is_some());
    match first(log("none", true)).await {
        Some(LogPiece::End(Some(problem))) => assert_eq!(problem.kind, mpideck::cluster::ProblemKind::NotFound),
        other => panic!("a pod that is not there: {other:?}"),
    }
    let mut pieces = follow(&reader.session, log(&names[2], true), &cancel);
    cancel.cancel();
    let drained = async { while pieces.recv().await.is_some() {} };
    tokio::time::timeout(Duration::from_mins(1), drained).await.expect("a cancelled log ends");
}

async fn health_is_told_or_unknown(place: &Place) {
    let own = place.namespace("own").await;
    let admin = Reader::start(place.admin(), Some(&[&own]), None).await;
    let all = health::health(&admin.session, &admin.offer).await;
    let operator = all.iter().find(|component| component.name == "mpi-operator").expect("MPIJobs are served");
    assert!(operator.served);
    let user = Reader::start(place.user(Rights::Edit, &own).await, Some(&[&own]), None).await;
    let seen = health::health(&user.session, &user.offer).await;
    let names = |all: &[health::Component]| all.iter().filter(|c| c.served).map(|c| c.name).collect::<Vec<_>>();
    assert_eq!(names(&seen), names(&all), "what is served is known to everybody");
}
