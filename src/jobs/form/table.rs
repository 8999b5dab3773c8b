//! The fields of the form, by kind: what each job is made of. What goes around it is in `around`.
//!
//! Sources of defaults: mpi-operator 0.8, the Job API.

use super::{
    around::{GANG, LABELS, LEADER_SCHEDULING, LEADER_SECURITY, POLICY, QUEUE, SCHEDULING, SECURITY, SUSPEND, VOLUMES},
    codec::Codec,
    field::{At, Field, Group, Listed, Part, field},
    script::Hook,
};
use crate::jobs::Kind;

use At::{Container as C, Path as P, Role as R};
use Codec as V;
use Group as G;
use Part::{Leader as L, Worker as W};

/// The fields of a kind, in the order of the form.
pub fn fields(kind: Kind) -> impl Iterator<Item = &'static Field> {
    let (mpi, v2) = (matches!(kind, Kind::MpiJob | Kind::MpiJobV1), kind == Kind::MpiJob);
    let train = kind == Kind::TrainJob;
    let some = |on: bool, fields: &'static [Field]| if on { fields } else { &[] };
    let leads = kind != Kind::JaxJob;
    GENERAL
        .iter()
        .chain(some(train, TRAIN))
        .chain(some(!train, IMAGE))
        .chain(some(mpi, RUN))
        .chain(some(mpi, SLOTS))
        .chain(some(v2, MPI))
        .chain(some(!train, WORKERS))
        .chain(some(!train && !mpi && leads, LEADER_RUN))
        .chain(some(!train && leads, LEADER))
        .chain(some(!train, VOLUMES))
        .chain(some(!train, SCHEDULING))
        .chain(some(!train && leads, LEADER_SCHEDULING))
        .chain(QUEUE)
        .chain(some(!train, GANG))
        .chain(some(!train, POLICY))
        .chain(SUSPEND.iter().filter(move |field| train == (field.at == P("/spec/suspend"))))
        .chain(some(!train, SECURITY))
        .chain(some(!train && leads, LEADER_SECURITY))
        .chain(LABELS)
}

static GENERAL: &[Field] = &[
    field(
        G::General,
        "Name",
        P("/metadata/name"),
        V::Text,
        "",
        "Lower-case letters, digits and dashes; worker pods add «-worker-N» to it.",
    ),
    field(G::General, "Namespace", P("/metadata/namespace"), V::Text, "the context's", "Where it is made.")
        .named(Listed::Namespaces),
    field(G::General, "Kind", P("/kind"), V::Fixed, "", "What it is; another kind begins with another template."),
];

static TRAIN: &[Field] = &[
    field(G::General, "Runtime", P("/spec/runtimeRef/name"), V::Text, "", "The ClusterTrainingRuntime it runs on.")
        .named(Listed::Runtimes),
    field(G::General, "Image", P("/spec/trainer/image"), V::Text, "the runtime's", "Image of the nodes."),
    field(G::General, "Command", P("/spec/trainer/command"), V::Words, "the runtime's", "What the nodes run."),
    field(G::General, "Arguments", P("/spec/trainer/args"), V::Words, "the runtime's", "What the command is given."),
    field(G::Workers, "Nodes", P("/spec/trainer/numNodes"), V::Count, "the runtime's", "How many nodes."),
    field(
        G::Workers,
        "Processes per node",
        P("/spec/trainer/numProcPerNode"),
        V::Text,
        "the runtime's",
        "A number, or auto, cpu, gpu.",
    ),
    field(
        G::Workers,
        "CPU",
        P("/spec/trainer/resourcesPerNode/requests/cpu"),
        V::Quantity,
        "the runtime's",
        "CPUs that a node asks for.",
    ),
    field(
        G::Workers,
        "Memory",
        P("/spec/trainer/resourcesPerNode/requests/memory"),
        V::Quantity,
        "the runtime's",
        "Memory that a node asks for.",
    ),
    field(
        G::Workers,
        "GPUs",
        P("/spec/trainer/resourcesPerNode/limits/nvidia.com~1gpu"),
        V::Quantity,
        "the runtime's",
        "GPUs of a node.",
    ),
    field(
        G::Workers,
        "Environment",
        P("/spec/trainer/env"),
        V::Env,
        "",
        "Variables: NAME=value, with quotes where a value has blanks.",
    ),
];

static IMAGE: &[Field] = &[field(
    G::General,
    "Image",
    At::Images,
    V::Text,
    "",
    "Image of all replicas; those of a role can differ in the text.",
)];

/// What an MPI job is about; where every role runs the same program, each has its own.
static RUN: &[Field] = &[
    field(
        G::General,
        "Command",
        C(L, "/command"),
        V::Words,
        "the image's",
        "What the launcher runs: mpirun -np 8 python train.py.",
    ),
    field(G::General, "Arguments", C(L, "/args"), V::Words, "", "What the command is given."),
];

