//! What commands do to text on top of a view.

use crate::console::{
    commands::TextCommand,
    effect::Effect,
    layout,
    model::{
        Model,
        overlay::{Overlay, Prompt, PromptEvent, Purpose},
    },
    view::text::lines_of,
};

/// A command of the text on top.
pub fn command(model: &mut Model, id: TextCommand) -> Vec<Effect> {
    let page = usize::from(layout::regions(model.size).body.height.saturating_sub(2)).max(1);
    let Some(Overlay::Text(text)) = model.overlays.last() else { return Vec::new() };
    let lines = lines_of(model, text);
    let (scroll, last) = (text.scroll, lines.len().saturating_sub(page));
    let wanted = text.search.to_lowercase();
    let hit = |at: &usize| !wanted.is_empty() && lines[*at].text().to_lowercase().contains(&wanted);
    let to = match id {
        TextCommand::Close => {
            model.overlays.pop();
            return Vec::new();
        }
        TextCommand::Search => {
            model.overlays.push(Overlay::Prompt(Prompt::new(Purpose::TextSearch, "/", "")));
            return Vec::new();
        }
        TextCommand::Down => scroll + 1,
        TextCommand::Up => scroll.saturating_sub(1),
        TextCommand::HalfPageDown => scroll + page / 2,
        TextCommand::HalfPageUp => scroll.saturating_sub(page / 2),
        TextCommand::Top => 0,
        TextCommand::Bottom => last,
        TextCommand::Next => ((scroll + 1).min(lines.len())..lines.len()).find(hit).unwrap_or(scroll),
        TextCommand::Previous => (0..scroll.min(lines.len())).rev().find(hit).unwrap_or(scroll),
    };
    if let Some(Overlay::Text(text)) = model.overlays.last_mut() {
        text.scroll = to.min(last);
    }
    Vec::new()
}

/// The search prompt: what is typed is looked for from the top.
pub fn prompt(model: &mut Model, event: PromptEvent) -> Vec<Effect> {
    let (PromptEvent::Changed(typed) | PromptEvent::Done(typed)) = event else { return Vec::new() };
    let Some(at) = model.overlays.iter().rposition(|overlay| matches!(overlay, Overlay::Text(_))) else {
        return Vec::new();
    };
    let Overlay::Text(text) = &model.overlays[at] else { return Vec::new() };
    let (lines, wanted) = (lines_of(model, text), typed.to_lowercase());
    let found = lines.iter().position(|line| !wanted.is_empty() && line.text().to_lowercase().contains(&wanted));
    if let Overlay::Text(text) = &mut model.overlays[at] {
        text.search = typed;
        text.scroll = found.unwrap_or(text.scroll);
    }
    Vec::new()
}
