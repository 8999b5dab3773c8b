//! What was measured of a job up to its end: a file of its own, written whole, read by those alone who show it.
//!
//! Owns its bound. What has no room is kept at longer steps, so that no pod goes missing. Four digits of a value are kept.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::file;
use crate::{
    disk::{atomic, problem::DiskProblem},
    jobs::{Clean, Name, Secs},
};

/// Its name in a record.
const NUMBERS: &str = "numbers.jsonl";
/// The part of a record's bound that it may take.
pub(super) const PART: u64 = 8;
/// Longest seconds between two values: with fewer there is no picture.
const LONGEST_STEP: u32 = 300;
/// Values of one series that are read: somebody may have written the file by hand.
const MOST_VALUES: usize = 1_000;

/// What was measured of the job up to its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptNumbers {
    /// Who measured it.
    pub source: Clean,
    /// The first moment.
    pub from: Secs,
    /// The last.
    pub to: Secs,
    /// Seconds between two.
    pub step: u32,
    /// The values.
    pub series: Vec<KeptSeries>,
}

/// One metric of one pod.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KeptSeries {
    /// The pod.
    pub pod: Name,
    /// The metric's key, as scripts read it.
    pub metric: String,
    /// Values with their moments, the oldest first.
    pub values: Vec<(Secs, f32)>,
}

/// The first line.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Head {
    source: Clean,
    from: Secs,
    to: Secs,
    step: u32,
}

/// The other lines: a pod each, its values on the grid of steps by the metric's key, `null` where there is none.
#[derive(Serialize, Deserialize)]
struct Line {
    pod: Name,
    values: BTreeMap<String, Vec<Option<Value>>>,
}

/// A number that is written as short as it can be.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(untagged)]
enum Value {
    Whole(i64),
    Part(f64),
}

impl Value {
    fn of(value: f32) -> Option<Self> {
        let four: f64 = format!("{value:.3e}").parse().ok().filter(|four: &f64| four.is_finite())?;
        let is_whole = four.fract() == 0.0 && four.abs() < 9e15;
        Some(if is_whole { Self::Whole(four as i64) } else { Self::Part(four) })
    }

    const fn get(self) -> f32 {
        match self {
            Self::Whole(value) => value as f32,
            Self::Part(value) => value as f32,
        }
    }
}

/// Writes it into a record; `Ok(false)`: it does not fit, however long the steps.
pub(super) fn write(dir: &Path, kept: &KeptNumbers, most: u64) -> Result<bool, DiskProblem> {
    let mut step = kept.step.max(1);
    loop {
        let text = lines(kept, step);
        if text.len() as u64 <= most {
            atomic::write_quickly(&dir.join(NUMBERS), &text)?;
            return Ok(true);
        }
        step = step.saturating_mul(2);
        if step > LONGEST_STEP {
            return Ok(false);
        }
    }
}

fn lines(kept: &KeptNumbers, step: u32) -> Vec<u8> {
    let KeptNumbers { source, from, to, series, .. } = kept;
    let mut out = Vec::new();
    // Numbers and text can be written: nothing is left out.
    let mut line = |json: serde_json::Result<Vec<u8>>| {
        out.extend(json.unwrap_or_default());
        out.push(b'\n');
    };
    line(serde_json::to_vec(&Head { source: source.clone(), from: *from, to: *to, step }));
    let mut pods = BTreeMap::<&Name, BTreeMap<String, Vec<Option<Value>>>>::new();
    for one in series {
        let values = pods.entry(&one.pod).or_default().entry(one.metric.clone()).or_default();
        for (at, value) in &one.values {
            // Of several in one step the newest stays.
            let Some(place) = (at.0 / step).checked_sub(from.0 / step).map(|place| place as usize) else { continue };
            if place < MOST_VALUES {
                values.resize(values.len().max(place + 1), None);
                values[place] = Value::of(*value);
            }
        }
    }
    for (pod, values) in pods {
        line(serde_json::to_vec(&Line { pod: pod.clone(), values }));
    }
    out
}

