//! The shape of one rule.

use std::sync::{Arc, OnceLock};

use regex::bytes::{Captures, Regex, RegexBuilder};

use super::place::Place;

/// What a rule looks for. Of bytes: with Unicode's classes the patterns take 3 MB and longer to make than a first frame.
#[derive(Clone, Debug)]
pub struct Pattern {
    source: Arc<str>,
    made: OnceLock<Option<Regex>>,
}

impl Pattern {
    /// A pattern that is only looked at when something matches it. A test has made all of ours.
    pub(super) fn trusted(source: &str) -> Self {
        Self { source: source.into(), made: OnceLock::new() }
    }

    /// A pattern, or why it is none.
    pub(super) fn checked(source: &str) -> Result<Self, regex::Error> {
        Ok(Self { source: source.into(), made: OnceLock::from(Some(build(source)?)) })
    }

    /// As it is written.
    pub(super) fn source(&self) -> &str {
        &self.source
    }

    /// Whether it has a group of this name.
    pub(super) fn names(&self, group: &str) -> bool {
        self.regex().is_some_and(|regex| regex.capture_names().flatten().any(|name| name == group))
    }

    /// Its regex; `None` for one of ours that a test would have found to be wrong.
    pub(super) fn regex(&self) -> Option<&Regex> {
        self.made.get_or_init(|| build(&self.source).ok()).as_ref()
    }

    /// Whether it is in this text.
    pub(super) fn is_match(&self, text: &str) -> bool {
        self.regex().is_some_and(|regex| regex.is_match(text.as_bytes()))
    }

    /// The part of a text that it matches.
    pub(super) fn find<'t>(&self, text: &'t str) -> Option<&'t [u8]> {
        Some(self.regex()?.find(text.as_bytes())?.as_bytes())
    }

    /// What it captures in a text that it matches.
    pub(super) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex()?.captures(text.as_bytes())
    }
}

fn build(source: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(source).unicode(false).build()
}

/// One rule: what to look for, and what it means.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Its name, unique.
    pub id: Arc<str>,
    /// The class of cause it tells of.
    pub class: Arc<str>,
    /// Where it looks.
    pub places: Box<[Place]>,
    /// What it looks for.
    pub pattern: Pattern,
    /// The cause in a few words; the replica is put in front of it. Holes: captures and `{node}`, `{limit}`, ….
    pub title: String,
    /// The title for where there is little room; the replica is put after it. The title itself, if there is none.
    pub short: String,
    /// What to do.
    pub remedy: String,
    /// The smaller, the better it explains.
    pub priority: u8,
    /// Ids and classes that explain this one away when they hit, too; `*` is any that isn't a consequence itself.
    pub consequence_of: Box<[String]>,
    /// Whether it passes without anybody doing something.
    pub recovers: bool,
    /// A text it matches.
    pub example: String,
    /// What a line says of the run besides.
    pub sign: Option<Sign>,
    /// Counts only where something else shows that the run failed.
    pub soft: bool,
    /// Counts also when the run went on after it.
    pub lasts: bool,
    /// Looks only at lines that no other rule knows.
    pub generic: bool,
    /// Who prints it is not at fault.
    pub victim: bool,
    /// Who prints it printed the cause just before, where lines have no tag.
    pub echo: bool,
    /// At most so sure, in percent: what it says has other explanations.
    pub sure: u8,
    /// Ids of rules of which one must have matched shortly before.
    pub after: Box<[String]>,
    /// Ids of rules to whose hits nearby its captures belong; it is no cause itself.
    pub details_of: Box<[String]>,
}

/// What a line of a log says of the run besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// It trains.
    Progress,
    /// It ended well.
    Success,
    /// It ended badly.
    Failed,
    /// What was told just now has been dealt with.
    Caught,
    /// Nothing by itself; other rules want it before them.
    Context,
}

impl Sign {
    /// Whether a line with it is about an end, as causes are.
    pub(super) fn is_an_end(self) -> bool {
        self == Self::Failed
    }
}

/// Classes whose troubles are over as soon as anything runs.
const OF_LAUNCH: [&str; 8] = [
    "dns_resolve_failed",
    "ssh_refused",
    "ssh_auth_failed",
    "ssh_host_key",
    "remote_daemon_failed",
    "k8s_api_unreachable",
    "istio_sidecar",
    "rendezvous_timeout",
];

impl Rule {
    /// Whether what it matches is a healthy cluster's chatter: then no rule looks at it.
    pub fn is_noise(&self) -> bool {
        *self.class == *"none" && self.sign.is_none()
    }

    /// Whether it is about the launch, which is tried again.
    pub(super) fn is_of_launch(&self) -> bool {
        OF_LAUNCH.contains(&&*self.class)
    }

    /// Whether anything may have caused it, also what can't be seen.
    pub(super) fn can_follow(&self) -> bool {
        self.consequence_of.iter().any(|of| of == "*")
    }
}
