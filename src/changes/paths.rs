//! Where an object is in the API.

use super::change::Subject;
use crate::{
    cluster::{Problem, ProblemKind, discovery::Offer, paths::Resource},
    jobs::Name,
};

/// The resource of a subject: of a job by the kinds that we know, of others by what is served.
pub(super) fn resource(offer: &Offer, subject: &Subject, doing: &str) -> Result<(Resource, Option<Name>), Problem> {
    if let Some(kind) = subject.job_kind() {
        let info = kind.info();
        return Ok((Resource::new(info.group, info.version, info.plural), Some(subject.namespace.clone())));
    }
    let found = offer.resource(subject.group.as_str(), subject.kind.as_str()).ok_or_else(|| {
        let why = format!("this cluster serves no {}", subject.kind);
        Problem::new(ProblemKind::NotFound, &format!("can't {doing}"), &why, "`:health` shows what is served.")
    })?;
    let namespace = found.1.then(|| subject.namespace.clone());
    Ok((found.0, namespace))
}

/// The path of the object itself.
pub(super) fn one(offer: &Offer, subject: &Subject, doing: &str) -> Result<String, Problem> {
    let (resource, namespace) = resource(offer, subject, doing)?;
    Ok(resource.one(namespace.as_ref(), subject.name.as_str()))
}

/// The path of a job's Workload.
pub(super) fn workload(offer: &Offer, namespace: &Name, name: &Name, doing: &str) -> Result<String, Problem> {
    let version = offer.kueue.as_ref().ok_or_else(|| {
        let why = "this cluster does not serve Kueue's Workloads any more";
        Problem::new(ProblemKind::NotFound, &format!("can't {doing}"), why, "`:health` shows what is served.")
    })?;
    Ok(Resource::new("kueue.x-k8s.io", version.as_str(), "workloads").one(Some(namespace), name.as_str()))
}
