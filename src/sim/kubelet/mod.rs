//! The kubelets: they run scripts instead of programs, and report as kubelets do.
//!
//! Owns what a pod does over time ([`life`]), how that is written ([`status`]) and what it prints ([`output`]).

pub(crate) mod life;
pub(crate) mod output;
pub(crate) mod script;
pub(crate) mod status;

use jiff::Timestamp;
use serde_json::Value;

use self::script::{Behaviour, Scripts, Trouble};
use super::controllers::value::{
    after, annotation, chance, hash, is_over, mix, name, namespace, seconds_between, text, time, uid,
};

/// What the kubelet has to do about a pod now.
pub(crate) struct Turn {
    /// The new status.
    pub(crate) status: Value,
    /// Events of the change.
    pub(crate) notes: Vec<super::controllers::write::Note>,
    /// Which stage this is.
    pub(crate) serial: u32,
    /// When to look again.
    pub(crate) next: Option<Timestamp>,
}

/// When the kubelet took a pod on, to the second.
pub(crate) fn start_time(pod: &Value) -> Option<Timestamp> {
    time(pod, "/status/startTime")
}

/// One look at a pod that was `bound` then; `before` is the stage it was last seen in.
pub(crate) fn turn(
    pod: &Value,
    scripts: &Scripts,
    (bound, before): (Timestamp, Option<u32>),
    pace: (f64, u64),
    host_ip: String,
    now: Timestamp,
) -> Option<Turn> {
    let behaviour = scripts.of(pod);
    if is_over(pod) || behaviour.trouble == Some(Trouble::Static) {
        return None;
    }
    let (speed, seed) = pace;
    let behaviour = varied(&behaviour, pod, seed);
    let elapsed = seconds_between(bound, now).max(0.0) * speed;
    let again = restarts(pod, &behaviour);
    let moment = life::life(&behaviour, again, elapsed + 0.001);
    let next = moment.next.map(|next| after(bound, next / speed));
    if before == Some(moment.serial) {
        return Some(Turn { status: Value::Null, notes: Vec::new(), serial: moment.serial, next });
    }
    let scene = status::Scene { pod, behaviour: &behaviour, moment: &moment, bound, speed, host_ip };
    Some(Turn { status: scene.status(), notes: scene.notes(), serial: moment.serial, next })
}

/// The status of a pod that was told to stop: what ran was ended by a signal, the rest never came to run. `None` where
/// nothing is left to end.
pub(crate) fn stopped(pod: &Value, scripts: &Scripts, now: Timestamp) -> Option<Value> {
    let behaviour = scripts.of(pod);
    // Recorded jobs ran under a stand-in that took pods away as they were.
    if is_over(pod) || behaviour.exact || behaviour.trouble == Some(Trouble::Static) {
        return None;
    }
    Some(status::stopped(pod, now))
}

/// Whether the restart policy starts such a container again in place. Recorded jobs never do.
fn restarts(pod: &Value, behaviour: &Behaviour) -> bool {
    if behaviour.exact {
        return false;
    }
    match text(pod, "/spec/restartPolicy") {
        "Always" => true,
        "OnFailure" => behaviour.exit != 0,
        _ => false,
    }
}

/// Times differ from pod to pod by a sixth, repeatably.
fn varied(behaviour: &Behaviour, pod: &Value, seed: u64) -> Behaviour {
    let mut out = behaviour.clone();
    if !behaviour.exact {
        let dice = mix(seed ^ hash(namespace(pod)) ^ hash(name(pod)) ^ hash(uid(pod)));
        out.pull *= 0.85 + 0.3 * chance(dice);
        out.run = out.run.map(|run| run * (0.92 + 0.16 * chance(mix(dice))));
    }
    if let Ok(run) = annotation(pod, "sim.mpideck.io/run-seconds").parse() {
        out.run = Some(run);
    }
    out
}
