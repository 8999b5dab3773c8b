//! The console: no verb, or behind `demo`.
//!
//! Owns the decision between the full screen and one screen as text, and the runtime that carries it.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use ratatui::layout::Size;
use tokio::runtime::Builder;

use super::{
    args::Global,
    exit::{self, Failure},
    print, reach,
    setup::{Setup, program},
};
use crate::{
    cluster::target::Now,
    config::files,
    console::{
        app::{self, Ended},
        keymap_file, once,
        start::{self, LoadTarget, Start},
        theme,
    },
    jobs::causes::Rules,
    term::{caps::ColorMode, paint::lines},
};

/// How long `--once` waits for a cluster.
const PATIENCE: Duration = Duration::from_mins(1);

/// Runs it on the user's clusters.
pub fn run(global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    let start = begin(global, setup, reach::user_clusters(global, setup), reach::wall_clock())?;
    in_runtime(show(start, global, setup))
}

/// Runs a future to its end on a runtime of our own.
pub fn in_runtime<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    on_runtime(Builder::new_multi_thread().worker_threads(2), task)
}

/// The same on this thread alone: every further one keeps memory of its own.
pub fn on_one_thread<T>(task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    on_runtime(&mut Builder::new_current_thread(), task)
}

fn on_runtime<T>(builder: &mut Builder, task: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = builder.enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(&format!("can't start: {error}")))?;
    let ended = runtime.block_on(task);
    // A read of a slow disk or name server must not hold up the end.
    runtime.shutdown_timeout(Duration::from_millis(200));
    ended
}

/// Everything that the console begins with.
pub fn begin(global: &Global, setup: &Setup, load: LoadTarget, now: Now) -> Result<Start, Failure> {
    let (config, paths) = (&setup.config, setup.paths.as_ref());
    let mut notes: Vec<String> = setup.notes.iter().map(ToString::to_string).collect();
    let (mut keymap, complaints) = start::keymap(&config.keymap.value, paths);
    let (theme, more) = start::theme(&config.theme.value, setup.caps.ascii, paths);
    notes.extend(complaints.iter().chain(&more).map(|c| format!("{}:{}: {}", c.file, c.line, c.what)));
    let (user_commands, more) = start::user_commands(&mut keymap, paths);
    notes.extend(more);
    notes.extend(unknown(setup));
    let (rules, more) = rules(setup);
    notes.extend(more);
    Ok(Start {
        load,
        scope: reach::scope(global)?,
        read_only: config.read_only.value,
        config: config.clone(),
        paths: setup.paths.clone(),
        records: setup.records(),
        caps: setup.caps.clone(),
        rules,
        keymap: Arc::new(keymap),
        user_commands: user_commands.into(),
        theme,
        notes,
        now,
        editor: config
            .editor
            .value
            .clone()
            .or_else(|| program(&["VISUAL", "EDITOR"]))
            .unwrap_or_else(|| "vi".to_owned()),
        draft: None,
        pager: config.pager.value.clone().or_else(|| program(&["PAGER"])).unwrap_or_else(|| "less".to_owned()),
    })
}

/// What is wrong with the names of theme and keymap.
pub fn unknown(setup: &Setup) -> Vec<String> {
    let (config, paths) = (&setup.config, setup.paths.as_ref());
    let (theme, keymap) = (&config.theme, &config.keymap);
    let themes = theme::BUILTIN.map(|(name, _)| name);
    let keymaps = keymap_file::BUILTIN.map(|(name, _)| name);
    let file = paths.map(|paths| paths.theme(&theme.value));
    let no_theme = start::unknown("theme", &theme.value, &theme.origin, &themes, file);
    let file = paths.map(|paths| paths.keymap(&keymap.value));
    let no_keymap = start::unknown("keymap", &keymap.value, &keymap.origin, &keymaps, file);
    no_theme.into_iter().chain(no_keymap).collect()
}

/// The built-in rules under the user's, and what is wrong with those.
pub fn rules(setup: &Setup) -> (Arc<Rules>, Vec<String>) {
    let builtin = Rules::builtin();
    let Some(path) = setup.paths.as_ref().map(crate::config::Paths::rules) else {
        return (Arc::new(builtin), Vec::new());
    };
    match files::read(&path) {
        Ok(None) => (Arc::new(builtin), Vec::new()),
        Err(note) => (Arc::new(builtin), vec![note.to_string()]),
        Ok(Some(file)) => match builtin.overlaid_with(&file.text) {
            Ok(rules) => (Arc::new(rules), Vec::new()),
            Err(errors) => {
                let say = |error: &dyn std::fmt::Display| format!("{}: {error}", path.display());
                (Arc::new(builtin), errors.iter().map(|error| say(error)).collect())
            }
        },
    }
}

/// The full screen, or one screen as text with `--once`.
pub async fn show(start: Start, global: &Global, setup: &Setup) -> Result<ExitCode, Failure> {
    if global.once {
        return Box::pin(print_once(start, global)).await;
    }
    if !io::stdin().is_terminal() || !io::stdout().is_terminal() {
        return Err(
            Failure::usage("the console needs a terminal").hint("--once prints one screen; get jobs prints rows")
        );
    }
    if setup.caps.is_dumb() {
        let what = format!("a terminal with TERM={} can't move its cursor", setup.caps.term);
        return Err(Failure::usage(&what).hint("set TERM, or use --once"));
    }
    match Box::pin(app::run(start)).await? {
        Ended::Quit => Ok(ExitCode::SUCCESS),
        Ended::Signal(signal) => Ok(ExitCode::from(signal.exit_code())),
    }
}

async fn print_once(mut start: Start, global: &Global) -> Result<ExitCode, Failure> {
    // One look keeps nothing.
    start.records = None;
    let (width, height) = global.size.unwrap_or((120, 40));
    // A screenshot is for files and messages: it has colours only where somebody asks for them.
    let color = if global.wants_colours() { start.caps.color } else { ColorMode::Never };
    let picture = once::once(start, Size { width, height }, PATIENCE).await;
    match color {
        ColorMode::Never => print::out(&picture.text())?,
        color => print::painted(&lines(&picture.screen, color))?,
    }
    if let Some(trouble) = picture.trouble {
        return Err(Failure::new(&trouble));
    }
    if !picture.complete {
        print::complain("note: some lists were not complete yet");
        return Ok(ExitCode::from(exit::PARTIAL));
    }
    Ok(ExitCode::SUCCESS)
}
