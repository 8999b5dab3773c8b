//! The session: where we are connected to, as whom, which namespaces we look at, and how its lists do.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
};

use crate::console::ids::Right;
use crate::jobs::{
    Clean, Name, Secs, Uid,
    fleet::{ListKey, ListPhase},
};

/// Generation of a session: what an older one still answers is dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub u32);

/// Which namespaces are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All.
    #[default]
    All,
    /// A set, sorted, never empty.
    Named(Vec<Name>),
}

impl Scope {
    /// From typed names: `all`, `*` or nothing is all; `None` if one can't be a name.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut set = Vec::new();
        for name in names.into_iter().flat_map(|n| n.split(',')).map(str::trim).filter(|n| !n.is_empty()) {
            if matches!(name, "all" | "*") {
                return Some(Self::All);
            }
            set.push(name);
        }
        if set.is_empty() { Some(Self::All) } else { Self::named(set) }
    }

    /// These namespaces and no others: no word stands for all of them. `None` if there is none, or one can't be a name.
    pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let name = |text| Name::new(text).filter(|name| !name.as_str().contains(['/', '*']));
        let mut set = names.into_iter().map(name).collect::<Option<Vec<_>>>()?;
        set.sort();
        set.dedup();
        (!set.is_empty()).then_some(Self::Named(set))
    }

    /// The namespaces, empty for all.
    pub fn names(&self) -> &[Name] {
        match self {
            Self::All => &[],
            Self::Named(names) => names,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.pad("all namespaces"),
            Self::Named(names) => f.pad(&names.iter().map(Name::as_str).collect::<Vec<_>>().join(",")),
        }
    }
}

/// One context of the kubeconfig, and what the config says about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextInfo {
    /// Its name, as it goes back to the kubeconfig.
    pub name: String,
    /// Its name on screen: the config's alias, else its own.
    pub shown: Clean,
    /// Name of its cluster entry.
    pub cluster: Clean,
    /// Name of its user entry.
    pub user: Clean,
    /// Its namespace.
    pub namespace: Option<Name>,
    /// The config says that nothing may be changed there.
    pub read_only: bool,
    /// The config says that changes are confirmed by typing the object's name.
    pub type_name: bool,
    /// The config's colour for it.
    pub colour: Option<String>,
    /// Favourite scopes, at 1–9.
    pub favourites: Vec<Scope>,
    /// How many of them the config sets; the others were chosen here.
    pub fixed: usize,
    /// Namespaces that the config names, to choose from where they can't be listed.
    pub known: Vec<Name>,
    /// Its jobs are recorded.
    pub record: bool,
    /// Jobs that a person pinned there, also in runs before.
    pub pins: HashSet<Uid>,
    /// The scope looked at last time.
    pub last_scope: Option<Scope>,
}

/// How the connection is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Phase {
    /// Nothing was asked yet.
    #[default]
    Idle,
    /// Connecting and asking what is served.
    Connecting,
    /// Connected.
    Up,
    /// Not to be had, and why; is tried again.
    Down(Trouble),
}

/// Why there is no session: said as a screen, or as a banner over what was read before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: Clean,
    /// Why.
    pub why: Clean,
    /// What to do.
    pub hint: Clean,
    /// When it began.
    pub since: Secs,
    /// Whether signing in would help.
    pub sign_in: bool,
    /// Whether another attempt is going to be made by itself.
    pub retries: bool,
}

/// What the cluster offers, as the console needs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offered {
    /// Short words of the kinds served: `MPIJob`, `TrainJob`, ….
    pub kinds: Vec<Clean>,
    /// Health of the operators, where readable: name and version, whether well, what is wrong.
    pub components: Vec<Operator>,
    /// The server's version.
    pub version: Clean,
}

/// One operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operator {
    /// `mpi-operator`.
    pub name: Clean,
    /// `v0.8.2`, empty if not readable.
    pub version: Clean,
    /// `1 of 1 ready`, or why that is not known.
    pub state: Clean,
    /// What is wrong; `None` if nothing is.
    pub trouble: Option<Clean>,
}

/// What is known of namespaces to choose from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Namespaces {
    /// Not asked.
    #[default]
    Unknown,
    /// Asked.
    Loading,
    /// Readable.
    Known(Vec<Name>),
    /// Not readable: why. Names are typed by hand.
    Unreadable(Clean),
}

/// A right that one has not, as far as an access review knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// Which.
    pub right: Right,
    /// Where; everywhere if none.
    pub namespace: Option<Name>,
    /// In the server's words, if it gave any.
    pub why: Clean,
}

impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.namespace.as_ref().map_or("all namespaces", Name::as_str);
        write!(f, "ask for: {} in {place}", self.right)?;
        if self.why.is_empty() { Ok(()) } else { write!(f, " ({})", self.why) }
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct SessionModel {
    /// Which session is current.
    pub id: SessionId,
    /// How it is.
    pub phase: Phase,
    /// All contexts.
    pub contexts: Vec<ContextInfo>,
    /// Name of the current context; empty when there is none.
    pub context: String,
    /// Name of the user.
    pub user: Clean,
    /// Namespaces looked at.
    pub scope: Scope,
    /// The context before, for `:ctx -`.
    pub last_context: Option<String>,
    /// Nothing may be changed, unless it is unlocked.
    pub read_only: bool,
    /// Until when it is unlocked.
    pub unlocked: Option<Secs>,
    /// Asked for at the start: `--read-only` holds for every context.
    pub read_only_all: bool,
    /// What the cluster offers; `None` until it is known.
    pub offered: Option<Offered>,
    /// The scope that was chosen, until jobs of it could be read.
    pub untried: Option<Scope>,
    /// The lists that are read; `None` until that is decided.
    pub planned: Option<Vec<ListKey>>,
    /// The label selector that the server narrows jobs by.
    pub narrowed: Option<String>,
    /// How the lists do.
    pub lists: BTreeMap<ListKey, ListPhase>,
    /// Namespaces to choose from.
    pub namespaces: Namespaces,
    /// What the server says that it would refuse.
    pub denied: Vec<Denied>,
    /// What the runner counts, for `:debug`.
    pub counters: Vec<(String, String)>,
}

impl SessionModel {
    /// The current context's row.
    pub fn info(&self) -> Option<&ContextInfo> {
        self.contexts.iter().find(|context| context.name == self.context)
    }

    /// Whether the jobs of the current context are recorded.
    pub fn is_recorded(&self) -> bool {
        self.info().is_some_and(|info| info.record)
    }

    /// Whether every list has been read: before that a job's pods and warnings are still on their way.
    pub fn has_read(&self) -> bool {
        let read = |key| self.lists.get(key).is_some_and(|phase| !matches!(phase, ListPhase::Loading(_)));
        self.planned.as_ref().is_some_and(|keys| keys.iter().all(read))
    }

    /// Whether nothing may be changed now.
    pub fn is_locked(&self, now: Secs) -> bool {
        self.read_only && self.unlocked.is_none_or(|until| until <= now)
    }

    /// Why nothing may be changed, and what to do.
    pub fn why_locked(&self) -> String {
        if self.read_only_all {
            "this run is read-only (--read-only, or the setting of this name)".to_owned()
        } else {
            format!("context {} is read-only; :unlock 10 allows changes for ten minutes", self.context)
        }
    }

    /// When an age in the header will read otherwise.
    pub fn next_deadline(&self, now: Secs) -> Option<Secs> {
        let down = match &self.phase {
            Phase::Down(trouble) => Some(trouble.since),
            _ => None,
        };
        let stale = self.lists.values().filter_map(|phase| match phase {
            ListPhase::Stale(since, _) => Some(*since),
            _ => None,
        });
        let next = |since: Secs| now.plus(crate::jobs::time::duration_changes_in(now.since(since)));
        let unlocked = self.unlocked.filter(|until| *until > now).map(|until| until.min(now.plus(30)));
        stale.chain(down).map(next).chain(unlocked).min()
    }
}

/// What happened in a session.
#[derive(Debug)]
pub enum SessionMessage {
    /// The scope was settled (as asked for, or by the rules for a start).
    Scoped {
        /// Look at these.
        scope: Scope,
        /// Nothing better was found than `default`: the person should choose.
        choose: bool,
    },
    /// It stands, or what is served was asked again.
    Up(Offered),
    /// It does not stand.
    Down(Trouble),
    /// How the operators do.
    Operators(Vec<Operator>),
    /// A list is doing differently.
    List(ListKey, ListPhase),
    /// These lists are read now, others are not any more.
    Lists(Vec<ListKey>),
    /// Namespaces to choose from.
    Namespaces(Namespaces),
    /// What the server would refuse, of what commands need.
    Denied(Vec<Denied>),
    /// What was counted, for `:debug`.
    Counters(Vec<(String, String)>),
}

/// What a session wants from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionEffect {
    /// Cancel what the session before was reading, connect, read.
    Open {
        /// The context.
        context: String,
        /// The scope; `None`: find it by the rules for a start.
        scope: Option<Scope>,
    },
    /// Read only jobs with these labels: a selector, or all.
    Narrow(Option<String>),
    /// Read which namespaces there are.
    Namespaces,
    /// Count what it costs.
    Count,
}
