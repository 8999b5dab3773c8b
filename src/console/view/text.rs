//! Text on top of a view: help, messages, debug. Its lines, for drawing, scrolling and searching.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    console::{
        commands::{self, Context},
        model::{
            Model,
            notices::Tone,
            overlay::{TextOverlay, TextSource},
        },
        theme::{Role, Theme},
        widgets::text::{cut, put},
    },
    jobs::time::duration,
};

/// A line in pieces of one role each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StyledLine(pub Vec<(String, Role)>);

impl StyledLine {
    /// One piece.
    pub fn new(text: impl Into<String>, role: Role) -> Self {
        Self(vec![(text.into(), role)])
    }

    /// One more piece.
    #[must_use]
    pub fn and(mut self, text: impl Into<String>, role: Role) -> Self {
        self.0.push((text.into(), role));
        self
    }

    /// Its text.
    pub fn plain(&self) -> String {
        self.0.iter().map(|(text, _)| text.as_str()).collect()
    }
}

/// Heading of a text.
pub fn title_of(text: &TextOverlay) -> String {
    match &text.source {
        TextSource::Help(_) => "Keys".to_owned(),
        TextSource::Messages => "Messages".to_owned(),
        TextSource::Debug => "Debug".to_owned(),
        TextSource::Fixed(title, _) => title.clone(),
    }
}

/// Lines of a text.
pub fn lines_of(model: &Model, text: &TextOverlay) -> Vec<StyledLine> {
    match &text.source {
        TextSource::Help(contexts) => help(model, contexts),
        TextSource::Messages => messages(model),
        TextSource::Debug => debug(model),
        TextSource::Fixed(_, lines) => lines.iter().map(|line| StyledLine::new(line, Role::Text)).collect(),
    }
}

fn help(model: &Model, contexts: &[Context]) -> Vec<StyledLine> {
    let mut lines = Vec::new();
    for context in contexts {
        let section = section(model, *context);
        if !section.is_empty() {
            lines.push(StyledLine::new(context.title(), Role::Title));
            lines.extend(section);
            lines.push(StyledLine::default());
        }
    }
    lines.push(StyledLine::new("Commands (type : first)", Role::Title));
    for (typed, about) in [
        (":ctx NAME", "another context; - is the one before"),
        (":ns NAME[,NAME]", "other namespaces; all is every one"),
        (":jobs @CTX NS FILTER", "the job list, anywhere, filtered"),
        (":q", "leave"),
    ] {
        lines.push(StyledLine::new(format!("  {typed:<25} "), Role::Key).and(about, Role::Text));
    }
    for row in commands::all().filter(|row| row.in_palette) {
        lines.push(StyledLine::new(format!("  :{:<24} ", row.name), Role::Key).and(row.help, Role::Text));
    }
    lines
}

/// The keys of one context, a line a command; those that do the same share one (`1 to 9`).
fn section(model: &Model, context: Context) -> Vec<StyledLine> {
    let mut rows: Vec<(Vec<String>, &str)> = Vec::new();
    for row in commands::all() {
        let bound = model.keys.map.bindings().iter().filter(|b| b.context == context && b.command == row.id);
        let keys: Vec<_> = bound.map(|b| crate::console::key::spell(&b.keys)).collect();
        match rows.last_mut() {
            _ if keys.is_empty() => {}
            Some((shared, help)) if *help == row.help => shared.extend(keys),
            _ => rows.push((keys, row.help)),
        }
    }
    let spelled = |keys: &[String]| match keys {
        [first, .., last] if keys.len() > 4 => format!("{first} to {last}"),
        _ => keys.join(", "),
    };
    rows.iter()
        .map(|(keys, help)| StyledLine::new(format!("  {:<18} ", spelled(keys)), Role::Key).and(*help, Role::Text))
        .collect()
}

fn messages(model: &Model) -> Vec<StyledLine> {
    let lines: Vec<_> = model
        .notices
        .iter()
        .rev()
        .map(|notice| {
            let role = match notice.tone {
                Tone::Info => Role::Text,
                Tone::Good => Role::Good,
                Tone::Warn => Role::Warn,
                Tone::Bad => Role::Bad,
            };
            let times = if notice.times > 1 { format!(" ({} times)", notice.times) } else { String::new() };
            let ago = format!("{:>7} ago  ", duration(model.now.since(notice.at)));
            StyledLine::new(ago, Role::Dim).and(format!("{}{times}", notice.text), role)
        })
        .collect();
    if lines.is_empty() { vec![StyledLine::new("Nothing was told yet.", Role::Dim)] } else { lines }
}

fn debug(model: &Model) -> Vec<StyledLine> {
    let session = &model.session;
    let pair = |name: &str, value: String| StyledLine::new(format!("  {name:<26}"), Role::Label).and(value, Role::Text);
    let mut lines = vec![StyledLine::new("Lists", Role::Title)];
    for (key, phase) in &session.lists {
        let place = key.namespace.as_ref().map_or("all namespaces", |name| name.as_str());
        lines.push(pair(&format!("{:?}", key.of), format!("{place}: {phase:?}")));
    }
    if session.lists.is_empty() {
        lines.push(StyledLine::new("  none is being read", Role::Dim));
    }
    lines.push(StyledLine::default());
    lines.push(StyledLine::new("Costs", Role::Title));
    lines.push(pair("session", session.id.0.to_string()));
    lines.push(pair("screen", format!("{}x{}", model.size.width, model.size.height)));
    lines.extend(session.counters.iter().map(|(name, value)| pair(name, value.clone())));
    lines
}

/// Draws a text over the body.
pub fn draw(model: &Model, text: &TextOverlay, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = lines_of(model, text);
    let wanted = text.search.to_lowercase();
    for (y, line) in (area.y..area.bottom()).zip(lines.iter().skip(text.scroll)) {
        let hit = !wanted.is_empty() && line.plain().to_lowercase().contains(&wanted);
        let mut x = area.x;
        for (piece, role) in &line.0 {
            let style = if hit { theme.style(*role).patch(theme.style(Role::Match)) } else { theme.style(*role) };
            x = put(buf, area, x, y, &cut(piece, area.right().saturating_sub(x), theme.ellipsis()), style);
        }
    }
}
