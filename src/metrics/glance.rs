//! A look at the whole cluster: which pods' GPUs are idle or broken, whose memory is near its limit. Three questions, of
//! which the answers hold only what is odd.

use super::{
    answer::Row,
    makers::{Maker, of_pods, selector},
    source::Prometheus,
};
use crate::{
    cluster::Problem,
    jobs::{
        Name, Secs,
        usage::{
            Flag,
            flags::{IDLE_BELOW, IDLE_FOR, NEAR},
        },
    },
};

/// A pod with something odd about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Odd {
    /// Its namespace.
    pub namespace: Name,
    /// Its name.
    pub pod: Name,
    /// What.
    pub flag: Flag,
}

/// What a value says.
type ToFlag = fn(f64) -> Flag;

const DOING: &str = "look for idle GPUs";

impl Prometheus {
    /// What is odd now, of all pods that it knows. A tenant's Prometheus has no whole to look at: then nothing.
    pub async fn glance(&self, now: Secs) -> Result<Vec<Odd>, Problem> {
        if self.tenancy {
            return Ok(Vec::new());
        }
        let nowhere = Name::default();
        let xid = by_pod(Maker::Nvidia, |labels| format!("({} < 9e18)", selector("DCGM_FI_DEV_XID_ERRORS", labels)));
        let xid = format!("{xid} > 0");
        let used =
            "max by (namespace,pod,container) (container_memory_working_set_bytes{container!=\"\",container!=\"POD\"})";
        let limit = "max by (namespace,pod,container) (kube_pod_container_resource_limits{resource=\"memory\"})";
        let memory = format!("max by (namespace,pod) ({used} / on(namespace,pod,container) {limit}) >= {NEAR}");
        let mut all = Vec::new();
        let flags: [(String, ToFlag); 3] =
            [(idle(), |_| Flag::idle(IDLE_FOR)), (xid, |code| Flag::Xid(code as u32)), (memory, Flag::near)];
        for (promql, flag) in flags {
            let rows = self.instant(&nowhere, &promql, now, DOING).await?;
            all.extend(rows.iter().filter_map(|row| odd(row, flag)));
        }
        Ok(all)
    }
}

/// The pods of all makers whose GPUs have been idle for so long.
fn idle() -> String {
    let quiet = |maker: Maker| {
        by_pod(maker, |labels| format!("max_over_time({}[{IDLE_FOR}s])", selector(maker.sign(), labels)))
    };
    format!("({}) < {IDLE_BELOW}", Maker::ALL.map(quiet).join(" or "))
}

fn by_pod(maker: Maker, of: impl Fn(&str) -> String) -> String {
    format!("max by (namespace,pod) ({})", of_pods(maker, of))
}

fn odd(row: &Row, flag: ToFlag) -> Option<Odd> {
    let (_, value) = row.values.first()?;
    Some(Odd { namespace: Name::new(row.label("namespace"))?, pod: Name::new(row.label("pod"))?, flag: flag(*value) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{cluster::testing, metrics::source::Way};

    #[test]
    fn idle_gpus_of_every_maker_are_looked_for_under_the_names_of_its_exporter() {
        let amd = "max_over_time({__name__=~\"(amd_)?gpu_gfx_activity\",exported_pod!=\"\"}[600s])";
        let gaudi = "label_replace(max_over_time(habanalabs_utilization{pod_name!=\"\"}[600s]),\"pod\",\"$1\",\"pod_name\",\"(.+)\"),\"namespace\",\"$1\",\"pod_namespace\",\"(.+)\")";
        for part in [amd, gaudi, "max_over_time(DCGM_FI_DEV_GPU_UTIL{exported_pod!=\"\"}[600s])"] {
            assert!(idle().contains(part), "{part} in {}", idle());
        }
        assert!(idle().ends_with(" < 5"), "{}", idle());
    }

    #[tokio::test]
    async fn three_questions_find_what_is_odd() {
        let session = testing::session(|request| {
            let query = testing::param(&request, "query").unwrap_or_default();
            let value = if query.contains("GPU_UTIL") {
                "1"
            } else if query.contains("XID") {
                "79"
            } else {
                "0.97"
            };
            let series = json!({"metric": {"namespace": "nlp", "pod": "t-0"}, "value": [100, value]});
            testing::answer(200, &json!({"status": "success", "data": {"resultType": "vector", "result": [series]}}))
        })
        .await;
        let mut from = Prometheus::new("p", session, "", Way::Proxy);
        let odd = from.glance(Secs(100)).await.expect("answered");
        let flags: Vec<Flag> = odd.iter().map(|odd| odd.flag).collect();
        assert_eq!(flags, [Flag::Idle(600), Flag::Xid(79), Flag::MemoryNear(0.95)]);
        assert!(odd.iter().all(|odd| (odd.namespace.as_str(), odd.pod.as_str()) == ("nlp", "t-0")));
        from.tenancy = true;
        assert_eq!(from.glance(Secs(100)).await, Ok(vec![]), "it is no tenant's to see");
    }
}
