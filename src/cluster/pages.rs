//! Lists read page by page, the next page on its way while one is read.
//!
//! Owns `limit` and `continue`, and how many pages of pods are in memory. Must not know what is on a page: who reads it
//! says what follows.

use std::sync::Arc;

use bytes::Bytes;
use futures::{FutureExt as _, future::BoxFuture};
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::AbortOnDropHandle;

use super::{
    paths,
    problem::{Problem, ProblemKind},
    session::{PAGES_AT_ONCE, Session},
};

/// A list that is being read. Dropping it cancels what is on its way.
pub(super) struct Pages {
    session: Session,
    ask: Arc<Ask>,
    at: At,
    /// The token of the page before.
    last: String,
    read: usize,
}

/// What all pages of a list have in common.
#[derive(Clone)]
struct Ask {
    url: String,
    accept: &'static str,
    doing: String,
    turns: Arc<Semaphore>,
}

/// Which page comes next.
enum At {
    First,
    After(String),
    Coming(Coming),
    End,
}

/// A page that was asked for, after this token.
struct Coming {
    token: String,
    page: AbortOnDropHandle<Result<Page, Problem>>,
}

/// A page as it came. Its turn ends with it.
pub(super) struct Page {
    pub(super) body: Bytes,
    next: Option<Coming>,
    _turn: Option<OwnedSemaphorePermit>,
}

impl Pages {
    /// A list at this path, so many objects a page. `doing` completes «can't …».
    pub(super) fn new(
        session: &Session,
        path: &str,
        (query, limit): (&[(&str, &str)], &str),
        accept: &'static str,
        doing: &str,
    ) -> Self {
        let mut pairs = query.to_vec();
        pairs.push(("limit", limit));
        let url = format!("{path}{}", paths::query(&pairs));
        let ask = Ask { url, accept, doing: doing.to_owned(), turns: Arc::new(Semaphore::new(PAGES_AT_ONCE)) };
        Self { session: session.clone(), ask: Arc::new(ask), at: At::First, last: String::new(), read: 0 }
    }

    /// Pages of large objects wait for their turn, so that no more than two are in memory, whatever is read at once.
    pub(super) fn in_turn(mut self, in_turn: bool) -> Self {
        if in_turn {
            Arc::make_mut(&mut self.ask).turns = Arc::clone(self.session.turns());
        }
        self
    }

    /// The next page, `None` after the last.
    pub(super) async fn next(&mut self) -> Result<Option<Page>, Problem> {
        let asked = |after| fetch(self.session.clone(), Arc::clone(&self.ask), after);
        let (token, mut page) = match std::mem::replace(&mut self.at, At::End) {
            At::End => return Ok(None),
            At::First => (String::new(), asked(String::new()).await?),
            At::After(token) => (token.clone(), asked(token).await?),
            At::Coming(coming) => (coming.token, coming.page.await.map_err(|error| self.lost(&error))??),
        };
        self.read += 1;
        if self.read > MOST_PAGES || (!token.is_empty() && token == self.last) {
            return Err(Problem::unexpected(&self.ask.doing, "its pages have no end"));
        }
        self.last = token;
        if let Some(coming) = page.next.take() {
            self.at = At::Coming(coming);
        }
        Ok(Some(page))
    }

    /// What the page that was read says comes after it: a token, or nothing.
    pub(super) fn go_on(&mut self, token: String) {
        match &self.at {
            At::Coming(coming) if coming.token == token => {}
            _ if token.is_empty() => self.at = At::End,
            _ => self.at = At::After(token),
        }
    }

    fn lost(&self, error: &tokio::task::JoinError) -> Problem {
        let what = format!("can't {}", self.ask.doing);
        Problem::new(ProblemKind::Bug, &what, &error.to_string(), "Please report this.")
    }
}

/// More pages than any list has.
const MOST_PAGES: usize = 20_000;

/// Reads a page, and asks for the one after it as soon as its first bytes say what that is.
fn fetch(session: Session, ask: Arc<Ask>, after: String) -> BoxFuture<'static, Result<Page, Problem>> {
    async move {
        // Nobody closes it.
        let turn = Arc::clone(&ask.turns).acquire_owned().await.ok();
        let url = if after.is_empty() { ask.url.clone() } else { paths::with(&ask.url, "continue", &after) };
        let coming = |token: String| {
            let page = tokio::spawn(fetch(session.clone(), Arc::clone(&ask), token.clone()));
            Coming { token, page: AbortOnDropHandle::new(page) }
        };
        let (mut looked, mut next) = (false, None);
        let seen = |so_far: &[u8]| {
            if !looked && so_far.len() >= HEAD {
                (looked, next) = (true, told_first(so_far).map(coming));
            }
        };
        let body = session.get_page(&url, ask.accept, &ask.doing, seen).await?;
        if !looked {
            next = told_first(&body).map(coming);
        }
        Ok(Page { body, next, _turn: turn })
    }
    .boxed()
}

/// Bytes at the beginning of a page, within which its metadata end if they are told first.
const HEAD: usize = 2048;

