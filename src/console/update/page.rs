//! What messages and commands do to the job page.

use crossterm::event::MouseEvent;

use crate::{
    console::{
        commands::PageCommand,
        effect::Effect,
        model::{
            Model,
            overlay::PromptEvent,
            page::{LogId, LogMessage, PageId, PageMessage, PageModel},
        },
    },
    jobs::fleet::{Changed, JobKey},
};

/// Opens the page of a job.
pub fn open(model: &mut Model, _key: &JobKey) -> Vec<Effect> {
    model.page = Some(PageModel { id: PageId::default() });
    Vec::new()
}

/// A command of the page.
pub fn command(_model: &mut Model, id: PageCommand) -> Vec<Effect> {
    match id {}
}

/// Something was read for a page.
pub fn message(_model: &mut Model, _id: PageId, message: PageMessage) -> Vec<Effect> {
    match message {}
}

/// A log stream brought something.
pub fn log(_model: &mut Model, _id: LogId, message: LogMessage) -> Vec<Effect> {
    match message {}
}

/// The screen has another size.
pub fn resized(_model: &mut Model) {}

/// Something happened to one of the page's prompts (`which` is the page's own number for it).
pub fn prompt(_model: &mut Model, _which: u8, _event: PromptEvent) -> Vec<Effect> {
    Vec::new()
}

/// Esc on the page: closes what is open on it, else the page itself.
pub fn back(model: &mut Model) -> Vec<Effect> {
    model.page = None;
    Vec::new()
}

/// The mouse on the page.
pub fn mouse(_model: &mut Model, _event: MouseEvent) -> Vec<Effect> {
    Vec::new()
}

/// What `c` copies.
pub fn copied(_model: &Model) -> Option<String> {
    None
}

/// Closes the page, whatever is open on it.
pub fn close(model: &mut Model) -> Vec<Effect> {
    model.page = None;
    Vec::new()
}

/// One of the page's pickers was answered with these ids (`which` is the page's own number for it).
pub fn picked(_model: &mut Model, _which: u8, _ids: &[String]) -> Vec<Effect> {
    Vec::new()
}

/// These jobs changed in the fleet.
pub fn changed(_model: &mut Model, _changed: &Changed) -> Vec<Effect> {
    Vec::new()
}
