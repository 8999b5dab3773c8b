//! What messages and commands do to the session: switching context and scope, and hearing how it does.

use super::list;
use crate::{
    console::{
        commands::AppCommand,
        effect::{Effect, Remember},
        line_edit::LineEdit,
        message::Loaded,
        model::{
            Model,
            notices::Tone,
            overlay::{Completion, Overlay, Picker, PickerItem, PickerPurpose, Prompt, PromptEvent, Purpose},
            session::{
                Namespaces, Offered, Phase, Scope, SessionEffect, SessionId, SessionMessage, SessionModel, Trouble,
            },
        },
        widgets::picker,
    },
    jobs::{Clean, Name},
};

/// The kubeconfig was read, and what was remembered: open the first session.
pub fn loaded(model: &mut Model, loaded: Loaded) -> Vec<Effect> {
    let Loaded { contexts, current, scope, remembered, notes, .. } = loaded;
    for note in notes {
        model.notices.tell(model.now, Tone::Warn, &note);
    }
    model.session.contexts = contexts;
    model.palette_history.clone_from(&remembered.history);
    list::remembered(model, &remembered);
    match current {
        Ok(context) => open(model, context, scope),
        Err(trouble) => {
            model.session.phase = Phase::Down(trouble);
            Vec::new()
        }
    }
}

/// Something happened in the current session.
pub fn message(model: &mut Model, message: SessionMessage) -> Vec<Effect> {
    match message {
        SessionMessage::Scoped { scope, choose } => {
            model.session.scope = scope;
            if choose {
                let text = "No namespace is known for you: choose one, or type its name";
                model.notices.tell(model.now, Tone::Info, text);
                return open_scopes(model);
            }
        }
        SessionMessage::Up(offered) => up(model, offered),
        SessionMessage::Down(trouble) => down(model, trouble),
        SessionMessage::Operators(operators) => {
            if let Some(offered) = &mut model.session.offered {
                offered.components = operators;
            }
        }
        SessionMessage::List(key, phase) => {
            model.session.lists.insert(key, phase);
        }
        SessionMessage::Lists(keys) => {
            model.session.lists.retain(|key, _| keys.contains(key));
            model.session.planned = Some(keys);
        }
        SessionMessage::Namespaces(namespaces) => {
            model.session.namespaces = namespaces;
            fill_scopes(model);
        }
        SessionMessage::Counters(counters) => model.session.counters = counters,
    }
    Vec::new()
}

fn up(model: &mut Model, offered: Offered) {
    if let (Phase::Up, Some(before)) = (&model.session.phase, &model.session.offered) {
        for kind in offered.kinds.iter().filter(|kind| !before.kinds.contains(kind)) {
            model.notices.tell(model.now, Tone::Good, &format!("{kind} is served now"));
        }
    } else if matches!(model.session.phase, Phase::Down(_)) {
        model.notices.tell(model.now, Tone::Good, "Connected again");
    }
    let components = model.session.offered.take().map(|before| before.components).unwrap_or_default();
    model.session.offered =
        Some(if offered.components.is_empty() { Offered { components, ..offered } } else { offered });
    model.session.phase = Phase::Up;
}

fn down(model: &mut Model, trouble: Trouble) {
    let trouble = match &model.session.phase {
        Phase::Down(before) if before.what == trouble.what => Trouble { since: before.since, ..trouble },
        _ => {
            model.notices.tell(model.now, Tone::Bad, &format!("{}: {}", trouble.what, trouble.why));
            trouble
        }
    };
    model.session.phase = Phase::Down(trouble);
}

