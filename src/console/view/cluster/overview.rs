//! The overview as lines: what accelerators there are and who holds them, jobs by state, what is wasted.

use ratatui::{buffer::Buffer, layout::Rect};

use super::{GUTTER, about};
use crate::{
    console::{
        model::{
            Model,
            cluster::{ClusterModel, Spot},
            survey::{OLD, Told},
        },
        theme::{Role, Theme},
        widgets::{
            rich::{self, RichLine, heading, labelled, table},
            text::{put, width},
        },
    },
    jobs::{
        Sym,
        boards::overview::{TOP, of_space, of_user},
        capacity::{Busy, Gpus, Idle, Work},
        quantity::counted,
        time::duration,
    },
};

/// Column in which values begin.
const VALUES: u16 = 12;
/// Cells of a bar.
const BAR: u64 = 10;

/// One line.
#[derive(Clone, Debug)]
pub struct Line {
    /// The row of [`ClusterModel::table`] that it is, if it leads anywhere.
    pub id: Option<String>,
    text: RichLine,
}

/// Lines, of which the first one is the row of this id.
fn row(id: Option<&str>, lines: Vec<RichLine>) -> impl Iterator<Item = Line> {
    let ids = std::iter::once(id.map(str::to_owned)).chain(std::iter::repeat(None));
    lines.into_iter().zip(ids).map(|(text, id)| Line { id, text })
}

/// Lines that lead nowhere.
fn told(lines: Vec<RichLine>) -> impl Iterator<Item = Line> {
    row(None, lines)
}

/// Draws what is in sight of them.
pub(super) fn draw(lines: &[Line], spot: &Spot, theme: &Theme, area: Rect, buf: &mut Buffer) {
    let text = Rect { x: area.x + GUTTER, width: area.width.saturating_sub(GUTTER), ..area };
    for (line, y) in lines.iter().skip(spot.top).zip(area.y..area.bottom()) {
        rich::draw_line(&line.text, None, Rect { y, height: 1, ..text }, buf, theme);
        if line.id.is_some() && line.id == spot.selected {
            put(buf, area, area.x, y, theme.marker(), theme.style(Role::Marker));
            let first = line.text.pieces.iter().find(|piece| !piece.text.trim().is_empty());
            let (blank, word) = first.map_or((0, 0), |piece| {
                let word = piece.text.trim();
                (width(&piece.text[..piece.text.len() - piece.text.trim_start().len()]), width(word))
            });
            let word = Rect { x: text.x + blank, y, width: word, height: 1 }.intersection(text);
            buf.set_style(word, theme.style(Role::Selected));
        }
    }
}

/// All lines.
pub(super) fn lines(model: &Model, cluster: &ClusterModel, columns: u16) -> Vec<Line> {
    let it = &cluster.overview;
    let mut out = Vec::new();
    let leads = |id: &'static str| Some(id).filter(|id| cluster.table.position(id).is_some());
    if it.nodes.0 > 0 {
        let (nodes, shut) = it.nodes;
        let shut = if shut == 0 { String::new() } else { format!(", {shut} of them closed or not ready") };
        out.extend(told(labelled("Nodes", VALUES, &format!("{nodes}{shut}"), Role::Text, columns)));
        out.extend(told(gpus(model, cluster, columns)));
        if cluster.overview.gpus != Gpus::default() {
            out.extend(told(work(model, cluster, columns)));
            out.extend(row(leads("idle"), idle(model, cluster, columns)));
            out.extend(told(vec![RichLine::default()]));
        }
    } else if model.survey.at.is_some() && !cluster.table.unread.is_empty() {
        // Who may not see nodes may see what GPUs do.
        out.extend(told(work(model, cluster, columns)));
        out.extend(row(leads("idle"), idle(model, cluster, columns)));
        out.extend(told(vec![RichLine::default()]));
    } else if model.survey.at.is_some() {
        out.extend(told(vec![RichLine::of("This cluster has no nodes.", Role::Dim)]));
    }
    out.extend(told(states(model, cluster, columns)));
    let wants = if it.wanted == 0 {
        "no job waits for GPUs".to_owned()
    } else {
        format!("jobs that wait want {}", counted(it.wanted, "GPU"))
    };
    out.extend(row(leads("waiting"), labelled("Waiting", VALUES, &wants, Role::Text, columns)));
    let (held, jobs, hours) = it.leaked;
    if held > 0 {
        let of = if jobs == 1 { "1 job that has".to_owned() } else { format!("{jobs} jobs that have") };
        let is = if held == 1 { "is" } else { "are" };
        let text = format!("{} {is} held by {of} ended: {hours} GPU-hours so far (:free-gpus)", counted(held, "GPU"));
        out.extend(row(leads("wasted"), labelled("Wasted", VALUES, &text, Role::Warn, columns)));
    }
    let spaces = it.namespaces.iter().map(|(name, n)| (name.to_string(), *n));
    out.extend(ranking("Namespaces that hold most", spaces, of_space, columns));
    out.extend(ranking("Users whose jobs hold most", cluster.users.iter().cloned(), of_user, columns));
    let unread = about::unread(cluster, columns);
    if !unread.is_empty() {
        out.extend(told([vec![RichLine::default()], unread].concat()));
    }
    out
}

/// Jobs by state, on as many lines as it takes.
fn states(model: &Model, cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    let mut line = RichLine::of("Jobs", Role::Label).pad_to(VALUES);
    if cluster.overview.states.is_empty() {
        return vec![line.and(format!("none in {}", model.session.scope), Role::Dim)];
    }
    let mut out = Vec::new();
    for (word, severity, n) in &cluster.overview.states {
        let (gap, text) = (if line.width() > VALUES { "  " } else { "" }, format!("{n} {word}"));
        if line.width() > VALUES && line.width() + width(gap) + width(&text) > columns {
            out.push(std::mem::take(&mut line));
            line = line.pad_to(VALUES).and(text, Role::of(*severity));
        } else {
            line = line.and(gap, Role::Text).and(text, Role::of(*severity));
        }
    }
    out.push(line);
    out
}

