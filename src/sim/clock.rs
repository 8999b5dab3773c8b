//! The sim's only source of time.
//!
//! Owns what «now» is for store, controllers, kubelet and faults. Both kinds run on tokio's clock, so that a test
//! with paused time moves the sim, the client and the console together.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::value::stamp;

/// Wall-clock time that passes at tokio's pace. Cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Timestamp,
    since: Instant,
}

impl Clock {
    /// Starts at the machine's own time.
    #[allow(clippy::disallowed_methods, reason = "this is the one place of the sim that reads the wall clock")]
    pub fn real() -> Self {
        Self::manual(Timestamp::now())
    }

    /// Starts at `start`; with tokio's time paused it moves only as the test says.
    pub fn manual(start: Timestamp) -> Self {
        Self { start, since: Instant::now() }
    }

    /// The moment now, with its fraction of a second.
    pub fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.since.elapsed()).unwrap_or(SignedDuration::MAX);
        self.start.saturating_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// The same clock, so many milliseconds behind.
    #[must_use]
    pub fn behind(self, ms: i64) -> Self {
        let start = self.start.saturating_sub(SignedDuration::from_millis(ms)).unwrap_or(self.start);
        Self { start, ..self }
    }

    /// Now as an API object carries it: RFC 3339, whole seconds, UTC.
    pub fn stamp(&self) -> String {
        stamp(self.now())
    }

    /// Now as HTTP dates are written: `Fri, 20 Nov 2026 08:11:12 GMT`.
    pub fn http_date(&self) -> String {
        self.now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
    }

    /// Waits.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Waits until `at`; at once if that is past.
    pub async fn sleep_until(&self, at: Timestamp) {
        let left = Duration::try_from(at.duration_since(self.now())).unwrap_or(Duration::ZERO);
        tokio::time::sleep(left).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_manual_clock_moves_with_paused_time() {
        let clock = Clock::manual("2026-11-20T08:00:00Z".parse().unwrap());
        clock.sleep(Duration::from_secs(90)).await;
        assert_eq!(clock.stamp(), "2026-11-20T08:01:30Z");
        clock.sleep_until("2026-11-20T08:02:00Z".parse().unwrap()).await;
        assert_eq!(clock.stamp(), "2026-11-20T08:02:00Z");
        assert_eq!(clock.http_date(), "Fri, 20 Nov 2026 08:02:00 GMT");
    }
}
