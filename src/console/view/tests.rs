//! Golden screens of what belongs to no single view, at 80x24.

use crate::{
    cluster::{Problem, ProblemKind},
    console::{
        message::Message,
        model::session::{ContextInfo, Namespaces, Offered, Operator, Phase, Scope, SessionMessage, Trouble},
        testing::Harness,
    },
    jobs::{
        Clean, Name, Secs,
        fleet::{Batch, ListKey, ListOf, ListPhase, Row},
        kind::Kind,
        row::JobRow,
        text::Uid,
    },
};

fn connected() -> Harness {
    let mut it = Harness::new(80, 24);
    let session = &mut it.model.session;
    session.contexts = vec![ContextInfo {
        name: "prod-eu".into(),
        shown: Clean::new("prod-eu"),
        user: Clean::new("ada"),
        cluster: Clean::new("eu-1"),
        colour: Some("red".into()),
        favourites: vec![Scope::of(["team-vision"]).expect("a scope")],
        ..ContextInfo::default()
    }];
    session.context = "prod-eu".into();
    session.user = Clean::new("ada");
    session.scope = Scope::of(["team-vision", "team-speech"]).expect("a scope");
    session.read_only = true;
    session.phase = Phase::Up;
    let mpi = Operator { name: Clean::new("mpi-operator"), version: Clean::new("v0.8.2"), ..Operator::default() };
    session.offered =
        Some(Offered { kinds: vec![Clean::new("MPIJob")], components: vec![mpi], version: Clean::new("v1.36.2") });
    it
}

fn told(it: &mut Harness, message: SessionMessage) -> &mut Harness {
    let id = it.model.session.id;
    it.send(Message::Session(id, message))
}

fn unauthorized() -> Trouble {
    let problem = Problem::new(
        ProblemKind::Unauthorized,
        "can't connect",
        "the server does not know this token",
        "Get a new token.",
    );
    Trouble {
        what: problem.what,
        why: problem.why,
        hint: problem.hint,
        since: Secs(999_900),
        sign_in: true,
        retries: true,
    }
}

#[test]
fn a_401_says_how_to_sign_in() {
    let mut it = connected();
    told(&mut it, SessionMessage::Down(unauthorized()));
    it.at(Secs(1_000_060));
    insta::assert_snapshot!(it.screen());
}

#[test]
fn over_what_was_read_before_a_trouble_is_said_once_with_what_to_do() {
    let mut it = connected();
    let row = JobRow::bare(Kind::MpiJob, Name::lossy("team-vision"), Name::lossy("train"), Uid::new("u1"));
    let list = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
    it.send(Message::Fleet(vec![Batch { upserts: vec![Row::Job(row)], complete: true, ..Batch::new(list) }]));
    told(&mut it, SessionMessage::Down(unauthorized()));
    it.at(Secs(1_000_060));
    let (trouble, screen) = (unauthorized(), it.screen());
    let lines: Vec<&str> = screen.lines().collect();
    assert!(lines[0].ends_with("not signed in 2m40s"), "{screen}");
    assert!(lines[1].trim_end().ends_with(trouble.why.as_str()), "{screen}");
    assert_eq!(lines[2].trim_end(), trouble.hint.as_str(), "{screen}");
    it.keys("enter");
    assert!(it.screen().contains(&format!("{}. {}", trouble.why, trouble.hint)), "{}", it.screen());
}

#[test]
fn no_operator_says_how_to_install_one() {
    let mut it = connected();
    told(&mut it, SessionMessage::Up(Offered { version: Clean::new("v1.36.2"), ..Offered::default() }));
    insta::assert_snapshot!(it.screen());
}

#[test]
fn health_tells_what_the_header_keeps_quiet_about() {
    let mut it = connected();
    assert!(!it.screen().contains("mpi-operator"), "all is well");
    it.keys(":").type_text("health").keys("enter");
    insta::assert_snapshot!(it.screen());
    it.keys("esc");
    let ill = Clean::new("0 of 1 pods ready");
    let name = Clean::new("mpi-operator");
    let ill = Operator { name, state: ill.clone(), trouble: Some(ill), ..Operator::default() };
    told(&mut it, SessionMessage::Operators(vec![ill]));
    assert!(it.screen().contains("mpi-operator: 0 of 1 pods ready"));
}

