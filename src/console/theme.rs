//! Roles and how they look. The only place that knows colours; the terminal's side reduces them to what it can show.
//!
//! Owns `themes/*.toml` and the symbols of states. No state is told by colour alone: each has a symbol, ASCII ones too.

use std::fmt;

use ratatui::style::{Color, Modifier, Style};
use toml::de::{DeTable, DeValue};

use super::keymap_file::Complaint;
use crate::jobs::state::{Severity, State};

/// The themes that come with the program: name and text.
pub const BUILTIN: [(&str, &str); 4] = [
    ("terminal", include_str!("../../themes/terminal.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("dark", include_str!("../../themes/dark.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
];

macro_rules! roles {
    ($($role:ident $name:literal $about:literal;)*) => {
        /// What a piece of the screen is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Role {
            $(#[doc = $about] $role,)*
        }

        impl Role {
            /// Every role, in the order of the files.
            pub const ALL: &[Self] = &[$(Self::$role),*];

            /// Its name in theme files.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$role => $name,)* }
            }
        }
    };
}

roles! {
    Text "text" "Plain text, and the screen's background.";
    Dim "dim" "What matters less: ages, notes, separators.";
    Title "title" "Headings and the name of what one looks at.";
    Heading "heading" "Column headings.";
    Key "key" "A key in a hint.";
    Label "label" "The name of a field.";
    Selected "selected" "The name in the selected row.";
    Marker "marker" "The sign before the selected row, and marks.";
    Match "match" "What a search or filter hit.";
    Border "border" "Lines of boxes.";
    Cursor "cursor" "The cursor of a prompt.";
    Good "good" "Works; it worked.";
    Done "done" "Over, or at rest.";
    Wait "wait" "Waits.";
    Warn "warn" "May be wrong.";
    Bad "bad" "Is wrong.";
    Stale "stale" "Last known, not current.";
    Prod "prod" "A context that the config marks red.";
    ReadOnly "read-only" "The read-only badge.";
    YamlKey "yaml-key" "Key of a manifest.";
    YamlString "yaml-string" "Text in a manifest.";
    YamlNumber "yaml-number" "Number or boolean in a manifest.";
    YamlComment "yaml-comment" "Comment, or a value filled in by default.";
}

/// How every role looks, and with which symbols.
#[derive(Clone, Debug)]
pub struct Theme {
    styles: Vec<Style>,
    /// Symbols and lines of ASCII only.
    pub ascii: bool,
}

impl Theme {
    /// The compiled-in theme of this name (`terminal` if there is none such), with its complaints (none, tested).
    pub fn builtin(name: &str, ascii: bool) -> (Self, Vec<Complaint>) {
        let (known, text) = BUILTIN.into_iter().find(|(builtin, _)| *builtin == name).unwrap_or(BUILTIN[0]);
        let mut theme = Self { styles: vec![Style::new(); Role::ALL.len()], ascii };
        let complaints = theme.overlay(&format!("themes/{known}.toml"), text);
        (theme, complaints)
    }

    /// Lays a file over what is there.
    pub fn overlay(&mut self, file: &str, text: &str) -> Vec<Complaint> {
        let mut complaints = Vec::new();
        let mut complain = |at: usize, what: String| {
            let line = 1 + text.bytes().take(at).filter(|b| *b == b'\n').count();
            complaints.push(Complaint { file: file.to_owned(), line, what });
        };
        match DeTable::parse(text) {
            Err(error) => complain(error.span().map_or(0, |span| span.start), error.message().to_owned()),
            Ok(table) => {
                for (name, value) in table.get_ref() {
                    let role = Role::ALL.iter().position(|role| role.name() == name.get_ref());
                    match (role, value.get_ref()) {
                        (None, _) => complain(name.span().start, format!("there is no role «{}»", name.get_ref())),
                        (Some(role), DeValue::String(text)) => match parse_style(text) {
                            Ok(style) => self.styles[role] = style,
                            Err(word) => complain(value.span().start, format!("«{word}» is no colour and no modifier")),
                        },
                        (Some(_), _) => complain(value.span().start, "expected text in quotes".to_owned()),
                    }
                }
            }
        }
        complaints
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles.get(role as usize).copied().unwrap_or_default()
    }

    /// How a severity looks.
    pub fn severity(&self, severity: Severity) -> Style {
        self.style(Role::of(severity))
    }

    /// How a log line's own colours look: one of the 16, which are the terminal's.
    pub fn sgr(&self, colour: Option<u8>, bold: bool, underlined: bool) -> Style {
        let mut style = self.style(Role::Text);
        if let Some(colour) = colour {
            style = style.fg(Color::Indexed(colour & 15));
        }
        if bold {
            style = style.add_modifier(Modifier::BOLD);
        }
        if underlined {
            style = style.add_modifier(Modifier::UNDERLINED);
        }
        style
    }

    /// The symbol of a state, one column wide.
    pub const fn symbol(&self, state: &State) -> &'static str {
        let (fine, ascii) = match state {
            State::Queued => (":", ":"),
            State::Paused | State::Suspended => ("=", "="),
            State::Preempted => ("<", "<"),
            State::Inadmissible | State::Invalid | State::Blocked | State::Degraded => ("!", "!"),
            State::Remote => ("»", "@"),
            State::OperatorSilent | State::Unreadable => ("?", "?"),
            State::Pending { .. } => ("◦", "o"),
            State::Starting => ("▹", "^"),
            State::Running => ("▸", "*"),
            State::Restarting { .. } => ("↻", "r"),
            State::Succeeded => ("✓", "+"),
            State::Failed(_) => ("✗", "x"),
            State::Terminating => ("-", "-"),
        };
        if self.ascii { ascii } else { fine }
    }

    /// The sign before the selected row.
    pub const fn marker(&self) -> &'static str {
        if self.ascii { ">" } else { "▌" }
    }

    /// What ends a text that is cut off.
    pub const fn ellipsis(&self) -> &'static str {
        if self.ascii { "~" } else { "…" }
    }

    /// Between things in one line.
    pub const fn separator(&self) -> &'static str {
        if self.ascii { "|" } else { "│" }
    }

    /// Lines of a box: horizontal, vertical, and its four corners from the top left clockwise.
    pub const fn lines(&self) -> [&'static str; 6] {
        if self.ascii { ["-", "|", "+", "+", "+", "+"] } else { ["─", "│", "┌", "┐", "┘", "└"] }
    }
}

