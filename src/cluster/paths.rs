//! URLs of the API: built from parts that are percent-encoded here and nowhere else.

use std::fmt::Write as _;

use crate::jobs::text::Name;

/// A resource type: `/api/v1/pods`, `/apis/kubeflow.org/v2beta1/mpijobs`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) plural: String,
}

impl Resource {
    pub(crate) fn new(group: &str, version: &str, plural: &str) -> Self {
        Self { group: group.to_owned(), version: version.to_owned(), plural: plural.to_owned() }
    }

    pub(crate) fn core(plural: &str) -> Self {
        Self::new("", "v1", plural)
    }

    /// All objects, in a namespace or everywhere.
    pub(crate) fn all(&self, namespace: Option<&Name>) -> String {
        let mut path = if self.group.is_empty() {
            format!("/api/{}", segment(&self.version))
        } else {
            format!("/apis/{}/{}", segment(&self.group), segment(&self.version))
        };
        if let Some(namespace) = namespace {
            let _infallible = write!(path, "/namespaces/{}", segment(namespace.as_str()));
        }
        path.push('/');
        path.push_str(&segment(&self.plural));
        path
    }

    /// One object.
    pub(crate) fn one(&self, namespace: Option<&Name>, name: &str) -> String {
        format!("{}/{}", self.all(namespace), segment(name))
    }

    /// `mpijobs` or `mpijobs.kubeflow.org`, for people.
    pub(crate) fn title(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }
}

/// A query: `?a=b&c=d`, values encoded, empty if there are no pairs.
pub(crate) fn query(pairs: &[(&str, &str)]) -> String {
    let mut out = String::new();
    for (key, value) in pairs {
        out.push(if out.is_empty() { '?' } else { '&' });
        out.push_str(key);
        out.push('=');
        out.push_str(&segment(value));
    }
    out
}

/// A URL that has a query, and one pair more.
pub(crate) fn with(url: &str, key: &str, value: &str) -> String {
    format!("{url}&{key}={}", segment(value))
}

fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            let _infallible = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_its_segment() {
        let pods = Resource::core("pods");
        let ns = Name::lossy("a/../b");
        assert_eq!(pods.one(Some(&ns), "x?y=1#"), "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%3D1%23");
        assert_eq!(Resource::new("kubeflow.org", "v1", "tfjobs").all(None), "/apis/kubeflow.org/v1/tfjobs");
        assert_eq!(query(&[("labelSelector", "a/b=c,d"), ("limit", "5")]), "?labelSelector=a%2Fb%3Dc%2Cd&limit=5");
        assert_eq!(query(&[]), "");
    }
}