static SLOTS: &[Field] = &[field(
    G::General,
    "Slots per worker",
    P("/spec/slotsPerWorker"),
    V::Number,
    "1",
    "Ranks on each worker; -np is at most workers x slots.",
)];

static MPI: &[Field] = &[
    field(G::General, "MPI", P("/spec/mpiImplementation"), V::Text, "OpenMPI", "The MPI that is in the image.")
        .of(&["OpenMPI", "Intel", "MPICH"]),
    field(
        G::General,
        "SSH keys at",
        P("/spec/sshAuthMountPath"),
        V::Text,
        "/root/.ssh",
        "Where keys are mounted; in the home of the user it runs as.",
    ),
    field(
        G::General,
        "Launcher starts",
        P("/spec/launcherCreationPolicy"),
        V::Text,
        "AtStartup",
        "At once, or when all workers are ready.",
    )
    .of(&["AtStartup", "WaitForWorkersReady"]),
    field(
        G::General,
        "Launcher works",
        P("/spec/runLauncherAsWorker"),
        V::Bool,
        "false",
        "The launcher runs ranks, too.",
    )
    .of(&["true", "false"]),
];

static WORKERS: &[Field] = &[
    field(G::Workers, "Workers", R(W, "/replicas"), V::Count, "none: invalid", "How many worker pods."),
    field(
        G::Workers,
        "CPU request",
        C(W, "/resources/requests/cpu"),
        V::Quantity,
        "the limit",
        "CPUs that each worker is sure of.",
    ),
    field(
        G::Workers,
        "CPU limit",
        C(W, "/resources/limits/cpu"),
        V::Quantity,
        "none",
        "CPUs that each worker may use.",
    ),
    field(
        G::Workers,
        "Memory request",
        C(W, "/resources/requests/memory"),
        V::Quantity,
        "the limit",
        "Memory that each worker is sure of.",
    ),
    field(
        G::Workers,
        "Memory limit",
        C(W, "/resources/limits/memory"),
        V::Quantity,
        "none",
        "A worker that uses more is killed.",
    ),
    field(
        G::Workers,
        "GPUs",
        C(W, "/resources/limits/nvidia.com~1gpu"),
        V::Quantity,
        "0",
        "GPUs of each worker; a limit is a request.",
    ),
    field(
        G::Workers,
        "Command",
        C(W, "/command"),
        V::Words,
        "sshd",
        "What workers run; MPI workers run sshd by themselves.",
    ),
    field(G::Workers, "Arguments", C(W, "/args"), V::Words, "", "What the command is given."),
    field(
        G::Workers,
        "Environment",
        C(W, "/env"),
        V::Env,
        "",
        "Variables: NAME=value, with quotes where a value has blanks.",
    ),
    field(G::Workers, "Restart", R(W, "/restartPolicy"), V::Text, "Never", "What becomes of a container that ends.")
        .of(&["Never", "OnFailure"]),
];

static LEADER_RUN: &[Field] = &[
    field(G::Launcher, "Command", C(L, "/command"), V::Words, "the image's", "What it runs."),
    field(G::Launcher, "Arguments", C(L, "/args"), V::Words, "", "What the command is given."),
];

static LEADER: &[Field] = &[
    field(
        G::Launcher,
        "Before it",
        C(L, "/args"),
        V::Script(Hook::Before),
        "",
        "A shell command that runs first; if it fails, the program does not begin.",
    ),
    field(
        G::Launcher,
        "If it fails",
        C(L, "/args"),
        V::Script(Hook::OnFailure),
        "",
        "A shell command for when the program failed; $status is its exit code.",
    ),
    field(
        G::Launcher,
        "After it",
        C(L, "/args"),
        V::Script(Hook::After),
        "",
        "A shell command that runs at the end, however the program ended.",
    ),
    field(
        G::Launcher,
        "CPU request",
        C(L, "/resources/requests/cpu"),
        V::Quantity,
        "the limit",
        "CPUs that it is sure of.",
    ),
    field(G::Launcher, "CPU limit", C(L, "/resources/limits/cpu"), V::Quantity, "none", "CPUs that it may use."),
    field(
        G::Launcher,
        "Memory request",
        C(L, "/resources/requests/memory"),
        V::Quantity,
        "the limit",
        "Memory that it is sure of.",
    ),
    field(
        G::Launcher,
        "Memory limit",
        C(L, "/resources/limits/memory"),
        V::Quantity,
        "none",
        "If it uses more it is killed.",
    ),
    field(
        G::Launcher,
        "GPUs",
        C(L, "/resources/limits/nvidia.com~1gpu"),
        V::Quantity,
        "0",
        "An MPI launcher does not see GPUs unless it works, too.",
    ),
    field(
        G::Launcher,
        "Environment",
        C(L, "/env"),
        V::Env,
        "",
        "Variables: NAME=value, with quotes where a value has blanks.",
    ),
    field(G::Launcher, "Restart", R(L, "/restartPolicy"), V::Text, "OnFailure", "Never keeps the log of each attempt.")
        .of(&["Never", "OnFailure"]),
];
