//! The header's line about the list: where in it we are, and how many jobs there are of each state.

use ratatui::style::Style;

use crate::{
    console::{
        model::Model,
        theme::{Role, Theme},
        widgets::text::width,
    },
    jobs::state::State,
};

type Piece = (String, Style);

/// `Jobs 1 of 41  x 3 Failed  ! 1 Degraded  * 20 Running` in at most `room` cells. Where that is too little, only the
/// most urgent states have their words: `x 3 Failed  ! 1  * 20`.
pub fn summary(model: &Model, theme: &Theme, room: u16) -> Vec<Piece> {
    let list = &model.list;
    let place = match (list.order.len(), list.order.total()) {
        (0, 0) => "Jobs".to_owned(),
        (0, total) => format!("Jobs 0 of {total}"),
        (shown, _) => format!("Jobs {} of {shown}", list.at + 1),
    };
    let mut pieces = vec![(place, theme.style(Role::Title))];
    if !list.marks.is_empty() {
        pieces.push((format!("  {} marked", list.marks.len()), theme.style(Role::Marker)));
    }
    let left = room.saturating_sub(wide(&pieces));
    let states: Vec<_> = list.order.counts().collect();
    let mut counts = (0..=states.len()).rev().map(|words| told(&states, words, theme));
    pieces.extend(counts.find(|counts| wide(counts) <= left).unwrap_or_default());
    pieces
}

fn wide(pieces: &[Piece]) -> u16 {
    pieces.iter().map(|(text, _)| width(text)).sum()
}

/// The first so many states by their words; of the others, those of one symbol are counted together.
fn told(states: &[(&State, u32)], words: usize, theme: &Theme) -> Vec<Piece> {
    let (named, others) = states.split_at(words);
    let style = |state: &State| theme.severity(state.severity());
    let word =
        |(state, n): &(&State, u32)| (format!("  {} {n} {}", theme.symbol(state), state.in_words()), style(state));
    let mut groups: Vec<(&str, u32, Style)> = Vec::new();
    for (state, n) in others {
        let symbol = theme.symbol(state);
        match groups.iter_mut().find(|(known, ..)| *known == symbol) {
            Some((_, count, _)) => *count += n,
            None => groups.push((symbol, *n, style(state))),
        }
    }
    let groups = groups.into_iter().map(|(symbol, n, style)| (format!("  {symbol} {n}"), style));
    named.iter().map(word).chain(groups).collect()
}
