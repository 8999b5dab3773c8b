//! A manifest under all rules.

use serde_json::Value;

use super::case::{Case, Found};
use super::look;
use super::problem::{Outcome, Problem, Severity, Verdict};
use super::rules::{self, Profile, Rule, Rules};
use crate::jobs::manifest::text::{Document, ParseError};
use crate::jobs::schema::{self, Shape, Wrong};
use crate::jobs::{Clean, Kind};

/// The rules, ready to check by.
#[derive(Clone)]
pub struct Checks {
    rules: &'static Rules,
}

/// What was found in a text.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The jobs in it, in the order of the text.
    pub jobs: Vec<Checked>,
    /// Problems that are about no job: the text is no YAML, or holds none.
    pub problems: Vec<Problem>,
}

/// What was found in one job's manifest.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its kind.
    pub kind: Kind,
    /// Its name, if it has one.
    pub name: Clean,
    /// Its namespace, if it has one.
    pub namespace: Clean,
    /// What becomes of it.
    pub verdict: Verdict,
    /// What is wrong with it, in the order of the text.
    pub problems: Vec<Problem>,
    document: Document,
}

impl Checked {
    /// The job as JSON, as it would be sent.
    pub fn object(&self) -> Value {
        self.document.value()
    }

    /// Adds what else was found, such as what a cluster says to it.
    pub fn add(&mut self, problems: Vec<Problem>) {
        let placed = self.placed(problems);
        self.problems.extend(placed);
        self.problems.sort_by_key(Problem::order);
        self.verdict = Verdict::of(&self.problems);
    }

    /// Problems of this job at their places in its text.
    pub fn placed(&self, problems: impl IntoIterator<Item = Problem>) -> Vec<Problem> {
        let place = |problem: &Problem| {
            let key = self.document.key_place(&problem.at).filter(|_| problem.rule == "unknown-field");
            key.unwrap_or_else(|| self.document.nearest(&problem.at))
        };
        let placed = |problem: Problem| Problem {
            place: Some(problem.place.clone().unwrap_or_else(|| place(&problem))),
            ..problem
        };
        problems.into_iter().map(placed).collect()
    }
}

impl Report {
    /// All problems, in the order of the text.
    pub fn all(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().chain(self.jobs.iter().flat_map(|job| &job.problems))
    }
}

impl Checks {
    /// Our own rules.
    pub fn builtin() -> Self {
        Self { rules: rules::builtin() }
    }

