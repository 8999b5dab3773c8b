//! Test harness: a model, messages in, screen text and effects out.

use std::sync::{Arc, LazyLock};

use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};

use super::{
    effect::Effect,
    key,
    keymap::Keymap,
    message::{Input, Message},
    model::Model,
    theme::Theme,
    update::update,
    view::view,
};
use crate::jobs::{Secs, causes::Rules};

/// Compiling the rules takes longer than most tests.
static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| Arc::new(Rules::builtin()));

/// A console without terminal, cluster or clock.
#[derive(Debug)]
pub(crate) struct Harness {
    /// Its model, to look at and to prepare.
    pub(crate) model: Model,
    /// Its theme.
    pub(crate) theme: Theme,
    /// Effects so far, newest last.
    pub(crate) effects: Vec<Effect>,
}

impl Harness {
    /// A console of this size, at second 1,000,000, with the default keymap.
    pub(crate) fn new(width: u16, height: u16) -> Self {
        let keymap = Arc::new(Keymap::builtin("default").0);
        let model = Model::new(Size::new(width, height), Secs(1_000_000), keymap, Arc::clone(&RULES));
        Self { model, theme: Theme::builtin("terminal", false).0, effects: Vec::new() }
    }

    /// Lets a message happen now.
    pub(crate) fn send(&mut self, message: Message) -> &mut Self {
        let now = self.model.now;
        self.effects.extend(update(&mut self.model, message, now));
        self
    }

    /// Lets time pass to this moment.
    pub(crate) fn at(&mut self, now: Secs) -> &mut Self {
        self.effects.extend(update(&mut self.model, Message::Deadline, now));
        self
    }

    /// Presses keys, written as in a keymap: `j j enter`.
    pub(crate) fn keys(&mut self, keys: &str) -> &mut Self {
        for key in key::sequence(keys).expect("names of keys") {
            self.send(Message::Input(Input::Key(key)));
        }
        self
    }

    /// Types each character of a text.
    pub(crate) fn type_text(&mut self, text: &str) -> &mut Self {
        for c in text.chars() {
            self.send(Message::Input(Input::Key(key::Key::char(c))));
        }
        self
    }

    /// The cells.
    pub(crate) fn buffer(&self) -> Buffer {
        let Size { width, height } = self.model.size;
        let mut buf = Buffer::empty(Rect::new(0, 0, width, height));
        view(&self.model, &self.theme, &mut buf);
        buf
    }

    /// The screen as text, a line a row, without trailing blanks.
    pub(crate) fn screen(&self) -> String {
        screen_text(&self.buffer())
    }
}

pub(crate) use super::view::screen_text;
