//! The fields of the form that most kinds share: volumes, scheduling, queue, policy, security, labels.
//!
//! Sources of defaults: mpi-operator 0.8, the Job API, Kueue's documentation.

use super::{
    codec::Codec,
    field::{At, Field, Group, Listed, Part, field},
    preset,
};

use At::{Container as C, Path as P, Pod};
use Codec as V;
use Group as G;
use Part::{Leader as L, Worker as W};

pub(super) static VOLUMES: &[Field] = &[
    field(
        G::Volumes,
        "Of workers",
        Pod(W, "/volumes"),
        V::Mounts,
        "",
        "pvc:NAME at /PATH, shm:16Gi at /dev/shm, configmap:, secret:, empty",
    )
    .of_volumes(),
    field(
        G::Volumes,
        "Of the launcher",
        Pod(L, "/volumes"),
        V::Mounts,
        "",
        "pvc:NAME at /PATH, shm:16Gi at /dev/shm, configmap:, secret:, empty",
    )
    .of_volumes(),
];

pub(super) static SCHEDULING: &[Field] = &[
    field(
        G::Scheduling,
        "Node selector",
        Pod(W, "/nodeSelector"),
        V::Pairs,
        "",
        "Workers run on nodes with these labels only: key=value.",
    ),
    field(
        G::Scheduling,
        "Tolerations",
        Pod(W, "/tolerations"),
        V::Tolerations,
        "",
        "Taints that workers bear: key:NoSchedule, key=value:NoExecute.",
    ),
    field(
        G::Scheduling,
        "Workers stand",
        Pod(W, "/affinity"),
        V::Affinity,
        "anywhere",
        "How workers are placed against each other.",
    )
    .of(preset::NAMES),
    field(
        G::Scheduling,
        "Priority class",
        Pod(W, "/priorityClassName"),
        V::Text,
        "the cluster's",
        "Of pods; Kueue's own is under Queue.",
    )
    .named(Listed::PriorityClasses),
];

pub(super) static LEADER_SCHEDULING: &[Field] = &[
    field(
        G::Scheduling,
        "Launcher on nodes",
        Pod(L, "/nodeSelector"),
        V::Pairs,
        "",
        "The launcher runs on nodes with these labels only: key=value.",
    ),
    field(
        G::Scheduling,
        "Launcher bears",
        Pod(L, "/tolerations"),
        V::Tolerations,
        "",
        "Taints that the launcher bears: key:NoSchedule, key=value:NoExecute.",
    ),
    field(
        G::Scheduling,
        "Launcher priority",
        Pod(L, "/priorityClassName"),
        V::Text,
        "the cluster's",
        "Priority class of the launcher's pod.",
    )
    .named(Listed::PriorityClasses),
];

pub(super) static QUEUE: &[Field] = &[
    field(
        G::Queue,
        "Queue",
        P("/metadata/labels/kueue.x-k8s.io~1queue-name"),
        V::Text,
        "none",
        "The LocalQueue of Kueue that admits it.",
    )
    .named(Listed::LocalQueues),
    field(
        G::Queue,
        "Priority",
        P("/metadata/labels/kueue.x-k8s.io~1priority-class"),
        V::Text,
        "none",
        "WorkloadPriorityClass of Kueue.",
    )
    .named(Listed::WorkloadPriorityClasses),
];

pub(super) static GANG: &[Field] = &[
    field(
        G::Queue,
        "Gang: at least",
        P("/spec/runPolicy/schedulingPolicy/minAvailable"),
        V::Count,
        "all",
        "Pods that must fit at once (Volcano, scheduler-plugins).",
    ),
    field(
        G::Queue,
        "Gang: queue",
        P("/spec/runPolicy/schedulingPolicy/queue"),
        V::Text,
        "default",
        "Queue of Volcano.",
    ),
    field(
        G::Queue,
        "Gang: priority",
        P("/spec/runPolicy/schedulingPolicy/priorityClass"),
        V::Text,
        "the pods'",
        "Priority class of the group.",
    )
    .named(Listed::PriorityClasses),
    field(
        G::Queue,
        "Gang: time-out",
        P("/spec/runPolicy/schedulingPolicy/scheduleTimeoutSeconds"),
        V::Number,
        "0",
        "Seconds until the group gives up (scheduler-plugins).",
    ),
];

pub(super) static POLICY: &[Field] = &[
    field(
        G::Policy,
        "Clean pods",
        P("/spec/runPolicy/cleanPodPolicy"),
        V::Text,
        "None",
        "Which pods go at the end; with None workers keep their GPUs.",
    )
    .of(&["Running", "All", "None"]),
    field(
        G::Policy,
        "Deadline",
        P("/spec/runPolicy/activeDeadlineSeconds"),
        V::Count,
        "none",
        "Seconds after which it is stopped.",
    ),
    field(
        G::Policy,
        "Attempts again",
        P("/spec/runPolicy/backoffLimit"),
        V::Number,
        "6",
        "How often the launcher is tried again.",
    ),
    field(
        G::Policy,
        "Gone after",
        P("/spec/runPolicy/ttlSecondsAfterFinished"),
        V::Number,
        "never",
        "Seconds until the launcher and its log are deleted.",
    ),
];

