//! Tab Metrics: what is on the screen, and what is read while it is.

use super::*;
use crate::{
    console::{
        effect::MetricsEffect,
        model::page::metrics::{Asked, Measured, MetricsMessage},
    },
    jobs::usage::{Lack, Metric, Part, PartPoints, Points, Range, Reading, Window},
};

/// A value a step of each worker: what `value` makes of its number and the step.
fn points(workers: u16, metric: Metric, value: impl Fn(u16, u32) -> f64) -> Vec<Points> {
    let window = Range::Quarter.window(Secs(NOW - 3600), Secs(NOW));
    let moments = || (window.from.0..=window.to.0).step_by(window.step as usize);
    let of = |worker: u16| Points {
        pod: Name::lossy(&format!("bert-large-worker-{worker}")),
        metric,
        values: moments().map(|at| (Secs(at), value(worker, (at - window.from.0) / window.step))).collect(),
    };
    (0..workers).map(of).collect()
}

fn gib(amount: f64) -> f64 {
    amount * f64::from(1 << 30)
}

/// Worker 1 does nothing, worker 3 is slower than the others.
fn reading(workers: u16) -> Reading {
    let busy = |worker: u16, step: u32| match worker {
        1 => 1.0,
        3 => 55.0,
        _ => 90.0 + f64::from(step % 7),
    };
    let all = [
        points(workers, Metric::Gpu, busy),
        points(workers, Metric::GpuMemory, |_, step| gib(8.0 * f64::from(30 + step / 2))),
        points(workers, Metric::GpuMemoryTotal, |_, _| gib(640.0)),
        points(workers, Metric::Power, |worker, step| 8.0 * (60.0 + 4.0 * busy(worker, step))),
        points(workers, Metric::Temperature, |worker, _| 50.0 + f64::from(worker)),
        points(workers, Metric::Cpu, |_, step| 3.0 + f64::from(step % 3) / 4.0),
        points(workers, Metric::Memory, |_, _| gib(14.8)),
        points(workers, Metric::NetIn, |_, _| gib(1.5)),
        points(workers, Metric::NetOut, |_, _| gib(1.4)),
    ];
    Reading { points: all.concat(), lacks: Vec::new() }
}

fn answer(h: &mut Harness, message: MetricsMessage) {
    let id = page(h).id;
    h.send(Message::Metrics(id, message));
}

fn measured(h: &mut Harness, reading: Reading, whole: bool) {
    let window = page(h).metrics.range.window(Secs(NOW - 3600), Secs(NOW));
    answer(h, MetricsMessage::Read(Box::new(Measured { window, whole, reading })));
}

fn found(h: &mut Harness, source: &str) {
    answer(h, MetricsMessage::Source(Some(Clean::new(source)), Vec::new()));
}

fn harness_with(width: u16, height: u16, workers: u16) -> Harness {
    let mut h = harness(width, height, workers, Tab::Metrics);
    found(&mut h, "Prometheus monitoring/prometheus:9090");
    measured(&mut h, reading(workers), true);
    h
}

#[test]
fn golden_lines() {
    let mut h = harness_with(80, 24, 4);
    insta::assert_snapshot!("metrics_80x24", h.screen());
    h.keys("right right down");
    assert_eq!(page(&h).metrics.metric, Metric::Power);
    assert!(h.screen().contains("GPUs idle for"), "{}", h.screen());
    h.theme.ascii = true;
    h.model.ascii = true;
    h.keys("left left");
    insta::assert_snapshot!("metrics_80x24_ascii", h.screen());
}

#[test]
fn golden_cells() {
    let mut h = harness_with(80, 24, 100);
    insta::assert_snapshot!("metrics_cells_100_80x24", h.screen());
    h.keys("t");
    assert!(h.screen().contains("REPLICA"), "as lines: {}", h.screen());
    h.keys("G");
    assert!(h.screen().contains("▌ Worker 99"), "{}", h.screen());
}

#[test]
fn golden_chart() {
    let mut h = harness_with(80, 24, 4);
    h.keys("right enter");
    insta::assert_snapshot!("metrics_chart_80x24", h.screen());
    h.keys("esc");
    assert!(h.screen().contains("REPLICA"), "{}", h.screen());
    h.keys("esc");
    assert!(h.model.page.is_none());
}

