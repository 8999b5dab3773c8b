//! Files in containers: what every container has, what was copied into it, and the archives in which `kubectl cp` moves
//! them. Kept in memory, bounded.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Bytes of all copied files together.
const MOST: usize = 8 << 20;
/// A tar archive is made of these.
const BLOCK: usize = 512;

/// Files that were copied into containers, by pod uid, container and path. Cheap to clone.
#[derive(Clone, Default)]
pub(in crate::sim) struct Files(Arc<Mutex<ByPlace>>);

/// Bytes by container and path.
type ByPlace = BTreeMap<(String, String), Vec<u8>>;

impl Files {
    /// Keeps a file; `false` if there is no room.
    pub(super) fn put(&self, of: &str, path: &str, bytes: Vec<u8>) -> bool {
        let mut files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let there: usize = files.values().map(Vec::len).sum();
        let fits = there + bytes.len() <= MOST;
        if fits {
            files.insert((of.to_owned(), path.to_owned()), bytes);
        }
        fits
    }

    /// All files of a container, by path.
    pub(super) fn of(&self, of: &str) -> BTreeMap<String, Vec<u8>> {
        let files = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        files
            .iter()
            .filter(|((owner, _), _)| owner == of)
            .map(|((_, path), bytes)| (path.clone(), bytes.clone()))
            .collect()
    }
}

/// An archive of these files, their names as given.
pub(super) fn pack<'f>(files: impl Iterator<Item = (&'f str, &'f [u8])>) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, bytes) in files {
        let mut head = [0_u8; BLOCK];
        let mut put = |at: usize, text: &[u8]| head[at..at + text.len()].copy_from_slice(text);
        put(0, &name.as_bytes()[..name.len().min(99)]);
        put(100, b"0000644\0");
        put(108, b"0000000\0");
        put(116, b"0000000\0");
        put(124, format!("{:011o}\0", bytes.len()).as_bytes());
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, b"0");
        put(257, b"ustar\x0000");
        let sum: u32 = head.iter().map(|b| u32::from(*b)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        archive.extend_from_slice(&head);
        archive.extend_from_slice(bytes);
        archive.resize(archive.len().next_multiple_of(BLOCK), 0);
    }
    archive.resize(archive.len() + 2 * BLOCK, 0);
    archive
}

/// The plain files of an archive; `None` if it is cut off.
pub(super) fn unpack(archive: &[u8]) -> Option<Vec<(String, Vec<u8>)>> {
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(head) = archive.get(at..at + BLOCK) {
        if head.iter().all(|b| *b == 0) {
            return Some(files);
        }
        let text = |range: std::ops::Range<usize>| {
            let field = &head[range];
            let end = field.iter().position(|b| *b == 0).unwrap_or(field.len());
            String::from_utf8_lossy(&field[..end]).trim().to_owned()
        };
        let size = usize::from_str_radix(&text(124..136), 8).ok()?;
        let bytes = archive.get(at + BLOCK..at + BLOCK + size)?;
        if matches!(head[156], b'0' | 0) {
            files.push((text(0..100), bytes.to_vec()));
        }
        at += BLOCK + size.next_multiple_of(BLOCK);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_gives_back_what_went_in() {
        let files = [("a.txt", b"one".as_slice()), ("dir/b", &[7; 600])];
        let archive = pack(files.into_iter());
        assert_eq!(archive.len() % BLOCK, 0);
        let back = unpack(&archive).unwrap();
        assert_eq!(back, [("a.txt".to_owned(), b"one".to_vec()), ("dir/b".to_owned(), vec![7; 600])]);
        assert!(unpack(&archive[..BLOCK + 10]).is_none(), "cut off");
    }

    #[test]
    fn there_is_an_end_to_room() {
        let files = Files::default();
        assert!(files.put("p", "/a", vec![0; MOST]));
        assert!(!files.put("p", "/b", vec![0; 1]));
    }
}
