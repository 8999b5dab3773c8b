//! Which columns a person chose, in which order, and how the list is sorted: as it is kept on disk.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ColumnId;

/// Chosen columns and sorting. In a file: `columns = ["name", "state", "label:team"]`, `sort = "-gpus"`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct ColumnsConfig {
    /// Shown columns in their order; always has the name.
    pub columns: Vec<ColumnId>,
    /// By what it is sorted.
    pub sort: Sort,
}

/// Cells in a line that has room for more than the usual columns.
const PLENTY: u16 = 180;

/// By which column, and in which direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: ColumnId,
    /// Highest first.
    pub descending: bool,
}

impl Default for Sort {
    /// Most urgent first, then newest.
    fn default() -> Self {
        Self { column: ColumnId::State, descending: false }
    }
}

impl Sort {
    /// By `column` as one would expect it at first: big numbers first, words from a to z.
    pub fn by(column: ColumnId) -> Self {
        Self { descending: column.spec().highest_first, column }
    }

    /// Reads `age` or `-gpus`; `None` if there is no such column.
    pub fn parse(text: &str) -> Option<Self> {
        let (name, descending) = text.strip_prefix('-').map_or((text, false), |name| (name, true));
        Some(Self { column: name.parse().ok()?, descending })
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", if self.descending { "-" } else { "" }, self.column)
    }
}

impl Default for ColumnsConfig {
    fn default() -> Self {
        let columns = vec![
            ColumnId::Name,
            ColumnId::Namespace,
            ColumnId::Kind,
            ColumnId::State,
            ColumnId::Workers,
            ColumnId::Gpus,
            ColumnId::Queue,
            ColumnId::Age,
            ColumnId::Cause,
        ];
        Self { columns, sort: Sort::default() }
    }
}

impl ColumnsConfig {
    /// These columns, each once, with the name in front where it is missing; the usual ones if there are none.
    pub fn new(columns: Vec<ColumnId>, sort: Sort) -> Self {
        let mut out: Vec<ColumnId> = Vec::new();
        for column in columns {
            if !out.contains(&column) {
                out.push(column);
            }
        }
        if out.is_empty() {
            out = Self::default().columns;
        } else if !out.contains(&ColumnId::Name) {
            out.insert(0, ColumnId::Name);
        }
        Self { columns: out, sort }
    }

    /// From the words of a file, see [`ColumnsConfig`]. Names that a newer or older program wrote are passed over.
    pub fn of_words<'a>(columns: impl IntoIterator<Item = &'a str>, sort: &str) -> Self {
        let columns = columns.into_iter().filter_map(|name| name.parse().ok()).collect();
        Self::new(columns, Sort::parse(sort).unwrap_or_default())
    }

    /// The chosen columns, then every other, the cause last: what `wide` shows.
    pub fn wide(&self) -> Vec<ColumnId> {
        let mut columns = self.columns.clone();
        columns.extend(ColumnId::all().filter(|id| !self.columns.contains(id)));
        if let Some(at) = columns.iter().position(|id| *id == ColumnId::Cause) {
            columns[at..].rotate_left(1);
        }
        columns
    }

    /// What a line of so many cells shows: where nobody chose and there is plenty, also how long each job took.
    pub fn for_width(&self, width: u16) -> Vec<ColumnId> {
        let mut columns = self.columns.clone();
        if width >= PLENTY && columns == Self::default().columns {
            columns.insert(columns.len() - 1, ColumnId::Duration);
        }
        columns
    }

    /// Shows or hides a column. The name stays. A new one stands before the cause.
    pub fn toggle(&mut self, column: ColumnId) {
        if let Some(at) = self.columns.iter().position(|id| *id == column) {
            if column != ColumnId::Name {
                self.columns.remove(at);
            }
            return;
        }
        let at = self.columns.iter().position(|id| *id == ColumnId::Cause).unwrap_or(self.columns.len());
        self.columns.insert(at, column);
    }

    /// Moves a shown column by so many places, as far as there are places.
    pub fn shift(&mut self, column: &ColumnId, by: isize) {
        if let Some(at) = self.columns.iter().position(|id| id == column) {
            let to = at.saturating_add_signed(by).min(self.columns.len() - 1);
            let column = self.columns.remove(at);
            self.columns.insert(to, column);
        }
    }
}

/// The file's shape.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(default)]
    columns: Vec<String>,
    #[serde(default)]
    sort: String,
}

impl From<Written> for ColumnsConfig {
    fn from(written: Written) -> Self {
        Self::of_words(written.columns.iter().map(String::as_str), &written.sort)
    }
}

impl From<ColumnsConfig> for Written {
    fn from(config: ColumnsConfig) -> Self {
        let columns = config.columns.iter().map(ToString::to_string).collect();
        Self { columns, sort: config.sort.to_string() }
    }
}
