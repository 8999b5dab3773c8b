//! Tab Metrics: what the job uses, and each replica's share of it as a line or a cell; one of them alone as a chart.

mod chart;

use ratatui::{buffer::Buffer, layout::Rect};

use super::areas;
use crate::{
    console::{
        model::{
            Model,
            page::{MetricsModel, PageModel, Tab, metrics::Member, workers::Shape},
        },
        theme::{Role, Theme},
        view::trouble,
        widgets::{
            rich::{self, RichLine, labelled},
            spark,
            text::{cut, put, width},
        },
    },
    jobs::{
        Secs,
        quantity::{counted, format_bytes},
        usage::{Flag, Metric, Series, Window, age, export::told},
    },
};

/// Cells of a line of the heat map.
pub const CELLS: usize = 20;
/// Lines above the replicas: names, now, mean, highest, how far the training is, a heading.
const HEAD: u16 = 6;
/// Columns of the labels left of the job's numbers, and of each number.
const LABEL: u16 = 6;
const COLUMN: u16 = 9;
/// Columns of a number of a replica.
const NUMBER: u16 = 9;
/// Columns of the flags of a replica.
const FLAGS: u16 = 8;
/// Cells of a line of values at most.
const SPARK: u16 = 60;
/// Seconds in which a Prometheus has looked at a pod twice: a rate needs that.
const SEEN_WITHIN: u32 = 120;
/// Where the cells of the heat map begin.
const RULER: u16 = 12;
/// Of a record without numbers.
const NOT_RECORDED: &str =
    "No numbers were recorded: none were measured where the past can be read, or nobody recorded when it ended.";

/// Lines below the replicas.
const fn foot(height: u16) -> u16 {
    if height >= 18 { 4 } else { 1 }
}

/// Lines that replicas have on this screen.
pub fn rows_of(model: &Model) -> usize {
    let body = trouble::body(model);
    let height = model.page.as_ref().map_or(0, |page| areas(super::body(page, body), Tab::Metrics).content.height);
    usize::from(height.saturating_sub(HEAD + foot(height)))
}

/// Lines or cells, for so many replicas in so many lines.
pub fn shape(metrics: &MetricsModel, count: usize, rows: usize) -> Shape {
    metrics.asked.unwrap_or(if count > rows { Shape::Grid } else { Shape::Table })
}

/// The line above the tab: how far back, from where, how old.
pub fn summary(page: &PageModel, now: Secs) -> RichLine {
    let metrics = &page.metrics;
    let range = match metrics.range.title() {
        range if range.starts_with("since") => range.to_owned(),
        range if page.job.derived.finished.is_some() => format!("its last {range}"),
        range => format!("last {range}"),
    };
    let mut line = RichLine::of(range, Role::Title);
    if let Some(source) = &metrics.source {
        line = line.and(format!("  {source}"), Role::Text);
    }
    if let (Some(newest), None) = (metrics.newest(), page.job.derived.finished) {
        let old = now.since(newest) > 60 + 2 * metrics.usage.step();
        line = line.and(format!(", {} old", age(newest, now).0), if old { Role::Stale } else { Role::Dim });
    } else if let (Some(newest), Some(_)) = (metrics.usage.newest(), page.job.derived.finished) {
        line = line.and(format!(", until {newest}"), Role::Dim);
    } else if !metrics.answered && metrics.followed.is_some() && metrics.smi.is_none() {
        line = line.and("  reading ...", Role::Wait);
    }
    if let Some(asked) = &metrics.smi {
        let comma = if metrics.source.is_some() { "; " } else { "  " };
        let again = if metrics.asking.is_some() { ", asked again and again" } else { "" };
        line = line.and(format!("{comma}nvidia-smi by exec, {} ago{again}", age(asked.at, now).0), Role::Text);
    }
    match &metrics.trouble {
        // That there is no other source is no trouble then.
        Some(_) if metrics.smi.is_some() && metrics.source.is_none() => line,
        Some(trouble) if !metrics.usage.is_empty() => line.and(format!("  {}", trouble.what), Role::Warn),
        _ => line,
    }
}

