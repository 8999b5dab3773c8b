//! Text on top of a view: help, messages, debug. Its lines, for drawing, scrolling and searching.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    console::{
        commands::{self, Context},
        layout,
        model::{
            Model,
            notices::Tone,
            overlay::{TextOverlay, TextSource},
        },
        theme::{Role, Theme},
        widgets::text::{cut, put, width, wrap},
    },
    jobs::{
        fleet::{ListOf, ListPhase},
        time::duration,
    },
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
        TextSource::Health => "Health".to_owned(),
        TextSource::Fixed(title, _) => title.clone(),
    }
}

/// Lines of a text, as wide as it is drawn.
pub fn lines_of(model: &Model, text: &TextOverlay) -> Vec<StyledLine> {
    let lines = match &text.source {
        TextSource::Help(contexts) => help(model, contexts),
        TextSource::Messages => messages(model),
        TextSource::Debug => debug(model),
        TextSource::Health => health(model),
        TextSource::Fixed(_, lines) => return lines.iter().map(|line| StyledLine::new(line, Role::Text)).collect(),
    };
    // The frame and its margin.
    let columns = layout::regions(model.size).body.width.saturating_sub(4);
    lines.into_iter().flat_map(|line| folded(line, columns)).collect()
}

/// A line whose last piece is wrapped under its own beginning.
fn folded(mut line: StyledLine, columns: u16) -> Vec<StyledLine> {
    if width(&line.plain()) <= columns {
        return vec![line];
    }
    let Some((text, role)) = line.0.pop() else { return vec![line] };
    let mut indent = width(&line.plain());
    if columns.saturating_sub(indent) < 16 {
        indent = indent.min(4);
    }
    let blank = " ".repeat(usize::from(indent));
    let mut rows = wrap(&text, columns.saturating_sub(indent)).into_iter();
    let first = line.and(rows.next().unwrap_or_default(), role);
    std::iter::once(first).chain(rows.map(|row| StyledLine::new(blank.clone(), Role::Text).and(row, role))).collect()
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
    let aliases = model.aliases.iter().map(|(word, line)| (format!(":{word}"), format!("stands for :{line}")));
    for (typed, about) in aliases {
        lines.push(StyledLine::new(format!("  {typed:<25} "), Role::Key).and(about, Role::Text));
    }
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
    let (mut rows, mut denied) = (Vec::<(Vec<String>, &str)>::new(), Vec::new());
    for row in commands::all() {
        if let Some(why) = row.denied(model).filter(|_| row.contexts.contains(&context)) {
            denied.push(StyledLine::new(format!("  {:<18} ", row.title), Role::Key).and(why, Role::Warn));
        }
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
        .chain(denied)
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

fn pair(name: &str, value: impl Into<String>) -> StyledLine {
    StyledLine::new(format!("  {name:<28} "), Role::Label).and(value, Role::Text)
}

fn debug(model: &Model) -> Vec<StyledLine> {
    let session = &model.session;
    let title = |text: &str| StyledLine::new(text, Role::Title);
    let mut lines = vec![title("Lists")];
    for (key, phase) in &session.lists {
        let place = key.namespace.as_ref().map_or("all namespaces", |name| name.as_str());
        lines.push(pair(&list_name(key.of), format!("{place}: {}", phase_words(model, phase))));
    }
    if session.lists.is_empty() {
        lines.push(StyledLine::new("  none is being read", Role::Dim));
    }
    lines.extend(session.narrowed.iter().map(|labels| pair("the server narrows jobs by", labels.as_str())));
    lines.extend([StyledLine::default(), title("On the API server, by this session")]);
    lines.extend(session.counters.iter().map(|(name, value)| pair(name, value.as_str())));
    lines.extend([StyledLine::default(), title("Here")]);
    lines.push(pair("in memory", format!("{} jobs, {} pods", model.fleet.len(), model.fleet.pod_count())));
    let drawn = &model.drawn;
    lines.push(pair("frames written", format!("{}, the last of {} bytes", drawn.frames, drawn.last_bytes)));
    lines.push(pair("bytes written", drawn.bytes.to_string()));
    if let Some((frames, bytes)) = drawn.rate {
        lines.push(pair("written now", format!("{frames} frames/s, {bytes} bytes/s (this text among them)")));
    }
    lines.push(pair("screen", format!("{}x{}", model.size.width, model.size.height)));
    lines.push(pair("session", session.id.0.to_string()));
    lines
}

fn list_name(of: ListOf) -> String {
    match of {
        ListOf::Jobs(kind) => kind.info().plural.to_owned(),
        ListOf::Pods => "pods of jobs".to_owned(),
        ListOf::JobSetPods => "pods of job sets".to_owned(),
        ListOf::Warnings => "warning events".to_owned(),
        ListOf::Workloads => "workloads".to_owned(),
    }
}

fn phase_words(model: &Model, phase: &ListPhase) -> String {
    match phase {
        ListPhase::Loading(n) => format!("loading, {n} so far"),
        ListPhase::Live => "live".to_owned(),
        ListPhase::Polling(seconds) => format!("read every {seconds}s: watching it is not allowed"),
        ListPhase::Forbidden(what) => format!("forbidden; ask for: {what}"),
        ListPhase::Stale(since, why) => format!("stale for {}: {why}", duration(model.now.since(*since))),
        ListPhase::Error(why) => format!("error: {why}"),
    }
}

fn health(model: &Model) -> Vec<StyledLine> {
    let session = &model.session;
    let Some(offered) = &session.offered else {
        return vec![StyledLine::new("Nothing is known yet: there is no connection.", Role::Dim)];
    };
    let mut lines = vec![StyledLine::new("Cluster", Role::Title)];
    lines.extend(session.info().map(|info| pair("cluster", format!("{} as {}", info.cluster, info.user))));
    lines.push(pair("Kubernetes", offered.version.as_str()));
    let kinds: Vec<_> = offered.kinds.iter().map(ToString::to_string).collect();
    lines.push(pair("kinds", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }));
    lines.extend([StyledLine::default(), StyledLine::new("Operators", Role::Title)]);
    for operator in &offered.components {
        let role = if operator.trouble.is_some() { Role::Warn } else { Role::Text };
        let name = format!("{} {}", operator.name, operator.version);
        lines.push(StyledLine::new(format!("  {name:<28} "), Role::Label).and(operator.state.as_str(), role));
    }
    if offered.components.is_empty() {
        lines.push(StyledLine::new("  none is known (yet)", Role::Dim));
    }
    lines.extend([StyledLine::default(), StyledLine::new("Lists", Role::Title)]);
    for (key, phase) in &session.lists {
        let place = key.namespace.as_ref().map_or("all namespaces", |name| name.as_str());
        lines.push(pair(&list_name(key.of), format!("{place}: {}", phase_words(model, phase))));
    }
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
