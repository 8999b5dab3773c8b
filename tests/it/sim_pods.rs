//! Pods of a cluster that lives: their volumes and zones, containers put into them, and what older releases say of them.

use std::time::Duration;

use http::Method;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use mpideck::sim::store::resource::{EVENTS, JOBS, PODS};
use mpideck::sim::store::{Part, Selector};
use mpideck::sim::{FleetKind, Options, Release, Sim};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::sim_client::{ask, client, get, namespace};

async fn living(release: Release) -> Sim {
    let sim = Sim::start(Options { fleet: FleetKind::Empty, release, ..Options::new() }).await.unwrap();
    namespace(&sim, "team");
    sim
}

/// Asks for an object until it is so.
async fn until(client: &kube::Client, path: &str, so: impl Fn(u16, &Value) -> bool) -> Value {
    let mut last = Value::Null;
    for _ in 0..600 {
        let (code, body) = get(client, path).await;
        if so(code, &body) {
            return body;
        }
        last = body;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    panic!("{path} does not become what it should: {last}");
}

async fn make(client: &kube::Client, path: &str, object: &Value) {
    let (code, body) = ask(client, &Method::POST, path).json(object).answer().await;
    assert_eq!(code, 201, "{path}: {body}");
}

const PODS_PATH: &str = "/api/v1/namespaces/team/pods";

fn pod(name: &str, spec: &Value) -> Value {
    let mut pod = json!({"metadata": {"name": name}, "spec": {
        "containers": [{"name": "c", "image": "busybox:1", "command": ["sleep", "infinity"]}],
        "volumes": [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}],
    }});
    for (key, value) in spec.as_object().unwrap() {
        pod["spec"][key] = value.clone();
    }
    pod
}

fn runs(_: u16, pod: &Value) -> bool {
    pod["status"]["phase"] == "Running"
}

