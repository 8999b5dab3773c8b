//! The flight recorder's hands: what it is told to keep goes to a thread of its own, what it must read for that to tasks.
//!
//! Owns those tasks and what has been begun already. With `record` off, or without a directory, nothing of it runs.

mod feed;
mod keeper;
mod log;
mod numbers;
mod open;
mod streams;

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(super) use self::feed::Feed;
pub(crate) use self::open::open as open_record;
use self::{
    keeper::{Keeper, Work},
    numbers::Span,
    streams::Desk,
};
use super::{Results, Runner, listen::Ear, metrics::Search};
use crate::{
    cluster::{Target, session::address, target::Now},
    console::{
        message::Message,
        model::{
            record::{Note, RecordEffect, RecordMessage, Wanted, Which},
            session::SessionId,
        },
    },
    disk::records::{ClusterPlace, Fact, Header, Records, Stream, VERSION},
    jobs::{Clean, Uid, fleet::JobKey},
    metrics,
};

/// Things to write that may wait; then logs wait, and notes are written with the next change.
const QUEUE: usize = 512;
/// Requests for manifests and tails at once.
const READS: usize = 3;
/// Jobs whose numbers are read at once, so that neither waits for the other.
const MEASURES: usize = 2;
/// After a job is let go, what its logs still bring is kept for so long.
const GRACE: Duration = Duration::from_secs(10);
/// Between two looks at what is idle.
const TICK: Duration = Duration::from_secs(10);
/// How long the end waits for the disk.
const AT_END: Duration = Duration::from_millis(800);
/// Logs and manifests that are remembered as read.
const MOST_BEGUN: usize = 20_000;

/// See the module.
pub(super) struct Recorder {
    records: Records,
    work: Option<mpsc::Sender<Work>>,
    ended: Option<oneshot::Receiver<()>>,
    reads: Arc<Semaphore>,
    measures: Arc<Semaphore>,
    followed: HashMap<JobKey, DropGuard>,
    /// Logs that were begun, by the job's uid; without the run for those that are followed.
    begun: HashSet<(Uid, Stream, bool)>,
    manifests: HashSet<(Uid, bool)>,
    /// Jobs whose numbers were read at their end.
    numbers: HashSet<Uid>,
    /// The open page shows this record.
    shown: Option<PathBuf>,
}

/// Which cluster is looked at, through which context.
#[derive(Clone, Default)]
pub(super) struct Cluster {
    pub(super) place: ClusterPlace,
    pub(super) context: Clean,
}

impl Cluster {
    /// Where a target leads. One that can't be used has no jobs to record either.
    pub(super) fn of(target: &Target, context: &str) -> Self {
        let place = address(target).map(|(server, ca)| ClusterPlace::new(server.as_str(), &ca));
        Self { place: place.unwrap_or_default(), context: Clean::new(context) }
    }
}

impl Recorder {
    pub(super) fn new(records: Records) -> Self {
        Self {
            records,
            work: None,
            ended: None,
            reads: Arc::new(Semaphore::new(READS)),
            measures: Arc::new(Semaphore::new(MEASURES)),
            followed: HashMap::new(),
            begun: HashSet::new(),
            manifests: HashSet::new(),
            numbers: HashSet::new(),
            shown: None,
        }
    }

    /// Where things to write go; the first of them starts the thread.
    fn work(&mut self, results: &Results, now: &Now) -> mpsc::Sender<Work> {
        if let Some(work) = &self.work {
            return work.clone();
        }
        let (work, inbox) = mpsc::channel(QUEUE);
        let (tell, ended) = oneshot::channel();
        let keeper = Keeper::new(self.records.clone(), results.clone());
        tokio::task::spawn_blocking(move || {
            keeper.run(inbox);
            // Nobody waits, if the console did not end.
            let _ = tell.send(());
        });
        let (weak, now) = (work.downgrade(), Arc::clone(now));
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(TICK).await;
                let Some(work) = weak.upgrade() else { return };
                if work.send(Work::Tick(now())).await.is_err() {
                    return;
                }
            }
        });
        (self.work, self.ended) = (Some(work.clone()), Some(ended));
        work
    }

    /// Where the logs of the open page come from, if that shows a record.
    pub(super) fn feed(&self) -> Option<Feed> {
        let dir = self.shown.clone()?;
        Some(Feed { records: self.records.clone(), dir })
    }

    /// Another page: what it shows is not a record until that is said.
    pub(super) fn page_closed(&mut self) {
        self.shown = None;
    }

    /// Writes what waits; gives up after less than a second.
    pub(super) async fn finish(&mut self) {
        self.followed.clear();
        let (Some(work), Some(ended)) = (self.work.take(), self.ended.take()) else { return };
        let end = async {
            if work.send(Work::End).await.is_ok() {
                // An error is an end, too.
                let _ = ended.await;
            }
        };
        if tokio::time::timeout(AT_END, end).await.is_err() {
            tracing::warn!("the disk took longer than the end of the program could wait: something is not recorded");
        }
    }
}

