//! From the API's JSON to rows, the moment it enters.
//!
//! Owns which fields are read and how much a malformed object may lack: it becomes one row with a warning, and never
//! fails its page. Nothing of the JSON is kept. A page is read in one pass, object by object, borrowing from its bytes.

mod event;
mod gang;
mod job;
mod lenient;
mod load;
mod node;
mod odd;
mod parts;
mod pod;
mod queues;
pub(crate) mod slim;
mod workload;

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

use crate::jobs::{
    fleet::{ListOf, Row},
    text::{Clean, Uid},
};
use lenient::{Obj, Text};
use parts::Meta;

/// One page of a list.
#[derive(Debug, Default)]
pub struct Page {
    /// Its objects.
    pub rows: Vec<Row>,
    /// The version to watch from.
    pub resource_version: String,
    /// Token of the next page, empty on the last.
    pub next: String,
}

/// One line of a watch.
#[derive(Debug)]
pub enum Seen {
    /// New or changed; its version.
    Upsert(Box<Row>, String),
    /// Gone; the version of its end.
    Removed(Uid, String),
    /// Nothing changed up to this version.
    Bookmark(String),
    /// The server ends the watch: the Status as it came.
    Failed(Vec<u8>),
    /// A type of event that we don't know.
    Other,
}

/// An object as it comes over the wire.
trait Wire<'a>: Deserialize<'a> + Default {
    fn version(&self) -> &str;
    fn into_row(self, of: ListOf, odd: bool) -> Row;
}

macro_rules! wire {
    ($($ty:ident => |$wire:ident, $of:ident, $odd:ident| $row:expr;)*) => {$(
        impl<'a> Wire<'a> for $ty<'a> {
            fn version(&self) -> &str {
                self.metadata.0.resource_version.as_str()
            }
            fn into_row(self, $of: ListOf, $odd: bool) -> Row {
                let $wire = self;
                $row
            }
        }
    )*};
}

use event::EventWire;
use job::JobWire;
use pod::PodWire;
use workload::WorkloadWire;

wire! {
    JobWire => |w, of, odd| Row::Job(w.row(kind_of(of), odd));
    PodWire => |w, _of, odd| Row::Pod(w.row(odd));
    EventWire => |w, _of, _odd| Row::Event(w.row());
    WorkloadWire => |w, _of, _odd| Row::Workload(w.row());
}

fn kind_of(of: ListOf) -> crate::jobs::kind::Kind {
    match of {
        ListOf::Jobs(kind) => kind,
        _ => crate::jobs::kind::Kind::MpiJob,
    }
}

/// Calls a generic function with the wire type of a list.
macro_rules! for_list {
    ($of:expr, $call:ident($($arg:expr),*)) => {
        match $of {
            ListOf::Jobs(_) => $call::<JobWire<'_>>($($arg),*),
            ListOf::Pods | ListOf::JobSetPods => $call::<PodWire<'_>>($($arg),*),
            ListOf::Warnings => $call::<EventWire<'_>>($($arg),*),
            ListOf::Workloads => $call::<WorkloadWire<'_>>($($arg),*),
        }
    };
}

/// Reads a page. Fails only if it is not the JSON of a list at all.
pub fn page(of: ListOf, body: &[u8]) -> Result<Page, serde_json::Error> {
    for_list!(of, page_as(of, body))
}

/// Reads one line of a watch.
pub fn seen(of: ListOf, line: &[u8]) -> Result<Seen, serde_json::Error> {
    #[derive(Deserialize)]
    struct Frame<'a> {
        #[serde(borrow)]
        r#type: Text<'a>,
        #[serde(borrow)]
        object: &'a RawValue,
    }
    if let Some(("ADDED" | "MODIFIED", object)) = cut(line)
        && let Some((row, version)) = for_list!(of, typed(of, object))
    {
        return Ok(Seen::Upsert(Box::new(row), version));
    }
    let frame: Frame<'_> = serde_json::from_slice(line)?;
    let object = frame.object.get();
    match frame.r#type.as_str() {
        "ADDED" | "MODIFIED" => {
            let (row, version) = for_list!(of, object_as(of, object));
            Ok(Seen::Upsert(Box::new(row), version))
        }
        "DELETED" => {
            let meta = bare_meta(object)?;
            Ok(Seen::Removed(meta.uid(), meta.resource_version.as_str().to_owned()))
        }
        "BOOKMARK" => Ok(Seen::Bookmark(bare_meta(object)?.resource_version.as_str().to_owned())),
        "ERROR" => Ok(Seen::Failed(object.as_bytes().to_vec())),
        _ => Ok(Seen::Other),
    }
}

