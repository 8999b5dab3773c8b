//! Taking changes back, where that can be done: the newest change of an object, as long as the change log tells of it.

use std::collections::HashSet;

use super::{
    back::Undo,
    change::{Change, Subject, What},
    desk::Site,
    restart,
};
use crate::{
    disk::{
        DiskProblem,
        changes::{ChangeFiles, Entry, Stage},
    },
    jobs::{Clean, Secs, Sym},
};

/// Changes that were made together and can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undoable {
    /// When they were made.
    pub at: Secs,
    /// What was done, in words, a line each.
    pub done: Vec<Clean>,
    /// What takes it back.
    pub changes: Vec<Change>,
}

/// Entries that are looked at.
const LOOKED_AT: usize = 2_000;

/// What can be taken back on this cluster, the newest first.
pub fn undoable(files: &ChangeFiles, site: &Site) -> Result<Vec<Undoable>, DiskProblem> {
    let entries = files.entries(LOOKED_AT)?;
    let mut newer: Vec<(Clean, String)> = Vec::new();
    let mut runs: Vec<(Clean, Undoable)> = Vec::new();
    let mut over: HashSet<&Clean> = HashSet::new();
    for entry in entries.iter().rev().filter(|entry| entry.cluster == site.cluster.id) {
        // Of the two lines of a change the last one counts.
        if !over.insert(&entry.id) {
            continue;
        }
        let object = (entry.kind.clone(), format!("{}/{}", entry.namespace, entry.name));
        let changed_since = newer.contains(&object);
        if entry.stage != Stage::Failed || is_reversible(entry) {
            newer.push(object);
        }
        if changed_since {
            continue;
        }
        let Some(change) = taken_back(files, entry, &site.context)? else { continue };
        if let Some((_, undoable)) = runs.iter_mut().find(|(run, _)| *run == entry.run) {
            undoable.done.push(entry.what.clone());
            undoable.changes.push(change);
        } else {
            let undoable = Undoable { at: entry.at, done: vec![entry.what.clone()], changes: vec![change] };
            runs.push((entry.run.clone(), undoable));
        }
    }
    Ok(runs.into_iter().map(|(_, undoable)| undoable).collect())
}

/// A restart that was begun and never over may have deleted its job.
fn half_done(entry: &Entry) -> Option<Undo> {
    let begun = entry.stage == Stage::Begun && entry.verb == What::Restart.verb();
    entry.uid.as_ref().filter(|_| begun).map(|uid| Undo::Again(uid.to_string()))
}

fn is_reversible(entry: &Entry) -> bool {
    entry.undo.is_some() || half_done(entry).is_some()
}

/// What takes one entry back; `None` if nothing does, or its manifest is not kept any more.
fn taken_back(files: &ChangeFiles, entry: &Entry, context: &Clean) -> Result<Option<Change>, DiskProblem> {
    let said = entry.undo.clone().and_then(|undo| serde_json::from_value::<Undo>(undo).ok());
    let Some(undo) = said.or_else(|| half_done(entry)) else { return Ok(None) };
    let subject = |group_version: &str, uid| {
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        Subject {
            group: Sym::new(group),
            version: Sym::new(version),
            kind: Sym::new(entry.kind.as_str()),
            namespace: entry.namespace.clone(),
            name: entry.name.clone(),
            uid,
        }
    };
    let context = context.clone();
    Ok(match undo {
        Undo::Again(kept) => files.kept(&kept)?.map(|manifest| {
            let version = manifest["apiVersion"].as_str().unwrap_or_default().to_owned();
            let before = Change { context, subject: subject(&version, entry.uid.clone()), what: What::Restart };
            let what = restart::remade(&before, manifest);
            Change { subject: Subject { uid: None, ..before.subject }, what, ..before }
        }),
        Undo::Back(what) => {
            Some(Change { context, subject: subject(entry.api_version.as_str(), entry.uid.clone()), what: *what })
        }
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        disk::records::ClusterPlace,
        jobs::{Name, Uid},
    };

    fn files() -> (ChangeFiles, tempfile::TempDir) {
        let dir = tempfile::tempdir().expect("a directory");
        (ChangeFiles::new(dir.path()), dir)
    }

    fn entry(run: &str, name: &str, stage: Stage, undo: Option<Undo>) -> Entry {
        Entry {
            id: Clean::new(&format!("{run}{name}")),
            run: Clean::new(run),
            stage,
            what: Clean::new(&format!("change {name}")),
            kind: Clean::new("MPIJob"),
            api_version: Clean::new("kubeflow.org/v2beta1"),
            namespace: Name::lossy("v"),
            name: Name::lossy(name),
            uid: Some(Uid::new("u")),
            cluster: site("s").cluster.id,
            undo: undo.map(|undo| serde_json::to_value(undo).expect("written")),
            ..Entry::default()
        }
    }

    fn site(server: &str) -> Site {
        Site { context: Clean::new("now"), cluster: ClusterPlace::new(server, b"ca"), ..Site::default() }
    }

    fn label(value: Option<&str>) -> Undo {
        Undo::Back(Box::new(What::Label { key: "a".into(), value: value.map(str::to_owned) }))
    }

    #[test]
    fn a_restart_that_never_ended_can_be_made_good() {
        let (files, _dir) = files();
        files.keep("u", &json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob"})).expect("kept");
        let begun = Entry { verb: Clean::new("restart"), ..entry("1", "a", Stage::Begun, None) };
        files.write(&begun).expect("written");
        let offered = || undoable(&files, &site("s")).expect("read");
        assert_eq!(offered().first().map(|one| one.changes[0].what.verb()), Some("create"));
        files.write(&Entry { stage: Stage::Done, ..begun }).expect("written");
        assert_eq!(offered(), []);
    }

    #[test]
    fn the_newest_change_of_each_object_can_be_taken_back_and_those_of_one_run_together() {
        let (files, _dir) = files();
        files.keep("u", &json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob"})).expect("kept");
        for entry in [
            entry("1", "a", Stage::Done, Some(label(None))),
            entry("2", "a", Stage::Begun, None),
            entry("2", "a", Stage::Done, Some(Undo::Again("u".into()))),
            entry("2", "b", Stage::Done, Some(label(Some("x")))),
            entry("3", "c", Stage::Failed, None),
            entry("4", "d", Stage::Done, None),
        ] {
            files.write(&entry).expect("written");
        }
        let found = undoable(&files, &site("s")).expect("read");
        assert_eq!(found.len(), 1, "a label below a deletion is not offered: {found:?}");
        let verbs: Vec<_> =
            found[0].changes.iter().map(|change| (change.what.verb(), change.subject.uid.is_some())).collect();
        assert_eq!(verbs, [("label", true), ("create", false)]);
        assert_eq!(found[0].changes[0].context.as_str(), "now");
        assert_eq!(found[0].changes[0].subject.job_kind(), Some(crate::jobs::Kind::MpiJob));
        let tunnel = ClusterPlace::new("s", b"another CA");
        for other in [site("other"), Site { cluster: tunnel, ..site("s") }] {
            assert_eq!(undoable(&files, &other).expect("read"), []);
        }
    }
}