#[test]
fn golden_metrics_server_alone() {
    let mut h = harness(80, 24, 4, Tab::Metrics);
    let tried = Refusal {
        what: Clean::new("no Prometheus was found: no Service looks like one"),
        hint: Clean::new("Set its address."),
    };
    answer(&mut h, MetricsMessage::Source(Some(Clean::new("metrics.k8s.io")), vec![tried]));
    let why = Clean::new("metrics.k8s.io knows CPU and memory only");
    let lack = Lack { metrics: Metric::SHOWN[..4].to_vec(), why, hint: Clean::new("A Prometheus would know.") };
    let mut now = points(4, Metric::Cpu, |_, _| 3.5);
    now.extend(points(4, Metric::Memory, |_, _| gib(4.0)));
    for points in &mut now {
        points.values.drain(..points.values.len() - 1);
    }
    measured(&mut h, Reading { points: now, lacks: vec![lack] }, false);
    insta::assert_snapshot!("metrics_server_80x24", h.screen());
}

#[test]
fn what_nvidia_smi_said_stands_beside_what_the_source_knows() {
    let mut h = harness(100, 24, 4, Tab::Metrics);
    answer(&mut h, MetricsMessage::Source(None, Vec::new()));
    let none = Refusal { what: Clean::new("no numbers: no source was found"), hint: Clean::new("Set one.") };
    answer(&mut h, MetricsMessage::Failed(none.clone()));
    let mut now = [points(4, Metric::Gpu, |_, _| 90.0), points(4, Metric::GpuMemory, |_, _| gib(60.0))].concat();
    for points in &mut now {
        points.values = vec![(Secs(NOW), points.values[0].1)];
    }
    let why = Clean::new("nvidia-smi in 1 of 4 workers: No devices were found");
    let lack = Lack { metrics: vec![Metric::Gpu], why, hint: Clean::default() };
    let reading = Reading { points: now, lacks: vec![lack] };
    answer(&mut h, MetricsMessage::Asked(Box::new(Asked { at: Secs(NOW), reading, parts: Vec::new() })));
    answer(&mut h, MetricsMessage::Failed(none));
    let screen = h.screen();
    assert!(screen.contains("nvidia-smi by exec, <10s ago") && !screen.contains("no source"), "{screen}");
    assert!(screen.contains("90%") && screen.contains("No devices were found"), "{screen}");
    h.keys("r");
    assert!(h.screen().contains("90%"), "another range, the same numbers: {}", h.screen());
    // A source that knows no GPUs, and later one that does.
    answer(&mut h, MetricsMessage::Source(Some(Clean::new("metrics.k8s.io")), Vec::new()));
    let lack = Lack { metrics: Metric::SHOWN[..2].to_vec(), why: Clean::new("CPU only"), hint: Clean::default() };
    let mut cpu = points(4, Metric::Cpu, |_, _| 3.5);
    for points in &mut cpu {
        points.values = vec![(Secs(NOW - 90), points.values[0].1)];
    }
    measured(&mut h, Reading { points: cpu, lacks: vec![lack] }, false);
    let screen = h.screen();
    assert!(screen.contains("metrics.k8s.io, 100s old; nvidia-smi by exec, <10s ago"), "each with its age: {screen}");
    assert!(!screen.contains("CPU only"), "nothing of that is missing: {screen}");
}

