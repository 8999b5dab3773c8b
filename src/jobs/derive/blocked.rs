//! What only warnings tell: a refused manifest, pods that can't be made, a launcher Job that has given up.

use super::Input;
use crate::jobs::{row::EventRow, state::Failure, time::Secs};

/// Whether the operator refused the manifest. It will not write a status.
pub(super) fn is_refusal(event: &EventRow) -> bool {
    event.reason.as_str() == "ValidationError"
}

/// The newest warning that pods can't be made, if nothing has been made since.
pub(super) fn newest<'a>(input: &Input<'a>) -> Option<&'a EventRow> {
    let made = input.pods.iter().map(|pod| pod.created).max().unwrap_or_default();
    let begun = input.job.started.unwrap_or(input.job.created).max(made);
    let all = input.events.iter().filter(|event| is_blocking(event) && event.last >= begun);
    all.max_by_key(|event| event.last).copied()
}

/// When and how the launcher's Job ended, by its own warning, ahead of the operator's status.
pub(super) fn launcher_end(input: &Input<'_>) -> Option<(Secs, Failure)> {
    let begun = input.job.started.unwrap_or(input.job.created);
    let newer = |event: &&&EventRow| event.about_kind.as_str() == "Job" && event.last >= begun;
    input.events.iter().filter(newer).find_map(|event| match event.reason.as_str() {
        "BackoffLimitExceeded" => Some((event.last, Failure::BackOff)),
        "DeadlineExceeded" => Some((event.last, Failure::Deadline)),
        _ => None,
    })
}

pub(super) fn is_blocking(event: &EventRow) -> bool {
    let message = event.message.as_str();
    match event.reason.as_str() {
        "FailedCreate" | "FailedCreatePod" | "ErrResourceExists" | "TrainJobResourcesCreationFailed" => true,
        _ if event.about_kind.as_str() == "Pod" => false,
        _ => message.contains("created failed") || message.contains(" is forbidden: "),
    }
}
