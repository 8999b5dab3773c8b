//! One program in many replicas at once, for what it prints: a few at a time, each limited in time and words.

use std::time::Duration;

use futures::{StreamExt as _, stream};
use tokio::io::AsyncReadExt as _;

use crate::{
    changes::Desk,
    cluster::{
        Problem,
        exec::{self, Ended, Place, Streams},
    },
    jobs::{Clean, Name, Sym},
};

/// Replicas in which it runs at once.
const AT_ONCE: usize = 8;
/// So long it may take in one, and in all.
const LIMIT: Duration = Duration::from_secs(20);
const IN_ALL: Duration = Duration::from_mins(1);
/// Characters of a refusal that are told.
const WORDS: usize = 200;
/// So much of what it prints is read.
const MOST_BYTES: u64 = 64 << 10;

/// What a pod's program printed; else why there is nothing, in its words or those of who could not run it.
pub type Answer = (Name, Result<String, Clean>);

/// Pods in which a program is run, each with its container.
pub type Places = Vec<(Name, Option<Sym>)>;

/// Runs it in these containers of a namespace.
pub(super) async fn ask(desk: &Desk, namespace: &Name, pods: &[(Name, Option<Sym>)], argv: &[String]) -> Vec<Answer> {
    let end = tokio::time::Instant::now() + IN_ALL;
    let one = |(pod, container): (Name, Option<Sym>)| async move {
        let place = Place { namespace: namespace.clone(), pod: pod.clone(), container };
        let until = end.min(tokio::time::Instant::now() + LIMIT);
        let said = match tokio::time::timeout_at(until, run(desk, &place, argv)).await {
            Ok(said) => said,
            Err(_) if until == end => Err(Clean::new(&format!("all of them took longer than {} s", IN_ALL.as_secs()))),
            Err(_) => Err(Clean::new(&format!("it took longer than {} s", LIMIT.as_secs()))),
        };
        (pod, said)
    };
    stream::iter(pods.iter().cloned()).map(one).buffered(AT_ONCE).collect().await
}

async fn run(desk: &Desk, place: &Place, argv: &[String]) -> Result<String, Clean> {
    let refused = |problem: &Problem| Clean::new(&format!("{}: {}", problem.what, problem.why));
    let started = exec::start(&desk.session, place, argv, Streams::Output).await;
    let mut process = started.map_err(|problem| problem.ask().cloned().unwrap_or_else(|| refused(&problem)))?;
    let (Some(stdout), Some(stderr), Some(status)) = (process.stdout(), process.stderr(), process.take_status()) else {
        return Err(Clean::new("the server gave no streams"));
    };
    let (said, complaint) = tokio::join!(text(stdout), text(stderr));
    match exec::ended(status.await) {
        Ended::Code(0) => Ok(said),
        Ended::NotRun(why) => Err(why),
        Ended::Code(code) => Err(first_line(&said, &complaint, &format!("it ended with exit code {code}"))),
        Ended::Unknown => Err(first_line(&complaint, "", "the connection ended too early")),
    }
}

async fn text(from: impl tokio::io::AsyncRead + Unpin) -> String {
    let (mut bytes, mut from) = (Vec::new(), from.take(MOST_BYTES));
    // What was read before a connection broke is what there is.
    let _ = from.read_to_end(&mut bytes).await;
    let _ = tokio::io::copy(from.get_mut(), &mut tokio::io::sink()).await;
    String::from_utf8_lossy(&bytes).into_owned()
}

fn first_line(said: &str, complaint: &str, else_: &str) -> Clean {
    let mut lines = complaint.lines().chain(said.lines()).map(str::trim).filter(|line| !line.is_empty());
    Clean::new(&lines.next().unwrap_or(else_).chars().take(WORDS).collect::<String>())
}
