//! Whether the network policies of a namespace let a job's replicas reach each other: ssh, and the ports that MPI picks.
//!
//! Owns what policies mean for the pods of one job. Must not read them: `cluster::reach` and `cluster::preflight` do.
//! Labels of namespaces and addresses of pods are not known here: a rule that asks for them counts as one that lets through.

use serde_json::{Map, Value, json};

use super::{kind::Kind, state::Cause, text::Clean};

/// What policies leave between a launcher and its workers, where they don't leave everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Barrier {
    /// The policies' names, with commas.
    pub policies: Clean,
    /// The ports that are left; none: nothing gets through.
    pub ports: Vec<String>,
}

/// What was found out about a job whose replicas don't reach each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// No policy is in the way between launcher and workers.
    Open,
    /// These are.
    Barred(Vec<Barrier>),
    /// Nobody may say, and why.
    Unread(Clean),
}

/// What is in the way from the launcher to the workers: at the workers, then at the launcher. Kinds without a launcher
/// have nothing.
pub fn barriers(kind: Kind, job: &Value, policies: &[Value]) -> Vec<Barrier> {
    let roles = labels(kind, job, "Worker").zip(labels(kind, job, "Launcher"));
    let Some((worker, launcher)) = roles else { return Vec::new() };
    let ways = [("Ingress", "from", &worker, &launcher), ("Egress", "to", &launcher, &worker)];
    let at = |(direction, peers, here, there): (&str, &str, &Map<String, Value>, &Map<String, Value>)| {
        let mine: Vec<&Value> = policies.iter().filter(|policy| concerns(policy, direction, here)).collect();
        let rules =
            mine.iter().flat_map(|policy| policy["spec"][direction.to_lowercase()].as_array().into_iter().flatten());
        let open: Vec<&Value> = rules.filter(|rule| meets(&rule[peers], there)).collect();
        let ports = |rule: &&Value| tcp(&rule["ports"]);
        let few: Vec<Option<Vec<Value>>> = open.iter().map(ports).collect();
        let names: Vec<&str> = mine.iter().filter_map(|policy| policy["metadata"]["name"].as_str()).collect();
        let ports = few.iter().flatten().flatten().map(port).collect();
        let is_barred = !mine.is_empty() && few.iter().all(Option::is_some);
        is_barred.then(|| Barrier { policies: Clean::new(&names.join(", ")), ports })
    };
    ways.into_iter().filter_map(at).collect()
}

/// Whether network policies may be this cause of a job, and those between replicas of its kind are understood: it has a
/// launcher that reaches for its workers.
pub fn may_explain(kind: Kind, cause: &Cause) -> bool {
    is_known(kind) && cause.may_be_policy()
}

fn is_known(kind: Kind) -> bool {
    matches!(kind, Kind::MpiJob | Kind::MpiJobV1)
}

/// The TCP ports that a rule leaves; `None`: all.
fn tcp(ports: &Value) -> Option<Vec<Value>> {
    let ports = ports.as_array().filter(|ports| !ports.is_empty())?;
    let tcp: Vec<Value> =
        ports.iter().filter(|port| port["protocol"].as_str().is_none_or(|p| p == "TCP")).cloned().collect();
    (!tcp.iter().any(|port| port["port"].is_null())).then_some(tcp)
}

/// `22`, `8000-8100`, `http`.
fn port(port: &Value) -> String {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    match (&port["port"], &port["endPort"]) {
        (from, Value::Null) => text(from),
        (from, to) => format!("{}-{}", text(from), text(to)),
    }
}

impl Barrier {
    /// Whether it lets this port through.
    pub fn passes(&self, port: u16) -> bool {
        let within = |text: &String| match text.split_once('-') {
            Some((from, to)) => {
                matches!((from.parse::<u16>(), to.parse::<u16>()), (Ok(from), Ok(to)) if (from..=to).contains(&port))
            }
            None => *text == port.to_string(),
        };
        self.ports.iter().any(within)
    }

    /// `lets nothing through`, `lets only port 443 through`.
    pub fn in_words(&self) -> String {
        match self.ports.as_slice() {
            [] => "lets nothing through".to_owned(),
            [one] => format!("lets only port {one} through"),
            ports => format!("lets only ports {} through", ports.join(", ")),
        }
    }
}

/// The labels that the operator gives a role's pods, beside the template's own.
fn labels(kind: Kind, job: &Value, role: &str) -> Option<Map<String, Value>> {
    if !is_known(kind) {
        return None;
    }
    let spec = job["spec"]["mpiReplicaSpecs"].get(role)?;
    let mut labels = spec["template"]["metadata"]["labels"].as_object().cloned().unwrap_or_default();
    for (key, value) in [
        ("job-name", &job["metadata"]["name"]),
        ("job-role", &json!(role.to_lowercase())),
        ("operator-name", &json!(kind.info().operator)),
    ] {
        labels.insert(format!("training.kubeflow.org/{key}"), value.clone());
    }
    Some(labels)
}

