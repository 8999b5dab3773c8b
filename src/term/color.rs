//! Colours as a terminal takes them: the best that it has for the one that a theme wants.
//!
//! Owns the reduction of 24-bit colours to 256 and 16. Must not choose a colour; themes do.

use ratatui::style::Color;

use super::caps::ColorMode;

/// What to write for a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The terminal's own.
    Default,
    /// One of the sixteen of its palette.
    Palette(u8),
    /// One of the 256.
    Indexed(u8),
    /// Any.
    Rgb(u8, u8, u8),
}

/// `color` as far as `mode` can show it.
pub fn reduce(color: Color, mode: ColorMode) -> Ink {
    let ink = ink(color);
    match (mode, ink) {
        (ColorMode::Never, _) => Ink::Default,
        (ColorMode::Ansi16, Ink::Indexed(n)) => {
            let (r, g, b) = rgb_of(n);
            Ink::Palette(nearest_of_16(r, g, b))
        }
        (ColorMode::Ansi16, Ink::Rgb(r, g, b)) => Ink::Palette(nearest_of_16(r, g, b)),
        (ColorMode::Ansi256, Ink::Rgb(r, g, b)) => Ink::Indexed(nearest_of_256(r, g, b)),
        (_, ink) => ink,
    }
}

fn ink(color: Color) -> Ink {
    let palette = match color {
        Color::Reset => return Ink::Default,
        Color::Rgb(r, g, b) => return Ink::Rgb(r, g, b),
        Color::Indexed(n) if n >= 16 => return Ink::Indexed(n),
        Color::Indexed(n) => n,
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
    };
    Ink::Palette(palette)
}

const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

/// The usual values of the sixteen (xterm's); a user's palette may differ, which is what they want.
const SIXTEEN: [(u8, u8, u8); 16] = [
    (0, 0, 0),
    (205, 0, 0),
    (0, 205, 0),
    (205, 205, 0),
    (0, 0, 238),
    (205, 0, 205),
    (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127),
    (255, 0, 0),
    (0, 255, 0),
    (255, 255, 0),
    (92, 92, 255),
    (255, 0, 255),
    (0, 255, 255),
    (255, 255, 255),
];

fn rgb_of(index: u8) -> (u8, u8, u8) {
    match index {
        0..16 => SIXTEEN[usize::from(index)],
        16..232 => {
            let n = usize::from(index - 16);
            (STEPS[n / 36], STEPS[n / 6 % 6], STEPS[n % 6])
        }
        232.. => {
            let level = 8 + 10 * (index - 232);
            (level, level, level)
        }
    }
}

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    let part = |x: u8, y: u8, weight: u32| u32::from(x.abs_diff(y)).pow(2) * weight;
    part(a.0, b.0, 3) + part(a.1, b.1, 4) + part(a.2, b.2, 2)
}

fn nearest(r: u8, g: u8, b: u8, among: impl Iterator<Item = u8>) -> u8 {
    among.min_by_key(|&n| distance((r, g, b), rgb_of(n))).unwrap_or(7)
}

/// Channels that differ by less make a grey.
const GREY: u8 = 32;

/// By hue, not by distance: soft colours are nearer to a grey than to any of the sixteen, and red must stay red. Greys in
/// their middle become the lighter one: bright black can't be read on some palettes.
fn nearest_of_16(r: u8, g: u8, b: u8) -> u8 {
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    let light = (u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b)) / 10;
    if most - least < GREY {
        return match light {
            0..50 => 0,
            50..120 => 8,
            120..230 => 7,
            _ => 15,
        };
    }
    let middle = u16::midpoint(most.into(), least.into());
    let has = |channel: u8, bit: u8| if u16::from(channel) > middle { bit } else { 0 };
    let bright = if light > 140 || most >= 240 { 8 } else { 0 };
    bright + has(r, 1) + has(g, 2) + has(b, 4)
}

fn nearest_of_256(r: u8, g: u8, b: u8) -> u8 {
    let step = |v: u8| (0u8..6).min_by_key(|&i| STEPS[usize::from(i)].abs_diff(v)).unwrap_or(0);
    let cube = 16 + 36 * step(r) + 6 * step(g) + step(b);
    nearest(r, g, b, std::iter::once(cube).chain(232..=255))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reduces_to_the_nearest_that_there_is() {
        assert_eq!(reduce(Color::Rgb(255, 0, 0), ColorMode::True), Ink::Rgb(255, 0, 0));
        assert_eq!(reduce(Color::Rgb(255, 0, 0), ColorMode::Ansi256), Ink::Indexed(196));
        assert_eq!(reduce(Color::Rgb(250, 5, 5), ColorMode::Ansi16), Ink::Palette(9));
        assert_eq!(reduce(Color::Indexed(196), ColorMode::Ansi16), Ink::Palette(9));
        assert_eq!(reduce(Color::Rgb(128, 128, 128), ColorMode::Ansi256), Ink::Indexed(244));
        assert_eq!(reduce(Color::Indexed(3), ColorMode::Ansi256), reduce(Color::Yellow, ColorMode::Ansi256));
        assert_eq!(reduce(Color::Red, ColorMode::Never), Ink::Default);
    }

    #[test]
    fn of_sixteen_the_hue_is_kept() {
        let soft =
            [("#ff7b72", 9), ("#8fce7a", 10), ("#f2c14e", 11), ("#8ab4f0", 12), ("#d0a8f0", 13), ("#7fc8d8", 14)];
        let strong = [("#b3261e", 1), ("#1a6b2c", 2), ("#8a5a00", 3), ("#1f5bb5", 4), ("#0a5c8a", 6)];
        let greys = [("#1d1f24", 0), ("#565d6b", 8), ("#8b93a3", 7), ("#d5d9e0", 7), ("#ffffff", 15)];
        for (rgb, n) in soft.into_iter().chain(strong).chain(greys) {
            let color: Color = rgb.parse().expect("a colour");
            assert_eq!(reduce(color, ColorMode::Ansi16), Ink::Palette(n), "{rgb}");
        }
    }

    #[test]
    fn every_index_is_its_own_nearest() {
        for n in 16..=255u8 {
            let (r, g, b) = rgb_of(n);
            let Ink::Indexed(found) = reduce(Color::Rgb(r, g, b), ColorMode::Ansi256) else { panic!("not indexed") };
            assert_eq!(rgb_of(found), (r, g, b), "{n}");
        }
    }
}
