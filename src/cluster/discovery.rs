//! What a cluster serves: which kinds of job, and which helpers beside them.
//!
//! Owns one read of the discovery documents. The caller repeats it every five minutes and after a reconnect.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    paths::Resource,
    problem::{Problem, ProblemKind},
    session::Session,
};
use crate::jobs::{kind::Kind, text::Clean};

/// What is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    /// The kinds of job, in the order of [`Kind::ALL`].
    pub kinds: Vec<Kind>,
    /// The version in which Kueue's Workloads are read (`v1beta2`, `v1beta1`), if they are served.
    pub kueue: Option<Clean>,
    /// Whether JobSets are served.
    pub jobsets: Option<Clean>,
    /// Whether metrics.k8s.io answers.
    pub metrics: bool,
    /// Whether it is OpenShift, with Projects.
    pub projects: bool,
    /// Whether OpenShift's quotas over several namespaces are served.
    pub shared_quotas: bool,
    /// Where `PodGroups` are, if a gang scheduler is installed: group and version.
    pub pod_groups: Vec<(Clean, Clean)>,
    /// The server's `gitVersion`.
    pub server_version: Option<Clean>,
    /// Groups whose discovery failed (an aggregated server that is down).
    pub broken: Vec<Clean>,
    resources: BTreeMap<(String, String), Vec<Served>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Served {
    version: String,
    kind: String,
    namespaced: bool,
}

/// Aggregated discovery as kubectl asks for it, newest first.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// OpenShift's quotas over several namespaces.
const QUOTAS: &str = "quota.openshift.io";

/// Kueue's API that tells who waits where.
const VISIBILITY: &str = "visibility.kueue.x-k8s.io";

/// Groups that plain discovery looks into; of the others nothing is wanted.
const WANTED: [&str; 11] = [
    "kubeflow.org",
    "trainer.kubeflow.org",
    "kueue.x-k8s.io",
    VISIBILITY,
    "jobset.x-k8s.io",
    "metrics.k8s.io",
    "project.openshift.io",
    QUOTAS,
    "scheduling.volcano.sh",
    "scheduling.x-k8s.io",
    "batch",
];

const DOING: &str = "find out what the cluster serves";