/// The colour that a context has in the config: `red`, `#ff8800`, ….
pub fn context_style(theme: &Theme, colour: Option<&str>) -> Style {
    match colour {
        Some("red") => theme.style(Role::Prod),
        Some(colour) => {
            parse_style(colour).map_or_else(|_| theme.style(Role::Title), |s| s.add_modifier(Modifier::BOLD))
        }
        None => theme.style(Role::Title),
    }
}

fn parse_style(text: &str) -> Result<Style, String> {
    let (mut style, mut background) = (Style::new(), false);
    for word in text.split_whitespace() {
        if word == "on" {
            background = true;
            continue;
        }
        if let Some(modifier) = modifier(word) {
            style = style.add_modifier(modifier);
            continue;
        }
        let color = color(word).ok_or_else(|| word.to_owned())?;
        style = if background { style.bg(color) } else { style.fg(color) };
        background = false;
    }
    Ok(style)
}

fn modifier(word: &str) -> Option<Modifier> {
    Some(match word {
        "bold" => Modifier::BOLD,
        "dim" => Modifier::DIM,
        "italic" => Modifier::ITALIC,
        "underlined" => Modifier::UNDERLINED,
        "reversed" => Modifier::REVERSED,
        _ => return None,
    })
}

fn color(word: &str) -> Option<Color> {
    Some(match word {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "white" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "bright-white" => Color::White,
        _ => {
            let hex = word.strip_prefix('#').filter(|hex| hex.len() == 6)?;
            let rgb = u32::from_str_radix(hex, 16).ok()?;
            Color::Rgb((rgb >> 16) as u8, (rgb >> 8) as u8, rgb as u8)
        }
    })
}

impl Role {
    /// The role of a severity.
    pub const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Bad => Self::Bad,
            Severity::Warn => Self::Warn,
            Severity::Wait => Self::Wait,
            Severity::Good => Self::Good,
            Severity::Done => Self::Done,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::*;

    #[test]
    fn builtin_themes_are_whole() {
        for (name, text) in BUILTIN {
            let (_, complaints) = Theme::builtin(name, false);
            assert_eq!(complaints, [], "{name}");
            for role in Role::ALL {
                assert!(text.lines().any(|line| line.starts_with(&format!("{role} ="))), "{name} has no {role}");
            }
        }
    }

    #[test]
    fn complaints_name_the_line() {
        let (mut theme, _) = Theme::builtin("terminal", false);
        let complaints = theme.overlay("my.toml", "good = \"greeen\"\nbadd = \"red\"\nwarn = \"#ff8800 bold\"\n");
        let said: Vec<_> = complaints.iter().map(ToString::to_string).collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said.iter().any(|s| s.starts_with("my.toml:1: «greeen»")), "{said:?}");
        assert_eq!(theme.style(Role::Warn).fg, Some(Color::Rgb(255, 136, 0)));
    }

    #[test]
    fn symbols_are_one_column() {
        for ascii in [false, true] {
            let (theme, _) = Theme::builtin("terminal", ascii);
            for state in [State::Queued, State::Remote, State::Starting, State::Running, State::Succeeded] {
                assert_eq!(theme.symbol(&state).width(), 1);
            }
            assert_eq!((theme.marker().width(), theme.ellipsis().width()), (1, 1));
        }
    }
}
