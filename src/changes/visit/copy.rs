//! Files out of a replica and into it, by the `tar` of its image.

use std::{io, path::Path};

use tokio::io::AsyncReadExt as _;
use tokio_util::io::SyncIoBridge;

use super::{
    archive::{self, Copied},
    place, wrong,
};
use crate::{
    changes::{Change, Desk, Outcome},
    cluster::{
        Problem, ProblemKind,
        exec::{self, Ended, Streams},
    },
    jobs::{
        Clean,
        quantity::{counted, format_bytes},
    },
};

/// What `tar` complains about that is kept.
const COMPLAINT: u64 = 4096;

/// Copies a file or directory of a replica into a directory of this machine.
pub(in crate::changes) async fn copied_out(desk: &Desk, change: &Change, path: &str, into: &Path) -> Outcome {
    let argv = ["tar", "cf", "-", path].map(str::to_owned);
    let Some(place) = place(change) else { return Outcome::Failed(wrong(change)) };
    let mut process = match exec::start(&desk.session, &place, &argv, Streams::Output).await {
        Ok(process) => process,
        Err(problem) => return Outcome::Failed(problem),
    };
    let (Some(stdout), Some(stderr), Some(status)) = (process.stdout(), process.stderr(), process.take_status()) else {
        return Outcome::Failed(wrong(change));
    };
    let (path, target) = (path.to_owned(), into.to_owned());
    let unpacked = blocking(move || {
        let mut archive = SyncIoBridge::new(stdout);
        let copied = archive::unpack(&mut archive, &path, &target)?;
        // What follows an archive's end is padding.
        io::copy(&mut archive, &mut io::sink())?;
        Ok(copied)
    });
    let (unpacked, complaint) = tokio::join!(unpacked, complaint(stderr));
    outcome(change, unpacked, exec::ended(status.await), &complaint, into)
}

/// Copies a file or directory of this machine into a directory of a replica.
pub(in crate::changes) async fn copied_in(desk: &Desk, change: &Change, from: &Path, into: &str) -> Outcome {
    let Some(name) = from.file_name().map(|name| name.to_string_lossy().into_owned()) else {
        let hint = "Name a file or a directory.";
        let what = format!("can't {change}");
        return Outcome::Failed(Problem::new(ProblemKind::Invalid, &what, "its path has no last part", hint));
    };
    let argv = ["tar", "xmf", "-", "-C", into].map(str::to_owned);
    let Some(place) = place(change) else { return Outcome::Failed(wrong(change)) };
    let mut process = match exec::start(&desk.session, &place, &argv, Streams::Pipes).await {
        Ok(process) => process,
        Err(problem) => return Outcome::Failed(problem),
    };
    let (Some(stdin), Some(stderr), Some(status)) = (process.stdin(), process.stderr(), process.take_status()) else {
        return Outcome::Failed(wrong(change));
    };
    let from = from.to_owned();
    let packed = blocking(move || {
        let mut archive = SyncIoBridge::new(stdin);
        let copied = archive::pack(&from, &name, &mut archive)?;
        archive.shutdown()?;
        Ok(copied)
    });
    let (packed, complaint) = tokio::join!(packed, complaint(stderr));
    outcome(change, packed, exec::ended(status.await), &complaint, Path::new(into))
}

async fn blocking(work: impl FnOnce() -> io::Result<Copied> + Send + 'static) -> io::Result<Copied> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

async fn complaint(stderr: impl tokio::io::AsyncRead + Unpin) -> Clean {
    let mut text = Vec::new();
    let mut stderr = stderr.take(COMPLAINT);
    // What can't be read is no complaint.
    let _ = stderr.read_to_end(&mut text).await;
    let _ = tokio::io::copy(stderr.get_mut(), &mut tokio::io::sink()).await;
    let text = String::from_utf8_lossy(&text);
    Clean::new(text.lines().rfind(|line| !line.contains("Removing leading")).unwrap_or_default())
}

fn outcome(change: &Change, copied: io::Result<Copied>, ended: Ended, complaint: &Clean, into: &Path) -> Outcome {
    let what = format!("can't {change}");
    let hint = "Files that came before are there; nothing was written over.";
    match (copied, ended) {
        (Ok(copied), Ended::Code(0)) => Outcome::noted(change.subject.uid.clone(), &said(&copied, into)),
        (_, Ended::NotRun(why)) => {
            let hint = "Copying needs `tar` in the image: use a debug image, or a volume.";
            Outcome::Failed(Problem::new(ProblemKind::Invalid, &what, why.as_str(), hint))
        }
        (_, Ended::Code(code)) if code != 0 => {
            let why = if complaint.is_empty() { format!("tar ended with {code}") } else { complaint.to_string() };
            Outcome::Failed(Problem::new(ProblemKind::Invalid, &what, &why, "Check the path in the replica."))
        }
        (Err(error), _) => Outcome::Failed(Problem::new(ProblemKind::Invalid, &what, &error.to_string(), hint)),
        (Ok(_), _) => Outcome::Failed(Problem::new(
            ProblemKind::Unreachable,
            &what,
            "the connection ended before all was copied",
            hint,
        )),
    }
}

fn said(copied: &Copied, into: &Path) -> String {
    let files = counted(copied.files as u64, "file");
    let size = if copied.bytes < 1024 { format!("{} bytes", copied.bytes) } else { format_bytes(copied.bytes) };
    let mut text = format!("{files}, {size}, to {}", into.display());
    if !copied.left_out.is_empty() {
        text.push_str("; left out: ");
        text.push_str(&copied.left_out.join(", "));
    }
    match copied.more {
        0 => text,
        more => format!("{text} and {more} more"),
    }
}
