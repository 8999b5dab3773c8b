//! Progress bars: tqdm's, which Hugging Face and Lightning use, and Keras'.

use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::{
    Unit, pairs,
    told::{Told, rate},
};

/// `Epoch 0:  45%|███   | 450/1000 [01:23<01:41,  5.41it/s, loss=0.53]`
static TQDM: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^\s*([^|%]{0,80}?):?\s*\d{1,3}%\|[^|]{0,300}\|\s*(\d{1,15})/(\d{1,15})\s*\[([^\]]*)(?:\]|$)").ok()
});
/// The speed within: `5.41it/s`, `2.3s/it`.
static SPEED: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r",\s*(\d[\d.]*)(s/)?([A-Za-z]{1,12}?)(/s)?(?:,|$)").ok());
static EPOCH: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)epoch\s*:?\s*[\[(]?(\d{1,9})(?:\s*(?:/|of)\s*(\d{1,9}))?").ok());
/// `123/500 [=====>....] - ETA: 3s - loss: 0.42` and `123/500 ━━━━━━━━ 2s 10ms/step - loss: 0.42`.
static KERAS: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^\s*(\d{1,15})/(\d{1,15})\s+(?:\[[=>. ]{5,}\]|[━╸╺─]{3,})\s+(.*)").ok());
static MILLIS: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"\b(\d[\d.]*)(m|u|µ)?s/step").ok());

/// A bar of tqdm's, of whatever.
pub(super) struct Tqdm<'a>(Captures<'a>);

pub(super) fn tqdm(text: &str) -> Option<Tqdm<'_>> {
    TQDM.as_ref()?.captures(text).map(Tqdm)
}

impl Tqdm<'_> {
    /// What it says of the training.
    pub(super) fn told(&self) -> Option<Told> {
        let name = self.0.get(1).map_or("", |name| name.as_str()).trim().to_ascii_lowercase();
        if is_training(&name) { told(&self.0, &name) } else { None }
    }
}

fn is_training(name: &str) -> bool {
    // Other parts of a run, and what is made of its data before.
    const OTHERS: [&str; 9] = ["valid", "eval", "test", "sanity", "load", "generat", "split", "token", "map"];
    let has = |words: &[&str]| words.iter().any(|word| name.contains(word));
    name.is_empty() || (has(&["train", "epoch", "step", "iter"]) && !has(&OTHERS))
}

fn told(found: &Captures<'_>, name: &str) -> Option<Told> {
    let (step, steps): (u64, u64) = (found[2].parse().ok()?, found[3].parse().ok()?);
    let within = &found[4];
    let epoch = EPOCH.as_ref()?.captures(name);
    let group = |at| epoch.as_ref().and_then(|found| found.get(at)?.as_str().parse::<u32>().ok());
    let speed = SPEED.as_ref()?.captures(within);
    let unit = speed.as_ref().map_or("", |found| found.get(3).map_or("", |unit| unit.as_str()));
    // A download.
    if unit.ends_with('B') || steps == 0 {
        return None;
    }
    let value = speed.as_ref().and_then(|found| {
        let value = rate(&found[1])?;
        let turned = found.get(2).is_some();
        (turned || found.get(4).is_some()).then_some(if turned { 1.0 / value } else { value })
    });
    // A bar over epochs counts them.
    if matches!(name, "epoch" | "epochs") && group(1).is_none() {
        let epochs = u32::try_from(steps).ok();
        return Some(Told {
            epoch: Some(step as f64),
            epochs,
            epoch_done: true,
            loss: pairs::loss(within),
            ..Told::default()
        });
    }
    Some(Told {
        step: Some(step),
        steps: Some(steps),
        of_epoch: epoch.is_some(),
        unnamed: name.is_empty(),
        epoch: group(1).map(f64::from),
        epochs: group(2).filter(|epochs| *epochs > 0),
        loss: pairs::loss(within),
        rate: value.map(|value| (value, Unit::Steps, false)),
        ..Told::default()
    })
}

pub(super) fn keras(text: &str) -> Option<Told> {
    let found = KERAS.as_ref()?.captures(text)?;
    let (step, steps): (u64, u64) = (found[1].parse().ok()?, found[2].parse().ok()?);
    let rest = &found[3];
    let is_training = rest.contains("loss") || rest.contains("/step") || rest.contains("ETA");
    let millis = MILLIS.as_ref()?.captures(rest).and_then(|found| {
        let value = rate(&found[1])?;
        Some(match found.get(2).map(|unit| unit.as_str()) {
            Some("m") => value / 1e3,
            Some(_) => value / 1e6,
            None => value,
        })
    });
    (is_training && steps > 0).then(|| Told {
        step: Some(step),
        steps: Some(steps),
        of_epoch: true,
        loss: pairs::loss(rest),
        rate: millis.map(|seconds| (1.0 / seconds, Unit::Steps, false)),
        ..Told::default()
    })
}
