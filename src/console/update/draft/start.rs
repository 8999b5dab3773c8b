//! Where a draft begins: a template, a job that there is or was, the cause of a failure.

use serde_json::Value;

use super::{fix, follow, form, live, made, open, put_on_top, tell};
use crate::{
    console::{
        commands::DraftCommand,
        effect::Effect,
        line_edit::LineEdit,
        model::{
            Model,
            draft::{DraftEffect, Purpose, Source},
            notices::Tone,
            overlay::{DraftPicker, Overlay, Picker, PickerItem, PickerPurpose},
            page::{Fetched, Kept},
        },
        widgets::picker,
    },
    jobs::{
        Clean,
        drafting::{self, Template},
        fleet::JobKey,
        manifest::text::{Change, Document, changed},
        quantity::counted,
    },
};

/// A name may have so many characters: workers' names have more.
const LONGEST: usize = 53;

/// Offers the templates.
pub(super) fn choose(model: &mut Model) -> Vec<Effect> {
    if model.drafts.templates.is_empty() {
        model.drafts.templates = Template::list();
    }
    let items = items(model);
    let selected = items.first().map(|item| item.id.clone());
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Draft(DraftPicker::Template),
        title: "New job from a template".to_owned(),
        line: LineEdit::default(),
        items,
        selected,
        several: false,
        note: String::new(),
        free: false,
    }));
    vec![Effect::Draft(DraftEffect::Templates)]
}

fn items(model: &Model) -> Vec<PickerItem> {
    let item = |template: &Template| PickerItem {
        id: template.id.to_string(),
        label: template.title.to_string(),
        about: template.about.to_string(),
        marked: false,
    };
    model.drafts.templates.iter().map(item).collect()
}

/// The user's own templates were read.
pub(super) fn templates(model: &mut Model, templates: Vec<Template>) {
    model.drafts.templates = templates;
    let items = items(model);
    if let Some(Overlay::Picker(open)) = model.overlays.last_mut()
        && open.purpose == PickerPurpose::Draft(DraftPicker::Template)
    {
        open.items = items;
        picker::refresh(open);
    }
}

/// A template was chosen: its text, in the namespace that is looked at, with a name that is free.
pub(super) fn template(model: &mut Model, id: &str) -> Vec<Effect> {
    let Some(template) = model.drafts.templates.iter().find(|template| template.id.as_str() == id).cloned() else {
        tell(model, &format!("There is no template «{id}»"));
        return Vec::new();
    };
    let namespace = model.namespace();
    let text = |at: &str| {
        let value = Document::parse(&template.text).ok()?.get(at)?;
        value.as_str().map(str::to_owned)
    };
    let mut changes = Vec::new();
    if let (None, Some(namespace)) = (text("/metadata/namespace"), &namespace) {
        changes.push(Change::Set("/metadata/namespace".to_owned(), namespace.as_str().into()));
    }
    if let Some(name) = text("/metadata/name")
        && is_taken(model, namespace.as_ref().map_or("", |name| name.as_str()), &name)
    {
        let free = free_name(model, namespace.as_ref().map_or("", |name| name.as_str()), &name);
        changes.push(Change::Set("/metadata/name".to_owned(), free.into()));
    }
    // A template of the user's own need not be one that can be changed.
    let written = changed(&template.text, &changes).unwrap_or_else(|_| template.text.clone());
    open(model, &format!("from template {}", template.id), &written);
    if !template.fill.is_empty() {
        let what: Vec<_> = template.fill.iter().map(|fill| fill.what.as_str()).collect();
        let text = format!("{} to look at: {}", counted(what.len() as u64, "thing"), what.join(", "));
        model.notices.tell(model.now, Tone::Info, &text);
        if let Some(draft) = model.draft_mut() {
            form::show(draft, &template.fill[0].at);
        }
    }
    let mut effects = form::begin(model);
    effects.extend(follow(model));
    effects
}

fn is_taken(model: &Model, namespace: &str, name: &str) -> bool {
    model.fleet.jobs().any(|job| job.row.namespace.as_str() == namespace && job.row.name.as_str() == name)
}

