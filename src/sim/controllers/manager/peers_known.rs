//! Where queued jobs live otherwise here than on the real Kueue, and why.
//!
//! A row holds so many differences; one more or one less fails the test, so that the list can only be kept true.

use regex::Regex;

/// Lives that need a kind which is not served here.
pub(super) const NOT_SERVED: [(&str, &str); 3] =
    [("kueue-checks", "AdmissionCheck"), ("kueue-fair", "Cohort"), ("kueue-hierarchy", "Cohort")];

/// A pattern of what a difference says, how many there are, and why.
const KNOWN: [(&str, usize, &str); 13] = [
    (
        r"^kueue-trainjob .* (is|told|went)\.(TrainJob|JobSet|Pod|Job|ConfigMap|Workload)/",
        74,
        "a TrainJob gets no runtimePatches from Kueue, and its Workload nothing of the runtime but how many nodes",
    ),
    (r"^kueue-scaled ", 37, "a running job whose pods changed keeps its Workload"),
    (r"^kueue-stop step (11|12) ", 141, "who was drained comes back one pass later, behind who waited"),
    (r"QuotaReserved \| Quota reserved in ClusterQueue", 8, "which flavors were considered is not told"),
    (r"told\.MPIJob/\S+ \| Normal \| MPIJobRunning ", 6, "workers that stop one by one are told of as running"),
    (
        r"\| (FinishedWorkload|WaitingForQuota|WaitingForPreemptedWorkloads|ExceedsMaxQuota) \|",
        18,
        "the real one tells again, ours of what is new",
    ),
    (
        r"^kueue-(limits|mpijob|suspended-by-hand) .*MPIJob/",
        10,
        "mpi-operator first saw the job when Kueue had let it start: chance",
    ),
    (
        r"reclaimablePods|^kueue-jobset .*(Usage|Reservation)",
        6,
        "pods that have ended give nothing back before their job ends",
    ),
    (r"^kueue-pytorch ", 4, "how training-operator counts and tells while it is suspended"),
    (r"went\.Workload/", 9, "what is true only between two passes"),
    (r"^kueue-missing .*(reason|message)", 1, "another word for a queue whose flavor is missing"),
    (r"^kueue-priority-changed ", 2, "who overtakes makes who waits evaluated again"),
    (r"^kueue-waits .*message", 1, "what is said of why one still waits is not renewed"),
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
