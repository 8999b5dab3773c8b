//! The questions to a cluster, and their answers.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{case::Found, problem::Problem};
use super::train::runtime_kind;
use crate::jobs::Clean;

/// An answer to a question.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Known<T> {
    /// It is still out.
    #[default]
    Out,
    /// This is it.
    Is(T),
    /// It can't be had, and why.
    Unread(Clean),
}

impl<T> Known<T> {
    /// The answer, if it is there.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Is(value) => Some(value),
            _ => None,
        }
    }
}

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// May this be created here?
    Right,
    /// Is the name free?
    Name,
    /// The namespace's `ResourceQuota`s.
    Quotas,
    /// Those that it shares with other namespaces (OpenShift), in the form of its own.
    SharedQuotas,
    /// The namespace's `LimitRange`s.
    LimitRanges,
    /// The namespace's `NetworkPolicy`s.
    Policies,
    /// The nodes, where they may be read.
    Nodes,
    /// Does this object exist: kind and name. A runtime is answered by itself.
    Object(&'static str, String),
    /// What the server says to the job, without keeping it.
    DryJob,
    /// What it says to a pod of this role; the pod as it would keep it, if that is nothing.
    DryPod(String),
}

impl Part {
    /// Whether its answer is good for other texts, too, as long as nobody changes the cluster.
    pub const fn is_about_the_cluster(&self) -> bool {
        match self {
            Self::Quotas | Self::SharedQuotas | Self::LimitRanges | Self::Policies | Self::Nodes | Self::Object(..) => {
                true
            }
            Self::Right | Self::Name | Self::DryJob | Self::DryPod(_) => false,
        }
    }

    /// In a few words, for what is still out.
    pub fn words(&self) -> String {
        match self {
            Self::Right => "rights".to_owned(),
            Self::Name => "the name".to_owned(),
            Self::Quotas => "quotas".to_owned(),
            Self::SharedQuotas => "quotas shared with other namespaces".to_owned(),
            Self::LimitRanges => "limit ranges".to_owned(),
            Self::Policies => "network policies".to_owned(),
            Self::Nodes => "nodes".to_owned(),
            Self::Object(kind, name) => format!("{kind} {name}"),
            Self::DryJob => "the server's own check of the job".to_owned(),
            Self::DryPod(role) => format!("the server's own check of a {role} pod"),
        }
    }
}

/// What was answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Yes, or it is there.
    Yes,
    /// No, or it is not there; why, in the server's words, where it says so.
    No(Clean),
    /// These objects.
    Objects(Vec<Value>),
}

/// An answer, or why there is none.
pub type Fact = Result<Answer, Clean>;

/// What a cluster says to a job, as far as it has answered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// What is still out.
    pub out: Vec<Part>,
    /// What nobody answers us, with why.
    pub unread: Vec<(Part, Clean)>,
}

/// All answers so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Where the job would be made.
    pub namespace: Clean,
    parts: BTreeMap<Part, Known<Answer>>,
}

impl Facts {
    /// No answers yet to these questions.
    pub fn new(namespace: &str, parts: impl IntoIterator<Item = Part>) -> Self {
        let parts = parts.into_iter().map(|part| (part, Known::Out)).collect();
        Self { namespace: Clean::new(namespace), parts }
    }

    /// Keeps an answer, or why there is none.
    pub fn take(&mut self, part: Part, answer: Fact) {
        let known = match answer {
            Ok(answer) => Known::Is(answer),
            Err(why) => Known::Unread(why),
        };
        self.parts.insert(part, known);
    }

    /// Questions that are still out.
    pub fn out(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|(_, known)| **known == Known::Out).map(|(part, _)| part)
    }

    /// Questions that nobody answers us, with why.
    pub fn unread(&self) -> impl Iterator<Item = (&Part, &Clean)> {
        self.parts.iter().filter_map(|(part, known)| match known {
            Known::Unread(why) => Some((part, why)),
            _ => None,
        })
    }

    /// The answer to a question, if it is there.
    pub fn answer(&self, part: &Part) -> Option<&Answer> {
        self.parts.get(part)?.get()
    }

    /// The runtime that a `TrainJob` builds on, once it was read.
    pub fn runtime(&self, job: &Value) -> Option<&Value> {
        let name = job.pointer("/spec/runtimeRef/name").and_then(Value::as_str)?;
        self.objects(&Part::Object(runtime_kind(job), name.to_owned())).first()
    }

    pub(super) fn objects(&self, part: &Part) -> &[Value] {
        match self.answer(part) {
            Some(Answer::Objects(objects)) => objects,
            _ => &[],
        }
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = (&Part, &Answer)> {
        self.parts.iter().filter_map(|(part, known)| Some((part, known.get()?)))
    }
}

/// What somebody says no to.
pub(super) fn refused(facts: &Facts, out: &mut Vec<(&'static str, Found)>) {
    for (part, answer) in facts.parts() {
        let Answer::No(said) = answer else { continue };
        let found = |at: &str| Found::at(at).with("said", said.as_str()).with("namespace", facts.namespace.as_str());
        match part {
            Part::Right => out.push(("may-not-create", found(""))),
            Part::Name => out.push(("name-taken", found("/metadata/name"))),
            Part::DryJob => out.push(("server-refuses-job", found(""))),
            Part::DryPod(role) => out.push(("server-refuses-pod", found("/spec").with("role", role))),
            _ => {}
        }
    }
}
