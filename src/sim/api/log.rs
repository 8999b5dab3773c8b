//! The `log` subresource: what a kubelet gives of a container's output, as `kubectl logs` asks for it.

use std::io;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures::stream;
use hyper::body::Bytes;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Admitted, Query, Reply, Server, reply};
use crate::sim::clock::Clock;
use crate::sim::output::Output;
use crate::sim::store::resource::{NODES, PODS};
use crate::sim::store::{Feed, Obj, Refusal, Store};

/// Bytes made at once.
const PIECE: usize = 32 << 10;
/// How long a follower waits at most before it looks again.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

/// What of a log is wanted.
#[derive(Clone, Debug, Default)]
struct Wish {
    follow: bool,
    timestamps: bool,
    tail: Option<u64>,
    since: Option<Timestamp>,
    limit: Option<usize>,
}

impl Server {
    /// Answers a log request.
    pub(super) fn log(&self, request: &Admitted) -> Result<Reply, Refusal> {
        let asked = &request.asked;
        let pod = self.store.get(&PODS, &asked.namespace, &asked.name)?;
        let tree = pod.value();
        let wish = Wish::read(&request.query, &asked.name, self.store.clock().now())?;
        let container = container(&tree, &asked.name, request.query.get("container"))?;
        if tree["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
            return Ok(reply::nothing(204));
        }
        self.reach_kubelet(&tree, &container)?;
        let previous = request.query.flag("previous");
        check_state(&tree, &asked.name, &container, previous)?;
        let Some(follower) = self.follower(&pod, &container, previous, wish) else {
            return Ok(reply::text(200, Bytes::new()));
        };
        let pieces =
            stream::unfold(follower, |mut f| async move { f.next().await.map(|piece| (Ok::<_, io::Error>(piece), f)) });
        Ok(reply::streamed("text/plain", pieces))
    }

    /// What a container writes from now on.
    pub(super) fn attached(&self, pod: &Obj, container: &str) -> Option<Follower> {
        self.follower(pod, container, false, Wish { follow: true, tail: Some(0), ..Wish::default() })
    }

    /// Begins to read what a container's run wrote; `None` where nothing is known of it.
    fn follower(&self, pod: &Obj, container: &str, previous: bool, wish: Wish) -> Option<Follower> {
        let tree = pod.value();
        let outputs = self.outputs.read().unwrap_or_else(PoisonError::into_inner).clone();
        let output = outputs?.open(&tree, container, previous)?;
        let (store, clock) = (self.store.clone(), self.store.clock());
        let now = clock.now();
        let keeps = self.faults.plan().log_keeps_lines;
        let rotated = if keeps > 0 { output.written(now).saturating_sub(keeps) } else { 0 };
        Some(Follower {
            next: wish.first_line(output.as_ref(), now).max(rotated),
            feed: wish.follow.then(|| store.subscribe(&[&PODS])),
            store,
            clock,
            output,
            pod: Arc::clone(pod),
            run: Run::of(&tree, container),
            container: container.to_owned(),
            wish,
            sent: 0,
            midline: false,
            over: previous,
        })
    }

    /// 500 where the pod's node does not answer.
    pub(super) fn reach_kubelet(&self, pod: &Value, container: &str) -> Result<(), Refusal> {
        let node = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        let Ok(node) = self.store.get(&NODES, "", node) else { return Ok(()) };
        let tree = node.value();
        let ready = tree["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Ready");
        if ready.is_none_or(|c| c["status"] == "True") {
            return Ok(());
        }
        let address = tree["status"]["addresses"][0]["address"].as_str().unwrap_or("10.0.0.1");
        let (namespace, name) = (&pod["metadata"]["namespace"], &pod["metadata"]["name"]);
        let path =
            format!("{}/{}/{container}", namespace.as_str().unwrap_or_default(), name.as_str().unwrap_or_default());
        let message = format!(
            "Get \"https://{address}:10250/containerLogs/{path}\": dial tcp {address}:10250: connect: no route to host"
        );
        Err(Refusal::new(500, "", message))
    }
}

