//! What is typed on tab Logs: a search, a filter, what is left out, a time.

use super::{look, order};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            overlay::{Overlay, Prompt, PromptEvent, Purpose},
            page::LogOrder,
        },
    },
    jobs::Secs,
    logs::{Nanos, Query},
};

/// The page's prompts that are ours.
pub(in crate::console::update::page) const LOG_FILTER: u8 = 10;
pub(in crate::console::update::page) const LOG_EXCLUDE: u8 = 11;
pub(in crate::console::update::page) const LOG_TIME: u8 = 12;

const DAY: u32 = 86_400;

/// Asks.
pub(super) fn ask(model: &mut Model, which: u8) -> Vec<Effect> {
    let view = model.page.as_ref().map(|page| &page.logs.choice.view);
    let typed = |query: Option<&Query>| query.map(|query| query.typed().to_owned()).unwrap_or_default();
    let (label, text) = match which {
        LOG_FILTER => ("only: ", typed(view.and_then(|view| view.with.as_ref()).map(|(query, _)| query))),
        LOG_EXCLUDE => ("without: ", typed(view.and_then(|view| view.without.as_ref()))),
        _ => ("time: ", String::new()),
    };
    model.overlays.push(Overlay::Prompt(Prompt::new(Purpose::Page(which), label, &text)));
    Vec::new()
}

/// Something happened to one of our prompts.
pub(in crate::console::update::page) fn prompt(model: &mut Model, which: u8, event: &PromptEvent) -> Vec<Effect> {
    if which == LOG_TIME {
        let PromptEvent::Done(text) = event else { return Vec::new() };
        return match time(text, model.now) {
            Some(at) => order(model, LogOrder::Time(Nanos(i64::from(at.0) * 1_000_000_000))),
            None if text.trim().is_empty() => Vec::new(),
            None => super::tell(
                model,
                crate::console::model::notices::Tone::Warn,
                &format!("«{text}» is no time: 14:05, 14:05:30, 90s, 15m, 2h"),
            ),
        };
    }
    let typed = match event {
        PromptEvent::Changed(text) | PromptEvent::Done(text) => text.as_str(),
        PromptEvent::Cancelled => "",
    };
    match Query::parse(typed) {
        Ok(query) => {
            let Some(page) = &mut model.page else { return Vec::new() };
            let view = &mut page.logs.choice.view;
            if which == LOG_FILTER {
                view.with = query.map(|query| (query, page.logs.context));
            } else {
                view.without = query;
            }
            look(model)
        }
        Err(error) => {
            if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
                prompt.hint = error.to_string();
            }
            Vec::new()
        }
    }
}

/// A search was typed: the newest hit is gone to.
pub(in crate::console::update::page) fn search(model: &mut Model, query: Option<Query>) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    page.logs.search.clone_from(&query);
    page.logs.grid = false;
    order(model, LogOrder::Search(query))
}

/// The moment that was typed: a time of day in UTC (the last such one), or how long ago.
fn time(text: &str, now: Secs) -> Option<Secs> {
    let text = text.trim();
    if let Some((hours, rest)) = text.split_once(':') {
        let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
        let part = |text: &str, below: u32| text.parse().ok().filter(|n: &u32| *n < below);
        let of_day = part(hours, 24)? * 3600 + part(minutes, 60)? * 60 + part(seconds, 60)?;
        let today = now.0 - now.0 % DAY + of_day;
        return Some(Secs(if today > now.0 { today.saturating_sub(DAY) } else { today }));
    }
    let ago = text.trim_start_matches('-');
    let unit = ago.find(|c: char| !c.is_ascii_digit())?;
    let n: u32 = ago[..unit].parse().ok()?;
    let each = match &ago[unit..] {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => DAY,
        _ => return None,
    };
    Some(Secs(now.0.saturating_sub(n.saturating_mul(each))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_of_the_last_day_or_so_long_ago() {
        let now = Secs::parse("2026-11-22T05:30:00Z").expect("a time");
        let of = |text: &str| time(text, now).map(|at| at.to_string());
        assert_eq!(of("05:20").as_deref(), Some("2026-11-22T05:20:00Z"));
        assert_eq!(of(" 23:59:30 ").as_deref(), Some("2026-11-21T23:59:30Z"));
        assert_eq!(of("-90s").as_deref(), Some("2026-11-22T05:28:30Z"));
        assert_eq!(of("2h").as_deref(), Some("2026-11-22T03:30:00Z"));
        assert_eq!([of("25:00"), of("5"), of("x"), of("5x"), of("")], [const { None }; 5]);
    }
}
