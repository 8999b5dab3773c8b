//! Kubernetes quantities (`500m`, `16Gi`, `1e3`): read as the API server reads them, written for people.
//!
//! Owns the number format and its units. Must not know resources: what a number counts is the caller's.

/// An amount, exact to one billionth. What is finer is rounded away from zero, what is larger stops at
/// [`Quantity::MAX`], as in the API server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Quantity(i128);

const NANO: i128 = 1_000_000_000;

impl Quantity {
    /// The largest amount (2⁶³ − 1).
    pub const MAX: Self = Self(i64::MAX as i128 * NANO);

    /// Reads `[+-]digits[.digits][suffix]`, where the suffix is `n u m k M G T P E`, `Ki … Ei`, or an exponent
    /// (`e3`, `E-2`). `None` if it is anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, rest) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, suffix) = rest.split_at(end);
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.len() + fraction.len() == 0 || fraction.contains('.') {
            return None;
        }
        let scaled = scale(whole, fraction, multiplier(suffix)?);
        let nano = scaled.unwrap_or(Self::MAX.0).min(Self::MAX.0);
        Some(Self(if negative { -nano } else { nano }))
    }

    /// Whole units, rounded up; `None` below zero.
    pub fn units(self) -> Option<u64> {
        self.ceil(NANO)
    }

    /// Thousandths, rounded up; `None` below zero.
    pub fn milli(self) -> Option<u64> {
        self.ceil(NANO / 1000)
    }

    fn ceil(self, step: i128) -> Option<u64> {
        let whole = u128::try_from(self.0).ok()?.div_ceil(step.unsigned_abs());
        Some(u64::try_from(whole).unwrap_or(u64::MAX))
    }
}

/// What a suffix multiplies by: `2^shift · 10^power`.
#[derive(Clone, Copy)]
struct Multiplier {
    shift: u32,
    power: i32,
}

