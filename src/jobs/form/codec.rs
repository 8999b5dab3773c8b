//! How a value is written in one line, and read again.

use serde_json::{Map, Value, json};

use super::{Shown, script::Hook, words};
use crate::jobs::quantity::parse_bytes;

/// The shape of a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// Text as it is.
    Text,
    /// A whole number from 0 on.
    Number,
    /// A whole number from 1 on.
    Count,
    /// true or false.
    Bool,
    /// A quantity: `4`, `500m`, `16Gi`.
    Quantity,
    /// A list of words, as on a command line.
    Words,
    /// A map of texts: `a=b, c=d`.
    Pairs,
    /// Environment variables: `A=1 'B=two words'`; those with another source stay.
    Env,
    /// A list of objects that have a name each: `a, b`.
    Names,
    /// Tolerations: `key=value:NoSchedule`, `key:NoExecute`, `key`.
    Tolerations,
    /// A list of texts: `a, b`.
    Texts,
    /// Volumes of a pod and where its first container has them.
    Mounts,
    /// One of our presets for affinity.
    Affinity,
    /// Shell commands around the program of a container.
    Script(Hook),
    /// Text that all else follows from: it is not changed here.
    Fixed,
}

impl Codec {
    /// The value as one line.
    pub fn show(self, value: &Value) -> Shown {
        let text = match self {
            Self::Words => texts(value).filter(|all| !all.iter().any(|w| w.contains('\n'))).map(words::join),
            Self::Texts => {
                texts(value).filter(|all| !all.iter().any(|w| w.contains([',', ' ']))).map(|all| all.join(", "))
            }
            Self::Pairs => pairs(value),
            Self::Env => env(value),
            Self::Names => names(value),
            Self::Tolerations => tolerations(value),
            _ => scalar(value),
        };
        text.map_or_else(|| Shown::Long(long(value)), Shown::Text)
    }

    /// Reads a line, which is not empty. `before` is what stands there now.
    pub fn parse(self, typed: &str, before: Option<&Value>) -> Result<Value, String> {
        match self {
            Self::Text => Ok(json!(typed)),
            Self::Number => number(typed, 0),
            Self::Count => number(typed, 1),
            Self::Bool => match typed {
                "true" | "yes" | "on" => Ok(json!(true)),
                "false" | "no" | "off" => Ok(json!(false)),
                _ => Err("true or false".to_owned()),
            },
            Self::Quantity => quantity(typed, before),
            Self::Words => words::split(typed).map(|all| json!(all)).ok_or_else(|| "a quote is not closed".to_owned()),
            Self::Texts => Ok(json!(listed(typed))),
            Self::Pairs => read_pairs(typed),
            Self::Env => read_env(typed, before),
            Self::Names => Ok(listed(typed).iter().map(|name| json!({ "name": name })).collect()),
            Self::Tolerations => listed(typed).iter().map(|one| toleration(one)).collect(),
            Self::Mounts | Self::Affinity | Self::Script(_) => Err("it is read with its manifest".to_owned()),
            Self::Fixed => Err("another one needs other fields: begin with a template of it".to_owned()),
        }
    }
}

/// What can't be said in a line, in a few words.
fn long(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let lines: usize = items.iter().filter_map(Value::as_str).map(|text| text.lines().count()).sum();
            if lines > items.len() {
                format!("{lines} lines, in the text")
            } else {
                format!("{} items, in the text", items.len())
            }
        }
        _ => "in the text".to_owned(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.contains('\n') => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(on) => Some(on.to_string()),
        _ => None,
    }
}

fn texts(value: &Value) -> Option<Vec<&str>> {
    value.as_array()?.iter().map(Value::as_str).collect()
}

