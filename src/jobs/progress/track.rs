//! The lines of one log together: what was said last, how fast it goes, and when it will be done.
//!
//! Of several ranks that tell of themselves, the lowest counts. Kept are a few numbers and at most [`MOST_POINTS`] points in
//! time, however long the log.

use std::collections::VecDeque;

use super::{
    Left, Origin, Progress, Rate, Unit,
    line::{may_tell, read},
    told::Told,
};
use crate::jobs::time::Secs;

/// So far back an estimate looks.
const WINDOW: u32 = 600;
/// Seconds between two points that are kept.
const APART: u32 = 10;
/// Points that are kept.
const MOST_POINTS: usize = (WINDOW / APART) as usize + 2;
/// Lengths of bars that are remembered.
const MOST_BARS: usize = 8;
/// An estimate needs so many seconds to rest on.
const LEAST: u32 = 30;
/// Lines of one second that are read: a program that writes more says nothing new with them.
const MOST_A_SECOND: u32 = 20;
/// What is left is not told beyond a year.
const LONGEST: f64 = 365.0 * 86_400.0;

/// What is remembered of the lines.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// Who speaks; untagged lines come after any rank.
    speaker: Option<u32>,
    last: Told,
    /// Bars without a name that begin anew are of an epoch each.
    bars_of_epoch: bool,
    /// Steps of bars that others came after: one that comes back is of an epoch.
    left_bars: VecDeque<u64>,
    at: Option<Secs>,
    loss: Option<f64>,
    rate: Option<(f64, Unit, bool)>,
    sum: f64,
    told: u32,
    points: VecDeque<Point>,
    /// Lines of the present second that were read.
    second: (Option<Secs>, u32),
}

#[derive(Clone, Copy, Debug)]
struct Point {
    at: Secs,
    step: Option<u64>,
    share: Option<f64>,
}

impl Track {
    /// Takes the next line.
    pub fn feed(&mut self, text: &str, rank: Option<u32>, at: Option<Secs>) {
        let speaker = rank.unwrap_or(u32::MAX);
        if self.speaker.is_some_and(|known| known < speaker) {
            return;
        }
        if !may_tell(text) || !self.is_in_time(at) {
            return;
        }
        let Some(told) = read(text) else { return };
        if self.speaker.is_some_and(|known| known > speaker) {
            *self = Self { second: self.second, ..Self::default() };
        }
        if self.take(told) {
            self.speaker = Some(speaker);
            self.at = at.or(self.at);
            self.mark();
        }
    }

    /// Whether another line of this second is read. Without a time there is no such bound.
    fn is_in_time(&mut self, at: Option<Secs>) -> bool {
        self.second = if self.second.0 == at { (at, self.second.1.saturating_add(1)) } else { (at, 0) };
        at.is_none() || self.second.1 < MOST_A_SECOND
    }

    /// Lays a line over what was said before. `false`: it is about something else.
    fn take(&mut self, told: Told) -> bool {
        let last = self.last;
        let mut now = Told { loss: None, rate: None, ..told };
        if told.unnamed && last.unnamed && told.steps != last.steps {
            // Beside the training's bar there may be a shorter one of an evaluation, also at its end. What ended without a
            // word of a loss was no training, so that a shorter one may be it.
            let was_none = last.step >= last.steps && (self.loss.is_none() || told.loss.is_some());
            if told.steps < last.steps && (!was_none || self.bars_of_epoch) {
                return false;
            }
            // What was between was the shorter bar of an evaluation; the next of these is passed over.
            self.bars_of_epoch |= told.steps > last.steps && told.steps.is_some_and(|steps| self.has_left(steps));
            self.leave(last.steps);
            self.begin_anew();
        } else if told.unnamed && told.steps == last.steps {
            let ended = last.step >= last.steps.map(|steps| steps - steps / 20);
            self.bars_of_epoch |= ended && told.step < last.step;
        }
        now.epoch = told.epoch.or(last.epoch);
        now.epochs =
            told.epochs.or(last.epochs).filter(|epochs| now.epoch.is_none_or(|at| at <= f64::from(*epochs) + 1.0));
        if told.step.is_none() && told.epoch == last.epoch {
            (now.step, now.steps, now.of_epoch, now.unnamed) = (last.step, last.steps, last.of_epoch, last.unnamed);
        } else if told.step.is_none() && last.of_epoch && told.epoch.is_some() {
            (now.steps, now.of_epoch) = (last.steps, true);
        } else if told.step.is_none() {
            (now.step, now.steps, now.of_epoch, now.unnamed) = (last.step, last.steps, last.of_epoch, last.unnamed);
        } else if told.steps.is_none() {
            now.steps = last.steps.filter(|steps| !last.of_epoch && told.step.is_some_and(|step| step <= *steps));
        }
        now.of_epoch |= self.bars_of_epoch && now.unnamed;
        let back = now.step < last.step && now.epoch == last.epoch && now.step.is_some();
        if back {
            self.begin_anew();
        }
        self.last = now;
        self.learn(told);
        true
    }

