//! Where the pods of a Service are: its Endpoints and its slice, as their controllers keep them.
//!
//! Pure but for [`Served`], which knows the Services to whose pods somebody should look. One slice holds all pods.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use compact_str::CompactString;
use serde_json::{Map, Value, json};

use crate::sim::{
    store::{
        Obj,
        resource::{ENDPOINTS, ENDPOINTSLICES},
    },
    value::{condition, int, is_deleting, is_over, list, name, namespace, owned_by, set, text, truth, uid},
    write::Write,
};

const HEADLESS: &str = "service.kubernetes.io/headless";
/// Names the Service of a slice.
pub(crate) const SERVICE: &str = "kubernetes.io/service-name";

/// Namespace, label and value.
type Place = (CompactString, CompactString, CompactString);
/// The labels that a Service asks of its pods, with their values; never empty.
type Asked = Vec<(CompactString, CompactString)>;

/// Services by what they ask of their pods, so that a pod's change finds them without looking at all.
#[derive(Default)]
pub(crate) struct Served {
    /// By the first label that they ask for.
    by_label: HashMap<Place, BTreeSet<CompactString>>,
    asked: HashMap<(CompactString, CompactString), Asked>,
}

impl Served {
    /// Takes note of a Service that came, changed or went.
    pub(crate) fn note(&mut self, service: &Obj, gone: bool) {
        let key = (service.namespace.clone(), service.name.clone());
        let place =
            |(label, value): &(CompactString, CompactString)| (service.namespace.clone(), label.clone(), value.clone());
        if let Some(first) = self.asked.remove(&key).as_ref().and_then(|asked| asked.first()).map(place)
            && let Some(names) = self.by_label.get_mut(&first)
        {
            names.remove(&service.name);
            if names.is_empty() {
                self.by_label.remove(&first);
            }
        }
        let tree = service.value();
        let labels = tree["spec"]["selector"].as_object().into_iter().flatten();
        let asked: Asked =
            labels.map(|(label, value)| (label.as_str().into(), value.as_str().unwrap_or_default().into())).collect();
        if let Some(first) = asked.first().map(place).filter(|_| !gone) {
            self.by_label.entry(first).or_default().insert(service.name.clone());
            self.asked.insert(key, asked);
        }
    }

    /// The Services whose pod it is, by its labels.
    pub(crate) fn of_pod(&self, pod: &Obj) -> Vec<CompactString> {
        if self.by_label.is_empty() {
            return Vec::new();
        }
        let names = pod
            .labels()
            .filter_map(|(label, value)| self.by_label.get(&(pod.namespace.clone(), label.into(), value.into())));
        let means = |name: &&CompactString| {
            let asked = self.asked.get(&(pod.namespace.clone(), CompactString::clone(name)));
            asked.is_some_and(|asked| asked.iter().all(|(label, value)| pod.label(label) == Some(value.as_str())))
        };
        names.flatten().filter(means).cloned().collect()
    }
}

/// What is there, beside the Service.
pub(crate) struct Seen<'a> {
    /// Pods with the labels that it asks for.
    pub(crate) pods: &'a [Arc<Value>],
    /// Zones by node.
    pub(crate) zones: &'a BTreeMap<String, String>,
    /// Its Endpoints.
    pub(crate) endpoints: Option<Arc<Value>>,
    /// Its slice.
    pub(crate) slice: Option<Arc<Value>>,
}

/// One pass over a Service.
pub(crate) fn reconcile(service: &Value, seen: &Seen<'_>) -> Vec<Write> {
    if is_deleting(service) || service["spec"]["selector"].as_object().is_none_or(Map::is_empty) {
        return Vec::new();
    }
    let wanted = endpoints(service, seen);
    let mut writes: Vec<Write> =
        put(&ENDPOINTS, &wanted, seen.endpoints.as_deref(), &["subsets"]).into_iter().collect();
    let wanted = slice(service, seen);
    writes.extend(put(&ENDPOINTSLICES, &wanted, seen.slice.as_deref(), &["endpoints", "ports"]));
    writes
}

/// What becomes of the Endpoints of a Service that is gone.
pub(crate) fn bury(service: (&str, &str)) -> Vec<Write> {
    let (namespace, name) = service;
    vec![Write::Delete(&ENDPOINTS, namespace.to_owned(), name.to_owned())]
}

/// Makes it, or changes these parts of what is there and its labels.
fn put(
    resource: &'static crate::sim::store::Resource,
    wanted: &Value,
    there: Option<&Value>,
    parts: &[&str],
) -> Option<Write> {
    let Some(there) = there else {
        return Some(Write::Create { resource, object: wanted.clone(), blame: None });
    };
    let mut next = there.clone();
    for part in parts {
        match (wanted.get(*part), next.as_object_mut()) {
            (Some(value), _) => next[*part] = value.clone(),
            (None, Some(map)) => drop(map.remove(*part)),
            (None, None) => {}
        }
    }
    set(&mut next, "/metadata/labels", wanted["metadata"]["labels"].clone());
    (next != *there).then_some(Write::Update(resource, next))
}

