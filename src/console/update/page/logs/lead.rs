//! To one line of a log: opens what it is in, looks at all of it, and is led there as soon as the line is read.
//!
//! Owns the wish. A line that is further back than what is read is looked for once more, from the start.

use super::{super::show, look, order, reopen, reread, targets};
use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{
                LogOrder, Tab,
                logs::{Choice, Past, Seeking, Sought, Wish},
            },
        },
    },
    logs::View,
};

/// Leads to a line.
pub(in crate::console::update::page) fn lead(model: &mut Model, sought: Sought) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    let keys = sought.pod.as_ref().map_or_else(Vec::new, |pod| targets::of_pod(page, pod));
    page.logs.wanted.extend(keys);
    let mut effects = all_of_it(model);
    effects.extend(wish_for(model, sought));
    effects
}

/// Shows the logs, until one of them tells the cause.
pub(in crate::console::update::page) fn wait_for_cause(model: &mut Model) -> Vec<Effect> {
    let effects = all_of_it(model);
    if let Some(page) = &mut model.page {
        page.logs.wish = Some(Wish::Cause);
    }
    effects
}

/// The whole log in one half: what is left out can't be gone to.
fn all_of_it(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    let logs = &mut page.logs;
    (logs.choice, logs.second, logs.grid) = (Choice { view: View::default(), ..Choice::default() }, None, false);
    let mut effects = show(model, Tab::Logs);
    effects.extend(reread(model));
    effects.extend(look(model));
    effects
}

fn wish_for(model: &mut Model, sought: Sought) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    page.logs.wish = Some(Wish::Line(sought.clone()));
    order(model, LogOrder::Line(sought))
}

/// The logs said how far looking for the line is.
pub(super) fn answered(model: &mut Model, seeking: Seeking) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    if !matches!(seeking, Seeking::Found | Seeking::Lost) {
        return Vec::new();
    }
    let Some(Wish::Line(sought)) = page.logs.wish.clone() else { return Vec::new() };
    if seeking == Seeking::Found {
        page.logs.wish = None;
        return Vec::new();
    }
    if page.logs.past != Past::Everything && page.logs.is_open() {
        page.logs.past = Past::Everything;
        let mut effects = reopen(model);
        effects.extend(wish_for(model, sought));
        return effects;
    }
    page.logs.wish = None;
    let whose = sought.pod.map_or_else(|| "the log".to_owned(), |pod| format!("the log of {pod}"));
    let text = format!("The line is not in {whose} any more: it was rotated away, or the pod is gone");
    super::tell(model, Tone::Warn, &text)
}
