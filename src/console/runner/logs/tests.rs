use std::sync::{Arc, LazyLock, Mutex};

use bytes::Bytes;
use jiff::Timestamp;

use super::*;
use crate::{
    cluster::logs::{LogLine, Notice, NoticeKind},
    console::model::page::logs::{Choice, Flow, Past, Seeking, Sought, Window, Writing},
    jobs::{Clean, Secs, Sym},
    logs::{LineKind, Nanos, Query, View},
};

const NOW: Secs = Secs(1_800_000_000);

static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::builtin()));

type Told = Arc<Mutex<Vec<LogMessage>>>;

fn target(pod: &str) -> Target {
    Target {
        namespace: Name::lossy("ns"),
        pod: Name::lossy(pod),
        owner: None,
        container: Sym::new("c"),
        previous: false,
        title: Clean::new(pod),
        base: None,
    }
}

/// An engine that reads these pods, and what its threads tell.
fn engine(pods: &[&str], dir: Option<PathBuf>) -> (Engine, Told) {
    let told = Told::default();
    let hears = Arc::clone(&told);
    let mut engine = Engine::new(
        64 << 20,
        dir,
        Arc::clone(&RULES),
        (Past::Tail, 600),
        Arc::new(move |message| hears.lock().expect("not poisoned").push(message)),
    );
    for pod in pods {
        engine.open(&target(pod));
    }
    (engine, told)
}

fn lines(from: i64, texts: &[&str]) -> LogPiece {
    let line = |(at, text): (i64, &&str)| LogLine {
        at: Timestamp::from_second(i64::from(NOW.0) + at).ok(),
        bytes: Bytes::copy_from_slice(text.as_bytes()),
        cut: false,
    };
    LogPiece::Lines((from..).zip(texts).map(line).collect())
}

fn texts(window: &Window) -> Vec<&str> {
    window.lines.iter().map(|shown| shown.line.text.as_str()).collect()
}

fn ordered(engine: &mut Engine, order: LogOrder) -> Box<Window> {
    match engine.order(order) {
        Some(LogMessage::Window(window)) => window,
        other => panic!("{other:?}"),
    }
}

#[test]
fn streams_are_one_log_and_what_happens_to_them_is_in_it() {
    let (mut engine, _) = engine(&["launcher", "worker-0"], None);
    engine.take(0, lines(1, &["[1,0]<stdout>:a", "[1,1]<stdout>:b"]), NOW);
    engine.take(1, lines(0, &["sshd: listening"]), NOW);
    let notice = Notice { kind: NoticeKind::Interrupted, words: Clean::new("cut; reading on") };
    engine.take(1, LogPiece::Notice(notice), NOW);
    let window = engine.window();
    assert_eq!(texts(&window), ["sshd: listening", "worker-0: cut; reading on", "[1,0]<stdout>:a", "[1,1]<stdout>:b"]);
    assert_eq!((window.lines[1].line.kind, window.ranks_heard), (LineKind::Notice, 2));
    assert!(matches!(window.streams[1].flow, Flow::Waiting(_)));
    engine.take(0, LogPiece::End(None), NOW);
    assert_eq!(texts(&engine.window()).last(), Some(&"launcher: the log ends here"));
}

fn sought(text: &str, at: u32) -> Sought {
    let at = Some(Secs(NOW.0 + at));
    Sought { pod: Some(Name::lossy("launcher")), text: Clean::new(text), rank: Some(3), at }
}

#[test]
fn a_line_is_led_to_when_it_comes_and_stands_marked() {
    let (mut engine, _) = engine(&["launcher", "worker-0"], None);
    ordered(&mut engine, LogOrder::Rows { rows: 5, second: 0, heard: false });
    engine.take(1, lines(0, &["CUDA out of memory"; 30]), NOW);
    let window = ordered(&mut engine, LogOrder::Line(sought("CUDA out of memory", 40)));
    assert_eq!((window.seeking, window.paused), (Seeking::Looking, false), "another pod's line, and too early");
    let mut texts: Vec<String> = (0..200).map(|n| format!("[1,{}]<stdout>:step {n}", n % 4)).collect();
    texts[40] = "[1,3]<stderr>:RuntimeError: CUDA out of memory".to_owned();
    texts[41] = "[1,2]<stderr>:RuntimeError: CUDA out of memory".to_owned();
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    engine.take(0, lines(0, &all), NOW);
    let window = engine.window();
    assert_eq!((window.seeking, window.paused), (Seeking::Found, true));
    let line = window.lines.iter().find(|shown| Some(shown.number) == window.at).expect("it is visible");
    assert!(line.marked && line.line.rank == Some(3) && line.line.text.as_str().contains("CUDA"), "{line:?}");
    assert_eq!(engine.window().seeking, Seeking::Idle, "told once");
    ordered(&mut engine, LogOrder::Follow);
    assert_eq!(ordered(&mut engine, LogOrder::NextMark).lines[0].number, line.number, "it is gone back to");
}

