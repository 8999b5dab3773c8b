//! What a field of the form is: where it stands, what its value looks like, what may be chosen.

use super::codec::Codec;

/// A part of the form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the parts by name")]
pub enum Group {
    General,
    Workers,
    Launcher,
    Volumes,
    Scheduling,
    Queue,
    Policy,
    Security,
    Labels,
}

impl Group {
    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Workers => "Workers",
            Self::Launcher => "Launcher",
            Self::Volumes => "Volumes",
            Self::Scheduling => "Scheduling",
            Self::Queue => "Queue",
            Self::Policy => "Policy",
            Self::Security => "Security",
            Self::Labels => "Labels",
        }
    }
}

/// A role of the job: the one that leads, or the workers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "said above")]
pub enum Part {
    Leader,
    Worker,
}

/// Where a field's value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At this JSON pointer.
    Path(&'static str),
    /// Below the replica spec of a role.
    Role(Part, &'static str),
    /// Below the pod spec of a role.
    Pod(Part, &'static str),
    /// Below the first container of a role.
    Container(Part, &'static str),
    /// The image of both roles.
    Images,
}

/// Objects of a cluster whose names a field may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the objects by name")]
pub enum Listed {
    LocalQueues,
    WorkloadPriorityClasses,
    PriorityClasses,
    ServiceAccounts,
    Secrets,
    ConfigMaps,
    Claims,
    Namespaces,
    Runtimes,
}

/// What may be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offer {
    /// Whatever is typed.
    Nothing,
    /// One of these.
    Words(&'static [&'static str]),
    /// One of these objects, where they can be listed.
    Names(Listed),
    /// Volumes of claims, config maps and secrets, after what they are: `pvc:`, `configmap:`, `secret:`.
    Volumes,
}

impl Offer {
    /// The objects whose names are offered.
    pub const fn listed(self) -> &'static [Listed] {
        match self {
            Self::Nothing | Self::Words(_) => &[],
            Self::Names(listed) => listed.alone(),
            Self::Volumes => &[Listed::Claims, Listed::ConfigMaps, Listed::Secrets],
        }
    }
}

impl Listed {
    const fn alone(self) -> &'static [Self] {
        match self {
            Self::LocalQueues => &[Self::LocalQueues],
            Self::WorkloadPriorityClasses => &[Self::WorkloadPriorityClasses],
            Self::PriorityClasses => &[Self::PriorityClasses],
            Self::ServiceAccounts => &[Self::ServiceAccounts],
            Self::Secrets => &[Self::Secrets],
            Self::ConfigMaps => &[Self::ConfigMaps],
            Self::Claims => &[Self::Claims],
            Self::Namespaces => &[Self::Namespaces],
            Self::Runtimes => &[Self::Runtimes],
        }
    }
}

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it stands on the form.
    pub group: Group,
    /// Its name.
    pub label: &'static str,
    /// Where its value is.
    pub at: At,
    /// How that is written.
    pub codec: Codec,
    /// What holds where the text is silent.
    pub default: &'static str,
    /// One line on what it is for.
    pub help: &'static str,
    /// What may be chosen.
    pub offer: Offer,
}

impl Field {
    pub(super) const fn of(mut self, words: &'static [&'static str]) -> Self {
        self.offer = Offer::Words(words);
        self
    }

    pub(super) const fn of_volumes(mut self) -> Self {
        self.offer = Offer::Volumes;
        self
    }

    pub(super) const fn named(mut self, names: Listed) -> Self {
        self.offer = Offer::Names(names);
        self
    }
}

/// A field where anything may be typed.
pub(super) const fn field(
    group: Group,
    label: &'static str,
    at: At,
    codec: Codec,
    default: &'static str,
    help: &'static str,
) -> Field {
    Field { group, label, at, codec, default, help, offer: Offer::Nothing }
}
