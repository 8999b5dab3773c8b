//! Telling: in the footer and among the notices always; by the terminal and by the user's program if that is set, and
//! not faster than one can follow.

use crate::{
    changes::{Change, Subject, What},
    console::{
        effect::Effect,
        model::{
            Model,
            alert::{Alert, AlertEffect, Run},
            notices::Tone,
        },
    },
    jobs::{Clean, Name, Sym},
};

/// From so many at once on it is said where to read them all.
const MANY: usize = 4;

/// Tells all that is new at once.
pub(super) fn tell(model: &mut Model, alerts: &[Alert]) -> Vec<Effect> {
    let effects = alerts.iter().filter(|alert| !alert.quiet).flat_map(|alert| signal(model, alert)).collect();
    for alert in alerts {
        model.notices.tell(model.now, alert.tone, alert.text.as_str());
        model.dirty = true;
    }
    if alerts.len() >= MANY {
        let tone = if alerts.iter().any(|alert| alert.tone == Tone::Bad) { Tone::Bad } else { Tone::Warn };
        model.notices.tell(model.now, tone, &format!("{} alerts at once; :messages lists them", alerts.len()));
    }
    effects
}

/// What was held back may have its turn.
pub fn deadline(model: &mut Model) -> Vec<Effect> {
    let Some(count) = model.alert.pace.release(model.now) else { return Vec::new() };
    let text = Clean::new(&format!("{count} more; :messages lists them"));
    let fields = vec![("kind", "more".to_owned()), ("count", count.to_string())];
    send(model, &Alert { tone: Tone::Info, text, quiet: false, fields })
}

fn signal(model: &mut Model, alert: &Alert) -> Vec<Effect> {
    let settings = &model.alert.settings;
    if (settings.signals.is_empty() && settings.command.is_empty()) || !model.alert.pace.take(model.now) {
        return Vec::new();
    }
    send(model, alert)
}

fn send(model: &mut Model, alert: &Alert) -> Vec<Effect> {
    let settings = &model.alert.settings;
    let signal = || Effect::Alert(AlertEffect::Signal(alert.text.to_string()));
    let mut effects: Vec<Effect> = (!settings.signals.is_empty()).then(signal).into_iter().collect();
    if settings.command.is_empty() {
        return effects;
    }
    let (argv, variables) = (settings.command.clone(), variables(model, alert));
    // Whether one that makes changes may run is decided where all changes are.
    let change = settings.changes.then(|| (model.session.id, Box::new(change(model, alert, argv.clone()))));
    effects.push(Effect::Alert(AlertEffect::Run(Run { argv, variables, change })));
    effects
}

/// The program as a change: of the job that the alert is about, else of the context.
fn change(model: &Model, alert: &Alert, argv: Vec<String>) -> Change {
    let of = |name: &str| {
        let field = alert.fields.iter().find(|(known, _)| *known == name);
        field.map_or("", |(_, value)| value.as_str())
    };
    let subject = if of("name").is_empty() {
        Subject { kind: Sym::new("context"), name: Name::lossy(&model.session.context), ..Subject::default() }
    } else {
        // Without a uid: it is told of what may be gone.
        let (kind, namespace, name) = (Sym::new(of("job_kind")), Name::lossy(of("namespace")), Name::lossy(of("name")));
        Subject { kind, namespace, name, ..Subject::default() }
    };
    let what = What::Command { name: "alert-command".to_owned(), argv, stays: false };
    Change { context: Clean::new(&model.session.context), subject, what }
}

/// What the program is told by: `MPIDECK_EVENT_TEXT`, `MPIDECK_EVENT_NAME`, ….
fn variables(model: &Model, alert: &Alert) -> Vec<(String, String)> {
    let common = [("text", alert.text.to_string()), ("context", Clean::new(&model.session.context).to_string())];
    let named = |(name, value): (&str, String)| (format!("MPIDECK_EVENT_{}", name.to_ascii_uppercase()), value);
    common.into_iter().chain(alert.fields.iter().cloned()).map(named).collect()
}
