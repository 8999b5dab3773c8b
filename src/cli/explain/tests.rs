//! Answers as scripts read them, and the corpus: cases of our own with what is to be found in each.

use std::{collections::BTreeMap, fs};

use proptest::prelude::*;

use super::*;

#[test]
fn a_bad_evidence_file_is_told_with_its_place() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("e.json");
    fs::write(&path, "{\"pods\": [\n  {\"name\": 3}]}").expect("written");
    let failure = evidence(&path).expect_err("a number is no name");
    assert_eq!(failure.code, exit::USAGE);
    let text = failure.to_string();
    assert!(text.contains("line 2, column 12") && text.contains("docs/cli.md"), "{text}");
    assert_eq!(evidence(&dir.path().join("none.json")).expect_err("not there").code, exit::FAILED);
}

#[test]
fn every_part_of_an_answer_is_there_also_for_nothing() {
    let answer: serde_json::Value = serde_json::from_str(&json(None, 60).expect("JSON")).expect("JSON");
    assert_eq!((&answer["cause"], &answer["class"]), (&serde_json::Value::Null, &"none".into()));
    let rules = Rules::builtin();
    let log = "[1,9]<stderr>:torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB.\n";
    let cause = Report::default().cause(&rules, Some(&ruled::scan(&rules, log.as_bytes())));
    let answer: serde_json::Value = serde_json::from_str(&json(cause.as_ref(), 60).expect("JSON")).expect("JSON");
    assert_eq!((&answer["class"], &answer["rank"]), (&"gpu_oom".into(), &9.into()));
    assert_eq!(answer["evidence"][0]["line"], 1);
    assert!(answer["title"].as_str().is_some_and(|title| title.contains("2.50 GiB")), "{answer}");
}

/// One case of `tests/corpus/*.toml`.
#[derive(Deserialize)]
struct Case {
    name: String,
    class: String,
    /// Classes that would be right, too.
    #[serde(default)]
    also: Vec<String>,
    replica: Option<String>,
    node: Option<String>,
    rank: Option<u32>,
    /// Nobody is to be named.
    #[serde(default)]
    nobody: bool,
    #[serde(flatten)]
    evidence: Evidence,
}

#[derive(Deserialize)]
struct Cases {
    case: Vec<Case>,
}

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn text(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).expect("a file of ours")
}

/// Ours as they are on disk, so that a rule can be changed and tried at once.
fn rules_on_disk() -> Rules {
    let base = Rules::parse(&text("assets/rules.toml")).expect("right");
    base.overlaid_with(&text("assets/rules-log.toml")).expect("right")
}

fn corpus() -> Vec<Case> {
    let files = fs::read_dir(Path::new(ROOT).join("tests/corpus")).expect("the corpus");
    let mut paths: Vec<PathBuf> = files.filter_map(Result::ok).map(|file| file.path()).collect();
    paths.sort();
    let read = |path: &PathBuf| {
        let cases: Result<Cases, _> = toml::from_str(&fs::read_to_string(path).expect("a file"));
        cases.unwrap_or_else(|error| unreachable!("{}: {error}", path.display())).case
    };
    paths.iter().flat_map(read).collect()
}

#[test]
fn the_corpus_is_told_right() {
    let rules = rules_on_disk();
    let (mut right, mut all, mut healthy, mut alarms, mut misses) = (0, 0, 0, Vec::new(), Vec::new());
    let mut classes: BTreeMap<String, u32> = BTreeMap::new();
    for case in corpus() {
        let (cause, _) = case.evidence.cause(&rules);
        let class = cause.as_ref().map_or("none", |cause| &cause.class).to_owned();
        all += 1;
        *classes.entry(case.class.clone()).or_default() += 1;
        let told = cause.as_ref().map_or_else(String::new, |cause| format!("{}: {}", cause.rule, cause.title));
        if case.class == "none" {
            healthy += 1;
            if class != "none" {
                alarms.push(format!("{}: {class} by {told}", case.name));
            }
        }
        if class != case.class && !case.also.contains(&class) {
            misses.push(format!("{}: {class}, not {} ({told})", case.name, case.class));
            continue;
        }
        right += 1;
        let replica = cause.as_ref().and_then(|cause| cause.replica.as_ref()).map(ToString::to_string);
        let rank = cause.as_ref().and_then(|cause| cause.rank);
        if case.replica.is_some() && case.replica != replica || case.nobody && (replica.is_some() || rank.is_some()) {
            misses.push(format!("{}: replica {replica:?}, not {:?} ({told})", case.name, case.replica));
        }
        let node = cause.as_ref().and_then(|cause| cause.node.as_ref()).map(ToString::to_string);
        if case.node.is_some() && case.node != node {
            misses.push(format!("{}: node {node:?}, not {:?} ({told})", case.name, case.node));
        }
        if case.rank.is_some() && case.rank != rank {
            misses.push(format!("{}: rank {rank:?}, not {:?} ({told})", case.name, case.rank));
        }
    }
    println!("{right} of {all} right; {} classes; misses:\n{}", classes.len(), misses.join("\n"));
    assert!(alarms.is_empty(), "false alarms:\n{}", alarms.join("\n"));
    assert!(all >= 100 && healthy >= 20, "{all} cases, {healthy} healthy");
    assert!(right * 100 >= all * 95 && misses.len() * 20 <= all, "{right} of {all}:\n{}", misses.join("\n"));
}

