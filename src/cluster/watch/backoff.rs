//! How long to wait before trying again.

use std::{
    hash::{BuildHasher as _, Hasher as _, RandomState},
    time::Duration,
};

use crate::cluster::problem::{Problem, ProblemKind as Kind};

const FIRST: Duration = Duration::from_millis(500);
const MOST: Duration = Duration::from_secs(4);
/// For what only a person can change: rights, logins, what is installed.
const PATIENT: Duration = Duration::from_mins(1);
/// A server may ask for more than that, but someone is looking at the screen.
const MOST_ASKED: Duration = Duration::from_secs(30);

/// Waits that grow from 0.5 to 4 s, each by itself so that lists don't knock together.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
    random: u64,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Self { next: FIRST, random: RandomState::new().build_hasher().finish() | 1 }
    }

    pub(super) fn reset(&mut self) {
        self.next = FIRST;
    }

    /// The wait after a failure that passes by itself.
    pub(super) fn step(&mut self) -> Duration {
        let wait = self.next;
        self.next = (self.next * 2).min(MOST);
        self.jitter(wait)
    }

    /// The wait after this problem.
    pub(super) fn after(&mut self, problem: &Problem) -> Duration {
        if let Some(asked) = problem.retry_after() {
            return asked.min(MOST_ASKED) + self.jitter(Duration::from_millis(200));
        }
        match problem.kind {
            Kind::Unauthorized | Kind::Forbidden | Kind::NotFound | Kind::Invalid | Kind::BadConfig | Kind::Bug => {
                self.jitter(PATIENT)
            }
            _ => self.step(),
        }
    }

    /// Between three quarters of `wait` and all of it.
    pub(super) fn jitter(&mut self, wait: Duration) -> Duration {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = (self.random % 1000) as f64 / 1000.0;
        wait.mul_f64(0.75 + share / 4.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_are_bounded() {
        let mut backoff = Backoff::new();
        let mut last = Duration::ZERO;
        for most in [500, 1000, 2000, 4000, 4000, 4000] {
            let most = Duration::from_millis(most);
            let wait = backoff.step();
            assert!(wait <= most && wait >= most.mul_f64(0.75), "{wait:?} of {most:?}");
            last = last.max(wait);
        }
        backoff.reset();
        assert!(backoff.step() <= FIRST && last <= MOST);
    }

    #[test]
    fn what_a_person_must_change_is_asked_for_once_a_minute() {
        let problem = Problem::new(Kind::Forbidden, "", "", "");
        assert!(Backoff::new().after(&problem) >= Duration::from_secs(45));
    }
}