/// Asks. Two requests where discovery is aggregated (1.27 and later); about ten otherwise.
pub async fn discover(session: &Session) -> Result<Offer, Problem> {
    let mut offer = Offer::default();
    let body = session.get("/apis", AGGREGATED, DOING).await;
    let groups = match body {
        Ok(bytes) => Some(bytes),
        Err(p) if p.code() == Some(406) || p.kind == ProblemKind::NotFound => None,
        Err(p) => return Err(p),
    };
    match groups.as_deref().and_then(aggregated) {
        Some(list) => offer.read_aggregated(list),
        None => plain(session, &mut offer).await?,
    }
    let version: Result<Version, _> = session.get_json("/version", "ask for the server's version").await;
    offer.server_version = version.ok().map(|v| Clean::new(&v.git_version));
    offer.conclude();
    Ok(offer)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

#[derive(Deserialize)]
struct GroupDiscoveryList {
    kind: String,
    #[serde(default)]
    items: Vec<GroupDiscovery>,
}

#[derive(Deserialize)]
struct GroupDiscovery {
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<VersionDiscovery>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct GroupName {
    name: String,
}

#[derive(Deserialize)]
struct VersionDiscovery {
    version: String,
    #[serde(default)]
    resources: Vec<ResourceDiscovery>,
    freshness: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ResourceDiscovery {
    resource: String,
    scope: Option<String>,
    response_kind: Option<ResponseKind>,
}

#[derive(Deserialize)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

/// `None` for an old server, which answers the same URL with a plain `APIGroupList`.
fn aggregated(body: &[u8]) -> Option<GroupDiscoveryList> {
    serde_json::from_slice(body).ok().filter(|list: &GroupDiscoveryList| list.kind == "APIGroupDiscoveryList")
}

#[derive(Deserialize)]
struct GroupList {
    kind: String,
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    name: String,
    #[serde(default)]
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
struct GroupVersion {
    version: String,
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<PlainResource>,
}

#[derive(Deserialize)]
struct PlainResource {
    name: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    namespaced: bool,
}

async fn plain(session: &Session, offer: &mut Offer) -> Result<(), Problem> {
    let list: GroupList = session.get_json("/apis", DOING).await?;
    if list.kind != "APIGroupList" {
        return Err(Problem::unexpected(
            DOING,
            &format!("it answers with kind {:?}, not with a list of APIs", list.kind),
        ));
    }
    for group in list.groups.iter().filter(|g| WANTED.contains(&g.name.as_str())) {
        for version in &group.versions {
            let path = format!("/apis/{}/{}", group.name, version.version);
            match session.get_json::<ResourceList>(&path, DOING).await {
                Ok(found) => {
                    for r in found.resources {
                        offer.serve(&group.name, &version.version, r.name, r.kind, r.namespaced);
                    }
                }
                Err(p) if p.kind == ProblemKind::Unauthorized => return Err(p),
                Err(_) => offer.broken.push(Clean::new(&format!("{}/{}", group.name, version.version))),
            }
        }
    }
    Ok(())
}

impl Offer {
    /// These kinds and nothing else, for whoever knows them already.
    pub fn of(kinds: &[Kind]) -> Self {
        Self { kinds: kinds.to_vec(), ..Self::default() }
    }

    fn read_aggregated(&mut self, list: GroupDiscoveryList) {
        for group in list.items {
            for version in group.versions {
                if version.freshness.as_deref() == Some("Stale") {
                    self.broken.push(Clean::new(&format!("{}/{}", group.metadata.name, version.version)));
                }
                for r in version.resources {
                    let kind = r.response_kind.map(|k| k.kind).unwrap_or_default();
                    let namespaced = r.scope.as_deref() == Some("Namespaced");
                    self.serve(&group.metadata.name, &version.version, r.resource, kind, namespaced);
                }
            }
        }
    }

    fn serve(&mut self, group: &str, version: &str, plural: String, kind: String, namespaced: bool) {
        let served = Served { version: version.to_owned(), kind, namespaced };
        self.resources.entry((group.to_owned(), plural)).or_default().push(served);
    }

    fn conclude(&mut self) {
        self.kinds =
            Kind::ALL.into_iter().filter(|k| self.serves(k.info().group, k.info().version, k.info().plural)).collect();
        // Two served versions of one CRD name are the same objects twice.
        if self.kinds.contains(&Kind::MpiJob) {
            self.kinds.retain(|k| *k != Kind::MpiJobV1);
        }
        self.kueue = self.best("kueue.x-k8s.io", "workloads", &["v1beta2", "v1beta1", "v1"]);
        self.jobsets = self.best("jobset.x-k8s.io", "jobsets", &["v1alpha2", "v1", "v1beta1"]);
        self.metrics = self.resources.contains_key(&("metrics.k8s.io".into(), "pods".into()));
        self.projects = self.resources.contains_key(&("project.openshift.io".into(), "projects".into()));
        let shared = (QUOTAS.into(), "clusterresourcequotas".into());
        self.shared_quotas = self.resources.contains_key(&shared);
        for group in ["scheduling.volcano.sh", "scheduling.x-k8s.io"] {
            if let Some(version) = self.best(group, "podgroups", &[]) {
                self.pod_groups.push((Clean::new(group), version));
            }
        }
    }

    fn versions(&self, group: &str, plural: &str) -> &[Served] {
        self.resources.get(&(group.to_owned(), plural.to_owned())).map_or(&[], Vec::as_slice)
    }

    fn serves(&self, group: &str, version: &str, plural: &str) -> bool {
        self.versions(group, plural).iter().any(|s| s.version == version)
    }

    /// The first of `preferred` that is served, else whatever the server prefers.
    fn best(&self, group: &str, plural: &str, preferred: &[&str]) -> Option<Clean> {
        let served = self.versions(group, plural);
        let known = preferred.iter().find(|v| served.iter().any(|s| s.version == **v)).copied();
        known.or_else(|| served.first().map(|s| s.version.as_str())).map(Clean::new)
    }

    /// The resource of a kind and whether it is namespaced; core kinds are known without being asked for.
    pub(crate) fn resource(&self, group: &str, kind: &str) -> Option<(Resource, bool)> {
        if group.is_empty() {
            return core(kind).map(|(plural, namespaced)| (Resource::core(plural), namespaced));
        }
        let ((g, plural), served) = self.resources.iter().find(|((g, plural), versions)| {
            g == group && !plural.contains('/') && versions.iter().any(|s| s.kind == kind)
        })?;
        let first = served.iter().find(|s| s.kind == kind)?;
        Some((Resource::new(g, &first.version, plural), first.namespaced))
    }

    /// The version in which Kueue tells who waits where, if it does.
    pub(crate) fn visibility(&self) -> Option<Clean> {
        let best = |plural| self.best(VISIBILITY, plural, &["v1beta2", "v1beta1"]);
        best("localqueues").or_else(|| best("localqueues/pendingworkloads"))
    }

    /// Whether any kind of training job is served.
    pub fn has_jobs(&self) -> bool {
        !self.kinds.is_empty()
    }
}

fn core(kind: &str) -> Option<(&'static str, bool)> {
    Some(match kind {
        "Pod" => ("pods", true),
        "Service" => ("services", true),
        "ConfigMap" => ("configmaps", true),
        "Secret" => ("secrets", true),
        "Event" => ("events", true),
        "PersistentVolumeClaim" => ("persistentvolumeclaims", true),
        "ServiceAccount" => ("serviceaccounts", true),
        "ResourceQuota" => ("resourcequotas", true),
        "LimitRange" => ("limitranges", true),
        "Node" => ("nodes", false),
        "Namespace" => ("namespaces", false),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer(groups: &serde_json::Value) -> Offer {
        let body = serde_json::json!({ "kind": "APIGroupDiscoveryList", "items": groups });
        let mut offer = Offer::default();
        offer.read_aggregated(aggregated(body.to_string().as_bytes()).expect("aggregated"));
        offer.conclude();
        offer
    }

    fn group(name: &str, versions: &[(&str, &[(&str, &str)])]) -> serde_json::Value {
        let versions: Vec<_> = versions
            .iter()
            .map(|(version, resources)| {
                let resources: Vec<_> = resources
                    .iter()
                    .map(
                        |(r, k)| serde_json::json!({"resource": r, "scope": "Namespaced", "responseKind": {"kind": k}}),
                    )
                    .collect();
                serde_json::json!({ "version": version, "resources": resources })
            })
            .collect();
        serde_json::json!({ "metadata": { "name": name }, "versions": versions })
    }

    #[test]
    fn kinds_are_those_with_group_version_and_resource() {
        let found = offer(&serde_json::json!([
            group(
                "kubeflow.org",
                &[("v2beta1", &[("mpijobs", "MPIJob")]), ("v1", &[("mpijobs", "MPIJob"), ("tfjobs", "TFJob")])]
            ),
            group(
                "kueue.x-k8s.io",
                &[("v1beta1", &[("workloads", "Workload")]), ("v1beta2", &[("workloads", "Workload")])]
            ),
            group("scheduling.volcano.sh", &[("v1beta1", &[("podgroups", "PodGroup")])]),
        ]));
        assert_eq!(found.kinds, [Kind::MpiJob, Kind::TfJob], "one shape of MPIJob");
        assert_eq!(found.kueue, Some(Clean::new("v1beta2")));
        assert_eq!(found.pod_groups, [(Clean::new("scheduling.volcano.sh"), Clean::new("v1beta1"))]);
        assert!(!found.metrics && !found.projects && found.jobsets.is_none());
        let (resource, namespaced) = found.resource("kubeflow.org", "TFJob").expect("served");
        assert_eq!((resource.all(None).as_str(), namespaced), ("/apis/kubeflow.org/v1/tfjobs", true));
        assert!(found.resource("batch", "Job").is_none() && found.resource("", "Pod").is_some());
    }

    #[tokio::test]
    async fn what_is_no_list_of_apis_is_no_empty_cluster() {
        for body in ["[]", "{}", r#"{"kind":"Status","status":"ok"}"#, "<html>sign in</html>"] {
            let session =
                crate::cluster::testing::session(|_| crate::cluster::testing::text(200, body.to_owned())).await;
            let problem = discover(&session).await.expect_err(body);
            assert_eq!(problem.kind, ProblemKind::Server, "{problem}");
        }
    }

    #[test]
    fn an_old_servers_answer_is_not_aggregated() {
        assert!(aggregated(br#"{"kind":"APIGroupList","groups":[]}"#).is_none());
        assert!(aggregated(b"404 page not found").is_none());
    }

    #[test]
    fn a_cluster_with_nothing_offers_nothing() {
        assert!(!offer(&serde_json::json!([])).has_jobs());
    }
}
