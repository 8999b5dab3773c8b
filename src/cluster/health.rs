//! Whether the operators that make jobs run are there, ready, and of which version; where one may see that.

use serde::Deserialize;

use super::{
    discovery::Offer,
    paths::{self, Resource},
    problem::{Problem, ProblemKind as Kind},
    session::Session,
};
use crate::jobs::{
    kind::Kind as JobKind,
    text::{Clean, Name},
};

/// One operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// Its name, as people say it.
    pub name: &'static str,
    /// Whether its API is served.
    pub served: bool,
    /// Its Deployment.
    pub deployment: Deployment,
    /// From the tag of its image.
    pub version: Option<Clean>,
}

/// What is known of a Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deployment {
    /// Found: ready and wanted pods.
    Found {
        /// Ready pods.
        ready: u32,
        /// Wanted pods.
        wanted: u32,
    },
    /// There is none where such things are installed.
    Missing,
    /// It may not be read, or not now.
    Unknown(Clean),
}

/// Name, Deployment, and where it is installed unless someone chose otherwise.
const KNOWN: [(&str, &str, &[&str]); 5] = [
    ("mpi-operator", "mpi-operator", &["mpi-operator", "kubeflow"]),
    ("training-operator", "training-operator", &["kubeflow"]),
    ("trainer", "kubeflow-trainer-controller-manager", &["kubeflow-system", "opendatahub", "redhat-ods-applications"]),
    ("jobset", "jobset-controller-manager", &["jobset-system"]),
    ("kueue", "kueue-controller-manager", &["kueue-system"]),
];

#[derive(Deserialize)]
struct List {
    items: Option<Vec<Found>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Found {
    spec: Spec,
    status: Status,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Spec {
    replicas: Option<u32>,
    template: Template,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Template {
    spec: PodSpec,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct PodSpec {
    containers: Vec<Container>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Container {
    name: String,
    image: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    ready_replicas: Option<u32>,
}

/// All known operators that are served or found.
pub async fn health(session: &Session, offer: &Offer) -> Vec<Component> {
    let mut out = Vec::new();
    for (name, deployment, places) in KNOWN {
        let served = is_served(name, offer);
        let found = find(session, deployment, places).await;
        if !served && !matches!(found, Ok(Some(_))) {
            continue;
        }
        out.push(component(name, served, found));
    }
    out
}

fn is_served(name: &str, offer: &Offer) -> bool {
    match name {
        "mpi-operator" => offer.kinds.contains(&JobKind::MpiJob),
        "training-operator" => offer.kinds.iter().any(|k| k.is_v1()),
        "trainer" => offer.kinds.contains(&JobKind::TrainJob),
        "jobset" => offer.jobsets.is_some(),
        _ => offer.kueue.is_some(),
    }
}

fn component(name: &'static str, served: bool, found: Result<Option<Found>, Problem>) -> Component {
    let (deployment, version) = match found {
        Ok(Some(found)) => {
            let state = Deployment::Found {
                ready: found.status.ready_replicas.unwrap_or(0),
                wanted: found.spec.replicas.unwrap_or(1),
            };
            (state, found.version())
        }
        Ok(None) => (Deployment::Missing, None),
        Err(problem) => (Deployment::Unknown(problem.why), None),
    };
    Component { name, served, deployment, version }
}

/// By name in the whole cluster; for people with fewer rights, in the usual places.
async fn find(session: &Session, name: &str, places: &[&str]) -> Result<Option<Found>, Problem> {
    let deployments = Resource::new("apps", "v1", "deployments");
    let doing = format!("look for {name}");
    let selector = format!("metadata.name={name}");
    let url = format!("{}{}", deployments.all(None), paths::query(&[("fieldSelector", &selector)]));
    let refused = match session.get_json::<List>(&url, &doing).await {
        Ok(list) => return Ok(list.items.into_iter().flatten().next()),
        Err(problem) if problem.kind == Kind::Forbidden => problem,
        Err(problem) => return Err(problem),
    };
    for place in places.iter().filter_map(|p| Name::new(p)) {
        if let Ok(found) = session.get_json(&deployments.one(Some(&place), name), &doing).await {
            return Ok(Some(found));
        }
    }
    Err(refused)
}

impl Found {
    /// The tag of the manager's image; a digest is no version.
    fn version(&self) -> Option<Clean> {
        let containers = &self.spec.template.spec.containers;
        let main = containers.iter().find(|c| c.name == "manager" || !c.image.contains("kube-rbac-proxy"))?;
        let image = main.image.split('@').next()?;
        let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
        Some(Clean::new(tag))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::testing;

    fn deployment(image: &str) -> serde_json::Value {
        json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "m", "image": image}]}}}, "status": {"readyReplicas": 1}})
    }

    #[tokio::test]
    async fn one_with_few_rights_looks_in_the_usual_places() {
        let session = testing::session(|request| match request.uri().path() {
            "/apis/apps/v1/namespaces/kubeflow/deployments/mpi-operator" => {
                testing::answer(200, &deployment("reg:5000/mpi-operator:v0.8.2@sha256:1"))
            }
            path if path.contains("/namespaces/") => testing::status(404, "not found"),
            _ => testing::status(403, "no"),
        })
        .await;
        let found = health(&session, &Offer::of(&[JobKind::MpiJob, JobKind::TrainJob])).await;
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].deployment, Deployment::Found { ready: 1, wanted: 2 });
        assert_eq!(found[0].version, Some(Clean::new("v0.8.2")));
        assert_eq!((found[1].name, found[1].served), ("trainer", true));
        assert!(matches!(found[1].deployment, Deployment::Unknown(_)));
    }

    #[tokio::test]
    async fn an_operator_that_is_served_but_gone_is_told() {
        let session = testing::session(|_| testing::answer(200, &json!({"items": []}))).await;
        let found = health(&session, &Offer::of(&[JobKind::MpiJob])).await;
        assert_eq!(
            found.iter().map(|c| (c.name, &c.deployment)).collect::<Vec<_>>(),
            [("mpi-operator", &Deployment::Missing)]
        );
    }
}