#[test]
fn what_can_not_be_read_is_said_and_what_was_read_stays() {
    let mut h = harness(80, 24, 4, Tab::Metrics);
    assert!(h.screen().contains("reading ..."), "{}", h.screen());
    let refusal = Refusal { what: Clean::new("can't ask p: p answers 401"), hint: Clean::new("Give a token.") };
    answer(&mut h, MetricsMessage::Failed(refusal.clone()));
    assert!(h.screen().contains("answers 401") && h.screen().contains("Give a token."), "{}", h.screen());
    measured(&mut h, reading(4), true);
    assert!(!h.screen().contains("401"), "{}", h.screen());
    answer(&mut h, MetricsMessage::Failed(refusal));
    assert!(h.screen().contains("answers 401") && h.screen().contains("Worker 3"), "{}", h.screen());
    let lack = Lack {
        metrics: vec![Metric::Gpu],
        why: Clean::new("the DCGM exporter has no pod labels"),
        hint: Clean::new("Set it."),
    };
    let mut h = harness(80, 24, 4, Tab::Metrics);
    measured(&mut h, Reading { points: Vec::new(), lacks: vec![lack] }, true);
    let screen = h.screen();
    assert!(screen.contains("Nothing was measured") && screen.contains("no pod labels"), "{screen}");
    assert!(!screen.contains("0%"), "{screen}");
    let page = h.model.page.as_mut().expect("a page");
    page.job.pods.iter_mut().for_each(|pod| pod.started = Some(Secs(NOW - 20)));
    let screen = h.screen();
    assert!(screen.contains("not run for long") && !screen.contains("no pod labels"), "{screen}");
}

fn orders(h: &Harness) -> Vec<&MetricsEffect> {
    let orders =
        h.effects.iter().filter_map(|effect| if let Effect::Metrics(order) = effect { Some(order) } else { None });
    orders.filter(|order| !matches!(order, MetricsEffect::Part(..))).collect()
}

#[test]
fn it_is_read_while_it_is_in_sight_and_only_then() {
    let mut h = harness(80, 24, 4, Tab::Configuration);
    assert_eq!(orders(&h), Vec::<&MetricsEffect>::new(), "nobody looks");
    h.keys("6");
    let [MetricsEffect::Follow(_, _, followed)] = orders(&h)[..] else { panic!("{:?}", orders(&h)) };
    assert_eq!((followed.job.pods.len(), followed.range), (5, Range::Quarter));
    assert_eq!(followed.job.gpus.as_ref().map(Sym::as_str), Some(""));
    h.keys("r");
    let Some(MetricsEffect::Follow(_, _, followed)) = orders(&h).last() else { panic!("{:?}", orders(&h)) };
    assert_eq!(followed.range, Range::Hour);
    let count = orders(&h).len();
    h.keys("right down t enter esc");
    assert_eq!(orders(&h).len(), count, "nothing else is to be read for that");
    h.keys("2");
    assert!(matches!(orders(&h).last(), Some(MetricsEffect::Stop(_))));
    h.keys("u esc");
    assert!(matches!(orders(&h)[count + 1..], [MetricsEffect::Follow(..), MetricsEffect::Stop(_)]), "{:?}", orders(&h));
}

#[test]
fn gpus_of_other_makers_are_asked_for_by_their_name_and_shown_like_any() {
    for resource in ["amd.com/gpu", "habana.ai/gaudi"] {
        let mut kept = kept(100);
        for pod in &mut kept.pods {
            pod.requests.gpu_resource = (pod.requests.gpus > 0).then(|| Sym::new(resource));
        }
        let mut h = Harness::new(80, 24);
        let effects = open_at(&mut h.model, kept, Tab::Metrics);
        h.effects.extend(effects);
        let [MetricsEffect::Follow(_, _, followed)] = orders(&h)[..] else { panic!("{:?}", orders(&h)) };
        assert_eq!(followed.job.gpus.as_ref().map(Sym::as_str), Some(resource));
        found(&mut h, "Prometheus p");
        measured(&mut h, reading(100), true);
        let usual = harness_with(80, 24, 100).screen();
        let body = |screen: &str| screen.lines().skip(4).take(16).map(str::to_owned).collect::<Vec<_>>();
        let usual = body(&usual.replace("Prometheus monitoring/prometheus:9090", "Prometheus p"));
        assert_eq!(body(&h.screen()), usual, "{resource}");
        // NVIDIA's program knows nothing of them.
        h.keys("A n");
        assert!(h.screen().contains("no replica with NVIDIA GPUs runs"), "{}", h.screen());
    }
}

/// What was ordered last of GPUs one by one: of which pod, and of what.
fn parted(h: &Harness) -> Option<(String, Metric)> {
    let last = h.effects.iter().rev().find_map(|effect| match effect {
        Effect::Metrics(MetricsEffect::Part(_, _, parted)) => Some(parted.as_ref()),
        _ => None,
    })?;
    last.map(|parted| (parted.followed.job.pods[0].to_string(), parted.metric))
}

