//! The form: groups of fields, each with its value or what holds without one, and what is wrong with it below.

use ratatui::{buffer::Buffer, layout::Rect};

use super::problem::sign;
use crate::{
    console::{
        model::Model,
        model::draft::{Draft, FormModel, Names},
        theme::{Role, Theme},
        widgets::{
            rich::{self, RichLine},
            text::{cut, put, wrap},
        },
    },
    jobs::{
        Clean, Name,
        checks::Problem,
        form::{Listed, Offer, Row, Shown},
    },
};

/// Column in which values begin.
const VALUES: u16 = 22;
/// The field whose default is known by the console only.
const NAMESPACE: &str = "/metadata/namespace";

/// One line of the form.
#[derive(Clone, Debug)]
pub struct FormLine {
    /// What it says.
    pub line: RichLine,
    /// The row that it belongs to; headings and gaps belong to none.
    pub row: Option<usize>,
}

/// All lines of the form, for this many columns; `home` is where what names no namespace is made.
pub(super) fn lines(draft: &Draft, home: &Name, columns: u16) -> Vec<FormLine> {
    let form = &draft.form;
    let mut out = Vec::new();
    let mut group = None;
    for (at, row) in form.rows().iter().enumerate() {
        if group.replace(row.field.group) != Some(row.field.group) {
            if at > 0 {
                out.push(FormLine { line: RichLine::default(), row: None });
            }
            out.push(FormLine { line: RichLine::of(row.field.group.title(), Role::Heading), row: None });
        }
        let selected = at == form.selected;
        let line = if selected && form.edit.is_some() {
            typed(form, row, columns)
        } else {
            shown(row, selected, home, columns)
        };
        out.push(FormLine { line, row: Some(at) });
        for (role, text) in said(draft, row, selected) {
            for part in wrap(&text, columns.saturating_sub(6)) {
                out.push(FormLine { line: RichLine::of("    ", Role::Text).and(part, role), row: Some(at) });
            }
        }
    }
    out
}

/// What is wrong with a field: what is typed into it, else what the checks say of its value.
fn said(draft: &Draft, row: &Row, selected: bool) -> Vec<(Role, String)> {
    if let Some(wrong) = draft.form.wrong.as_ref().filter(|_| selected) {
        return vec![(Role::Bad, format!("x {wrong}"))];
    }
    let below = format!("{}/", row.path);
    let own = |problem: &&Problem| problem.at == row.path || (problem.at.starts_with(&below) && !row.is_map());
    let mut own: Vec<_> = draft.problems.iter().filter(own).collect();
    own.sort_by_key(|problem| problem.severity);
    let say = |problem: &Problem| {
        let (sign, role) = sign(problem.severity);
        (role, format!("{sign} {} {}", problem.reason, problem.remedy))
    };
    own.into_iter().take(1).map(say).collect()
}

fn label(row: &Row, selected: bool) -> RichLine {
    let role = if selected { Role::Selected } else { Role::Label };
    RichLine::of(if selected { "> " } else { "  " }, Role::Marker).and(row.field.label, role).pad_to(VALUES)
}

fn shown(row: &Row, selected: bool, home: &Name, columns: u16) -> RichLine {
    let room = columns.saturating_sub(VALUES);
    let line = label(row, selected);
    match &row.value {
        Shown::Text(text) => line.and(cut(Clean::new(text).as_str(), room, "~"), Role::Text),
        Shown::Long(text) => line.and(cut(text, room, "~"), Role::Dim),
        Shown::Unset if row.path == NAMESPACE => line.and(format!("({home})"), Role::Dim),
        Shown::Unset if row.field.default.is_empty() => line.and("-", Role::Dim),
        Shown::Unset => line.and(format!("({})", row.field.default), Role::Dim),
    }
}

/// The field while it is typed into, scrolled so that the cursor is seen.
fn typed(form: &FormModel, row: &Row, columns: u16) -> RichLine {
    let Some(edit) = &form.edit else { return RichLine::default() };
    let (before, after) = edit.split();
    let room = columns.saturating_sub(VALUES + 1);
    let mut head = before;
    while crate::console::widgets::text::width(head) > room {
        let mut chars = head.chars();
        chars.next();
        head = chars.as_str();
    }
    let mut rest = after.chars();
    let under = rest.next().map_or(" ".to_owned(), String::from);
    label(row, true).and(head, Role::Text).and(under, Role::Cursor).and(rest.as_str(), Role::Text)
}

/// Draws it.
pub(super) fn draw(model: &Model, draft: &Draft, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = lines(draft, &model.home(), area.width);
    for (line, y) in lines.iter().skip(draft.form.top).zip(area.y..area.bottom()) {
        rich::draw_line(&line.line, None, Rect { y, height: 1, ..area }, buf, theme);
    }
    if let Err(none) = &draft.form.rows {
        put(buf, area, area.x, area.y, none.why.as_str(), theme.style(Role::Warn));
    }
}

/// The line below: what the selected field is for, and what is there to choose.
pub(super) fn status(model: &Model, draft: &Draft) -> RichLine {
    let Some(field) = draft.form.field() else { return RichLine::default() };
    let names = |listed: Listed| match model.drafts.offers.names.get(&listed) {
        Some(Names::Known(names)) if !names.is_empty() => {
            let names: Vec<_> = names.iter().map(ToString::to_string).collect();
            Some(names.join(", "))
        }
        _ => None,
    };
    let Some(edit) = draft.form.edit.as_ref().filter(|_| field.offer == Offer::Volumes) else {
        return RichLine::of(field.help, Role::Dim);
    };
    // What is typed last says which are meant.
    let (before, _) = edit.split();
    let word = before.rsplit([' ', ',']).next().unwrap_or_default();
    let (what, listed) = match word.split_once(':').map(|(kind, _)| kind) {
        Some("secret") => ("secrets", Listed::Secrets),
        Some("configmap") => ("config maps", Listed::ConfigMaps),
        _ => ("claims", Listed::Claims),
    };
    let text = names(listed).map_or_else(|| field.help.to_owned(), |names| format!("{what} here: {names}"));
    RichLine::of(text, Role::Dim)
}
