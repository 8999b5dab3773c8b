//! `nvidia-smi` in a replica: what is run, and what its table says.
//!
//! Owns no transport: a program in a container is a change, and run as one.

use super::makers::Maker;
use crate::jobs::{
    Clean, Name, Secs,
    usage::{Lack, Metric, Part, PartPoints, Points, Reading},
};

/// The program with its arguments.
pub const ARGV: [&str; 3] = [
    "nvidia-smi",
    "--query-gpu=index,utilization.gpu,memory.used,memory.total,power.draw,temperature.gpu",
    "--format=csv,noheader,nounits",
];

/// Whether it can know GPUs that are asked for by this resource name; none is taken for the most usual one.
pub fn knows(resource: Option<&str>) -> bool {
    resource.is_none_or(|name| name.is_empty() || Maker::known(name) == Some(Maker::Nvidia))
}

const MIB: f64 = 1_048_576.0;

/// What its columns are, beside the number of the GPU.
const COLUMNS: [(Metric, f64); 5] = [
    (Metric::Gpu, 1.0),
    (Metric::GpuMemory, MIB),
    (Metric::GpuMemoryTotal, MIB),
    (Metric::Power, 1.0),
    (Metric::Temperature, 1.0),
];

/// One GPU, as it is now; `None` is «[N/A]» or «[Not Supported]».
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Gpu {
    /// Its number.
    index: u32,
    /// Percent, MiB, MiB, watts, degrees.
    fields: [Option<f64>; 5],
}