fn gpus(model: &Model, cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    let it = &cluster.overview;
    if it.gpus == Gpus::default() {
        return labelled("GPUs", VALUES, "no node has any", Role::Dim, columns);
    }
    let mut rows = vec![heading(&["GPUS", "TOTAL", "HELD", "FREE", "CLOSED", "UNHEALTHY", ""])];
    let all = (Sym::new("all"), it.gpus);
    let several = it.models.len() > 1;
    for (name, gpus) in std::iter::once(&all).filter(|_| several).chain(&it.models) {
        let number = |n: u64, role: Role| {
            (if n == 0 { "-".to_owned() } else { n.to_string() }, if n == 0 { Role::Dim } else { role })
        };
        rows.push(vec![
            (name.to_string(), Role::Text),
            number(gpus.total, Role::Text),
            number(gpus.allocated, Role::Text),
            number(gpus.free(), Role::Good),
            number(gpus.closed, Role::Warn),
            number(gpus.unhealthy, Role::Bad),
            (bar(*gpus, model.ascii), Role::Dim),
        ]);
    }
    table(0, &rows, columns)
}

/// How busy those are that pods hold, and what says so.
fn work(model: &Model, cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    let said = |text: &str, role: Role| labelled("Busy", VALUES, text, role, columns);
    let knows_all = model.survey.at.is_some() && cluster.table.unread.is_empty();
    match &model.survey.work {
        _ if knows_all && cluster.overview.gpus.allocated == 0 => said("no pod holds a GPU now", Role::Dim),
        None => said("reading ...", Role::Wait),
        Some(Told { work: Err(why), .. }) => said(&format!("not known: {why}"), Role::Dim),
        Some(Told { source, work: Ok(work) }) => {
            let old = model.now.since(work.at);
            let age = if old > OLD { format!(", {} ago", duration(old)) } else { String::new() };
            said(&format!("{}; says {source}{age}", busy(work)), Role::Text)
        }
    }
}

/// `63% on average of 12 GPUs that pods hold: H100 71%, A100 48%`.
fn busy(work: &Work) -> String {
    let (all, models) = (work.all(), work.models());
    let percent = |busy: Busy| format!("{}%", busy.mean().round());
    let each: Vec<String> = models.iter().map(|(model, busy)| format!("{model} {}", percent(*busy))).collect();
    let each = if each.len() > 1 { format!(": {}", each.join(", ")) } else { String::new() };
    let places = match work.places {
        Some((answered, of)) if answered == of => format!(" in {}", counted(of as u64, "namespace")),
        Some((answered, of)) => format!(" in {answered} of {}", counted(of as u64, "namespace")),
        None => String::new(),
    };
    let count = counted(u64::from(all.measured), "GPU");
    format!("{} on average of {count} that pods hold{places}{each}", percent(all))
}

/// How many of them do nothing now, and whose they are; nothing where all work.
fn idle(model: &Model, cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    let work = model.survey.work.as_ref().and_then(|told| told.work.as_ref().ok());
    let Some(all) = work.map(|work| work.all().idle).filter(|all| *all > 0) else { return Vec::new() };
    let Idle { of_jobs, of_others, unknown } = cluster.idle;
    let parts =
        [(of_jobs, "of training jobs"), (of_others, "of other pods"), (unknown, "of pods that are not seen from here")];
    let parts: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, whose)| format!("{n} {whose}")).collect();
    let whose = match parts.as_slice() {
        [_] if of_jobs == all => ", all of training jobs".to_owned(),
        [_] if of_others == all => ", none of a training job".to_owned(),
        [_] => String::new(),
        several => format!(": {}", several.join(", ")),
    };
    let text = format!("{} now{whose}", counted(u64::from(all), "GPU"));
    labelled("Idle", VALUES, &text, Role::Warn, columns)
}

/// How much is held, as a bar.
fn bar(gpus: Gpus, ascii: bool) -> String {
    let (full, empty) = if ascii { ('#', '.') } else { ('█', '·') };
    let held = (gpus.allocated * BAR).checked_div(gpus.total).unwrap_or(0).min(BAR);
    let percent = (gpus.allocated * 100).checked_div(gpus.total).unwrap_or(0);
    let part = |c: char, n: u64| std::iter::repeat_n(c, usize::try_from(n).unwrap_or(0)).collect::<String>();
    format!("{}{} {percent}%", part(full, held), part(empty, BAR - held))
}

fn ranking(title: &str, all: impl Iterator<Item = (String, u64)>, id: fn(&str) -> String, columns: u16) -> Vec<Line> {
    let (mut ids, mut rows) = (Vec::new(), Vec::new());
    for (name, n) in all.take(TOP) {
        ids.push(id(&name));
        rows.push(vec![(name, Role::Text), (counted(n, "GPU"), Role::Text)]);
    }
    if rows.is_empty() {
        return Vec::new();
    }
    let mut out: Vec<Line> = told(vec![RichLine::default(), RichLine::of(title, Role::Title)]).collect();
    let lines = table(0, &rows, columns);
    // Where names are broken, a line is no row.
    let is_one_each = lines.len() == ids.len();
    let ids = ids.into_iter().map(|id| Some(id).filter(|_| is_one_each)).chain(std::iter::repeat(None));
    out.extend(lines.into_iter().zip(ids).map(|(text, id)| Line { id, text }));
    out
}
