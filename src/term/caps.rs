//! What the terminal can show, from the environment and what the user said.
//!
//! Owns the rules in their order; asks the terminal nothing (an answer that comes late over ssh is typed text).

/// Which colours are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColorMode {
    /// None; bold, underline and reverse remain.
    Never,
    /// The sixteen of the user's palette.
    #[default]
    Ansi16,
    /// 256.
    Ansi256,
    /// 24 bits.
    True,
}

impl ColorMode {
    /// The word of `--color` for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Ansi16 => "16",
            Self::Ansi256 => "256",
            Self::True => "true",
        }
    }
}

/// What a terminal can show, and where it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// Colours.
    pub color: ColorMode,
    /// Only ASCII may be drawn.
    pub ascii: bool,
    /// Inside tmux.
    pub tmux: bool,
    /// Inside GNU screen.
    pub screen: bool,
    /// At the other end of an ssh connection.
    pub ssh: bool,
    /// The value of `TERM`.
    pub term: String,
}

/// What the user asked for, on the command line or in the configuration. `None` is «find out».
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// `--color`, or `color` of the configuration.
    pub color: Option<ColorMode>,
    /// `--ascii`, or `ascii` of the configuration.
    pub ascii: Option<bool>,
}

impl Caps {
    /// Reads the environment through `env` (empty values count as unset).
    pub fn detect(wishes: Wishes, env: impl Fn(&str) -> Option<String>) -> Self {
        let env = |name: &str| env(name).filter(|value| !value.is_empty());
        let term = env("TERM").unwrap_or_default();
        let color = wishes.color.unwrap_or_else(|| color(&term, &env));
        let ascii = wishes.ascii.unwrap_or_else(|| term == "linux" || !is_utf8(&env));
        Self {
            color,
            ascii,
            tmux: env("TMUX").is_some(),
            screen: env("STY").is_some() || (term.starts_with("screen") && env("TMUX").is_none()),
            ssh: env("SSH_CONNECTION").is_some() || env("SSH_TTY").is_some(),
            term,
        }
    }

    /// Whether a full-screen program can work at all: a terminal that can't move its cursor gets `--once`.
    pub fn is_dumb(&self) -> bool {
        self.term.is_empty() || self.term == "dumb"
    }
}

fn color(term: &str, env: &impl Fn(&str) -> Option<String>) -> ColorMode {
    let true_color = matches!(env("COLORTERM").as_deref(), Some("truecolor" | "24bit"));
    if env("NO_COLOR").is_some() || term.is_empty() || term == "dumb" {
        ColorMode::Never
    } else if term == "linux" || term.starts_with("vt") {
        ColorMode::Ansi16
    } else if (true_color && !term.starts_with("screen")) || term.ends_with("-direct") {
        ColorMode::True
    } else if term.contains("256color") {
        ColorMode::Ansi256
    } else {
        ColorMode::Ansi16
    }
}

/// As the C library decides: the first of these three that is set.
fn is_utf8(env: &impl Fn(&str) -> Option<String>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(env).unwrap_or_default();
    let locale = locale.to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caps(wishes: Wishes, vars: &[(&str, &str)]) -> Caps {
        Caps::detect(wishes, |name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned()))
    }

    fn color_of(vars: &[(&str, &str)]) -> ColorMode {
        caps(Wishes::default(), vars).color
    }

    #[test]
    fn colours_follow_the_order_of_the_rules() {
        assert_eq!(color_of(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]), ColorMode::Never);
        assert_eq!(color_of(&[("TERM", "xterm-256color"), ("NO_COLOR", "")]), ColorMode::Ansi256);
        assert_eq!(color_of(&[("TERM", "linux"), ("COLORTERM", "truecolor")]), ColorMode::Ansi16);
        assert_eq!(color_of(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), ColorMode::True);
        assert_eq!(color_of(&[("TERM", "screen-256color"), ("COLORTERM", "truecolor")]), ColorMode::Ansi256);
        assert_eq!(color_of(&[("TERM", "xterm-direct")]), ColorMode::True);
        assert_eq!(color_of(&[("TERM", "xterm")]), ColorMode::Ansi16);
        assert_eq!(color_of(&[]), ColorMode::Never);
        let asked = Wishes { color: Some(ColorMode::True), ascii: None };
        assert_eq!(caps(asked, &[("TERM", "xterm"), ("NO_COLOR", "1")]).color, ColorMode::True);
    }

    #[test]
    fn ascii_where_the_locale_or_the_console_has_nothing_else() {
        let ascii = |vars: &[(&str, &str)]| caps(Wishes::default(), vars).ascii;
        assert!(!ascii(&[("TERM", "xterm"), ("LANG", "en_US.UTF-8")]));
        assert!(!ascii(&[("TERM", "xterm"), ("LC_ALL", "C.utf8"), ("LANG", "C")]));
        assert!(ascii(&[("TERM", "xterm"), ("LC_ALL", "C"), ("LANG", "en_US.UTF-8")]));
        assert!(ascii(&[("TERM", "xterm")]));
        assert!(ascii(&[("TERM", "linux"), ("LANG", "en_US.UTF-8")]));
        let asked = Wishes { color: None, ascii: Some(false) };
        assert!(!caps(asked, &[("TERM", "linux")]).ascii);
    }

    #[test]
    fn knows_the_multiplexer() {
        assert!(caps(Wishes::default(), &[("TERM", "screen"), ("TMUX", "/tmp/t,1,0")]).tmux);
        assert!(!caps(Wishes::default(), &[("TERM", "screen"), ("TMUX", "/tmp/t,1,0")]).screen);
        assert!(caps(Wishes::default(), &[("TERM", "screen")]).screen);
        assert!(caps(Wishes::default(), &[("TERM", "dumb")]).is_dumb());
    }
}
