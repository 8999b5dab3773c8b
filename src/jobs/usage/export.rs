//! What was measured of a job as JSON and CSV: the same for the command line and for what is saved from the console.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::{
    flags::{Flag, Worker, flags},
    metric::Metric,
    series::{Series, Stats},
    table::{Lack, Range, Usage},
};
use crate::jobs::{Clean, JobRow, Name, Secs, progress, replica::Replica, text::csv_field};

/// What was measured of a job, at a moment.
#[derive(Clone, Copy, Debug)]
pub struct Sheet<'a> {
    /// The job.
    pub job: &'a JobRow,
    /// Its replicas.
    pub replicas: &'a [Replica<'a>],
    /// What was measured of them.
    pub usage: &'a Usage,
    /// Where it comes from, in words.
    pub source: &'a Clean,
    /// How far back it goes.
    pub range: Range,
    /// What could not be had.
    pub lacks: &'a [Lack],
    /// The moment.
    pub now: Secs,
}

/// One replica of a sheet, which has a pod.
#[derive(Clone, Debug)]
pub struct Row<'a> {
    /// Its id: `worker-2`.
    pub id: Name,
    /// What it has.
    pub worker: Worker,
    /// The node of its pod.
    pub node: &'a str,
    /// What is odd about it.
    pub flags: Vec<Flag>,
}

impl<'a> Sheet<'a> {
    /// Since when values count.
    pub fn from(&self) -> Secs {
        self.range.window(self.job.started.unwrap_or(self.job.created), self.now).from
    }

    /// The replicas that have pods.
    pub fn rows(&self) -> Vec<Row<'a>> {
        let workers: Vec<Worker> = self.replicas.iter().filter_map(Worker::of).collect();
        let odd = flags(self.usage, &workers, self.now);
        let row = |(replica, worker): (&Replica<'a>, Worker)| Row {
            id: replica.id(),
            node: replica.pod().and_then(|pod| pod.node.as_ref()).map_or("", |node| node.as_str()),
            flags: odd.iter().filter(|(pod, _)| *pod == worker.pod).map(|(_, flag)| *flag).collect(),
            worker,
        };
        self.replicas.iter().filter_map(|replica| Some((replica, Worker::of(replica)?))).map(row).collect()
    }

    /// What a metric of a replica comes to in the range.
    pub fn stats(&self, row: &Row<'_>, metric: Metric) -> Option<Stats> {
        self.usage.stats(&row.worker.pod, metric, self.from())
    }

    /// What a metric of the whole job comes to in the range.
    pub fn total(&self, metric: Metric) -> Option<Stats> {
        let pods: Vec<Name> = self.rows().into_iter().map(|row| row.worker.pod).collect();
        self.usage.total(metric, &pods).stats(self.from())
    }

    /// As one JSON document (docs/metrics.md has its fields).
    pub fn json(&self) -> Value {
        let job = self.job;
        let sampled = self.usage.newest();
        let workers: Vec<Value> = self.rows().iter().map(|row| self.worker(row)).collect();
        json!({
            "apiVersion": "mpideck/v1",
            "kind": "WorkerUsage",
            "job": {"namespace": job.namespace.as_str(), "name": job.name.as_str(), "kind": job.kind.info().kind},
            "source": self.source.as_str(),
            "range": {"from": self.from().to_string(), "to": self.now.to_string()},
            "sampled": sampled.map(|at| at.to_string()),
            "ageSeconds": sampled.map(|at| self.now.since(at)),
            "partial": !self.lacks.is_empty(),
            "unread": self.lacks.iter().map(told).collect::<Vec<_>>(),
            "progress": job.progress.as_deref().map(progress::json),
            "workers": workers,
            "aggregated": self.aggregated(),
        })
    }

    fn worker(&self, row: &Row<'_>) -> Value {
        let mut out = Map::new();
        out.insert("name".into(), json!(row.id.as_str()));
        out.insert("pod".into(), json!(row.worker.pod.as_str()));
        out.insert("node".into(), json!(row.node));
        out.insert("gpus".into(), json!(row.worker.gpus));
        out.insert("memoryLimitBytes".into(), json!((row.worker.memory_limit > 0).then_some(row.worker.memory_limit)));
        for metric in Metric::ALL {
            let stats = self.stats(row, metric);
            let stats = stats
                .map(|s| json!({"now": s.now, "at": s.at.to_string(), "mean": s.mean, "min": s.min, "max": s.max}));
            out.insert(metric.key().to_owned(), stats.unwrap_or_default());
        }
        let flags: Vec<Value> =
            row.flags.iter().map(|flag| json!({"flag": flag.word(), "text": flag.to_string()})).collect();
        out.insert("flags".into(), json!(flags));
        Value::Object(out)
    }

    fn aggregated(&self) -> Value {
        let mut out = Map::new();
        for metric in Metric::ALL.into_iter().filter(|metric| !matches!(metric, Metric::Xid | Metric::Throttle)) {
            let (total, key) = (self.total(metric), metric.key());
            let key = format!("{}{}", key[..1].to_uppercase(), &key[1..]);
            out.insert(format!("avg{key}"), json!(total.map(|stats| stats.mean)));
            out.insert(format!("max{key}"), json!(total.map(|stats| stats.max)));
        }
        Value::Object(out)
    }

    /// Every value, a line each: time, replica, pod, metric, value.
    pub fn csv(&self) -> String {
        let mut out = "time,worker,pod,metric,value\n".to_owned();
        for row in self.rows() {
            let (worker, pod) = (csv_field(row.id.as_str()), csv_field(row.worker.pod.as_str()));
            for metric in Metric::ALL {
                let series = self.usage.series(&row.worker.pod, metric);
                for (at, value) in series.into_iter().flat_map(Series::points) {
                    // Writing to a String does not fail.
                    let _ = writeln!(out, "{at},{worker},{pod},{},{value}", metric.key());
                }
            }
        }
        out
    }
}