/// Four GPUs of worker 0, and two parts of the last.
fn parts(metric: Metric) -> Vec<PartPoints> {
    let window = Range::Quarter.window(Secs(NOW - 3600), Secs(NOW));
    let instance = |part: u32| Part { gpu: 3, part, title: Clean::new(&format!("GPU 3, 1g.10gb {part}")) };
    let all = (0..3).map(Part::whole).chain([instance(7), instance(8)]);
    let of = |(nth, part): (u32, Part)| {
        let moments = (window.from.0..=window.to.0).step_by(window.step as usize);
        let values = moments.map(|at| (Secs(at), f64::from(20 * nth + at / 15 % 7))).collect();
        PartPoints { part, points: Points { pod: Name::lossy("bert-large-worker-0"), metric, values } }
    };
    (0..).zip(all).map(of).collect()
}

#[test]
fn the_gpus_of_the_enlarged_replica_stand_one_by_one() {
    let mut h = harness_with(80, 24, 4);
    assert_eq!(parted(&h), None, "nobody looks at them");
    h.keys("enter");
    assert_eq!(parted(&h), Some(("bert-large-worker-0".to_owned(), Metric::Gpu)), "the launcher has none");
    let window = page(&h).metrics.range.window(Secs(NOW - 3600), Secs(NOW));
    answer(&mut h, MetricsMessage::Apart(window, parts(Metric::Gpu)));
    insta::assert_snapshot!("metrics_gpus_80x24", h.screen());
    h.keys("right");
    assert_eq!(parted(&h), Some(("bert-large-worker-0".to_owned(), Metric::GpuMemory)));
    assert!(!h.screen().contains("GPU 1"), "that was of another metric: {}", h.screen());
    answer(&mut h, MetricsMessage::Apart(window, parts(Metric::Gpu)));
    assert!(!h.screen().contains("GPU 1"), "and came too late: {}", h.screen());
    h.keys("right right right");
    assert_eq!((page(&h).metrics.metric, parted(&h)), (Metric::Cpu, None), "a CPU has no GPUs");
    h.keys("left esc");
    assert_eq!(parted(&h), None);
    let at = Secs(NOW);
    let gpus = |metric| {
        [0, 1].map(|gpu| PartPoints {
            part: Part::whole(gpu),
            points: Points { pod: Name::lossy("bert-large-worker-0"), metric, values: vec![(at, f64::from(40 + gpu))] },
        })
    };
    let asked = Asked { at, reading: Reading::default(), parts: gpus(Metric::Temperature).to_vec() };
    answer(&mut h, MetricsMessage::Asked(Box::new(asked)));
    h.keys("enter");
    let screen = h.screen();
    assert!(screen.contains("GPU 0") && screen.contains("41C"), "nvidia-smi tells GPUs apart, too: {screen}");
    let wider = page(&h).metrics.range.window(Secs(NOW - 7200), Secs(NOW));
    let wider = Window { step: 2 * wider.step, ..wider };
    answer(&mut h, MetricsMessage::Apart(wider, Vec::new()));
    assert!(h.screen().contains("41C"), "what it said stays at other steps: {}", h.screen());
}

#[test]
fn a_new_pod_is_read_too_and_a_job_that_is_gone_no_more() {
    let mut h = harness_with(80, 24, 4);
    let count = orders(&h).len();
    let effects = refresh(&mut h.model, Some(kept(5)));
    h.effects.extend(effects);
    let Some(MetricsEffect::Follow(_, _, followed)) = orders(&h).get(count) else { panic!("{:?}", orders(&h)) };
    assert_eq!(followed.job.pods.len(), 6);
    let effects = refresh(&mut h.model, None);
    h.effects.extend(effects);
    assert!(matches!(orders(&h).last(), Some(MetricsEffect::Stop(_))));
    assert!(h.screen().contains("Worker 3"), "what was read stays: {}", h.screen());
}

