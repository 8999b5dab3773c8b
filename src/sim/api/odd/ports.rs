//! Ports of one pod that get into each other's way.

use std::collections::HashMap;

use serde_json::Value;

use crate::sim::value::{int, list, text};

/// A declared port and where it stands.
struct Port<'p> {
    path: String,
    port: &'p Value,
}

impl Port<'_> {
    fn host(&self) -> (i64, &str) {
        (int(self.port, "/hostPort").unwrap_or(0), text(self.port, "/hostIP"))
    }
}

/// Ports of all `containers`, each with its path.
pub(super) fn odd(containers: &[(String, &Value)], told: &mut Vec<String>) {
    let ports: Vec<Port<'_>> = containers
        .iter()
        .flat_map(|(at, container)| {
            let ports = list(container, "/ports").iter().enumerate();
            ports.map(move |(n, port)| Port { path: format!("{at}.ports[{n}]"), port })
        })
        .collect();
    for (at, port) in ports.iter().enumerate() {
        for other in ports[..at].iter().filter(|other| place(other) == place(port)) {
            told.extend(clash(port, other));
        }
    }
    let mut names: HashMap<&str, &str> = HashMap::new();
    for port in &ports {
        let name = text(port.port, "/name");
        if name.is_empty() {
            continue;
        }
        if let Some(first) = names.get(name) {
            let why = format!(
                "duplicate port name {name:?} with {first}, services and probes that select ports by name will use {first}"
            );
            told.push(format!("{}: {why}", port.path));
        } else {
            names.insert(name, &port.path);
        }
    }
}

/// Number and protocol.
fn place<'p>(port: &Port<'p>) -> (Option<i64>, &'p str) {
    let protocol = text(port.port, "/protocol");
    (int(port.port, "/containerPort"), if protocol.is_empty() { "TCP" } else { protocol })
}

/// How two ports of one number clash.
fn clash(port: &Port<'_>, other: &Port<'_>) -> Option<String> {
    let ((number, address), (others, others_address)) = (port.host(), other.host());
    let how = if (number, address) == (others, others_address) {
        "duplicate"
    } else if number == 0 || others == 0 {
        "overlapping"
    } else if number == others && address.is_empty() != others_address.is_empty() {
        "dangerously ambiguous"
    } else {
        return None;
    };
    Some(format!("{}: {how} port definition with {}", port.path, other.path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn ports_clash_by_number_and_by_name() {
        let container = json!({"ports": [
            {"containerPort": 22, "name": "ssh"}, {"containerPort": 22, "protocol": "TCP"}, {"containerPort": 22, "protocol": "UDP"},
            {"containerPort": 22, "hostPort": 2222, "protocol": "UDP", "name": "ssh"}]});
        let mut told = Vec::new();
        odd(&[("c".to_owned(), &container)], &mut told);
        assert_eq!(
            told,
            [
                "c.ports[1]: duplicate port definition with c.ports[0]",
                "c.ports[3]: overlapping port definition with c.ports[2]",
                "c.ports[3]: duplicate port name \"ssh\" with c.ports[0], services and probes that select ports by name will use c.ports[0]",
            ]
        );
    }
}
