//! Who may do what: the users of the sim, their tokens and rights.
//!
//! Owns authentication, impersonation and authorisation, in a real server's words. Rights are rules as RBAC writes
//! them, granted in one namespace or everywhere.

use std::sync::{PoisonError, RwLock, RwLockReadGuard};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::HeaderMap;
use serde_json::{Value, json};

use super::asked::Asked;
use super::store::Refusal;

/// The contexts of the kubeconfig, first the one that is current.
pub const CONTEXTS: [&str; 4] = ["admin", "tenant", "viewer", "nowatch"];
/// The group that may do everything.
const MASTERS: &str = "system:masters";

/// One kind of right, as a row of an RBAC role.
#[derive(Debug)]
struct Rule {
    groups: &'static [&'static str],
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
}

const ALL: &[&str] = &["*"];
const READ: &[&str] = &["get", "list", "watch"];
const READ_NO_WATCH: &[&str] = &["get", "list"];
const WRITE: &[&str] = &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const TRAINING: &[&str] = &["kubeflow.org", "trainer.kubeflow.org", "jobset.x-k8s.io"];
/// What `view` shows of the core group: all but Secrets.
const SHOWN: &[&str] = &[
    "configmaps",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "nodes",
    "persistentvolumeclaims",
    "pods",
    "pods/log",
    "pods/status",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
];
const OTHER_GROUPS: &[&str] = &[
    "apps",
    "batch",
    "kubeflow.org",
    "trainer.kubeflow.org",
    "jobset.x-k8s.io",
    "kueue.x-k8s.io",
    "visibility.kueue.x-k8s.io",
    "networking.k8s.io",
    "policy",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "scheduling.volcano.sh",
    "scheduling.x-k8s.io",
];

/// What metrics-server adds to `view`, and so to all who may do more.
const MEASURED: Rule = Rule { groups: &["metrics.k8s.io"], resources: &["pods", "nodes"], verbs: READ };

