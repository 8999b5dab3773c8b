//! Progress as scripts read it: the same wherever a JSON of ours has it. Documented in docs/metrics.md.

use serde_json::{Value, json};

use super::{Progress, Rate};

/// One JSON object; what is not known is null.
pub fn json(progress: &Progress) -> Value {
    let Progress { origin, at, step, steps, of_epoch, epoch, epochs, share, loss, rate, left } = progress;
    json!({
        "origin": origin.word(),
        "at": at.map(|at| at.to_string()),
        "percent": share.map(|share| share * 100.0),
        "step": step,
        "steps": steps,
        "stepsOfEpoch": of_epoch,
        "epoch": epoch,
        "epochs": epochs,
        "loss": loss,
        "rate": rate.as_ref().map(speed),
        "remainingSeconds": left.map(|left| left.seconds),
        "remainingEstimatedOverSeconds": left.and_then(|left| left.over),
    })
}

fn speed(rate: &Rate) -> Value {
    json!({
        "unit": rate.unit.word(),
        "last": rate.last,
        "mean": rate.mean,
        "perGpu": rate.per_gpu,
        "fromTimesOfSteps": rate.measured,
    })
}
