//! Ways to a cluster, and what is said when one does not lead there: the program as a process, servers on loopback.

mod failures;
mod files;
mod login;
mod proxy;
mod server;

use serde_json::{Value, json};

/// A kubeconfig of one context, whose cluster and user are these.
fn kubeconfig(cluster: &Value, user: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Config", "current-context": "here",
        "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}]})
}

fn base64(text: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
}
