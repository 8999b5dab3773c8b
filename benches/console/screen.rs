//! The console in a pty: what it wrote, when, and what stands on its screen.

use std::{
    io::{Read, Write},
    sync::mpsc::{Receiver, RecvTimeoutError, sync_channel},
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

use crate::process::{MPIDECK, Result, Served};

/// End of a synchronized update: the end of a frame.
const FRAME_END: &[u8] = b"\x1b[?2026l";

/// A running console.
pub(crate) struct Console {
    child: Box<dyn Child + Send + Sync>,
    _master: Box<dyn MasterPty + Send>,
    keys: Box<dyn Write + Send>,
    chunks: Receiver<(Instant, Vec<u8>)>,
    parser: vt100::Parser,
    tail: Vec<u8>,
    /// When it was started.
    pub(crate) started: Instant,
    /// Bytes it has written.
    pub(crate) bytes: u64,
    /// Frames it has finished.
    pub(crate) frames: u64,
    _home: TempDir,
}

impl Console {
    /// Starts the console on all namespaces of `served`, in a terminal of `columns` x `rows`.
    pub(crate) fn start(served: &Served, columns: u16, rows: u16) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let pty = native_pty_system().openpty(PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 })?;
        let mut command = CommandBuilder::new(MPIDECK);
        command.args(["--context", "admin", "-A"]);
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", home.path());
        command.env("LANG", "C.UTF-8");
        command.env("TERM", "xterm-256color");
        command.env("KUBECONFIG", &served.kubeconfig);
        let started = Instant::now();
        let child = pty.slave.spawn_command(command)?;
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader()?;
        let keys = pty.master.take_writer()?;
        let (send, chunks) = sync_channel(4096);
        std::thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(n) = reader.read(&mut buffer) {
                if n == 0 || send.send((Instant::now(), buffer[..n].to_vec())).is_err() {
                    break;
                }
            }
        });
        let parser = vt100::Parser::new(rows, columns, 0);
        Ok(Self {
            child,
            _master: pty.master,
            keys,
            chunks,
            parser,
            tail: Vec::new(),
            started,
            bytes: 0,
            frames: 0,
            _home: home,
        })
    }

    /// Its process.
    pub(crate) fn pid(&self) -> Result<u32> {
        Ok(self.child.process_id().ok_or("the console has ended")?)
    }

    /// Types `keys`.
    pub(crate) fn press(&mut self, keys: &str) -> Result<Instant> {
        let at = Instant::now();
        self.keys.write_all(keys.as_bytes())?;
        self.keys.flush()?;
        Ok(at)
    }

    /// Reads until a frame has ended for which `done` holds; gives the moment its last byte came.
    pub(crate) fn until(&mut self, limit: Duration, mut done: impl FnMut(&str) -> bool) -> Result<Instant> {
        let deadline = Instant::now() + limit;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.chunks.recv_timeout(left) {
                Ok((at, chunk)) => {
                    if self.take(&chunk) && done(&self.parser.screen().contents()) {
                        return Ok(at);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    return Err(format!("not within {limit:?}; the screen shows:\n{}", self.text()).into());
                }
                Err(RecvTimeoutError::Disconnected) => return Err("the console has ended".into()),
            }
        }
    }

    /// As [`Self::until`], but `None` at once where `done` holds already.
    pub(crate) fn until_now(&mut self, limit: Duration, mut done: impl FnMut(&str) -> bool) -> Result<Option<Instant>> {
        if done(&self.text()) { Ok(None) } else { self.until(limit, done).map(Some) }
    }

    /// Reads for this long, whatever comes.
    pub(crate) fn listen(&mut self, how_long: Duration) {
        let deadline = Instant::now() + how_long;
        while let Ok((_, chunk)) = self.chunks.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.take(&chunk);
        }
    }

    /// What stands on the screen.
    pub(crate) fn text(&self) -> String {
        self.parser.screen().contents()
    }

    /// Takes in `chunk`; whether a frame ended in it.
    fn take(&mut self, chunk: &[u8]) -> bool {
        self.bytes += chunk.len() as u64;
        self.parser.process(chunk);
        self.tail.extend_from_slice(chunk);
        let ended = self.tail.windows(FRAME_END.len()).filter(|w| *w == FRAME_END).count() as u64;
        let keep = self.tail.len().saturating_sub(FRAME_END.len() - 1);
        self.tail.drain(..if ended > 0 { self.tail.len() } else { keep });
        self.frames += ended;
        ended > 0
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
