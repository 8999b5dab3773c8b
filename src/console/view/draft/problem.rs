//! What is wrong with a draft: the sign in the gutter, the sentence below.

use crate::{
    console::{model::draft::Draft, theme::Role, widgets::rich::RichLine},
    jobs::checks::{Problem, Severity},
};

/// The sign of a severity, readable without colours.
pub(super) const fn sign(severity: Severity) -> (&'static str, Role) {
    match severity {
        Severity::Error => ("x", Role::Bad),
        Severity::Warning => ("!", Role::Warn),
        Severity::Advice => ("*", Role::Dim),
    }
}

/// The worst problem of a line, counted from 0.
pub(super) fn at_line(draft: &Draft, row: usize) -> Option<&Problem> {
    let here = |problem: &&Problem| problem.place.as_ref().is_some_and(|place| place.line as usize == row + 1);
    draft.problems.iter().filter(here).min_by_key(|problem| problem.severity)
}

/// A problem in a sentence.
pub(super) fn sentence(problem: &Problem) -> RichLine {
    let (sign, role) = sign(problem.severity);
    RichLine::of(format!("{sign} {}", problem.reason), role).and(format!(" {}", problem.remedy), Role::Dim)
}

/// How many there are of each severity: «2 errors, 1 warning».
pub(super) fn counts(draft: &Draft) -> Option<(String, Role)> {
    let count = |severity: Severity| draft.problems.iter().filter(|problem| problem.severity == severity).count();
    let one = |severity: Severity| {
        let n = count(severity);
        let word = severity.word();
        let end = if n == 1 || severity == Severity::Advice { "" } else { "s" };
        (n > 0).then(|| format!("{n} {word}{end}"))
    };
    let all: Vec<_> = [Severity::Error, Severity::Warning, Severity::Advice].into_iter().filter_map(one).collect();
    let worst = draft.problems.iter().map(|problem| problem.severity).min()?;
    Some((all.join(", "), sign(worst).1))
}
