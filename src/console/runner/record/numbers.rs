//! What was measured of a job in the quarter of an hour before its end: read once for its record, and back from it.
//!
//! Asks only a source that knows the past; of others there is nothing left once a job has ended. A page that shows the
//! record already, because the job has just been deleted, is told what was read.

use std::path::PathBuf;

use super::{keeper::Work, streams::Desk};
use crate::{
    console::{
        message::Message,
        model::{page::metrics::Measured, record::RecordMessage},
        runner::{Ready, Results, metrics::Search},
    },
    disk::records::{KeptNumbers, KeptSeries, Records},
    jobs::{
        Clean, Secs,
        fleet::JobKey,
        usage::{Metric, Points, Range, Reading, Window},
    },
    metrics::{self, Job, Source},
};

/// What is to be read: of which pods, since when, until when.
pub(super) struct Span {
    pub(super) job: Job,
    pub(super) started: Secs,
    pub(super) until: Secs,
}

/// Reads the numbers of a job up to its end, of pods that its record knows, too, and has them kept.
pub(super) async fn keep(desk: Desk, ready: Ready, search: Search, records: Records, span: Span) {
    let Span { mut job, started, until } = span;
    let header = std::sync::Arc::clone(&desk.header);
    let known = tokio::task::spawn_blocking(move || records.read(&records.dir(&header.cluster, &header.job)));
    if let Ok(Ok(Some(record))) = known.await {
        job = Job::of(&desk.header.job.namespace, record.pods.iter().map(|pod| &pod.row)).with(job);
    }
    let source = search.found(&ready).await.source;
    if !source.has_history() || job.pods.is_empty() {
        return;
    }
    let window = Range::Quarter.window(started, until);
    // What can't be read now is not there later: the page of the record says that it has none.
    let Ok(reading) = metrics::read(&source, &desk.session, &job, window).await else { return };
    if reading.points.is_empty() {
        return;
    }
    let kept = kept(&source, window, reading);
    let work = Work::Numbers(std::sync::Arc::clone(&desk.header), desk.session.now(), Box::new(kept.clone()));
    if desk.write(work).await {
        let (source, measured) = measured(kept);
        let read = RecordMessage::Numbers(desk.header.job.clone(), source, Box::new(measured));
        // A closed channel means that the console has ended.
        let _ = desk.results.send(Message::Record(read)).await;
    }
}

/// Reads what was kept of a job in this directory, for the page that shows it.
pub(super) async fn read(records: Records, results: Results, key: JobKey, dir: PathBuf) {
    let read = tokio::task::spawn_blocking(move || match records.numbers_in(&dir) {
        Ok(kept) => kept.map(measured),
        Err(problem) => {
            tracing::warn!("what was measured can't be read: {problem}");
            None
        }
    });
    if let Ok(Some((source, measured))) = read.await {
        let read = RecordMessage::Numbers(key, source, Box::new(measured));
        // A closed channel means that the console has ended.
        let _ = results.send(Message::Record(read)).await;
    }
}

fn kept(source: &Source, window: Window, reading: Reading) -> KeptNumbers {
    let series = |points: Points| KeptSeries {
        pod: points.pod,
        metric: points.metric.key().to_owned(),
        values: points.values.into_iter().map(|(at, value)| (at, value as f32)).collect(),
    };
    let Window { from, to, step } = window;
    KeptNumbers { source: source.title(), from, to, step, series: reading.points.into_iter().map(series).collect() }
}

/// As a page takes them; a metric that this version does not know is passed over.
fn measured(kept: KeptNumbers) -> (Clean, Measured) {
    let points = |series: KeptSeries| {
        let metric = Metric::ALL.into_iter().find(|metric| metric.key() == series.metric)?;
        let values = series.values.into_iter().map(|(at, value)| (at, f64::from(value))).collect();
        Some(Points { pod: series.pod, metric, values })
    };
    let reading = Reading { points: kept.series.into_iter().filter_map(points).collect(), lacks: Vec::new() };
    let window = Window { from: kept.from, to: kept.to, step: kept.step.max(1) };
    let source = Clean::new(&format!("{}, recorded", kept.source));
    (source, Measured { window, whole: true, reading })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Name;

    #[test]
    fn what_was_kept_comes_back_and_what_nobody_knows_is_passed_over() {
        let window = Window::of(900, Secs(1_000_000));
        let points = Points {
            pod: Name::lossy("pi-worker-0"),
            metric: Metric::Cpu,
            values: vec![(Secs(999_960), 0.5), (Secs(999_975), 1.5)],
        };
        let reading = Reading { points: vec![points.clone()], lacks: Vec::new() };
        let mut numbers = kept(&Source::Nothing, window, reading);
        numbers.series.push(KeptSeries { metric: "of-tomorrow".to_owned(), ..KeptSeries::default() });
        let (source, measured) = measured(numbers);
        assert!(source.as_str().ends_with(", recorded"), "{source}");
        assert_eq!((measured.window, measured.whole), (window, true));
        assert_eq!(measured.reading.points, [points]);
    }
}
