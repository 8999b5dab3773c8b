//! Watching: what was, then what happens, line by line at the client's pace.
//!
//! A watch is a cursor in the store's history, polled by its own response body: nothing is queued, nothing leaks when
//! the client leaves, and who falls too far behind is told 410.

use std::collections::VecDeque;
use std::time::Duration;

use futures::{StreamExt, stream};
use hyper::body::Bytes;
use serde_json::json;
use tokio::sync::watch as switch;
use tokio::time::Instant;

use super::list::{check_numbers, invalid_options, invalid_options_all, too_large, version_of};
use super::{Admitted, Form, Query, Reply, Server, header, reply, table};
use crate::sim::faults::Blow;
use crate::sim::store::resource::PODS;
use crate::sim::store::{Change, ChangeKind, Feed, Obj, Refusal, Resource, Selector, Store};

/// How often a quiet watch gets a bookmark.
const BOOKMARK_EVERY: Duration = Duration::from_mins(1);
/// Lines sent as one piece.
const AT_ONCE: usize = 64;
/// How long a watch lives that says nothing about it.
const DEFAULT_LIFE: Duration = Duration::from_mins(45);

/// One open watch.
struct Watch {
    store: Store,
    resource: &'static Resource,
    namespace: Option<String>,
    selector: Selector,
    form: Form,
    query: Query,
    feed: Feed,
    /// Objects that are told before the changes.
    initial: VecDeque<Obj>,
    /// The end of the initial objects is still to be told, at this version.
    initial_end: Option<u64>,
    bookmarks: bool,
    /// Nothing has been sent yet: a table still has to say its columns.
    first: bool,
    next_bookmark: Instant,
    ends: Instant,
    blows: switch::Receiver<(u64, Blow)>,
    over: bool,
}

impl Server {
    /// Opens a watch.
    pub(super) fn watch(&self, resource: &'static Resource, request: &Admitted) -> Result<Reply, Refusal> {
        let form = Form::of(request)?;
        if header(&request.headers, "accept").trim_start().starts_with("application/yaml") {
            let known = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
            let message = format!("only the following media types are accepted: {known}");
            return Err(Refusal::new(406, "NotAcceptable", message));
        }
        let query = &request.query;
        let selector = Selector::parse(resource, query.get("labelSelector"), query.get("fieldSelector"))?;
        check_numbers(query)?;
        if query.has("sendInitialEvents") && !self.release.streams_lists() {
            let why = "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
            return Err(invalid_options(&format!("sendInitialEvents: Forbidden: {why}")));
        }
        let send_initial = initial_events(query)?;
        let asked = version_of(query)?;
        let scope = request.asked.scope(resource);
        let current = self.store.version();
        let ahead = (send_initial == Some(true) && asked > current).then(|| too_large(asked, current));
        let (feed, initial, initial_end) = if send_initial.unwrap_or(asked == 0) {
            let listed = self.store.list(resource, scope, &selector);
            let feed = self.store.subscribe_from(&[resource], listed.version);
            let end = send_initial.filter(|_| query.flag("allowWatchBookmarks"));
            (feed, listed.items.into(), end.map(|_| listed.version))
        } else if asked == 0 {
            (self.store.subscribe(&[resource]), VecDeque::new(), None)
        } else {
            (self.store.subscribe_from(&[resource], asked), VecDeque::new(), None)
        };
        // What has less than no time ends at once; 0 is as good as nothing said.
        let life = query.number("timeoutSeconds").filter(|s| *s != 0).map(|s| u64::try_from(s).unwrap_or(0));
        let now = Instant::now();
        let mut watch = Watch {
            store: self.store.clone(),
            resource,
            namespace: scope.map(str::to_owned),
            selector,
            form,
            query: query.clone(),
            feed,
            initial,
            initial_end,
            bookmarks: query.flag("allowWatchBookmarks"),
            first: true,
            next_bookmark: now + BOOKMARK_EVERY,
            ends: now + life.map_or(DEFAULT_LIFE, Duration::from_secs),
            blows: self.faults.blows(),
            over: false,
        };
        let refused = ahead.map(|refusal| watch.fail(&refusal));
        let refused = stream::iter(refused.map(Ok));
        let lines =
            stream::unfold(watch, |mut watch| async move { watch.next().await.map(|lines| (Ok(lines), watch)) });
        Ok(reply::streamed(reply::JSON, refused.chain(lines)))
    }
}

