//! The ranks of a job, a row each: where, how long silent, how much said, and the last words.

use ratatui::{buffer::Buffer, layout::Rect};

use super::lines::writer;
use crate::{
    console::{
        model::page::{PageModel, logs::Heard},
        theme::{Role, Theme},
        widgets::text::{cut, put, width},
    },
    jobs::{Secs, ranks::Ranks, time::duration},
    logs::{LineKind, Who},
};

/// Seconds without a line after which a rank stands out, while others write.
const SILENT: u32 = 60;

/// Draws them, the selected one in sight.
pub(super) fn draw(page: &PageModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let logs = &page.logs;
    let (ranks, heard) = (page.ranks(), &logs.window.heard);
    let missing = logs.window.missing.iter().map(|rank| Heard::never(Who::Rank(*rank)));
    let mut all: Vec<Heard> = heard.iter().cloned().chain(missing).collect();
    all.sort_by_key(|heard| heard.who);
    if all.is_empty() {
        put(buf, area, area.x, area.y, "No rank and no replica was heard of yet.", theme.style(Role::Dim));
        return;
    }
    let newest = heard.iter().filter_map(|heard| heard.at).max().unwrap_or_default();
    let names: Vec<(String, String)> =
        all.iter().map(|heard| (writer(logs, heard.who), place(&ranks, heard))).collect();
    let columns = |of: fn(&(String, String)) -> &String| names.iter().map(|name| width(of(name))).max().unwrap_or(0);
    let (first, second) = (columns(|name| &name.0).min(16), columns(|name| &name.1).min(14));
    let at = all.iter().position(|heard| Some(heard.who) == logs.selected).unwrap_or(0);
    let rows = usize::from(area.height);
    let top = at.saturating_sub(rows / 2).min(all.len().saturating_sub(rows));
    for ((heard, (name, place)), y) in all.iter().zip(&names).skip(top).zip(area.y..area.bottom()) {
        let is_selected = Some(heard.who) == logs.selected;
        let marker = if is_selected { theme.marker() } else { " " };
        let x = put(buf, area, area.x, y, marker, theme.style(Role::Marker));
        let style = theme.style(if is_selected { Role::Selected } else { Role::Text });
        put(buf, area, x, y, &cut(name, first, theme.ellipsis()), style);
        let x = x + first + 1;
        put(buf, area, x, y, &cut(place, second, theme.ellipsis()), theme.style(Role::Dim));
        let x = x + second + u16::from(second > 0);
        let (age, role) = age(heard, newest, now);
        let x = put(buf, area, x, y, &format!("{age:>7}"), theme.style(role));
        let role = match heard.kind {
            _ if heard.at.is_none() => Role::Warn,
            LineKind::Error => Role::Bad,
            LineKind::Warn | LineKind::Nccl => Role::Warn,
            _ => Role::Text,
        };
        let said = if heard.lines == 0 { "nothing heard yet" } else { heard.text.as_str() };
        put(buf, area, x + 2, y, &cut(said, area.right().saturating_sub(x + 2), theme.ellipsis()), theme.style(role));
    }
}

/// The replica of a rank: sure where the rank names its host itself.
fn place(ranks: &Ranks, heard: &Heard) -> String {
    let Who::Rank(rank) = heard.who else { return String::new() };
    let sure = heard.host.as_ref().and_then(|host| ranks.named(host.as_str()));
    match (sure, ranks.place(rank)) {
        (Some(host), _) => host.title.clone(),
        (None, Some(host)) => format!("{}?", host.title),
        (None, None) => heard.host.as_ref().map(ToString::to_string).unwrap_or_default(),
    }
}

/// How long it has been silent; marked when others have spoken since.
fn age(heard: &Heard, newest: Secs, now: Secs) -> (String, Role) {
    match heard.at {
        None => ("-".to_owned(), Role::Warn),
        Some(at) if newest.since(at) >= SILENT => (format!("!{}", duration(now.since(at))), Role::Warn),
        Some(at) => (duration(now.since(at)), Role::Dim),
    }
}
