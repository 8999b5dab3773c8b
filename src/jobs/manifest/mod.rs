//! A job's manifest as people read it: YAML as stored, cleaned for reuse, or with the operator's defaults filled in.
//!
//! Owns what is left out, filled in and hidden, and how YAML is written: so that kubectl reads back the same values
//! (YAML 1.1 words quoted, octal safe), controls escaped. It works on the JSON of the object; it must not fetch it.

mod clean;
mod effective;
mod highlight;
mod mask;
mod secrets;
pub mod text;
mod write;

use serde_json::Value;

pub use highlight::{Role, YamlLine, highlight, highlight_line};
pub use mask::MASK;
pub use secrets::{REMOVED, Removed, is_secret_name, without_secrets};

use super::Kind;

/// Whether environment values are written as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Env {
    /// Every `env[].value`, and the data of a Secret, reads `********`.
    #[default]
    Masked,
    /// As they are: only when a person asked.
    Shown,
}

/// The object could not be written as YAML. A bug, as every JSON value can be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot write this object as YAML: {0}")]
pub struct ManifestError(String);

/// YAML of the whole object as the API server keeps it.
pub fn stored(object: &Value, env: Env) -> Result<String, ManifestError> {
    write::yaml(&mask::masked(object, env), &[])
}

/// YAML of what a person would write: without status and what the server adds.
pub fn cleaned(object: &Value, env: Env) -> Result<String, ManifestError> {
    write::yaml(&clean::cleaned(&mask::masked(object, env)), &[])
}

/// The cleaned YAML with what the operator of this kind assumes where the manifest is silent, each such line marked
/// `# default`.
pub fn effective(kind: Kind, object: &Value, env: Env) -> Result<String, ManifestError> {
    let (object, added) = effective::effective(kind, clean::cleaned(&mask::masked(object, env)));
    write::yaml(&object, &added)
}

#[cfg(test)]
mod tests;
