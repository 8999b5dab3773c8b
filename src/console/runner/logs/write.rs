//! Writing lines to files, beside the task that owns them: it gives a part at a time, a thread writes.
//!
//! Owns names, order and what is told of it. The lines are those that were kept when it began.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::{Notify, mpsc};

use crate::{
    console::model::page::{
        LogMessage, Refusal,
        logs::{StreamState, Writing},
    },
    disk::{self, atomic::Growing},
    jobs::Clean,
    logs::{Book, Pane, Who},
};

/// Lines given to the thread at once.
const PART: u64 = 5_000;
/// Parts that may wait for it.
const WAITING: usize = 4;
/// Parts between two words about how far it is.
const TOLD_EVERY: u64 = 8;

/// Tells the loop something, from a thread.
pub(super) type Tell = Arc<dyn Fn(LogMessage) + Send + Sync>;

/// Lines for files, by the files' names, and how many lines they are.
#[derive(Default)]
struct Part {
    files: BTreeMap<String, Vec<u8>>,
    lines: u64,
}

/// What is being written.
pub(super) struct Writer {
    each: bool,
    name: String,
    next: u64,
    end: u64,
    turns: u64,
    parts: mpsc::Sender<Part>,
}

impl Writer {
    /// Begins with the lines up to `end`; `wake` is notified whenever the thread can take more.
    pub(super) fn begin(
        what: &Writing,
        dir: Option<PathBuf>,
        end: u64,
        tell: Tell,
        wake: Arc<Notify>,
    ) -> Result<Self, Refusal> {
        let name = match what {
            Writing::One(name) | Writing::Each(name) | Writing::Pager(name) => plain(name),
        };
        let each = matches!(what, Writing::Each(_));
        let dir = if each { directory(dir)?.join(&name) } else { directory(dir)? };
        let shown = if each { dir.clone() } else { dir.join(&name) };
        let for_pager = matches!(what, Writing::Pager(_));
        let (parts, inbox) = mpsc::channel::<Part>(WAITING);
        tokio::task::spawn_blocking(move || {
            let outcome = keep(&dir, inbox, &wake);
            tell(match outcome {
                Ok(_) if for_pager => LogMessage::ForPager(shown),
                outcome => LogMessage::Written(
                    outcome.map(|lines| (Clean::new(&shown.to_string_lossy()), lines)).map_err(|p| problem(&p)),
                ),
            });
        });
        Ok(Self { each, name, next: 0, end, turns: 0, parts })
    }

    /// Whether the thread can take a part.
    pub(super) fn can_go_on(&self) -> bool {
        self.parts.capacity() > 0
    }

    /// Gives the thread a part: of what is looked at, as far as it was found. Says how far it is; `Err`: that was all.
    pub(super) fn slice(
        &mut self,
        book: &Book,
        pane: &Pane,
        streams: &[StreamState],
    ) -> Result<Option<LogMessage>, ()> {
        let store = book.store();
        self.next = self.next.max(store.first());
        let upto = self.end.min(self.next + PART);
        let mut part = Part::default();
        for (number, line) in store.from(self.next).take_while(|(number, _)| *number < upto) {
            if pane.index().has(number) {
                let name = if self.each { file_name(Who::wrote(line), streams) } else { self.name.clone() };
                let bytes = part.files.entry(name).or_default();
                bytes.extend_from_slice(line.text.as_bytes());
                bytes.push(b'\n');
                part.lines += 1;
            }
        }
        // A thread that has failed has told so and takes nothing more.
        self.parts.try_send(part).map_err(|_| ())?;
        self.next = upto;
        self.turns += 1;
        if self.next >= self.end {
            return Err(());
        }
        Ok((self.turns.is_multiple_of(TOLD_EVERY))
            .then_some(LogMessage::Writing(self.next - store.first(), self.end - store.first())))
    }
}

/// Writes what comes, until there is no more; gives the number of lines.
fn keep(dir: &Path, mut inbox: mpsc::Receiver<Part>, wake: &Notify) -> Result<u64, disk::DiskProblem> {
    disk::atomic::make_dir(dir)?;
    let (mut files, mut lines) = (BTreeMap::new(), 0);
    while let Some(part) = inbox.blocking_recv() {
        lines += part.lines;
        for (name, bytes) in part.files {
            let file = match files.entry(name) {
                std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let path = dir.join(place.key());
                    place.insert(Growing::new(&path)?)
                }
            };
            file.append(&bytes)?;
        }
        wake.notify_one();
    }
    files.into_values().try_for_each(Growing::finish)?;
    Ok(lines)
}

fn file_name(who: Who, streams: &[StreamState]) -> String {
    match who {
        Who::Rank(rank) => format!("rank-{rank}.log"),
        Who::Source(source) => {
            let key = streams.get(usize::from(source.0)).map_or("", |stream| stream.key.as_str());
            format!("{}.log", key.replace('/', "-"))
        }
    }
}

fn plain(name: &str) -> String {
    name.chars().map(|c| if c == '/' { '_' } else { c }).collect()
}

fn directory(dir: Option<PathBuf>) -> Result<PathBuf, Refusal> {
    dir.ok_or_else(|| Refusal {
        what: Clean::new("There is no directory to save to"),
        hint: Clean::new("Set XDG_STATE_HOME or HOME."),
    })
}

fn problem(problem: &disk::DiskProblem) -> Refusal {
    Refusal { what: Clean::new(&problem.to_string()), hint: Clean::default() }
}

/// Writes a file that only its owner can read. Blocking, briefly.
pub(in crate::console::runner) fn write(dir: Option<PathBuf>, name: &str, bytes: &[u8]) -> Result<Clean, Refusal> {
    let dir = directory(dir)?;
    let path = dir.join(plain(name));
    disk::atomic::make_dir(&dir).and_then(|()| disk::atomic::write(&path, bytes)).map_err(|p| problem(&p))?;
    Ok(Clean::new(&path.to_string_lossy()))
}
