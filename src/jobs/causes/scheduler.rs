//! The scheduler's sentence tells a reason for each part of the nodes; they compete by how many nodes they concern.
//!
//! Owns taking that sentence apart. Which reason matters more than another is for the rules.

const AVAILABLE: &str = "nodes are available: ";

/// The sentence with one of its reasons only, and how many nodes that concerns, for each of them (all, where
/// it says no number). Empty for other texts. Form: kube-scheduler's `FitError` (`0/12 nodes are available: 1 …, 11 …. preemption: …`).
pub(super) fn reasons(text: &str) -> Vec<(String, u32)> {
    let Some(at) = text.find(AVAILABLE).map(|at| at + AVAILABLE.len()) else { return Vec::new() };
    let (start, rest) = text.split_at(at);
    let all = rest.split_once(". ").map_or_else(|| rest.trim_end_matches('.'), |(all, _)| all);
    let mut out: Vec<(String, u32)> = Vec::new();
    for part in all.split(", ") {
        match (nodes(part), out.last_mut()) {
            // A comma inside a reason.
            (None, Some((reason, _))) => *reason = format!("{}, {part}.", reason.trim_end_matches('.')),
            (count, _) => out.push((format!("{start}{part}."), count.unwrap_or(u32::MAX))),
        }
    }
    out
}

/// Its reasons alone, each with how many nodes it concerns, as the scheduler writes them.
pub fn scheduler_reasons(text: &str) -> Vec<String> {
    let alone = |(sentence, _): (String, u32)| Some(sentence.split_once(AVAILABLE)?.1.trim_end_matches('.').to_owned());
    reasons(text).into_iter().filter_map(alone).collect()
}

/// The number that a reason begins with.
fn nodes(reason: &str) -> Option<u32> {
    reason.split_once(' ')?.0.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_sentence_of_its_own() {
        let text = "Unschedulable: 0/12 nodes are available: 1 node(s) had taint {a: b}, that the pod didn't tolerate, \
                    11 Insufficient cpu. preemption: 0/12 nodes are available: 12 No preemption victims found.";
        let start = "Unschedulable: 0/12 nodes are available: ";
        let want = [("1 node(s) had taint {a: b}, that the pod didn't tolerate.", 1), ("11 Insufficient cpu.", 11)];
        assert_eq!(scheduler_reasons(text), want.map(|(reason, _)| reason.trim_end_matches('.')));
        assert_eq!(reasons(text), want.map(|(reason, nodes)| (format!("{start}{reason}"), nodes)));
    }

    #[test]
    fn other_texts_have_none() {
        for text in ["", "OOMKilled", "no nodes available to schedule pods"] {
            assert_eq!(reasons(text), [], "{text}");
        }
        let odd = "0/3 nodes are available: , , .";
        assert_eq!(reasons(odd).len(), 1, "what makes no sense is one reason");
    }
}
