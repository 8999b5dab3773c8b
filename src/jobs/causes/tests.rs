//! The rule file holds together, and the best cause wins.

use super::*;

#[test]
fn every_rule_is_whole_and_matches_its_examples() {
    let rules = Rules::parse(rules::BUILTIN).expect("the rule file is right");
    for rule in rules.iter() {
        let example = &rule.example;
        assert!(!rule.places.is_empty() && !rule.remedy.is_empty() && !example.is_empty(), "{}", rule.id);
        assert!(rule.pattern.is_match(example), "{}: {example}", rule.id);
        let seen = Observation { place: rule.places[0], text: example, at: "x".into(), subject: None, time: None };
        let title = best(&rules, &[seen], 1).expect("a hit").title;
        assert!(!title.as_str().contains("{1}") && !title.is_empty(), "{}: {title}", rule.id);
    }
}
