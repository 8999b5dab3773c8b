//! Why a Prometheus has nothing of a metric: one more question or two, and what to do.

use super::{
    makers::{Maker, held, selector},
    queries::quotable,
    source::Prometheus,
};
use crate::jobs::{
    Clean, Name, Secs,
    usage::{Lack, Metric},
};

/// Why there is nothing about the GPUs of these pods.
pub(super) async fn gpus(from: &Prometheus, namespace: &Name, maker: Maker, metrics: Vec<Metric>, now: Secs) -> Lack {
    let (sign, exporter) = (maker.sign_in_words(), maker.exporter());
    let any = selector(maker.sign(), "");
    let all = count(from, namespace, &format!("count({any})"), now).await;
    let of_pods = format!("count({})", held(maker, maker.sign()));
    let (why, hint) = match all {
        Some(0) => absent(from, sign, exporter),
        Some(gpus) if count(from, namespace, &of_pods, now).await == Some(0) => {
            (format!("the {exporter} has no pod labels ({gpus} GPUs without one)"), with_labels(maker).to_owned())
        }
        Some(_) => (
            format!("{sign} has no series of these pods in this time"),
            "They may just have begun, or have run before this range.".to_owned(),
        ),
        None => (format!("{sign} could not be looked for"), AGAIN.to_owned()),
    };
    lack(metrics, &why, &hint)
}

/// Why there is nothing about GPUs of these makers that any pod holds: what is wrong, or that none holds one.
pub(super) async fn held_gpus(from: &Prometheus, namespace: &Name, makers: &[Maker], now: Secs) -> Lack {
    let (mut why, mut hint) = {
        let all = |of: fn(Maker) -> &'static str, and: &str| {
            makers.iter().map(|maker| of(*maker)).collect::<Vec<_>>().join(and)
        };
        absent(from, &all(Maker::sign_in_words, " nor "), &all(Maker::exporter, " or the "))
    };
    for maker in makers.iter().copied() {
        let (sign, exporter) = (maker.sign_in_words(), maker.exporter());
        let any = selector(maker.sign(), "");
        (why, hint) = match count(from, namespace, &format!("count({any})"), now).await {
            Some(0) => continue,
            None => (format!("{sign} could not be looked for"), AGAIN.to_owned()),
            Some(gpus)
                if count(from, namespace, &format!("count({})", held(maker, maker.sign())), now).await == Some(0) =>
            {
                (
                    format!(
                        "no pod holds any of the {gpus} GPUs that the {exporter} tells of, or it has no pod labels"
                    ),
                    with_labels(maker).to_owned(),
                )
            }
            Some(_) => (format!("{sign} has no value of a GPU that a pod holds"), AGAIN.to_owned()),
        };
        break;
    }
    lack(vec![Metric::Gpu], &why, &hint)
}

const AGAIN: &str = "It is asked again with the next look.";

/// An exporter of which nothing is to be seen: why, and what to do.
fn absent(from: &Prometheus, sign: &str, exporter: &str) -> (String, String) {
    if from.tenancy {
        let hint = format!(
            "The {exporter} must be scraped with honorLabels: true, or its series have the exporter's namespace, which a \
             tenant does not see."
        );
        return (format!("{sign} is not to be seen in this namespace"), hint);
    }
    let hint = format!("Is the {exporter} installed, and does this Prometheus scrape it?");
    (format!("{} has no {sign}", from.name), hint)
}

/// How an exporter comes to know pods.
const fn with_labels(maker: Maker) -> &'static str {
    match maker {
        Maker::Nvidia => {
            "Set DCGM_EXPORTER_KUBERNETES=true for it, and let it reach the kubelet's pod-resources socket."
        }
        Maker::Amd | Maker::Gaudi => "Let it reach the kubelet's pod-resources socket.",
    }
}

/// Why there is nothing of these series of the kubelet's.
pub(super) async fn kubelet(
    from: &Prometheus,
    namespace: &Name,
    series: &str,
    metrics: Vec<Metric>,
    now: Secs,
) -> Lack {
    let here = format!("count({series}{{namespace=\"{}\"}})", quotable(namespace.as_str()));
    match count(from, namespace, &here, now).await {
        Some(0) => lack(
            metrics,
            &format!("{} has no {series} of this namespace", from.name),
            "Does it scrape the kubelets (/metrics/cadvisor)?",
        ),
        Some(_) => lack(
            metrics,
            &format!("{series} has no series of these pods in this time"),
            "They may just have begun, or have run before this range.",
        ),
        None => lack(metrics, &format!("{series} could not be looked for"), AGAIN),
    }
}

pub(super) fn lack(metrics: Vec<Metric>, why: &str, hint: &str) -> Lack {
    Lack { metrics, why: Clean::new(why), hint: Clean::new(hint) }
}

/// How many series there are; `None` if it does not tell.
async fn count(from: &Prometheus, namespace: &Name, promql: &str, now: Secs) -> Option<u32> {
    let rows = from.instant(namespace, promql, now, "find out why there are no numbers").await.ok()?;
    Some(rows.first().and_then(|row| row.values.first()).map_or(0, |(_, value)| *value as u32))
}
