//! The GPUs of one pod apart, and under MIG their instances by name: one more question, while somebody looks at that pod.

use super::{
    answer::Row,
    makers::Maker,
    queries::{Of, Query},
    read::Job,
    source::Source,
};
use crate::{
    cluster::Problem,
    jobs::{
        Clean, Name,
        usage::{Metric, Part, PartPoints, Points, Window},
    },
};

/// Reads a metric of each GPU of a job's only pod. Nothing, where the source does not tell GPUs apart.
pub async fn apart(source: &Source, job: &Job, metric: Metric, window: Window) -> Result<Vec<PartPoints>, Problem> {
    let (Source::Prometheus(from), [pod], Some(gpus)) = (source, job.pods.as_slice(), &job.gpus) else {
        return Ok(Vec::new());
    };
    let maker = Maker::of(gpus.as_str());
    let Some(query) = Of::new(&job.namespace, [pod]).apart(maker, metric) else { return Ok(Vec::new()) };
    let doing = format!("ask {} for the {} of each GPU", from.name, metric.title());
    let rows = from.range(&job.namespace, &query.promql, window, &doing).await?;
    Ok(rows.iter().map(|row| part_points(&query, maker, pod, row)).collect())
}

fn part_points(query: &Query, maker: Maker, pod: &Name, row: &Row) -> PartPoints {
    let values = row.values.iter().map(|(at, value)| (*at, value * query.factor)).collect();
    PartPoints { part: part(maker, row), points: Points { pod: pod.clone(), metric: query.metric, values } }
}

/// By the labels of its exporter.
fn part(maker: Maker, row: &Row) -> Part {
    let mut labels = maker.part().split(',').map(|name| row.label(name));
    let (gpu, part) = (labels.next().unwrap_or_default(), labels.next().unwrap_or_default());
    let profile = maker.profile().map_or("", |name| row.label(name));
    let number = |text: &str| text.parse().unwrap_or(0);
    let title = match (profile, part) {
        ("", "" | "0") => format!("GPU {gpu}"),
        ("", part) => format!("GPU {gpu}, part {part}"),
        (profile, part) => format!("GPU {gpu}, {profile} {part}"),
    };
    Part { gpu: number(gpu), part: number(part), title: Clean::new(title.trim_end()) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        cluster::testing,
        jobs::{Secs, Sym},
        metrics::{Prometheus, source::Way},
    };

    async fn read(gpus: &str, metric: Metric, rows: Vec<Value>) -> Vec<(String, f64)> {
        let session = testing::session(move |_| {
            testing::answer(200, &json!({"status": "success", "data": {"resultType": "matrix", "result": rows}}))
        })
        .await;
        let source = Source::Prometheus(Prometheus::new("p", session, "", Way::Proxy));
        let job = Job {
            namespace: Name::lossy("nlp"),
            pods: vec![Name::lossy("w-0")],
            selector: String::new(),
            gpus: Some(Sym::new(gpus)),
        };
        let window = Window { from: Secs(60), to: Secs(120), step: 15 };
        let read = apart(&source, &job, metric, window).await.expect("read");
        read.iter().map(|read| (read.part.title.to_string(), read.points.values[0].1)).collect()
    }

    #[tokio::test]
    async fn each_gpu_and_each_instance_has_its_name() {
        let row = |labels: Value| json!({"metric": labels, "values": [[90, "2"]]});
        let rows =
            vec![row(json!({"gpu": "1"})), row(json!({"gpu": "0", "GPU_I_ID": "7", "GPU_I_PROFILE": "1g.10gb"}))];
        let mib = 2.0 * 1_048_576.0;
        let told = read("nvidia.com/gpu", Metric::GpuMemory, rows).await;
        assert_eq!(told, [("GPU 1".to_owned(), mib), ("GPU 0, 1g.10gb 7".to_owned(), mib)]);
        let rows = vec![
            row(json!({"gpu_id": "3", "gpu_partition_id": "0"})),
            row(json!({"gpu_id": "4", "gpu_partition_id": "2"})),
        ];
        let told = read("amd.com/gpu", Metric::Gpu, rows).await;
        assert_eq!(told, [("GPU 3".to_owned(), 2.0), ("GPU 4, part 2".to_owned(), 2.0)]);
        assert_eq!(read("nvidia.com/gpu", Metric::Cpu, Vec::new()).await, [], "a CPU has no GPUs");
    }
}
