//! A server of a few objects and many faults, in this process, for tests of what reads from one.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Frame, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{Session, Target, connect, kubeconfig::Loaded};

pub(crate) type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A session with a server that answers with `handle`.
pub(crate) async fn session<H>(handle: H) -> Session
where
    H: Fn(Request<Incoming>) -> Answer + Send + Sync + 'static,
{
    session_of(Target::new(kubeconfig().shared()), handle).await
}

/// The same for a target that is something special, like its clock.
pub(crate) async fn session_of<H>(mut target: Target, handle: H) -> Session
where
    H: Fn(Request<Incoming>) -> Answer + Send + Sync + 'static,
{
    let handle = Arc::new(handle);
    target.dial = Some(Arc::new(move || {
        let (near, far) = tokio::io::duplex(64 * 1024);
        let handle = Arc::clone(&handle);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = handle(request);
                async move { Ok::<_, Infallible>(answer) }
            });
            // It ends when the client goes away; there is nobody left to tell.
            let _gone = http1::Builder::new().serve_connection(TokioIo::new(far), service).await;
        });
        Ok(near)
    }));
    connect(target).await.expect("a session")
}

pub(crate) fn kubeconfig() -> Loaded {
    let value = json!({
        "clusters": [{"name": "c", "cluster": {"server": "http://sim.invalid"}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u", "namespace": "team-a"}}],
        "current-context": "x"
    });
    Loaded::from_value(value).expect("a kubeconfig")
}

pub(crate) fn answer(code: u16, body: &Value) -> Answer {
    text(code, body.to_string())
}

/// The same with the text as it is.
pub(crate) fn text(code: u16, body: String) -> Answer {
    let body = Full::new(Bytes::from(body)).boxed();
    Response::builder().status(code).header("content-type", "application/json").body(body).expect("a response")
}

pub(crate) fn status(code: u16, message: &str) -> Answer {
    answer(code, &json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}))
}

pub(crate) fn param(request: &Request<Incoming>, name: &str) -> Option<String> {
    let query = request.uri().query().unwrap_or_default();
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(k, _)| *k == name).map(|(_, v)| v.to_owned())
}

/// One resource with versions, pages and a watch log.
#[derive(Clone, Default)]
pub(crate) struct Store(Arc<Inner>);

struct Inner {
    data: Mutex<Data>,
    /// Counts up with each change; watches wait on it.
    changed: watch::Sender<u64>,
    /// Counts up to cut every open watch.
    cut: watch::Sender<u64>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { data: Mutex::default(), changed: watch::channel(0).0, cut: watch::channel(0).0 }
    }
}

#[derive(Default)]
pub(crate) struct Data {
    objects: BTreeMap<String, Value>,
    log: Vec<(u64, Value)>,
    version: u64,
    /// Versions up to this one are forgotten.
    forgotten: u64,
    made: u64,
    /// Answers to give before any real one.
    pub(crate) faults: VecDeque<fn() -> Answer>,
    pub(crate) no_watch: bool,
    pub(crate) no_list: bool,
    pub(crate) requests: Vec<String>,
}