/// Reads it from a record, if it is there. Lines that can't be read are left out.
pub(super) fn read(dir: &Path, most: u64) -> Result<Option<KeptNumbers>, DiskProblem> {
    let bytes = file::read(&dir.join(NUMBERS), most)?;
    let mut lines = file::lines(&bytes);
    let Some(Head { source, from, to, step }) = lines.next().and_then(|line| serde_json::from_slice(line).ok()) else {
        return Ok(None);
    };
    let step = step.max(1);
    let moment = |place: usize| Secs((from.0 / step).saturating_add(place as u32).saturating_mul(step));
    let mut series = Vec::new();
    for Line { pod, values } in lines.filter_map(|line| serde_json::from_slice(line).ok()) {
        series.extend(values.into_iter().map(|(metric, values)| {
            let values = values.into_iter().take(MOST_VALUES).enumerate();
            let values = values.filter_map(|(place, value)| Some((moment(place), value?.get()))).collect();
            KeptSeries { pod: pod.clone(), metric, values }
        }));
    }
    Ok(Some(KeptNumbers { source, from, to, step, series }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn numbers(pods: usize, metrics: usize, values: u32) -> KeptNumbers {
        let (from, step) = (Secs(1_000_005), 15);
        let of = |pod: usize, metric: usize| KeptSeries {
            pod: Name::lossy(&format!("pretrain-worker-{pod}")),
            metric: format!("metric{metric}"),
            values: (0..values).map(|i| (Secs(from.0 + i * step), (i + pod as u32) as f32 * 1.37)).collect(),
        };
        let mut series: Vec<_> = (0..pods).flat_map(|pod| (0..metrics).map(move |metric| of(pod, metric))).collect();
        series.sort_by(|a, b| (&a.pod, &a.metric).cmp(&(&b.pod, &b.metric)));
        KeptNumbers { source: Clean::new("Prometheus p"), from, to: Secs(from.0 + values * step), step, series }
    }

    #[test]
    fn what_was_written_is_read_as_it_was() {
        let dir = tempfile::tempdir().expect("a directory");
        let kept = numbers(3, 2, 61);
        assert_eq!(read(dir.path(), 1 << 20), Ok(None), "nothing is there");
        assert_eq!(write(dir.path(), &kept, 1 << 20), Ok(true));
        let back = read(dir.path(), 1 << 20).expect("read").expect("there");
        assert_eq!((&back.source, back.from, back.to, back.step), (&kept.source, kept.from, kept.to, kept.step));
        let of = |kept: &KeptNumbers| -> Vec<_> {
            kept.series.iter().map(|one| (one.pod.clone(), one.metric.clone(), one.values.len())).collect()
        };
        assert_eq!(of(&back), of(&kept));
        for (one, other) in back.series.iter().zip(&kept.series) {
            for ((at, value), (_, exact)) in one.values.iter().zip(&other.values) {
                assert!((value - exact).abs() <= exact.abs() * 0.0006, "{value} for {exact} at {at:?}");
            }
        }
    }

    #[test]
    fn hundreds_of_pods_stay_all_at_longer_steps_where_room_is_scarce() {
        let dir = tempfile::tempdir().expect("a directory");
        // An eighth of a record of 16 MiB, and of a smaller one: eleven metrics over a quarter of an hour.
        for (pods, most, longest) in [(400, 2 << 20, 15), (2_000, 2 << 20, 120), (400, 400 << 10, 120)] {
            assert_eq!(write(dir.path(), &numbers(pods, 11, 61), most), Ok(true));
            let back = read(dir.path(), most).expect("read").expect("there");
            assert!(back.step <= longest, "{pods} pods in {most} bytes: steps of {} s", back.step);
            assert_eq!(back.series.len(), pods * 11, "no pod goes missing");
            assert!(back.series.iter().all(|one| one.values.len() >= 900 / back.step as usize));
            assert!(back.series.iter().all(|one| one.values.last().is_some_and(|(_, value)| *value > 80.0)), "the end");
        }
        assert_eq!(write(dir.path(), &numbers(400, 11, 61), 4 << 10), Ok(false), "that is too little for anything");
        let back = read(dir.path(), 2 << 20).expect("read").expect("there");
        assert_eq!(back.series.len(), 400 * 11, "and what was there is still there");
    }

    #[test]
    fn a_hostile_file_is_bounded_and_a_torn_line_is_left_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let far = format!("{{\"pod\":\"a\",\"values\":{{\"cpu\":[{}1]}}}}", "null,".repeat(5_000));
        let text = format!(
            "{{\"step\":0,\"from\":4294967295}}\n{far}\nnonsense\n{{\"pod\":\"b\",\"values\":{{\"cpu\":[1]}}}}\n{{\"pod\":"
        );
        std::fs::write(dir.path().join(NUMBERS), text).expect("written");
        let back = read(dir.path(), 1 << 20).expect("read").expect("there");
        let pods: Vec<_> = back.series.iter().map(|one| (one.pod.as_str(), one.values.len())).collect();
        assert_eq!(pods, [("a", 0), ("b", 1)]);
    }

    proptest! {
        #[test]
        fn four_digits_of_every_value_stay(value in -1e12f32..1e12, small in -1f32..1.0) {
            for value in [value, small] {
                let kept = Value::of(value).map(|kept| serde_json::to_string(&kept).expect("written"));
                let back: Value = serde_json::from_str(&kept.expect("a number")).expect("read");
                prop_assert!((back.get() - value).abs() <= value.abs() * 0.0006, "{} for {value}", back.get());
            }
        }
    }
}
