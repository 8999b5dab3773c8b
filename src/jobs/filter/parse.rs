//! From one lexeme to one term.

use super::{
    Fault, Hint,
    label::Labels,
    lex::{self, Body, Lexeme},
    pattern::{Expression, Pattern, Word},
    term::{KindWord, LengthField, NumberField, Quality, StateWord, Term, Test, TextField, WhenField},
    value::{Compare, Span, seconds},
};
use crate::jobs::{kind::Kind, near::nearest, state::WORDS, text::Clean};

/// Reads a term. A hint about one that still applies goes to `hints`.
pub(super) fn term(lexeme: &Lexeme<'_>, hints: &mut Vec<Hint>) -> Result<Term, Fault> {
    let test = match lexeme.body {
        Body::Regex { source, closed } => regex(source, closed, lexeme, hints)?,
        Body::Text("") => return Err(Fault::partial("not what? Write !word, !field:value or !/regex/")),
        Body::Text(raw) => {
            if lex::is_open(raw) {
                hints.push(Fault::partial("the quote isn't closed yet").at(lexeme.span.clone()));
            }
            text(raw)?
        }
    };
    Ok(Term { not: lexeme.not, test })
}

fn regex(source: &str, closed: bool, lexeme: &Lexeme<'_>, hints: &mut Vec<Hint>) -> Result<Test, Fault> {
    if source.is_empty() {
        return Err(Fault::partial("a regular expression: /llama-[0-9]+/"));
    }
    let expression = Expression::new(source).map_err(|error| {
        let what = error.to_string();
        let last = what.lines().last().unwrap_or_default().trim_start_matches("error: ");
        Fault { text: format!("regular expression: {last}"), partial: !closed }
    })?;
    if !closed {
        hints.push(Hint { span: lexeme.span.clone(), text: Clean::new("close it with /"), partial: true });
    }
    Ok(Test::Regex(expression))
}

fn text(raw: &str) -> Result<Test, Fault> {
    let name_end = raw.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(raw.len());
    let (name, rest) = raw.split_at(name_end);
    if !name.is_empty() {
        let name = name.to_ascii_lowercase();
        if let Some(test) = comparison(&name, rest) {
            return test;
        }
        if let Some(value) = rest.strip_prefix(':') {
            return field(&name, value);
        }
        if name == "attention" && rest.is_empty() {
            return Ok(Test::Is(vec![Quality::Attention]));
        }
    }
    lex::word(raw)
        .filter(|word| !word.text.is_empty())
        .map(|word| Test::Word(Word::new(word)))
        .ok_or_else(|| Fault::partial("a text in quotes: \"two words\""))
}

/// Fields with numbers: `name` then an operator. `None` if it is no such term.
fn comparison(name: &str, rest: &str) -> Option<Result<Test, Fault>> {
    let (op, value) = Compare::take(rest)?;
    if let Some(field) = NumberField::named(name) {
        return Some(number(field, op, value));
    }
    if let Some(field) = LengthField::named(name) {
        return Some(length(field, op, value));
    }
    None
}

fn number(field: NumberField, op: Compare, value: &str) -> Result<Test, Fault> {
    let parts = value.split(',').filter(|part| !part.is_empty());
    let numbers = parts
        .map(|part| part.parse().map_err(|_| Fault::wrong(format!("{}{op}{part}: a whole number", field.name()))))
        .collect::<Result<Vec<u32>, _>>()?;
    if numbers.is_empty() {
        return Err(Fault::partial(format!("{}: how many? {0}>=8, {0}=4,8", field.name())));
    }
    Ok(Test::Number(field, op, numbers))
}

fn length(field: LengthField, op: Compare, value: &str) -> Result<Test, Fault> {
    if op == Compare::Equal {
        return Err(Fault::wrong(format!("compare with < or >: {}<2h, {0}>1d", field.name())));
    }
    if value.is_empty() {
        return Err(Fault::partial(format!("{}: how long? {0}{op}2h", field.name())));
    }
    seconds(value).map(|seconds| Test::Length(field, op, seconds))
}

