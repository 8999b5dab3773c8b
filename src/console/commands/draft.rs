//! Commands of drafts and of the editor of their text.

use super::{Command, CommandId, Context, DraftCommand, EditorCommand, FixCommand, FormCommand, Right, Why};
use crate::console::{ids::Motion, model::Model};

use EditorCommand as E;
use FixCommand as X;
use FormCommand as F;

const CREATE: Right = Right { verb: "create", group: "kubeflow.org", resource: "mpijobs" };
const PATCH: Right = Right { verb: "patch", group: "kubeflow.org", resource: "mpijobs" };

const LIST: &[Context] = &[Context::List];
const JOBS: &[Context] = &[Context::List, Context::Page];
const ANY: &[Context] = &[Context::Any];
const SEND: &[Context] = &[Context::Send];
const REVIEW: &[Context] = &[Context::Review];
/// The last page, of whatever it is.
const LAST: &[Context] = &[Context::Send, Context::Review];
const DRAFT: &[Context] = &[Context::Draft];

const fn row(
    id: DraftCommand,
    name: &'static str,
    title: &'static str,
    help: &'static str,
    contexts: &'static [Context],
) -> Command {
    Command::new(CommandId::Draft(id), name, title, help, contexts)
}

const fn editor(id: EditorCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Editor(id), name, title, help, &[Context::Editor]).key_only()
}

const fn form(id: FormCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Form(id), name, title, help, &[Context::Form]).key_only()
}

const fn fix(id: FixCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Fix(id), name, title, help, &[Context::Fixes]).key_only()
}

