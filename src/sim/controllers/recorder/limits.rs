//! How much a component may say: client-go merges what differs by its message only, and drops what is too much.
//!
//! Owns both counts. Pure: a note and the time in, what to do out.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::sim::{
    value::{hash, seconds_between, text},
    write::Note,
};

/// The message of one reason that is merged with all that follow.
const SIMILAR: usize = 10;
/// Seconds of silence after which messages count anew.
const SIMILAR_FOR: f64 = 600.0;
/// Events of one type about an object that are heard at once.
const BURST: f64 = 25.0;
/// Seconds until one more is heard.
const REFILL: f64 = 300.0;

/// What components have said lately.
#[derive(Default)]
pub(super) struct Limits {
    similar: HashMap<u64, (BTreeSet<u64>, Timestamp)>,
    tokens: HashMap<u64, (f64, Timestamp)>,
}

impl Limits {
    /// The key under which `note` is counted, and its message, which tells if it stands for others.
    pub(super) fn merged(&mut self, note: &Note, now: Timestamp) -> (u64, String) {
        let about = &note.about;
        let source = format!("{}|{}|{}|{}", note.from, note.host, text(about, "/uid"), note.kind);
        let group = hash(&format!("similar|{source}|{}", note.reason));
        let (messages, last) = self.similar.entry(group).or_insert_with(|| (BTreeSet::new(), now));
        if seconds_between(*last, now) > SIMILAR_FOR {
            messages.clear();
        }
        *last = now;
        let message = hash(&note.message);
        messages.insert(message);
        if messages.len() < SIMILAR {
            let field = text(about, "/fieldPath");
            return (hash(&format!("{source}|{field}|{}|{}", note.reason, note.message)), note.message.clone());
        }
        // Which of them is dropped is chance in client-go: never the one that was just said.
        if let Some(old) = messages.iter().copied().find(|m| *m != message) {
            messages.remove(&old);
        }
        (group, format!("(combined from similar events): {}", note.message))
    }

    /// Whether `note` is one too many about its object.
    pub(super) fn is_spam(&mut self, note: &Note, now: Timestamp) -> bool {
        let key = hash(&format!("{}|{}|{}|{}", note.from, note.host, text(&note.about, "/uid"), note.kind));
        let (tokens, last) = self.tokens.entry(key).or_insert((BURST, now));
        *tokens = (*tokens + seconds_between(*last, now).max(0.0) / REFILL).min(BURST);
        *last = now;
        if *tokens < 1.0 {
            return true;
        }
        *tokens -= 1.0;
        false
    }

    /// Forgets what does not matter any more.
    pub(super) fn sweep(&mut self, now: Timestamp) {
        self.similar.retain(|_, (_, last)| seconds_between(*last, now) <= SIMILAR_FOR);
        self.tokens.retain(|_, (tokens, last)| *tokens + seconds_between(*last, now) / REFILL < BURST);
    }
}
