//! What can be written at the cursor, offered below it.

use super::editor::Place;
use crate::jobs::complete::Offer;

/// Offers that are shown at once.
pub const MOST: usize = 8;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Popup {
    /// What can be written, best first; never empty.
    pub offers: Vec<Offer>,
    /// Which is selected.
    pub selected: usize,
    /// Where what is typed of it begins.
    pub from: Place,
}

impl Popup {
    /// Goes up or down, round the ends.
    pub fn step(&mut self, by: isize) {
        let len = self.offers.len() as isize;
        self.selected = (self.selected as isize + by).rem_euclid(len.max(1)) as usize;
    }
}
