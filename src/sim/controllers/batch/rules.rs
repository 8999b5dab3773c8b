//! What the API server wants of the numbers of a Job.

use serde_json::Value;

use crate::sim::{
    controllers::pod_rules::Causes,
    value::{int, text},
};

/// Most pods at a time of an Indexed Job, and most of its indexes that may fail.
const MOST: i64 = 100_000;
/// The same where there are more completions than [`MOST`] and each index has its own limit.
const FEW: i64 = 10_000;

/// Checks counts, and those that only an Indexed Job may have.
pub(crate) fn numbers(job: &Value, wrong: &mut Causes) {
    let of = |field: &str| int(job, &format!("/spec/{field}"));
    let mut say = |field: &str, n: i64, why: String| {
        wrong.push(("FieldValueInvalid", format!("spec.{field}"), format!("Invalid value: {n}: {why}")));
    };
    let never_less = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    for field in never_less {
        if let Some(n) = of(field).filter(|n| *n < 0) {
            say(field, n, "must be greater than or equal to 0".to_owned());
        }
    }
    let [at_a_time, all, each, failed] =
        ["parallelism", "completions", "backoffLimitPerIndex", "maxFailedIndexes"].map(of);
    let indexed = text(job, "/spec/completionMode") == "Indexed";
    let most = |n: i64| format!("must be less than or equal to {n}");
    let above = format!("completions are above {MOST} and used with backoff limit per index");
    let many = all.is_some_and(|all| all > MOST) && each.is_some();
    for (field, n) in [("backoffLimitPerIndex", each), ("maxFailedIndexes", failed)] {
        if let Some(n) = n.filter(|_| !indexed) {
            say(field, n, "requires indexed completion mode".to_owned());
        }
    }
    if indexed {
        if let Some(n) = at_a_time.filter(|n| *n > MOST) {
            say("parallelism", n, format!("{} when completion mode is Indexed", most(MOST)));
        }
        if let Some(n) = failed.filter(|n| all.is_some_and(|all| *n > all)) {
            say("maxFailedIndexes", n, "must be less than or equal to completions".to_owned());
        }
        if let Some(n) = failed.filter(|n| *n > MOST) {
            say("maxFailedIndexes", n, most(MOST));
        }
        for (field, n) in [("parallelism", at_a_time), ("maxFailedIndexes", failed)] {
            if let Some(n) = n.filter(|n| many && *n > FEW) {
                say(field, n, format!("{} when {above}", most(FEW)));
            }
        }
    }
    let mut require = |field: &str, why: &str| {
        wrong.push(("FieldValueRequired", format!("spec.{field}"), format!("Required value: {why}")));
    };
    if failed.is_some() && each.is_none() {
        require("backoffLimitPerIndex", "when maxFailedIndexes is specified");
    }
    if indexed && all.is_none() {
        require("completions", "when completion mode is Indexed");
    }
    if indexed && many && failed.is_none() {
        require("maxFailedIndexes", &format!("must be specified when completions is above {MOST}"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // As a real API server answers.
    #[test]
    fn an_indexed_job_has_bounds() {
        let told = |mut spec: Value| {
            spec["completionMode"] = spec.get("completionMode").cloned().unwrap_or(json!("Indexed"));
            let mut wrong = Causes::new();
            numbers(&json!({"spec": spec}), &mut wrong);
            wrong.into_iter().map(|(_, field, why)| format!("{field}: {why}")).collect::<Vec<_>>()
        };
        let fine = [(100_000, 100_000), (100_001, 100_000), (2_000_000_000, 1), (2_000_000_000, 10_001)];
        for (completions, parallelism) in fine {
            assert!(told(json!({"completions": completions, "parallelism": parallelism})).is_empty());
        }
        let large = "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed";
        assert_eq!(told(json!({"completions": 100_000, "parallelism": 100_001})), [large]);
        assert_eq!(
            told(json!({"parallelism": 5})),
            ["spec.completions: Required value: when completion mode is Indexed"]
        );
        let when = "when completions are above 100000 and used with backoff limit per index";
        let spec = json!({"completions": 100_001, "parallelism": 10_001, "backoffLimitPerIndex": 1, "maxFailedIndexes": 10_001});
        let few =
            |field: &str| format!("spec.{field}: Invalid value: 10001: must be less than or equal to 10000 {when}");
        assert_eq!(told(spec), [few("parallelism"), few("maxFailedIndexes")]);
        let spec = json!({"completions": 1, "parallelism": 1, "maxFailedIndexes": 1});
        assert_eq!(told(spec), ["spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified"]);
        let spec = json!({"completionMode": "NonIndexed", "completions": 1, "backoffLimitPerIndex": 1});
        assert_eq!(told(spec), ["spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode"]);
    }
}
