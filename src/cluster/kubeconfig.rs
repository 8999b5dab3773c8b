//! kubeconfig files by kubectl's rules, read without touching the network.
//!
//! Owns where the files are, how several become one, and what is wrong with them. Credentials stay inside; the
//! errors name file, line and remedy, and never quote a file's text.

use std::{
    env,
    ffi::OsString,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};

use super::problem::{Problem, ProblemKind as Kind};
use crate::jobs::text::Clean;

/// Where to look.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// `--kubeconfig`: this file and no other.
    pub explicit: Option<PathBuf>,
    /// `KUBECONFIG`: several files, the first to name a thing wins.
    pub listed: Option<OsString>,
    /// Home directory, for `.kube/config`.
    pub home: Option<PathBuf>,
    /// Whether a pod's service account is there to fall back to.
    pub in_pod: bool,
}

/// What the files hold together.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub(crate) config: Kubeconfig,
    /// The files that were read, in order.
    pub files: Vec<PathBuf>,
    /// Those that were to be read and are not there.
    pub absent: Vec<PathBuf>,
    /// No file: the pod's own service account is used.
    pub in_cluster: bool,
}

/// The contexts of a kubeconfig, for a picker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contexts {
    /// All, in the files' order.
    pub all: Vec<ContextInfo>,
    /// `current-context`, whether or not it exists.
    pub current: Option<Clean>,
}

/// One context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextInfo {
    /// Its name as the file has it, to be given back to [`Target::in_context`](super::Target::in_context).
    pub id: String,
    /// Its name, to show.
    pub name: Clean,
    /// Its cluster's name.
    pub cluster: Clean,
    /// The cluster's address.
    pub server: Clean,
    /// Its user's name.
    pub user: Clean,
    /// Its namespace, if it names one.
    pub namespace: Option<Clean>,
}

/// A context with what it points to.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) context: String,
    pub(crate) cluster_name: String,
    pub(crate) user_name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) cluster: Cluster,
    pub(crate) user: AuthInfo,
}

const IN_CLUSTER: &str = "in-cluster";
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

impl Source {
    /// What this process was started with.
    pub fn from_env(explicit: Option<PathBuf>) -> Self {
        let in_pod = env::var_os("KUBERNETES_SERVICE_HOST").is_some() && token_file().exists();
        Self { explicit, listed: env::var_os("KUBECONFIG"), home: env::home_dir(), in_pod }
    }

    /// Candidate files, and whether one that is missing is an error.
    fn candidates(&self) -> (Vec<PathBuf>, bool) {
        if let Some(file) = &self.explicit {
            return (vec![file.clone()], true);
        }
        let listed: Vec<PathBuf> = match &self.listed {
            Some(list) => env::split_paths(list).filter(|p| !p.as_os_str().is_empty()).collect(),
            None => Vec::new(),
        };
        if !listed.is_empty() {
            return (listed, false);
        }
        (self.home.iter().map(|h| h.join(".kube/config")).collect(), false)
    }
}

/// Reads and merges the files. Blocking: small files, but a home may be on a slow network disk.
pub fn load(source: &Source) -> Result<Loaded, Problem> {
    let (candidates, must_exist) = source.candidates();
    let mut loaded = Loaded::default();
    for file in &candidates {
        match fs::metadata(file) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && !must_exist => {
                loaded.absent.push(file.clone());
                continue;
            }
            Err(e) => return Err(unreadable(file, &e)),
            Ok(_) => {}
        }
        let next = Kubeconfig::read_from(file).map_err(|e| malformed(file, e))?;
        loaded.config = loaded.config.merge(next).map_err(|e| malformed(file, e))?;
        loaded.files.push(file.clone());
    }
    if !loaded.config.contexts.is_empty() {
        return Ok(loaded);
    }
    if source.in_pod && source.explicit.is_none() {
        return Ok(Loaded { in_cluster: true, ..loaded });
    }
    Err(nothing(&candidates, &loaded))
}

fn nothing(candidates: &[PathBuf], loaded: &Loaded) -> Problem {
    let names: Vec<_> = candidates.iter().map(|p| p.display().to_string()).collect();
    let why = match (loaded.files.is_empty(), names.is_empty()) {
        (false, _) => format!("{} names no context", names.join(", ")),
        (true, false) => format!("there is no {}", names.join(" nor ")),
        (true, true) => "neither KUBECONFIG nor a home directory says where it is".to_owned(),
    };
    Problem::new(
        Kind::NoConfig,
        "no cluster to connect to",
        &why,
        "Ask for a kubeconfig and put it at ~/.kube/config, or give --kubeconfig FILE. `mpideck demo` needs none.",
    )
}

fn unreadable(file: &Path, error: &io::Error) -> Problem {
    Problem::new(
        Kind::BadConfig,
        &format!("can't read the kubeconfig {}", file.display()),
        &error.to_string(),
        "Check the path (--kubeconfig, KUBECONFIG) and that the file is readable by you.",
    )
}

