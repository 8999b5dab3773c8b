//! Which indexes of an Indexed Job are complete, as its status writes them: `0,1,3-5`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::INDEX;
use crate::sim::value::{label, phase};

/// A first and a last index.
type Row = (u32, u32);

/// What was written before, of the indexes that the Job has, and the indexes of pods that have succeeded since.
pub(super) fn completed<'a>(before: &str, completions: i64, pods: impl Iterator<Item = &'a Value>) -> String {
    let Ok(last) = u32::try_from(completions.saturating_sub(1)) else { return String::new() };
    let mut all: Vec<Row> = before.split(',').filter_map(|part| range(part, last)).collect();
    let succeeded = pods.filter(|pod| phase(pod) == "Succeeded");
    all.extend(succeeded.filter_map(|pod| label(pod, INDEX).parse().ok()).map(|index: u32| (index, index)));
    all.sort_unstable();
    written(&all)
}

/// The first `most` indexes that are neither complete nor in `taken`, however many there are.
pub(super) fn pending(before: &str, completions: i64, taken: &BTreeSet<i64>, most: usize) -> Vec<i64> {
    let Ok(last) = u32::try_from(completions.saturating_sub(1)) else { return Vec::new() };
    let mut done: Vec<Row> = before.split(',').filter_map(|part| range(part, last)).collect();
    done.sort_unstable();
    let (mut done, mut out, mut index) = (done.into_iter().peekable(), Vec::new(), 0);
    while index < completions && out.len() < most {
        match done.peek() {
            Some((_, end)) if i64::from(*end) < index => drop(done.next()),
            Some((first, end)) if i64::from(*first) <= index => index = i64::from(*end) + 1,
            _ => {
                if !taken.contains(&index) {
                    out.push(index);
                }
                index += 1;
            }
        }
    }
    out
}

/// Stays two numbers, however many lie between them.
fn range(part: &str, most: u32) -> Option<Row> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    let (first, last) = (first.parse().ok()?, last.parse::<u32>().ok()?.min(most));
    (first <= last).then_some((first, last))
}

/// Three and more in a row are a range.
fn written(all: &[Row]) -> String {
    let mut rows: Vec<Row> = Vec::new();
    for (first, last) in all {
        match rows.last_mut() {
            Some((_, end)) if *first <= end.saturating_add(1) => *end = (*end).max(*last),
            _ => rows.push((*first, *last)),
        }
    }
    let row = |(first, last): &(u32, u32)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    };
    rows.iter().map(row).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn indexes_add_up_and_read_as_the_job_controller_writes_them() {
        let pod =
            |index: &str, phase: &str| json!({"metadata": {"labels": {INDEX: index}}, "status": {"phase": phase}});
        let pods = [pod("4", "Succeeded"), pod("6", "Running"), pod("7", "Succeeded"), pod("8", "Succeeded")];
        assert_eq!(completed("0,1,3,5", 9, pods.iter()), "0,1,3-5,7,8");
        assert_eq!(completed("", 9, [].iter()), "");
        assert_eq!(completed("0-2", 9, [pod("3", "Succeeded")].iter()), "0-3");
    }

    #[test]
    fn the_first_that_are_missing_are_found_at_once() {
        let taken = BTreeSet::from([0, 4]);
        assert_eq!(pending("1,5-7", 10, &taken, 3), [2, 3, 8]);
        assert_eq!(pending("1,5-7", 9, &taken, 9), [2, 3, 8]);
        assert_eq!(pending("0-1999999990", 2_000_000_000, &BTreeSet::new(), 2), [1_999_999_991, 1_999_999_992]);
        assert!(pending("", 0, &BTreeSet::new(), 2).is_empty());
    }

    #[test]
    fn indexes_that_the_job_does_not_have_are_dropped() {
        assert_eq!(completed("0-4294967295", 4, [].iter()), "0-3");
        assert_eq!(completed("7,9-12,5-2,x", 4, [].iter()), "");
        assert_eq!(completed("2147483640-4294967295", 2_147_483_647, [].iter()), "2147483640-2147483646");
    }
}
