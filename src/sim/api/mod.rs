//! The API server: HTTP requests in, answers of a real server out, over the [`Store`].
//!
//! Owns the order in which a request is looked at: faults, sign-in, rights, route, answer. Must not decide what the
//! store may hold, nor what jobs do.

mod binding;
mod body;
mod builtin;
mod counters;
mod discovery;
mod ephemeral;
mod escalation;
mod events;
mod evict;
mod exec;
mod fault;
mod form;
mod go;
mod list;
mod log;
mod measured;
mod meta;
mod odd;
mod openapi;
mod options;
mod partial;
mod patch;
mod protobuf;
mod proxy;
mod rbac;
mod reply;
mod resize;
mod resource_metrics;
mod review;
mod scale;
mod snapshots;
mod subresources;
mod table;
mod token;
mod validate;
mod visibility;
mod volumes;
mod watch;
mod write;

use std::sync::{Arc, RwLock};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, Request};
use http_body_util::{BodyExt, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::upgrade::OnUpgrade;
use tokio_util::sync::CancellationToken;

pub use counters::Counters;
use form::Form;
pub use reply::Reply;

pub use super::asked::Asked;
use super::asked::Query;
use super::faults::{Faults, Plan};
use super::numbers::Numbers;
use super::output::Outputs;
use super::release::Release;
use super::store::{Refusal, Resource, Selector, Store, resource};
use super::users::{User, Users};

/// Largest body taken, as etcd's limit makes it.
const LARGEST_BODY: usize = 3 << 20;

/// What those are told who ask for Endpoints.
const DEPRECATED: &str = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

/// The API server. One for all connections.
pub struct Server {
    pub(super) store: Store,
    pub(super) users: Users,
    pub(super) faults: Faults,
    pub(super) counters: Counters,
    pub(super) outputs: RwLock<Option<Arc<dyn Outputs>>>,
    pub(super) numbers: RwLock<Option<Arc<Numbers>>>,
    release: Release,
    /// Ends sessions that have outlived their request.
    stop: CancellationToken,
    files: exec::Files,
    snapshots: snapshots::Snapshots,
}

/// A request that was let in.
struct Admitted {
    asked: Asked,
    query: Query,
    user: User,
    headers: HeaderMap,
    body: Bytes,
    /// The connection, if the client wants to speak something else on it.
    upgrade: Option<OnUpgrade>,
}

impl Server {
    pub(super) fn new(store: Store, users: Users, faults: Faults, release: Release, stop: CancellationToken) -> Self {
        let (counters, outputs, numbers) = (Counters::default(), RwLock::new(None), RwLock::new(None));
        let (files, snapshots) = (exec::Files::default(), snapshots::Snapshots::default());
        Self { store, users, faults, counters, outputs, numbers, release, stop, files, snapshots }
    }

    /// Answers one request.
    pub(super) async fn handle(self: &Arc<Self>, mut request: Request<Incoming>) -> Reply {
        let upgrade = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let asked = Asked::parse(&parts.method, parts.uri.path(), &query);
        self.counters.count(&asked, &query);
        let plan = self.faults.plan();
        let path = parts.uri.path().to_owned();
        let deprecated = self.release.deprecates_endpoints()
            && asked.group.is_empty()
            && asked.resource == resource::ENDPOINTS.plural;
        let yaml = header(&parts.headers, "accept").trim_start().starts_with("application/yaml");
        let mut answer = match self.admit(&plan, asked, query, parts.headers, body).await {
            Ok(admitted) => {
                let answer = if measured::is(&admitted) {
                    self.measured(&admitted).await
                } else {
                    self.dispatch(&parts.method, &Admitted { upgrade, ..admitted })
                };
                let answer = answer.unwrap_or_else(|refusal| reply::refused(&refusal));
                if deprecated { reply::warned(answer, DEPRECATED) } else { answer }
            }
            Err(refusal) => reply::refused(&refusal),
        };
        if let Ok(date) = HeaderValue::from_str(&self.store.clock().http_date()) {
            answer.headers_mut().insert("date", date);
        }
        if let Some(how) = self.tears(&plan, path == CONTROL || answer.status() == 101) {
            answer = reply::torn(answer, how, self.faults.draw(4));
        }
        reply::slowed(if yaml { reply::as_yaml(answer).await } else { answer }, plan.body_pause_ms)
    }

    async fn admit(
        &self,
        plan: &Plan,
        asked: Asked,
        query: Query,
        headers: HeaderMap,
        body: Incoming,
    ) -> Result<Admitted, Refusal> {
        if plan.latency_ms > 0 {
            self.store.clock().sleep(Duration::from_millis(plan.latency_ms)).await;
        }
        let user = self.users.sign_in(&headers)?;
        user.check(&asked.narrowed(&query))?;
        if asked.path != CONTROL {
            self.strike(plan, &asked)?;
        }
        let body = Limited::new(body, LARGEST_BODY).collect().await.map_err(|_| {
            Refusal::new(413, "RequestEntityTooLarge", format!("Request entity too large: limit is {LARGEST_BODY}"))
        })?;
        let mut body = body.to_bytes();
        if protobuf::is(&body) {
            let read = protobuf::read(&body).ok_or_else(|| {
                let known = "application/json, application/yaml";
                let message =
                    format!("the body of the request was in an unknown format - accepted media types include: {known}");
                Refusal::new(415, "UnsupportedMediaType", message)
            })?;
            body = read.to_string().into();
        }
        Ok(Admitted { asked, query, user, headers, body, upgrade: None })
    }

    fn tears(&self, plan: &Plan, spared: bool) -> Option<reply::Torn> {
        if spared {
            None
        } else if self.faults.strikes(plan.truncate) {
            Some(reply::Torn::Broken)
        } else {
            self.faults.strikes(plan.half_lines).then_some(reply::Torn::HalfLine)
        }
    }

    fn strike(&self, plan: &Plan, asked: &Asked) -> Result<(), Refusal> {
        let reads = matches!(asked.verb.as_str(), "list" | "watch");
        if reads && self.faults.strikes(plan.throttle) {
            let refusal = Refusal::new(429, "TooManyRequests", "storage is (re)initializing");
            let details = serde_json::json!({"retryAfterSeconds": 1});
            return Err(Refusal { retry_after: Some(1), details, ..refusal });
        }
        if self.faults.strikes(plan.unauthorized) {
            return Err(Refusal::new(401, "Unauthorized", "Unauthorized"));
        }
        if self.faults.strikes(plan.unavailable) {
            return Err(Refusal::new(
                503,
                "ServiceUnavailable",
                "the server is currently unable to handle the request",
            ));
        }
        if !asked.resource.is_empty() && self.faults.strikes(plan.errors) {
            return Err(Refusal::new(500, "InternalError", "Internal error occurred: etcdserver: request timed out"));
        }
        Ok(())
    }

    fn dispatch(self: &Arc<Self>, method: &Method, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        if asked.resource.is_empty() {
            return self.plain(method, request);
        }
        if asked.group == "authorization.k8s.io" || asked.group == "authentication.k8s.io" {
            return self.review(request);
        }
        if asked.group == visibility::GROUP {
            return visibility::answer(&self.store, request);
        }
        let Some(resource) = self.store.resource(&asked.group, &asked.version, &asked.resource) else {
            return Ok(self.unserved(asked));
        };
        if is_misplaced(resource, asked) {
            return if resource.custom { Ok(reply::page_not_found()) } else { Err(no_such_resource()) };
        }
        if *resource == resource::PROJECTS && asked.verb == "list" {
            return Ok(self.projects(request));
        }
        if resource.is_measured() {
            return self.resource_metrics(resource, request);
        }
        if asked.subresource == "resize" && !self.release.resizes() {
            return Err(no_such_resource());
        }
        if !allowed(resource, asked) {
            return Err(method_not_allowed());
        }
        match (asked.subresource.as_str(), asked.verb.as_str()) {
            ("log", "get") if *resource == resource::PODS => self.log(request),
            ("binding", "create") if *resource == resource::PODS => self.bind(request),
            ("eviction", "create") if *resource == resource::PODS => self.evict(request),
            ("ephemeralcontainers" | "resize", "get") if *resource == resource::PODS => self.get(resource, request),
            ("ephemeralcontainers", "update" | "patch") if *resource == resource::PODS => self.ephemeral(request),
            ("resize", "update" | "patch") if *resource == resource::PODS => self.resize(request),
            ("proxy", _) if *resource == resource::PODS => self.proxy(request),
            ("token", "create") if *resource == resource::SERVICEACCOUNTS => self.token(request),
            ("exec" | "attach" | "portforward", "get" | "create") if *resource == resource::PODS => {
                self.connect(request)
            }
            ("", "list") => self.list(resource, request),
            ("", "watch") => self.watch(resource, request),
            ("" | "status", "get") if asked.subresource.is_empty() || resource.status => self.get(resource, request),
            ("", _) => self.write(resource, request),
            ("scale", "get" | "update" | "patch") if resource.scale.is_some() => self.scale(resource, request),
            ("status", "update" | "patch") if resource.status => self.write(resource, request),
            _ if resource.custom => Err(Refusal::not_found(resource, &asked.name)),
            (below, _) if subresources::of(resource, self.release).iter().any(|known| known.name == below) => {
                Err(method_not_allowed())
            }
            _ => Err(no_such_resource()),
        }
    }

    fn get(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let form = Form::of_one(request, resource)?;
        let asked = &request.asked;
        let (version, current) = (list::version_of(&request.query)?, self.store.version());
        if version > current {
            return Err(list::too_large(version, current));
        }
        let object = self.store.get(resource.kept(), &asked.object_namespace(resource), &asked.name)?;
        let body = form.one(resource, &object, &request.query, &self.store);
        Ok(reply::json(200, body, reply::JSON))
    }

    /// The namespaces that the user may get, as Projects.
    fn projects(&self, request: &Admitted) -> Reply {
        let may = |name: &str| {
            let get = Asked {
                verb: "get".into(),
                version: "v1".into(),
                resource: "namespaces".into(),
                namespace: name.into(),
                ..Asked::default()
            };
            request.user.allowed_by(&get).is_some()
        };
        let listed = self.store.list(&resource::NAMESPACES, None, &Selector::default());
        let items = listed.items.iter().map(|object| object.value()["metadata"].clone());
        let items: Vec<_> = items
            .filter(|meta| meta["name"].as_str().is_some_and(may))
            .map(|metadata| serde_json::json!({"metadata": metadata, "spec": {}, "status": {"phase": "Active"}}))
            .collect();
        let metadata = serde_json::json!({"resourceVersion": listed.version.to_string()});
        reply::value(
            200,
            &serde_json::json!({"kind": "ProjectList", "apiVersion": "project.openshift.io/v1", "metadata": metadata, "items": items}),
        )
    }

    /// A resource that is not served: a built-in group-version answers with a Status, all else plain text.
    fn unserved(&self, asked: &Asked) -> Reply {
        let served =
            self.store.offered().iter().any(|r| !r.custom && r.group == asked.group && r.version == asked.version);
        if served { reply::refused(&no_such_resource()) } else { reply::page_not_found() }
    }

    /// Paths that are no resources.
    fn plain(&self, method: &Method, request: &Admitted) -> Result<Reply, Refusal> {
        if request.asked.path == CONTROL {
            return Ok(self.control(method, request));
        }
        discovery::answer(&self.store, self.release, method, request)
    }

    /// The switchboard of faults: GET says what is set, POST changes it.
    fn control(&self, method: &Method, request: &Admitted) -> Reply {
        let mut order = Order::default();
        if method == Method::POST {
            order = match serde_json::from_slice(&request.body) {
                Ok(order) => order,
                Err(error) => return reply::refused(&Refusal::bad_request(error.to_string())),
            };
            if let Some(plan) = order.plan.take() {
                self.faults.set(plan);
            }
            if order.cut {
                self.faults.cut_watches();
            }
            if order.compact {
                self.faults.expire();
                self.snapshots.clear();
            }
            if order.gone_s > 0 {
                self.faults.gone(Duration::from_secs(order.gone_s));
            }
            if order.install {
                let operators = resource::of_age(false).filter(|r| r.custom);
                operators.filter(|r| !NOT_INSTALLED.contains(r)).for_each(|r| self.store.serve(r));
            }
        }
        let renewed = order.renew.as_deref().and_then(|name| self.users.renew(name));
        reply::value(
            200,
            &serde_json::json!({"plan": self.faults.plan(), "requests": self.counters.all(), "token": renewed}),
        )
    }
}

/// Where faults are set.
const CONTROL: &str = "/mpideck-sim/faults";

/// What the switchboard takes.
#[derive(Default, serde::Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Order {
    plan: Option<Plan>,
    cut: bool,
    compact: bool,
    gone_s: u64,
    /// Ends this user's token; the answer has the new one.
    renew: Option<String>,
    /// Serves the kinds of the operators from now on.
    install: bool,
}

