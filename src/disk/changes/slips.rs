//! A folder of small JSON files, one a name, of which the newest are kept.

use std::{fs, io, path::PathBuf, time::SystemTime};

use serde_json::Value;

use crate::disk::{atomic, lock::Lock, problem::DiskProblem};

/// More than etcd stores of one object.
const MOST_BYTES: usize = 4 << 20;

/// See the module.
pub(super) struct Slips {
    pub(super) dir: PathBuf,
    pub(super) most: usize,
}

impl Slips {
    fn path(&self, name: &str) -> PathBuf {
        let safe: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).take(120).collect();
        self.dir.join(format!("{safe}.json"))
    }

    pub(super) fn write(&self, name: &str, value: &Value) -> Result<(), DiskProblem> {
        atomic::write(&self.path(name), value.to_string().as_bytes())?;
        let mut files = self.files();
        // After a clock that was set back, the one just written would be the oldest.
        files.retain(|(_, path)| *path != self.path(name));
        while files.len() >= self.most.max(1) {
            let (_, path) = files.remove(0);
            // Another process may have been quicker.
            let _ = fs::remove_file(path);
        }
        Ok(())
    }

    pub(super) fn hold(&self, name: &str) -> Result<Lock, DiskProblem> {
        Lock::take(&self.path(name))
    }

    /// `None`: there is none, or it is not what we wrote.
    pub(super) fn read(&self, name: &str) -> Result<Option<Value>, DiskProblem> {
        let bytes = atomic::read(&self.path(name), MOST_BYTES)?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), DiskProblem> {
        let path = self.path(name);
        // There may never have been one.
        let _ = fs::remove_file(path.with_extension("json.lock"));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(DiskProblem::io(&path, &error)),
            _ => Ok(()),
        }
    }

    /// All of them, oldest first, by name.
    pub(super) fn all(&self) -> Result<Vec<(String, Value)>, DiskProblem> {
        let mut all = Vec::new();
        for (_, path) in self.files() {
            let Some(name) = path.file_stem().and_then(|name| name.to_str()) else { continue };
            if let Some(value) = self.read(name)? {
                all.push((name.to_owned(), value));
            }
        }
        Ok(all)
    }

    /// Oldest first.
    fn files(&self) -> Vec<(SystemTime, PathBuf)> {
        let entries = fs::read_dir(&self.dir).into_iter().flatten().filter_map(Result::ok);
        let mut files: Vec<_> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ext| ext == "json"))
            .map(|path| (fs::metadata(&path).and_then(|meta| meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH), path))
            .collect();
        files.sort();
        files
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_are_kept_and_a_name_leads_nowhere_else() {
        let dir = tempfile::tempdir().expect("a directory");
        let slips = Slips { dir: dir.path().join("kept"), most: 3 };
        for n in 0..5 {
            slips.write(&format!("a-{n}"), &json!(n)).expect("written");
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1000 + n);
            let file = fs::File::options().write(true).open(slips.path(&format!("a-{n}"))).expect("there");
            file.set_modified(at).expect("set");
        }
        slips.write("../../evil", &json!("x")).expect("written");
        let names: Vec<_> = slips.all().expect("read").into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["a-3", "a-4", "______evil"]);
        assert_eq!(slips.read("a-4").expect("read"), Some(json!(4)));
        slips.remove("a-4").and_then(|()| slips.remove("a-4")).expect("gone is gone");
        assert_eq!(slips.read("a-4").expect("read"), None);
    }

    #[test]
    fn what_was_just_written_stays_also_after_the_clock_was_set_back() {
        let dir = tempfile::tempdir().expect("a directory");
        let slips = Slips { dir: dir.path().join("kept"), most: 2 };
        for name in ["a", "b"] {
            slips.write(name, &json!(name)).expect("written");
            let ahead = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(10_000_000_000);
            let file = fs::File::options().write(true).open(slips.path(name)).expect("there");
            file.set_modified(ahead).expect("set");
        }
        slips.write("new", &json!("n")).expect("written");
        assert_eq!(slips.read("new").expect("read"), Some(json!("n")));
        assert_eq!(slips.all().expect("read").len(), 2);
    }
}
