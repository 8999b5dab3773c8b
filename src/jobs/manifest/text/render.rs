//! Values as the stretches of YAML that an edit puts in.

use serde_json::{Value, json};

use super::layout::Layout;
use super::tree::Style;
use crate::jobs::manifest::write;

/// `key: value`, its further lines indented for a key at `column` (in blanks).
pub(super) fn entry(key: &str, value: &Value, column: usize, layout: Layout) -> Option<String> {
    Some(shifted(&write::laid_out(&json!({ key: value }), layout.step, layout.compact).ok()?, column))
}

/// `- value`, its further lines indented for a dash at `column`.
pub(super) fn item(value: &Value, column: usize, layout: Layout) -> Option<String> {
    Some(shifted(&write::laid_out(&json!([value]), layout.step, layout.compact).ok()?, column))
}

/// A map or list as lines of their own at `column`, the first without its blanks.
pub(super) fn body(value: &Value, column: usize, layout: Layout) -> Option<String> {
    Some(shifted(&write::laid_out(value, layout.step, layout.compact).ok()?, column))
}

fn shifted(text: &str, column: usize) -> String {
    let pad = " ".repeat(column);
    let mut out = String::with_capacity(text.len() + 8 * column);
    for (i, line) in text.trim_end_matches('\n').split('\n').enumerate() {
        if i > 0 {
            out.push('\n');
            if !line.is_empty() {
                out.push_str(&pad);
            }
        }
        out.push_str(line);
    }
    // What a string keeps of its line ends at the very end counts.
    let ends = text.len() - text.trim_end_matches('\n').len();
    out.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
    out
}

/// A value on one line; `None` where it needs lines of its own. `style` is how the old value was quoted.
pub(super) fn inline(value: &Value, style: Style, flow: bool) -> Option<String> {
    match value {
        Value::String(text) => string(text, style, flow),
        Value::Array(list) if list.is_empty() => Some("[]".to_owned()),
        Value::Object(map) if map.is_empty() => Some("{}".to_owned()),
        Value::Array(list) if flow => {
            let items: Option<Vec<_>> = list.iter().map(|item| inline(item, Style::Plain, true)).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Value::Object(map) if flow => {
            let entries: Option<Vec<_>> = map.iter().map(|(key, value)| pair(key, value)).collect();
            Some(format!("{{{}}}", entries?.join(", ")))
        }
        Value::Array(_) | Value::Object(_) => None,
        scalar => Some(scalar.to_string()),
    }
}

/// `key: value` inside `{}`.
pub(super) fn pair(key: &str, value: &Value) -> Option<String> {
    Some(format!("{}: {}", string(key, Style::Plain, true)?, inline(value, Style::Plain, true)?))
}

fn string(text: &str, style: Style, flow: bool) -> Option<String> {
    let odd = text.chars().any(|c| c == '\n' || crate::jobs::text::is_unsafe(c));
    if style == Style::Single && !odd {
        return Some(format!("'{}'", text.replace('\'', "''")));
    }
    if text.contains('\n') && !flow {
        return None;
    }
    let quoted = || write::escaped(Value::from(text).to_string());
    if style == Style::Double || text.contains('\n') {
        return Some(quoted());
    }
    let written = write::laid_out(&json!({ "k": text }), 2, true).ok()?;
    let written = written.strip_prefix("k: ")?.trim_end_matches('\n');
    let needs = written.contains('\n')
        || flow && !written.starts_with('"') && written.contains([',', '[', ']', '{', '}', '\'']);
    Some(if needs { quoted() } else { written.to_owned() })
}
