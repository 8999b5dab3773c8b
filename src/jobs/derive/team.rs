//! The pods of a job as a team: the one that leads, those that work, and those that only prepare.

use crate::jobs::{
    health::{self, Health},
    kind::Kind,
    replica::{is_initializer, is_launcher, is_launcher_a_node, wanted},
    row::{ContainerState, JobRow, PodRow},
    state::State,
    time::Secs,
};

/// A replica's newest pod, and how it is.
pub(super) type Member<'a> = (&'a PodRow, Health);

/// The pods that count now: the newest of each replica.
#[derive(Debug)]
pub(super) struct Team<'a> {
    /// The launcher, Master or Chief.
    pub(super) leader: Option<Member<'a>>,
    /// All others that train.
    pub(super) workers: Vec<Member<'a>>,
    /// A `TrainJob`'s initializers.
    pub(super) initializers: Vec<Member<'a>>,
    /// How many there should be that train, the leader included where it does.
    pub(super) members_wanted: u32,
    leader_wanted: bool,
    leader_trains: bool,
    ended_leaders: u16,
    newest_attempt: u16,
}

impl<'a> Team<'a> {
    pub(super) fn of(job: &JobRow, pods: &[&'a PodRow]) -> Self {
        let lead = leading_role(job, pods);
        let mut team = Self {
            leader: None,
            workers: Vec::with_capacity(pods.len()),
            initializers: Vec::new(),
            members_wanted: 0,
            leader_wanted: lead.is_some(),
            leader_trains: lead.is_some_and(|role| !is_launcher(role)),
            ended_leaders: 0,
            newest_attempt: pods.iter().map(|pod| pod.attempt).max().unwrap_or(0),
        };
        let same = |a: &&PodRow, b: &&PodRow| a.role == b.role && (a.index == b.index || is_launcher(a.role.as_str()));
        for attempts in pods.chunk_by(same).filter(|attempts| !is_surplus(job, attempts[0])) {
            team.admit(attempts, lead);
        }
        team.leader_trains |= team.leader.is_some() && is_launcher_a_node(job, team.workers.len());
        team.members_wanted = members_wanted(job, &team);
        team
    }

    fn admit(&mut self, attempts: &[&'a PodRow], lead: Option<&str>) {
        let key = |member: &Member<'_>| {
            let (pod, health) = *member;
            (pod.attempt, pod.created, pod.deleting.is_none(), !health.has_ended())
        };
        let all = attempts.iter().map(|pod| (*pod, Health::of(pod)));
        let Some(newest) = all.clone().max_by_key(key) else { return };
        let role = newest.0.role.as_str();
        if lead.is_some_and(|lead| lead.eq_ignore_ascii_case(role)) && self.leader.is_none() {
            self.ended_leaders = all.filter(|(_, health)| is_bad_end(*health)).count() as u16;
            self.leader = Some(newest);
        } else if is_initializer(role) {
            self.initializers.push(newest);
        } else {
            self.workers.push(newest);
        }
    }

    /// Pods wanted, leader included.
    pub(super) fn total(&self) -> u32 {
        self.members_wanted.saturating_add(u32::from(self.leader_wanted && !self.leader_trains))
    }

    /// Everyone there is that trains or leads.
    pub(super) fn everyone(&self) -> impl Iterator<Item = &Member<'a>> {
        self.leader.iter().chain(&self.workers)
    }

    /// Whether any controller has acted on the job.
    pub(super) fn is_noticed(&self, job: &JobRow) -> bool {
        !job.conditions.is_empty()
            || !job.counts.is_empty()
            || self.everyone().chain(&self.initializers).next().is_some()
    }

    /// How many that train are ready; by the operator's count where no pod is to be seen.
    pub(super) fn ready(&self, job: &JobRow) -> u16 {
        if self.everyone().next().is_none() && job.is("Running").is_some() {
            let training = job.counts.iter().filter(|c| !is_launcher(c.role.as_str()));
            let active = training.fold(0u32, |sum, count| sum.saturating_add(count.active));
            return active.min(u32::from(u16::MAX)) as u16;
        }
        let leader = self.leader.iter().filter(|_| self.leader_trains);
        self.workers.iter().chain(leader).filter(|(_, health)| *health == Health::Ready).count() as u16
    }

    /// Whether pods are missing that should be there.
    pub(super) fn is_incomplete(&self) -> bool {
        (self.everyone().count() as u32) < self.total()
    }

    /// The attempt that runs or comes next (from 1), and of how many (0: not known).
    pub(super) fn attempt(&self, job: &JobRow) -> (u16, u16) {
        let limit = job.policy.backoff_limit.map(|n| n.saturating_add(1).min(u32::from(u16::MAX)) as u16);
        let of = if job.kind == Kind::MpiJob { limit.unwrap_or(7) } else { limit.unwrap_or(0) };
        let in_place = self.leader.map_or(0, |(pod, _)| health::restarts(pod));
        (self.failed_attempts(job).saturating_add(in_place).saturating_add(1), of)
    }

    /// Attempts that have ended badly, restarts in place not counted.
    pub(super) fn failed_attempts(&self, job: &JobRow) -> u16 {
        if job.kind == Kind::TrainJob {
            return self.newest_attempt.max(self.ended_leaders);
        }
        let counted = job.counts.iter().find(|count| is_launcher(count.role.as_str())).map_or(0, |count| count.failed);
        self.ended_leaders.max(counted.min(u32::from(u16::MAX)) as u16)
    }

