//! What a cluster says to a job that is not sent yet: rights, name, quotas, objects that must be there, nodes, and the
//! server's own checks with nothing kept (`dryRun=All`).
//!
//! Owns the asking; what follows from the answers is `jobs::checks::cluster`'s. It only reads, reviews and dry-runs. Of
//! Secrets it asks for metadata, by name.

use futures::{StreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};

use super::{
    access::{Ask, Verdict, review},
    discovery::Offer,
    order::Order,
    paths::Resource,
    problem::{Problem, ProblemKind},
    session::{JSON, Session},
};
use crate::jobs::{
    checks::cluster::{Answer, Fact, Part, references, runtime_kind, templates},
    fleet::JobKey,
    kind::Kind,
    manifest::text::{Document, ParseError},
    text::{Clean, Name},
};

/// Questions that are asked at once.
const AT_ONCE: usize = 8;
/// Nodes that are looked at; a cluster with more is left to its scheduler.
const MOST_NODES: usize = 500;
const METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
const DOING: &str = "check the manifest";

/// A job that is not sent yet.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// Its kind.
    pub kind: Kind,
    /// Where it would be made.
    pub namespace: Name,
    /// Its manifest.
    pub job: Value,
    /// What a `TrainJob` builds on, once it was read.
    pub runtime: Option<Value>,
}

impl Candidate {
    /// The jobs of a text, those that name no namespace in this one.
    pub fn all(text: &str, namespace: &Name) -> Result<Vec<Self>, ParseError> {
        let candidate = |document: &Document| {
            let job = document.value();
            let word = |at: &str| job.pointer(at).and_then(Value::as_str).unwrap_or_default();
            let kind = Kind::of(word("/apiVersion"), word("/kind"))?;
            let namespace = Name::new(word("/metadata/namespace")).unwrap_or_else(|| namespace.clone());
            Some(Self { kind, namespace, job, runtime: None })
        };
        Ok(Document::all(text)?.iter().filter_map(candidate).collect())
    }

    /// The question for what a `TrainJob` builds on, whose pods are that object's.
    pub fn builds_on(&self) -> Option<Part> {
        let kind = runtime_kind(&self.job);
        let named = references(self.kind, &self.job).into_iter().find(|known| known.kind == kind);
        named.map(|runtime| Part::Object(runtime.kind, runtime.name))
    }

    /// With the answer to that. Where there is none, no pod is asked about.
    #[must_use]
    pub fn on(mut self, answer: Option<&Answer>) -> Self {
        self.runtime = match answer {
            Some(Answer::Objects(found)) => found.first().cloned(),
            _ => None,
        };
        self
    }

    /// With what it builds on, once that was read.
    #[must_use]
    pub async fn with_runtime(self, session: &Session, offer: &Offer) -> Self {
        let Some(part) = self.builds_on() else { return self };
        let answer = ask(session, offer, &self, &part).await.ok();
        self.on(answer.as_ref())
    }

    /// The questions that it raises on a cluster that offers this.
    pub fn parts(&self, offer: &Offer) -> Vec<Part> {
        let mut parts =
            vec![Part::Right, Part::Name, Part::Quotas, Part::LimitRanges, Part::Policies, Part::Nodes, Part::DryJob];
        parts.extend(offer.shared_quotas.then_some(Part::SharedQuotas));
        parts.extend(references(self.kind, &self.job).into_iter().map(|r| Part::Object(r.kind, r.name)));
        parts.extend(self.roles().into_iter().map(|(role, _)| Part::DryPod(role)));
        parts
    }

    /// Roles with their pod templates.
    fn roles(&self) -> Vec<(String, Value)> {
        if let Some(runtime) = &self.runtime {
            return templates(&self.job, runtime);
        }
        let info = self.kind.info();
        let specs = self.job["spec"][info.replica_specs].as_object().into_iter().flatten();
        let known =
            specs.filter(|(role, spec)| info.roles.contains(&role.as_str()) && spec["template"]["spec"].is_object());
        known.map(|(role, spec)| (role.clone(), spec["template"].clone())).collect()
    }

    fn name(&self) -> &str {
        self.job["metadata"]["name"].as_str().unwrap_or_default()
    }

    fn resource(&self) -> Resource {
        let info = self.kind.info();
        Resource::new(info.group, info.version, info.plural)
    }
}

/// Asks these questions, and tells each answer as it comes. Drop it to stop asking.
pub async fn preflight(
    session: &Session,
    offer: &Offer,
    candidate: &Candidate,
    parts: Vec<Part>,
    mut tell: impl FnMut(Part, Fact),
) {
    let asked = parts.into_iter().map(|part| async move {
        let answer = ask(session, offer, candidate, &part).await;
        (part, answer)
    });
    let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
    while let Some((part, answer)) = answers.next().await {
        tell(part, answer);
    }
}