/// What installing the operators does not bring.
static NOT_INSTALLED: [&Resource; 1] = [&resource::PROJECTS];

/// Whether a place has this method: collections are made in and looked at, objects changed and removed.
fn allowed(resource: &Resource, asked: &Asked) -> bool {
    let one = !asked.name.is_empty();
    match asked.verb.as_str() {
        "create" => !one || !asked.subresource.is_empty(),
        "update" | "patch" => one,
        "deletecollection" => *resource != resource::NAMESPACES,
        _ => true,
    }
}

/// Whether a path names a namespace that the resource doesn't have, or none where it needs one. What was allowed inside
/// a namespace must not reach what belongs to all.
fn is_misplaced(resource: &Resource, asked: &Asked) -> bool {
    if asked.namespace.is_empty() {
        return resource.namespaced && !matches!(asked.verb.as_str(), "list" | "watch");
    }
    // The path of a namespace names it as its place, too.
    let is_itself = *resource == resource::NAMESPACES && asked.namespace == asked.name;
    !resource.namespaced && !is_itself
}

fn method_not_allowed() -> Refusal {
    let message = "the server does not allow this method on the requested resource";
    Refusal { details: serde_json::json!({}), ..Refusal::new(405, "MethodNotAllowed", message) }
}

fn no_such_resource() -> Refusal {
    let refusal = Refusal::new(404, "NotFound", "the server could not find the requested resource");
    Refusal { details: serde_json::json!({}), ..refusal }
}

/// A header's text.
fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).map(HeaderValue::to_str).and_then(Result::ok).unwrap_or_default()
}
