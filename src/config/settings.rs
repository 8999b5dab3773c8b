//! The settings: defaults, under `config.toml`, under `MPIDECK_…` variables, under arguments; each with its origin.
//!
//! Owns the one table of keys ([`KEYS`]), from which variables, the documentation and «did you mean» are made.

use std::{collections::BTreeMap, fmt, path::PathBuf, time::Duration};

use toml::de::{DeTable, DeValue};

use super::{
    alerts::{self, AlertJobs, AlertSettings, AlertSignal},
    context::{self, ContextSettings, one_of},
    files::{self, TextFile},
    notes::{Gravity, Note, line_and_column},
    paths::Paths,
    value::Value,
};
use crate::jobs::{capacity::NEARLY, compare::Goals, near::nearest};

/// Where a value comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    /// Built in.
    #[default]
    Default,
    /// A line of a file.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A command-line argument.
    Argument(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Argument(name) => write!(f, "{name}"),
        }
    }
}

/// A value and where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting<T> {
    /// The value.
    pub value: T,
    /// Where it was set.
    pub origin: Origin,
}

impl<T> Setting<T> {
    fn new(value: T) -> Self {
        Self { value, origin: Origin::Default }
    }

    /// What holds in a context that may say otherwise.
    fn or_of_context(&self, of_context: Option<T>) -> T
    where
        T: Clone,
    {
        // An argument or a variable is meant for this run, whatever the file says of the context.
        let here = matches!(self.origin, Origin::Default | Origin::File(..));
        of_context.filter(|_| here).unwrap_or_else(|| self.value.clone())
    }

    /// Lays another value over it.
    pub fn set(&mut self, value: T, origin: Origin) {
        *self = Self { value, origin };
    }
}

/// `color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColorSetting {
    /// Find out.
    #[default]
    Auto,
    /// None.
    Never,
    /// 16.
    Ansi16,
    /// 256.
    Ansi256,
    /// 24 bits.
    True,
}

/// Everything that can be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Name of a theme.
    pub theme: Setting<String>,
    /// Name of a keymap.
    pub keymap: Setting<String>,
    /// Colours.
    pub color: Setting<ColorSetting>,
    /// Only ASCII; `None` is «find out».
    pub ascii: Setting<Option<bool>>,
    /// Report clicks and the wheel.
    pub mouse: Setting<bool>,
    /// How long a request may take.
    pub request_timeout: Setting<Duration>,
    /// No changes, in any context.
    pub read_only: Setting<bool>,
    /// The editor; `None` is `$VISUAL`, `$EDITOR`, `vi`.
    pub editor: Setting<Option<String>>,
    /// Keep what will vanish of jobs.
    pub record: Setting<bool>,
    /// Bytes of all records.
    pub records_size: Setting<u64>,
    /// Bytes of one job's record.
    pub record_size: Setting<u64>,
    /// Age after which a record goes.
    pub records_age: Setting<Duration>,
    /// The pager; `None` is `$PAGER`, `less`.
    pub pager: Setting<Option<String>>,
    /// Bytes that the logs of the open job may take.
    pub log_memory: Setting<u64>,
    /// Log streams that are read at once.
    pub log_streams: Setting<usize>,
    /// How long a log that told of progress may say nothing.
    pub stall_after: Setting<Duration>,
    /// What compared runs should reach of the baseline's speed by accelerator, in percent.
    pub goal_efficiency: Setting<usize>,
    /// So many samples a second compared runs should reach; `None`: no goal.
    pub goal_speed: Setting<Option<usize>>,
    /// Whose limits and advice manifests are checked by.
    pub profile: Setting<String>,
    /// Of which jobs changes are told.
    pub alerts: Setting<AlertJobs>,
    /// From so many percent on a quota is nearly full; `None`: quotas are not looked at.
    pub alert_quota: Setting<Option<u64>>,
    /// How the terminal tells beside the footer.
    pub alert_signal: Setting<Vec<AlertSignal>>,
    /// Program and arguments to run at each.
    pub alert_command: Setting<Vec<String>>,
    /// That program alters the cluster.
    pub alert_changes: Setting<bool>,
    /// Additions to the palette: a word, and the command line that it stands for.
    pub aliases: BTreeMap<String, String>,
    /// By context name.
    pub contexts: BTreeMap<String, ContextSettings>,
}

