//! A log as the rules want it: lines without tags and colours, counted.

use crate::{
    jobs::{
        causes::{LogLine, Rules, Scan},
        time::Secs,
    },
    logs::{Cleaner, Line, Nanos, Tag},
};

/// A whole log under the rules.
pub(super) fn scan(rules: &Rules, bytes: &[u8]) -> Scan {
    let (mut scan, mut number) = (Scan::default(), 0);
    let mut cleaner = Cleaner::new(true);
    let mut take = |line: Line| {
        number += 1;
        feed(&mut scan, rules, line.text.as_str(), number, line.at.map(Nanos::secs));
    };
    cleaner.feed(bytes, &mut take);
    cleaner.finish().into_iter().for_each(take);
    scan
}

/// One line, without its tag.
pub(super) fn feed(scan: &mut Scan, rules: &Rules, text: &str, number: u32, at: Option<Secs>) {
    let tag = Tag::of(text, None);
    scan.feed(rules, &LogLine { text: tag.body(text), rank: tag.rank, host: tag.host, number, at });
}