/// Quotas that a namespace shares with others (OpenShift), in the form of its own.
async fn shared_quotas(session: &Session, namespace: &Name) -> Fact {
    let shared = Resource::new("quota.openshift.io", "v1", "appliedclusterresourcequotas");
    Ok(match list(session, &shared.all(Some(namespace))).await? {
        Answer::Objects(shared) => Answer::Objects(shared.iter().map(as_own).collect()),
        other => other,
    })
}

/// A shared quota as one of a namespace: its limits, and what all its namespaces use of them.
fn as_own(shared: &Value) -> Value {
    json!({"metadata": shared["metadata"], "spec": shared["spec"]["quota"], "status": shared["status"]["total"]})
}

async fn ask(session: &Session, offer: &Offer, candidate: &Candidate, part: &Part) -> Fact {
    let namespace = &candidate.namespace;
    match part {
        Part::Right => right(session, candidate).await,
        // Without a name this would be the list of all; the checks of the text complain.
        Part::Name if candidate.name().is_empty() => Ok(Answer::Yes),
        Part::Name => {
            let path = candidate.resource().one(Some(namespace), candidate.name());
            let there = present(session.get(&path, METADATA, DOING).await.map(|_| ()))?;
            Ok(if there == Answer::Yes { Answer::No(Clean::new("it is there")) } else { Answer::Yes })
        }
        Part::Quotas => list(session, &Resource::core("resourcequotas").all(Some(namespace))).await,
        Part::SharedQuotas => shared_quotas(session, namespace).await,
        Part::LimitRanges => list(session, &Resource::core("limitranges").all(Some(namespace))).await,
        Part::Policies => {
            list(session, &Resource::new("networking.k8s.io", "v1", "networkpolicies").all(Some(namespace))).await
        }
        Part::Nodes => list(session, &format!("{}?limit={MOST_NODES}", Resource::core("nodes").all(None))).await,
        Part::Object(kind, name) => object(session, offer, candidate, kind, name).await,
        Part::DryJob => {
            let mut job = candidate.job.clone();
            job["metadata"]["namespace"] = json!(namespace.as_str());
            dry(session, &candidate.resource().all(Some(namespace)), &job).await
        }
        Part::DryPod(role) => {
            let Some((_, template)) = candidate.roles().into_iter().find(|(known, _)| known == role) else {
                return Err(Clean::new("the role is gone"));
            };
            dry(session, &Resource::core("pods").all(Some(namespace)), &pod(candidate, role, &template)).await
        }
    }
}

/// Whether an object that a job names is there; a runtime itself.
async fn object(session: &Session, offer: &Offer, candidate: &Candidate, kind: &str, name: &str) -> Fact {
    let Some((resource, namespaced)) = resource(offer, kind) else {
        return Err(Clean::new(&format!("this cluster serves no {kind}")));
    };
    let path = resource.one(Some(&candidate.namespace).filter(|_| namespaced), name);
    if kind == runtime_kind(&candidate.job) {
        return match session.get_json(&path, DOING).await {
            Ok(runtime) => Ok(Answer::Objects(vec![runtime])),
            Err(problem) => present(Err(problem)),
        };
    }
    present(session.get(&path, METADATA, DOING).await.map(|_| ()))
}

async fn right(session: &Session, candidate: &Candidate) -> Fact {
    let info = candidate.kind.info();
    let ask =
        Ask { verb: "create", group: info.group, resource: info.plural, namespace: Some(candidate.namespace.clone()) };
    match review(session, &[ask]).await.into_iter().next() {
        Some(Verdict::Allowed) => Ok(Answer::Yes),
        Some(Verdict::Denied(reason)) => {
            let (group, plural, namespace) = (info.group, info.plural, &candidate.namespace);
            let said = format!(
                "you can't create resource \"{plural}\" in API group \"{group}\" in the namespace \"{namespace}\""
            );
            let because = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            Ok(Answer::No(Clean::new(&format!("{said}{because}"))))
        }
        Some(Verdict::Unknown) | None => Err(Clean::new("the server does not tell")),
    }
}

/// Whether what was asked for is there.
fn present(answer: Result<(), Problem>) -> Fact {
    match answer {
        Ok(()) => Ok(Answer::Yes),
        Err(problem) if problem.kind == ProblemKind::NotFound => Ok(Answer::No(problem.why)),
        Err(problem) => Err(why(&problem)),
    }
}

fn why(problem: &Problem) -> Clean {
    if problem.why.is_empty() { problem.what.clone() } else { problem.why.clone() }
}

async fn list(session: &Session, path: &str) -> Fact {
    let body = session.get(path, JSON, DOING).await.map_err(|problem| why(&problem))?;
    let mut list: Value = serde_json::from_slice(&body).map_err(|_| Clean::new("the answer is no list"))?;
    if list["metadata"]["continue"].as_str().is_some_and(|more| !more.is_empty()) {
        return Err(Clean::new(&format!("there are more than {MOST_NODES}")));
    }
    let items = list["items"].take();
    Ok(Answer::Objects(items.as_array().cloned().unwrap_or_default()))
}

