//! Teams: namespaces that say by a label whose they are, put together.

use std::collections::BTreeMap;

use super::space::{SpaceUse, Use};
use crate::jobs::text::Sym;

/// Labels of namespaces that name a team, the first that is there.
pub const LABELS: [&str; 2] = ["mpideck.io/team", "team"];

/// One team.
#[derive(Clone, Debug, PartialEq)]
pub struct TeamUse {
    /// What its namespaces come to, under the team's name.
    pub all: SpaceUse,
    /// Its namespaces, by name.
    pub spaces: Vec<SpaceUse>,
}

/// The teams by name, and the namespaces that are of none.
pub fn teams(spaces: Vec<SpaceUse>) -> (Vec<TeamUse>, Vec<SpaceUse>) {
    let (mut teams, mut others): (BTreeMap<Sym, Vec<SpaceUse>>, _) = (BTreeMap::new(), Vec::new());
    for space in spaces {
        match space.team.clone() {
            Some(team) => teams.entry(team).or_default().push(space),
            None => others.push(space),
        }
    }
    let team = |(name, spaces): (Sym, Vec<SpaceUse>)| TeamUse { all: sum(name, &spaces), spaces };
    (teams.into_iter().map(team).collect(), others)
}

fn sum(name: Sym, spaces: &[SpaceUse]) -> SpaceUse {
    // What several namespaces have together would count several times.
    let apart = spaces.iter().all(|space| !space.shared);
    let quota = |of: fn(&SpaceUse) -> Option<Use>| {
        let all = spaces.iter().filter_map(of).filter(|_| apart);
        all.reduce(|a, b| Use { used: a.used.saturating_add(b.used), hard: a.hard.saturating_add(b.hard) })
    };
    let count = |at: usize| spaces.iter().map(|space| space.jobs[at]).sum();
    SpaceUse {
        name,
        gpus: quota(|space| space.gpus),
        cpu: quota(|space| space.cpu),
        memory: quota(|space| space.memory),
        count: quota(|space| space.count),
        held: spaces.iter().map(|space| space.held).sum(),
        jobs: [count(0), count(1), count(2)],
        ..SpaceUse::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(name: &str, team: &str, quota: Option<(u64, u64)>) -> SpaceUse {
        SpaceUse {
            name: Sym::new(name),
            team: Some(Sym::new(team)).filter(|_| !team.is_empty()),
            gpus: quota.map(|(used, hard)| Use { used, hard }),
            held: 3,
            jobs: [4, 2, 1],
            ..SpaceUse::default()
        }
    }

    #[test]
    fn a_team_is_what_its_namespaces_come_to() {
        let spaces = vec![
            space("alone", "", Some((1, 1))),
            space("asr", "speech", Some((2, 8))),
            space("tts", "speech", Some((4, 8))),
            space("vision", "vision", None),
        ];
        let (teams, others) = teams(spaces);
        assert_eq!(others.iter().map(|space| space.name.as_str()).collect::<Vec<_>>(), ["alone"]);
        let told: Vec<_> =
            teams.iter().map(|team| (team.all.name.as_str(), team.all.gpus, team.spaces.len())).collect();
        assert_eq!(told, [("speech", Some(Use { used: 6, hard: 16 }), 2), ("vision", None, 1)]);
        assert_eq!((teams[0].all.held, teams[0].all.jobs), (6, [8, 4, 2]));
    }

    #[test]
    fn a_quota_that_namespaces_share_is_not_added_up() {
        let shared = |name| SpaceUse { shared: true, ..space(name, "speech", Some((6, 8))) };
        let (teams, _) = teams(vec![shared("asr"), shared("tts")]);
        assert_eq!(teams[0].all.gpus, None);
    }
}
