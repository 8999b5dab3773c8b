use promql_parser::label::Matcher;

use super::*;

mod peer;

/// Series with their samples, in seconds.
#[derive(Default)]
struct Table(Vec<Series>);

impl Table {
    fn add(mut self, name: &str, labels: &[(&str, &str)], samples: &[(i64, f64)]) -> Self {
        let labels = Labels::new([(NAME, name)].into_iter().chain(labels.iter().copied()));
        self.0.push(Series { labels, samples: samples.iter().map(|(at, value)| (at * 1000, *value)).collect() });
        self
    }
}

impl Source for Table {
    fn select(&self, matchers: &[Matcher], from: i64, until: i64) -> Result<Vec<Series>, Fault> {
        let meant = self.0.iter().filter(|series| is_meant(matchers, &series.labels));
        let within = |s: &Series| s.samples.iter().copied().filter(|(at, _)| *at > from && *at <= until).collect();
        Ok(meant.map(|s| Series { labels: s.labels.clone(), samples: within(s) }).collect())
    }

    fn lookback(&self) -> i64 {
        300_000
    }
}

/// A counter every 15 s from second 5 on, another that began anew, a gauge, and vectors to match with each other.
fn table() -> Table {
    Table::default()
        .add("steady", &[("pod", "a")], &[(5, 100.0), (20, 115.0), (35, 130.0), (50, 145.0)])
        .add("late", &[("pod", "a")], &[(35, 30.0), (50, 45.0)])
        .add("new", &[("pod", "a")], &[(35, 2.0), (50, 17.0)])
        .add("reset", &[("pod", "a")], &[(5, 100.0), (20, 115.0), (35, 5.0), (50, 20.0)])
        .add("gauge", &[("pod", "a")], &[(5, 10.0), (20, 8.0), (35, 6.0), (50, 4.0)])
        .add("ended", &[("pod", "a")], &[(5, 1.0), (20, 2.0), (35, stale())])
        .add("util", &[("pod", "a"), ("gpu", "0")], &[(50, 90.0)])
        .add("util", &[("pod", "a"), ("gpu", "1")], &[(50, 70.0)])
        .add("util", &[("pod", "b"), ("gpu", "0")], &[(50, 2.0)])
        .add("info", &[("pod", "a"), ("node", "n1")], &[(50, 1.0)])
        .add("info", &[("pod", "b"), ("node", "n2")], &[(50, 1.0)])
        .add("limit", &[("pod", "a"), ("unit", "byte")], &[(50, 200.0)])
}

/// What a job's page asks of GPU memory and power (`metrics/queries.rs`), over what exporters say.
#[test]
fn a_gpu_counts_once_whoever_tells_of_it_and_its_parts_count_each() {
    let gpu = |table: Table, name: &str, labels: &[(&str, &str)], value: f64| {
        let mut all = vec![("namespace", "nlp"), ("pod", "t-0")];
        all.extend_from_slice(labels);
        table.add(name, &all, &[(50, value)])
    };
    let asked = |table: &Table, by: &str, series: &str| -> Vec<f64> {
        let text = format!(
            "sum by (pod) (max by {by} (label_replace({series}{{exported_namespace=\"nlp\",exported_pod=~\"t-(0|1)\"}} \
             < 9e18,\"pod\",\"$1\",\"exported_pod\",\"(.+)\") or {series}{{namespace=\"nlp\",pod=~\"t-(0|1)\"}} < 9e18))"
        );
        match parse(&text).and_then(|expr| instant(table, &expr, 50_000)).expect("an answer") {
            Answer::Vector(samples) => samples.iter().map(|sample| sample.value).collect(),
            other => panic!("{other:?}"),
        }
    };
    let memory = |table: &Table| asked(table, "(pod,gpu,GPU_I_ID)", "FB_USED");
    // Two GPUs; the second is told of by two scrapes, and by an exporter that has changed its label's name.
    let mut two = gpu(Table::default(), "FB_USED", &[("gpu", "0"), ("Hostname", "n1")], 10.0);
    two = gpu(two, "FB_USED", &[("gpu", "1"), ("Hostname", "n1"), ("instance", "a")], 20.0);
    two = gpu(two, "FB_USED", &[("gpu", "1"), ("Hostname", "n1"), ("instance", "b")], 20.0);
    two = gpu(two, "FB_USED", &[("gpu", "1"), ("hostname", "n1"), ("instance", "a")], 20.0);
    assert_eq!(memory(&two), [30.0]);
    // Two parts of one GPU: memory is each part's, power the whole one's. What is not known counts for nothing.
    let part = |table, name, part, value| gpu(table, name, &[("gpu", "0"), ("GPU_I_ID", part)], value);
    let mut parts = part(Table::default(), "FB_USED", "1", 5.0);
    parts = part(parts, "FB_USED", "2", 6.0);
    parts = part(parts, "FB_USED", "3", 9.223_372_036_854_776e18);
    parts = part(part(parts, "POWER", "1", 300.0), "POWER", "2", 300.0);
    assert_eq!((memory(&parts), asked(&parts, "(pod,gpu)", "POWER")), (vec![11.0], vec![300.0]));
    // Under either name of the pod.
    let exported =
        [("gpu", "0"), ("exported_pod", "t-1"), ("exported_namespace", "nlp"), ("pod", "dcgm"), ("namespace", "ops")];
    assert_eq!(memory(&Table::default().add("FB_USED", &exported, &[(50, 7.0)])), [7.0]);
}