/// Draws the tab.
pub fn draw(page: &PageModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let metrics = &page.metrics;
    if metrics.usage.is_empty() {
        rich::draw(&nothing(page, now, area.width), 0, None, area, buf, theme);
        return;
    }
    let (told, now) = (training(page, now), page.measured_until(now));
    let members = metrics.members(&page.job.replicas(), now);
    let shown = metrics.measured(&members);
    let selected = shown.iter().find(|member| Some(&member.id) == page.workers.selected.as_ref()).copied();
    let foot = foot(area.height).min(area.height);
    let body = Rect { height: area.height - foot, ..area };
    if let Some(member) = selected.filter(|_| metrics.open) {
        chart::draw(page, member, now, theme, body, buf);
    } else {
        if let (Some(line), true) = (told, body.height > HEAD - 2) {
            rich::draw_line(&line, None, Rect { y: body.y + HEAD - 2, height: 1, ..body }, buf, theme);
        }
        draw_all(page, &shown, now, theme, body, buf);
    }
    let below = Rect { y: body.bottom(), height: foot, ..area };
    rich::draw(&notes(page, selected, area.width), 0, None, below, buf, theme);
}

/// The job's numbers above, a line or a cell for each replica below.
fn draw_all(page: &PageModel, shown: &[&Member], now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    draw_job(page, theme, area, buf);
    let below = HEAD.min(area.height);
    let rows = Rect { y: area.y + below, height: area.height - below, ..area };
    let heading = Rect { y: rows.y.saturating_sub(1), height: 1, ..area };
    match shape(&page.metrics, shown.len(), usize::from(rows.height)) {
        Shape::Table => {
            let columns = Columns::of(shown, area.width);
            draw_heading(page.metrics.metric, &columns, theme, heading, buf);
            draw_rows(page, shown, &columns, now, theme, rows, buf);
        }
        Shape::Grid => draw_cells(page, shown, now, theme, heading, rows, buf),
    }
}

/// How far the training has come, in one line.
fn training(page: &PageModel, now: Secs) -> Option<RichLine> {
    let progress = page.job.derived.progress.as_ref()?;
    let line = RichLine::of("train ", Role::Label).and(progress.text(), Role::Text);
    let left = progress.left_text(now).filter(|_| !page.job.derived.state.is_finished());
    Some(
        line.and(left.map(|left| format!(", {left}")).unwrap_or_default(), Role::Dim)
            .and(format!("; {}", progress.source(now)), Role::Dim),
    )
}

/// What stands there as long as nothing was measured.
fn nothing(page: &PageModel, now: Secs, columns: u16) -> Vec<RichLine> {
    let metrics = &page.metrics;
    let mut out: Vec<RichLine> = training(page, now).into_iter().collect();
    let mut say = |text: &str, role| out.extend(labelled("", 0, text, role, columns));
    if page.recorded.is_some() {
        say(NOT_RECORDED, Role::Dim);
        return out;
    }
    if page.job.pods.is_empty() {
        say(page.job.absence("").why.as_str(), Role::Dim);
        return out;
    }
    match &metrics.trouble {
        Some(trouble) => {
            say(trouble.what.as_str(), Role::Warn);
            say(trouble.hint.as_str(), Role::Dim);
        }
        None if page.gone.is_some() => say("The job was deleted before its numbers were read.", Role::Dim),
        None if !metrics.answered => say("reading ...", Role::Wait),
        None if has_just_begun(page, now) => {
            say("Nothing was measured yet: its pods have not run for long.", Role::Wait);
            return out;
        }
        None => say("Nothing was measured of these replicas.", Role::Warn),
    }
    for lack in metrics.lacking() {
        say(&told(lack), Role::Dim);
    }
    for refusal in &metrics.tried {
        say(&format!("{}. {}", refusal.what, refusal.hint), Role::Dim);
    }
    out
}

