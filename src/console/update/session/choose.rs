//! What a session offers to choose from: contexts, namespaces, favourites.

use super::{named, set_context};
use crate::{
    console::{
        effect::{Effect, Remember},
        line_edit::LineEdit,
        model::{
            Model,
            notices::Tone,
            overlay::{Completion, Overlay, Picker, PickerItem, PickerPurpose, Prompt, PromptEvent, Purpose},
            session::{ContextInfo, Namespaces, Scope, SessionEffect},
        },
        widgets::picker,
    },
    jobs::{Clean, Name},
};

/// Keys there are for favourites.
const MOST_FAVOURITES: usize = 9;

/// How `:ctx` and `:ns` can go on.
pub fn completions(model: &Model, word: &str, rest: &str) -> Vec<Completion> {
    let session = &model.session;
    let fits = |name: &str| name.contains(rest.trim());
    match (word, &session.namespaces) {
        ("ctx" | "context", _) => {
            let hits = session.contexts.iter().filter(|context| fits(&context.name));
            hits.map(|c| Completion { line: format!("{word} {}", c.name), about: c.cluster.to_string() }).collect()
        }
        ("ns" | "namespace", Namespaces::Known(names)) => {
            let hits = names.iter().filter(|name| fits(name.as_str()));
            hits.map(|name| Completion { line: format!("{word} {name}"), about: String::new() }).collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn open_contexts(model: &mut Model) -> Vec<Effect> {
    let items = model.session.contexts.iter().map(|context| PickerItem {
        id: context.name.clone(),
        label: if context.shown.is_empty() { Clean::new(&context.name) } else { context.shown.clone() }.to_string(),
        about: about(context),
        marked: false,
    });
    let picker = Picker {
        purpose: PickerPurpose::Context,
        title: "Context".to_owned(),
        line: LineEdit::default(),
        items: items.collect(),
        selected: Some(model.session.context.clone()),
        several: false,
        note: if model.session.contexts.is_empty() { "no kubeconfig was found".to_owned() } else { String::new() },
        free: false,
    };
    push(model, picker);
    Vec::new()
}

/// What is worth saying of a context beside its name.
fn about(context: &ContextInfo) -> String {
    let mut said = vec![format!("{} as {}", context.cluster, context.user)];
    said.extend(context.namespace.as_ref().map(|name| format!("in {name}")));
    said.extend(context.read_only.then(|| "read-only".to_owned()));
    said.join(", ")
}

fn push(model: &mut Model, mut new: Picker) {
    picker::refresh(&mut new);
    model.overlays.push(Overlay::Picker(new));
}

pub(super) fn open_scopes(model: &mut Model) -> Vec<Effect> {
    let ask = matches!(model.session.namespaces, Namespaces::Unknown | Namespaces::Unreadable(_));
    if ask {
        model.session.namespaces = Namespaces::Loading;
    }
    let picker = Picker {
        purpose: PickerPurpose::Scope,
        title: "Namespaces: space marks several, + keeps as favourite".to_owned(),
        line: LineEdit::default(),
        items: Vec::new(),
        selected: model.session.scope.names().first().map_or(Some("*".to_owned()), |n| Some(n.to_string())),
        several: true,
        note: String::new(),
        free: true,
    };
    push(model, picker);
    fill_scopes(model);
    if ask { vec![Effect::Session(model.session.id, SessionEffect::Namespaces)] } else { Vec::new() }
}

/// Puts what is known into an open scope picker, keeping marks and selection.
pub(super) fn fill_scopes(model: &mut Model) {
    let session = &model.session;
    let open = model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Picker(picker) if picker.purpose == PickerPurpose::Scope => Some(picker),
        _ => None,
    });
    let Some(open) = open else { return };
    let mut names: Vec<Name> = session.scope.names().to_vec();
    let info = session.info();
    let favourites = info.map(|info| info.favourites.as_slice()).unwrap_or_default();
    names.extend(favourites.iter().flat_map(|scope| scope.names().to_vec()));
    names.extend(info.into_iter().flat_map(|info| info.known.iter().chain(&info.namespace)).cloned());
    open.note = match &session.namespaces {
        Namespaces::Known(known) => {
            names.extend(known.iter().cloned());
            String::new()
        }
        Namespaces::Loading => "loading…".to_owned(),
        Namespaces::Unreadable(why) => format!("type a name and press enter; the list needs: {why}"),
        Namespaces::Unknown => String::new(),
    };
    names.sort();
    names.dedup();
    let key_of = |id: &str| {
        let at = favourites.iter().position(|scope| scope.to_string() == id);
        at.map_or(String::new(), |n| format!("key {}", n + 1))
    };
    let marked: Vec<String> = open.items.iter().filter(|item| item.marked).map(|item| item.id.clone()).collect();
    let all = PickerItem { id: "*".into(), label: "all namespaces".into(), about: "key 0".into(), marked: false };
    let sets = favourites.iter().filter(|scope| scope.names().len() > 1).map(ToString::to_string);
    let items = sets.chain(names.iter().map(ToString::to_string)).map(|id| PickerItem {
        label: id.clone(),
        about: key_of(&id),
        marked: marked.contains(&id),
        id,
    });
    open.items = std::iter::once(all).chain(items).collect();
    picker::refresh(open);
}

/// The scope picker was answered.
pub fn scope_picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    named(model, &ids.join(","))
}

/// The context picker was answered.
pub fn context_picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    ids.first().map_or_else(Vec::new, |name| set_context(model, name))
}

/// The prompt for namespaces was answered.
pub fn prompt(model: &mut Model, event: PromptEvent) -> Vec<Effect> {
    match event {
        PromptEvent::Done(names) => named(model, &names),
        PromptEvent::Changed(_) | PromptEvent::Cancelled => Vec::new(),
    }
}

/// Asks for namespaces by name.
pub fn ask_namespaces(model: &mut Model) {
    model.overlays.push(Overlay::Prompt(Prompt::new(Purpose::Namespaces, "Namespaces: ", "")));
}

/// `+` in the scope picker: what is chosen gets the next free key, or loses the one that it got here.
pub fn keep_favourite(model: &mut Model) -> Vec<Effect> {
    let Some(Overlay::Picker(open)) = model.overlays.last() else { return Vec::new() };
    let Some(scope @ Scope::Named(_)) = Scope::of(picker::chosen(open).iter().map(String::as_str)) else {
        return Vec::new();
    };
    let context = model.session.context.clone();
    let Some(info) = model.session.contexts.iter_mut().find(|info| info.name == context) else { return Vec::new() };
    let said = match info.favourites.iter().position(|kept| *kept == scope) {
        Some(at) if at < info.fixed => format!("{scope} has key {}, by the settings", at + 1),
        Some(at) => {
            info.favourites.remove(at);
            format!("{scope} has no key any more")
        }
        None if info.favourites.len() >= MOST_FAVOURITES => "All nine keys are taken".to_owned(),
        None => {
            info.favourites.push(scope.clone());
            format!("{scope} has key {} on the list", info.favourites.len())
        }
    };
    let scopes = info.favourites.get(info.fixed..).unwrap_or_default().to_vec();
    model.notices.tell(model.now, Tone::Info, &said);
    fill_scopes(model);
    vec![Effect::Remember(Remember::Favourites { context, scopes })]
}