/// An instant answer at a second as text: labels and values in order.
fn said(text: &str, second: i64) -> String {
    let told = parse(text).and_then(|expr| instant(&table(), &expr, second * 1000));
    match told {
        Ok(Answer::Scalar(n)) => n.to_string(),
        Ok(Answer::Text(text)) => text,
        Ok(Answer::Vector(samples)) => {
            let mut lines: Vec<String> =
                samples.iter().map(|s| format!("{} {}", s.labels.written(), (s.value * 1e6).round() / 1e6)).collect();
            if !text.starts_with("topk") && !text.starts_with("sort") {
                lines.sort();
            }
            lines.join("; ")
        }
        Ok(Answer::Matrix(series)) => series.iter().map(|s| format!("{:?}", s.samples)).collect::<Vec<_>>().join("; "),
        Err(fault) => format!("{fault:?}"),
    }
}

#[test]
fn rates_are_stretched_to_the_window_as_documented() {
    for (query, expected) in [
        // 45 in 45 s, 5 s before the first sample and 10 s after the last: 60 in 60 s.
        ("increase(steady[1m])", "60"),
        ("rate(steady[1m])", "1"),
        // 35 s before the first sample are more than 1.1 intervals: half an interval counts, 15 × 32.5/15.
        ("increase(late[1m])", "32.5"),
        // The same, but 2 s earlier it would have been below zero: 15 × 27/15.
        ("increase(new[1m])", "27"),
        // 15, a new start to 5, 15: 35 in 45 s.
        ("increase(reset[1m])", "46.666667"),
        ("delta(gauge[1m])", "-8"),
        ("irate(steady[1m])", "1"),
        ("idelta(gauge[1m])", "-2"),
        ("resets(reset[1m])", "1"),
        ("changes(gauge[1m])", "3"),
    ] {
        assert_eq!(said(query, 60), format!("{{pod=\"a\"}} {expected}"), "{query}");
    }
    assert_eq!(said("rate(late[20s])", 60), "", "one sample makes no rate");
}

#[test]
fn windows_have_no_left_edge_and_know_what_was_in_them() {
    for (query, expected) in [
        ("avg_over_time(gauge[1m])", "7"),
        ("min_over_time(gauge[1m])", "4"),
        ("max_over_time(gauge[1m])", "10"),
        ("sum_over_time(gauge[1m])", "28"),
        ("count_over_time(gauge[45s])", "3"),
        ("count_over_time(gauge[46s])", "4"),
        ("quantile_over_time(0.5, gauge[1m])", "7"),
        ("stddev_over_time(gauge[1m])", "2.236068"),
        ("count_over_time(ended[1m])", "2"),
    ] {
        assert_eq!(said(query, 50), format!("{{pod=\"a\"}} {expected}"), "{query}");
    }
    assert_eq!(said("last_over_time(gauge[1m])", 50), "gauge{pod=\"a\"} 4");
}