    /// Every rule, in the order of the file.
    pub fn rules(&self) -> &'static [Rule] {
        &self.rules.rule
    }

    /// The manifest that the rules' examples change.
    pub fn base(&self) -> &'static str {
        &self.rules.base
    }

    /// The profiles by name.
    pub fn profiles(&self) -> impl Iterator<Item = (&'static str, &'static Profile)> {
        self.rules.profile.iter().map(|(name, profile)| (name.as_str(), profile))
    }

    /// Checks every job of a text by a profile; a profile that there is not has no limits and no rules of its own.
    pub fn check(&self, text: &str, profile: &str) -> Report {
        let documents = match Document::all(text) {
            Ok(documents) => documents,
            Err(error) => return Report { problems: self.unread(&error), jobs: Vec::new() },
        };
        let mut report = Report::default();
        for document in &documents {
            let value = document.value();
            let word = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let Some(kind) = Kind::of(word("/apiVersion"), word("/kind")) else { continue };
            let mut problems = self.check_object(kind, &value, profile);
            for (at, place) in document.repeated() {
                problems
                    .extend(self.problem("repeated-key", Found::at(at)).map(|p| Problem { place: Some(place), ..p }));
            }
            let name = Clean::new(word("/metadata/name"));
            let namespace = Clean::new(word("/metadata/namespace"));
            let verdict = Verdict::Accepted;
            let document = document.clone();
            let mut job = Checked { kind, name, namespace, verdict, problems: Vec::new(), document };
            job.add(problems);
            report.jobs.push(job);
        }
        if report.jobs.is_empty() {
            report.problems = self.no_job(&documents);
        }
        report
    }

    /// Checks one object.
    pub fn check_object(&self, kind: Kind, job: &Value, profile: &str) -> Vec<Problem> {
        let mut problems = self.misfits(kind, job);
        // What has a value of the wrong type is not looked at for more than that.
        let broken: Vec<String> =
            problems.iter().filter(|p| p.outcome == Some(Outcome::Create)).map(|p| p.at.clone()).collect();
        let none = rules::Limits::default();
        let limits = self.rules.profile.get(profile).map_or(&none, |profile| &profile.limits);
        let case = Case { kind, job, limits };
        for rule in &self.rules.rule {
            if !rule.profiles.is_empty() && !rule.profiles.iter().any(|name| name == profile) {
                continue;
            }
            let Some(look) = look::of(&rule.id) else { continue };
            let found = look(&case).into_iter().filter(|found| !broken.contains(&found.at));
            problems.extend(found.map(|found| problem(rule, found)));
        }
        problems
    }

    fn misfits(&self, kind: Kind, job: &Value) -> Vec<Problem> {
        let Some(shape) = Shape::of(kind) else { return Vec::new() };
        let to_problem = |misfit: schema::Misfit| {
            let field = misfit.at.rsplit('/').next().unwrap_or_default().replace("~1", "/");
            let found = Found::at(&misfit.at).with("field", &field);
            match misfit.wrong {
                Wrong::Unknown(near) => {
                    let hint = near.map_or_else(
                        || "Take it out, or look where it belongs (kubectl explain).".to_owned(),
                        |near| format!("Did you mean {near}?"),
                    );
                    self.problem("unknown-field", found.with("hint", hint))
                }
                Wrong::Missing => self.problem("missing-field", found),
                Wrong::Type(wanted, is) => self.problem("wrong-type", found.with("wanted", wanted).with("is", is)),
                Wrong::Range => self.problem("number-range", found),
                Wrong::Word(words) => self.problem("unknown-word", found.with("words", words.join(", "))),
                Wrong::Quantity => self.problem("quantity-form", found),
            }
        };
        schema::walk(shape, job).into_iter().filter_map(to_problem).collect()
    }

    fn unread(&self, error: &ParseError) -> Vec<Problem> {
        let found = Found::at("").with("said", error.said.as_str());
        self.problem("yaml", found).into_iter().map(|p| Problem { place: Some(error.place.clone()), ..p }).collect()
    }

    fn no_job(&self, documents: &[Document]) -> Vec<Problem> {
        let kinds: Vec<String> = documents
            .iter()
            .map(|d| {
                let word =
                    |pointer: &str| d.get(pointer).and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
                format!("{} {}", word("/apiVersion"), word("/kind")).trim().to_owned()
            })
            .collect();
        let held = if kinds.is_empty() { "nothing".to_owned() } else { kinds.join(", ") };
        let place = documents.first().map(|d| d.nearest("/kind"));
        let found = Found::at("/kind").with("held", held);
        self.problem("no-job", found).into_iter().map(|p| Problem { place: place.clone(), ..p }).collect()
    }

    /// A problem by the rule of this id.
    pub(super) fn problem(&self, id: &str, found: Found) -> Option<Problem> {
        self.rules.rule.iter().find(|rule| rule.id == id).map(|rule| problem(rule, found))
    }
}

fn problem(rule: &'static Rule, found: Found) -> Problem {
    let fill = |text: &str| {
        let filled =
            found.holes.iter().fold(text.to_owned(), |text, (hole, by)| text.replace(&format!("{{{hole}}}"), by));
        Clean::new(&filled)
    };
    let severity = if rule.outcome.is_some() { Severity::Error } else { rule.severity };
    let (reason, remedy) = (fill(&rule.reason), fill(&rule.remedy));
    let outcome = rule.outcome;
    Problem { rule: &rule.id, area: &rule.area, severity, outcome, at: found.at, place: None, reason, remedy }
}
