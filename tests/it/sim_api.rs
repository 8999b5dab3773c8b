//! The sim's API server, asked in process: answers held against a real server's.

use http::Method;
use mpideck::sim::store::resource::{CLUSTERQUEUES, CONFIGMAPS, MPIJOBS, PODS};
use mpideck::sim::{FleetKind, Options, Release, Sim};
use serde_json::{Value, json};

use crate::sim_client::{ask, client, client_as, empty, get, mpi_job, namespace};

const JOBS: &str = "/apis/kubeflow.org/v2beta1/namespaces/team-a/mpijobs";

/// The answers of a real server that need no schema of a custom resource nor a quota.
#[tokio::test(start_paused = true)]
async fn refusals_equal_those_recorded_from_a_real_server() {
    let shared = std::env::var("MPIDECK_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let Ok(recorded) = std::fs::read_to_string(format!("{shared}/data/recorded/apiserver/answers.jsonl")) else {
        eprintln!("SKIPPED: no recordings of a real server in {shared} (set MPIDECK_SHARED)");
        return;
    };
    let recorded: Vec<Value> = recorded.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    let sim = empty().await;
    namespace(&sim, "team-a");
    namespace(&sim, "team-b");
    let admin = client(&sim, "admin").await;
    let tenant = client(&sim, "tenant").await;
    ask(&admin, &Method::POST, JOBS).json(&mpi_job("team-a", "dup")).answer().await;
    let mut stale = mpi_job("team-a", "dup");
    stale["metadata"]["resourceVersion"] = json!("1");
    let mut wrong_version = mpi_job("team-a", "e3");
    wrong_version["apiVersion"] = json!("kubeflow.org/v1");
    let team_b = "/apis/kubeflow.org/v2beta1/namespaces/team-b/mpijobs";
    let nope = "/apis/kubeflow.org/v2beta1/namespaces/nope/mpijobs";
    let (post, put) = (&Method::POST, &Method::PUT);
    let answers = [
        ("3e-bad-name", ask(&admin, post, JOBS).json(&mpi_job("team-a", "Bad_Name")).answer().await),
        ("3g-not-json", ask(&admin, post, JOBS).raw("{\"kind\": \"MPIJob\", ").answer().await),
        ("3h-wrong-kind", ask(&admin, post, JOBS).json(&wrong_version).answer().await),
        ("5a-rbac-create", ask(&tenant, post, team_b).json(&mpi_job("team-b", "x")).answer().await),
        ("5b-rbac-list-all", get(&tenant, "/apis/kubeflow.org/v2beta1/mpijobs").await),
        ("6a-notfound", get(&admin, &format!("{JOBS}/none")).await),
        ("6b-no-such-resource", get(&admin, "/apis/kubeflow.org/v1/mpijobs").await),
        ("6c-ns-missing", ask(&admin, post, nope).json(&mpi_job("nope", "x")).answer().await),
        ("6e-already-exists", ask(&admin, post, JOBS).json(&mpi_job("team-a", "dup")).answer().await),
        ("6f-conflict", ask(&admin, put, &format!("{JOBS}/dup")).json(&stale).answer().await),
    ];
    for (case, (code, body)) in answers {
        let real = recorded.iter().find(|r| r["case"] == case).unwrap_or_else(|| panic!("{case} is not recorded"));
        let line = real["headers"][0].as_str().unwrap();
        assert!(line.contains(&format!(" {code} ")), "{case}: {code}, really {line}");
        let body = body.to_string().replace("tenant", "alice");
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), real["body"], "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_are_of_one_moment_and_tokens_expire() {
    let sim = empty().await;
    namespace(&sim, "team-a");
    for n in 0..25 {
        sim.store().create(&MPIJOBS, mpi_job("team-a", &format!("j{n:02}"))).unwrap();
    }
    let admin = client(&sim, "admin").await;
    let (_, first) = get(&admin, &format!("{JOBS}?limit=10")).await;
    assert_eq!((first["items"].as_array().unwrap().len(), &first["metadata"]["remainingItemCount"]), (10, &json!(15)));
    let token = first["metadata"]["continue"].as_str().unwrap().to_owned();
    sim.store().delete(&MPIJOBS, "team-a", "j15", &mpideck::sim::store::DeleteOptions::default()).unwrap();
    let (_, second) = get(&admin, &format!("{JOBS}?limit=10&continue={token}")).await;
    assert_eq!(second["items"][5]["metadata"]["name"], "j15", "a page is as old as the first one");
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let (_, last) =
        get(&admin, &format!("{JOBS}?limit=10&continue={}", second["metadata"]["continue"].as_str().unwrap())).await;
    assert_eq!((last["items"].as_array().unwrap().len(), &last["metadata"]["continue"]), (5, &json!("")));
    tokio::time::sleep(std::time::Duration::from_mins(6)).await;
    let (code, expired) = get(&admin, &format!("{JOBS}?continue={token}")).await;
    assert_eq!((code, &expired["reason"]), (410, &json!("Expired")));
    let resume = expired["metadata"]["continue"].as_str().unwrap();
    let (_, rest) = get(&admin, &format!("{JOBS}?continue={resume}")).await;
    assert_eq!(rest["items"].as_array().unwrap().len(), 14, "the rest, of now");
}

