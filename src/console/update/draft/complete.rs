//! Completion, and what the schema says about the field at the cursor.

use crossterm::event::KeyCode;

use crate::{
    console::{
        effect::Effect,
        key::Key,
        model::{
            Model,
            draft::{
                Draft, DraftEffect, Schemas, Stage,
                editor::{Change, Place},
                popup::Popup,
            },
            notices::Tone,
            overlay::{Overlay, TextOverlay, TextSource},
            session::{Phase, SessionId},
        },
        widgets::text::cut,
    },
    jobs::{
        Clean, Kind,
        complete::{self, Here},
        schema::{Served, Shape},
    },
};

/// Columns that a default is shown in at most.
const DEFAULT: u16 = 200;

/// Opens the offers for the place of the cursor, by what the session's cluster serves; none where there is nothing to offer.
pub(super) fn open(draft: &mut Draft, session: SessionId, schemas: &Schemas) -> bool {
    draft.popup = popup(draft, session, schemas);
    draft.popup.is_some()
}

fn here(draft: &Draft) -> Option<Here> {
    let at = draft.editor.cursor();
    complete::here(draft.editor.lines(), at.row, at.col)
}

fn popup(draft: &Draft, session: SessionId, schemas: &Schemas) -> Option<Popup> {
    let at = draft.editor.cursor();
    let here = here(draft)?;
    let offers = here.offers(schemas.get(session, here.kind).as_deref());
    let typed = here.typed.chars().count();
    let whole = offers.len() == 1 && offers[0].text.trim_end_matches([':', ' ']) == here.typed;
    (!offers.is_empty() && !whole).then(|| Popup {
        offers,
        selected: 0,
        from: Place::new(at.row, at.col.saturating_sub(typed)),
    })
}

/// The command: offers, or why there are none.
pub(super) fn complete(model: &mut Model) {
    let (session, schemas) = (model.session.id, model.drafts.schemas.clone());
    let Some(draft) = model.draft_mut() else { return };
    if !open(draft, session, &schemas) {
        let text = "The schema knows nothing that could stand here (apiVersion and kind say which schema it is)";
        model.notices.tell(model.now, Tone::Info, text);
    }
}

/// A key while offers are open. `false`: it is for the text, and the offers are made again after it.
pub(super) fn key(draft: &mut Draft, key: Key) -> bool {
    let Some(popup) = &mut draft.popup else { return false };
    match key.code {
        KeyCode::Up => popup.step(-1),
        KeyCode::Down => popup.step(1),
        _ if key == Key::ctrl('p') => popup.step(-1),
        _ if key == Key::ctrl('n') => popup.step(1),
        KeyCode::Enter | KeyCode::Tab => {
            let (from, text) = (popup.from, popup.offers[popup.selected].text.clone());
            let to = draft.editor.cursor();
            draft.popup = None;
            draft.editor.replace(from, to, &text, Change::Step);
        }
        KeyCode::Esc => draft.popup = None,
        _ => return false,
    }
    true
}

/// Shows what the schema says about the field at the cursor, on a page.
pub(super) fn explain(model: &mut Model) {
    let Some(draft) = model.draft() else { return };
    let found = match draft.stage {
        Stage::Form => draft.form.row().zip(kind(draft)).map(|(row, kind)| (kind, row.path.clone())),
        _ => here(draft).map(|here| (here.kind, here.path(draft.editor.line()))),
    };
    let lines = found.and_then(|(kind, path)| {
        let served = model.drafts.schemas.get(model.session.id, kind);
        let lines = page(kind, &path, served.as_deref())?;
        Some((path, lines))
    });
    let Some((path, lines)) = lines else {
        model.notices.tell(model.now, Tone::Info, "The schema says nothing about this place");
        return;
    };
    let source = TextSource::Fixed(path, lines);
    model.overlays.push(Overlay::Text(TextOverlay { source, scroll: 0, search: String::new() }));
}

fn kind(draft: &Draft) -> Option<Kind> {
    complete::here(draft.editor.lines(), 0, 0).map(|here| here.kind)
}

/// What the cluster's schema says about a field, else ours; `None` if neither says anything.
fn page(kind: Kind, path: &str, served: Option<&Served>) -> Option<Vec<String>> {
    let root = served.and_then(Served::shape);
    let theirs = root.and_then(|root| root.at(path));
    let own = Shape::of(kind).and_then(|root| root.at(path));
    let shape = theirs.or(own)?;
    let mut out = vec![format!("type: {}", if shape.kind().is_empty() { "any" } else { shape.kind() })];
    if let Some(default) = shape.default() {
        out.push(format!("default: {}", cut(Clean::new(&default.to_string()).as_str(), DEFAULT, "...")));
    }
    let words = theirs.and(root).or_else(|| Shape::of(kind)).map(|root| root.words(path)).unwrap_or_default();
    if !words.is_empty() {
        out.push(format!("one of: {}", words.join(", ")));
    }
    out.push(String::new());
    let said = Some(shape.description()).filter(|said| !said.is_empty()).or(own.map(Shape::description));
    out.extend(said.unwrap_or_default().lines().map(|line| Clean::new(line).to_string()));
    let fields = shape.fields();
    if !fields.is_empty() {
        out.extend([String::new(), "fields:".to_owned()]);
        out.extend(fields.iter().map(|field| {
            let must = if field.required { " (required)" } else { "" };
            format!("  {} {}{must}", field.name, field.kind)
        }));
    }
    let steps: Vec<_> = path.split('/').filter(|step| step.parse::<usize>().is_err() && !step.is_empty()).collect();
    out.extend([String::new(), format!("kubectl explain {}.{}", kind.info().plural, steps.join("."))]);
    let link = if path.contains("/template/") {
        "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/"
    } else {
        "https://www.kubeflow.org/docs/components/trainer/"
    };
    out.push(link.to_owned());
    out.push(match theirs {
        Some(_) => "As this cluster has it.".to_owned(),
        None if served.is_some() => "This cluster's own definition does not have it.".to_owned(),
        None => "As this mpideck knows it; the cluster's own definition was not read.".to_owned(),
    });
    Some(out)
}

/// Asks for the schemas of the open draft's kinds as the cluster serves them, once a session.
pub(super) fn ask(model: &mut Model) -> Vec<Effect> {
    if model.session.phase != Phase::Up {
        return Vec::new();
    }
    let kinds: Vec<_> = model.draft().iter().flat_map(|draft| &draft.report.jobs).map(|job| job.kind).collect();
    let id = model.session.id;
    let new = model.drafts.schemas.wanted(id, &kinds);
    new.into_iter().map(|kind| Effect::Draft(DraftEffect::Schema(id, kind))).collect()
}
