//! A look at the whole cluster: which pods' GPUs are idle or broken, whose memory is near its limit. Three questions, of
//! which the answers hold only what is odd.

use super::{answer::Row, makers::OWN_POD, source::Prometheus};
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
        let idle = format!("{} < {IDLE_BELOW}", gpus("max_over_time(DCGM_FI_DEV_GPU_UTIL", &format!("[{IDLE_FOR}s])")));
        let xid = format!("{} > 0", gpus("(DCGM_FI_DEV_XID_ERRORS", " < 9e18)"));
        let used =
            "max by (namespace,pod,container) (container_memory_working_set_bytes{container!=\"\",container!=\"POD\"})";
        let limit = "max by (namespace,pod,container) (kube_pod_container_resource_limits{resource=\"memory\"})";
        let memory = format!("max by (namespace,pod) ({used} / on(namespace,pod,container) {limit}) >= {NEAR}");
        let mut all = Vec::new();
        let flags: [(String, ToFlag); 3] =
            [(idle, |_| Flag::idle(IDLE_FOR)), (xid, |code| Flag::Xid(code as u32)), (memory, Flag::near)];
        for (promql, flag) in flags {
            let rows = self.instant(&nowhere, &promql, now, DOING).await?;
            all.extend(rows.iter().filter_map(|row| odd(row, flag)));
        }
        Ok(all)
    }
}

/// A series of all GPUs by namespace and pod, under whichever names they have.
fn gpus(before: &str, after: &str) -> String {
    let exported = format!("{before}{{exported_pod!=\"\"}}{after}");
    let own = format!("{before}{{{OWN_POD}}}{after}");
    let renamed = format!("label_replace({exported},\"pod\",\"$1\",\"exported_pod\",\"(.+)\")");
    let renamed = format!("label_replace({renamed},\"namespace\",\"$1\",\"exported_namespace\",\"(.+)\")");
    format!("max by (namespace,pod) ({renamed} or {own})")
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
