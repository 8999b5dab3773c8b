//! Commands that work everywhere, and the palette.

use super::{command as run, list, page};
use crate::{
    console::{
        commands::{
            self, AppCommand, ChangeCommand, ClusterView, CommandId, DraftCommand, RecordCommand, VisitCommand,
        },
        effect::{Effect, Remember},
        model::{
            Model,
            notices::Tone,
            overlay::{Completion, Overlay, Prompt, PromptEvent, Purpose, TextOverlay, TextSource},
            session::SessionEffect,
        },
        view::trouble,
    },
    jobs::near::nearest,
};

/// A command that works everywhere.
pub fn command(model: &mut Model, id: AppCommand) -> Vec<Effect> {
    match id {
        AppCommand::Quit => return vec![Effect::Quit],
        AppCommand::Back => return back(model),
        AppCommand::Help => show(model, TextSource::Help(model.contexts())),
        AppCommand::Messages => show(model, TextSource::Messages),
        AppCommand::Debug => {
            show(model, TextSource::Debug);
            return count(model);
        }
        AppCommand::Health => show(model, TextSource::Health),
        AppCommand::Palette => open_palette(model),
        AppCommand::Copy => return copy(model),
        AppCommand::Dump => return vec![Effect::Dump],
        AppCommand::Redraw => return vec![Effect::Redraw],
        AppCommand::Mouse => {
            model.mouse = !model.mouse;
            let text = if model.mouse {
                "Mouse on: wheel and clicks; hold shift to select text as usual"
            } else {
                "Mouse off"
            };
            model.notices.tell(model.now, Tone::Info, text);
            return vec![Effect::Mouse(model.mouse)];
        }
        AppCommand::LastView
        | AppCommand::Contexts
        | AppCommand::Scope
        | AppCommand::Favourite(_)
        | AppCommand::Login
        | AppCommand::Reconnect => return super::session::command(model, id),
    }
    Vec::new()
}

/// Asks what the console costs.
pub fn count(model: &Model) -> Vec<Effect> {
    vec![Effect::CountFrames(model.drawn), Effect::Session(model.session.id, SessionEffect::Count)]
}

/// Puts a text on top.
pub fn show(model: &mut Model, source: TextSource) {
    model.overlays.push(Overlay::Text(TextOverlay { source, scroll: 0, search: String::new() }));
}

fn back(model: &mut Model) -> Vec<Effect> {
    if matches!(model.overlays.last(), Some(Overlay::Draft(_))) {
        return super::draft::close(model);
    }
    if model.overlays.pop().is_some() {
        return Vec::new();
    }
    if model.page.is_some() {
        return page::back(model);
    }
    if let Some(effects) = super::cluster::back(model) {
        return effects;
    }
    if !list::back(model) {
        model.notices.tell(model.now, Tone::Info, "This is the first view; q or ctrl-c leaves");
    }
    Vec::new()
}

fn copy(model: &mut Model) -> Vec<Effect> {
    let text = match &model.page {
        Some(_) => page::copied(model),
        None if model.cluster.is_some() => model.cluster.as_ref().and_then(|open| open.spot().selected.clone()),
        None if trouble::serves_nothing(model) => Some(trouble::INSTALL.to_owned()),
        None => list::copied(model),
    };
    match text {
        Some(text) if !text.is_empty() => vec![Effect::Clipboard(text)],
        _ => {
            model.notices.tell(model.now, Tone::Info, "Nothing is selected that could be copied");
            Vec::new()
        }
    }
}

fn open_palette(model: &mut Model) {
    let mut prompt = Prompt::new(Purpose::Palette, ":", "");
    prompt.history.clone_from(&model.palette_history);
    prompt.completions = completions(model, "");
    model.overlays.push(Overlay::Prompt(prompt));
}

/// Something happened to the palette.
pub fn palette(model: &mut Model, event: PromptEvent) -> Vec<Effect> {
    match event {
        PromptEvent::Cancelled => Vec::new(),
        PromptEvent::Changed(line) => {
            let completions = completions(model, &line);
            if let Some(Overlay::Prompt(prompt)) = model.overlays.last_mut() {
                prompt.completions = completions;
            }
            Vec::new()
        }
        PromptEvent::Done(line) => {
            let line = line.trim().to_owned();
            if line.is_empty() {
                return Vec::new();
            }
            model.palette_history.retain(|old| *old != line);
            model.palette_history.push(line.clone());
            let mut effects = vec![Effect::Remember(Remember::Line(line.clone()))];
            effects.extend(entered(model, &line));
            effects
        }
    }
}

fn entered(model: &mut Model, line: &str) -> Vec<Effect> {
    let (word, rest) = first_word(line);
    match model.aliases.get(word) {
        Some(whole) => {
            let whole = format!("{whole} {rest}");
            run_line(model, whole.trim_end())
        }
        None => run_line(model, line),
    }
}

fn first_word(line: &str) -> (&str, &str) {
    line.split_once(char::is_whitespace).map_or((line, ""), |(word, rest)| (word, rest.trim()))
}