fn field(name: &str, raw: &str) -> Result<Test, Fault> {
    if name == "label" {
        return Labels::parse(raw).map(Test::Label);
    }
    let test = field_of(name).ok_or_else(|| unknown(name))?;
    let values = lex::values(raw);
    if values.is_empty() {
        return Err(Fault::partial(test.ask(name)));
    }
    let plain = || values.iter().map(|v| v.text.as_str());
    Ok(match test {
        Field::Text(field) => Test::Text(field, values.into_iter().map(Pattern::new).collect()),
        Field::Kind => Test::Kind(plain().map(kind).collect::<Result<_, _>>()?),
        Field::State => Test::State(plain().map(state).collect::<Result<_, _>>()?),
        Field::Is => Test::Is(plain().map(quality).collect::<Result<_, _>>()?),
        Field::When(field) => Test::When(field, plain().map(Span::parse).collect::<Result<_, _>>()?),
    })
}

enum Field {
    Text(TextField),
    Kind,
    State,
    Is,
    When(WhenField),
}

impl Field {
    /// What to write after the colon.
    fn ask(&self, name: &str) -> String {
        match self {
            Self::Text(_) => format!("{name}: part of it, =all of it, wild*cards, or \"\" for none"),
            Self::Kind => format!("kind: one of {}", kind_words().join(", ")),
            Self::State => "state: failed, degraded, running, queued, …".to_owned(),
            Self::Is => format!("is: one of {}", quality_words().join(", ")),
            Self::When(_) => format!("{name}: a day as 2026-11-01, or from..to with either end open"),
        }
    }
}

fn field_of(name: &str) -> Option<Field> {
    match name {
        "kind" => Some(Field::Kind),
        "state" => Some(Field::State),
        "is" => Some(Field::Is),
        _ => TextField::named(name).map(Field::Text).or_else(|| WhenField::named(name).map(Field::When)),
    }
}

fn unknown(name: &str) -> Fault {
    let names = TextField::NAMES.iter().map(|(n, _)| *n).chain(NumberField::NAMES.iter().map(|(n, _)| *n));
    let names = names.chain(WhenField::NAMES.iter().map(|(n, _)| *n)).chain(["kind", "state", "is", "label", "age"]);
    let near = nearest(name, names).map(|n| format!(" Did you mean {n}:?")).unwrap_or_default();
    Fault::wrong(format!("no field «{name}».{near} For the text itself write \"{name}:…\""))
}

fn kind(word: &str) -> Result<KindWord, Fault> {
    let lower = word.to_lowercase();
    let fits = |k: &Kind| k.info().kind.to_lowercase().starts_with(&lower) || k.info().short.starts_with(&lower);
    let kinds: Vec<Kind> = Kind::ALL.into_iter().filter(fits).collect();
    if kinds.is_empty() || lower.is_empty() {
        return Err(Fault::wrong(format!("no kind «{word}»: {}", kind_words().join(", "))));
    }
    Ok(KindWord { word: lower, kinds })
}

fn kind_words() -> Vec<&'static str> {
    let mut words: Vec<_> = Kind::ALL.iter().map(|k| k.info().short).collect();
    words.dedup();
    words
}

fn state(word: &str) -> Result<StateWord, Fault> {
    let lower: String = word.to_lowercase().chars().filter(|c| !matches!(c, '-' | '_' | ' ')).collect();
    let states: Vec<_> = WORDS.into_iter().filter(|w| w.to_lowercase().starts_with(&lower)).collect();
    if states.is_empty() || lower.is_empty() {
        return Err(Fault::wrong(format!("no state «{word}»: {}", WORDS.join(", ").to_lowercase())));
    }
    Ok(StateWord { word: lower, states })
}

fn quality(word: &str) -> Result<Quality, Fault> {
    Quality::named(&word.to_lowercase())
        .ok_or_else(|| Fault { text: format!("is: one of {}", quality_words().join(", ")), partial: is_start(word) })
}

fn is_start(word: &str) -> bool {
    Quality::NAMES.iter().any(|(name, _)| name.starts_with(word))
}

fn quality_words() -> Vec<&'static str> {
    Quality::NAMES.iter().map(|(name, _)| *name).collect()
}
