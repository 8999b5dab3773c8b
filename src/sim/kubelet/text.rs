//! The text of a line: rank tags, and what stands for `{places}`.
//!
//! Owns who is who in it. A text follows from script, seed and repetition alone.

use std::io::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    behaviour::{Tags, job_name},
    journal::{Ending, Note},
    lines::Said,
    meet::ssh_port,
    script::role,
};
use crate::sim::value::{after, chance, hash, list, mix, name, namespace, text};

/// The longest text that a place may ask for.
const LONGEST: usize = 1 << 20;

/// Who is who in the text.
pub(super) struct Cast {
    pod: String,
    job: String,
    space: String,
    node: String,
    image: String,
    port: i64,
    /// Ranks of the whole job.
    np: u64,
    /// Ranks of a host.
    slots: u64,
    /// The first rank that this pod speaks for, and how many.
    pub(super) ranks: (u64, u64),
}

impl Cast {
    /// That of a pod.
    pub(super) fn of(pod: &Value) -> Self {
        let (role_name, index) = role(pod);
        let env = list(pod, "/spec/containers/0/env");
        let said = |keys: &[&str]| {
            let value = |key: &&str| env.iter().find(|e| text(e, "/name") == *key);
            keys.iter().find_map(|key| text(value(key)?, "/value").parse::<u64>().ok())
        };
        let words = words(pod);
        let flag = |names: &[&str]| {
            words.iter().enumerate().find_map(|(i, word)| {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                let value = if value.is_empty() { words.get(i + 1).copied().unwrap_or("") } else { value };
                names.contains(&name).then(|| value.parse::<u64>().ok()).flatten()
            })
        };
        let here = flag(&["--nproc-per-node", "--nproc_per_node"]);
        let (np, slots, ranks) = if let Some(each) = here {
            let nodes = said(&["PET_NNODES", "WORLD_SIZE"]).unwrap_or(1).max(1);
            let own = index.parse::<u64>().unwrap_or(0) + u64::from(role_name == "worker");
            (each * nodes, each, (own * each, each))
        } else {
            let np = flag(&["-np", "-n", "--num-proc", "--num_gpus"]);
            let slots = said(&["OMPI_MCA_orte_set_default_slots", "I_MPI_PERHOST"]);
            let np = np.unwrap_or_else(|| slots.unwrap_or(4));
            (np, slots.unwrap_or(4).max(1), (0, np))
        };
        Self {
            pod: name(pod).to_owned(),
            job: job_name(pod).to_owned(),
            space: namespace(pod).to_owned(),
            node: text(pod, "/spec/nodeName").to_owned(),
            image: text(pod, "/spec/containers/0/image").to_owned(),
            port: ssh_port(pod),
            np,
            slots,
            ranks,
        }
    }

    fn host(&self, index: u64) -> String {
        format!("{}-worker-{index}", self.job)
    }
}

fn words(pod: &Value) -> Vec<&str> {
    let texts = ["/spec/containers/0/command", "/spec/containers/0/args"].into_iter().flat_map(|path| list(pod, path));
    texts.filter_map(Value::as_str).flat_map(str::split_whitespace).collect()
}

/// Writes lines of one run.
pub(super) struct Writer {
    /// Who is who.
    pub(super) cast: Cast,
    /// How ranks are told apart.
    pub(super) tags: Tags,
    /// Chance.
    pub(super) seed: u64,
    /// When the run started.
    pub(super) start: Timestamp,
}

impl Writer {
    /// Repetition `turn` of a line.
    pub(super) fn line(&self, said: &Said, turn: u64, note: &Note) -> Vec<u8> {
        let mut out = Vec::with_capacity(said.line.text.len() + 24);
        if let Some(rank) = said.rank {
            self.tag(&mut out, rank, said.line.err, said.at);
        }
        let mut rest = said.line.text.as_str();
        while let Some((before, tail)) = rest.split_once('{') {
            out.extend_from_slice(before.as_bytes());
            match tail.split_once('}') {
                Some((place, after)) if self.fill(&mut out, place, said, turn, note) => rest = after,
                _ => {
                    out.push(b'{');
                    rest = tail;
                }
            }
        }
        out.extend_from_slice(rest.as_bytes());
        out
    }

    fn pid(&self, rank: u64) -> u64 {
        300 + rank * 3 + mix(self.seed) % 90
    }

