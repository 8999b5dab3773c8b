//! A real Prometheus as a peer: the same samples, the same queries, the same answers.
//!
//! Its store is filled by `promtool`, so that there is nothing to wait for and nothing to be off by a scrape.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Table, instant, parse, range};
use crate::sim::chance::Chance;
use crate::sim::promql::{Answer, Series};

/// Where the samples begin: 2026-11-20 08:00 UTC.
const BEGIN: i64 = 1_795_161_600;

/// What both must answer alike.
const QUERIES: &[&str] = &[
    "util",
    r#"util{pod=~"w-[01]",gpu!="1"}"#,
    r#"{__name__=~"ut.l",pod!~"w-0|w-3"}"#,
    "util offset 3m",
    "sum(util)",
    "avg by (pod) (util)",
    "max without (gpu) (util)",
    "min by (gpu) (util)",
    "count(util > 50)",
    "stddev by (pod) (util)",
    "group by (gpu) (util)",
    "quantile by (pod) (0.3, util)",
    "topk(3, util)",
    "bottomk by (pod) (1, util)",
    "rate(cpu_total[2m])",
    "sum by (pod) (rate(cpu_total[5m]))",
    "irate(cpu_total[5m])",
    "increase(cpu_total[7m])",
    "increase(young_total[10m])",
    "rate(sparse_total[10m])",
    "delta(util[5m])",
    "idelta(util[5m])",
    "changes(info[10m])",
    "resets(cpu_total[20m])",
    "avg_over_time(util[5m])",
    "max_over_time(util[5m]) - min_over_time(util[5m])",
    "sum_over_time(util[3m])",
    "count_over_time(util[10m])",
    "last_over_time(util[10m])",
    "present_over_time(young_total[10m])",
    "quantile_over_time(0.9, util[10m])",
    "stddev_over_time(util[5m])",
    "stdvar_over_time(util[5m])",
    "util / 100",
    "100 - util",
    "util % 7",
    "util ^ 2",
    "-util",
    "util > 50",
    "50 < util",
    "util >= bool 50",
    "2 * 3 + 4 ^ 0.5",
    "3 > bool 2",
    "util * on (pod) group_left (node) info",
    "info * on (pod) group_right () util",
    "util / ignoring (gpu) group_left () limit",
    "info / on (pod) limit",
    "util and on (pod) (info == 1)",
    "util unless on (pod) limit",
    "limit or on (pod) info",
    "util > 50 or util < 20",
    r#"label_replace(util, "rank", "$1", "pod", "w-(.*)")"#,
    r#"label_replace(util, "rank", "x", "pod", "none")"#,
    r#"label_join(info, "where", "/", "pod", "node")"#,
    "scalar(limit)",
    "scalar(util)",
    "vector(1)",
    "time() - 1795161600",
    "timestamp(util)",
    "clamp_min(util, 30)",
    "clamp(util, 20, 40)",
    "clamp_max(util, 30)",
    "round(util, 5)",
    "floor(util) + ceil(util)",
    "sqrt(abs(util))",
    "ln(util) + log2(util) + log10(util) + exp(util / 100)",
    "sgn(util - 50)",
    r#"absent(nothing{pod="x"})"#,
    "absent(util)",
    "absent_over_time(nothing[5m])",
    r#"count_values("value", info)"#,
    r#"max by (pod,gpu) (label_replace(util{pod=~"w-.*"},"pod","$1","exported_pod","(.+)") or util{pod=~"w-0"})"#,
    "sum(nothing) or vector(0)",
    "util * on (pod) info",
    "info * on (pod) util",
    r#"label_replace(util, "gpu", "", "gpu", ".*")"#,
    "sum(",
    "nosuch(util)",
];

