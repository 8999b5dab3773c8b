//! Names of objects that can be chosen in a namespace: asked for once, kept until another namespace is meant.

use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            draft::{DraftEffect, Names, Offers},
        },
    },
    jobs::{Clean, Name, form::Listed},
};

/// Asks for the names of these objects, unless they are known or on their way.
pub fn ask(model: &mut Model, namespace: Option<Name>, wanted: impl IntoIterator<Item = Listed>) -> Vec<Effect> {
    let offers = &mut model.drafts.offers;
    if offers.namespace != namespace {
        *offers = Offers { namespace: namespace.clone(), ..Offers::default() };
    }
    let mut new: Vec<_> = wanted.into_iter().filter(|listed| !offers.names.contains_key(listed)).collect();
    new.sort_unstable();
    new.dedup();
    if new.is_empty() {
        return Vec::new();
    }
    offers.names.extend(new.iter().map(|listed| (*listed, Names::Loading)));
    vec![Effect::Draft(DraftEffect::Names(model.session.id, namespace, new))]
}

/// Names came, or why there are none.
pub fn named(model: &mut Model, namespace: Option<&Name>, listed: Listed, names: Result<Vec<Name>, Clean>) {
    if model.drafts.offers.namespace.as_ref() == namespace {
        let names = names.map_or_else(Names::Unreadable, Names::Known);
        model.drafts.offers.names.insert(listed, names);
    }
}