    fn tag(&self, out: &mut Vec<u8>, rank: u64, err: bool, at: u64) {
        let stream = if err { "stderr" } else { "stdout" };
        let host = self.cast.host(rank / self.cast.slots);
        let date = || after(self.start, at as f64 / 1e6).strftime("%a %b %e %H:%M:%S %Y").to_string();
        // A vector takes what is written.
        let _ = match self.tags {
            Tags::None => Ok(()),
            Tags::Openmpi4 => write!(out, "[1,{rank}]<{stream}>:"),
            Tags::Openmpi5 => write!(out, "[1,{rank}][{host}:{}]<{stream}>: ", self.pid(rank)),
            Tags::Horovod => write!(out, "[{rank}]<{stream}>:"),
            Tags::HorovodTime => write!(out, "{}[{rank}]<{stream}>:", date()),
            Tags::Hydra => write!(out, "[{rank}] "),
            Tags::Torchrun => write!(out, "[default{}]:", rank % self.cast.slots),
        };
    }

    /// Writes what `place` stands for; false if it stands for nothing.
    fn fill(&self, out: &mut Vec<u8>, place: &str, said: &Said, turn: u64, note: &Note) -> bool {
        let rank = said.rank.unwrap_or(0);
        let dice = mix(self.seed ^ mix(turn.wrapping_mul(31).wrapping_add(rank)) ^ hash(&said.line.text));
        let noise = chance(dice);
        let step = said.step(turn, note.step);
        let cast = &self.cast;
        let progress = step as f64;
        let _ = match place {
            "rank" => write!(out, "{rank}"),
            "local" => write!(out, "{}", rank % cast.slots),
            "n" => write!(out, "{turn}"),
            "step" => write!(out, "{step}"),
            "steps" => match said.last_step(note.step) {
                Some(steps) => write!(out, "{steps}"),
                None => write!(out, "?"),
            },
            "resumed" => write!(out, "{}", note.step),
            "epoch" => write!(out, "{}", step / 600 + 1),
            "loss" => write!(out, "{:.4}", 0.9 + 6.2 * (-progress / 1800.0).exp() + noise * 0.12),
            "acc" => write!(out, "{:.4}", 0.78 - 0.66 * (-progress / 2400.0).exp() + noise * 0.01),
            "lr" => write!(out, "{:.3e}", 3e-4 * (progress / 400.0).clamp(0.01, 1.0)),
            "rate" => write!(out, "{:.1}", 2780.0 + noise * 160.0),
            "ms" => write!(out, "{:.1}", 182.0 + noise * 21.0),
            "gb" => write!(out, "{:.2}", 71.4 + noise * 3.0),
            "percent" => write!(out, "{}", (turn * 5).min(100)),
            "pid" => write!(out, "{}", self.pid(rank)),
            "port" => write!(out, "{}", 34_000 + dice % 20_000),
            "ssh-port" => write!(out, "{}", cast.port),
            "pod" => out.write_all(cast.pod.as_bytes()),
            "job" => out.write_all(cast.job.as_bytes()),
            "ns" => out.write_all(cast.space.as_bytes()),
            "node" => out.write_all(cast.node.as_bytes()),
            "image" => out.write_all(cast.image.as_bytes()),
            "np" => write!(out, "{}", cast.np),
            "slots" => write!(out, "{}", cast.slots),
            "host" => out.write_all(cast.host(rank / cast.slots).as_bytes()),
            "ip" => write!(out, "10.244.{}.{}", mix(self.seed) % 32, dice % 200 + 10),
            "clock" => {
                let at = after(self.start, said.phase_seconds(turn) + said.origin as f64 / 1e6);
                write!(out, "{}", at.strftime("%Y-%m-%d %H:%M:%S"))
            }
            _ => return self.rarely(out, place, note),
        };
        true
    }

    /// Places with an argument, and those of a wait in vain.
    fn rarely(&self, out: &mut Vec<u8>, place: &str, note: &Note) -> bool {
        if let Some(Ending::InVain { peer, there, wanted, .. }) = note.waited.as_ref().map(|w| &w.ending) {
            let _ = match place {
                "peer" => out.write_all(peer.as_bytes()),
                "there" => write!(out, "{there}"),
                "wanted" => write!(out, "{wanted}"),
                _ => Ok(()),
            };
            if matches!(place, "peer" | "there" | "wanted") {
                return true;
            }
        }
        if let Some(index) = place.strip_prefix("host").and_then(|n| n.parse().ok()) {
            out.extend_from_slice(self.cast.host(index).as_bytes());
        } else if let Some(byte) = place.strip_prefix('x').and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            out.push(byte);
        } else if let Some(length) = place.strip_prefix("long ").and_then(|n| n.parse::<usize>().ok()) {
            out.extend(b"0123456789abcdef".iter().cycle().take(length.min(LONGEST)));
        } else {
            return false;
        }
        true
    }
}
