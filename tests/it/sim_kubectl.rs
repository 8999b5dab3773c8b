//! A real kubectl on a served sim: what a user of any other client sees.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use mpideck::sim::store::Part;
use mpideck::sim::store::resource::{EVENTS, MPIJOBS, NODES, PODS};
use mpideck::sim::{FleetKind, Options, Output, Outputs, Release, Served, Sim, Written};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;

use crate::sim_client::{mpi_job, namespace};
use crate::tools;

/// A served cluster and kubectl's place to keep things.
struct Desk {
    sim: Sim,
    _served: Served,
    home: tempfile::TempDir,
    kubeconfig: PathBuf,
}

struct Three;

impl Outputs for Three {
    fn open(&self, _: &Value, _: &str, _: bool) -> Option<Arc<dyn Output>> {
        Some(Arc::new(Self))
    }
}

impl Output for Three {
    fn written(&self, _: jiff::Timestamp) -> u64 {
        3
    }

    fn line(&self, number: u64) -> (jiff::Timestamp, Written) {
        (jiff::Timestamp::UNIX_EPOCH, format!("line {number}").into())
    }

    fn next(&self, _: jiff::Timestamp) -> Option<jiff::Timestamp> {
        None
    }
}

/// `None`, loudly, where there is no kubectl and none is required.
async fn desk() -> Option<Desk> {
    desk_of(Release::default()).await
}

async fn desk_of(release: Release) -> Option<Desk> {
    let desk = desk_with(Options { fleet: FleetKind::Still, release, ..Options::new() }).await?;
    desk.sim.set_outputs(Arc::new(Three));
    furnish(&desk.sim);
    Some(desk)
}

async fn desk_with(options: Options) -> Option<Desk> {
    if !tools::is_there("kubectl", "--help") {
        return None;
    }
    let sim = Sim::start(options).await.unwrap();
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = served.write_kubeconfig(&home.path().join("state")).unwrap();
    Some(Desk { sim, _served: served, home, kubeconfig })
}

fn furnish(sim: &Sim) {
    let store = sim.store();
    namespace(sim, "other");
    let job = store.create(&MPIJOBS, mpi_job("vision", "pi")).unwrap();
    let node = json!({"metadata": {"name": "gpu-1"}, "spec": {}, "status": {"nodeInfo": {"kubeletVersion": "v1.36.2"},
        "conditions": [{"type": "Ready", "status": "True"}]}});
    store.seed(&NODES, node).unwrap();
    let pod = json!({"metadata": {"name": "pi-worker-0", "namespace": "vision"},
        "spec": {"nodeName": "gpu-1", "containers": [{"name": "worker", "image": "mpi:1", "ports": [{"containerPort": 8080}]}]},
        "status": {"phase": "Running", "podIP": "10.1.0.4", "containerStatuses": [
            {"name": "worker", "ready": true, "restartCount": 2, "image": "mpi:1", "imageID": "", "state": {"running": {"startedAt": "2026-11-20T08:00:00Z"}},
             "lastState": {}}]}});
    store.seed(&PODS, pod).unwrap();
    let event = json!({"metadata": {"name": "pi.1", "namespace": "vision"}, "type": "Warning", "reason": "MPIJobFailed",
        "message": "worker pod created failed", "count": 3, "source": {"component": "mpi-job-controller"},
        "firstTimestamp": sim.clock().stamp(), "lastTimestamp": sim.clock().stamp(),
        "involvedObject": {"kind": "MPIJob", "name": "pi", "namespace": "vision", "uid": job.uid.as_str(), "apiVersion": "kubeflow.org/v2beta1"}});
    store.create(&EVENTS, event).unwrap();
}

impl Desk {
    fn kubectl(&self, args: &str) -> Command {
        let mut command = Command::new("kubectl");
        command.arg("--cache-dir").arg(self.home.path().join("cache")).args(args.split(' '));
        command.env("KUBECONFIG", &self.kubeconfig).env("HOME", self.home.path());
        for proxy in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        command
    }

    /// Whether it went well, and what was said on both outputs, blanks squeezed.
    async fn run(&self, args: &str) -> (bool, String) {
        self.feed(args, "").await
    }

    async fn feed(&self, args: &str, input: &str) -> (bool, String) {
        let mut child = self.kubectl(args).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
        let output = tokio::time::timeout(Duration::from_mins(1), child.wait_with_output()).await.unwrap().unwrap();
        let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let lines: Vec<String> = text.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        (output.status.success(), lines.join("\n"))
    }

