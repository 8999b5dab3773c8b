//! Where things live: XDG variables first, then what the system says.
//!
//! Owns the names of our directories and files. Must not touch them.

use std::path::{Path, PathBuf};

/// The directories of one user, and what is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// `config.toml`, `commands.toml`, `keymaps/`, `themes/`, `templates/`, `rules.toml`.
    pub config: PathBuf,
    /// What we keep: remembered views, the log.
    pub state: PathBuf,
}

impl Paths {
    /// Finds them through `env`: `MPIDECK_CONFIG_DIR` and `MPIDECK_STATE_DIR`, then `XDG_CONFIG_HOME` and
    /// `XDG_STATE_HOME`, then the system's own. `None` for a user without a home.
    pub fn find(env: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let own = directories::ProjectDirs::from("", "", "mpideck");
        let home = env("HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
        // A cron job has none, and must find what was kept with one.
        let home = home.or_else(|| directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_path_buf()));
        let find = |override_: &str, xdg: &str, in_home: &str, system: Option<PathBuf>| {
            let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
            absolute(override_)
                .or_else(|| absolute(xdg).map(|dir| dir.join("mpideck")))
                .or_else(|| if cfg!(target_os = "macos") { None } else { Some(home.as_ref()?.join(in_home)) })
                .or(system)
        };
        let system = |pick: fn(&directories::ProjectDirs) -> &Path| own.as_ref().map(|dirs| pick(dirs).to_path_buf());
        Some(Self {
            config: find(
                "MPIDECK_CONFIG_DIR",
                "XDG_CONFIG_HOME",
                ".config/mpideck",
                system(directories::ProjectDirs::config_dir),
            )?,
            state: find(
                "MPIDECK_STATE_DIR",
                "XDG_STATE_HOME",
                ".local/state/mpideck",
                system(directories::ProjectDirs::data_local_dir),
            )?,
        })
    }

    /// The settings.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// The user's own commands.
    pub fn commands(&self) -> PathBuf {
        self.config.join("commands.toml")
    }

    /// A keymap, laid over the built-in one of this name.
    pub fn keymap(&self, name: &str) -> PathBuf {
        self.config.join("keymaps").join(format!("{name}.toml"))
    }

    /// A theme.
    pub fn theme(&self, name: &str) -> PathBuf {
        self.config.join("themes").join(format!("{name}.toml"))
    }

    /// Diagnosis rules, laid over the built-in ones.
    pub fn rules(&self) -> PathBuf {
        self.config.join("rules.toml")
    }

    /// What the console remembers between runs.
    pub fn remembered(&self) -> PathBuf {
        self.state.join("remembered.json")
    }

    /// What is kept of jobs.
    pub fn records(&self) -> PathBuf {
        self.state.join("records")
    }

    /// The user's own templates of jobs.
    pub fn templates(&self) -> PathBuf {
        self.config.join("templates")
    }

    /// Manifests that are written and not sent yet.
    pub fn drafts(&self) -> PathBuf {
        self.state.join("drafts")
    }

    /// What is kept of changes to clusters.
    pub fn changes(&self) -> PathBuf {
        self.state.join("changes")
    }

    /// What a person saves or copies, unless they name another place.
    pub fn saved(&self) -> PathBuf {
        self.state.join("saved")
    }

    /// The log.
    pub fn log(&self) -> PathBuf {
        self.state.join("mpideck.log")
    }
}

/// A path as a person writes it: with `~` for the home directory.
pub fn short(path: &Path, home: Option<&str>) -> String {
    match home.filter(|home| !home.is_empty()).and_then(|home| path.strip_prefix(home).ok()) {
        Some(rest) => format!("~/{}", rest.display()),
        None => path.display().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(vars: &[(&str, &str)]) -> Paths {
        Paths::find(|name| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())).expect("a home")
    }

    #[test]
    fn an_override_wins_then_xdg_then_home() {
        let home = ("HOME", "/home/u");
        assert_eq!(find(&[home, ("MPIDECK_CONFIG_DIR", "/c"), ("XDG_CONFIG_HOME", "/x")]).config, Path::new("/c"));
        assert_eq!(find(&[home, ("XDG_CONFIG_HOME", "/x")]).config, Path::new("/x/mpideck"));
        assert_eq!(find(&[home, ("XDG_STATE_HOME", "/s")]).log(), Path::new("/s/mpideck/mpideck.log"));
        #[cfg(target_os = "linux")]
        assert_eq!(find(&[home]).settings(), Path::new("/home/u/.config/mpideck/config.toml"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn without_a_variable_for_home_it_is_where_it_is_with_one() {
        let Some(dirs) = directories::BaseDirs::new() else { return };
        let with = find(&[("HOME", dirs.home_dir().to_str().expect("a plain home"))]);
        assert_eq!(find(&[]).state, with.state);
        assert_eq!(find(&[("HOME", "")]).state, with.state);
    }

    #[test]
    fn a_relative_xdg_directory_is_ignored_as_its_specification_says() {
        assert!(find(&[("HOME", "/home/u"), ("XDG_CONFIG_HOME", "x")]).config.is_absolute());
    }

    #[test]
    fn home_is_a_tilde() {
        assert_eq!(short(Path::new("/home/u/a"), Some("/home/u")), "~/a");
        assert_eq!(short(Path::new("/etc/a"), Some("/home/u")), "/etc/a");
        assert_eq!(short(Path::new("/etc/a"), Some("")), "/etc/a");
    }
}
