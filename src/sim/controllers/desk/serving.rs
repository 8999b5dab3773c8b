//! The desk as the controllers of Endpoints and their slices: finds the pods of a Service, and who is concerned by a pod.

use std::collections::BTreeMap;

use super::{Desk, values};
use crate::sim::{
    controllers::{
        endpoints::{self, SERVICE, Seen},
        nodes::ZONE,
        work::{Key, Work},
    },
    store::{
        Obj, Selector,
        resource::{ENDPOINTS, ENDPOINTSLICES, NODES, PODS, SERVICES},
    },
    value::{label, text},
    write::Write,
};

impl Desk {
    /// A Service came, changed or went.
    pub(crate) fn serves(&mut self, service: &Obj, gone: bool) -> Key {
        self.served.note(service, gone);
        Key::new(Work::Endpoints, &service.namespace, &service.name)
    }

    /// The Services whose Endpoints may tell of a pod.
    pub(crate) fn served_by(&self, pod: &Obj) -> Vec<Key> {
        let names = self.served.of_pod(pod);
        names.iter().map(|name| Key::new(Work::Endpoints, &pod.namespace, name)).collect()
    }

    pub(super) fn endpoints(&self, space: &str, name: &str) -> Vec<Write> {
        let there = self.get(&ENDPOINTS, space, name);
        let Some(service) = self.get(&SERVICES, space, name) else {
            return if there.is_some() { endpoints::bury((space, name)) } else { Vec::new() };
        };
        let terms = service["spec"]["selector"].as_object().into_iter().flatten();
        let terms: Vec<String> =
            terms.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
        let Ok(selector) = Selector::parse(&PODS, &terms.join(","), "") else { return Vec::new() };
        let pods = values(&self.store.list(&PODS, Some(space), &selector).items);
        let zones: BTreeMap<String, String> = pods
            .iter()
            .filter_map(|pod| {
                let node = text(pod, "/spec/nodeName");
                let zone = label(&*self.get(&NODES, "", node)?, ZONE).to_owned();
                (!zone.is_empty()).then(|| (node.to_owned(), zone))
            })
            .collect();
        let of = Selector::label(SERVICE, name);
        let slice = self.store.list(&ENDPOINTSLICES, Some(space), &of).items.first().map(|slice| slice.value());
        endpoints::reconcile(&service, &Seen { pods: &pods, zones: &zones, endpoints: there, slice })
    }
}
