//! Text on top of a view: help, messages, debug. Its lines, for drawing, scrolling and searching.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    console::{
        commands::{self, Command, CommandId, Context},
        layout,
        model::{
            Model,
            notices::Tone,
            overlay::{TextOverlay, TextSource},
        },
        theme::{Role, Theme},
        widgets::{
            rich::{Piece, RichLine, draw_line},
            text::wrap,
        },
    },
    jobs::{
        fleet::{ListOf, ListPhase},
        time::duration,
    },
};

/// Heading of a text.
pub fn title_of(text: &TextOverlay) -> String {
    match &text.source {
        TextSource::Help(_) => "Keys".to_owned(),
        TextSource::Messages => "Messages".to_owned(),
        TextSource::Debug => "Debug".to_owned(),
        TextSource::Health => "Health".to_owned(),
        TextSource::Changes => "Changes".to_owned(),
        TextSource::Fixed(title, _) => title.clone(),
    }
}

/// Lines of a text, as wide as it is drawn.
pub fn lines_of(model: &Model, text: &TextOverlay) -> Vec<RichLine> {
    let lines = match &text.source {
        TextSource::Help(contexts) => help(model, contexts),
        TextSource::Messages => messages(model),
        TextSource::Debug => debug(model),
        TextSource::Health => health(model),
        TextSource::Changes => super::changes::lines(model),
        TextSource::Fixed(_, lines) => return lines.iter().map(|line| RichLine::of(line, Role::Text)).collect(),
    };
    // The frame and its margin.
    let columns = layout::regions(model.size).body.width.saturating_sub(4);
    let columns = if matches!(text.source, TextSource::Help(_)) { column(columns) } else { columns };
    lines.into_iter().flat_map(|line| folded(line, columns)).collect()
}

/// Least cells in which a text is wrapped beside what it is about.
const LEAST: u16 = 16;

/// A line whose last piece is wrapped under its own beginning.
fn folded(mut line: RichLine, columns: u16) -> Vec<RichLine> {
    if line.width() <= columns {
        return vec![line];
    }
    let Some(Piece { text, role }) = line.pieces.pop() else { return vec![line] };
    let beside = columns.saturating_sub(line.width()) >= LEAST;
    let indent = if beside { line.width() } else { line.width().min(4) };
    let blank = " ".repeat(usize::from(indent));
    let mut rows = wrap(&text, columns.saturating_sub(indent)).into_iter();
    // Where there is no room beside it, all of it goes below.
    let first = if beside { line.and(rows.next().unwrap_or_default(), role) } else { line };
    std::iter::once(first).chain(rows.map(|row| RichLine::of(blank.clone(), Role::Text).and(row, role))).collect()
}

fn help(model: &Model, contexts: &[Context]) -> Vec<RichLine> {
    let mut lines = Vec::new();
    for context in contexts {
        let section = section(model, *context);
        if !section.is_empty() {
            lines.push(RichLine::of(context.title(), Role::Title));
            lines.extend(section);
            lines.push(RichLine::default());
        }
    }
    if !model.user_commands.is_empty() {
        lines.push(RichLine::of("Yours (commands.toml)", Role::Title));
        for own in model.user_commands.iter() {
            let keys = own.key.as_ref().map_or_else(|| format!(":{}", own.name), |(keys, _)| keys.clone());
            lines.push(RichLine::of(format!("  {keys:<18} "), Role::Key).and(own.about(), Role::Text));
        }
        lines.push(RichLine::default());
    }
    lines.push(RichLine::of("Commands (type : first)", Role::Title));
    let aliases = model.aliases.iter().map(|(word, line)| (format!(":{word}"), format!("stands for :{line}")));
    for (typed, about) in aliases {
        lines.push(RichLine::of(format!("  {typed:<25} "), Role::Key).and(about, Role::Text));
    }
    for (typed, about) in [
        (":ctx NAME", "another context; - is the one before"),
        (":ns NAME[,NAME]", "other namespaces; all is every one"),
        (":jobs @CTX NS FILTER", "the job list, anywhere, filtered"),
        (":q", "leave"),
    ] {
        lines.push(RichLine::of(format!("  {typed:<25} "), Role::Key).and(about, Role::Text));
    }
    for row in commands::all().filter(|row| row.in_palette) {
        lines.push(RichLine::of(format!("  :{:<24} ", row.name), Role::Key).and(row.help, Role::Text));
    }
    lines
}