/// 422 for the parameters of a log request.
fn bad_options(pod: &str, faults: &[(&str, &str, String)]) -> Refusal {
    let causes: Vec<Value> =
        faults.iter().map(|(reason, field, said)| json!({"reason": reason, "message": said, "field": field})).collect();
    let said: Vec<String> = faults.iter().map(|(_, field, said)| format!("{field}: {said}")).collect();
    let said = if said.len() == 1 { said.concat() } else { format!("[{}]", said.join(", ")) };
    let details = json!({"name": pod, "kind": "PodLogOptions", "causes": causes});
    Refusal { details, ..Refusal::new(422, "Invalid", format!("PodLogOptions \"{pod}\" is invalid: {said}")) }
}

/// The container that is meant, refused if that is not clear.
pub(super) fn container(pod: &Value, name: &str, asked: &str) -> Result<String, Refusal> {
    let names = |list: &str| -> Vec<String> {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers.filter_map(|c| c["name"].as_str().map(str::to_owned)).collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    if !asked.is_empty() {
        return if main.iter().chain(&init).chain(&names("ephemeralContainers")).any(|n| n == asked) {
            Ok(asked.to_owned())
        } else {
            Err(Refusal::bad_request(format!("container {asked} is not valid for pod {name}")))
        };
    }
    if main.len() + init.len() == 1 {
        return Ok(main.into_iter().chain(init).collect());
    }
    let all = init.iter().chain(&main).cloned().collect::<Vec<_>>().join(" ");
    Err(Refusal::bad_request(format!("a container name must be specified for pod {name}, choose one of: [{all}]")))
}

/// The status of a container of either kind; null if it has none.
pub(super) fn status<'p>(pod: &'p Value, container: &str) -> &'p Value {
    let lists = ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"];
    let all = lists.iter().flat_map(|list| pod["status"][list].as_array().into_iter().flatten());
    all.into_iter().find(|s| s["name"] == container).unwrap_or(&Value::Null)
}

/// 400 for a container that has no log of this kind.
fn check_state(pod: &Value, name: &str, container: &str, previous: bool) -> Result<(), Refusal> {
    let status = status(pod, container);
    let refuse = |why: String| Err(Refusal::bad_request(why));
    if previous {
        return if status["lastState"]["terminated"].is_object() {
            Ok(())
        } else {
            refuse(format!("previous terminated container \"{container}\" in pod \"{name}\" not found"))
        };
    }
    let waiting = &status["state"]["waiting"];
    let ran_before = status["lastState"]["terminated"].is_object();
    match waiting["reason"].as_str() {
        _ if status.is_null() => {
            refuse(format!("container \"{container}\" in pod \"{name}\" is waiting to start: ContainerCreating"))
        }
        Some("ErrImagePull" | "ImagePullBackOff") => {
            let why = "trying and failing to pull image";
            refuse(format!("container \"{container}\" in pod \"{name}\" is waiting to start: {why}"))
        }
        Some(reason) if !ran_before => {
            refuse(format!("container \"{container}\" in pod \"{name}\" is waiting to start: {reason}"))
        }
        _ => Ok(()),
    }
}

impl Wish {
    fn read(query: &Query, pod: &str, now: Timestamp) -> Result<Self, Refusal> {
        let number = |key: &str| -> Result<Option<i64>, Refusal> {
            let text = query.get(key);
            let refuse = |_| Refusal::bad_request(format!("strconv.ParseInt: parsing \"{text}\": invalid syntax"));
            if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(refuse) }
        };
        let (tail, seconds, limit) = (number("tailLines")?, number("sinceSeconds")?, number("limitBytes")?);
        let mut since = None;
        if query.has("sinceTime") {
            let text = query.get("sinceTime");
            since = Some(text.parse().map_err(|_| Refusal::bad_request(format!("parsing time \"{text}\" failed")))?);
        }
        let mut faults: Vec<(&str, &str, String)> = Vec::new();
        for (field, value, least, said) in [
            ("tailLines", tail, 0, "greater than or equal to 0"),
            ("limitBytes", limit, 1, "greater than 0"),
            ("sinceSeconds", seconds.filter(|_| since.is_none()), 1, "greater than 0"),
        ] {
            if let Some(value) = value.filter(|value| *value < least) {
                faults.push(("FieldValueInvalid", field, format!("Invalid value: {value}: must be {said}")));
            }
        }
        if since.is_some() && seconds.is_some() {
            let said = "Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified".to_owned();
            faults.push(("FieldValueForbidden", "[]", said));
        }
        if query.has("stream") {
            faults.push(("FieldValueForbidden", "stream", "Forbidden: may not be specified".to_owned()));
        }
        if !faults.is_empty() {
            return Err(bad_options(pod, &faults));
        }
        let ago = |seconds| now.checked_sub(SignedDuration::from_secs(seconds)).ok();
        Ok(Self {
            follow: query.flag("follow"),
            timestamps: query.flag("timestamps"),
            tail: tail.and_then(|n| u64::try_from(n).ok()),
            since: since.or(seconds.and_then(ago)),
            limit: limit.and_then(|n| usize::try_from(n).ok()),
        })
    }

    /// The number of the first line that is wanted.
    fn first_line(&self, output: &dyn Output, now: Timestamp) -> u64 {
        let written = output.written(now);
        // Lines are in order of time: the first not older than `since` is found by halving.
        let from_since = self.since.map_or(0, |since| {
            let (mut low, mut high) = (0, written);
            while low < high {
                let middle = low + (high - low) / 2;
                if output.line(middle).0 < since { low = middle + 1 } else { high = middle }
            }
            low
        });
        from_since.max(self.tail.map_or(0, |tail| written.saturating_sub(tail)))
    }
}

