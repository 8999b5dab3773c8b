//! Pages of objects that are listed now and then and not watched: nodes, quotas, queues.
//!
//! Each row type says how its page is read. An object of odd types becomes a row with empty fields; of an object that no
//! reading makes sense of, its page is read again by way of a tree, which settles double keys.

use serde::Deserialize;

use super::{
    ListMeta,
    lenient::{self, List, Obj},
};

/// One page.
#[derive(Debug)]
pub(crate) struct SlimPage<R> {
    /// Its objects.
    pub(crate) rows: Vec<R>,
    /// Token of the next page, empty on the last.
    pub(crate) next: String,
}

/// A row that pages of a list are made of.
pub(crate) trait Slim: Sized {
    /// Reads a page. Fails only if it is not the JSON of a list at all.
    fn page(body: &[u8]) -> Result<SlimPage<Self>, serde_json::Error>;
}

/// An object as it comes over the wire.
pub(super) trait SlimWire<'a>: Deserialize<'a> + Default {
    type Row;
    fn row(self) -> Option<Self::Row>;
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "W: Deserialize<'de> + Default, 'de: 'a"))]
struct Wire<'a, W> {
    #[serde(default)]
    metadata: Obj<ListMeta<'a>>,
    items: List<Obj<W>>,
}

/// Reads a page of such objects.
pub(super) fn once<'a, W: SlimWire<'a>>(body: &'a [u8]) -> Result<SlimPage<W::Row>, serde_json::Error> {
    let wire: Wire<'a, W> = serde_json::from_slice(body)?;
    // Nobody shows a warning for these rows.
    lenient::odd_met();
    let rows = wire.items.0.into_iter().filter_map(|Obj(object)| object.row()).collect();
    Ok(SlimPage { rows, next: wire.metadata.0.r#continue.0.into_owned() })
}
