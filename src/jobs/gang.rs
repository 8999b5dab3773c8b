//! Gangs: pods that a scheduler places together or not at all, as their `PodGroup` tells.

use std::fmt::Write as _;

use super::{
    quantity::counted,
    row::{Condition, Truth},
    text::{Name, Sym, Uid},
};

/// One `PodGroup`: Volcano's, or scheduler-plugins'.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GangRow {
    /// Its API group.
    pub group: Sym,
    /// Its namespace.
    pub namespace: Sym,
    /// Its name: the job's, where an operator made it.
    pub name: Name,
    /// What it belongs to.
    pub owner: Option<Uid>,
    /// `status.phase`, empty if nobody has looked at it.
    pub phase: Sym,
    /// `spec.minMember`: so many pods are placed together.
    pub least: u32,
    /// Volcano's queue.
    pub queue: Option<Sym>,
    /// Pods that run, ended well, failed.
    pub pods: [u32; 3],
    /// `status.conditions`; scheduler-plugins write none.
    pub conditions: Box<[Condition]>,
}

impl GangRow {
    /// Who places it.
    pub fn scheduler(&self) -> &str {
        match self.group.as_str() {
            "scheduling.volcano.sh" => "Volcano",
            "scheduling.x-k8s.io" => "scheduler-plugins",
            other => other,
        }
    }

    /// Whether it is that of a job: made for it, else of its name.
    pub fn is_of(&self, name: &Name, uid: &Uid) -> bool {
        self.owner.as_ref().map_or_else(|| self.name == *name, |owner| owner == uid)
    }

    /// How it is.
    pub fn words(&self) -> String {
        let phase = if self.phase.is_empty() { "nobody has looked at it yet" } else { self.phase.as_str() };
        let queue = self.queue.as_ref().map_or_else(String::new, |queue| format!(" in queue {queue}"));
        let [running, succeeded, failed] = self.pods;
        let mut text = format!(
            "{phase}{queue}: {}, {} must be placed together; {running} run",
            self.scheduler(),
            counted(self.least.into(), "pod")
        );
        for (count, word) in [(succeeded, "succeeded"), (failed, "failed")] {
            if count > 0 {
                let _infallible = write!(text, ", {count} {word}");
            }
        }
        text
    }

    /// The condition that holds now: the newest that is True. What was said before it is over.
    pub fn says(&self) -> Option<&Condition> {
        self.conditions.iter().filter(|condition| condition.status == Truth::True).max_by_key(|c| c.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jobs::{Clean, Secs};

    fn condition(kind: &str, status: Truth, at: u32, message: &str) -> Condition {
        let (kind, message) = (Sym::new(kind), Clean::new(message));
        Condition { kind, status, message, since: Some(Secs(at)), ..Condition::default() }
    }

    #[test]
    fn the_newest_condition_counts_whichever_comes_last() {
        let conditions = [
            condition("Scheduled", Truth::True, 20, "tasks in gang are ready to be scheduled"),
            condition("Unschedulable", Truth::True, 10, "3/4 tasks in gang unschedulable"),
            condition("Other", Truth::False, 30, ""),
        ];
        let gang = GangRow { conditions: conditions.into(), ..GangRow::default() };
        assert_eq!(gang.says().map(|c| c.kind.as_str()), Some("Scheduled"));
        assert_eq!(GangRow::default().says(), None);
    }

    #[test]
    fn a_gang_is_its_owners_else_its_namesakes() {
        let (name, uid) = (Name::lossy("train"), Uid::new("u"));
        let gang = |name: &str, owner: Option<&str>| GangRow {
            name: Name::lossy(name),
            owner: owner.map(Uid::new),
            ..GangRow::default()
        };
        assert!(gang("podgroup-u", Some("u")).is_of(&name, &uid) && gang("train", None).is_of(&name, &uid));
        assert!(!gang("train", Some("old")).is_of(&name, &uid), "of a job that had its name before");
        assert!(!gang("other", None).is_of(&name, &uid));
    }

    #[test]
    fn words_name_who_places_how_many() {
        let mut gang = GangRow { group: Sym::new("scheduling.volcano.sh"), least: 10, ..GangRow::default() };
        gang.phase = Sym::new("Inqueue");
        gang.queue = Some(Sym::new("gpu"));
        assert_eq!(gang.words(), "Inqueue in queue gpu: Volcano, 10 pods must be placed together; 0 run");
        gang.pods = [8, 1, 1];
        (gang.queue, gang.group) = (None, Sym::new("scheduling.x-k8s.io"));
        assert_eq!(
            gang.words(),
            "Inqueue: scheduler-plugins, 10 pods must be placed together; 8 run, 1 succeeded, 1 failed"
        );
    }
}