/// A command about the session.
pub fn command(model: &mut Model, id: AppCommand) -> Vec<Effect> {
    match id {
        AppCommand::Contexts => open_contexts(model),
        AppCommand::Scope => open_scopes(model),
        AppCommand::Favourite(0) => set_scope(model, Scope::All),
        AppCommand::Favourite(n) => favourite(model, usize::from(n)),
        AppCommand::LastView => match model.session.last_scope.clone() {
            Some(scope) => set_scope(model, scope),
            None => nothing(model, "There is no view before this one"),
        },
        AppCommand::Login => {
            model.session.phase = Phase::Connecting;
            vec![Effect::Login(model.session.id)]
        }
        AppCommand::Reconnect => {
            if model.session.context.is_empty() || model.session.contexts.is_empty() {
                model.session.phase = Phase::Connecting;
                return vec![Effect::Load];
            }
            let scope = Some(model.session.scope.clone());
            open(model, model.session.context.clone(), scope)
        }
        _ => Vec::new(),
    }
}

fn nothing(model: &mut Model, why: &str) -> Vec<Effect> {
    model.notices.tell(model.now, Tone::Info, why);
    Vec::new()
}

fn favourite(model: &mut Model, n: usize) -> Vec<Effect> {
    match model.session.info().and_then(|info| info.favourites.get(n - 1)).cloned() {
        Some(scope) => set_scope(model, scope),
        None => nothing(model, &format!("No favourite {n}: set `favourites` for this context in the config")),
    }
}

/// Opens a session: a new generation, the old one's content goes with it.
pub fn open(model: &mut Model, context: String, scope: Option<Scope>) -> Vec<Effect> {
    let session = &mut model.session;
    session.id = SessionId(session.id.0.wrapping_add(1));
    if session.context != context {
        session.last_context = Some(std::mem::replace(&mut session.context, context.clone())).filter(|c| !c.is_empty());
        session.offered = None;
        session.last_scope = None;
    }
    let info = session.info().cloned();
    session.user = info.as_ref().map(|info| info.user.clone()).unwrap_or_default();
    session.read_only = session.read_only_all || info.is_some_and(|info| info.read_only);
    session.phase = Phase::Connecting;
    session.namespaces = Namespaces::Unknown;
    session.lists.clear();
    session.planned = None;
    let id = session.id;
    let scope = scope.or_else(|| info_scope(session));
    session.scope = scope.clone().unwrap_or_default();
    model.fleet.clear();
    let mut effects = super::page::close(model);
    list::session_changed(model);
    effects.push(Effect::Session(id, SessionEffect::Open { context, scope }));
    effects
}

/// The scope looked at last in the current context, else the namespace that the kubeconfig names.
fn info_scope(session: &SessionModel) -> Option<Scope> {
    let info = session.info()?;
    info.last_scope.clone().or_else(|| info.namespace.clone().map(|name| Scope::Named(vec![name])))
}

fn set_scope(model: &mut Model, scope: Scope) -> Vec<Effect> {
    if model.session.scope == scope {
        return nothing(model, &format!("Already looking at {scope}"));
    }
    model.session.last_scope = Some(model.session.scope.clone());
    let context = model.session.context.clone();
    if let Some(info) = model.session.contexts.iter_mut().find(|info| info.name == context) {
        info.last_scope = Some(scope.clone());
    }
    let mut effects = open(model, context.clone(), Some(scope.clone()));
    effects.push(Effect::Remember(Remember::Scope { context, scope }));
    effects
}

fn set_context(model: &mut Model, name: &str) -> Vec<Effect> {
    let name = match name {
        "-" => model.session.last_context.clone().unwrap_or_default(),
        name => name.to_owned(),
    };
    if !model.session.contexts.iter().any(|context| context.name == name) {
        let text = format!("There is no context «{name}» in the kubeconfig; :ctx lists them");
        model.notices.tell(model.now, Tone::Warn, &text);
        return Vec::new();
    }
    open(model, name, None)
}

/// `:ctx`, `:ns` and `:jobs` with what follows.
pub fn typed(model: &mut Model, word: &str, rest: &str) -> Vec<Effect> {
    match (word, rest) {
        ("ctx" | "context", "") => open_contexts(model),
        ("ctx" | "context", name) => set_context(model, name),
        ("ns" | "namespace", "") => open_scopes(model),
        ("ns" | "namespace", names) => named(model, names),
        _ => jobs(model, rest),
    }
}

