//! Whom a cause is about, and where it was seen, in words.

use super::place::{At, Subject};

/// «Worker 2» for one, «12 of 16 workers» for many of a role, «3 replicas» for a mixture; nobody is the job itself.
pub(super) fn who(mut subjects: Vec<&Subject>, replicas: usize) -> Option<String> {
    subjects.sort_by(|a, b| (&a.role, a.index).cmp(&(&b.role, b.index)));
    subjects.dedup_by(|a, b| (&a.role, a.index) == (&b.role, b.index));
    Some(match subjects.as_slice() {
        [] => return None,
        [one] => one.in_words(),
        [first, rest @ ..] if rest.iter().all(|other| other.role == first.role) => {
            let (count, role) = (subjects.len(), first.role.as_str().to_lowercase());
            let of = if replicas > count { format!(" of {replicas}") } else { String::new() };
            format!("{count}{of} {role}s")
        }
        many => format!("{} replicas", many.len()),
    })
}

/// «Worker 2: out of memory».
pub(super) fn titled(who: Option<&str>, words: &str) -> String {
    who.map_or_else(|| capital(words), |who| format!("{who}: {words}"))
}

/// «Out of memory, worker 2».
pub(super) fn brief(who: Option<&str>, words: &str) -> String {
    let words = capital(words);
    who.map_or_else(|| words.clone(), |who| format!("{words}, {}", who.to_lowercase()))
}

/// With a great first letter.
pub(crate) fn capital(words: &str) -> String {
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `pod a`, `pods a, b`, `100 pods: a, b and 98 more`. What is seen elsewhere than in pods is named by its first place.
pub(super) fn joined(places: &[At<'_>]) -> String {
    let mut names: Vec<&str> = places.iter().filter_map(At::pod).collect();
    names.sort_unstable();
    names.dedup();
    match names.as_slice() {
        [] | [_] => places.first().map_or_else(String::new, ToString::to_string),
        [a, b] => format!("pods {a}, {b}"),
        [a, b, rest @ ..] => format!("{} pods: {a}, {b} and {} more", names.len(), rest.len()),
    }
}
