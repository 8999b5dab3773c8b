use std::sync::Arc;

use super::*;
use crate::jobs::{
    Name, Sym,
    progress::{Progress, Rate, Unit},
    state::Severity,
};

fn run(name: &str, gpus: u32, mean: Option<f64>) -> Run {
    let rate = mean.map(|mean| Rate { last: mean + 1.0, mean, unit: Unit::Samples, per_gpu: false, measured: false });
    let progress = rate.map(|rate| Arc::new(Progress { loss: Some(0.5), rate: Some(rate), ..Progress::default() }));
    Run {
        namespace: Name::lossy("nlp"),
        name: Name::lossy(name),
        uid: format!("uid-{name}"),
        kind: "MPIJob",
        recorded: false,
        state: "Succeeded".to_owned(),
        severity: Severity::Done,
        finished: true,
        succeeded: true,
        cause: None,
        waited: Some(60),
        ran: Some(1000),
        workers: gpus.max(8) / 8,
        slots: Some(8),
        gpus,
        image: Sym::new("registry.local/nlp/bert:1.4"),
        progress,
        fields: vec![("MPI", "OpenMPI".to_owned()), ("queue", "research".to_owned())],
    }
}

fn sheet(runs: &[Run]) -> Sheet<'_> {
    Sheet { runs, base: 0, goals: Goals { efficiency: Some(80), speed: None } }
}

fn cells(sheet: &Sheet<'_>, title: &str) -> Vec<String> {
    let row = sheet.rows().into_iter().find(|row| row.title == title);
    row.map(|row| row.cells.into_iter().map(|cell| cell.text).collect()).unwrap_or_default()
}

#[test]
fn speed_up_and_efficiency_are_against_the_baseline() {
    let runs = [run("one", 8, Some(100.0)), run("two", 16, Some(190.0)), run("four", 32, Some(240.0))];
    let sheet = sheet(&runs);
    assert_eq!(cells(&sheet, "speed-up"), ["1.00x", "1.90x", "2.40x"]);
    assert_eq!(cells(&sheet, "efficiency"), ["100%", "95%", "60% !"], "the goal is 80 %");
    let other = Sheet { base: 1, ..sheet };
    assert_eq!(cells(&other, "speed-up"), ["0.53x", "1.00x", "1.26x"]);
    assert_eq!(sheet.notes()[0], "against nlp/one, by mean speeds; efficiency is for each GPU");
    let fast = Sheet { goals: Goals { efficiency: None, speed: Some(200) }, ..sheet };
    assert_eq!(cells(&fast, "mean speed"), ["100 samples/s !", "190 samples/s !", "240 samples/s"]);
}

#[test]
fn one_accelerators_speed_is_taken_times_their_number() {
    let mut runs = [run("one", 8, Some(800.0)), run("two", 16, Some(90.0))];
    let progress = runs[1].progress.as_deref().cloned().expect("progress");
    let rate = progress.rate.map(|rate| Rate { per_gpu: true, ..rate });
    runs[1].progress = Some(Arc::new(Progress { rate, ..progress }));
    let sheet = sheet(&runs);
    assert_eq!(cells(&sheet, "speed-up"), ["1.00x", "1.80x"]);
    assert!(sheet.notes().iter().any(|note| note.contains("times the GPUs")), "{:?}", sheet.notes());
}

#[test]
fn without_speeds_that_count_the_same_the_time_counts_of_what_ended_well() {
    let mut runs = [run("one", 8, None), run("two", 16, None), run("three", 8, Some(5.0))];
    runs[1].ran = Some(500);
    (runs[2].succeeded, runs[2].ran) = (false, Some(10));
    let sheet = sheet(&runs);
    assert_eq!(cells(&sheet, "speed-up"), ["1.00x", "2.00x", ""], "a failed run is not a fast one");
    assert!(sheet.notes()[0].contains("the time they ran"), "{:?}", sheet.notes());
    let none = [run("one", 8, None), run("three", 8, None)];
    let unknown: Vec<Run> = none.into_iter().map(|run| Run { succeeded: false, ..run }).collect();
    let sheet = self::sheet(&unknown);
    assert_eq!(cells(&sheet, "speed-up"), [] as [String; 0], "a line of nothing is left out");
    assert!(sheet.notes()[0].contains("nothing"), "{:?}", sheet.notes());
}

#[test]
fn without_accelerators_efficiency_is_for_each_worker() {
    let mut runs = [run("one", 0, Some(10.0)), run("two", 0, Some(15.0))];
    (runs[0].workers, runs[1].workers) = (1, 2);
    assert_eq!(cells(&sheet(&runs), "efficiency"), ["100%", "75% !"]);
    assert!(sheet(&runs).notes()[0].ends_with("each worker"));
}

#[test]
fn only_fields_that_differ_are_told() {
    let mut runs = [run("one", 8, None), run("two", 8, None)];
    runs[1].fields[0].1 = "MPICH".to_owned();
    assert_eq!(cells(&sheet(&runs), "MPI"), ["OpenMPI", "MPICH"]);
    assert_eq!(cells(&sheet(&runs), "queue"), [] as [String; 0]);
}

#[test]
fn text_json_and_csv_have_the_same_numbers() {
    let mut runs = [run("one", 8, Some(100.0)), run("two", 16, None)];
    runs[1].state = "Failed (exit 1, \"x\")".to_owned();
    runs[1].succeeded = false;
    let sheet = sheet(&runs);
    let plain = text(&sheet, None, false);
    let head: Vec<&str> = plain.lines().next().unwrap_or_default().split_whitespace().collect();
    assert_eq!(head, ["nlp/one", "(baseline)", "nlp/two"]);
    assert!(plain.contains("efficiency  100%") && plain.contains("GPUs        8"), "{plain}");
    for cells in 1..120 {
        let narrow = text(&sheet, Some(cells), true);
        assert!(narrow.is_ascii(), "{narrow}");
        assert!(cells < 40 || narrow.lines().take(8).all(|line| line.len() <= usize::from(cells)), "{cells}\n{narrow}");
    }
    let json = sheet.json();
    assert_eq!((&json["jobs"][0]["speedUp"], &json["jobs"][1]["speedUp"]), (&1.0.into(), &serde_json::Value::Null));
    assert_eq!(json["jobs"][0]["speed"]["mean"], 100.0);
    assert_eq!(json["baseline"]["name"], "nlp/one");
    let csv = sheet.csv();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(lines[0].starts_with("namespace,name,recorded,state,waited,ran,workers"), "{csv}");
    assert!(lines[2].starts_with("nlp,two,false,\"Failed (exit 1, \"\"x\"\")\","), "{csv}");
}
