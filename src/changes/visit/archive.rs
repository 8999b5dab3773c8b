//! Files as the archives in which they travel out of and into a container.
//!
//! Owns what may be written on this machine: plain files and directories below the target, nothing over what is there.
//! Blocking: for a thread that may wait.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Component, Path, PathBuf},
};

use tar::{Archive, Builder, Entry, EntryType};

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Copied {
    /// Files.
    pub(super) files: usize,
    /// Their bytes.
    pub(super) bytes: u64,
    /// The first of what was left out, and why: links, and names that lead elsewhere.
    pub(super) left_out: Vec<String>,
    /// How many more were left out: a container may send as many as it likes.
    pub(super) more: usize,
}

/// Things that were left out and are named.
const NAMED: usize = 3;

impl Copied {
    fn leave_out(&mut self, path: &Path, why: &str) {
        if self.left_out.len() < NAMED {
            self.left_out.push(format!("{} ({why})", path.display()));
        } else {
            self.more += 1;
        }
    }
}

/// Writes what an archive of `path` holds into a directory, under the last part of `path`.
pub(super) fn unpack(archive: impl Read, path: &str, into: &Path) -> io::Result<Copied> {
    fs::create_dir_all(into)?;
    let root = into.canonicalize()?;
    let above = path.trim_matches('/').rsplit_once('/').map_or("", |(above, _)| above);
    let mut copied = Copied::default();
    for entry in Archive::new(archive).entries()? {
        let mut entry = entry?;
        let named = entry.path()?.into_owned();
        match place(&named, above, &root) {
            Some(place) => write(&mut entry, &named, &place, &root, &mut copied)?,
            None => copied.leave_out(&named, ELSEWHERE),
        }
    }
    Ok(copied)
}

const ELSEWHERE: &str = "leads elsewhere";

