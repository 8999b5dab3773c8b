//! Finding, replacing and going to a line.

use crate::{
    console::{
        effect::Effect,
        model::{
            Model,
            draft::{
                Draft,
                editor::{Editor, Place},
            },
            notices::Tone,
            overlay::{DraftPrompt, Overlay, PromptEvent},
        },
    },
    jobs::quantity::counted,
    logs::Query,
};

/// What a person typed to find, and what shall stand there instead.
#[derive(Debug)]
struct Wanted {
    query: Query,
    instead: Option<String>,
}

/// A prompt of the editor was typed in.
pub fn prompt(model: &mut Model, which: DraftPrompt, event: PromptEvent) -> Vec<Effect> {
    match (which, event) {
        (_, PromptEvent::Cancelled) | (DraftPrompt::Line, PromptEvent::Changed(_)) => {}
        (DraftPrompt::Line, PromptEvent::Done(text)) => go_to(model, &text),
        (DraftPrompt::Find, PromptEvent::Changed(text)) => {
            let hint = wanted(&text).err().unwrap_or_default();
            if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
                prompt.hint = hint;
            }
        }
        (DraftPrompt::Find, PromptEvent::Done(text)) => find(model, &text),
    }
    Vec::new()
}

fn go_to(model: &mut Model, text: &str) {
    match (text.trim().parse::<usize>(), model.draft_mut()) {
        (Ok(line), Some(draft)) => draft.editor.go(Place::new(line.saturating_sub(1), 0)),
        _ => model.notices.tell(model.now, Tone::Warn, &format!("«{}» is not the number of a line", text.trim())),
    }
}

fn find(model: &mut Model, text: &str) {
    let wanted = match wanted(text) {
        Ok(wanted) => wanted,
        Err(why) => return model.notices.tell(model.now, Tone::Warn, &why),
    };
    let Some(draft) = model.draft_mut() else { return };
    match wanted {
        None => draft.editor.search = None,
        Some(Wanted { query, instead: Some(instead) }) => {
            let count = replace(&mut draft.editor, &query, &instead);
            let text = format!("{} replaced; undo takes them back at once", counted(count as u64, "hit"));
            model.notices.tell(model.now, Tone::Info, &text);
        }
        Some(Wanted { query, .. }) => {
            draft.editor.search = Some(query);
            if !draft.editor.find(false, true) {
                model.notices.tell(model.now, Tone::Info, &format!("«{text}» is not in this text"));
            }
        }
    }
}

/// Replaces every hit, as one step; gives how many there were.
fn replace(editor: &mut Editor, query: &Query, instead: &str) -> usize {
    let (mut count, mut touched) = (0, None);
    let mut lines = Vec::new();
    for (row, line) in editor.lines().iter().enumerate() {
        let (mut new, mut at) = (String::new(), 0);
        for hit in query.hits(line) {
            new.push_str(&line[at..hit.start]);
            new.push_str(instead);
            at = hit.end;
            count += 1;
        }
        new.push_str(&line[at..]);
        if at > 0 {
            touched = Some(touched.map_or(row..row + 1, |rows: std::ops::Range<usize>| rows.start..row + 1));
        }
        lines.push(new);
    }
    if let Some(rows) = touched {
        editor.replace_lines(rows.clone(), &lines[rows]);
    }
    count
}

/// Goes to the next hit.
pub(super) fn next(model: &mut Model, back: bool) {
    let Some(draft) = model.draft_mut() else { return };
    if draft.editor.search.is_none() && !draft.problems.is_empty() {
        return to_problem(draft, back);
    }
    if !draft.editor.find(back, false) {
        model.notices.tell(model.now, Tone::Info, "Nothing is searched for, or it is not here");
    }
}

/// Goes to the next problem, or the one before, round the ends.
fn to_problem(draft: &mut Draft, back: bool) {
    let at = draft.editor.offset_of(draft.editor.cursor());
    let mut starts: Vec<usize> =
        draft.problems.iter().filter_map(|problem| Some(problem.place.as_ref()?.range.start)).collect();
    starts.sort_unstable();
    let found = if back {
        starts.iter().rev().find(|start| **start < at).or(starts.last())
    } else {
        starts.iter().find(|start| **start > at).or(starts.first())
    };
    if let Some(start) = found {
        let place = draft.editor.place_of(*start);
        draft.editor.go(place);
    }
}

/// Reads `word`, `/regex/` or `s/this/that/`. Nothing typed is nothing wanted.
fn wanted(text: &str) -> Result<Option<Wanted>, String> {
    let parts = text.strip_prefix("s/").map(split);
    let (pattern, instead) = match parts.as_deref() {
        Some([this, that]) => (format!("/{this}/"), Some(that.clone())),
        Some(_) => return Err("write it as s/this/that/".to_owned()),
        None => (text.to_owned(), None),
    };
    let query = Query::parse(&pattern).map_err(|error| error.to_string())?;
    Ok(query.map(|query| Wanted { query, instead }))
}

/// The two parts between slashes; `\/` is a slash that does not end one.
fn split(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut escaped) = (Vec::new(), String::new(), false);
    for c in text.chars() {
        match c {
            '/' if escaped => {
                part.pop();
                part.push('/');
            }
            '/' => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    if !part.is_empty() {
        parts.push(part);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_and_what_stands_instead() {
        assert_eq!(split("a\\/b/c/"), ["a/b", "c"]);
        let wanted = |text| wanted(text).expect("understood");
        assert!(wanted("").is_none() && wanted("gpu").is_some_and(|w| w.instead.is_none()));
        let mut editor = Editor::new("image: a:1\nimage: b:1\nname: c:1\n");
        let found = wanted("s/image: (.):1/image: x:2/").expect("something");
        assert_eq!(replace(&mut editor, &found.query, found.instead.as_deref().expect("given")), 2);
        assert_eq!(editor.text(), "image: x:2\nimage: x:2\nname: c:1\n");
        assert!(editor.undo() && !editor.undo(), "one step");
        assert!(super::wanted("s/a").is_err() && super::wanted("s/(/b/").is_err());
    }
}
