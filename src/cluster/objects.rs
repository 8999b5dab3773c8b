//! Single objects, and what a job owns.
//!
//! Objects are handed on as JSON for whoever shows them; nothing is kept. Of Secrets only metadata is ever asked for.

use std::sync::Arc;

use futures::future::join_all;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    discovery::Offer,
    mailbox::Mailbox,
    paths::{self, Resource},
    problem::{Problem, ProblemKind},
    session::{JSON, Session},
    watch::{EventFilter, Watches},
};
use crate::jobs::{
    fleet::JobKey,
    kind::Kind,
    schema::{Served, document_of},
    text::{Clean, Name, Sym, Uid},
    time::Secs,
};

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectRef {
    /// API group, empty for core.
    pub group: Sym,
    /// Kind.
    pub kind: Sym,
    /// Namespace, unless it has none.
    pub namespace: Option<Name>,
    /// Name.
    pub name: Name,
}

/// One object that a job owns, directly or through another.
#[derive(Clone, Debug, PartialEq)]
pub struct OwnedObject {
    /// API group, empty for core.
    pub group: Sym,
    /// Kind.
    pub kind: Sym,
    /// Name.
    pub name: Name,
    /// Uid.
    pub uid: Uid,
    /// Uid of what owns it.
    pub owner: Uid,
    /// When it was made.
    pub created: Secs,
    /// The object; of a Secret its metadata.
    pub object: Arc<Value>,
}

/// The tree of what a job owns, parents before children.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Owned {
    /// What was found.
    pub objects: Vec<OwnedObject>,
    /// What could not be read, each with why.
    pub unread: Vec<Unread>,
}

/// A kind of part that could not be read.
#[derive(Clone, Debug, PartialEq)]
pub struct Unread {
    /// The kind: `Secret`.
    pub kind: Sym,
    /// The right it takes: `get secrets in namespace vision`.
    pub ask: Clean,
    /// Why not.
    pub problem: Problem,
}

const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const METADATA_LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// An object as it is stored. A Secret comes as metadata.
pub async fn get(session: &Session, offer: &Offer, what: &ObjectRef) -> Result<Value, Problem> {
    let doing = format!("read {} {}", what.kind, what.name);
    let found = offer.resource(what.group.as_str(), what.kind.as_str());
    let (resource, namespaced) = found.ok_or_else(|| {
        let why = format!("this cluster serves no {}", what.kind);
        Problem::new(ProblemKind::NotFound, &format!("can't {doing}"), &why, "It may have been uninstalled.")
    })?;
    let namespace = what.namespace.as_ref().filter(|_| namespaced);
    read(session, &resource.one(namespace, what.name.as_str()), accept(&resource, METADATA), &doing).await
}

/// The job itself.
pub async fn get_job(session: &Session, job: &JobKey) -> Result<Value, Problem> {
    let info = job.kind.info();
    let resource = Resource::new(info.group, info.version, info.plural);
    let doing = format!("read {} {}", info.kind, job.name);
    read(session, &resource.one(Some(&job.namespace), job.name.as_str()), JSON, &doing).await
}

async fn read(session: &Session, path: &str, accept: &str, doing: &str) -> Result<Value, Problem> {
    let body = session.get(path, accept, doing).await?;
    serde_json::from_slice(&body).map_err(|_| Problem::unexpected(doing, "the answer is not JSON"))
}

