//! Commands that work everywhere: session, scope, help, leaving.

use super::{AppCommand, Command, CommandId, Context, Why};
use crate::console::model::Model;

const fn row(
    id: AppCommand,
    name: &'static str,
    title: &'static str,
    help: &'static str,
    contexts: &'static [Context],
) -> Command {
    Command::new(CommandId::App(id), name, title, help, contexts)
}

const fn favourite(n: u8, name: &'static str) -> Command {
    let help = if n == 0 {
        "Show all namespaces, if you may."
    } else {
        "Show the favourite scope with this number (config: favourites)."
    };
    row(AppCommand::Favourite(n), name, "Favourite scope", help, LIST).key_only()
}

const ANY: &[Context] = &[Context::Any];
const LIST: &[Context] = &[Context::List];

fn has_context(model: &Model) -> Result<(), Why> {
    if model.session.context.is_empty() { Err("no context is chosen; :ctx lists them".to_owned()) } else { Ok(()) }
}

pub(super) const ROWS: &[Command] = &[
    row(AppCommand::Help, "app.help", "Help", "Show what every key does here.", ANY).hinted(90),
    row(AppCommand::Palette, "app.palette", "Commands", "Type a command by name: :ctx, :ns, :jobs, or any other.", ANY)
        .key_only()
        .hinted(80),
    row(AppCommand::Back, "app.back", "Back", "Go back one view; on the list, clear the filter, then the marks.", ANY)
        .key_only(),
    row(AppCommand::LastView, "app.last-view", "Last view", "Go back to the view, or the scope, shown before.", ANY),
    row(AppCommand::Contexts, "session.context", "Context", "Choose another context of the kubeconfig.", ANY),
    row(AppCommand::Scope, "session.scope", "Namespaces", "Choose the namespaces to look at.", ANY).hinted(60),
    favourite(0, "session.favourite-0"),
    favourite(1, "session.favourite-1"),
    favourite(2, "session.favourite-2"),
    favourite(3, "session.favourite-3"),
    favourite(4, "session.favourite-4"),
    favourite(5, "session.favourite-5"),
    favourite(6, "session.favourite-6"),
    favourite(7, "session.favourite-7"),
    favourite(8, "session.favourite-8"),
    favourite(9, "session.favourite-9"),
    row(
        AppCommand::Login,
        "session.login",
        "Sign in",
        "Hand the terminal to the sign-in program of this context.",
        ANY,
    )
    .when(has_context),
    row(AppCommand::Reconnect, "session.reconnect", "Reconnect", "Read the cluster again from the beginning.", ANY),
    row(AppCommand::Messages, "app.messages", "Messages", "Read the notices of this run again.", ANY),
    row(AppCommand::Debug, "app.debug", "Debug", "Show what the console costs: lists, requests, frames, bytes.", ANY),
    row(AppCommand::Health, "session.health", "Health", "Show what the cluster serves and how its operators do.", ANY),
    row(AppCommand::Copy, "app.copy", "Copy", "Copy what is selected to the terminal's clipboard.", ANY),
    row(AppCommand::Dump, "app.dump", "Dump screen", "Write this screen to a text file only you can read.", ANY),
    row(
        AppCommand::Mouse,
        "app.mouse",
        "Mouse",
        "Turn the mouse on or off; off leaves selecting to the terminal.",
        ANY,
    ),
    row(AppCommand::Redraw, "app.redraw", "Redraw", "Draw the whole screen again.", ANY).key_only(),
    row(AppCommand::Quit, "app.quit", "Quit", "Leave the console; nothing in the cluster changes.", ANY),
];
