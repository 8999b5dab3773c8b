//! The tree of what the job owns: how each part is, what is folded, when it is read again.

use super::*;
use crate::console::model::page::{Reading, Soon};

fn reads(h: &Harness) -> Vec<Soon> {
    let asked = h.effects.iter().filter_map(|effect| match effect {
        Effect::Page(PageEffect::Owned(_, _, _, soon)) => Some(*soon),
        _ => None,
    });
    asked.collect()
}

fn answer(h: &mut Harness, found: Result<Vec<OwnedObject>, Refusal>) {
    let id = page(h).id;
    h.send(Message::Page(id, PageMessage::Owned(found)));
}

fn hostfile(hosts: usize) -> Vec<OwnedObject> {
    let mut found = owned();
    let config = found.iter_mut().find(|object| object.kind.as_str() == "ConfigMap").expect("a hostfile");
    config.content =
        (0..hosts).map(|i| Clean::new(&format!("bert-large-worker-{i}.bert-large.nlp.svc slots=8"))).collect();
    found
}

#[test]
fn a_long_hostfile_is_folded_until_it_is_asked_for() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    answer(&mut h, Ok(hostfile(100)));
    h.keys("G");
    let screen = h.screen();
    assert!(
        screen.contains("worker-2.bert-large") && screen.contains("... 97 more of 100 hosts, h shows all"),
        "{screen}"
    );
    assert!(!screen.contains("worker-3.bert-large"), "{screen}");
    h.keys("h G");
    assert!(h.screen().contains("worker-99.bert-large"), "{}", h.screen());
    h.keys("h");
    assert!(h.screen().contains("97 more"), "folded again, and what is left is in sight: {}", h.screen());
    answer(&mut h, Ok(hostfile(4)));
    assert!(h.screen().contains("worker-3.bert-large"), "four lines are not worth folding: {}", h.screen());
}

#[test]
fn each_part_has_its_own_word_and_a_refusal_says_what_to_ask_for() {
    let mut h = harness(120, 60, 4, Tab::Overview);
    answer(&mut h, Ok(owned()));
    let screen = h.screen();
    let line = |words: &str| {
        let found = screen.lines().find(|line| line.contains(words));
        found.unwrap_or_else(|| panic!("{words} is not in {screen}")).to_owned()
    };
    assert!(line("Job bert-large-launcher ").contains("Active  1 active"));
    assert!(line("─ ✗ Pod bert-large-worker-2").contains("OOMKilled"), "the fleet knows it sooner than the tree");
    assert!(line("─ ? Secret").contains("not allowed  ask for: get secrets in namespace nlp"));
    answer(&mut h, Ok(Vec::new()));
    assert!(h.screen().contains("nothing yet: no operator has made anything"), "{}", h.screen());
}

#[test]
fn it_is_read_again_when_parts_change_one_read_at_a_time() {
    let mut h = harness(80, 24, 4, Tab::Overview);
    assert_eq!((reads(&h).as_slice(), page(&h).reading), (&[Soon::Now][..], Reading::Fresh));
    // While the first is under way, changes only mark it.
    for workers in [5, 6] {
        let effects = refresh(&mut h.model, Some(kept(workers)));
        h.effects.extend(effects);
    }
    assert_eq!((reads(&h).len(), page(&h).reading), (1, Reading::Outdated));
    answer(&mut h, Ok(owned()));
    assert_eq!((reads(&h).as_slice(), page(&h).reading), (&[Soon::Now, Soon::InAMoment][..], Reading::Fresh));
    answer(&mut h, Err(Refusal { what: Clean::new("a time-out"), hint: Clean::default() }));
    assert!(page(&h).owned.ready().is_some(), "what was read stays");
    let effects = refresh(&mut h.model, Some(kept(6)));
    h.effects.extend(effects);
    assert_eq!(reads(&h).len(), 2, "nothing changed");
    h.keys("2 1");
    assert_eq!(reads(&h).len(), 3, "coming back reads it anew");
}
