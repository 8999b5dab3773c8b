//! Notices: what was told to the person; the newest is in the footer for a while, all can be read again.

use std::collections::VecDeque;

use crate::jobs::{Clean, Secs};

/// How many are kept.
const KEPT: usize = 500;

/// How a notice is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tone {
    /// For information.
    Info,
    /// It worked.
    Good,
    /// Look at this.
    Warn,
    /// It did not work.
    Bad,
}

impl Tone {
    /// How long it stays in the footer, in seconds.
    const fn lasts(self) -> u32 {
        match self {
            Self::Info | Self::Good => 6,
            Self::Warn => 12,
            Self::Bad => 20,
        }
    }
}

/// One notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When it was told (last).
    pub at: Secs,
    /// How it is meant.
    pub tone: Tone,
    /// One line.
    pub text: Clean,
    /// How often in a row.
    pub times: u32,
}

/// All that were told, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    kept: VecDeque<Notice>,
    /// Whether the person has pressed a key since the newest: then the footer is free again.
    seen: bool,
}

impl Notices {
    /// Tells something; the same again only counts.
    pub fn tell(&mut self, now: Secs, tone: Tone, text: &str) {
        self.seen = false;
        let text = Clean::new(text);
        if let Some(last) = self.kept.back_mut().filter(|last| last.text == text && last.tone == tone) {
            (last.at, last.times) = (now, last.times + 1);
            return;
        }
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Notice { at: now, tone, text, times: 1 });
    }

    /// The one to show in the footer now.
    pub fn current(&self, now: Secs) -> Option<&Notice> {
        let last = self.kept.back()?;
        (!self.seen && now.since(last.at) < last.tone.lasts()).then_some(last)
    }

    /// A key was pressed: an informing notice gives way, a bad one stays its time.
    pub fn acknowledge(&mut self) -> bool {
        let quiet = self.kept.back().is_some_and(|last| matches!(last.tone, Tone::Info | Tone::Good));
        let changed = quiet && !self.seen;
        self.seen |= quiet;
        changed
    }

    /// When the current one goes.
    pub fn next_deadline(&self, now: Secs) -> Option<Secs> {
        self.current(now).map(|notice| notice.at.plus(notice.tone.lasts()))
    }

    /// All, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Notice> {
        self.kept.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_shows_for_its_time_and_repeats_are_counted() {
        let mut notices = Notices::default();
        notices.tell(Secs(10), Tone::Bad, "no");
        notices.tell(Secs(11), Tone::Bad, "no");
        assert_eq!(notices.current(Secs(12)).map(|n| n.times), Some(2));
        assert_eq!(notices.next_deadline(Secs(12)), Some(Secs(31)));
        assert_eq!(notices.current(Secs(31)), None);
        for n in 0..2 * KEPT {
            notices.tell(Secs(40), Tone::Info, &n.to_string());
        }
        assert_eq!(notices.iter().count(), KEPT);
        assert!(notices.acknowledge() && notices.current(Secs(40)).is_none());
    }
}
