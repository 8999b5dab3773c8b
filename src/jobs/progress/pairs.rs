//! Lines of words and numbers: `step 100 loss 0.5`, dicts of Hugging Face, Megatron's and DeepSpeed's columns, benchmarks.

use std::sync::LazyLock;

use regex::Regex;

use super::{
    Unit,
    told::{Told, number, rate},
};

fn regex(pattern: &str) -> Option<Regex> {
    Regex::new(pattern).ok()
}

/// `step 100`, `global_step=100`, `iteration 100/ 5000`, `Iter #3`, `Step [10/500]`.
static STEP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?i)(?:^|[^a-z_])(?:global[_ ]?step|train(?:ing)?[_ ]step|step|iteration|iter|batch|update)s?['"]?\s*[:=]?\s*[\[(#]?\s*(\d{1,15})(?:\s*(?:/|of)\s*(\d{1,15}))?"#,
    )
});
/// `Epoch 3/10`, `'epoch': 1.2`, `Epoch [3/10]`, `epoch=0`.
static EPOCH: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r#"(?i)(?:^|[^a-z_])epoch['"]?\s*[:=]?\s*[\[(#]?\s*(\d{1,9}(?:\.\d{1,12})?)(?:\s*(?:/|of)\s*(\d{1,9}))?"#)
});
/// `Epoch: 1 [6400/60000 (11%)]`, `Epoch: [0][ 10/5005]`.
static WITHIN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(r"(?i)epoch:?\s*\[?(\d{1,9})\]?\s*\[\s*(\d{1,15})/\s*(\d{1,15})\s*(?:\(\s*\d{1,3}(?:\.\d+)?%\s*\))?\]")
});
static LOSS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?i)(?:^|[^a-z_])((?:(?:train|training|lm|total|avg|running)[ _])?loss)['"]?\s*(?:[:=]\s*|\s)['"]?([+-]?(?:\d[\d.]*(?:e[+-]?\d{1,3})?|nan\b|inf\b))"#,
    )
});
/// `812.4 images/sec`, `210.3 img/sec per GPU`, `5.4it/s`.
static BEFORE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r"(?i)(\d[\d.,]*)\s*(samples|images|imgs|img|examples|records|sequences|seqs|seq|sentences|tokens|tok|steps|step|iterations|iters|iter|it|batches|batch)/s(?:ec(?:ond)?)?\b(\s*(?:per|/)\s*(?:gpu|device|worker))?",
    )
});
/// `images/sec: 1234.5`, `Total img/sec on 8 GPU(s): 1682.4`, `train_samples_per_second': 100.0`, `SamplesPerSec=32`.
static AFTER: LazyLock<Option<Regex>> = LazyLock::new(|| {
    regex(
        r#"(?i)(samples|images|imgs|img|examples|sequences|tokens|tok)(?:/s(?:ec(?:ond)?)?|[ _]?per[ _]?sec(?:ond)?)(\s*(?:per|/)\s*(?:gpu|device|worker))?(?: on \d+ gpu\(s\))?['"]?\s*[:=]\s*['"]?(\d[\d.,]*)"#,
    )
});
/// `2.3s/it`, `512 s/step`.
static TURNED: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)(?:^|[^\w.])(\d[\d.]*)\s*s/(?:it|iter|step|batch)\b"));
/// Megatron's columns.
static ELAPSED: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"elapsed time per iteration \(ms\): *([\d.]+).{0,200}?global batch size: *(\d+)"));
/// A heading: only this stands in the line.
static ALONE: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)^\W*(?:epoch|step|iteration|iter)\W{0,4}\d+\s*(?:/|of)\s*\d+\W*$"));
/// A line that begins so is about a step, whatever it measures.
static FIRST: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)^\W*(?:(?:train|training)\W+)?(?:step|iteration|iter|epoch)\b"));
static MEASURES: LazyLock<Option<Regex>> =
    LazyLock::new(|| regex(r"(?i)\d ?ms\b|\b(?:eta|lr|learning_rate|acc|accuracy|time|ppl|grad_norm)\b"));
/// What `XGBoost` writes: `[10] train-logloss:0.42`, with a tab.
static BOOSTING: LazyLock<Option<Regex>> = LazyLock::new(|| regex(r"^\[(\d{1,9})\]\s+train-(\w{1,20}):(\d[\d.e+-]*)"));

