//! A line of shell, cut into commands and words.

/// How a command follows the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Follows {
    /// In any case.
    Always,
    /// If that went well.
    Success,
    /// If that failed.
    Failure,
}

/// Cuts a line at `;`, `&&`, `||` and line ends; words may stand in quotes, `$NAME` is looked up outside of single ones.
pub(super) fn commands(line: &str, lookup: &dyn Fn(&str) -> String) -> Vec<(Follows, Vec<String>)> {
    let mut found = Vec::new();
    let mut follows = Follows::Always;
    let (mut words, mut word): (Vec<String>, Option<String>) = (Vec::new(), None);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' => {
                let quoted = word.get_or_insert_default();
                quoted.extend(chars.by_ref().take_while(|c| *c != '\''));
            }
            '"' => {
                let quoted = word.get_or_insert_default();
                while let Some(c) = chars.next().filter(|c| *c != '"') {
                    match c {
                        '$' => quoted.push_str(&lookup(&name(&mut chars))),
                        '\\' => quoted.extend(chars.next()),
                        c => quoted.push(c),
                    }
                }
            }
            '$' => word.get_or_insert_default().push_str(&lookup(&name(&mut chars))),
            '\\' => word.get_or_insert_default().extend(chars.next()),
            ';' | '\n' | '&' | '|' => {
                let doubled = chars.next_if_eq(&c).is_some();
                words.extend(word.take());
                if !words.is_empty() {
                    found.push((follows, std::mem::take(&mut words)));
                }
                follows = match (c, doubled) {
                    ('&', true) => Follows::Success,
                    ('|', true) => Follows::Failure,
                    _ => Follows::Always,
                };
            }
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    if !words.is_empty() {
        found.push((follows, words));
    }
    found
}

fn name(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    if let Some(special) = chars.next_if(|c| matches!(c, '?' | '$')) {
        return special.to_string();
    }
    let braced = chars.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
        name.push(c);
    }
    if braced {
        chars.next_if_eq(&'}');
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_as_a_shell_cuts_them() {
        let lookup = |name: &str| if name == "A" { "x y".to_owned() } else { String::new() };
        let cut = commands("echo 'a $A' \"b $A\" ${A}c; false && true || ls\\ a", &lookup);
        let expected: [(Follows, &[&str]); 4] = [
            (Follows::Always, &["echo", "a $A", "b x y", "x yc"]),
            (Follows::Always, &["false"]),
            (Follows::Success, &["true"]),
            (Follows::Failure, &["ls a"]),
        ];
        assert_eq!(cut.len(), expected.len());
        for ((follows, words), (f, w)) in cut.iter().zip(expected) {
            assert_eq!((*follows, words.iter().map(String::as_str).collect::<Vec<_>>().as_slice()), (f, w));
        }
    }
}
