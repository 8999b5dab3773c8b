//! Where a record is: by cluster (its address and CA), then by the job's full identity.
//!
//! Owns the names of directories and files. A name from a cluster never becomes a path as it is: what is not plain is
//! replaced, and a digest of the whole identity makes it unique.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use ring::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};

use crate::jobs::{Clean, Kind, Name, Uid, fleet::JobKey};

/// Facts of a job: rows, changes, the manifest.
pub(super) const FACTS: &str = "job.jsonl";
/// Longest readable part of a directory's name.
const MOST_NAME: usize = 60;

/// Which cluster, as far as records go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterPlace {
    /// Its address.
    pub server: Clean,
    /// Digest of address and CA: two clusters behind one address (a tunnel) are two.
    pub id: String,
}

impl ClusterPlace {
    /// Of this address, and the CA that its certificate is checked with (empty for the system's).
    pub fn new(server: &str, ca: &[u8]) -> Self {
        let parts = [server.trim_end_matches('/').as_bytes(), b"\0", ca].concat();
        Self { server: Clean::new(server), id: hex(&parts, 16) }
    }
}

/// Limits of what is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes of all records.
    pub total: u64,
    /// Bytes of one job's record.
    pub job: u64,
    /// Age in seconds after which a record goes.
    pub age: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { total: 500 << 20, job: 16 << 20, age: 30 * 86_400 }
    }
}

/// The directory of a job's record, below that of all records.
pub(super) fn of_job(root: &Path, cluster: &ClusterPlace, key: &JobKey) -> PathBuf {
    let JobKey { namespace, name, kind, uid } = key;
    let identity = format!("{namespace}\0{}\0{name}\0{uid}", kind_word(*kind));
    let readable = format!("{}.{}", plain(namespace), plain(name));
    root.join(plain_id(&cluster.id)).join(format!("{readable}.{}", hex(identity.as_bytes(), 16)))
}

fn kind_word(kind: Kind) -> String {
    let info = kind.info();
    format!("{}/{}/{}", info.group, info.version, info.kind)
}

/// A part of a file's name: nothing in it can leave the directory, hide the file or be too long.
fn plain(name: &Name) -> String {
    let name = if name.is_empty() { "_" } else { name.as_str() };
    name.chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '_' })
        .take(MOST_NAME)
        .collect()
}

/// The digest of a cluster that came out of a file is not trusted either.
fn plain_id(id: &str) -> String {
    let ok = !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric());
    if ok { id.to_owned() } else { hex(id.as_bytes(), 16) }
}

fn hex(bytes: &[u8], digits: usize) -> String {
    let digest = digest(&SHA256, bytes);
    digest.as_ref().iter().take(digits / 2).fold(String::new(), |mut out, byte| {
        // Writing to a String can't fail.
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// A short name for a uid in messages.
pub fn short_uid(uid: &Uid) -> String {
    uid.to_string().chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Component;

    use proptest::prelude::*;

    use super::*;

    fn key(namespace: &str, name: &str, uid: &str) -> JobKey {
        JobKey { namespace: Name::lossy(namespace), name: Name::lossy(name), kind: Kind::MpiJob, uid: Uid::new(uid) }
    }

    #[test]
    fn a_record_is_where_one_finds_it_by_name() {
        let cluster = ClusterPlace::new("https://a:6443/", b"");
        let path = of_job(Path::new("/r"), &cluster, &key("team-a", "pi", "u"));
        let name = path.file_name().expect("a name").to_string_lossy();
        assert!(name.starts_with("team-a.pi."), "{name}");
        assert_eq!(cluster.id, ClusterPlace::new("https://a:6443", b"").id);
        assert_ne!(cluster.id, ClusterPlace::new("https://a:6443", b"other CA").id);
    }

    proptest! {
        #[test]
        fn hostile_names_stay_below_the_root_and_apart(
            a in "[ -~]{0,300}", b in "[ -~]{0,300}", uid in "[ -~]{0,80}", id in any::<String>(),
        ) {
            let root = Path::new("/records");
            let cluster = ClusterPlace { server: Clean::default(), id };
            let path = of_job(root, &cluster, &key(&a, &b, &uid));
            prop_assert!(path.starts_with(root));
            let parts: Vec<_> = path.components().collect();
            prop_assert_eq!(parts.len(), 4);
            prop_assert!(parts[1..].iter().all(|part| matches!(part, Component::Normal(name)
                if name.len() < 200 && !name.to_string_lossy().starts_with('.'))));
            let other = of_job(root, &cluster, &key(&a, &format!("{b}x"), &uid));
            prop_assert_ne!(path, other);
        }
    }
}