impl Store {
    pub(crate) fn data(&self) -> MutexGuard<'_, Data> {
        self.0.data.lock().expect("not poisoned")
    }

    /// Makes or changes an object.
    pub(crate) fn put(&self, name: &str, spec: &Value) {
        let mut data = self.data();
        data.version += 1;
        let (version, made) = (data.version, data.made + 1);
        let old = data.objects.get(name).map(|old| old["metadata"]["uid"].clone());
        if old.is_none() {
            data.made = made;
        }
        let uid = old.unwrap_or_else(|| json!(format!("00000000-0000-0000-0000-{made:012x}")));
        let object = json!({"metadata": {"name": name, "namespace": "team-a", "uid": uid, "resourceVersion": version.to_string()}, "spec": spec});
        let kind = if data.objects.insert(name.to_owned(), object.clone()).is_some() { "MODIFIED" } else { "ADDED" };
        data.log.push((version, json!({"type": kind, "object": object})));
        self.0.changed.send_replace(version);
    }

    pub(crate) fn delete(&self, name: &str) {
        let mut data = self.data();
        let Some(mut object) = data.objects.remove(name) else { return };
        data.version += 1;
        let version = data.version;
        object["metadata"]["resourceVersion"] = json!(version.to_string());
        data.log.push((version, json!({"type": "DELETED", "object": object})));
        self.0.changed.send_replace(version);
    }

    /// Ends every open watch, as a restarting server does.
    pub(crate) fn cut(&self) {
        self.0.cut.send_modify(|n| *n += 1);
    }

    /// Forgets history: a watch from before gets 410.
    pub(crate) fn compact(&self) {
        let mut data = self.data();
        data.forgotten = data.version;
        data.log.clear();
    }

    /// Uid and spec of all there is.
    pub(crate) fn objects(&self) -> BTreeMap<String, Value> {
        self.data().objects.clone()
    }

    pub(crate) fn handle(&self, request: &Request<Incoming>) -> Answer {
        let mut data = self.data();
        data.requests.push(request.uri().to_string());
        if let Some(fault) = data.faults.pop_front() {
            return fault();
        }
        let verb = if param(request, "watch").is_some() { "watch" } else { "list" };
        if (verb == "watch" && data.no_watch) || (verb == "list" && data.no_list) {
            return status(
                403,
                &format!(
                    "mpijobs.kubeflow.org is forbidden: User \"u\" cannot {verb} resource \"mpijobs\" in API group \"kubeflow.org\" in the namespace \"team-a\""
                ),
            );
        }
        if verb == "list" {
            return data.page(param(request, "limit"), param(request, "continue"));
        }
        let from: u64 = param(request, "resourceVersion").and_then(|v| v.parse().ok()).unwrap_or(0);
        if from < data.forgotten {
            let gone = json!({"type": "ERROR", "object": {"kind": "Status", "reason": "Expired", "code": 410}});
            return answer(200, &gone);
        }
        drop(data);
        self.stream(from)
    }

    fn stream(&self, from: u64) -> Answer {
        let (store, changed, cut) = (self.clone(), self.0.changed.subscribe(), self.0.cut.subscribe());
        let started = *cut.borrow();
        let stream = futures::stream::unfold(
            (store, changed, cut, from),
            move |(store, mut changed, mut cut, from)| async move {
                loop {
                    if *cut.borrow() != started {
                        return None;
                    }
                    if from == u64::MAX {
                        return None;
                    }
                    if from < store.data().forgotten {
                        let gone =
                            json!({"type": "ERROR", "object": {"kind": "Status", "reason": "Expired", "code": 410}});
                        return Some((
                            Ok(Frame::data(Bytes::from(format!("{gone}\n")))),
                            (store, changed, cut, u64::MAX),
                        ));
                    }
                    let (text, last) = store.data().since(from);
                    if !text.is_empty() {
                        return Some((
                            Ok::<_, Infallible>(Frame::data(Bytes::from(text))),
                            (store, changed, cut, last),
                        ));
                    }
                    tokio::select! {
                        _ = changed.changed() => {}
                        _ = cut.changed() => {}
                        () = tokio::time::sleep(Duration::from_mins(1)) => {
                            let mark = json!({"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": from.to_string()}}});
                            return Some((Ok(Frame::data(Bytes::from(format!("{mark}\n")))), (store, changed, cut, from)));
                        }
                    }
                }
            },
        );
        Response::builder().body(BodyExt::boxed(StreamBody::new(SyncStream::new(stream)))).expect("a response")
    }
}

impl Data {
    fn since(&self, from: u64) -> (String, u64) {
        let new = self.log.iter().filter(|(at, _)| *at > from);
        let text = new.flat_map(|(_, event)| [event.to_string(), "\n".to_owned()]).collect();
        (text, self.log.last().map_or(from, |(at, _)| (*at).max(from)))
    }

    fn page(&self, limit: Option<String>, from: Option<String>) -> Answer {
        let limit = limit.and_then(|l| l.parse().ok()).unwrap_or(usize::MAX);
        let from = from.unwrap_or_default();
        let mut rest = self.objects.iter().filter(|(name, _)| **name > from);
        let items: Vec<_> = rest.by_ref().take(limit).collect();
        let next = if rest.next().is_some() { items.last().map_or("", |(name, _)| name.as_str()) } else { "" };
        let objects: Vec<_> = items.iter().map(|(_, o)| o).collect();
        answer(
            200,
            &json!({"metadata": {"resourceVersion": self.version.to_string(), "continue": next}, "items": objects}),
        )
    }
}

/// `BoxBody` wants `Sync`; a stream behind a lock is.
pub(crate) struct SyncStream<S>(Mutex<std::pin::Pin<Box<S>>>);

impl<S> SyncStream<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(Mutex::new(Box::pin(stream)))
    }
}

impl<S: futures::Stream> futures::Stream for SyncStream<S> {
    type Item = S::Item;

    fn poll_next(self: std::pin::Pin<&mut Self>, cx: &mut std::task::Context<'_>) -> std::task::Poll<Option<S::Item>> {
        self.0.lock().expect("not poisoned").as_mut().poll_next(cx)
    }
}
