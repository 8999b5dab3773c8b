//! The header: where we are connected, as whom, at what we look, and how that goes. Two lines, never more.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::{cluster, draft, list, page};
use crate::{
    console::{
        model::{
            Model,
            session::{Offered, Phase},
        },
        theme::{self, Role, Theme},
        widgets::text::{cut, put, width},
    },
    jobs::{fleet::ListPhase, time::duration},
};

/// Draws both lines.
pub fn draw(model: &Model, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let right = badge(model, theme);
    draw_line(theme, area, area.y, &place(model, theme), &right, buf);
    let right = operators(model, theme);
    let room = area.width.saturating_sub(if right.0.is_empty() { 0 } else { width(&right.0).min(area.width / 3) + 2 });
    let left = match &model.page {
        _ if model.draft().is_some() => {
            let title = theme.style(Role::Title);
            model.draft().map(|open| (draft::breadcrumb(open), title)).into_iter().collect()
        }
        Some(open) => vec![(page::breadcrumb(open, room, theme.ascii), theme.style(Role::Title))],
        None => match &model.cluster {
            Some(open) => vec![(cluster::breadcrumb(open), theme.style(Role::Title))],
            None => list::summary(model, theme, room),
        },
    };
    draw_line(theme, area, area.y + 1, &left, &right, buf);
}

type Piece = (String, Style);

/// Pieces from the left, one from the right that is left out or cut where there is no room.
fn draw_line(theme: &Theme, area: Rect, y: u16, left: &[Piece], right: &Piece, buf: &mut Buffer) {
    let mut x = area.x;
    for (text, style) in left {
        x = put(buf, area, x, y, &cut(text, area.right().saturating_sub(x), theme.ellipsis()), *style);
    }
    let room = area.right().saturating_sub(x + 2);
    let text = cut(&right.0, room, theme.ellipsis());
    if room > 3 {
        put(buf, area, area.right().saturating_sub(width(&text)), y, &text, right.1);
    }
}

fn place(model: &Model, theme: &Theme) -> Vec<Piece> {
    let session = &model.session;
    let dim = theme.style(Role::Dim);
    if session.context.is_empty() {
        return vec![("mpideck".to_owned(), theme.style(Role::Title)), ("  no cluster".to_owned(), dim)];
    }
    let colour = session.info().and_then(|info| info.colour.as_deref());
    let name = session.info().map_or_else(|| crate::jobs::Clean::new(&session.context), |info| info.shown.clone());
    let name = name.to_string();
    let mut pieces = vec![(name, theme::context_style(theme, colour))];
    if !session.user.is_empty() && session.user.as_str() != session.context {
        pieces.push((" as ".to_owned(), dim));
        pieces.push((session.user.to_string(), theme.style(Role::Text)));
    }
    pieces.push((format!(" {} ", theme.separator()), dim));
    pieces.push((session.scope.to_string(), theme.style(Role::Label)));
    if let Some(until) = session.unlocked.filter(|_| !session.is_locked(model.now)) {
        pieces.push((" ".to_owned(), dim));
        let minutes = until.since(model.now).div_ceil(60);
        pieces.push((format!(" unlocked {minutes}m "), theme.style(Role::ReadOnly)));
    } else if session.read_only {
        pieces.push((" ".to_owned(), dim));
        pieces.push((" read-only ".to_owned(), theme.style(Role::ReadOnly)));
    }
    pieces
}

/// How the connection and the lists do: the worst first, and only that.
fn badge(model: &Model, theme: &Theme) -> Piece {
    let session = &model.session;
    let aged = |since| duration(model.now.since(since));
    match &session.phase {
        Phase::Idle => return (String::new(), theme.style(Role::Dim)),
        Phase::Connecting => return ("connecting".to_owned(), theme.style(Role::Wait)),
        // The screen below says it in full.
        Phase::Down(_) if model.fleet.is_empty() => return ("not connected".to_owned(), theme.style(Role::Bad)),
        Phase::Down(trouble) => {
            let what = if trouble.sign_in { "not signed in" } else { trouble.what.as_str() };
            return (format!("{what} {}", aged(trouble.since)), theme.style(Role::Bad));
        }
        Phase::Up => {}
    }
    let lists = || session.lists.values();
    let count = |wanted: fn(&ListPhase) -> bool| lists().filter(|phase| wanted(phase)).count();
    let stale = lists().filter_map(|phase| match phase {
        ListPhase::Stale(since, _) => Some(*since),
        _ => None,
    });
    if let Some(since) = stale.min() {
        return (format!("stale since {}", aged(since)), theme.style(Role::Warn));
    }
    let loading: u32 = lists().map(|phase| if let ListPhase::Loading(n) = phase { *n } else { 0 }).sum();
    if count(|phase| matches!(phase, ListPhase::Loading(_))) > 0 {
        let text = if loading > 0 { format!("loading {loading}") } else { "loading".to_owned() };
        return (text, theme.style(Role::Wait));
    }
    let refused = count(|phase| matches!(phase, ListPhase::Forbidden(_) | ListPhase::Error(_)));
    if refused > 0 {
        return (format!("{refused} of {} lists not readable", lists().count()), theme.style(Role::Warn));
    }
    let polled = lists().filter_map(|phase| match phase {
        ListPhase::Polling(seconds) => Some(*seconds),
        _ => None,
    });
    match polled.max() {
        Some(seconds) => (format!("polling every {seconds}s"), theme.style(Role::Wait)),
        None if session.lists.is_empty() => (String::new(), theme.style(Role::Dim)),
        None => ("live".to_owned(), theme.style(Role::Good)),
    }
}

/// One line on what is wrong with lists or operators; nothing where all is well (`:health` tells it all).
fn operators(model: &Model, theme: &Theme) -> Piece {
    let calm = (String::new(), theme.style(Role::Dim));
    if let Phase::Down(trouble) = &model.session.phase {
        let over_list = !model.fleet.is_empty() && model.page.is_none();
        return if over_list { (trouble.why.to_string(), theme.style(Role::Bad)) } else { calm };
    }
    let stale = model.session.lists.values().find_map(|phase| match phase {
        ListPhase::Stale(_, why) | ListPhase::Error(why) => Some(why.to_string()),
        ListPhase::Forbidden(what) => Some(format!("ask for: {what}")),
        _ => None,
    });
    if let Some(why) = stale {
        return (why, theme.style(Role::Warn));
    }
    let Some(Offered { kinds, components, .. }) = &model.session.offered else { return calm };
    if kinds.is_empty() {
        return ("no training operator".to_owned(), theme.style(Role::Warn));
    }
    let ill = components.iter().find_map(|c| Some((&c.name, c.trouble.as_ref()?)));
    ill.map_or(calm, |(name, trouble)| (format!("{name}: {trouble}"), theme.style(Role::Warn)))
}
