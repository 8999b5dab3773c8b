//! `mpideck info`: every path and setting in use, and where each comes from.
//!
//! Reads the kubeconfig but no network. Credentials are never printed, only how one signs in.

use std::{fmt::Write as _, path::Path, process::ExitCode};

use super::{args::Global, exit::Failure, print, setup::Setup, verbs};
use crate::{
    cluster::kubeconfig,
    config::{AlertSignal, Config, Protection, Setting, files, paths},
    jobs::quantity::format_bytes,
};

/// Prints it.
pub fn run(global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let mut text = format!("mpideck {}\n", verbs::version());
    write_paths(&mut text, setup);
    write_settings(&mut text, &setup.config);
    write_contexts(&mut text, global, setup);
    write_terminal(&mut text, setup);
    write_environment(&mut text);
    for note in super::console::unknown(setup) {
        let _ = writeln!(text, "\nwarning: {note}");
    }
    for note in &setup.notes {
        let _ = writeln!(text, "\nwarning: {note}");
    }
    print::out(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn write_paths(text: &mut String, setup: &Setup) {
    text.push_str("\nFiles\n");
    let Some(paths) = &setup.paths else {
        text.push_str("  none: there is no home directory (set HOME, or XDG_CONFIG_HOME and XDG_STATE_HOME)\n");
        return;
    };
    let config = &setup.config;
    let files = [
        ("settings", paths.settings()),
        ("keymap", paths.keymap(&config.keymap.value)),
        ("theme", paths.theme(&config.theme.value)),
        ("rules", paths.rules()),
        ("remembered", paths.remembered()),
        ("records", paths.records()),
    ];
    for (what, path) in files {
        row(text, what, &home(&path), presence(&path));
    }
    if let Some(log) = &setup.log {
        row(text, "log", &home(log), presence(log));
    }
}

fn presence(path: &Path) -> &'static str {
    match files::read(path) {
        Ok(None) => "not there",
        Ok(Some(_)) => "read",
        Err(_) if path.exists() => "there",
        Err(_) => "can't be read",
    }
}

fn write_settings(text: &mut String, config: &Config) {
    text.push_str("\nSettings\n");
    setting(text, "theme", &config.theme, Clone::clone);
    setting(text, "keymap", &config.keymap, Clone::clone);
    setting(text, "color", &config.color, |color| format!("{color:?}").to_lowercase());
    setting(text, "ascii", &config.ascii, |ascii| ascii.map_or("by locale".to_owned(), |ascii| ascii.to_string()));
    setting(text, "mouse", &config.mouse, bool::to_string);
    setting(text, "request-timeout", &config.request_timeout, |time| format!("{}s", time.as_secs_f32()));
    setting(text, "read-only", &config.read_only, bool::to_string);
    setting(text, "editor", &config.editor, |editor| editor.clone().unwrap_or("$VISUAL, $EDITOR, vi".to_owned()));
    setting(text, "record", &config.record, bool::to_string);
    setting(text, "records-size", &config.records_size, |size| format_bytes(*size));
    setting(text, "record-size", &config.record_size, |size| format_bytes(*size));
    setting(text, "records-age", &config.records_age, |age| format!("{}h", age.as_secs() / 3600));
    setting(text, "pager", &config.pager, |pager| pager.clone().unwrap_or("$PAGER, less".to_owned()));
    setting(text, "log-memory", &config.log_memory, |bytes| format_bytes(*bytes));
    setting(text, "log-streams", &config.log_streams, usize::to_string);
    setting(text, "stall-after", &config.stall_after, |time| format!("{}s", time.as_secs()));
    write_alerts(text, config);
    setting(text, "goal-efficiency", &config.goal_efficiency, |percent| format!("{percent}%"));
    setting(text, "goal-speed", &config.goal_speed, |goal| goal.map_or("none".to_owned(), |goal| goal.to_string()));
    for (name, context) in &config.contexts {
        let mut said = Vec::new();
        said.extend(context.alias.as_ref().map(|alias| format!("alias {alias}")));
        said.extend(context.read_only.map(|on| format!("read-only {on}")));
        said.extend(context.color.as_ref().map(|color| format!("color {color}")));
        said.extend((!context.namespaces.is_empty()).then(|| format!("namespaces {}", context.namespaces.join(","))));
        let protect = (context.protect == Some(Protection::TypeName)).then(|| "protect type-name".to_owned());
        said.extend(protect);
        let favourites = &context.favourites;
        said.extend((!favourites.is_empty()).then(|| format!("favourites {}", favourites.join(" "))));
        said.extend(context.request_timeout.map(|time| format!("request-timeout {}s", time.as_secs_f32())));
        said.extend(context.record.map(|on| format!("record {on}")));
        row(text, &format!("context {name}"), &said.join(", "), "");
    }
    for (word, line) in &config.aliases {
        row(text, &format!("alias {word}"), line, "");
    }
}

fn write_alerts(text: &mut String, config: &Config) {
    let list = |words: Vec<&str>| if words.is_empty() { "none".to_owned() } else { words.join(" ") };
    setting(text, "alerts", &config.alerts, |jobs| jobs.word().to_owned());
    setting(text, "alert-quota", &config.alert_quota, |at| {
        at.map_or("off".to_owned(), |percent| format!("{percent}%"))
    });
    let words = |signals: &Vec<AlertSignal>| list(signals.iter().map(|signal| signal.word()).collect());
    setting(text, "alert-signal", &config.alert_signal, words);
    // Arguments may hold what is nobody else's business.
    let program = |argv: &Vec<String>| list(argv.first().map(String::as_str).into_iter().collect());
    setting(text, "alert-command", &config.alert_command, program);
    setting(text, "alert-changes", &config.alert_changes, bool::to_string);
}

fn setting<T>(text: &mut String, name: &str, setting: &Setting<T>, show: impl Fn(&T) -> String) {
    row(text, name, &show(&setting.value), &setting.origin.to_string());
}

fn write_contexts(text: &mut String, global: &Global, setup: &Setup) {
    text.push_str("\nKubeconfig\n");
    let loaded = match kubeconfig::load(&kubeconfig::Source::from_env(global.kubeconfig.clone())) {
        Ok(loaded) => loaded,
        Err(problem) => {
            let _ = writeln!(text, "  {}: {}\n  {}", problem.what, problem.why, problem.hint);
            return;
        }
    };
    for file in &loaded.files {
        let others = files::read(file).ok().flatten().is_some_and(|file| file.others_read);
        let warning = if others { "read; WARNING: others can read it, and it may hold credentials" } else { "read" };
        row(text, "file", &home(file), warning);
    }
    for file in &loaded.absent {
        row(text, "file", &home(file), "not there");
    }
    if loaded.in_cluster {
        row(text, "file", "none", "the pod's own service account is used");
    }
    let contexts = loaded.contexts();
    let chosen = global.context.as_deref().or(contexts.current.as_ref().map(crate::jobs::Clean::as_str));
    for context in &contexts.all {
        let mark = if chosen == Some(context.id.as_str()) { "* " } else { "  " };
        let namespace = context.namespace.as_ref().map(|n| format!(", namespace {n}")).unwrap_or_default();
        let alias = setup.config.context(&context.id).alias.map(|alias| format!(" ({alias})")).unwrap_or_default();
        let what = format!("{} as {}{namespace}{alias}", masked(context.server.as_str()), context.user);
        row(text, &format!("{mark}{}", context.name), &what, "");
    }
}

fn write_terminal(text: &mut String, setup: &Setup) {
    let caps = &setup.caps;
    text.push_str("\nTerminal\n");
    row(text, "TERM", &caps.term, "");
    row(text, "colours", caps.color.word(), &setup.config.color.origin.to_string());
    row(text, "ascii", &caps.ascii.to_string(), &setup.config.ascii.origin.to_string());
    let inside: Vec<_> = [(caps.tmux, "tmux"), (caps.screen, "screen"), (caps.ssh, "ssh")]
        .into_iter()
        .filter_map(|(inside, name)| inside.then_some(name))
        .collect();
    row(text, "inside", if inside.is_empty() { "-".to_owned() } else { inside.join(", ") }.as_str(), "");
}

/// Variables that are read, where they are set.
const VARIABLES: [&str; 20] = [
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "MPIDECK_CONFIG_DIR",
    "MPIDECK_STATE_DIR",
    "MPIDECK_LOG",
    "XDG_CONFIG_HOME",
    "XDG_STATE_HOME",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "NO_COLOR",
    "COLORTERM",
    "LANG",
    "VISUAL",
    "EDITOR",
];

fn write_environment(text: &mut String) {
    let set: Vec<_> = VARIABLES.iter().filter_map(|name| Some((name, super::setup::env(name)?))).collect();
    if set.is_empty() {
        return;
    }
    text.push_str("\nEnvironment\n");
    for (name, value) in set {
        row(text, name, &masked(&value), "");
    }
}

/// A text whose URL's user and password are not shown.
fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let authority = rest.split('/').next().unwrap_or_default();
    match authority.rsplit_once('@') {
        Some((secret, _)) => format!("{scheme}://***{}", &rest[secret.len()..]),
        None => text.to_owned(),
    }
}

fn row(text: &mut String, name: &str, value: &str, origin: &str) {
    let line = format!("  {name:<16} {value:<48} {origin}");
    let _ = writeln!(text, "{}", line.trim_end());
}

fn home(path: &Path) -> String {
    paths::short(path, super::setup::env("HOME").as_deref())
}

#[cfg(test)]
mod tests {
    use super::masked;

    #[test]
    fn who_is_in_a_url_is_not_shown() {
        assert_eq!(masked("http://ada:s3cret@proxy:3128/x@y"), "http://***@proxy:3128/x@y");
        assert_eq!(masked("socks5://proxy:1080"), "socks5://proxy:1080");
        assert_eq!(masked("/home/ada/.kube/config"), "/home/ada/.kube/config");
    }
}