    fn has_left(&self, steps: u64) -> bool {
        self.left_bars.contains(&steps)
    }

    fn leave(&mut self, steps: Option<u64>) {
        let Some(steps) = steps.filter(|steps| !self.has_left(*steps)) else { return };
        self.left_bars.push_back(steps);
        if self.left_bars.len() > MOST_BARS {
            self.left_bars.pop_front();
        }
    }

    /// It goes back: a new attempt, or another part of the run.
    fn begin_anew(&mut self) {
        self.points.clear();
        (self.rate, self.sum, self.told) = (None, 0.0, 0);
    }

    fn learn(&mut self, told: Told) {
        if let Some(loss) = told.loss {
            self.loss = Some(loss).filter(|loss| loss.is_finite());
        }
        let Some(rate) = told.rate else { return };
        let (_, unit, per_gpu) = rate;
        if self.rate.is_some_and(|(_, known, of_one)| (known, of_one) != (unit, per_gpu)) {
            // What counts samples tells more than what counts steps.
            if unit == Unit::Steps {
                return;
            }
            (self.sum, self.told) = (0.0, 0);
        }
        self.rate = Some(rate);
        self.sum += rate.0;
        self.told = self.told.saturating_add(1);
    }

    fn mark(&mut self) {
        let Some(at) = self.at else { return };
        let point = Point { at, step: self.last.step.filter(|_| !self.last.of_epoch), share: self.share() };
        let newest = self.points.len().checked_sub(2).and_then(|nth| self.points.get(nth));
        if newest.is_some_and(|before| at.since(before.at) < APART) {
            self.points.pop_back();
        }
        self.points.push_back(point);
        while self.points.get(1).is_some_and(|second| at.since(second.at) >= WINDOW) || self.points.len() > MOST_POINTS
        {
            self.points.pop_front();
        }
    }

    /// How many points are kept.
    #[cfg(test)]
    pub(super) fn points(&self) -> usize {
        self.points.len()
    }

    /// How much of the run is done.
    fn share(&self) -> Option<f64> {
        let Told { step, steps, of_epoch, epoch, epochs, epoch_done, .. } = self.last;
        let within = step.zip(steps).map(|(step, steps)| step as f64 / steps as f64);
        let share = match (of_epoch, epoch, epochs) {
            (false, _, _) if within.is_some() => within?,
            (_, Some(epoch), Some(epochs)) => {
                let passed = if epoch_done { epoch } else { epoch - 1.0 + within.unwrap_or(0.0) };
                passed / f64::from(epochs)
            }
            _ => return None,
        };
        Some(share.clamp(0.0, 1.0))
    }

    /// What all of it says; `None` if nothing was said.
    pub fn progress(&self) -> Option<Progress> {
        self.speaker?;
        let Told { step, steps, of_epoch, epoch, epochs, .. } = self.last;
        let told = self.rate.map(|(last, unit, per_gpu)| {
            let mean = self.sum / f64::from(self.told.max(1));
            Rate { last, mean, unit, per_gpu, measured: false }
        });
        let progress = Progress {
            origin: Origin::Log,
            at: self.at,
            step,
            steps,
            of_epoch,
            epoch,
            epochs,
            share: self.share(),
            loss: self.loss,
            rate: told.or_else(|| self.measured()),
            left: self.left(),
        };
        (!progress.is_empty()).then_some(progress)
    }

    /// The first and the last point, if they are far enough apart.
    fn span(&self) -> Option<(Point, Point, u32)> {
        let (first, last) = (*self.points.front()?, *self.points.back()?);
        let seconds = last.at.since(first.at);
        (seconds >= LEAST).then_some((first, last, seconds))
    }

    fn measured(&self) -> Option<Rate> {
        let (first, last, seconds) = self.span()?;
        let value = last.step?.checked_sub(first.step?)? as f64 / f64::from(seconds);
        (value > 0.0).then_some(Rate { last: value, mean: value, unit: Unit::Steps, per_gpu: false, measured: true })
    }

    fn left(&self) -> Option<Left> {
        let (first, last, seconds) = self.span()?;
        let (from, to) = (first.share?, last.share?);
        let rest = (1.0 - to) * f64::from(seconds) / (to - from);
        (to > from && to < 1.0 && rest < LONGEST).then(|| Left { seconds: rest.round() as u32, over: Some(seconds) })
    }
}
