//! The samples that a Prometheus would have, had it always scraped: series read at the times of its scrapes.

use jiff::Timestamp;
use promql_parser::label::Matcher;

use super::exporter::Exporter;
use super::family::{Family, Reading, Row};
use super::scene::{GpuLabels, Scene};
use super::targets::{kept, target, targets};
use crate::sim::promql::{Fault, Labels, NAME, Series, Source, is_meant, stale};
use crate::sim::value::hash;

/// Milliseconds between two scrapes.
pub(super) const SCRAPE: i64 = 15_000;
/// Samples that one selector may bring.
const MOST: usize = 20_000_000;

/// The past up to now.
pub(super) struct History<'s> {
    pub(super) scene: &'s Scene,
    pub(super) now: Timestamp,
}

/// A series that may be meant.
pub(super) struct Found {
    pub(super) labels: Labels,
    read: Reading,
    /// When, within the time between two scrapes, its target is scraped.
    phase: i64,
}

impl History<'_> {
    /// The series that these matchers mean, whether or not they have samples.
    pub(super) fn found(&self, matchers: &[Matcher]) -> Vec<Found> {
        let mut found = self.up(matchers);
        for exporter in Exporter::ALL {
            let may_mean =
                |namespace: &str, pod: &str| may_mean(exporter, self.scene.labels, matchers, (namespace, pod));
            let mut scene = self.scene.narrowed(|pod| may_mean(&pod.namespace, &pod.name));
            scene.unowned = may_mean("", "");
            let named = |family: &&Family| matchers.iter().filter(|m| m.name == NAME).all(|m| m.is_match(family.name));
            for family in exporter.families().iter().filter(named) {
                let rows = (family.rows)(&scene).into_iter();
                found.extend(rows.filter_map(|row| self.meant(exporter, family, row, matchers)));
            }
        }
        found
    }

    fn meant(&self, exporter: Exporter, family: &Family, row: Row, matchers: &[Matcher]) -> Option<Found> {
        let target = target(exporter, self.scene, &row.node);
        let labels = kept(exporter, family.name, &row.labels, &target);
        let phase = (hash(&row.node) ^ hash(exporter.word())) as i64;
        is_meant(matchers, &labels).then(|| Found { labels, read: row.read, phase: phase.rem_euclid(SCRAPE) })
    }

    /// Whether targets could be scraped.
    fn up(&self, matchers: &[Matcher]) -> Vec<Found> {
        let one = |(exporter, node): (Exporter, String)| {
            let target = target(exporter, self.scene, &node);
            let labels = kept(exporter, "up", &Labels::default(), &target);
            let node = self.scene.nodes.get(node.as_str()).cloned();
            let read = move |at| Some(f64::from(u8::from(node.as_ref().is_none_or(|node| node.speaks(at)))));
            is_meant(matchers, &labels).then(|| Found { labels, read: Box::new(read), phase: 0 })
        };
        targets(self.scene).into_iter().filter_map(one).collect()
    }
}

/// Whether a pod of this namespace and name can have series that are meant: others need not be made.
fn may_mean(exporter: Exporter, how: GpuLabels, matchers: &[Matcher], (namespace, pod): (&str, &str)) -> bool {
    let before = if exporter == Exporter::Dcgm && how == GpuLabels::Exported { "exported_" } else { "" };
    matchers.iter().all(|m| match m.name.strip_prefix(before) {
        Some("namespace") => m.is_match(namespace),
        Some("pod") => m.is_match(pod),
        _ => true,
    })
}

impl Found {
    /// Its samples after `from` until `until`, and a stale mark where it ends.
    pub(super) fn samples(&self, from: i64, until: i64) -> Vec<(i64, f64)> {
        let mut at = (from - self.phase).div_euclid(SCRAPE) * SCRAPE + self.phase;
        let mut samples = Vec::new();
        let mut was_there = false;
        while at <= until {
            let value = Timestamp::from_millisecond(at).ok().and_then(|time| (self.read)(time));
            // The scrape before the window tells whether its first is an end.
            if at > from {
                match value {
                    Some(value) => samples.push((at, value)),
                    None if was_there => samples.push((at, stale())),
                    None => {}
                }
            }
            was_there = value.is_some();
            at += SCRAPE;
        }
        samples
    }

    /// Whether it has a sample in that time.
    pub(super) fn was_there(&self, from: i64, until: i64) -> bool {
        let first = from - (from - self.phase).rem_euclid(SCRAPE);
        let mut scrapes = (0..).map(|n| first + n * SCRAPE).take_while(|at| *at <= until).filter(|at| *at >= from);
        scrapes.any(|at| Timestamp::from_millisecond(at).ok().and_then(|time| (self.read)(time)).is_some())
    }
}

impl Source for History<'_> {
    fn select(&self, matchers: &[Matcher], from: i64, until: i64) -> Result<Vec<Series>, Fault> {
        let until = until.min(self.now.as_millisecond());
        let found = self.found(matchers);
        let scrapes = usize::try_from((until - from).max(0) / SCRAPE).unwrap_or(usize::MAX).saturating_add(1);
        if found.len().saturating_mul(scrapes) > MOST {
            let why = "query processing would load too many samples into memory in query execution";
            return Err(Fault::Execution(why.to_owned()));
        }
        let series = found.into_iter().map(|f| Series { samples: f.samples(from, until), labels: f.labels });
        Ok(series.filter(|series| !series.samples.is_empty()).collect())
    }

    /// No scrape fails here: what has no sample of the last one has ended.
    fn lookback(&self) -> i64 {
        2 * SCRAPE
    }
}
