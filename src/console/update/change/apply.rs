//! What a command means for one job, or why it can't be done to it.

use crate::{
    changes::{PodRef, Propagation, Through, What, scalable},
    console::{
        commands::ChangeCommand,
        model::{Model, page::Kept},
    },
    jobs::PodRow,
};

/// More workers than any job has.
const MOST_REPLICAS: u32 = 10_000;

/// The jobs that a command is about: the page's, else the marked ones, else the selected one.
pub(super) fn targets(model: &Model) -> Vec<Kept> {
    match &model.page {
        Some(page) if page.recorded.is_some() || page.gone.is_some() => Vec::new(),
        Some(page) => vec![page.job.clone()],
        None => model.list.targets().iter().filter_map(|key| Kept::of(&model.fleet, key)).collect(),
    }
}

/// What is done to this job. `value` is what was typed for it.
pub(super) fn what(id: ChangeCommand, value: &str, job: &Kept) -> Result<What, String> {
    let finished = job.derived.state.is_finished();
    if job.row.deleting.is_some() {
        return Err("it is being deleted already".to_owned());
    }
    if finished
        && !matches!(id, ChangeCommand::Delete | ChangeCommand::Restart | ChangeCommand::Free | ChangeCommand::Label)
    {
        return Err("it has ended".to_owned());
    }
    match id {
        ChangeCommand::Delete => Ok(What::Delete { propagation: Propagation::default(), grace: None }),
        ChangeCommand::Restart => Ok(What::Restart),
        ChangeCommand::Suspend => suspend(job),
        ChangeCommand::Resume => resume(job),
        ChangeCommand::Scale => scale(job, value),
        ChangeCommand::Free => free(job, finished),
        ChangeCommand::Queue if !job.row.suspend => {
            Err("its queue can only be changed while it waits: suspend it first".to_owned())
        }
        ChangeCommand::Queue => Ok(What::Queue(value.to_owned())),
        ChangeCommand::Priority if job.row.queue.is_none() => {
            Err("no queue manages it, and pods keep the priority that they were made with".to_owned())
        }
        ChangeCommand::Priority => Ok(What::Priority(value.to_owned())),
        ChangeCommand::Label => label(value),
        ChangeCommand::Undo
        | ChangeCommand::Log
        | ChangeCommand::Unlock
        | ChangeCommand::Lock
        | ChangeCommand::FreeAll
        | ChangeCommand::CleanUp => Err("it is not about a job".to_owned()),
    }
}

fn suspend(job: &Kept) -> Result<What, String> {
    match &job.workload {
        Some(workload) if !workload.active => Err("it is suspended already".to_owned()),
        Some(workload) => Ok(What::Suspend(Through::Workload(workload.name.clone(), workload.uid.clone()))),
        None if job.row.suspend => Err("it is suspended already".to_owned()),
        None => Ok(What::Suspend(Through::Job)),
    }
}

fn resume(job: &Kept) -> Result<What, String> {
    match &job.workload {
        Some(workload) if !workload.active => {
            Ok(What::Resume(Through::Workload(workload.name.clone(), workload.uid.clone())))
        }
        Some(workload) if job.row.suspend => {
            Err(format!("it waits in queue {}: Kueue starts it when there is room", workload.queue))
        }
        None if job.row.suspend => Ok(What::Resume(Through::Job)),
        _ => Err("it is not suspended".to_owned()),
    }
}

fn scale(job: &Kept, value: &str) -> Result<What, String> {
    let role = scalable(job.row.kind).ok_or("its size can't be changed: clone it with another one")?;
    let spec = job.row.replicas.iter().find(|spec| spec.role == role);
    let spec = spec.ok_or_else(|| format!("it has no role {role}"))?;
    match value.parse::<u32>() {
        Ok(replicas) if spec.replicas == Some(replicas) => Err(format!("it has {replicas} already")),
        Ok(replicas) if (1..=MOST_REPLICAS).contains(&replicas) => Ok(What::Scale { role, replicas }),
        _ => Err(format!("«{value}» is no number of workers (1 to {MOST_REPLICAS})")),
    }
}

fn free(job: &Kept, finished: bool) -> Result<What, String> {
    if !finished {
        return Err("it has not ended: suspend or delete it".to_owned());
    }
    let pods: Vec<_> = job.pods.iter().filter(|pod| pod.holds_gpus()).collect();
    if pods.is_empty() {
        return Err("it holds no GPUs".to_owned());
    }
    let pod = |pod: &&PodRow| PodRef { name: pod.name.clone(), uid: pod.uid.clone() };
    Ok(What::FreeGpus { pods: pods.iter().map(pod).collect() })
}

/// `key=value`, or `key-` to take it away.
fn label(text: &str) -> Result<What, String> {
    let parsed = match (text.split_once('='), text.strip_suffix('-')) {
        (Some((key, value)), _) => Some((key.trim(), Some(value.trim().to_owned()))),
        (None, Some(key)) => Some((key.trim(), None)),
        _ => None,
    };
    match parsed {
        Some((key, value)) if !key.is_empty() && !key.contains(char::is_whitespace) => {
            Ok(What::Label { key: key.to_owned(), value })
        }
        _ => Err(format!("«{text}» is neither key=value nor key-")),
    }
}

/// Why a change can't be made to a job.
pub(super) fn why_not(job: &Kept, why: &str) -> String {
    format!("{} {}: {why}", job.row.kind, job.row.name)
}
