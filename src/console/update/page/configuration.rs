//! Tab Configuration: its forms, what of env is shown, its lines.

use super::{keep_scroll, tell};
use crate::{
    console::{
        commands::PageCommand,
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            page::{PageModel, config::Form},
        },
    },
    jobs::{
        Raw,
        manifest::{self, Env},
    },
};

/// A command of the tab.
pub(super) fn configuration(model: &mut Model, id: PageCommand) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    match id {
        PageCommand::Form => page.config.form = page.config.form.next(),
        PageCommand::Reveal => {
            page.config.env = if page.config.env == Env::Masked { Env::Shown } else { Env::Masked };
        }
        _ => {
            let row = &page.job.row;
            let name = format!("{}-{}-{}.yaml", row.namespace, row.name, page.config.form.title());
            return match yaml(page) {
                Some(Ok(text)) => vec![Effect::Save(name, Raw::new(text))],
                Some(Err(error)) => tell(model, Tone::Bad, &error.to_string()),
                None => tell(model, Tone::Warn, "The manifest is not read yet"),
            };
        }
    }
    render(model)
}

/// The manifest as the tab shows it.
pub(super) fn yaml(page: &PageModel) -> Option<Result<String, manifest::ManifestError>> {
    let object = page.object.ready()?;
    Some(match page.config.form {
        Form::Cleaned => manifest::cleaned(object, page.config.env),
        Form::Effective => manifest::effective(page.kind(), object, page.config.env),
        Form::Stored => manifest::stored(object, page.config.env),
    })
}

/// Makes the lines of tab Configuration again.
pub(super) fn render(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return Vec::new() };
    match yaml(page) {
        Some(Ok(text)) => page.config.lines = manifest::highlight(&text),
        Some(Err(error)) => return tell(model, Tone::Bad, &error.to_string()),
        None => page.config.lines.clear(),
    }
    keep_scroll(model);
    Vec::new()
}
