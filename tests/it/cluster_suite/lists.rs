//! What lists must do: show what there is, follow it, lose nothing and double nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt as _, stream};
use http::Method;
use mpideck::jobs::fleet::Fleet;
use serde_json::json;

use super::everywhere;
use super::make::{self, jobs};
use super::place::Place;
use super::reader::{Reader, one};

everywhere! {
    a_job_comes_changes_and_goes
    the_same_name_again_is_another_job
    only_jobs_with_the_labels_are_read
    more_jobs_than_a_page_are_all_there
    a_cut_connection_loses_nothing
}

fn names(fleet: &Fleet) -> BTreeSet<String> {
    fleet.jobs().map(|job| job.row.name.to_string()).collect()
}

async fn a_job_comes_changes_and_goes(place: &Place) {
    let namespace = place.namespace("jobs").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    assert!(reader.offer.has_jobs(), "MPIJobs are served");
    reader.until_read(Some(&namespace)).await;
    assert!(reader.fleet.is_empty());
    let made = place.make(&jobs(&namespace), &make::left_alone(&namespace, "pi")).await;
    reader.until("the job is there", |fleet| one(fleet, &namespace, "pi").is_some()).await;
    let job = one(&reader.fleet, &namespace, "pi").unwrap();
    assert_eq!(job.row.uid.to_string(), made["metadata"]["uid"].as_str().unwrap());
    assert_eq!(job.row.created.to_string(), made["metadata"]["creationTimestamp"].as_str().unwrap());
    assert_eq!((job.derived.total, &job.row.warning), (2, &None));
    let path = format!("{}/pi", jobs(&namespace));
    let labelled = json!({"metadata": {"labels": {"team": "blue"}}});
    let (code, _) = crate::sim_client::ask(reader.session.client(), &Method::PATCH, &path)
        .header("content-type", "application/merge-patch+json")
        .json(&labelled)
        .answer()
        .await;
    assert_eq!(code, 200);
    let is_blue = |fleet: &Fleet| {
        let job = one(fleet, &namespace, "pi");
        job.and_then(|job| job.row.label("team")).is_some_and(|value| value.as_str() == "blue")
    };
    reader.until("its label is there", is_blue).await;
    place.delete(&path).await;
    reader.until("the job is gone", Fleet::is_empty).await;
}

async fn the_same_name_again_is_another_job(place: &Place) {
    let namespace = place.namespace("again").await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    let mut before = String::new();
    for round in 0..3 {
        let made = place.make(&jobs(&namespace), &make::left_alone(&namespace, "pi")).await;
        let uid = made["metadata"]["uid"].as_str().unwrap().to_owned();
        let is_new = |fleet: &Fleet| one(fleet, &namespace, "pi").is_some_and(|job| job.row.uid.to_string() == uid);
        reader.until(&format!("the job of round {round} alone is there"), is_new).await;
        assert_ne!(before, uid);
        before = uid;
        place.delete(&format!("{}/pi", jobs(&namespace))).await;
        while make::is_there(place, &format!("{}/pi", jobs(&namespace))).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    reader.until("the last one is gone", Fleet::is_empty).await;
}

async fn only_jobs_with_the_labels_are_read(place: &Place) {
    let namespace = place.namespace("labels").await;
    for (name, app) in [("a", "x"), ("b", "y"), ("c", "z")] {
        let mut job = make::left_alone(&namespace, name);
        job["metadata"]["labels"] = json!({"app": app});
        place.make(&jobs(&namespace), &job).await;
    }
    let selectors =
        [("app=x", "a"), ("app in (x,y)", "a b"), ("app!=x", "b c"), ("app,app notin (y)", "a c"), ("!app", "")];
    for (selector, expected) in selectors {
        let mut reader = Reader::start(place.admin(), Some(&[&namespace]), Some(selector)).await;
        reader.until_read(Some(&namespace)).await;
        let found: Vec<String> = names(&reader.fleet).into_iter().collect();
        assert_eq!(found.join(" "), expected, "{selector}");
    }
}

async fn more_jobs_than_a_page_are_all_there(place: &Place) {
    let namespace = place.namespace("many").await;
    let create = |n: u32| {
        let job = make::left_alone(&namespace, &format!("job-{n:03}"));
        let path = jobs(&namespace);
        async move { place.make(&path, &job).await }
    };
    stream::iter(0..260).map(create).buffer_unordered(8).for_each(|_| async {}).await;
    let mut reader = Reader::start(place.admin(), Some(&[&namespace]), None).await;
    reader.until_read(Some(&namespace)).await;
    let expected: BTreeSet<String> = (0..260).map(|n| format!("job-{n:03}")).collect();
    assert_eq!((reader.fleet.len(), names(&reader.fleet)), (260, expected));
    for n in [0, 100, 259] {
        place.delete(&format!("{}/job-{n:03}", jobs(&namespace))).await;
    }
    create(300).await;
    let followed = |fleet: &Fleet| fleet.len() == 258 && one(fleet, &namespace, "job-300").is_some();
    reader.until("three went and one came", followed).await;
}

async fn a_cut_connection_loses_nothing(place: &Place) {
    let namespace = place.namespace("cut").await;
    let (target, forwarder) = place.cuttable().await;
    let mut reader = Reader::start(target, Some(&[&namespace]), None).await;
    reader.until_read(Some(&namespace)).await;
    for round in 0..3 {
        let (old, new) = (format!("job-{round}"), format!("job-{}", round + 1));
        if round == 0 {
            place.make(&jobs(&namespace), &make::left_alone(&namespace, &old)).await;
        }
        reader.until("the job is there", |fleet| one(fleet, &namespace, &old).is_some()).await;
        forwarder.cut();
        place.delete(&format!("{}/{old}", jobs(&namespace))).await;
        place.make(&jobs(&namespace), &make::left_alone(&namespace, &new)).await;
        let expected: BTreeSet<String> = [new].into();
        reader.until("what happened meanwhile is known", |fleet| names(fleet) == expected).await;
    }
    reader.until_read(Some(&namespace)).await;
}
