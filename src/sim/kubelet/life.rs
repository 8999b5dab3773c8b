//! The life of a pod as a function of time: where in its script it is, and when that changes.
//!
//! Pure: behaviour, restart policy, ended waits and elapsed script seconds in, [`Moment`] out.

use super::{
    behaviour::{Behaviour, Trouble},
    journal::{Ending, Waited},
};

/// What the container is doing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Stage {
    /// The image is being pulled, the container made.
    Creating,
    /// A pull has just failed.
    PullError,
    /// Waiting for the next pull.
    PullBackOff,
    /// The container can't be made.
    ConfigError,
    /// A volume can't be mounted.
    MountError,
    /// The kubelet does not let the pod in.
    Refused,
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
    /// Its exit code.
    pub(crate) exit: i64,
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
    /// When it began to wait for others, if that is what its run does.
    pub(crate) waits_since: Option<f64>,
    /// Restarts in place so far.
    pub(crate) restarts: u32,
    /// The last run that ended.
    pub(crate) last: Option<Run>,
    /// Seconds of the current back-off.
    pub(crate) wait: f64,
}

/// Seconds that a failed pull shows as such before the back-off.
const PULL_ERROR: f64 = 13.0;
/// Seconds between two tries to mount.
const MOUNT_AGAIN: f64 = 16.0;
/// Restarts that a long crash loop has behind it.
const LOOPED: u32 = 7;

/// Where a pod of this behaviour is after `elapsed` script seconds. `again`: whether a container that ended with
/// a bad exit code (`true`: with any) is started again in place. `waits`: the waits of its runs that are over.
pub(crate) fn life(b: &Behaviour, again: Again, waits: &[Option<Waited>], elapsed: f64) -> Moment {
    match b.trouble {
        Some(Trouble::Image) => return pulling(b, elapsed),
        Some(Trouble::Config) if elapsed >= 2.0 => return at(Stage::ConfigError, 1, 2.0, None),
        Some(Trouble::Refused) => return at(Stage::Refused, 1, 0.0, None),
        Some(Trouble::Mount) if elapsed >= 1.0 => {
            // Told again and again; the serial makes each try one of its own.
            let turn = ((elapsed - 1.0) / MOUNT_AGAIN).floor();
            let since = 1.0 + turn * MOUNT_AGAIN;
            return at(Stage::MountError, 1 + turn as u32, since, Some(since + MOUNT_AGAIN));
        }
        Some(Trouble::CrashLoop) if elapsed >= b.pull => return looped(b),
        _ => {}
    }
    let start = match b.trouble {
        Some(Trouble::Config) => 2.0,
        Some(Trouble::Mount) => 1.0,
        _ => b.pull,
    };
    if elapsed < start {
        return at(Stage::Creating, 0, 0.0, Some(start));
    }
    running(b, again, waits, elapsed)
}

/// Whether a container that ended is started again in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Again {
    /// Never.
    Never,
    /// If it ended badly.
    OnFailure,
    /// Always.
    Always,
}

impl Again {
    fn after(self, exit: i64) -> bool {
        self == Self::Always || (self == Self::OnFailure && exit != 0)
    }
}

fn at(stage: Stage, serial: u32, since: f64, next: Option<f64>) -> Moment {
    Moment { stage, serial, since, next, waits_since: None, restarts: 0, last: None, wait: 0.0 }
}

fn looped(b: &Behaviour) -> Moment {
    let last = Some(Run { started: b.pull - 1.0, finished: b.pull, exit: b.exit });
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
        let waits = failed + if b.recorded { 0.0 } else { PULL_ERROR };
        if elapsed < waits {
            return at(Stage::PullError, serial + 1, failed, Some(waits));
        }
        let wait = back_off(serial / 3);
        let again = waits + wait;
        if elapsed < again || b.recorded {
            let next = (!b.recorded).then_some(again);
            return Moment { wait, ..at(Stage::PullBackOff, serial + 2, waits, next) };
        }
        began = again;
        serial += 3;
    }
}

/// How a run that begins at `started` goes on.
enum Course {
    /// It ends so, by itself.
    Ends(f64, i64),
    /// It does not end.
    Endless,
    /// It waits for others from then on.
    Waits(f64),
}

