//! The loop comes to rest when nothing is left to do, and goes on when one piece of work goes wrong.

use serde_json::json;

use super::{tests::World, *};
use crate::sim::{
    release::Release,
    store::{
        Selector,
        resource::{JOBS, PODS},
    },
};

#[test]
fn an_old_release_is_still_while_a_job_runs() {
    let mut world = World::new(0.01);
    world.store.plays(Release::V1_27);
    let job = json!({
        "metadata": {"name": "j", "namespace": "rec"},
        "spec": {"suspend": false, "completions": 1, "parallelism": 1, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}], "nodeSelector": {"none": "such"},
        }}},
    });
    world.store.create(&JOBS, job).unwrap();
    let pace = Pace { release: Release::V1_27, ..Pace::default() };
    world.manager = Manager::new(&world.store, Arc::new(Scripts::default()), pace, None);
    world.until(10.0);
    let pods = world.store.list(&PODS, Some("rec"), &Selector::default()).items;
    assert_eq!(pods.len(), 1);
    let job = world.store.get(&JOBS, "rec", "j").unwrap();
    let (still, status) = (job.version, job.value()["status"].clone());
    assert!(status["active"] == 1 && status["terminating"].is_null(), "{status}");
    world.until(20.0);
    assert_eq!(world.store.get(&JOBS, "rec", "j").unwrap().version, still);
}

/// A user whose doing goes wrong.
struct Clumsy(Timestamp);

impl Calendar for Clumsy {
    fn next(&self) -> Option<Timestamp> {
        Some(self.0)
    }

    fn act(&mut self, _: &Store, _: Timestamp) {
        panic!("clumsy");
    }
}

#[test]
fn a_panic_of_one_pass_leaves_the_others_their_turn() {
    let mut world = World::new(0.01);
    let clumsy: Box<dyn Calendar> = Box::new(Clumsy(world.start));
    world.manager = Manager::new(&world.store, Arc::new(Scripts::default()), Pace::default(), Some(clumsy));
    let job = json!({
        "metadata": {"name": "j", "namespace": "rec"},
        "spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "i"}]}}},
    });
    world.store.create(&JOBS, job).unwrap();
    world.until(5.0);
    assert_eq!(world.store.list(&PODS, Some("rec"), &Selector::default()).items.len(), 1);
}
