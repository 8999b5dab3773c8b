//! What a request asks for, read from method, path and query as the API server reads them.

use http::Method;

use super::store::{Resource, Selector};

/// Verb, resource and object of a request; `resource` is empty for other paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`; of other paths the method.
    pub verb: String,
    /// API group; empty for core.
    pub group: String,
    /// API version.
    pub version: String,
    /// Plural.
    pub resource: String,
    /// As `log`; empty for the object itself.
    pub subresource: String,
    /// Empty for all or none.
    pub namespace: String,
    /// Empty for a collection.
    pub name: String,
    /// The whole path.
    pub path: String,
}

impl Asked {
    /// Reads a request's first line.
    pub fn parse(method: &Method, path: &str, query: &Query) -> Self {
        let decoded: Vec<String> = path.split('/').filter(|s| !s.is_empty()).map(decode).collect();
        let steps: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let mut asked = Self { path: path.to_owned(), ..Self::default() };
        let rest: &[&str] = match steps.as_slice() {
            ["api", version, rest @ ..] if !rest.is_empty() => {
                (*version).clone_into(&mut asked.version);
                rest
            }
            ["apis", group, version, rest @ ..] if !rest.is_empty() => {
                (asked.group, asked.version) = ((*group).to_owned(), (*version).to_owned());
                rest
            }
            _ => &[],
        };
        asked.take_place(rest);
        asked.verb = asked.verb_of(method, query);
        asked
    }

    /// The same, about one object where a list or watch is narrowed to a name: rights may name it. What deletes a
    /// collection is never about one.
    pub(super) fn narrowed(&self, query: &Query) -> Self {
        if !matches!(self.verb.as_str(), "list" | "watch") {
            return self.clone();
        }
        let name = Selector::named_by(query.get("fieldSelector")).unwrap_or_default();
        Self { name, ..self.clone() }
    }

    fn take_place(&mut self, rest: &[&str]) {
        let (resource, name, sub) = match rest {
            ["namespaces", name, sub @ ("status" | "finalize")] => {
                (*name).clone_into(&mut self.namespace);
                ("namespaces", Some(*name), (*sub).to_owned())
            }
            ["namespaces", namespace, resource, rest @ ..] => {
                (*namespace).clone_into(&mut self.namespace);
                (*resource, rest.first().copied(), below(rest))
            }
            ["namespaces", name] => {
                (*name).clone_into(&mut self.namespace);
                ("namespaces", Some(*name), String::new())
            }
            [resource, rest @ ..] => (*resource, rest.first().copied(), below(rest)),
            [] => return,
        };
        resource.clone_into(&mut self.resource);
        name.unwrap_or_default().clone_into(&mut self.name);
        // What follows is for whom the request is passed on to.
        self.subresource = if sub.starts_with("proxy/") { "proxy".to_owned() } else { sub };
    }

    fn verb_of(&self, method: &Method, query: &Query) -> String {
        if self.resource.is_empty() {
            return method.as_str().to_ascii_lowercase();
        }
        let one = !self.name.is_empty();
        let verb = match *method {
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if one => "delete",
            Method::DELETE => "deletecollection",
            _ if one => "get",
            _ if query.flag("watch") => "watch",
            _ => "list",
        };
        verb.to_owned()
    }

    /// `pods` or `pods/log`.
    pub fn full_resource(&self) -> String {
        if self.subresource.is_empty() {
            self.resource.clone()
        } else {
            format!("{}/{}", self.resource, self.subresource)
        }
    }

    /// The namespace under which the store keeps the object.
    pub fn object_namespace(&self, resource: &Resource) -> String {
        if resource.namespaced { self.namespace.clone() } else { String::new() }
    }

    /// The namespace to list, `None` for all.
    pub fn scope(&self, resource: &Resource) -> Option<&str> {
        (resource.namespaced && !self.namespace.is_empty()).then_some(self.namespace.as_str())
    }
}

/// What follows the name of an object.
fn below(rest: &[&str]) -> String {
    rest.get(1..).unwrap_or_default().join("/")
}

/// The parameters of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads what follows the `?`.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|p| !p.is_empty());
        Self(pairs.map(|p| p.split_once('=').unwrap_or((p, ""))).map(|(k, v)| (decode(k), decode(v))).collect())
    }

    /// A parameter's value; empty if it is not there.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str()).unwrap_or_default()
    }

    /// All parameters, in order.
    pub fn all(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether a parameter is there.
    pub fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(k, _)| k == key)
    }

    /// Whether a parameter says yes: whatever is not `false` or `0` does, as the server reads it.
    pub fn flag(&self, key: &str) -> bool {
        self.has(key) && !["false", "0"].iter().any(|no| self.get(key).eq_ignore_ascii_case(no))
    }

    /// A number, if there is one.
    pub fn number(&self, key: &str) -> Option<i64> {
        self.get(key).parse().ok()
    }
}

