//! What is said when there is no session, or nothing to read in it: a calm screen, or a line over what was read before.

use ratatui::{buffer::Buffer, layout::Rect};

use crate::console::{
    commands::{AppCommand, CommandId},
    layout,
    model::{
        Model,
        session::{Phase, Trouble},
    },
    theme::{Role, Theme},
    widgets::text::{cut, put, wrap},
};

/// From this height on, a body has more than one line for what is wrong.
const ROOMY: u16 = 16;

/// A heading and lines.
struct Said {
    head: String,
    role: Role,
    lines: Vec<(String, Role)>,
}

/// Draws what there is to say, and gives what is left of the body for the view. All of it may be taken.
pub fn draw(model: &Model, theme: &Theme, body: Rect, buf: &mut Buffer) -> Rect {
    if model.fleet.is_empty() && model.page.is_none() {
        return if draw_said(model, theme, body, buf) { Rect { height: 0, ..body } } else { body };
    }
    for (y, row) in (body.y..).zip(rows(model, body)) {
        put(buf, body, body.x, y, &row, theme.style(Role::Bad));
    }
    below(model, body)
}

/// The part of the screen that the view has: below the lines on what is wrong.
pub fn body(model: &Model) -> Rect {
    below(model, layout::regions(model.size).body)
}

fn below(model: &Model, body: Rect) -> Rect {
    let taken = rows(model, body).len() as u16;
    Rect { y: body.y + taken, height: body.height - taken, ..body }
}

/// What is wrong, over what was read before. A small body has one line for it.
fn rows(model: &Model, body: Rect) -> Vec<String> {
    let Phase::Down(trouble) = &model.session.phase else { return Vec::new() };
    if body.height < 4 || (model.fleet.is_empty() && model.page.is_none()) {
        return Vec::new();
    }
    // The header says what, and since when; over the list also why.
    let text = match &model.page {
        Some(_) => format!("{}. {}", trouble.why, trouble.hint),
        None => trouble.hint.to_string(),
    };
    let most = if body.height < ROOMY { 1 } else { 3 };
    let mut rows = wrap(&text, body.width);
    if rows.len() > most {
        let rest = rows.split_off(most - 1).join(" ");
        rows.push(cut(&rest, body.width, if model.ascii { "~" } else { "…" }));
    }
    rows
}

/// Draws what there is to say where nothing else is shown; whether there was something.
pub fn draw_said(model: &Model, theme: &Theme, body: Rect, buf: &mut Buffer) -> bool {
    let said = screen(model);
    if let Some(said) = &said {
        draw_screen(said, theme, body, buf);
    }
    said.is_some()
}

/// What to say where there is nothing else; `None` where the view has something to show, or says it better.
fn screen(model: &Model) -> Option<Said> {
    match &model.session.phase {
        Phase::Down(trouble) => Some(down(model, trouble)),
        Phase::Idle | Phase::Connecting => Some(Said {
            head: if model.session.context.is_empty() {
                "Reading the kubeconfig".to_owned()
            } else {
                format!("Connecting to {}", crate::jobs::Clean::new(&model.session.context))
            },
            role: Role::Wait,
            lines: vec![(format!("{} chooses another context", key(model, AppCommand::Contexts, ":ctx")), Role::Dim)],
        }),
        Phase::Up => {
            let offered = model.session.offered.as_ref()?;
            offered.kinds.is_empty().then(|| nothing_served(model, offered.version.as_str()))
        }
    }
}

fn down(model: &Model, trouble: &Trouble) -> Said {
    let mut lines = vec![(trouble.why.to_string(), Role::Text), (String::new(), Role::Text)];
    lines.push((trouble.hint.to_string(), Role::Title));
    lines.push((String::new(), Role::Text));
    if trouble.sign_in {
        lines.push((format!("{} signs in", key(model, AppCommand::Login, ":login")), Role::Dim));
    }
    let again = key(model, AppCommand::Reconnect, ":session.reconnect");
    lines.push((
        if trouble.retries {
            format!("It is being tried again; {again} tries now")
        } else {
            format!("{again} tries again")
        },
        Role::Dim,
    ));
    if model.session.contexts.len() > 1 {
        let contexts = key(model, AppCommand::Contexts, ":ctx");
        lines.push((format!("{contexts} chooses another context"), Role::Dim));
    }
    Said { head: trouble.what.to_string(), role: Role::Bad, lines }
}

/// What installs the MPI operator.
pub const INSTALL: &str = "kubectl apply --server-side -f https://raw.githubusercontent.com/kubeflow/mpi-operator/v0.8.2/deploy/v2beta1/mpi-operator.yaml";

/// Whether the screen says that nothing is served that could be read.
pub fn serves_nothing(model: &Model) -> bool {
    let none = model.session.offered.as_ref().is_some_and(|offered| offered.kinds.is_empty());
    none && model.session.phase == Phase::Up && model.fleet.is_empty() && model.page.is_none()
}

fn nothing_served(model: &Model, version: &str) -> Said {
    let copy = key(model, AppCommand::Copy, ":app.copy");
    let lines = [
        (format!("The server answers ({version}), but serves no MPIJob, TrainJob or other training kind."), Role::Text),
        (String::new(), Role::Text),
        (format!("To run MPIJobs, somebody who may install CRDs does this ({copy} copies it):"), Role::Text),
        (INSTALL.to_owned(), Role::Title),
        (String::new(), Role::Text),
        ("Kinds that are installed meanwhile appear here by themselves.".to_owned(), Role::Dim),
    ];
    Said { head: "No training operator is installed".to_owned(), role: Role::Warn, lines: lines.to_vec() }
}

/// The key of a command, else how it is typed.
fn key(model: &Model, command: AppCommand, typed: &str) -> String {
    model.keys.map.key_in(&model.view_contexts(), CommandId::App(command)).unwrap_or_else(|| typed.to_owned())
}

fn draw_screen(said: &Said, theme: &Theme, body: Rect, buf: &mut Buffer) {
    let margin = 2.min(body.width / 4);
    let inner = Rect { x: body.x + margin, width: body.width.saturating_sub(2 * margin), ..body };
    let mut lines = vec![(said.head.clone(), said.role), (String::new(), Role::Text)];
    lines.extend(said.lines.iter().cloned());
    let rows: Vec<_> = lines
        .iter()
        .flat_map(|(text, role)| wrap(text, inner.width).into_iter().map(move |row| (row, *role)))
        .collect();
    let top = inner.y + inner.height.saturating_sub(rows.len() as u16) / 3;
    for (y, (row, role)) in (top..inner.bottom()).zip(&rows) {
        put(buf, inner, inner.x, y, row, theme.style(*role));
    }
}
