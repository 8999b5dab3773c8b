//! Saying what would be changed, and hearing yes or no.

use super::{apply, begin, tell};
use crate::{
    changes::{Change, Confirmed, Propagation, Subject, Through, What},
    console::{
        commands::ChangeCommand,
        effect::Effect,
        model::{
            Model,
            notices::Tone,
            overlay::{Confirm, Options, Overlay, Then},
            page::{Kept, OwnedObject},
        },
    },
    jobs::{Clean, PodRow, quantity::counted, row::Phase},
};

/// Objects that are named one by one.
const NAMED: usize = 6;
/// What becomes of what a job owns, as one chooses it; in the order of [`Propagation::ALL`].
const PROPAGATIONS: &[&str] = &["goes afterwards", "goes first, then the job", "stays behind"];
/// How long its pods get to end, as one chooses it; in the order of [`SECONDS`].
const GRACES: &[&str] = &["when their manifest says (30s unless told)", "within 10 seconds", "within 1 second"];
/// Seconds that pods get to end at most.
const SECONDS: [Option<u32>; 3] = [None, Some(10), Some(1)];

/// Asks whether to do it to all jobs that it can be done to.
pub(super) fn open(model: &mut Model, id: ChangeCommand, value: &str) -> Vec<Effect> {
    let targets = apply::targets(model);
    open_for(model, id, value, targets, None)
}

/// Asks about these jobs, under a title of its own where one is given.
pub(super) fn open_for(
    model: &mut Model,
    id: ChangeCommand,
    value: &str,
    targets: Vec<Kept>,
    asked: Option<String>,
) -> Vec<Effect> {
    let (mut jobs, mut left_out) = (Vec::new(), Vec::new());
    for job in targets {
        match apply::what(id, value, &job) {
            Ok(what) => jobs.push((job, what)),
            Err(why) => left_out.push(apply::why_not(&job, &why)),
        }
    }
    if jobs.is_empty() {
        let why = left_out.into_iter().next().unwrap_or_else(|| "The job is gone".to_owned());
        tell(model, Tone::Warn, &why);
        return Vec::new();
    }
    let mut lines = named(&jobs);
    lines.extend(consequences(model, id, &jobs));
    lines.extend(left_out.iter().take(3).map(|why| format!("Left out: {why}")));
    let context = Clean::new(&model.session.context);
    let change = |(job, what): &(Kept, What)| Change {
        context: context.clone(),
        subject: Subject::job(&job.key()),
        what: what.clone(),
    };
    let changes: Vec<_> = jobs.iter().map(change).collect();
    let title = asked.unwrap_or_else(|| title(&changes, id));
    let mut options = Vec::new();
    if id == ChangeCommand::Delete {
        options.push(Options { label: "What it owns", words: PROPAGATIONS, at: 0 });
        let lives = |pod: &PodRow| !matches!(pod.phase, Phase::Succeeded | Phase::Failed);
        if jobs.iter().any(|(job, _)| job.pods.iter().any(lives)) {
            options.push(Options { label: "Pods end", words: GRACES, at: 0 });
        }
    }
    push(model, title, lines, yes(id), options, changes);
    Vec::new()
}

/// Begins something that takes nothing away: asks only where the context wants a name typed.
pub fn go(model: &mut Model, change: Change) -> Vec<Effect> {
    if model.session.info().is_some_and(|info| info.type_name) {
        let text = change.to_string();
        push(model, format!("{text}?"), Vec::new(), "Go on", Vec::new(), vec![change]);
        return Vec::new();
    }
    begin(model, Confirmed::on_screen(vec![change], None))
}

/// Puts the question on top.
fn push(
    model: &mut Model,
    title: String,
    mut lines: Vec<String>,
    yes: &'static str,
    options: Vec<Options>,
    changes: Vec<Change>,
) {
    let session = &model.session;
    let shown = session.info().map_or_else(|| session.context.clone(), |info| info.shown.to_string());
    lines.insert(
        0,
        format!(
            "In context {shown}{}",
            if session.user.is_empty() { String::new() } else { format!(" as {}", session.user) }
        ),
    );
    let must_type = session.info().is_some_and(|info| info.type_name).then(|| Confirmed::word(&changes));
    model.overlays.push(Overlay::Confirm(Confirm {
        title,
        lines,
        yes,
        on_yes: false,
        options,
        must_type,
        line: crate::console::line_edit::LineEdit::default(),
        then: Then::Changes(changes),
    }));
}

const fn yes(id: ChangeCommand) -> &'static str {
    match id {
        ChangeCommand::Delete => "Delete",
        ChangeCommand::Restart => "Restart",
        ChangeCommand::Suspend => "Suspend",
        ChangeCommand::Resume => "Resume",
        ChangeCommand::Scale => "Scale",
        ChangeCommand::Free => "Delete pods",
        _ => "Change",
    }
}

/// `Delete MPIJob train?`, `Delete 3 jobs?`
fn title(changes: &[Change], id: ChangeCommand) -> String {
    let text = match changes {
        [one] => one.to_string(),
        several => format!("{} {} jobs", yes(id).to_lowercase(), several.len()),
    };
    let mut chars = text.chars();
    let first: String = chars.next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}?", chars.as_str())
}

/// The jobs, a line each as far as there is room.
fn named(jobs: &[(Kept, What)]) -> Vec<String> {
    let line = |(job, _): &(Kept, What)| {
        let row = &job.row;
        format!("{} {}/{}: {}", row.kind, row.namespace, row.name, job.derived.state)
    };
    let mut lines: Vec<_> = jobs.iter().take(NAMED).map(line).collect();
    if jobs.len() > NAMED {
        lines.push(format!("and {} more", jobs.len() - NAMED));
    }
    lines
}

