//! Tab Logs: which streams are read, what of them is looked at, and where one stands.

mod choose;
mod lead;
mod prompts;
mod targets;

use self::targets::targets;
pub(super) use self::{
    choose::picked,
    lead::{lead, wait_for_cause},
    prompts::{LOG_EXCLUDE, LOG_FILTER, LOG_TIME, prompt, search},
    targets::of_replica,
};
use super::tell;
use crate::{
    console::{
        commands::{LogCommand, PageCommand},
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{
                LogId, LogMessage, LogOrder, LogsModel, PageEffect, PageModel, Tab,
                logs::{Choice, Window, Writing},
            },
        },
        view::{page as view, trouble},
    },
    jobs::fleet::Said,
    logs::{Stream, View, Who},
};

/// Columns that a step to the side scrolls.
const SIDE: u16 = 20;
/// How many lines of context there can be.
const CONTEXTS: [usize; 4] = [0, 2, 5, 10];

/// A command of the page while its tab Logs is open.
pub(super) fn moved(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let rows = i64::from(rows(model).0);
    let half = (rows + 1) / 2;
    let by = match id {
        PageCommand::Down => 1,
        PageCommand::Up => -1,
        PageCommand::HalfPageDown => half,
        PageCommand::HalfPageUp => -half,
        PageCommand::Top => i64::MIN / 2,
        PageCommand::Bottom => i64::MAX / 2,
        _ => 0,
    };
    let Some(logs) = logs(model) else { return Vec::new() };
    logs.wish = None;
    if logs.grid && by != 0 {
        choose::select(logs, by);
        return Vec::new();
    }
    match id {
        PageCommand::Top => order(model, LogOrder::Top),
        PageCommand::Bottom => order(model, LogOrder::Follow),
        PageCommand::Left => {
            logs.left = logs.left.saturating_sub(SIDE);
            Vec::new()
        }
        PageCommand::Right => {
            logs.left = logs.left.saturating_add(SIDE).min(u16::MAX / 2);
            Vec::new()
        }
        PageCommand::Next => hit(model, false),
        PageCommand::Previous => hit(model, true),
        _ if by != 0 => order(model, LogOrder::Scroll(by)),
        _ => Vec::new(),
    }
}

/// A command of tab Logs.
pub(super) fn command(model: &mut Model, id: LogCommand) -> Vec<Effect> {
    let Some(logs) = logs(model) else { return Vec::new() };
    logs.wish = None;
    let view = &mut logs.choice.view;
    match id {
        LogCommand::Pause => return order(model, LogOrder::Pause),
        LogCommand::Choose => return choose::ask(model, choose::LOG_TARGET),
        LogCommand::Split if logs.second.is_some() => logs.second = None,
        LogCommand::Split => return choose::ask(model, choose::LOG_SECOND),
        LogCommand::NextWriter => return choose::step(model, 1),
        LogCommand::PreviousWriter => return choose::step(model, -1),
        LogCommand::Open => return choose::open(model),
        LogCommand::Filter => return prompts::ask(model, LOG_FILTER),
        LogCommand::Exclude => return prompts::ask(model, LOG_EXCLUDE),
        LogCommand::Time => return prompts::ask(model, LOG_TIME),
        LogCommand::All => {
            // The level and folding are how one reads, not what.
            let kept = View { trouble: view.trouble, fold: view.fold, ..View::default() };
            (logs.choice, logs.second, logs.grid) = (Choice { view: kept, streams: Vec::new() }, None, false);
        }
        LogCommand::Grid => {
            logs.grid = !logs.grid;
            choose::keep_selection(logs);
            return order_rows(model);
        }
        LogCommand::Context => {
            let at = CONTEXTS.iter().position(|n| *n == logs.context).unwrap_or(0);
            logs.context = CONTEXTS[(at + 1) % CONTEXTS.len()];
            if let Some((_, context)) = &mut view.with {
                *context = logs.context;
            }
        }
        LogCommand::Stream => {
            view.stream = match view.stream {
                None => Some(Stream::Out),
                Some(Stream::Out) => Some(Stream::Err),
                Some(_) => None,
            };
        }
        LogCommand::Trouble => view.trouble = !view.trouble,
        LogCommand::Fold => view.fold = !view.fold,
        LogCommand::Wrap => return with(logs, |logs| (logs.wrap, logs.left) = (!logs.wrap, 0)),
        LogCommand::Stamps => return with(logs, |logs| logs.stamps = logs.stamps.next()),
        LogCommand::Colours => return with(logs, |logs| logs.colours = !logs.colours),
        LogCommand::Past => {
            logs.past = logs.past.next();
            return reopen(model);
        }
        LogCommand::PreviousRun => {
            logs.previous = !logs.previous;
            return reread(model);
        }
        LogCommand::Mark => return order(model, LogOrder::Mark),
        LogCommand::NextMark => return order(model, LogOrder::NextMark),
        LogCommand::Save | LogCommand::SaveEach | LogCommand::Pager => return write(model, id),
    }
    look(model)
}