/// The token of the next page where the server writes it before the objects, as it does for its own kinds.
fn told_first(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Head {
        metadata: Meta,
    }
    #[derive(Deserialize)]
    struct Meta {
        r#continue: String,
    }
    const ITEMS: &[u8] = br#""items":"#;
    let head = &body[..body.len().min(HEAD)];
    let end = head.windows(ITEMS.len()).position(|bytes| bytes == ITEMS)?;
    let head = [&head[..end + ITEMS.len()], b"null}"].concat();
    let Head { metadata: Meta { r#continue } } = serde_json::from_slice(&head).ok()?;
    Some(r#continue).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use futures::{StreamExt as _, stream};
    use http_body_util::{BodyExt, StreamBody};
    use hyper::body::Frame;
    use tokio::sync::Notify;

    use super::*;
    use crate::cluster::{
        session::JSON,
        testing::{self, SyncStream},
    };

    /// A server of three pages, which writes its tokens before or after the objects, and what it was asked for.
    async fn server(before: bool) -> (Session, Arc<Mutex<Vec<String>>>) {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        let session = testing::session(move |request| {
            log.lock().expect("not poisoned").push(request.uri().to_string());
            let page =
                testing::param(&request, "continue").map_or(1, |token| token.trim_end().parse().expect("a page"));
            let next = if page < 3 { (page + 1).to_string() } else { String::new() };
            let (meta, items) = (format!(r#""metadata":{{"continue":"{next}"}}"#), format!(r#""items":[{page}]"#));
            let body = if before { format!("{{{meta},{items}}}") } else { format!("{{{items},{meta}}}") };
            testing::text(200, body)
        });
        (session.await, asked)
    }

    #[tokio::test]
    async fn every_page_is_asked_for_once_wherever_its_token_is_written() {
        #[derive(Deserialize)]
        struct List {
            metadata: Meta,
            items: [u8; 1],
        }
        #[derive(Deserialize)]
        struct Meta {
            r#continue: String,
        }
        for before in [true, false] {
            let (session, asked) = server(before).await;
            let mut pages =
                Pages::new(&session, "/api/v1/pods", (&[("a", "b")], "250"), JSON, "list pods").in_turn(true);
            let mut read = Vec::new();
            while let Some(page) = pages.next().await.expect("a page") {
                let list: List = serde_json::from_slice(&page.body).expect("a list");
                read.extend(list.items);
                pages.go_on(list.metadata.r#continue);
            }
            assert_eq!(read, [1, 2, 3]);
            let first = "/api/v1/pods?a=b&limit=250";
            let urls = [first.to_owned(), format!("{first}&continue=2"), format!("{first}&continue=3")];
            assert_eq!(*asked.lock().expect("not poisoned"), urls);
        }
    }

    #[tokio::test]
    async fn a_list_that_goes_in_a_circle_is_ended() {
        for before in [true, false] {
            let session = testing::session(move |_| {
                let (meta, items) = (r#""metadata":{"continue":"again"}"#, r#""items":[]"#);
                testing::text(200, if before { format!("{{{meta},{items}}}") } else { format!("{{{items},{meta}}}") })
            });
            let mut pages = Pages::new(&session.await, "/api/v1/pods", (&[], "250"), JSON, "list pods");
            let mut read = 0;
            let problem = loop {
                match pages.next().await {
                    Ok(page) => assert!(page.is_some(), "it says that there is more"),
                    Err(problem) => break problem,
                }
                pages.go_on("again".to_owned());
                read += 1;
            };
            assert_eq!((read, problem.why.as_str()), (2, "its pages have no end"));
        }
    }

    #[tokio::test]
    async fn one_page_is_on_its_way_while_one_is_read_and_no_third() {
        let (session, asked) = server(true).await;
        let mut pages = Pages::new(&session, "/api/v1/pods", (&[], "250"), JSON, "list pods").in_turn(true);
        let count = || asked.lock().expect("not poisoned").len();
        let first = pages.next().await.expect("a page").expect("the first");
        let second = pages.next().await.expect("a page").expect("the second");
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        assert_eq!(count(), 2, "both are in memory");
        drop(first);
        let third = pages.next().await.expect("a page").expect("the third");
        pages.go_on(String::new());
        drop((second, third));
        assert!(pages.next().await.expect("the end").is_none());
        assert_eq!(count(), 3);
    }

    #[tokio::test]
    async fn the_next_page_is_asked_for_before_the_end_of_one_has_come() {
        // The first page ends when the second was asked for; nobody else ends it.
        let asked = Arc::new(Notify::new());
        let session = testing::session(move |request| {
            if testing::param(&request, "continue").is_some() {
                asked.notify_one();
                return testing::text(200, r#"{"metadata":{"continue":""},"items":[]}"#.to_owned());
            }
            let begin = format!(r#"{{"metadata":{{"continue":"2"}},"items":[{}"#, " ".repeat(2 * HEAD));
            let held = Arc::clone(&asked);
            let end = stream::once(async move {
                held.notified().await;
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"]}")))
            });
            let body = stream::iter([Ok(Frame::data(Bytes::from(begin)))]).chain(end);
            let body = BodyExt::boxed(StreamBody::new(SyncStream::new(body)));
            http::Response::builder().header("content-type", "application/json").body(body).expect("a response")
        });
        let mut pages = Pages::new(&session.await, "/api/v1/pods", (&[], "250"), JSON, "list pods").in_turn(true);
        let first = tokio::time::timeout(Duration::from_mins(1), pages.next());
        let first = first.await.expect("the second is asked for while the first comes").expect("a page");
        assert!(first.is_some_and(|page| page.body.ends_with(b"]}")));
        assert!(pages.next().await.expect("a page").is_some());
    }

    #[test]
    fn a_token_is_known_before_the_objects_where_it_comes_before_them() {
        let told = |body: &str| told_first(body.as_bytes());
        assert_eq!(told(r#"{"kind":"PodList","metadata":{"continue":"a b"},"items":[{"#).as_deref(), Some("a b"));
        assert_eq!(told(r#"{"kind":"PodList","metadata":{"resourceVersion":"1"},"items":[]}"#), None);
        assert_eq!(told(r#"{"kind":"PodList","metadata":{"continue":""},"items":[]}"#), None);
        assert_eq!(told(r#"{"items":[{"metadata":{"continue":"x"}}],"metadata":{"continue":"y"}}"#), None);
        assert_eq!(told("no list"), None);
    }
}
