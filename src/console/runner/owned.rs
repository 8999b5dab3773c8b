//! From objects to the tree of what a job owns: by owner references, the launcher Job's pods below it; what could not be
//! read is a branch of its own.

mod status;

use crate::{
    cluster::{
        Problem, ProblemKind,
        objects::{self, Owned, Unread},
    },
    console::model::page::OwnedObject,
    jobs::{Clean, Name, Sym, Uid, replica::ReplicaStatus, state::Severity},
};

/// Lines of a hostfile that are kept.
const CONTENT: usize = 2000;

/// The tree; the first problem, if nothing at all could be read and it is not a matter of rights.
pub(super) fn tree(job: &Uid, owned: &Owned) -> Result<Vec<OwnedObject>, Problem> {
    let refused = |unread: &&Unread| unread.problem.kind == ProblemKind::Forbidden;
    match owned.unread.iter().find(|unread| !refused(unread)) {
        Some(unread) if owned.objects.is_empty() => return Err(unread.problem.clone()),
        _ => {}
    }
    let mut out = Vec::new();
    below(job, 0, owned, &mut out);
    Ok(out)
}

/// What `uid` owns, and what hangs below that; with the job itself comes what could not be read.
fn below(uid: &Uid, depth: u8, owned: &Owned, out: &mut Vec<OwnedObject>) {
    // Owners that own themselves in a ring are not worth following.
    if depth > 4 {
        return;
    }
    let objects = owned.objects.iter().filter(|object| object.owner == *uid).map(Branch::Object);
    let unread = owned.unread.iter().filter(|_| depth == 0).map(Branch::Unread);
    let mut branches: Vec<Branch<'_>> = objects.chain(unread).collect();
    branches.sort_by_key(Branch::rank);
    for branch in branches {
        match branch {
            Branch::Object(object) => {
                out.push(row(object, depth));
                below(&object.uid, depth + 1, owned, out);
            }
            Branch::Unread(part) => out.push(unread_row(part)),
        }
    }
}

/// Something in the tree.
enum Branch<'a> {
    Object(&'a objects::OwnedObject),
    Unread(&'a Unread),
}

impl Branch<'_> {
    /// Where it stands among its siblings; `worker-10` after `worker-9`.
    fn rank(&self) -> (usize, Option<(String, usize, Name)>) {
        let order = ["Workload", "JobSet", "Job", "PodGroup", "Pod", "Service", "ConfigMap", "Secret"];
        let of = |kind: &Sym| order.iter().position(|known| *known == kind.as_str()).unwrap_or(order.len());
        match self {
            Self::Unread(part) => (of(&part.kind), None),
            Self::Object(object) => {
                let name = object.name.as_str();
                let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
                let number = name[stem.len()..].parse().unwrap_or(0);
                (of(&object.kind), Some((stem.to_owned(), number, object.name.clone())))
            }
        }
    }
}

fn row(owned: &objects::OwnedObject, depth: u8) -> OwnedObject {
    let (status, about) = status::of(owned);
    let content = if owned.kind.as_str() == "ConfigMap" { objects::hostfile(&owned.object) } else { Vec::new() };
    OwnedObject {
        depth,
        kind: owned.kind.clone(),
        name: owned.name.clone(),
        status,
        about: Clean::new(&about),
        content: content.into_iter().take(CONTENT).collect(),
    }
}

fn unread_row(part: &Unread) -> OwnedObject {
    let (word, about) = if part.problem.kind == ProblemKind::Forbidden {
        ("not allowed", format!("ask for: {}", part.problem.ask().unwrap_or(&part.ask)))
    } else {
        ("not read", format!("{}: {}", part.problem.what, part.problem.why))
    };
    OwnedObject {
        depth: 0,
        kind: part.kind.clone(),
        name: Name::default(),
        status: ReplicaStatus { word: Sym::new(word), severity: Severity::Warn, symbol: '?' },
        about: Clean::new(&about),
        content: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::jobs::{Name, Secs, Sym};

    fn object(kind: &str, name: &str, uid: &str, owner: &str) -> objects::OwnedObject {
        objects::OwnedObject {
            group: Sym::default(),
            kind: Sym::new(kind),
            name: Name::lossy(name),
            uid: Uid::new(uid),
            owner: Uid::new(owner),
            created: Secs::default(),
            object: Arc::new(json!({"data": {"hostfile": "pi-worker-0 slots=1\n"}, "status": {"phase": "Running"}})),
        }
    }

    fn unread(kind: &str, problem: ProblemKind) -> Unread {
        let ask = format!("get {}s in namespace x", kind.to_lowercase());
        Unread { kind: Sym::new(kind), ask: Clean::new(&ask), problem: Problem::new(problem, "can't", "why", "do") }
    }

    #[test]
    fn pods_of_the_launcher_job_hang_below_it() {
        let objects = vec![
            object("Secret", "pi-ssh", "s", "u"),
            object("ConfigMap", "pi-config", "c", "u"),
            object("Pod", "pi-worker-10", "w10", "u"),
            object("Pod", "pi-worker-9", "w9", "u"),
            object("Job", "pi-launcher", "j", "u"),
            object("Pod", "pi-launcher-x", "p", "j"),
        ];
        let tree = tree(&Uid::new("u"), &Owned { objects, unread: Vec::new() }).expect("a tree");
        let names: Vec<_> = tree.iter().map(|o| (o.depth, o.kind.as_str(), o.name.as_str())).collect();
        let want = [
            (0, "Job", "pi-launcher"),
            (1, "Pod", "pi-launcher-x"),
            (0, "Pod", "pi-worker-9"),
            (0, "Pod", "pi-worker-10"),
            (0, "ConfigMap", "pi-config"),
            (0, "Secret", "pi-ssh"),
        ];
        assert_eq!(names, want);
        assert_eq!(tree[4].content, [Clean::new("pi-worker-0 slots=1")]);
        assert!(tree[5].content.is_empty());
    }

    #[test]
    fn what_may_not_be_read_is_a_branch_in_its_place() {
        let objects = vec![object("Pod", "pi-worker-0", "w", "u"), object("Service", "pi", "s", "u")];
        let unread = vec![unread("Secret", ProblemKind::Forbidden), unread("Job", ProblemKind::Timeout)];
        let found = tree(&Uid::new("u"), &Owned { objects, unread }).expect("a tree");
        let told: Vec<_> = found.iter().map(|o| (o.kind.as_str(), o.status.word.as_str(), o.about.as_str())).collect();
        let want = [
            ("Job", "not read", "can't: why"),
            ("Pod", "Running", ""),
            ("Service", "present", ""),
            ("Secret", "not allowed", "ask for: get secrets in namespace x"),
        ];
        assert_eq!(told, want);
    }

    #[test]
    fn nothing_at_all_is_a_problem_unless_it_is_forbidden() {
        let all = |kinds: [ProblemKind; 2]| {
            let unread = kinds.map(|kind| unread("Secret", kind)).into();
            tree(&Uid::new("u"), &Owned { objects: Vec::new(), unread }).map(|tree| tree.len()).map_err(|p| p.kind)
        };
        assert_eq!(all([ProblemKind::Forbidden; 2]), Ok(2));
        assert_eq!(all([ProblemKind::Forbidden, ProblemKind::Unreachable]), Err(ProblemKind::Unreachable));
    }
}