/// Utilisation, counters that begin anew, late and rarely, and vectors to match, at uneven times.
fn samples() -> Table {
    let mut chance = Chance::new(11);
    let mut table = Table::default();
    let mut times = |n: i64, every: i64| -> Vec<i64> {
        let mut at = 0;
        (0..n)
            .map(|_| {
                at += every + chance.below(5) as i64;
                at
            })
            .collect()
    };
    let (often, rarely) = (times(80, 13), times(9, 140));
    let mut chance = Chance::new(12);
    for pod in ["w-0", "w-1", "w-2", "w-3"] {
        for gpu in ["0", "1"] {
            let labels = [("pod", pod), ("gpu", gpu), ("job", "a")];
            let util: Vec<(i64, f64)> = often.iter().map(|at| (BEGIN + at, chance.below(1000) as f64 / 10.0)).collect();
            table = table.add("util", &labels, &util);
            let mut sum = 100.0;
            let counter = |at: &i64| {
                sum = if chance.below(25) == 0 { 1.5 } else { sum + chance.below(300) as f64 / 8.0 };
                (BEGIN + at, sum)
            };
            let counter: Vec<(i64, f64)> = often.iter().map(counter).collect();
            table = table.add("cpu_total", &labels, &counter);
        }
        let young: Vec<(i64, f64)> =
            often.iter().skip(60).enumerate().map(|(n, at)| (BEGIN + at, 3.0 * n as f64)).collect();
        table = table.add("young_total", &[("pod", pod)], &young);
        let sparse: Vec<(i64, f64)> = rarely.iter().enumerate().map(|(n, at)| (BEGIN + at, 7.0 * n as f64)).collect();
        table = table.add("sparse_total", &[("pod", pod)], &sparse);
        let node = format!("node-{}", pod.len());
        let info: Vec<(i64, f64)> = often.iter().map(|at| (BEGIN + at, (chance.below(9) / 8 + 1) as f64)).collect();
        table = table.add("info", &[("pod", pod), ("node", &node)], &info);
    }
    let limit: Vec<(i64, f64)> = often.iter().map(|at| (BEGIN + at, 200.0)).collect();
    table.add("limit", &[("pod", "w-1"), ("job", "a")], &limit)
}

/// As `promtool` reads samples.
fn open_metrics(table: &Table) -> String {
    let line = |series: &Series, (at, value): &(i64, f64)| {
        format!("{} {value} {}\n", series.labels.written().replace(", ", ","), at / 1000)
    };
    let lines = table.0.iter().flat_map(|series| series.samples.iter().map(move |sample| line(series, sample)));
    lines.chain(["# EOF\n".to_owned()]).collect()
}

struct Prometheus {
    child: Child,
    port: u16,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::disallowed_methods, reason = "the peer is another program")]
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Whether there is a Prometheus; where one is required, it must be there.
fn is_there() -> bool {
    let there =
        ["prometheus", "promtool"].iter().all(|p| command(p).arg("--version").status().is_ok_and(|s| s.success()));
    let required = std::env::var("MPIDECK_REQUIRE_TOOLS").is_ok_and(|v| v == "1");
    assert!(there || !required, "prometheus or promtool is not on PATH, and MPIDECK_REQUIRE_TOOLS=1");
    if !there {
        eprintln!("SKIPPED: prometheus is not on PATH");
    }
    there
}

impl Prometheus {
    #[expect(clippy::disallowed_methods, reason = "another program takes its own time")]
    fn start(home: &Path, table: &Table) -> Self {
        let (input, data, config) = (home.join("samples"), home.join("data"), home.join("prometheus.yml"));
        std::fs::write(&input, open_metrics(table)).unwrap();
        std::fs::write(&config, "global: {scrape_interval: 1h}\n").unwrap();
        let filled =
            command("promtool").args(["tsdb", "create-blocks-from", "openmetrics"]).arg(&input).arg(&data).status();
        assert!(filled.unwrap().success(), "promtool takes the samples");
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let child = command("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg("--storage.tsdb.retention.time=100y")
            .spawn()
            .unwrap();
        let started = Self { child, port };
        let until = Instant::now() + Duration::from_mins(2);
        while started.get("/-/ready").is_none_or(|(code, _)| code != 200) {
            assert!(Instant::now() < until, "prometheus does not get ready");
            std::thread::sleep(Duration::from_millis(50));
        }
        started
    }

    /// Code and body.
    fn get(&self, path: &str) -> Option<(u16, String)> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_mins(1))).ok()?;
        write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").ok()?;
        let mut text = String::new();
        stream.read_to_string(&mut text).ok()?;
        let (head, body) = text.split_once("\r\n\r\n")?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
    }

    fn ask(&self, path: &str) -> Result<BTreeMap<String, Vec<f64>>, u16> {
        let (code, body) = self.get(path).unwrap();
        let body: Value = serde_json::from_str(&body).unwrap();
        if code != 200 {
            return Err(code);
        }
        let number = |v: &Value| v[1].as_str().unwrap().parse::<f64>().unwrap();
        let result = &body["data"]["result"];
        if body["data"]["resultType"] == "scalar" {
            return Ok([("{}".to_owned(), vec![number(result)])].into());
        }
        let one = |series: &Value| {
            let points = series["values"].as_array();
            let values = points.map_or_else(|| vec![number(&series["value"])], |all| all.iter().map(number).collect());
            (series["metric"].to_string(), values)
        };
        Ok(result.as_array().unwrap().iter().map(one).collect())
    }
}

