//! Lists that are being read page by page: every page is of the same moment.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::json;
use tokio::time::Instant;

use crate::sim::store::{Obj, Refusal, Resource, Selector};

/// As long as etcd keeps a revision by default.
const LIFE: Duration = Duration::from_mins(5);
/// The form of tokens.
const VERSION: &str = "meta.k8s.io/v1";
/// Lists kept at once; the oldest goes first.
const KEPT: usize = 64;

/// The rest of a list, which shares its objects with the rests before and after it.
#[derive(Clone)]
pub(super) struct Rest {
    pub(super) version: u64,
    all: Arc<[Obj]>,
    from: usize,
    /// By what they were chosen.
    selector: Arc<Selector>,
}

impl Rest {
    /// All of these objects, which `selector` chose.
    pub(super) fn new(version: u64, items: Vec<Obj>, selector: Selector) -> Self {
        Self { version, all: items.into(), from: 0, selector: Arc::new(selector) }
    }

    /// Of what is left, what another selector chooses: each page is held against its own.
    pub(super) fn selected(self, resource: &Resource, selector: &Selector) -> Self {
        if *self.selector == *selector {
            return self;
        }
        let items = self.items().iter().filter(|object| selector.matches(resource, object)).cloned().collect();
        Self::new(self.version, items, selector.clone())
    }

    /// The objects that are left.
    pub(super) fn items(&self) -> &[Obj] {
        &self.all[self.from..]
    }

    /// What follows the first `count` objects; nothing if there are no more.
    pub(super) fn after(&self, count: usize) -> Self {
        Self { from: self.all.len().min(self.from + count), ..self.clone() }
    }
}

/// Lists in the middle of being read.
#[derive(Default)]
pub(super) struct Snapshots(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    next: u64,
    lists: VecDeque<Entry>,
}

struct Entry {
    number: u64,
    of: &'static Resource,
    since: Instant,
    rest: Rest,
}

impl Snapshots {
    /// Keeps the rest of a list, which begins at the place `start`, and gives the token that asks for it. The same token
    /// can be used again.
    pub(super) fn keep(&self, of: &'static Resource, rest: Rest, start: &str) -> String {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        while kept.lists.len() >= KEPT || kept.lists.front().is_some_and(|entry| now - entry.since > LIFE) {
            kept.lists.pop_front();
        }
        kept.next += 1;
        let number = kept.next;
        let token = encode(rest.version as i64, number, start);
        kept.lists.push_back(Entry { number, of, since: now, rest });
        token
    }

    /// The rest that a token asks for.
    pub(super) fn find(&self, of: &Resource, token: &str) -> Result<Continue, Refusal> {
        let refuse =
            |why: &str| Refusal::bad_request(format!("invalid continue token: continue key is not valid: {why}"));
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).map_err(|_| refuse("illegal base64 data at input byte 0"))?;
        let invalid = || {
            let first = bytes.first().copied().unwrap_or_default();
            refuse(&format!("invalid character '\\x{first:02x}' looking for beginning of value"))
        };
        let read: serde_json::Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        if let Some(version) = Some(read["v"].as_str().unwrap_or_default()).filter(|v| *v != VERSION) {
            return Err(refuse(&format!("server does not recognize this encoded version {version}")));
        }
        let start = read["start"].as_str().ok_or_else(invalid)?;
        if read["rv"].as_i64() == Some(-1) {
            return Ok(Continue::From(start.to_owned()));
        }
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut living = kept.lists.iter().filter(|entry| entry.since.elapsed() <= LIFE);
        match living.find(|entry| Some(entry.number) == read["list"].as_u64()) {
            Some(entry) if entry.of == of => Ok(Continue::Rest(entry.rest.clone())),
            Some(_) => Ok(Continue::From(start.to_owned())),
            None => Err(expired(start)),
        }
    }

    /// Forgets all: every token is expired.
    pub(super) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).lists.clear();
    }
}

/// What a token leads to.
pub(super) enum Continue {
    /// The same moment.
    Rest(Rest),
    /// Another moment, from this `namespace/name` on.
    From(String),
}

/// The place of an object in the order of a list.
pub(super) fn place(object: &Obj) -> String {
    format!("{}/{}", object.namespace, object.name)
}

fn encode(version: i64, list: u64, start: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(json!({"v": VERSION, "rv": version, "start": start, "list": list}).to_string())
}

/// 410, with a token for who can live with a list of two moments.
fn expired(start: &str) -> Refusal {
    let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";
    Refusal { resume: Some(encode(-1, 0, start)), ..Refusal::new(410, "Expired", message) }
}
