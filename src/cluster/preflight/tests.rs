use super::*;
use crate::{
    cluster::testing,
    jobs::checks::{Checks, cluster::Facts},
};

/// What is told of quotas by a cluster that has OpenShift's shared ones and lets them be read or not, or by one that has
/// none; and what could not be read.
async fn told(shared: Option<bool>) -> (Vec<String>, Vec<Part>) {
    let session = testing::session(move |request| match request.uri().path() {
        "/api/v1/namespaces/v/resourcequotas" => {
            let hard = json!({"requests.nvidia.com/gpu": "6"});
            let item = json!({"metadata": {"name": "own"}, "spec": {"hard": hard}, "status": {"used": {}}});
            testing::answer(200, &json!({"metadata": {}, "items": [item]}))
        }
        _ if shared == Some(false) => testing::status(403, "appliedclusterresourcequotas is forbidden"),
        "/apis/quota.openshift.io/v1/namespaces/v/appliedclusterresourcequotas" => {
            let hard = json!({"requests.nvidia.com/gpu": "40"});
            let item = json!({"metadata": {"name": "team"},
                "spec": {"selector": {}, "quota": {"hard": hard}},
                "status": {"total": {"hard": hard, "used": {"requests.nvidia.com/gpu": "36"}}}});
            testing::answer(200, &json!({"metadata": {}, "items": [item]}))
        }
        path => testing::status(404, path),
    })
    .await;
    let mut offer = Offer::of(&[]);
    offer.shared_quotas = shared.is_some();
    let resources = json!({"limits": {"nvidia.com/gpu": 8}});
    let worker = json!({"replicas": 1, "template": {"spec": {"containers": [{"name": "w", "resources": resources}]}}});
    let job = json!({"metadata": {"name": "t", "namespace": "v"}, "spec": {"mpiReplicaSpecs": {"Worker": worker}}});
    let candidate = Candidate { kind: Kind::MpiJob, namespace: Name::lossy("v"), job, runtime: None };
    let mut parts = candidate.parts(&offer);
    parts.retain(|part| matches!(part, Part::Quotas | Part::SharedQuotas));
    let mut facts = Facts::new("v", parts.clone());
    preflight(&session, &offer, &candidate, parts, |part, answer| facts.take(part, answer)).await;
    let problems = Checks::builtin().check_cluster(candidate.kind, &candidate.job, &facts);
    let reasons = problems.iter().map(|problem| problem.reason.to_string()).collect();
    (reasons, facts.unread().map(|(part, _)| part.clone()).collect())
}

#[tokio::test]
async fn a_quota_that_namespaces_share_leaves_what_all_of_them_leave() {
    let own = "The job needs 8 nvidia.com/gpu, and quota own leaves 6 of 6 in v".to_owned();
    let team = "The job needs 8 nvidia.com/gpu, and quota team leaves 4 of 40 in v".to_owned();
    assert_eq!(told(Some(true)).await, (vec![own.clone(), team], vec![]));
    assert_eq!(told(Some(false)).await, (vec![own.clone()], vec![Part::SharedQuotas]), "its own count all the same");
    assert_eq!(told(None).await, (vec![own], vec![]));
}
