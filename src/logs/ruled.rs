//! Lines of a log as the rules of causes want them: without tags and colours, counted.
//!
//! For whoever reads a log only for what it says; a line that is shown as well is cleaned once, by the [`super::Book`].

use super::{Cleaner, Line, Nanos, Tag, clean};
use crate::jobs::{
    causes::{LogLine, Rules, Scan},
    time::Secs,
};

/// A whole log under the rules. Its lines may begin with their times.
pub fn scan(rules: &Rules, bytes: &[u8]) -> Scan {
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

/// One line as it was written, at that time.
pub fn line(scan: &mut Scan, rules: &Rules, bytes: &[u8], number: u32, at: Option<Secs>) {
    feed(scan, rules, clean::whole(bytes, false).text.as_str(), number, at);
}

fn feed(scan: &mut Scan, rules: &Rules, text: &str, number: u32, at: Option<Secs>) {
    let tag = Tag::of(text, None);
    scan.feed(rules, &LogLine { text: tag.body(text), rank: tag.rank, host: tag.host, number, at });
}
