//! The kubelets: they run scripts instead of programs, and report as kubelets do.
//!
//! Owns what a pod does over time ([`life`]), what it waits for ([`meet`]), how that is written ([`status`]) and what it
//! prints ([`output`]).

pub(crate) mod behaviour;
pub(crate) mod ephemeral;
pub(crate) mod form;
pub(crate) mod journal;
pub(crate) mod life;
mod lines;
pub(crate) mod meet;
mod meter;
pub(crate) mod network;
pub(crate) mod output;
mod part;
pub(crate) mod script;
pub(crate) mod status;
mod text;
mod usage;

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use self::{
    behaviour::{Behaviour, Tempo, Trouble, Wait},
    journal::{Ending, Journal, Waited},
    life::{Again, Moment, Stage},
    lines::Lines,
    meet::Around,
    script::Scripts,
};
use crate::sim::{
    release::Release,
    value::{after, is_over, seconds_between, text, time, uid},
};

/// Pods with this label play no part in anybody's work: they are as they were put there.
pub(crate) const STATIC: &str = "sim.mpideck.io/static";
/// Seconds between two looks whether a wait is over; more when it has been long.
const LOOK_AGAIN: f64 = 0.5;
/// A wait ends so shortly after it was seen to: no reader of the log is ahead of it.
const SHORTLY: f64 = 0.2;

/// What the kubelet has to do about a pod now.
pub(crate) struct Turn {
    /// The new status.
    pub(crate) status: Value,
    /// Events of the change.
    pub(crate) notes: Vec<crate::sim::write::Note>,
    /// Which stage this is.
    pub(crate) serial: u32,
    /// When to look again.
    pub(crate) next: Option<Timestamp>,
}

/// When the kubelet took a pod on, to the second.
pub(crate) fn start_time(pod: &Value) -> Option<Timestamp> {
    time(pod, "/status/startTime")
}

/// What a kubelet knows beside the pod.
pub(crate) struct Ward<'a> {
    /// The scripts.
    pub(crate) scripts: &'a Scripts,
    /// What is known of runs.
    pub(crate) journal: &'a Journal,
    /// Script seconds a second, and chance.
    pub(crate) pace: (f64, u64),
    /// Whose words the kubelets have.
    pub(crate) release: Release,
    /// Now.
    pub(crate) now: Timestamp,
}

/// What is around a pod: asked for only when it matters.
#[derive(Default)]
pub(crate) struct Surroundings {
    /// The pods of its job.
    pub(crate) pods: Vec<Arc<Value>>,
    /// Its job's hostfile.
    pub(crate) hostfile: String,
    /// Network policies of its namespace.
    pub(crate) policies: Vec<Arc<Value>>,
}

