//! What commands of the editor do: moving, indenting, commenting, cutting.

use tui_textarea::CursorMove;

use super::{complete, search};
use crate::console::{
    commands::EditorCommand,
    effect::Effect,
    ids::Motion,
    model::{
        Model,
        draft::{
            Editor,
            editor::{Change, Place, slice},
        },
        overlay::{DraftPrompt, Overlay, Prompt, Purpose},
    },
};

/// Blanks of one level.
const INDENT: usize = 2;

/// A command of the editor.
pub fn command(model: &mut Model, id: EditorCommand) -> Vec<Effect> {
    match id {
        EditorCommand::Find => ask(model, DraftPrompt::Find, "find: "),
        EditorCommand::GoTo => ask(model, DraftPrompt::Line, "line: "),
        EditorCommand::Next => search::next(model, false),
        EditorCommand::Previous => search::next(model, true),
        EditorCommand::Complete => complete::complete(model),
        EditorCommand::Explain => complete::explain(model),
        _ => {
            if let Some(draft) = model.draft_mut() {
                edit(&mut draft.editor, id, &mut draft.cut);
            }
        }
    }
    Vec::new()
}

fn ask(model: &mut Model, which: DraftPrompt, label: &'static str) {
    let word = model.draft().and_then(|draft| draft.editor.selected()).filter(|word| !word.contains('\n'));
    let text = word.filter(|_| which == DraftPrompt::Find).unwrap_or_default();
    model.overlays.push(Overlay::Prompt(Prompt::new(Purpose::Draft(which), label, &text)));
}

fn edit(editor: &mut Editor, id: EditorCommand, cut: &mut String) {
    let at = editor.cursor();
    match id {
        EditorCommand::Move(motion) => step(editor, motion, false),
        EditorCommand::Select(motion) => step(editor, motion, true),
        EditorCommand::Mark if editor.is_marking() => editor.unselect(),
        EditorCommand::Mark => editor.mark(),
        EditorCommand::Newline => newline(editor),
        EditorCommand::Backspace => delete(editor, |editor| backwards(editor, at)),
        EditorCommand::Delete => delete(editor, |editor| (at, after(editor, at))),
        EditorCommand::DeleteWord => delete(editor, |editor| {
            editor.step(CursorMove::WordBack, false);
            (editor.cursor(), at)
        }),
        EditorCommand::DeleteLine => *cut = cut_out(editor),
        EditorCommand::Paste => insert(editor, cut, Change::Step),
        EditorCommand::Undo => {
            editor.undo();
        }
        EditorCommand::Redo => {
            editor.redo();
        }
        EditorCommand::Indent => {
            lines(editor, |line| if line.is_empty() { String::new() } else { format!("{}{line}", " ".repeat(INDENT)) });
        }
        EditorCommand::Dedent => lines(editor, |line| {
            let blanks = line.len() - line.trim_start_matches(' ').len();
            line[blanks.min(INDENT)..].to_owned()
        }),
        EditorCommand::Comment => comment(editor),
        EditorCommand::Find
        | EditorCommand::GoTo
        | EditorCommand::Next
        | EditorCommand::Previous
        | EditorCommand::Complete
        | EditorCommand::Explain => {}
    }
}

/// Puts text at the cursor, in the place of what is selected.
pub(super) fn insert(editor: &mut Editor, text: &str, kind: Change) {
    let at = editor.cursor();
    let (from, to) = editor.selection().unwrap_or((at, at));
    editor.replace(from, to, text, kind);
}

