//! A walk through the console in tmux, as most people will have it: every view at two sizes, and copying.
//!
//! On a server of its own, with tmux's default settings.

use std::{
    process::{Command, Output, Stdio},
    thread,
    time::Duration,
};

use crate::{
    pty::{PATIENCE, now},
    tools,
};

/// A tmux server with one pane, in which the demo runs.
struct Tmux {
    home: tempfile::TempDir,
}

#[expect(clippy::disallowed_methods, reason = "tmux is what is tested with")]
fn program(name: &str) -> Command {
    Command::new(name)
}

impl Tmux {
    /// `None`, loudly, where there is no tmux and none is required.
    fn start(cols: u16, rows: u16) -> Option<Self> {
        if !tools::is_there("tmux", "-V") {
            return None;
        }
        let tmux = Self { home: tempfile::tempdir().expect("a home") };
        let (cols, rows) = (cols.to_string(), rows.to_string());
        let line = format!("{} demo; echo code=$?; read -r _", env!("CARGO_BIN_EXE_mpideck"));
        let done = tmux.run(&["-f", "/dev/null", "new-session", "-d", "-x", &cols, "-y", &rows, &line]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        Some(tmux)
    }

    fn run(&self, args: &[&str]) -> Output {
        let mut command = program("tmux");
        command.env_clear().args(["-u", "-L", "mpideck"]).args(args).stdin(Stdio::null());
        for (name, value) in [
            ("PATH", std::env::var("PATH").unwrap_or_default().as_str()),
            ("HOME", &self.home.path().to_string_lossy()),
            ("TMUX_TMPDIR", &self.home.path().to_string_lossy()),
            ("SHELL", "/bin/sh"),
            ("LC_ALL", "C.UTF-8"),
        ] {
            command.env(name, value);
        }
        command.output().expect("tmux")
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.run(&["capture-pane", "-p"]).stdout).into_owned()
    }

    /// Presses keys, named as tmux names them.
    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }

    fn wait(&self, what: &str, mut holds: impl FnMut(&str) -> bool) -> String {
        let end = now() + PATIENCE;
        loop {
            let screen = self.screen();
            if holds(&screen) {
                return screen;
            }
            assert!(now() < end, "waited in vain for {what}; the screen is:\n{screen}");
            thread::sleep(Duration::from_millis(30));
        }
    }

    fn wait_for(&self, text: &str) -> String {
        self.wait(&format!("«{text}»"), |screen| screen.contains(text))
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.run(&["kill-server"]);
    }
}

/// The name in the selected row, as far as it is not cut.
fn selected(screen: &str) -> Option<String> {
    let row = screen.lines().find(|line| line.starts_with('▌'))?;
    row.trim_start_matches('▌').split_whitespace().next()?.split('…').next().map(str::to_owned)
}

#[test]
fn every_view_is_reached_at_80x24_and_at_160x45() {
    for (cols, rows) in [(80, 24), (160, 45)] {
        let Some(tmux) = Tmux::start(cols, rows) else { return };
        tmux.wait("the list", |screen| screen.contains("live") && selected(screen).is_some());
        tmux.keys(&["/", "kind:mpijob state:running"]);
        tmux.wait_for("kind:mpijob state:running");
        tmux.keys(&["Enter"]);
        tmux.wait_for("enter Open");
        let running = |screen: &str| screen.lines().any(|line| line.starts_with('▌') && line.contains("▸ Running"));
        let job = tmux.wait("a running job", running);
        let job = selected(&job).expect("a job");
        tmux.keys(&["Enter"]);
        let page = tmux.wait_for("Overview");
        assert!(page.contains(&job), "{job}\n{page}");
        for (key, seen) in [("y", "apiVersion:"), ("w", "aunche"), ("l", "Logs"), ("e", "Events"), ("d", "Timeline")] {
            tmux.keys(&[key]);
            let screen = tmux.wait_for(seen);
            assert!(screen.contains(&job), "{key}: the page lost its job\n{screen}");
        }
        tmux.keys(&["?"]);
        tmux.wait_for("Job page");
        tmux.keys(&["q"]);
        tmux.keys(&["q"]);
        tmux.wait("the list again", |screen| screen.contains("STATE"));
        tmux.keys(&[":"]);
        tmux.wait_for("tab completes");
        tmux.keys(&["ctx tenant", "Enter"]);
        tmux.wait_for("tenant │ vision");
        tmux.keys(&["C-c"]);
        tmux.wait_for("code=0");
    }
}

#[test]
fn a_copy_reaches_a_default_tmux() {
    let Some(tmux) = Tmux::start(80, 24) else { return };
    tmux.wait("the list", |screen| selected(screen).is_some());
    tmux.keys(&["a"]);
    tmux.keys(&["c"]);
    let screen = tmux.wait_for("bytes sent to tmux");
    let buffer = String::from_utf8_lossy(&tmux.run(&["show-buffer"]).stdout).into_owned();
    let job = selected(&screen).expect("a selected row");
    assert!(buffer.contains(job.trim_end_matches('…')), "«{buffer}» is not «{job}»");
    assert!(screen.contains(&format!("{} bytes sent", buffer.trim_end_matches('\n').len())), "{screen}");
    tmux.keys(&["C-c"]);
    tmux.wait_for("code=0");
}
