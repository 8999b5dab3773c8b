//! The form over a draft's text: which field is selected, and what is being typed into it.
//!
//! Holds no values of its own: its rows are read from the text, again after every change.

use std::collections::BTreeMap;

use crate::{
    console::line_edit::LineEdit,
    jobs::{
        Clean, Name,
        form::{self, Field, Listed, Row},
        manifest::text::{Document, Place},
    },
};

/// See the module.
#[derive(Debug)]
pub struct FormModel {
    /// The rows, or why there are none and where.
    pub rows: Result<Vec<Row>, NoForm>,
    /// Index of the selected row.
    pub selected: usize,
    /// First line in view.
    pub top: usize,
    /// What is typed into the selected field.
    pub edit: Option<LineEdit>,
    /// Why that can't stay so.
    pub wrong: Option<Clean>,
    /// The path that the cursor of the text was put to, in which version of the text.
    pub shown: Option<(String, u64)>,
    /// The version of the text that the rows are of.
    version: Option<u64>,
}

/// Why a text has no form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoForm {
    /// What is wrong.
    pub why: Clean,
    /// Where, if it is somewhere.
    pub place: Option<Place>,
}

impl Default for FormModel {
    fn default() -> Self {
        Self { rows: Ok(Vec::new()), selected: 0, top: 0, edit: None, wrong: None, shown: None, version: None }
    }
}

impl FormModel {
    /// Reads the text, if it is another than before.
    pub fn read(&mut self, text: impl FnOnce() -> String, version: u64) {
        if self.version.replace(version) == Some(version) {
            return;
        }
        self.rows = match Document::parse(&text()) {
            Err(error) => Err(NoForm { why: Clean::new(&error.to_string()), place: Some(error.place) }),
            Ok(document) => form::rows(&document).ok_or_else(|| NoForm {
                why: Clean::new("this is no kind of job that has a form; set apiVersion and kind"),
                place: None,
            }),
        };
        self.selected = self.selected.min(self.rows().len().saturating_sub(1));
    }

    /// The rows, none if there is no form.
    pub fn rows(&self) -> &[Row] {
        self.rows.as_deref().unwrap_or_default()
    }

    /// The selected row.
    pub fn row(&self) -> Option<&Row> {
        self.rows().get(self.selected)
    }

    /// The selected field.
    pub fn field(&self) -> Option<&'static Field> {
        self.row().map(|row| row.field)
    }

    /// Selects the field whose value is at a path of the text, or around it.
    pub fn select_at(&mut self, path: &str) {
        let holds = |row: &Row| path == row.path || path.starts_with(&format!("{}/", row.path));
        let found = self.rows().iter().enumerate().filter(|(_, row)| holds(row)).max_by_key(|(_, row)| row.path.len());
        if let Some((at, _)) = found {
            self.selected = at;
        }
    }
}

/// Names of objects that fields may have, as far as they are known.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Names {
    /// Not asked for.
    #[default]
    Unknown,
    /// On their way.
    Loading,
    /// These.
    Known(Vec<Name>),
    /// Not to be had, and why.
    Unreadable(Clean),
}

/// What can be chosen in a namespace.
#[derive(Debug, Default)]
pub struct Offers {
    /// The namespace they are of.
    pub namespace: Option<Name>,
    /// The names.
    pub names: BTreeMap<Listed, Names>,
}
