//! What is set for one context: `[context."name"]` of the settings.
//!
//! Owns its keys and their reading. Must not know which context is in use.

use std::path::PathBuf;

use super::value::Value;
use crate::jobs::checks::Checks;

/// How changes in a context are confirmed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// By `y`, with Cancel as the default.
    #[default]
    Ask,
    /// By typing the object's name.
    TypeName,
}

/// The settings of one context. Empty and `None`: nothing is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextSettings {
    /// No changes.
    pub read_only: Option<bool>,
    /// Colour of the context's name: red for production.
    pub color: Option<String>,
    /// How changes are confirmed.
    pub protect: Option<Protection>,
    /// What the context is called on screen.
    pub alias: Option<String>,
    /// Start with these namespaces instead of the last ones.
    pub namespaces: Vec<String>,
    /// Namespaces on the keys 1 to 9 (0 is all).
    pub favourites: Vec<String>,
    /// How long a request may take.
    pub request_timeout: Option<std::time::Duration>,
    /// Whether jobs are recorded.
    pub record: Option<bool>,
    /// Whose limits and advice manifests are checked by.
    pub profile: Option<String>,
    /// Where numbers come from.
    pub prometheus: PrometheusSettings,
}

/// Where the Prometheus of a context is, and how we sign in there. Nothing of it is checked here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrometheusSettings {
    /// `auto`, `off`, an address, or `NAMESPACE/SERVICE:PORT`.
    pub place: Option<String>,
    /// File with its CA.
    pub ca: Option<PathBuf>,
    /// File with a token for it.
    pub token_file: Option<PathBuf>,
    /// File with a client certificate for it.
    pub certificate: Option<PathBuf>,
    /// File with the certificate's key.
    pub key: Option<PathBuf>,
    /// Show it the cluster's token.
    pub cluster_token: bool,
    /// Name the namespace in each question.
    pub tenancy: bool,
}

/// The keys, with what they take and say.
pub const KEYS: &[(&str, &str, &str)] = &[
    ("read-only", "true or false", "no command that changes the cluster can run in this context"),
    ("color", "a colour name", "the context's name and the frame are shown in it; red for production"),
    ("protect", "\"ask\" or \"type-name\"", "how a change is confirmed: by y, or by typing the object's name"),
    ("alias", "text", "what the context is called on screen"),
    (
        "namespaces",
        "list of texts",
        "the scope to start with, instead of the last one; the picker offers them where namespaces can't be listed",
    ),
    (
        "favourites",
        "list of texts",
        "namespaces on the keys 1 to 9; 0 is all namespaces; `+` in the picker adds to them",
    ),
    ("request-timeout", "length of time", "as the setting of this name, for this context"),
    ("record", "true or false", "as the setting of this name, for this context"),
    ("profile", "operator or openshift-ai", "as the setting of this name, for this context"),
    (
        "prometheus",
        "\"auto\", \"off\", an address, or \"NAMESPACE/SERVICE:PORT\"",
        "where numbers come from, see docs/metrics.md; auto looks for one",
    ),
    ("prometheus-ca", "a path", "the CA of that address; else the system's"),
    ("prometheus-token-file", "a path", "a file with a token for that address"),
    ("prometheus-certificate", "a path", "a client certificate for that address"),
    ("prometheus-key", "a path", "the key of that certificate"),
    ("prometheus-cluster-token", "true or false", "show that address the token that the cluster is shown"),
    ("prometheus-tenancy", "true or false", "that address wants `namespace=` in each question (prom-label-proxy)"),
];

const COLORS: [&str; 7] = ["red", "yellow", "green", "blue", "magenta", "cyan", "white"];

impl ContextSettings {
    /// Takes a value for `key`. `Ok(false)`: there is no such key.
    pub(super) fn set(&mut self, key: &str, value: Value) -> Result<bool, String> {
        match key {
            "read-only" => self.read_only = Some(value.flag()?),
            "color" => self.color = Some(one_of(value, &COLORS)?),
            "protect" => {
                let type_name = one_of(value, &["ask", "type-name"])? == "type-name";
                self.protect = Some(if type_name { Protection::TypeName } else { Protection::Ask });
            }
            "alias" => self.alias = Some(value.text()?),
            "namespaces" => self.namespaces = value.texts()?,
            "favourites" => self.favourites = value.texts()?,
            "record" => self.record = Some(value.flag()?),
            "profile" => self.profile = Some(profile(value)?),
            "request-timeout" => self.request_timeout = Some(value.request_limit()?),
            "prometheus" => self.prometheus.place = Some(value.text()?),
            "prometheus-ca" => self.prometheus.ca = Some(value.text()?.into()),
            "prometheus-token-file" => self.prometheus.token_file = Some(value.text()?.into()),
            "prometheus-certificate" => self.prometheus.certificate = Some(value.text()?.into()),
            "prometheus-key" => self.prometheus.key = Some(value.text()?.into()),
            "prometheus-cluster-token" => self.prometheus.cluster_token = value.flag()?,
            "prometheus-tenancy" => self.prometheus.tenancy = value.flag()?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// Name of a profile that manifests are checked by.
pub(super) fn profile(value: Value) -> Result<String, String> {
    one_of(value, &Checks::builtin().profiles().map(|(name, _)| name).collect::<Vec<_>>())
}

pub(super) fn one_of(value: Value, words: &[&str]) -> Result<String, String> {
    let text = value.text()?;
    if words.contains(&text.as_str()) {
        Ok(text)
    } else {
        Err(format!("«{text}» is not one of {}", words.join(", ")))
    }
}
