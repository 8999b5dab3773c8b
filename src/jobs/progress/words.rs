//! Progress in words, for people: the same on a page, in a column and in tables of the command line.

use super::{Origin, Progress, Rate};
use crate::jobs::time::{Secs, duration};

/// A number with three digits that count: `0.53`, `12.4`, `181k`.
pub fn number(value: f64) -> String {
    let size = value.abs();
    let text = match size {
        _ if size >= 1e6 => return format!("{}M", trimmed(&format!("{:.2}", value / 1e6))),
        _ if size >= 1e4 => return format!("{}k", trimmed(&format!("{:.1}", value / 1e3))),
        _ if size >= 100.0 => format!("{value:.0}"),
        _ if size >= 10.0 => format!("{value:.1}"),
        _ if size >= 0.001 || size == 0.0 => format!("{value:.3}"),
        _ => return format!("{value:.1e}"),
    };
    if text.contains('.') { trimmed(&text) } else { text }
}

fn trimmed(text: &str) -> String {
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

impl Rate {
    /// `812 samples/s`, `210 samples/s a GPU`.
    pub fn text(&self) -> String {
        self.of(self.last)
    }

    /// The mean, in the same words.
    pub fn mean_text(&self) -> String {
        self.of(self.mean)
    }

    fn of(&self, value: f64) -> String {
        let share = if self.per_gpu { " a GPU" } else { "" };
        format!("{} {}{share}", number(value), self.unit.word())
    }
}

impl Progress {
    /// `45%`, or what else tells how far it is; for a column.
    pub fn brief(&self) -> String {
        let percent = self.percent();
        let count = match (self.step, self.steps) {
            (Some(step), Some(steps)) if !self.of_epoch => Some(format!("{step}/{steps}")),
            (Some(step), _) if !self.of_epoch => Some(format!("step {step}")),
            _ => self.epoch.map(|at| match self.epochs {
                Some(epochs) => format!("epoch {}/{epochs}", number(at)),
                None => format!("epoch {}", number(at)),
            }),
        };
        match (percent, count) {
            (Some(percent), Some(count)) => format!("{percent} {count}"),
            (percent, count) => percent.or(count).unwrap_or_default(),
        }
    }

    /// `45%`. Rounded down: 100 % is the end.
    pub fn percent(&self) -> Option<String> {
        Some(format!("{}%", (self.share? * 100.0 + 1e-9).floor()))
    }

    /// Where it is: `step 450 of 1000, epoch 2 of 3`.
    pub fn place(&self) -> String {
        let mut out = Vec::new();
        match (self.step, self.steps) {
            (Some(step), Some(steps)) if self.of_epoch => out.push(format!("{step} of {steps} in this epoch")),
            (Some(step), Some(steps)) => out.push(format!("step {step} of {steps}")),
            (Some(step), None) => out.push(format!("step {step}")),
            _ => {}
        }
        if let Some(epoch) = self.epoch {
            let of = self.epochs.map(|epochs| format!(" of {epochs}")).unwrap_or_default();
            out.push(format!("epoch {}{of}", number(epoch)));
        }
        out.join(", ")
    }

    /// All that is known in one line: `45%, step 450 of 1000, loss 0.53, 812 samples/s`.
    pub fn text(&self) -> String {
        let place = Some(self.place()).filter(|place| !place.is_empty());
        let loss = self.loss.map(|loss| format!("loss {}", number(loss)));
        let rate = self.rate.map(|rate| {
            let how = if rate.measured { " (from the times of steps)" } else { "" };
            format!("{}{how}", rate.text())
        });
        [self.percent(), place, loss, rate].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// Who says so, and how long ago: `from the log, 12s ago`.
    pub fn source(&self, now: Secs) -> String {
        let who = match self.origin {
            Origin::Trainer => "told by the training program",
            Origin::Log => "from the log",
        };
        self.at.map_or_else(|| who.to_owned(), |at| format!("{who}, {} ago", duration(now.since(at))))
    }

    /// `about 40m left, estimated from the last 10m`; `None` where it is not known, or should be over by now.
    pub fn left_text(&self, now: Secs) -> Option<String> {
        let left = self.left?;
        let rest = self.at.map_or(left.seconds, |at| at.plus(left.seconds).since(now));
        if rest == 0 {
            return None;
        }
        Some(match left.over {
            Some(over) => format!("about {} left, estimated from the last {}", duration(rest), duration(over)),
            None => format!("about {} left, says the training program", duration(rest)),
        })
    }
}
