//! Rows from the cluster go into the fleet here, and the features hear what changed.

use super::{alert, change, draft, list, listen, page, record, session};
use crate::{
    console::{
        effect::Effect,
        model::{Model, session::Scope},
    },
    jobs::{
        Name,
        fleet::{Batch, ListKey, ListOf, ListPhase, Row},
    },
};

/// Rows changed in the cluster.
pub fn batches(model: &mut Model, batches: Vec<Batch>) -> Vec<Effect> {
    let (mut visible, mut answered) = (false, false);
    for mut batch in batches {
        // A list that ended may still have something on its way.
        let read = model.session.planned.as_ref().is_none_or(|keys| keys.contains(&batch.list));
        if let Some(phase) = batch.phase.as_ref().filter(|_| read) {
            answered |= has_answered(&batch.list, phase);
            visible |= model.session.lists.insert(batch.list.clone(), phase.clone()).as_ref() != Some(phase);
        }
        if let (Scope::Named(names), None) = (&model.session.scope, &batch.list.namespace) {
            batch.upserts.retain(|row| is_in(names, row));
        }
        model.fleet.apply(batch);
    }
    let mut effects = settle(model);
    model.dirty |= visible;
    effects.extend(answered.then(|| session::answered(model)).flatten());
    effects
}

/// Whether jobs could be read: nobody wants to begin where that is refused.
fn has_answered(list: &ListKey, phase: &ListPhase) -> bool {
    matches!(list.of, ListOf::Jobs(_))
        && matches!(phase, ListPhase::Loading(1..) | ListPhase::Live | ListPhase::Polling(_))
}

/// Whether a row of a list for the whole cluster is in the scope.
fn is_in(names: &[Name], row: &Row) -> bool {
    let namespace = match row {
        Row::Job(row) => row.namespace.as_str(),
        Row::Pod(row) => row.namespace.as_str(),
        Row::Event(row) => row.namespace.as_str(),
        Row::Workload(row) => row.namespace.as_str(),
    };
    names.iter().any(|name| name.as_str() == namespace)
}

/// Derives what rows or time changed, and tells list and page.
pub fn settle(model: &mut Model) -> Vec<Effect> {
    let mut changed = model.fleet.settle(model.now);
    model.dirty = !changed.jobs.is_empty();
    let mut effects = list::changed(model, &changed);
    effects.extend(alert::changed(model, &changed));
    // What goes is kept before its page asks for the record.
    effects.extend(record::changed(model, &mut changed));
    effects.extend(listen::changed(model, &changed.jobs, &effects));
    effects.extend(page::changed(model, &changed));
    effects.extend(draft::changed(model, &changed));
    effects.extend(change::settled(model));
    effects
}
