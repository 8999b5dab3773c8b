//! The format of a role in a script file, and how it becomes a [`Behaviour`].
//!
//! Owns field names, defaults and what is wrong with them. Places of faults are byte ranges of the text; the one who
//! read the file makes lines of them.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use serde::Deserialize;
use toml::Spanned;

use super::{
    behaviour::{Behaviour, Line, Peers, Speaker, Tags, Trouble, Wait},
    part::Part,
    usage::{Curve, UseForm},
};

/// Something that can be read but does not make sense, where, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fault {
    /// Where in the text.
    pub(crate) at: Range<usize>,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl Fault {
    /// A fault.
    pub(crate) fn new(at: Range<usize>, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { at, what: what.into(), remedy: remedy.into() }
    }
}

/// A line (or several, of one text) of output.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct LineForm {
    /// Seconds after the phase's begin.
    at: f64,
    /// Seconds between repetitions.
    every: f64,
    /// Seconds after the phase's begin at which repetitions end; its end if absent.
    until: Option<f64>,
    /// Said by every rank.
    ranks: bool,
    /// Said by this rank.
    rank: Option<u64>,
    /// On stderr.
    err: bool,
    /// No line end follows.
    half: bool,
    /// A checkpoint is written.
    saves: bool,
    /// The text.
    text: String,
}

/// A part of a run.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct PhaseForm {
    seconds: Option<f64>,
    waits: Option<Peers>,
    patience: Option<f64>,
    steps: Option<f64>,
    #[serde(rename = "use")]
    uses: Option<UseForm>,
    log: Vec<LineForm>,
}

/// A role of a script.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct RoleForm {
    pull: Option<f64>,
    run: Option<f64>,
    no_sshd: bool,
    sshd: Option<f64>,
    exit: i64,
    gives_up: Option<i64>,
    reason: String,
    message: String,
    trouble: Option<Trouble>,
    recovers: u32,
    exact: bool,
    tags: Option<Tags>,
    #[serde(rename = "use")]
    uses: Option<UseForm>,
    log: Vec<LineForm>,
    phase: Vec<Spanned<PhaseForm>>,
}

/// Steps that training makes in a second unless the phase says otherwise.
const STEPS: f64 = 5.0;

impl RoleForm {
    /// What it means; `at` is where the role stands, `tags` and `words` are the script's.
    pub(crate) fn behaviour(
        &self,
        at: Range<usize>,
        tags: Tags,
        words: &Arc<BTreeMap<String, String>>,
    ) -> Result<Behaviour, Fault> {
        let plain = Behaviour::default();
        let mut out = Behaviour {
            pull: self.pull.unwrap_or(plain.pull),
            sshd: if self.no_sshd { None } else { self.sshd.or(plain.sshd) },
            exit: self.exit,
            gives_up: self.gives_up.unwrap_or(plain.gives_up),
            reason: self.reason.clone(),
            message: self.message.clone(),
            trouble: self.trouble,
            recovers: self.recovers,
            exact: self.exact,
            tags: self.tags.unwrap_or(tags),
            words: Arc::clone(words),
            ..plain
        };
        if self.phase.is_empty() {
            let only = PhaseForm { seconds: self.run, uses: self.uses, log: self.log.clone(), ..PhaseForm::default() };
            lay(&mut out, &[(at, &only)])?;
        } else if self.run.is_some() || !self.log.is_empty() || self.uses.is_some() {
            let remedy = "put `log` and `use` into the phases, and give each its `seconds`";
            return Err(Fault::new(at, "a role has phases, or `run`, `log` and `use`, not both", remedy));
        } else {
            let phases: Vec<_> = self.phase.iter().map(|p| (p.span(), p.get_ref())).collect();
            lay(&mut out, &phases)?;
        }
        Ok(out)
    }
}

/// Lays phases one after the other.
fn lay(out: &mut Behaviour, phases: &[(Range<usize>, &PhaseForm)]) -> Result<(), Fault> {
    let (mut part, mut begin, mut total) = (Part::Before, 0.0, Some(0.0));
    for (n, (at, phase)) in phases.iter().enumerate() {
        let bad = |what: &str, remedy: &str| Err(Fault::new(at.clone(), what, remedy));
        if phase.seconds.is_some_and(|s| !s.is_finite() || s < 0.0) {
            return bad("`seconds` is no length of time", "write a number of seconds, 0 or more");
        }
        if let Some(on) = phase.waits {
            if out.wait.is_some() {
                return bad("a role waits once", "leave out one of the phases with `waits`");
            }
            if phase.seconds.is_some() {
                return bad("a phase that waits has no `seconds`", "use `patience` for how long it tries");
            }
            out.wait = Some(Wait { on, at: begin, patience: phase.patience });
            lines(out, phase, Part::During, 0.0, None, at)?;
            curve(out, phase, Part::During, 0.0, None, at)?;
            (part, begin) = (Part::After, 0.0);
            continue;
        }
        if phase.patience.is_some() {
            return bad("`patience` is for a phase with `waits`", "add waits = \"ssh\", \"ranks\" or \"all\"");
        }
        if phase.seconds.is_none() && n + 1 < phases.len() {
            return bad("only the last phase may last for ever", "give this phase its `seconds`");
        }
        let end = phase.seconds.map(|s| begin + s);
        lines(out, phase, part, begin, end, at)?;
        curve(out, phase, part, begin, end, at)?;
        if let Some(end) = end {
            if out.longest.is_none_or(|(_, b, e)| end - begin > e - b) {
                out.longest = Some((part, begin, end));
            }
            begin = end;
        }
        total = total.zip(phase.seconds).map(|(all, s)| all + s);
    }
    out.run = total;
    Ok(())
}

