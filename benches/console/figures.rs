//! The figures of the design's budget table that need whole processes, one function each.

use std::time::{Duration, Instant};

use crate::{
    process::{Result, Served, cpu_time, memory},
    raw,
    screen::Console,
    size::Size,
};

/// One line of the table.
pub(crate) struct Row {
    /// What was measured.
    pub(crate) what: &'static str,
    /// The figure, with its unit.
    pub(crate) measured: String,
    /// What it may be.
    pub(crate) budget: String,
    /// Whether it is more than that.
    pub(crate) over: bool,
}

/// What a measurement gives.
pub(crate) type Measured = Result<Vec<Row>>;

type BySize = fn(Size) -> Measured;

/// A measurement by name.
pub(crate) struct Figure<M> {
    /// For choosing it on the command line.
    pub(crate) name: &'static str,
    /// Takes it.
    pub(crate) measure: M,
}

/// All of them that depend on how large the cluster is.
pub(crate) const SIZED: &[Figure<BySize>] = &[
    Figure { name: "cluster", measure: cluster },
    Figure { name: "start", measure: start },
    Figure { name: "memory", measure: resident },
    Figure { name: "idle", measure: idle },
    Figure { name: "selection", measure: selection },
    Figure { name: "churn", measure: churn },
];

pub(crate) const PATIENCE: Duration = Duration::from_mins(1);
pub(crate) const WIDE: (u16, u16) = (160, 45);

pub(crate) fn ms(what: &'static str, measured: Duration, budget: Duration) -> Row {
    let show = |d: Duration| format!("{:.1} ms", d.as_secs_f64() * 1e3);
    Row { what, measured: show(measured), budget: show(budget), over: measured > budget }
}

