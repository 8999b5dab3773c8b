//! A change as data: what is done to which object, through which context.
//!
//! Owns the words for it. Must not know how it is sent.

use std::{fmt, path::PathBuf, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::jobs::{
    fleet::JobKey,
    kind::Kind,
    text::{Clean, Name, Sym, Uid},
};

/// Which object.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Subject {
    /// API group, empty for core.
    pub group: Sym,
    /// API version.
    pub version: Sym,
    /// Kind.
    pub kind: Sym,
    /// Namespace.
    pub namespace: Name,
    /// Name.
    pub name: Name,
    /// Uid; `None` before it is made.
    pub uid: Option<Uid>,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The context that leads to the cluster.
    pub context: Clean,
    /// Which object.
    pub subject: Subject,
    /// What is done to it.
    pub what: What,
}

/// What is done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum What {
    /// Makes it.
    Create {
        /// The object. Creator and client id are added when it is sent.
        manifest: Arc<Value>,
        /// Tells our own object from a namesake when an answer got lost: the same for every attempt to send the same
        /// draft, and no other's.
        client: String,
    },
    /// Deletes it.
    Delete {
        /// What becomes of what it owns.
        propagation: Propagation,
        /// Seconds that its pods get to end at most; their own wish if `None`.
        grace: Option<u32>,
    },
    /// Deletes it and makes it again from the same manifest, which is on disk before anything is deleted.
    Restart,
    /// Stops it and gives back what it holds.
    Suspend(Through),
    /// Lets it go on.
    Resume(Through),
    /// Runs it with so many replicas of a role.
    Scale {
        /// The role as its spec spells it.
        role: Sym,
        /// How many.
        replicas: u32,
    },
    /// Sets a label, or takes it away.
    Label {
        /// Its key.
        key: String,
        /// Its value.
        value: Option<String>,
    },
    /// Puts it into another queue.
    Queue(String),
    /// Gives it another workload priority class.
    Priority(String),
    /// Changes fields.
    Patch {
        /// A JSON merge patch.
        patch: Arc<Value>,
        /// What it replaces, as a person saw it: changed only if it is still so. `null`: not there.
        #[serde(default)]
        was: Option<Arc<Value>>,
    },
    /// Lets a person use a program in a container of it.
    Shell {
        /// The container.
        container: Option<Sym>,
        /// Program and arguments.
        argv: Vec<String>,
        /// Whether what it showed stays until a key is pressed.
        stays: bool,
    },
    /// Leads a port of this machine to one of its own.
    Forward {
        /// Its port.
        port: u16,
        /// The one of this machine; 0 is any that is free.
        local: u16,
    },
    /// Copies a file or directory out of a container of it.
    CopyOut {
        /// The container.
        container: Option<Sym>,
        /// What is copied.
        path: String,
        /// The directory of this machine that it is put into.
        into: PathBuf,
    },
    /// Copies a file or directory of this machine into a container of it.
    CopyIn {
        /// The container.
        container: Option<Sym>,
        /// What is copied.
        from: PathBuf,
        /// The directory that it is put into.
        into: String,
    },
    /// Runs a program in replicas of it for what it prints, which is measured values.
    Measure {
        /// Program and arguments.
        argv: Vec<String>,
        /// The pods, each with its container.
        pods: Vec<(Name, Option<Sym>)>,
        /// Again and again, with so many seconds between, until it is stopped.
        every: Option<u32>,
    },
    /// Runs a program of the user's own that says of itself that it makes changes.
    Command {
        /// What it is called.
        name: String,
        /// Program and arguments.
        argv: Vec<String>,
        /// Whether what it showed stays until a key is pressed.
        stays: bool,
    },
    /// Deletes pods of a job that has ended and still holds accelerators.
    FreeGpus {
        /// Those pods.
        pods: Vec<PodRef>,
    },
}

/// A pod by its identity; its namespace is the job's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PodRef {
    /// Name.
    pub name: Name,
    /// Uid.
    pub uid: Uid,
}

/// What becomes of what a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Propagation {
    /// It goes afterwards.
    #[default]
    Background,
    /// It goes before.
    Foreground,
    /// It stays.
    Orphan,
}

impl Propagation {
    /// All, the default first.
    pub const ALL: [Self; 3] = [Self::Background, Self::Foreground, Self::Orphan];

    /// As the API spells it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Background => "Background",
            Self::Foreground => "Foreground",
            Self::Orphan => "Orphan",
        }
    }
}

/// Which switch suspends a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Through {
    /// Its own: `spec.runPolicy.suspend`, or `spec.suspend` of a TrainJob.
    Job,
    /// `spec.active` of its Kueue Workload: Kueue would start a job again that is suspended otherwise.
    Workload(Name, Uid),
}

impl Subject {
    /// A job.
    pub fn job(key: &JobKey) -> Self {
        let info = key.kind.info();
        Self {
            group: Sym::new(info.group),
            version: Sym::new(info.version),
            kind: Sym::new(info.kind),
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            uid: Some(key.uid.clone()),
        }
    }

    /// A pod.
    pub fn pod(namespace: &Name, name: &Name, uid: &Uid) -> Self {
        Self {
            group: Sym::default(),
            version: Sym::new("v1"),
            kind: Sym::new("Pod"),
            namespace: namespace.clone(),
            name: name.clone(),
            uid: Some(uid.clone()),
        }
    }

