//! The words for how a job is: [`State`], and [`Derived`], everything that is computed about one job.
//!
//! Only names and data; `derive.rs` decides which applies.

use std::{fmt, sync::Arc};

use super::{
    progress::Progress,
    text::{Clean, Name, Sym},
    time::Secs,
};

/// How a job is, derived from its status, pods, events and queue; never a copy of its last condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits for admission; the message of Kueue is the cause.
    Queued,
    /// Its Workload was deactivated (`active: false`).
    Paused,
    /// Suspended by its own field, no queue involved.
    Suspended,
    /// Lost its place to another; will be queued again.
    Preempted,
    /// Kueue can't admit it as it is (misconfigured queue, more than the maximum, …).
    Inadmissible,
    /// Runs on another cluster (MultiKueue).
    Remote,
    /// The operator refused the manifest; it will never get a status.
    Invalid,
    /// Nobody acts on it: the operator is missing, or doesn't watch this namespace.
    OperatorSilent,
    /// Pods can't be made (quota, policy).
    Blocked,
    /// Pods exist, not all run: scheduled, pulled (all images there) and ready out of total.
    Pending {
        /// Pods with a node.
        scheduled: u16,
        /// Pods whose images are there.
        pulled: u16,
        /// Pods that are ready.
        ready: u16,
        /// Pods wanted.
        total: u16,
    },
    /// All workers run, the launcher (or leading replica) doesn't yet.
    Starting,
    /// Runs, as far as one can see.
    Running,
    /// Runs or starts, but a replica is in a bad way.
    Degraded,
    /// The launcher is being tried again: attempt `k` of `n` (0 = not known).
    Restarting {
        /// This attempt, from 1.
        attempt: u16,
        /// Attempts in all.
        of: u16,
    },
    /// Ended well.
    Succeeded,
    /// Ended badly.
    Failed(Failure),
    /// Is being deleted.
    Terminating,
    /// The object could not be read well enough.
    Unreadable,
}

/// In which way a job failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Failure {
    /// `activeDeadlineSeconds` passed.
    Deadline,
    /// Retries used up.
    BackOff,
    /// Workers were evicted.
    Evicted,
    /// Anything else.
    Other,
}

/// How urgent a state is, for sorting, colours and «needs attention».
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// Something is wrong.
    Bad,
    /// Something may be wrong, or is being retried.
    Warn,
    /// Waits.
    Wait,
    /// Works.
    Good,
    /// Over, or asked to rest.
    Done,
}

/// Every word of [`State::word`], most urgent first.
pub const WORDS: [&str; 18] = [
    "Failed",
    "Degraded",
    "Invalid",
    "Blocked",
    "Inadmissible",
    "OperatorSilent",
    "Restarting",
    "Preempted",
    "Unreadable",
    "Queued",
    "Pending",
    "Starting",
    "Terminating",
    "Running",
    "Remote",
    "Succeeded",
    "Paused",
    "Suspended",
];

impl State {
    /// One word, as in the STATE column and in `state:` filters.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Queued => "Queued",
            Self::Paused => "Paused",
            Self::Suspended => "Suspended",
            Self::Preempted => "Preempted",
            Self::Inadmissible => "Inadmissible",
            Self::Remote => "Remote",
            Self::Invalid => "Invalid",
            Self::OperatorSilent => "OperatorSilent",
            Self::Blocked => "Blocked",
            Self::Pending { .. } => "Pending",
            Self::Starting => "Starting",
            Self::Running => "Running",
            Self::Degraded => "Degraded",
            Self::Restarting { .. } => "Restarting",
            Self::Succeeded => "Succeeded",
            Self::Failed(_) => "Failed",
            Self::Terminating => "Terminating",
            Self::Unreadable => "Unreadable",
        }
    }

    /// The word as people write it: `Operator silent`.
    pub const fn in_words(&self) -> &'static str {
        if let Self::OperatorSilent = self { "Operator silent" } else { self.word() }
    }

    /// How urgent it is.
    pub const fn severity(&self) -> Severity {
        match self {
            Self::Failed(_) | Self::Degraded | Self::Invalid | Self::Blocked | Self::Inadmissible => Severity::Bad,
            Self::OperatorSilent | Self::Restarting { .. } | Self::Preempted | Self::Unreadable => Severity::Warn,
            Self::Queued | Self::Pending { .. } | Self::Starting | Self::Terminating => Severity::Wait,
            Self::Running | Self::Remote => Severity::Good,
            Self::Succeeded | Self::Paused | Self::Suspended => Severity::Done,
        }
    }

    /// Whether its pods are at work, well or badly.
    pub const fn is_running(&self) -> bool {
        matches!(self, Self::Running | Self::Degraded | Self::Restarting { .. })
    }

    /// Whether it waits for something that should come.
    pub const fn is_waiting(&self) -> bool {
        matches!(self.severity(), Severity::Wait)
    }

    /// Whether the job has come to its end.
    pub const fn is_finished(&self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed(_))
    }
}

/// The word, with what belongs to it: `Pending (ready 2/4)`, `Restarting (2 of 7)`, `Failed (deadline)`.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pending { scheduled, pulled, ready, total } if *total > 0 => {
                let (what, n) = if scheduled < total {
                    ("scheduled", scheduled)
                } else if pulled < total {
                    ("pulled", pulled)
                } else {
                    ("ready", ready)
                };
                f.pad(&format!("Pending ({what} {n}/{total})"))
            }
            Self::Restarting { attempt, of: 0 } => f.pad(&format!("Restarting (attempt {attempt})")),
            Self::Restarting { attempt, of } => f.pad(&format!("Restarting ({attempt} of {of})")),
            Self::Failed(Failure::Deadline) => f.pad("Failed (deadline)"),
            Self::Failed(Failure::BackOff) => f.pad("Failed (back-off)"),
            Self::Failed(Failure::Evicted) => f.pad("Failed (evicted)"),
            other => f.pad(other.in_words()),
        }
    }
}

