//! Files of one volume that lie in each other's way.

use serde_json::Value;

use crate::sim::value::{list, text};

/// A path and what brings it.
#[derive(Clone, PartialEq)]
struct File {
    path: String,
    from: String,
}

impl File {
    fn said(&self) -> String {
        if self.from.is_empty() { format!("{:?}", self.path) } else { format!("{:?} ({})", self.path, self.from) }
    }

    /// The same file, or a folder on the way of the other.
    fn is_in_the_way_of(&self, other: &Self) -> bool {
        let within = |inner: &str, outer: &str| format!("{inner}/").starts_with(&format!("{outer}/"));
        !self.path.is_empty() && (within(&self.path, &other.path) || within(&other.path, &self.path))
    }
}

/// What is said of each pair.
pub(super) fn overlapping(volumes: &[Value]) -> Vec<String> {
    let mut told = Vec::new();
    for volume in volumes {
        let name = text(volume, "/name");
        let named = |kind: &str, called: &str| format!("{kind} {called:?}");
        let of = |source: &Value, what: String| (files(source, ""), what);
        let kinds = [
            of(&volume["configMap"], named("ConfigMap", text(volume, "/configMap/name"))),
            of(&volume["secret"], named("Secret", text(volume, "/secret/secretName"))),
            of(&volume["downwardAPI"], "DownwardAPI".to_owned()),
            (projected(name, &volume["projected"], &mut told), "Projected".to_owned()),
        ];
        for (files, what) in kinds {
            for (at, file) in files.iter().enumerate() {
                for other in files[..at].iter().filter(|other| other.is_in_the_way_of(file) && !file.path.is_empty()) {
                    let both = format!("{} with {}", file.said(), other.said());
                    told.push(format!("volume {name:?} ({what}): overlapping paths: {both}"));
                }
            }
        }
    }
    told
}

fn files(source: &Value, from: &str) -> Vec<File> {
    let path = |item: &Value| text(item, "/path").trim_end_matches('/').to_owned();
    list(source, "/items").iter().map(|item| File { path: path(item), from: from.to_owned() }).collect()
}

/// What several sources bring into one volume.
fn projected(volume: &str, projected: &Value, told: &mut Vec<String>) -> Vec<File> {
    let mut all = Vec::new();
    for source in list(projected, "/sources") {
        if source.as_object().is_none_or(serde_json::Map::is_empty) {
            told.push(format!("volume {volume:?} (Projected) has no sources provided"));
            continue;
        }
        let named = |kind: &str, key: &str| format!("{kind} {:?}", source[key]["name"].as_str().unwrap_or_default());
        all.extend(files(&source["configMap"], &named("ConfigMap", "configMap")));
        all.extend(files(&source["secret"], &named("Secret", "secret")));
        all.extend(files(&source["downwardAPI"], "DownwardAPI"));
        if let Some(path) = source["serviceAccountToken"]["path"].as_str() {
            all.push(File { path: path.trim_end_matches('/').to_owned(), from: "ServiceAccountToken".to_owned() });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_file_is_in_the_way_of_what_is_below_it() {
        let volume = json!([{"name": "v", "configMap": {"name": "m", "items": [{"path": "a"}, {"path": "ab"}, {"path": "a/b/"}]}},
            {"name": "p", "projected": {"sources": [{}, {"secret": {"name": "s", "items": [{"path": "token"}]}}, {"serviceAccountToken": {"path": "token"}}]}}]);
        assert_eq!(
            overlapping(volume.as_array().unwrap()),
            [
                "volume \"v\" (ConfigMap \"m\"): overlapping paths: \"a/b\" with \"a\"",
                "volume \"p\" (Projected) has no sources provided",
                "volume \"p\" (Projected): overlapping paths: \"token\" (ServiceAccountToken) with \"token\" (Secret \"s\")",
            ]
        );
    }
}
