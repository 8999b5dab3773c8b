//! Where one is: what `-` goes back to.

use super::{Model, page::Tab, session::Scope};
use crate::jobs::fleet::JobKey;

/// A view, wherever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The context.
    pub context: String,
    /// The namespaces.
    pub scope: Scope,
    /// The open job page and its tab; the list if there is none.
    pub page: Option<(JobKey, Tab)>,
}

impl Place {
    /// Where the model is now.
    pub fn of(model: &Model) -> Self {
        Self {
            context: model.session.context.clone(),
            scope: model.session.scope.clone(),
            page: model.page.as_ref().map(|page| (page.job.key(), page.tab)),
        }
    }

    /// Whether it is the same view; another tab of a page is no other view.
    fn is_view(&self, other: &Self) -> bool {
        let job = |place: &Self| place.page.as_ref().map(|(job, _)| job.clone());
        (&self.context, &self.scope, job(self)) == (&other.context, &other.scope, job(other))
    }
}

impl Model {
    /// A person did something while at `before`: if that led elsewhere, it is the last view.
    pub fn moved_from(&mut self, before: Place) {
        if !before.context.is_empty() && !before.is_view(&Place::of(self)) {
            self.last_place = Some(before);
        }
    }
}
