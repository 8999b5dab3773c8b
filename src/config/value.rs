//! A value as a file, a variable or an argument gives it, and what it is taken for.
//!
//! Owns the words for «yes», durations and lists, so that all three sources read alike.

use std::time::Duration;

use toml::de::DeValue;

/// What was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text.
    Text(String),
    /// `true` or `false`.
    Flag(bool),
    /// A whole number.
    Number(i64),
    /// A list of texts.
    Texts(Vec<String>),
    /// Anything that no setting takes.
    Other(&'static str),
}

impl From<&DeValue<'_>> for Value {
    fn from(value: &DeValue<'_>) -> Self {
        match value {
            DeValue::String(text) => Self::Text(text.to_string()),
            DeValue::Boolean(flag) => Self::Flag(*flag),
            DeValue::Integer(number) => number.to_string().parse().map_or(Self::Other("a number"), Self::Number),
            DeValue::Float(_) => Self::Other("a fraction"),
            DeValue::Datetime(_) => Self::Other("a date"),
            DeValue::Table(_) => Self::Other("a table"),
            DeValue::Array(items) => {
                let text = |item: &toml::Spanned<DeValue<'_>>| item.get_ref().as_str().map(str::to_owned);
                items.iter().map(text).collect::<Option<_>>().map_or(Self::Other("a list of other things"), Self::Texts)
            }
        }
    }
}

impl Value {
    /// As text.
    pub fn text(self) -> Result<String, String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Number(number) => Ok(number.to_string()),
            other => Err(format!("is {}, not a text in quotes", other.kind())),
        }
    }

    /// As yes or no; variables may also say 1, yes, on.
    pub fn flag(self) -> Result<bool, String> {
        match self {
            Self::Flag(flag) => Ok(flag),
            Self::Text(text) => match text.to_ascii_lowercase().as_str() {
                "true" | "1" | "yes" | "on" => Ok(true),
                "false" | "0" | "no" | "off" => Ok(false),
                _ => Err(format!("«{text}» is neither true nor false")),
            },
            other => Err(format!("is {}, not true or false", other.kind())),
        }
    }

    /// As a length of time: `30s`, `2m`, `1m30s`, `1h`, or a number of seconds.
    pub fn duration(self) -> Result<Duration, String> {
        match self {
            Self::Number(seconds) => {
                u64::try_from(seconds).map(Duration::from_secs).map_err(|_| "is negative".to_owned())
            }
            Self::Text(text) => duration(&text).ok_or_else(|| format!("«{text}» is not a length of time")),
            other => Err(format!("is {}, not a length of time", other.kind())),
        }
    }

    /// As the longest time that a request may take, as [`request_limit`] has it.
    pub fn request_limit(self) -> Result<Duration, String> {
        self.duration().map(request_limit)
    }

    /// As a number of bytes, at least `least`: `500M`, `2G`, or bytes.
    pub fn size(self, least: u64) -> Result<u64, String> {
        let bytes = match self {
            Self::Number(bytes) => u64::try_from(bytes).ok(),
            Self::Text(text) => size(&text),
            other => return Err(format!("is {}, not a size", other.kind())),
        };
        match bytes {
            Some(bytes) if bytes >= least => Ok(bytes),
            Some(_) => Err(format!("is less than {least} bytes")),
            None => Err("is not a size like 500M or 2G".to_owned()),
        }
    }

    /// As a number from 1 to `most`.
    pub fn count(self, most: usize) -> Result<usize, String> {
        let text = self.text()?;
        let count = text.parse().ok().filter(|n| (1..=most).contains(n));
        count.ok_or_else(|| format!("«{text}» is not a number from 1 to {most}"))
    }

    /// As a list; one text is a list of one, and a variable's is split at commas.
    pub fn texts(self) -> Result<Vec<String>, String> {
        match self {
            Self::Texts(texts) => Ok(texts),
            Self::Text(text) => Ok(text.split(',').map(|part| part.trim().to_owned()).collect()),
            other => Err(format!("is {}, not a list of texts", other.kind())),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Flag(_) => "true or false",
            Self::Number(_) => "a number",
            Self::Texts(_) => "a list",
            Self::Other(what) => what,
        }
    }
}

/// The longest time that a request may take: `0` is no limit, as kubectl has it; nothing is waited for longer than a day.
pub fn request_limit(time: Duration) -> Duration {
    const DAY: Duration = Duration::from_hours(24);
    if time.is_zero() { DAY } else { time.min(DAY) }
}

/// A century: clocks can't count much further.
const LONGEST: Duration = Duration::from_hours(24 * 36_525);

/// Reads `30s`, `2m`, `1m30s`, `1h30m`, `500ms`, or seconds without a unit; up to a century.
pub fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds)).filter(|time| *time <= LONGEST);
    }
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|&n| n > 0)?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|c: char| c.is_ascii_digit()).map_or(rest.len(), |n| digits + n);
        total = total.checked_add(match &rest[digits..unit_end] {
            "ms" => Duration::from_millis(number),
            "s" => Duration::from_secs(number),
            "m" => Duration::from_secs(number.checked_mul(60)?),
            "h" => Duration::from_secs(number.checked_mul(3600)?),
            "d" => Duration::from_secs(number.checked_mul(86_400)?),
            _ => return None,
        })?;
        rest = &rest[unit_end..];
    }
    (!text.is_empty() && total <= LONGEST).then_some(total)
}

/// Reads `16M`, `500MB`, `1.5Gi`; the letters mean powers of 1024.
fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let number: f64 = number.parse().ok()?;
    let power = match unit.trim().to_ascii_lowercase().trim_end_matches('b').trim_end_matches('i') {
        "" => 0,
        "k" => 10,
        "m" => 20,
        "g" => 30,
        "t" => 40,
        _ => return None,
    };
    let bytes = number * (1u64 << power) as f64;
    (bytes.is_finite() && bytes < (1u64 << 60) as f64).then_some(bytes as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_kubectl_writes_them() {
        assert_eq!(duration("90"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        for wrong in ["", "s", "1x", "-1s", "1 s", "99999999999999999999h", "18446744073709551615", "40000d"] {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_request_may_take_a_day_at_most_and_nought_is_no_limit() {
        let limit = |text: &str| Value::Text(text.into()).request_limit();
        assert_eq!([limit("0"), limit("0s"), limit("9000d")], [Duration::from_hours(24); 3].map(Ok));
        assert_eq!(limit("250ms"), Ok(Duration::from_millis(250)));
        assert!(limit("soon").is_err());
    }

    #[test]
    fn sizes_in_powers_of_1024() {
        let size = |text: &str| Value::Text(text.into()).size(1);
        assert_eq!([size("500M"), size("16MiB"), size("1.5g"), size("42")], [500 << 20, 16 << 20, 3 << 29, 42].map(Ok));
        for wrong in ["", "M", "-1M", "1X", "0", "9999999999999T"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn flags_and_lists_from_text() {
        assert_eq!(Value::Text("Yes".into()).flag(), Ok(true));
        assert!(Value::Text("maybe".into()).flag().is_err() && Value::Number(1).flag().is_err());
        assert_eq!(Value::Text("a, b".into()).texts(), Ok(vec!["a".into(), "b".into()]));
    }
}
