//! The first lines of the Overview: how the job is, what the operator says, why, and what to do.

use super::VALUES;
use crate::{
    console::{
        model::page::{Kept, PageModel},
        theme::Role,
        widgets::rich::{RichLine, labelled},
    },
    jobs::{
        Secs,
        absence::Absence,
        quantity::counted,
        state::{Cause, State},
        time::duration,
        timeline::{Step, timeline},
    },
};

/// The cause of a job that ended well and is a case all the same.
const LEAK: &str = "leaked-gpus";
/// Lines that one piece of evidence takes until all of it is asked for.
const SHORT: usize = 3;

/// See the module.
pub(super) fn lines(page: &PageModel, now: Secs, columns: u16) -> Vec<RichLine> {
    let job = &page.job;
    let derived = &job.derived;
    let state = RichLine::of("State", Role::Label)
        .pad_to(VALUES)
        .and(derived.state.to_string(), Role::of(derived.state.severity()))
        .and(format!("  {}", since(job, now)), Role::Dim);
    let mut out = vec![state];
    if derived.disagrees && !derived.reported.is_empty() {
        let since = job.row.condition(derived.reported.as_str()).and_then(|c| c.since);
        let since = since.map_or(String::new(), |at| format!(", since {}", duration(now.since(at))));
        let text = format!("the operator says {}{since}", derived.reported);
        out.extend(labelled("Reported", VALUES, &text, Role::Warn, columns));
    }
    match &derived.cause {
        Some(cause) => out.extend(cause_lines(cause, &derived.state, page.all_evidence, columns)),
        None if waits(job) => out.extend(absence_lines(&job.absence(""), columns)),
        None => {}
    }
    out.extend(training(job, now, columns));
    if let Some((pod, at)) = job.ended_badly()
        && let Some(text) = page.metrics.usage.moment(&pod.name, at, pod.requests.memory_limit)
    {
        out.extend(labelled("At its end", VALUES, &text, Role::Text, columns));
    }
    if derived.leaked_gpus > 0 && derived.cause.as_ref().is_none_or(|cause| &*cause.rule != LEAK) {
        let text = format!("Finished, still holding {}", counted(derived.leaked_gpus.into(), "GPU"));
        out.extend(labelled("Holds", VALUES, &text, Role::Bad, columns));
    }
    if let Some(warning) = &job.row.warning {
        out.extend(labelled("Unreadable", VALUES, warning.as_str(), Role::Warn, columns));
    }
    out
}

/// How far the training has come, who says so, and what is left as long as it goes on.
pub(super) fn training(job: &Kept, now: Secs, columns: u16) -> Vec<RichLine> {
    let Some(progress) = &job.derived.progress else { return Vec::new() };
    let mut out = labelled("Training", VALUES, &progress.text(), Role::Text, columns);
    let left = progress.left_text(now).filter(|_| !job.derived.state.is_finished());
    let said = progress.source(now);
    let told = left.map_or_else(|| said.clone(), |left| format!("{left}; {said}"));
    out.extend(labelled("", VALUES, &told, Role::Dim, columns));
    out
}

/// Whether the state alone tells why no pod is there.
pub(super) fn waits(job: &Kept) -> bool {
    job.pods.is_empty() && !job.derived.state.is_finished() && job.derived.state != State::Terminating
}

/// Why there is no pod, and what to do.
pub(super) fn absence_lines(absence: &Absence, columns: u16) -> Vec<RichLine> {
    let mut out = labelled("Waits", VALUES, absence.why.as_str(), Role::of(absence.severity), columns);
    if !absence.remedy.is_empty() {
        out.extend(labelled("To do", VALUES, absence.remedy.as_str(), Role::Text, columns));
    }
    out
}

/// For how long, as far as it was recorded: since it ended, ran, waits in its queue, or was made.
fn since(job: &Kept, now: Secs) -> String {
    let derived = &job.derived;
    let steps = timeline(&job.row, &job.pod_refs(), job.workload.as_ref(), derived, now);
    let at = |step| steps.iter().find(|reached| reached.step == step).map(|reached| reached.at);
    let ago = |at: Secs| duration(now.since(at));
    if let Some(end) = derived.finished {
        let ran =
            at(Step::Running).map_or(String::new(), |from| format!(" after running for {}", duration(end.since(from))));
        return format!("ended {} ago{ran}", ago(end));
    }
    match &derived.state {
        State::Running => at(Step::Running)
            .map_or_else(|| format!("made {} ago", ago(job.row.created)), |from| format!("for {}", ago(from))),
        State::Degraded | State::Restarting { .. } | State::Terminating => {
            let never = || format!("never ran; made {} ago", ago(job.row.created));
            at(Step::Running).map_or_else(never, |from| format!("running for {}", ago(from)))
        }
        State::Queued | State::Inadmissible => at(Step::Queued).map_or_else(
            || format!("made {} ago", ago(job.row.created)),
            |from| format!("in the queue for {}", ago(from)),
        ),
        _ => format!("made {} ago", ago(job.row.created)),
    }
}

/// The cause, what to do, and what it rests on.
pub(super) fn cause_lines(cause: &Cause, state: &State, all: bool, columns: u16) -> Vec<RichLine> {
    let mut out = labelled("Cause", VALUES, cause.title.as_str(), Role::Title, columns);
    if !cause.recovers && !state.is_finished() {
        out.extend(labelled("", VALUES, "Will not recover by itself.", Role::Bad, columns));
    }
    if !cause.remedy.is_empty() {
        out.extend(labelled("Remedy", VALUES, cause.remedy.as_str(), Role::Text, columns));
    }
    for (i, evidence) in cause.evidence.iter().enumerate() {
        let label = if i == 0 { "Evidence" } else { "" };
        let mut told = labelled(label, VALUES, &format!("{}: {}", evidence.at, evidence.text), Role::Dim, columns);
        let more = told.len().saturating_sub(SHORT);
        if more > 0 && !all {
            told.truncate(SHORT);
            let words = format!("... {more} more {}, enter shows all", if more == 1 { "line" } else { "lines" });
            told.push(RichLine::default().pad_to(VALUES).and(words, Role::Key));
        }
        out.append(&mut told);
    }
    if cause.evidence.iter().any(|evidence| evidence.line.is_some()) {
        out.extend(labelled("Sure", VALUES, &format!("{} %", cause.sure), Role::Dim, columns));
    }
    out
}