#[test]
fn long_help_is_wrapped_under_itself() {
    let mut it = connected();
    it.keys("?");
    for width in [40, 50, 80] {
        it.model.size = ratatui::layout::Size::new(width, 400);
        let screen = it.screen();
        let cut: Vec<_> = screen.lines().skip(2).filter(|line| line.contains('…')).collect();
        assert_eq!(cut, [] as [&str; 0], "{width}");
    }
}

#[test]
fn the_scope_picker() {
    let mut it = connected();
    it.keys("n");
    let names = ["team-nlp", "team-speech", "team-vision"].into_iter().filter_map(Name::new).collect();
    told(&mut it, SessionMessage::Namespaces(Namespaces::Known(names)));
    it.type_text("team").keys("down space");
    insta::assert_snapshot!(it.screen());
}

#[test]
fn help_and_palette() {
    let mut it = connected();
    it.keys(":").type_text("co");
    insta::assert_snapshot!("palette", it.screen());
    it.keys("esc ?");
    assert!(it.screen().contains("Job list"));
}

#[test]
fn the_header_names_the_worst_of_the_lists() {
    let mut it = connected();
    let jobs = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
    let pods = ListKey { of: ListOf::Pods, namespace: None };
    let first = |it: &Harness| it.screen().lines().next().unwrap_or_default().to_owned();
    told(&mut it, SessionMessage::List(jobs.clone(), ListPhase::Live));
    assert!(first(&it).ends_with("live"), "{}", first(&it));
    told(&mut it, SessionMessage::List(pods.clone(), ListPhase::Loading(250)));
    assert!(first(&it).ends_with("loading 250"), "{}", first(&it));
    told(&mut it, SessionMessage::List(pods, ListPhase::Polling(5)));
    assert!(first(&it).ends_with("polling every 5s"), "{}", first(&it));
    told(&mut it, SessionMessage::List(jobs, ListPhase::Stale(Secs(999_970), Clean::new("connection refused"))));
    assert!(first(&it).ends_with("stale since 30s"), "{}", first(&it));
    assert!(first(&it).contains("prod-eu as ada") && first(&it).contains("read-only"), "{}", first(&it));
    assert!(it.screen().contains("connection refused"));
}

#[test]
fn too_small_a_screen_says_so() {
    let mut it = Harness::new(30, 5);
    assert_eq!(it.screen().lines().next(), Some("needs 40x10, has 30x5"));
    it.model.size = ratatui::layout::Size::new(40, 10);
    assert!(!it.screen().contains("needs"));
}

#[test]
fn the_selected_job_stays_in_sight_under_a_trouble_that_takes_lines() {
    let mut it = connected();
    let row = |n: u32| {
        let name = Name::lossy(&format!("train-{n:02}"));
        Row::Job(JobRow::bare(Kind::MpiJob, Name::lossy("team-vision"), name, Uid::new(&format!("u{n}"))))
    };
    let list = ListKey { of: ListOf::Jobs(Kind::MpiJob), namespace: None };
    let upserts = (0..60).map(row).collect();
    it.send(Message::Fleet(vec![Batch { upserts, complete: true, ..Batch::new(list) }]));
    it.keys("ctrl-d ctrl-d");
    let selected = |it: &Harness| it.screen().lines().any(|line| line.starts_with('▌'));
    assert!(selected(&it));
    let mut trouble = unauthorized();
    trouble.hint = Clean::new(&"Log in again, or ask whoever runs this cluster for a new token. ".repeat(3));
    told(&mut it, SessionMessage::Down(trouble));
    assert!(selected(&it), "{}", it.screen());
    assert!(it.screen().contains("not signed in"), "{}", it.screen());
    it.keys("G");
    assert!(selected(&it) && it.screen().contains("train-59"), "{}", it.screen());
}