/// The one-line reason for a bad state, with its evidence and its remedy.
#[derive(Clone, Debug, PartialEq)]
pub struct Cause {
    /// Id of the rule, or of the condition that speaks for itself (`kueue-message`, `operator-silent`).
    pub rule: Arc<str>,
    /// Class of the rule (see `assets/rules.toml`).
    pub class: Arc<str>,
    /// One line: «Worker 2: out of memory (limit 16Gi), exit 137».
    pub title: Clean,
    /// The same for where there is little room, beginning with what matters: «Out of memory, worker 2».
    pub brief: Clean,
    /// What to do.
    pub remedy: Clean,
    /// Where it was seen, best first.
    pub evidence: Box<[Evidence]>,
    /// The replica it is about (`worker-2`), if one.
    pub replica: Option<Name>,
    /// The node of that replica.
    pub node: Option<Sym>,
    /// The MPI rank it is about, if one.
    pub rank: Option<u32>,
    /// How sure it is, in percent.
    pub sure: u8,
    /// Ids of rules that hit, too, and only tell what followed from it.
    pub consequences: Box<[Arc<str>]>,
    /// Will it pass without anybody doing something?
    pub recovers: bool,
}

impl Cause {
    /// A cause that is no surer says that something failed rather than why.
    const VAGUE: u8 = 70;

    /// Whether replicas don't reach each other, so that a network policy may be why: not where somebody answered.
    pub fn may_be_policy(&self) -> bool {
        const UNREACHED: [&str; 4] = ["ssh_refused", "mpi_tcp_unreachable", "rendezvous_timeout", "nccl_network"];
        let answered = |piece: &Evidence| piece.text.as_str().to_ascii_lowercase().contains("refused");
        UNREACHED.contains(&&*self.class) && !self.evidence.first().is_some_and(answered)
    }

    /// Whether a log may tell more than this does.
    pub fn wants_log(&self) -> bool {
        let of_log = self.evidence.first().is_some_and(|first| matches!(first.origin, Origin::Log { .. }));
        self.sure <= Self::VAGUE && !of_log
    }
}

/// One observation that a cause rests on.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// `pod train-worker-2`, `event on MPIJob`, `condition QuotaReserved`, …
    pub at: Clean,
    /// Its line, if it is one of a log.
    pub line: Option<u32>,
    /// The cluster's own words.
    pub text: Clean,
    /// Where it can be read.
    pub origin: Origin,
}

/// What an observation was made on, for somebody who wants to see it there.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Origin {
    /// The job itself: a condition, its Workload.
    #[default]
    Job,
    /// A line of a pod's log.
    Log {
        /// The pod; none where the log is a file.
        pod: Option<Name>,
        /// The rank whose tag the line has.
        rank: Option<u32>,
        /// When it was written.
        time: Option<Secs>,
    },
    /// The status of a pod.
    Pod {
        /// Its name.
        pod: Name,
        /// What its container said last, as far as a rule knows it: its log has it, too.
        said: Clean,
    },
    /// An event in these words: its message.
    Event(Clean),
}

/// Everything computed about one job.
#[derive(Clone, Debug, PartialEq)]
pub struct Derived {
    /// How it is.
    pub state: State,
    /// Why, when that is not obvious.
    pub cause: Option<Cause>,
    /// The operator's own word: the type of the last True condition; empty when it says nothing.
    pub reported: Sym,
    /// Whether `reported` says something else than `state`, so that both are worth showing.
    pub disagrees: bool,
    /// Workers (nodes) ready now.
    pub ready: u16,
    /// Workers (nodes) wanted.
    pub total: u16,
    /// Accelerators asked for by the whole job, launcher included.
    pub gpus: u32,
    /// Accelerators held by live pods though the job has finished.
    pub leaked_gpus: u32,
    /// Restarts seen: container restarts and further launcher attempts.
    pub restarts: u16,
    /// When it began to run (or was asked to).
    pub started: Option<Secs>,
    /// When it ended.
    pub finished: Option<Secs>,
    /// How far its training has come, where that was said.
    pub progress: Option<Arc<Progress>>,
    /// Until when this holds with no new data (e.g. «operator silent» after 10 s).
    pub valid_until: Option<Secs>,
}

impl Derived {
    /// How urgent the job is: as its state, but one that holds accelerators after its end is worth a look.
    pub fn urgency(&self) -> Severity {
        let severity = self.state.severity();
        if self.leaked_gpus > 0 { severity.min(Severity::Warn) } else { severity }
    }

    /// Whether somebody should look at it.
    pub fn needs_attention(&self) -> bool {
        self.urgency() <= Severity::Warn
    }

    /// Whether something is wrong, and only a log may tell what.
    pub fn wants_log(&self) -> bool {
        self.needs_attention() && self.cause.as_ref().is_none_or(Cause::wants_log)
    }

    /// Of a job that has not been looked at yet.
    pub fn unsettled() -> Self {
        Self {
            state: State::Pending { scheduled: 0, pulled: 0, ready: 0, total: 0 },
            cause: None,
            reported: Sym::default(),
            disagrees: false,
            ready: 0,
            total: 0,
            gpus: 0,
            leaked_gpus: 0,
            restarts: 0,
            started: None,
            finished: None,
            progress: None,
            valid_until: None,
        }
    }
}
