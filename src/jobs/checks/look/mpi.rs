//! What makes an MPI job: launcher, workers, their implementation, their names.

use serde_json::Value;

use super::{Looks, names};
use crate::jobs::Kind;
use crate::jobs::checks::case::{Case, Found};

pub(super) const LOOKS: Looks = &[
    ("launcher-missing", launcher_missing),
    ("launcher-replicas", launcher_replicas),
    ("worker-replicas", worker_replicas),
    ("containers-missing", containers_missing),
    ("name-for-workers", name_for_workers),
    ("creation-word", creation_word),
    ("role-unknown", role_unknown),
    ("workers-none", workers_none),
    ("implementation-flags", implementation_flags),
    ("implementation-image", implementation_image),
    ("run-as-root", run_as_root),
    ("ssh-path-user", ssh_path_user),
    ("worker-command", worker_command),
    ("launcher-command", launcher_command),
    ("images-differ", images_differ),
];

fn one(found: Option<Found>) -> Vec<Found> {
    found.into_iter().collect()
}

fn launcher_missing(case: &Case<'_>) -> Vec<Found> {
    let lacks = case.kind == Kind::MpiJob && case.role("Launcher").is_none();
    // An empty spec is told by the operator in the same breath; a missing map of specs by the API server.
    let specs = case.job.pointer("/spec/mpiReplicaSpecs").is_some() || case.get("/spec").is_none();
    one((lacks && specs).then(|| Found::at("/spec/mpiReplicaSpecs/Launcher")))
}

fn launcher_replicas(case: &Case<'_>) -> Vec<Found> {
    let role = case.role("Launcher").filter(|_| case.kind == Kind::MpiJob);
    let bad = role.and_then(|role| Some((role.replicas().filter(|n| *n != 1)?, role)));
    one(bad.map(|(is, role)| Found::at(format!("{}/replicas", role.at)).with("is", is)))
}

fn worker_replicas(case: &Case<'_>) -> Vec<Found> {
    let role = case.role("Worker").filter(|_| case.kind == Kind::MpiJob);
    let bad = role.filter(|role| role.spec["replicas"].is_null() || role.replicas().is_some_and(|n| n < 1));
    one(bad.map(|role| Found::at(format!("{}/replicas", role.at)).with("is", role.replicas().unwrap_or(0))))
}

fn containers_missing(case: &Case<'_>) -> Vec<Found> {
    let none = |list: &Value| list.as_array().is_none_or(Vec::is_empty) && (list.is_null() || list.is_array());
    let lacking = case.made().into_iter().filter(|role| none(&role.pod()["containers"]));
    lacking.map(|role| Found::at(role.pod_at("/containers")).with("role", role.name)).collect()
}

fn name_for_workers(case: &Case<'_>) -> Vec<Found> {
    let Some(name) =
        case.text("/metadata/name").filter(|name| case.kind == Kind::MpiJob && names::subdomain(name).is_none())
    else {
        return Vec::new();
    };
    let last = format!("{name}-worker-{}", (case.workers() - 1).max(0));
    let longest = 63usize.saturating_sub(last.len() - name.len());
    let said = names::label_1035(&last);
    one(said.map(|said| Found::at("/metadata/name").with("pod", &last).with("said", said).with("most", longest)))
}

fn creation_word(case: &Case<'_>) -> Vec<Found> {
    let at = "/spec/launcherCreationPolicy";
    let odd = case.text(at).filter(|word| !matches!(*word, "" | "AtStartup" | "WaitForWorkersReady"));
    one(odd.map(|word| Found::at(at).with("is", word)))
}

fn role_unknown(case: &Case<'_>) -> Vec<Found> {
    let known = case.kind.info().roles;
    let odd = case.roles().into_iter().filter(|role| !known.contains(&role.name));
    odd.map(|role| Found::at(&role.at).with("role", role.name).with("known", known.join(", "))).collect()
}

fn workers_none(case: &Case<'_>) -> Vec<Found> {
    let alone = case.is_mpi() && case.role("Launcher").is_some() && case.role("Worker").is_none();
    one((alone && !case.launcher_works()).then(|| Found::at("/spec/mpiReplicaSpecs")))
}

fn implementation<'a>(case: &Case<'a>) -> &'a str {
    case.text("/spec/mpiImplementation").unwrap_or("OpenMPI")
}