/// Whether no pod of it has run for so long that a Prometheus must have looked at it.
fn has_just_begun(page: &PageModel, now: Secs) -> bool {
    let mut began = page.job.pods.iter().filter_map(|pod| pod.started);
    page.job.derived.finished.is_none() && began.all(|began| now.since(began) < SEEN_WITHIN)
}

/// The job's own numbers, all metrics side by side.
fn draw_job(page: &PageModel, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let metrics = &page.metrics;
    for (label, y) in ["", "now", "mean", "max"].iter().zip(area.y..area.bottom()) {
        put(buf, area, area.x, y, label, theme.style(Role::Label));
    }
    for (i, metric) in (0..).zip(Metric::SHOWN) {
        let x = area.x + LABEL + COLUMN * i;
        let is_open = metric == metrics.metric;
        right(
            buf,
            area,
            x,
            COLUMN,
            area.y,
            metric.short(),
            theme.style(if is_open { Role::Selected } else { Role::Heading }),
        );
        let stats = metrics.totals[metric.index()];
        let values = [stats.map(|stats| stats.now), stats.map(|stats| stats.mean), stats.map(|stats| stats.max)];
        for (value, y) in values.into_iter().zip(area.y + 1..area.bottom()) {
            let (text, role) = shown_value(metric, value);
            right(buf, area, x, COLUMN, y, &text, theme.style(role));
        }
    }
}

/// A value, or a dash for what was not measured.
fn shown_value(metric: Metric, value: Option<f64>) -> (String, Role) {
    value.map_or_else(|| ("-".to_owned(), Role::Dim), |value| (metric.text(value), Role::Text))
}

/// Writes at the right end of `width` cells from `x` on.
fn right(buf: &mut Buffer, area: Rect, x: u16, columns: u16, y: u16, text: &str, style: ratatui::style::Style) {
    let blank = columns.saturating_sub(width(text));
    put(buf, area, x + blank, y, text, style);
}

/// Where the parts of a replica's line are.
struct Columns {
    name: u16,
    spark: u16,
}

impl Columns {
    fn of(shown: &[&Member], columns: u16) -> Self {
        let name = shown.iter().map(|member| width(&member.title)).max().unwrap_or(0).clamp(8, 16);
        let rest = columns.saturating_sub(2 + name + 2 + 3 * NUMBER + 1 + FLAGS);
        Self { name, spark: rest.min(SPARK) }
    }

    const fn numbers(&self) -> u16 {
        2 + self.name + 2 + self.spark
    }
}

fn draw_heading(metric: Metric, columns: &Columns, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let style = theme.style(Role::Heading);
    put(buf, area, area.x + 2, area.y, "REPLICA", style);
    let title = cut(metric.title(), columns.spark, theme.ellipsis());
    put(buf, area, area.x + 4 + columns.name, area.y, &title, theme.style(Role::Dim));
    for (i, word) in (0..).zip(["NOW", "MEAN", "MAX"]) {
        right(buf, area, area.x + columns.numbers() + NUMBER * i, NUMBER, area.y, word, style);
    }
}