#[test]
fn a_line_that_won_t_come_any_more_is_said_to_be_lost() {
    let (mut engine, _) = engine(&["launcher"], None);
    assert_eq!(ordered(&mut engine, LogOrder::Line(sought("gone", 5))).seeking, Seeking::Looking);
    engine.take(0, lines(5, &["[1,3]<stdout>:step 1"]), NOW);
    assert_eq!(engine.window().seeking, Seeking::Looking, "in the same second it may still come");
    engine.take(0, lines(6, &["[1,3]<stdout>:step 2"]), NOW);
    assert_eq!(engine.window().seeking, Seeking::Lost);
    let unknown = Sought { pod: Some(Name::lossy("launcher")), text: Clean::new("gone"), rank: None, at: None };
    assert_eq!(ordered(&mut engine, LogOrder::Line(unknown)).seeking, Seeking::Looking);
    engine.take(0, LogPiece::End(None), NOW);
    assert_eq!(engine.window().seeking, Seeking::Lost);
    let elsewhere = Sought { pod: Some(Name::lossy("nobody")), ..sought("step", 5) };
    assert_eq!(ordered(&mut engine, LogOrder::Line(elsewhere)).seeking, Seeking::Lost, "no such log is read");
    ordered(&mut engine, LogOrder::Line(sought("gone", 900)));
    assert_eq!(ordered(&mut engine, LogOrder::Scroll(-1)).seeking, Seeking::Idle, "who moves is not led");
}

#[test]
fn what_lines_say_of_the_job_is_told_when_it_changes_and_once() {
    let (mut engine, _) = engine(&["launcher", "worker-0"], None);
    engine.take(0, lines(0, &["[1,0]<stdout>:step 1", "[1,1]<stdout>:step 1"]), NOW);
    engine.take(1, lines(0, &["Server listening on 0.0.0.0 port 2222."]), NOW);
    assert!(engine.findings().is_none(), "a healthy log says nothing");
    let error = "[1,9]<stderr>:torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB.";
    engine.take(0, lines(2, &[error]), NOW);
    let said = engine.findings().expect("news");
    assert_eq!(said.iter().map(|log| log.pod.as_str()).collect::<Vec<_>>(), ["launcher"]);
    assert!(engine.findings().is_none(), "told once");
    engine.take(0, lines(2, &["[1,9]<stderr>:more of it"]), NOW);
    engine.window();
    assert!(engine.has_news(), "a key in that moment takes the window, but not what is to be told");
    assert!(engine.findings().is_none() && !engine.has_news());
    engine.take(0, lines(3, &[error]), NOW);
    assert!(engine.findings().is_none(), "the same again is no news");
    engine.open(&target("launcher"));
    engine.take(2, lines(4, &["[1,9]<stderr>:step 2", "[1,9]<stdout>:step 3 loss 0.5"]), NOW);
    assert_eq!(engine.findings().map(|said| said.len()), Some(1), "a stream that is opened again goes on: it survived");
}

#[test]
fn a_search_counts_by_rank_while_lines_come_and_never_counts_our_own_words() {
    let (mut engine, _) = engine(&["launcher"], None);
    engine.take(0, lines(0, &["[1,0]<stdout>:loss 1", "[1,1]<stdout>:loss 2", "else"]), NOW);
    let notice = Notice { kind: NoticeKind::Rotated, words: Clean::new("loss of lines") };
    engine.take(0, LogPiece::Notice(notice), NOW);
    let query = Query::parse("loss").expect("a search");
    let mut window = ordered(&mut engine, LogOrder::Search(query));
    while let Some(LogMessage::Window(later)) = engine.slice() {
        window = later;
    }
    let found = window.found.expect("a search");
    assert_eq!((found.total, found.at), (2, Some(1)), "the newest hit is gone to");
    engine.take(0, lines(5, &["[1,1]<stdout>:loss 3"]), NOW);
    let found = engine.window().found.expect("a search");
    assert_eq!((found.total, found.by.first().map(|(_, n)| *n)), (3, Some(2)));
}

