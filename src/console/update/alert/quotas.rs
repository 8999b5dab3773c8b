//! What is new of quotas in scope: one that has come near its end.

use super::tell::tell;
use crate::{
    config::AlertJobs,
    console::{
        effect::Effect,
        model::{
            Model,
            alert::{Alert, AlertEffect},
            notices::Tone,
            session::{Phase, SessionId},
            survey::{Survey, Wanted},
        },
    },
    jobs::{
        Clean,
        capacity::{Fill, fills},
    },
};

/// A quota has room again when it is so many percent below what was told: one that comes and goes is told once.
const ROOM: u64 = 5;

/// After any message: quotas are read where somebody wants to hear of them, those of the scope.
pub fn follow(model: &mut Model) -> Vec<Effect> {
    let told = model.alert.settings.quota.is_some() && model.alert.settings.jobs != AlertJobs::Off;
    let (id, scope_is_known) = (model.session.id, model.session.planned.is_some());
    // Reading ends with its session, of which the scope is a part.
    if !told || model.session.phase != Phase::Up || !scope_is_known || model.alert.reads == Some(id) {
        return Vec::new();
    }
    model.alert.reads = Some(id);
    let wanted = Wanted { quotas: true, rooms: true, namespaces: model.places(), ..Wanted::default() };
    (model.alert.read, model.alert.full) = Default::default();
    vec![Effect::Alert(AlertEffect::Read(id, wanted))]
}

/// Quotas were read.
pub fn read(model: &mut Model, id: SessionId, read: Survey) -> Vec<Effect> {
    model.dirty = false;
    let Some(limit) = model.alert.settings.quota.filter(|_| id == model.session.id) else { return Vec::new() };
    let before = std::mem::take(&mut model.alert.read);
    let read = Box::new(read.over(*before));
    let mut known = std::mem::take(&mut model.alert.full);
    let mut alerts = Vec::new();
    for fill in fills(&read.quotas.rows, &read.queues, model.session.scope.names()) {
        let before = known.remove(&fill.id());
        let least = if before == Some(true) { limit.saturating_sub(ROOM) } else { limit };
        let is_full = fill.of.percent() >= least;
        model.alert.full.insert(fill.id(), is_full);
        if is_full && before == Some(false) {
            alerts.push(of_quota(&fill));
        }
    }
    model.alert.read = read;
    tell(model, &alerts)
}

fn of_quota(fill: &Fill) -> Alert {
    let percent = fill.of.percent();
    let fields = vec![
        ("kind", "quota".to_owned()),
        ("quota", fill.quota.clone()),
        ("resource", fill.resource.to_string()),
        ("percent", percent.to_string()),
    ];
    let tone = if percent >= 100 { Tone::Bad } else { Tone::Warn };
    Alert { tone, text: Clean::new(&fill.text()), quiet: false, fields }
}
