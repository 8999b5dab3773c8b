//! A line that is one JSON object, as structured loggers write them.
//!
//! Owns which fields hold what the program said, and who it was. Must not keep anything of the line.

use serde_json::{Map, Value};

/// Fields of the message, the likeliest first.
const MESSAGE: [&str; 6] = ["message", "msg", "event", "text", "@message", "log"];
/// Fields of what went wrong; each may have many lines.
const TROUBLE: [&str; 10] = [
    "error",
    "err",
    "exception",
    "exc_info",
    "exc_text",
    "traceback",
    "stacktrace",
    "stack_trace",
    "stack",
    "error.stack_trace",
];
const RANK: [&str; 3] = ["rank", "global_rank", "RANK"];
const HOST: [&str; 4] = ["pod", "pod_name", "hostname", "host"];
/// Numbers that are told with the message.
const MOST_NUMBERS: usize = 12;

/// What such a line says.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Said {
    /// The message with the numbers beside it, then what went wrong: as a program without such a logger writes it.
    pub(super) words: String,
    /// Who.
    pub(super) rank: Option<u32>,
    /// Where.
    pub(super) host: Option<String>,
}

/// Reads it; `None` for any other line, and for an object without a message.
pub(super) fn said(text: &str) -> Option<Said> {
    let text = text.trim();
    if !(text.starts_with("{\"") && text.ends_with('}')) {
        return None;
    }
    let object: Map<String, Value> = serde_json::from_str(text).ok()?;
    let mut words = first(&object, &MESSAGE).and_then(Value::as_str).map(ToOwned::to_owned).unwrap_or_default();
    let troubles: Vec<&str> = TROUBLE.iter().filter_map(|name| object.get(*name)).flat_map(texts).collect();
    if words.is_empty() && troubles.is_empty() {
        return None;
    }
    for (name, value) in object.iter().filter(|(_, value)| value.is_number()).take(MOST_NUMBERS) {
        words.extend([" ", name, "=", &value.to_string()]);
    }
    for trouble in troubles {
        words.push('\n');
        words.push_str(trouble);
    }
    let rank = first(&object, &RANK).and_then(|rank| match rank {
        Value::String(rank) => rank.parse().ok(),
        rank => u32::try_from(rank.as_u64()?).ok(),
    });
    let host = first(&object, &HOST).and_then(Value::as_str).map(ToOwned::to_owned);
    Some(Said { words, rank, host })
}

/// A text, or those of an object that tells of an error part by part.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Object(parts) => parts.values().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn first<'o>(object: &'o Map<String, Value>, names: &[&str]) -> Option<&'o Value> {
    names.iter().find_map(|name| object.get(*name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logger_s_object_is_read_as_what_the_program_said() {
        let line = r#"{"ts":"2026-10-19T14:03:01Z","level":"error","rank":4,"msg":"failed","exc_info":"Traceback:\n  File x\nKeyError: 'a'"}"#;
        let found = said(line).expect("an object");
        assert_eq!(
            found.words.lines().collect::<Vec<_>>(),
            ["failed rank=4", "Traceback:", "  File x", "KeyError: 'a'"]
        );
        assert_eq!((found.rank, found.host), (Some(4), None));
        let found = said(r#"{"msg":"failed","err":{"message":"CUDA out of memory","code":7}}"#).expect("an object");
        assert_eq!(found.words, "failed\nCUDA out of memory");
        let found = said(r#"{"event": "step", "loss": 0.5, "step": 10, "RANK": "3", "pod": "t-worker-1"}"#);
        let want = Said { words: "step loss=0.5 step=10".into(), rank: Some(3), host: Some("t-worker-1".into()) };
        assert_eq!(found, Some(want));
    }

    #[test]
    fn other_lines_are_not_touched() {
        for line in [
            "",
            "{",
            "{}",
            "{'loss': nan}",
            "{\"loss\": 1.5}",
            "{\"msg\": 3}",
            "{\"msg\": \"cut",
            "text {\"msg\": \"x\"}",
        ] {
            assert_eq!(said(line), None, "{line}");
        }
    }
}