fn named(model: &mut Model, names: &str) -> Vec<Effect> {
    if let Some(scope) = Scope::of(names.split_whitespace()) {
        return set_scope(model, scope);
    }
    let text = format!("«{names}» is not the name of a namespace");
    model.notices.tell(model.now, Tone::Warn, &text);
    Vec::new()
}

/// `:jobs [@context] [namespace] [filter…]`: a word that can't be a namespace begins the filter.
fn jobs(model: &mut Model, rest: &str) -> Vec<Effect> {
    let mut words = rest.split_whitespace().peekable();
    let mut effects = super::page::close(model);
    let context = words.next_if(|word| word.starts_with('@')).map(|word| word[1..].to_owned());
    let is_scope =
        |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-,*".contains(c));
    let scope = words.next_if(is_scope).and_then(|word| Scope::of([word]));
    match (context, scope) {
        (Some(name), scope) => {
            effects.extend(set_context(model, &name));
            if let Some(scope) = scope {
                effects.extend(set_scope(model, scope));
            }
        }
        (None, Some(scope)) if scope != model.session.scope => effects.extend(set_scope(model, scope)),
        _ => {}
    }
    let filter = words.collect::<Vec<_>>().join(" ");
    effects.extend(list::set_filter(model, &filter));
    effects
}

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

fn open_contexts(model: &mut Model) -> Vec<Effect> {
    let items = model.session.contexts.iter().map(|context| PickerItem {
        id: context.name.clone(),
        label: Clean::new(&context.name).to_string(),
        about: format!("{} as {}", context.cluster, context.user),
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

fn push(model: &mut Model, mut new: Picker) {
    picker::refresh(&mut new);
    model.overlays.push(Overlay::Picker(new));
}

fn open_scopes(model: &mut Model) -> Vec<Effect> {
    let ask = matches!(model.session.namespaces, Namespaces::Unknown | Namespaces::Unreadable(_));
    if ask {
        model.session.namespaces = Namespaces::Loading;
    }
    let picker = Picker {
        purpose: PickerPurpose::Scope,
        title: "Namespaces (space marks several)".to_owned(),
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
fn fill_scopes(model: &mut Model) {
    let session = &model.session;
    let open = model.overlays.iter_mut().rev().find_map(|overlay| match overlay {
        Overlay::Picker(picker) if picker.purpose == PickerPurpose::Scope => Some(picker),
        _ => None,
    });
    let Some(open) = open else { return };
    let mut names: Vec<Name> = session.scope.names().to_vec();
    let favourites = session.info().map(|info| info.favourites.as_slice()).unwrap_or_default();
    names.extend(favourites.iter().flat_map(|scope| scope.names().to_vec()));
    names.extend(session.info().and_then(|info| info.namespace.clone()));
    open.note = match &session.namespaces {
        Namespaces::Known(known) => {
            names.extend(known.iter().cloned());
            String::new()
        }
        Namespaces::Loading => "loading…".to_owned(),
        Namespaces::Unreadable(why) => format!("{why}; type a name and press enter"),
        Namespaces::Unknown => String::new(),
    };
    names.sort();
    names.dedup();
    let number =
        |name: &str| favourites.iter().position(|scope| scope.names().len() == 1 && scope.names()[0].as_str() == name);
    let marked: Vec<String> = open.items.iter().filter(|item| item.marked).map(|item| item.id.clone()).collect();
    let all = PickerItem { id: "*".into(), label: "all namespaces".into(), about: "0".into(), marked: false };
    let items = names.iter().map(|name| PickerItem {
        id: name.to_string(),
        label: name.to_string(),
        about: number(name.as_str()).map_or(String::new(), |n| (n + 1).to_string()),
        marked: marked.iter().any(|id| id == name.as_str()),
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
