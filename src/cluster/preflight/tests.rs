use super::*;
use crate::{
    cluster::testing,
    jobs::checks::{Checks, cluster::Facts},
};

/// What is told of quotas by a cluster that has OpenShift's shared ones, or by one that has not.
async fn told(shared: bool) -> Vec<String> {
    let session = testing::session(|request| match request.uri().path() {
        "/api/v1/namespaces/v/resourcequotas" => testing::answer(200, &json!({"metadata": {}, "items": []})),
        "/apis/quota.openshift.io/v1/namespaces/v/appliedclusterresourcequotas" => {
            let hard = json!({"requests.nvidia.com/gpu": "40"});
            let item = json!({"metadata": {"name": "team", "namespace": "v"},
                "spec": {"selector": {}, "quota": {"hard": hard}},
                "status": {"total": {"hard": hard, "used": {"requests.nvidia.com/gpu": "36"}}}});
            testing::answer(200, &json!({"metadata": {}, "items": [item]}))
        }
        path => testing::status(404, path),
    })
    .await;
    let mut offer = Offer::of(&[]);
    offer.shared_quotas = shared;
    let resources = json!({"limits": {"nvidia.com/gpu": 8}});
    let worker = json!({"replicas": 1, "template": {"spec": {"containers": [{"name": "w", "resources": resources}]}}});
    let job = json!({"metadata": {"name": "t", "namespace": "v"}, "spec": {"mpiReplicaSpecs": {"Worker": worker}}});
    let candidate = Candidate { kind: Kind::MpiJob, namespace: Name::lossy("v"), job, runtime: None };
    let mut facts = Facts::new("v", [Part::Quotas]);
    preflight(&session, &offer, &candidate, vec![Part::Quotas], |part, answer| facts.take(part, answer)).await;
    let problems = Checks::builtin().check_cluster(candidate.kind, &candidate.job, &facts);
    problems.iter().map(|problem| problem.reason.to_string()).collect()
}

#[tokio::test]
async fn a_quota_that_namespaces_share_leaves_what_all_of_them_leave() {
    assert_eq!(told(true).await, ["The job needs 8 nvidia.com/gpu, and quota team leaves 4 of 40 in v"]);
    assert_eq!(told(false).await, Vec::<String>::new());
}