static EVERYTHING: &[Rule] = &[Rule { groups: ALL, resources: ALL, verbs: ALL }];
static VIEW: &[Rule] = &[
    Rule { groups: &[""], resources: SHOWN, verbs: READ },
    MEASURED,
    Rule { groups: OTHER_GROUPS, resources: ALL, verbs: READ },
];
static VIEW_NO_WATCH: &[Rule] = &[
    Rule { groups: &[""], resources: SHOWN, verbs: READ_NO_WATCH },
    MEASURED,
    Rule { groups: OTHER_GROUPS, resources: ALL, verbs: READ_NO_WATCH },
];
/// `edit` and `view` of Kubernetes and of Kubeflow, as bound in one namespace.
static EDIT: &[Rule] = &[
    Rule {
        groups: &[""],
        resources: &[
            "configmaps",
            "persistentvolumeclaims",
            "pods",
            "pods/attach",
            "pods/exec",
            "pods/portforward",
            "secrets",
            "serviceaccounts",
            "services",
        ],
        verbs: WRITE,
    },
    Rule { groups: &[""], resources: &["pods/eviction"], verbs: &["create"] },
    Rule {
        groups: &[""],
        resources: &["events", "limitranges", "namespaces", "pods/log", "pods/status", "resourcequotas"],
        verbs: READ,
    },
    Rule { groups: &["apps", "batch", "networking.k8s.io", "policy"], resources: ALL, verbs: WRITE },
    Rule { groups: TRAINING, resources: ALL, verbs: WRITE },
    MEASURED,
    Rule { groups: &["kueue.x-k8s.io"], resources: &["localqueues", "workloads", "workloads/status"], verbs: READ },
    Rule { groups: &["visibility.kueue.x-k8s.io"], resources: &["localqueues/pendingworkloads"], verbs: &["get"] },
];
/// What everybody signed in may do: ask about themselves.
static BASIC: &[Rule] = &[
    Rule {
        groups: &["authorization.k8s.io"],
        resources: &["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
        verbs: &["create"],
    },
    Rule { groups: &["authentication.k8s.io"], resources: &["selfsubjectreviews"], verbs: &["create"] },
    // Where it is served, its list has only what one may see.
    Rule { groups: &["project.openshift.io"], resources: &["projects"], verbs: &["list"] },
];

/// Rules and where they hold.
#[derive(Clone, Debug)]
struct Grant {
    rules: &'static [Rule],
    /// `None`: everywhere, cluster-scoped things too.
    namespace: Option<String>,
    by: &'static str,
}

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct User {
    /// As refusals name it.
    pub name: String,
    /// Its groups.
    pub groups: Vec<String>,
    grants: Vec<Grant>,
}

/// Everybody the sim knows.
#[derive(Debug)]
pub struct Users {
    known: RwLock<Vec<(User, String)>>,
    tenant_namespace: String,
}

impl Users {
    /// The four users with new tokens; `tenant_namespace` is where the tenant has rights.
    pub fn new(tenant_namespace: &str) -> Result<Self, String> {
        let everywhere = |rules, by| vec![Grant { rules, namespace: None, by }];
        let grants = |name: &str| match name {
            "admin" => everywhere(EVERYTHING, "ClusterRoleBinding \"cluster-admin\" of ClusterRole \"cluster-admin\""),
            "viewer" => everywhere(VIEW, "ClusterRoleBinding \"viewer\" of ClusterRole \"view\""),
            "nowatch" => everywhere(VIEW_NO_WATCH, "ClusterRoleBinding \"nowatch\" of ClusterRole \"list-only\""),
            _ => vec![Grant {
                rules: EDIT,
                namespace: Some(tenant_namespace.to_owned()),
                by: "RoleBinding \"kubeflow-edit\" of ClusterRole \"kubeflow-edit\"",
            }],
        };
        let user = |name: &str| {
            let own = if name == "admin" { vec![MASTERS.to_owned()] } else { Vec::new() };
            Ok::<_, String>((User::new(name, own, grants(name)), token()?))
        };
        let known = CONTEXTS.into_iter().map(user).collect::<Result<_, _>>()?;
        Ok(Self { known: RwLock::new(known), tenant_namespace: tenant_namespace.to_owned() })
    }

    /// The user of a request: by its token, and on whose behalf it speaks.
    pub fn sign_in(&self, headers: &HeaderMap) -> Result<User, Refusal> {
        let header = |name: &str| headers.get(name).and_then(|v| v.to_str().ok());
        let token = header("authorization").and_then(|v| v.strip_prefix("Bearer ")).map(str::trim);
        let known = self.known().iter().find(|(_, t)| Some(t.as_str()) == token).map(|(user, _)| user.clone());
        let user = known.ok_or_else(|| Refusal::new(401, "Unauthorized", "Unauthorized"))?;
        let groups: Vec<String> =
            headers.get_all("impersonate-group").iter().filter_map(|v| Some(v.to_str().ok()?.to_owned())).collect();
        let Some(other) = header("impersonate-user").filter(|name| !name.is_empty()) else {
            return if groups.is_empty() {
                Ok(user)
            } else {
                let why = "requested groups [] without impersonating a user";
                Err(Refusal::new(500, "InternalError", format!("Internal error occurred: {why}")))
            };
        };
        user.may_impersonate("users", other)?;
        for group in &groups {
            user.may_impersonate("groups", group)?;
        }
        Ok(self.impersonated(other, groups))
    }

    fn known(&self) -> RwLockReadGuard<'_, Vec<(User, String)>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a user's token. The new one, if there is such a user.
    pub fn renew(&self, name: &str) -> Option<String> {
        let new = token().ok()?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.iter_mut().find(|(user, _)| user.name == name)?.1.clone_from(&new);
        Some(new)
    }

    /// A user by name and groups, whether or not it is known.
    pub fn named(&self, name: &str, groups: Vec<String>) -> User {
        self.impersonated(name, groups)
    }

    fn impersonated(&self, name: &str, groups: Vec<String>) -> User {
        if groups.iter().any(|g| g == MASTERS) {
            let by = "ClusterRoleBinding \"cluster-admin\" of ClusterRole \"cluster-admin\"";
            return User::new(name, groups, vec![Grant { rules: EVERYTHING, namespace: None, by }]);
        }
        let grants = self.known().iter().find(|(u, _)| u.name == name).map(|(u, _)| u.grants.clone());
        User::new(name, groups, grants.unwrap_or_default())
    }

    /// A kubeconfig with a context a user. `server` is its URL, `ca` the PEM of its authority.
    pub fn kubeconfig(&self, server: &str, ca: Option<&str>) -> Value {
        let mut cluster = json!({"server": server});
        if let Some(pem) = ca {
            cluster["certificate-authority-data"] = json!(base64::prelude::BASE64_STANDARD.encode(pem));
        }
        let known = self.known();
        let users = known.iter().map(|(user, token)| json!({"name": user.name, "user": {"token": token}}));
        let contexts = known.iter().map(|(user, _)| {
            let mut context = json!({"cluster": "mpideck-sim", "user": user.name});
            if user.name == "tenant" {
                context["namespace"] = json!(self.tenant_namespace);
            }
            json!({"name": user.name, "context": context})
        });
        json!({
            "apiVersion": "v1", "kind": "Config", "preferences": {}, "current-context": CONTEXTS[0],
            "clusters": [{"name": "mpideck-sim", "cluster": cluster}],
            "users": users.collect::<Vec<_>>(), "contexts": contexts.collect::<Vec<_>>(),
        })
    }
}

impl User {
    fn new(name: &str, mut groups: Vec<String>, grants: Vec<Grant>) -> Self {
        groups.push("system:authenticated".to_owned());
        Self { name: name.to_owned(), groups, grants }
    }

    /// Whether it may do everything.
    pub fn is_admin(&self) -> bool {
        self.grants.iter().any(|g| std::ptr::eq(g.rules, EVERYTHING))
    }

    /// By which grant a request is allowed, in the words of an access review.
    pub fn allowed_by(&self, asked: &Asked) -> Option<String> {
        let resource = asked.full_resource();
        let covers = |rules: &[Rule]| {
            rules.iter().any(|r| has(r.groups, &asked.group) && r.covers(&resource) && has(r.verbs, &asked.verb))
        };
        if covers(BASIC) {
            return Some("RBAC: allowed by ClusterRoleBinding \"system:basic-user\" of ClusterRole \"system:basic-user\" to Group \"system:authenticated\"".to_owned());
        }
        let holds = |g: &&Grant| match &g.namespace {
            None => true,
            Some(own) => !asked.namespace.is_empty() && *own == asked.namespace,
        };
        let grant = self.grants.iter().filter(holds).find(|g| covers(g.rules))?;
        Some(format!("RBAC: allowed by {} to User \"{}\"", grant.by, self.name))
    }

    /// Refuses what the user may not do.
    pub fn check(&self, asked: &Asked) -> Result<(), Refusal> {
        let public = ["/api", "/apis", "/healthz", "/livez", "/openapi", "/readyz", "/version"];
        if asked.resource.is_empty() {
            let open = |p: &str| asked.path == *p || asked.path.starts_with(&format!("{p}/"));
            return if self.is_admin() || (asked.verb == "get" && public.iter().any(|p| open(p))) {
                Ok(())
            } else {
                let message =
                    format!("forbidden: User \"{}\" cannot {} path \"{}\"", self.name, asked.verb, asked.path);
                Err(Refusal { details: json!({}), ..Refusal::new(403, "Forbidden", message) })
            };
        }
        if self.allowed_by(asked).is_some() { Ok(()) } else { Err(self.forbidden(asked)) }
    }

    fn forbidden(&self, asked: &Asked) -> Refusal {
        let of = if asked.group.is_empty() { String::new() } else { format!(".{}", asked.group) };
        let name = if asked.name.is_empty() { String::new() } else { format!(" \"{}\"", asked.name) };
        let place = if asked.namespace.is_empty() {
            "at the cluster scope".to_owned()
        } else {
            format!("in the namespace \"{}\"", asked.namespace)
        };
        let message = format!(
            "{}{of}{name} is forbidden: User \"{}\" cannot {} resource \"{}\" in API group \"{}\" {place}",
            asked.resource,
            self.name,
            asked.verb,
            asked.full_resource(),
            asked.group
        );
        let mut details = json!({"kind": asked.resource});
        for (key, text) in [("name", &asked.name), ("group", &asked.group)] {
            if !text.is_empty() {
                details[key] = json!(text);
            }
        }
        Refusal { details, ..Refusal::new(403, "Forbidden", message) }
    }

    fn may_impersonate(&self, what: &str, name: &str) -> Result<(), Refusal> {
        if self.is_admin() {
            return Ok(());
        }
        let message = format!(
            "{what} \"{name}\" is forbidden: User \"{}\" cannot impersonate resource \"{what}\" in API group \"\" at the cluster scope",
            self.name
        );
        Err(Refusal { details: json!({"name": name, "kind": what}), ..Refusal::new(403, "Forbidden", message) })
    }

    /// The rules that hold in `namespace`, for a rules review.
    pub fn rules_in(&self, namespace: &str) -> Vec<Value> {
        let holds = |g: &&Grant| g.namespace.as_ref().is_none_or(|own| own == namespace);
        let granted = self.grants.iter().filter(holds).flat_map(|g| g.rules);
        let rule = |r: &Rule| json!({"verbs": r.verbs, "apiGroups": r.groups, "resources": r.resources});
        BASIC.iter().chain(granted).map(rule).collect()
    }
}

impl Rule {
    fn covers(&self, resource: &str) -> bool {
        has(self.resources, resource)
    }
}

fn has(list: &[&str], word: &str) -> bool {
    list.iter().any(|w| *w == "*" || *w == word)
}

/// 192 bits from the TLS library's source.
fn token() -> Result<String, String> {
    let mut bytes = [0_u8; 24];
    let provider = rustls::crypto::ring::default_provider();
    provider.secure_random.fill(&mut bytes).map_err(|_| "no random numbers for tokens".to_owned())?;
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(verb: &str, group: &str, resource: &str, namespace: &str) -> Asked {
        Asked {
            verb: verb.into(),
            group: group.into(),
            resource: resource.into(),
            namespace: namespace.into(),
            ..Asked::default()
        }
    }

    fn user(name: &str) -> User {
        Users::new("team-a").unwrap().known().iter().find(|(u, _)| u.name == name).cloned().unwrap().0
    }

    #[test]
    fn each_user_has_its_rights_and_no_others() {
        for (name, verb, group, resource, namespace, may) in [
            ("admin", "delete", "kubeflow.org", "mpijobs", "x", true),
            ("tenant", "create", "kubeflow.org", "mpijobs", "team-a", true),
            ("tenant", "create", "kubeflow.org", "mpijobs", "team-b", false),
            ("tenant", "list", "kubeflow.org", "mpijobs", "", false),
            ("tenant", "list", "", "namespaces", "", false),
            ("tenant", "get", "", "namespaces", "team-a", true),
            ("tenant", "list", "", "nodes", "", false),
            ("viewer", "watch", "", "pods", "", true),
            ("viewer", "get", "", "secrets", "team-a", false),
            ("viewer", "delete", "", "pods", "team-a", false),
            ("nowatch", "list", "kubeflow.org", "mpijobs", "", true),
            ("nowatch", "watch", "kubeflow.org", "mpijobs", "", false),
            ("nowatch", "create", "authorization.k8s.io", "selfsubjectaccessreviews", "", true),
        ] {
            assert_eq!(
                user(name).check(&asked(verb, group, resource, namespace)).is_ok(),
                may,
                "{name} {verb} {resource}"
            );
        }
    }

    #[test]
    fn refusals_speak_as_a_real_server() {
        let refusal = user("tenant").check(&asked("create", "kubeflow.org", "mpijobs", "team-b")).unwrap_err();
        assert_eq!(
            refusal.status(),
            json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": "mpijobs.kubeflow.org is forbidden: User \"tenant\" cannot create resource \"mpijobs\" in API group \"kubeflow.org\" in the namespace \"team-b\"",
                "reason": "Forbidden", "details": {"group": "kubeflow.org", "kind": "mpijobs"}, "code": 403})
        );
    }
}