pub(super) static SUSPEND: &[Field] = &[
    field(G::Policy, "Suspended", P("/spec/runPolicy/suspend"), V::Bool, "false", "It is made, but does not start.")
        .of(&["true", "false"]),
    field(G::Policy, "Suspended", P("/spec/suspend"), V::Bool, "false", "It is made, but does not start.")
        .of(&["true", "false"]),
];

pub(super) static SECURITY: &[Field] = &[
    field(
        G::Security,
        "Service account",
        Pod(W, "/serviceAccountName"),
        V::Text,
        "default",
        "As whom worker pods talk to the cluster.",
    )
    .named(Listed::ServiceAccounts),
    field(
        G::Security,
        "Token in workers",
        Pod(W, "/automountServiceAccountToken"),
        V::Bool,
        "true",
        "Training hardly ever needs one.",
    )
    .of(&["true", "false"]),
    field(
        G::Security,
        "Pull secrets",
        Pod(W, "/imagePullSecrets"),
        V::Names,
        "",
        "Secrets of private registries: a, b.",
    )
    .named(Listed::Secrets),
    field(
        G::Security,
        "User",
        Pod(W, "/securityContext/runAsUser"),
        V::Number,
        "the image's",
        "Number of the user that workers run as.",
    ),
    field(
        G::Security,
        "Group of files",
        Pod(W, "/securityContext/fsGroup"),
        V::Number,
        "none",
        "Group that volumes belong to.",
    ),
    field(
        G::Security,
        "Not as root",
        Pod(W, "/securityContext/runAsNonRoot"),
        V::Bool,
        "false",
        "An image that would run as root does not start.",
    )
    .of(&["true", "false"]),
    field(
        G::Security,
        "Escalation",
        C(W, "/securityContext/allowPrivilegeEscalation"),
        V::Bool,
        "true",
        "Whether a process may gain more rights.",
    )
    .of(&["false", "true"]),
    field(
        G::Security,
        "Dropped rights",
        C(W, "/securityContext/capabilities/drop"),
        V::Texts,
        "none",
        "Capabilities taken away; ALL is asked for by restricted namespaces.",
    ),
];

pub(super) static LEADER_SECURITY: &[Field] = &[
    field(
        G::Security,
        "Launcher's account",
        Pod(L, "/serviceAccountName"),
        V::Text,
        "default",
        "As whom the launcher talks to the cluster.",
    )
    .named(Listed::ServiceAccounts),
    field(
        G::Security,
        "Token in launcher",
        Pod(L, "/automountServiceAccountToken"),
        V::Bool,
        "true",
        "Only a program that talks to the cluster needs one.",
    )
    .of(&["true", "false"]),
    field(
        G::Security,
        "Launcher's secrets",
        Pod(L, "/imagePullSecrets"),
        V::Names,
        "",
        "Secrets of private registries that the launcher's image is pulled with: a, b.",
    )
    .named(Listed::Secrets),
    field(
        G::Security,
        "Launcher's user",
        Pod(L, "/securityContext/runAsUser"),
        V::Number,
        "the image's",
        "Number of the user that the launcher runs as.",
    ),
    field(
        G::Security,
        "Launcher's files",
        Pod(L, "/securityContext/fsGroup"),
        V::Number,
        "none",
        "Group that the launcher's volumes belong to.",
    ),
    field(
        G::Security,
        "Launcher not root",
        Pod(L, "/securityContext/runAsNonRoot"),
        V::Bool,
        "false",
        "A launcher that would run as root does not start.",
    )
    .of(&["true", "false"]),
    field(
        G::Security,
        "Launcher may gain",
        C(L, "/securityContext/allowPrivilegeEscalation"),
        V::Bool,
        "true",
        "Whether a process of the launcher may gain more rights.",
    )
    .of(&["false", "true"]),
    field(
        G::Security,
        "Launcher drops",
        C(L, "/securityContext/capabilities/drop"),
        V::Texts,
        "none",
        "Capabilities taken from the launcher; restricted namespaces ask for ALL.",
    ),
];

pub(super) static LABELS: &[Field] = &[
    field(G::Labels, "Labels", P("/metadata/labels"), V::Pairs, "", "Of the job: key=value, key=value."),
    field(G::Labels, "Annotations", P("/metadata/annotations"), V::Pairs, "", "Of the job: key=value, key=value."),
];
