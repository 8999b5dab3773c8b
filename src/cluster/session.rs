//! One connection to one cluster as one user.
//!
//! Owns the client, its credential and its counters. Every call has a limit in time, is counted, is never retried here,
//! and fails with a [`Problem`] in words. Dropping the future of a call cancels it.

use std::{sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{Request, Response, header};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body, config::AuthInfo};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use super::{
    credentials::{Login, Plugin},
    kubeconfig::Resolved,
    load::Load,
    order::Order,
    problem::{About, Problem, ProblemKind as Kind},
    proxy::ProxyEnv,
    rights::Known,
    signer::{self, Signer},
    target::{Now, Target},
    transport,
    who::{self, Who},
};
use crate::jobs::{text::Clean, time::Secs};

/// A connection, cheap to clone. It is made without waiting for the server; the first call shows whether it answers.
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    who: Who,
    client: Client,
    timeout: Duration,
    now: Now,
    load: Load,
    /// Each page of pods in memory costs as much as all the rows: one is read, one is on its way.
    turns: Arc<Semaphore>,
    access: std::sync::Mutex<Known>,
    /// What the server calls us.
    name: std::sync::OnceLock<Clean>,
    /// Why the server does not take our credential any more; `None` while it does.
    refused: tokio::sync::watch::Sender<Option<Problem>>,
}

/// Makes a session. No network is used, except by a credential plugin or an OIDC refresh.
pub async fn connect(target: Target) -> Result<Session, Problem> {
    let resolved = resolved(&target)?;
    let proxies = ProxyEnv::from_env();
    let config = transport::config(&resolved, &proxies, target.dial.is_some())?;
    let authority = config.root_cert.as_deref().unwrap_or_default().concat();
    let who = Who::of(&target, &resolved, config.proxy_url.as_ref(), &authority);
    let base = match plugin(&resolved)? {
        None => signer::build(config, target.dial.clone(), &who).await?,
        Some(plugin) => {
            let signer = Signer::new(plugin, config, target.dial.clone(), Arc::clone(&target.now), who.clone());
            signer.begin(target.login.clone()).await?;
            signer.client(resolved.namespace.as_deref().unwrap_or("default"))
        }
    };
    Ok(Session(Arc::new(Inner {
        who,
        client: base,
        timeout: target.timeout,
        now: target.now,
        load: Load::default(),
        turns: Arc::new(Semaphore::new(PAGES_AT_ONCE)),
        access: std::sync::Mutex::default(),
        name: std::sync::OnceLock::new(),
        refused: tokio::sync::watch::Sender::new(None),
    })))
}

/// Runs the context's credential plugin on the terminal, for a person to answer it. The caller has handed that over.
pub async fn login(target: &Target) -> Result<Login, Problem> {
    let plugin = plugin(&resolved(target)?)?.ok_or_else(|| {
        let hint = "Log in with your cluster's own tool, then reconnect.";
        Problem::new(Kind::Unauthorized, "can't log in from here", "this context uses no credential plugin", hint)
    })?;
    plugin.interactive().await.map(Login)
}

/// Which cluster a target leads to, whoever goes there: its address, and the CA that its certificate is checked with
/// (empty for the system's). No network is used.
pub fn address(target: &Target) -> Result<(Clean, Vec<u8>), Problem> {
    let resolved = resolved(target)?;
    let authorities = transport::authorities(&resolved)?.unwrap_or_default();
    Ok((who::server(&resolved), authorities.concat()))
}

fn resolved(target: &Target) -> Result<Resolved, Problem> {
    let mut resolved = target.kubeconfig.resolve(target.context.as_deref())?;
    if target.dial.is_none() && !transport::is_private(resolved.cluster.server.as_deref().unwrap_or_default()) {
        // As kubectl does: credentials don't go where anybody on the way can read them.
        let AuthInfo { impersonate, impersonate_groups, impersonate_uid, impersonate_user_extra, .. } = resolved.user;
        resolved.user = AuthInfo {
            impersonate,
            impersonate_groups,
            impersonate_uid,
            impersonate_user_extra,
            ..AuthInfo::default()
        };
    }
    if let Some(name) = &target.act_as {
        resolved.user.impersonate = Some(name.clone());
    }
    if !target.act_as_groups.is_empty() {
        if resolved.user.impersonate.is_none() {
            let hint = "Give --as NAME too.";
            return Err(Problem::new(Kind::BadConfig, "can't impersonate", "--as-group needs a user", hint));
        }
        resolved.user.impersonate_groups = Some(target.act_as_groups.clone());
    }
    Ok(resolved)
}

