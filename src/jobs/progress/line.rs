//! What one line of a log says of the training: the forms that are known, tried one after the other.
//!
//! A line says something only where its words leave no doubt: a number beside «step» alone is no progress. Linear in a
//! line's length, of which [`LOOKED_AT`] bytes are looked at.

use std::sync::LazyLock;

use regex::Regex;

use super::{Told, bar, pairs};

/// Bytes of a line that are looked at.
const LOOKED_AT: usize = 2048;

/// A word that every known form has: most lines have none.
static GATE: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i-u)step|iter|epoch|loss|train-|/sec|persec|per_sec|%\||images/s|samples/s").ok());

/// Whether it has a word that a line has which says something: cheap, and no for most lines.
pub(super) fn may_tell(text: &str) -> bool {
    GATE.as_ref().is_some_and(|gate| gate.is_match(head(text)))
}

/// What a line that [may tell](may_tell) says, without its rank tag.
pub(super) fn read(text: &str) -> Option<Told> {
    let text = head(text);
    match bar::tqdm(text) {
        // A bar of something else says nothing of the training, whatever words are in it.
        Some(bar) => bar.told(),
        None => bar::keras(text).or_else(|| pairs::read(text)),
    }
}

fn head(text: &str) -> &str {
    let end = (0..=LOOKED_AT.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}
