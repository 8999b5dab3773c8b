//! What one role does, ready to be played: lengths, waits, lines.
//!
//! Owns the values between the format of scripts and those who play them. Must not read files, pods or a clock.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;

use super::{part::Part, usage::Curve};
use crate::sim::value::{annotation, chance, hash, label, mix, name, namespace, text};

/// What goes wrong other than by an exit code.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Trouble {
    /// The image can't be pulled; `message` is the registry's answer.
    Image,
    /// The container can't be made: a reference is missing (or what `reason` says).
    Config,
    /// A volume can't be mounted.
    Mount,
    /// The kubelet does not let the pod in.
    Refused,
    /// The kubelet evicts the pod at the end of its run.
    Evicted,
    /// The node goes silent at the end of its run.
    NodeLost,
    /// Restarts in place have been going on for long.
    CrashLoop,
    /// Nobody touches it: its status was put there.
    Static,
}

/// How a launcher tells ranks apart.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Tags {
    /// It doesn't.
    #[default]
    None,
    /// Open MPI 3 and 4, `--tag-output`: `[1,3]<stdout>:text`.
    Openmpi4,
    /// Open MPI 5, `--output tag-detailed`: `[1,3][host:pid]<stdout>: text`.
    Openmpi5,
    /// `horovodrun` with Gloo: `[3]<stdout>:text`.
    Horovod,
    /// The same with `--prefix-output-with-timestamp`: the date before the tag.
    HorovodTime,
    /// Hydra of MPICH and Intel MPI, `-l`: `[3] text`.
    Hydra,
    /// `torchrun --tee 3`: `[default3]:text`.
    Torchrun,
}

/// Who says a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// The program that the container runs.
    Main,
    /// One rank.
    Rank(u64),
    /// Every rank.
    Ranks,
}

/// A line of output, once or again and again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line {
    /// What its times count from.
    pub(crate) part: Part,
    /// Seconds after that.
    pub(crate) at: f64,
    /// Seconds between repetitions; 0: said once.
    pub(crate) every: f64,
    /// When it is not said any more.
    pub(crate) until: Option<f64>,
    /// Who says it.
    pub(crate) speaker: Speaker,
    /// On stderr.
    pub(crate) err: bool,
    /// The text, with `{places}`.
    pub(crate) text: String,
    /// No line end follows: the next line goes on from here.
    pub(crate) half: bool,
    /// The step it names is in the job's volume from then on.
    pub(crate) saves: bool,
    /// When the phase began, for steps to count from.
    pub(crate) origin: f64,
    /// Steps a second.
    pub(crate) steps: f64,
}

/// What a run waits for in its middle.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peers {
    /// The sshd of every host of the hostfile.
    Ssh,
    /// The launcher's start of the ranks.
    Ranks,
    /// All pods of the job: a rendezvous.
    All,
}

/// A wait for other replicas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Wait {
    /// For what.
    pub(crate) on: Peers,
    /// Seconds after the container's start.
    pub(crate) at: f64,
    /// Seconds until it gives up; never if absent.
    pub(crate) patience: Option<f64>,
}

/// What one role does.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Behaviour {
    /// Seconds to pull the image.
    pub(crate) pull: f64,
    /// Seconds a container runs, without its wait; for ever if absent.
    pub(crate) run: Option<f64>,
    /// The longest phase (part, begin, end): it takes what is left when somebody says how long a run is.
    pub(crate) longest: Option<(Part, f64, f64)>,
    /// Its wait for others.
    pub(crate) wait: Option<Wait>,
    /// Seconds after its start at which its sshd answers; never if absent.
    pub(crate) sshd: Option<f64>,
    /// Its exit code.
    pub(crate) exit: i64,
    /// The exit code of a wait in vain.
    pub(crate) gives_up: i64,
    /// Termination (or waiting) reason; what the code says if empty.
    pub(crate) reason: String,
    /// The cluster's words for the trouble.
    pub(crate) message: String,
    /// What else goes wrong.
    pub(crate) trouble: Option<Trouble>,
    /// After so many bad runs it runs on without end; 0: never.
    pub(crate) recovers: u32,
    /// Times are meant to the second (no chance of a seed).
    pub(crate) exact: bool,
    /// As a recorded job's stand-in does: never started again in place, pulls fail once.
    pub(crate) recorded: bool,
    /// How ranks are told apart.
    pub(crate) tags: Tags,
    /// What it writes.
    pub(crate) lines: Vec<Line>,
    /// What it uses.
    pub(crate) curves: Vec<Curve>,
    /// What it writes when a wait was in vain, by how.
    pub(crate) words: Arc<BTreeMap<String, String>>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            pull: 4.0,
            run: None,
            longest: None,
            wait: None,
            sshd: Some(0.2),
            exit: 0,
            gives_up: 1,
            reason: String::new(),
            message: String::new(),
            trouble: None,
            recovers: 0,
            exact: false,
            recorded: false,
            tags: Tags::None,
            lines: Vec::new(),
            curves: Vec::new(),
            words: Arc::default(),
        }
    }
}