fn draw_rows(
    page: &PageModel,
    shown: &[&Member],
    columns: &Columns,
    now: Secs,
    theme: &Theme,
    area: Rect,
    buf: &mut Buffer,
) {
    let (metrics, metric) = (&page.metrics, page.metrics.metric);
    let top = highest(metrics, shown);
    for (member, y) in shown.iter().skip(metrics.top).zip(area.y..area.bottom()) {
        let is_selected = Some(&member.id) == page.workers.selected.as_ref();
        if is_selected {
            put(buf, area, area.x, y, theme.marker(), theme.style(Role::Marker));
        }
        let name = cut(&member.title, columns.name, theme.ellipsis());
        put(buf, area, area.x + 2, y, &name, theme.style(if is_selected { Role::Selected } else { Role::Text }));
        let odd = member.flags.first().map(|flag| Role::of(flag.severity()));
        if let Some(values) = stretches(page, member, now, columns.spark) {
            let whole = whole(metrics, member).unwrap_or(top);
            let line = spark::line(&values, whole, theme.ascii);
            put(buf, area, area.x + 4 + columns.name, y, &line, theme.style(odd.unwrap_or(Role::Good)));
        }
        let stats = metrics.usage.stats(&member.worker.pod, metric, metrics.from(page.job.began(), now));
        let values = [stats.map(|stats| stats.now), stats.map(|stats| stats.mean), stats.map(|stats| stats.max)];
        for (i, value) in (0..).zip(values) {
            let (text, role) = shown_value(metric, value);
            right(buf, area, area.x + columns.numbers() + NUMBER * i, NUMBER, y, &text, theme.style(role));
        }
        let words: Vec<&str> = member.flags.iter().map(Flag::word).collect();
        let words = cut(&words.join(","), FLAGS, theme.ellipsis());
        let x = area.x + columns.numbers() + 3 * NUMBER + 1;
        put(buf, area, x, y, &words, theme.style(odd.unwrap_or(Role::Text)));
    }
}

/// Means of a replica's values in so many cells.
pub(super) fn stretches(page: &PageModel, member: &Member, now: Secs, cells: u16) -> Option<Vec<Option<f64>>> {
    let metrics = &page.metrics;
    let series = metrics.usage.series(&member.worker.pod, metrics.metric)?;
    Some(stretched(series, metrics.range.window(page.job.began(), now), cells))
}

/// Means of values in so many cells; each cell is as long as the others, and only the last one changes until all move by
/// one.
fn stretched(series: &Series, window: Window, cells: u16) -> Vec<Option<f64>> {
    let (span, step) = (window.to.since(window.from), series.step());
    let cells = u32::from(cells.max(1));
    let length = span.div_ceil(cells).div_ceil(step) * step;
    series.stretched(window.to, length, (span / length.max(1) + 1).min(cells) as usize)
}

/// What there is of the metric in all, where that is known.
fn whole(metrics: &MetricsModel, member: &Member) -> Option<f64> {
    match metrics.metric {
        Metric::Gpu | Metric::Temperature => Some(100.0),
        Metric::GpuMemory => Some(metrics.usage.series(&member.worker.pod, Metric::GpuMemoryTotal)?.last()?.1),
        Metric::Memory if member.worker.memory_limit > 0 => Some(member.worker.memory_limit as f64),
        _ => None,
    }
}

/// The highest value of all that are shown.
fn highest(metrics: &MetricsModel, shown: &[&Member]) -> f64 {
    let series = shown.iter().filter_map(|member| metrics.usage.series(&member.worker.pod, metrics.metric));
    series.filter_map(|series| series.stats(Secs(0))).map(|stats| stats.max).fold(0.0, f64::max)
}

