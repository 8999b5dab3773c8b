//! Tab Logs: orders that keys make, and how it looks.

use super::*;
use crate::{
    console::model::page::logs::{Choice, Found, Heard, Writing},
    logs::{LineKind, Stream, Who},
};

fn orders(h: &Harness) -> Vec<LogOrder> {
    let order = |effect: &Effect| match effect {
        Effect::Page(PageEffect::Order(_, order)) => Some(order.clone()),
        _ => None,
    };
    h.effects.iter().filter_map(order).collect()
}

fn last(h: &Harness) -> LogOrder {
    orders(h).pop().expect("an order")
}

fn looked(h: &Harness) -> Choice {
    let look = |order: LogOrder| if let LogOrder::Look(choice) = order { Some(choice) } else { None };
    orders(h).into_iter().rev().find_map(look).expect("something is looked at")
}

fn heard(rank: u32, ago: u32, text: &str) -> Heard {
    Heard { at: Some(Secs(NOW - ago)), text: Clean::new(text), lines: 7, ..Heard::never(Who::Rank(rank)) }
}

#[test]
fn keys_are_orders_to_whoever_has_the_lines() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    for (keys, order) in [
        ("k", LogOrder::Scroll(-1)),
        ("j", LogOrder::Scroll(1)),
        ("g", LogOrder::Top),
        ("G", LogOrder::Follow),
        ("space", LogOrder::Pause),
        ("M", LogOrder::Mark),
        ("'", LogOrder::NextMark),
    ] {
        h.keys(keys);
        assert_eq!(last(&h), order, "{keys}");
    }
    h.keys("T").type_text("00:10").keys("enter");
    assert!(matches!(last(&h), LogOrder::Time(_)), "{:?}", last(&h));
    h.keys("R");
    let LogOrder::Write(Writing::Each(name)) = last(&h) else { panic!("{:?}", last(&h)) };
    assert!(name.starts_with("nlp-bert-large-"), "{name}");
}

#[test]
fn a_search_is_told_at_every_letter_and_gone_through() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    h.keys("/").type_text("lo");
    let LogOrder::Search(Some(query)) = last(&h) else { panic!("{:?}", last(&h)) };
    assert_eq!(query.typed(), "lo");
    h.keys("enter n");
    assert_eq!(last(&h), LogOrder::Hit(false));
    h.keys("N");
    assert_eq!(last(&h), LogOrder::Hit(true));
    let found = Found { total: 12, at: Some(2), by: vec![(Who::Rank(3), 8), (Who::Rank(0), 4)], complete: true };
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(Window { found: Some(found), ..window(40, 18) })));
    assert!(h.screen().contains("3 of 12 hits (r3 8, r0 4)"), "{}", h.screen());
}

#[test]
fn views_are_chosen_by_keys_and_taken_back_by_one() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(window(40, 18))));
    h.keys("] ]");
    assert_eq!(looked(&h).view.ranks, [1]);
    h.keys("[ [");
    assert_eq!(looked(&h).view.ranks, [3], "round");
    h.keys("E W z");
    let view = looked(&h).view;
    assert_eq!((view.stream, view.trouble, view.fold), (Some(Stream::Out), true, true));
    h.keys("f").type_text("loss").keys("enter + +");
    assert_eq!(looked(&h).view.with.map(|(query, n)| (query.typed().to_owned(), n)), Some(("loss".to_owned(), 5)));
    assert!(
        h.screen().contains("rank 3, probably Worker 3, only «loss» ±5, stdout, trouble only, folded"),
        "{}",
        h.screen()
    );
    h.keys("a");
    let view = looked(&h).view;
    assert!(view.with.is_none() && view.ranks.is_empty() && view.fold, "how one reads stays: {view:?}");
}

#[test]
fn the_picker_has_ranks_and_every_container_with_its_state_and_takes_several() {
    let mut h = harness(100, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(window(40, 18))));
    h.keys("o");
    assert!(h.screen().contains("Rank 2") && h.screen().contains("Worker 2, probably"), "{}", h.screen());
    h.type_text("Worker 2");
    assert!(h.screen().contains("ended with 137"), "{}", h.screen());
    h.keys("esc o down down space down space enter");
    assert_eq!(looked(&h).view.ranks, [1, 3]);
    h.keys("o").type_text("Worker 0").keys("enter");
    let wanted = page(&h).logs.targets.iter().any(|target| target.pod.as_str() == "bert-large-worker-0");
    assert!(wanted && looked(&h).streams == ["bert-large-worker-0/worker"], "{:?}", looked(&h));
}

#[test]
fn ranks_beyond_the_slots_are_offered_as_far_as_they_were_heard_of() {
    let mut h = harness(100, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(Window { ranks_heard: 3, ranks_seen: 900, ..window(40, 18) })));
    h.keys("v").type_text("Rank 899").keys("enter");
    assert_eq!(page(&h).logs.second.as_ref().map(|choice| choice.view.ranks.clone()), Some(vec![899]));
    h.keys("]");
    assert_eq!(looked(&h).view.ranks, [0]);
}

