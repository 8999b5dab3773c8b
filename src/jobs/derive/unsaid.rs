//! What no line and no status says by itself: a log that has fallen silent, a replica that is restarted again and again, an
//! mpirun that is not the one that the manifest names.

use super::{Input, plain::plain, team::Team};
use crate::jobs::{
    causes::{Crew, LogSeen, Subject},
    reach::{Barrier, Reach},
    row::{ContainerRow, ContainerState, PodRow},
    state::{Cause, Evidence, Origin, State},
    text::Clean,
    time::Secs,
};

/// Seconds that a launcher has to reach its replicas.
const LAUNCH: u32 = 120;
/// Restarts in place that are too many.
const MANY: u16 = 3;
/// Classes of trouble with reaching replicas, which a next attempt may not have.
const PASSES: [&str; 2] = ["dns_resolve_failed", "ssh_refused"];
/// Classes of what comes of an mpirun that is another than was thought.
const OF_MPIRUN: [&str; 4] = ["launcher_bad_args", "remote_daemon_failed", "worker_lost_unknown", "app_exit_unknown"];

/// Until when trouble with reaching replicas says nothing, if the launcher has just begun.
pub(super) fn launching(team: &Team<'_>, now: Secs) -> Option<Secs> {
    let (leader, _) = team.leader?;
    let since =
        leader.containers.iter().filter(|container| !container.init).find_map(|container| match container.state {
            Some(ContainerState::Running(since)) => since,
            _ => None,
        })?;
    Some(since.plus(LAUNCH)).filter(|until| *until > now)
}

/// A log that told of progress and says nothing any more.
pub(super) fn silent(input: &Input<'_>) -> Option<Cause> {
    let of_present = |log: &&LogSeen<'_>| !log.past && log.quiet.is_some();
    let log = input.logs.seen.iter().find(of_present)?;
    let quiet = log.quiet?;
    let time = quiet.since.to_string();
    let time = time.get(11..16).unwrap_or_default();
    let nobody = Crew::default();
    let crew = input.logs.crew.unwrap_or(&nobody);
    let place = |rank: &u32| crew.subject(Some(*rank), log.scan.host_of(*rank), log.scan.ranks());
    let first: Vec<Subject> = quiet.first.iter().filter_map(place).collect();
    let names: Vec<String> = first.iter().map(Subject::in_words).collect();
    let whose = if names.is_empty() { String::new() } else { format!("; {} fell silent first", names.join(", ")) };
    let remedy = "Look at the last lines by rank, and at what that process does (py-spy, nvidia-smi). An evaluation or a \
                  checkpoint passes by itself; stall-after says how long that may take.";
    let mut cause = plain("stall", &format!("no new line since {time} UTC{whose}"), remedy, true);
    cause.class = "rank_stalled".into();
    cause.sure = 50;
    cause.evidence = Box::new([Evidence {
        at: Clean::new(&format!("{}, line {}", log.of, quiet.line)),
        line: Some(quiet.line),
        text: Clean::new("the last line"),
        origin: Origin::Job,
    }]);
    if let Some(first) = first.into_iter().next() {
        cause.rank = first.rank;
        cause.replica = Some(first.id()).filter(|_| !first.role.is_empty());
        cause.node = first.node;
    }
    Some(cause)
}

/// A replica that runs now and was restarted so often that it won't be for the last time.
pub(super) fn restarted(team: &Team<'_>) -> Option<Cause> {
    let restarts = |pod: &PodRow| pod.containers.iter().map(|container| container.restarts).max().unwrap_or(0);
    let members = team.leader.iter().chain(&team.workers).map(|(pod, _)| *pod);
    let pod = members.filter(|pod| restarts(pod) >= MANY).max_by_key(|pod| restarts(pod))?;
    let container = pod.containers.iter().max_by_key(|container| container.restarts)?;
    let subject = Subject::of_pod(pod);
    let end = last_end(container).map_or_else(String::new, |words| format!(", the last time after {words}"));
    let title = format!("{}: restarted {} times{end}", subject.title(), container.restarts);
    let mut cause = plain("restarted-often", &title, "See the log of its run before the last restart.", false);
    cause.class = "app_exit_unknown".into();
    cause.sure = 60;
    cause.evidence = Box::new([Evidence {
        at: Clean::new(&format!("pod {}", pod.name)),
        line: None,
        text: Clean::new(&format!("container {}, {} restarts", container.name, container.restarts)),
        origin: Origin::Pod { pod: pod.name.clone(), said: Clean::default() },
    }]);
    (cause.replica, cause.node) = (Some(subject.id()), subject.node);
    Some(cause)
}

