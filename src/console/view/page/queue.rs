//! Tab Queue as lines: the place of a queued job, what it lacks, who is ahead, who holds it; without a queue, what the
//! scheduler says and what each node lacks.

use super::VALUES;
use crate::{
    console::{
        model::{
            page::{Kept, PageModel},
            survey::{Survey, SurveyModel},
        },
        theme::Role,
        widgets::rich::{RichLine, heading, labelled, table},
    },
    jobs::{
        Clean, Secs,
        amounts::{self, short, shown},
        capacity::{held, nodes},
        causes::scheduler_reasons,
        fleet::Fleet,
        quantity::counted,
        queue::{Ahead, Forecast, Holder, Lack, Place, Pool, Standing, standing},
        row::{Requests, Truth},
        state::State,
        time::duration,
    },
};

/// Lines of a table before the rest is only counted.
const MOST: usize = 12;

/// What the tab is made of, beside the page.
#[derive(Clone, Copy, Debug)]
pub struct Beside<'a> {
    /// What was read.
    pub survey: &'a SurveyModel,
    /// The jobs in scope.
    pub fleet: &'a Fleet,
}

/// Of a job that no queue manages.
const UNQUEUED: &str = "no queue manages this job: the scheduler places its pods as they come";

/// All lines.
pub fn lines(page: &PageModel, beside: Beside<'_>, now: Secs, columns: u16) -> Vec<RichLine> {
    let job = &page.job;
    if page.recorded.is_some() {
        return recorded(job, columns);
    }
    let survey = &beside.survey.read;
    if beside.survey.at.is_none() && *survey == Survey::default() {
        return vec![RichLine::of("reading ...", Role::Wait)];
    }
    match standing(&survey.queues, &survey.line, &job.row.uid, now) {
        Some(standing) => queued(job, survey, &standing, now, columns),
        None if job.row.queue.is_some() && job.workload.is_some() => unread(survey, columns),
        None => unqueued(job, beside, columns),
    }
}

/// What the last Workload that was seen says.
fn recorded(job: &Kept, columns: u16) -> Vec<RichLine> {
    let Some(load) = &job.workload else { return labelled("Queue", VALUES, UNQUEUED, Role::Text, columns) };
    let of = load.cluster_queue.as_ref().map_or_else(String::new, |queue| format!(" of ClusterQueue {queue}"));
    let mut out = labelled("Queue", VALUES, &format!("{}{of}", load.queue), Role::Text, columns);
    for (i, condition) in load.conditions.iter().enumerate() {
        let not = if condition.status == Truth::True { "" } else { "not " };
        let text = format!("{not}{}: {} {}", condition.kind, condition.reason, condition.message);
        out.extend(labelled(if i == 0 { "Workload" } else { "" }, VALUES, text.trim(), Role::Text, columns));
    }
    out.push(RichLine::of("Who waited beside it, and for what, is not in the record.", Role::Dim));
    out
}

fn queued(job: &Kept, survey: &Survey, standing: &Standing, now: Secs, columns: u16) -> Vec<RichLine> {
    let mut out = Vec::new();
    let mut say = |label: &str, text: &str, role: Role| out.extend(labelled(label, VALUES, text, role, columns));
    say("Queue", &queue_words(job, standing), Role::Text);
    if let Some(place) = &standing.place {
        say("Position", &place_words(place, standing), Role::Title);
    } else if job.derived.state != State::Paused {
        say("Position", "it does not wait: its quota is reserved", Role::Good);
    }
    for (i, lack) in standing.lacks.iter().enumerate() {
        let role = if lack.is_final() { Role::Bad } else { Role::Text };
        say(if i == 0 { "Lacks" } else { "" }, &lack.words(), role);
    }
    for (i, pool) in standing.pools.iter().enumerate() {
        say(if i == 0 { "Cohort" } else { "" }, &pool_words(pool), Role::Text);
    }
    let told: Vec<&Lack> = standing.lacks.iter().collect();
    for (set, why) in &standing.reasons.whys {
        use crate::jobs::queue::Why;
        if matches!(why, Why::Missing { .. } | Why::TooMuch { .. }) && !told.is_empty() {
            continue;
        }
        let of = set.as_ref().map_or(String::new(), |set| format!("{set}: "));
        say("Waits", &format!("{of}{}", why.words()), if why.is_final() { Role::Bad } else { Role::Text });
    }
    if let Some(others) = standing.reasons.preempting {
        say("", &format!("{others} other Workloads are being put out for it"), Role::Wait);
    }
    if let Some(forecast) = &standing.forecast {
        say("Wait", &forecast_words(forecast, now), Role::Text);
    }
    if let Some((weight, share)) = standing.fair {
        let share = share.map_or_else(|| "its share is not told".to_owned(), |share| format!("its share is {share}"));
        say("Fair share", &format!("weight {} of the queue, {share}", shown("", weight)), Role::Text);
    }
    for (i, line) in put_out(standing, now).iter().enumerate() {
        say(if i == 0 { "Put out" } else { "" }, line, Role::Warn);
    }
    out.extend(gangs(job, survey, columns));
    out.extend(ahead(standing, now, columns));
    out.extend(holders(standing, now, columns));
    out.extend(unread(survey, columns));
    out
}