/// How the times of a behaviour become those of a pod.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Tempo {
    /// Factor of the pull.
    pull: f64,
    /// Factor of all else, the same for all pods of a job: what they do to each other keeps its order.
    stretch: f64,
    /// How long a run is, if the pod says so itself.
    run: Option<f64>,
}

impl Tempo {
    /// That of `pod`: by chance, by annotation.
    pub(crate) fn of(pod: &serde_json::Value, exact: bool, seed: u64) -> Self {
        let job = mix(seed ^ hash(namespace(pod)) ^ hash(job_name(pod)));
        // A host's name is the same for all attempts of a replica.
        let host = Some(text(pod, "/spec/hostname")).filter(|host| !host.is_empty());
        let own = mix(job ^ hash(host.unwrap_or_else(|| name(pod))));
        let run = annotation(pod, "sim.mpideck.io/run-seconds").parse().ok();
        if exact {
            return Self { pull: 1.0, stretch: 1.0, run };
        }
        Self { pull: 0.85 + 0.3 * chance(own), stretch: 0.92 + 0.16 * chance(job), run }
    }
}

/// The job that a pod says it belongs to; the pod's own name if it says nothing.
pub(crate) fn job_name(pod: &serde_json::Value) -> &str {
    let job = ["training.kubeflow.org/job-name", "jobset.sigs.k8s.io/jobset-name"].map(|key| label(pod, key));
    job.into_iter().find(|j| !j.is_empty()).unwrap_or_else(|| name(pod))
}

impl Behaviour {
    /// The same with a pod's own times.
    pub(crate) fn at(&self, tempo: Tempo) -> Self {
        let mut out = self.clone();
        out.pull *= tempo.pull;
        if let Some(run) = tempo.run {
            out.lasts(run);
            return out;
        }
        let f = tempo.stretch;
        out.run = out.run.map(|run| run * f);
        out.wait = out.wait.map(|wait| Wait { at: wait.at * f, ..wait });
        for line in &mut out.lines {
            line.at *= f;
            line.every *= f;
            line.origin *= f;
            line.steps /= f;
            line.until = line.until.map(|until| until * f);
        }
        for curve in &mut out.curves {
            curve.begin *= f;
            curve.end = curve.end.map(|end| end * f);
        }
        out
    }

    /// Makes the longest phase so long that the run takes `run` seconds.
    fn lasts(&mut self, run: f64) {
        let natural = self.run.replace(run);
        let (Some(natural), Some((part, begin, end))) = (natural, self.longest) else { return };
        let shift = (run - natural).max(begin - end);
        for line in self.lines.iter_mut().filter(|line| line.part == part) {
            if line.at >= end {
                line.at += shift;
                line.origin += shift;
            }
            line.until = line.until.map(|until| if until >= end { until + shift } else { until });
        }
        for curve in self.curves.iter_mut().filter(|curve| curve.part == part) {
            if curve.begin >= end {
                curve.begin += shift;
            }
            curve.end = curve.end.map(|until| if until >= end { until + shift } else { until });
        }
        if part == Part::Before
            && let Some(wait) = self.wait.as_mut()
        {
            wait.at += shift;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_given_length_goes_to_the_longest_phase() {
        let line = |at: f64, until: Option<f64>| Line {
            part: Part::After,
            at,
            every: 1.0,
            until,
            speaker: Speaker::Main,
            err: false,
            text: String::new(),
            half: false,
            saves: false,
            origin: 0.0,
            steps: 1.0,
        };
        let lines = vec![line(2.0, Some(2.0)), line(5.0, Some(60.0)), line(61.0, None)];
        let mut b =
            Behaviour { run: Some(65.0), longest: Some((Part::After, 5.0, 60.0)), lines, ..Behaviour::default() };
        b.lasts(105.0);
        let times: Vec<_> = b.lines.iter().map(|l| (l.at, l.until)).collect();
        assert_eq!(times, [(2.0, Some(2.0)), (5.0, Some(100.0)), (101.0, None)]);
        assert_eq!(b.run, Some(105.0));
    }
}
