//! How a run ends: exit codes, and an error as a person reads it.
//!
//! Owns the table of exit codes; the documentation repeats it.

use std::fmt;

use crate::{
    cluster::{Problem, ProblemKind},
    disk::DiskProblem,
    jobs::Clean,
};

/// Something failed: the cluster, a file.
pub const FAILED: u8 = 1;
/// Arguments or settings that make no sense, or no terminal.
pub const USAGE: u8 = 2;
/// The answer is printed, but part of it could not be read.
pub const PARTIAL: u8 = 3;
/// What was asked for is not there.
pub const NOT_FOUND: u8 = 4;

/// Why a verb failed, in words, with its exit code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    what: Clean,
    hint: Clean,
    /// Exit code of the process.
    pub code: u8,
}

impl Failure {
    /// Code 1.
    pub fn new(what: &str) -> Self {
        Self { what: Clean::new(what), hint: Clean::default(), code: FAILED }
    }

    /// Code 2.
    pub fn usage(what: &str) -> Self {
        Self { code: USAGE, ..Self::new(what) }
    }

    /// Code 4.
    pub fn not_found(what: &str) -> Self {
        Self { code: NOT_FOUND, ..Self::new(what) }
    }

    /// With what to do next.
    #[must_use]
    pub fn hint(mut self, hint: &str) -> Self {
        self.hint = Clean::new(hint);
        self
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        if !self.hint.is_empty() {
            write!(f, "\nhint: {}", self.hint)?;
        }
        Ok(())
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.kind {
            ProblemKind::NoConfig | ProblemKind::BadConfig | ProblemKind::UnknownContext | ProblemKind::UnknownUser => {
                USAGE
            }
            ProblemKind::NotFound => NOT_FOUND,
            _ => FAILED,
        };
        let what = if problem.why.is_empty() {
            problem.what.to_string()
        } else {
            format!("{}: {}", problem.what, problem.why)
        };
        Self { code, ..Self::new(&what).hint(problem.hint.as_str()) }
    }
}

impl From<DiskProblem> for Failure {
    fn from(problem: DiskProblem) -> Self {
        Self::new(&problem.to_string())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(&error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_a_hint_and_no_control_characters() {
        let problem = Problem::new(ProblemKind::UnknownContext, "no context «a\x1b[2J»", "", "choose one of b");
        let failure = Failure::from(problem);
        assert_eq!(
            (failure.to_string().as_str(), failure.code),
            ("error: no context «a?[2J»\nhint: choose one of b", 2)
        );
    }
}
