//! The program in a real terminal: a pty with a shell's job control, and a screen that is read back.

mod alerts;
mod changes;
mod drafts;
mod keys;
mod lend;
mod life;
mod looks;
mod sizes;

use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// Long enough for a busy machine; nothing waits so long when all is well.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A program behind a terminal.
pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Mutex<Seen>>,
    home: tempfile::TempDir,
}

/// What came out.
struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
}

impl Pty {
    /// Runs a line of `sh` in which `$MPIDECK` is the binary.
    pub(crate) fn sh(line: &str) -> Self {
        Self::sh_with(line, &[])
    }

    /// The same, with other variables; an empty value removes one.
    pub(crate) fn sh_with(line: &str, vars: &[(&str, &str)]) -> Self {
        let mut command = CommandBuilder::new("/bin/bash");
        command.args(["--norc", "--noprofile", "-c", line]);
        Self::run(command, vars)
    }

    fn run(mut command: CommandBuilder, vars: &[(&str, &str)]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).expect("a pty");
        let home = tempfile::tempdir().expect("a home");
        let temporary = home.path().join("tmp");
        std::fs::create_dir(&temporary).expect("a place for temporary files");
        command.env_clear();
        for (name, value) in [
            ("PATH", std::env::var("PATH").unwrap_or_default().as_str()),
            ("HOME", &home.path().to_string_lossy()),
            ("TMPDIR", &temporary.to_string_lossy()),
            ("TERM", "xterm-256color"),
            ("LC_ALL", "C.UTF-8"),
            ("MPIDECK", env!("CARGO_BIN_EXE_mpideck")),
        ] {
            command.env(name, value);
        }
        for (name, value) in vars {
            if value.is_empty() {
                command.env_remove(name);
            } else {
                command.env(name, value);
            }
        }
        let child = pair.slave.spawn_command(command).expect("started");
        drop(pair.slave);
        let screen = Arc::new(Mutex::new(Seen { parser: vt100::Parser::new(24, 80, 0), bytes: Vec::new() }));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let seen = Arc::clone(&screen);
        thread::spawn(move || {
            let mut buffer = vec![0; 65_536];
            while let Ok(n @ 1..) = reader.read(&mut buffer) {
                let mut seen = seen.lock().expect("not poisoned");
                seen.parser.process(&buffer[..n]);
                seen.bytes.extend_from_slice(&buffer[..n]);
            }
        });
        let writer = pair.master.take_writer().expect("a writer");
        Self { master: pair.master, writer, child, screen, home }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.process_id().expect("it has been started")
    }

    /// The home of whoever runs it.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Temporary files that are left, and half-written ones.
    pub(crate) fn litter(&self) -> Vec<String> {
        let names = |dir: PathBuf| {
            let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned())
        };
        let half = names(self.home().join(".local/state/mpideck")).filter(|name| name.starts_with('.'));
        names(self.home().join("tmp")).chain(half).collect()
    }

    /// Whether some cell of the row that contains `text` is bold or reversed.
    pub(crate) fn stands_out(&self, text: &str) -> bool {
        let seen = self.screen.lock().expect("not poisoned");
        let screen = seen.parser.screen();
        let (rows, cols) = screen.size();
        let Some(row) = screen.rows(0, cols).position(|row| row.contains(text)) else { return false };
        let row = u16::try_from(row).expect("a row").min(rows);
        (0..cols).filter_map(|col| screen.cell(row, col)).any(|cell| cell.bold() || cell.inverse())
    }

    /// Types.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("typed");
        self.writer.flush().expect("typed");
    }

    pub(crate) fn resize(&self, cols: u16, rows: u16) {
        let size = PtySize { rows, cols, pixel_width: 0, pixel_height: 0 };
        // As in a terminal: its own screen has the size before the program is told, and what it writes is read after.
        let mut screen = self.screen.lock().expect("not poisoned");
        screen.parser.screen_mut().set_size(rows, cols);
        self.master.resize(size).expect("resized");
    }

    /// The text on the screen.
    pub(crate) fn screen(&self) -> String {
        self.screen.lock().expect("not poisoned").parser.screen().contents()
    }

    /// Whether the alternate screen is shown.
    pub(crate) fn is_full_screen(&self) -> bool {
        self.screen.lock().expect("not poisoned").parser.screen().alternate_screen()
    }

    /// Bytes written so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.screen.lock().expect("not poisoned").bytes.clone()
    }

    /// Waits until the screen holds `text`.
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait(&format!("«{text}» on the screen"), || self.screen().contains(text));
    }

    /// Waits until `holds`.
    pub(crate) fn wait(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let end = now() + PATIENCE;
        while !holds() {
            assert!(now() < end, "waited in vain for {what}; the screen is:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for the end of the program and returns its exit code (128 + n for a signal).
    pub(crate) fn ended(&mut self) -> u32 {
        let end = now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("waited") {
                return status.exit_code();
            }
            assert!(now() < end, "it did not end; the screen is:\n{}", self.screen());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Ours, and only if a test failed before it ended.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test waits in real time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Sends a signal to a process of this test.
pub(crate) fn kill(pid: u32, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
    rustix::process::kill_process(pid, signal).expect("sent");
}