/// What the server says to a create that keeps nothing: the object as it would keep it. That the name is taken, or that pods are only the operator's to
/// make, is no fault of the object.
async fn dry(session: &Session, path: &str, object: &Value) -> Fact {
    let path = format!("{path}?dryRun=All&fieldValidation=Strict");
    match session.post_json(&path, object, DOING).await {
        Ok(object) => Ok(Answer::Objects(vec![object])),
        Err(problem) if problem.kind == ProblemKind::Conflict => Ok(Answer::Yes),
        Err(problem) if problem.why.as_str().contains("cannot create resource") => Err(problem.why),
        Err(problem)
            if matches!(problem.kind, ProblemKind::Forbidden | ProblemKind::Invalid) || problem.code() == Some(400) =>
        {
            Ok(Answer::No(why(&problem)))
        }
        Err(problem) => Err(why(&problem)),
    }
}

/// What the server says to a merge patch of a job that is there, without making it: its objections, each with the JSON
/// pointer of the field; or why it can't be asked.
pub async fn rehearse(session: &Session, key: &JobKey, patch: &Value) -> Result<Vec<(String, Clean)>, Clean> {
    let info = key.kind.info();
    let path = Resource::new(info.group, info.version, info.plural).one(Some(&key.namespace), key.name.as_str());
    let path = format!("{path}?dryRun=All&fieldValidation=Strict");
    let mut body = patch.clone();
    // Another job of this name is not the one that was edited.
    body["metadata"]["uid"] = json!(key.uid.to_string());
    let order = Order {
        method: Method::PATCH,
        path,
        content_type: "application/merge-patch+json",
        body,
        doing: "rehearse the edit",
    };
    match session.rehearse(&order).await {
        Ok(_) => Ok(Vec::new()),
        Err(problem)
            if matches!(problem.kind, ProblemKind::Forbidden | ProblemKind::Invalid | ProblemKind::Conflict) =>
        {
            Ok(objections(&problem))
        }
        Err(problem) => Err(why(&problem)),
    }
}

/// What a refusal says of each field, else as a whole.
fn objections(problem: &Problem) -> Vec<(String, Clean)> {
    let of_fields: Vec<_> =
        problem.causes().iter().map(|cause| (pointer(cause.field.as_str()), cause.message.clone())).collect();
    if of_fields.is_empty() { vec![(String::new(), why(problem))] } else { of_fields }
}

/// `spec.tolerations[0].key` as a JSON pointer.
fn pointer(field: &str) -> String {
    let mut out = String::new();
    // Within brackets is one key, whatever is in it.
    for (nth, piece) in field.split(['[', ']']).enumerate() {
        let keys: Vec<&str> = if nth % 2 == 0 { piece.split('.').collect() } else { vec![piece] };
        for key in keys.iter().map(|key| key.trim_matches(['"', '\''])).filter(|key| !key.is_empty()) {
            out.push('/');
            out.push_str(&key.replace('~', "~0").replace('/', "~1"));
        }
    }
    out
}

/// A pod as the operator would make it of a template, as far as a person can tell.
fn pod(candidate: &Candidate, role: &str, template: &Value) -> Value {
    let mut spec = template["spec"].clone();
    spec["restartPolicy"] = json!("Never");
    // The operator's own volumes are not there yet: mounts of them are taken out.
    let own = ["ssh-auth", "mpi-job-config"];
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        if let Some(mounts) = container.get_mut("volumeMounts").and_then(Value::as_array_mut) {
            mounts.retain(|mount| !own.iter().any(|name| mount["name"] == *name));
        }
    }
    let metadata = json!({
        "generateName": format!("{}-{}-", candidate.name(), role.to_lowercase()),
        "namespace": candidate.namespace.as_str(),
        "labels": template["metadata"]["labels"],
        "annotations": template["metadata"]["annotations"],
    });
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

fn resource(offer: &Offer, kind: &str) -> Option<(Resource, bool)> {
    Some(match kind {
        "PersistentVolumeClaim" => (Resource::core("persistentvolumeclaims"), true),
        "Secret" => (Resource::core("secrets"), true),
        "ConfigMap" => (Resource::core("configmaps"), true),
        "ServiceAccount" => (Resource::core("serviceaccounts"), true),
        "PriorityClass" => (Resource::new("scheduling.k8s.io", "v1", "priorityclasses"), false),
        "RuntimeClass" => (Resource::new("node.k8s.io", "v1", "runtimeclasses"), false),
        "LocalQueue" => return offer.resource("kueue.x-k8s.io", kind),
        _ => return offer.resource("trainer.kubeflow.org", kind),
    })
}

#[cfg(test)]
mod tests;
