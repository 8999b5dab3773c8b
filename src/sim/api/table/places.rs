//! Where the pods of a Service are, as few as fit into a cell.

use serde_json::Value;

use crate::sim::value::{int, list, text};

/// So many are named.
const NAMED: usize = 3;

/// Addresses and ports of Endpoints.
pub(super) fn endpoints(o: &Value) -> String {
    let subsets = list(o, "/subsets");
    let mut all = Vec::new();
    for subset in subsets {
        let ips = || list(subset, "/addresses").iter().map(|address| text(address, "/ip"));
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            all.extend(ips().map(str::to_owned));
        }
        for port in ports {
            let port = int(port, "/port").unwrap_or(0);
            all.extend(
                ips().map(|ip| if ip.contains(':') { format!("[{ip}]:{port}") } else { format!("{ip}:{port}") }),
            );
        }
    }
    if subsets.is_empty() { "<none>".to_owned() } else { few(all) }
}

/// Ports of a slice.
pub(super) fn ports(o: &Value) -> String {
    let port = |port: &Value| match (int(port, "/port"), text(port, "/name")) {
        (Some(number), _) => number.to_string(),
        (None, "") => "*".to_owned(),
        (None, name) => name.to_owned(),
    };
    some(list(o, "/ports").iter().map(port).collect())
}

/// Addresses of a slice.
pub(super) fn addresses(o: &Value) -> String {
    let all = list(o, "/endpoints").iter().flat_map(|endpoint| list(endpoint, "/addresses"));
    some(all.filter_map(|address| address.as_str().map(str::to_owned)).collect())
}

fn some(all: Vec<String>) -> String {
    if all.is_empty() { "<unset>".to_owned() } else { few(all) }
}

fn few(all: Vec<String>) -> String {
    let more = all.len().saturating_sub(NAMED);
    let said = all.into_iter().take(NAMED).collect::<Vec<_>>().join(",");
    if more > 0 { format!("{said} + {more} more...") } else { said }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn no_more_than_three_are_named() {
        let slice = json!({"ports": [{"name": "web", "port": 80}], "endpoints": [
            {"addresses": ["10.0.0.1"]}, {"addresses": ["10.0.0.2"]}, {"addresses": ["10.0.0.3"]}, {"addresses": ["10.0.0.4"]}]});
        assert_eq!(
            (ports(&slice).as_str(), addresses(&slice).as_str()),
            ("80", "10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...")
        );
        assert_eq!((ports(&json!({})).as_str(), addresses(&json!({})).as_str()), ("<unset>", "<unset>"));
        let older =
            json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}, {"ip": "fd00::1"}], "ports": [{"port": 80}]}]});
        assert_eq!(endpoints(&older), "10.0.0.1:80,[fd00::1]:80");
        assert_eq!(endpoints(&json!({"subsets": [{"addresses": [{"ip": "10.0.0.1"}]}]})), "10.0.0.1");
        assert_eq!(endpoints(&json!({})), "<none>");
    }
}