/// Says where, and not what: the text around an error may be a token.
fn malformed(file: &Path, error: KubeconfigError) -> Problem {
    let (place, why) = match error {
        KubeconfigError::Parse(e) => {
            let at = e.location().map(|l| format!(" line {}", l.line())).unwrap_or_default();
            (at, "it is not the YAML of a kubeconfig".to_owned())
        }
        KubeconfigError::ReadConfig(e, _) => return unreadable(file, &e),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            (String::new(), "it is of another kind than the files before it".to_owned())
        }
        _ => (String::new(), "it can't be understood".to_owned()),
    };
    Problem::new(
        Kind::BadConfig,
        &format!("can't use the kubeconfig {}{place}", file.display()),
        &why,
        "Correct that place (`kubectl config view` shows what it makes of the file), or leave the file out.",
    )
}

impl Loaded {
    /// A kubeconfig that was never a file.
    pub fn from_value(value: serde_json::Value) -> Result<Self, Problem> {
        let config = serde_json::from_value(value).map_err(|_| {
            let hint = "Its maker must be corrected.";
            Problem::new(Kind::Bug, "can't use the kubeconfig in memory", "it has another form", hint)
        })?;
        Ok(Self { config, ..Self::default() })
    }

    /// Ready to be put into a target.
    pub fn shared(self) -> Arc<Self> {
        Arc::new(self)
    }

    /// What a picker shows.
    pub fn contexts(&self) -> Contexts {
        if self.in_cluster {
            let own = ContextInfo {
                id: IN_CLUSTER.to_owned(),
                name: Clean::new(IN_CLUSTER),
                cluster: Clean::new(IN_CLUSTER),
                server: Clean::new(&in_cluster_url()),
                user: Clean::new("service account"),
                namespace: in_cluster_namespace().as_deref().map(Clean::new),
            };
            return Contexts { current: Some(own.name.clone()), all: vec![own] };
        }
        let all = self.config.contexts.iter().map(|named| self.info(named)).collect();
        Contexts { all, current: self.config.current_context.as_deref().filter(|c| !c.is_empty()).map(Clean::new) }
    }

    fn info(&self, named: &kube::config::NamedContext) -> ContextInfo {
        let context = named.context.clone().unwrap_or_default();
        let server = self.cluster(&context.cluster).and_then(|c| c.server.clone());
        ContextInfo {
            id: named.name.clone(),
            name: Clean::new(&named.name),
            cluster: Clean::new(&context.cluster),
            server: Clean::new(server.as_deref().unwrap_or_default()),
            user: Clean::new(context.user.as_deref().unwrap_or_default()),
            namespace: context.namespace.as_deref().filter(|n| !n.is_empty()).map(Clean::new),
        }
    }

    fn cluster(&self, name: &str) -> Option<&Cluster> {
        self.config.clusters.iter().find(|c| c.name == name).and_then(|c| c.cluster.as_ref())
    }

    /// The context (or the current one) with its cluster and user. What it names must be there.
    pub(crate) fn resolve(&self, context: Option<&str>) -> Result<Resolved, Problem> {
        if self.in_cluster {
            return Ok(in_cluster());
        }
        let wanted = context.or(self.config.current_context.as_deref()).filter(|c| !c.is_empty());
        let Some(name) = wanted else { return Err(self.unknown_context("no context is chosen")) };
        let found = self.config.contexts.iter().find(|c| c.name == name).and_then(|c| c.context.clone());
        let Some(found) = found else {
            return Err(self.unknown_context(&format!("there is no context {name}")));
        };
        let cluster = self.cluster(&found.cluster).cloned().ok_or_else(|| {
            let why = format!("context {name} names cluster {:?}, which is not there", found.cluster);
            self.dangling(Kind::BadConfig, &why)
        })?;
        let user_name = found.user.clone().unwrap_or_default();
        Ok(Resolved {
            context: name.to_owned(),
            cluster_name: found.cluster,
            user: self.user(name, &user_name)?,
            user_name,
            namespace: found.namespace.filter(|n| !n.is_empty()),
            cluster,
        })
    }

    /// An empty user name is allowed (anonymous, as kubectl has it); an unknown one is a mistake.
    fn user(&self, context: &str, name: &str) -> Result<AuthInfo, Problem> {
        if name.is_empty() {
            return Ok(AuthInfo::default());
        }
        let found = self.config.auth_infos.iter().find(|u| u.name == name);
        found.map(|u| u.auth_info.clone().unwrap_or_default()).ok_or_else(|| {
            self.dangling(Kind::UnknownUser, &format!("context {context} names user {name:?}, which is not there"))
        })
    }

    fn unknown_context(&self, why: &str) -> Problem {
        let names: Vec<_> = self.config.contexts.iter().map(|c| c.name.as_str()).collect();
        let hint = match names.as_slice() {
            [] => "The kubeconfig names none.".to_owned(),
            names => format!("Choose one with --context or :ctx. There are: {}.", names.join(", ")),
        };
        Problem::new(Kind::UnknownContext, "can't choose a cluster", why, &hint)
    }

    fn dangling(&self, kind: Kind, why: &str) -> Problem {
        let files: Vec<_> = self.files.iter().map(|f| f.display().to_string()).collect();
        let hint = format!(
            "Add it, or correct the context, in {}.",
            if files.is_empty() { "the kubeconfig".into() } else { files.join(" or ") }
        );
        Problem::new(kind, "can't use the kubeconfig", why, &hint)
    }
}

