//! Visits to replicas: what is asked before one, and what is told of it.
//!
//! Owns the words that are typed for one. Whether it may be is decided in `changes`.

use std::path::{Path, PathBuf};

use super::change;
use crate::{
    changes::{Change, Subject, What},
    console::{
        commands::VisitCommand,
        effect::Effect,
        line_edit::LineEdit,
        model::{
            Model,
            change::ChangeId,
            notices::Tone,
            overlay::{Overlay, Picker, PickerItem, PickerPurpose, Prompt, PromptEvent, Purpose},
            page::{PageModel, metrics::Asking},
            visit::{Forward, VisitEffect, VisitMessage, Visited},
        },
    },
    jobs::{Clean, Name},
    metrics::nvidia_smi,
};

/// Seconds between two times that `nvidia-smi` is asked.
const EVERY: u32 = 15;
/// `TensorBoard`'s port: what is forwarded most.
const PORT: &str = "6006";
/// The best shell that an image has.
const SHELL: [&str; 3] = ["sh", "-c", "command -v bash >/dev/null && exec bash || exec sh"];

/// A command about visits.
pub fn command(model: &mut Model, id: VisitCommand) -> Vec<Effect> {
    if id == VisitCommand::Forwards {
        list(model);
        return Vec::new();
    }
    match id {
        VisitCommand::Gpus => return measure(model, None),
        VisitCommand::GpusAgain => return again(model),
        _ => {}
    }
    let visited = match model.page.as_ref().map(PageModel::visited) {
        Some(Ok(visited)) => visited,
        Some(Err(why)) => return refused(model, &why),
        None => return refused(model, "open a job first"),
    };
    if id == VisitCommand::Shell {
        let argv = SHELL.map(str::to_owned).to_vec();
        let container = Some(visited.container.clone());
        return change::go(model, about(model, &visited, What::Shell { container, argv, stays: false }));
    }
    let (label, text) = match id {
        VisitCommand::Forward => ("Port of the replica (or HERE:THERE): ", PORT),
        VisitCommand::CopyOut => ("Path in the replica (and a directory here): ", ""),
        VisitCommand::CopyIn => ("Path here, and directory in the replica: ", ""),
        _ => ("Command line: ", ""),
    };
    let mut prompt = Prompt::new(Purpose::Visit(id), label, text);
    prompt.hint = format!("in {} of {}/{}", visited.container, visited.namespace, visited.pod);
    model.overlays.push(Overlay::Prompt(prompt));
    Vec::new()
}

/// Asks `nvidia-smi` in all replicas with GPUs.
fn measure(model: &mut Model, every: Option<u32>) -> Vec<Effect> {
    let Some(page) = &model.page else { return refused(model, "open a job first") };
    let what = What::Measure { argv: nvidia_smi::ARGV.map(str::to_owned).into(), pods: page.job.gpu_pods(), every };
    let (context, subject) = (Clean::new(&model.session.context), Subject::job(&page.job.key()));
    change::go(model, Change { context, subject, what })
}

/// Asks it again and again while the numbers are in sight; ends that where it is so already.
fn again(model: &mut Model) -> Vec<Effect> {
    let Some(page) = &mut model.page else { return refused(model, "open a job first") };
    match page.metrics.asking.take().filter(|asking| model.changes.running.contains_key(&asking.id)) {
        Some(Asking { id, .. }) => vec![Effect::Visit(VisitEffect::Stop(id))],
        None if page.metrics.followed.is_none() => refused(model, "open the tab Metrics first"),
        None => measure(model, Some(EVERY)),
    }
}

/// Something happened to a prompt.
pub fn prompt(model: &mut Model, id: VisitCommand, event: PromptEvent) -> Vec<Effect> {
    let PromptEvent::Done(text) = event else { return Vec::new() };
    if text.trim().is_empty() {
        return Vec::new();
    }
    let visited = match model.page.as_ref().map(PageModel::visited) {
        Some(Ok(visited)) => visited,
        Some(Err(why)) => return refused(model, &why),
        None => return Vec::new(),
    };
    match what(id, text.trim(), &visited, model.visits.saved.as_deref()) {
        Ok(what) => change::go(model, about(model, &visited, what)),
        Err(why) => refused(model, &why),
    }
}

/// What was typed, as a change.
fn what(id: VisitCommand, text: &str, visited: &Visited, files: Option<&Path>) -> Result<What, String> {
    let container = Some(visited.container.clone());
    match id {
        VisitCommand::Forward => {
            let (local, port) = ports(text)?;
            Ok(What::Forward { port, local })
        }
        VisitCommand::CopyOut => {
            let (path, into) = two(text);
            let into = match (into, files) {
                (Some(into), _) => PathBuf::from(into),
                (None, Some(files)) => files.join(directory(&visited.pod)),
                (None, None) => return Err("name a directory here, too".to_owned()),
            };
            Ok(What::CopyOut { container, path: path.to_owned(), into })
        }
        VisitCommand::CopyIn => match two(text) {
            (from, Some(into)) => Ok(What::CopyIn { container, from: PathBuf::from(from), into: into.to_owned() }),
            _ => Err("name a path here and a directory in the replica: data.csv /tmp".to_owned()),
        },
        _ => Ok(What::Shell { container, argv: ["sh", "-c", text].map(str::to_owned).to_vec(), stays: true }),
    }
}