fn labels(service: &Value, own: &[(&str, &str)]) -> Value {
    let mut labels = service["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    if text(service, "/spec/clusterIP") == "None" {
        labels.insert(HEADLESS.to_owned(), json!(""));
    }
    labels.extend(own.iter().map(|(key, value)| ((*key).to_owned(), json!(value))));
    Value::Object(labels)
}

fn address(pod: &Value) -> &str {
    text(pod, "/status/podIP")
}

fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|c| text(c, "/status") == "True")
}

/// Name, number and protocol of each port as this pod has it; a port that it doesn't have is left out.
fn ports(service: &Value, pod: &Value) -> Vec<Value> {
    let wanted = list(service, "/spec/ports").iter().filter_map(|port| {
        let target = &port["targetPort"];
        let number = match target.as_str() {
            Some(named) => number_of(pod, named)?,
            None => target.as_i64().filter(|n| *n > 0).or(int(port, "/port"))?,
        };
        let protocol = text(port, "/protocol");
        let mut out = json!({"port": number, "protocol": if protocol.is_empty() { "TCP" } else { protocol }});
        if port["name"].is_string() {
            out["name"] = port["name"].clone();
        }
        Some(out)
    });
    wanted.collect()
}

fn number_of(pod: &Value, named: &str) -> Option<i64> {
    let mut ports = list(pod, "/spec/containers").iter().flat_map(|c| list(c, "/ports"));
    int(ports.find(|port| text(port, "/name") == named)?, "/containerPort")
}

/// The pods of the Service that have an address, by it.
fn placed<'a>(seen: &Seen<'a>) -> Vec<&'a Value> {
    let mut pods: Vec<&Value> =
        seen.pods.iter().map(|pod| &**pod).filter(|pod| !is_over(pod) && !address(pod).is_empty()).collect();
    pods.sort_by(|a, b| (address(a), name(a)).cmp(&(address(b), name(b))));
    pods
}

fn target(pod: &Value) -> Value {
    json!({"kind": "Pod", "name": name(pod), "namespace": namespace(pod), "uid": uid(pod)})
}

/// A name of its own below the Service's.
fn hostname<'p>(service: &Value, pod: &'p Value) -> Option<&'p str> {
    let own = text(pod, "/spec/hostname");
    (!own.is_empty() && text(pod, "/spec/subdomain") == name(service)).then_some(own)
}

fn endpoints(service: &Value, seen: &Seen<'_>) -> Value {
    let tolerant = truth(service, "/spec/publishNotReadyAddresses");
    let mut subsets: Vec<(Vec<Value>, Vec<Value>, Vec<Value>)> = Vec::new();
    for pod in placed(seen).into_iter().filter(|pod| tolerant || !is_deleting(pod)) {
        let ports = ports(service, pod);
        if ports.is_empty() && !list(service, "/spec/ports").is_empty() {
            continue;
        }
        let mut entry = json!({"ip": address(pod), "targetRef": target(pod)});
        if !text(pod, "/spec/nodeName").is_empty() {
            entry["nodeName"] = pod["spec"]["nodeName"].clone();
        }
        if let Some(own) = hostname(service, pod) {
            entry["hostname"] = json!(own);
        }
        let at = subsets.iter().position(|(own, ..)| *own == ports).unwrap_or(subsets.len());
        if at == subsets.len() {
            subsets.push((ports, Vec::new(), Vec::new()));
        }
        let (_, ready, unready) = &mut subsets[at];
        if tolerant || is_ready(pod) { ready.push(entry) } else { unready.push(entry) }
    }
    let own = [("endpoints.kubernetes.io/managed-by", "endpoint-controller")];
    let meta = json!({"name": name(service), "namespace": namespace(service), "labels": labels(service, &own)});
    let mut out = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": meta});
    let subset = |(ports, ready, unready): (Vec<Value>, Vec<Value>, Vec<Value>)| {
        let parts = [("addresses", ready), ("notReadyAddresses", unready), ("ports", ports)];
        let said = parts.into_iter().filter(|(_, list)| !list.is_empty());
        Value::Object(said.map(|(key, list)| (key.to_owned(), Value::Array(list))).collect())
    };
    if !subsets.is_empty() {
        out["subsets"] = subsets.into_iter().map(subset).collect();
    }
    out
}