/// Words of an evaluation, whose numbers are not the training's.
const OF_EVALUATION: [&str; 7] =
    ["'eval_", "\"eval_", " eval_", "validation epoch", "eval epoch", "test epoch", "evaluating"];

pub(super) fn read(text: &str) -> Option<Told> {
    let lower = text.to_ascii_lowercase();
    if OF_EVALUATION.iter().any(|word| lower.contains(word)) {
        return None;
    }
    if let Some(found) = BOOSTING.as_ref()?.captures(text) {
        let loss = found[2].contains("loss").then(|| number(&found[3])).flatten();
        return Some(Told { step: found[1].parse().ok(), loss, ..Told::default() });
    }
    let (told, rate_alone) = (counted(text)?, AFTER.as_ref()?.is_match(text));
    let counts = told.step.is_some() || told.epoch.is_some();
    let measures = || is(&FIRST, text) && is(&MEASURES, text);
    let says = counts && (told.loss.is_some() || told.rate.is_some() || is(&ALONE, text) || measures());
    (says || (rate_alone && told.rate.is_some())).then_some(told)
}

fn is(regex: &LazyLock<Option<Regex>>, text: &str) -> bool {
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}

fn counted(text: &str) -> Option<Told> {
    let (loss, rate) = (loss(text), speed(text));
    if let Some(found) = WITHIN.as_ref()?.captures(text) {
        return Some(Told {
            step: found[2].parse().ok(),
            steps: found[3].parse().ok().filter(|steps| *steps > 0),
            of_epoch: true,
            epoch: found[1].parse().ok(),
            loss,
            rate,
            ..Told::default()
        });
    }
    let (step, steps) = pair(&STEP, text);
    let (epoch, epochs): (Option<f64>, Option<u64>) = pair(&EPOCH, text);
    let steps = steps.filter(|steps| *steps > 0 && step.is_some_and(|step: u64| step <= *steps));
    let epochs = epochs.and_then(|epochs| u32::try_from(epochs).ok()).filter(|epochs| *epochs > 0);
    let of_epoch = epoch.is_some() && steps.is_some();
    let epoch_done = loss.is_some() && step.is_none();
    Some(Told { step, steps, of_epoch, epoch, epochs, epoch_done, loss, rate, ..Told::default() })
}

fn pair<A: std::str::FromStr, B: std::str::FromStr>(
    regex: &LazyLock<Option<Regex>>,
    text: &str,
) -> (Option<A>, Option<B>) {
    let found = regex.as_ref().and_then(|regex| regex.captures(text));
    let group = |at| found.as_ref().and_then(|found| found.get(at)).map(|group| group.as_str());
    (group(1).and_then(|text| text.parse().ok()), group(2).and_then(|text| text.parse().ok()))
}

/// The loss of training that stands in a text.
pub(super) fn loss(text: &str) -> Option<f64> {
    let all = LOSS.as_ref()?.captures_iter(text);
    let is_training = |at: usize| {
        let before = text[..at].trim_end_matches([' ', '_', '-', '.', '/']).to_ascii_lowercase();
        !["val", "valid", "validation", "eval", "test", "dev"].iter().any(|word| before.ends_with(word))
    };
    let mut own = all.filter(|found| found.get(1).is_some_and(|word| is_training(word.start())));
    own.next().and_then(|found| number(&found[2]).or(Some(f64::NAN)))
}

fn unit(word: &str) -> Unit {
    match word.to_ascii_lowercase().as_str() {
        "tokens" | "tok" => Unit::Tokens,
        "steps" | "step" | "iterations" | "iters" | "iter" | "it" | "batches" | "batch" => Unit::Steps,
        _ => Unit::Samples,
    }
}

fn speed(text: &str) -> Option<(f64, Unit, bool)> {
    if let Some(found) = AFTER.as_ref()?.captures(text) {
        return Some((rate(&found[3])?, unit(&found[1]), found.get(2).is_some()));
    }
    if let Some(found) = BEFORE.as_ref()?.captures(text) {
        return Some((rate(&found[1])?, unit(&found[2]), found.get(3).is_some()));
    }
    if let Some(found) = TURNED.as_ref()?.captures(text) {
        return Some((1.0 / rate(&found[1])?, Unit::Steps, false));
    }
    let found = ELAPSED.as_ref()?.captures(text)?;
    Some((rate(&found[2])? * 1000.0 / rate(&found[1])?, Unit::Samples, false))
}