/// Executes an order of the recorder.
pub(super) fn execute(runner: &mut Runner, effect: RecordEffect) {
    match effect {
        RecordEffect::Note(id, note) => keep(runner, id, *note),
        RecordEffect::Logs(id, key, wanted) => logs(runner, id, &key, wanted),
        RecordEffect::Follow(id, key) => follow(runner, id, key),
        RecordEffect::Unfollow(key) => {
            let Some(recorder) = &mut runner.recorder else { return };
            recorder.begun.retain(|(uid, _, followed)| !(*followed && *uid == key.uid));
            if let Some(guard) = recorder.followed.remove(&key) {
                tokio::spawn(async move {
                    tokio::time::sleep(GRACE).await;
                    drop(guard);
                });
            }
        }
        RecordEffect::Show(dir) => {
            if let Some(recorder) = &mut runner.recorder {
                recorder.shown = dir;
            }
        }
        RecordEffect::Numbers(key, dir) => {
            if let Some(recorder) = &runner.recorder {
                tokio::spawn(numbers::read(recorder.records.clone(), runner.results(), key, dir));
            }
        }
        RecordEffect::List => list(runner),
        RecordEffect::Open(which) => read(runner, which),
    }
}

fn header(runner: &Runner, id: SessionId, key: &JobKey) -> Option<Arc<Header>> {
    let running = runner.running.as_ref().filter(|running| running.id == id)?;
    let Cluster { place, context } = running.cluster.clone();
    Some(Arc::new(Header { version: VERSION, cluster: place, context, job: key.clone() }))
}

fn work(runner: &mut Runner) -> Option<mpsc::Sender<Work>> {
    let (results, now) = (runner.results(), Arc::clone(&runner.start.now));
    Some(runner.recorder.as_mut()?.work(&results, &now))
}

fn keep(runner: &mut Runner, id: SessionId, note: Note) {
    let Some(header) = header(runner, id, &note.key) else { return };
    let Some(work) = work(runner) else { return };
    let finished = note.change.finished;
    let (at, key, deleted) = (note.at, note.key.clone(), note.deleted);
    let measured =
        (finished || deleted).then(|| metrics::Job::of(&key.namespace, note.job.pods.iter().chain(&note.left)));
    let (started, until) = (note.job.began(), note.job.measured_until(note.at));
    let measured = measured.map(|job| Span { job, started, until });
    // If there is no room, the disk is far behind; the next change brings the same rows again.
    let _ = work.try_send(Work::Facts(Arc::clone(&header), at, facts(note)));
    if let Some(span) = measured {
        keep_numbers(runner, id, &header, &work, span);
    }
    if deleted {
        return;
    }
    let Some(recorder) = &mut runner.recorder else { return };
    if recorder.manifests.len() > MOST_BEGUN {
        recorder.manifests.clear();
    }
    // Once while it lives, and once more with its last status.
    if recorder.manifests.insert((key.uid, finished)) {
        let reads = Arc::clone(&recorder.reads);
        spawn(runner, id, header, work, async move |desk: Desk, _| {
            if let Ok(_turn) = reads.acquire().await {
                desk.manifest().await;
            }
        });
    }
}

/// Reads once what was measured of a job that has ended or is gone.
fn keep_numbers(runner: &mut Runner, id: SessionId, header: &Arc<Header>, work: &mpsc::Sender<Work>, span: Span) {
    let Some((ready, search)) = runner.ready().filter(|ready| ready.id == id).zip(Search::of(runner)) else { return };
    let Some(recorder) = &mut runner.recorder else { return };
    if recorder.numbers.len() > MOST_BEGUN {
        recorder.numbers.clear();
    }
    if !recorder.numbers.insert(header.job.uid.clone()) {
        return;
    }
    let (measures, records) = (Arc::clone(&recorder.measures), recorder.records.clone());
    spawn(runner, id, Arc::clone(header), work.clone(), async move |desk: Desk, _| {
        if let Ok(_turn) = measures.acquire().await {
            numbers::keep(desk, ready, search, records, span).await;
        }
    });
}

fn facts(note: Note) -> Vec<Fact> {
    let Note { job, left, change, deleted, .. } = note;
    let mut facts = vec![Fact::Change(Box::new(change)), Fact::Job(Box::new(job.row))];
    facts.extend(job.pods.into_iter().map(|row| Fact::Pod(Box::new(row))));
    for row in left {
        let uid = row.uid.clone();
        facts.extend([Fact::Pod(Box::new(row)), Fact::PodGone(uid)]);
    }
    facts.extend(job.warnings.into_iter().map(|row| Fact::Event(Box::new(row))));
    facts.extend(job.workload.map(|row| Fact::Workload(Box::new(row))));
    facts.extend(deleted.then_some(Fact::Deleted));
    facts
}

