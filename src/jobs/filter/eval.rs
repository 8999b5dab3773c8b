//! Whether a job passes a filter.

pub use super::pattern::Scratch;
use super::{
    Filter,
    pattern::{Pattern, Word},
    term::{LengthField, NumberField, Quality, Term, Test, TextField, WhenField},
};
use crate::jobs::{fleet::Job, row::PodRow, state::Severity, text::Sym, time::Secs};

/// A job with what belongs to it: what filters look at and columns show.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The job.
    pub job: &'a Job,
    /// Its pods; may be left empty where nobody asks for them ([`Filter::needs_pods`]).
    pub pods: &'a [&'a PodRow],
}

impl Filter {
    /// Whether it keeps `subject`.
    pub fn matches(&self, subject: Subject<'_>, now: Secs, scratch: &mut Scratch) -> bool {
        self.terms.iter().all(|term| term.holds(subject, now, scratch))
    }

    /// When the passing of time alone will next change the answer for `job`.
    pub fn changes_at(&self, job: &Job, now: Secs) -> Option<Secs> {
        self.terms.iter().filter_map(|term| term.changes_at(job, now)).min()
    }
}

impl Term {
    fn holds(&self, subject: Subject<'_>, now: Secs, scratch: &mut Scratch) -> bool {
        let Subject { job, .. } = subject;
        let holds = match &self.test {
            Test::Word(word) => word_holds(word, job, scratch),
            Test::Regex(regex) => texts(job).any(|text| regex.regex.is_match(text)),
            Test::Text(field, patterns) => patterns.iter().any(|p| text_holds(*field, p, subject, scratch)),
            Test::Kind(words) => words.iter().any(|w| w.kinds.contains(&job.row.kind)),
            Test::State(words) => words.iter().any(|w| w.states.contains(&job.derived.state.word())),
            Test::Is(qualities) => qualities.iter().any(|quality| quality.holds(job)),
            Test::Number(field, op, numbers) => numbers.iter().any(|n| op.holds(&field.of(job), n)),
            Test::Length(field, op, seconds) => field.of(job, now).is_some_and(|is| op.holds(&is, seconds)),
            Test::When(field, spans) => field.of(job).is_some_and(|at| spans.iter().any(|span| span.holds(at))),
            Test::Label(labels) => labels.matches(&job.row),
        };
        holds != self.not
    }

    fn changes_at(&self, job: &Job, now: Secs) -> Option<Secs> {
        let Test::Length(field, _, seconds) = &self.test else { return None };
        let from = field.running_from(job)?;
        [from.plus(*seconds), from.plus(seconds.saturating_add(1))].into_iter().find(|at| *at > now)
    }
}

fn word_holds(word: &Word, job: &Job, scratch: &mut Scratch) -> bool {
    if word.matches_name(job.row.name.as_str(), scratch) || word.matches_name(job.row.namespace.as_str(), scratch) {
        return true;
    }
    if word.has('/') {
        let mut path = std::mem::take(&mut scratch.text);
        path.clear();
        path.push_str(job.row.namespace.as_str());
        path.push('/');
        path.push_str(job.row.name.as_str());
        let holds = word.matches_name(&path, scratch);
        scratch.text = path;
        if holds {
            return true;
        }
    }
    prose(job).any(|text| word.matches_prose(text, scratch))
}

/// What of a job is searched for a word as it stands.
fn prose(job: &Job) -> impl Iterator<Item = &str> {
    let (row, derived) = (&job.row, &job.derived);
    let optional = [&row.queue, &row.creator, &row.priority].into_iter().flatten().map(Sym::as_str);
    [derived.state.word(), derived.reported.as_str(), row.kind.info().kind, row.kind.info().short]
        .into_iter()
        .chain(derived.cause.as_ref().map(|cause| cause.title.as_str()))
        .chain(optional)
}

fn texts(job: &Job) -> impl Iterator<Item = &str> {
    [job.row.name.as_str(), job.row.namespace.as_str()].into_iter().chain(prose(job))
}

fn text_holds(field: TextField, pattern: &Pattern, subject: Subject<'_>, scratch: &mut Scratch) -> bool {
    let Subject { job, pods } = subject;
    let row = &job.row;
    let mut one = |text: Option<&str>| pattern.matches(text.unwrap_or_default(), scratch);
    match field {
        TextField::Name => one(Some(row.name.as_str())),
        TextField::Namespace => one(Some(row.namespace.as_str())),
        TextField::Queue => one(row.queue.as_ref().map(Sym::as_str)),
        TextField::User => one(row.creator.as_ref().map(Sym::as_str)),
        TextField::Priority => one(row.priority.as_ref().map(Sym::as_str)),
        TextField::Reported => one(Some(job.derived.reported.as_str())),
        TextField::Cause => {
            let cause = job.derived.cause.as_ref();
            [cause.map(|c| c.title.as_str()), cause.map(|c| &*c.class), cause.map(|c| &*c.rule)].into_iter().any(one)
        }
        TextField::Node => any_or_none(pods.iter().filter_map(|pod| pod.node.as_ref().map(Sym::as_str)), one),
        TextField::Image => {
            let specs = row.replicas.iter().filter_map(|r| r.image.as_ref().map(Sym::as_str));
            any_or_none(specs.chain(pods.iter().flat_map(|p| p.containers.iter().map(|c| c.image.as_str()))), one)
        }
    }
}

/// Any of several values; where there are none, the empty one is asked, so that `node:""` finds jobs without.
fn any_or_none<'a>(values: impl Iterator<Item = &'a str>, mut holds: impl FnMut(Option<&str>) -> bool) -> bool {
    let mut values = values.peekable();
    if values.peek().is_none() {
        return holds(None);
    }
    values.any(|value| holds(Some(value)))
}

impl NumberField {
    fn of(self, job: &Job) -> u32 {
        match self {
            Self::Gpus => job.derived.gpus,
            Self::Workers => job.derived.total.into(),
            Self::Ready => job.derived.ready.into(),
            Self::Restarts => job.derived.restarts.into(),
        }
    }
}

impl LengthField {
    fn of(self, job: &Job, now: Secs) -> Option<u32> {
        match self {
            Self::Age => Some(now.since(job.row.created)),
            Self::Duration => job.derived.started.map(|from| job.derived.finished.unwrap_or(now).since(from)),
        }
    }

    /// Since when it grows with the clock, if it does.
    fn running_from(self, job: &Job) -> Option<Secs> {
        match self {
            Self::Age => Some(job.row.created),
            Self::Duration => job.derived.started.filter(|_| job.derived.finished.is_none()),
        }
    }
}

impl WhenField {
    fn of(self, job: &Job) -> Option<Secs> {
        match self {
            Self::Created => Some(job.row.created),
            Self::Started => job.derived.started,
            Self::Finished => job.derived.finished,
        }
    }
}

impl Quality {
    fn holds(self, job: &Job) -> bool {
        let derived = &job.derived;
        match self {
            Self::Attention => derived.needs_attention(),
            Self::Leaking => derived.leaked_gpus > 0,
            Self::Finished => derived.state.is_finished(),
            Self::Active => !matches!(derived.state.severity(), Severity::Done) && !derived.state.is_finished(),
            Self::Waiting => derived.state.is_waiting(),
        }
    }
}