    async fn says(&self, args: &str, expected: &str) {
        let (ok, said) = self.run(args).await;
        assert!(ok && said.contains(expected), "kubectl {args}: expected {expected:?}, got {said}");
    }

    async fn refuses(&self, args: &str, expected: &str) {
        let (ok, said) = self.run(args).await;
        assert!(!ok && said.contains(expected), "kubectl {args}: expected refusal {expected:?}, got {said}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_reads_tables_details_and_logs() {
    let Some(desk) = desk().await else { return };
    for (args, expected) in [
        ("get mpijobs -A", "NAMESPACE NAME AGE\nvision pi "),
        ("get pods -n vision", "NAME READY STATUS RESTARTS AGE\npi-worker-0 1/1 Running 2 "),
        ("get po -n vision -o wide", "10.1.0.4 gpu-1 <none> <none>"),
        ("get nodes", "NAME STATUS ROLES AGE VERSION\ngpu-1 Ready <none> "),
        ("get events -n vision", "Warning MPIJobFailed mpijob/pi worker pod created failed"),
        ("get mpijob pi -n vision -o jsonpath={.spec.slotsPerWorker}", "1"),
        ("get pods -A -l none=such", "No resources found"),
        ("get pods -A --field-selector=status.phase=Running -o name", "pod/pi-worker-0"),
        ("get pods -A --chunk-size=1 -o name", "pod/pi-worker-0"),
        ("describe mpijob pi -n vision", "Warning MPIJobFailed"),
        ("describe pod pi-worker-0 -n vision", "Restart Count: 2"),
        ("logs pi-worker-0 -n vision --tail=2", "line 1\nline 2"),
        ("api-resources --api-group=kubeflow.org", "mpijobs kubeflow.org/v2beta1 true MPIJob"),
        ("version", "Server Version: v1.36.2"),
        ("auth whoami", "admin"),
        ("get --raw /readyz", "ok"),
    ] {
        desk.says(args, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_meets_each_users_rights() {
    let Some(desk) = desk().await else { return };
    for (args, expected) in [
        ("get pods --context tenant", "pi-worker-0"),
        ("auth can-i create mpijobs.kubeflow.org --context tenant", "yes"),
        ("auth can-i list pods -A --context viewer", "yes"),
        ("auth can-i --list --context tenant", "*.kubeflow.org"),
        ("get pods -A --context nowatch", "pi-worker-0"),
    ] {
        desk.says(args, expected).await;
    }
    for (args, expected) in [
        ("auth can-i list namespaces -A --context tenant", "no"),
        ("auth can-i delete pods -n other --context viewer", "no"),
        ("auth can-i watch pods -A --context nowatch", "no"),
        (
            "get mpijobs -A --context tenant",
            "Error from server (Forbidden): mpijobs.kubeflow.org is forbidden: User \"tenant\" cannot list resource \"mpijobs\" in API group \"kubeflow.org\" at the cluster scope",
        ),
        (
            "get secrets -n other --context viewer",
            "cannot list resource \"secrets\" in API group \"\" in the namespace \"other\"",
        ),
        ("get pods --token=wrong --context tenant --user=none", "auth info \"none\" does not exist"),
        ("get mpijob none -n vision", "Error from server (NotFound): mpijobs.kubeflow.org \"none\" not found"),
        ("get pods -A --as=tenant", "Error from server (Forbidden)"),
    ] {
        desk.refuses(args, expected).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_creates_changes_and_deletes() {
    let Some(desk) = desk().await else { return };
    let job = mpi_job("vision", "new").to_string();
    for (args, expected) in [
        ("create -f - --dry-run=server", "created (server dry run)"),
        ("create -f -", "mpijob.kubeflow.org/new created"),
        ("apply -f -", "mpijob.kubeflow.org/new configured"),
    ] {
        let (ok, said) = desk.feed(args, &job).await;
        assert!(ok && said.contains(expected), "kubectl {args}: {said}");
    }
    let (ok, said) = desk.feed("create -f -", &job).await;
    assert!(!ok && said.contains("(AlreadyExists)"), "{said}");
    for (args, expected) in [
        (r#"patch mpijob new -n vision --type=merge -p {"spec":{"slotsPerWorker":4}}"#, "patched"),
        ("get mpijob new -n vision -o jsonpath={.spec.slotsPerWorker}", "4"),
        ("label mpijob new -n vision a=b", "labeled"),
        ("annotate pod pi-worker-0 -n vision a=b", "annotated"),
        ("wait mpijob/new -n vision --for=jsonpath={.spec.slotsPerWorker}=4 --timeout=5s", "condition met"),
        ("delete mpijob new -n vision", "deleted"),
        ("delete pod pi-worker-0 -n vision --wait=false", "deleted"),
        ("create namespace fresh", "created"),
        ("create configmap notes -n fresh --from-literal=a=b", "created"),
        ("get configmap notes -n fresh -o jsonpath={.data.a}", "b"),
        ("delete namespace fresh", "deleted"),
    ] {
        desk.says(args, expected).await;
    }
    let going = desk.sim.store().get(&PODS, "vision", "pi-worker-0").unwrap();
    assert!(going.value()["metadata"]["deletionTimestamp"].is_string(), "a running pod gets its grace");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_watches_and_follows() {
    let Some(desk) = desk().await else { return };
    let mut watch = desk.kubectl("get pods -n vision -w").spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut follow = desk.kubectl("logs -f pi-worker-0 -n vision").spawn().unwrap();
    let mut log = BufReader::new(follow.stdout.take().unwrap()).lines();
    let soon = Duration::from_secs(30);
    for expected in ["NAME", "pi-worker-0"] {
        let line = tokio::time::timeout(soon, lines.next_line()).await.unwrap().unwrap().unwrap();
        assert!(line.starts_with(expected), "{line}");
    }
    assert_eq!(tokio::time::timeout(soon, log.next_line()).await.unwrap().unwrap().as_deref(), Some("line 0"));
    let over = json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}});
    let change = |pod: &mut Value| {
        pod["status"]["containerStatuses"][0]["state"] = over;
        pod["status"]["containerStatuses"][0]["ready"] = json!(false);
    };
    desk.sim.store().modify(&PODS, "vision", "pi-worker-0", Part::Status, change).unwrap();
    let line = tokio::time::timeout(soon, lines.next_line()).await.unwrap().unwrap().unwrap();
    assert!(line.contains("0/1") && line.contains("OOMKilled"), "{line}");
    assert!(
        tokio::time::timeout(soon, follow.wait()).await.unwrap().unwrap().success(),
        "a log ends with its container"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_enters_containers_and_copies_files() {
    let Some(desk) = desk().await else { return };
    let (to, back) = (desk.home.path().join("notes.txt"), desk.home.path().join("back.txt"));
    std::fs::write(&to, "hello\n").unwrap();
    let copy_in = format!("cp {} vision/pi-worker-0:/tmp/notes.txt", to.display());
    let copy_out = format!("cp vision/pi-worker-0:/tmp/notes.txt {}", back.display());
    for (args, expected) in [
        ("exec pi-worker-0 -n vision -- hostname", "pi-worker-0"),
        ("exec pi-worker-0 -n vision -c worker -- ls /etc", "hostname\nos-release"),
        (copy_in.as_str(), ""),
        ("exec pi-worker-0 -n vision -- cat /tmp/notes.txt", "hello"),
        (copy_out.as_str(), ""),
        ("exec pi-worker-0 --context tenant -- echo mine", "mine"),
    ] {
        desk.says(args, expected).await;
    }
    assert_eq!(std::fs::read_to_string(back).unwrap(), "hello\n");
    let (ok, said) = desk.feed("exec -i pi-worker-0 -n vision -- sh", "echo from a pipe\n").await;
    assert!(ok && said == "from a pipe", "{said}");
    desk.refuses("exec pi-worker-0 -n vision -- false", "command terminated with exit code 1").await;
    desk.refuses("exec pi-worker-0 -n vision --context viewer -- ls", "cannot create resource \"pods/exec\"").await;
    desk.refuses("exec pi-worker-0 -n vision -c none -- ls", "container none is not valid for pod pi-worker-0").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_explains_checks_and_patches() {
    let Some(desk) = desk().await else { return };
    for (args, expected) in [
        ("explain mpijob.spec", "slotsPerWorker <integer>"),
        ("explain mpijob.spec.mpiReplicaSpecs.template.spec.containers", "image <string>"),
        ("explain mpijob.spec.mpiImplementation", "ENUM:"),
        ("explain trainjob.spec.runtimeRef", "name <string> -required-"),
        ("explain pod.spec.tolerations", "effect <string>"),
        ("explain workload", "KIND: Workload"),
        (
            r#"patch pod pi-worker-0 -n vision -p {"spec":{"containers":[{"name":"worker","image":"mpi:2"}]}}"#,
            "patched",
        ),
        ("get pod pi-worker-0 -n vision -o jsonpath={.spec.containers[*].image}", "mpi:2"),
    ] {
        desk.says(args, expected).await;
    }
    desk.refuses(
        r#"patch pod pi-worker-0 -n vision -p {"spec":{"nodeName":"gpu-2"}}"#,
        "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
    )
    .await;
    let mut job = mpi_job("vision", "odd");
    job["spec"]["slots"] = json!(2);
    let (ok, said) = desk.feed("create -f -", &job.to_string()).await;
    assert!(!ok && said.contains("strict decoding error: unknown field \"spec.slots\""), "{said}");
    let (ok, said) = desk.feed("create --validate=warn -f -", &job.to_string()).await;
    assert!(ok && said.contains("Warning: unknown field \"spec.slots\""), "{said}");
}

/// What the pod's port answers through kubectl, and what kubectl says of a port where nobody listens.
async fn forwarded(desk: &Desk) -> (String, String) {
    let soon = Duration::from_secs(30);
    let mut forward = desk.kubectl("port-forward pod/pi-worker-0 -n vision :8080 :9").spawn().unwrap();
    let mut lines = BufReader::new(forward.stdout.take().unwrap()).lines();
    let mut complaints = BufReader::new(forward.stderr.take().unwrap()).lines();
    let mut local = std::collections::HashMap::new();
    while local.len() < 2 {
        let line = tokio::time::timeout(soon, lines.next_line()).await.unwrap().unwrap().expect("kubectl forwards");
        let Some((here, there)) = line.strip_prefix("Forwarding from 127.0.0.1:").and_then(|l| l.split_once(" -> "))
        else {
            continue;
        };
        local.insert(there.to_owned(), here.parse::<u16>().unwrap());
    }
    let mut answer = vec![0; 15];
    for _ in 0..2 {
        let mut open = tokio::net::TcpStream::connect(("127.0.0.1", local["8080"])).await.unwrap();
        open.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        tokio::time::timeout(soon, open.read_exact(&mut answer)).await.unwrap().unwrap();
    }
    let mut closed = tokio::net::TcpStream::connect(("127.0.0.1", local["9"])).await.unwrap();
    closed.write_all(b"x").await.unwrap();
    let told = async {
        loop {
            let line = complaints.next_line().await.unwrap().expect("kubectl says what went wrong");
            if line.contains("forwarding port") {
                return line;
            }
        }
    };
    let complaint = tokio::time::timeout(soon, told).await.unwrap();
    (String::from_utf8(answer).unwrap(), complaint)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_forwards_ports() {
    for release in [Release::V1_36, Release::V1_27] {
        let Some(desk) = desk_of(release).await else { return };
        let (answer, complaint) = forwarded(&desk).await;
        assert_eq!(answer, "HTTP/1.1 200 OK", "{release:?}");
        assert!(complaint.contains("error forwarding port 9 to pod pi-worker-0"), "{release:?}: {complaint}");
    }
    let Some(desk) = desk().await else { return };
    desk.refuses("port-forward pod/none -n vision :80", "pods \"none\" not found").await;
    desk.refuses(
        "port-forward pod/pi-worker-0 -n vision :80 --context viewer",
        "cannot create resource \"pods/portforward\"",
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kubectl_shows_what_pods_and_nodes_use() {
    let text = "about = \"trains\"\nclass = \"none\"\nseconds = 60\nlike = \"horovod\"\n[[job]]\nname = \"vit\"\nworkers = 2\ngpus = 2\n";
    let fleet = FleetKind::Scenario { file: "trains.toml".to_owned(), text: text.to_owned() };
    let lived = Duration::from_mins(5);
    let Some(desk) = desk_with(Options { fleet, lived, ..Options::new() }).await else { return };
    for (args, expected) in [
        ("top pods -n vision", "NAME CPU(cores) MEMORY(bytes)\nvit-launcher-"),
        (
            "top pods -n vision -l training.kubeflow.org/job-role=worker --containers",
            "POD NAME CPU(cores) MEMORY(bytes)\nvit-worker-0 ",
        ),
        ("top nodes", "NAME CPU(cores) CPU(%) MEMORY(bytes) MEMORY(%)\ncp-1 310m 0%"),
        ("exec -n vision vit-worker-0 -- nvidia-smi -L", "GPU 1: NVIDIA "),
        ("exec -n vision vit-worker-1 -- nvidia-smi", "| NVIDIA-SMI "),
        (
            "exec -n vision vit-worker-1 -- nvidia-smi --query-gpu=index,utilization.gpu,memory.total --format=csv",
            "index, utilization.gpu [%], memory.total [MiB]\n0, ",
        ),
    ] {
        desk.says(args, expected).await;
    }
    desk.says("top pods -n none", "No resources found in none namespace").await;
}
