//! Which known word a mistyped one was probably meant to be.

use strsim::osa_distance;

/// The nearest of `known`, if it is no more than two slips away and a third of the word's length (one for short words).
/// A slip is a letter changed, put in, left out or swapped with its neighbour; the case of letters is none.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let typed = word.to_lowercase();
    let limit = (typed.chars().count() / 3).clamp(1, 2);
    let slips = |known: &'k str| (osa_distance(&known.to_lowercase(), &typed), known);
    known.into_iter().map(slips).min().filter(|(slips, known)| *slips <= limit && *slips < known.len()).map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_does_not() {
        let known = ["slotsPerWorker", "runPolicy", "cpu", "read-only"];
        assert_eq!(nearest("slotPerWorker", known), Some("slotsPerWorker"));
        assert_eq!(nearest("runpolicy", known), Some("runPolicy"));
        assert_eq!(nearest("raed-only", known), Some("read-only"));
        assert_eq!(nearest("cpus", known), Some("cpu"));
        assert_eq!(nearest("nodes", known), None);
        assert_eq!(nearest("colour", ["theme", "keymap"]), None);
        assert_eq!(nearest("x", ["y"]), None);
    }
}
