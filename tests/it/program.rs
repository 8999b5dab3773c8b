//! The program as a process with an environment of its own, and what it said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use mpideck::sim::{FleetKind, Options, Served, Sim};
use serde_json::Value;
use tokio::process::Command;

/// A home of its own, and a kubeconfig in it.
pub(crate) struct Program {
    pub(crate) home: tempfile::TempDir,
    env: Vec<(String, String)>,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    /// With this as `~/.kube/config`.
    pub(crate) fn with(kubeconfig: &Value) -> Self {
        let program = Self { home: tempfile::tempdir().unwrap(), env: Vec::new() };
        std::fs::create_dir(program.path(".kube")).unwrap();
        program.write(".kube/config", &kubeconfig.to_string());
        program
    }

    /// A path in its home.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Writes a file in its home, readable by its owner alone.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// With a variable in its environment.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<Path>) -> Self {
        self.env.push((name.to_owned(), value.as_ref().display().to_string()));
        self
    }

    /// Runs it with these arguments, apart by blanks.
    pub(crate) async fn run(&self, args: &str) -> Said {
        self.argv(&args.split(' ').collect::<Vec<_>>()).await
    }

    /// Runs it with these arguments.
    pub(crate) async fn argv(&self, args: &[&str]) -> Said {
        self.start(env!("CARGO_BIN_EXE_mpideck"), args).await
    }

    /// Any program in the same environment, not started yet.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new(program);
        command.args(args).env_clear().env("HOME", self.home.path()).env("LC_ALL", "C.UTF-8");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.env.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
        command
    }

    /// Runs any program in the same environment. Somebody types on its stdin all the time.
    pub(crate) async fn start(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Said {
        let mut command = self.command(program, args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().unwrap();
        // stdin stays open: whoever reads it waits for ever, and this with it.
        let output = tokio::time::timeout(Duration::from_mins(2), child.wait_with_output()).await;
        let output = output.expect("it ends").unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        Said { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

impl Said {
    /// Holds the exit code and what stderr must name against what came.
    #[track_caller]
    pub(crate) fn failed_with(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, code, "{self:?}");
        for word in words {
            assert!(self.err.contains(word), "«{word}» is not in: {}", self.err);
        }
    }

    /// Its output, having gone well.
    #[track_caller]
    pub(crate) fn went_well(&self) -> &str {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{}", self.out);
        &self.out
    }
}

/// A served sim in which nobody acts.
pub(crate) async fn served() -> (Sim, Served) {
    let sim = Sim::start(Options { fleet: FleetKind::Still, ..Options::new() }).await.unwrap();
    let served = sim.listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    (sim, served)
}
