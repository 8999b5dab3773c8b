//! Tab Configuration: which form of the manifest, and its lines.

use super::Scroll;
use crate::jobs::manifest::{Env, YamlLine};

/// A form of the manifest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Form {
    /// As a person would write it.
    #[default]
    Cleaned,
    /// With the operator's defaults filled in.
    Effective,
    /// As the API server keeps it.
    Stored,
}

impl Form {
    /// All, in the order in which one key goes round them.
    pub const ALL: [Self; 3] = [Self::Cleaned, Self::Effective, Self::Stored];

    /// Its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Cleaned => "cleaned",
            Self::Effective => "effective",
            Self::Stored => "stored",
        }
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|form| *form == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct ConfigModel {
    /// Which form is shown.
    pub form: Form,
    /// Whether env values are shown.
    pub env: Env,
    /// The lines of that form; made again when object, form or masking change.
    pub lines: Vec<YamlLine>,
    /// Where we are in them.
    pub scroll: Scroll,
}
