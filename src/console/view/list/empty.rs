//! What stands where no job is shown: why there is none, and what to do about it.
//!
//! Of a session that does not stand, or a cluster that serves no kind of job, tells `view/trouble.rs` alone.

use ratatui::{buffer::Buffer, layout::Rect};

use super::scope_words;
use crate::{
    console::{
        commands::{AppCommand, CommandId, DraftCommand, ListCommand},
        model::Model,
        theme::{Role, Theme},
        view::trouble,
        widgets::text::{put, wrap},
    },
    jobs::{
        Clean,
        fleet::{ListKey, ListOf, ListPhase},
    },
};

/// Draws the text.
pub(super) fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let width = area.width.saturating_sub(4).min(76);
    let mut y = area.y.saturating_add(1);
    if model.list.order.total() == 0 && trouble::draw_said(model, theme, area, buf) {
        return;
    }
    for (text, role) in lines(model) {
        for line in wrap(&text, width) {
            put(buf, area, area.x + 2, y, &line, theme.style(role));
            y = y.saturating_add(1);
        }
    }
}

type Line = (String, Role);

fn lines(model: &Model) -> Vec<Line> {
    if model.list.order.total() > 0 {
        return all_hidden(model);
    }
    let phases: Vec<_> = model.session.lists.iter().filter(|(key, _)| matches!(key.of, ListOf::Jobs(_))).collect();
    let loading: u32 = phases.iter().map(|(_, p)| if let ListPhase::Loading(n) = p { *n } else { 0 }).sum();
    if phases.is_empty() || phases.iter().any(|(_, p)| matches!(p, ListPhase::Loading(_))) {
        return vec![(format!("Reading jobs in {}: {loading} so far", scope_words(&model.session.scope)), Role::Dim)];
    }
    refused(model, &phases).unwrap_or_else(|| none_yet(model))
}

fn all_hidden(model: &Model) -> Vec<Line> {
    let total = model.list.order.total();
    let what = if model.list.filter.text.is_empty() {
        format!("None of {total} jobs needs attention.")
    } else {
        format!("None of {total} jobs matches.")
    };
    let role = if model.list.filter.text.is_empty() { Role::Good } else { Role::Text };
    let mut lines = vec![(what, role), (String::new(), Role::Text)];
    if let Some(hint) = model.list.filter.hints.first() {
        lines.push((format!("at {}: {}", hint.span.start + 1, hint.text), Role::Warn));
    }
    let clear = key(model, CommandId::App(AppCommand::Back));
    let change = key(model, CommandId::List(ListCommand::Filter));
    lines.push((format!("{clear} shows all jobs again, {change} changes the filter."), Role::Dim));
    lines
}

/// Lists that are not to be had: what to ask for.
fn refused(model: &Model, phases: &[(&ListKey, &ListPhase)]) -> Option<Vec<Line>> {
    let said: Vec<&Clean> = phases
        .iter()
        .filter_map(|(_, phase)| match phase {
            ListPhase::Forbidden(what) | ListPhase::Error(what) | ListPhase::Stale(_, what) => Some(what),
            _ => None,
        })
        .collect();
    if said.is_empty() {
        return None;
    }
    let heading = if said.len() == phases.len() {
        format!("Jobs in {} can't be read.", scope_words(&model.session.scope))
    } else {
        format!("No job is seen, but {} of {} lists can't be read.", said.len(), phases.len())
    };
    let mut lines = vec![(heading, Role::Warn), (String::new(), Role::Text)];
    lines.extend(said.iter().take(6).map(|what| (what.to_string(), Role::Text)));
    lines.push((String::new(), Role::Text));
    let scope = key(model, CommandId::App(AppCommand::Scope));
    lines.push((format!("Ask an administrator for that, or press {scope} for namespaces where you may."), Role::Label));
    Some(lines)
}

fn none_yet(model: &Model) -> Vec<Line> {
    let scope = key(model, CommandId::App(AppCommand::Scope));
    let all = key(model, CommandId::App(AppCommand::Favourite(0)));
    let new = key(model, CommandId::Draft(DraftCommand::New));
    vec![
        (format!("There are no training jobs in {}.", scope_words(&model.session.scope)), Role::Text),
        (String::new(), Role::Text),
        (format!("{new} makes one from a template. What others make appears here by itself."), Role::Label),
        (format!("{scope} chooses other namespaces, {all} shows all of them."), Role::Dim),
    ]
}

/// The first key of a command.
fn key(model: &Model, id: CommandId) -> String {
    model.keys.map.keys_of(id).last().unwrap_or_else(|| ":".to_owned())
}