impl Ward<'_> {
    /// One look at a pod that was `bound` then; `before` is the stage it was last seen in, `volume` what keeps its
    /// checkpoints.
    pub(crate) fn turn(
        &self,
        pod: &Value,
        (bound, before): (Timestamp, Option<u32>),
        host_ip: String,
        volume: Option<&str>,
        around: impl FnOnce() -> Surroundings,
    ) -> Option<Turn> {
        let script = self.scripts.of(pod);
        if is_over(pod) || script.trouble == Some(Trouble::Static) {
            return None;
        }
        let (speed, seed) = self.pace;
        let behaviour = script.at(Tempo::of(pod, script.exact, seed));
        let elapsed = seconds_between(bound, self.now).max(0.0) * speed + 0.001;
        let again = restarts(pod, &behaviour);
        let look = || {
            let waits: Vec<_> = self.journal.runs(uid(pod)).into_iter().map(|note| note.waited).collect();
            life::life(&behaviour, again, &waits, elapsed)
        };
        let mut moment = look();
        let mut next = moment.next.map(|next| after(bound, next / speed));
        if let (Some(from), Some(wait)) = (moment.waits_since, behaviour.wait) {
            if let Some(pause) = self.wait(pod, &moment, wait, elapsed - from, &around()) {
                next = Some(after(self.now, pause));
            } else {
                moment = look();
                next = moment.next.map(|next| after(bound, next / speed));
            }
        }
        if before == Some(moment.serial) {
            return Some(Turn { status: Value::Null, notes: Vec::new(), serial: moment.serial, next });
        }
        self.checkpoint(pod, &behaviour, &moment, volume);
        let release = self.release;
        let scene = status::Scene { pod, behaviour: &behaviour, moment: &moment, bound, speed, host_ip, release };
        Some(Turn { status: scene.status(), notes: scene.notes(), serial: moment.serial, next })
    }

    /// Sees whether a wait that began `waited` script seconds ago is over, and notes it; else seconds until the next look.
    fn wait(&self, pod: &Value, moment: &Moment, wait: Wait, waited: f64, around: &Surroundings) -> Option<f64> {
        let speed = self.pace.0;
        let Surroundings { pods, hostfile, policies } = around;
        let (scripts, journal) = (self.scripts, self.journal);
        let ending =
            meet::meet(pod, wait.on, &Around { pods, hostfile, policies, scripts, journal, speed, now: self.now });
        let over = ending == Ending::Met || wait.patience.is_some_and(|patience| waited >= patience);
        if over {
            let seconds = waited.max(0.0) + SHORTLY * speed;
            let waited = Some(Waited { seconds, ending });
            self.journal.note(uid(pod), moment.restarts as usize, |note| note.waited = waited);
            return None;
        }
        let left = wait.patience.map_or(f64::MAX, |patience| (patience - waited).max(0.0) / speed);
        Some((waited / speed / 20.0).max(LOOK_AGAIN).min(left + 0.01))
    }

    /// A run begins with the step that its volume holds, and leaves the last one it kept.
    fn checkpoint(&self, pod: &Value, behaviour: &Behaviour, moment: &Moment, volume: Option<&str>) {
        let Some(volume) = volume.filter(|_| behaviour.lines.iter().any(|line| line.saves)) else { return };
        let run = moment.restarts as usize;
        match (moment.stage, moment.last) {
            (Stage::Running, _) => {
                let step = self.journal.step(volume);
                self.journal.note(uid(pod), run, |note| note.step = step);
            }
            (Stage::BackOff | Stage::Ended | Stage::Evicted | Stage::Lost, Some(last)) => {
                self.keep(pod, behaviour, run, last.finished - last.started, volume);
            }
            _ => {}
        }
    }

    /// A pod is being stopped: what it kept until now stays.
    pub(crate) fn leaves(&self, pod: &Value, volume: &str) {
        let script = self.scripts.of(pod);
        let behaviour = script.at(Tempo::of(pod, script.exact, self.pace.1));
        let status = "/status/containerStatuses/0";
        let Some(since) = time(pod, &format!("{status}/state/running/startedAt")) else { return };
        let run = pod.pointer(&format!("{status}/restartCount")).and_then(Value::as_u64).unwrap_or(0);
        let ran = seconds_between(since, self.now) * self.pace.0;
        self.keep(pod, &behaviour, run as usize, ran, volume);
    }

    fn keep(&self, pod: &Value, behaviour: &Behaviour, run: usize, ran: f64, volume: &str) {
        let note = self.journal.run(uid(pod), run);
        let lines = Lines::of(behaviour, &note, (0, 1), 1.0);
        if let Some(step) = lines.saved((ran.max(0.0) * 1e6) as u64, note.step) {
            self.journal.save(volume, step.max(self.journal.step(volume)));
        }
    }
}

/// The status of a pod that was told to stop: what ran was ended by a signal, the rest never came to run. `None` where
/// nothing is left to end.
pub(crate) fn stopped(pod: &Value, scripts: &Scripts, now: Timestamp) -> Option<Value> {
    let behaviour = scripts.of(pod);
    // Recorded jobs ran under a stand-in that took pods away as they were.
    if is_over(pod) || behaviour.recorded || behaviour.trouble == Some(Trouble::Static) {
        return None;
    }
    Some(status::stopped(pod, now))
}

/// Whether the restart policy starts containers again in place. Recorded jobs never do.
fn restarts(pod: &Value, behaviour: &Behaviour) -> Again {
    match text(pod, "/spec/restartPolicy") {
        _ if behaviour.recorded => Again::Never,
        "Always" => Again::Always,
        "OnFailure" => Again::OnFailure,
        _ => Again::Never,
    }
}
