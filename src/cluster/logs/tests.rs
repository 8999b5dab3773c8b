use std::{
    collections::VecDeque,
    fmt::Write as _,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt as _, stream};

use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::json;

use super::*;
use crate::{
    cluster::{
        Target,
        testing::{self, Answer},
    },
    jobs::Secs,
};

fn text(body: &'static str) -> Answer {
    http::Response::new(Full::new(Bytes::from(body)).boxed())
}

fn of(pod: &str) -> LogOf {
    let name = |n| Name::new(n).expect("a name");
    LogOf {
        namespace: name("team-a"),
        pod: name(pod),
        owner: None,
        container: None,
        previous: false,
        follow: true,
        tail: Some(10),
        since: None,
    }
}

fn pod(phase: &str, state: &serde_json::Value) -> Answer {
    testing::answer(
        200,
        &json!({"metadata": {"name": "p", "namespace": "team-a", "uid": "1"}, "spec": {"containers": [{"name": "c"}]},
            "status": {"phase": phase, "containerStatuses": [{"name": "c", "state": state}]}}),
    )
}

/// Everything delivered, and the URLs of logs that were asked for.
async fn all(what: LogOf, answers: Vec<Answer>, pods: Vec<Answer>) -> (Vec<String>, Vec<String>) {
    let answers = Mutex::new(VecDeque::from(answers));
    let pods = Mutex::new(VecDeque::from(pods));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let session = testing::session(move |request| {
        let queue = if request.uri().path().ends_with("/log") {
            seen.lock().expect("not poisoned").push(request.uri().to_string());
            &answers
        } else {
            &pods
        };
        queue.lock().expect("not poisoned").pop_front().unwrap_or_else(|| testing::status(404, "no more"))
    })
    .await;
    let mut pieces = follow(&session, what, &CancellationToken::new());
    let mut out = Vec::new();
    while let Some(piece) = pieces.recv().await {
        match piece {
            LogPiece::Lines(lines) => out.extend(lines.iter().map(|l| String::from_utf8_lossy(&l.bytes).into_owned())),
            LogPiece::Notice(notice) => out.push(format!("-- {}", notice.words)),
            LogPiece::End(problem) => {
                out.push(format!("== {}", problem.map_or_else(String::new, |p| format!("{:?}", p.kind))));
            }
        }
    }
    let urls = asked.lock().expect("not poisoned").clone();
    (out, urls)
}

#[tokio::test(start_paused = true)]
async fn a_cut_stream_goes_on_without_losing_or_doubling() {
    let first = "2026-11-20T08:00:00.1Z a\n2026-11-20T08:00:01.1Z same\n2026-11-20T08:00:01.1Z same\n2026-11-20T08:00:01.5Z b\n";
    let again = "2026-11-20T08:00:01.1Z same\n2026-11-20T08:00:01.1Z same\n2026-11-20T08:00:01.5Z b\n2026-11-20T08:00:01.5Z new\n2026-11-20T08:00:02Z c\n";
    let running = json!({"running": {}});
    let ended = json!({"terminated": {"exitCode": 0}});
    let (out, urls) =
        all(of("p"), vec![text(first), text(again)], vec![pod("Running", &running), pod("Succeeded", &ended)]).await;
    assert_eq!(out, ["a", "same", "same", "b", "-- the server closed the stream; reading on", "new", "c", "== "]);
    assert!(urls[0].contains("tailLines=10") && urls[0].contains("follow=true"), "{urls:?}");
    assert!(urls[1].contains("sinceTime=2026-11-20T08%3A00%3A00Z") && !urls[1].contains("tailLines"), "{urls:?}");
}

#[tokio::test(start_paused = true)]
async fn what_has_not_started_is_waited_for() {
    let waiting = || testing::status(400, "container \"c\" in pod \"p\" is waiting to start: ContainerCreating");
    let unscheduled = testing::answer(200, &json!({"metadata": {"name": "p"}, "status": {"phase": "Pending"}}));
    let ended = pod("Failed", &json!({"terminated": {"exitCode": 1}}));
    let answers = vec![text(""), waiting(), waiting(), text("2026-11-20T08:00:00Z hello")];
    let (out, _) = all(of("p"), answers, vec![unscheduled, ended]).await;
    assert_eq!(out, ["-- waiting for a node", "hello", "== "]);
}

#[tokio::test(start_paused = true)]
async fn refusals_end_it_and_troubles_do_not() {
    let (out, _) = all(of("p"), vec![testing::status(403, "no")], vec![]).await;
    assert_eq!(out, ["== Forbidden"]);
    let answers = vec![testing::status(500, "dial tcp: connection refused"), text("2026-11-20T08:00:00Z x\n")];
    let (out, _) = all(of("p"), answers, vec![]).await;
    assert_eq!(out, ["-- no log now (dial tcp: connection refused); trying again", "x", "-- the pod is gone", "== "]);
}