pub(crate) fn number(what: &'static str, measured: f64, budget: f64, unit: &str) -> Row {
    let show = |v: f64| if v < 10.0 { format!("{v:.2} {unit}") } else { format!("{v:.0} {unit}") };
    Row { what, measured: show(measured), budget: show(budget), over: measured > budget }
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Whether all lists are complete: the header then says live.
fn complete(size: Size, screen: &str) -> bool {
    screen.contains(&format!(" of {} ", size.jobs)) && screen.contains("live")
}

fn ready(served: &Served, size: Size) -> Result<Console> {
    let mut console = Console::start(served, WIDE.0, WIDE.1)?;
    console.until(PATIENCE, |screen| complete(size, screen))?;
    Ok(console)
}

/// The embedded cluster itself: all other figures stand on it.
fn cluster(size: Size) -> Measured {
    let began = Instant::now();
    let served = Served::start(size, 500)?;
    let started = began.elapsed();
    let _console = ready(&served, size)?;
    let (cpu, since) = (cpu_time(served.pid())?, Instant::now());
    std::thread::sleep(Duration::from_secs(10));
    let share = cpu_time(served.pid())?.saturating_sub(cpu).as_secs_f64() / since.elapsed().as_secs_f64();
    Ok(vec![
        ms("embedded cluster: start", started, Duration::from_secs(10)),
        number("embedded cluster: memory", memory(served.pid())?.1 as f64 / 1e6, 1000.0, "MB"),
        number("embedded cluster: CPU at 500 pod events/s", share * 100.0, 100.0, "%"),
    ])
}

fn start(size: Size) -> Measured {
    let served = Served::start(size, 0)?;
    let (mut first, mut screenful, mut all, mut yardstick) = (vec![], vec![], vec![], vec![]);
    for _ in 0..5 {
        let mut console = Console::start(&served, WIDE.0, WIDE.1)?;
        let since = console.started;
        first.push(console.until(PATIENCE, |_| true)?.duration_since(since));
        let rows = |screen: &str| screen.lines().filter(|l| l.contains("Running") || l.contains("Pending")).count();
        let full = console.until(PATIENCE, |screen| rows(screen) > 20)?;
        screenful.push(full.duration_since(since));
        // A quick list is complete with its first screenful.
        let last = console.until_now(PATIENCE, |screen| complete(size, screen))?;
        all.push(last.unwrap_or(full).duration_since(since));
        drop(console);
        yardstick.push(raw::fetch_and_scan(&served)?);
    }
    let yardstick = median(yardstick);
    Ok(vec![
        ms("start to first frame", median(first), Duration::from_millis(30)),
        ms("a screenful of rows", median(screenful), Duration::from_millis(500)),
        first_list(size, median(all), yardstick),
    ])
}

/// Smaller lists are dominated by what a session reads before its lists, and by the pace of frames: no budget.
fn first_list(size: Size, measured: Duration, yardstick: Duration) -> Row {
    let row = ms("complete first list (1.3 x raw GET and scan)", measured, yardstick.mul_f64(1.3));
    if size.jobs < 1000 { Row { over: false, budget: format!("({})", row.budget), ..row } } else { row }
}

fn resident(size: Size) -> Measured {
    let served = Served::start(size, 0)?;
    let mut console = ready(&served, size)?;
    console.listen(Duration::from_secs(2));
    let (now, peak) = memory(console.pid()?)?;
    let mb = |bytes: u64| bytes as f64 / 1e6;
    Ok(vec![number("resident memory, base included", mb(now), 50.0, "MB"), number("its highest", mb(peak), 75.0, "MB")])
}

fn idle(size: Size) -> Measured {
    let served = Served::start(size, 0)?;
    let mut console = ready(&served, size)?;
    console.listen(Duration::from_secs(3));
    let (cpu, bytes, since) = (cpu_time(console.pid()?)?, console.bytes, Instant::now());
    console.listen(Duration::from_secs(20));
    let share = cpu_time(console.pid()?)?.saturating_sub(cpu).as_secs_f64() / since.elapsed().as_secs_f64();
    Ok(vec![
        number("CPU when nothing changes", share * 100.0, 0.1, "%"),
        number("bytes in 20 s when nothing changes", (console.bytes - bytes) as f64, 0.0, "B"),
    ])
}

fn selection(size: Size) -> Measured {
    let served = Served::start(size, 0)?;
    let mut console = ready(&served, size)?;
    console.listen(Duration::from_secs(2));
    let mut most = 0;
    for _ in 0..15 {
        let before = console.bytes;
        console.press("j")?;
        console.until(PATIENCE, |_| true)?;
        console.listen(Duration::from_millis(60));
        most = most.max(console.bytes - before);
    }
    Ok(vec![number("bytes for a moved selection, 160x45", most as f64, 300.0, "B")])
}

/// The name in the row that the cursor is on.
fn selected(screen: &str) -> Option<String> {
    screen.lines().find_map(|line| line.strip_prefix('▌')?.split_whitespace().next().map(str::to_owned))
}

fn churn(size: Size) -> Measured {
    let served = Served::start(size, 500)?;
    let mut console = ready(&served, size)?;
    console.listen(Duration::from_secs(3));
    // Away from the ends of the list, where a key may have nothing to move.
    console.press(&"j".repeat(20))?;
    console.listen(Duration::from_secs(1));
    let mut latencies = vec![];
    for i in 0..400 {
        let before = selected(&console.text());
        let at = console.press(if i % 2 == 0 { "j" } else { "k" })?;
        // A frame that was on its way is not the answer.
        latencies.push(console.until(PATIENCE, |screen| selected(screen) != before)?.duration_since(at));
        // Not in step with the console's frames, nor with the changes.
        console.listen(Duration::from_micros(15_000 + i * 7_919 % 23_000));
    }
    latencies.sort();
    let (cpu, bytes, since) = (cpu_time(console.pid()?)?, console.bytes, Instant::now());
    console.listen(Duration::from_secs(20));
    let seconds = since.elapsed().as_secs_f64();
    let share = cpu_time(console.pid()?)?.saturating_sub(cpu).as_secs_f64() / seconds;
    Ok(vec![
        ms("key to last byte, 500 events/s, p50", latencies[latencies.len() / 2], Duration::from_millis(3)),
        ms("key to last byte, 500 events/s, p99", latencies[latencies.len() * 99 / 100], Duration::from_millis(8)),
        number("CPU at 500 pod events/s, of one core", share * 100.0, 8.0, "%"),
        number("bytes/s to the terminal meanwhile", (console.bytes - bytes) as f64 / seconds, 30_000.0, "B/s"),
    ])
}
