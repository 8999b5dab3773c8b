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
fn a_long_state_stands_beside_the_tabs_in_full_but_on_the_overview_which_tells_it() {
    let mut h = harness(80, 24, 100, Tab::Overview);
    let page = h.model.page.as_mut().expect("a page");
    let state = State::Pending { scheduled: 17, pulled: 0, ready: 0, total: 101 };
    page.job.derived = Arc::new(Derived { state, ..(*page.job.derived).clone() });
    let (tabs, below) = (line(&h, 2), line(&h, 3));
    assert!(tabs.ends_with("Pending") && tabs.contains("7 Queue"), "{tabs}");
    assert!(below.contains("Pending (scheduled 17/101)"), "{below}");
    h.model.page.as_mut().expect("a page").tab = Tab::Workers;
    let tabs = line(&h, 2);
    assert!(tabs.ends_with("Pending (scheduled 17/101)") && tabs.contains("3 Workers"), "{tabs}");
}
