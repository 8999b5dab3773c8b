//! What a column is.

use jiff::Timestamp;
use serde_json::Value;

/// The name of a column of names tells clients what it is.
pub(super) const NAME: &str = "Name";
/// A column.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    /// Only the wide form shows it.
    pub(super) wide: bool,
    pub(super) cell: fn(&Value, Timestamp) -> Value,
}

pub(super) const fn text(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { name, kind: "string", wide: false, cell }
}

pub(super) const fn wide(name: &'static str, cell: fn(&Value, Timestamp) -> Value) -> Column {
    Column { name, kind: "string", wide: true, cell }
}
