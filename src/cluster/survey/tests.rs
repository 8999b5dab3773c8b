use serde_json::{Value, json};

use super::*;
use crate::cluster::testing;

/// As the API server tells it, of all or of one namespace: both name no namespace of their own.
fn shared() -> Value {
    let object = json!({"metadata": {"name": "team"},
        "spec": {"selector": {}, "quota": {"hard": {"requests.nvidia.com/gpu": "40"}}},
        "status": {"total": {"hard": {"requests.nvidia.com/gpu": "40"}, "used": {"requests.nvidia.com/gpu": "36"}},
            "namespaces": [{"namespace": "a", "status": {}}, {"namespace": "b", "status": {}}]}});
    json!({"metadata": {}, "items": [object]})
}

/// Whose quotas are read, by namespace, where the whole cluster may be looked at or not.
async fn quotas(may: bool, scope: &[&str]) -> (Vec<String>, Option<Clean>) {
    let session = testing::session(move |request| match request.uri().path() {
        "/apis/quota.openshift.io/v1/clusterresourcequotas" if may => testing::answer(200, &shared()),
        "/apis/quota.openshift.io/v1/namespaces/a/appliedclusterresourcequotas"
        | "/apis/quota.openshift.io/v1/namespaces/b/appliedclusterresourcequotas" => testing::answer(200, &shared()),
        path if path.contains("clusterresourcequotas") => testing::status(403, "clusterresourcequotas is forbidden"),
        _ => testing::answer(200, &json!({"metadata": {}, "items": []})),
    })
    .await;
    let mut offer = Offer::of(&[]);
    offer.shared_quotas = true;
    let wanted =
        Wanted { quotas: true, namespaces: scope.iter().copied().map(Name::lossy).collect(), ..Wanted::default() };
    let read = Surveyor::default().read(&session, &offer, &wanted).await;
    let line = |row: &QuotaRow| {
        let lines: Vec<_> = row.lines.iter().map(|(key, hard, used)| format!("{key} {used}/{hard}")).collect();
        format!("{}/{} {} {}", row.namespace, row.name, row.shared, lines.join(","))
    };
    (read.quotas.rows.iter().map(line).collect(), read.quotas.unread)
}

#[tokio::test]
async fn a_quota_of_several_namespaces_counts_in_each() {
    let of = |namespace: &str| format!("{namespace}/team true requests.nvidia.com/gpu 36000/40000");
    assert_eq!(quotas(true, &["a"]).await, (vec![of("a"), of("b")], None));
    let (rows, unread) = quotas(false, &["a"]).await;
    assert_eq!(rows, [of("a")], "what is in scope sees of it");
    assert_eq!(quotas(false, &["a", "b"]).await.0, [of("a"), of("b")], "each once");
    let ask = "list clusterresourcequotas.quota.openshift.io in all namespaces";
    assert_eq!(unread.as_ref().map(Clean::as_str), Some(ask));
}