/// Reads one object of a list, for whoever has got it by another way.
pub(crate) fn row(of: ListOf, object: &str) -> Row {
    for_list!(of, object_as(of, object)).0
}

fn page_as<'a, W: Wire<'a>>(of: ListOf, body: &'a [u8]) -> Result<Page, serde_json::Error> {
    let mut read = Reading { page: Page::default(), odd: Vec::new(), has_items: false };
    let mut json = serde_json::Deserializer::from_slice(body);
    let seed = PageSeed::<W> { of, read: &mut read, wire: PhantomData };
    if seed.deserialize(&mut json).and_then(|()| json.end()).is_err() {
        return page_by_item::<W>(of, body);
    }
    whole(&read.page, read.has_items)?;
    if !read.odd.is_empty() {
        name_odd_fields(&mut read, body);
    }
    Ok(read.page)
}

/// Something in it can't be taken even leniently: every object by itself, so that it concerns only that one.
fn page_by_item<'a, W: Wire<'a>>(of: ListOf, body: &'a [u8]) -> Result<Page, serde_json::Error> {
    let raw: RawPage<'a> = serde_json::from_slice(body)?;
    let has_items = raw.items.is_some();
    let rows = raw.items.into_iter().flatten().map(|item| object_as::<W>(of, item.get()).0).collect();
    let Obj(meta) = raw.metadata;
    let page =
        Page { rows, resource_version: meta.resource_version.0.into_owned(), next: meta.r#continue.0.into_owned() };
    whole(&page, has_items)?;
    Ok(page)
}

/// An answer with neither items nor version is no list, and must not be taken for an empty one.
fn whole(page: &Page, has_items: bool) -> Result<(), serde_json::Error> {
    if has_items && !page.resource_version.is_empty() {
        return Ok(());
    }
    Err(serde::de::Error::custom("neither items nor version"))
}

/// One object: typed, else by way of a tree (which settles double keys), else its name alone.
fn object_as<'a, W: Wire<'a>>(of: ListOf, object: &'a str) -> (Row, String) {
    typed::<W>(of, object).unwrap_or_else(|| (rescued(of, object), version_of(object)))
}

fn typed<'a, W: Wire<'a>>(of: ListOf, object: &'a str) -> Option<(Row, String)> {
    let Ok(wire) = serde_json::from_str::<W>(object) else {
        // What was odd about it must not be told of the next one.
        lenient::odd_met();
        return None;
    };
    let trouble = lenient::odd_met().then(|| odd_words(object));
    let version = wire.version().to_owned();
    let mut row = wire.into_row(of, trouble.is_some());
    if let Some(words) = trouble {
        warn(&mut row, &words);
    }
    Some((row, version))
}

/// Type and object of a line as API servers write it, the type first: no pass over the object to find its end.
fn cut(line: &[u8]) -> Option<(&str, &str)> {
    let rest = std::str::from_utf8(line).ok()?.strip_prefix("{\"type\":\"")?;
    let (kind, rest) = rest.split_once("\",\"object\":")?;
    Some((kind, rest.strip_suffix('}')?))
}

fn rescued(of: ListOf, object: &str) -> Row {
    let tree: serde_json::Value = serde_json::from_str(object).unwrap_or_default();
    let text = tree.to_string();
    let mut row = for_list!(of, rescued_as(of, &text));
    lenient::odd_met();
    warn(&mut row, "the object can only be read in part");
    row
}

fn rescued_as<'a, W: Wire<'a>>(of: ListOf, text: &'a str) -> Row {
    serde_json::from_str::<W>(text).unwrap_or_default().into_row(of, true)
}

fn version_of(object: &str) -> String {
    bare_meta(object).map(|m| m.resource_version.0.into_owned()).unwrap_or_default()
}

fn warn(row: &mut Row, words: &str) {
    match row {
        Row::Job(job) => job.warning = Some(Clean::new(words)),
        Row::Pod(pod) => pod.warning = Some(Clean::new(words)),
        Row::Event(_) | Row::Workload(_) => {}
    }
}

fn odd_words(object: &str) -> String {
    let tree = serde_json::from_str(object).unwrap_or_default();
    odd::describe(&tree).unwrap_or_else(|| "a field is of another type than the API says".to_owned())
}

fn name_odd_fields(read: &mut Reading, body: &[u8]) {
    let Ok(raw) = serde_json::from_slice::<RawPage<'_>>(body) else { return };
    for index in &read.odd {
        if let (Some(row), Some(item)) =
            (read.page.rows.get_mut(*index), raw.items.as_ref().and_then(|all| all.get(*index)))
        {
            warn(row, &odd_words(item.get()));
        }
    }
}

fn bare_meta(object: &str) -> Result<Meta<'_, IgnoredAny>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Bare<'a> {
        #[serde(borrow, default)]
        metadata: Obj<Meta<'a, IgnoredAny>>,
    }
    let bare: Bare<'_> = serde_json::from_str(object)?;
    lenient::odd_met();
    Ok(bare.metadata.0)
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ListMeta<'a> {
    #[serde(borrow)]
    resource_version: Text<'a>,
    #[serde(borrow)]
    r#continue: Text<'a>,
}