/// Metadata for Secrets, whole objects for all else. There is no fall-back: better no Secret than its content.
fn accept(resource: &Resource, metadata: &'static str) -> &'static str {
    if resource.plural == "secrets" { metadata } else { JSON }
}

/// The schema of a kind of job as the cluster serves it; `None` where it can't be had: it only helps to write.
pub async fn schema(session: &Session, kind: Kind) -> Option<Served> {
    let body = session.get(&document_of(kind), JSON, "read the schema").await.ok()?;
    tokio::task::spawn_blocking(move || Served::read(kind, &body)).await.ok()?
}

/// How a part of a job is found.
enum By {
    /// By this name.
    Name(String),
    /// By this label selector.
    Label(String),
}

struct Part {
    resource: Resource,
    kind: &'static str,
    by: By,
}

impl Part {
    /// The right that reading it takes.
    fn ask(&self, job: &JobKey) -> Clean {
        let verb = if matches!(self.by, By::Name(_)) { "get" } else { "list" };
        Clean::new(&format!("{verb} {} in namespace {}", self.resource.title(), job.namespace))
    }
}

/// Where the parts of a job are, for its kind.
fn parts(offer: &Offer, job: &JobKey) -> Vec<Part> {
    let name = job.name.as_str();
    let mut all = Vec::new();
    let mut add = |resource: Resource, kind, by| all.push(Part { resource, kind, by });
    let batch = || Resource::new("batch", "v1", "jobs");
    if job.kind == Kind::TrainJob {
        let jobset = format!("jobset.sigs.k8s.io/jobset-name={name}");
        if let Some(version) = &offer.jobsets {
            add(Resource::new("jobset.x-k8s.io", version.as_str(), "jobsets"), "JobSet", By::Name(name.to_owned()));
        }
        add(batch(), "Job", By::Label(jobset.clone()));
        add(Resource::core("pods"), "Pod", By::Label(jobset));
        add(Resource::core("services"), "Service", By::Name(name.to_owned()));
        add(Resource::core("configmaps"), "ConfigMap", By::Name(format!("{name}-mpi-hostfile")));
        add(Resource::core("secrets"), "Secret", By::Name(format!("{name}-mpi-ssh-auth")));
    } else {
        let label = format!("training.kubeflow.org/job-name={name}");
        if job.kind == Kind::MpiJob {
            add(batch(), "Job", By::Name(format!("{name}-launcher")));
            add(Resource::core("services"), "Service", By::Name(name.to_owned()));
            add(Resource::core("secrets"), "Secret", By::Name(format!("{name}-ssh")));
        } else {
            add(Resource::core("services"), "Service", By::Label(label.clone()));
        }
        if matches!(job.kind, Kind::MpiJob | Kind::MpiJobV1) {
            add(Resource::core("configmaps"), "ConfigMap", By::Name(format!("{name}-config")));
        }
        add(Resource::core("pods"), "Pod", By::Label(label));
    }
    for (group, version) in &offer.pod_groups {
        add(Resource::new(group.as_str(), version.as_str(), "podgroups"), "PodGroup", By::Name(name.to_owned()));
    }
    if let Some(version) = &offer.kueue {
        let label = format!("kueue.x-k8s.io/job-uid={}", job.uid);
        add(Resource::new("kueue.x-k8s.io", version.as_str(), "workloads"), "Workload", By::Label(label));
    }
    all
}

/// Everything that the job owns and the user may read. What is missing is missing; what is refused is told.
pub async fn owned(session: &Session, offer: &Offer, job: &JobKey) -> Owned {
    left_of(session, offer, job, &[]).await
}

/// The same of a job that is going: also what parts that are `gone` have left behind.
pub async fn left_of(session: &Session, offer: &Offer, job: &JobKey, gone: &[Uid]) -> Owned {
    let parts = parts(offer, job);
    let reads = parts.iter().map(|part| part_of(session, job, part));
    let mut found = Vec::new();
    let mut owned = Owned::default();
    for (part, result) in parts.iter().zip(join_all(reads).await) {
        match result {
            Ok(objects) => found.extend(objects),
            Err(problem) if problem.kind == ProblemKind::NotFound => {}
            Err(problem) => owned.unread.push(Unread { kind: Sym::new(part.kind), ask: part.ask(job), problem }),
        }
    }
    owned.objects = tree(std::iter::once(&job.uid).chain(gone), found);
    owned
}

async fn part_of(session: &Session, job: &JobKey, part: &Part) -> Result<Vec<OwnedObject>, Problem> {
    let namespace = Some(&job.namespace);
    let doing = format!("read the {} of {}", part.kind, job.name);
    let values = match &part.by {
        By::Name(name) => {
            let path = part.resource.one(namespace, name);
            vec![read(session, &path, accept(&part.resource, METADATA), &doing).await?]
        }
        By::Label(label) => {
            let path = format!("{}{}", part.resource.all(namespace), paths::query(&[("labelSelector", label)]));
            match read(session, &path, accept(&part.resource, METADATA_LIST), &doing)
                .await?
                .get_mut("items")
                .map(Value::take)
            {
                Some(Value::Array(items)) => items,
                _ => Vec::new(),
            }
        }
    };
    Ok(values.into_iter().filter_map(|value| owned_object(part, value)).collect())
}

/// `None` for an object that nothing owns.
fn owned_object(part: &Part, value: Value) -> Option<OwnedObject> {
    let meta = value.get("metadata")?;
    let text = |key: &str| meta.get(key).and_then(Value::as_str);
    let owners = meta.get("ownerReferences")?.as_array()?;
    let controls = |o: &&Value| o.get("controller").and_then(Value::as_bool) == Some(true);
    let owner = owners.iter().find(controls).or_else(|| owners.first())?.get("uid")?.as_str()?;
    Some(OwnedObject {
        group: Sym::new(&part.resource.group),
        kind: Sym::new(part.kind),
        name: Name::new(text("name")?)?,
        uid: Uid::new(text("uid")?),
        owner: Uid::new(owner),
        created: text("creationTimestamp").and_then(Secs::parse).unwrap_or_default(),
        object: Arc::new(value),
    })
}

/// Keeps what descends from `roots`, parents first: a namesake's objects are not the job's.
fn tree<'a>(roots: impl Iterator<Item = &'a Uid>, mut found: Vec<OwnedObject>) -> Vec<OwnedObject> {
    let (mut out, mut parents): (Vec<_>, Vec<_>) = (Vec::new(), roots.cloned().collect());
    while !found.is_empty() {
        let (children, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|o| parents.contains(&o.owner));
        if children.is_empty() {
            break;
        }
        parents.extend(children.iter().map(|o| o.uid.clone()));
        out.extend(children);
        found = rest;
    }
    out
}

