//! From objects to the tree of what a job owns: by owner references, the launcher Job's pods below it.

use serde_json::Value;

use crate::{
    cluster::{
        Problem,
        objects::{self, Owned},
    },
    console::model::page::OwnedObject,
    jobs::{Clean, Uid},
};

/// Lines of a hostfile that are shown.
const CONTENT: usize = 130;

/// The tree; the first problem, if nothing at all could be read.
pub(super) fn tree(job: &Uid, owned: &Owned) -> Result<Vec<OwnedObject>, Problem> {
    let mut out = Vec::new();
    below(job, 0, &owned.objects, &mut out);
    match owned.unread.first() {
        Some(problem) if out.is_empty() => Err(problem.clone()),
        _ => Ok(out),
    }
}

fn below(uid: &Uid, depth: u8, all: &[objects::OwnedObject], out: &mut Vec<OwnedObject>) {
    // Owners that own themselves in a ring are not worth following.
    if depth > 4 {
        return;
    }
    let mut owned: Vec<&objects::OwnedObject> = all.iter().filter(|object| object.owner == *uid).collect();
    owned.sort_by_key(|object| (rank(object.kind.as_str()), object.name.clone()));
    for object in owned {
        out.push(row(object, depth));
        below(&object.uid, depth + 1, all, out);
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn rank(kind: &str) -> usize {
    let order = ["Workload", "JobSet", "Job", "PodGroup", "Pod", "Service", "ConfigMap", "Secret"];
    order.iter().position(|known| *known == kind).unwrap_or(order.len())
}

fn row(owned: &objects::OwnedObject, depth: u8) -> OwnedObject {
    let (object, kind) = (&*owned.object, owned.kind.as_str());
    let count = |pointer: &str| object.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let about = match kind {
        "Job" => {
            let [active, ok, failed] = ["active", "succeeded", "failed"].map(|n| count(&format!("/status/{n}")));
            format!("active {active}, succeeded {ok}, failed {failed}")
        }
        "Pod" => text(object, "/status/phase").to_owned(),
        "Service" if text(object, "/spec/clusterIP") == "None" => "headless".to_owned(),
        "Service" => text(object, "/spec/clusterIP").to_owned(),
        "ConfigMap" => {
            let keys = object.get("data").and_then(Value::as_object);
            keys.map_or(String::new(), |keys| keys.keys().cloned().collect::<Vec<_>>().join(", "))
        }
        "Secret" => "content is never read".to_owned(),
        "PodGroup" => format!("min members {}", count("/spec/minMember")),
        _ => String::new(),
    };
    let content = if kind == "ConfigMap" { objects::hostfile(object) } else { Vec::new() };
    OwnedObject {
        depth,
        kind: owned.kind.clone(),
        name: owned.name.clone(),
        about: Clean::new(&about),
        content: content.into_iter().take(CONTENT).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;

    use super::*;
    use crate::jobs::{Name, Secs, Sym};

    #[test]
    fn pods_of_the_launcher_job_hang_below_it() {
        let object = |kind: &str, name: &str, uid: &str, owner: &str| objects::OwnedObject {
            group: Sym::default(),
            kind: Sym::new(kind),
            name: Name::lossy(name),
            uid: Uid::new(uid),
            owner: Uid::new(owner),
            created: Secs::default(),
            object: Arc::new(json!({"data": {"hostfile": "pi-worker-0 slots=1\n"}, "status": {"phase": "Running"}})),
        };
        let objects = vec![
            object("Secret", "pi-ssh", "s", "u"),
            object("ConfigMap", "pi-config", "c", "u"),
            object("Job", "pi-launcher", "j", "u"),
            object("Pod", "pi-launcher-x", "p", "j"),
        ];
        let tree = tree(&Uid::new("u"), &Owned { objects, unread: Vec::new() }).expect("a tree");
        let names: Vec<_> = tree.iter().map(|o| (o.depth, o.kind.as_str(), o.name.as_str())).collect();
        let want = [
            (0, "Job", "pi-launcher"),
            (1, "Pod", "pi-launcher-x"),
            (0, "ConfigMap", "pi-config"),
            (0, "Secret", "pi-ssh"),
        ];
        assert_eq!(names, want);
        assert_eq!(tree[2].content, [Clean::new("pi-worker-0 slots=1")]);
        assert!(tree[3].content.is_empty());
    }
}
