//! Tab Workers: grid or table of replicas, which one is selected, and the one that is open.
//!
//! The selection is a replica's id (`worker-3`), so that it stays while pods come and go.

use serde_json::Value;

use super::{Fetched, Scroll};
use crate::jobs::{Name, manifest::YamlLine};

/// How replicas are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// One symbol each.
    #[default]
    Grid,
    /// One line each.
    Table,
}

/// See the module.
#[derive(Debug, Default)]
pub struct WorkersModel {
    /// Grid or table, if one was asked for.
    pub asked: Option<Shape>,
    /// Show the manifest of the open replica's pod.
    pub yaml: bool,
    /// Grouped by node.
    pub by_node: bool,
    /// Id of the selected replica.
    pub selected: Option<Name>,
    /// First visible line of the table or grid.
    pub top: usize,
    /// What is searched for in the table.
    pub search: Scroll,
    /// The replica that is open.
    pub open: Option<OpenReplica>,
}

impl WorkersModel {
    /// Replicas that are shown as a table unless the grid is asked for.
    const FEW: usize = 20;

    /// Grid or table, for so many replicas.
    pub fn shape(&self, replicas: usize) -> Shape {
        self.asked.unwrap_or(if replicas > Self::FEW { Shape::Grid } else { Shape::Table })
    }
}

/// A replica that is looked into.
#[derive(Debug)]
pub struct OpenReplica {
    /// Its id.
    pub id: Name,
    /// Its pod, read from the cluster.
    pub pod: Fetched<Value>,
    /// The pod's YAML, masked, once read.
    pub yaml: Vec<YamlLine>,
    /// Where we are in it.
    pub scroll: Scroll,
}
