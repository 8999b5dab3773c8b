//! The overview: how busy GPUs are, and the jobs behind its lines.

use super::*;

#[test]
fn the_overview_leads_to_the_jobs_behind_its_lines() {
    let mut h = with_work(view("v o", 80, 24));
    let selected = |h: &Harness| h.model.cluster.as_ref().and_then(|open| open.spot().selected.clone());
    assert_eq!(selected(&h).as_deref(), Some("waiting"), "it was there first");
    h.keys("g");
    assert_eq!(selected(&h).as_deref(), Some("idle"));
    for (keys, filter) in [("", "cause:idle"), ("j ", "is:waiting"), ("j ", "is:leaking"), ("j ", "ns:=vision")] {
        h.keys(&format!("{keys}enter"));
        assert_eq!(h.model.list.filter.text, filter, "{}", h.screen());
        h.keys("esc");
    }
    h.keys("G");
    assert_eq!(selected(&h).as_deref(), Some("user/bob"));
    assert!(h.screen().contains("▌ bob"), "it is in sight: {}", h.screen());
    h.keys("enter");
    assert_eq!(h.model.list.filter.text, "user:=bob");
    h.keys("esc g");
    assert!(h.screen().contains("Nodes       5"), "{}", h.screen());
}

#[test]
fn how_busy_gpus_are_is_said_with_its_source_or_why_it_is_not_known() {
    let mut h = view("v o", 80, 24);
    assert!(h.screen().contains("Busy        reading ..."), "{}", h.screen());
    told(&mut h, Err(Clean::new("no Prometheus was found")));
    assert!(h.screen().contains("not known: no Prometheus was found"), "{}", h.screen());
    let mut h = with_work(h);
    assert!(h.screen().contains("72% on average of 15 GPUs that pods hold: NVIDIA"), "{}", h.screen());
    assert!(h.screen().contains("Idle        3 GPUs now: 2 of training jobs, 1 of other pods"), "{}", h.screen());
    let mut others = Work::new(h.model.now);
    others.add(sym("A100"), Busy { measured: 15, idle: 1, sum: 1_083.0 });
    others.add_idle(sym("lab"), "notebook-0", 1);
    told(&mut h, Ok(others));
    assert!(h.screen().contains("Idle        1 GPU now, none of a training job"), "{}", h.screen());
    h.keys("g");
    let selected = h.model.cluster.as_ref().and_then(|open| open.spot().selected.clone());
    assert_eq!(selected.as_deref(), Some("waiting"), "no job is behind it");
    told(&mut h, Err(Clean::new("it answers 503")));
    assert!(h.screen().contains("72% on average"), "what was known stays: {}", h.screen());
    let mut work = Work::new(h.model.now);
    work.places = Some((14, 20));
    work.add(sym("A100"), Busy { measured: 2, idle: 0, sum: 100.0 });
    told(&mut h, Ok(work));
    assert!(h.screen().contains("50% on average of 2 GPUs that pods hold in 14 of 20 namespaces"), "{}", h.screen());
    h.at(Secs(NOW + 90));
    assert!(h.screen().contains("1m ago") || h.screen().contains("90s ago"), "with its age: {}", h.screen());
    h.keys("v n");
    assert!(wanted(&h).is_some_and(|(_, wanted)| !wanted.work), "nobody looks");
}

#[test]
fn what_stands_beyond_the_lines_that_lead_anywhere_can_be_read() {
    let mut h = console(80, 16);
    h.keys("v o");
    let mut less = survey();
    less.pods.unread = Some(Clean::new("list pods in all namespaces"));
    read(&mut h, less);
    let mut h = with_work(h);
    let ask = "ask for: list pods in all namespaces";
    h.keys("G");
    assert!(h.screen().contains("▌ bob") && !h.screen().contains(ask), "{}", h.screen());
    h.keys("j j j j j j");
    assert!(h.screen().contains(ask), "{}", h.screen());
    h.send(Message::Fleet(Vec::new()));
    h.keys("g");
    assert!(h.screen().contains("Nodes       5"), "{}", h.screen());
    h.keys("j j");
    assert!(h.screen().contains('▌'), "a selected line is in sight: {}", h.screen());
}