fn escaped(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect::<Vec<_>>().concat()
}

fn metric(labels: &crate::sim::promql::Labels) -> String {
    let map: BTreeMap<&str, &str> = labels.iter().collect();
    serde_json::to_string(&map).unwrap()
}

fn of_series(series: Vec<Series>) -> BTreeMap<String, Vec<f64>> {
    series.into_iter().map(|s| (metric(&s.labels), s.samples.iter().map(|(_, value)| *value).collect())).collect()
}

fn ours(table: &Table, query: &str, at: i64) -> Option<BTreeMap<String, Vec<f64>>> {
    let expr = parse(query).ok()?;
    Some(match instant(table, &expr, at).ok()? {
        Answer::Scalar(n) => [("{}".to_owned(), vec![n])].into(),
        Answer::Vector(samples) => samples.iter().map(|s| (metric(&s.labels), vec![s.value])).collect(),
        Answer::Matrix(series) => of_series(series),
        Answer::Text(_) => BTreeMap::new(),
    })
}

/// Whether both have the same series with the same numbers, but for the last digits.
fn alike(a: &BTreeMap<String, Vec<f64>>, b: &BTreeMap<String, Vec<f64>>) -> bool {
    let near = |(x, y): (&f64, &f64)| {
        x.total_cmp(y).is_eq() || (x.is_nan() && y.is_nan()) || (x - y).abs() <= 1e-9 * x.abs().max(1e-3)
    };
    a.len() == b.len()
        && a.iter().zip(b).all(|((m, xs), (n, ys))| m == n && xs.len() == ys.len() && xs.iter().zip(ys).all(near))
}

#[test]
fn a_real_prometheus_answers_the_same() {
    if !is_there() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let table = samples();
    let prometheus = Prometheus::start(home.path(), &table);
    let mut compared = 0;
    for query in QUERIES {
        // Never at the very time of a sample: which edge belongs to a window has changed between releases.
        for at in [601_500, 900_250, 1_111_750] {
            let path = format!("/api/v1/query?query={}&time={}", escaped(query), (BEGIN * 1000 + at) as f64 / 1000.0);
            match (prometheus.ask(&path), ours(&table, query, BEGIN * 1000 + at)) {
                (Ok(theirs), Some(ours)) => assert!(alike(&theirs, &ours), "{query} at {at}:\n{theirs:?}\n{ours:?}"),
                (Err(_), None) => {}
                (theirs, ours) => panic!("{query} at {at}:\n{theirs:?}\n{ours:?}"),
            }
            compared += 1;
        }
        let (from, until, step) = (BEGIN * 1000 + 300_500, BEGIN * 1000 + 1_300_500, 33_000);
        let seconds = |ms: i64| ms as f64 / 1000.0;
        let path = format!(
            "/api/v1/query_range?query={}&start={}&end={}&step=33",
            escaped(query),
            seconds(from),
            seconds(until)
        );
        let ours = parse(query).and_then(|expr| range(&table, &expr, from, until, step));
        match (prometheus.ask(&path), ours) {
            (Ok(theirs), Ok(ours)) => {
                let ours = of_series(ours);
                assert!(alike(&theirs, &ours), "{query} over time:\n{theirs:?}\n{ours:?}");
            }
            (Err(_), Err(_)) => {}
            (theirs, ours) => panic!("{query} over time:\n{theirs:?}\n{ours:?}"),
        }
    }
    assert!(compared > 200, "{compared}");
}