/// The keys outside tables: name, what it takes, default, what it does.
pub const KEYS: &[(&str, &str, &str, &str)] = &[
    ("theme", "text", "terminal", "name of a theme: built in, or a file themes/NAME.toml beside the settings"),
    ("keymap", "text", "default", "name of a keymap; a file keymaps/NAME.toml is laid over the built-in one"),
    ("color", "auto, never, 16, 256, true", "auto", "how many colours are written"),
    ("ascii", "true or false", "by locale", "draw with ASCII only"),
    ("mouse", "true or false", "false", "take clicks and the wheel (the terminal's own selection then needs shift)"),
    ("request-timeout", "length of time", "30s", "how long a request may take"),
    ("read-only", "true or false", "false", "no command that changes a cluster can run"),
    ("editor", "text", "$VISUAL, $EDITOR, vi", "program that edits text outside the console"),
    (
        "record",
        "true or false",
        "true",
        "keep on disk what will vanish of jobs, see docs/records.md; off writes nothing",
    ),
    ("records-size", "size", "500M", "bytes of all records; the oldest go first"),
    ("record-size", "size", "16M", "bytes of one job's record, at least 1M; of logs the newest lines stay"),
    ("records-age", "length of time", "30d", "records that nothing was added to for so long go"),
    ("pager", "text", "$PAGER, less", "program, with arguments, that shows logs outside the console"),
    ("log-memory", "size", "64M", "what the logs of the open job may take; older lines are dropped beyond it"),
    ("log-streams", "a number", "8", "logs that are read at once of the open job, its launcher first"),
    (
        "stall-after",
        "length of time",
        "10m",
        "so long the log of a job that trains may say nothing before that is told",
    ),
    (
        "goal-efficiency",
        "a number",
        "80",
        "percent of the baseline's speed by GPU that compared runs should reach, see docs/compare.md",
    ),
    ("goal-speed", "a number", "none", "samples (or what is counted) a second that compared runs should reach"),
    (
        "profile",
        "operator or openshift-ai",
        "operator",
        "whose limits and advice manifests are checked by, see docs/checks.md",
    ),
    (
        "alerts",
        "off, pinned or watched",
        "watched",
        "of which jobs changes are told, see docs/alerts.md; off tells nothing",
    ),
    ("alert-quota", "a percentage or off", "90", "from so much on a quota of the scope is told of"),
    ("alert-signal", "list of bell, osc9, osc777", "none", "how the terminal tells of it, beside the footer"),
    ("alert-command", "list of texts", "none", "program and arguments that are run at each, without a shell"),
    ("alert-changes", "true or false", "false", "that program alters the cluster: read-only refuses it then"),
];

impl Default for Config {
    fn default() -> Self {
        Self {
            theme: Setting::new("terminal".to_owned()),
            keymap: Setting::new("default".to_owned()),
            color: Setting::default(),
            ascii: Setting::default(),
            mouse: Setting::default(),
            request_timeout: Setting::new(Duration::from_secs(30)),
            read_only: Setting::default(),
            editor: Setting::default(),
            record: Setting::new(true),
            records_size: Setting::new(500 << 20),
            record_size: Setting::new(16 << 20),
            records_age: Setting::new(Duration::from_hours(30 * 24)),
            pager: Setting::default(),
            log_memory: Setting::new(64 << 20),
            log_streams: Setting::new(8),
            stall_after: Setting::new(Duration::from_mins(10)),
            goal_efficiency: Setting::new(80),
            goal_speed: Setting::default(),
            profile: Setting::new("operator".to_owned()),
            alerts: Setting::default(),
            alert_quota: Setting::new(Some(NEARLY)),
            alert_signal: Setting::default(),
            alert_command: Setting::default(),
            alert_changes: Setting::default(),
            aliases: BTreeMap::new(),
            contexts: BTreeMap::new(),
        }
    }
}

/// What [`Config::load`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What there is to say about them.
    pub notes: Vec<Note>,
}

impl Loaded {
    /// The notes that forbid to go on.
    pub fn errors(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().filter(|note| note.gravity == Gravity::Error)
    }
}

