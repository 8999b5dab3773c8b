//! What a follower does after a stream: goes on, waits, or ends, by what the pod's status says.
//!
//! Owns the words for that. Must not read lines.

use std::time::Duration;

use super::{
    LogLine, NoticeKind,
    follower::{Closed, Follower, Next, PAUSE},
};
use crate::{
    cluster::{
        paths::Resource,
        problem::{Problem, ProblemKind as Kind},
        session::{JSON, Session},
        wire,
    },
    jobs::{
        fleet::{ListOf, Row},
        row::{ContainerRow, ContainerState, Phase, PodRow},
        text::Name,
        time::Secs,
    },
};

/// Between two looks at a container that has not started.
const WAIT: Duration = Duration::from_secs(1);

impl Follower {
    /// The server closed the stream: because the container ended, or for a reason of its own.
    pub(super) async fn after_close(&mut self, session: &Session, rest: Option<LogLine>, pause: Duration) -> Next {
        if self.what.previous || !self.what.follow {
            return self.last_words(session, rest).await;
        }
        let pod = match self.pod(session).await {
            Ok(pod) => pod,
            Err(problem) if problem.kind == Kind::NotFound => {
                self.last_words(session, rest).await;
                self.notice(NoticeKind::Gone, "the pod is gone").await;
                return Next::End(None);
            }
            // Whoever may read logs only can't be told why; reading on shows it.
            Err(_) => return self.interrupted("the server closed the stream; reading on", pause).await,
        };
        let is_over = matches!(pod.phase, Phase::Succeeded | Phase::Failed);
        if is_over && !matches!(self.container(&pod).and_then(|c| c.state.as_ref()), Some(ContainerState::Running(_))) {
            return self.last_words(session, rest).await;
        }
        self.while_unfinished(session, &pod, rest, pause).await
    }

    /// The stream was closed though the pod has not ended.
    async fn while_unfinished(
        &mut self,
        session: &Session,
        pod: &PodRow,
        rest: Option<LogLine>,
        pause: Duration,
    ) -> Next {
        match self.container(pod).and_then(|container| container.state.clone()) {
            Some(ContainerState::Terminated(end)) => {
                self.last_words(session, rest).await;
                self.ended = Some(end.exit_code);
                self.waiting(&format!("the container ended with code {}", end.exit_code)).await
            }
            Some(ContainerState::Running(since)) => {
                if self.was_restarted(pod, since) {
                    self.read_previous(session).await;
                    return Next::Again(Duration::ZERO);
                }
                self.interrupted("the server closed the stream; reading on", pause).await
            }
            Some(ContainerState::Waiting { reason, .. }) => {
                self.ended = self.ended.or_else(|| Some(self.container(pod)?.last.as_ref()?.exit_code));
                self.waiting(&format!("waiting to start: {reason}")).await
            }
            None if pod.node.is_none() => self.waiting("waiting for a node").await,
            None => self.waiting("waiting to start").await,
        }
    }

    /// A line without its end, where nothing will follow it.
    async fn last_words(&mut self, session: &Session, rest: Option<LogLine>) -> Next {
        if let Some(rest) = rest {
            // Nobody listening is noticed by whoever sends next.
            let _deaf = self.deliver(session, vec![rest]).await;
        }
        Next::End(None)
    }

    /// Whether the container that runs is not the one that wrote the last line, as far as whole seconds tell.
    fn was_restarted(&mut self, pod: &PodRow, since: Option<Secs>) -> bool {
        let end = self.container(pod).and_then(|container| container.last.clone());
        let (Some(end), Some(since), Some(last), None) = (end, since, self.recent.last().map(Secs::from), self.ended)
        else {
            return false;
        };
        let is_other = since >= last && end.finished.is_none_or(|finished| finished >= last);
        self.ended = is_other.then_some(end.exit_code);
        is_other
    }

    /// Reads what the run before wrote after our last line.
    async fn read_previous(&mut self, session: &Session) {
        let ended = self.ended;
        self.looked = true;
        if let Ok(body) = session.open(&self.url(true), &self.doing()).await
            && let Closed::Clean(rest) = self.read(session, body).await
        {
            self.last_words(session, rest).await;
        }
        self.ended = ended;
    }

    async fn waiting(&mut self, words: &str) -> Next {
        self.notice(NoticeKind::Waiting, words).await;
        Next::Again(WAIT)
    }

    pub(super) async fn interrupted(&mut self, words: &str, pause: Duration) -> Next {
        self.notice(NoticeKind::Interrupted, words).await;
        Next::Again(pause)
    }

    pub(super) async fn after_refusal(&mut self, problem: Problem, pause: Duration) -> Next {
        let why = problem.why.as_str();
        match problem.kind {
            Kind::Invalid if why.contains("waiting to start") || why.contains("is not available") => {
                let reason = why.rsplit(": ").next().unwrap_or_default();
                self.waiting(&format!("waiting to start: {reason}")).await
            }
            Kind::NotFound if self.recent.last().is_some() => {
                self.notice(NoticeKind::Gone, "the pod is gone").await;
                Next::End(None)
            }
            // The session signs in again; until then nothing can be read.
            Kind::Unauthorized if self.recent.last().is_some() => {
                self.interrupted("the server does not take our sign-in any more; trying again", PAUSE.1).await
            }
            _ if problem.is_passing() => {
                let words = format!("no log now ({why}); trying again");
                self.interrupted(&words, problem.retry_after().unwrap_or(pause)).await
            }
            _ => Next::End(Some(problem)),
        }
    }

    /// Whether the pod of that name is the one that is meant. Where that can't be found out, it is.
    pub(super) async fn is_its(&self, session: &Session) -> bool {
        let Some(wanted) = &self.what.owner else { return true };
        let owner = self.pod(session).await.ok().and_then(|pod| pod.owner);
        owner.is_none_or(|owner| owner.uid == *wanted)
    }

    async fn pod(&self, session: &Session) -> Result<PodRow, Problem> {
        let path = Resource::core("pods").one(Some(&self.what.namespace), self.what.pod.as_str());
        let doing = format!("look at {}", self.what.pod);
        let body = session.get(&path, JSON, &doing).await?;
        match wire::row(ListOf::Pods, &String::from_utf8_lossy(&body)) {
            Row::Pod(pod) => Ok(pod),
            _ => Err(Problem::unexpected(&doing, "the answer is not a pod")),
        }
    }

    fn container<'p>(&self, pod: &'p PodRow) -> Option<&'p ContainerRow> {
        let wanted = self.what.container.as_ref().map(Name::as_str);
        pod.containers.iter().find(|c| wanted.map_or(!c.init, |w| c.name.as_str() == w))
    }

    /// Looks why the stream does not go on where the last one ended; what an ended run still had to say is read.
    pub(super) async fn after_gap(&mut self, session: &Session) -> Next {
        self.looked = true;
        if let Ok(pod) = self.pod(session).await
            && let Some(ContainerState::Running(since)) = self.container(&pod).and_then(|c| c.state.clone())
            && self.was_restarted(&pod, since)
        {
            self.read_previous(session).await;
        }
        Next::Again(Duration::ZERO)
    }
}