/// A sample of the collection of known rules, as a log of its own; run where that collection is at hand.
#[test]
fn the_samples_of_known_log_rules_are_told_by_a_fitting_class() {
    let shared = std::env::var("MPIDECK_SHARED").unwrap_or_else(|_| "../shared".into());
    let path = PathBuf::from(shared).join("data/diagnosis_rules.json");
    let Ok(known) = fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no known rules at {}", path.display());
        return;
    };
    let known: Vec<serde_json::Value> = serde_json::from_str(&known).expect("JSON");
    let rules = rules_on_disk();
    let mut silent = Vec::new();
    for rule in &known {
        let text = |key: &str| rule[key].as_str().unwrap_or_default();
        // One says only which rank is missing; a stack trace and a wait are told by what stands by them.
        if !text("where").contains("log") || matches!(text("id"), "hvd-missing" | "mpi-remote-node") {
            continue;
        }
        let cause = Report::default().cause(&rules, Some(&ruled::scan(&rules, text("sample").as_bytes())));
        if cause.is_none() {
            silent.push(format!("{}: {}", text("id"), text("sample")));
        }
    }
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

proptest! {
    #[test]
    fn no_log_makes_the_rules_panic_or_crawl(
        lines in proptest::collection::vec("(\\[1,[0-9]{1,3}\\]<stderr>:|\\[rank[0-9]\\]: |)(.{0,60}|Traceback \\(most recent call last\\):|  File \"x.py\", line 3|RuntimeError: .{0,20}|step [0-9]+ loss nan|NCCL WARN .{0,30}|exited on signal [0-9]+)", 0..60),
    ) {
        let rules = BUILTIN.get_or_init(Rules::builtin);
        let text = lines.join("\n");
        let all = ruled::scan(rules, text.as_bytes());
        let cause = Report::default().cause(rules, Some(&all));
        if let Some(cause) = cause {
            prop_assert!(cause.sure <= 100 && !cause.title.is_empty() && !cause.evidence.is_empty());
            let most = text.lines().count() as u32;
            prop_assert!(cause.evidence.iter().filter_map(|piece| piece.line).all(|line| (1..=most).contains(&line)));
        }
    }
}

static BUILTIN: std::sync::OnceLock<Rules> = std::sync::OnceLock::new();

#[test]
fn a_long_line_costs_no_more_than_its_beginning() {
    let rules = Rules::builtin();
    let line = |length: usize| format!("{}\n", "NCCL WARN error timeout of rank 3 socket ".repeat(length));
    // Only where they end differs; a rule that looked at all of it would find the end.
    let ended = |length: usize| format!("{} CUDA out of memory\n", line(length).trim_end());
    let class = |text: &str| {
        Report::default()
            .cause(&rules, Some(&ruled::scan(&rules, text.as_bytes())))
            .map(|cause| cause.class.to_string())
    };
    assert_eq!(class(&ended(1)).as_deref(), Some("gpu_oom"));
    assert_ne!(class(&ended(300)).as_deref(), Some("gpu_oom"));
}

/// What an evidence file's text comes to: the class, how sure, the title.
fn told(text: &str) -> (String, f64, String) {
    let evidence: Evidence = serde_json::from_str(text).expect("an evidence file");
    let (cause, calm) = evidence.cause(BUILTIN.get_or_init(Rules::builtin));
    let answer: serde_json::Value = serde_json::from_str(&json(cause.as_ref(), calm).expect("JSON")).expect("JSON");
    let word = |field: &str| answer[field].as_str().unwrap_or_default().to_owned();
    (word("class"), answer["sure"].as_f64().expect("a number"), word("title"))
}

#[test]
fn it_is_as_sure_as_what_it_saw() {
    let killed = "mpirun noticed that process rank 1 with PID 7 on node t-worker-0 exited on signal 9 (Killed).";
    let (class, alone, _) = told(&format!(r#"{{"log": "{killed}"}}"#));
    assert_eq!(class, "host_oom_killed");
    assert!((0.5..0.8).contains(&alone), "{alone}: anybody may have killed it");
    let pod = r#"{"name": "t-worker-0", "phase": "Failed", "terminated_reason": "OOMKilled", "exit_code": 137}"#;
    let (class, proved, _) = told(&format!(r#"{{"log": "{killed}", "pods": [{pod}]}}"#));
    assert!(class == "host_oom_killed" && proved > 0.9, "{class} {proved}");

    let (class, cut, _) = told(r#"{"log": "of the words before it"}"#);
    assert!(class == "none" && cut < 0.7, "{class} {cut}: it saw next to nothing");
    let (class, trains, _) = told(r#"{"log": "step 10 loss 2.1\nstep 20 loss 2.0\n"}"#);
    assert!(class == "none" && trains >= 0.9, "{class} {trains}");
    let failed = r#"{"pods": [{"name": "t-worker-0", "phase": "Failed"}]}"#;
    assert!(told(failed).1 < 0.5, "a pod failed and nobody says why");
}

#[test]
fn a_machine_is_named_where_only_it_is_known() {
    let event = r#"{"type": "Warning", "reason": "GPUXid", "message": "NVRM: Xid (PCI:0000:3b:00): 79, GPU has fallen off the bus", "object": "Node/gpu-3"}"#;
    let (class, _, title) = told(&format!(r#"{{"events": [{event}]}}"#));
    assert_eq!((class.as_str(), title.as_str()), ("gpu_hardware_fault", "Node gpu-3: GPU hardware fault (Xid 79)"));
}