/// Which run of a container it is, and when it ended.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    restarts: i64,
    running: bool,
}

impl Run {
    fn of(pod: &Value, container: &str) -> Self {
        let status = status(pod, container);
        Self { restarts: status["restartCount"].as_i64().unwrap_or(0), running: status["state"]["running"].is_object() }
    }
}

/// One log request that is being answered.
pub(super) struct Follower {
    store: Store,
    feed: Option<Feed>,
    clock: Clock,
    output: Arc<dyn Output>,
    pod: Obj,
    container: String,
    run: Run,
    wish: Wish,
    next: u64,
    sent: usize,
    /// What was sent last had no line end.
    midline: bool,
    over: bool,
}

impl Follower {
    /// The next piece of the body; `None` at its end.
    pub(super) async fn next(&mut self) -> Option<Bytes> {
        loop {
            let now = self.clock.now();
            // Looked at before reading: what the container wrote last is read after its end is known.
            let ended = !self.wish.follow || self.over || self.has_ended();
            let piece = self.read(now);
            if !piece.is_empty() {
                return Some(piece.into());
            }
            if ended || self.wish.limit.is_some_and(|limit| self.sent >= limit) {
                return None;
            }
            self.wait(now).await;
        }
    }

    fn read(&mut self, now: Timestamp) -> Vec<u8> {
        let written = self.output.written(now);
        let mut piece = Vec::new();
        while self.next < written && piece.len() < PIECE {
            let (at, written) = self.output.line(self.next);
            if self.wish.timestamps && !self.midline {
                piece.extend_from_slice(at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string().as_bytes());
            }
            piece.extend_from_slice(&written.bytes);
            if written.ended {
                piece.push(b'\n');
            }
            self.midline = !written.ended;
            self.next += 1;
        }
        if let Some(limit) = self.wish.limit {
            piece.truncate(limit.saturating_sub(self.sent));
            if piece.is_empty() {
                self.next = written;
            }
        }
        self.sent += piece.len();
        piece
    }

    /// Whether the run that is followed is over.
    fn has_ended(&self) -> bool {
        let Ok(pod) = self.store.get(&PODS, &self.pod.namespace, &self.pod.name) else { return true };
        if pod.uid != self.pod.uid {
            return true;
        }
        let run = Run::of(&pod.value(), &self.container);
        run.restarts != self.run.restarts || !run.running
    }

    /// Waits for the next line or a change of some pod.
    async fn wait(&mut self, now: Timestamp) {
        let until = self.output.next(now).unwrap_or(Timestamp::MAX);
        let pause = Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO).min(LOOK_AGAIN);
        let Some(feed) = self.feed.as_mut() else { return };
        let mut wait = std::pin::pin!(tokio::time::sleep(pause.max(Duration::from_millis(1))));
        loop {
            tokio::select! {
                () = &mut wait => return,
                () = feed.ready() => {
                    let mine = |changes: Vec<crate::sim::store::Change>| {
                        changes.iter().any(|c| c.object.name == self.pod.name && c.object.namespace == self.pod.namespace)
                    };
                    if feed.take().map_or(true, mine) {
                        return;
                    }
                }
            }
        }
    }
}