fn course(b: &Behaviour, waited: Option<&Waited>, started: f64) -> Course {
    let whole = b.run.map(|run| started + run);
    let Some(wait) = b.wait.filter(|wait| b.run.is_none_or(|run| run > wait.at)) else {
        return whole.map_or(Course::Endless, |end| Course::Ends(end, b.exit));
    };
    match waited {
        None => Course::Waits(started + wait.at),
        Some(Waited { seconds, ending: Ending::Met }) => {
            whole.map_or(Course::Endless, |end| Course::Ends(end + seconds, b.exit))
        }
        Some(Waited { seconds, .. }) => Course::Ends(started + wait.at + seconds, b.gives_up),
    }
}

fn running(b: &Behaviour, again: Again, waits: &[Option<Waited>], elapsed: f64) -> Moment {
    let (mut started, mut restarts, mut last) = (b.pull, 0, None);
    loop {
        let serial = 1 + restarts * 2;
        let runs =
            |next, waits_since| Moment { waits_since, restarts, last, ..at(Stage::Running, serial, started, next) };
        if b.recovers > 0 && restarts >= b.recovers {
            return runs(None, None);
        }
        let waited = waits.get(restarts as usize).and_then(Option::as_ref);
        let (ends, exit) = match course(b, waited, started) {
            Course::Endless => return runs(None, None),
            Course::Waits(from) if elapsed < from => return runs(Some(from), None),
            Course::Waits(from) => return runs(None, Some(from)),
            Course::Ends(ends, _) if elapsed < ends => return runs(Some(ends), None),
            Course::Ends(ends, exit) => (ends, exit),
        };
        last = Some(Run { started, finished: ends, exit });
        let over = |stage| Moment { restarts, last, ..at(stage, serial + 1, ends, None) };
        match b.trouble {
            Some(Trouble::Evicted) => return over(Stage::Evicted),
            Some(Trouble::NodeLost) => return over(Stage::Lost),
            _ if !again.after(exit) => return over(Stage::Ended),
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
    use crate::sim::kubelet::behaviour::{Peers, Wait};

    fn stages(b: &Behaviour, again: Again, until: f64) -> Vec<(f64, Stage)> {
        let (mut out, mut elapsed) = (Vec::new(), 0.0);
        loop {
            let moment = life(b, again, &[], elapsed);
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
        assert_eq!(stages(&b, Again::OnFailure, 45.0), in_place);
        assert_eq!(stages(&b, Again::Never, 45.0), [(0.0, Creating), (2.0, Running), (7.0, Ended)]);
    }

    #[test]
    fn an_image_that_cannot_be_pulled_alternates() {
        let b = Behaviour { pull: 1.0, trouble: Some(Trouble::Image), ..Behaviour::default() };
        let seen: Vec<_> = stages(&b, Again::Always, 60.0).into_iter().map(|(_, s)| s).collect();
        assert_eq!(seen[..5], [Creating, PullError, PullBackOff, PullError, PullError]);
        assert!(seen[5..].contains(&PullBackOff));
    }

    #[test]
    fn a_run_waits_in_its_middle_and_goes_on_or_gives_up() {
        let wait = Some(Wait { on: Peers::Ssh, at: 3.0, patience: None });
        let b = Behaviour { pull: 1.0, run: Some(10.0), wait, gives_up: 255, ..Behaviour::default() };
        let waiting = life(&b, Again::Never, &[], 50.0);
        assert_eq!((waiting.stage, waiting.waits_since, waiting.next), (Running, Some(4.0), None));
        let met = [Some(Waited { seconds: 20.0, ending: Ending::Met })];
        assert_eq!(life(&b, Again::Never, &met, 30.0).next, Some(31.0));
        let ended = |waits: &[_]| life(&b, Again::Never, waits, 99.0).last.map(|run| (run.finished, run.exit));
        assert_eq!(ended(&met), Some((31.0, 0)));
        let ending = Ending::InVain { words: "refused", peer: "w".into(), there: 1, wanted: 2 };
        assert_eq!(ended(&[Some(Waited { seconds: 5.0, ending })]), Some((9.0, 255)));
    }
}