fn run_line(model: &mut Model, line: &str) -> Vec<Effect> {
    let (word, rest) = first_word(line);
    let id = match word {
        "q" | "quit" | "exit" => Some(AppCommand::Quit),
        "messages" => Some(AppCommand::Messages),
        "debug" => Some(AppCommand::Debug),
        "health" => Some(AppCommand::Health),
        "unlock" => return super::change::unlock(model, rest),
        "lock" => return run(model, CommandId::Change(ChangeCommand::Lock)),
        "undo" => return run(model, CommandId::Change(ChangeCommand::Undo)),
        "forwards" => return run(model, CommandId::Visit(VisitCommand::Forwards)),
        "changes" => return run(model, CommandId::Change(ChangeCommand::Log)),
        "history" => return run(model, CommandId::Record(RecordCommand::History)),
        "drafts" => return run(model, CommandId::Draft(DraftCommand::List)),
        "new" => return run(model, CommandId::Draft(DraftCommand::New)),
        "dump" => Some(AppCommand::Dump),
        "help" => Some(AppCommand::Help),
        "login" => Some(AppCommand::Login),
        "free-gpus" => return run(model, CommandId::Change(ChangeCommand::FreeAll)),
        "clean-up" => {
            let effects = run(model, CommandId::Change(ChangeCommand::CleanUp));
            return super::change::answer(model, rest, effects);
        }
        "cluster" => return super::cluster::show(model, ClusterView::Overview),
        "nodes" => return super::cluster::show(model, ClusterView::Nodes),
        "namespaces" => return super::cluster::show(model, ClusterView::Namespaces),
        "queues" => return super::cluster::show(model, ClusterView::Queues),
        "users" => return super::cluster::show(model, ClusterView::Users),
        "jobs" => {
            super::cluster::leave(model);
            return super::session::typed(model, word, rest);
        }
        "ctx" | "context" | "ns" | "namespace" => return super::session::typed(model, word, rest),
        _ => None,
    };
    if let Some(id) = id {
        return command(model, id);
    }
    if let Some(effects) = super::user::named(model, word) {
        return effects;
    }
    let wanted = line.to_lowercase();
    let row = commands::named(word).or_else(|| commands::all().find(|row| row.title.to_lowercase() == wanted));
    if let Some(row) = row {
        return run(model, row.id);
    }
    if let Some(whole) = begun(word) {
        return run_line(model, format!("{} {rest}", whole.trim_end()).trim_end());
    }
    let meant = nearest(word, WORDS.iter().map(|(word, _)| word.trim_end()));
    let meant = meant.map_or_else(String::new, |meant| format!("; is «{meant}» meant?"));
    let text = format!("There is no command «{line}»{meant}; tab completes, ? lists them");
    model.notices.tell(model.now, Tone::Warn, &text);
    Vec::new()
}

/// The one word that begins like this, with what follows it.
fn begun(start: &str) -> Option<&'static str> {
    let mut words = WORDS.iter().map(|(word, _)| *word).filter(|word| word.starts_with(start) && start.len() > 1);
    words.next().filter(|_| words.next().is_none())
}

const WORDS: [(&str, &str); 23] = [
    ("ctx ", "context: :ctx NAME"),
    ("ns ", "namespaces: :ns NAME[,NAME], or all"),
    ("jobs ", "job list: :jobs [@CONTEXT] [NAMESPACE] [FILTER]"),
    ("cluster", "what GPUs there are, who holds them, what is wasted"),
    ("nodes", "nodes: GPUs by job, what is free, what is the matter"),
    ("namespaces", "namespaces: quota against use"),
    ("queues", "queues: what is reserved and free, who waits"),
    ("users", "users: whose jobs hold what"),
    ("free-gpus", "free the GPUs that jobs hold which have ended"),
    ("clean-up ", "delete jobs that ended long ago: :clean-up 7d"),
    ("messages", "notices of this run"),
    ("debug", "what the console costs"),
    ("health", "what the cluster serves, and how its operators do"),
    ("history", "recorded jobs, also those that are gone"),
    ("drafts", "manifests that were written and not sent"),
    ("new", "write a new job"),
    ("changes", "what was changed, by whom, when, and what came of it"),
    ("forwards", "ports that lead to replicas"),
    ("undo", "take back what was changed last on this cluster"),
    ("unlock ", "allow changes in a read-only context: :unlock [MINUTES]"),
    ("dump", "write the screen to a file"),
    ("help", "keys and commands"),
    ("q", "leave"),
];

fn completions(model: &Model, line: &str) -> Vec<Completion> {
    if let Some((word, rest)) = line.split_once(' ') {
        return super::session::completions(model, word, rest);
    }
    let lower = line.to_lowercase();
    let words = WORDS.iter().filter(|(word, _)| word.starts_with(&lower));
    let words = words.map(|(word, about)| Completion { line: (*word).to_owned(), about: (*about).to_owned() });
    let contexts = model.view_contexts();
    let own = model.user_commands.iter().filter(|own| own.name.starts_with(&lower));
    let own = own.map(|own| Completion { line: own.name.clone(), about: own.about() });
    let rows = commands::all().filter(|row| {
        row.in_palette
            && row.contexts.iter().any(|context| contexts.contains(context))
            && (row.name.contains(&lower) || row.title.to_lowercase().contains(&lower))
    });
    let rows = rows.map(|row| Completion { line: row.name.to_owned(), about: row.title.to_owned() });
    let aliases = model.aliases.iter().filter(|(word, _)| word.starts_with(&lower));
    let aliases = aliases.map(|(word, line)| Completion { line: word.clone(), about: line.clone() });
    words.chain(aliases).chain(own).chain(rows).collect()
}