#[tokio::test(start_paused = true)]
async fn options_that_do_not_go_together_are_refused() {
    let sim = empty().await;
    let admin = client(&sim, "admin").await;
    let too_new = format!("Timeout: Too large resource version: 999999, current: {}", sim.store().version());
    for (query, code, said) in [
        (
            "watch=1&sendInitialEvents=true",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
        ),
        ("resourceVersion=999999", 504, too_new.as_str()),
        (
            "resourceVersionMatch=Exact",
            422,
            "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided",
        ),
        (
            "resourceVersion=x",
            400,
            "invalid resource version: resourceVersion: Invalid value: \"x\": strconv.ParseUint: parsing \"x\": invalid syntax",
        ),
        (
            "continue=nonsense",
            400,
            "invalid continue token: continue key is not valid: invalid character '\\x9e' looking for beginning of value",
        ),
    ] {
        let (got, body) = get(&admin, &format!("/api/v1/pods?{query}")).await;
        assert_eq!((got, body["message"].as_str().unwrap()), (code, said), "{query}");
    }
    let (code, _) = ask(&admin, &Method::GET, "/api/v1/pods").header("accept", "application/cbor").answer().await;
    assert_eq!(code, 406);
    assert_eq!(get(&admin, "/apis/metrics.k8s.io/v1beta1/pods").await, (404, json!("404 page not found\n")));
}

#[tokio::test(start_paused = true)]
async fn listed_pods_do_not_say_their_kind_and_listed_jobs_do() {
    let sim = empty().await;
    namespace(&sim, "team-a");
    sim.store().create(&MPIJOBS, mpi_job("team-a", "a")).unwrap();
    let pod = json!({"metadata": {"name": "p", "namespace": "team-a"}, "spec": {"containers": [{"name": "c", "image": "i"}]}});
    sim.store().create(&PODS, pod).unwrap();
    let admin = client(&sim, "admin").await;
    let (_, pods) = get(&admin, "/api/v1/pods").await;
    assert_eq!((pods["kind"].as_str(), pods["items"][0].get("kind")), (Some("PodList"), None));
    assert_eq!(pods["items"][0]["status"]["phase"], "Pending");
    let (_, jobs) = get(&admin, JOBS).await;
    assert_eq!(jobs["items"][0]["kind"], "MPIJob");
    let accept = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
    let (_, metadata) = ask(&admin, &Method::GET, JOBS).header("accept", accept).answer().await;
    assert_eq!(
        (metadata["kind"].as_str(), metadata["items"][0].get("spec")),
        (Some("PartialObjectMetadataList"), None)
    );
    assert_eq!(metadata["items"][0]["metadata"]["name"], "a");
}