/// What is told of a pod for this reason.
fn told(sim: &Sim, pod: &str, reason: &str) -> Option<String> {
    let all = sim.store().list(&EVENTS, Some("team"), &Selector::default()).items;
    let mut mine = all.iter().map(|event| event.value()).filter(|event| event["involvedObject"]["name"] == pod);
    mine.find(|event| event["reason"] == reason).map(|event| event["message"].as_str().unwrap().to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_volume_for_one_node_stays_in_its_zone_and_goes_with_its_claim() {
    let sim = living(Release::default()).await;
    let admin = client(&sim, "admin").await;
    let claims = "/api/v1/namespaces/team/persistentvolumeclaims";
    let claim = json!({"metadata": {"name": "data"}, "spec": {"storageClassName": "standard", "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}}}});
    make(&admin, claims, &claim).await;
    let on =
        |node: &str| json!({"nodeSelector": {"kubernetes.io/hostname": node}, "tolerations": [{"operator": "Exists"}]});
    make(&admin, PODS_PATH, &pod("first", &on("cpu-0"))).await;
    until(&admin, &format!("{PODS_PATH}/first"), runs).await;
    let bound = until(&admin, &format!("{claims}/data"), |_, claim| claim["status"]["phase"] == "Bound").await;
    let volume = format!("/api/v1/persistentvolumes/{}", bound["spec"]["volumeName"].as_str().unwrap());
    let (_, there) = get(&admin, &volume).await;
    let zone = "/spec/nodeAffinity/required/nodeSelectorTerms/0/matchExpressions/0/values/0";
    assert_eq!(there.pointer(zone), Some(&json!("eu-west-1b")), "{there}");
    assert_eq!((&there["status"]["phase"], &there["spec"]["claimRef"]["name"]), (&json!("Bound"), &json!("data")));

    // A node of another zone can't reach it.
    make(&admin, PODS_PATH, &pod("elsewhere", &on("cpu-1"))).await;
    until(&admin, &format!("{PODS_PATH}/elsewhere"), |_, pod| {
        let said = pod["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
        said.contains("1 node(s) didn't match PersistentVolume's node affinity")
    })
    .await;

    // Another node of its zone can, but not at the same time.
    make(&admin, PODS_PATH, &pod("second", &on("gpu-a100-0"))).await;
    until(&admin, &format!("{PODS_PATH}/second"), |_, _| told(&sim, "second", "FailedAttachVolume").is_some()).await;
    let name = bound["spec"]["volumeName"].as_str().unwrap();
    let said = format!("Multi-Attach error for volume {name:?} Volume is already used by pod(s) first");
    assert_eq!(told(&sim, "second", "FailedAttachVolume"), Some(said));
    let (_, waits) = get(&admin, &format!("{PODS_PATH}/second")).await;
    assert_eq!(waits["status"]["containerStatuses"][0]["state"]["waiting"]["reason"], "ContainerCreating");
    let now = json!({"gracePeriodSeconds": 0});
    ask(&admin, &Method::DELETE, &format!("{PODS_PATH}/first")).json(&now).answer().await;
    until(&admin, &format!("{PODS_PATH}/second"), runs).await;

    for pod in ["second", "elsewhere"] {
        ask(&admin, &Method::DELETE, &format!("{PODS_PATH}/{pod}")).json(&now).answer().await;
    }
    ask(&admin, &Method::DELETE, &format!("{claims}/data")).answer().await;
    until(&admin, &volume, |code, _| code == 404).await;
}

#[tokio::test(start_paused = true)]
async fn a_container_put_into_a_pod_runs_until_its_shell_ends() {
    let sim = living(Release::default()).await;
    let admin = client(&sim, "admin").await;
    let mut plain = pod("p", &json!({}));
    plain["spec"]["volumes"] = json!([]);
    make(&admin, PODS_PATH, &plain).await;
    until(&admin, &format!("{PODS_PATH}/p"), runs).await;
    let patch = json!({"spec": {"ephemeralContainers": [
        {"name": "look", "image": "busybox:1", "stdin": true, "targetContainerName": "c"}]}});
    let path = format!("{PODS_PATH}/p/ephemeralcontainers");
    let patching = ask(&admin, &Method::PATCH, &path).header("content-type", "application/strategic-merge-patch+json");
    let (code, body) = patching.json(&patch).answer().await;
    assert_eq!(code, 200, "{body}");
    let state = |pod: &Value| pod["status"]["ephemeralContainerStatuses"][0]["state"].clone();
    until(&admin, &format!("{PODS_PATH}/p"), |_, pod| state(pod)["running"].is_object()).await;
    assert_eq!(told(&sim, "p", "Started").as_deref(), Some("Container started"));

    let pods: Api<Pod> = Api::namespaced(admin.clone(), "team");
    let attached = AttachParams::default().container("look").stdin(true).stderr(false);
    let mut session = pods.attach("p", &attached).await.unwrap();
    let (mut stdin, mut out) = (session.stdin().unwrap(), session.stdout().unwrap());
    stdin.write_all(b"hostname\nexit 3\n").await.unwrap();
    let mut said = String::new();
    out.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "p\n");
    let over = until(&admin, &format!("{PODS_PATH}/p"), |_, pod| state(pod)["terminated"].is_object()).await;
    assert_eq!(state(&over)["terminated"]["exitCode"], 3);
    assert_eq!(over["status"]["phase"], "Running", "the pod goes on");
    let (code, log) = get(&admin, &format!("{PODS_PATH}/p/log?container=look")).await;
    assert_eq!((code, log), (200, json!("")));
}

#[tokio::test(start_paused = true)]
async fn pods_of_older_releases_say_less() {
    for (release, generation, network, created) in [
        (Release::V1_27, false, false, "Created container c"),
        (Release::V1_31, false, true, "Created container c"),
        (Release::V1_36, true, true, "Container created"),
    ] {
        let sim = living(release).await;
        let admin = client(&sim, "admin").await;
        let mut plain = pod("p", &json!({}));
        plain["spec"]["volumes"] = json!([]);
        make(&admin, PODS_PATH, &plain).await;
        let running = until(&admin, &format!("{PODS_PATH}/p"), runs).await;
        let conditions = running["status"]["conditions"].as_array().unwrap();
        let has = |kind: &str| conditions.iter().any(|c| c["type"] == kind);
        assert_eq!(running["metadata"]["generation"].is_i64(), generation, "{release:?}");
        assert!(conditions.iter().all(|c| c["observedGeneration"].is_i64() == generation), "{release:?}");
        assert_eq!((has("PodReadyToStartContainers"), has("Ready")), (network, true), "{release:?}");
        assert_eq!(running["status"]["hostIPs"].is_array(), network, "{release:?}");
        assert_eq!(told(&sim, "p", "Created").as_deref(), Some(created), "{release:?}");
        let node = running["spec"]["nodeName"].as_str().unwrap();
        let (_, node) = get(&admin, &format!("/api/v1/nodes/{node}")).await;
        assert_eq!(node["status"]["nodeInfo"]["kubeletVersion"], release.git_version());
    }
}

#[tokio::test(start_paused = true)]
async fn jobs_of_older_releases_end_without_announcing_it() {
    for (release, announced, policy) in
        [(Release::V1_27, false, false), (Release::V1_31, true, true), (Release::V1_36, true, true)]
    {
        let options = Options { fleet: FleetKind::Still, release, ..Options::new() };
        let sim = Sim::start(options).await.unwrap();
        namespace(&sim, "team");
        let admin = client(&sim, "admin").await;
        let template = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]}});
        let job = json!({"metadata": {"name": "j"}, "spec": {"template": template}});
        make(&admin, "/apis/batch/v1/namespaces/team/jobs", &job).await;
        let ended = |kind: &str| json!({"type": kind, "status": "True", "reason": "CompletionsReached"});
        sim.store()
            .modify(&JOBS, "team", "j", Part::Status, |job| {
                job["status"]["conditions"] = json!([ended("SuccessCriteriaMet"), ended("Complete")]);
            })
            .unwrap();
        let (_, job) = get(&admin, "/apis/batch/v1/namespaces/team/jobs/j").await;
        let conditions: Vec<&str> =
            job["status"]["conditions"].as_array().unwrap().iter().filter_map(|c| c["type"].as_str()).collect();
        assert_eq!(conditions.contains(&"SuccessCriteriaMet"), announced, "{release:?}: {conditions:?}");
        assert!(conditions.contains(&"Complete"), "{release:?}");
        assert_eq!(job["spec"]["podReplacementPolicy"].is_string(), policy, "{release:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn commands_are_spoken_in_the_older_protocol_where_the_newer_is_not_known() {
    for (release, offered, code) in [
        (Release::V1_27, "v5.channel.k8s.io", 400),
        (Release::V1_27, "v5.channel.k8s.io, v4.channel.k8s.io", 101),
        (Release::V1_31, "v5.channel.k8s.io", 101),
    ] {
        let sim = Sim::start(Options { fleet: FleetKind::Still, release, ..Options::new() }).await.unwrap();
        namespace(&sim, "team");
        let pod = json!({"metadata": {"name": "p", "namespace": "team"}, "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "c", "state": {"running": {}}}]}});
        sim.store().seed(&PODS, pod).unwrap();
        let admin = client(&sim, "admin").await;
        let asking = ask(&admin, &Method::GET, &format!("{PODS_PATH}/p/exec?command=hostname&stdout=true"))
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-protocol", offered);
        let (got, headers) = asking.head().await;
        assert_eq!(got, code, "{release:?} {offered}");
        let spoken = headers.get("sec-websocket-protocol").map(|value| value.to_str().unwrap().to_owned());
        let expected = if release == Release::V1_27 { "v4.channel.k8s.io" } else { "v5.channel.k8s.io" };
        assert_eq!(spoken.as_deref(), (code == 101).then_some(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_answers_with_a_pod_behind_it() {
    let sim = living(Release::default()).await;
    let admin = client(&sim, "admin").await;
    let service = json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "targetPort": 8080}]}});
    make(&admin, "/api/v1/namespaces/team/services", &service).await;
    let path = "/api/v1/namespaces/team/services/web:80/proxy/";
    let nobody = until(&admin, path, |code, _| code == 503).await;
    assert_eq!(nobody["message"], "no endpoints available for service \"web\"");
    let mut web = pod("p", &json!({"volumes": []}));
    web["metadata"]["labels"] = json!({"app": "web"});
    web["spec"]["containers"][0]["ports"] = json!([{"containerPort": 8080}]);
    make(&admin, PODS_PATH, &web).await;
    let answer = until(&admin, path, |code, _| code == 200).await;
    assert_eq!(answer, json!("pod p port 8080\n"));
    let (code, answer) = get(&admin, &format!("{PODS_PATH}/p:8080/proxy/")).await;
    assert_eq!((code, answer), (200, json!("pod p port 8080\n")));
    let (code, answer) = get(&admin, &format!("{PODS_PATH}/p:9/proxy/")).await;
    assert_eq!((code, &answer["reason"]), (503, &json!("ServiceUnavailable")));
}

#[tokio::test(start_paused = true)]
async fn nodes_and_leaders_renew_their_leases() {
    let sim = living(Release::default()).await;
    let admin = client(&sim, "admin").await;
    for lease in ["kube-node-lease/leases/cpu-0", "kube-system/leases/kube-scheduler"] {
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{lease}");
        let first = until(&admin, &path, |code, _| code == 200).await;
        let renewed = first["metadata"]["resourceVersion"].clone();
        until(&admin, &path, |_, lease| lease["metadata"]["resourceVersion"] != renewed).await;
    }
}
