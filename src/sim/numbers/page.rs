//! Prometheus' text format.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::exporter::Exporter;
use super::scene::Scene;
use crate::sim::promql::Labels;

/// What exporters say at a moment; `only` names one of them, or is empty for all.
pub(super) fn page(scene: &Scene, only: &str, at: Timestamp) -> String {
    let mut text = String::new();
    let exporters = Exporter::ALL.into_iter().filter(|exporter| only.is_empty() || exporter.word() == only);
    for family in exporters.flat_map(Exporter::families) {
        let mut lines = String::new();
        for row in (family.rows)(scene) {
            if let Some(value) = (row.read)(at) {
                // Into a String nothing fails.
                let _ = writeln!(lines, "{}{} {value}", family.name, labels(&row.labels));
            }
        }
        if !lines.is_empty() {
            let _ = writeln!(text, "# HELP {} {}\n# TYPE {0} {}", family.name, family.help, family.kind.word());
            text.push_str(&lines);
        }
    }
    text
}

fn labels(labels: &Labels) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let all: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}
