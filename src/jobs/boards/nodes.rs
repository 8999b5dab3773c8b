//! Nodes: their accelerators one by one, what is left, and what is the matter.

use super::{Cell, Column, Goes, Mark, Row, Table, only, whys};
use crate::jobs::capacity::NodeRow;
use crate::jobs::{
    capacity::{HeldPod, Holder, NodeUse, held, nodes as used, starts},
    columns::Tone,
    fleet::Fleet,
    part::Part,
    quantity::{counted, format_bytes, format_cpu},
    state::Severity,
    text::{Name, Sym},
};

static COLUMNS: &[Column] = &[
    Column::words("NODE", 0, "its name"),
    Column::words("GPUS", 1, "one sign a GPU: who holds it"),
    Column::number("FREE", 0, "GPUs free"),
    Column::words("MODEL", 5, "what its GPUs are called"),
    Column::number("CPU-HELD", 3, "cores asked for, of all"),
    Column::number("MEM-HELD", 4, "memory asked for, of all"),
    Column::number("PODS", 6, "pods there"),
    Column::words("STATE", 0, "not ready, closed, under pressure"),
    Column::words("TAINTS", 7, "what pods must stand"),
];

/// Letters for holders; more of them share the last.
const LETTERS: &str = "abcdefghijklmnopqrstuvwyz";
/// For all other holders.
const OTHERS: char = '+';
/// For pods that belong to no training job.
const FOREIGN: char = '#';

/// All nodes.
pub fn nodes(fleet: &Fleet, rows: &Part<NodeRow>, pods: &Part<HeldPod>) -> Table {
    let all = held(fleet, pods);
    let uses = used(&rows.rows, &all);
    let letters = Letters::of(&uses);
    let rows_of = uses.iter().map(|node| row(node, &letters)).collect();
    Table { columns: COLUMNS, rows: rows_of, legend: letters.legend(), unread: whys([&rows.unread, &pods.unread]) }
}

/// Who has which letter: those who hold most come first.
struct Letters(Vec<(Holder, u64)>);

