//! The figures of the design's budget table that are about one job: its log, and what happens to it.
//!
//! Each plays a scenario of its own in the served cluster.

use std::time::{Duration, Instant, SystemTime};

use crate::{
    figures::{Figure, Measured, PATIENCE, WIDE, median, ms, number},
    process::{Result, Served, cpu_time},
    raw,
    screen::Console,
};

/// All of them.
pub(crate) const ALL: &[Figure<fn() -> Measured>] = &[
    Figure { name: "log-bytes", measure: log_bytes },
    Figure { name: "log-keys", measure: log_keys },
    Figure { name: "log-line", measure: log_line },
    Figure { name: "death", measure: death },
    Figure { name: "metrics-bytes", measure: metrics_bytes },
];

/// A job whose launcher writes `text` every so many seconds.
fn writes(every: f64, text: &str) -> String {
    format!(
        "about = \"writes\"\nclass = \"none\"\nseconds = 600\n\n[[job]]\nname = \"writer\"\nworkers = 1\ngpus = 0\n\n\
         [role.launcher]\npull = 1\nexact = true\nlog = [{{ every = {every}, text = \"{text}\" }}]\n\n[role.worker]\npull = 1\n"
    )
}

/// The console on the tab Logs of the job, whose lines come.
fn on_its_log(served: &Served) -> Result<Console> {
    let mut console = Console::start(served, WIDE.0, WIDE.1)?;
    console.until(PATIENCE, |screen| screen.contains("Running") && screen.contains("writer"))?;
    console.press("\r")?;
    console.until(PATIENCE, |screen| screen.contains("5 Events"))?;
    console.press("4")?;
    console.until(PATIENCE, |screen| screen.matches("loss ").count() > 10)?;
    Ok(console)
}

const STEP: &str = "step {step} loss {loss} lr {lr} {rate} samples/sec {ms} ms {gb} GB";

fn log_bytes() -> Measured {
    let served = Served::scenario(&writes(0.0001, STEP))?;
    let mut console = on_its_log(&served)?;
    console.listen(Duration::from_secs(2));
    let (cpu, bytes, frames, since) = (cpu_time(console.pid()?)?, console.bytes, console.frames, Instant::now());
    console.listen(Duration::from_secs(20));
    let seconds = since.elapsed().as_secs_f64();
    let share = cpu_time(console.pid()?)?.saturating_sub(cpu).as_secs_f64() / seconds;
    Ok(vec![
        number("bytes/s of a log at 10,000 lines/s", (console.bytes - bytes) as f64 / seconds, 30_000.0, "B/s"),
        number("frames a second meanwhile", (console.frames - frames) as f64 / seconds, 30.0, ""),
        number("CPU meanwhile, of one core", share * 100.0, 100.0, "%"),
    ])
}

fn log_keys() -> Measured {
    let served = Served::scenario(&writes(0.00001, STEP))?;
    let mut console = on_its_log(&served)?;
    console.listen(Duration::from_secs(3));
    let (cpu, since) = (cpu_time(console.pid()?)?, Instant::now());
    let mut latencies = vec![];
    for i in 0..200_u64 {
        let wanted = if i % 2 == 0 { "paused" } else { "following" };
        let at = console.press(" ")?;
        latencies.push(console.until(PATIENCE, |screen| screen.contains(wanted))?.duration_since(at));
        console.listen(Duration::from_micros(40_000 + i * 7_919 % 61_000));
    }
    let share = cpu_time(console.pid()?)?.saturating_sub(cpu).as_secs_f64() / since.elapsed().as_secs_f64();
    latencies.sort();
    Ok(vec![
        ms("key to last byte, 100,000 lines/s, p50", latencies[latencies.len() / 2], Duration::from_millis(3)),
        ms("key to last byte, 100,000 lines/s, p99", latencies[latencies.len() * 99 / 100], Duration::from_millis(8)),
        number("CPU meanwhile, of one core", share * 100.0, 100.0, "%"),
    ])
}

