//! Runs as a table: a column each, against one of them.

use super::run::Run;
use crate::jobs::{
    columns::Tone,
    progress::{Rate, number},
    state::Severity,
    time::duration,
};

/// What a run should reach.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Goals {
    /// Efficiency in percent; none if nobody set it.
    pub efficiency: Option<u32>,
    /// Samples (or what is counted) a second of the whole job; none if nobody set it.
    pub speed: Option<u32>,
}

/// What stands in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Its text; empty where nothing is known.
    pub text: String,
    /// How it is meant.
    pub tone: Tone,
}

/// One line: what is compared, and each run's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What.
    pub title: &'static str,
    /// A cell for each run.
    pub cells: Vec<Cell>,
}

/// By what runs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Mean speeds that count the same.
    Speed,
    /// How long they ran, of runs that ended well.
    Duration,
}

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// The runs, in their order.
    pub runs: &'a [Run],
    /// Place of the run that the others are compared with.
    pub base: usize,
    /// What they should reach.
    pub goals: Goals,
}

impl<'a> Sheet<'a> {
    fn base(&self) -> Option<&'a Run> {
        self.runs.get(self.base)
    }

    /// How many times as fast as the first, and by what that was found.
    pub(super) fn speed_up(&self, run: &Run) -> Option<(f64, Measure)> {
        let base = self.base()?;
        if let (Some(a), Some(b)) = (base.speed(), run.speed())
            && a.unit == b.unit
            && a.mean > 0.0
        {
            return Some((b.mean / a.mean, Measure::Speed));
        }
        let whole = |run: &Run| run.ran.filter(|ran| run.succeeded && *ran > 0).map(f64::from);
        Some((whole(base)? / whole(run)?, Measure::Duration))
    }

    /// What of the speed-up each accelerator (each worker, where there are none) is worth: 1 is as much as in the first.
    pub fn efficiency(&self, run: &Run) -> Option<f64> {
        let (times, base) = (self.speed_up(run)?.0, self.base()?);
        let (own, first) = if self.by_gpu() { (run.gpus, base.gpus) } else { (run.workers, base.workers) };
        (own > 0 && first > 0).then(|| times * f64::from(first) / f64::from(own))
    }

    /// Whether efficiency is counted by accelerator.
    pub(super) fn by_gpu(&self) -> bool {
        self.runs.iter().all(|run| run.gpus > 0)
    }

    /// All lines; first what is always told, then fields in which the runs differ.
    pub fn rows(&self) -> Vec<Row> {
        let mut rows = self.told();
        rows.extend(self.differing().into_iter().map(|(title, values)| {
            let cells = values.into_iter().map(|text| Cell { text, tone: Tone::Plain }).collect();
            Row { title, cells }
        }));
        // A line that says nothing of any takes no room.
        rows.retain(|row| row.cells.iter().any(|cell| !cell.text.is_empty()));
        rows
    }

    fn told(&self) -> Vec<Row> {
        let row = |title, cell: &dyn Fn(&Run) -> Cell| Row { title, cells: self.runs.iter().map(cell).collect() };
        let plain = |text: String| Cell { text, tone: Tone::Plain };
        let seconds = |value: Option<u32>| plain(value.map(duration).unwrap_or_default());
        let progress = |run: &Run, text: &dyn Fn(&crate::jobs::progress::Progress) -> Option<String>| {
            plain(run.progress.as_deref().and_then(text).unwrap_or_default())
        };
        vec![
            row("state", &|run| Cell { text: run.state.clone(), tone: Tone::Severity(run.severity) }),
            row("waited", &|run| seconds(run.waited)),
            row("ran", &|run| seconds(run.ran)),
            row("workers", &|run| plain(workers(run))),
            row("GPUs", &|run| plain(if run.gpus > 0 { run.gpus.to_string() } else { String::new() })),
            row("image", &|run| plain(run.image.as_str().rsplit('/').next().unwrap_or_default().to_owned())),
            row("progress", &|run| progress(run, &|progress| Some(progress.brief()))),
            row("loss", &|run| progress(run, &|progress| progress.loss.map(number))),
            row("speed", &|run| plain(run.speed().map(|rate| rate.text()).unwrap_or_default())),
            row("mean speed", &|run| self.mean(run)),
            row("speed-up", &|run| plain(self.speed_up(run).map(times).unwrap_or_default())),
            row("efficiency", &|run| self.share(run)),
        ]
    }

    fn mean(&self, run: &Run) -> Cell {
        let Some(rate) = run.speed() else { return Cell { text: String::new(), tone: Tone::Plain } };
        let goal = self.goals.speed.map(|goal| rate.mean >= f64::from(goal));
        Cell { text: rate.mean_text() + sign(goal), tone: tone(goal) }
    }

    fn share(&self, run: &Run) -> Cell {
        let Some(share) = self.efficiency(run) else { return Cell { text: String::new(), tone: Tone::Plain } };
        let goal = self.meets(share);
        Cell { text: format!("{:.0}%{}", share * 100.0, sign(goal)), tone: tone(goal) }
    }

    /// Whether an efficiency reaches its goal, where there is one.
    pub(super) fn meets(&self, share: f64) -> Option<bool> {
        self.goals.efficiency.map(|goal| (share * 100.0).round() >= f64::from(goal))
    }

    /// The fields in which the runs differ.
    pub(super) fn differing(&self) -> Vec<(&'static str, Vec<String>)> {
        let Some(first) = self.runs.first() else { return Vec::new() };
        let value = |run: &Run, name| {
            let field = run.fields.iter().find(|(own, _)| *own == name);
            field.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let all = first.fields.iter().map(|(name, _)| (*name, self.runs.iter().map(|run| value(run, *name)).collect()));
        all.filter(|(_, values): &(_, Vec<String>)| values.iter().any(|value| *value != values[0])).collect()
    }

    /// How the numbers were made, a line each.
    pub fn notes(&self) -> Vec<String> {
        let Some(base) = self.base() else { return Vec::new() };
        let mut out = Vec::new();
        let found: Vec<_> = self.runs.iter().map(|run| self.speed_up(run).map(|(_, measure)| measure)).collect();
        let has = |measure| found.iter().enumerate().any(|(at, found)| at != self.base && *found == Some(measure));
        let each = if self.by_gpu() { "GPU" } else { "worker" };
        let by = match (has(Measure::Speed), has(Measure::Duration)) {
            (true, true) => "mean speeds; where there are none, the time they ran",
            (true, false) => "mean speeds",
            (false, true) => "the time they ran",
            (false, false) if self.runs.len() > 1 => {
                "nothing: no speeds that count the same are known, and not both ended well"
            }
            _ => return vec!["one run is nothing to compare with".to_owned()],
        };
        out.push(format!("against {}, by {by}; efficiency is for each {each}", base.title()));
        if let Some(goal) = self.goals.efficiency {
            out.push(format!("goal: {goal}% efficiency{}", self.speed_goal()));
        }
        let rates: Vec<Rate> = self.runs.iter().filter_map(Run::speed).collect();
        if rates.iter().any(|rate| rate.measured) {
            out.push("steps/s are from the times of log lines".to_owned());
        }
        if self.runs.iter().any(|run| run.progress.as_ref().and_then(|p| p.rate).is_some_and(|rate| rate.per_gpu)) {
            out.push("a speed that is told for one GPU was taken times the GPUs of the job".to_owned());
        }
        out
    }

    fn speed_goal(&self) -> String {
        self.goals.speed.map(|goal| format!(", {goal} a second")).unwrap_or_default()
    }
}

fn workers(run: &Run) -> String {
    match (run.workers, run.slots) {
        (0, _) => String::new(),
        (workers, Some(slots)) => format!("{workers} x {slots} slots"),
        (workers, None) => workers.to_string(),
    }
}

fn times((value, _): (f64, Measure)) -> String {
    format!("{value:.2}x")
}

/// A goal that is missed is marked by more than a colour.
const fn sign(goal: Option<bool>) -> &'static str {
    match goal {
        Some(false) => " !",
        _ => "",
    }
}

const fn tone(goal: Option<bool>) -> Tone {
    match goal {
        Some(true) => Tone::Severity(Severity::Good),
        Some(false) => Tone::Severity(Severity::Warn),
        None => Tone::Plain,
    }
}