#[test]
fn a_choice_of_a_stream_that_is_not_open_yet_shows_nothing_and_then_that_stream() {
    let (mut engine, _) = engine(&["launcher"], None);
    engine.take(0, lines(0, &["a"]), NOW);
    let choice = Choice { view: View::default(), streams: vec!["worker-3/c".to_owned()] };
    assert!(texts(&ordered(&mut engine, LogOrder::Look(choice))).is_empty());
    engine.open(&target("worker-3"));
    engine.take(1, lines(1, &["b"]), NOW);
    assert_eq!(texts(&engine.window()), ["b"]);
}

#[test]
fn two_halves_show_the_same_time() {
    let (mut engine, _) = engine(&["launcher"], None);
    let all: Vec<String> = (0..100).map(|n| format!("[1,{}]<stdout>:{n}", n % 2)).collect();
    engine.take(0, lines(0, &all.iter().map(String::as_str).collect::<Vec<_>>()), NOW);
    let of = |rank| Choice { view: View { ranks: vec![rank], ..View::default() }, streams: Vec::new() };
    ordered(&mut engine, LogOrder::Rows { rows: 3, second: 3, heard: false });
    ordered(&mut engine, LogOrder::Look(of(0)));
    ordered(&mut engine, LogOrder::Second(Some(of(1))));
    let at = Nanos((i64::from(NOW.0) + 40) * 1_000_000_000);
    let window = ordered(&mut engine, LogOrder::Time(at));
    let second: Vec<&str> = window.second.iter().map(|shown| shown.line.by_ref().body()).collect();
    assert_eq!(window.lines[0].line.by_ref().body(), "40");
    assert_eq!(second, ["41", "43", "45"]);
}

#[tokio::test]
async fn files_hold_what_is_looked_at_whole_or_by_rank() {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut engine, told) = engine(&["launcher"], Some(dir.path().to_owned()));
    let all: Vec<String> = (0..12_000).map(|n| format!("[1,{}]<stdout>:line {n}", n % 3)).collect();
    engine.take(0, lines(0, &all.iter().map(String::as_str).collect::<Vec<_>>()), NOW);
    for (what, view, expected) in [
        (Writing::One("all.log".into()), View::default(), 12_000),
        (Writing::Each("each".into()), View { ranks: vec![0, 2], ..View::default() }, 8_000),
    ] {
        ordered(&mut engine, LogOrder::Look(Choice { view, streams: Vec::new() }));
        assert!(engine.order(LogOrder::Write(what)).is_none());
        let outcome = async {
            loop {
                let _progress = engine.slice();
                if let Some(LogMessage::Written(outcome)) = told.lock().expect("not poisoned").pop() {
                    return outcome.expect("written").1;
                }
                tokio::task::yield_now().await;
            }
        };
        assert_eq!(outcome.await, expected);
    }
    let whole = std::fs::read_to_string(dir.path().join("all.log")).expect("there");
    assert!(whole.lines().eq(all.iter().map(String::as_str)));
    let rank = std::fs::read_to_string(dir.path().join("each/rank-2.log")).expect("there");
    assert_eq!((rank.lines().count(), rank.lines().next()), (4_000, Some("[1,2]<stdout>:line 2")));
    assert_eq!(std::fs::read_dir(dir.path().join("each")).expect("there").count(), 2);
}

#[test]
fn a_log_that_told_of_progress_and_falls_silent_says_so_until_it_goes_on() {
    let (mut engine, _) = engine(&["launcher"], None);
    assert_eq!(engine.patience(), None, "nothing was heard yet");
    let steps: Vec<String> = (0..60).map(|n| format!("[1,{}]<stdout>:step {n} loss 0.5", n % 4)).collect();
    let steps: Vec<&str> = steps.iter().map(String::as_str).collect();
    engine.take(0, lines(0, &steps), NOW);
    let told = engine.findings().and_then(|said| said[0].scan.trained());
    assert_eq!(told.and_then(|progress| progress.step), Some(56), "how far rank 0 is, is told");
    let until = engine.patience().expect("it trains");
    assert_eq!(until, NOW.plus(59 + 600));
    engine.hush(Secs(until.0 - 1));
    assert!(engine.findings().is_none(), "not yet");
    engine.hush(until);
    let said = engine.findings().expect("told");
    assert_eq!(said[0].quiet.as_ref().map(|quiet| (quiet.since, quiet.line)), Some((NOW.plus(59), 60)));
    assert_eq!((engine.patience(), engine.findings().is_none()), (None, true), "once");
    engine.take(0, lines(700, &["[1,0]<stdout>:step 60 loss 0.5"]), NOW);
    assert_eq!(engine.findings().map(|said| said[0].quiet.is_none()), Some(true), "it goes on");
    engine.take(0, LogPiece::End(None), NOW);
    assert_eq!(engine.patience(), None, "what has ended may be silent");
}
