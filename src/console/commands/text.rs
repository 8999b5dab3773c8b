//! Commands of read-only text on top of a view: help, messages, debug.

use super::{Command, CommandId, Context, TextCommand};

const fn row(id: TextCommand, name: &'static str, title: &'static str, help: &'static str) -> Command {
    Command::new(CommandId::Text(id), name, title, help, &[Context::Text]).key_only()
}

pub(super) const ROWS: &[Command] = &[
    row(TextCommand::Close, "text.close", "Close", "Close the text.").hinted(1),
    row(TextCommand::Down, "text.down", "Down", "Scroll one line down."),
    row(TextCommand::Up, "text.up", "Up", "Scroll one line up."),
    row(TextCommand::HalfPageDown, "text.half-page-down", "Half page down", "Scroll half a page down."),
    row(TextCommand::HalfPageUp, "text.half-page-up", "Half page up", "Scroll half a page up."),
    row(TextCommand::Top, "text.top", "Top", "Go to the first line."),
    row(TextCommand::Bottom, "text.bottom", "Bottom", "Go to the last line."),
    row(TextCommand::Search, "text.search", "Search", "Search for a word in the text.").hinted(2),
    row(TextCommand::Next, "text.next", "Next hit", "Go to the next hit of the search."),
    row(TextCommand::Previous, "text.previous", "Previous hit", "Go to the previous hit of the search."),
];
