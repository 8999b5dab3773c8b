//! Lines of logs, as values: cleaning what a container wrote, who wrote it, keeping a bounded number of bytes of it,
//! finding text.
//!
//! Owns what a line is. Pure: it must not read a stream, a clock or a file; `cluster/logs` brings the bytes, and the
//! task that follows a job's logs owns the [`book::Book`].

pub mod book;
pub mod clean;
pub mod find;
pub mod kind;
pub mod line;
pub mod pane;
pub mod ruled;
pub mod search;
pub mod seek;
pub mod store;
pub mod tag;
pub mod view;
mod wrap;

pub use book::Book;
pub use clean::Cleaner;
pub use find::Find;
pub use kind::Kinds;
pub use line::{Line, LineKind, LineRef, LineSpan, Nanos, Sgr, SourceId};
pub use pane::Pane;
pub use search::Query;
pub use seek::Known;
pub use store::Store;
pub use tag::{Stream, Tag};
pub use view::{Index, View, Who};
