//! What stands between a job's replicas that don't reach each other: its manifest and the namespace's network policies.
//!
//! Owns the reading of the two; what they mean is `jobs::reach`'s.

use serde_json::Value;

use super::{paths::Resource, problem::Problem, session::Session};
use crate::jobs::{
    fleet::JobKey,
    reach::{self, Reach},
};

const DOING: &str = "read network policies";

/// What policies leave between the replicas of this job.
pub async fn reach(session: &Session, key: &JobKey) -> Reach {
    match read(session, key).await {
        Ok(reach) => reach,
        Err(problem) => Reach::Unread(if problem.why.is_empty() { problem.what } else { problem.why }),
    }
}

async fn read(session: &Session, key: &JobKey) -> Result<Reach, Problem> {
    let (info, namespace) = (key.kind.info(), Some(&key.namespace));
    let policies = Resource::new("networking.k8s.io", "v1", "networkpolicies").all(namespace);
    let job = Resource::new(info.group, info.version, info.plural).one(namespace, key.name.as_str());
    let (policies, job) = tokio::join!(session.get_json(&policies, DOING), session.get_json(&job, DOING));
    let (policies, job): (Value, Value) = (policies?, job?);
    let none = Vec::new();
    let barriers = reach::barriers(key.kind, &job, policies["items"].as_array().unwrap_or(&none));
    Ok(if barriers.is_empty() { Reach::Open } else { Reach::Barred(barriers) })
}