#[test]
fn streams_are_opened_by_need_and_within_the_limit() {
    let mut h = harness(80, 24, 100, Tab::Logs);
    let read = |h: &Harness| page(h).logs.targets.iter().map(|t| t.title.to_string()).collect::<Vec<_>>();
    assert_eq!(read(&h), ["Launcher", "Worker 2"], "what leads, and what is bad");
    let mut job = kept(100);
    for pod in job.pods.iter_mut().filter(|pod| pod.role.as_str() == "worker") {
        *pod = killed(pod.clone());
    }
    refresh(&mut h.model, Some(job));
    assert_eq!(read(&h).len(), h.model.log_streams);
}

#[test]
fn a_further_attempt_is_read_beside_the_first() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    let mut job = kept(4);
    let mut second = pod("launcher", None, "cpu-2", 10);
    (second.name, second.uid) = (Name::lossy("bert-large-launcher-new"), Uid::new("second"));
    job.pods.push(second);
    let effects = refresh(&mut h.model, Some(job));
    h.effects.extend(effects);
    let LogOrder::Read(read) = last(&h) else { panic!("{:?}", last(&h)) };
    let titles: Vec<String> = read.iter().map(|target| target.title.to_string()).collect();
    assert_eq!(titles, ["Launcher, attempt 2", "Launcher, attempt 1", "Worker 2"]);
    assert_eq!(page(&h).logs.id, id, "what was read stays");
    h.keys("s");
    assert_ne!(page(&h).logs.id, id, "read anew from further back");
    h.send(Message::Log(id, LogMessage::NotFound));
    assert!(!h.screen().contains("is not in the lines"), "the old reading is not heard");
}

#[test]
fn golden_ranks() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    h.keys("r");
    assert!(matches!(last(&h), LogOrder::Rows { heard: true, .. }), "{:?}", last(&h));
    let mut bad = heard(2, 400, "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB");
    (bad.kind, bad.host) = (LineKind::Error, Some(Clean::new("bert-large-worker-2")));
    let all = vec![heard(0, 2, "step 41 loss 0.859"), heard(1, 3, "step 41 loss 0.859"), bad];
    let shown = Window { heard: all, missing: vec![3], ranks_heard: 3, ..window(40, 18) };
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(shown)));
    h.keys("j");
    insta::assert_snapshot!("logs_ranks_80x24", h.screen());
    h.keys("j enter");
    assert_eq!(looked(&h).view.ranks, [2]);
    assert!(h.screen().contains("rank 2 on Worker 2"), "it named its host: {}", h.screen());
}

#[test]
fn golden_split() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    h.send(Message::Log(id, news(window(40, 18))));
    h.keys("] v").type_text("Rank 1").keys("enter");
    let second = window(60, 9).lines;
    h.send(Message::Log(id, news(Window { second, paused: true, ..window(40, 9) })));
    insta::assert_snapshot!("logs_split_80x24", h.screen());
    h.keys("v");
    assert!(page(&h).logs.second.is_none());
}

#[test]
fn a_notice_is_a_line_of_its_own_kind_and_no_stream_leaves_a_blank_pane() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    let mut shown = window(40, 18);
    shown.lines[17].line = Line { kind: LineKind::Notice, ..Line::plain("Launcher: the log was rotated") };
    h.send(Message::Log(id, news(shown)));
    assert!(h.screen().contains("--- Launcher: the log was rotated ---"), "{}", h.screen());
    let refusal =
        Refusal { what: Clean::new("can't read the log: not allowed"), hint: Clean::new("Ask for get pods/log.") };
    let stream = StreamState { key: "l/c".to_owned(), title: Clean::new("Launcher"), flow: Flow::Refused(refusal) };
    h.send(Message::Log(id, news(Window { streams: vec![stream], complete: true, ..Window::default() })));
    assert!(h.screen().contains("Ask for get pods/log."), "{}", h.screen());
}

#[test]
fn files_tell_how_far_they_are_and_the_pager_gets_the_terminal() {
    let mut h = harness(80, 24, 4, Tab::Logs);
    let id = page(&h).logs.id;
    h.send(Message::Log(id, LogMessage::Writing(5_000, 20_000)));
    assert!(h.screen().contains("writing 5000 of 20000 lines"), "{}", h.screen());
    h.send(Message::Log(id, LogMessage::Written(Ok((Clean::new("/x/a.log"), 20_000)))));
    assert!(h.screen().contains("20000 lines written to /x/a.log"), "{}", h.screen());
    h.keys("|");
    assert!(matches!(last(&h), LogOrder::Write(Writing::Pager(_))));
    h.send(Message::Log(id, LogMessage::ForPager("/x/p.log".into())));
    assert!(matches!(h.effects.last(), Some(Effect::Pager(_))));
}
