//! How far a training run has come: step, epoch, loss, speed, and what is left of it.
//!
//! Owns what lines of logs and annotations of trainers say of it, and what follows from that. Pure: lines come one by one,
//! with their times. What was read from a log is marked as such ([`Origin::Log`]); an estimate says what it rests on.

mod bar;
mod export;
mod line;
mod pairs;
mod report;
#[cfg(test)]
mod tests;
mod told;
mod track;
mod words;

use serde::{Deserialize, Serialize};

pub use export::json;
pub use report::{reported, reported_in};
pub use told::Told;
pub use track::Track;
pub use words::number;

use super::time::Secs;

/// Who says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Origin {
    /// The training program, in the job's object.
    #[default]
    Trainer,
    /// Lines of a log, as we understand them.
    Log,
}

impl Origin {
    /// As scripts read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trainer => "trainer",
            Self::Log => "log",
        }
    }
}

/// What is counted a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Unit {
    /// Samples, images, sequences.
    Samples,
    /// Tokens.
    Tokens,
    /// Steps, iterations, batches.
    Steps,
}

impl Unit {
    /// `samples/s`.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Samples => "samples/s",
            Self::Tokens => "tokens/s",
            Self::Steps => "steps/s",
        }
    }
}

/// How fast it goes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// So many a second: the newest.
    pub last: f64,
    /// The mean of all that were told, or the same.
    pub mean: f64,
    /// Of what.
    pub unit: Unit,
    /// It is one accelerator's share.
    pub per_gpu: bool,
    /// Nobody said so: it is from the times of steps.
    pub measured: bool,
}

/// What is left of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Seconds, from [`Progress::at`] on.
    pub seconds: u32,
    /// It is estimated from so many seconds before; `None`: the training program says so.
    pub over: Option<u32>,
}

/// How far a run has come. What nobody said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Progress {
    /// Who says so.
    pub origin: Origin,
    /// When it was said last.
    pub at: Option<Secs>,
    /// The last step.
    pub step: Option<u64>,
    /// Of how many.
    pub steps: Option<u64>,
    /// Those are of one epoch, not of the run.
    pub of_epoch: bool,
    /// The epoch: a number that is counted, or how many have passed.
    pub epoch: Option<f64>,
    /// Of how many.
    pub epochs: Option<u32>,
    /// How much of the run is done, 0 to 1.
    pub share: Option<f64>,
    /// The last loss of training that is a number.
    pub loss: Option<f64>,
    /// How fast it goes.
    pub rate: Option<Rate>,
    /// What is left.
    pub left: Option<Left>,
}

impl Progress {
    /// Whether nothing was said that is worth a word.
    pub fn is_empty(&self) -> bool {
        *self == Self { origin: self.origin, at: self.at, of_epoch: self.of_epoch, ..Self::default() }
    }

    /// When it will be done, if it goes on so.
    pub fn end(&self) -> Option<Secs> {
        Some(self.at?.plus(self.left?.seconds))
    }
}