fn slice(service: &Value, seen: &Seen<'_>) -> Value {
    let tolerant = truth(service, "/spec/publishNotReadyAddresses");
    let mut served = Value::Null;
    let mut all = Vec::new();
    for pod in placed(seen) {
        let ports = ports(service, pod);
        if !ports.is_empty() {
            served = Value::Array(ports);
        }
        let (ready, going) = (is_ready(pod), is_deleting(pod));
        let conditions = json!({"ready": tolerant || (ready && !going), "serving": ready, "terminating": going});
        let mut entry = json!({"addresses": [address(pod)], "conditions": conditions, "targetRef": target(pod)});
        let node = text(pod, "/spec/nodeName");
        if !node.is_empty() {
            entry["nodeName"] = json!(node);
        }
        if let Some(zone) = seen.zones.get(node) {
            entry["zone"] = json!(zone);
        }
        if let Some(own) = hostname(service, pod) {
            entry["hostname"] = json!(own);
        }
        all.push(entry);
    }
    let own = [(SERVICE, name(service)), ("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io")];
    let meta = json!({
        "generateName": format!("{}-", name(service)), "namespace": namespace(service), "labels": labels(service, &own),
        "ownerReferences": owned_by(service),
    });
    let endpoints = if all.is_empty() { Value::Null } else { Value::Array(all) };
    json!({"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "metadata": meta, "addressType": "IPv4",
        "endpoints": endpoints, "ports": served})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::{
        Clock,
        store::{
            Store,
            resource::{PODS, SERVICES},
        },
    };

    #[test]
    fn a_pod_concerns_the_services_that_ask_for_all_its_labels() {
        let store = Store::new(Clock::manual("2026-11-20T08:00:00Z".parse().unwrap()), 1);
        let made = |resource, name: &str, key: &str, content: Value| {
            let mut value = json!({"metadata": {"name": name, "namespace": "n"}});
            value[key] = content;
            store.unstored(resource, value)
        };
        let replica = |index: &str| json!({"selector": {"job": "a", "replica-index": index}});
        let services = ["0", "1", "2"].map(|index| made(&SERVICES, &format!("a-{index}"), "spec", replica(index)));
        let mut served = Served::default();
        for service in &services {
            served.note(service, false);
        }
        let labels = json!({"name": "p", "namespace": "n", "labels": {"job": "a", "replica-index": "1"}});
        let pod = made(&PODS, "p", "metadata", labels);
        assert_eq!(served.of_pod(&pod), ["a-1"], "not those of its neighbours");
        served.note(&made(&SERVICES, "a-1", "spec", json!({"selector": {"job": "b"}})), false);
        assert!(served.of_pod(&pod).is_empty());
        for service in &services {
            served.note(service, true);
        }
        assert!(served.by_label.is_empty() && served.asked.is_empty(), "nothing is kept of what is gone");
    }

    fn service() -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "namespace": "n", "uid": "s", "labels": {"team": "a"}},
            "spec": {"clusterIP": "None", "selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}})
    }

    fn pod(name: &str, ip: &str, ready: bool) -> Arc<Value> {
        let status = if ready { "True" } else { "False" };
        Arc::new(
            json!({"metadata": {"name": name, "namespace": "n", "uid": name}, "spec": {"nodeName": "node", "hostname": name, "subdomain": "web",
            "containers": [{"ports": [{"name": "http", "containerPort": 8080}]}]},
            "status": {"phase": "Running", "podIP": ip, "conditions": [{"type": "Ready", "status": status}]}}),
        )
    }

    #[test]
    fn pods_are_told_by_address_and_by_whether_they_are_ready() {
        let zones = BTreeMap::from([("node".to_owned(), "z1".to_owned())]);
        let pods = [pod("b", "10.0.0.2", true), pod("a", "10.0.0.1", false), pod("c", "", true)];
        let seen = Seen { pods: &pods, zones: &zones, endpoints: None, slice: None };
        let made = endpoints(&service(), &seen);
        let subset = &made["subsets"][0];
        assert_eq!((&subset["addresses"][0]["ip"], &subset["addresses"][1]), (&json!("10.0.0.2"), &Value::Null));
        assert_eq!(
            (&subset["notReadyAddresses"][0]["ip"], &subset["ports"][0]["port"]),
            (&json!("10.0.0.1"), &json!(8080))
        );
        assert_eq!(subset["addresses"][0]["hostname"], "b");
        assert_eq!(made["metadata"]["labels"][HEADLESS], "");
        let made = slice(&service(), &seen);
        assert_eq!(
            (&made["endpoints"][0]["addresses"][0], &made["endpoints"][0]["conditions"]["ready"]),
            (&json!("10.0.0.1"), &json!(false))
        );
        assert_eq!((&made["endpoints"][1]["zone"], &made["endpoints"][2]), (&json!("z1"), &Value::Null));
    }

    #[test]
    fn what_is_as_it_should_be_is_left_alone() {
        let (zones, pods) = (BTreeMap::new(), [pod("a", "10.0.0.1", true)]);
        let mut seen = Seen { pods: &pods, zones: &zones, endpoints: None, slice: None };
        assert_eq!(reconcile(&service(), &seen).len(), 2);
        (seen.endpoints, seen.slice) =
            (Some(Arc::new(endpoints(&service(), &seen))), Some(Arc::new(slice(&service(), &seen))));
        assert!(reconcile(&service(), &seen).is_empty());
        let none = Seen { pods: &[], ..seen };
        let writes = reconcile(&service(), &none);
        let [Write::Update(_, bare), Write::Update(_, slice)] = &writes[..] else { panic!("two updates: {writes:?}") };
        assert!(bare.get("subsets").is_none() && slice["endpoints"].is_null());
        let mut bare = service();
        bare["spec"]["selector"] = json!({});
        assert!(reconcile(&bare, &none).is_empty());
    }
}
