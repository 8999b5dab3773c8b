//! Typing a filter, keeping it under a name.

use super::{SAVE, chosen_anew, refresh};
use crate::console::{
    effect::{Effect, Remember},
    model::{
        Model,
        notices::Tone,
        overlay::{Completion, Overlay, Prompt, PromptEvent, Purpose},
    },
};

/// Opens the prompt with the filter that is there.
pub(super) fn open(model: &mut Model) {
    let text = model.list.filter.text.clone();
    let mut prompt = Prompt::new(Purpose::ListFilter, "/", &text);
    prompt.history = model.list.saved.values().cloned().collect();
    prompt.hint = hint(model);
    prompt.completions = completions(&text);
    model.list.filter.before = Some(text);
    model.overlays.push(Overlay::Prompt(prompt));
}

/// Something happened to it: the list follows every key.
pub fn prompt(model: &mut Model, event: PromptEvent) -> Vec<Effect> {
    match event {
        PromptEvent::Changed(text) => {
            set(model, &text);
            let (hint, completions) = (hint(model), completions(&text));
            if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
                (prompt.hint, prompt.completions) = (hint, completions);
            }
        }
        PromptEvent::Done(text) => {
            set(model, text.trim_end());
            model.list.filter.before = None;
            refresh(model);
        }
        PromptEvent::Cancelled => {
            let before = model.list.filter.before.take().unwrap_or_default();
            set(model, &before);
        }
    }
    Vec::new()
}

/// Shows only what this filter lets through.
pub fn set_filter(model: &mut Model, filter: &str) -> Vec<Effect> {
    set(model, filter);
    Vec::new()
}

/// Shows what this filter lets through, and nothing that was chosen before.
pub fn show_only(model: &mut Model, filter: &str, attention: bool) {
    model.list.attention = attention;
    model.list.filter.set(filter);
    chosen_anew(model);
}

fn set(model: &mut Model, text: &str) {
    if text != model.list.filter.text {
        model.list.filter.set(text);
        model.list.refilter(&model.fleet, model.now);
        refresh(model);
    }
}

/// Shows all jobs again.
pub(super) fn clear(model: &mut Model) {
    model.list.attention = false;
    model.list.filter = crate::console::model::list::FilterState::default();
    chosen_anew(model);
}

/// What is wrong or missing in what is typed, else how many are shown.
fn hint(model: &Model) -> String {
    let list = &model.list;
    match list.filter.hints.first() {
        Some(hint) => format!("at {}: {}", hint.span.start + 1, hint.text),
        None if list.filter.text.is_empty() => {
            "text, /re/, !not, ns: kind: state: node: gpu>=8 age<2h label:a=b".to_owned()
        }
        None => format!("{} of {} shown", list.order.len(), list.order.total()),
    }
}

/// What the word being typed may become.
fn completions(text: &str) -> Vec<Completion> {
    let (before, word) = text.split_at(text.trim_end_matches(|c: char| !c.is_whitespace()).len());
    let (not, word) = word.strip_prefix('!').map_or(("", word), |word| ("!", word));
    let fitting = crate::jobs::filter::TERMS.iter().filter(|(term, _)| !word.is_empty() && term.starts_with(word));
    fitting
        .map(|(term, about)| Completion { line: format!("{before}{not}{term}"), about: (*about).to_owned() })
        .collect()
}

/// Asks for the name under which the filter is kept.
pub(super) fn open_save(model: &mut Model) {
    let mut prompt = Prompt::new(Purpose::List(SAVE), "Name for this filter: ", "");
    prompt.hint.clone_from(&model.list.filter.text);
    model.overlays.push(Overlay::Prompt(prompt));
}

/// Keeps the filter that is there under a name.
pub(super) fn save(model: &mut Model, name: &str) -> Vec<Effect> {
    let filter = model.list.filter.filter.to_string();
    model.list.saved.insert(name.to_owned(), filter.clone());
    model.notices.tell(model.now, Tone::Good, &format!("Filter «{name}» saved: {filter}"));
    vec![Effect::Remember(Remember::Filter { name: name.to_owned(), text: Some(filter) })]
}