fn last_end(container: &ContainerRow) -> Option<String> {
    let end = container.last.as_ref().filter(|end| end.exit_code != 0)?;
    Some(if end.reason.is_empty() || end.reason.as_str() == "Error" {
        format!("exit code {}", end.exit_code)
    } else {
        end.reason.to_string()
    })
}

/// A cause, with what the job's own manifest and attempts add to it.
pub(super) fn with_what_the_job_is(input: &Input<'_>, state: &State, mut cause: Cause) -> Cause {
    if matches!(state, State::Restarting { .. }) && PASSES.contains(&&*cause.class) {
        cause.recovers = true;
    }
    if OF_MPIRUN.contains(&&*cause.class)
        && let Some((asked, is)) = other_mpi(input)
    {
        let title = format!("mpirun is {is}'s, but mpiImplementation is {asked}");
        let remedy = "Set mpiImplementation to what the image has, or take an image with that MPI: the operator writes hostfile \
                      and environment for the one that is named.";
        let consequences = cause.consequences.iter().cloned().chain([cause.rule.clone()]).collect();
        let evidence = std::mem::take(&mut cause.evidence);
        cause = Cause { evidence, consequences, ..plain("mpi-implementation", &title, remedy, false) };
        cause.class = "launcher_bad_args".into();
    }
    if &*cause.class == "remote_daemon_failed"
        && let Some((launcher, worker)) = other_image(input)
    {
        let words = format!(
            "{} The launcher's image ({launcher}) is not the workers' ({worker}): both need the same MPI.",
            cause.remedy
        );
        cause.remedy = Clean::new(&words);
    }
    match input.reach {
        Some(reach) if cause.may_be_policy() => with_policies(cause, reach),
        _ => cause,
    }
}

/// A cause that replicas don't reach each other, with the network policies that are why.
fn with_policies(mut cause: Cause, reach: &Reach) -> Cause {
    let more = match reach {
        Reach::Unread(why) => format!("Which NetworkPolicy there is could not be read: {why}"),
        Reach::Open => {
            "No NetworkPolicy of the namespace is in the way between launcher and workers: look at the CNI and at firewalls of the nodes.".into()
        }
        Reach::Barred(barriers) => {
            let port = ssh_port(&cause);
            let bars = |barrier: &&Barrier| port.is_none_or(|port| !barrier.passes(port));
            let Some(barrier) = barriers.iter().find(bars) else { return cause };
            let (policies, words) = (&barrier.policies, barrier.in_words());
            cause.title = Clean::new(&format!("{}; NetworkPolicy {policies} {words}", cause.title));
            let piece = Evidence {
                at: Clean::new(&format!("NetworkPolicy {policies}")),
                line: None,
                text: Clean::new(&format!("between launcher and workers it {words}")),
                origin: Origin::Job,
            };
            cause.evidence = std::mem::take(&mut cause.evidence).into_iter().chain([piece]).collect();
            cause.sure = cause.sure.max(90);
            "Add a NetworkPolicy that lets pods of this job reach each other on all ports (template «restricted» has one).".into()
        }
    };
    cause.remedy = Clean::new(&format!("{} {more}", cause.remedy));
    cause
}

/// The port that ssh tried, by its own words (`connect to host w-0 port 2222: …`).
fn ssh_port(cause: &Cause) -> Option<u16> {
    let said = cause.evidence.first()?.text.as_str();
    let (_, after) = said.split_once(" port ").filter(|(before, _)| before.contains("connect to host"))?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// The MPI that the manifest names and the one that the launcher's log is of, if they differ.
fn other_mpi<'a>(input: &Input<'a>) -> Option<(&'a str, &'static str)> {
    let asked = input.job.policy.mpi.as_ref()?.as_str();
    let log = input.logs.seen.iter().find(|log| log.writer.is_none())?;
    let is = log.scan.speaks(input.rules)?;
    let fits = matches!((asked, is), ("OpenMPI", "openmpi") | ("Intel" | "MPICH", "hydra"));
    let name = if is == "openmpi" { "Open MPI" } else { "MPICH or Intel MPI" };
    let known = matches!(asked, "OpenMPI" | "Intel" | "MPICH");
    (known && !fits).then_some((asked, name))
}

fn other_image<'a>(input: &Input<'a>) -> Option<(&'a str, &'a str)> {
    let image = |launcher: bool| {
        let of = |role: &str| role.eq_ignore_ascii_case("launcher") == launcher;
        let spec = input.job.replicas.iter().find(|spec| of(spec.role.as_str()))?;
        Some(spec.image.as_ref()?.as_str())
    };
    let (launcher, worker) = (image(true)?, image(false)?);
    (launcher != worker).then_some((launcher, worker))
}
