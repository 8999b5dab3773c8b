//! What the command line hands to the console.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    ids::{CommandId, Context},
    key,
    keymap::Keymap,
    keymap_file::Complaint,
    model::{draft::Opening, session::Scope},
    theme::Theme,
};
use crate::{
    cluster::{Problem, Target, target::Now},
    config::{
        Config, Origin, Paths,
        commands::{self, Target as About, UserCommand},
    },
    disk::records::Records,
    jobs::causes::Rules,
    term::caps::Caps,
};

/// Reads the kubeconfig. Called off the loop, after the first frame, and again on a reconnect without a context.
pub type LoadTarget = Arc<dyn Fn() -> Result<Target, Problem> + Send + Sync>;

/// Everything that the console needs to begin.
#[derive(Clone)]
pub struct Start {
    /// The way to the clusters; its context is the one to open first.
    pub load: LoadTarget,
    /// Namespaces asked for (`-n`, `-A`); else the rules for a start apply.
    pub scope: Option<Scope>,
    /// `--read-only`: for every context.
    pub read_only: bool,
    /// Settings.
    pub config: Config,
    /// Where files are; without them nothing is remembered.
    pub paths: Option<Paths>,
    /// Where and how jobs are recorded; `None` for a user without a home.
    pub records: Option<Records>,
    /// What the terminal can do.
    pub caps: Caps,
    /// Rules that find causes.
    pub rules: Arc<Rules>,
    /// Keys.
    pub keymap: Arc<Keymap>,
    /// The user's own commands.
    pub user_commands: Arc<[UserCommand]>,
    /// Looks.
    pub theme: Theme,
    /// To tell at the start: what is wrong with the settings, keymap and theme files.
    pub notes: Vec<String>,
    /// The clock.
    pub now: Now,
    /// The pager and its arguments.
    pub pager: String,
    /// The editor of texts and its arguments.
    pub editor: String,
    /// A draft to begin with.
    pub draft: Option<Opening>,
}

impl Start {
    /// This target, for another context and with that one's settings.
    pub fn in_context(&self, target: &Target, context: &str) -> Target {
        let mut target = target.in_context(context);
        target.timeout = self.config.request_timeout_in(context);
        target
    }

    /// Reads the kubeconfig anew for this context: its credentials may have changed.
    pub fn loader(&self, context: &str) -> LoadTarget {
        let (start, context) = (self.clone(), context.to_owned());
        Arc::new(move || Ok(start.in_context(&(start.load)()?, &context)))
    }
}

/// The keymap of this name with the user's file laid over it, and what is wrong with it.
pub fn keymap(name: &str, paths: Option<&Paths>) -> (Keymap, Vec<Complaint>) {
    let (mut keymap, mut complaints) = Keymap::builtin(name);
    if let Some((file, text)) = paths.and_then(|paths| user_file(&paths.keymap(name))) {
        complaints.extend(keymap.overlay(&file, &text));
    }
    (keymap, complaints)
}

/// The user's own commands, bound to their keys, and what is wrong with them.
pub fn user_commands(keymap: &mut Keymap, paths: Option<&Paths>) -> (Vec<UserCommand>, Vec<String>) {
    let Some(path) = paths.map(Paths::commands) else { return (Vec::new(), Vec::new()) };
    let (own, notes) = commands::load(&path);
    let mut notes: Vec<_> = notes.iter().map(ToString::to_string).collect();
    for (at, command) in own.iter().enumerate() {
        let (Some((keys, line)), Ok(at)) = (&command.key, u8::try_from(at)) else { continue };
        if let Err(why) = bind(keymap, keys, CommandId::User(at), command.target) {
            notes.push(format!("{}:{line}: {why}", path.display()));
        }
    }
    (own, notes)
}

fn bind(keymap: &mut Keymap, keys: &str, id: CommandId, target: About) -> Result<(), String> {
    let keys = key::sequence(keys).map_err(|error| error.to_string())?;
    if let Some(why) = keys.iter().find_map(|key| key.unbindable()) {
        return Err(format!("«{}» can't be bound: {why}", key::spell(&keys)));
    }
    let contexts: &[Context] = match target {
        About::Any => &[Context::Any],
        About::Job => &[Context::List, Context::Page],
        About::Replica => &[Context::Workers],
    };
    for context in contexts {
        keymap.bind(*context, keys.clone(), Some(id)).map_err(|other| {
            format!("«{}» can't be typed beside «{}», which begins alike", key::spell(&keys), key::spell(&other.keys))
        })?;
    }
    Ok(())
}

/// The theme of this name with the user's file laid over it, and what is wrong with it.
pub fn theme(name: &str, ascii: bool, paths: Option<&Paths>) -> (Theme, Vec<Complaint>) {
    let (mut theme, mut complaints) = Theme::builtin(name, ascii);
    if let Some((file, text)) = paths.and_then(|paths| user_file(&paths.theme(name))) {
        complaints.extend(theme.overlay(&file, &text));
    }
    (theme, complaints)
}

/// A name of a theme or keymap that means nothing: neither built in nor a file of the user's.
pub fn unknown(what: &str, name: &str, origin: &Origin, builtin: &[&str], file: Option<PathBuf>) -> Option<String> {
    if builtin.contains(&name) || file.as_ref().is_some_and(|file| file.exists()) {
        return None;
    }
    let place = file.map_or(String::new(), |file| format!(", or make it as {}", file.display()));
    Some(format!("{origin}: there is no {what} «{name}»; there are {}{place}", builtin.join(", ")))
}

/// A file's name and text. That it is not there is the normal case; that it can't be read is told by whoever lists
/// the paths (`mpideck info`).
fn user_file(path: &Path) -> Option<(String, String)> {
    let file = crate::config::files::read(path).ok()??;
    Some((path.display().to_string(), file.text))
}
