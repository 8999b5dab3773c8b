//! What every namespace has: a service account for its pods, and the cluster's certificate.

use serde_json::{Value, json};

use crate::sim::{
    store::{
        Resource,
        resource::{CONFIGMAPS, SERVICEACCOUNTS},
    },
    value::{is_deleting, name, text},
    write::Write,
};

/// The objects that are put there, and put back where somebody takes them away.
pub(crate) static KEPT: [(&Resource, &str); 2] = [(&SERVICEACCOUNTS, "default"), (&CONFIGMAPS, "kube-root-ca.crt")];

/// One pass over a namespace; `there` says of each of [`KEPT`] whether it is.
pub(crate) fn reconcile(namespace: &Value, there: [bool; 2]) -> Vec<Write> {
    if is_deleting(namespace) || text(namespace, "/status/phase") == "Terminating" {
        return Vec::new();
    }
    let missing = KEPT.iter().zip(there).filter(|(_, there)| !there).map(|(kept, _)| *kept);
    missing
        .map(|(resource, called)| {
            let mut object = json!({
                "apiVersion": resource.api_version(), "kind": resource.kind,
                "metadata": {"name": called, "namespace": name(namespace)},
            });
            if *resource == CONFIGMAPS {
                object["metadata"]["annotations"]["kubernetes.io/description"] = json!(DESCRIPTION);
                object["data"]["ca.crt"] = json!(CERTIFICATE);
            }
            Write::Create { resource, object, blame: None }
        })
        .collect()
}

const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Made up: no pod calls the API server from within.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nbm9ib2R5IGNhbGxzIGZyb20gd2l0aGlu\n-----END CERTIFICATE-----\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_put_there_while_the_namespace_stays() {
        let mut namespace = json!({"metadata": {"name": "team"}, "status": {"phase": "Active"}});
        assert_eq!(reconcile(&namespace, [false, false]).len(), 2);
        let [Write::Create { object, .. }] = &reconcile(&namespace, [true, false])[..] else { panic!("one write") };
        assert_eq!((name(object), text(object, "/kind")), ("kube-root-ca.crt", "ConfigMap"));
        namespace["status"]["phase"] = json!("Terminating");
        assert!(reconcile(&namespace, [false, false]).is_empty());
    }
}
