//! Below a table: more about its selected row, who is meant by a letter, and what could not be read.

use ratatui::{buffer::Buffer, layout::Rect, style::Style};

use super::mark_style;
use crate::console::{
    model::cluster::{About, ClusterModel},
    theme::{Role, Theme},
    widgets::{
        rich::{RichLine, labelled},
        text::{put, width},
    },
};
use crate::jobs::Name;

/// Column in which values begin.
const VALUES: u16 = 9;

/// A piece of a line with its looks: letters have colours that no role has.
pub(super) type Pieces = Vec<(String, Style)>;

/// As many lines as there is room for.
pub(super) fn lines(cluster: &ClusterModel, theme: &Theme, columns: u16, most: usize) -> Vec<Pieces> {
    let mut out: Vec<Pieces> = told(cluster, columns).iter().map(|line| pieces(line, theme)).collect();
    let unread: Vec<Pieces> = unread(cluster, columns).iter().map(|line| pieces(line, theme)).collect();
    // What is not to be seen has its place; letters take what is left.
    out.truncate(most.saturating_sub(unread.len().min(2)));
    let room = most.saturating_sub(out.len() + unread.len());
    out.extend(legend(cluster, theme, columns, room));
    out.extend(unread);
    out.truncate(most);
    out
}

pub(super) fn draw(lines: &[Pieces], _theme: &Theme, area: Rect, buf: &mut Buffer) {
    for (line, y) in lines.iter().zip(area.y..area.bottom()) {
        let mut x = area.x;
        for (text, style) in line {
            x = put(buf, area, x, y, text, *style);
        }
    }
}

fn pieces(line: &RichLine, theme: &Theme) -> Pieces {
    line.pieces.iter().map(|piece| (piece.text.clone(), theme.style(piece.role))).collect()
}

fn told(cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    match &cluster.about {
        About::Nothing => Vec::new(),
        About::Queue(lines) => lines.iter().flat_map(|line| labelled("", 0, line, Role::Text, columns)).collect(),
        About::Node(node) => {
            let mut out = labelled("Free", VALUES, &node.free, Role::Text, columns);
            let (more, others) = node.more;
            let names: Vec<_> = node.starts.iter().map(Name::as_str).collect();
            let starts = match (names.is_empty(), more) {
                (true, _) if others == 0 => "nobody waits for room".to_owned(),
                (true, _) => format!("none of {others} that wait has room here for its largest pod"),
                (false, 0) => {
                    format!("{} could start a pod here; {others} others that wait could not", names.join(", "))
                }
                (false, _) => {
                    format!("{} and {more} more could start a pod here; {others} could not", names.join(", "))
                }
            };
            out.extend(labelled("Starts", VALUES, &starts, Role::Text, columns));
            if !node.taints.is_empty() {
                out.extend(labelled("Taints", VALUES, &node.taints.join(", "), Role::Dim, columns));
            }
            out
        }
    }
}

/// Who is meant by the letters, as many as fit.
fn legend(cluster: &ClusterModel, theme: &Theme, columns: u16, most: usize) -> Vec<Pieces> {
    let (mut out, mut line, mut used) = (Vec::new(), Pieces::new(), 0_u16);
    for (mark, who, gpus) in &cluster.table.legend {
        let text = format!(" {who} {gpus}  ");
        let wide = 1 + width(&text);
        if used + wide > columns && !line.is_empty() {
            out.push(std::mem::take(&mut line));
            used = 0;
        }
        if out.len() >= most {
            return out;
        }
        line.push((mark.symbol.to_string(), mark_style(theme, *mark)));
        line.push((text, theme.style(Role::Dim)));
        used += wide;
    }
    if !line.is_empty() && out.len() < most {
        out.push(line);
    }
    out
}

/// What is not in the table, and what to ask for.
pub(super) fn unread(cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    let each = cluster.table.unread.iter();
    each.flat_map(|why| labelled("Not seen", VALUES + 1, &format!("ask for: {why}"), Role::Warn, columns)).collect()
}