/// What goes with it.
fn consequences(model: &Model, id: ChangeCommand, jobs: &[(Kept, What)]) -> Vec<String> {
    let one = match jobs {
        [(job, what)] => Some((job, what)),
        _ => None,
    };
    let pods: usize = jobs.iter().map(|(job, _)| job.pods.len()).sum();
    match id {
        ChangeCommand::Delete => {
            let parts = one.and_then(|(job, _)| owned(model, job)).unwrap_or_else(|| pods_and_more(pods));
            vec![format!("With it: {parts}."), "The manifest is kept on this machine: :undo makes it again.".to_owned()]
        }
        ChangeCommand::Restart => vec![format!(
            "Its {} and their logs go; then it is made again from the same manifest, which is on disk before.",
            counted(pods as u64, "pod")
        )],
        ChangeCommand::Suspend => {
            let mut lines =
                vec!["Its pods are deleted; what was computed since the last checkpoint is lost.".to_owned()];
            lines.extend(jobs.iter().find_map(|(job, what)| switch(job, what)));
            lines
        }
        ChangeCommand::Scale => scaling(jobs),
        ChangeCommand::Free => {
            let held: u32 = jobs
                .iter()
                .flat_map(|(job, _)| &job.pods)
                .filter(|pod| pod.holds_gpus())
                .map(|pod| pod.requests.gpus)
                .sum();
            let held = counted(held.into(), "GPU");
            vec![format!("Pods that hold {held} are deleted, with their logs; the job and its launcher stay.")]
        }
        ChangeCommand::Priority => vec!["Kueue may stop jobs of a lower priority for it.".to_owned()],
        _ => Vec::new(),
    }
}

fn pods_and_more(pods: usize) -> String {
    match pods {
        0 => "all that it owns".to_owned(),
        _ => format!("{} and all else that it owns", counted(pods as u64, "pod")),
    }
}

/// Which switch suspends a job, where that is not its own.
fn switch(job: &Kept, what: &What) -> Option<String> {
    match what {
        What::Suspend(Through::Workload(..)) => {
            Some("Kueue manages it: its Workload is deactivated, or Kueue would start it again.".to_owned())
        }
        _ if job.row.queue.is_some() => Some(
            "It has a queue but no Workload that can be seen: if Kueue manages it, it will start it again.".to_owned(),
        ),
        _ => None,
    }
}

fn scaling(jobs: &[(Kept, What)]) -> Vec<String> {
    let mut lines = Vec::new();
    if jobs.iter().any(|(job, _)| job.row.kind.info().replica_specs == "mpiReplicaSpecs") {
        lines.push(
            "mpirun reads its hosts once: only an elastic program takes new workers, and others fail when one goes."
                .to_owned(),
        );
    }
    if jobs.iter().any(|(job, _)| job.workload.is_some()) {
        lines.push("Kueue may stop it and queue it again with its new size.".to_owned());
    }
    lines
}

/// What a job owns, counted by kind, where its page has read that.
fn owned(model: &Model, job: &Kept) -> Option<String> {
    let page = model.page.as_ref().filter(|page| page.job.key() == job.key())?;
    let objects: &Vec<OwnedObject> = page.owned.ready()?;
    let mut kinds: Vec<(String, usize)> = Vec::new();
    for object in objects.iter().filter(|object| !object.name.as_str().is_empty()) {
        match kinds.iter_mut().find(|(kind, _)| *kind == object.kind.as_str()) {
            Some((_, n)) => *n += 1,
            None => kinds.push((object.kind.to_string(), 1)),
        }
    }
    let running = job.pods.iter().filter(|pod| pod.phase == Phase::Running).count();
    let kinds = kinds.iter().map(|(kind, n)| if *n == 1 { kind.clone() } else { format!("{n} {kind}s") });
    let parts = kinds.collect::<Vec<_>>().join(", ");
    (!parts.is_empty()).then(|| if running > 0 { format!("{parts}; pods running: {running}") } else { parts })
}

/// Yes was said: with which choice, and what was typed.
pub fn confirmed(model: &mut Model, confirm: Confirm) -> Vec<Effect> {
    let Then::Changes(mut changes) = confirm.then else { return Vec::new() };
    let chosen = |which: usize| confirm.options.get(which).map(|options| options.at);
    let owned = chosen(0).and_then(|at| Propagation::ALL.get(at).copied());
    for change in &mut changes {
        if let (What::Delete { propagation, grace }, Some(owned)) = (&mut change.what, owned) {
            *propagation = owned;
            // Pods that stay are not told to end.
            *grace =
                chosen(1).and_then(|at| SECONDS.get(at).copied().flatten()).filter(|_| owned != Propagation::Orphan);
        }
    }
    let typed = confirm.must_type.map(|_| confirm.line.text().to_owned());
    begin(model, Confirmed::on_screen(changes, typed))
}

/// Something to take back was chosen.
pub fn undo_picked(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    let chosen = ids.first().and_then(|id| id.parse::<usize>().ok()).and_then(|at| model.changes.undoable.get(at));
    let Some(undoable) = chosen.cloned() else { return Vec::new() };
    let mut lines: Vec<_> = undoable.done.iter().take(NAMED).map(|what| format!("Takes back: {what}")).collect();
    lines.extend(undoable.changes.iter().take(NAMED).map(|change| format!("By this: {change}")));
    if undoable.changes.iter().any(|change| matches!(change.what, What::Create { .. })) {
        lines.push("It begins anew, under a new uid: pods, logs and progress do not come back.".to_owned());
    }
    push(model, "Undo?".to_owned(), lines, "Undo", Vec::new(), undoable.changes);
    Vec::new()
}