/// Whether a watch-list is asked for, and whether it may be.
fn initial_events(query: &Query) -> Result<Option<bool>, Refusal> {
    let matching = query.get("resourceVersionMatch");
    let unknown =
        format!("resourceVersionMatch: Unsupported value: \"{matching}\": supported values: \"NotOlderThan\"");
    if !query.has("sendInitialEvents") {
        let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        let why = format!("resourceVersionMatch: Forbidden: {why}");
        return match matching {
            "" if query.has("continue") => {
                let why = "resourceVersionMatch is forbidden when continue is provided";
                Err(invalid_options(&format!("resourceVersionMatch: Forbidden: {why}")))
            }
            "" => Ok(None),
            "NotOlderThan" => Err(invalid_options(&why)),
            _ => Err(invalid_options_all(&[&why, &unknown])),
        };
    }
    if matching != "NotOlderThan" {
        let why =
            "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        let all = [why, unknown.as_str()];
        return Err(invalid_options_all(if matching.is_empty() { &all[..1] } else { &all }));
    }
    Ok(Some(query.flag("sendInitialEvents")))
}

impl Watch {
    /// The next lines; `None` when the watch has ended.
    async fn next(&mut self) -> Option<Bytes> {
        if self.over {
            return None;
        }
        if !self.initial.is_empty() {
            let some: Vec<Obj> = self.initial.drain(..self.initial.len().min(AT_ONCE)).collect();
            return Some(some.iter().flat_map(|o| self.line(ChangeKind::Added, o)).collect());
        }
        if let Some(version) = self.initial_end.take() {
            return Some(self.bookmark(version, true));
        }
        loop {
            match self.feed.take() {
                Err(lagged) => return Some(self.fail(&Refusal::expired(lagged.asked, lagged.oldest))),
                Ok(changes) => {
                    let mut lines: Vec<u8> = Vec::new();
                    for change in &changes {
                        if let Some(kind) = change.seen_by(self.namespace.as_deref(), &self.selector) {
                            lines.extend(self.told(kind, change));
                        }
                    }
                    if !lines.is_empty() {
                        return Some(lines.into());
                    }
                }
            }
            if let Some(lines) = self.wait().await {
                return lines;
            }
        }
    }

    /// Waits for changes (`None`), or for the end of the watch or a bookmark (`Some`).
    async fn wait(&mut self) -> Option<Option<Bytes>> {
        tokio::select! {
            biased;
            () = blown(&mut self.blows) => {
                let blow = self.blows.borrow_and_update().1;
                let now = self.store.version();
                Some((blow == Blow::Expire).then(|| self.fail(&Refusal::expired(self.feed.version(), now))))
            }
            () = self.feed.ready() => None,
            () = tokio::time::sleep_until(self.ends) => Some(None),
            () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks => {
                self.next_bookmark = Instant::now() + BOOKMARK_EVERY;
                Some(Some(self.bookmark(self.feed.version(), false)))
            }
        }
    }

    /// Ends the watch with an error line.
    fn fail(&mut self, refusal: &Refusal) -> Bytes {
        self.over = true;
        format!("{{\"type\":\"ERROR\",\"object\":{}}}\n", refusal.status()).into()
    }

    /// The line of a change. Who leaves a selection is told as it was in it, under the version of its leaving.
    fn told(&mut self, kind: ChangeKind, change: &Change) -> Vec<u8> {
        match &change.before {
            Some(before) if kind == ChangeKind::Deleted && change.kind == ChangeKind::Modified => {
                let left = self.store.as_of(self.resource, before, change.object.version);
                self.line(kind, &left)
            }
            _ => self.line(kind, &change.object),
        }
    }

    fn line(&mut self, kind: ChangeKind, object: &Obj) -> Vec<u8> {
        let body = if self.form == Form::Table && !std::mem::take(&mut self.first) {
            let row = table::row(self.resource, object, self.query.get("includeObject"), self.store.clock().now());
            table::later(&object.version.to_string(), &row)
        } else {
            self.form.one(self.resource, object, &self.query, &self.store)
        };
        let head = format!("{{\"type\":\"{}\",\"object\":", kind.word());
        [head.as_bytes(), &body, b"}\n"].concat()
    }

    fn bookmark(&self, version: u64, initial_end: bool) -> Bytes {
        let mut meta = json!({"resourceVersion": version.to_string()});
        if initial_end {
            meta["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let mut object = match self.form {
            Form::Whole => json!({"kind": self.resource.kind, "apiVersion": self.resource.api_version()}),
            Form::Metadata => json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1"}),
            Form::Table => {
                let row = table::bookmark(self.resource, &meta, self.store.clock().now());
                let table = table::later(&version.to_string(), &row);
                return [b"{\"type\":\"BOOKMARK\",\"object\":".as_slice(), &table, b"}\n"].concat().into();
            }
        };
        if self.form == Form::Whole && *self.resource == PODS {
            object["spec"] = json!({"containers": null});
            object["status"] = json!({});
        }
        object["metadata"] = meta;
        format!("{{\"type\":\"BOOKMARK\",\"object\":{object}}}\n").into()
    }
}

/// Comes back when a fault strikes the watches.
async fn blown(blows: &mut switch::Receiver<(u64, Blow)>) {
    if blows.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