/// Whether a policy speaks about this direction of pods with these labels. One that names no direction speaks of what
/// comes in, and of what goes out if it has rules for it.
fn concerns(policy: &Value, direction: &str, labels: &Map<String, Value>) -> bool {
    let types = policy["spec"]["policyTypes"].as_array();
    let speaks = match types {
        Some(types) => types.iter().any(|kind| kind == direction),
        None => direction == "Ingress" || policy["spec"]["egress"].is_array(),
    };
    speaks && selects(&policy["spec"]["podSelector"], labels)
}

/// Whether the peers of a rule include pods with these labels in the same namespace. No peers are all.
fn meets(peers: &Value, labels: &Map<String, Value>) -> bool {
    let Some(peers) = peers.as_array().filter(|peers| !peers.is_empty()) else { return true };
    peers.iter().any(|peer| {
        // Labels of the namespace, and addresses of its pods, are not known here: they count as met.
        let elsewhere = !peer["namespaceSelector"].is_null() || !peer["ipBlock"].is_null();
        if peer["podSelector"].is_null() { elsewhere } else { selects(&peer["podSelector"], labels) }
    })
}

fn selects(selector: &Value, labels: &Map<String, Value>) -> bool {
    let exact =
        selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    exact
        && selector["matchExpressions"].as_array().into_iter().flatten().all(|expression| {
            let is = labels.get(expression["key"].as_str().unwrap_or_default());
            let listed =
                || expression["values"].as_array().is_some_and(|values| is.is_some_and(|is| values.contains(is)));
            match expression["operator"].as_str().unwrap_or_default() {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => is.is_some(),
                "DoesNotExist" => is.is_none(),
                _ => true,
            }
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Value {
        let role = json!({"template": {"metadata": {"labels": {"app": "t"}}}});
        json!({"metadata": {"name": "t"}, "spec": {"mpiReplicaSpecs": {"Launcher": role, "Worker": role}}})
    }

    fn found(spec: &Value) -> Vec<(String, String)> {
        let policy = json!({"metadata": {"name": "p"}, "spec": spec});
        let told = |barrier: Barrier| (barrier.policies.to_string(), barrier.in_words());
        barriers(Kind::MpiJob, &job(), &[policy]).into_iter().map(told).collect()
    }

    fn told(words: &str) -> Vec<(String, String)> {
        vec![("p".to_owned(), words.to_owned())]
    }

    #[test]
    fn a_policy_without_rules_lets_nothing_in_and_one_with_ports_only_those() {
        assert_eq!(found(&json!({"podSelector": {}, "policyTypes": ["Ingress"]})), told("lets nothing through"));
        let few = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 443}, {"port": 8000, "endPort": 8100}]}]});
        assert_eq!(found(&few), told("lets only ports 443, 8000-8100 through"));
        let one = json!({"podSelector": {"matchLabels": {"training.kubeflow.org/job-role": "launcher"}},
            "policyTypes": ["Egress"], "egress": [{"ports": [{"port": 53}]}]});
        assert_eq!(found(&one), told("lets only port 53 through"), "what goes out of the launcher");
    }

    #[test]
    fn a_policy_of_others_or_one_that_lets_the_job_in_is_no_barrier() {
        let others = json!({"podSelector": {"matchLabels": {"app": "x"}}, "policyTypes": ["Ingress"]});
        assert_eq!(found(&others), []);
        let own = json!({"podSelector": {}, "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "t"}}}]}]});
        assert_eq!(found(&own), []);
        let open =
            json!({"podSelector": {}, "ingress": [{"ports": [{"protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}]});
        assert_eq!(found(&open), [], "all TCP ports");
        let udp = json!({"podSelector": {}, "ingress": [{"ports": [{"port": 22, "protocol": "UDP"}]}]});
        assert_eq!(found(&udp), told("lets nothing through"), "ssh is TCP");
        let role = json!({"metadata": {"name": "t"}, "spec": {}});
        let shut = json!({"metadata": {"name": "p"}, "spec": {"podSelector": {}}});
        assert_eq!(barriers(Kind::PyTorchJob, &role, &[shut]), [], "there is no launcher");
    }

    #[test]
    fn a_port_passes_if_it_is_one_of_those_left() {
        let barrier = |ports: &[&str]| Barrier {
            policies: Clean::new("p"),
            ports: ports.iter().map(ToString::to_string).collect(),
        };
        assert!(barrier(&["22"]).passes(22) && barrier(&["1-100"]).passes(22));
        assert!(!barrier(&["443"]).passes(22) && !barrier(&[]).passes(22) && !barrier(&["ssh"]).passes(22));
    }
}