impl Config {
    /// Defaults, under the settings file, under the environment.
    pub fn load(paths: Option<&Paths>, env: impl Fn(&str) -> Option<String>) -> Loaded {
        let mut loaded = Loaded::default();
        if let Some(path) = paths.map(Paths::settings) {
            match files::read(&path) {
                Ok(None) => {}
                Ok(Some(file)) => Reader { path: &path, file: &file, loaded: &mut loaded }.read(),
                Err(note) => loaded.notes.push(note),
            }
        }
        for (key, ..) in KEYS {
            let name = variable(key);
            let Some(text) = env(&name).filter(|text| !text.is_empty()) else { continue };
            let origin = Origin::Variable(name.clone());
            if let Err(what) = loaded.config.set(key, Value::Text(text), origin) {
                loaded.notes.push(Note::about(Gravity::Error, format!("${name}"), &what));
            }
        }
        loaded
    }

    /// Whether jobs are recorded in a context.
    pub fn records_in(&self, context: &str) -> bool {
        self.record.or_of_context(self.context(context).record)
    }

    /// How long a request to a context may take.
    pub fn request_timeout_in(&self, context: &str) -> Duration {
        self.request_timeout.or_of_context(self.context(context).request_timeout)
    }

    /// The profile that manifests for a context are checked by.
    pub fn profile_in(&self, context: &str) -> String {
        self.profile.or_of_context(self.context(context).profile)
    }

    /// All that is set of alerts.
    pub fn alerts(&self) -> AlertSettings {
        AlertSettings {
            jobs: self.alerts.value,
            quota: self.alert_quota.value,
            signals: self.alert_signal.value.clone(),
            command: self.alert_command.value.clone(),
            changes: self.alert_changes.value,
        }
    }

    /// What compared runs should reach.
    pub fn goals(&self) -> Goals {
        let count = |n: usize| u32::try_from(n).ok();
        Goals { efficiency: count(self.goal_efficiency.value), speed: self.goal_speed.value.and_then(count) }
    }

    /// What is set for a context; defaults if nothing is.
    pub fn context(&self, name: &str) -> ContextSettings {
        self.contexts.get(name).cloned().unwrap_or_default()
    }

