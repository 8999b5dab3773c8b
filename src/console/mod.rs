//! The terminal console: model, update, effects and views, and the loop that joins them.
//!
//! Data goes one way round: message → [`update`] → effects → runner → message. Only [`theme`] knows colours, only
//! [`commands`] and the keymap files know keys. Must not write to the terminal except through `term`.

pub mod app;
pub mod commands;
mod drill;
pub mod effect;
pub mod headless;
pub mod ids;
pub mod key;
pub mod keymap;
pub mod keymap_file;
pub mod layout;
pub mod line_edit;
pub mod message;
pub mod model;
pub mod once;
pub mod runner;
pub mod start;
#[cfg(test)]
pub mod testing;
pub mod theme;
mod tty;
pub mod update;
pub mod view;
pub mod widgets;
pub mod wish;

pub use effect::Effect;
pub use message::Message;
pub use model::Model;
