//! What the API server takes for a name, a label, a key: its sentences where it does not.

/// A lowercase RFC 1123 label: names of containers, volumes.
pub(super) fn label(name: &str) -> Option<&'static str> {
    if name.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let good = !name.is_empty() && name.bytes().all(inside) && !name.starts_with('-') && !name.ends_with('-');
    (!good).then_some("must consist of lower case letters, digits and -, and start and end with a letter or a digit")
}

/// A DNS-1035 label: what the operator names pods and services after.
pub(super) fn label_1035(name: &str) -> Option<&'static str> {
    if name.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    let starts = name.starts_with(|c: char| c.is_ascii_lowercase());
    let good = starts && label(name).is_none();
    (!good).then_some(
        "must consist of lower case letters, digits and -, start with a letter, and end with a letter or a digit",
    )
}

/// An RFC 1123 subdomain: names of objects.
pub(super) fn subdomain(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("must be no more than 253 characters");
    }
    let good = name.split('.').all(|part| {
        !part.is_empty() && label(&part[..part.len().min(63)]).is_none() && part.is_ascii() && !part.ends_with('-')
    });
    (!good).then_some("must consist of lower case letters, digits, - and ., and start and end with a letter or a digit")
}

/// The key of a label, an annotation, a node selector, a resource.
pub(super) fn key(key: &str) -> Option<&'static str> {
    let (prefix, name) = match key.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, key),
    };
    if prefix.is_some_and(|prefix| subdomain(prefix).is_some()) {
        return Some("the part before / must be a domain in lower case");
    }
    word(name)
}

/// The value of a label.
pub(super) fn value(value: &str) -> Option<&'static str> {
    if value.is_empty() { None } else { word(value) }
}

fn word(word: &str) -> Option<&'static str> {
    if word.len() > 63 {
        return Some("must be no more than 63 characters");
    }
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    let good = word.bytes().all(inside) && edge(word.bytes().next()) && edge(word.bytes().last());
    (!good).then_some("must consist of letters, digits, -, _ and ., and start and end with a letter or a digit")
}
