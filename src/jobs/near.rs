//! Which known word a mistyped one was probably meant to be.

/// The nearest of `known`, if one is no more than two letters away.
pub fn nearest<'k>(word: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let far = |k: &str| distance(k, word).min(distance(&k.to_lowercase(), &word.to_lowercase()));
    known.into_iter().map(|k| (far(k), k)).min().filter(|(far, k)| *far <= 2 && *far < k.len()).map(|(_, k)| k)
}

/// How many letters must be changed, put in or left out (no more than a handful: words are short).
pub fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(24).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let next = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], next);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_word_and_another_word_does_not() {
        let known = ["slotsPerWorker", "runPolicy", "cpu"];
        assert_eq!(nearest("slotPerWorker", known), Some("slotsPerWorker"));
        assert_eq!(nearest("runpolicy", known), Some("runPolicy"));
        assert_eq!(nearest("nodes", known), None);
    }
}
