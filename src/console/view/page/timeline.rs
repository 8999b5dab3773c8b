//! The steps of a job's life as lines: when each was reached, and how long it was until the next.

use crate::{
    console::{
        model::page::Kept,
        theme::Role,
        widgets::rich::{RichLine, table},
    },
    jobs::{Secs, time::duration, timeline::timeline},
};

/// One line a step.
pub(super) fn lines(job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let steps = timeline(&job.row, &job.pod_refs(), job.workload.as_ref(), &job.derived, now);
    let rows: Vec<_> = steps
        .iter()
        .enumerate()
        .map(|(i, reached)| {
            let goes_on = i + 1 == steps.len() && !job.derived.state.is_finished();
            let took = reached.took.map_or(String::new(), duration);
            vec![
                (reached.step.word().to_owned(), Role::Text),
                (reached.at.to_string(), Role::Dim),
                (format!("{} ago", duration(now.since(reached.at))), Role::Dim),
                (if goes_on { format!("{took} so far") } else { took }, Role::Text),
            ]
        })
        .collect();
    table(2, &rows, columns)
}