/// What is missing and why, in one line.
pub fn told(lack: &Lack) -> String {
    let names: Vec<&str> = lack.metrics.iter().map(|metric| metric.title()).collect();
    format!("{}: {}. {}", names.join(", "), lack.why, lack.hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{
        Kind, PodRow, Sym, Uid,
        replica::MISSING,
        row::Requests,
        usage::{Points, Reading},
    };

    #[test]
    fn json_and_csv_have_what_was_measured_and_null_for_what_was_not() {
        let job = JobRow::bare(Kind::MpiJob, Name::lossy("nlp"), Name::lossy("t"), Uid::new("u"));
        let requests = Requests { gpus: 2, memory_limit: 100, ..Requests::default() };
        let pod = PodRow { name: Name::lossy("t-worker-0"), requests, node: Some(Sym::new("n1")), ..PodRow::default() };
        let replica =
            |index, attempts| Replica { role: Sym::new("Worker"), index: Some(index), attempts, absent: MISSING };
        let replicas = [replica(0, vec![&pod]), replica(1, vec![])];
        let now = Secs(1_000_000);
        let mut usage = Usage::new(15);
        let point = |metric, value| Points {
            pod: pod.name.clone(),
            metric,
            values: vec![(Secs(now.0 - 25), 50.0), (Secs(now.0 - 10), value)],
        };
        let points = vec![point(Metric::Gpu, 100.0), point(Metric::Memory, 95.0)];
        usage.take(&Reading { points, ..Reading::default() });
        let lacks = [Lack { metrics: vec![Metric::Power], why: Clean::new("no series"), hint: Clean::new("Add it.") }];
        let source = Clean::new("Prometheus p");
        let sheet = Sheet {
            job: &job,
            replicas: &replicas,
            usage: &usage,
            source: &source,
            range: Range::Quarter,
            lacks: &lacks,
            now,
        };
        let json = sheet.json();
        assert_eq!(json["workers"].as_array().map(Vec::len), Some(1), "one has no pod");
        let worker = &json["workers"][0];
        assert_eq!((&worker["name"], &worker["gpuUtilization"]["mean"]), (&json!("worker-0"), &json!(75.0)));
        assert_eq!(worker["gpuPowerWatts"], Value::Null);
        assert_eq!(worker["flags"][0]["text"], "memory at 95% of its limit");
        assert_eq!(json["aggregated"]["avgGpuUtilization"], 75.0);
        assert_eq!((&json["aggregated"]["avgGpuPowerWatts"], &json["progress"]), (&Value::Null, &Value::Null));
        assert_eq!((&json["ageSeconds"], &json["partial"]), (&json!(10), &json!(true)));
        assert_eq!(json["unread"][0], "GPU power: no series. Add it.");
        let csv = sheet.csv();
        let lines: Vec<_> = csv.lines().collect();
        assert_eq!(lines.len(), 5, "{csv}");
        assert_eq!(lines[1], format!("{},worker-0,t-worker-0,gpuUtilization,50", Secs(999_975)));
    }
}