fn logs(model: &mut Model) -> Option<&mut LogsModel> {
    model.page.as_mut().map(|page| &mut page.logs)
}

/// Changes how lines are drawn and nothing else.
fn with(logs: &mut LogsModel, change: impl FnOnce(&mut LogsModel)) -> Vec<Effect> {
    change(logs);
    Vec::new()
}

/// Rows that the log has on the screen, in its first and its second half.
fn rows(model: &Model) -> (u16, u16) {
    let Some(page) = &model.page else { return (1, 0) };
    let areas = view::areas(view::body(page, trouble::body(model)), page.tab);
    match areas.beside {
        Some(beside) => (beside.log.height.saturating_sub(1).max(1), 0),
        None => view::logs::rows(&page.logs, areas.content),
    }
}

/// Asks the logs' task for something.
pub(super) fn order(model: &Model, order: LogOrder) -> Vec<Effect> {
    let logs = model.page.as_ref().map(|page| &page.logs).filter(|logs| logs.is_open());
    logs.map(|logs| Effect::Page(PageEffect::Order(logs.id, order))).into_iter().collect()
}

fn order_rows(model: &Model) -> Vec<Effect> {
    let (rows, second) = rows(model);
    let heard = model.page.as_ref().is_some_and(|page| page.logs.grid);
    order(model, LogOrder::Rows { rows, second, heard })
}

/// Looks at what was chosen.
fn look(model: &Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    let mut effects = order_rows(model);
    effects.extend(order(model, LogOrder::Second(page.logs.second.clone())));
    effects.extend(order(model, LogOrder::Look(page.logs.choice.clone())));
    effects
}

/// The logs came in sight: opens them, or asks for what is visible.
pub(super) fn shown(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    if page.logs.is_open() { order_rows(model) } else { reopen(model) }
}

/// Whether the logs are in sight: on their tab, or beside the Overview.
fn in_sight(model: &Model) -> bool {
    model
        .page
        .as_ref()
        .is_some_and(|page| page.tab == Tab::Logs || view::areas(trouble::body(model), page.tab).beside.is_some())
}

/// The screen has another size.
pub(super) fn resized(model: &mut Model) -> Vec<Effect> {
    if in_sight(model) { shown(model) } else { Vec::new() }
}

/// Reads everything anew, from as far back as is wanted now.
fn reopen(model: &mut Model) -> Vec<Effect> {
    let limit = model.log_streams;
    let Some(page) = &model.page else { return Vec::new() };
    let read = targets(page, limit);
    if read.is_empty() {
        return Vec::new();
    }
    model.opened += 1;
    let id = LogId(model.opened);
    let Some(page) = &mut model.page else { return Vec::new() };
    let total = page.ranks().total();
    let logs = &mut page.logs;
    (logs.id, logs.targets, logs.writing) = (id, read.clone(), None);
    logs.window = Window::default();
    let (session, past, search) = (page.session, logs.past, logs.search.clone());
    let mut effects = vec![Effect::Page(PageEffect::Logs(id, session, past))];
    effects.extend(order(model, LogOrder::Ranks(total)));
    effects.extend(order(model, LogOrder::Read(read)));
    if search.is_some() {
        effects.extend(order(model, LogOrder::Search(search)));
    }
    effects.extend(look(model));
    effects
}

/// The job's pods are others, or others of them are wanted: reads what is not read yet.
pub(super) fn reread(model: &mut Model) -> Vec<Effect> {
    let limit = model.log_streams;
    let Some(page) = &mut model.page else { return Vec::new() };
    if !page.logs.is_open() {
        return resized(model);
    }
    let read = targets(page, limit);
    if read == page.logs.targets || read.is_empty() {
        return Vec::new();
    }
    page.logs.targets.clone_from(&read);
    let total = page.ranks().total();
    let mut effects = order(model, LogOrder::Ranks(total));
    effects.extend(order(model, LogOrder::Read(read)));
    effects
}