/// Where files of a pod go. Its name comes from the cluster, and does not choose a place on this machine.
fn directory(pod: &Name) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') { c } else { '_' };
    let name: String = pod.as_str().trim_start_matches('.').chars().map(plain).collect();
    if name.is_empty() { "_".to_owned() } else { name }
}

fn two(text: &str) -> (&str, Option<&str>) {
    text.split_once(char::is_whitespace).map_or((text, None), |(one, two)| (one, Some(two.trim())))
}

/// `THERE` or `HERE:THERE`; 0 here is any port that is free.
fn ports(text: &str) -> Result<(u16, u16), String> {
    let (here, there) = text.split_once(':').unwrap_or((text, text));
    match (here.trim().parse::<u16>(), there.trim().parse::<u16>()) {
        (Ok(here), Ok(there)) if there > 0 => Ok((here, there)),
        _ => Err(format!("«{text}» is no port (1 to 65535), nor HERE:THERE")),
    }
}

fn about(model: &Model, visited: &Visited, what: What) -> Change {
    let subject = Subject::pod(&visited.namespace, &visited.pod, &visited.uid);
    Change { context: Clean::new(&model.session.context), subject, what }
}

/// Something happened.
pub fn message(model: &mut Model, message: VisitMessage) -> Vec<Effect> {
    let VisitMessage::Forwarding(id, forward) = message;
    // What is dangerous about it stands where a narrow screen shows it.
    let text =
        format!("{} (open to all users of this host) leads to {}; :forwards stops it", forward.local, forward.far);
    model.visits.forwards.insert(id, forward);
    tell(model, Tone::Good, &text);
    Vec::new()
}

/// The ports that lead to replicas, to stop one.
fn list(model: &mut Model) {
    let item = |(id, forward): (&ChangeId, &Forward)| {
        let (open, all) = forward.traffic.counts();
        PickerItem {
            id: id.0.to_string(),
            label: format!("{} → {}", forward.local, forward.far),
            about: format!("{open} open of {all} connections"),
            marked: false,
        }
    };
    let items: Vec<_> = model.visits.forwards.iter().map(item).collect();
    model.overlays.push(Overlay::Picker(Picker {
        purpose: PickerPurpose::Forwards,
        title: "Forwarded ports: enter stops one".to_owned(),
        line: LineEdit::default(),
        selected: items.first().map(|item| item.id.clone()),
        items,
        several: true,
        note: String::new(),
        free: false,
    }));
}

/// Ports were chosen, to be led on no more.
pub fn stop(model: &mut Model, ids: &[String]) -> Vec<Effect> {
    let chosen = ids.iter().filter_map(|id| id.parse().ok()).map(ChangeId);
    let mut effects = Vec::new();
    for id in chosen {
        if let Some(forward) = model.visits.forwards.remove(&id) {
            tell(model, Tone::Info, &format!("{} leads nowhere any more", forward.local));
            effects.push(Effect::Visit(VisitEffect::Stop(id)));
        }
    }
    effects
}

fn refused(model: &mut Model, why: &str) -> Vec<Effect> {
    tell(model, Tone::Warn, why);
    Vec::new()
}

fn tell(model: &mut Model, tone: Tone, text: &str) {
    model.notices.tell(model.now, tone, text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{Sym, Uid};

    #[test]
    fn the_name_of_a_pod_does_not_choose_where_files_go() {
        let of = |pod| Path::new("/state/saved").join(directory(&Name::lossy(pod)));
        assert_eq!(of("train-worker-0.a"), Path::new("/state/saved/train-worker-0.a"));
        for hostile in ["/root/.ssh", "../../../.config/autostart", "..", ".", "a/../../b", "./..", "..-"] {
            let place = of(hostile);
            let below = place.strip_prefix("/state/saved").expect("below it");
            let parts: Vec<_> = below.components().collect();
            assert!(matches!(parts[..], [std::path::Component::Normal(_)]), "{hostile}: {}", place.display());
        }
    }

    #[test]
    fn what_is_typed_becomes_a_change_or_a_hint() {
        let visited = Visited {
            pod: Name::lossy("train-worker-0"),
            uid: Uid::new("u"),
            namespace: Name::lossy("vision"),
            container: Sym::new("worker"),
            node: None,
        };
        let what = |id, text: &str| what(id, text, &visited, Some(Path::new("/state/saved")));
        let forward = |local, port| Ok(What::Forward { port, local });
        assert_eq!(what(VisitCommand::Forward, "6006"), forward(6006, 6006));
        assert_eq!(what(VisitCommand::Forward, "0:80"), forward(0, 80));
        for wrong in ["0", "x", "1:", "70000", "1:2:3"] {
            assert!(what(VisitCommand::Forward, wrong).is_err(), "{wrong}");
        }
        let container = Some(Sym::new("worker"));
        let out = |into: &str| {
            Ok(What::CopyOut { container: container.clone(), path: "/ckpt".to_owned(), into: PathBuf::from(into) })
        };
        assert_eq!(what(VisitCommand::CopyOut, "/ckpt"), out("/state/saved/train-worker-0"));
        assert_eq!(what(VisitCommand::CopyOut, "/ckpt /tmp/my files"), out("/tmp/my files"));
        assert!(what(VisitCommand::CopyIn, "a.csv").is_err());
    }
}
