//! What the user has set, and where things live.
//!
//! Owns the places ([`paths`]), the reading of files ([`files`]), the settings with their origins ([`settings`],
//! [`context`], [`alerts`]), the user's own commands ([`commands`]) and what is said about mistakes in all of them ([`notes`]). Must
//! not write anything, and must not know what a setting is used for.

pub mod alerts;
pub mod commands;
pub mod context;
pub mod files;
pub mod notes;
pub mod paths;
pub mod settings;
pub mod value;

pub use alerts::{AlertJobs, AlertSettings, AlertSignal};
pub use context::{ContextSettings, Protection};
pub use notes::{Gravity, Note};
pub use paths::Paths;
pub use settings::{ColorSetting, Config, Loaded, Origin, Setting};
