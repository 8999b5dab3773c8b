//! Time as a value: whole seconds since 1970, and how ages and durations are written.
//!
//! Must not read a clock; whoever asks brings `now`.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A moment, in whole seconds since 1970-01-01T00:00:00Z. Good from 1970 to 2106.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Secs(pub u32);

impl Secs {
    /// Reads RFC 3339 as the API server writes it (`2026-11-20T08:11:12Z`, fractions cut off).
    pub fn parse(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        u32::try_from(at.as_second()).ok().map(Self)
    }

    /// The moment `seconds` later.
    #[must_use]
    pub fn plus(self, seconds: u32) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to `self`, 0 if it is not earlier (clocks differ).
    pub fn since(self, earlier: Self) -> u32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<jiff::Timestamp> for Secs {
    fn from(at: jiff::Timestamp) -> Self {
        Self(u32::try_from(at.as_second()).unwrap_or(0))
    }
}

/// RFC 3339 in UTC, to the second.
impl fmt::Display for Secs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_second(i64::from(self.0)) {
            Ok(at) => f.pad(&at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
            Err(_) => f.pad("?"),
        }
    }
}

/// A length of time as kubectl writes it (`45s`, `3m20s`, `5h12m`, `3d4h`, `120d`); it changes by bucket,
/// so that a column of ages rarely needs drawing again.
pub fn duration(seconds: u32) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |big: u32, unit: char, rest: u32, small: char| {
        if rest == 0 { format!("{big}{unit}") } else { format!("{big}{unit}{rest}{small}") }
    };
    match seconds {
        0..120 => format!("{seconds}s"),
        120..600 => pair(minutes, 'm', seconds % 60 / 10 * 10, 's'),
        600..10_800 => format!("{minutes}m"),
        10_800..28_800 => pair(hours, 'h', minutes % 60 / 10 * 10, 'm'),
        28_800..172_800 => format!("{hours}h"),
        172_800..691_200 => pair(days, 'd', hours % 24, 'h'),
        _ => format!("{days}d"),
    }
}

/// Seconds until [`duration`] of this length reads otherwise.
pub fn duration_changes_in(seconds: u32) -> u32 {
    let step = match seconds {
        0..120 => 1,
        120..600 => 10,
        600..10_800 => 60,
        10_800..28_800 => 600,
        28_800..691_200 => 3600,
        _ => 86_400,
    };
    step - seconds % step
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc3339() {
        let at = Secs::parse("2026-11-20T08:11:12.345Z").expect("a time");
        assert_eq!(at.to_string(), "2026-11-20T08:11:12Z");
        assert_eq!(Secs::parse("yesterday"), None);
        assert_eq!(Secs(5).since(Secs(9)), 0);
    }

    #[test]
    fn durations_change_exactly_when_said() {
        let mut seconds = 0;
        while seconds < 1_000_000 {
            let next = seconds + duration_changes_in(seconds);
            assert_eq!(duration(next - 1), duration(seconds), "{seconds}");
            assert_ne!(duration(next), duration(seconds), "{seconds}");
            seconds = next;
        }
        assert_eq!(
            ["45s", "3m20s", "15m", "5h10m", "30h", "3d4h", "9d"].map(str::to_owned),
            [45, 205, 925, 18_700, 110_000, 276_000, 800_000].map(duration)
        );
    }
}
