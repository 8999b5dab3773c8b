//! Logs, made when they are read: line *n* of a container follows from script, seed and start time alone.
//!
//! Nothing is kept, so that 17,000 pods cost nothing until somebody looks.

use std::{fmt::Write as _, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use super::script::{Behaviour, Line, Scripts};
use crate::sim::{
    controllers::value::{after, chance, hash, label, list, mix, name, namespace, seconds_between, text, time, uid},
    output::{Output, Outputs},
};

/// Ranks that are written out at most; a line of all ranks is repeated for each.
const MAX_RANKS: u64 = 16;

/// Finds a pod's script and makes its output.
pub(crate) struct ScriptOutputs {
    /// The scripts.
    pub(crate) scripts: Arc<Scripts>,
    /// Script seconds a second.
    pub(crate) speed: f64,
    /// Chance.
    pub(crate) seed: u64,
}

impl Outputs for ScriptOutputs {
    fn open(&self, pod: &Value, container: &str, previous: bool) -> Option<Arc<dyn Output>> {
        let status = list(pod, "/status/containerStatuses").iter().find(|c| text(c, "/name") == container)?;
        let run = match (previous, status.pointer("/state/running"), status.pointer("/state/terminated")) {
            (false, Some(running), _) => running,
            (false, None, Some(ended)) => ended,
            _ => status.pointer("/lastState/terminated")?,
        };
        let behaviour = self.scripts.of(pod);
        let first = list(pod, "/spec/containers").first().is_some_and(|c| text(c, "/name") == container);
        let start = time(run, "/startedAt")?;
        let end = time(run, "/finishedAt");
        let seed = mix(self.seed ^ hash(uid(pod)));
        let cast = Cast::of(pod);
        let lines = if first { Lines::of(&behaviour, cast.ranks, self.speed) } else { Lines(Vec::new()) };
        Some(Arc::new(ScriptOutput { lines, cast, start, end, seed }))
    }
}

/// When each line of a script is said, in milliseconds after the start.
struct Lines(Vec<Said>);

struct Said {
    line: Line,
    rank: u64,
    at: u64,
    every: u64,
    times: u64,
}

impl Lines {
    fn of(behaviour: &Behaviour, ranks: u64, speed: f64) -> Self {
        let mut all = Vec::new();
        for line in &behaviour.log {
            let ms = |seconds: f64| (seconds / speed * 1000.0).round().max(0.0) as u64;
            let every = if line.every > 0.0 { ms(line.every).max(1) } else { 0 };
            let times = match (every, line.until > 0.0) {
                (0, _) => 1,
                (_, false) => u64::MAX,
                (every, true) => ms(line.until).saturating_sub(ms(line.at)) / every + 1,
            };
            let speakers = if line.ranks { ranks.min(MAX_RANKS) } else { 1 };
            all.extend((0..speakers).map(|rank| Said {
                line: line.clone(),
                rank,
                at: ms(line.at) + rank * 7,
                every,
                times,
            }));
        }
        Self(all)
    }

    /// Lines said up to and including millisecond `ms`.
    fn count(&self, ms: u64) -> u64 {
        self.0.iter().map(|said| said.count(ms)).sum()
    }
}

impl Said {
    fn count(&self, ms: u64) -> u64 {
        if ms < self.at {
            return 0;
        }
        (ms - self.at).checked_div(self.every).map_or(1, |turns| (turns + 1).min(self.times))
    }

    fn next(&self, ms: u64) -> Option<u64> {
        let n = self.count(ms);
        (n < self.times).then(|| self.at + n * self.every)
    }
}

/// Who is who in the text.
struct Cast {
    pod: String,
    job: String,
    space: String,
    node: String,
    ranks: u64,
}

impl Cast {
    fn of(pod: &Value) -> Self {
        let job = ["training.kubeflow.org/job-name", "jobset.sigs.k8s.io/jobset-name"].map(|key| label(pod, key));
        Self {
            pod: name(pod).to_owned(),
            job: job.into_iter().find(|j| !j.is_empty()).unwrap_or(name(pod)).to_owned(),
            space: namespace(pod).to_owned(),
            node: text(pod, "/spec/nodeName").to_owned(),
            ranks: ranks(pod),
        }
    }
}

/// The number after `-np` or `-n` of the command; 4 where it does not say.
fn ranks(pod: &Value) -> u64 {
    let words: Vec<_> = ["/spec/containers/0/command", "/spec/containers/0/args"]
        .into_iter()
        .flat_map(|path| list(pod, path))
        .filter_map(Value::as_str)
        .flat_map(str::split_whitespace)
        .collect();
    let at = words.iter().position(|w| matches!(*w, "-np" | "-n"));
    at.and_then(|i| words.get(i + 1)?.parse().ok()).unwrap_or(4)
}

struct ScriptOutput {
    lines: Lines,
    cast: Cast,
    start: Timestamp,
    end: Option<Timestamp>,
    seed: u64,
}

impl ScriptOutput {
    fn ms(&self, now: Timestamp) -> Option<u64> {
        let until = self.end.map_or(now, |end| end.min(now));
        let ms = seconds_between(self.start, until) * 1000.0;
        (ms >= 0.0).then_some(ms as u64)
    }

    /// The millisecond at which line `number` is said.
    fn moment(&self, number: u64) -> u64 {
        let (mut low, mut high) = (0, 1);
        while self.lines.count(high) <= number && high < 1 << 42 {
            high *= 2;
        }
        while low < high {
            let middle = u64::midpoint(low, high);
            if self.lines.count(middle) > number { high = middle } else { low = middle + 1 }
        }
        low
    }

    fn text(&self, said: &Said, turn: u64) -> String {
        let mut out = String::with_capacity(said.line.text.len() + 16);
        let mut rest = said.line.text.as_str();
        while let Some((before, tail)) = rest.split_once('{') {
            out.push_str(before);
            let Some((place, after)) = tail.split_once('}') else {
                out.push('{');
                rest = tail;
                continue;
            };
            self.fill(&mut out, place, said, turn);
            rest = after;
        }
        out.push_str(rest);
        out
    }

    fn fill(&self, out: &mut String, place: &str, said: &Said, turn: u64) {
        let dice = mix(self.seed ^ mix(turn.wrapping_mul(31).wrapping_add(said.rank)) ^ hash(&said.line.text));
        let (noise, turned) = (chance(dice), turn as f64);
        let cast = &self.cast;
        let host = |i: u64| format!("{}-worker-{i}", cast.job);
        let _ = match place {
            "rank" => write!(out, "{}", said.rank),
            "n" => write!(out, "{turn}"),
            "step" => write!(out, "{}", (turn + 1) * 10),
            "epoch" => write!(out, "{}", turn / 60 + 1),
            "loss" => write!(out, "{:.4}", 0.9 + 6.2 * (-turned / 180.0).exp() + noise * 0.12),
            "acc" => write!(out, "{:.4}", 0.78 - 0.66 * (-turned / 240.0).exp() + noise * 0.01),
            "lr" => write!(out, "{:.3e}", 3e-4 * (turned / 40.0).min(1.0)),
            "rate" => write!(out, "{:.1}", 2780.0 + noise * 160.0),
            "ms" => write!(out, "{:.1}", 182.0 + noise * 21.0),
            "gb" => write!(out, "{:.2}", 71.4 + noise * 3.0),
            "pid" => write!(out, "{}", 300 + said.rank * 3 + mix(self.seed) % 90),
            "port" => write!(out, "{}", 34_000 + dice % 20_000),
            "pod" => out.write_str(&cast.pod),
            "job" => out.write_str(&cast.job),
            "ns" => out.write_str(&cast.space),
            "node" => out.write_str(&cast.node),
            "np" => write!(out, "{}", cast.ranks),
            "host" => out.write_str(&host(said.rank / 4)),
            "host0" => out.write_str(&host(0)),
            "host1" => out.write_str(&host(1)),
            "ip" => write!(out, "10.244.{}.{}", mix(self.seed) % 32, dice % 200 + 10),
            "clock" => out.write_str(&after(self.start, 0.0).strftime("%a %b %e %H:%M:%S %Y").to_string()),
            other => write!(out, "{{{other}}}"),
        };
    }
}

impl Output for ScriptOutput {
    fn written(&self, now: Timestamp) -> u64 {
        self.ms(now).map_or(0, |ms| self.lines.count(ms))
    }

    fn line(&self, number: u64) -> (Timestamp, String) {
        let ms = self.moment(number);
        let mut left = number - if ms == 0 { 0 } else { self.lines.count(ms - 1) };
        for said in &self.lines.0 {
            let before = if ms == 0 { 0 } else { said.count(ms - 1) };
            let here = said.count(ms) - before;
            if left < here {
                return (after(self.start, ms as f64 / 1000.0), self.text(said, before + left));
            }
            left -= here;
        }
        (self.start, String::new())
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let next = match self.ms(now) {
            None => self.lines.0.iter().map(|said| said.at).min(),
            Some(ms) => self.lines.0.iter().filter_map(|said| said.next(ms)).min(),
        };
        let at = after(self.start, next? as f64 / 1000.0);
        self.end.is_none_or(|end| at <= end).then_some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn output() -> Arc<dyn Output> {
        let pod = json!({
            "metadata": {"name": "t-launcher-x", "namespace": "ml", "uid": "u1", "labels": {"training.kubeflow.org/job-role": "launcher", "training.kubeflow.org/job-name": "t"}},
            "spec": {"containers": [{"name": "main", "command": ["horovodrun", "-np", "4"]}]},
            "status": {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "2026-11-20T08:00:00Z"}}}]},
        });
        let outputs = ScriptOutputs { scripts: Arc::new(Scripts::builtin().unwrap()), speed: 1.0, seed: 1 };
        outputs.open(&pod, "main", false).unwrap()
    }

    #[test]
    fn lines_are_in_order_repeatable_and_complete() {
        let (one, two) = (output(), output());
        let now: Timestamp = "2026-11-20T08:10:00Z".parse().unwrap();
        let written = one.written(now);
        assert!(written > 100, "{written}");
        let mut last = Timestamp::MIN;
        for n in 0..written {
            let (at, text) = one.line(n);
            assert!(at >= last && at <= now, "line {n}");
            assert_eq!((at, text.clone()), two.line(n));
            assert!(!text.is_empty() && !text.contains('{'), "{text}");
            last = at;
        }
        assert!(one.next(now).unwrap() > now);
        assert_eq!(one.written("2026-11-20T07:00:00Z".parse().unwrap()), 0);
    }
}
