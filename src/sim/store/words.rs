//! Which words the API takes as names, label keys and label values, and how it refuses others.

/// How a label's value must be.
const LABEL_VALUE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
const NAME_PART: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const QUALIFIED: &str = "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
/// How most names must be.
pub const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
/// How names of namespaces and services must be.
pub const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

fn is_word(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    edge(text.bytes().next()) && edge(text.bytes().next_back()) && text.bytes().all(inside)
}

/// Whether `text` is an RFC 1123 label.
pub fn is_label(text: &str) -> bool {
    let inside = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    !text.is_empty() && text.len() <= 63 && inside && !text.starts_with('-') && !text.ends_with('-')
}

/// Whether `text` is an RFC 1123 subdomain, as object names must be.
pub fn is_subdomain(text: &str) -> bool {
    text.len() <= 253 && has_form_of_subdomain(text)
}

fn has_form_of_subdomain(text: &str) -> bool {
    let part = |part: &str| {
        let inside = part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        !part.is_empty() && inside && !part.starts_with('-') && !part.ends_with('-')
    };
    text.split('.').all(part)
}

/// What is wrong with a label's value; nothing if it is one.
pub fn wrong_value(text: &str) -> Vec<&'static str> {
    let long = (text.len() > 63).then_some("must be no more than 63 bytes");
    let odd = (!text.is_empty() && !is_word(text)).then_some(LABEL_VALUE);
    long.into_iter().chain(odd).collect()
}

/// What is wrong with a key of labels or annotations; nothing if it is one.
pub fn wrong_key(key: &str) -> Vec<String> {
    if key.matches('/').count() > 1 {
        return vec![QUALIFIED.to_owned()];
    }
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    let mut wrong = Vec::new();
    match prefix {
        Some("") => wrong.push("prefix part must be non-empty".to_owned()),
        Some(prefix) => {
            if prefix.len() > 253 {
                wrong.push("prefix part must be no more than 253 bytes".to_owned());
            }
            if !has_form_of_subdomain(prefix) {
                wrong.push(format!("prefix part {SUBDOMAIN}"));
            }
        }
        None => {}
    }
    if name.is_empty() {
        wrong.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        wrong.push("name part must be no more than 63 bytes".to_owned());
    }
    if !is_word(name) {
        wrong.push(NAME_PART.to_owned());
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_held_to_the_rule() {
        for good in ["a", "a-b.c", "0x", "job-1"] {
            assert!(is_subdomain(good), "{good}");
        }
        for bad in ["", "Bad", "a_b", "-a", "a-", "a..b", "é"] {
            assert!(!is_subdomain(bad), "{bad}");
        }
        assert!(!is_subdomain(&"a".repeat(254)) && !is_label("a.b") && is_label("a-b"));
    }

    #[test]
    fn a_value_can_be_wrong_twice() {
        assert_eq!(wrong_value(&"a".repeat(64)).len(), 1);
        assert_eq!(wrong_value(&"-".repeat(64)).len(), 2);
        assert_eq!(wrong_key("a/b/c").len(), 1);
    }

    #[test]
    fn keys_and_values_of_labels() {
        for (key, good) in [("app", true), ("example.com/app", true), ("a b", false), ("A_/x", false), ("a/", false)] {
            assert_eq!(wrong_key(key).is_empty(), good, "{key}");
        }
        for (value, good) in [("", true), ("x", true), ("-x", false), ("a_b.C", true), ("a b", false)] {
            assert_eq!(wrong_value(value).is_empty(), good, "{value}");
        }
    }
}