/// The line of each whole second says which one it is: it is written at that moment.
fn log_line() -> Measured {
    let served = Served::scenario(&writes(1.0, "loss {loss} at {clock}"))?;
    let mut console = Console::start(&served, WIDE.0, WIDE.1)?;
    console.until(PATIENCE, |screen| screen.contains("Running") && screen.contains("writer"))?;
    console.press("\r")?;
    console.until(PATIENCE, |screen| screen.contains("5 Events"))?;
    console.press("4")?;
    console.until(PATIENCE, |screen| screen.contains(" at 20"))?;
    let mut late = vec![];
    for _ in 0..15 {
        let before = newest(&console.text());
        let seen = console.until(PATIENCE, |screen| newest(screen) != before)?;
        let written: jiff::Timestamp = newest(&console.text()).ok_or("no line")?.parse()?;
        let shown = SystemTime::now() - seen.elapsed();
        late.push(shown.duration_since(SystemTime::from(written)).unwrap_or_default());
    }
    let most = late.iter().max().copied().unwrap_or_default();
    Ok(vec![
        ms("a line from written to on screen, median", median(late), Duration::from_secs(1)),
        ms("the same, longest of 15", most, Duration::from_secs(1)),
    ])
}

/// The time that the last line says.
fn newest(screen: &str) -> Option<String> {
    let line = screen.lines().rev().find(|line| line.contains(" at 20"))?;
    let (_, time) = line.rsplit_once(" at ")?;
    Some(format!("{}Z", time.trim().replace(' ', "T")))
}

/// The tab Metrics of a job of four replicas with GPUs is left open.
fn metrics_bytes() -> Measured {
    let served = Served::scenario(
        "about = \"trains\"\nclass = \"none\"\nseconds = 600\nlike = \"horovod\"\n\n[[job]]\nname = \"trainer\"\nworkers = 3\ngpus = 2\n",
    )?;
    let mut console = Console::start(&served, WIDE.0, WIDE.1)?;
    console.until(PATIENCE, |screen| screen.contains("Running") && screen.contains("trainer"))?;
    console.press("\r")?;
    console.until(PATIENCE, |screen| screen.contains("5 Events"))?;
    console.press("6")?;
    console.until(PATIENCE, |screen| screen.contains("Prometheus") && screen.contains(" old"))?;
    console.listen(Duration::from_secs(5));
    let (bytes, since) = (console.bytes, Instant::now());
    console.listen(Duration::from_mins(3));
    let rate = (console.bytes - bytes) as f64 / since.elapsed().as_secs_f64();
    Ok(vec![number("bytes/s of a tab Metrics left open, 3 minutes", rate, 100.0, "B/s")])
}

/// A worker is killed: from the moment a plain watch of pods tells, to the row, and to its cause.
fn death() -> Measured {
    let served = Served::scenario(
        "about = \"a worker dies\"\nclass = \"host_oom_killed\"\nseconds = 600\n\n[[job]]\nname = \"victim\"\nworkers = 3\ngpus = 0\n\n\
         [role.launcher]\npull = 1\nlog = [{ every = 1, text = \"step {n}\" }]\n\n[role.worker]\npull = 1\n\n\
         [role.worker-1]\npull = 1\nrun = 20\nexit = 137\nreason = \"OOMKilled\"\n",
    )?;
    let mut console = Console::start(&served, WIDE.0, WIDE.1)?;
    let told = raw::when_a_pod_is(&served, "OOMKilled")?;
    console.until(PATIENCE, |screen| screen.contains("victim"))?;
    let row = console.until(PATIENCE, |screen| screen.contains("Degraded"))?;
    let cause = console.until_now(PATIENCE, |screen| screen.to_lowercase().contains("out of memory"))?.unwrap_or(row);
    let known = told.recv_timeout(PATIENCE)?;
    Ok(vec![
        ms("a worker's death to its row", row.saturating_duration_since(known), Duration::from_secs(5)),
        ms("a worker's death to its cause", cause.saturating_duration_since(known), Duration::from_secs(5)),
    ])
}