/// Keeps `mailbox` filled with all events, Normal ones too, that may be about the job or what it owns: by name, so that
/// those of a pod that nobody has seen yet are not missed. Whoever shows them looks at the uids.
pub fn events_about(session: &Session, job: &JobKey, mailbox: &Mailbox, cancel: &CancellationToken) -> Watches {
    let (name, prefix) = (job.name.clone(), format!("{}-", job.name));
    let workload = format!("{}-{}-", job.kind.info().kind.to_ascii_lowercase(), job.name);
    let filter: EventFilter = Arc::new(move |event| {
        let about = event.about_name.as_str();
        about == name.as_str() || about.starts_with(&prefix) || about.starts_with(&workload)
    });
    Watches::of_events(session, &job.namespace, filter, mailbox, cancel)
}

/// The hostfile of a job's ConfigMap, line by line.
pub fn hostfile(config_map: &Value) -> Vec<Clean> {
    let text = config_map.pointer("/data/hostfile").and_then(Value::as_str).unwrap_or_default();
    text.lines().filter(|l| !l.trim().is_empty()).map(Clean::new).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;

    use super::*;
    use crate::cluster::testing;

    fn job() -> JobKey {
        let name = |n| Name::new(n).expect("a name");
        JobKey { namespace: name("team-a"), name: name("train"), kind: Kind::MpiJob, uid: Uid::new("j1") }
    }

    fn object(name: &str, uid: &str, owner: &str) -> Value {
        json!({"metadata": {"name": name, "uid": uid, "ownerReferences": [{"uid": owner, "controller": true}]}})
    }

    #[tokio::test]
    async fn the_tree_holds_what_descends_from_the_job() {
        let accepts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&accepts);
        let session = testing::session(move |request| {
            let path = request.uri().path().to_owned();
            if path.contains("/secrets/") {
                let accept = request.headers()["accept"].to_str().unwrap_or_default().to_owned();
                seen.lock().expect("not poisoned").push(accept);
            }
            match path.rsplit('/').next().unwrap_or_default() {
                "train-launcher" => testing::answer(200, &object("train-launcher", "l1", "j1")),
                "train-ssh" => testing::answer(200, &object("train-ssh", "s1", "j1")),
                "train-config" => testing::status(403, "no"),
                "pods" => testing::answer(
                    200,
                    &json!({"items": [object("train-launcher-x", "p1", "l1"), object("train-worker-0", "p2", "j1"), object("old", "p3", "j0")]}),
                ),
                _ => testing::status(404, "not found"),
            }
        })
        .await;
        let owned = owned(&session, &Offer::of(&[Kind::MpiJob]), &job()).await;
        let names: Vec<_> = owned.objects.iter().map(|o| (o.kind.as_str(), o.name.as_str())).collect();
        assert_eq!(
            names,
            [
                ("Job", "train-launcher"),
                ("Secret", "train-ssh"),
                ("Pod", "train-worker-0"),
                ("Pod", "train-launcher-x")
            ]
        );
        let unread: Vec<_> = owned.unread.iter().map(|u| (u.kind.as_str(), u.ask.as_str(), u.problem.kind)).collect();
        assert_eq!(unread, [("ConfigMap", "get configmaps in namespace team-a", ProblemKind::Forbidden)]);
        assert_eq!(accepts.lock().expect("not poisoned").as_slice(), [METADATA]);
    }

    #[test]
    fn a_hostfile_is_shown_line_by_line() {
        let map = json!({"data": {"hostfile": "a slots=1\n\nb slots=2\n"}});
        assert_eq!(hostfile(&map), [Clean::new("a slots=1"), Clean::new("b slots=2")]);
        assert!(hostfile(&json!({})).is_empty());
    }
}