impl Letters {
    fn of(nodes: &[NodeUse<'_>]) -> Self {
        let mut sums: std::collections::BTreeMap<&Holder, u64> = std::collections::BTreeMap::new();
        for (holder, gpus) in nodes.iter().flat_map(|node| &node.held) {
            *sums.entry(holder).or_default() += u64::from(*gpus);
        }
        let mut all: Vec<_> = sums.into_iter().map(|(holder, n)| (holder.clone(), n)).collect();
        all.sort_by(|a, b| (b.0.is_job, b.1, &a.0).cmp(&(a.0.is_job, a.1, &b.0)));
        Self(all)
    }

    fn mark(&self, holder: &Holder) -> Mark {
        if !holder.is_job {
            return Mark { symbol: FOREIGN, series: None };
        }
        let at = self.0.iter().position(|(known, _)| known == holder);
        let letter = at.and_then(|at| LETTERS.chars().nth(at));
        Mark { symbol: letter.unwrap_or(OTHERS), series: letter.and(at).and_then(|at| u8::try_from(at).ok()) }
    }

    fn legend(&self) -> Vec<(Mark, String, u64)> {
        let mut out: Vec<(Mark, String, u64)> = Vec::new();
        for (holder, gpus) in &self.0 {
            let mark = self.mark(holder);
            let known = out.iter_mut().find(|(other, ..)| *other == mark && matches!(mark.symbol, OTHERS | FOREIGN));
            match known {
                Some((.., sum)) => *sum += gpus,
                None if mark.symbol == OTHERS => out.push((mark, "other jobs".to_owned(), *gpus)),
                None if mark.symbol == FOREIGN => out.push((mark, "no training jobs".to_owned(), *gpus)),
                None => out.push((mark, format!("{}/{}", holder.namespace, holder.name), *gpus)),
            }
        }
        out
    }
}

fn row(node: &NodeUse<'_>, letters: &Letters) -> Row {
    let there = node.node;
    let (free, gpus) = (node.free(), there.gpus());
    let mut strip = Vec::new();
    for (holder, n) in &node.held {
        strip.extend(std::iter::repeat_n(letters.mark(holder), *n as usize));
    }
    let rest = if there.is_open() { '.' } else { '-' };
    strip.resize(strip.len().max(usize::try_from(gpus).unwrap_or(0)), Mark { symbol: rest, series: None });
    strip.extend(std::iter::repeat_n(
        Mark { symbol: 'x', series: None },
        usize::try_from(there.unhealthy()).unwrap_or(0),
    ));
    let text: String = strip.iter().map(|mark| mark.symbol).collect();
    let of = |resource: &str| there.allocatable.get(resource).copied().unwrap_or(0);
    let free_text = if gpus == 0 { "-".to_owned() } else { free.gpus.to_string() };
    let tone = if free.gpus > 0 && there.is_open() { Tone::Severity(Severity::Good) } else { Tone::Quiet };
    let memory = of("memory") / 1000;
    let taints: Vec<&str> = there.taints.iter().filter(|t| t.is_hard()).map(|t| t.key.as_str()).collect();
    let cells = vec![
        Cell::text(there.name.as_str(), Tone::Name),
        Cell { strip: strip.into(), ..Cell::number(u64::from(node.used.gpus), text, Tone::Plain) },
        Cell::number(u64::from(free.gpus), free_text, tone),
        Cell::text(there.model().map_or("-", Sym::as_str), Tone::Quiet),
        Cell::number(
            node.used.cpu_milli,
            format!("{}/{}", format_cpu(node.used.cpu_milli), format_cpu(of("cpu"))),
            Tone::Plain,
        ),
        Cell::number(
            node.used.memory,
            format!("{}/{}", format_bytes(node.used.memory), format_bytes(memory)),
            Tone::Plain,
        ),
        Cell::count(u64::from(node.pods)),
        state(there),
        Cell::text(taints.join(","), Tone::Quiet),
    ];
    let goes = Some(Goes::Jobs(only("node", there.name.as_str())));
    Row { id: there.name.to_string(), depth: 0, cells, goes }
}

fn state(node: &NodeRow) -> Cell {
    let mut words: Vec<&str> = Vec::new();
    if !node.ready {
        words.push("not ready");
    }
    if node.closed {
        words.push("closed");
    }
    words.extend(node.pressure.iter().map(Sym::as_str));
    let severity = if !node.ready {
        Severity::Bad
    } else if words.is_empty() {
        Severity::Good
    } else {
        Severity::Warn
    };
    let text = if words.is_empty() { "ready".to_owned() } else { words.join(", ") };
    Cell::text(text, Tone::Severity(severity))
}

/// More about one node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeAbout {
    /// Taints in full.
    pub taints: Vec<String>,
    /// GPUs, cores and memory that are free.
    pub free: String,
    /// Waiting jobs whose largest pod has room there, at most a few.
    pub starts: Vec<Name>,
    /// How many others would have, and how many would not.
    pub more: (usize, usize),
}

/// More about the node of this name.
pub fn of_node(fleet: &Fleet, rows: &[NodeRow], pods: &Part<HeldPod>, name: &str) -> Option<NodeAbout> {
    const NAMED: usize = 3;
    let node = rows.iter().position(|node| node.name.as_str() == name)?;
    let one = &rows[node..=node];
    let there: Vec<HeldPod> =
        held(fleet, pods).into_iter().filter(|pod| pod.node.as_ref() == Some(&one[0].name)).collect();
    let uses = used(one, &there);
    let node = uses.first()?;
    let (free, (fitting, others)) = (node.free(), starts(fleet, node));
    let taint = |t: &crate::jobs::taint::Taint| {
        let value = if t.value.is_empty() { String::new() } else { format!("={}", t.value) };
        format!("{}{value}:{}", t.key, t.effect)
    };
    Some(NodeAbout {
        taints: node.node.taints.iter().map(taint).collect(),
        free: format!(
            "{}, {} cpu, {}",
            counted(free.gpus.into(), "GPU"),
            format_cpu(free.cpu_milli),
            format_bytes(free.memory)
        ),
        starts: fitting.iter().take(NAMED).map(|job| job.row.name.clone()).collect(),
        more: (fitting.len().saturating_sub(NAMED), others),
    })
}