/// The exec plugin of a user, unless something that comes before it is set.
fn plugin(resolved: &Resolved) -> Result<Option<Plugin>, Problem> {
    let user = &resolved.user;
    let other =
        user.auth_provider.is_some() || user.token.is_some() || user.token_file.is_some() || user.username.is_some();
    let Some(exec) = user.exec.clone().filter(|_| !other) else { return Ok(None) };
    let cluster = if exec.provide_cluster_info {
        let info = kube::config::ExecAuthCluster::try_from(&resolved.cluster);
        let info = info.ok().and_then(|c| serde_json::to_value(c).ok()).ok_or_else(|| {
            let hint = "Correct certificate-authority of that cluster.";
            Problem::new(Kind::BadConfig, "can't tell the plugin about its cluster", "its entry can't be read", hint)
        })?;
        Some(info)
    } else {
        None
    };
    Ok(Some(Plugin { exec, cluster }))
}

impl Session {
    /// Whom it speaks to.
    pub fn who(&self) -> &Who {
        &self.0.who
    }

    /// The client itself, for what has no call here (exec, changes). Its calls are not counted.
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// What it cost the server so far.
    pub fn load(&self) -> &Load {
        &self.0.load
    }

    /// The limit of one call.
    pub fn timeout(&self) -> Duration {
        self.0.timeout
    }

    /// The clock of this session.
    pub fn now(&self) -> Secs {
        (self.0.now)()
    }

    /// How many pages of large objects may be in memory at once.
    pub(super) fn turns(&self) -> &Arc<Semaphore> {
        &self.0.turns
    }

    pub(crate) fn known_access(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.access.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn known_name(&self) -> Option<&Clean> {
        self.0.name.get()
    }

    /// Two who ask at once are told the same.
    pub(crate) fn know_name(&self, name: Clean) -> Clean {
        self.0.name.get_or_init(|| name).clone()
    }

    pub(crate) fn about<'a>(&'a self, doing: &'a str) -> About<'a> {
        self.0.who.about(doing)
    }

    /// GET, whole body. `doing` completes «can't …».
    pub(crate) async fn get(&self, path: &str, accept: &str, doing: &str) -> Result<Bytes, Problem> {
        self.whole(Request::get(path).header(header::ACCEPT, accept).body(Body::empty()), doing).await
    }

    /// GET of a page of objects: the same, and its memory goes back to the system with it. `seen` is shown all that came
    /// so far, each time when something comes.
    pub(super) async fn get_page(
        &self,
        path: &str,
        accept: &str,
        doing: &str,
        seen: impl FnMut(&[u8]) + Send,
    ) -> Result<Bytes, Problem> {
        let request = built(Request::get(path).header(header::ACCEPT, accept).body(Body::empty()), doing)?;
        let call = async {
            let body = self.begun(request, doing).await?.into_body();
            self.collect_into(BytesMut::with_capacity(MAPPED), body, doing, MAX_PAGE, seen).await
        };
        self.limited(doing, call).await
    }

    /// GET, as JSON of this shape.
    pub(crate) async fn get_json<T: DeserializeOwned>(&self, path: &str, doing: &str) -> Result<T, Problem> {
        parsed(&self.get(path, JSON, doing).await?, doing)
    }

    /// POST of a JSON body, for reviews.
    pub(crate) async fn post_json<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &serde_json::Value,
        doing: &str,
    ) -> Result<T, Problem> {
        let request = Request::post(path)
            .header(header::ACCEPT, JSON)
            .header(header::CONTENT_TYPE, JSON)
            .body(Body::from(body.to_string().into_bytes()));
        parsed(&self.whole(request, doing).await?, doing)
    }

    /// Sends an order that the server only rehearses: its path says `dryRun=All`, or it is not sent.
    pub(super) async fn rehearse(&self, order: &Order<'_>) -> Result<Bytes, Problem> {
        let doing = order.doing;
        if !order.path.contains("dryRun=All") {
            return Err(Problem::new(Kind::Bug, &format!("can't {doing}"), "it is no dry run", "Please report this."));
        }
        self.whole(order.request(), doing).await
    }

    /// Sends an order that alters the cluster, once. For `changes` alone (`tests/it/house.rs` holds the code to that).
    pub(crate) async fn alter(&self, order: &Order<'_>) -> Result<serde_json::Value, Problem> {
        parsed(&self.whole(order.request(), order.doing).await?, order.doing)
    }

    /// GET of a stream: the limit covers its beginning only. Uncompressed, or events would wait in a compressor.
    pub(crate) async fn open(&self, path: &str, doing: &str) -> Result<Body, Problem> {
        let request = Request::get(path).header(header::ACCEPT, JSON).header(header::ACCEPT_ENCODING, "identity");
        let request = built(request.body(Body::empty()), doing)?;
        let response = self.limited(doing, self.begun(request, doing)).await?;
        Ok(response.into_body())
    }