fn multiplier(suffix: &str) -> Option<Multiplier> {
    const DECIMAL: [(&str, i32); 10] =
        [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
    const BINARY: [(&str, u32); 6] = [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
    if let Some((_, power)) = DECIMAL.iter().find(|(text, _)| *text == suffix) {
        return Some(Multiplier { shift: 0, power: *power });
    }
    if let Some((_, shift)) = BINARY.iter().find(|(text, _)| *text == suffix) {
        return Some(Multiplier { shift: *shift, power: 0 });
    }
    let exponent = suffix.strip_prefix(['e', 'E'])?;
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i32>().unwrap_or(i32::MAX).min(1000);
    Some(Multiplier { shift: 0, power: if exponent.starts_with('-') { -size } else { size } })
}

/// `whole.fraction · by` in billionths, rounded up; `None` if that is beyond any quantity.
fn scale(whole: &str, fraction: &str, by: Multiplier) -> Option<i128> {
    let digits = whole.bytes().chain(fraction.bytes()).map(|b| i128::from(b - b'0'));
    let (mut value, mut power, mut inexact) = (0i128, by.power + 9 - i32::try_from(fraction.len()).ok()?, false);
    let mut dropped = 0;
    for digit in digits {
        // 27 significant digits are more than any amount in billionths has room for.
        if value < 10i128.pow(26) {
            value = value * 10 + digit;
        } else {
            dropped += 1;
            inexact |= digit != 0;
        }
    }
    power += dropped;
    if value == 0 && !inexact {
        return Some(0);
    }
    while power > 0 {
        value = value.checked_mul(10)?;
        power -= 1;
    }
    // Doubling before dividing by tens keeps `.5Gi` exact.
    let mut shift = by.shift;
    while power < 0 || shift > 0 {
        if shift > 0 && value < i128::MAX / 4 {
            value *= 2;
            shift -= 1;
        } else if power < 0 {
            inexact |= value % 10 != 0;
            value /= 10;
            power += 1;
        } else {
            return None;
        }
    }
    Some(value + i128::from(inexact))
}

/// CPU in thousandths of a core.
pub fn parse_cpu_milli(text: &str) -> Option<u64> {
    Quantity::parse(text)?.milli()
}

/// Memory or storage in bytes.
pub fn parse_bytes(text: &str) -> Option<u64> {
    Quantity::parse(text)?.units()
}

/// A count of devices.
pub fn parse_count(text: &str) -> Option<u32> {
    Some(u32::try_from(Quantity::parse(text)?.units()?).unwrap_or(u32::MAX))
}

/// «1 pod», «2 pods».
pub fn counted(n: u64, one: &str) -> String {
    format!("{n} {one}{}", if n == 1 { "" } else { "s" })
}

/// Bytes in the largest binary unit that keeps at most one decimal: `512Mi`, `16Gi`, `1.5Gi`, `100`.
pub fn format_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let mut unit = 0;
    while unit + 1 < UNITS.len() && bytes >> (10 * (unit + 1)) > 0 {
        unit += 1;
    }
    tenths((u128::from(bytes) * 10) >> (10 * unit), UNITS[unit])
}

/// Thousandths of a core: `250m`, `4`, `2.5`.
pub fn format_cpu(milli: u64) -> String {
    if milli < 1000 && milli != 0 { format!("{milli}m") } else { tenths(u128::from(milli / 100), "") }
}

fn tenths(value: u128, unit: &str) -> String {
    match value % 10 {
        0 => format!("{}{unit}", value / 10),
        rest => format!("{}.{rest}{unit}", value / 10),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_kubernetes_accepts() {
        for (text, nano) in [
            ("0", 0),
            ("1", NANO),
            ("100m", NANO / 10),
            ("100n", 100),
            ("1u", 1000),
            (".5", NANO / 2),
            ("5.", 5 * NANO),
            ("1.5Gi", 3 * (1i128 << 29) * NANO),
            ("1e3", 1000 * NANO),
            ("1E3", 1000 * NANO),
            ("1E-2", NANO / 100),
            ("1E", 1_000_000_000_000_000_000 * NANO),
            ("1Ei", (1i128 << 60) * NANO),
            ("+2", 2 * NANO),
            ("-2", -2 * NANO),
            ("0.1n", 1),
            ("0.0000000001Ei", 115_292_150_460_684_698),
            ("100Ei", Quantity::MAX.0),
            ("9e999999999999", Quantity::MAX.0),
            ("0e999", 0),
        ] {
            assert_eq!(Quantity::parse(text), Some(Quantity(nano)), "{text}");
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "+", ".", "1.2.3", "1 ", " 1", "1gi", "1K", "1e", "1e+", "Gi", "1Gi1", "0x1", "1ki", "１", "--1"]
        {
            assert_eq!(Quantity::parse(text), None, "{text}");
        }
    }

    #[test]
    fn units_are_rounded_up_and_never_negative() {
        assert_eq!(parse_cpu_milli("1n"), Some(1));
        assert_eq!(parse_cpu_milli("2.0001"), Some(2001));
        assert_eq!(parse_bytes("1500m"), Some(2));
        assert_eq!(parse_count("8"), Some(8));
        assert_eq!(parse_bytes("-1"), None);
    }

    #[test]
    fn writes_amounts_short() {
        assert_eq!(
            [0, 100, 1536, 16 << 30, 3 << 29, u64::MAX].map(format_bytes),
            ["0", "100", "1.5Ki", "16Gi", "1.5Gi", "15.9Ei"].map(str::to_owned)
        );
        assert_eq!([0, 250, 4000, 2500].map(format_cpu), ["0", "250m", "4", "2.5"].map(str::to_owned));
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            let _ = Quantity::parse(&text);
        }

        #[test]
        fn suffixes_are_powers(n in 0u64..4_000_000_000, power in 0u32..3) {
            let (decimal, binary) = (["k", "M", "G"][power as usize], ["Ki", "Mi", "Gi"][power as usize]);
            prop_assert_eq!(parse_bytes(&format!("{n}{decimal}")), Some(n * 1000u64.pow(power + 1)));
            prop_assert_eq!(parse_bytes(&format!("{n}{binary}")), Some(n << (10 * (power + 1))));
            prop_assert_eq!(parse_bytes(&format!("{n}e{}", 3 * (power + 1))), parse_bytes(&format!("{n}{decimal}")));
        }

        #[test]
        fn whole_units_survive_writing(n in 1u64..1024, unit in 0usize..6) {
            let bytes = n << (10 * unit);
            prop_assert_eq!(parse_bytes(&format_bytes(bytes)), Some(bytes));
        }
    }
}