#[test]
fn what_a_killed_worker_used_at_its_end_stands_beside_the_cause() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    assert!(matches!(orders(&h)[..], [MetricsEffect::Follow(..)]), "{:?}", orders(&h));
    measured(&mut h, reading(4), true);
    assert!(h.screen().contains("At its end  memory 14.8Gi, GPU memory 4"), "{}", h.screen());
}

#[test]
fn of_a_job_that_has_ended_the_time_before_its_end_is_looked_at() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    let derived = crate::jobs::state::Derived { finished: Some(Secs(NOW - 1000)), ..(*page(&h).job.derived).clone() };
    h.model.page.as_mut().expect("a page").job.derived = Arc::new(derived);
    h.keys("6");
    let Some(MetricsEffect::Follow(_, _, followed)) = orders(&h).last() else { panic!("{:?}", orders(&h)) };
    assert_eq!(followed.ended, Some(Secs(NOW - 970)));
    assert!(h.screen().contains("its last 15m"), "{}", h.screen());
}

#[test]
fn an_answer_for_a_closed_page_changes_nothing() {
    let mut h = harness_with(80, 24, 4);
    let id = page(&h).id;
    h.keys("esc");
    h.model.dirty = false;
    h.send(Message::Metrics(id, MetricsMessage::Source(Some(Clean::new("x")), Vec::new())));
    assert!(h.model.page.is_none() && !h.model.dirty);
}

#[test]
fn what_was_measured_can_be_saved() {
    let mut h = harness(80, 24, 4, Tab::Metrics);
    h.keys("S");
    assert!(!h.effects.iter().any(|effect| matches!(effect, Effect::Save(..))), "nothing is there");
    measured(&mut h, reading(4), true);
    h.keys("S");
    let Some(Effect::Save(name, text)) = h.effects.last() else { panic!("{:?}", h.effects.last()) };
    assert_eq!(name, "nlp-bert-large-metrics.json");
    let json: serde_json::Value = serde_json::from_str(text.for_writing()).expect("JSON");
    assert_eq!(json["workers"].as_array().map(Vec::len), Some(5));
    assert_eq!(json["workers"][2]["gpuUtilization"]["now"], 1.0);
}

#[test]
fn newer_values_are_added_and_other_steps_begin_anew() {
    let mut h = harness_with(80, 24, 4);
    let late = Points { pod: Name::lossy("bert-large-worker-0"), metric: Metric::Gpu, values: vec![(Secs(NOW), 33.0)] };
    measured(&mut h, Reading { points: vec![late], lacks: Vec::new() }, false);
    let usage = &page(&h).metrics.usage;
    let stats = usage.stats(&Name::lossy("bert-large-worker-0"), Metric::Gpu, Secs(0)).expect("measured");
    assert!(stats.now < 34.0 && stats.max > 90.0, "{stats:?}");
    h.keys("r");
    assert!(page(&h).metrics.usage.is_empty(), "15 seconds are no 30");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn it_draws_at_any_size(width in 40u16..200, height in 10u16..60, workers in 0u16..60, keys in 0usize..4) {
        let mut h = harness_with(width, height, workers);
        h.keys(["up", "enter", "t", "right right right enter"][keys]);
        prop_assert_eq!(h.screen().lines().count(), usize::from(height));
    }
}

#[test]
fn how_far_the_training_is_stands_in_the_overview_and_above_the_replicas() {
    let mut h = harness(160, 45, 4, Tab::Metrics);
    measured(&mut h, reading(4), true);
    let told =
        r#"{"progressPercentage": 45, "currentStep": 450, "totalSteps": 1000, "estimatedRemainingSeconds": 600}"#;
    let mut row = h.model.page.as_ref().expect("open").job.row.clone();
    row.progress = crate::jobs::progress::reported(told).map(Box::new);
    let list = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
    h.send(Message::Fleet(vec![Batch { upserts: vec![Row::Job(row)], ..Batch::new(list) }]));
    let all = "45%, step 450 of 1000";
    assert!(h.screen().contains(&format!("train {all}")), "{}", h.screen());
    h.keys("1");
    let screen = h.screen();
    assert!(screen.contains(all) && screen.contains("about 10m left, says the training program"), "{screen}");
}