#[test]
fn selectors_match_look_back_and_know_an_end() {
    for (query, second, expected) in [
        ("gauge", 60, "gauge{pod=\"a\"} 4"),
        ("gauge", 350, ""),
        ("gauge", 349, "gauge{pod=\"a\"} 4"),
        ("gauge offset 20s", 60, "gauge{pod=\"a\"} 6"),
        ("ended", 34, "ended{pod=\"a\"} 2"),
        ("ended", 35, ""),
        (r#"{__name__=~"ga.*",pod!="b",pod!~"c|d"}"#, 60, "gauge{pod=\"a\"} 4"),
        (r#"util{gpu="0",pod=~"b"}"#, 60, "util{gpu=\"0\", pod=\"b\"} 2"),
        (r#"gauge{pod=~"aa?b"}"#, 60, ""),
        ("timestamp(gauge)", 60, "{pod=\"a\"} 50"),
        ("gauge[20s]", 50, "[(35000, 6.0), (50000, 4.0)]"),
    ] {
        assert_eq!(said(query, second), expected, "{query} at {second}");
    }
}

#[test]
fn groups_are_made_by_and_without() {
    for (query, expected) in [
        ("sum(util)", "{} 162"),
        ("avg by (pod) (util)", "{pod=\"a\"} 80; {pod=\"b\"} 2"),
        ("max without (gpu) (util)", "{pod=\"a\"} 90; {pod=\"b\"} 2"),
        ("count by (none) (util)", "{} 3"),
        ("min(util)", "{} 2"),
        ("quantile(0.75, util)", "{} 80"),
        ("topk(2, util)", "util{gpu=\"0\", pod=\"a\"} 90; util{gpu=\"1\", pod=\"a\"} 70"),
        ("bottomk by (pod) (1, util)", "util{gpu=\"0\", pod=\"b\"} 2; util{gpu=\"1\", pod=\"a\"} 70"),
        (r#"count_values("v", info)"#, "{v=\"1\"} 2"),
        ("sum(nothing)", ""),
    ] {
        assert_eq!(said(query, 60), expected, "{query}");
    }
}

#[test]
fn two_sides_are_matched_by_their_labels() {
    for (query, expected) in [
        ("1 + 2 * 3 ^ 2", "19"),
        ("7 % 4 - -1", "4"),
        ("1 > bool 2", "0"),
        ("util / 100", "{gpu=\"0\", pod=\"a\"} 0.9; {gpu=\"0\", pod=\"b\"} 0.02; {gpu=\"1\", pod=\"a\"} 0.7"),
        ("util < 5", "util{gpu=\"0\", pod=\"b\"} 2"),
        ("100 > util > 80", "util{gpu=\"0\", pod=\"a\"} 90"),
        ("util > bool 80", "{gpu=\"0\", pod=\"a\"} 1; {gpu=\"0\", pod=\"b\"} 0; {gpu=\"1\", pod=\"a\"} 0"),
        ("gauge + steady", "{pod=\"a\"} 149"),
        ("gauge / ignoring (unit) limit", "{pod=\"a\"} 0.02"),
        ("gauge / on (pod) limit", "{pod=\"a\"} 0.02"),
        (
            "util * on (pod) group_left (node) info",
            "{gpu=\"0\", node=\"n1\", pod=\"a\"} 90; {gpu=\"0\", node=\"n2\", pod=\"b\"} 2; {gpu=\"1\", node=\"n1\", pod=\"a\"} 70",
        ),
        (
            "info * on (pod) group_right () util",
            "{gpu=\"0\", pod=\"a\"} 90; {gpu=\"0\", pod=\"b\"} 2; {gpu=\"1\", pod=\"a\"} 70",
        ),
        ("util and on (pod) limit", "util{gpu=\"0\", pod=\"a\"} 90; util{gpu=\"1\", pod=\"a\"} 70"),
        ("util unless on (pod) limit", "util{gpu=\"0\", pod=\"b\"} 2"),
        ("limit or on (pod) info", "info{node=\"n2\", pod=\"b\"} 1; limit{pod=\"a\", unit=\"byte\"} 200"),
        ("-gauge", "{pod=\"a\"} -4"),
    ] {
        assert_eq!(said(query, 60), expected, "{query}");
    }
}

#[test]
fn functions_of_values_and_labels() {
    for (query, expected) in [
        ("scalar(gauge)", "4"),
        ("scalar(util)", "NaN"),
        ("vector(3)", "{} 3"),
        ("time()", "60"),
        ("clamp_min(util, 50)", "{gpu=\"0\", pod=\"a\"} 90; {gpu=\"0\", pod=\"b\"} 50; {gpu=\"1\", pod=\"a\"} 70"),
        ("clamp(gauge, 5, 6)", "{pod=\"a\"} 5"),
        ("clamp_max(gauge, 1)", "{pod=\"a\"} 1"),
        ("round(gauge / 3)", "{pod=\"a\"} 1"),
        ("abs(-gauge)", "{pod=\"a\"} 4"),
        (r#"absent(nothing{pod="x",gpu=~"1"})"#, "{pod=\"x\"} 1"),
        ("absent(gauge)", ""),
        ("absent_over_time(nothing[1m])", "{} 1"),
        (r#"label_replace(gauge, "worker", "w-$1", "pod", "(.*)")"#, "gauge{pod=\"a\", worker=\"w-a\"} 4"),
        (r#"label_replace(gauge, "worker", "$1", "pod", "x(.*)")"#, "gauge{pod=\"a\"} 4"),
        (r#"label_join(info{pod="a"}, "both", "/", "pod", "node")"#, "info{both=\"a/n1\", node=\"n1\", pod=\"a\"} 1"),
        ("sort(util{pod=\"a\"})", "util{gpu=\"1\", pod=\"a\"} 70; util{gpu=\"0\", pod=\"a\"} 90"),
    ] {
        assert_eq!(said(query, 60), expected, "{query}");
    }
}

#[test]
fn what_is_not_known_or_not_allowed_is_told() {
    for (query, expected) in [
        ("rate(gauge[1m]", "BadData"),
        ("nosuch(gauge)", "BadData"),
        ("", "BadData"),
        ("histogram_quantile(0.9, gauge)", "Execution(\"the function histogram_quantile is not evaluated"),
        ("max_over_time(rate(steady[1m])[5m:1m])", "Execution(\"a subquery is not evaluated"),
        ("gauge @ 50", "Execution(\"the @ modifier is not evaluated"),
        ("util * on (pod) info", "many-to-one matching must be explicit"),
        ("info * on (pod) util", "many-to-many matching not allowed"),
        (r#"label_replace(util, "gpu", "", "gpu", ".*")"#, "vector cannot contain metrics with the same labelset"),
        (r#"label_replace(util, "a b", "", "gpu", ".*")"#, "invalid destination label name"),
    ] {
        assert!(said(query, 60).contains(expected), "{query}: {}", said(query, 60));
    }
    let deep = format!("{}1{}", "(".repeat(300), ")".repeat(300));
    assert!(said(&deep, 60).contains("nested too deeply"), "{}", said(&deep, 60));
}

#[test]
fn a_range_has_a_point_for_each_step() {
    let points = |text: &str| {
        let expr = parse(text).unwrap();
        let series = range(&table(), &expr, 20_000, 80_000, 30_000).unwrap();
        series.iter().map(|s| format!("{} {:?}", s.labels.written(), s.samples)).collect::<Vec<_>>().join("; ")
    };
    assert_eq!(points("gauge"), "gauge{pod=\"a\"} [(20000, 8.0), (50000, 4.0), (80000, 4.0)]");
    assert_eq!(points("ended"), "ended{pod=\"a\"} [(20000, 2.0)]");
    assert_eq!(points("1"), "{} [(20000, 1.0), (50000, 1.0), (80000, 1.0)]");
    assert_eq!(points("count(util)"), "{} [(50000, 3.0), (80000, 3.0)]");
    let window = parse("gauge[1m]").unwrap();
    assert!(matches!(range(&table(), &window, 0, 1, 1), Err(Fault::BadData(_))));
}
