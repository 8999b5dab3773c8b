//! Reading the user's files: bounded, and with a word about who else can read them.
//!
//! Must not write, and must not interpret what it reads.

use std::{
    fs::File,
    io::{self, Read as _},
    os::unix::fs::MetadataExt as _,
    path::Path,
};

use super::notes::{Gravity, Note};

/// No file of ours is nearly as large.
const MOST: u64 = 1 << 20;

/// A text and what its permissions say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextFile {
    /// The content.
    pub text: String,
    /// Somebody else may read it (group or others).
    pub others_read: bool,
    /// The permission bits.
    pub mode: u32,
}

/// Reads a file that need not be there (`Ok(None)`).
pub fn read(path: &Path) -> Result<Option<TextFile>, Note> {
    let refuse = |what: String| Note::about(Gravity::Error, path, &what);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(refuse(format!("can't be read: {error}"))),
    };
    let meta = file.metadata().map_err(|error| refuse(format!("can't be read: {error}")))?;
    if !meta.is_file() {
        return Err(refuse("is not a file".to_owned()));
    }
    let mut bytes = Vec::new();
    file.take(MOST + 1).read_to_end(&mut bytes).map_err(|error| refuse(format!("can't be read: {error}")))?;
    if bytes.len() as u64 > MOST {
        return Err(refuse("is larger than 1 MiB".to_owned()));
    }
    let text = String::from_utf8(bytes).map_err(|_| refuse("is not UTF-8 text".to_owned()))?;
    Ok(Some(TextFile { text, others_read: meta.mode() & 0o044 != 0, mode: meta.mode() & 0o777 }))
}

/// The user's templates of jobs in this directory: names without `.yaml`, and texts; what can't be read is left out.
pub fn templates(dir: &Path) -> Vec<(String, String)> {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    paths.sort();
    let text = |path: &Path| Some((path.file_stem()?.to_str()?.to_owned(), read(path).ok()??.text));
    paths.iter().filter_map(|path| text(path)).collect()
}

/// Whether a key of a file says that its value is a secret, or where one is.
pub fn is_secret_key(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["token", "password", "secret", "credential", "private-key"].iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_missing_file_is_none_and_a_directory_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(read(&dir.path().join("no")), Ok(None));
        assert!(read(dir.path()).is_err_and(|note| note.to_string().contains("not a file")));
    }

    #[test]
    fn sees_who_may_read() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        std::fs::write(&path, "x").expect("written");
        for (mode, others) in [(0o600, false), (0o640, true), (0o604, true)] {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("set");
            assert_eq!(read(&path).expect("read").map(|file| file.others_read), Some(others), "{mode:o}");
        }
    }

    #[test]
    fn too_large_or_not_text_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a");
        std::fs::write(&path, vec![b'x'; (1 << 20) + 1]).expect("written");
        assert!(read(&path).is_err());
        std::fs::write(&path, [0xff]).expect("written");
        assert!(read(&path).is_err());
    }
}
