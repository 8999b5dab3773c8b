//! Where `-` leads, what the server narrows, and what is chosen for good.

use crate::{
    console::{
        Effect,
        effect::Remember,
        message::{Loaded, Message},
        model::session::{ContextInfo, Phase, Scope, SessionEffect, SessionMessage, Trouble},
        testing::Harness,
    },
    disk::Remembered,
    jobs::{
        Clean, Name,
        fleet::{Batch, ListKey, ListOf, ListPhase, Row},
        kind::Kind,
        row::JobRow,
        text::Uid,
    },
};

fn contexts() -> Vec<ContextInfo> {
    let context = |name: &str| ContextInfo { name: name.to_owned(), shown: Clean::new(name), ..ContextInfo::default() };
    vec![context("one"), context("two")]
}

fn loaded(it: &mut Harness, current: Result<String, Trouble>) {
    let (remembered, notes) = (Remembered::default(), Vec::new());
    let loaded = Loaded { contexts: contexts(), current, target: None, scope: None, remembered, notes };
    it.send(Message::Loaded(Box::new(loaded)));
}

fn on_one() -> Harness {
    let mut it = Harness::new(80, 24);
    loaded(&mut it, Ok("one".into()));
    it
}

fn list() -> ListKey {
    ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None }
}

fn with_a_job() -> Harness {
    let mut it = on_one();
    it.model.session.phase = Phase::Up;
    let name = Name::lossy("train");
    let row = JobRow::bare(Kind::MpiJob, name.clone(), name, Uid::new("u1"));
    let batch = Batch { upserts: vec![Row::Job(row)], complete: true, ..Batch::new(list()) };
    it.send(Message::Fleet(vec![batch]));
    it
}

fn type_line(it: &mut Harness, line: &str) {
    it.keys(":").type_text(line).keys("enter");
}

fn narrowed(it: &Harness) -> Vec<Option<&str>> {
    it.effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Session(_, SessionEffect::Narrow(labels)) => Some(labels.as_deref()),
            _ => None,
        })
        .collect()
}

#[test]
fn minus_goes_to_the_view_before_and_back_again() {
    let mut it = with_a_job();
    it.keys("e");
    assert!(it.model.page.is_some());
    it.keys("esc -");
    assert!(it.model.page.as_ref().is_some_and(|page| page.tab == crate::console::model::page::Tab::Events));
    it.keys("-");
    assert!(it.model.page.is_none());
    type_line(&mut it, "ns team-a");
    it.keys("-");
    assert_eq!(it.model.session.scope, Scope::All);
    type_line(&mut it, "ctx two");
    it.keys("-");
    assert_eq!(it.model.session.context, "one");
    it.keys("-");
    assert_eq!(it.model.session.context, "two");
}

#[test]
fn labels_that_are_filtered_for_are_the_servers_business() {
    let mut it = on_one();
    it.keys("/").type_text("label:app=x").keys("enter");
    assert_eq!(narrowed(&it).last(), Some(&Some("app=x")));
    it.effects.clear();
    it.keys("j k");
    assert_eq!(narrowed(&it), [] as [Option<&str>; 0], "it is not sent again");
    type_line(&mut it, "ns team-a");
    assert_eq!(narrowed(&it), [Some("app=x")], "a new session is narrowed, too");
    it.keys("esc");
    assert_eq!(narrowed(&it).last(), Some(&None));
}

#[test]
fn an_alias_stands_for_its_line_and_what_follows() {
    let mut it = on_one();
    it.model.aliases.insert("mine".into(), "jobs team-a".into());
    it.model.aliases.insert("jobs".into(), "jobs is:attention".into());
    type_line(&mut it, "mine user:ada");
    assert_eq!((it.model.session.scope.to_string(), it.model.list.filter.text.as_str()), ("team-a".into(), "user:ada"));
    type_line(&mut it, "jobs");
    assert_eq!(it.model.list.filter.text, "is:attention", "an alias of a command's name does not run in a circle");
}

#[test]
fn plus_gives_a_namespace_a_key_and_takes_it_again() {
    let mut it = on_one();
    it.model.session.contexts[0].favourites = vec![Scope::of(["base"]).expect("a scope")];
    it.model.session.contexts[0].fixed = 1;
    it.keys("n").type_text("team-a").keys("+ esc 2");
    let team = Scope::of(["team-a"]).expect("a scope");
    assert_eq!(it.model.session.scope, team);
    let kept = |scopes| Effect::Remember(Remember::Favourites { context: "one".into(), scopes });
    assert!(it.effects.contains(&kept(vec![team])));
    it.keys("n").type_text("team-a").keys("+ esc");
    assert!(it.effects.contains(&kept(Vec::new())));
    it.keys("n").type_text("base").keys("+ esc");
    assert_eq!(it.model.session.contexts[0].favourites.len(), 1, "what the settings say stays");
}

#[test]
fn a_reconnect_reads_the_kubeconfig_and_stays_where_one_is() {
    let mut it = on_one();
    type_line(&mut it, "ctx two");
    type_line(&mut it, "ns team-a");
    it.effects.clear();
    it.keys("ctrl-r");
    assert_eq!(it.effects, [Effect::Load]);
    loaded(&mut it, Ok("one".into()));
    let open = SessionEffect::Open { context: "two".into(), scope: Scope::of(["team-a"]) };
    assert_eq!(it.effects.last(), Some(&Effect::Session(it.model.session.id, open)));
}

#[test]
fn a_list_that_ended_has_no_last_word() {
    let mut it = with_a_job();
    let id = it.model.session.id;
    it.send(Message::Session(id, SessionMessage::Lists(Vec::new())));
    it.send(Message::Fleet(vec![Batch { phase: Some(ListPhase::Live), ..Batch::new(list()) }]));
    assert!(it.model.session.lists.is_empty());
}

#[test]
fn only_a_scope_that_answered_is_begun_with_next_time() {
    let mut it = on_one();
    let remembered = |it: &Harness| -> Vec<Scope> {
        let scope = |effect: &Effect| match effect {
            Effect::Remember(Remember::Scope { scope, .. }) => Some(scope.clone()),
            _ => None,
        };
        it.effects.iter().filter_map(scope).collect()
    };
    let says = |it: &mut Harness, of: ListOf, phase: ListPhase| {
        it.send(Message::Fleet(vec![Batch { phase: Some(phase), ..Batch::new(ListKey { of, namespace: None }) }]));
    };
    let jobs = ListOf::Jobs(Kind::MpiJob);
    type_line(&mut it, "ns team-a");
    says(&mut it, jobs, ListPhase::Loading(0));
    says(&mut it, jobs, ListPhase::Forbidden(Clean::new("list mpijobs in namespace team-a")));
    says(&mut it, ListOf::Warnings, ListPhase::Live);
    assert_eq!((remembered(&it), it.model.session.contexts[0].last_scope.clone()), (vec![], None), "it was refused");
    type_line(&mut it, "ns team-b");
    says(&mut it, jobs, ListPhase::Live);
    says(&mut it, jobs, ListPhase::Live);
    let team_b = Scope::of(["team-b"]);
    assert_eq!(Some(remembered(&it)), team_b.clone().map(|scope| vec![scope]), "once");
    assert_eq!(it.model.session.contexts[0].last_scope, team_b);
}