fn step(editor: &mut Editor, motion: Motion, select: bool) {
    // While a selection is open, plain ways go on with it.
    let select = select || editor.is_marking();
    let page = isize::try_from(editor.window.rows).unwrap_or(1).max(2) - 1;
    match motion {
        Motion::Left => editor.step(CursorMove::Back, select),
        Motion::Right => editor.step(CursorMove::Forward, select),
        Motion::Up => editor.step_lines(-1, select),
        Motion::Down => editor.step_lines(1, select),
        Motion::WordLeft => editor.step(CursorMove::WordBack, select),
        Motion::WordRight => editor.step(CursorMove::WordForward, select),
        Motion::LineStart => {
            let (at, line) = (editor.cursor(), editor.line());
            let first = line.chars().take_while(|c| *c == ' ').count();
            let col = if at.col == first { 0 } else { first };
            to(editor, Place::new(at.row, col), select);
        }
        Motion::LineEnd => editor.step(CursorMove::End, select),
        Motion::PageUp => editor.step_lines(-page, select),
        Motion::PageDown => editor.step_lines(page, select),
        Motion::Top => to(editor, Place::default(), select),
        Motion::Bottom => {
            let row = editor.lines().len() - 1;
            let col = editor.lines()[row].chars().count();
            to(editor, Place::new(row, col), select);
        }
    }
}

fn to(editor: &mut Editor, place: Place, select: bool) {
    if select {
        editor.select_to(place);
    } else {
        editor.go(place);
    }
}

/// Deletes what is selected, else what `range` says.
fn delete(editor: &mut Editor, range: impl FnOnce(&mut Editor) -> (Place, Place)) {
    let (from, to) = editor.selection().unwrap_or_else(|| range(editor));
    editor.replace(from, to, "", Change::Step);
}

/// From where backspace deletes: a whole level of indent where only blanks are before the cursor.
fn backwards(editor: &Editor, at: Place) -> (Place, Place) {
    let before = slice(editor.line(), 0..at.col);
    let from = if at.col == 0 {
        let Some(row) = at.row.checked_sub(1) else { return (at, at) };
        Place::new(row, editor.lines()[row].chars().count())
    } else if before.bytes().all(|b| b == b' ') {
        Place::new(at.row, (at.col - 1) / INDENT * INDENT)
    } else {
        Place::new(at.row, at.col - 1)
    };
    (from, at)
}

fn after(editor: &Editor, at: Place) -> Place {
    let lines = editor.lines();
    match (at.col < lines[at.row].chars().count(), at.row + 1 < lines.len()) {
        (true, _) => Place::new(at.row, at.col + 1),
        (false, true) => Place::new(at.row + 1, 0),
        (false, false) => at,
    }
}

/// Takes out what is selected, else the whole line; gives it.
fn cut_out(editor: &mut Editor) -> String {
    let row = editor.cursor().row;
    let (from, to, text) = match (editor.selection(), editor.selected()) {
        (Some((from, to)), Some(text)) => (from, to, text),
        _ if row + 1 < editor.lines().len() => {
            (Place::new(row, 0), Place::new(row + 1, 0), format!("{}\n", editor.line()))
        }
        _ => (Place::new(row, 0), Place::new(row, editor.line().chars().count()), editor.line().to_owned()),
    };
    editor.replace(from, to, "", Change::Step);
    text
}

/// The rows that are selected, else the one of the cursor.
fn rows(editor: &Editor) -> std::ops::Range<usize> {
    match editor.selection() {
        // A selection that ends before the first character of a line does not mean that line.
        Some((from, to)) if to.col == 0 && to.row > from.row => from.row..to.row,
        Some((from, to)) => from.row..to.row + 1,
        None => editor.cursor().row..editor.cursor().row + 1,
    }
}

/// Changes the beginnings of lines; the cursor stays on its character.
fn lines(editor: &mut Editor, change: impl Fn(&str) -> String) {
    let (rows, at) = (rows(editor), editor.cursor());
    let before = editor.line().chars().count();
    let new: Vec<_> = editor.lines()[rows.clone()].iter().map(|line| change(line)).collect();
    editor.replace_lines(rows, &new);
    let after = editor.lines()[at.row].chars().count();
    editor.go(Place::new(at.row, (at.col + after).saturating_sub(before)));
}

