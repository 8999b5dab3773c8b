//! What replicas use: measured values over time, what they come to, and what is odd about them.
//!
//! Pure. Where the values come from is `metrics`' business; how they are drawn is the console's. A value that was not
//! measured is not there: it is never a zero.

pub mod apart;
pub mod export;
pub mod flags;
pub mod metric;
pub mod series;
pub mod table;

pub use apart::{Apart, Part, PartPoints};
pub use export::Sheet;
pub use flags::{Flag, Worker, flags};
pub use metric::Metric;
pub use series::{Series, Stats};
pub use table::{Lack, Points, Range, Reading, Usage, Window, age};