/// The hostfile was read: there may be another number of ranks.
pub(super) fn ranked(model: &Model) -> Vec<Effect> {
    let total = model.page.as_ref().and_then(|page| page.ranks().total());
    order(model, LogOrder::Ranks(total))
}

fn hit(model: &mut Model, back: bool) -> Vec<Effect> {
    let searched = logs(model).is_some_and(|logs| logs.search.is_some());
    if searched { order(model, LogOrder::Hit(back)) } else { Vec::new() }
}

fn write(model: &mut Model, id: LogCommand) -> Vec<Effect> {
    let Some(page) = &model.page else { return Vec::new() };
    if !page.logs.is_open() {
        return tell(model, Tone::Warn, "There is no log to write");
    }
    let row = &page.job.row;
    let name = format!("{}-{}", row.namespace, row.name);
    let at = model.now.to_string().replace([':', '-'], "");
    order(
        model,
        LogOrder::Write(match id {
            LogCommand::SaveEach => Writing::Each(format!("{name}-{at}-logs")),
            LogCommand::Pager => Writing::Pager(format!(".{name}-pager-{}.log", model.drafts.process)),
            _ => Writing::One(format!("{name}-{at}.log")),
        }),
    )
}

/// What `c` copies: the visible lines.
pub(super) fn copied(page: &PageModel) -> String {
    let lines: Vec<&str> = page.logs.window.lines.iter().map(|shown| shown.line.text.as_str()).collect();
    lines.join("\n")
}

/// The logs brought something.
pub fn message(model: &mut Model, id: LogId, message: LogMessage) -> Vec<Effect> {
    let sight = in_sight(model);
    let Some(page) = model.page.as_mut().filter(|page| page.logs.id == id) else {
        model.dirty = false;
        return Vec::new();
    };
    match message {
        LogMessage::Window(window) | LogMessage::News(window) => {
            let seeking = window.seeking;
            page.logs.window = *window;
            choose::keep_selection(&mut page.logs);
            model.dirty = sight;
            lead::answered(model, seeking)
        }
        LogMessage::NotFound => {
            let typed = page.logs.search.as_ref().map(|query| query.typed().to_owned()).unwrap_or_default();
            tell(model, Tone::Info, &format!("«{typed}» is not in the lines that are looked at"))
        }
        LogMessage::NoMark => tell(model, Tone::Info, "No line is marked"),
        LogMessage::Writing(lines, of) => {
            page.logs.writing = Some((lines, of));
            Vec::new()
        }
        LogMessage::Written(outcome) => {
            page.logs.writing = None;
            match outcome {
                Ok((path, lines)) => tell(model, Tone::Good, &format!("{lines} lines written to {path}")),
                Err(refusal) => tell(model, Tone::Bad, refusal.what.as_str()),
            }
        }
        LogMessage::ForPager(path) => {
            page.logs.writing = None;
            vec![Effect::Pager(path)]
        }
    }
}

/// The lines say something else of the job: the fleet decides what comes of it.
pub fn heard(model: &mut Model, id: LogId, logs: Vec<Said>) {
    // What was recorded of a job says nothing of how it is: a record was explained with its logs when it was opened.
    let lives = |page: &&PageModel| page.logs.id == id && page.recorded.is_none();
    if let Some(page) = model.page.as_ref().filter(lives) {
        model.fleet.hear(&page.job.key(), logs);
    }
}

/// Looks at the lines of this writer alone.
fn look_at(model: &mut Model, who: Who) -> Vec<Effect> {
    let Some(logs) = logs(model) else { return Vec::new() };
    let (view, streams) = match who {
        Who::Rank(rank) => (View { ranks: vec![rank], ..logs.choice.view.clone() }, Vec::new()),
        Who::Source(_) => {
            let key = logs.stream(who).map(|stream| stream.key.clone());
            (View { ranks: Vec::new(), ..logs.choice.view.clone() }, key.into_iter().collect())
        }
    };
    (logs.choice, logs.grid) = (Choice { view, streams }, false);
    look(model)
}
