//! The steps of a job's life as lines: when each was reached, and how long it was until the next.

use crate::{
    console::{
        model::page::Kept,
        theme::Role,
        widgets::rich::{RichLine, table},
    },
    jobs::{Secs, time::duration, timeline::timeline},
};

/// Columns of all but the bars, and of the shortest and the longest that the whole time may take.
const WITHOUT_BARS: u16 = 60;
const BARS: (u16, u16) = (16, 40);

/// A heading and one line a step; where there is room, with a bar each that shows its part of the whole.
pub(super) fn lines(job: &Kept, now: Secs, columns: u16, ascii: bool) -> Vec<RichLine> {
    let steps = timeline(&job.row, &job.pod_refs(), job.workload.as_ref(), &job.derived, now);
    let Some(first) = steps.first() else { return Vec::new() };
    let whole = steps.iter().filter_map(|step| step.took).sum::<u32>().max(1);
    let room = columns.saturating_sub(WITHOUT_BARS).min(BARS.1);
    let scale = |seconds: u32| (u64::from(seconds) * u64::from(room) / u64::from(whole)) as u16;
    let heading = ["STEP", "AT (UTC)", "   AGO", "  TOOK", ""].map(|word| (word.to_owned(), Role::Heading));
    let rows = steps.iter().enumerate().map(|(i, reached)| {
        let goes_on = i + 1 == steps.len() && !job.derived.state.is_finished();
        let bar = reached.took.filter(|_| room >= BARS.0).map(|took| {
            let (from, to) = (scale(reached.at.since(first.at)), scale(reached.at.since(first.at) + took));
            let block = if ascii { "=" } else { "\u{2501}" };
            format!("{}{}", " ".repeat(from.into()), block.repeat((to - from).max(1).into()))
        });
        let so_far = if goes_on { " so far" } else { "" };
        vec![
            (reached.step.word().to_owned(), Role::Text),
            (moment(reached.at), Role::Dim),
            (format!("{:>6}", duration(now.since(reached.at))), Role::Dim),
            (reached.took.map_or(String::new(), |took| format!("{:>6}{so_far}", duration(took))), Role::Text),
            (bar.unwrap_or_default(), Role::of(job.derived.state.severity())),
            (String::new(), Role::Text),
        ]
    });
    // The empty cell at the end is there to be wrapped instead of a bar.
    table(2, &std::iter::once(heading.into()).chain(rows).collect::<Vec<_>>(), columns)
}

/// Date and time without what the heading says.
fn moment(at: Secs) -> String {
    at.to_string().replace('T', " ").replace('Z', "")
}
