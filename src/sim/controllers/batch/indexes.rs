//! Which indexes of an Indexed Job are complete, as its status writes them: `0,1,3-5`.

use std::collections::BTreeSet;

use serde_json::Value;

use super::INDEX;
use crate::sim::value::{label, phase};

/// What was written before, and the indexes of pods that have succeeded since.
pub(super) fn completed<'a>(before: &str, pods: impl Iterator<Item = &'a Value>) -> String {
    let mut all: BTreeSet<u32> = before.split(',').flat_map(range).collect();
    all.extend(pods.filter(|pod| phase(pod) == "Succeeded").filter_map(|pod| label(pod, INDEX).parse::<u32>().ok()));
    written(&all)
}

fn range(part: &str) -> std::ops::RangeInclusive<u32> {
    let (first, last) = part.split_once('-').unwrap_or((part, part));
    match (first.parse(), last.parse()) {
        (Ok(first), Ok(last)) => first..=last,
        #[expect(clippy::reversed_empty_ranges, reason = "nothing")]
        _ => 1..=0,
    }
}

/// Three and more in a row are a range.
fn written(all: &BTreeSet<u32>) -> String {
    let mut rows: Vec<(u32, u32)> = Vec::new();
    for index in all {
        match rows.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => rows.push((*index, *index)),
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
        assert_eq!(completed("0,1,3,5", pods.iter()), "0,1,3-5,7,8");
        assert_eq!(completed("", [].iter()), "");
        assert_eq!(completed("0-2", [pod("3", "Succeeded")].iter()), "0-3");
    }
}
