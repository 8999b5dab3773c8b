//! Where queued jobs live otherwise here than on the real Kueue, and why.
//!
//! A row holds so many differences; one more or one less fails the test, so that the list can only be kept true.

use regex::Regex;

/// A pattern of what a difference says, how many there are, and why.
const KNOWN: [(&str, usize, &str); 11] = [
    (r"told\.MPIJob/\S+ \| Normal \| MPIJobRunning ", 13, "workers that stop one by one are told of as running"),
    (
        r"\| (FinishedWorkload|WaitingForQuota|WaitingForPreemptedWorkloads|ExceedsMaxQuota) \|",
        30,
        "the real one tells again, ours of what is new",
    ),
    (
        r"^kueue-(limits|mpijob|suspended-by-hand|fair|fair-borrow|hierarchy|podsready|scaled|waiting-\w+) .*MPIJob/one|^kueue-(fair|fair-borrow|limits|podsready) .*MPIJob/",
        49,
        "mpi-operator first saw the job when Kueue had let it start: chance",
    ),
    (
        r"reclaimablePods|^kueue-jobset .*(Usage|Reservation)",
        6,
        "pods that have ended give nothing back before their job ends",
    ),
    (r"^kueue-pytorch ", 4, "how training-operator counts and tells while it is suspended"),
    (r"went\.Workload/", 17, "what is true only between two passes"),
    (r"^kueue-priority-changed ", 2, "who overtakes makes who waits evaluated again"),
    (r"^kueue-(waits|fair|fair-borrow) .*message", 4, "what is said of why one still waits is not renewed"),
    (r"^kueue-scaled step 4 .*went\.Pod/one-worker-2", 1, "a worker is made before Kueue stops the job"),
    (
        r"^kueue-waiting-suspended step 5 ",
        12,
        "the operator sees that a user resumes who waits before Kueue takes it back",
    ),
    (r"^kueue-fair-borrow .*mpijob-l4", 2, "who is like one that waits is not looked at before that one"),
];

/// Differences that are not in the list, and rows of the list that hold more or fewer than they say.
pub(super) fn unknown(differences: &[String]) -> Vec<String> {
    let rules: Vec<Regex> = KNOWN.iter().map(|(pattern, ..)| Regex::new(pattern).unwrap()).collect();
    let mut held = vec![0; KNOWN.len()];
    let mut wrong = Vec::new();
    for difference in differences {
        match rules.iter().position(|rule| rule.is_match(difference)) {
            Some(at) => held[at] += 1,
            None => wrong.push(difference.clone()),
        }
    }
    for ((pattern, count, why), held) in KNOWN.iter().zip(held) {
        if held != *count {
            wrong.push(format!("{held} differences, not {count}, are now known as {pattern}: {why}"));
        }
    }
    wrong
}