fn listed(typed: &str) -> Vec<String> {
    typed.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

fn number(typed: &str, least: u32) -> Result<Value, String> {
    let number = typed.parse::<u32>().ok().filter(|n| *n >= least && i32::try_from(*n).is_ok());
    number.map(|n| json!(n)).ok_or_else(|| format!("a whole number from {least} on"))
}

/// A number stays a number where it was one.
fn quantity(typed: &str, before: Option<&Value>) -> Result<Value, String> {
    let is_milli = typed.strip_suffix('m').is_some_and(|n| n.parse::<u64>().is_ok());
    if parse_bytes(typed).is_none() && !is_milli {
        return Err("a quantity like 4, 500m or 16Gi".to_owned());
    }
    let plain = typed.parse::<u64>().ok().filter(|_| before.is_none_or(Value::is_number));
    Ok(plain.map_or_else(|| json!(typed), |n| json!(n)))
}

fn pairs(value: &Value) -> Option<String> {
    let pair = |(key, value): (&String, &Value)| {
        let value = value.as_str().filter(|value| !value.contains([',', '\n', '\'', '"']))?;
        Some(format!("{key}={value}"))
    };
    let all: Option<Vec<_>> = value.as_object()?.iter().map(pair).collect();
    all.map(|all| all.join(", "))
}

fn read_pairs(typed: &str) -> Result<Value, String> {
    let pair = |part: &str| {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("write «{part}» as key=value"))?;
        if key.trim().is_empty() {
            Err("a key is missing".to_owned())
        } else {
            Ok((key.trim().to_owned(), json!(value.trim())))
        }
    };
    let parts = typed.split(',').map(str::trim).filter(|part| !part.is_empty());
    parts.map(pair).collect::<Result<Map<_, _>, String>>().map(Value::Object)
}

/// Stands for a value that comes from somewhere else.
const FROM: &str = "(from elsewhere)";

fn env(value: &Value) -> Option<String> {
    let one = |item: &Value| {
        let name = item["name"].as_str()?;
        let value = match (item.get("value"), item.get("valueFrom")) {
            (None, Some(_)) => FROM,
            (None, None) => "",
            (Some(value), _) => value.as_str().filter(|value| !value.contains('\n'))?,
        };
        Some(format!("{name}={value}"))
    };
    let all: Option<Vec<_>> = value.as_array()?.iter().map(one).collect();
    all.map(|all| words::join(all.iter().map(String::as_str)))
}

fn read_env(typed: &str, before: Option<&Value>) -> Result<Value, String> {
    let old = |name: &str| before?.as_array()?.iter().find(|item| item["name"].as_str() == Some(name));
    let one = |word: &String| {
        let (name, value) = word.split_once('=').ok_or_else(|| format!("write «{word}» as NAME=value"))?;
        if name.is_empty() {
            return Err("a name is missing".to_owned());
        }
        match old(name) {
            Some(item) if value == FROM => Ok(item.clone()),
            _ if value == FROM => Err(format!("say where {name} comes from in the text")),
            Some(item) if item["value"].as_str().unwrap_or_default() == value && item.get("valueFrom").is_none() => {
                Ok(item.clone())
            }
            _ => Ok(json!({ "name": name, "value": value })),
        }
    };
    let words = words::split(typed).ok_or("a quote is not closed")?;
    words.iter().map(one).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

fn names(value: &Value) -> Option<String> {
    let only_name =
        |item: &Value| Some(item.as_object().filter(|item| item.len() == 1)?.get("name")?.as_str()?.to_owned());
    let all: Option<Vec<_>> = value.as_array()?.iter().map(only_name).collect();
    all.map(|all| all.join(", "))
}

fn tolerations(value: &Value) -> Option<String> {
    let one = |item: &Value| {
        let fields = item.as_object()?;
        let text = |key: &str| item[key].as_str().unwrap_or_default();
        if fields.keys().any(|key| !["key", "operator", "value", "effect"].contains(&key.as_str()))
            || text("key").is_empty()
        {
            return None;
        }
        let equal = text("operator") != "Exists";
        let value = if equal { format!("={}", text("value")) } else { String::new() };
        let effect = if text("effect").is_empty() { String::new() } else { format!(":{}", text("effect")) };
        Some(format!("{}{value}{effect}", text("key")))
    };
    let all: Option<Vec<_>> = value.as_array()?.iter().map(one).collect();
    all.map(|all| all.join(", "))
}

fn toleration(text: &str) -> Result<Value, String> {
    let (rest, effect) = text.split_once(':').map_or((text, None), |(rest, effect)| (rest, Some(effect)));
    if effect.is_some_and(|effect| !["NoSchedule", "PreferNoSchedule", "NoExecute"].contains(&effect)) {
        return Err("the effect is NoSchedule, PreferNoSchedule or NoExecute".to_owned());
    }
    let mut made = match rest.split_once('=') {
        Some((key, value)) => json!({ "key": key, "operator": "Equal", "value": value }),
        None => json!({ "key": rest, "operator": "Exists" }),
    };
    if let Some(effect) = effect {
        made["effect"] = json!(effect);
    }
    Ok(made)
}