    /// Takes a value for `key`. `Ok(false)`: there is no such key.
    fn set(&mut self, key: &str, value: Value, origin: Origin) -> Result<bool, String> {
        match key {
            "theme" => self.theme.set(value.text()?, origin),
            "keymap" => self.keymap.set(value.text()?, origin),
            "color" => self.color.set(color(value)?, origin),
            "ascii" => self.ascii.set(Some(value.flag()?), origin),
            "mouse" => self.mouse.set(value.flag()?, origin),
            "request-timeout" => self.request_timeout.set(value.request_limit()?, origin),
            "read-only" => self.read_only.set(value.flag()?, origin),
            "record" => self.record.set(value.flag()?, origin),
            "records-size" => self.records_size.set(value.size(1 << 20)?, origin),
            "record-size" => self.record_size.set(value.size(1 << 20)?, origin),
            "records-age" => self.records_age.set(value.duration()?, origin),
            "editor" => self.editor.set(Some(value.text()?), origin),
            "pager" => self.pager.set(Some(value.text()?), origin),
            "log-memory" => self.log_memory.set(value.size(1 << 20)?, origin),
            "log-streams" => self.log_streams.set(value.count(200)?, origin),
            "stall-after" => self.stall_after.set(value.duration()?, origin),
            "goal-efficiency" => self.goal_efficiency.set(value.count(1_000)?, origin),
            "goal-speed" => self.goal_speed.set(Some(value.count(1_000_000_000)?), origin),
            "profile" => self.profile.set(context::profile(value)?, origin),
            "alerts" => self.alerts.set(alerts::jobs(value)?, origin),
            "alert-quota" => self.alert_quota.set(alerts::quota(value)?, origin),
            "alert-signal" => self.alert_signal.set(alerts::signals(value)?, origin),
            "alert-command" => self.alert_command.set(alerts::command(value)?, origin),
            "alert-changes" => self.alert_changes.set(value.flag()?, origin),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// The variable that sets a key.
pub fn variable(key: &str) -> String {
    format!("MPIDECK_{}", key.replace('-', "_").to_ascii_uppercase())
}

fn color(value: Value) -> Result<ColorSetting, String> {
    let word = one_of(value, &["auto", "never", "16", "256", "true"])?;
    Ok(match word.as_str() {
        "never" => ColorSetting::Never,
        "16" => ColorSetting::Ansi16,
        "256" => ColorSetting::Ansi256,
        "true" => ColorSetting::True,
        _ => ColorSetting::Auto,
    })
}

/// Reads one settings file into what is loaded.
struct Reader<'a> {
    path: &'a PathBuf,
    file: &'a TextFile,
    loaded: &'a mut Loaded,
}

type Entry<'a, 'i> = (&'a toml::Spanned<toml::de::DeString<'i>>, &'a toml::Spanned<DeValue<'i>>);

impl Reader<'_> {
    fn read(&mut self) {
        let file = self.file;
        let table = match DeTable::parse(&file.text) {
            Ok(table) => table,
            Err(error) => {
                let byte = error.span().map_or(0, |span| span.start);
                self.note(Gravity::Error, byte, error.message(), "nothing of this file is used until it is mended");
                return;
            }
        };
        if file.others_read
            && let Some((key, byte)) = secret_key(table.get_ref())
        {
            let what = format!("«{key}» holds or names a secret, and others can read this file (mode {:o})", file.mode);
            self.note(Gravity::Error, byte, &what, &format!("chmod 600 {}", self.path.display()));
            return;
        }
        for entry in table.get_ref() {
            self.entry(entry);
        }
    }

    fn entry(&mut self, (key, value): Entry<'_, '_>) {
        let (name, byte) = (key.get_ref().as_ref(), key.span().start);
        match (name, value.get_ref()) {
            ("context", DeValue::Table(contexts)) => {
                for (name, settings) in contexts {
                    self.context(name.get_ref(), settings);
                }
            }
            ("aliases", DeValue::Table(aliases)) => {
                for (word, line) in aliases {
                    match Value::from(line.get_ref()).text() {
                        Ok(line) => {
                            self.loaded.config.aliases.insert(word.get_ref().to_string(), line);
                        }
                        Err(what) => self.bad(word.get_ref(), line.span().start, &what),
                    }
                }
            }
            ("context" | "aliases", _) => self.bad(name, value.span().start, "is not a table"),
            _ => {
                let origin = Origin::File(self.path.clone(), line_and_column(&self.file.text, byte).0);
                let known = KEYS.iter().map(|key| key.0).chain(["context", "aliases"]);
                let result = self.loaded.config.set(name, Value::from(value.get_ref()), origin);
                self.result(name, byte, value.span().start, result, known);
            }
        }
    }

    fn context(&mut self, name: &str, settings: &toml::Spanned<DeValue<'_>>) {
        let DeValue::Table(table) = settings.get_ref() else {
            self.bad(name, settings.span().start, "is not a table");
            return;
        };
        let mut context = ContextSettings::default();
        for (key, value) in table {
            let result = context.set(key.get_ref(), Value::from(value.get_ref()));
            let known = context::KEYS.iter().map(|key| key.0);
            self.result(key.get_ref(), key.span().start, value.span().start, result, known);
        }
        self.loaded.config.contexts.insert(name.to_owned(), context);
    }

    fn result<'k>(
        &mut self,
        key: &str,
        key_at: usize,
        value_at: usize,
        result: Result<bool, String>,
        known: impl IntoIterator<Item = &'k str>,
    ) {
        match result {
            Ok(true) => {}
            Ok(false) => {
                let hint = nearest(key, known).map(|name| format!("did you mean «{name}»?"));
                self.note(Gravity::Warning, key_at, &format!("unknown key «{key}»"), &hint.unwrap_or_default());
            }
            Err(what) => self.bad(key, value_at, &what),
        }
    }

    fn bad(&mut self, key: &str, byte: usize, what: &str) {
        let rows = KEYS.iter().map(|k| (k.0, k.1)).chain(context::KEYS.iter().map(|k| (k.0, k.1)));
        let takes = rows.into_iter().find(|row| row.0 == key).map(|row| format!("it takes {}", row.1));
        self.note(Gravity::Error, byte, &format!("{key}: {what}"), &takes.unwrap_or_default());
    }

    fn note(&mut self, gravity: Gravity, byte: usize, what: &str, hint: &str) {
        let note = Note::in_file(gravity, self.path, &self.file.text, byte, what).hint(hint);
        self.loaded.notes.push(note);
    }
}

/// The first key, at any depth, that holds or names a secret.
fn secret_key(table: &DeTable<'_>) -> Option<(String, usize)> {
    table.iter().find_map(|(key, value)| match value.get_ref() {
        DeValue::Table(inner) => secret_key(inner),
        _ if files::is_secret_key(key.get_ref()) => Some((key.get_ref().to_string(), key.span().start)),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