/// What a pod's `nvidia-smi` printed. `Err`: what it said in place of a table.
fn gpus(output: &str) -> Result<Vec<Gpu>, Clean> {
    let lines = output.lines().map(str::trim).filter(|line| !line.is_empty());
    let gpus: Option<Vec<Gpu>> = lines.map(gpu).collect();
    let said =
        || Clean::new(output.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it printed nothing"));
    gpus.filter(|gpus| !gpus.is_empty()).ok_or_else(said)
}

/// The same, as what was measured of the pod at that moment.
fn points(pod: &Name, at: Secs, output: &str) -> Result<Vec<Points>, Clean> {
    let gpus = gpus(output)?;
    let column = |at: usize| gpus.iter().filter_map(move |gpu| gpu.fields[at]);
    let (sum, count) = column(0).fold((0.0, 0u32), |(sum, n), value| (sum + value, n + 1));
    let some = |value: f64, at: usize| (column(at).count() > 0).then_some(value);
    let all = [
        (Metric::Gpu, some(sum / f64::from(count.max(1)), 0)),
        (Metric::GpuMemory, some(column(1).sum::<f64>() * MIB, 1)),
        (Metric::GpuMemoryTotal, some(column(2).sum::<f64>() * MIB, 2)),
        (Metric::Power, some(column(3).sum(), 3)),
        (Metric::Temperature, some(column(4).fold(f64::MIN, f64::max), 4)),
    ];
    let point =
        |(metric, value): (Metric, Option<f64>)| Some(Points { pod: pod.clone(), metric, values: vec![(at, value?)] });
    Ok(all.into_iter().filter_map(point).collect())
}

fn gpu(line: &str) -> Option<Gpu> {
    let mut cells = line.split(',').map(str::trim);
    let index = cells.next()?.parse().ok()?;
    let mut fields = [None; 5];
    for field in &mut fields {
        let cell = cells.next()?;
        *field = cell.parse().ok().filter(|value: &f64| value.is_finite() && *value < 9e18);
        if field.is_none() && !cell.starts_with('[') {
            return None;
        }
    }
    Some(Gpu { index, fields })
}

/// What the workers said of each of their GPUs.
pub fn parts(at: Secs, answers: &[(Name, Result<String, Clean>)]) -> Vec<PartPoints> {
    let mut out = Vec::new();
    for (pod, answer) in answers {
        let all = answer.as_ref().ok().and_then(|output| gpus(output).ok()).unwrap_or_default();
        for gpu in all {
            let told = COLUMNS.iter().zip(gpu.fields).filter_map(|(column, value)| Some((column, value?)));
            out.extend(told.map(|((metric, factor), value)| PartPoints {
                part: Part::whole(gpu.index),
                points: Points { pod: pod.clone(), metric: *metric, values: vec![(at, value * factor)] },
            }));
        }
    }
    out
}

/// What the workers of a job said, put together. Each `Err` is why one said nothing.
pub fn reading(at: Secs, answers: &[(Name, Result<String, Clean>)]) -> Reading {
    let mut reading = Reading::default();
    let mut why: Vec<(Clean, u32)> = Vec::new();
    for (pod, answer) in answers {
        match answer.as_ref().map_err(Clone::clone).and_then(|output| points(pod, at, output)) {
            Ok(points) => reading.points.extend(points),
            Err(said) => match why.iter_mut().find(|(known, _)| *known == said) {
                Some((_, count)) => *count += 1,
                None => why.push((said, 1)),
            },
        }
    }
    let lacks = why.into_iter().map(|(said, count)| Lack {
        metrics: Metric::SHOWN[..4].to_vec(),
        why: Clean::new(&format!("nvidia-smi in {count} of {} workers: {said}", answers.len())),
        hint: Clean::new(
            "The image needs nvidia-smi, and the container a GPU (NVIDIA_DRIVER_CAPABILITIES with utility).",
        ),
    });
    reading.lacks = lacks.collect();
    reading
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> Result<Vec<(Metric, f64)>, String> {
        let points = points(&Name::lossy("w-0"), Secs(100), output).map_err(|said| said.to_string())?;
        Ok(points.into_iter().map(|points| (points.metric, points.values[0].1)).collect())
    }

    #[test]
    fn several_gpus_make_one_worker() {
        let read = read("0, 97, 71234, 81920, 389.51, 61\n1, 95, 70000, 81920, 401.00, 66\n").expect("a table");
        assert_eq!(
            read,
            [
                (Metric::Gpu, 96.0),
                (Metric::GpuMemory, 141_234.0 * MIB),
                (Metric::GpuMemoryTotal, 163_840.0 * MIB),
                (Metric::Power, 790.51),
                (Metric::Temperature, 66.0)
            ]
        );
    }

    #[test]
    fn each_gpu_is_told_of_apart() {
        let said = [(Name::lossy("w-0"), Ok("0, 97, 10, 100, [N/A], 61\n3, 5, 20, 100, 70, 66\n".to_owned()))];
        let of = |metric| {
            let all = parts(Secs(9), &said).into_iter().filter(move |read| read.points.metric == metric);
            all.map(|read| (read.part.title.to_string(), read.points.values[0].1)).collect::<Vec<_>>()
        };
        assert_eq!(of(Metric::Gpu), [("GPU 0".to_owned(), 97.0), ("GPU 3".to_owned(), 5.0)]);
        assert_eq!(of(Metric::GpuMemory)[1], ("GPU 3".to_owned(), 20.0 * MIB));
        assert_eq!(of(Metric::Power), [("GPU 3".to_owned(), 70.0)], "what is not known is not there");
    }

    #[test]
    fn what_is_not_known_is_no_zero() {
        let read = read("0, [N/A], 10, 100, [Not Supported], 40").expect("a table");
        let metrics: Vec<_> = read.iter().map(|(metric, _)| *metric).collect();
        assert_eq!(metrics, [Metric::GpuMemory, Metric::GpuMemoryTotal, Metric::Temperature]);
    }

    #[test]
    fn what_is_no_table_is_told() {
        for said in ["No devices were found", "bash: nvidia-smi: command not found", "0, 97", "0, x, 1, 1, 1, 1"] {
            assert_eq!(read(&format!("\n{said}\n")), Err(said.to_owned()));
        }
        assert_eq!(read(""), Err("it printed nothing".to_owned()));
    }

    #[test]
    fn workers_that_said_the_same_are_told_of_once() {
        let pod = |at: u32| Name::lossy(&format!("w-{at}"));
        let missing = || Err(Clean::new("command not found"));
        let answers = [(pod(0), missing()), (pod(1), missing()), (pod(2), Ok("0, 1, 2, 3, 4, 5".to_owned()))];
        let reading = reading(Secs(9), &answers);
        assert_eq!((reading.points.len(), reading.lacks.len()), (5, 1));
        assert_eq!(reading.lacks[0].why.as_str(), "nvidia-smi in 2 of 3 workers: command not found");
    }
}
