//! A manifest as the rules look at it: its replicas, their containers, and what holds where it is silent.

use serde_json::Value;

use super::rules::Limits;
use crate::jobs::Kind;
use crate::jobs::amounts::is_accelerator;
use crate::jobs::manifest::text::joined;
use crate::jobs::quantity::parse_count;

/// A manifest under the rules of a profile.
pub(super) struct Case<'a> {
    pub(super) kind: Kind,
    pub(super) job: &'a Value,
    pub(super) limits: &'a Limits,
}

/// A replica spec.
pub(super) struct Role<'a> {
    /// Its key: `Worker`.
    pub(super) name: &'a str,
    /// Pointer of the replica spec.
    pub(super) at: String,
    pub(super) spec: &'a Value,
}

/// A container of a role.
pub(super) struct Container<'a> {
    pub(super) at: String,
    pub(super) value: &'a Value,
    /// The first container: the one that the operator gives its mounts and variables.
    pub(super) main: bool,
    pub(super) init: bool,
}

/// A hit: where, and what fills the holes of the rule's texts.
pub(super) struct Found {
    pub(super) at: String,
    pub(super) holes: Vec<(&'static str, String)>,
}

impl Found {
    pub(super) fn at(at: impl Into<String>) -> Self {
        Self { at: at.into(), holes: Vec::new() }
    }

    #[allow(clippy::needless_pass_by_value, reason = "numbers and texts are passed as they come")]
    pub(super) fn with(mut self, hole: &'static str, text: impl ToString) -> Self {
        self.holes.push((hole, text.to_string()));
        self
    }
}

impl<'a> Case<'a> {
    /// The value at a pointer.
    pub(super) fn get(&self, pointer: &str) -> Option<&'a Value> {
        self.job.pointer(pointer).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&'a str> {
        self.get(pointer)?.as_str()
    }

    pub(super) fn number(&self, pointer: &str) -> Option<i64> {
        self.get(pointer)?.as_i64()
    }

    pub(super) fn is_mpi(&self) -> bool {
        matches!(self.kind, Kind::MpiJob | Kind::MpiJobV1)
    }

    /// The roles in the kind's order, then others that are there.
    pub(super) fn roles(&self) -> Vec<Role<'a>> {
        let at = format!("/spec/{}", self.kind.info().replica_specs);
        let Some(map) = self.get(&at).and_then(Value::as_object) else { return Vec::new() };
        let known = self.kind.info().roles;
        let mut roles: Vec<_> = map.iter().filter(|(_, spec)| spec.is_object()).collect();
        roles.sort_by_key(|(name, _)| known.iter().position(|k| k == name).unwrap_or(known.len()));
        roles.into_iter().map(|(name, spec)| Role { name, at: joined(&at, name), spec }).collect()
    }

    /// A role by its key.
    pub(super) fn role(&self, name: &str) -> Option<Role<'a>> {
        self.roles().into_iter().find(|role| role.name == name)
    }

    /// Those whose pods are made: the operator of MPIJobs knows no others.
    pub(super) fn made(&self) -> Vec<Role<'a>> {
        let known = self.kind.info().roles;
        self.roles().into_iter().filter(|role| !self.is_mpi() || known.contains(&role.name)).collect()
    }

    pub(super) fn launcher_works(&self) -> bool {
        self.get("/spec/runLauncherAsWorker") == Some(&Value::Bool(true))
    }

    pub(super) fn workers(&self) -> i64 {
        self.role("Worker").and_then(|role| role.replicas()).unwrap_or(0)
    }

    pub(super) fn slots(&self) -> i64 {
        self.number("/spec/slotsPerWorker").unwrap_or(1)
    }

    /// Where the keys are mounted.
    pub(super) fn ssh_path(&self) -> &'a str {
        self.text("/spec/sshAuthMountPath").filter(|path| !path.is_empty()).unwrap_or("/root/.ssh")
    }

    /// The containers of all roles whose pods are made.
    pub(super) fn containers(&self) -> Vec<(Role<'a>, Container<'a>)> {
        let of = |role: Role<'a>| {
            let containers = role.containers();
            containers
                .into_iter()
                .map(move |c| (Role { name: role.name, at: role.at.clone(), spec: role.spec }, c))
                .collect::<Vec<_>>()
        };
        self.made().into_iter().flat_map(of).collect()
    }
}

impl<'a> Role<'a> {
    pub(super) fn replicas(&self) -> Option<i64> {
        self.spec["replicas"].as_i64()
    }

    pub(super) fn is_launcher(&self) -> bool {
        self.name == "Launcher"
    }

    /// The pod spec.
    pub(super) fn pod(&self) -> &'a Value {
        &self.spec["template"]["spec"]
    }

    /// Pointer of something in the pod spec.
    pub(super) fn pod_at(&self, rest: &str) -> String {
        format!("{}/template/spec{rest}", self.at)
    }

    pub(super) fn containers(&self) -> Vec<Container<'a>> {
        let list = |field: &'static str, init: bool| {
            let items = self.pod()[field].as_array().into_iter().flatten().enumerate();
            let at = self.pod_at(&format!("/{field}"));
            items.map(move |(i, value)| Container { at: format!("{at}/{i}"), value, main: !init && i == 0, init })
        };
        list("containers", false).chain(list("initContainers", true)).collect()
    }

    pub(super) fn main(&self) -> Option<Container<'a>> {
        self.containers().into_iter().find(|container| container.main)
    }

    /// Volumes by name: what they are.
    pub(super) fn volumes(&self) -> impl Iterator<Item = (usize, &'a str, &'a Value)> {
        let list = self.pod()["volumes"].as_array().into_iter().flatten().enumerate();
        list.map(|(i, volume)| (i, volume["name"].as_str().unwrap_or_default(), volume))
    }

    /// Accelerators of a replica: those of its containers, and their resource.
    pub(super) fn gpus(&self) -> (i64, Option<&'a str>) {
        self.containers().iter().filter(|c| !c.init).fold((0, None), |(sum, name), container| {
            let (count, resource) = container.gpus();
            (sum + count, name.or(resource))
        })
    }
}

impl<'a> Container<'a> {
    pub(super) fn name(&self) -> &'a str {
        self.value["name"].as_str().unwrap_or_default()
    }

    /// `limits` or `requests` by resource.
    pub(super) fn amounts(&self, which: &str) -> impl Iterator<Item = (&'a str, String)> {
        let map = self.value["resources"][which].as_object().into_iter().flatten();
        map.map(|(name, amount)| (name.as_str(), written(amount)))
    }

    pub(super) fn amount(&self, which: &str, resource: &str) -> Option<String> {
        self.amounts(which).find(|(name, _)| *name == resource).map(|(_, amount)| amount)
    }

    /// Accelerators, and their resource.
    pub(super) fn gpus(&self) -> (i64, Option<&'a str>) {
        let mut all = self.amounts("limits").chain(self.amounts("requests"));
        let found = all.find(|(name, _)| is_accelerator(name));
        found.map_or((0, None), |(name, amount)| (parse_count(&amount).map_or(0, i64::from), Some(name)))
    }

    /// The words of command and args.
    pub(super) fn words(&self) -> Vec<&'a str> {
        let of = |field: &str| self.value[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        of("command").chain(of("args")).collect()
    }

    pub(super) fn mounts(&self) -> impl Iterator<Item = (usize, &'a Value)> {
        self.value["volumeMounts"].as_array().into_iter().flatten().enumerate()
    }
}

/// An amount as it is written.
pub(super) fn written(amount: &Value) -> String {
    amount.as_str().map_or_else(|| amount.to_string(), str::to_owned)
}
