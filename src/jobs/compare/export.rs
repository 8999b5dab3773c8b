//! A comparison as scripts read it: JSON and CSV, the same from command line and console.

use serde_json::{Map, Value, json};

use super::{run::Run, sheet::Sheet};
use crate::jobs::{progress, text::csv_field};

impl Sheet<'_> {
    /// As one JSON document (docs/compare.md has its fields).
    pub fn json(&self) -> Value {
        json!({
            "apiVersion": "mpideck/v1",
            "kind": "Comparison",
            "baseline": self.runs.get(self.base).map(|run| json!({"name": run.title(), "uid": run.uid})),
            "goals": {"efficiencyPercent": self.goals.efficiency, "speed": self.goals.speed},
            "differs": self.differing().iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            "notes": self.notes(),
            "jobs": self.runs.iter().map(|run| self.job(run)).collect::<Vec<_>>(),
        })
    }

    fn job(&self, run: &Run) -> Value {
        let speed = run.speed();
        let efficiency = self.efficiency(run);
        let fields: Map<String, Value> = run
            .fields
            .iter()
            .map(|(name, value)| ((*name).to_owned(), if value.is_empty() { Value::Null } else { json!(value) }))
            .collect();
        json!({
            "namespace": run.namespace.as_str(),
            "name": run.name.as_str(),
            "uid": run.uid,
            "kind": run.kind,
            "recorded": run.recorded,
            "state": run.state,
            "finishedJob": run.finished,
            "cause": run.cause.as_ref().map(ToString::to_string),
            "waitedSeconds": run.waited,
            "ranSeconds": run.ran,
            "workers": run.workers,
            "slots": run.slots,
            "gpus": run.gpus,
            "image": run.image.as_str(),
            "progress": run.progress.as_deref().map(progress::json),
            "speed": speed.map(|rate| json!({"unit": rate.unit.word(), "last": rate.last, "mean": rate.mean})),
            "speedUp": self.speed_up(run).map(|(times, _)| times),
            "efficiency": efficiency,
            "meetsEfficiency": efficiency.and_then(|share| self.meets(share)),
            "fields": fields,
        })
    }

    /// A line a run; a column for what is always told and for each field that differs.
    pub fn csv(&self) -> String {
        let rows = self.rows();
        let mut out = "namespace,name,recorded".to_owned();
        for row in &rows {
            out.push(',');
            out.push_str(&csv_field(row.title));
        }
        out.push('\n');
        for (at, run) in self.runs.iter().enumerate() {
            let (namespace, name) = (csv_field(run.namespace.as_str()), csv_field(run.name.as_str()));
            out.push_str(&[namespace, name, run.recorded.to_string()].join(","));
            for cell in rows.iter().filter_map(|row| row.cells.get(at)) {
                out.push(',');
                out.push_str(&csv_field(&cell.text));
            }
            out.push('\n');
        }
        out
    }
}