pub(super) const ROWS: &[Command] = &[
    row(DraftCommand::New, "draft.new", "New job", "Write a new job, from a template.", LIST)
        .hinted(14)
        .needing(CREATE),
    row(DraftCommand::Clone, "draft.clone", "Clone", "Write a new job like this one, under a free name.", JOBS)
        .hinted(22)
        .when(some_job)
        .needing(CREATE),
    row(
        DraftCommand::Fix,
        "draft.fix",
        "Fix and resubmit",
        "Copy a failed job, with changes that its cause suggests, each to be taken or left.",
        JOBS,
    )
    .hinted(21)
    .when(super::page::caused)
    .needing(CREATE),
    row(
        DraftCommand::Debug,
        "draft.debug",
        "Debug clone",
        "Copy a job so that everything stays after a failure, and its launcher waits for a shell.",
        JOBS,
    )
    .when(some_job)
    .needing(CREATE),
    row(
        DraftCommand::Edit,
        "job.edit",
        "Edit",
        "Edit the job itself: of what you write, only what differs from the server is sent.",
        &[Context::List, Context::Page, Context::Configuration],
    )
    .when(living_job)
    .needing(PATCH),
    row(DraftCommand::List, "draft.list", "Drafts", "List the manifests that were written and not sent.", ANY),
    row(DraftCommand::Switch, "draft.switch", "Form or YAML", "Go from the form to the text and back.", DRAFT)
        .key_only()
        .hinted(2),
    row(DraftCommand::Send, "draft.send", "Send", "Look at what will be made, and send it from there.", DRAFT)
        .key_only()
        .hinted(3),
    row(DraftCommand::Create, "send.create", "Create", "Make it on the cluster, now.", SEND)
        .key_only()
        .hinted(1)
        .changing(),
    row(
        DraftCommand::Anyway,
        "send.anyway",
        "Send anyway",
        "Make it though a check says that it will be refused.",
        SEND,
    )
    .key_only()
    .changing(),
    row(DraftCommand::Apply, "review.send", "Change the job", "Change it on the cluster, now.", REVIEW)
        .key_only()
        .hinted(1)
        .changing(),
    row(
        DraftCommand::Mine,
        "review.mine",
        "Take yours",
        "Where you and the server contradict: what you wrote is to hold.",
        REVIEW,
    )
    .key_only()
    .when(contradicted)
    .hinted(3),
    row(
        DraftCommand::Theirs,
        "review.theirs",
        "Take the server's",
        "Where you and the server contradict: what is on the server is to hold.",
        REVIEW,
    )
    .key_only()
    .when(contradicted)
    .hinted(4),
    fix(X::Down, "fixes.down", "Down", "Select the next suggestion."),
    fix(X::Up, "fixes.up", "Up", "Select the suggestion above."),
    fix(X::ScrollDown, "fixes.scroll-down", "Scroll down", "Scroll the difference down."),
    fix(X::ScrollUp, "fixes.scroll-up", "Scroll up", "Scroll the difference up."),
    fix(X::Toggle, "fixes.toggle", "Take or leave", "Take the selected suggestion, or leave it.").hinted(2),
    fix(X::Send, "fixes.send", "Go on", "Look at what will be made, and send it from there.").hinted(1),
    fix(X::Edit, "fixes.edit", "Edit", "Go on in the text.").hinted(3),
    row(DraftCommand::Back, "send.back", "Back", "Go back to the draft.", LAST).key_only().hinted(2),
    row(DraftCommand::ScrollDown, "send.down", "Down", "Scroll one line down.", LAST).key_only(),
    row(DraftCommand::ScrollUp, "send.up", "Up", "Scroll one line up.", LAST).key_only(),
    row(DraftCommand::PageDown, "send.page-down", "Page down", "Scroll ten lines down.", LAST).key_only(),
    row(DraftCommand::PageUp, "send.page-up", "Page up", "Scroll ten lines up.", LAST).key_only(),
    form(F::Down, "form.down", "Down", "Select the next field."),
    form(F::Up, "form.up", "Up", "Select the field above."),
    form(F::HalfPageDown, "form.half-page-down", "Half page down", "Go half a page down."),
    form(F::HalfPageUp, "form.half-page-up", "Half page up", "Go half a page up."),
    form(F::Top, "form.top", "Top", "Select the first field."),
    form(F::Bottom, "form.bottom", "Bottom", "Select the last field."),
    form(F::NextGroup, "form.next-group", "Next group", "Go to the next group of fields."),
    form(
        F::PreviousGroup,
        "form.previous-group",
        "Previous group",
        "Go to the beginning of the group, or the one before.",
    ),
    form(F::Edit, "form.edit", "Change", "Type another value, or choose one.").hinted(1),
    form(F::Clear, "form.clear", "Leave out", "Take the value away, so that the default holds."),
    form(F::Undo, "form.undo", "Undo", "Take the last change back.").hinted(10),
    form(F::Redo, "form.redo", "Redo", "Make the change again that was taken back."),
    row(
        DraftCommand::Close,
        "draft.close",
        "Close",
        "Close the draft; it stays on disk (:drafts) until it is sent or thrown away.",
        DRAFT,
    )
    .key_only()
    .hinted(4),
    row(DraftCommand::Discard, "draft.discard", "Throw away", "Throw the draft away, after a question.", DRAFT),
    row(
        DraftCommand::Remove,
        "draft.remove",
        "Throw away now",
        "Throw away the draft that is open, or selected in the list, without a question.",
        DRAFT,
    ),
    row(DraftCommand::External, "draft.external", "$EDITOR", "Edit the text in $VISUAL or $EDITOR.", DRAFT).hinted(6),
    editor(E::Newline, "editor.newline", "New line", "Begin a line, indented as the one before asks for."),
    editor(E::Backspace, "editor.backspace", "Delete back", "Delete the character before the cursor, or an indent."),
    editor(E::Delete, "editor.delete", "Delete", "Delete the character under the cursor, or what is selected."),
    editor(E::DeleteWord, "editor.delete-word", "Delete word", "Delete the word before the cursor."),
    editor(E::DeleteLine, "editor.cut", "Cut", "Cut what is selected, else the line."),
    editor(E::Paste, "editor.paste", "Paste", "Put what was cut last before the cursor."),
    editor(E::Undo, "editor.undo", "Undo", "Take the last change back.").hinted(10),
    editor(E::Redo, "editor.redo", "Redo", "Make the change again that was taken back."),
    editor(E::Indent, "editor.indent", "Indent", "Indent the line, or those that are selected, by two blanks."),
    editor(E::Dedent, "editor.dedent", "Indent less", "Take two blanks of indent away."),
    editor(E::Comment, "editor.comment", "Comment", "Make the line, or those selected, a comment, or none again."),
    editor(E::Find, "editor.find", "Find", "Find a word or /a regular expression/; s/this/that/ replaces all of them.")
        .hinted(8),
    editor(E::Next, "editor.next", "Next", "Go to the next hit of the search, without one to the next problem."),
    editor(E::Previous, "editor.previous", "Previous", "Go to the hit or problem before."),
    editor(E::GoTo, "editor.go-to", "Go to line", "Go to the line of a number."),
    editor(E::Complete, "editor.complete", "Complete", "Offer the keys or words that can stand here.").hinted(7),
    editor(E::Explain, "editor.explain", "Explain", "Show what the schema says about the field at the cursor."),
    editor(E::Mark, "editor.select", "Select", "Begin to select from here, or let go of the selection."),
    editor(E::Move(Motion::Left), "editor.left", "Left", "Go one character to the left."),
    editor(E::Move(Motion::Right), "editor.right", "Right", "Go one character to the right."),
    editor(E::Move(Motion::Up), "editor.up", "Up", "Go one line up."),
    editor(E::Move(Motion::Down), "editor.down", "Down", "Go one line down."),
    editor(E::Move(Motion::WordLeft), "editor.word-left", "Word left", "Go one word to the left."),
    editor(E::Move(Motion::WordRight), "editor.word-right", "Word right", "Go one word to the right."),
    editor(
        E::Move(Motion::LineStart),
        "editor.line-start",
        "Start of line",
        "Go to the first character of the line, then to its beginning.",
    ),
    editor(E::Move(Motion::LineEnd), "editor.line-end", "End of line", "Go to the end of the line."),
    editor(E::Move(Motion::PageUp), "editor.page-up", "Page up", "Go one page up."),
    editor(E::Move(Motion::PageDown), "editor.page-down", "Page down", "Go one page down."),
    editor(E::Move(Motion::Top), "editor.top", "Top", "Go to the beginning of the text."),
    editor(E::Move(Motion::Bottom), "editor.bottom", "Bottom", "Go to the end of the text."),
    editor(E::Select(Motion::Left), "editor.select-left", "Select", "Select one character to the left."),
    editor(E::Select(Motion::Right), "editor.select-right", "Select", "Select one character to the right."),
    editor(E::Select(Motion::Up), "editor.select-up", "Select", "Select one line up."),
    editor(E::Select(Motion::Down), "editor.select-down", "Select", "Select one line down."),
    editor(E::Select(Motion::WordLeft), "editor.select-word-left", "Select", "Select one word to the left."),
    editor(E::Select(Motion::WordRight), "editor.select-word-right", "Select", "Select one word to the right."),
    editor(
        E::Select(Motion::LineStart),
        "editor.select-line-start",
        "Select",
        "Select to the first character of the line, then to its beginning.",
    ),
    editor(E::Select(Motion::LineEnd), "editor.select-line-end", "Select", "Select to the end of the line."),
    editor(E::Select(Motion::PageUp), "editor.select-page-up", "Select", "Select one page up."),
    editor(E::Select(Motion::PageDown), "editor.select-page-down", "Select", "Select one page down."),
    editor(E::Select(Motion::Top), "editor.select-top", "Select", "Select to the beginning of the text."),
    editor(E::Select(Motion::Bottom), "editor.select-bottom", "Select", "Select to the end of the text."),
];

fn living_job(model: &Model) -> Result<(), Why> {
    match &model.page {
        Some(page) if page.recorded.is_some() || page.gone.is_some() => Err("this job is gone".to_owned()),
        _ => some_job(model),
    }
}

fn contradicted(model: &Model) -> Result<(), Why> {
    let live = model.draft().and_then(|draft| draft.live.as_ref());
    if live.is_some_and(|live| !live.conflicts.is_empty()) { Ok(()) } else { Err("nothing contradicts".to_owned()) }
}

fn some_job(model: &Model) -> Result<(), Why> {
    if model.page.is_some() || model.list.selected.is_some() { Ok(()) } else { Err("no job is selected".to_owned()) }
}
