//! What a training program writes into its job: annotation `trainer.opendatahub.io/trainerStatus` of OpenShift AI, and
//! `status.trainerStatus` of Kubeflow Trainer 2.2 (gate `TrainJobStatus`). Both are read alike.

use serde_json::Value;

use super::{Left, Origin, Progress, Rate, Unit};
use crate::jobs::time::Secs;

/// Bytes of a report that are read.
const MOST: usize = 16 * 1024;
/// Speeds by the names that trainers give them.
const SPEEDS: [(&str, Unit); 8] = [
    ("samples_per_second", Unit::Samples),
    ("train_samples_per_second", Unit::Samples),
    ("throughput", Unit::Samples),
    ("images_per_second", Unit::Samples),
    ("tokens_per_second", Unit::Tokens),
    ("train_tokens_per_second", Unit::Tokens),
    ("steps_per_second", Unit::Steps),
    ("train_steps_per_second", Unit::Steps),
];

/// Reads a report. `None` if it is no JSON object or says nothing.
pub fn reported(text: &str) -> Option<Progress> {
    reported_in(&(text.len() <= MOST).then(|| serde_json::from_str(text).ok()).flatten()?)
}

/// The same, of one that is read already.
pub fn reported_in(value: &Value) -> Option<Progress> {
    let count = |name: &str| number(value.get(name)?).filter(|n| *n >= 0.0 && *n < 1e15).map(|n| n as u64);
    let steps = count("totalSteps").filter(|steps| *steps > 0);
    let step = count("currentStep");
    let share = value.get("progressPercentage").and_then(number).map(|percent| (percent / 100.0).clamp(0.0, 1.0));
    let counted = step.zip(steps).map(|(step, steps)| (step as f64 / steps as f64).min(1.0));
    let seconds = count("estimatedRemainingSeconds").and_then(|seconds| u32::try_from(seconds).ok());
    let progress = Progress {
        origin: Origin::Trainer,
        at: value.get("lastUpdatedTime").and_then(Value::as_str).and_then(Secs::parse),
        step,
        steps,
        of_epoch: false,
        epoch: value.get("currentEpoch").and_then(number),
        epochs: count("totalEpochs").and_then(|epochs| u32::try_from(epochs).ok()).filter(|epochs| *epochs > 0),
        share: share.or(counted),
        loss: metric(value, "loss").or_else(|| metric(value, "train_loss")),
        rate: SPEEDS.iter().find_map(|(name, unit)| {
            let value = metric(value, name).filter(|value| *value > 0.0)?;
            Some(Rate { last: value, mean: value, unit: *unit, per_gpu: false, measured: false })
        }),
        left: seconds.map(|seconds| Left { seconds, over: None }),
    };
    (!progress.is_empty()).then_some(progress)
}

/// In `trainMetrics`, an object; or in `metrics`, names and values.
fn metric(value: &Value, name: &str) -> Option<f64> {
    let in_object = value.get("trainMetrics").and_then(|all| number(all.get(name)?));
    let in_list = || {
        let all = value.get("metrics")?.as_array()?;
        number(all.iter().find(|one| one.get("name").and_then(Value::as_str) == Some(name))?.get("value")?)
    };
    in_object.or_else(in_list)
}

/// A number, or a text that is one.
fn number(value: &Value) -> Option<f64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    number.filter(|number| number.is_finite())
}
