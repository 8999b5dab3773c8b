//! What a small screen still says.

use super::*;
use crate::jobs::state::{Derived, State};

fn line(h: &Harness, at: usize) -> String {
    h.screen().lines().nth(at).unwrap_or_default().to_owned()
}

#[test]
fn the_open_tab_and_the_jobs_name_are_in_sight_on_the_smallest_screen() {
    for tab in Tab::ALL {
        let h = harness(40, 10, 4, tab);
        let tabs = line(&h, 2);
        assert!(tabs.contains(tab.short()) && tabs.contains("Degraded"), "{tabs}");
        assert!(line(&h, 1).contains("nlp/bert-large"), "{}", line(&h, 1));
    }
}

#[test]
fn a_long_state_leaves_the_tabs_their_names_and_stands_in_full_where_there_is_room() {
    for (width, ending) in [(80, "◦ Pending"), (160, "◦ Pending (scheduled 17/101)")] {
        let mut h = harness(width, 24, 100, Tab::Overview);
        let page = h.model.page.as_mut().expect("a page");
        let state = State::Pending { scheduled: 17, pulled: 0, ready: 0, total: 101 };
        page.job.derived = Arc::new(Derived { state, ..(*page.job.derived).clone() });
        let tabs = line(&h, 2);
        assert!(tabs.ends_with(ending) && tabs.contains("4 Logs") && tabs.contains("7 Queue"), "{tabs}");
        assert!(line(&h, 3).contains("Pending (scheduled 17/101)"), "{}", line(&h, 3));
    }
}
