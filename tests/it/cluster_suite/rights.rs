//! What people with few rights see: their part, and for the rest what to ask for.

use mpideck::cluster::access::{self, Ask, Verdict};
use mpideck::cluster::namespaces::{self, Namespaces};
use mpideck::cluster::{ProblemKind, discovery, objects};
use mpideck::jobs::fleet::{Fleet, JobKey, ListPhase};
use mpideck::jobs::{Clean, Kind, Uid};

use super::everywhere;
use super::make::{self, jobs};
use super::place::{Place, Rights};
use super::reader::{Reader, jobs_in, name, one};

everywhere! {
    someone_with_one_namespace_sees_it_and_what_to_ask_for
    whoever_may_not_watch_sees_changes_all_the_same
    hints_of_rights_say_what_the_server_does
    namespaces_are_listed_or_typed
}

async fn someone_with_one_namespace_sees_it_and_what_to_ask_for(place: &Place) {
    let (own, other) = (place.namespace("own").await, place.namespace("other").await);
    for namespace in [&own, &other] {
        place.make(&jobs(namespace), &make::left_alone(namespace, "pi")).await;
    }
    let user = place.user(Rights::Edit, &own).await;
    let mut reader = Reader::start(user.clone(), Some(&[&own, &other]), None).await;
    reader.until("their own job is there", |fleet| one(fleet, &own, "pi").is_some()).await;
    let ask = ListPhase::Forbidden(Clean::new(&format!("list mpijobs.kubeflow.org in namespace {other}")));
    reader.until("the other is refused", |fleet| fleet.list_phase(&jobs_in(Some(&other))) == Some(&ask)).await;
    assert!(one(&reader.fleet, &other, "pi").is_none());
    let mut all = Reader::start(user, None, None).await;
    let ask = ListPhase::Forbidden(Clean::new("list mpijobs.kubeflow.org in all namespaces"));
    all.until("all are refused", |fleet| fleet.list_phase(&jobs_in(None)) == Some(&ask)).await;
    let key = JobKey { namespace: name(&other), name: name("pi"), kind: Kind::MpiJob, uid: Uid::new("u") };
    let refused = objects::get_job(&all.session, &key).await.expect_err("not theirs");
    assert_eq!(refused.kind, ProblemKind::Forbidden);
    assert_eq!(refused.ask(), Some(&Clean::new(&format!("get mpijobs.kubeflow.org in namespace {other}"))));
    assert!(refused.hint.as_str().contains("Ask for a role"), "{}", refused.hint);
}

async fn whoever_may_not_watch_sees_changes_all_the_same(place: &Place) {
    let own = place.namespace("own").await;
    place.make(&jobs(&own), &make::left_alone(&own, "first")).await;
    let mut reader = Reader::start(place.user(Rights::ListOnly, &own).await, Some(&[&own]), None).await;
    let polled = |fleet: &Fleet| fleet.list_phase(&jobs_in(Some(&own))) == Some(&ListPhase::Polling(5));
    reader.until("the list is polled", polled).await;
    assert!(one(&reader.fleet, &own, "first").is_some());
    place.make(&jobs(&own), &make::left_alone(&own, "second")).await;
    place.delete(&format!("{}/first", jobs(&own))).await;
    let followed = |fleet: &Fleet| fleet.len() == 1 && one(fleet, &own, "second").is_some();
    reader.until("a poll saw both changes", followed).await;
    assert!(polled(&reader.fleet));
}

async fn hints_of_rights_say_what_the_server_does(place: &Place) {
    let (own, other) = (place.namespace("own").await, place.namespace("other").await);
    let ask = |verb, resource, namespace: &str| {
        let group = if resource == "mpijobs" { "kubeflow.org" } else { "" };
        Ask { verb, group, resource, namespace: Some(name(namespace)) }
    };
    let asks = [
        ask("delete", "mpijobs", &own),
        ask("get", "pods/log", &own),
        ask("delete", "mpijobs", &other),
        ask("list", "pods", &other),
    ];
    let reader = Reader::start(place.user(Rights::Edit, &own).await, Some(&[&own]), None).await;
    let allowed: Vec<bool> =
        access::review(&reader.session, &asks).await.iter().map(|v| *v == Verdict::Allowed).collect();
    assert_eq!(allowed, [true, true, false, false]);
    let admin = Reader::start(place.admin(), Some(&[&own]), None).await;
    assert!(access::review(&admin.session, &asks).await.iter().all(|v| *v == Verdict::Allowed));
}

async fn namespaces_are_listed_or_typed(place: &Place) {
    let (own, other) = (place.namespace("own").await, place.namespace("other").await);
    let admin = Reader::start(place.admin(), Some(&[&own]), None).await;
    match namespaces::list(&admin.session, &admin.offer).await.unwrap() {
        Namespaces::Known(names) => assert!(names.contains(&name(&own)) && names.contains(&name(&other)), "{names:?}"),
        Namespaces::Typed(ask) => panic!("the admin may list namespaces: {ask}"),
    }
    let user = Reader::start(place.user(Rights::Edit, &own).await, Some(&[&own]), None).await;
    let offer = discovery::discover(&user.session).await.unwrap();
    assert_eq!(offer.kinds, admin.offer.kinds, "everybody sees what is served");
    let typed = Namespaces::Typed(Clean::new("list namespaces in all namespaces"));
    assert_eq!(namespaces::list(&user.session, &offer).await.unwrap(), typed);
}