#[derive(Deserialize)]
struct RawPage<'a> {
    #[serde(borrow, default)]
    metadata: Obj<ListMeta<'a>>,
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

/// A page while it is being read.
struct Reading {
    page: Page,
    /// Rows of which a field was of another type.
    odd: Vec<usize>,
    has_items: bool,
}

struct PageSeed<'r, W> {
    of: ListOf,
    read: &'r mut Reading,
    wire: PhantomData<W>,
}

impl<'de, W: Wire<'de>> DeserializeSeed<'de> for PageSeed<'_, W> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, W: Wire<'de>> Visitor<'de> for PageSeed<'_, W> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.as_str() {
                "metadata" => {
                    let Obj(meta) = map.next_value::<Obj<ListMeta<'de>>>()?;
                    self.read.page.resource_version = meta.resource_version.0.into_owned();
                    self.read.page.next = meta.r#continue.0.into_owned();
                }
                "items" => {
                    self.read.has_items = true;
                    map.next_value_seed(Items::<W> { of: self.of, read: self.read, wire: PhantomData })?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Items<'r, W> {
    of: ListOf,
    read: &'r mut Reading,
    wire: PhantomData<W>,
}

impl<'de, W: Wire<'de>> DeserializeSeed<'de> for Items<'_, W> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, W: Wire<'de>> Visitor<'de> for Items<'_, W> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("items")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        lenient::odd_met();
        while let Some(Obj(wire)) = seq.next_element::<Obj<W>>()? {
            let odd = lenient::odd_met();
            if odd {
                self.read.odd.push(self.read.page.rows.len());
            }
            self.read.page.rows.push(wire.into_row(self.of, odd));
        }
        Ok(())
    }
}

/// Says how the pages of a row are read that is listed now and then.
macro_rules! slim {
    ($($row:ty => $wire:ident;)*) => {$(
        impl slim::Slim for $row {
            fn page(body: &[u8]) -> Result<slim::SlimPage<Self>, serde_json::Error> {
                slim::once::<$wire<'_>>(body).or_else(|_| {
                    let tree: serde_json::Value = serde_json::from_slice(body)?;
                    slim::once::<$wire<'_>>(tree.to_string().as_bytes())
                })
            }
        }
    )*};
}

use crate::jobs::{
    capacity::{HeldPod, NodeRow, QuotaRow, SharedQuotaRow, SpaceRow},
    gang::GangRow,
    queue::{ClusterQueueRow, CohortRow, FlavorRow, LoadRow, LocalQueueRow, WaitingRow},
};
use gang::GangWire;
use load::LoadWire;
use node::{NodeWire, QuotaWire, SharedQuotaWire, SpaceWire};
use queues::{ClusterQueueWire, CohortWire, FlavorWire, LocalQueueWire, WaitingWire};

slim! {
    GangRow => GangWire;
    NodeRow => NodeWire;
    QuotaRow => QuotaWire;
    SharedQuotaRow => SharedQuotaWire;
    SpaceRow => SpaceWire;
    HeldPod => PodWire;
    ClusterQueueRow => ClusterQueueWire;
    CohortRow => CohortWire;
    FlavorRow => FlavorWire;
    LocalQueueRow => LocalQueueWire;
    LoadRow => LoadWire;
    WaitingRow => WaitingWire;
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod truth;
