//! `mpideck check --cluster`: what the cluster says to the jobs of a manifest, with nothing made.
//!
//! Owns the connection for that. What is asked is `cluster::preflight`'s, what follows `jobs::checks::cluster`'s.

use super::{args::Global, console, exit::Failure, print, reach, reached::Reached, setup::Setup};
use crate::{
    cluster::preflight::{Candidate, preflight},
    console::start::LoadTarget,
    jobs::{
        Kind, Name,
        checks::{Checks, Report, cluster::Facts},
    },
};

/// Adds what the cluster says to each job of a report. Tells on stderr what was not checked, and whether there was such.
pub(super) fn add(checks: &Checks, report: &mut Report, global: &Global, setup: &Setup) -> Result<bool, Failure> {
    let load = reach::user_clusters(global, setup);
    let asked = global.namespaces.first().and_then(|name| Name::new(name));
    let jobs: Vec<_> =
        report.jobs.iter().map(|job| (job.kind, Name::new(job.namespace.as_str()), job.object())).collect();
    let answers = console::in_runtime(ask(&load, asked, jobs))?;
    let mut partial = false;
    for (job, facts) in report.jobs.iter_mut().zip(answers) {
        let object = job.object();
        job.add(checks.check_cluster(job.kind, &object, &facts));
        for (part, why) in facts.unread() {
            partial = true;
            print::complain(&format!("not checked: {} ({why})", part.words()));
        }
    }
    Ok(partial)
}

type Jobs = Vec<(Kind, Option<Name>, serde_json::Value)>;

async fn ask(load: &LoadTarget, asked: Option<Name>, jobs: Jobs) -> Result<Vec<Facts>, Failure> {
    let Reached { session, offer, .. } = Reached::by(load).await?;
    let own = asked.or_else(|| session.who().namespace.clone()).or_else(|| Name::new("default")).unwrap_or_default();
    let mut all = Vec::new();
    for (kind, namespace, job) in jobs {
        let candidate = Candidate { kind, namespace: namespace.unwrap_or_else(|| own.clone()), job, runtime: None };
        let candidate = candidate.with_runtime(&session, &offer).await;
        let mut facts = Facts::new(candidate.namespace.as_str(), candidate.parts(&offer));
        preflight(&session, &offer, &candidate, candidate.parts(&offer), |part, answer| facts.take(part, answer)).await;
        all.push(facts);
    }
    Ok(all)
}
