//! What operators assume where a manifest is silent. They default a copy and never write it back, so that nobody
//! sees it otherwise.
//!
//! Sources: mpi-operator 0.8 (defaults, CRD, and the Job API for the launcher), training-operator 1.9, trainer 2.

use serde_json::{Map, Value, json};

use crate::jobs::Kind;

/// Fills in defaults; also the JSON pointers of the lines that were added.
pub(super) fn effective(kind: Kind, mut object: Value) -> (Value, Vec<String>) {
    let mut added = Vec::new();
    let Some(root) = object.as_object_mut() else { return (object, added) };
    let mut fill = Fill { root, added: &mut added };
    match kind {
        Kind::MpiJob => fill.mpi_job(),
        Kind::MpiJobV1 => fill.v1(kind, &["slotsPerWorker"], "Never"),
        Kind::TrainJob => fill.train_job(),
        Kind::PyTorchJob | Kind::PaddleJob => fill.v1(kind, &[], "OnFailure"),
        Kind::TfJob | Kind::XgBoostJob | Kind::JaxJob => fill.v1(kind, &[], "Never"),
    }
    (object, added)
}

struct Fill<'a> {
    root: &'a mut Map<String, Value>,
    added: &'a mut Vec<String>,
}

impl Fill<'_> {
    fn mpi_job(&mut self) {
        self.set(&["spec", "slotsPerWorker"], json!(1));
        self.set(&["spec", "runLauncherAsWorker"], json!(false));
        self.set(&["spec", "sshAuthMountPath"], json!("/root/.ssh"));
        self.set(&["spec", "launcherCreationPolicy"], json!("AtStartup"));
        self.set(&["spec", "mpiImplementation"], json!("OpenMPI"));
        self.set(&["spec", "runPolicy", "cleanPodPolicy"], json!("None"));
        self.set(&["spec", "runPolicy", "backoffLimit"], json!(6));
        self.set(&["spec", "runPolicy", "suspend"], json!(false));
        self.replica("mpiReplicaSpecs", "Launcher", 1, "OnFailure");
        self.replica("mpiReplicaSpecs", "Worker", 0, "Never");
        self.worker_command();
        if self.at(&["spec", "runPolicy", "schedulingPolicy"]).is_some() {
            let workers = self.at(&["spec", "mpiReplicaSpecs", "Worker", "replicas"]).and_then(Value::as_u64);
            let members = workers.unwrap_or(0).saturating_add(1);
            self.set(&["spec", "runPolicy", "schedulingPolicy", "minAvailable"], json!(members));
        }
    }

    /// Workers that are told nothing run an ssh daemon.
    fn worker_command(&mut self) {
        let path = ["spec", "mpiReplicaSpecs", "Worker", "template", "spec", "containers"];
        let Some(Value::Array(containers)) = self.at_mut(&path) else { return };
        let Some(main) = containers.first_mut().and_then(Value::as_object_mut) else { return };
        if !main.contains_key("command") && !main.contains_key("args") {
            main.insert("command".to_owned(), json!(["/usr/sbin/sshd", "-De"]));
            let pointer = format!("/{}/0/command", path.join("/"));
            self.added.extend([format!("{pointer}/0"), format!("{pointer}/1")]);
        }
    }

    fn v1(&mut self, kind: Kind, ones: &[&str], restart: &str) {
        for field in ones {
            self.set(&["spec", field], json!(1));
        }
        // The v1 MPIJob also takes its clean-up policy at the top of the spec.
        match self.at(&["spec", "cleanPodPolicy"]).cloned() {
            Some(policy) => self.set(&["spec", "runPolicy", "cleanPodPolicy"], policy),
            None => self.set(&["spec", "runPolicy", "cleanPodPolicy"], json!("None")),
        }
        let specs = kind.info().replica_specs;
        let roles: Vec<String> = self
            .at(&["spec", specs])
            .and_then(Value::as_object)
            .map(|roles| roles.keys().cloned().collect())
            .unwrap_or_default();
        for role in roles {
            let replicas = u32::from(!(kind == Kind::MpiJobV1 && role == "Worker"));
            self.replica(specs, &role, replicas, restart);
        }
    }

    fn train_job(&mut self) {
        self.set(&["spec", "suspend"], json!(false));
        self.set(&["spec", "managedBy"], json!("trainer.kubeflow.org/trainjob-controller"));
        self.set(&["spec", "runtimeRef", "apiGroup"], json!("trainer.kubeflow.org"));
        self.set(&["spec", "runtimeRef", "kind"], json!("ClusterTrainingRuntime"));
    }

    fn replica(&mut self, specs: &str, role: &str, replicas: u32, restart: &str) {
        if self.at(&["spec", specs, role]).is_some_and(Value::is_object) {
            self.set(&["spec", specs, role, "replicas"], json!(replicas));
            self.set(&["spec", specs, role, "restartPolicy"], json!(restart));
        }
    }

    fn at(&self, path: &[&str]) -> Option<&Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.root.get(*first)?, |value, key| value.get(key))
    }

    fn at_mut(&mut self, path: &[&str]) -> Option<&mut Value> {
        let (first, rest) = path.split_first()?;
        rest.iter().try_fold(self.root.get_mut(*first)?, |value, key| value.get_mut(key))
    }

    /// Sets what is not there (or null), making the maps on the way; a field of another type on the way stays.
    fn set(&mut self, path: &[&str], value: Value) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut map = &mut *self.root;
        for key in parents {
            let inner = map.entry(*key).or_insert_with(|| json!({}));
            if inner.is_null() {
                *inner = json!({});
            }
            let Some(inner) = inner.as_object_mut() else { return };
            map = inner;
        }
        if map.get(*last).is_none_or(Value::is_null) {
            map.insert((*last).to_owned(), value);
            self.added.push(format!("/{}", path.join("/")));
        }
    }
}
