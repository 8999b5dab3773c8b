//! Suggestions for a failed job: each with its reason, and what they change against the failed one.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::{
    console::{
        model::draft::{Draft, FixModel},
        theme::{Role, Theme},
        widgets::rich::{self, RichLine, labelled},
    },
    jobs::{
        Clean,
        drafting::{DiffLine, Side},
    },
};

/// Lines of the difference that are always left room for.
const DIFF: u16 = 6;

/// Draws it.
pub(super) fn draw(draft: &Draft, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let Some(fix) = &draft.fix else { return };
    let (lines, selected) = choices(fix, area.width);
    let room = (area.height.saturating_sub(DIFF)).max(area.height / 2).min(lines.len() as u16 + 1);
    let upper = Rect { height: room.saturating_sub(1), ..area };
    let top = (selected + 3).saturating_sub(usize::from(upper.height)).min(selected);
    rich::draw(&lines, if lines.len() > usize::from(upper.height) { top } else { 0 }, None, upper, buf, theme);
    let lower = Rect { y: area.y + room, height: area.height - room, ..area };
    let (gone, new) = fix.counts();
    let heading = RichLine::of(format!("Against the failed job: -{gone} +{new} lines"), Role::Heading);
    rich::draw_line(&heading, None, lower, buf, theme);
    let diff: Vec<_> = fix.diff.iter().map(diff_line).collect();
    let lower = Rect { y: lower.y + 1, height: lower.height.saturating_sub(1), ..lower };
    rich::draw(&diff, fix.top, None, lower, buf, theme);
}

/// The suggestions, and the line of the selected one.
fn choices(fix: &FixModel, columns: u16) -> (Vec<RichLine>, usize) {
    let mut out = labelled("Failed", 8, fix.cause.as_str(), Role::Bad, columns);
    let mut selected = 0;
    for (at, choice) in fix.choices.iter().enumerate() {
        let here = at == fix.selected;
        if here {
            selected = out.len();
        }
        let (mark, role) = if choice.taken { ("[x] ", Role::Good) } else { ("[ ] ", Role::Dim) };
        let title = if here { Role::Selected } else { Role::Text };
        let line = RichLine::of(if here { "> " } else { "  " }, Role::Marker).and(mark, role);
        out.push(line.and(choice.fix.title.as_str(), title));
        out.extend(labelled("", 6, choice.fix.reason.as_str(), Role::Dim, columns));
        if let Some(why) = &choice.refused {
            out.extend(labelled("", 6, &format!("x can't be made: {why}"), Role::Bad, columns));
        } else if choice.taken && choice.fix.fill.is_some() {
            out.extend(labelled("", 6, "! you write the value before it is sent", Role::Warn, columns));
        }
    }
    (out, selected)
}

/// A line of a difference.
pub(super) fn diff_line(line: &DiffLine) -> RichLine {
    let (sign, role) = match line.side {
        Side::Both => ("  ", Role::Dim),
        Side::Old => ("- ", Role::Bad),
        Side::New => ("+ ", Role::Good),
    };
    RichLine::of(sign, role).and(Clean::new(&line.text).as_str(), role)
}
