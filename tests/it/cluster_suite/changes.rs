//! Changes, on whatever answers: preconditions hold, answers are understood, what was deleted is gone.

use std::sync::Arc;

use http::Method;
use mpideck::changes::{self, Change, Confirmed, Desk, Gate, Outcome, Propagation, ReadOnly, Subject, Through, What};
use mpideck::cluster::{connect, discovery};
use mpideck::disk::changes::ChangeFiles;
use mpideck::jobs::{Clean, Name, Sym, Uid};
use serde_json::Value;

use super::everywhere;
use super::make::{jobs, left_alone};
use super::place::Place;

everywhere! {
    a_job_is_made_changed_restarted_and_deleted_and_a_namesake_is_left_alone
}

struct Hands {
    desk: Desk,
    _home: tempfile::TempDir,
}

impl Hands {
    async fn of(place: &Place) -> Self {
        let session = connect(place.admin()).await.unwrap();
        let offer = Arc::new(discovery::discover(&session).await.unwrap());
        let home = tempfile::tempdir().unwrap();
        let gate = Gate::new(session.who().context.clone(), ReadOnly::No, false);
        Self { desk: Desk { session, offer, gate, files: Some(ChangeFiles::new(home.path())) }, _home: home }
    }

    async fn run(&self, subject: &Subject, what: What) -> Outcome {
        let context: Clean = self.desk.session.who().context.clone();
        let change = Change { context, subject: subject.clone(), what };
        let confirmed = Confirmed::on_screen(vec![change], None);
        changes::run(&self.desk, confirmed, Arc::new(|_| {})).await.items.remove(0).outcome
    }
}

fn done(outcome: &Outcome) -> Option<Uid> {
    outcome.as_done().unwrap_or_else(|| panic!("{outcome:?}")).uid.clone()
}

#[expect(clippy::cognitive_complexity, reason = "one story, told in its order")]
async fn a_job_is_made_changed_restarted_and_deleted_and_a_namesake_is_left_alone(place: &Place) {
    let namespace = place.namespace("own").await;
    let hands = Hands::of(place).await;
    let manifest = Arc::new(left_alone(&namespace, "pi"));
    let path = format!("{}/pi", jobs(&namespace));
    let get = async || place.send(&Method::GET, &path, &Value::Null).await.1;

    let new = Subject::of_manifest(&manifest, &Name::lossy(&namespace)).unwrap();
    let create = What::Create { manifest: Arc::clone(&manifest), client: "draft-1".to_owned() };
    let uid = done(&hands.run(&new, create.clone()).await);
    assert_eq!(done(&hands.run(&new, create).await), uid, "an answer that got lost, and was sent again");
    let other = What::Create { manifest, client: "draft-2".to_owned() };
    assert!(matches!(hands.run(&new, other).await, Outcome::Failed(_)));
    let made = get().await;
    let whoami = mpideck::cluster::access::whoami(&hands.desk.session).await.unwrap();
    assert_eq!(made["metadata"]["annotations"]["mpideck.io/creator"], whoami.as_str());

    let job = Subject { uid: uid.clone(), ..new.clone() };
    let scale = What::Scale { role: Sym::new("Worker"), replicas: 3 };
    done(&hands.run(&job, scale.clone()).await);
    done(&hands.run(&job, What::Suspend(Through::Job)).await);
    done(&hands.run(&job, What::Label { key: "team".to_owned(), value: Some("x".to_owned()) }).await);
    let changed = get().await;
    assert_eq!(changed["spec"]["mpiReplicaSpecs"]["Worker"]["replicas"], 3);
    assert_eq!(
        (&changed["spec"]["runPolicy"]["suspend"], &changed["metadata"]["labels"]["team"]),
        (&true.into(), &"x".into())
    );
    done(&hands.run(&job, What::Label { key: "team".to_owned(), value: None }).await);

    let again = done(&hands.run(&job, What::Restart).await);
    assert_ne!(again, uid);
    let spec = get().await["spec"].clone();
    assert_eq!(spec, changed["spec"], "the same job");

    let delete = What::Delete { propagation: Propagation::Foreground, grace: None };
    for what in [delete.clone(), scale, What::Suspend(Through::Job), What::Restart] {
        let verb = what.verb();
        let outcome = hands.run(&job, what).await;
        // The restart of the old one is over, and this is what it led to.
        assert!(matches!(outcome, Outcome::Failed(_)) || verb == "restart", "{verb}: {outcome:?}");
    }
    assert_eq!(get().await["spec"], spec, "the new job was not touched");
    let newer = Subject { uid: again, ..new };
    done(&hands.run(&newer, delete.clone()).await);
    for _ in 0..100 {
        if place.send(&Method::GET, &path, &Value::Null).await.0 == 404 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(place.send(&Method::GET, &path, &Value::Null).await.0, 404);
    assert!(hands.run(&newer, delete).await.as_done().is_some(), "gone already is as good");
}