/// Options that only one implementation knows.
fn implementation_flags(case: &Case<'_>) -> Vec<Found> {
    const OPEN_MPI: [&str; 7] = ["--allow-run-as-root", "-mca", "--mca", "--bind-to", "--map-by", "--tag-output", "-x"];
    const HYDRA: [&str; 6] = ["-genv", "-ppn", "-iface", "-bootstrap", "-perhost", "-genvlist"];
    let Some(main) = case.role("Launcher").filter(|_| case.kind == Kind::MpiJob).and_then(|role| role.main()) else {
        return Vec::new();
    };
    let own = implementation(case);
    let foreign: &[&str] = if own == "OpenMPI" { &HYDRA } else { &OPEN_MPI };
    let words: Vec<&str> = main.words().iter().flat_map(|word| word.split_whitespace()).collect();
    // Only what stands between mpirun and the program is mpirun's.
    let Some(start) = words.iter().position(|w| w.ends_with("mpirun") || w.ends_with("mpiexec")) else {
        return Vec::new();
    };
    let options = words[start + 1..].iter().take_while(|word| !word.starts_with("python"));
    let found = options.copied().find(|word| foreign.contains(word));
    let field = if main.value["args"].is_array() { "args" } else { "command" };
    one(found.map(|word| Found::at(format!("{}/{field}", main.at)).with("word", word).with("implementation", own)))
}

fn implementation_image(case: &Case<'_>) -> Vec<Found> {
    let own = implementation(case);
    let hint = |image: &str| {
        let tag = image.rsplit(['/', ':']).next().unwrap_or_default().to_lowercase();
        let words: Vec<&str> = tag.split(|c: char| !c.is_ascii_alphanumeric()).collect();
        match () {
            () if words.contains(&"openmpi") || words.contains(&"ompi") => Some("OpenMPI"),
            () if words.contains(&"intel") || words.contains(&"impi") => Some("Intel"),
            () if words.contains(&"mpich") => Some("MPICH"),
            () => None,
        }
    };
    let Some(main) = case.role("Launcher").filter(|_| case.kind == Kind::MpiJob).and_then(|role| role.main()) else {
        return Vec::new();
    };
    let image = main.value["image"].as_str().unwrap_or_default();
    let other = hint(image).filter(|other| *other != own);
    one(other.map(|other| {
        Found::at("/spec/mpiImplementation").with("image", image).with("other", other).with("implementation", own)
    }))
}

fn user(role: &super::super::case::Role<'_>) -> Option<i64> {
    let main = role.main()?.value["securityContext"]["runAsUser"].as_i64();
    main.or_else(|| role.pod()["securityContext"]["runAsUser"].as_i64())
}

/// Open MPI's mpirun doesn't run as root unless it is told to. An image may have another user: that can't be seen here.
fn run_as_root(case: &Case<'_>) -> Vec<Found> {
    let Some(role) = case.role("Launcher").filter(|_| case.is_mpi() && implementation(case) == "OpenMPI") else {
        return Vec::new();
    };
    let Some(main) = role.main() else { return Vec::new() };
    let words = main.words();
    let starts = words.iter().any(|word| word.contains("mpirun") || word.contains("mpiexec"));
    let allowed = words.iter().any(|word| word.contains("allow-run-as-root") || word.contains("ALLOW_RUN_AS_ROOT"));
    let env = main.value["env"].as_array().into_iter().flatten();
    let in_env = env.filter_map(|e| e["name"].as_str()).any(|name| name == "OMPI_ALLOW_RUN_AS_ROOT");
    let field = if main.value["args"].is_array() { "args" } else { "command" };
    let root = user(&role).is_none_or(|user| user == 0) && case.ssh_path().starts_with("/root");
    one((starts && root && !allowed && !in_env).then(|| Found::at(format!("{}/{field}", main.at))))
}

fn ssh_path_user(case: &Case<'_>) -> Vec<Found> {
    let path = case.ssh_path();
    if case.kind != Kind::MpiJob || !path.starts_with("/root") {
        return Vec::new();
    }
    let other = case.made().into_iter().find_map(|role| user(&role).filter(|user| *user != 0));
    one(other.map(|user| Found::at("/spec/sshAuthMountPath").with("user", user).with("path", path)))
}

fn worker_command(case: &Case<'_>) -> Vec<Found> {
    let main = case.role("Worker").filter(|_| case.kind == Kind::MpiJob).and_then(|role| role.main());
    let odd = main.filter(|main| {
        let words = main.words();
        !words.is_empty()
            && !words.iter().any(|word| word.contains("ssh"))
            && !words.iter().any(|word| word.contains("entrypoint"))
    });
    one(odd.map(|main| Found::at(format!("{}/command", main.at)).with("is", main.words().join(" "))))
}

fn launcher_command(case: &Case<'_>) -> Vec<Found> {
    let main = case.role("Launcher").filter(|_| case.is_mpi()).and_then(|role| role.main());
    one(main.filter(|main| main.words().is_empty()).map(|main| Found::at(format!("{}/command", main.at))))
}

fn images_differ(case: &Case<'_>) -> Vec<Found> {
    let image = |role: &str| Some(case.role(role)?.main()?.value["image"].as_str()?.to_owned());
    let (Some(launcher), Some(worker)) = (image("Launcher"), image("Worker")) else { return Vec::new() };
    let at = case.role("Worker").and_then(|role| role.main()).map(|main| format!("{}/image", main.at));
    let differ = case.is_mpi() && launcher != worker;
    one(at.filter(|_| differ).map(|at| Found::at(at).with("launcher", launcher).with("worker", worker)))
}
