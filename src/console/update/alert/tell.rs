//! Telling: in the footer and among the notices always; by the terminal and by the user's program if that is set, and
//! not faster than one can follow.

use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            alert::{Alert, AlertEffect},
            notices::Tone,
        },
    },
    jobs::Clean,
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
    if settings.changes && model.session.is_locked(model.now) {
        if !std::mem::replace(&mut model.alert.kept, true) {
            let text = format!("alert-command makes changes and is not run: {}", model.session.why_locked());
            model.notices.tell(model.now, Tone::Warn, &text);
        }
        return effects;
    }
    let (argv, variables) = (settings.command.clone(), variables(model, alert));
    effects.push(Effect::Alert(AlertEffect::Run(argv, variables)));
    effects
}

/// What the program is told by: `MPIDECK_EVENT_TEXT`, `MPIDECK_EVENT_NAME`, ….
fn variables(model: &Model, alert: &Alert) -> Vec<(String, String)> {
    let common = [("text", alert.text.to_string()), ("context", Clean::new(&model.session.context).to_string())];
    let named = |(name, value): (&str, String)| (format!("MPIDECK_EVENT_{}", name.to_ascii_uppercase()), value);
    common.into_iter().chain(alert.fields.iter().cloned()).map(named).collect()
}
