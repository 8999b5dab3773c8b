//! Lines of logs, as values: cleaning what a container wrote, who wrote it, keeping a bounded number of bytes of it,
//! finding text.
//!
//! Owns what a line is. Pure: it must not read a stream, a clock or a file; `cluster/logs` brings the bytes, and the
//! task that follows a log owns the [`ring::Ring`].

pub mod clean;
pub mod line;
pub mod ring;
pub mod search;
pub mod tag;

pub use clean::Cleaner;
pub use line::{Line, LineSpan, Nanos, Sgr};
pub use ring::Ring;
pub use search::Query;
pub use tag::{Stream, Tag};
