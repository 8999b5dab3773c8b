//! `mpideck explain JOB`: a live job's objects, events and logs, under the same rules as everything else.
//!
//! Owns which logs are read for it (the leading pod's last attempt and those of bad pods) and how much of each. A log that
//! can't be read is said on stderr, and the answer is given without it.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{
    args::Global,
    console,
    exit::Failure,
    print, reach,
    reached::Reached,
    setup::Setup,
    unread,
};
use crate::{
    cluster::{
        self, Session,
        logs::{self, LogOf, LogPiece},
    },
    console::{model::session::Scope, start::LoadTarget},
    jobs::{
        Name, PodRow, Secs,
        causes::{Crew, LogSeen, Quiet, Rules, Scan, Subject},
        filter::Filter,
        fleet::{self, Teller, telling},
        row::ContainerState,
        state::Cause,
    },
    logs::ruled,
};

/// Lines that are read of the leading pod's log, and of each bad pod's.
const TAIL: (u32, u32) = (20_000, 2_000);

/// The cause of one job, and whether part of what belongs to it could not be read.
pub(super) fn run(
    name: &str,
    rules: Arc<Rules>,
    global: &Global,
    setup: &Setup,
) -> Result<(Option<Cause>, bool), Failure> {
    let scope = reach::scope(global)?;
    let load = reach::user_clusters(global, setup);
    let stall = u32::try_from(setup.config.stall_after.value.as_secs()).unwrap_or(u32::MAX);
    console::in_runtime(explained(name, rules, scope, &load, stall))
}

async fn explained(
    name: &str,
    rules: Arc<Rules>,
    scope: Option<Scope>,
    load: &LoadTarget,
    stall: u32,
) -> Result<(Option<Cause>, bool), Failure> {
    let reached = Reached::by(load).await?;
    let mut read = reached.jobs(rules.clone(), scope, &Filter::default()).await?;
    unread::complain(&read.unread);
    let (now, job) = (read.now, read.named(name)?);
    let (key, pods) = (job.key(), read.fleet.pods(&job.key()));
    let logs = read_logs(&reached.session, &rules, &pods, (now, stall)).await;
    let seen: Vec<LogSeen<'_>> = logs.iter().map(Log::seen).collect();
    let crew = Crew::of(&job.row, &pods);
    let mut cause = read.fleet.explained(&key, &seen, Some(&crew), now);
    if cause.as_ref().is_some_and(Cause::may_be_policy) {
        read.fleet.bar(&key, cluster::reach::reach(&reached.session, &key).await);
        cause = read.fleet.explained(&key, &seen, Some(&crew), now);
    }
    Ok((cause, !read.unread.is_empty()))
}

struct Log {
    scan: Scan,
    of: String,
    writer: Option<Arc<Subject>>,
    whole: bool,
    past: bool,
    quiet: Option<Quiet>,
}

impl Log {
    fn seen(&self) -> LogSeen<'_> {
        let Self { scan, of, writer, whole, past, quiet } = self;
        LogSeen { scan, of, pod: None, writer: writer.as_ref(), whole: *whole, past: *past, quiet: quiet.as_ref() }
    }
}

async fn read_logs(session: &Session, rules: &Rules, pods: &[&PodRow], (now, stall): (Secs, u32)) -> Vec<Log> {
    let mut out = Vec::new();
    for (nth, Teller { pod, previous, past }) in telling(pods).into_iter().enumerate() {
        let tail = if nth == 0 { TAIL.0 } else { TAIL.1 };
        match read_log(session, rules, pod, tail, previous).await {
            Ok(scan) => {
                let (of, whole) = (format!("log of {}", pod.name), scan.lines() < tail);
                let goes_on = fleet::main_container(pod)
                    .is_some_and(|main| matches!(main.state, Some(ContainerState::Running(_))));
                let waited = goes_on && scan.patience(stall).is_some_and(|until| until <= now);
                let quiet = scan.quiet().filter(|_| waited);
                out.push(Log { scan, of, writer: fleet::writer(pod), whole, past, quiet });
            }
            Err(why) => print::complain(&format!("note: the log of {} could not be read: {why}", pod.name)),
        }
    }
    out
}

async fn read_log(session: &Session, rules: &Rules, pod: &PodRow, tail: u32, previous: bool) -> Result<Scan, String> {
    let namespace = Name::new(pod.namespace.as_str()).ok_or("its namespace has no name")?;
    let container = fleet::main_container(pod);
    let what = LogOf {
        namespace,
        pod: pod.name.clone(),
        owner: None,
        container: container.and_then(|container| Name::new(container.name.as_str())),
        previous,
        follow: false,
        tail: Some(tail),
        since: None,
    };
    let cancel = CancellationToken::new();
    let _end = cancel.clone().drop_guard();
    let mut pieces = logs::follow(session, what, &cancel);
    let (mut scan, mut number) = (Scan::default(), 0);
    loop {
        let piece = tokio::time::timeout(session.timeout(), pieces.recv()).await;
        match piece.map_err(|_| "no answer in time".to_owned())? {
            Some(LogPiece::Lines(lines)) => {
                for line in lines {
                    number += 1;
                    ruled::line(&mut scan, rules, &line.bytes, number, line.at.map(Secs::from));
                }
            }
            Some(LogPiece::Notice(notice)) if notice.kind == logs::NoticeKind::Waiting => return Ok(scan),
            Some(LogPiece::Notice(_)) => {}
            Some(LogPiece::End(Some(problem))) => return Err(problem.to_string()),
            Some(LogPiece::End(None)) | None => return Ok(scan),
        }
    }
}
