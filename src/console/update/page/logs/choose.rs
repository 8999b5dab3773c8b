//! Choosing whose lines are looked at: by a picker, one after the other, or in the list of ranks.

use super::{look, look_at, reread, targets::every};
use crate::{
    console::{
        effect::Effect,
        line_edit::LineEdit,
        model::{
            Model,
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose},
            page::{
                LogsModel, PageModel,
                logs::{Choice, Flow, Target},
            },
        },
        view::page::logs as view,
    },
    jobs::{replica::Replica, time::duration},
    logs::{SourceId, View, Who},
};

/// The page's pickers: what is looked at, and in the second half.
pub(in crate::console::update::page) const LOG_TARGET: u8 = 0;
pub(in crate::console::update::page) const LOG_SECOND: u8 = 1;
/// Ranks that the picker offers.
const MOST_RANKS: u32 = 4096;

/// Offers all that can be looked at.
pub(super) fn ask(model: &mut Model, which: u8) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let mut items = vec![PickerItem {
        id: "all".to_owned(),
        label: "All".to_owned(),
        about: "everything that is read".to_owned(),
        marked: false,
    }];
    items.extend(ranks_of(page));
    items.extend(page.job.replicas().iter().flat_map(|replica| streams_of(model, page, replica)));
    if items.len() == 1 {
        return super::tell(model, Tone::Warn, "The job has no pod yet");
    }
    let several = which == LOG_TARGET;
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Page(which),
        title: if several { "Look at" } else { "In the second half" }.to_owned(),
        line: LineEdit::new(""),
        selected: items.first().map(|item| item.id.clone()),
        items,
        several,
        note: String::new(),
        free: false,
    }));
    Vec::new()
}

fn ranks_of(page: &PageModel) -> Vec<PickerItem> {
    let ranks = page.ranks();
    let item = |rank: u32| PickerItem {
        id: format!("rank {rank}"),
        label: format!("Rank {rank}"),
        about: ranks.place(rank).map_or_else(String::new, |host| format!("{}, probably", host.title)),
        marked: false,
    };
    (0..known(page).unwrap_or(0)).map(item).collect()
}

/// How many ranks can be looked at: as many as the job has, where that holds, else as far as they were heard of. `None`:
/// one rank a stream is that stream, and nothing to choose beside the replicas.
fn known(page: &PageModel) -> Option<u32> {
    let window = &page.logs.window;
    let count = page.ranks().total().unwrap_or(window.ranks_seen).min(MOST_RANKS);
    (window.ranks_heard > 0).then_some(count)
}

fn streams_of(model: &Model, page: &PageModel, replica: &Replica<'_>) -> Vec<PickerItem> {
    let known = page.ranks();
    let item = |target: Target| {
        let key = target.key();
        let pod = replica.attempts.iter().find(|pod| pod.name == target.pod);
        let container = pod.and_then(|pod| pod.containers.iter().find(|c| c.name == target.container));
        let state = container.map_or_else(|| "not started".to_owned(), view::state);
        let init = if container.is_some_and(|c| c.init) { "init, " } else { "" };
        let read = page.logs.window.streams.iter().rev().find(|stream| stream.key == key);
        let flow = match read.map(|stream| &stream.flow) {
            Some(Flow::Open | Flow::Opening | Flow::Waiting(_)) => ", is read",
            Some(Flow::Ended) => ", was read",
            Some(Flow::Refused(_)) => ", refused",
            None => "",
        };
        let age = pod.map_or_else(String::new, |pod| duration(model.now.since(pod.created)));
        PickerItem {
            marked: false,
            id: key,
            label: target.title.to_string(),
            about: format!("{init}{state}, {} {age}{flow}", target.pod),
        }
    };
    every(page, &known, replica).into_iter().map(item).collect()
}

/// The picker was answered.
pub(in crate::console::update::page) fn picked(model: &mut Model, which: u8, ids: &[String]) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    let rank = |id: &String| id.strip_prefix("rank ").and_then(|rank| rank.parse().ok());
    let ranks: Vec<u32> = ids.iter().filter_map(rank).collect();
    let all = ids.iter().any(|id| id == "all");
    let streams: Vec<String> = ids.iter().filter(|id| !all && id.contains('/')).cloned().collect();
    let ranks = if all { Vec::new() } else { ranks };
    page.logs.wanted.extend(streams.iter().cloned());
    if which == LOG_SECOND {
        let view = View { ranks, fold: page.logs.choice.view.fold, ..View::default() };
        page.logs.second = Some(Choice { view, streams });
    } else {
        let view = View { ranks, ..page.logs.choice.view.clone() };
        (page.logs.choice, page.logs.grid) = (Choice { view, streams }, false);
    }
    let mut effects = reread(model);
    effects.extend(look(model));
    effects
}

/// Looks at the next writer alone (the one before, if `by` is negative).
pub(super) fn step(model: &mut Model, by: i64) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let writers: Vec<Who> = match known(page) {
        Some(count) => (0..count).map(Who::Rank).collect(),
        None => (0..page.logs.window.streams.len()).map(|nth| Who::Source(SourceId(nth as u16))).collect(),
    };
    let choice = &page.logs.choice;
    let is_shown = |who: &Who| match who {
        Who::Rank(rank) => choice.view.ranks.first() == Some(rank),
        Who::Source(_) => page.logs.stream(*who).is_some_and(|stream| choice.streams.first() == Some(&stream.key)),
    };
    let next = match writers.iter().position(is_shown) {
        Some(at) => (at as i64 + by).rem_euclid(writers.len() as i64) as usize,
        None if by > 0 => 0,
        None => writers.len().saturating_sub(1),
    };
    match writers.get(next) {
        Some(who) => look_at(model, *who),
        None => super::tell(model, Tone::Warn, "No rank was heard of yet"),
    }
}

/// Moves the selection in the list of ranks.
pub(super) fn select(logs: &mut LogsModel, by: i64) {
    let all = &logs.window.heard;
    let at = all.iter().position(|heard| Some(heard.who) == logs.selected).unwrap_or(0) as i64;
    let last = all.len() as i64 - 1;
    logs.selected =
        usize::try_from(at.saturating_add(by).clamp(0, last.max(0))).ok().and_then(|at| Some(all.get(at)?.who));
}

/// Selects the first writer if none is.
pub(super) fn keep_selection(logs: &mut LogsModel) {
    if logs.grid && !logs.window.heard.iter().any(|heard| Some(heard.who) == logs.selected) {
        logs.selected = logs.window.heard.first().map(|heard| heard.who);
    }
}

/// Looks at the selected writer alone.
pub(super) fn open(model: &mut Model) -> Vec<Effect> {
    let selected = model.page.as_ref().and_then(|page| page.logs.selected);
    selected.map_or_else(Vec::new, |who| look_at(model, who))
}