/// Undoes percent-encoding and `+`.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let pair = rest.clone();
                let hex: Vec<u8> = pair.take(2).collect();
                let value = std::str::from_utf8(&hex).ok().and_then(|h| u8::from_str_radix(h, 16).ok());
                bytes.push(value.unwrap_or(b'%'));
                if value.is_some() {
                    rest.nth(1);
                }
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &Method, uri: &str) -> [String; 7] {
        let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
        let a = Asked::parse(method, path, &Query::parse(query));
        [a.verb, a.group, a.version, a.resource, a.subresource, a.namespace, a.name]
    }

    #[test]
    fn paths_are_read_as_the_server_reads_them() {
        for (method, uri, expected) in [
            (&Method::GET, "/api/v1/pods", ["list", "", "v1", "pods", "", "", ""]),
            (&Method::GET, "/api/v1/pods?&watch=1", ["watch", "", "v1", "pods", "", "", ""]),
            (&Method::GET, "/api/v1/namespaces/n/pods/p/log?follow=true", ["get", "", "v1", "pods", "log", "n", "p"]),
            (&Method::GET, "/api/v1/namespaces/n", ["get", "", "v1", "namespaces", "", "n", "n"]),
            (
                &Method::GET,
                "/api/v1/namespaces/n/services/http:s:80/proxy/api/v1/query",
                ["get", "", "v1", "services", "proxy", "n", "http:s:80"],
            ),
            (&Method::GET, "/api/v1/namespaces", ["list", "", "v1", "namespaces", "", "", ""]),
            (
                &Method::PATCH,
                "/apis/kubeflow.org/v2beta1/namespaces/n/mpijobs/j/status",
                ["patch", "kubeflow.org", "v2beta1", "mpijobs", "status", "n", "j"],
            ),
            (
                &Method::DELETE,
                "/apis/batch/v1/namespaces/n/jobs",
                ["deletecollection", "batch", "v1", "jobs", "", "n", ""],
            ),
            (&Method::GET, "/apis/batch/v1", ["get", "", "", "", "", "", ""]),
            (&Method::GET, "/version", ["get", "", "", "", "", "", ""]),
            (&Method::POST, "/version", ["post", "", "", "", "", "", ""]),
            (&Method::PUT, "/apis", ["put", "", "", "", "", "", ""]),
        ] {
            assert_eq!(asked(method, uri), expected, "{uri}");
        }
    }

    #[test]
    fn a_list_is_about_one_object_where_its_selector_says_so() {
        for (method, fields, expected) in [
            (&Method::GET, "metadata.name=a", "a"),
            (&Method::GET, "metadata.name==a", "a"),
            (&Method::GET, "spec.x=y,metadata.name=a", "a"),
            (&Method::GET, "metadata.name!=a", ""),
            (&Method::GET, "metadata.name=a,nonsense", ""),
            (&Method::DELETE, "metadata.name=a", ""),
        ] {
            let query = Query::parse(&format!("fieldSelector={fields}"));
            let asked = Asked::parse(method, "/api/v1/namespaces/n/pods", &query);
            assert_eq!(asked.narrowed(&query).name, expected, "{method} {fields}");
        }
        let one = Asked::parse(&Method::GET, "/api/v1/namespaces/n/pods/b", &Query::default());
        assert_eq!(one.narrowed(&Query::parse("fieldSelector=metadata.name=a")).name, "b");
    }

    #[test]
    fn parameters_are_decoded() {
        let query =
            Query::parse("&labelSelector=a%3Db%2Cc+in+%28d%29&limit=5&bad=%zz&watch=1&pretty=False&follow&tty=0");
        assert_eq!(query.get("labelSelector"), "a=b,c in (d)");
        assert_eq!((query.number("limit"), query.get("bad"), query.get("none")), (Some(5), "%zz", ""));
        let said = ["watch", "follow", "limit", "pretty", "tty", "none"].map(|key| query.flag(key));
        assert_eq!(said, [true, true, true, false, false, false]);
        assert!(query.has("limit") && !query.has("none"));
    }
}
