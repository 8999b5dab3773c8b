//! Users with fewer rights: those of the embedded cluster, and their like on a real server.

use std::time::Duration;

use http::Method;
use mpideck::cluster::Target;
use mpideck::sim::{FleetKind, Options, Sim};
use serde_json::{Value, json};

use super::Place;
use crate::sim_client::{ask, client};

/// What a user with few rights may do, in one namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::cluster_suite) enum Rights {
    /// All with jobs and pods.
    Edit,
    /// To get and list, not to watch.
    ListOnly,
}

impl Place {
    /// A user with rights in `namespace`, which must be the one called «own», and nowhere else; ready to be used.
    pub(in crate::cluster_suite) async fn user(&self, rights: Rights, namespace: &str) -> Target {
        let mut target = self.admin();
        if self.sim.is_some() {
            target.context = Some(if rights == Rights::Edit { "tenant" } else { "nowatch" }.to_owned());
            return target;
        }
        let name = format!("{namespace}-{}", if rights == Rights::Edit { "edit" } else { "list" });
        self.bind(rights, namespace, &name).await;
        target.act_as = Some(name);
        target
    }

    async fn bind(&self, rights: Rights, namespace: &str, name: &str) {
        let verbs = if rights == Rights::Edit { json!(["*"]) } else { json!(["get", "list"]) };
        let groups = ["", "batch", "kubeflow.org", "trainer.kubeflow.org", "kueue.x-k8s.io"];
        let rules = json!([{"apiGroups": groups, "resources": ["*"], "verbs": verbs}]);
        let base = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
        let role = json!({"metadata": {"name": name}, "rules": rules});
        self.make(&format!("{base}/roles"), &role).await;
        let binding = json!({"metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}]});
        self.make(&format!("{base}/rolebindings"), &binding).await;
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": name,
            "resourceAttributes": {"verb": "list", "group": "kubeflow.org", "resource": "mpijobs", "namespace": namespace}}});
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        for _ in 0..100 {
            if self.send(&Method::POST, path, &review).await.1["status"]["allowed"] == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the rights of {name} did not come");
    }

    /// Gives the user `tenant` rights in our own namespace.
    pub(in crate::cluster_suite) async fn let_in(&self, namespace: &str) {
        if self.sim.is_none() {
            self.bind(Rights::Edit, namespace, "tenant").await;
        }
    }

    /// Gives every user of the embedded cluster the same rights here; `tenant` has them in this namespace.
    pub(in crate::cluster_suite) async fn let_everybody_in(&self, namespace: &str) {
        if self.sim.is_some() {
            return;
        }
        let options = Options { fleet: FleetKind::Still, tenant_namespace: namespace.to_owned(), ..Options::new() };
        let sim = Sim::start(options).await.unwrap();
        for user in ["tenant", "viewer", "nowatch"] {
            let client = client(&sim, user).await;
            let review = json!({"spec": {"namespace": namespace}});
            let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews";
            let (_, answer) = ask(&client, &Method::POST, path).json(&review).answer().await;
            self.bind_role(user, &answer["status"]["resourceRules"], (user == "tenant").then_some(namespace)).await;
        }
    }

    /// A role of these rules for a user, in a namespace or everywhere.
    async fn bind_role(&self, user: &str, rules: &Value, namespace: Option<&str>) {
        let name = format!("{}-{user}", self.prefix);
        let group = "/apis/rbac.authorization.k8s.io/v1";
        let (role, place) = match namespace {
            Some(namespace) => ("Role", format!("{group}/namespaces/{namespace}/")),
            None => ("ClusterRole", format!("{group}/cluster")),
        };
        let (roles, bindings) = (format!("{place}roles"), format!("{place}rolebindings"));
        self.make(&roles, &json!({"metadata": {"name": name}, "rules": rules})).await;
        let binding = json!({"metadata": {"name": name},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}]});
        self.make(&bindings, &binding).await;
        if namespace.is_none() {
            self.roles.lock().unwrap().extend([format!("{bindings}/{name}"), format!("{roles}/{name}")]);
        }
    }
}
