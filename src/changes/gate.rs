//! What may be changed through a context now: read-only, protection, and whether its session is still the current one.
//!
//! Enforced in [`super::run()`] and nowhere else; what the console greys out is a hint.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, Ordering::SeqCst},
};

use super::{
    change::{Change, What},
    confirmed::{Confirmed, How},
};
use crate::{
    cluster::{Problem, ProblemKind},
    jobs::{Clean, Secs},
};

/// Whether a context may be changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ReadOnly {
    /// Yes.
    #[default]
    No,
    /// Not unless it is unlocked for a while.
    Locked,
    /// Not in this run: `--read-only`, or the setting of this name.
    Always,
}

/// The gate of one session. Clones are the same gate.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    context: Clean,
    read_only: ReadOnly,
    type_name: bool,
    unlocked: AtomicU32,
    closed: AtomicBool,
}

impl Gate {
    /// Of a session with this context. `type_name`: changes are confirmed by typing the object's name.
    pub fn new(context: Clean, read_only: ReadOnly, type_name: bool) -> Self {
        let (unlocked, closed) = (AtomicU32::new(0), AtomicBool::new(false));
        Self(Arc::new(Inner { context, read_only, type_name, unlocked, closed }))
    }

    /// By what is set: `always` for all contexts of this run, `own` for this one.
    pub fn of(context: Clean, always: bool, own: Option<bool>, type_name: bool) -> Self {
        let read_only = match own {
            _ if always => ReadOnly::Always,
            Some(true) => ReadOnly::Locked,
            _ => ReadOnly::No,
        };
        Self::new(context, read_only, type_name)
    }

    /// The session is not the current one any more.
    pub fn close(&self) {
        self.0.closed.store(true, SeqCst);
    }

    /// Lets changes through until then; a moment that has passed locks it again.
    pub fn unlock(&self, until: Secs) {
        self.0.unlocked.store(until.0, SeqCst);
    }

    /// Whether a change that was confirmed before may go on now.
    pub(super) fn check_open(&self, change: &Change, now: Secs) -> Result<(), Problem> {
        self.open(&format!("can't {change}"), std::slice::from_ref(change), now)
    }

    fn open(&self, what: &str, changes: &[Change], now: Secs) -> Result<(), Problem> {
        let refuse = |why: &str, hint: &str| Err(Problem::new(ProblemKind::Cancelled, what, why, hint));
        if self.0.closed.load(SeqCst) || changes.iter().any(|change| change.context != self.0.context) {
            return refuse("it was meant for a session that is not the current one", "Go back to its context first.");
        }
        match self.0.read_only {
            ReadOnly::Always => refuse("this run is read-only", "Start without --read-only (setting: read-only)."),
            ReadOnly::Locked if now.0 >= self.0.unlocked.load(SeqCst) => {
                let why = format!("context {} is read-only", self.0.context);
                refuse(
                    &why,
                    "In the console `:unlock 10` allows changes for ten minutes; elsewhere the setting says no.",
                )
            }
            ReadOnly::Locked | ReadOnly::No => Ok(()),
        }
    }

    /// Whether these changes may be made now, and if not, why.
    pub fn check(&self, confirmed: &Confirmed, now: Secs) -> Result<(), Problem> {
        let changes = confirmed.changes();
        let what = match changes {
            [one] => format!("can't {one}"),
            several => format!("can't make {} changes", several.len()),
        };
        self.open(&what, changes, now)?;
        let by_setting = matches!(confirmed.how(), How::Setting);
        if self.0.type_name && !by_setting && !only_creates(changes) && !confirmed.was_typed() {
            let word = Confirmed::word(changes);
            let why = format!("this context asks for «{word}» to be typed");
            let hint = match confirmed.how() {
                How::Flag(_) => format!("Give --confirm {word}."),
                _ => "Type it to confirm.".to_owned(),
            };
            return Err(Problem::new(ProblemKind::Cancelled, &what, &why, &hint));
        }
        Ok(())
    }
}

/// What does not exist can't be hit by mistake.
fn only_creates(changes: &[Change]) -> bool {
    changes.iter().all(|change| matches!(change.what, What::Create { .. }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        changes::{Propagation, Subject},
        jobs::Name,
    };

    fn delete(context: &str) -> Change {
        let subject = Subject { name: Name::lossy("train"), namespace: Name::lossy("vision"), ..Subject::default() };
        let what = What::Delete { propagation: Propagation::Background, grace: None };
        Change { context: Clean::new(context), subject, what }
    }

    fn by_key(changes: Vec<Change>) -> Confirmed {
        Confirmed::on_screen(changes, None)
    }

    #[test]
    fn only_the_current_session_of_that_context_lets_a_change_through() {
        let gate = Gate::new(Clean::new("prod"), ReadOnly::No, false);
        assert_eq!(gate.check(&by_key(vec![delete("prod")]), Secs(1)), Ok(()));
        assert!(gate.check(&by_key(vec![delete("prod"), delete("dev")]), Secs(1)).is_err());
        gate.clone().close();
        assert!(gate.check(&by_key(vec![delete("prod")]), Secs(1)).is_err());
    }

    #[test]
    fn a_run_is_read_only_before_a_context_is() {
        let of = |always, own| Gate::of(Clean::new("prod"), always, own, false).0.read_only;
        assert_eq!([of(true, Some(false)), of(true, None)], [ReadOnly::Always; 2]);
        assert_eq!(
            [of(false, Some(true)), of(false, Some(false)), of(false, None)],
            [ReadOnly::Locked, ReadOnly::No, ReadOnly::No]
        );
    }

    #[test]
    fn read_only_refuses_until_it_is_unlocked_and_after_its_time() {
        let gate = Gate::new(Clean::new("prod"), ReadOnly::Locked, false);
        let at = |now| gate.check(&by_key(vec![delete("prod")]), Secs(now));
        let refused = at(5).expect_err("read-only");
        assert!(refused.to_string().contains("read-only") && refused.hint.as_str().contains(":unlock"), "{refused}");
        gate.unlock(Secs(10));
        assert!(at(9).is_ok() && at(10).is_err());
        let always = Gate::new(Clean::new("prod"), ReadOnly::Always, false);
        always.unlock(Secs(10));
        assert!(always.check(&Confirmed::by_flag(vec![delete("prod")], None), Secs(5)).is_err());
    }

    #[test]
    fn a_protected_context_wants_the_name_or_the_number_typed() {
        let gate = Gate::new(Clean::new("prod"), ReadOnly::No, true);
        let typed =
            |changes, text: &str| gate.check(&Confirmed::on_screen(changes, Some(text.into())), Secs(1)).is_ok();
        assert!(gate.check(&by_key(vec![delete("prod")]), Secs(1)).is_err());
        assert!(typed(vec![delete("prod")], "train") && !typed(vec![delete("prod")], "trains"));
        assert!(typed(vec![delete("prod"); 2], "2") && !typed(vec![delete("prod"); 2], "train"));
        let flag = |typed: Option<&str>| {
            gate.check(&Confirmed::by_flag(vec![delete("prod")], typed.map(ToOwned::to_owned)), Secs(1))
        };
        assert!(flag(Some("train")).is_ok() && flag(Some("trains")).is_err());
        assert_eq!(flag(None).expect_err("not typed").hint.as_str(), "Give --confirm train.");
    }
}
