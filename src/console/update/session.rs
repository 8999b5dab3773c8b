//! What messages and commands do to the session: switching context and scope, and hearing how it does.

mod choose;
#[cfg(test)]
mod tests;

pub use choose::{ask_namespaces, completions, context_picked, keep_favourite, prompt, scope_picked};
use choose::{fill_scopes, open_contexts, open_scopes};

use super::list;
use crate::console::{
    commands::AppCommand,
    effect::{Effect, Remember},
    message::Loaded,
    model::{
        Model,
        alert::Pace,
        change::ChangeEffect,
        listen::ListenModel,
        notices::Tone,
        overlay::Overlay,
        place::Place,
        session::{
            ContextInfo, Namespaces, Offered, Phase, Scope, SessionEffect, SessionId, SessionMessage, SessionModel,
            Trouble,
        },
    },
};

/// The kubeconfig was read, and what was remembered: open the first session.
pub fn loaded(model: &mut Model, loaded: Loaded) -> Vec<Effect> {
    let Loaded { contexts, current, scope, remembered, notes, .. } = loaded;
    if !model.session.context.is_empty() {
        return loaded_again(model, contexts, current);
    }
    for note in notes {
        model.notices.tell(model.now, Tone::Warn, &note);
    }
    model.session.contexts = contexts;
    model.palette_history.clone_from(&remembered.history);
    list::remembered(model, &remembered);
    let mut effects = match current {
        Ok(context) => open(model, context, scope),
        Err(trouble) => {
            model.session.phase = Phase::Down(trouble);
            Vec::new()
        }
    };
    effects.extend(super::draft::begin(model));
    effects
}

/// The kubeconfig was read again: where we are stays, what it says may be new.
fn loaded_again(model: &mut Model, contexts: Vec<ContextInfo>, current: Result<String, Trouble>) -> Vec<Effect> {
    if let Err(trouble) = current {
        down(model, trouble);
        return Vec::new();
    }
    model.session.contexts = contexts;
    let (context, scope) = (model.session.context.clone(), model.session.scope.clone());
    open(model, context, Some(scope))
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
        SessionMessage::Up(offered) => {
            up(model, offered);
            return vec![Effect::Change(ChangeEffect::Resume(model.session.id))];
        }
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
        SessionMessage::Denied(denied) => model.session.denied = denied,
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
    list::resized(model);
}

fn down(model: &mut Model, trouble: Trouble) {
    let trouble = match &model.session.phase {
        Phase::Down(before) if before.what == trouble.what => Trouble { since: before.since, ..trouble },
        _ => {
            // Over an empty screen it is said in full.
            if !model.fleet.is_empty() {
                model.notices.tell(model.now, Tone::Bad, &format!("{}: {}", trouble.what, trouble.why));
            }
            trouble
        }
    };
    model.session.phase = Phase::Down(trouble);
    list::resized(model);
}

/// A command about the session.
pub fn command(model: &mut Model, id: AppCommand) -> Vec<Effect> {
    match id {
        AppCommand::Contexts => open_contexts(model),
        AppCommand::Scope => open_scopes(model),
        AppCommand::Favourite(0) => set_scope(model, Scope::All),
        AppCommand::Favourite(n) => favourite(model, usize::from(n)),
        AppCommand::LastView => match model.last_place.clone() {
            Some(place) => go(model, place),
            None => nothing(model, "There is no view before this one"),
        },
        AppCommand::Login => vec![Effect::Login(model.session.id)],
        AppCommand::Reconnect => {
            model.session.phase = Phase::Connecting;
            vec![Effect::Load]
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
    let mut effects = super::record::flush(model);
    let session = &mut model.session;
    session.id = SessionId(session.id.0.wrapping_add(1));
    if session.context != context {
        session.last_context = Some(std::mem::replace(&mut session.context, context.clone())).filter(|c| !c.is_empty());
        session.offered = None;
        model.alert.pace = Pace::default();
        model.alert.own.clear();
    }
    let info = session.info().cloned();
    session.user = info.as_ref().map(|info| info.user.clone()).unwrap_or_default();
    session.read_only = session.read_only_all || info.is_some_and(|info| info.read_only);
    session.unlocked = None;
    session.phase = Phase::Connecting;
    session.namespaces = Namespaces::Unknown;
    session.lists.clear();
    session.planned = None;
    session.narrowed = None;
    session.denied.clear();
    let id = session.id;
    let scope = scope.or_else(|| info_scope(session));
    session.untried.take_if(|untried| scope.as_ref() != Some(untried));
    session.scope = scope.clone().unwrap_or_default();
    model.fleet.clear();
    model.record.clear();
    model.listen = ListenModel::default();
    effects.extend(super::page::close(model));
    list::session_changed(model);
    // Its jobs are of the session before.
    model.overlays.retain(|overlay| !matches!(overlay, Overlay::Compare(_)));
    effects.push(Effect::Session(id, SessionEffect::Open { context, scope }));
    effects.extend(narrow(model));
    effects
}

/// The server narrows the lists of jobs by the labels that are filtered for.
pub fn narrow(model: &mut Model) -> Option<Effect> {
    let labels = model.list.filter.filter.selector();
    if model.session.narrowed == labels {
        return None;
    }
    model.session.narrowed.clone_from(&labels);
    Some(Effect::Session(model.session.id, SessionEffect::Narrow(labels)))
}

/// Goes to a place where one was before.
fn go(model: &mut Model, place: Place) -> Vec<Effect> {
    let Place { context, scope, page } = place;
    if context != model.session.context {
        return set_context(model, &context);
    }
    let mut effects = if scope == model.session.scope { Vec::new() } else { set_scope(model, scope) };
    effects.extend(match page {
        Some((job, tab)) => super::page::open_on(model, &job, tab),
        None => super::page::close(model),
    });
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
    let effects = open(model, model.session.context.clone(), Some(scope.clone()));
    model.session.untried = Some(scope);
    effects
}

/// Jobs of the scope could be read: if it was chosen, it is the one to begin with next time.
pub fn answered(model: &mut Model) -> Option<Effect> {
    let scope = model.session.untried.take()?;
    let context = model.session.context.clone();
    if let Some(info) = model.session.contexts.iter_mut().find(|info| info.name == context) {
        info.last_scope = Some(scope.clone());
    }
    Some(Effect::Remember(Remember::Scope { context, scope }))
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