/// A cell for each replica: how much it uses now.
fn draw_cells(
    page: &PageModel,
    shown: &[&Member],
    now: Secs,
    theme: &Theme,
    heading: Rect,
    area: Rect,
    buf: &mut Buffer,
) {
    let (metrics, top) = (&page.metrics, highest(&page.metrics, shown));
    let scale = if top > 0.0 { metrics.metric.text(top) } else { String::new() };
    let of = if matches!(metrics.metric, Metric::Gpu) { "100%".to_owned() } else { scale };
    let text = format!("{} of {} replicas now, full is {of}", metrics.metric.title(), shown.len());
    put(buf, heading, heading.x, heading.y, &cut(&text, heading.width, theme.ellipsis()), theme.style(Role::Dim));
    for (line, y) in shown.chunks(CELLS).skip(metrics.top).zip(area.y..area.bottom()) {
        let first = cut(&line[0].title, RULER - 2, theme.ellipsis());
        put(buf, area, area.x, y, &first, theme.style(Role::Dim));
        for (i, member) in (0..).zip(line) {
            let stats = metrics.usage.stats(&member.worker.pod, metrics.metric, metrics.from(page.job.began(), now));
            let share = stats.map(|stats| stats.now / whole(metrics, member).unwrap_or(top).max(f64::MIN_POSITIVE));
            let sign = share.map_or(if theme.ascii { '?' } else { '·' }, |share| spark::level(share, theme.ascii));
            let x = area.x + RULER + 2 * i;
            let role = member.flags.first().map_or(Role::Good, |flag| Role::of(flag.severity()));
            let mut style = theme.style(if share.is_some() { role } else { Role::Dim });
            if Some(&member.id) == page.workers.selected.as_ref() {
                put(buf, area, x - 1, y, if theme.ascii { "[" } else { "▐" }, theme.style(Role::Marker));
                style = style.patch(theme.style(Role::Selected));
            }
            put(buf, area, x, y, &sign.to_string(), style);
        }
    }
}

/// What is below: the selected replica in words, then what could not be had.
fn notes(page: &PageModel, selected: Option<&Member>, columns: u16) -> Vec<RichLine> {
    let metrics = &page.metrics;
    let mut out = Vec::new();
    if let Some(member) = selected {
        let mut line = RichLine::of(member.title.clone(), Role::Title);
        let last = |metric| Some(metrics.usage.series(&member.worker.pod, metric)?.last()?.1);
        if member.worker.gpus > 0 {
            line = line.and(format!(", {}", counted(member.worker.gpus.into(), "GPU")), Role::Dim);
        }
        let shares = [
            (Metric::GpuMemory, last(Metric::GpuMemoryTotal), "GPU memory"),
            (Metric::Memory, (member.worker.memory_limit > 0).then_some(member.worker.memory_limit as f64), "memory"),
        ];
        for (metric, whole, word) in shares {
            if let (Some(used), Some(whole)) = (last(metric), whole) {
                let percent = (100.0 * used / whole.max(1.0)).round();
                line = line.and(format!(", {word} {percent}% of {}", format_bytes(whole as u64)), Role::Dim);
            }
        }
        for flag in &member.flags {
            line = line.and(format!(", {flag}"), Role::of(flag.severity()));
        }
        out.push(line);
    }
    for lack in metrics.lacking() {
        out.extend(labelled("", 0, &told(lack), Role::Dim, columns));
    }
    for refusal in &metrics.tried {
        out.extend(labelled("", 0, &format!("{}. {}", refusal.what, refusal.hint), Role::Dim, columns));
    }
    out
}

/// Draws what stands beside the Overview: a line for each replica with GPUs, else for each.
pub fn draw_beside(page: &PageModel, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let metrics = &page.metrics;
    let title = RichLine::of(metrics.metric.title(), Role::Title).and("  ", Role::Text);
    let title = summary(page, now).pieces.into_iter().fold(title, |line, piece| line.and(piece.text, Role::Dim));
    rich::draw_line(&title, None, area, buf, theme);
    let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
    if metrics.usage.is_empty() {
        rich::draw(&nothing(page, now, area.width), 0, None, below, buf, theme);
        return;
    }
    let now = page.measured_until(now);
    let members = metrics.members(&page.job.replicas(), now);
    let shown = metrics.measured(&members);
    if shown.len() > usize::from(below.height) {
        draw_cells(
            page,
            &shown,
            now,
            theme,
            Rect { height: 1, ..below },
            Rect { y: below.y + 1, height: below.height.saturating_sub(1), ..below },
            buf,
        );
        return;
    }
    draw_rows(page, &shown, &Columns::of(&shown, area.width), now, theme, below, buf);
}
