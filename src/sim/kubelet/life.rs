//! The life of a pod as a function of time: where in its script it is, and when that changes.
//!
//! Pure: behaviour, restart policy and elapsed script seconds in, [`Moment`] out.

use super::script::{Behaviour, Trouble};

/// What the container is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    /// The image is being pulled, the container made.
    Creating,
    /// A pull has just failed.
    PullError,
    /// Waiting for the next pull.
    PullBackOff,
    /// A reference is missing.
    ConfigError,
    /// It runs.
    Running,
    /// It ended badly and will be started again after a while.
    BackOff,
    /// It has ended for good.
    Ended,
    /// The kubelet has evicted the pod.
    Evicted,
    /// The node is not heard from.
    Lost,
}

/// One run of the container, in script seconds after the pod was bound.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Run {
    /// When it started.
    pub(crate) started: f64,
    /// When it ended.
    pub(crate) finished: f64,
}

/// Where a pod is in its life.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Moment {
    /// What it does.
    pub(crate) stage: Stage,
    /// Counts the stages, so that a change can be told from a repetition.
    pub(crate) serial: u32,
    /// When this stage began.
    pub(crate) since: f64,
    /// When the next begins.
    pub(crate) next: Option<f64>,
    /// Restarts in place so far.
    pub(crate) restarts: u32,
    /// The last run that ended.
    pub(crate) last: Option<Run>,
    /// Seconds of the current back-off.
    pub(crate) wait: f64,
}

/// Seconds that a failed pull shows as such before the back-off.
const PULL_ERROR: f64 = 13.0;
/// Restarts that a long crash loop has behind it.
const LOOPED: u32 = 7;

/// Where a pod of this behaviour is after `elapsed` script seconds. `again`: whether a container that ended with
/// this exit code is started again in place.
pub(crate) fn life(b: &Behaviour, again: bool, elapsed: f64) -> Moment {
    match b.trouble {
        Some(Trouble::Image) => return pulling(b, elapsed),
        Some(Trouble::Config) if elapsed >= 2.0 => return at(Stage::ConfigError, 1, 2.0, None),
        Some(Trouble::CrashLoop) if elapsed >= b.pull => return looped(b),
        _ => {}
    }
    let start = if b.trouble == Some(Trouble::Config) { 2.0 } else { b.pull };
    if elapsed < start {
        return at(Stage::Creating, 0, 0.0, Some(start));
    }
    match b.run {
        None => at(Stage::Running, 1, b.pull, None),
        Some(run) => running(b, again, elapsed, run),
    }
}

fn at(stage: Stage, serial: u32, since: f64, next: Option<f64>) -> Moment {
    Moment { stage, serial, since, next, restarts: 0, last: None, wait: 0.0 }
}

fn looped(b: &Behaviour) -> Moment {
    let last = Some(Run { started: b.pull - 1.0, finished: b.pull });
    Moment { restarts: LOOPED, last, wait: 300.0, ..at(Stage::BackOff, 2, b.pull, None) }
}

/// 10 s, twice that each time, at most 5 minutes.
fn back_off(count: u32) -> f64 {
    (10.0 * f64::from(1 << count.min(5))).min(300.0)
}

fn pulling(b: &Behaviour, elapsed: f64) -> Moment {
    let (mut began, mut serial) = (0.0, 0);
    loop {
        let failed = began + b.pull;
        if elapsed < failed {
            let stage = if serial == 0 { Stage::Creating } else { Stage::PullError };
            return at(stage, serial, began, Some(failed));
        }
        let waits = failed + if b.exact { 0.0 } else { PULL_ERROR };
        if elapsed < waits {
            return at(Stage::PullError, serial + 1, failed, Some(waits));
        }
        let wait = back_off(serial / 3);
        let again = waits + wait;
        if elapsed < again || b.exact {
            let next = (!b.exact).then_some(again);
            return Moment { wait, ..at(Stage::PullBackOff, serial + 2, waits, next) };
        }
        began = again;
        serial += 3;
    }
}

fn running(b: &Behaviour, again: bool, elapsed: f64, run: f64) -> Moment {
    let (mut started, mut restarts, mut last) = (b.pull, 0, None);
    loop {
        let serial = 1 + restarts * 2;
        if b.recovers > 0 && restarts >= b.recovers {
            return Moment { restarts, last, ..at(Stage::Running, serial, started, None) };
        }
        let ends = started + run;
        if elapsed < ends {
            return Moment { restarts, last, ..at(Stage::Running, serial, started, Some(ends)) };
        }
        last = Some(Run { started, finished: ends });
        let over = |stage| Moment { restarts, last, ..at(stage, serial + 1, ends, None) };
        match b.trouble {
            Some(Trouble::Evicted) => return over(Stage::Evicted),
            Some(Trouble::NodeLost) => return over(Stage::Lost),
            _ if !again => return over(Stage::Ended),
            _ => {}
        }
        let wait = back_off(restarts);
        if elapsed < ends + wait {
            return Moment { restarts, last, wait, ..at(Stage::BackOff, serial + 1, ends, Some(ends + wait)) };
        }
        started = ends + wait;
        restarts += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Stage::{BackOff, Creating, Ended, PullBackOff, PullError, Running};
    use super::*;

    fn stages(b: &Behaviour, again: bool, until: f64) -> Vec<(f64, Stage)> {
        let (mut out, mut elapsed) = (Vec::new(), 0.0);
        loop {
            let moment = life(b, again, elapsed);
            assert!((moment.since - elapsed).abs() < 1e-6, "a stage begins when the one before said: {moment:?}");
            out.push((elapsed, moment.stage));
            match moment.next {
                Some(next) if next <= until => elapsed = next,
                _ => return out,
            }
        }
    }

    #[test]
    fn a_failing_container_is_started_again_with_growing_waits() {
        let b = Behaviour { pull: 2.0, run: Some(5.0), exit: 1, ..Behaviour::default() };
        let in_place =
            [(0.0, Creating), (2.0, Running), (7.0, BackOff), (17.0, Running), (22.0, BackOff), (42.0, Running)];
        assert_eq!(stages(&b, true, 45.0), in_place);
        assert_eq!(stages(&b, false, 45.0), [(0.0, Creating), (2.0, Running), (7.0, Ended)]);
    }

    #[test]
    fn an_image_that_cannot_be_pulled_alternates() {
        let b = Behaviour { pull: 1.0, trouble: Some(Trouble::Image), ..Behaviour::default() };
        let seen: Vec<_> = stages(&b, true, 60.0).into_iter().map(|(_, s)| s).collect();
        assert_eq!(seen[..5], [Creating, PullError, PullBackOff, PullError, PullError]);
        assert!(seen[5..].contains(&PullBackOff));
    }
}