/// The job's `PodGroup`, where a gang scheduler places its pods together.
fn gangs(job: &Kept, survey: &Survey, columns: u16) -> Vec<RichLine> {
    let own = survey.gangs.rows.iter().filter(|gang| gang.is_of(&job.row.name, &job.row.uid));
    let why = survey.gangs.unread.iter();
    let mut out: Vec<_> =
        why.flat_map(|why| labelled("Gang", VALUES, &format!("ask for: {why}"), Role::Warn, columns)).collect();
    for gang in own {
        out.extend(labelled("Gang", VALUES, &gang.words(), Role::Text, columns));
        let Some(condition) = gang.says() else { continue };
        let text = if condition.message.is_empty() {
            format!("{}: {}", condition.kind, condition.reason)
        } else {
            format!("{}: {}", condition.kind, condition.message)
        };
        let role = if condition.kind.as_str() == "Unschedulable" { Role::Wait } else { Role::Text };
        out.extend(labelled("", VALUES, &text, role, columns));
    }
    out
}

fn queue_words(job: &Kept, standing: &Standing) -> String {
    let local = job.row.queue.as_ref().map_or("?", |queue| queue.as_str());
    let cluster = standing.cluster_queue.as_ref().map_or_else(String::new, |name| format!(" of ClusterQueue {name}"));
    let cohort = standing.cohort.as_ref().map_or_else(String::new, |name| format!(", cohort {name}"));
    let strict = if standing.strict { ", strictly in order" } else { "" };
    format!("LocalQueue {local}{cluster}{cohort}{strict}")
}

/// `56 of 64 GPU reserved in flavor a100, by all 3 queues together`.
fn pool_words(pool: &Pool) -> String {
    let (flavor, resource) = &pool.cell;
    let amount = |n: u64| shown(resource.as_str(), n);
    let (used, nominal) = (amount(pool.used), amount(pool.nominal));
    format!(
        "{used} of {nominal} {} reserved in flavor {flavor}, by all {} queues together",
        short(resource.as_str()),
        pool.queues
    )
}

fn place_words(place: &Place, standing: &Standing) -> String {
    let by = if place.told { "as Kueue says" } else { "computed from priority and age" };
    let least = if place.at_least.is_some() { "at least " } else { "" };
    let before = match place.at {
        0 => "nobody is before it".to_owned(),
        1 => format!("{least}1 is before it"),
        n => format!("{least}{n} are before it"),
    };
    let after = place.of.saturating_sub(place.at + 1);
    let passed = if place.at > 0 && !standing.strict { "; who needs less may pass" } else { "" };
    format!("{before}, {after} after (position {}, {by}{passed})", place.at)
}

fn forecast_words(forecast: &Forecast, now: Secs) -> String {
    let about = forecast.about.map_or_else(String::new, |seconds| format!("about {}; ", duration(seconds)));
    let back = forecast.given_back.as_ref().map_or_else(String::new, |(at, who)| {
        format!("; what it lacks is given back within {}, when {who} reaches its time limit", duration(at.since(now)))
    });
    format!("{about}{}{back}", forecast.how)
}

