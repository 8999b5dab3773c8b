//! Roles and bindings that a cluster has from its start: those of Kubernetes that people bind, and what the users of the
//! kubeconfig are given. Data; what they mean is read by [`rights`](super::rights).

use serde_json::{Value, json};

use crate::sim::store::resource::{CLUSTERROLEBINDINGS, CLUSTERROLES, POD_METRICS, PROJECTS, ROLEBINDINGS, Resource};
use crate::sim::store::{Part, Refusal, Store};
use crate::sim::value::push;

const GROUP: &str = CLUSTERROLES.group;
/// Everybody who is signed in.
pub(super) const AUTHENTICATED: &str = "system:authenticated";

/// Everybody who is not.
pub(super) const UNAUTHENTICATED: &str = "system:unauthenticated";

/// One kind of right, as a row of a role.
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
/// What is shown of the core group to who sees all the cluster: all but Secrets.
const SHOWN: &[&str] = &[
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "nodes",
    "persistentvolumeclaims",
    "persistentvolumes",
    "pods",
    "pods/log",
    "pods/status",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
];
/// As [`SHOWN`], inside a namespace.
const SHOWN_WITHIN: &[&str] = &[
    "configmaps",
    "endpoints",
    "events",
    "limitranges",
    "namespaces",
    "namespaces/status",
    "persistentvolumeclaims",
    "persistentvolumeclaims/status",
    "pods",
    "pods/log",
    "pods/status",
    "resourcequotas",
    "resourcequotas/status",
    "serviceaccounts",
    "services",
    "services/status",
];
const OTHER_GROUPS: &[&str] = &[
    "apps",
    "batch",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
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
const WRITTEN: &[&str] = &[
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "pods/attach",
    "pods/exec",
    "pods/portforward",
    "pods/proxy",
    "secrets",
    "serviceaccounts",
    "services",
    "services/proxy",
];

/// What metrics-server adds to `view`, and so to all who may do more.
const MEASURED: Rule = Rule { groups: &["metrics.k8s.io"], resources: &["pods", "nodes"], verbs: READ };
const SLICES: Rule =
    Rule { groups: &["discovery.k8s.io", "events.k8s.io"], resources: &["endpointslices", "events"], verbs: READ };
const QUEUES: Rule =
    Rule { groups: &["kueue.x-k8s.io"], resources: &["localqueues", "workloads", "workloads/status"], verbs: READ };

static CLUSTER_VIEWER: &[Rule] = &[
    Rule { groups: &[""], resources: SHOWN, verbs: READ },
    MEASURED,
    Rule { groups: OTHER_GROUPS, resources: ALL, verbs: READ },
];
static LIST_ONLY: &[Rule] = &[
    Rule { groups: &[""], resources: SHOWN, verbs: READ_NO_WATCH },
    MEASURED,
    Rule { groups: OTHER_GROUPS, resources: ALL, verbs: READ_NO_WATCH },
];
static VIEW: &[Rule] = &[
    Rule { groups: &[""], resources: SHOWN_WITHIN, verbs: READ },
    Rule { groups: &["apps", "batch", "networking.k8s.io", "policy"], resources: ALL, verbs: READ },
    Rule { groups: TRAINING, resources: ALL, verbs: READ },
    SLICES,
    QUEUES,
    MEASURED,
];
const EDIT_CORE: Rule = Rule { groups: &[""], resources: WRITTEN, verbs: WRITE };
const EVICTION: Rule =
    Rule { groups: &[""], resources: &["pods/eviction", "serviceaccounts/token"], verbs: &["create"] };
const EDIT_APPS: Rule =
    Rule { groups: &["apps", "batch", "networking.k8s.io", "policy"], resources: ALL, verbs: WRITE };
const EDIT_TRAINING: Rule = Rule { groups: TRAINING, resources: ALL, verbs: WRITE };
const SEEN_BY_EDIT: Rule = Rule {
    groups: &[""],
    resources: &["endpoints", "events", "limitranges", "namespaces", "pods/log", "pods/status", "resourcequotas"],
    verbs: READ,
};
const LEASES: Rule = Rule { groups: &["coordination.k8s.io"], resources: &["leases"], verbs: WRITE };
static EDIT: &[Rule] = &[EDIT_CORE, EVICTION, SEEN_BY_EDIT, EDIT_APPS, EDIT_TRAINING, SLICES, LEASES, QUEUES, MEASURED];
static ADMIN: &[Rule] = &[
    EDIT_CORE,
    EVICTION,
    SEEN_BY_EDIT,
    EDIT_APPS,
    EDIT_TRAINING,
    SLICES,
    LEASES,
    QUEUES,
    MEASURED,
    Rule { groups: &[GROUP], resources: &["roles", "rolebindings"], verbs: WRITE },
    Rule { groups: &["authorization.k8s.io"], resources: &["localsubjectaccessreviews"], verbs: &["create"] },
];
/// `edit` of Kubernetes and of Kubeflow and `view` of Kueue, as bound in one namespace.
static KUBEFLOW_EDIT: &[Rule] = &[
    EDIT_CORE,
    EVICTION,
    SEEN_BY_EDIT,
    EDIT_APPS,
    EDIT_TRAINING,
    SLICES,
    LEASES,
    MEASURED,
    QUEUES,
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
];
/// Its list has only what one may see.
static OWN_PROJECTS: &[Rule] =
    &[Rule { groups: &["project.openshift.io"], resources: &["projects"], verbs: &["list"] }];

/// Paths that are no resources, by role.
const PATHS: [(&str, &[&str]); 3] = [
    (
        "system:discovery",
        &[
            "/api",
            "/api/*",
            "/apis",
            "/apis/*",
            "/healthz",
            "/livez",
            "/openapi",
            "/openapi/*",
            "/readyz",
            "/version",
            "/version/",
        ],
    ),
    ("system:openshift:public-info-viewer", &["/.well-known", "/.well-known/*"]),
    ("system:public-info-viewer", &["/healthz", "/livez", "/readyz", "/version", "/version/"]),
];

/// Puts them into a store; `tenant` is the namespace in which the user of that name has rights.
pub(super) fn lay(store: &Store, tenant: &str) -> Result<(), Refusal> {
    let everything = json!([
        {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}, {"verbs": ["*"], "nonResourceURLs": ["*"]},
    ]);
    role(store, "cluster-admin", &everything)?;
    bind(store, "cluster-admin", "cluster-admin", &subject("Group", "system:masters"))?;
    for (name, urls) in PATHS {
        role(store, name, &json!([{"verbs": ["get"], "nonResourceURLs": urls}]))?;
        bind(store, name, name, &subject("Group", AUTHENTICATED))?;
    }
    for name in ["system:openshift:public-info-viewer", "system:public-info-viewer"] {
        let nobody = subject("Group", UNAUTHENTICATED);
        store
            .modify(&CLUSTERROLEBINDINGS, "", name, Part::Main, |binding| push(binding, "/subjects", nobody.clone()))?;
    }
    let roles = [
        ("admin", ADMIN),
        ("cluster-viewer", CLUSTER_VIEWER),
        ("edit", EDIT),
        ("kubeflow-edit", KUBEFLOW_EDIT),
        ("list-only", LIST_ONLY),
        ("system:basic-user", BASIC),
        ("view", VIEW),
    ];
    for (name, rules) in roles {
        role(store, name, &written(store, rules))?;
    }
    bind(store, "system:basic-user", "system:basic-user", &subject("Group", AUTHENTICATED))?;
    if store.served(PROJECTS.group, PROJECTS.plural).is_some() {
        role(store, "basic-user", &written(store, OWN_PROJECTS))?;
        bind(store, "basic-users", "basic-user", &subject("Group", AUTHENTICATED))?;
    }
    bind(store, "viewer", "cluster-viewer", &subject("User", "viewer"))?;
    bind(store, "nowatch", "list-only", &subject("User", "nowatch"))?;
    let binding = binding("kubeflow-edit", "kubeflow-edit", &subject("User", "tenant"));
    put(store, &ROLEBINDINGS, tenant, binding)
}

/// Rules as they are stored, without those about what is not measured here.
fn written(store: &Store, rules: &[Rule]) -> Value {
    let measures = store.served(POD_METRICS.group, POD_METRICS.plural).is_some();
    let rules = rules.iter().filter(|rule| measures || rule.groups != MEASURED.groups);
    let one = |rule: &Rule| json!({"verbs": rule.verbs, "apiGroups": rule.groups, "resources": rule.resources});
    rules.map(one).collect()
}

fn subject(kind: &str, name: &str) -> Value {
    json!({"kind": kind, "apiGroup": GROUP, "name": name})
}

fn role(store: &Store, name: &str, rules: &Value) -> Result<(), Refusal> {
    put(store, &CLUSTERROLES, "", json!({"metadata": {"name": name}, "rules": rules}))
}

fn binding(name: &str, role: &str, subject: &Value) -> Value {
    let reference = json!({"apiGroup": GROUP, "kind": "ClusterRole", "name": role});
    json!({"metadata": {"name": name}, "subjects": [subject], "roleRef": reference})
}

fn bind(store: &Store, name: &str, role: &str, subject: &Value) -> Result<(), Refusal> {
    put(store, &CLUSTERROLEBINDINGS, "", binding(name, role, subject))
}

fn put(store: &Store, resource: &'static Resource, namespace: &str, mut object: Value) -> Result<(), Refusal> {
    let labelled = object["metadata"]["name"].as_str().is_some_and(|name| name.starts_with("system:"));
    if labelled {
        object["metadata"]["labels"] = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    }
    if !namespace.is_empty() {
        object["metadata"]["namespace"] = json!(namespace);
    }
    store.seed(resource, object).map(drop)
}
