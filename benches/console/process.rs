//! The two processes: the served embedded cluster and the console in a pty, each ended by its own handle.

use std::{
    error::Error,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;

use crate::size::Size;

/// Any error, for a line in the table.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The program under measurement.
pub(crate) const MPIDECK: &str = env!("CARGO_BIN_EXE_mpideck");

/// `demo --serve` in its own process.
pub(crate) struct Served {
    child: Child,
    /// The kubeconfig that reaches it.
    pub(crate) kubeconfig: PathBuf,
    _home: TempDir,
}

impl Served {
    /// Starts one of `size`, with `churn` pod changes a second, and waits until it says where its kubeconfig is.
    pub(crate) fn start(size: Size, churn: u32) -> Result<Self> {
        Self::of(tempfile::tempdir()?, ["--scale".into(), format!("{}x{}@{churn}", size.jobs, size.workers)])
    }

    /// Starts one in which this scenario is played.
    pub(crate) fn scenario(text: &str) -> Result<Self> {
        let home = tempfile::tempdir()?;
        let file = home.path().join("bench.toml");
        std::fs::write(&file, text)?;
        Self::of(home, ["--scenario".into(), file.display().to_string()])
    }

    fn of(home: TempDir, lives: [String; 2]) -> Result<Self> {
        let mut child = hermetic(Command::new(MPIDECK), &home)
            .args(["demo", "--serve", "127.0.0.1:0"])
            .args(lives)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let kubeconfig = PathBuf::from(lines.next().ok_or("the served cluster ended early")??);
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { child, kubeconfig, _home: home })
    }
}

impl Served {
    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A command that sees no file, proxy or setting of whoever runs the benchmark.
pub(crate) fn hermetic(mut command: Command, home: &TempDir) -> Command {
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("HOME", home.path()).env("LANG", "C.UTF-8");
    command
}

/// User and system time of a process so far.
pub(crate) fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after = stat.rsplit_once(')').ok_or("unexpected /proc stat")?.1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<u64>().ok()).unwrap_or(0);
    Ok(Duration::from_millis((ticks(11) + ticks(12)) * 10))
}

/// Resident memory of a process in bytes: now, and at its highest.
pub(crate) fn memory(pid: u32) -> Result<(u64, u64)> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kb = |key: &str| {
        status
            .lines()
            .find_map(|l| l.strip_prefix(key))
            .and_then(|v| v.split_whitespace().next())
            .and_then(|v| v.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Ok((kb("VmRSS:") * 1024, kb("VmHWM:") * 1024))
}

/// One line that names the machine.
pub(crate) fn machine() -> String {
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|l| l.strip_prefix("model name")).unwrap_or("unknown processor");
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!("{} ({cores} cores)", model.trim_start_matches(['\t', ' ', ':']))
}
