//! `mpideck explain JOB`: a live job's objects, events and logs, under the same rules as everything else.
//!
//! Owns how much of its logs is read for it, and that network policies are read where its replicas don't reach each other.

use std::sync::Arc;

use super::{args::Global, console, exit::Failure, listened::Listening, reach, reached::Reached, setup::Setup, unread};
use crate::{
    cluster,
    console::{model::session::Scope, start::LoadTarget},
    jobs::{causes::Rules, filter::Filter, reach::may_explain, state::Cause},
};

/// Lines that are read of the leading pod's log, and of each bad pod's.
const TAIL: (u32, u32) = (20_000, 2_000);

/// The cause of one job, and whether part of what belongs to it could not be read.
pub(super) fn run(
    name: &str,
    rules: Arc<Rules>,
    global: &Global,
    setup: &Setup,
) -> Result<(Option<Cause>, bool), Failure> {
    let scope = reach::scope(global)?;
    let load = reach::user_clusters(global, setup);
    console::in_runtime(explained(name, rules, scope, &load, setup.stall()))
}

async fn explained(
    name: &str,
    rules: Arc<Rules>,
    scope: Option<Scope>,
    load: &LoadTarget,
    stall: u32,
) -> Result<(Option<Cause>, bool), Failure> {
    let reached = Reached::by(load).await?;
    let mut read = reached.jobs(rules.clone(), scope, &Filter::default()).await?;
    unread::complain(&read.unread);
    let (now, key) = (read.now, read.named(name)?.key());
    let listening = Listening { session: &reached.session, rules: &rules, tail: TAIL, now, stall };
    let (said, all) = listening.to(&read.fleet.pods(&key)).await;
    read.fleet.hear(&key, said);
    read.fleet.settle(now);
    let cause = |read: &super::reached::Jobs| read.fleet.get(&key).and_then(|job| job.derived.cause.clone());
    let mut found = cause(&read);
    if found.as_ref().is_some_and(|cause| may_explain(key.kind, cause)) {
        read.fleet.bar(&key, cluster::reach::reach(&reached.session, &key).await);
        read.fleet.settle(now);
        found = cause(&read);
    }
    Ok((found, !all || !read.unread.is_empty()))
}
