//! The line above the logs: what is looked at, whether it moves, who was heard of, what was found, what it costs.

use super::lines::writer;
use crate::{
    console::{
        model::page::{
            PageModel,
            logs::{Choice, Flow, Found, LogsModel, Seeking},
        },
        theme::Role,
        widgets::rich::RichLine,
    },
    jobs::{
        quantity::format_bytes,
        row::{ContainerRow, ContainerState},
    },
    logs::Stream,
};

/// Names that a list in the line has at most.
const MOST_NAMES: usize = 4;

/// See the module.
pub fn summary(page: &PageModel) -> RichLine {
    let logs = &page.logs;
    if !logs.is_open() {
        return RichLine::of("No pod to read a log of yet.", Role::Dim);
    }
    let window = &logs.window;
    let mut line = RichLine::of(what(page, &logs.choice), Role::Title);
    for words in how(logs) {
        line = line.and(format!(", {words}"), Role::Warn);
    }
    line = if window.paused { line.and("  paused", Role::Warn) } else { line.and("  following", Role::Good) };
    if window.seeking == Seeking::Looking || logs.wish.is_some() {
        line = line.and("  looking for the cause's line", Role::Wait);
    }
    if let Some((done, of)) = logs.writing {
        line = line.and(format!("  writing {done} of {of} lines"), Role::Wait);
    }
    if let Some(found) = &window.found {
        line = line.and(format!("  {}", hits(logs, found)), Role::Match);
    }
    if let Some(total) = page.ranks().total().filter(|_| window.ranks_heard > 0) {
        let heard = window.ranks_heard.min(total);
        let role = if heard < total { Role::Warn } else { Role::Dim };
        line = line.and(format!("  ranks heard from: {heard} of {total}"), role);
        if heard < total {
            line = line.and(format!(" (not {})", list(window.missing.iter().map(u32::to_string), total - heard)), role);
        }
    }
    if page.ranks().total().is_none() && window.ranks_heard > 0 {
        line = line.and(format!("  ranks heard from: {}", window.ranks_heard), Role::Dim);
    }
    for (words, role) in flows(logs) {
        line = line.and(format!("  {words}"), role);
    }
    if !window.complete {
        line = line.and("  looking ...", Role::Wait);
    }
    let shown = if window.total == window.kept { String::new() } else { format!("{} of ", window.total) };
    line = line.and(format!("  {shown}{} lines", window.kept), Role::Dim);
    let (used, most) = (format_bytes(window.bytes as u64), format_bytes(window.max_bytes as u64));
    line = line.and(format!(", {}, {used} of {most}", logs.past.title()), Role::Dim);
    if window.dropped > 0 {
        line = line.and(format!(", {} older dropped", window.dropped), Role::Warn);
    }
    line
}

/// What a choice looks at.
pub fn what(page: &PageModel, choice: &Choice) -> String {
    let title = |key: &String| {
        let target = page.logs.targets.iter().find(|target| target.key() == *key);
        target.map_or_else(|| key.clone(), |target| target.title.to_string())
    };
    let mut names: Vec<String> = choice.view.ranks.iter().map(|rank| format!("rank {rank}")).collect();
    names.extend(choice.streams.iter().map(title));
    match (choice.view.ranks.as_slice(), names.as_slice()) {
        ([rank], [name]) => {
            let heard = page.logs.window.heard.iter().find(|heard| heard.who == crate::logs::Who::Rank(*rank));
            let ranks = page.ranks();
            let sure = heard.and_then(|heard| ranks.named(heard.host.as_ref()?.as_str()));
            match (sure, ranks.place(*rank)) {
                (Some(host), _) => format!("{name} on {}", host.title),
                (None, Some(host)) => format!("{name}, probably {}", host.title),
                (None, None) => name.clone(),
            }
        }
        (_, []) => "All".to_owned(),
        (_, names) => list(names.iter().cloned(), names.len() as u32),
    }
}

/// What is left out, in words.
fn how(logs: &LogsModel) -> Vec<String> {
    let view = &logs.choice.view;
    let mut words = Vec::new();
    if let Some((query, context)) = &view.with {
        let around = if *context > 0 { format!(" ±{context}") } else { String::new() };
        words.push(format!("only «{}»{around}", query.typed()));
    }
    words.extend(view.without.as_ref().map(|query| format!("without «{}»", query.typed())));
    words.extend(view.stream.map(|stream| if stream == Stream::Out { "stdout" } else { "stderr" }.to_owned()));
    words.extend(view.trouble.then(|| "trouble only".to_owned()));
    words.extend(view.fold.then(|| "folded".to_owned()));
    words
}

fn hits(logs: &LogsModel, found: &Found) -> String {
    let at = found.at.map_or(String::new(), |at| format!("{} of ", at + 1));
    let more = if found.complete { "" } else { "+" };
    let by = found.by.iter().map(|(who, count)| format!("{} {count}", writer(logs, *who)));
    let by = if found.by.len() > 1 { format!(" ({})", list(by, found.by.len() as u32)) } else { String::new() };
    format!("{at}{}{more} hits{by}", found.total)
}

/// How the streams are that don't just run.
fn flows(logs: &LogsModel) -> Vec<(String, Role)> {
    let streams = &logs.window.streams;
    let count = |is: fn(&Flow) -> bool| streams.iter().filter(|stream| is(&stream.flow)).count();
    if let [stream] = streams.as_slice() {
        return match &stream.flow {
            Flow::Open => Vec::new(),
            Flow::Opening => vec![("opening ...".to_owned(), Role::Wait)],
            Flow::Waiting(why) => vec![(why.to_string(), Role::Wait)],
            Flow::Ended => vec![("ended".to_owned(), Role::Done)],
            Flow::Refused(refusal) => vec![(refusal.what.to_string(), Role::Warn)],
        };
    }
    let all = [
        (count(|flow| matches!(flow, Flow::Opening)), "opening", Role::Wait),
        (count(|flow| matches!(flow, Flow::Waiting(_))), "waiting", Role::Wait),
        (count(|flow| matches!(flow, Flow::Ended)), "ended", Role::Done),
        (count(|flow| matches!(flow, Flow::Refused(_))), "refused", Role::Warn),
    ];
    let mut words = vec![(format!("{} logs", streams.len()), Role::Dim)];
    words.extend(all.into_iter().filter(|(n, ..)| *n > 0).map(|(n, word, role)| (format!("{n} {word}"), role)));
    words
}

/// `a, b, c and 4 more` of so many.
fn list(names: impl Iterator<Item = String>, of: u32) -> String {
    let names: Vec<String> = names.take(MOST_NAMES).collect();
    let more = (of as usize).saturating_sub(names.len());
    let text = names.join(", ");
    if more > 0 { format!("{text} and {more} more") } else { text }
}

/// How a container is, in a few words.
pub fn state(container: &ContainerRow) -> String {
    match &container.state {
        None => "not started".to_owned(),
        Some(ContainerState::Running(_)) => "running".to_owned(),
        Some(ContainerState::Waiting { reason, .. }) if reason.is_empty() => "waiting".to_owned(),
        Some(ContainerState::Waiting { reason, .. }) => reason.to_string(),
        Some(ContainerState::Terminated(end)) => format!("ended with {}", end.exit_code),
    }
}
