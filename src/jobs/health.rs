//! How one pod is, from its own status. What that means for the job is decided elsewhere.

use super::row::{ContainerRow, ContainerState, Phase, PodRow, Terminated};

/// How a pod is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// Held by a scheduling gate: a queue decides.
    Gated,
    /// No node, and the scheduler says why not.
    Unscheduled,
    /// On its way: nothing is wrong yet.
    Starting,
    /// A container can't be made: image or configuration.
    Stuck,
    /// Ended badly in place and is being started again.
    Crashing,
    /// Runs, but isn't ready.
    Running,
    /// Runs and is ready.
    Ready,
    /// Is being deleted.
    Leaving,
    /// Ended well.
    Completed,
    /// Ended by SIGTERM: asked to.
    Stopped,
    /// Ended badly.
    Failed,
    /// Taken by the cluster: evicted, preempted, drained, or its node is gone.
    Lost,
}

impl Health {
    /// How `pod` is.
    pub fn of(pod: &PodRow) -> Self {
        match pod.phase {
            Phase::Succeeded => Self::Completed,
            Phase::Failed if taken(pod) => Self::Lost,
            Phase::Failed => match bad_end(pod).map(|end| end.exit_code) {
                Some(143) => Self::Stopped,
                _ => Self::Failed,
            },
            // A pod of a lost node stays on its way out for ever: nobody is there to end it.
            _ if pod.disruption.is_some() || pod.reason.as_ref().is_some_and(|r| r.as_str() == "NodeLost") => {
                Self::Lost
            }
            _ if pod.deleting.is_some() => Self::Leaving,
            Phase::Unknown => Self::Lost,
            Phase::Pending | Phase::Running => Self::alive(pod),
        }
    }

    fn alive(pod: &PodRow) -> Self {
        for reason in pod.containers.iter().filter_map(waiting_reason) {
            match reason {
                "CrashLoopBackOff" => return Self::Crashing,
                reason if is_stuck(reason) => return Self::Stuck,
                _ => {}
            }
        }
        match (pod.phase, &pod.unscheduled) {
            (Phase::Pending, Some((reason, _))) if reason.as_str() == "SchedulingGated" => Self::Gated,
            (Phase::Pending, Some(_)) if pod.node.is_none() => Self::Unscheduled,
            (Phase::Running, _) => match bad_end(pod) {
                Some(end) if end.exit_code == 143 => Self::Stopped,
                Some(_) => Self::Crashing,
                None if pod.ready => Self::Ready,
                None => Self::Running,
            },
            _ => Self::Starting,
        }
    }

    /// Whether something is wrong with the pod that can't be put down to waiting or to an order to stop.
    pub const fn is_bad(self) -> bool {
        matches!(self, Self::Stuck | Self::Crashing | Self::Failed | Self::Lost)
    }

    /// Whether its containers run.
    pub const fn runs(self) -> bool {
        matches!(self, Self::Ready | Self::Running)
    }

    /// Whether it has come to its end.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Completed | Self::Stopped | Self::Failed) || matches!(self, Self::Lost)
    }

    /// One word for a grid or a table.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Gated => "Gated",
            Self::Unscheduled => "Unscheduled",
            Self::Starting => "Starting",
            Self::Stuck => "Stuck",
            Self::Crashing => "Crashing",
            Self::Running => "NotReady",
            Self::Ready => "Ready",
            Self::Leaving => "Terminating",
            Self::Completed => "Completed",
            Self::Stopped => "Stopped",
            Self::Failed => "Failed",
            Self::Lost => "Lost",
        }
    }
}

/// Why a container waits.
pub fn waiting_reason(container: &ContainerRow) -> Option<&str> {
    match &container.state {
        Some(ContainerState::Waiting { reason, .. }) => Some(reason.as_str()),
        _ => None,
    }
}

/// The end of the first container that ended with anything but 0 and hasn't run since.
pub fn bad_end(pod: &PodRow) -> Option<&Terminated> {
    pod.containers.iter().find_map(|container| match &container.state {
        Some(ContainerState::Terminated(end)) if end.exit_code != 0 => Some(end),
        _ => None,
    })
}

/// The last bad end of any container, be it of an earlier life.
pub fn last_bad_end(pod: &PodRow) -> Option<&Terminated> {
    bad_end(pod).or_else(|| pod.containers.iter().find_map(|c| c.last.as_ref().filter(|end| end.exit_code != 0)))
}

/// Whether all images of a pod are on its node, as far as its status tells.
pub fn is_pulled(pod: &PodRow) -> bool {
    pod.phase != Phase::Pending
        || pod.containers.iter().filter_map(waiting_reason).any(|reason| is_stuck(reason) && !is_image(reason))
}

/// Restarts in place of all containers.
pub fn restarts(pod: &PodRow) -> u16 {
    pod.containers.iter().fold(0, |sum, c| sum.saturating_add(c.restarts))
}

fn is_stuck(reason: &str) -> bool {
    is_image(reason)
        || matches!(
            reason,
            "CreateContainerConfigError"
                | "CreateContainerError"
                | "RunContainerError"
                | "CreatePodSandboxError"
                | "PostStartHookError"
        )
}

fn is_image(reason: &str) -> bool {
    matches!(
        reason,
        "ErrImagePull"
            | "ImagePullBackOff"
            | "ImageInspectError"
            | "ErrImageNeverPull"
            | "InvalidImageName"
            | "RegistryUnavailable"
            | "SignatureValidationFailed"
    )
}

fn taken(pod: &PodRow) -> bool {
    let by_reason = pod.reason.as_ref().is_some_and(|reason| {
        let reason = reason.as_str();
        matches!(
            reason,
            "Evicted"
                | "NodeLost"
                | "NodeShutdown"
                | "Terminated"
                | "NodeAffinity"
                | "UnexpectedAdmissionError"
                | "Preempting"
        ) || reason.starts_with("OutOf")
    });
    by_reason || pod.disruption.is_some()
}