    pub(super) fn leader_runs_since(&self) -> Option<Secs> {
        let (pod, _) = self.leader.filter(|(_, health)| health.runs())?;
        pod.containers.iter().filter(|c| !c.init).find_map(|container| match container.state {
            Some(ContainerState::Running(since)) => since,
            _ => None,
        })
    }

    /// Whether a replica is in a way that waiting won't mend. A launcher that fails is tried again: no trouble yet.
    pub(super) fn has_trouble(&self, job: &JobRow, running: bool) -> bool {
        let kind = job.kind;
        // training-operator makes a failed replica anew and says so: what has failed is on its way out.
        let replaced = kind.is_v1() && job.is("Restarting").is_some();
        let launcher_runs = self.leader.is_some_and(|(_, health)| health.runs());
        // A worker that leaves a program which has already begun is lost to it, even if it comes back.
        let begun = running && launcher_runs && !self.leader_trains;
        let worker = |(_, health): &Member<'_>| match health {
            Health::Stopped => launcher_runs,
            Health::Unscheduled => begun,
            Health::Failed | Health::Lost if replaced => false,
            health => health.is_bad(),
        };
        let leader = |(_, health): &Member<'_>| match health {
            Health::Failed | Health::Lost if replaced => false,
            Health::Failed => !matches!(kind, Kind::MpiJob | Kind::TrainJob),
            Health::Crashing => !matches!(kind, Kind::MpiJob | Kind::MpiJobV1 | Kind::TrainJob),
            health => health.is_bad(),
        };
        self.workers.iter().chain(&self.initializers).any(worker) || self.leader.iter().any(leader)
    }

    /// How far the start has come.
    pub(super) fn progress(&self, job: &JobRow, running: bool) -> State {
        if self.everyone().next().is_none() {
            let active = job.kind == Kind::TrainJob && job.counts.iter().any(|c| c.ready > 0);
            return if running || active { State::Running } else { self.pending() };
        }
        let up = |(_, health): &Member<'_>| health.runs() || *health == Health::Completed;
        let workers_wanted = self.members_wanted - u32::from(self.leader_trains).min(self.members_wanted);
        let workers_up = self.workers.iter().filter(|worker| up(worker)).count() as u32 >= workers_wanted;
        let leaving = |(_, health): &Member<'_>| running && *health == Health::Leaving;
        let leader_up = !self.leader_wanted || self.leader.iter().any(|leader| up(leader) || leaving(leader));
        match (leader_up, workers_up) {
            (true, true) => State::Running,
            (false, true) if workers_wanted > 0 && self.leader.is_none_or(|(_, h)| h != Health::Unscheduled) => {
                State::Starting
            }
            // A worker that comes late (scaled up, made again) doesn't stop the program.
            (true, false) if running && self.leader_wanted => State::Running,
            _ => self.pending(),
        }
    }

    /// `Pending` with its counts.
    pub(super) fn pending(&self) -> State {
        let count = |is: fn(&Member<'_>) -> bool| self.everyone().filter(|m| is(m)).count() as u16;
        State::Pending {
            scheduled: count(|(pod, _)| pod.node.is_some()),
            pulled: count(|(pod, _)| pod.node.is_some() && health::is_pulled(pod)),
            ready: count(|(_, health)| *health == Health::Ready),
            total: self.total().min(u32::from(u16::MAX)) as u16,
        }
    }
}

/// Whether the job was scaled down below this pod: its operator is going to delete it.
fn is_surplus(job: &JobRow, pod: &PodRow) -> bool {
    let spec = job.replicas.iter().find(|spec| spec.role.as_str().eq_ignore_ascii_case(pod.role.as_str()));
    let (Some(spec), Some(index)) = (spec.filter(|_| job.kind != Kind::TrainJob), pod.index) else { return false };
    !is_launcher(pod.role.as_str()) && spec.replicas.is_some_and(|wanted| u32::from(index) >= wanted)
}

fn is_bad_end(health: Health) -> bool {
    matches!(health, Health::Failed | Health::Stopped | Health::Lost)
}

/// The role whose pod stands for the job's success, if it has one.
fn leading_role(job: &JobRow, pods: &[&PodRow]) -> Option<&'static str> {
    const LEADERS: [&str; 4] = ["Launcher", "launcher", "Master", "Chief"];
    let has = |role: &&&str| {
        job.replicas.iter().any(|spec| spec.role.as_str() == **role)
            || (job.kind == Kind::TrainJob && pods.iter().any(|pod| pod.role.as_str() == **role))
    };
    job.kind.info().roles.iter().filter(|role| LEADERS.contains(role)).find(has).copied()
}

fn members_wanted(job: &JobRow, team: &Team<'_>) -> u32 {
    if job.kind != Kind::TrainJob {
        let training = job.replicas.iter().filter(|spec| !is_launcher(spec.role.as_str()));
        let counts = training.map(|spec| wanted(job.kind, spec.role.as_str(), spec.replicas));
        return counts.fold(0, u32::saturating_add);
    }
    let there = team.workers.len() as u32;
    match job.replicas.iter().find_map(|spec| spec.replicas) {
        Some(nodes) => nodes.max(there),
        None => there.max(1),
    }
}
