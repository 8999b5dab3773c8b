//! What every verb needs before it begins: paths, settings, the terminal's abilities, a log.
//!
//! Owns the last two layers of the settings: arguments over variables over file over defaults.

use std::path::PathBuf;

use super::{
    args::{Color, Global},
    exit::Failure,
    log, print,
};
use crate::{
    config::{ColorSetting, Config, Gravity, Loaded, Origin, Paths, notes::Note},
    disk::records::{Bounds, Records},
    term::caps::{Caps, ColorMode, Wishes},
};

/// The start of a run.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where things live; `None` for a user without a home.
    pub paths: Option<Paths>,
    /// The settings.
    pub config: Config,
    /// What there is to say about the settings (warnings; errors end the run).
    pub notes: Vec<Note>,
    /// What the terminal can do.
    pub caps: Caps,
    /// Where the log is written.
    pub log: Option<PathBuf>,
}

/// Reads a variable; one that is not Unicode counts as unset.
pub fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The program that the first of these variables names. An empty one counts as unset, as git and crontab have it.
pub fn program(variables: &[&str]) -> Option<String> {
    first_program(variables.iter().filter_map(|name| env(name)))
}

fn first_program(mut values: impl Iterator<Item = String>) -> Option<String> {
    values.find(|value| !value.trim().is_empty())
}

impl Setup {
    /// Seconds of silence of a log that trains which are nothing special.
    pub fn stall(&self) -> u32 {
        u32::try_from(self.config.stall_after.value.as_secs()).unwrap_or(u32::MAX)
    }

    /// Reads settings and environment, lays the arguments over them and starts the log.
    pub fn new(global: &Global) -> Result<Self, Failure> {
        let paths = Paths::find(env);
        let Loaded { mut config, notes } = Config::load(paths.as_ref(), env);
        if let Some(first) = notes.iter().find(|note| note.gravity == Gravity::Error) {
            return Err(Failure::usage(&first.to_string()).hint("mpideck info shows what is read from where"));
        }
        lay_over(&mut config, global);
        let caps = Caps::detect(wishes(&config), env);
        let log = global.log_file.clone().or_else(|| paths.as_ref().map(Paths::log));
        if let Some(path) = &log {
            log::start(path, global.log_file.is_some(), env("MPIDECK_LOG").as_deref())?;
        }
        Ok(Self { paths, config, notes, caps, log })
    }

    /// What is kept of jobs, with its bounds.
    pub fn records(&self) -> Option<Records> {
        let config = &self.config;
        let age = u32::try_from(config.records_age.value.as_secs()).unwrap_or(u32::MAX);
        let bounds = Bounds { total: config.records_size.value, job: config.record_size.value, age };
        Some(Records::new(self.paths.as_ref()?.records(), bounds))
    }

    /// Prints the warnings, for verbs without a screen of their own.
    pub fn complain(&self) {
        for note in &self.notes {
            print::complain(&format!("warning: {note}"));
        }
    }
}

/// Lays arguments over what was read.
fn lay_over(config: &mut Config, global: &Global) {
    if let Some(theme) = &global.theme {
        config.theme.set(theme.clone(), Origin::Argument("--theme"));
    }
    if let Some(keymap) = &global.keymap {
        config.keymap.set(keymap.clone(), Origin::Argument("--keymap"));
    }
    if let Some(timeout) = global.request_timeout {
        config.request_timeout.set(timeout, Origin::Argument("--request-timeout"));
    }
    if global.read_only {
        config.read_only.set(true, Origin::Argument("--read-only"));
    }
    if global.ascii {
        config.ascii.set(Some(true), Origin::Argument("--ascii"));
    }
    if global.mouse {
        config.mouse.set(true, Origin::Argument("--mouse"));
    }
    if let Some(color) = global.color {
        let color = match color {
            Color::Auto => ColorSetting::Auto,
            Color::Never => ColorSetting::Never,
            Color::Ansi16 => ColorSetting::Ansi16,
            Color::Ansi256 => ColorSetting::Ansi256,
            Color::True => ColorSetting::True,
        };
        config.color.set(color, Origin::Argument("--color"));
    }
}

fn wishes(config: &Config) -> Wishes {
    let color = match config.color.value {
        ColorSetting::Auto => None,
        ColorSetting::Never => Some(ColorMode::Never),
        ColorSetting::Ansi16 => Some(ColorMode::Ansi16),
        ColorSetting::Ansi256 => Some(ColorMode::Ansi256),
        ColorSetting::True => Some(ColorMode::True),
    };
    Wishes { color, ascii: config.ascii.value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_names_no_program() {
        let of = |values: &[&str]| first_program(values.iter().map(|value| (*value).to_owned()));
        assert_eq!(of(&["", " ", "vim -n"]).as_deref(), Some("vim -n"));
        assert_eq!(of(&["", "\t"]), None);
    }

    #[test]
    fn an_argument_wins_and_says_so() {
        let mut config = Config::default();
        let global = Global { theme: Some("dark".into()), color: Some(Color::Never), ..Global::default() };
        lay_over(&mut config, &global);
        assert_eq!((config.theme.value.as_str(), config.theme.origin.to_string()), ("dark", "--theme".to_owned()));
        assert_eq!(wishes(&config).color, Some(ColorMode::Never));
        assert_eq!(config.keymap.origin, Origin::Default);
    }
}
