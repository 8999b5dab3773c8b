//! What is on disk while several changes, or one of several steps, are under way: what is still to be done.
//!
//! How far a change came is read from the cluster, never from here: so doing it again after a crash is as good as once.
//! A slip is locked while somebody works on it; the kernel lets go of it when a process dies.

use serde::{Deserialize, Serialize};

use super::{
    change::{Change, What},
    confirmed::How,
    desk::Desk,
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
    /// Address of the cluster: a context may lead elsewhere tomorrow.
    pub server: Clean,
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

/// What was begun on this cluster, is not over, and nobody works on.
pub fn interrupted(files: &ChangeFiles, server: &Clean) -> Result<Vec<Slip>, DiskProblem> {
    let slips = files.begun()?.into_iter();
    let slips = slips.filter_map(|(_, slip)| serde_json::from_value::<Slip>(slip).ok());
    let free = |slip: &Slip| slip.server == *server && files.hold(slip.run.as_str()).is_ok();
    Ok(slips.filter(free).collect())
}