/// The keys of one context, a line a command; those that do the same share one (`1 to 9`).
fn section(model: &Model, context: Context) -> Vec<RichLine> {
    let (mut rows, mut denied) = (Vec::<(Vec<String>, &str)>::new(), Vec::new());
    // What belongs to the view comes first, what works everywhere after it.
    let everywhere = |row: &&Command| matches!(row.id, CommandId::App(_));
    for row in commands::all().filter(|row| !everywhere(row)).chain(commands::all().filter(everywhere)) {
        if let Some(why) = row.denied(model).filter(|_| row.contexts.contains(&context)) {
            denied.push(RichLine::of(format!("  {:<18} ", row.title), Role::Key).and(why, Role::Warn));
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
        .map(|(keys, help)| RichLine::of(format!("  {:<18} ", spelled(keys)), Role::Key).and(*help, Role::Text))
        .chain(denied)
        .collect()
}

fn messages(model: &Model) -> Vec<RichLine> {
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
            RichLine::of(ago, Role::Dim).and(format!("{}{times}", notice.text), role)
        })
        .collect();
    if lines.is_empty() { vec![RichLine::of("Nothing was told yet.", Role::Dim)] } else { lines }
}

fn pair(name: &str, value: impl Into<String>) -> RichLine {
    RichLine::of(format!("  {name:<28} "), Role::Label).and(value, Role::Text)
}

fn debug(model: &Model) -> Vec<RichLine> {
    let session = &model.session;
    let title = |text: &str| RichLine::of(text, Role::Title);
    let mut lines = lists(model);
    lines.extend(session.narrowed.iter().map(|labels| pair("the server narrows jobs by", labels.as_str())));
    lines.extend([RichLine::default(), title("On the API server, by this session")]);
    lines.extend(session.counters.iter().map(|(name, value)| pair(name, value.as_str())));
    lines.extend([RichLine::default(), title("Here")]);
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

fn health(model: &Model) -> Vec<RichLine> {
    let session = &model.session;
    let Some(offered) = &session.offered else {
        return vec![RichLine::of("Nothing is known yet: there is no connection.", Role::Dim)];
    };
    let mut lines = vec![RichLine::of("Cluster", Role::Title)];
    lines.extend(session.info().map(|info| pair("cluster", format!("{} as {}", info.cluster, info.user))));
    lines.push(pair("Kubernetes", offered.version.as_str()));
    let kinds: Vec<_> = offered.kinds.iter().map(ToString::to_string).collect();
    lines.push(pair("kinds", if kinds.is_empty() { "none".to_owned() } else { kinds.join(", ") }));
    lines.extend([RichLine::default(), RichLine::of("Operators", Role::Title)]);
    for operator in &offered.components {
        let role = if operator.trouble.is_some() { Role::Warn } else { Role::Text };
        let name = format!("{} {}", operator.name, operator.version);
        lines.push(RichLine::of(format!("  {name:<28} "), Role::Label).and(operator.state.as_str(), role));
    }
    if offered.components.is_empty() {
        lines.push(RichLine::of("  none is known (yet)", Role::Dim));
    }
    lines.push(RichLine::default());
    lines.extend(lists(model));
    lines
}

/// The lists that are read, and how each does.
fn lists(model: &Model) -> Vec<RichLine> {
    let mut lines = vec![RichLine::of("Lists", Role::Title)];
    for (key, phase) in &model.session.lists {
        let place = key.namespace.as_ref().map_or("all namespaces", |name| name.as_str());
        lines.push(pair(&list_name(key.of), format!("{place}: {}", phase_words(model, phase))));
    }
    if lines.len() == 1 {
        lines.push(RichLine::of("  none is being read", Role::Dim));
    }
    lines
}

/// Cells of one column of help: there are two where there is room.
const fn column(width: u16) -> u16 {
    if width >= 2 * HELP + GAP { (width - GAP) / 2 } else { width }
}

/// Least cells of a column of help, where there are two.
const HELP: u16 = 56;
/// Between the two.
const GAP: u16 = 2;

/// Draws a text over the body; help in two columns where there is room.
pub fn draw(model: &Model, text: &TextOverlay, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let lines = lines_of(model, text);
    let wanted = text.search.to_lowercase();
    let wide = if matches!(text.source, TextSource::Help(_)) { column(area.width) } else { area.width };
    let places = (area.x..area.right())
        .step_by(usize::from(wide + GAP))
        .flat_map(|x| (area.y..area.bottom()).map(move |y| Rect { x, y, width: wide, height: 1 }));
    for (place, line) in places.zip(lines.iter().skip(text.scroll)) {
        let hit = !wanted.is_empty() && line.text().to_lowercase().contains(&wanted);
        let marked = hit.then(|| RichLine::of(line.text(), Role::Match));
        draw_line(marked.as_ref().unwrap_or(line), None, place.intersection(area), buf, theme);
    }
}