fn curve(
    out: &mut Behaviour,
    phase: &PhaseForm,
    part: Part,
    begin: f64,
    end: Option<f64>,
    at: &Range<usize>,
) -> Result<(), Fault> {
    let Some(form) = phase.uses else { return Ok(()) };
    if !form.is_sound() {
        return Err(Fault::new(at.clone(), "a number in `use` is no amount", "write numbers, 0 or more"));
    }
    out.curves.push(Curve { part, begin, end, form });
    Ok(())
}

fn lines(
    out: &mut Behaviour,
    phase: &PhaseForm,
    part: Part,
    begin: f64,
    end: Option<f64>,
    at: &Range<usize>,
) -> Result<(), Fault> {
    for form in &phase.log {
        let times = [form.at, form.every, form.until.unwrap_or(0.0)];
        if times.iter().any(|t| !t.is_finite() || *t < 0.0) {
            let what = format!("a time of the line {:?} is no length of time", first(&form.text));
            return Err(Fault::new(at.clone(), what, "write a number of seconds, 0 or more"));
        }
        let speaker = match (form.ranks, form.rank) {
            (false, None) => Speaker::Main,
            (false, Some(rank)) => Speaker::Rank(rank),
            (true, None) => Speaker::Ranks,
            (true, Some(_)) => {
                let what = format!("the line {:?} is said by one rank and by all", first(&form.text));
                return Err(Fault::new(at.clone(), what, "leave out `rank` or `ranks`"));
            }
        };
        for text in form.text.split('\n') {
            out.lines.push(Line {
                part,
                at: begin + form.at,
                every: form.every,
                until: form.until.map(|until| begin + until).or(end),
                speaker,
                err: form.err,
                text: text.to_owned(),
                half: form.half,
                saves: form.saves,
                origin: begin,
                steps: phase.steps.unwrap_or(STEPS),
            });
        }
    }
    Ok(())
}

fn first(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(text: &str) -> Result<Behaviour, Fault> {
        let form: RoleForm = toml::from_str(text).unwrap();
        form.behaviour(0..0, Tags::Hydra, &Arc::default())
    }

    #[test]
    fn phases_follow_each_other_and_a_wait_starts_the_count_anew() {
        let b = role(
            r#"
            [[phase]]
            seconds = 3
            log = [{ at = 1, text = "one" }]
            [[phase]]
            waits = "ssh"
            patience = 10
            log = [{ every = 2, text = "waiting" }]
            [[phase]]
            seconds = 20
            log = [{ at = 1, every = 2, ranks = true, text = "step" }]
            [[phase]]
            seconds = 1
            log = [{ rank = 3, err = true, text = "two\nthree" }]
            "#,
        )
        .unwrap();
        assert_eq!(b.wait, Some(Wait { on: Peers::Ssh, at: 3.0, patience: Some(10.0) }));
        assert_eq!((b.run, b.longest, b.tags), (Some(24.0), Some((Part::After, 0.0, 20.0)), Tags::Hydra));
        let seen: Vec<_> = b.lines.iter().map(|l| (l.part, l.at, l.until, l.speaker, l.text.as_str())).collect();
        assert_eq!(
            seen,
            [
                (Part::Before, 1.0, Some(3.0), Speaker::Main, "one"),
                (Part::During, 0.0, None, Speaker::Main, "waiting"),
                (Part::After, 1.0, Some(20.0), Speaker::Ranks, "step"),
                (Part::After, 20.0, Some(21.0), Speaker::Rank(3), "two"),
                (Part::After, 20.0, Some(21.0), Speaker::Rank(3), "three"),
            ]
        );
    }

    #[test]
    fn what_makes_no_sense_is_a_fault_with_a_remedy() {
        for (text, word) in [
            ("run = 3\n[[phase]]\nseconds = 1", "not both"),
            ("[[phase]]\n[[phase]]\nseconds = 1", "for ever"),
            ("[[phase]]\nwaits = \"ssh\"\n[[phase]]\nwaits = \"all\"", "waits once"),
            ("[[phase]]\nwaits = \"ssh\"\nseconds = 1", "no `seconds`"),
            ("[[phase]]\nseconds = -1", "no length of time"),
            ("run = 1\nuse = { gpu = [0, -3] }", "no amount"),
            ("[[phase]]\npatience = 1\nseconds = 1", "`patience` is for"),
            ("run = 1\nlog = [{ rank = 1, ranks = true, text = \"x\" }]", "one rank and by all"),
        ] {
            let fault = role(text).unwrap_err();
            assert!(fault.what.contains(word) && !fault.remedy.is_empty(), "{text}: {fault:?}");
        }
    }
}
