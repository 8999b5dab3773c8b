//! Lines of a log as the rules of causes want them: without tags and colours, counted.
//!
//! For whoever reads a log only for what it says; a line that is shown as well is cleaned once, by the [`super::Book`].

use super::{Cleaner, Line, Nanos, Tag, clean, wrap};
use crate::jobs::{
    causes::{LogLine, Rules, Scan, named},
    replica,
    time::Secs,
};

/// The first rank of the node whose log counts ranks by node (`[default3]:`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Base {
    /// A rank is told both ways.
    Told(u32),
    /// It may be the only node.
    Unknown,
}

/// A whole log under the rules. Its lines may begin with their times, and with what the tool put there that saved it.
pub fn scan(rules: &Rules, bytes: &[u8]) -> Scan {
    let (mut scan, mut number, base) = (Scan::default(), 0, base(bytes));
    if base == Some(Base::Unknown) {
        scan.is_of_a_node();
    }
    let mut cleaner = Cleaner::new(true);
    let mut take = |line: Line| {
        number += 1;
        let line_at = line.at.map(Nanos::secs);
        let saved = wrap::unwrapped(line.text.as_str());
        // The launcher writes everybody's lines.
        let is_launcher = |pod: &&str| named(pod).is_some_and(|subject| replica::is_launcher(subject.role.as_str()));
        let pod = saved.pod.filter(|pod| !is_launcher(pod));
        feed(&mut scan, rules, &saved.text, pod, base, number, line_at);
    };
    cleaner.feed(bytes, &mut take);
    cleaner.finish().into_iter().for_each(take);
    scan
}

/// One line as it was written, at that time.
pub fn line(scan: &mut Scan, rules: &Rules, bytes: &[u8], number: u32, at: Option<Secs>) {
    feed(scan, rules, clean::whole(bytes, false).text.as_str(), None, None, number, at);
}

fn feed(
    scan: &mut Scan,
    rules: &Rules,
    text: &str,
    pod: Option<&str>,
    base: Option<Base>,
    number: u32,
    at: Option<Secs>,
) {
    let tag = Tag::of(text, None);
    let first = match base {
        Some(Base::Told(first)) => Some(first),
        Some(Base::Unknown) => Some(0),
        None => None,
    };
    // A tag that takes room is torchrun's; NCCL's device is none of a rank. Logs of several pods are of several nodes.
    let of_node = tag.local.filter(|_| tag.len > 0 && pod.is_none()).zip(first);
    let of_node = of_node.and_then(|(local, first)| first.checked_add(local));
    let rank = tag.rank.or(of_node);
    scan.feed(rules, &LogLine { text: tag.body(text), rank, host: tag.host.or(pod), number, at });
}

/// Where the ranks begin of a log that numbers them by node, if it does: torchrun tells both numbers when one fails
/// (`rank : 11 (local_rank: 3)`). A log with other tags has the ranks themselves.
fn base(bytes: &[u8]) -> Option<Base> {
    let text = String::from_utf8_lossy(bytes);
    if !text.contains("[default") || text.contains("[rank") || text.contains("]<std") {
        return None;
    }
    let both = |at: usize| {
        let local = number(&text[at + LOCAL.len()..])?;
        let before = text[..at].trim_end();
        let rank = before.rsplit(' ').next().and_then(number)?;
        rank.checked_sub(local)
    };
    Some(text.match_indices(LOCAL).find_map(|(at, _)| both(at)).map_or(Base::Unknown, Base::Told))
}

/// What torchrun puts between the two.
const LOCAL: &str = "(local_rank: ";

/// The number at the beginning.
fn number(text: &str) -> Option<u32> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_of_a_node_are_told_by_its_launcher_or_taken_for_all() {
        let told = "[default3]:boom\n  rank      : 11 (local_rank: 3)\n";
        assert_eq!(base(told.as_bytes()), Some(Base::Told(8)));
        assert_eq!(base(b"[default3]:boom"), Some(Base::Unknown));
        for log in ["[default0]:[rank8]: boom", "[1,3]<stderr>:[default3]:boom", "step 3"] {
            assert_eq!(base(log.as_bytes()), None, "{log}");
        }
    }
}
