//! Starting a sim and ways into it.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::api::{Counters, Server};
use super::controllers::admit;
use super::faults::Faults;
use super::numbers::Numbers;
use super::options::{FleetKind, Options};
use super::scenario::{self, ScenarioError};
use super::store::{Refusal, Store, resource};
use super::users::Users;
use super::{Clock, Outputs, claims, housekeeping, transport};

/// The URL of the in-process kubeconfig. Nothing resolves it: connections are pipes.
const IN_PROCESS: &str = "http://sim.invalid";

/// Makes connections to a sim, each a pipe.
pub type Dial = Arc<dyn Fn() -> io::Result<DuplexStream> + Send + Sync>;

/// Why a sim could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No random numbers, or roles that do not fit the store: a bug.
    #[error("cannot make users: {0}")]
    Tokens(String),
    /// The fleet of the start does not fit the store: a bug.
    #[error("cannot set up the cluster: {0}")]
    Fleet(#[from] Refusal),
    /// A scenario file cannot be read: a bug.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
}

/// A running cluster. Dropping it ends its tasks, ports and connections.
pub struct Sim {
    server: Arc<Server>,
    stop: CancellationToken,
    _guard: DropGuard,
}

/// A port that serves a sim, until it is dropped.
pub struct Served {
    /// Where it listens.
    pub addr: SocketAddr,
    kubeconfig: Value,
    _guard: DropGuard,
}

impl Sim {
    /// Starts a cluster. Must be called inside a tokio runtime.
    #[allow(clippy::unused_async, reason = "large fleets give way while they are made")]
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let store = Store::new(options.clock, options.seed);
        store.plays(options.release);
        for served in resource::of_age(options.old_apis).filter(|r| serves(&options, r)) {
            store.serve(served);
        }
        for name in ["default", "kube-system", options.tenant_namespace.as_str()] {
            if store.get(&resource::NAMESPACES, "", name).is_err() {
                store.create(&resource::NAMESPACES, json!({"metadata": {"name": name}}))?;
            }
        }
        let users = Users::new(&store, &options.tenant_namespace).map_err(StartError::Tokens)?;
        let life = match options.fleet {
            FleetKind::Still => {
                store.admit(admit::step());
                None
            }
            _ => Some(scenario::settle(&store, &options)?),
        };
        let faults = Faults::new(store.clone(), options.faults.clone(), options.seed);
        let stop = CancellationToken::new();
        let server = Arc::new(Server::new(store, users, faults, options.release, stop.clone()));
        let sim = Self { server, _guard: stop.clone().drop_guard(), stop };
        sim.run(sim.faults().run());
        sim.run(housekeeping::run(sim.store().clone()));
        sim.run(claims::run(sim.store().clone()));
        if let Some(life) = life {
            sim.set_outputs(life.outputs());
            sim.run(life.run(sim.stop.child_token()));
        }
        Ok(sim)
    }

    /// A connector for clients in this process.
    pub fn dial(&self) -> Dial {
        let (server, stop) = (Arc::clone(&self.server), self.stop.clone());
        Arc::new(move || transport::dial(&server, &stop))
    }

    /// The kubeconfig that belongs to [`dial`](Self::dial): a context a user.
    pub fn kubeconfig(&self) -> Value {
        self.server.users.kubeconfig(IN_PROCESS, None)
    }

    /// Serves over TLS at `addr` (port 0 for any).
    pub async fn listen(&self, addr: SocketAddr) -> io::Result<Served> {
        let stop = self.stop.child_token();
        let (addr, ca) = transport::listen(&self.server, addr, &stop).await?;
        let kubeconfig = self.server.users.kubeconfig(&format!("https://{addr}"), Some(&ca));
        Ok(Served { addr, kubeconfig, _guard: stop.drop_guard() })
    }

    /// The objects.
    pub fn store(&self) -> &Store {
        &self.server.store
    }

    /// The time.
    pub fn clock(&self) -> Clock {
        self.server.store.clock()
    }

    /// The switches of what goes wrong.
    pub fn faults(&self) -> Faults {
        self.server.faults.clone()
    }

    /// What was asked so far.
    pub fn counters(&self) -> &Counters {
        &self.server.counters
    }

    /// Who says what containers write and use.
    pub fn set_outputs(&self, outputs: Arc<dyn Outputs>) {
        let numbers = Arc::new(Numbers::new(self.store().clone(), Arc::clone(&outputs)));
        *self.server.outputs.write().unwrap_or_else(PoisonError::into_inner) = Some(outputs);
        *self.server.numbers.write().unwrap_or_else(PoisonError::into_inner) = Some(numbers);
    }

    /// Runs a task for as long as the sim lives.
    pub fn run(&self, task: impl Future<Output = ()> + Send + 'static) {
        let stop = self.stop.clone();
        tokio::spawn(async move { stop.run_until_cancelled(task).await });
    }
}

impl Served {
    /// A kubeconfig with a context a user, for any client on this machine.
    pub fn kubeconfig(&self) -> &Value {
        &self.kubeconfig
    }

    /// Writes the kubeconfig to `directory`, readable by its owner alone, and says where.
    pub fn write_kubeconfig(&self, directory: &Path) -> io::Result<PathBuf> {
        std::fs::create_dir_all(directory)?;
        let path = directory.join(format!("demo-{}.kubeconfig", self.addr.port()));
        let beside = directory.join(format!(".demo-{}.{}", self.addr.port(), std::process::id()));
        let _ = std::fs::remove_file(&beside);
        let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        // JSON is YAML.
        file.write_all(serde_json::to_string_pretty(&self.kubeconfig)?.as_bytes())?;
        std::fs::rename(&beside, &path)?;
        Ok(path)
    }
}

fn serves(options: &Options, resource: &resource::Resource) -> bool {
    if *resource == resource::PROJECTS {
        return options.projects;
    }
    if resource.is_measured() {
        return options.fleet != FleetKind::Still && !options.faults.no_metrics_server;
    }
    let without = resource.custom && options.fleet == FleetKind::NoOperators;
    !without
}