    /// What a manifest makes, in its own namespace or this one.
    pub fn of_manifest(manifest: &Value, namespace: &Name) -> Option<Self> {
        let text = |at: &str| manifest.pointer(at).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (group, version) = text("/apiVersion").map(|v| v.split_once('/').unwrap_or(("", v)))?;
        Some(Self {
            group: Sym::new(group),
            version: Sym::new(version),
            kind: Sym::new(text("/kind")?),
            namespace: text("/metadata/namespace").map_or_else(|| Some(namespace.clone()), Name::new)?,
            name: Name::new(text("/metadata/name")?)?,
            uid: None,
        })
    }

    /// `kubeflow.org/v2beta1`, `v1`.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The kind of job it is, if it is one.
    pub fn job_kind(&self) -> Option<Kind> {
        Kind::of(&self.api_version(), self.kind.as_str())
    }

    /// The job's key, once it is there.
    pub fn job_key(&self) -> Option<JobKey> {
        let (namespace, name) = (self.namespace.clone(), self.name.clone());
        Some(JobKey { namespace, name, kind: self.job_kind()?, uid: self.uid.clone()? })
    }
}

/// `MPIJob vision/train`.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind, self.namespace, self.name)
    }
}

impl What {
    /// Whether it goes on until a person ends it.
    pub const fn is_visit(&self) -> bool {
        matches!(
            self,
            Self::Shell { .. } | Self::Forward { .. } | Self::Command { .. } | Self::Measure { every: Some(_), .. }
        )
    }

    /// One word, for the change log.
    pub const fn verb(&self) -> &'static str {
        match self {
            Self::Create { .. } => "create",
            Self::Delete { .. } => "delete",
            Self::Restart => "restart",
            Self::Suspend(_) => "suspend",
            Self::Resume(_) => "resume",
            Self::Scale { .. } => "scale",
            Self::Label { .. } => "label",
            Self::Queue(_) => "queue",
            Self::Priority(_) => "priority",
            Self::Patch { .. } => "edit",
            Self::FreeGpus { .. } => "free",
            Self::Shell { .. } => "shell",
            Self::Forward { .. } => "forward",
            Self::CopyOut { .. } => "copy-out",
            Self::CopyIn { .. } => "copy-in",
            Self::Measure { .. } => "measure",
            Self::Command { .. } => "command",
        }
    }

    /// What it is when it was done: «Deleted …».
    pub const fn past(&self) -> &'static str {
        match self {
            Self::Create { .. } => "Created",
            Self::Delete { .. } => "Deleted",
            Self::Restart => "Restarted",
            Self::Suspend(_) => "Suspended",
            Self::Resume(_) => "Resumed",
            Self::Scale { .. } => "Scaled",
            Self::Label { .. } => "Labelled",
            Self::Queue(_) => "Moved to another queue:",
            Self::Priority(_) => "Gave another priority to",
            Self::Patch { .. } => "Changed",
            Self::FreeGpus { .. } => "Freed the GPUs of",
            Self::Shell { .. } => "Left",
            Self::Forward { .. } => "Forwarded a port of",
            Self::CopyOut { .. } => "Copied out of",
            Self::CopyIn { .. } => "Copied into",
            Self::Measure { .. } => "Measured the GPUs of",
            Self::Command { .. } => "Ran a command of yours for",
        }
    }
}

/// As it completes «can't …»: `scale MPIJob vision/train to 4 Worker`.
impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, what, .. } = self;
        match what {
            What::Scale { role, replicas } => write!(f, "scale {subject} to {replicas} {role}"),
            What::Label { key, value: Some(value) } => write!(f, "label {subject} with {key}={value}"),
            What::Label { key, value: None } => write!(f, "take label {key} from {subject}"),
            What::Queue(queue) => write!(f, "move {subject} to queue {queue}"),
            What::Priority(class) => write!(f, "give {subject} the priority {class}"),
            What::FreeGpus { pods } => write!(f, "delete {} pods of {subject}", pods.len()),
            What::Delete { propagation: Propagation::Orphan, .. } => {
                write!(f, "delete {subject} and leave what it owns")
            }
            What::Delete { grace: Some(grace), .. } => write!(f, "delete {subject}, its pods within {grace}s"),
            What::Shell { argv, .. } => write!(f, "run {} in {subject}", argv.join(" ")),
            What::Forward { port, .. } => write!(f, "lead a port to port {port} of {subject}"),
            What::CopyOut { path, .. } => write!(f, "copy {path} out of {subject}"),
            What::CopyIn { from, into, .. } => write!(f, "copy {} to {into} of {subject}", from.display()),
            What::Measure { argv, pods, every } => {
                let program = argv.first().map(String::as_str).unwrap_or_default();
                let again = every.map_or_else(String::new, |seconds| format!(" every {seconds} s"));
                write!(f, "run {program}{again} in {} pods of {subject}", pods.len())
            }
            What::Command { name, argv, .. } => write!(f, "run {name} ({}) for {subject}", argv.join(" ")),
            _ => write!(f, "{} {subject}", what.verb()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_manifest_names_its_object_and_a_change_comes_back_from_disk() {
        let manifest = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": "a"}});
        let subject = Subject::of_manifest(&manifest, &Name::lossy("vision")).expect("a subject");
        assert_eq!((subject.to_string(), subject.job_kind()), ("MPIJob vision/a".into(), Some(Kind::MpiJob)));
        assert_eq!(Subject::of_manifest(&json!({"kind": "Pod", "metadata": {}}), &Name::lossy("v")), None);
        let what = What::Create { manifest: Arc::new(manifest), client: "x".into() };
        let change = Change { context: Clean::new("prod"), subject, what };
        let text = serde_json::to_string(&change).expect("written");
        assert_eq!(serde_json::from_str::<Change>(&text).expect("read"), change);
    }
}