fn put_out(standing: &Standing, now: Secs) -> Vec<String> {
    let mut out = Vec::new();
    if let Some((preempted, by, at)) = &standing.put_out {
        let ago = at.map_or_else(String::new, |at| format!("{} ago ", duration(now.since(at))));
        let by = match (by, preempted.from.is_empty()) {
            (Some(name), _) => format!("for {name}"),
            (None, false) => format!("for a job of {}", preempted.from),
            (None, true) => "for another job".to_owned(),
        };
        out.push(format!("{ago}{by}, due to {}", preempted.why));
    }
    if !standing.evictions.is_empty() {
        let each = standing.evictions.iter().map(|(reason, n)| format!("{reason} {n}"));
        out.push(format!("times so far: {}", each.collect::<Vec<_>>().join(", ")));
    }
    out
}

fn section(title: &str, rows: &[Vec<(String, Role)>], more: usize, columns: u16) -> Vec<RichLine> {
    let mut out = vec![RichLine::default(), RichLine::of(title, Role::Title)];
    out.extend(table(2, rows, columns));
    if more > 0 {
        out.push(RichLine::of(format!("  and {more} more"), Role::Dim));
    }
    out
}

fn ahead(standing: &Standing, now: Secs, columns: u16) -> Vec<RichLine> {
    let Some(place) = standing.place.as_ref().filter(|place| place.at > 0) else { return Vec::new() };
    let mut rows = vec![heading(&["JOB", "PRIORITY", "WAITING", "NEEDS"])];
    let row = |ahead: &Ahead| {
        let needs = ahead.needs.as_ref().map_or_else(|| "not told".to_owned(), amounts_words);
        vec![
            (format!("{}/{}", ahead.namespace, ahead.name), Role::Text),
            (ahead.priority.to_string(), Role::Text),
            (duration(now.since(ahead.since)), Role::Dim),
            (needs, Role::Text),
        ]
    };
    rows.extend(standing.ahead.iter().take(MOST).map(row));
    let shown = rows.len() - 1;
    let mut out = section("Before it", &rows, standing.ahead.len().saturating_sub(shown), columns);
    let hidden = place.at.saturating_sub(standing.ahead.len());
    if hidden > 0 {
        out.push(RichLine::of(format!("  {hidden} of other namespaces that you may not see"), Role::Dim));
    }
    out
}

fn amounts_words(needs: &amounts::ByResource) -> String {
    let mut all: Vec<_> = needs.iter().collect();
    all.sort_by_key(|(resource, _)| !amounts::is_accelerator(resource.as_str()));
    let each =
        all.iter().map(|(resource, n)| format!("{} {}", shown(resource.as_str(), **n), short(resource.as_str())));
    each.collect::<Vec<_>>().join(", ")
}

fn holders(standing: &Standing, now: Secs, columns: u16) -> Vec<RichLine> {
    if standing.holders.is_empty() {
        return Vec::new();
    }
    let titles: Vec<String> = standing
        .lacks
        .iter()
        .map(|lack| format!("{} {}", lack.cell.0, short(lack.cell.1.as_str())).to_uppercase())
        .collect();
    let mut words = vec!["JOB"];
    words.extend(titles.iter().map(String::as_str));
    words.extend(["PRIORITY", "SINCE", "QUEUE"]);
    let mut rows = vec![heading(&words)];
    let row = |holder: &Holder| {
        let mut row = vec![(format!("{}/{}", holder.namespace, holder.name), Role::Text)];
        for (n, lack) in holder.held.iter().zip(&standing.lacks) {
            row.push((if *n == 0 { "-".to_owned() } else { shown(lack.cell.1.as_str(), *n) }, Role::Text));
        }
        row.push((holder.priority.to_string(), Role::Text));
        row.push((holder.since.map_or_else(|| "-".to_owned(), |at| duration(now.since(at))), Role::Dim));
        row.push((holder.cluster_queue.to_string(), Role::Text));
        row
    };
    rows.extend(standing.holders.iter().take(MOST).map(row));
    let shown = rows.len() - 1;
    section("Holds what it lacks", &rows, standing.holders.len() - shown, columns)
}

