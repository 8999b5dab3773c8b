//! The overview as lines: what accelerators there are and who holds them, jobs by state, what is wasted.

use super::about;
use crate::{
    console::{
        model::{
            Model,
            cluster::ClusterModel,
            survey::{OLD, Told},
        },
        theme::Role,
        widgets::{
            rich::{RichLine, heading, labelled, table},
            text::width,
        },
    },
    jobs::{
        Sym,
        capacity::{Busy, Gpus, Work},
        quantity::counted,
        time::duration,
    },
};

/// Column in which values begin.
const VALUES: u16 = 12;
/// Rows of a ranking.
const TOP: usize = 5;
/// Cells of a bar.
const BAR: u64 = 10;

/// All lines.
pub(super) fn lines(model: &Model, cluster: &ClusterModel, columns: u16) -> Vec<RichLine> {
    let it = &cluster.overview;
    let mut out = Vec::new();
    if it.nodes.0 > 0 {
        let (nodes, shut) = it.nodes;
        let shut = if shut == 0 { String::new() } else { format!(", {shut} of them closed or not ready") };
        out.extend(labelled("Nodes", VALUES, &format!("{nodes}{shut}"), Role::Text, columns));
        out.extend(gpus(model, cluster, columns));
        if cluster.overview.gpus != Gpus::default() {
            out.extend(work(model, columns));
        }
    } else if model.survey.at.is_some() && cluster.table.unread.is_empty() {
        out.push(RichLine::of("This cluster has no nodes.", Role::Dim));
    }
    out.extend(states(model, cluster, columns));
    let wants = if it.wanted == 0 {
        "no job waits for GPUs".to_owned()
    } else {
        format!("jobs that wait want {}", counted(it.wanted, "GPU"))
    };
    out.extend(labelled("Waiting", VALUES, &wants, Role::Text, columns));
    let (held, jobs, hours) = it.leaked;
    if held > 0 {
        let of = if jobs == 1 { "1 job that has".to_owned() } else { format!("{jobs} jobs that have") };
        let is = if held == 1 { "is" } else { "are" };
        let text = format!("{} {is} held by {of} ended: {hours} GPU-hours so far (:free-gpus)", counted(held, "GPU"));
        out.extend(labelled("Wasted", VALUES, &text, Role::Warn, columns));
    }
    out.extend(ranking(
        "Namespaces that hold most",
        it.namespaces.iter().map(|(name, n)| (name.to_string(), *n)),
        columns,
    ));
    out.extend(ranking("Users whose jobs hold most", cluster.users.iter().cloned(), columns));
    let unread = about::unread(cluster, columns);
    if !unread.is_empty() {
        out.push(RichLine::default());
        out.extend(unread);
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
        let text = format!("{n} {word}  ");
        if line.width() > VALUES && line.width() + width(text.trim_end()) > columns {
            out.push(std::mem::take(&mut line).pad_to(VALUES));
            line = line.pad_to(VALUES);
        }
        line = line.and(text, Role::of(*severity));
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
fn work(model: &Model, columns: u16) -> Vec<RichLine> {
    let said = |text: &str, role: Role| labelled("Busy", VALUES, text, role, columns);
    let mut out = match &model.survey.work {
        None => said("reading ...", Role::Wait),
        Some(Told { work: Err(why), .. }) => said(&format!("not known: {why}"), Role::Dim),
        Some(Told { source, work: Ok(work) }) => {
            let old = model.now.since(work.at);
            let age = if old > OLD { format!(", {} ago", duration(old)) } else { String::new() };
            let role = if work.all().idle > 0 { Role::Warn } else { Role::Text };
            said(&format!("{}; says {source}{age}", busy(work)), role)
        }
    };
    out.push(RichLine::default());
    out
}

/// `63% on average of 12 GPUs that pods hold, 2 of them idle: H100 71%, A100 48%`.
fn busy(work: &Work) -> String {
    let (all, models) = (work.all(), work.models());
    let percent = |busy: Busy| format!("{}%", busy.mean().round());
    let idle = if all.idle > 0 { format!(", {} of them idle", all.idle) } else { String::new() };
    let each: Vec<String> = models.iter().map(|(model, busy)| format!("{model} {}", percent(*busy))).collect();
    let each = if each.len() > 1 { format!(": {}", each.join(", ")) } else { String::new() };
    format!("{} on average of {} that pods hold{idle}{each}", percent(all), counted(u64::from(all.measured), "GPU"))
}

/// How much is held, as a bar.
fn bar(gpus: Gpus, ascii: bool) -> String {
    let (full, empty) = if ascii { ('#', '.') } else { ('█', '·') };
    let held = (gpus.allocated * BAR).checked_div(gpus.total).unwrap_or(0).min(BAR);
    let percent = (gpus.allocated * 100).checked_div(gpus.total).unwrap_or(0);
    let part = |c: char, n: u64| std::iter::repeat_n(c, usize::try_from(n).unwrap_or(0)).collect::<String>();
    format!("{}{} {percent}%", part(full, held), part(empty, BAR - held))
}

fn ranking(title: &str, all: impl Iterator<Item = (String, u64)>, columns: u16) -> Vec<RichLine> {
    let rows: Vec<_> =
        all.take(TOP).map(|(name, n)| vec![(name, Role::Text), (counted(n, "GPU"), Role::Text)]).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let mut out = vec![RichLine::default(), RichLine::of(title, Role::Title)];
    out.extend(table(2, &rows, columns));
    out
}
