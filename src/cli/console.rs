//! `mpideck`: the console on the clusters of a kubeconfig, or one screen of it with `--once`.

use std::{io::IsTerminal as _, process::ExitCode, sync::Arc, time::Duration};

use ratatui::layout::Size;

use super::{
    args::Global,
    exit::{FAILED, Failure, PARTIAL},
    print,
    setup::Setup,
};
use crate::{
    cluster::{Target, kubeconfig},
    config::files,
    console::{
        app::{self, Ended},
        model::session::Scope,
        once::{Picture, once},
        start::{self, LoadTarget, Start},
    },
    jobs::causes::Rules,
};

/// `--once` waits at most this long for complete lists.
const PATIENCE: Duration = Duration::from_mins(2);
/// The screen of `--once` unless `--size` says otherwise.
const PAGE: (u16, u16) = (120, 40);

/// Runs the console on the kubeconfig's clusters.
pub fn run(global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let start = start(global, setup, target_of(global, setup))?;
    in_runtime(open(global, start, None))
}

/// Runs a future to its end on a runtime of our own.
pub fn in_runtime(task: impl Future<Output = Result<ExitCode, Failure>>) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(&format!("can't start: {error}")))?;
    let ended = runtime.block_on(task);
    // A read of a slow disk or name server must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

/// Opens the console, or prints one screen of it (`at` so long after its start, else when the lists are complete).
pub async fn open(global: &Global, start: Start, at: Option<Duration>) -> Result<ExitCode, Failure> {
    if global.once || at.is_some() {
        let (width, height) = global.size.unwrap_or(PAGE);
        return picture(&once(start, Size { width, height }, at, PATIENCE).await);
    }
    if !std::io::stdout().is_terminal() || !std::io::stdin().is_terminal() {
        return Err(Failure::usage("this is not a terminal").hint("mpideck --once prints one screen as text"));
    }
    if start.caps.is_dumb() {
        let hint = "set TERM to what your terminal is, or use mpideck --once";
        return Err(Failure::usage("this terminal can't be drawn on (TERM=dumb)").hint(hint));
    }
    match app::run(start).await {
        Ok(Ended::Quit) => Ok(ExitCode::SUCCESS),
        Ok(Ended::Signal(signal)) => Ok(ExitCode::from(signal.exit_code())),
        Err(error) => Err(Failure::new(&format!("the terminal failed: {error}"))),
    }
}

fn picture(picture: &Picture) -> Result<ExitCode, Failure> {
    print::out(&picture.text)?;
    match &picture.trouble {
        Some(trouble) => {
            print::complain(&format!("error: {trouble}"));
            Ok(ExitCode::from(FAILED))
        }
        None if picture.complete => Ok(ExitCode::SUCCESS),
        None => {
            print::complain("warning: not every list was complete");
            Ok(ExitCode::from(PARTIAL))
        }
    }
}

/// What the console needs, with this way to the clusters.
pub fn start(global: &Global, setup: &Setup, load: LoadTarget) -> Result<Start, Failure> {
    let paths = setup.paths.as_ref();
    let (keymap, of_keys) = start::keymap(&setup.config.keymap.value, paths);
    let (theme, of_theme) = start::theme(&setup.config.theme.value, setup.caps.ascii, paths);
    let (rules, of_rules) = rules(setup);
    let mut notes: Vec<String> = setup.notes.iter().map(ToString::to_string).collect();
    notes.extend(of_keys.iter().chain(&of_theme).map(ToString::to_string));
    notes.extend(of_rules);
    let scope = match (global.all_namespaces, global.namespaces.as_slice()) {
        (true, _) => Some(Scope::All),
        (false, []) => None,
        (false, names) => Some(
            Scope::of(names.iter().map(String::as_str))
                .ok_or_else(|| Failure::usage(&format!("«{}» is not the name of a namespace", names.join(","))))?,
        ),
    };
    Ok(Start {
        load,
        scope,
        read_only: global.read_only,
        config: setup.config.clone(),
        paths: setup.paths.clone(),
        caps: setup.caps.clone(),
        rules: Arc::new(rules),
        keymap: Arc::new(keymap),
        theme,
        notes,
        now: Arc::new(now),
    })
}

/// The rules that find causes, with the user's laid over them, and what is wrong with those.
fn rules(setup: &Setup) -> (Rules, Vec<String>) {
    let builtin = Rules::builtin();
    let Some(path) = setup.paths.as_ref().map(crate::config::Paths::rules) else { return (builtin, Vec::new()) };
    match files::read(&path) {
        Ok(Some(file)) => match builtin.clone().overlaid_with(&file.text) {
            Ok(rules) => (rules, Vec::new()),
            Err(errors) => (builtin, errors.iter().map(|e| format!("{}: {e}", path.display())).collect()),
        },
        Ok(None) => (builtin, Vec::new()),
        Err(note) => (builtin, vec![note.to_string()]),
    }
}

/// The way to the clusters of the kubeconfig files, read anew each time.
fn target_of(global: &Global, setup: &Setup) -> LoadTarget {
    let (global, timeout) = (global.clone(), setup.config.request_timeout.value);
    Arc::new(move || {
        let loaded = kubeconfig::load(&kubeconfig::Source::from_env(global.kubeconfig.clone()))?;
        Ok(Target {
            context: global.context.clone(),
            act_as: global.act_as.clone(),
            act_as_groups: global.act_as_groups.clone(),
            timeout,
            ..Target::new(loaded.shared())
        })
    })
}

#[expect(clippy::disallowed_methods, reason = "the console's clock is read here, once for all of it")]
fn now() -> crate::jobs::Secs {
    jiff::Timestamp::now().into()
}