#[tokio::test(start_paused = true)]
async fn a_previous_run_is_read_once() {
    let what = LogOf { previous: true, ..of("p") };
    let (out, urls) = all(what, vec![text("2026-11-20T08:00:00Z x\r\nno stamp\n")], vec![]).await;
    assert_eq!(out, ["x", "no stamp", "== "]);
    assert!(urls[0].contains("previous=true") && !urls[0].contains("follow"), "{urls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_pod_of_another_job_that_took_the_name_is_not_read() {
    let owned = |by: &str| {
        let owner = json!({"kind": "MPIJob", "name": "a", "uid": by, "controller": true});
        let metadata = json!({"name": "p", "namespace": "team-a", "uid": "1", "ownerReferences": [owner]});
        testing::answer(
            200,
            &json!({"metadata": metadata, "spec": {"containers": [{"name": "c"}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "c", "state": {"running": {}}}]}}),
        )
    };
    let what = LogOf { owner: Some(Uid::new("old")), ..of("p") };
    let answers = vec![text("2026-11-20T08:00:00Z mine\n"), text("2026-11-20T08:00:01Z not mine\n")];
    let (out, urls) = all(what, answers, vec![owned("old"), owned("old"), owned("new")]).await;
    assert_eq!(urls.len(), 1, "{out:?}");
    assert_eq!(out.first().map(String::as_str), Some("mine"));
    assert_eq!(&out[out.len() - 2..], ["-- the pod is gone; another job's has its name", "== "]);
}

/// A stream that brings this and then nothing, and never ends.
fn silent(body: &'static str) -> Answer {
    let frame = Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from(body)));
    let frames = stream::iter([frame]).chain(stream::pending());
    http::Response::new(http_body_util::BodyExt::boxed(StreamBody::new(frames)))
}

/// A kubelet ends a stream after four hours without a line, and connections die without a word before that.
#[tokio::test(start_paused = true)]
async fn four_hours_of_silence_lose_and_double_nothing() {
    const LAST: &str = "2026-11-20T08:00:01.5Z last before\n";
    let times = 48;
    let mut answers: Vec<Answer> = (0..times).map(|_| silent(LAST)).collect();
    answers.push(text("2026-11-20T08:00:01.5Z last before\n2026-11-20T12:30:00Z first after\n"));
    let mut pods: Vec<Answer> = (0..times).map(|_| pod("Running", &json!({"running": {}}))).collect();
    pods.push(pod("Succeeded", &json!({"terminated": {"exitCode": 0}})));
    let begun = tokio::time::Instant::now();
    let (out, urls) = all(of("p"), answers, pods).await;
    assert!(begun.elapsed() >= Duration::from_hours(4), "{:?}", begun.elapsed());
    let lines: Vec<&String> = out.iter().filter(|line| !line.starts_with("--")).collect();
    assert_eq!(lines, ["last before", "first after", "== "]);
    assert_eq!(urls.len(), times + 1);
}

/// A reader that takes nothing while a writer outpaces it: the newest lines are kept, and how many are not is said.
#[tokio::test(start_paused = true)]
async fn who_is_too_slow_is_told_how_many_lines_were_skipped() {
    const ALL: usize = 40_000;
    let clock = Arc::new(AtomicU32::new(1_800_000_000));
    let mut log = String::new();
    let at = Timestamp::from_second(1_800_000_050).expect("a time");
    for n in 0..ALL {
        writeln!(log, "{at} line {n}").expect("written");
    }
    let log: &'static str = log.leak();
    let ahead = Arc::clone(&clock);
    let mut target = Target::new(testing::kubeconfig().shared());
    let read = Arc::clone(&clock);
    target.now = Arc::new(move || Secs(read.load(Ordering::Relaxed)));
    let session = testing::session_of(target, move |request| {
        if request.uri().path().ends_with("/log") {
            // Lines of this stream are a good while old when they come.
            ahead.store(1_800_000_100, Ordering::Relaxed);
            return text(log);
        }
        pod("Succeeded", &json!({"terminated": {"exitCode": 0}}))
    })
    .await;
    let mut pieces = follow(&session, of("p"), &CancellationToken::new());
    // Time stands still until nobody has anything left to do: all is written, and nothing is taken.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (mut taken, mut skipped, mut last) = (0, 0, String::new());
    while let Some(piece) = pieces.recv().await {
        match piece {
            LogPiece::Lines(lines) => {
                taken += lines.len();
                last = lines.last().map(|l| String::from_utf8_lossy(&l.bytes).into_owned()).unwrap_or_default();
            }
            LogPiece::Notice(notice) => {
                if let NoticeKind::Skipped(n) = notice.kind {
                    assert_eq!(
                        notice.words.as_str(),
                        format!("skipped {n} lines: they came faster than they could be taken")
                    );
                    skipped += n as usize;
                }
            }
            LogPiece::End(_) => break,
        }
    }
    assert!(skipped > 0, "{taken} were taken");
    assert_eq!(taken + skipped, ALL, "every line is there or counted");
    assert_eq!(last, format!("line {}", ALL - 1), "the newest is kept");
}