fn token_file() -> PathBuf {
    Path::new(SERVICE_ACCOUNT).join("token")
}

fn in_cluster_url() -> String {
    let host = env::var("KUBERNETES_SERVICE_HOST").unwrap_or_else(|_| "kubernetes.default.svc".into());
    let port = env::var("KUBERNETES_SERVICE_PORT").unwrap_or_else(|_| "443".into());
    if host.contains(':') { format!("https://[{host}]:{port}") } else { format!("https://{host}:{port}") }
}

fn in_cluster_namespace() -> Option<String> {
    let text = fs::read_to_string(Path::new(SERVICE_ACCOUNT).join("namespace")).ok()?;
    Some(text.trim().to_owned()).filter(|n| !n.is_empty())
}

fn in_cluster() -> Resolved {
    let cluster = Cluster {
        server: Some(in_cluster_url()),
        certificate_authority: Some(format!("{SERVICE_ACCOUNT}/ca.crt")),
        ..Cluster::default()
    };
    let user = AuthInfo { token_file: Some(token_file().display().to_string()), ..AuthInfo::default() };
    Resolved {
        context: IN_CLUSTER.to_owned(),
        cluster_name: IN_CLUSTER.to_owned(),
        user_name: "service account".to_owned(),
        namespace: in_cluster_namespace(),
        cluster,
        user,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, name: &str, text: &str) -> PathBuf {
        let path = dir.join(name);
        fs::write(&path, text).expect("written");
        path
    }

    fn config(context: &str, user: &str) -> String {
        format!(
            "clusters:\n- name: c\n  cluster: {{server: 'https://{context}:1', certificate-authority: ca.pem}}\ncontexts:\n- name: {context}\n  context: {{cluster: c, user: {user}, namespace: n-{context}}}\nusers:\n- name: u\n  user: {{token: secret-{context}}}\ncurrent-context: {context}\n"
        )
    }

    fn listed(files: &[&Path]) -> Source {
        Source { listed: Some(env::join_paths(files).expect("paths")), ..Source::default() }
    }

    #[test]
    fn several_files_merge_and_the_first_wins() {
        let dir = tempfile::tempdir().expect("a directory");
        let (a, b) = (file(dir.path(), "a", &config("one", "u")), file(dir.path(), "b", &config("two", "u")));
        let missing = dir.path().join("missing");
        let loaded = load(&listed(&[&a, &missing, &b])).expect("loaded");
        assert_eq!((&loaded.files, &loaded.absent), (&vec![a.clone(), b.clone()], &vec![missing]));
        let contexts = loaded.contexts();
        assert_eq!(contexts.current, Some(Clean::new("one")));
        assert_eq!(contexts.all.iter().map(|c| c.id.as_str()).collect::<Vec<_>>(), ["one", "two"]);
        let two = loaded.resolve(Some("two")).expect("resolved");
        assert_eq!(two.cluster.server.as_deref(), Some("https://one:1"));
        assert_eq!(two.namespace.as_deref(), Some("n-two"));
        let ca = two.cluster.certificate_authority.expect("a path");
        assert_eq!(Path::new(&ca), dir.path().join("ca.pem"), "relative to the file that says it");
    }

    #[test]
    fn what_a_context_names_must_be_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let source = listed(&[&file(dir.path(), "a", &config("one", "nobody"))]);
        let loaded = load(&source).expect("loaded");
        assert_eq!(loaded.resolve(None).expect_err("unknown user").kind, Kind::UnknownUser);
        let unknown = loaded.resolve(Some("other")).expect_err("unknown context");
        assert_eq!(unknown.kind, Kind::UnknownContext);
        assert!(unknown.hint.as_str().contains("one"), "{}", unknown.hint);
    }

    #[test]
    fn no_file_is_said_calmly_and_a_pod_needs_none() {
        let home = tempfile::tempdir().expect("a directory");
        let source = Source { home: Some(home.path().into()), ..Source::default() };
        assert_eq!(load(&source).expect_err("nothing").kind, Kind::NoConfig);
        let in_pod = load(&Source { in_pod: true, ..source.clone() }).expect("in a pod");
        assert!(in_pod.in_cluster && in_pod.resolve(None).is_ok());
        let explicit = Source { explicit: Some(home.path().join("x")), in_pod: true, ..source };
        assert_eq!(load(&explicit).expect_err("missing").kind, Kind::BadConfig);
    }

    #[test]
    fn a_malformed_file_is_named_with_its_line_and_never_quoted() {
        let dir = tempfile::tempdir().expect("a directory");
        let text = "users:\n- name: u\n  user:\n    token: [abc-secret\n";
        let path = file(dir.path(), "bad", text);
        let problem = load(&listed(&[&path])).expect_err("malformed");
        let words = format!("{problem} {} {problem:?}", problem.hint);
        assert!(words.contains("bad") && words.contains("line"), "{words}");
        assert!(!words.contains("secret"), "{words}");
    }
}
