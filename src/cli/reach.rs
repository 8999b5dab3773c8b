//! Which cluster, as whom, and which namespaces: the global flags as what console and verbs begin with.

use std::sync::Arc;

use super::{args::Global, exit::Failure, setup::Setup};
use crate::{
    cluster::{
        Target,
        kubeconfig::{self, Loaded, Source},
        target::Now,
    },
    config::Config,
    console::{model::session::Scope, start::LoadTarget},
};

/// A way to clusters through the user's kubeconfig. Reads it anew each time: a login may have changed it.
pub fn user_clusters(global: &Global, setup: &Setup) -> LoadTarget {
    let (global, config) = (global.clone(), setup.config.clone());
    Arc::new(move || {
        let loaded = kubeconfig::load(&Source::from_env(global.kubeconfig.clone()))?;
        Ok(with_flags(Target::new(loaded.shared()), &global, &config))
    })
}

/// Lays the flags over a target.
pub fn with_flags(mut target: Target, global: &Global, config: &Config) -> Target {
    target.context.clone_from(&global.context);
    target.act_as.clone_from(&global.act_as);
    target.act_as_groups.clone_from(&global.act_as_groups);
    let current = target.kubeconfig.contexts().current.map(|name| name.to_string());
    let context = global.context.clone().or(current).unwrap_or_default();
    target.timeout = config.request_timeout_in(&context);
    target
}

/// The namespaces asked for, if any were.
pub fn scope(global: &Global) -> Result<Option<Scope>, Failure> {
    if global.all_namespaces {
        return Ok(Some(Scope::All));
    }
    if global.namespaces.is_empty() {
        return Ok(None);
    }
    let names = || global.namespaces.iter().flat_map(|names| names.split(',')).map(str::trim);
    // An empty variable of a script must not reach further than was meant.
    if names().any(str::is_empty) {
        let hint = "name a namespace, or leave -n out for the context's own; -A is all of them";
        return Err(Failure::usage("the name of the namespace is empty").hint(hint));
    }
    let wrong = || {
        let what = format!("«{}» is not the name of a namespace", global.namespaces.join(","));
        Failure::usage(&what).hint("-A is all namespaces")
    };
    Scope::named(names()).map(Some).ok_or_else(wrong)
}

/// The machine's clock.
pub fn wall_clock() -> Now {
    Target::new(Arc::new(Loaded::default())).now
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::Name;

    #[test]
    fn namespaces_are_a_sorted_set_and_must_be_names() {
        let of = |names: &[&str]| {
            let namespaces = names.iter().map(|name| (*name).to_owned()).collect();
            scope(&Global { namespaces, ..Global::default() })
        };
        let names = |names: &[&str]| names.iter().filter_map(|name| Name::new(name)).collect::<Vec<_>>();
        assert_eq!(of(&[]).expect("fine"), None);
        assert_eq!(of(&["b", "a", "b"]).expect("fine"), Some(Scope::Named(names(&["a", "b"]))));
        assert_eq!(of(&["a,b"]).expect("fine"), Some(Scope::Named(names(&["a", "b"]))));
        assert_eq!(of(&["all"]).expect("fine"), Some(Scope::Named(names(&["all"]))), "as kubectl reads it");
        for wrong in ["a b", "", " ", "a,", "*", "a/b"] {
            assert_eq!(of(&[wrong]).map_err(|failure| failure.code), Err(super::super::exit::USAGE), "{wrong:?}");
        }
    }
}