/// Makes what is missing of a directory below the root. `false`: a link that lay there leads out, and nothing was made.
fn make_below(root: &Path, dir: &Path) -> io::Result<bool> {
    let mut here = root.to_owned();
    for part in dir.strip_prefix(root).into_iter().flat_map(Path::components) {
        here.push(part);
        match fs::symlink_metadata(&here) {
            Ok(meta) if meta.is_symlink() => return Ok(false),
            // What is no directory is told of by what comes next.
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => fs::create_dir(&here)?,
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// Where an entry belongs. `None`: not below the root.
fn place(named: &Path, above: &str, root: &Path) -> Option<PathBuf> {
    let normal = |part: &Component<'_>| !matches!(part, Component::CurDir | Component::RootDir);
    let named: PathBuf = named.components().filter(normal).collect();
    let below = named.strip_prefix(above).unwrap_or(&named);
    below.components().all(|part| matches!(part, Component::Normal(_))).then(|| root.join(below))
}

fn write(
    entry: &mut Entry<'_, impl Read>,
    named: &Path,
    place: &Path,
    root: &Path,
    copied: &mut Copied,
) -> io::Result<()> {
    let about = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", place.display()));
    match entry.header().entry_type() {
        EntryType::Directory => {
            if !make_below(root, place).map_err(about)? {
                copied.leave_out(named, ELSEWHERE);
            }
            Ok(())
        }
        EntryType::Regular | EntryType::Continuous => {
            if !make_below(root, place.parent().unwrap_or(root)).map_err(about)? {
                copied.leave_out(named, ELSEWHERE);
                return Ok(());
            }
            let mode = if entry.header().mode().unwrap_or(0) & 0o100 == 0 { 0o644 } else { 0o755 };
            let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(place).map_err(about)?;
            copied.bytes += io::copy(entry, &mut file).map_err(about)?;
            copied.files += 1;
            Ok(())
        }
        EntryType::Symlink | EntryType::Link => {
            copied.leave_out(named, "a link");
            Ok(())
        }
        // Our `tar` makes none; a few bytes of one may stand for more than any disk holds.
        EntryType::GNUSparse => {
            copied.leave_out(named, "a sparse file");
            Ok(())
        }
        _ => {
            copied.leave_out(named, "no plain file");
            Ok(())
        }
    }
}

/// Writes an archive of a file or directory of this machine, under this name. Links are not followed.
pub(super) fn pack(from: &Path, name: &str, archive: impl Write) -> io::Result<Copied> {
    let (mut builder, mut copied) = (Builder::new(archive), Copied::default());
    add(&mut builder, from, Path::new(name), &mut copied)?;
    builder.into_inner()?.flush()?;
    Ok(copied)
}

fn add(builder: &mut Builder<impl Write>, from: &Path, name: &Path, copied: &mut Copied) -> io::Result<()> {
    let about = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", from.display()));
    let meta = fs::symlink_metadata(from).map_err(about)?;
    if meta.is_dir() {
        builder.append_dir(name, from)?;
        let mut below: Vec<_> = fs::read_dir(from).map_err(about)?.collect::<Result<_, _>>().map_err(about)?;
        below.sort_by_key(fs::DirEntry::file_name);
        return below.iter().try_for_each(|entry| add(builder, &entry.path(), &name.join(entry.file_name()), copied));
    }
    if !meta.is_file() {
        let what = if meta.is_symlink() { "a link" } else { "no plain file" };
        copied.leave_out(from, what);
        return Ok(());
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(meta.len());
    header.set_mode(meta.permissions().mode() & 0o777);
    header.set_mtime(modified(&meta));
    // It may grow meanwhile: no more than was announced is sent.
    builder.append_data(&mut header, name, File::open(from).map_err(about)?.take(meta.len()))?;
    copied.files += 1;
    copied.bytes += meta.len();
    Ok(())
}

fn modified(meta: &fs::Metadata) -> u64 {
    let since = meta.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(entries: &[(&str, EntryType, &str)]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (name, kind, content) in entries {
            let mut header = tar::Header::new_gnu();
            // The crate itself refuses to write such names; a hostile container does not ask it.
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_entry_type(*kind);
            header.set_mode(0o755);
            if let (EntryType::GNUSparse, Some(gnu)) = (kind, header.as_gnu_mut()) {
                // A megabyte, of which there is nothing in the archive.
                gnu.realsize = *b"00004000000\0";
                gnu.sparse[0].offset = gnu.realsize;
                gnu.sparse[0].numbytes = *b"00000000000\0";
            }
            if matches!(kind, EntryType::Symlink) {
                header.set_link_name(content).expect("a link");
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, io::empty()).expect("added");
            } else {
                header.set_size(content.len() as u64);
                header.set_cksum();
                builder.append(&header, content.as_bytes()).expect("added");
            }
        }
        builder.into_inner().expect("an archive")
    }

    #[test]
    fn what_goes_in_comes_out() {
        let dir = tempfile::tempdir().expect("a directory");
        let from = dir.path().join("ckpt");
        fs::create_dir_all(from.join("deep/er")).expect("made");
        fs::write(from.join("a.bin"), vec![7; 100_000]).expect("written");
        fs::write(from.join("deep/er/b"), "two").expect("written");
        std::os::unix::fs::symlink("/etc/passwd", from.join("link")).expect("linked");
        let mut bytes = Vec::new();
        let packed = pack(&from, "data/ckpt", &mut bytes).expect("packed");
        assert_eq!((packed.files, packed.bytes, packed.left_out.len()), (2, 100_003, 1));
        let into = dir.path().join("out");
        let copied = unpack(&bytes[..], "/data/ckpt/", &into).expect("unpacked");
        assert_eq!((copied.files, copied.bytes, copied.left_out.len()), (2, 100_003, 0));
        assert_eq!(fs::read(into.join("ckpt/deep/er/b")).expect("there"), b"two");
    }

    #[test]
    fn nothing_is_written_outside_the_target_nor_over_what_is_there() {
        let dir = tempfile::tempdir().expect("a directory");
        let (into, outside) = (dir.path().join("in/side"), dir.path().join("outside"));
        fs::create_dir_all(&into).expect("made");
        fs::create_dir_all(&outside).expect("made");
        std::os::unix::fs::symlink(&outside, into.join("old")).expect("linked");
        let hostile = archive(&[
            ("../up", EntryType::Regular, "x"),
            ("d/../../up", EntryType::Regular, "x"),
            ("new", EntryType::Symlink, "/tmp"),
            ("old/through", EntryType::Regular, "x"),
            ("old/deep/through", EntryType::Regular, "x"),
            ("old/a/b/", EntryType::Directory, ""),
            ("huge", EntryType::GNUSparse, ""),
            ("dev", EntryType::Char, ""),
            ("/absolute", EntryType::Regular, "inside"),
        ]);
        let copied = unpack(&hostile[..], "", &into).expect("unpacked");
        assert_eq!((copied.left_out.len(), copied.more), (NAMED, 5), "{:?}", copied.left_out);
        assert_eq!(fs::read(into.join("absolute")).expect("there"), b"inside");
        assert_eq!(fs::read_dir(&outside).expect("there").count(), 0);
        assert!(!into.join("huge").exists() && !dir.path().join("in/up").exists() && !dir.path().join("up").exists());
        let again = archive(&[("absolute", EntryType::Regular, "other")]);
        assert!(unpack(&again[..], "", &into).is_err());
        assert_eq!(fs::read(into.join("absolute")).expect("there"), b"inside");
    }

    #[test]
    fn a_cut_archive_is_an_error() {
        let whole = archive(&[("a", EntryType::Regular, "12345")]);
        let dir = tempfile::tempdir().expect("a directory");
        assert!(unpack(&whole[..514], "", dir.path()).is_err());
    }
}
