//! Lines of a log as the rules of causes want them: without tags and colours, counted.
//!
//! For whoever reads a log only for what it says; a line that is shown as well is cleaned once, by the [`super::Book`].

use super::{Cleaner, Line, Nanos, Tag, clean, wrap};
use crate::jobs::{
    causes::{LogLine, Rules, Scan, named},
    replica,
    time::Secs,
};

/// A whole log under the rules. Its lines may begin with their times, and with what the tool put there that saved it.
pub fn scan(rules: &Rules, bytes: &[u8]) -> Scan {
    let (mut scan, mut number) = (Scan::default(), 0);
    let mut cleaner = Cleaner::new(true);
    let mut take = |line: Line| {
        number += 1;
        let line_at = line.at.map(Nanos::secs);
        let saved = wrap::unwrapped(line.text.as_str());
        // The launcher writes everybody's lines.
        let is_launcher = |pod: &&str| named(pod).is_some_and(|subject| replica::is_launcher(subject.role.as_str()));
        feed(&mut scan, rules, &saved.text, saved.pod.filter(|pod| !is_launcher(pod)), number, line_at);
    };
    cleaner.feed(bytes, &mut take);
    cleaner.finish().into_iter().for_each(take);
    scan
}

/// One line as it was written, at that time.
pub fn line(scan: &mut Scan, rules: &Rules, bytes: &[u8], number: u32, at: Option<Secs>) {
    feed(scan, rules, clean::whole(bytes, false).text.as_str(), None, number, at);
}

fn feed(scan: &mut Scan, rules: &Rules, text: &str, pod: Option<&str>, number: u32, at: Option<Secs>) {
    let tag = Tag::of(text, None);
    scan.feed(rules, &LogLine { text: tag.body(text), rank: tag.rank, host: tag.host.or(pod), number, at });
}