/// Runs a task that reads for a record, for as long as the job is followed, or at most as long as the session.
fn spawn<F>(
    runner: &Runner,
    id: SessionId,
    header: Arc<Header>,
    work: mpsc::Sender<Work>,
    task: impl FnOnce(Desk, CancellationToken) -> F,
) -> Option<CancellationToken>
where
    F: Future<Output = ()> + Send + 'static,
{
    let ready = runner.ready().filter(|ready| ready.id == id)?;
    let token = runner.token();
    let task = task(
        Desk {
            session: ready.session,
            header,
            work,
            rules: Arc::clone(&runner.start.rules),
            results: runner.results(),
            taps: runner.taps.clone(),
        },
        token.clone(),
    );
    tokio::spawn(token.clone().run_until_cancelled_owned(task));
    Some(token)
}

fn logs(runner: &mut Runner, id: SessionId, key: &JobKey, wanted: Vec<Wanted>) {
    let Some(header) = header(runner, id, key) else { return };
    let Some(work) = work(runner) else { return };
    for wanted in wanted {
        let Some(recorder) = &mut runner.recorder else { return };
        if recorder.begun.len() > MOST_BEGUN {
            recorder.begun.clear();
        }
        // One that is followed goes on through restarts.
        let run = if wanted.follow { 0 } else { wanted.stream.run };
        let stream = Stream { run, ..wanted.stream.clone() };
        if !recorder.begun.insert((key.uid.clone(), stream, wanted.follow)) {
            continue;
        }
        let reads = Arc::clone(&recorder.reads);
        let followed = wanted.follow;
        let token = spawn(runner, id, Arc::clone(&header), work.clone(), async move |desk: Desk, token| {
            if followed {
                log::keep(desk, wanted, token).await;
            } else if let Ok(_turn) = reads.acquire().await {
                log::keep(desk, wanted, token).await;
            }
        });
        if let (true, Some(token)) = (followed, token) {
            bind(runner, key, token);
        }
    }
}

/// Ends a task when its job is followed no longer.
fn bind(runner: &mut Runner, key: &JobKey, token: CancellationToken) {
    let Some(recorder) = &mut runner.recorder else { return };
    if let Some(guard) = recorder.followed.remove(key) {
        let whole = guard.disarm();
        let child = whole.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = child.cancelled() => token.cancel(),
                () = token.cancelled() => {}
            }
        });
        recorder.followed.insert(key.clone(), whole.drop_guard());
    }
}

fn follow(runner: &mut Runner, id: SessionId, key: JobKey) {
    let Some(header) = header(runner, id, &key) else { return };
    let Some(work) = work(runner) else { return };
    let token = spawn(runner, id, header, work, async move |desk: Desk, token| desk.events(token).await);
    if let (Some(token), Some(recorder)) = (token, &mut runner.recorder) {
        recorder.followed.insert(key, token.drop_guard());
    }
}

fn list(runner: &Runner) {
    let (results, cluster) = (runner.results(), runner.running.as_ref().map(|running| running.cluster.place.clone()));
    let records = runner.recorder.as_ref().map(|recorder| recorder.records.clone());
    tokio::spawn(async move {
        let listed = tokio::task::spawn_blocking(move || match records {
            Some(records) => records.list(cluster.as_ref()).map_err(|problem| Clean::new(&problem.to_string())),
            None => Err(Clean::new("there is no directory for records: set XDG_STATE_HOME or HOME")),
        });
        let Ok(listed) = listed.await else { return };
        // A closed channel means that the console has ended.
        let _ = results.send(Message::Record(RecordMessage::Listed(listed))).await;
    });
}

fn read(runner: &Runner, which: Which) {
    let Some(records) = runner.recorder.as_ref().map(|recorder| recorder.records.clone()) else { return };
    let cluster = runner.running.as_ref().map(|running| running.cluster.place.clone()).unwrap_or_default();
    let (results, rules) = (runner.results(), Arc::clone(&runner.start.rules));
    let work = runner.recorder.as_ref().and_then(|recorder| recorder.work.clone());
    tokio::spawn(async move {
        // What was told to be kept before is to be seen.
        if let Some(work) = work {
            let (reply, written) = oneshot::channel();
            if work.send(Work::Reach(reply)).await.is_ok() {
                // An error is an end, too.
                let _ = tokio::time::timeout(AT_END, written).await;
            }
        }
        let asked = which.clone();
        let opened = tokio::task::spawn_blocking(move || {
            let dir = match asked {
                Which::Dir(dir) => dir,
                Which::Job(key) => records.dir(&cluster, &key),
            };
            open_record(&records, dir, &rules).map_err(|problem| Clean::new(&problem.to_string()))
        });
        let Ok(opened) = opened.await else { return };
        let _ = results.send(Message::Record(RecordMessage::Opened(which, opened))).await;
    });
}
