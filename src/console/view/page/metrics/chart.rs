//! One replica alone: its values as bars between two axes.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{NUMBER, right, stretched, stretches, whole};
use crate::{
    console::{
        model::page::{
            PageModel,
            metrics::{Member, MetricsModel},
        },
        theme::{Role, Theme},
        widgets::{
            rich::{self, RichLine},
            spark,
            text::{cut, put, width},
        },
    },
    jobs::{
        Secs,
        time::duration,
        usage::{Metric, Part, Series, Stats, Window},
    },
};

/// Lines that the chart has at least, its title and axis included.
const LEAST: u16 = 8;
/// Columns of the labels at the left.
const LABELS: u16 = 9;

/// Draws it: a title, the bars, the axis below with its times.
pub(super) fn draw(page: &PageModel, member: &Member, now: Secs, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let (metrics, metric) = (&page.metrics, page.metrics.metric);
    let window = metrics.range.window(page.job.began(), now);
    let stats = metrics.usage.stats(&member.worker.pod, metric, window.from);
    let mut title = RichLine::of(format!("{}: {}", member.title, metric.title()), Role::Title);
    if let Some(stats) = stats {
        let [now, mean, max] = [stats.now, stats.mean, stats.max].map(|value| metric.text(value));
        title = title.and(format!("   now {now}   mean {mean}   max {max}"), Role::Text);
    } else {
        title = title.and("   not measured", Role::Dim);
    }
    rich::draw_line(&title, None, area, buf, theme);
    let apart = parts(metrics, member, window.from);
    // With a blank line above; a chart needs some lines, too.
    let lines = if apart.is_empty() { 0 } else { (apart.len() as u16 + 1).min(area.height.saturating_sub(LEAST)) };
    let below = Rect { y: area.bottom().saturating_sub(lines), height: lines.min(area.height), ..area };
    draw_parts(&apart, metric, window, theme, below, buf);
    let area = Rect { height: area.height.saturating_sub(lines), ..area };
    let (rows, cells) = (area.height.saturating_sub(4), area.width.saturating_sub(LABELS + 1));
    if rows == 0 || cells == 0 {
        return;
    }
    let top = whole(metrics, member).or(stats.map(|stats| stats.max)).filter(|top| *top > 0.0).unwrap_or(1.0);
    let plot = Rect { x: area.x + LABELS + 1, y: area.y + 2, width: cells, height: rows };
    draw_labels(|share| metric.text(top * share), theme, area, plot, buf);
    let values = stretches(page, member, now, cells).unwrap_or_default();
    let role = member.flags.first().map_or(Role::Good, |flag| Role::of(flag.severity()));
    for row in 0..rows {
        let sign = |value: &Option<f64>| {
            value.map_or(' ', |value| spark::bar(value / top, usize::from(row), usize::from(rows), theme.ascii))
        };
        let line: String = values.iter().map(sign).collect();
        put(buf, plot, plot.x, plot.bottom() - 1 - row, &line, theme.style(role));
    }
    let below = plot.bottom();
    let end = plot.x + u16::try_from(values.len()).unwrap_or(cells);
    let ago = format!("{} ago", duration(now.since(window.from)));
    put(buf, area, plot.x, below, &theme.lines()[0].repeat(values.len()), theme.style(Role::Border));
    put(buf, area, plot.x, below + 1, &ago, theme.style(Role::Dim));
    put(buf, area, end.saturating_sub(width("now")), below + 1, "now", theme.style(Role::Dim));
}

/// One GPU: what it is called, its values, what they come to.
type Line<'a> = (&'a Part, &'a Series, Stats);

/// The GPUs of a replica, where it has several or parts of one.
fn parts<'m>(metrics: &'m MetricsModel, member: &Member, from: Secs) -> Vec<Line<'m>> {
    let apart = metrics.apart.iter().filter(|apart| apart.pod == member.worker.pod && apart.metric == metrics.metric);
    let all: Vec<_> = apart
        .flat_map(|apart| apart.rows(from))
        .filter_map(|(part, series)| Some((part, series, series.stats(from)?)))
        .collect();
    let is_one = matches!(all.as_slice(), [(part, ..)] if part.part == 0);
    if is_one { Vec::new() } else { all }
}

/// A line for each GPU, as many as fit.
fn draw_parts(all: &[Line<'_>], metric: Metric, window: Window, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let top = if metric == Metric::Gpu { 100.0 } else { all.iter().map(|(.., stats)| stats.max).fold(0.0, f64::max) };
    let name = all.iter().map(|(part, ..)| width(part.title.as_str())).max().unwrap_or(0).min(area.width / 3);
    let numbers = area.width.saturating_sub(3 * NUMBER);
    let room = usize::from(area.height.saturating_sub(1));
    let shown = if all.len() > room { room.saturating_sub(1) } else { room };
    for ((part, series, stats), y) in all.iter().take(shown).zip(area.y + 1..) {
        let title = cut(part.title.as_str(), name, theme.ellipsis());
        put(buf, area, area.x, y, &title, theme.style(Role::Text));
        let cells = numbers.saturating_sub(name + 2);
        let line = spark::line(&stretched(series, window, cells), top, theme.ascii);
        put(buf, area, area.x + name + 2, y, &line, theme.style(Role::Good));
        for (at, value) in (0..).zip([stats.now, stats.mean, stats.max]) {
            let text = metric.text(value);
            right(buf, area, area.x + numbers + NUMBER * at, NUMBER, y, &text, theme.style(Role::Text));
        }
    }
    if all.len() > shown && area.height > 1 {
        let text = format!("and {} more", all.len() - shown);
        put(buf, area, area.x, area.bottom() - 1, &text, theme.style(Role::Dim));
    }
}

/// The highest value, half of it, and nothing, at the left of their rows.
fn draw_labels(text: impl Fn(f64) -> String, theme: &Theme, area: Rect, plot: Rect, buf: &mut Buffer) {
    let style = theme.style(Role::Dim);
    for (share, y) in [(1.0, plot.y), (0.5, plot.y + plot.height / 2), (0.0, plot.bottom() - 1)] {
        let label = text(share);
        put(buf, area, area.x + (LABELS - 1).saturating_sub(width(&label)), y, &label, style);
    }
    for y in plot.y..plot.bottom() {
        put(buf, area, plot.x - 1, y, theme.lines()[1], theme.style(Role::Border));
    }
}