/// What could not be read, and what to ask for.
fn unread(survey: &Survey, columns: u16) -> Vec<RichLine> {
    let queues = &survey.queues;
    let whys = [
        &queues.clusters.unread,
        &queues.locals.unread,
        &queues.loads.unread,
        &survey.line.unread,
        &survey.nodes.unread,
        &survey.pods.unread,
    ];
    let mut whys: Vec<&Clean> = whys.into_iter().flatten().collect();
    whys.dedup();
    if whys.is_empty() {
        return Vec::new();
    }
    let mut out = vec![RichLine::default(), RichLine::of("Not to be seen", Role::Title)];
    out.extend(whys.iter().flat_map(|why| labelled("", 2, &format!("ask for: {why}"), Role::Warn, columns)));
    out
}

/// A job that no queue manages: the scheduler's words, and what nodes lack for its largest pod.
fn unqueued(job: &Kept, beside: Beside<'_>, columns: u16) -> Vec<RichLine> {
    let mut out = labelled("Queue", VALUES, UNQUEUED, Role::Text, columns);
    out.extend(gangs(job, &beside.survey.read, columns));
    let waiting: Vec<_> = job.pods.iter().filter_map(|pod| Some((pod, pod.unscheduled.as_ref()?))).collect();
    if waiting.is_empty() {
        let text = if job.pods.is_empty() { "it has no pods yet" } else { "all its pods have a node" };
        out.extend(labelled("Scheduler", VALUES, text, Role::Text, columns));
        return out;
    }
    let text = format!("{} of {} pods have no node", waiting.len(), job.pods.len());
    out.extend(labelled("Scheduler", VALUES, &text, Role::Wait, columns));
    let mut said: Vec<(&Clean, usize)> = Vec::new();
    for (_, (_, message)) in &waiting {
        match said.iter_mut().find(|(known, _)| *known == message) {
            Some((_, n)) => *n += 1,
            None => said.push((message, 1)),
        }
    }
    for (message, n) in said {
        let reasons = scheduler_reasons(message.as_str());
        let pods = counted(n as u64, "pod");
        if reasons.is_empty() {
            out.extend(labelled("", VALUES, &format!("{pods}: {message}"), Role::Text, columns));
        }
        for (i, reason) in reasons.iter().enumerate() {
            let pods = if i == 0 { format!("{pods}: ") } else { String::new() };
            out.extend(labelled("", VALUES, &format!("{pods}{reason}"), Role::Text, columns));
        }
    }
    let largest = waiting.iter().map(|(pod, _)| &pod.requests).max_by_key(|each| (each.gpus, each.cpu_milli));
    out.extend(largest.map(|each| by_node(each, beside, columns)).unwrap_or_default());
    out.extend(unread(&beside.survey.read, columns));
    out
}

/// What each node lacks for a pod, alike ones together.
fn by_node(each: &Requests, beside: Beside<'_>, columns: u16) -> Vec<RichLine> {
    let read = &beside.survey.read;
    if read.nodes.rows.is_empty() {
        return Vec::new();
    }
    let pods = held(beside.fleet, &read.pods);
    let all = nodes(&read.nodes.rows, &pods);
    let mut groups: Vec<(&str, Vec<String>)> = Vec::new();
    for node in &all {
        let why = node.lacks(each).unwrap_or("has room, if its taints and labels suit");
        let name = format!("{} ({} free)", node.node.name, counted(node.free().gpus.into(), "GPU"));
        match groups.iter_mut().find(|(known, _)| *known == why) {
            Some((_, names)) => names.push(name),
            None => groups.push((why, vec![name])),
        }
    }
    let mut rows = vec![heading(&["NODES", "WHAT", "WHICH"])];
    for (why, names) in groups {
        let more = if names.len() > 4 { format!(", and {} more", names.len() - 4) } else { String::new() };
        let which = format!("{}{more}", names[..names.len().min(4)].join(", "));
        rows.push(vec![(names.len().to_string(), Role::Text), (why.to_owned(), Role::Text), (which, Role::Dim)]);
    }
    let needs = format!("Nodes, for a pod of {}", counted(each.gpus.into(), "GPU"));
    section(&needs, &rows, 0, columns)
}