fn free_name(model: &Model, namespace: &str, name: &str) -> String {
    drafting::free_name(name, LONGEST, |name| is_taken(model, namespace, name))
}

/// Begins from the job at hand: its object is read, unless its page has it already.
pub(super) fn from_job(model: &mut Model, id: DraftCommand) -> Vec<Effect> {
    let purpose = match id {
        DraftCommand::Debug => Purpose::Debug,
        DraftCommand::Fix => Purpose::Fix,
        DraftCommand::Edit => Purpose::Edit,
        _ => Purpose::Clone,
    };
    let key = model.page.as_ref().map(|page| page.job.key()).or_else(|| model.list.selected.clone());
    let Some(key) = key else { return Vec::new() };
    let source = Source { key, purpose };
    if let Some(page) = &model.page {
        match &page.object {
            Fetched::Ready(object) => {
                let object = object.clone();
                return read(model, &source, Ok(object));
            }
            _ if page.recorded.is_some() => {
                tell(model, "Its manifest is not in the record: it was gone before it could be read");
                return Vec::new();
            }
            _ => {}
        }
    }
    model.drafts.wanted = Some(source.clone());
    vec![Effect::Draft(DraftEffect::Read(model.session.id, source))]
}

/// A job's object was read.
pub(super) fn read(model: &mut Model, source: &Source, object: Result<Value, Clean>) -> Vec<Effect> {
    model.drafts.wanted.take_if(|wanted| wanted == source);
    let object = match object {
        Ok(object) => object,
        Err(why) => {
            let verb = if source.purpose == Purpose::Edit { "changed" } else { "copied" };
            tell(model, &format!("{} can't be {verb}: {why}", source.key.name));
            return Vec::new();
        }
    };
    if source.purpose == Purpose::Edit {
        return live::begin(model, &source.key, &object);
    }
    let (namespace, name) = (source.key.namespace.as_str(), source.key.name.as_str());
    let free = free_name(model, namespace, name);
    let copies = drafting::copied(&object, name).and_then(|before| Ok((before, drafting::copied(&object, &free)?)));
    let (before, copy) = match copies {
        Ok(copies) => copies,
        Err(error) => {
            tell(model, &error.to_string());
            return Vec::new();
        }
    };
    match source.purpose {
        Purpose::Clone => {
            open(model, &format!("clone of {namespace}/{name}"), &copy);
            select_name(model);
            follow(model)
        }
        Purpose::Debug => debug(model, &source.key, &copy),
        Purpose::Fix => {
            let failed = of(model, &source.key);
            let cause = failed.as_ref().and_then(|job| job.derived.cause.as_ref());
            let held =
                failed.iter().flat_map(|job| &job.pods).filter(|pod| pod.holds_gpus()).map(|pod| pod.requests.gpus);
            let held = held.sum();
            let draft = made(model, &format!("fix of {namespace}/{name}"), &copy);
            fix::begin(model, draft, before, copy, (cause, held))
        }
        // It was begun above: it is no copy.
        Purpose::Edit => Vec::new(),
    }
}

/// What is known of a job: by its page, else by the fleet.
fn of(model: &Model, key: &JobKey) -> Option<Kept> {
    let kept = model.page.as_ref().map(|page| page.job.clone()).filter(|job| job.key() == *key);
    kept.or_else(|| Kept::of(&model.fleet, key))
}

/// A copy that keeps everything after a failure, and holds its launcher for a shell.
fn debug(model: &mut Model, key: &JobKey, copy: &str) -> Vec<Effect> {
    let value = Document::parse(copy).map(|document| document.value()).unwrap_or_default();
    let text = changed(copy, &drafting::debug(key.kind, &value, true)).unwrap_or_else(|_| copy.to_owned());
    let draft = made(model, &format!("debug clone of {}/{}", key.namespace, key.name), &text);
    put_on_top(model, draft);
    let text = "A copy that keeps its pods after a failure and its launcher for a shell; delete it when you are done";
    model.notices.tell(model.now, Tone::Info, text);
    follow(model)
}

/// Puts the cursor on the name, which is proposed only.
fn select_name(model: &mut Model) {
    if let Some(draft) = model.draft_mut() {
        form::show(draft, "/metadata/name");
    }
}