#[tokio::test(start_paused = true)]
async fn patches_parts_and_deletions_over_http() {
    let sim = empty().await;
    namespace(&sim, "team-a");
    let admin = client(&sim, "admin").await;
    let job = mpi_job("team-a", "a");
    let (code, dry) = ask(&admin, &Method::POST, &format!("{JOBS}?dryRun=All")).json(&job).answer().await;
    assert_eq!((code, dry["metadata"]["uid"].is_string()), (201, true));
    assert_eq!(sim.store().count(&MPIJOBS), 0);
    ask(&admin, &Method::POST, JOBS).json(&job).answer().await;
    let patch = |kind: &'static str, path: String, body: Value| {
        let admin = admin.clone();
        async move { ask(&admin, &Method::PATCH, &path).header("content-type", kind).json(&body).answer().await }
    };
    let merge = "application/merge-patch+json";
    let (_, merged) =
        patch(merge, format!("{JOBS}/a"), json!({"spec": {"runPolicy": {"suspend": true}}, "status": {"x": 1}})).await;
    assert_eq!((&merged["spec"]["runPolicy"]["suspend"], merged.get("status")), (&json!(true), None));
    assert_eq!(merged["metadata"]["generation"], 2);
    let (_, status) = patch(merge, format!("{JOBS}/a/status"), json!({"status": {"startTime": "t"}, "spec": {}})).await;
    assert_eq!(status["status"]["startTime"], "t");
    let json_patch = json!([{"op": "test", "path": "/spec/slotsPerWorker", "value": 9}]);
    assert_eq!(patch("application/json-patch+json", format!("{JOBS}/a"), json_patch).await.0, 422);
    let strategic = "application/strategic-merge-patch+json";
    assert_eq!(patch(strategic, format!("{JOBS}/a"), json!({"spec": {}})).await.0, 415);
    assert_eq!(patch("application/apply-patch+yaml", format!("{JOBS}/a"), json!({})).await.0, 415);
    let path = format!("{JOBS}/a");
    let wrong = json!({"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": "other"}});
    let (code, refused) = ask(&admin, &Method::DELETE, &path).json(&wrong).answer().await;
    assert_eq!((code, refused["reason"].as_str()), (409, Some("Conflict")));
    let (code, gone) = ask(&admin, &Method::DELETE, &path).answer().await;
    assert_eq!((code, gone["status"].as_str(), gone["details"]["name"].as_str()), (200, Some("Success"), Some("a")));
    for name in ["x", "y"] {
        let labels = json!({"metadata": {"name": name, "namespace": "team-a", "labels": {"n": name}}});
        sim.store().create(&CONFIGMAPS, labels).unwrap();
    }
    let all = "/api/v1/namespaces/team-a/configmaps?labelSelector=n%3Dx";
    assert_eq!(ask(&admin, &Method::DELETE, all).answer().await.0, 200);
    assert_eq!(sim.store().count(&CONFIGMAPS), 1);
}

#[tokio::test(start_paused = true)]
async fn everybody_may_ask_about_themselves_and_only_admin_may_pose_as_others() {
    let sim = empty().await;
    let tenant = client(&sim, "tenant").await;
    let review = |namespace: &str| {
        json!({"kind": "SelfSubjectAccessReview", "apiVersion": "authorization.k8s.io/v1",
        "spec": {"resourceAttributes": {"verb": "delete", "group": "kubeflow.org", "resource": "mpijobs", "namespace": namespace}}})
    };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    for (namespace, allowed) in [("vision", true), ("other", false)] {
        let (code, answer) = ask(&tenant, &Method::POST, path).json(&review(namespace)).answer().await;
        assert_eq!((code, &answer["status"]["allowed"]), (201, &json!(allowed)));
    }
    let whoami = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let body = json!({"kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1"});
    let posing = client_as(&sim, "admin", |c| c.auth_info.impersonate = Some("tenant".to_owned())).await;
    let (_, me) = ask(&posing, &Method::POST, whoami).json(&body).answer().await;
    assert_eq!(me["status"]["userInfo"]["username"], "tenant");
    assert_eq!(get(&posing, "/api/v1/namespaces").await.0, 403);
    let posing = client_as(&sim, "viewer", |c| c.auth_info.impersonate = Some("admin".to_owned())).await;
    let (code, refused) = get(&posing, "/api/v1/namespaces").await;
    assert_eq!(
        (code, refused["message"].as_str().unwrap()),
        (
            403,
            "users \"admin\" is forbidden: User \"viewer\" cannot impersonate resource \"users\" in API group \"\" at the cluster scope"
        )
    );
    let unknown = client_as(&sim, "viewer", |c| c.auth_info.token = Some("wrong".to_owned().into())).await;
    assert_eq!(get(&unknown, "/api/v1/namespaces").await.0, 401);
    let nowatch = client(&sim, "nowatch").await;
    assert_eq!((get(&nowatch, "/api/v1/pods").await.0, get(&nowatch, "/api/v1/pods?watch=1").await.0), (200, 403));
}