fn comment(editor: &mut Editor) {
    let some = |line: &&String| !line.trim().is_empty();
    let chosen: Vec<_> = editor.lines()[rows(editor)].iter().filter(some).cloned().collect();
    let indent = chosen.iter().map(|line| line.len() - line.trim_start_matches(' ').len()).min().unwrap_or(0);
    let is_comment = chosen.iter().all(|line| line.trim_start().starts_with('#'));
    lines(editor, |line| {
        if line.trim().is_empty() {
            return line.to_owned();
        }
        if !is_comment {
            return format!("{}# {}", &line[..indent], &line[indent..]);
        }
        let at = line.find('#').unwrap_or(0);
        let rest = &line[at + 1..];
        format!("{}{}", &line[..at], rest.strip_prefix(' ').unwrap_or(rest))
    });
}

/// A line below, indented as the text before the cursor asks for.
fn newline(editor: &mut Editor) {
    let at = editor.selection().map_or_else(|| editor.cursor(), |(from, _)| from);
    let indent = indent_after(slice(&editor.lines()[at.row], 0..at.col), editor.is_in_block(at.row));
    insert(editor, &format!("\n{}", " ".repeat(indent)), Change::Step);
}

/// Blanks that a line after this one begins with.
fn indent_after(line: &str, in_block: bool) -> usize {
    let indent = line.len() - line.trim_start_matches(' ').len();
    if in_block {
        return indent;
    }
    let mut rest = &line[indent..];
    let mut at = indent;
    while let Some(after) = rest.strip_prefix("- ") {
        at += 2 + (after.len() - after.trim_start_matches(' ').len());
        rest = after.trim_start_matches(' ');
    }
    let rest = rest.split(" #").next().unwrap_or(rest).trim_end();
    let header = rest.rsplit(' ').next().unwrap_or(rest);
    let opens_block = header.starts_with(['|', '>']) && header.len() <= 3;
    match () {
        () if opens_block && rest == header => indent + INDENT,
        () if rest.ends_with(':') || opens_block => at + INDENT,
        // Further keys of an item stand below its first.
        () if at > indent && rest.contains(": ") => at,
        () => indent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_line_is_indented_as_yaml_goes_on() {
        for (line, in_block, indent) in [
            ("spec:", false, 2),
            ("  name: a", false, 2),
            ("  command: |", false, 4),
            ("  command: >-", false, 4),
            ("  - name: a", false, 4),
            ("  - ports:", false, 6),
            ("  - |", false, 4),
            ("  - a", false, 2),
            ("  spec: # why", false, 4),
            ("    echo: |", true, 4),
            ("# spec: a", false, 0),
        ] {
            assert_eq!(indent_after(line, in_block), indent, "{line:?}");
        }
    }

    #[test]
    fn lines_become_comments_and_none_again() {
        let mut editor = Editor::new("spec:\n  a: 1\n\n    b: 2\nc: 3\n");
        editor.go(Place::new(1, 4));
        editor.select_to(Place::new(4, 0));
        comment(&mut editor);
        assert_eq!(editor.text(), "spec:\n  # a: 1\n\n  #   b: 2\nc: 3\n");
        editor.go(Place::new(1, 0));
        editor.select_to(Place::new(3, 3));
        comment(&mut editor);
        assert_eq!(editor.text(), "spec:\n  a: 1\n\n    b: 2\nc: 3\n");
    }

    #[test]
    fn what_is_cut_is_pasted() {
        let (mut editor, mut cut) = (Editor::new("a: 1\nb: 2\n"), String::new());
        edit(&mut editor, EditorCommand::DeleteLine, &mut cut);
        assert_eq!((editor.text().as_str(), cut.as_str()), ("b: 2\n", "a: 1\n"));
        editor.go(Place::new(1, 0));
        edit(&mut editor, EditorCommand::Paste, &mut cut);
        assert_eq!(editor.text(), "b: 2\na: 1\n");
    }

    #[test]
    fn backspace_takes_a_level_of_blanks_and_joins_lines() {
        let mut editor = Editor::new("a:\n    b");
        for (at, text) in [(Place::new(1, 4), "a:\n  b\n"), (Place::new(1, 0), "a:  b\n"), (Place::new(0, 4), "a: b\n")]
        {
            editor.go(at);
            edit(&mut editor, EditorCommand::Backspace, &mut String::new());
            assert_eq!(editor.text(), text);
        }
    }
}
