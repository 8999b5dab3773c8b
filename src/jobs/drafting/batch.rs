//! Smaller batches: half of what a training program was told, where its command line tells it.

use std::sync::OnceLock;

use regex::Regex;
use serde_json::json;

use super::scene::{Made, Scene, main_of, regex, words_of};
use crate::jobs::Kind;
use crate::jobs::manifest::text::Change;

/// How trainers call what one GPU takes at a time (Hugging Face, Megatron, torchvision, timm, Lightning's own scripts). What
/// all GPUs take together (`--global-batch-size`) says nothing about the memory of one.
const FLAG: &str =
    r"--(?:per[-_](?:device|gpu)[-_]train[-_]batch[-_]size|(?:micro|train)[-_]batch[-_]size|batch[-_]?size)";

/// The same number in every role: replicas run one program.
pub(super) fn batch(scene: &Scene<'_>) -> Option<Made> {
    let mains = match scene.kind {
        Kind::TrainJob => vec!["/spec/trainer".to_owned()],
        _ => scene.roles().into_iter().map(|(_, at)| main_of(&at)).collect(),
    };
    let halved: Vec<Halved> = mains.iter().filter_map(|main| in_words(&words_of(scene, main))).collect();
    let Halved { flag, from, .. } = halved.first()?;
    let holes = vec![("flag", flag.clone()), ("from", from.to_string()), ("to", (from / 2).to_string())];
    let same = halved.iter().filter(|other| (&other.flag, &other.from) == (flag, from));
    Some(Made { changes: same.map(|other| other.change.clone()).collect(), holes, fill: None })
}

struct Halved {
    flag: String,
    from: u64,
    change: Change,
}

/// The first flag with its number, in one word (also of a script) or in two.
fn in_words(words: &[(String, String)]) -> Option<Halved> {
    static ONE: OnceLock<Option<Regex>> = OnceLock::new();
    static TWO: OnceLock<Option<Regex>> = OnceLock::new();
    let one = regex(&ONE, &format!(r"(?:^|\s)({FLAG})(?:=|\s+)(\d+)(?:\s|$)"))?;
    let two = regex(&TWO, &format!("^{FLAG}$"))?;
    words.iter().enumerate().find_map(|(at, (pointer, word))| {
        if let Some(found) = one.captures(word) {
            let number = found.get(2)?;
            let half = half(number.as_str())?;
            let value = format!("{}{half}{}", &word[..number.start()], &word[number.end()..]);
            return Some(Halved { flag: found[1].to_owned(), from: half * 2, change: set(pointer, &value) });
        }
        let (pointer, number) = words.get(at + 1).filter(|_| two.is_match(word))?;
        let half = half(number)?;
        Some(Halved { flag: word.clone(), from: half * 2, change: set(pointer, &half.to_string()) })
    })
}

/// Half of an even number; an odd one is not a size that somebody would halve.
fn half(number: &str) -> Option<u64> {
    number.parse::<u64>().ok().filter(|n| *n > 1 && n % 2 == 0).map(|n| n / 2)
}

fn set(pointer: &str, value: &str) -> Change {
    Change::Set(pointer.to_owned(), json!(value))
}
