//! A command line as a person types it: words, with quotes where a blank belongs to one.

/// Splits a line; `None` if a quote is not closed.
pub(super) fn split(line: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => word.get_or_insert_default().push(c),
            (_, '\\') => word.get_or_insert_default().push(chars.next()?),
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

/// Writes what [`split`] reads.
pub(super) fn join<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| !c.is_whitespace() && !['\'', '"', '\\'].contains(&c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    if !word.contains('\'') {
        return format!("'{word}'");
    }
    let escaped: String =
        word.chars().flat_map(|c| ['"', '\\'].contains(&c).then_some('\\').into_iter().chain([c])).collect();
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_joined_is_split_again(words in proptest::collection::vec("[a'\" \\\\$-]{0,6}", 0..5)) {
            let line = join(words.iter().map(String::as_str));
            prop_assert_eq!(split(&line), Some(words));
        }
    }

    #[test]
    fn a_quote_that_is_not_closed_is_no_line() {
        assert_eq!(split("mpirun -np '2"), None);
        assert_eq!(split("a\\"), None);
        assert_eq!(split(" mpirun  -np 2 "), Some(["mpirun", "-np", "2"].map(str::to_owned).to_vec()));
    }
}
