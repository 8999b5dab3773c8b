//! Label selectors, read as the API server reads them, with its words for what it can't read.

use super::words::{wrong_key, wrong_value};

/// One requirement of a selector.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LabelTerm {
    pub(super) key: String,
    pub(super) test: LabelTest,
}

/// What is required of a label.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LabelTest {
    Exists,
    Missing,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl LabelTerm {
    pub(super) fn matches(&self, value: Option<&str>) -> bool {
        let number = || value.and_then(|v| v.parse::<i64>().ok());
        match &self.test {
            LabelTest::Exists => value.is_some(),
            LabelTest::Missing => value.is_none(),
            LabelTest::In(values) => value.is_some_and(|v| values.iter().any(|w| w == v)),
            LabelTest::NotIn(values) => value.is_none_or(|v| values.iter().all(|w| w != v)),
            LabelTest::Above(bound) => number().is_some_and(|n| n > *bound),
            LabelTest::Below(bound) => number().is_some_and(|n| n < *bound),
        }
    }
}

/// Reads a selector: requirements with commas between them.
pub(super) fn parse(text: &str) -> Result<Vec<LabelTerm>, String> {
    let tokens = tokens(text);
    let mut rest = tokens.as_slice();
    let mut terms = Vec::new();
    while let Some(&first) = rest.first() {
        if first != "!" && is_special(first) {
            return Err(format!("found '{first}', expected: !, identifier, or 'end of string'"));
        }
        terms.push(requirement(&mut rest)?);
        match rest {
            [] => {}
            [",", after @ ..] => match after.first() {
                None => return Err("found '', expected: identifier after ','".to_owned()),
                Some(&next) if next != "!" && is_special(next) => {
                    return Err(format!("found '{next}', expected: identifier after ','"));
                }
                Some(_) => rest = after,
            },
            [other, ..] => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
        }
    }
    Ok(terms)
}

fn is_special(token: &str) -> bool {
    token.starts_with(['=', '!', '(', ')', ',', '>', '<'])
}

/// Words, and signs as long as they can be.
fn tokens(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let long = if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        } else if rest.starts_with("==") || rest.starts_with("!=") {
            2
        } else if is_special(rest) {
            1
        } else {
            rest.find(|c: char| c.is_whitespace() || "=!(),><".contains(c)).unwrap_or(rest.len())
        };
        found.push(&rest[..long]);
        at += long;
    }
    found
}

fn take<'t>(rest: &mut &[&'t str]) -> &'t str {
    match *rest {
        [first, after @ ..] => {
            *rest = after;
            first
        }
        [] => "",
    }
}

fn requirement(rest: &mut &[&str]) -> Result<LabelTerm, String> {
    let refuse = |why: String| Err(format!("unable to parse requirement: {why}"));
    let missing = rest.first() == Some(&"!");
    if missing {
        take(rest);
    }
    let key = take(rest);
    if key.is_empty() || is_special(key) {
        return refuse(format!("found '{key}', expected: identifier"));
    }
    let wrong = wrong_key(key);
    if !wrong.is_empty() {
        return refuse(format!("<nil>: Invalid value: {key:?}: {}", wrong.join("; ")));
    }
    let done = |test| Ok(LabelTerm { key: key.to_owned(), test });
    if missing {
        return done(LabelTest::Missing);
    }
    if matches!(rest.first(), None | Some(&",")) {
        return done(LabelTest::Exists);
    }
    let operator = take(rest);
    let values = match operator {
        "in" | "notin" => set(rest)?,
        "=" | "==" | "!=" | ">" | "<" => vec![exact(rest)?],
        other => return refuse(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
    };
    for (at, value) in values.iter().enumerate() {
        let wrong = wrong_value(value);
        if !wrong.is_empty() {
            return refuse(format!("values[{at}][{key}]: Invalid value: {value:?}: {}", wrong.join("; ")));
        }
    }
    let bound = || {
        let value = values.concat();
        let wrong = || {
            format!(
                "unable to parse requirement: values[0]: Invalid value: \"{value}\": for 'Gt', 'Lt' operators, the value must be an integer"
            )
        };
        value.parse::<i64>().map_err(|_| wrong())
    };
    match operator {
        ">" => done(LabelTest::Above(bound()?)),
        "<" => done(LabelTest::Below(bound()?)),
        "notin" | "!=" => done(LabelTest::NotIn(values)),
        _ => done(LabelTest::In(values)),
    }
}

/// What follows `=`: a word or nothing.
fn exact(rest: &mut &[&str]) -> Result<String, String> {
    match rest.first() {
        None | Some(&",") => Ok(String::new()),
        Some(&word) if is_special(word) => {
            Err(format!("unable to parse requirement: found '{word}', expected: identifier"))
        }
        Some(_) => Ok(take(rest).to_owned()),
    }
}

/// What follows `in`: words in brackets.
fn set(rest: &mut &[&str]) -> Result<Vec<String>, String> {
    let refuse = |why: String| Err(format!("unable to parse requirement: {why}"));
    let open = take(rest);
    if open != "(" {
        return refuse(format!("found '{open}' expected: '('"));
    }
    let mut values = vec![String::new()];
    loop {
        match take(rest) {
            ")" => return Ok(values),
            "," => values.push(String::new()),
            word if word.is_empty() || is_special(word) => {
                return refuse(format!("found '{word}', expected: ',', ')' or identifier"));
            }
            word => {
                values.last_mut().map(|last| word.clone_into(last)).unwrap_or_default();
                let next = rest.first().copied().unwrap_or_default();
                if !matches!(next, "," | ")") {
                    return refuse(format!("found '{next}', expected: ',' or ')'"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_compare_and_empty_values_are_values() {
        let term = |text: &str| parse(text).unwrap().remove(0);
        assert!(term("n>5").matches(Some("10")) && !term("n<5").matches(Some("10")) && !term("n>5").matches(Some("x")));
        assert!(term("a=").matches(Some("")) && !term("a=").matches(None));
        assert!(term("a in (x, )").matches(Some("")));
        let said = |text: &str| parse(text).unwrap_err();
        assert_eq!(said("=x"), "found '=', expected: !, identifier, or 'end of string'");
        assert_eq!(said("(a=x)"), "found '(', expected: !, identifier, or 'end of string'");
        assert!(
            said("a=\"x\"").contains(r#"values[0][a]: Invalid value: "\"x\"": a valid label"#),
            "{}",
            said("a=\"x\"")
        );
        let long = said(&format!("{}/b=x", "a".repeat(254)));
        assert!(long.ends_with("prefix part must be no more than 253 bytes"), "{long}");
        for bad in ["a in (x", "a in x", "a like b", "!", "a,,b", "a,", "=b", "a=-", "n>x", "a b"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
