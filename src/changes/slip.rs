//! What is on disk while several changes, or one of several steps, are under way: what is still to be done.
//!
//! How far a change came is read from the cluster, never from here: so doing it again after a crash is as good as once.
//! A slip is locked while somebody works on it; the kernel lets go of it when a process dies.

use serde::{Deserialize, Serialize};

use super::{
    change::{Change, What},
    confirmed::How,
    desk::{Desk, Site},
};
use crate::{
    disk::{DiskProblem, changes::ChangeFiles, lock::Lock},
    jobs::{Clean, Secs},
};

/// See the module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Slip {
    /// Joins its lines in the change log; its name.
    pub run: Clean,
    /// Where it goes: a context may lead elsewhere tomorrow, and so may an address.
    pub site: Site,
    /// When it was confirmed.
    pub at: Secs,
    /// What is not over yet, in its order.
    pub changes: Vec<Change>,
}

impl Slip {
    /// Whether a crash in the middle would leave something half done. Who ends a command wants what it has not done yet left
    /// alone, but not a job that was deleted to be made again.
    pub(super) fn is_needed(&self, how: &How) -> bool {
        self.has_restart() || (self.changes.len() > 1 && !matches!(how, How::Flag(_)))
    }

    /// Whether a job is deleted and made again.
    pub(super) fn has_restart(&self) -> bool {
        self.changes.iter().any(|change| change.what == What::Restart)
    }

    /// As it is on disk now: whoever had the lock before may have come further. `None`: it is over.
    pub(super) async fn anew(&self, desk: &Desk) -> Option<Self> {
        let name = self.run.to_string();
        let begun = desk.on_disk(ChangeFiles::begun).await?.ok()?;
        let (_, slip) = begun.into_iter().find(|(at, _)| *at == name)?;
        serde_json::from_value(slip).ok()
    }

    /// Takes the lock, so that nobody else goes on with it.
    pub(super) async fn hold(&self, desk: &Desk) -> Option<Result<Lock, Clean>> {
        let name = self.run.to_string();
        desk.on_disk(move |files| files.hold(&name)).await
    }

    /// Writes what is still to be done; with nothing left the slip goes.
    pub(super) async fn write(&self, desk: &Desk) -> Option<Result<(), Clean>> {
        let (name, left) = (self.run.to_string(), self.clone());
        desk.on_disk(move |files| {
            if left.changes.is_empty() {
                return files.end(&name);
            }
            files.begin(&name, &serde_json::to_value(&left).unwrap_or_default())
        })
        .await
    }
}

/// What was begun on this cluster, through this context and as this user, is not over, and nobody works on. What was begun
/// there in another way was not agreed to for this one.
pub fn interrupted(files: &ChangeFiles, site: &Site) -> Result<Vec<Slip>, DiskProblem> {
    let slips = files.begun()?.into_iter();
    let slips = slips.filter_map(|(_, slip)| serde_json::from_value::<Slip>(slip).ok());
    let free = |slip: &Slip| slip.site == *site && files.hold(slip.run.as_str()).is_ok();
    Ok(slips.filter(free).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::records::ClusterPlace;

    #[test]
    fn what_was_begun_is_gone_on_with_only_in_that_cluster_through_that_context_and_as_that_user() {
        let dir = tempfile::tempdir().expect("a directory");
        let files = ChangeFiles::new(dir.path());
        let site = |ca: &[u8], context: &str, user: &str| Site {
            context: Clean::new(context),
            cluster: ClusterPlace::new("https://localhost:6443", ca),
            user: Clean::new(user),
        };
        let begun = site(b"ca", "prod", "ann");
        let slip = Slip { run: Clean::new("1"), site: begun.clone(), at: Secs(1), changes: Vec::new() };
        files.begin("1", &serde_json::to_value(&slip).expect("written")).expect("kept");
        assert_eq!(interrupted(&files, &begun).expect("read"), [slip]);
        for other in [site(b"other ca", "prod", "ann"), site(b"ca", "dev", "ann"), site(b"ca", "prod", "root")] {
            assert_eq!(interrupted(&files, &other).expect("read"), [], "{other:?}");
        }
    }
}