    /// Any call: within its time, counted.
    pub(super) async fn limited<T>(
        &self,
        doing: &str,
        call: impl Future<Output = Result<T, Problem>>,
    ) -> Result<T, Problem> {
        self.0.load.request();
        let result = match tokio::time::timeout(self.0.timeout, call).await {
            Ok(result) => result,
            Err(_) => Err(Problem::timeout(doing, self.0.who.server.as_str(), self.0.timeout)),
        };
        let refused = result.as_ref().err().filter(|problem| problem.wants_new_credential());
        match &result {
            Err(problem) if problem.kind == Kind::Forbidden => self.0.load.refusal(),
            Err(_) => self.0.load.failure(),
            Ok(_) => {}
        }
        if result.is_ok() || refused.is_some() {
            self.0.refused.send_if_modified(|before| {
                let differs = before.is_some() != refused.is_some();
                *before = refused.cloned();
                differs
            });
        }
        result
    }

    /// Waits until the server does not take our credential (or we not its certificate), and says why.
    pub async fn signed_out(&self) -> Problem {
        let mut refused = self.0.refused.subscribe();
        let why = refused.wait_for(Option::is_some).await.ok().and_then(|why| why.clone());
        // The sender lives as long as this session.
        why.unwrap_or_else(|| Problem::new(Kind::Bug, "the session ended", "nobody holds it", "Please report this."))
    }

    /// Sends, and turns an error status into a problem.
    async fn begun(&self, request: Request<Body>, doing: &str) -> Result<Response<Body>, Problem> {
        let sent = self.0.client.send(request).await;
        let response = sent.map_err(|e| Problem::of(&e, &self.about(doing)))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = self.collect(body, doing, MAX_ERROR).await.unwrap_or_default();
        Err(Problem::answered(parts.status.as_u16(), &parts.headers, &body, &self.about(doing)))
    }

    /// Sends within the limit of a call; the whole body.
    async fn whole(&self, request: Result<Request<Body>, http::Error>, doing: &str) -> Result<Bytes, Problem> {
        let request = built(request, doing)?;
        let call = async { self.collect(self.begun(request, doing).await?.into_body(), doing, MAX_BODY).await };
        self.limited(doing, call).await
    }

    pub(super) async fn collect(&self, body: Body, doing: &str, most: usize) -> Result<Bytes, Problem> {
        self.collect_into(BytesMut::new(), body, doing, most, |_| ()).await
    }

    async fn collect_into(
        &self,
        mut all: BytesMut,
        mut body: Body,
        doing: &str,
        most: usize,
        mut seen: impl FnMut(&[u8]) + Send,
    ) -> Result<Bytes, Problem> {
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|e| {
                let error: &(dyn std::error::Error + 'static) = &e;
                Problem::of(error, &self.about(doing))
            })?;
            let Ok(data) = frame.into_data() else { continue };
            self.0.load.bytes(data.len());
            if all.len() + data.len() > most {
                return Err(Problem::unexpected(doing, "the answer is too large"));
            }
            all.extend_from_slice(&data);
            seen(&all);
        }
        Ok(all.freeze())
    }
}

/// Pages of objects in memory: one is read, one is on its way.
pub(super) const PAGES_AT_ONCE: usize = 2;
pub(crate) const JSON: &str = "application/json";
/// An error's body is a Status or a page of text.
const MAX_ERROR: usize = 256 * 1024;
/// A page of 250 objects of half a megabyte each; etcd's limit of one is 1.5 MB, and pods have some 10 kB.
const MAX_PAGE: usize = 128 << 20;
/// Any other answer: objects, discovery, a schema, numbers of a job.
pub(super) const MAX_BODY: usize = 64 << 20;
/// Room that glibc maps for itself and unmaps when it is freed. After the first smaller one it keeps such room in its heap
/// for good (mallopt(3), `M_MMAP_THRESHOLD`). What is not written to is not there.
const MAPPED: usize = 33 << 20;

pub(super) fn built(request: Result<Request<Body>, http::Error>, doing: &str) -> Result<Request<Body>, Problem> {
    request.map_err(|e| Problem::new(Kind::Bug, &format!("can't {doing}"), &e.to_string(), "Please report this."))
}

fn parsed<T: DeserializeOwned>(body: &[u8], doing: &str) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|e| Problem::unexpected(doing, &json_trouble(&e)))
}

/// serde's words for malformed JSON name a place, never the content of strings.
fn json_trouble(error: &serde_json::Error) -> String {
    format!("the answer is not the JSON we expect (line {}, column {})", error.line(), error.column())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::kubeconfig::Loaded;

    #[test]
    fn no_credential_goes_to_a_server_that_others_can_listen_to() {
        let user = |server: &str| {
            let kubeconfig = Loaded::from_value(serde_json::json!({
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "secret", "exec": {"command": "login"}}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x"
            }));
            let mut target = Target::new(kubeconfig.expect("a kubeconfig").shared());
            target.act_as = Some("ana".to_owned());
            resolved(&target).expect("a context").user
        };
        let shown = user("http://192.0.2.2:8080");
        assert!(shown.token.is_none() && shown.exec.is_none());
        assert_eq!(shown.impersonate.as_deref(), Some("ana"));
        assert!(user("http://127.0.0.1:8080").token.is_some() && user("https://192.0.2.2").token.is_some());
    }
}