#[tokio::test(start_paused = true)]
async fn the_visibility_api_tells_who_waits() {
    let sim = empty().await;
    let admin = client(&sim, "admin").await;
    let group = "/apis/visibility.kueue.x-k8s.io/v1beta2";
    let queue = json!({"metadata": {"name": "team"}, "spec": {"resourceGroups": []}});
    sim.store().create(&CLUSTERQUEUES, queue).unwrap();
    let (code, summary) = get(&admin, &format!("{group}/clusterqueues/team/pendingworkloads")).await;
    assert_eq!((code, &summary["kind"], &summary["items"]), (200, &json!("PendingWorkloadsSummary"), &json!([])));
    for (path, code) in [("clusterqueues/other/pendingworkloads", 404), ("clusterqueues/team", 404)] {
        assert_eq!(get(&admin, &format!("{group}/{path}")).await.0, code, "{path}");
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_in_both_forms_names_the_same_resources() {
    let sim = empty().await;
    let tenant = client(&sim, "tenant").await;
    let accept = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let (_, aggregated) = ask(&tenant, &Method::GET, "/apis").header("accept", accept).answer().await;
    let mut names: Vec<String> = Vec::new();
    for group in aggregated["items"].as_array().unwrap() {
        for version in group["versions"].as_array().unwrap() {
            let path = format!(
                "/apis/{}/{}",
                group["metadata"]["name"].as_str().unwrap(),
                version["version"].as_str().unwrap()
            );
            let (_, plain) = get(&tenant, &path).await;
            for resource in version["resources"].as_array().unwrap() {
                let mut name = resource["resource"].as_str().unwrap().to_owned();
                // One that is only there for its subresource is named with it in the plain form.
                if resource["responseKind"]["kind"] == "" {
                    name = format!("{name}/{}", resource["subresources"][0]["subresource"].as_str().unwrap());
                }
                assert!(plain["resources"].as_array().unwrap().iter().any(|r| r["name"] == name), "{path} {name}");
                names.push(name);
            }
        }
    }
    assert!(names.iter().any(|n| n == "localqueues/pendingworkloads"));
    assert!(names.iter().any(|n| n == "mpijobs") && names.iter().any(|n| n == "selfsubjectaccessreviews"));
    assert_eq!(get(&tenant, "/version").await.1["gitVersion"], "v1.36.2");
    assert_eq!(get(&tenant, "/readyz").await.1, json!("ok"));
    assert_eq!(get(&tenant, "/metrics").await.0, 403);
}

#[tokio::test(start_paused = true)]
async fn older_releases_offer_less() {
    let any = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
    let streamed = "/api/v1/pods?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1";
    for (release, version, discovery, streams) in [
        (Release::V1_27, "v1.27.16", "apidiscovery.k8s.io/v2beta1", 422),
        (Release::V1_31, "v1.31.14", "apidiscovery.k8s.io/v2", 422),
        (Release::V1_36, "v1.36.2", "apidiscovery.k8s.io/v2", 200),
    ] {
        let sim = Sim::start(Options { fleet: FleetKind::Still, release, ..Options::new() }).await.unwrap();
        let admin = client(&sim, "admin").await;
        assert_eq!(get(&admin, "/version").await.1["gitVersion"], version);
        let (_, groups) = ask(&admin, &Method::GET, "/apis").header("accept", any).answer().await;
        assert_eq!(
            (groups["kind"].as_str(), groups["apiVersion"].as_str()),
            (Some("APIGroupDiscoveryList"), Some(discovery))
        );
        assert_eq!(get(&admin, streamed).await.0, streams, "{release:?}");
        let (_, plain) = ask(&admin, &Method::GET, "/apis").header("accept", "application/json").answer().await;
        assert_eq!(plain["kind"], "APIGroupList");
    }
}
