//! Reading what is kept between runs, and keeping it.

use crate::{
    cluster::{Problem, ProblemKind, kubeconfig},
    config::Config,
    console::{
        effect::Remember,
        message::Loaded,
        model::session::{ContextInfo, Scope, Trouble},
        start::Start,
    },
    disk::Remembered,
    jobs::{Name, Secs, Uid},
};

/// Reads kubeconfig and remembered things. Blocking.
pub(super) fn load(start: &Start) -> Box<Loaded> {
    let (remembered, problem) = match &start.paths {
        Some(paths) => Remembered::load(&paths.remembered()),
        None => (Remembered::default(), None),
    };
    let mut notes = start.notes.clone();
    notes.extend(problem.map(|problem| problem.to_string()));
    let now = (start.now)();
    let target = (start.load)();
    let (contexts, current, target) = match target {
        Ok(target) => {
            let known = target.kubeconfig.contexts();
            let wanted = target.context.clone().or_else(|| current_id(&known)).unwrap_or_default();
            let infos = known.all.iter().map(|info| context(info, &start.config, &remembered)).collect();
            (infos, Ok(wanted), Some(target))
        }
        Err(problem) => (Vec::new(), Err(trouble(&problem, now)), None),
    };
    let scope = start.scope.clone();
    Box::new(Loaded { contexts, current, target: target.map(Box::new), scope, remembered, notes })
}

fn current_id(known: &kubeconfig::Contexts) -> Option<String> {
    let current = known.current.as_ref()?;
    let id = known.all.iter().find(|info| info.name == *current).map(|info| info.id.clone());
    Some(id.unwrap_or_else(|| current.to_string()))
}

fn context(info: &kubeconfig::ContextInfo, config: &Config, remembered: &Remembered) -> ContextInfo {
    let said = config.context(&info.id);
    let names = if said.namespaces.is_empty() { remembered.scopes.get(&info.id) } else { Some(&said.namespaces) };
    let fixed: Vec<_> = said.favourites.iter().filter_map(|text| Scope::of([text.as_str()])).collect();
    let chosen = remembered.favourites.get(&info.id).into_iter().flatten();
    let chosen = chosen.filter_map(|names| Scope::of(names.iter().map(String::as_str))).filter(|s| !fixed.contains(s));
    let chosen: Vec<_> = chosen.collect();
    ContextInfo {
        name: info.id.clone(),
        shown: said.alias.as_deref().map_or_else(|| info.name.clone(), crate::jobs::Clean::new),
        cluster: info.cluster.clone(),
        user: info.user.clone(),
        namespace: info.namespace.as_ref().and_then(|name| Name::new(name.as_str())),
        read_only: said.read_only.unwrap_or(config.read_only.value),
        type_name: said.protect == Some(crate::config::context::Protection::TypeName),
        colour: said.color,
        record: config.records_in(&info.id),
        fixed: fixed.len(),
        favourites: fixed.into_iter().chain(chosen).collect(),
        known: said.namespaces.iter().filter_map(|name| Name::new(name)).collect(),
        pins: remembered.pins.get(&info.id).into_iter().flatten().map(|uid| Uid::new(uid)).collect(),
        last_scope: names.and_then(|names| Scope::of(names.iter().map(String::as_str))),
    }
}

/// Why there is no session, for the screen.
pub(super) fn trouble(problem: &Problem, since: Secs) -> Trouble {
    Trouble {
        what: problem.what.clone(),
        why: problem.why.clone(),
        hint: problem.hint.clone(),
        since,
        sign_in: problem.kind == ProblemKind::Unauthorized,
        retries: !matches!(
            problem.kind,
            ProblemKind::NoConfig | ProblemKind::BadConfig | ProblemKind::UnknownContext | ProblemKind::UnknownUser
        ),
    }
}

/// Puts something among what is kept for the next run.
pub(super) fn keep(kept: &mut Remembered, what: Remember) {
    match what {
        Remember::Scope { context, scope } => {
            let names = scope.names().iter().map(ToString::to_string).collect::<Vec<_>>();
            kept.scopes.insert(context, if names.is_empty() { vec!["*".to_owned()] } else { names });
        }
        Remember::Favourites { context, scopes } => {
            let names = |scope: &Scope| scope.names().iter().map(ToString::to_string).collect();
            kept.favourites.insert(context, scopes.iter().map(names).collect());
        }
        Remember::Pin { context, uid, pinned } => kept.pin(context, uid.to_string(), pinned),
        Remember::Line(line) => kept.push_history(&line),
        Remember::Columns(columns) => kept.columns = columns,
        Remember::Sort(sort) => kept.sort = sort,
        Remember::Filter { name, text: Some(text) } => {
            kept.filters.insert(name, text);
        }
        Remember::Filter { name, text: None } => {
            kept.filters.remove(&name);
        }
        Remember::Source { context, service } => {
            kept.sources.insert(context, service);
        }
    }
}
