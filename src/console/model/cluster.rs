//! The views of the whole cluster: which is open, and what of it is on the screen.
//!
//! Owns a copy of the rows as they were made from the last survey and fleet, so that moving in them costs nothing.

use std::collections::BTreeMap;

pub use crate::console::ids::ClusterView;
use crate::jobs::{
    Sym,
    boards::{NodeAbout, Table},
    capacity::{Idle, Overview},
    fleet::JobKey,
};

/// What is told of the selected row.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum About {
    /// Nothing more than its row says.
    #[default]
    Nothing,
    /// Of a node.
    Node(NodeAbout),
    /// Of a queue: a line each.
    Queue(Vec<String>),
}

/// Where one was in a view.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spot {
    /// Id of the selected row.
    pub selected: Option<String>,
    /// Its place, to find a neighbour when it goes.
    pub at: usize,
    /// First visible row, or line.
    pub top: usize,
    /// Sorted by this column, and whether the other way round.
    pub sort: Option<(usize, bool)>,
}

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct ClusterModel {
    /// The open view.
    pub view: ClusterView,
    /// The `ClusterQueue` whose waiting list is open, in the view of queues.
    pub line: Option<Sym>,
    /// The job whose tab Queue led to that list.
    pub from: Option<JobKey>,
    /// What the view shows, where it is a table.
    pub table: Table,
    /// What the first view shows.
    pub overview: Overview,
    /// Whose the accelerators are that do nothing now.
    pub idle: Idle,
    /// Users who hold most: name and accelerators.
    pub users: Vec<(String, u64)>,
    /// More about the selected row.
    pub about: About,
    /// Rows there is room for.
    pub height: usize,
    spots: BTreeMap<(ClusterView, bool), Spot>,
    here: Spot,
}

impl ClusterModel {
    /// A view that nothing was made for yet.
    pub fn new(view: ClusterView) -> Self {
        Self { view, ..Self::default() }
    }

    /// Where one is.
    pub const fn spot(&self) -> &Spot {
        &self.here
    }

    /// The same, to move.
    pub const fn spot_mut(&mut self) -> &mut Spot {
        &mut self.here
    }

    /// Goes to a view, where one was in it the last time.
    pub fn go(&mut self, view: ClusterView, line: Option<Sym>) {
        self.spots.insert((self.view, self.line.is_some()), std::mem::take(&mut self.here));
        self.here = self.spots.remove(&(view, line.is_some())).unwrap_or_default();
        (self.view, self.line, self.from) = (view, line, None);
        (self.table, self.about) = (Table::default(), About::Nothing);
    }
}

/// The view to go back to from the list, and what the list showed before.
#[derive(Clone, Debug)]
pub struct Behind {
    /// The view.
    pub cluster: ClusterModel,
    /// The list's filter before.
    pub filter: String,
    /// Whether only jobs that need attention were shown.
    pub attention: bool,
}
