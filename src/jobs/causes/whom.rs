//! Whom the chosen cause is about: what its own line leaves open, other hits may say.

use super::{
    hit::{Hit, OfLog},
    place::{Place, Subject},
    rule::Sign,
};
use crate::jobs::{replica, text::Sym};

/// Lines within which an exception belongs to what a library said before it.
const CLOSE: u32 = 60;

/// Of ranks that told of the same within few lines, the one that the launcher says left first.
pub(super) fn named_first<'h, 'a>(winner: &'h Hit<'a>, hits: &'h [Hit<'a>]) -> &'h Hit<'a> {
    let of_end = |hit: &&Hit<'_>| hit.rule.sign == Some(Sign::Failed) && hit.log.is_some();
    let first = hits.iter().filter(of_end).min_by_key(|hit| hit.at.line());
    let first = first.and_then(|hit| hit.subject.as_deref()).and_then(|subject| subject.rank);
    let Some((first, own)) = first.zip(winner.log) else { return winner };
    let is_it = |hit: &&Hit<'_>| {
        let log = hit.log.filter(|log| log.nth == own.nth && log.hit.rank == Some(first));
        std::ptr::eq(hit.rule, winner.rule) && log.is_some_and(|log| log.hit.line.saturating_sub(own.hit.line) <= CLOSE)
    };
    hits.iter().find(is_it).unwrap_or(winner)
}

/// The rank of what a library says without a tag: of the exception that it comes back as, if one rank alone has it.
fn echoed(winner: &Hit<'_>, hits: &[Hit<'_>]) -> Option<u32> {
    let own = winner.log.filter(|log| log.hit.rank.is_none())?;
    let after =
        |log: &OfLog<'_>| log.nth == own.nth && log.hit.line > own.hit.line && log.hit.line - own.hit.line <= CLOSE;
    let mut ranks =
        hits.iter().filter(|hit| hit.rule.echo).filter_map(|hit| hit.log).filter(after).filter_map(|log| log.hit.rank);
    let first = ranks.next()?;
    ranks.all(|rank| rank == first).then_some(first)
}

/// Whom the winner is about. A launcher's word on who failed first, and a pod that ended of the same, say it of a line
/// without a tag.
pub(super) fn filled_in(winner: &Hit<'_>, hits: &[Hit<'_>]) -> Option<Subject> {
    let mut about = winner.subject.as_deref().cloned();
    if !winner.rule.victim && (winner.place == Place::Log || about.is_some()) {
        about = placed(winner, hits, about);
    }
    if about.as_ref().is_none_or(|subject| subject.node.is_none())
        && let Some(node) = node(winner, hits)
    {
        about.get_or_insert_with(Subject::default).node = Some(Sym::new(&node));
    }
    about
}

/// The node that the winner names, or that everything of its kind agrees on.
fn node(winner: &Hit<'_>, hits: &[Hit<'_>]) -> Option<String> {
    let of = |hit: &Hit<'_>| {
        let machine = hit.subject.as_deref().filter(|subject| subject.role.is_empty());
        let known = machine.and_then(|subject| subject.node.as_ref()).map(ToString::to_string);
        let named = || Some(String::from_utf8_lossy(hit.captures()?.name("node")?.as_bytes()).into_owned());
        known.or_else(|| if hit.rule.pattern.names("node") { named() } else { None })
    };
    if let Some(own) = of(winner) {
        return Some(own);
    }
    let mut named = hits.iter().filter(|hit| hit.rule.class == winner.rule.class).filter_map(of);
    let first = named.next()?;
    named.all(|other| other == first).then_some(first)
}

fn placed(winner: &Hit<'_>, hits: &[Hit<'_>], mut about: Option<Subject>) -> Option<Subject> {
    let named = about.as_ref().is_some_and(|subject| !subject.role.is_empty());
    let has_rank = about.as_ref().is_some_and(|subject| subject.rank.is_some());
    let fits = |hit: &&Hit<'_>| {
        let kin = hit.rule.class == winner.rule.class || hit.rule.sign.is_some();
        let other = hit.subject.as_deref();
        let agrees = |a: &Subject, b: &Subject| a.role.is_empty() || b.role.is_empty() || a.is_same_replica(b);
        kin && !std::ptr::eq(*hit, winner) && other.is_some_and(|b| about.as_ref().is_none_or(|a| agrees(a, b)))
    };
    let others = || hits.iter().filter(fits).filter_map(|hit| hit.subject.as_deref());
    let other = if named { None } else { others().find(|other| !other.role.is_empty()) };
    let rank = if has_rank { None } else { echoed(winner, hits).or_else(|| others().find_map(|other| other.rank)) };
    if let Some(other) = other {
        let own = about.take().unwrap_or_default();
        about = Some(Subject {
            rank: own.rank.or(other.rank),
            node: own.node.or_else(|| other.node.clone()),
            ..other.clone()
        });
    }
    if let Some(rank) = rank {
        let subject = about.get_or_insert_with(Subject::default);
        subject.rank = subject.rank.or(Some(rank));
    }
    if about.is_none() && winner.log.is_some() { only_bad(hits) } else { about }
}

/// The one replica besides the launcher that ended badly: who else should have written it?
fn only_bad(hits: &[Hit<'_>]) -> Option<Subject> {
    let ended = |hit: &&Hit<'_>| matches!(hit.place, Place::Exit | Place::Terminated);
    let ended = hits.iter().filter(ended).filter_map(|hit| hit.subject.as_deref());
    // Who was told to stop is not at fault.
    let is_bad = |subject: &&Subject| !replica::is_launcher(subject.role.as_str()) && subject.exit != Some(143);
    let mut bad: Vec<&Subject> = ended.filter(is_bad).collect();
    bad.sort_by_key(|subject| subject.id());
    bad.dedup_by_key(|subject| subject.id());
    if let [one] = bad[..] { Some(one.clone()) } else { None }
}
