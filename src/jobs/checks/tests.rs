use serde_json::{Value, json};

use super::*;
use crate::jobs::Kind;
use crate::jobs::manifest::text::{Change, Document, changed};

const W: &str = "/spec/mpiReplicaSpecs/Worker";
const L: &str = "/spec/mpiReplicaSpecs/Launcher";

/// The short paths of examples written out.
fn path(short: &str) -> String {
    let (head, rest) = short.find('/').map_or((short, ""), |at| short.split_at(at));
    let long = match head {
        "W" => W.to_owned(),
        "WP" => format!("{W}/template/spec"),
        "WC" => format!("{W}/template/spec/containers/0"),
        "L" => L.to_owned(),
        "LP" => format!("{L}/template/spec"),
        "LC" => format!("{L}/template/spec/containers/0"),
        other => other.to_owned(),
    };
    format!("{long}{rest}")
}

fn example(values: &std::collections::BTreeMap<String, Value>, without: &[String]) -> String {
    let sets = values.iter().map(|(at, value)| Change::Set(path(at), value.clone()));
    let changes: Vec<_> = sets.chain(without.iter().map(|at| Change::Remove(path(at)))).collect();
    changed(&rules::builtin().base, &changes).unwrap_or_else(|e| panic!("{values:?}: {e}"))
}

fn ids(text: &str, profile: &str) -> Vec<&'static str> {
    Checks::builtin().check(text, profile).all().map(|p| p.rule).collect()
}

#[test]
fn the_rule_file_is_read_and_every_rule_has_its_look() {
    let file = rules::read(rules::file()).unwrap_or_else(|e| panic!("{e}"));
    let by_reading = [
        "yaml",
        "no-job",
        "repeated-key",
        "unknown-field",
        "missing-field",
        "wrong-type",
        "number-range",
        "unknown-word",
        "quantity-form",
    ];
    let looked: Vec<&str> = look::AREAS.iter().flat_map(|area| area.iter().map(|(id, _)| *id)).collect();
    for rule in file.rule.iter().filter(|rule| rule.area != "cluster") {
        assert!(
            looked.contains(&rule.id.as_str()) || by_reading.contains(&rule.id.as_str()),
            "{} has no look",
            rule.id
        );
        for name in &rule.profiles {
            assert!(file.profile.contains_key(name), "{}: no profile {name}", rule.id);
        }
    }
    for id in looked {
        assert_eq!(file.rule.iter().filter(|rule| rule.id == id).count(), 1, "{id} in the file");
    }
    for area in
        ["resources", "slots", "mpi", "network", "run policy", "scheduling", "container", "quota", "security", "labels"]
    {
        assert!(file.rule.iter().any(|rule| rule.area == area), "{area}");
    }
}

#[test]
fn every_rule_lets_its_good_example_pass_and_hits_its_bad_one() {
    for rule in &rules::builtin().rule {
        let profile = rule.profiles.first().map_or("operator", String::as_str);
        let good = example(&rule.good, &[]);
        assert!(!ids(&good, profile).contains(&rule.id.as_str()), "{} hits its good example\n{good}", rule.id);
        if rule.area == "yaml" || rule.area == "cluster" {
            continue;
        }
        let bad = example(&rule.bad, &rule.without);
        let report = Checks::builtin().check(&bad, profile);
        let hit = report.all().find(|p| p.rule == rule.id);
        let hit = hit.unwrap_or_else(|| panic!("{} does not hit its bad example\n{bad}", rule.id));
        for text in [&hit.reason, &hit.remedy] {
            assert!(
                !text.as_str().contains(['{', '}']) && !text.is_empty(),
                "{}: a hole is not filled: {text}",
                rule.id
            );
        }
        assert!(hit.place.is_some(), "{}", rule.id);
    }
}

#[test]
fn the_base_is_without_fault() {
    assert_eq!(ids(&rules::builtin().base, "operator"), Vec::<&str>::new());
    let report = Checks::builtin().check(&rules::builtin().base, "openshift-ai");
    assert!(report.all().all(|p| p.severity == Severity::Advice), "{report:?}");
    assert_eq!(report.jobs[0].verdict, Verdict::Accepted);
}

#[test]
fn a_text_that_is_no_manifest_is_told_with_its_place() {
    let said = |text: &str| {
        let report = Checks::builtin().check(text, "operator");
        let problem = report.all().next().cloned().expect("a problem");
        (problem.rule, problem.place.map_or(0, |place| place.line), problem.reason.to_string())
    };
    assert_eq!(said("a: 1\nb: [1\nc: 2\n").0, "yaml");
    assert_eq!(said("a: 1\nb: [1\nc: 2\n").1, 3);
    assert_eq!(said("kind: Pod\napiVersion: v1\n"), ("no-job", 1, "There is no training job in it: v1 Pod".to_owned()));
    assert_eq!(said("").0, "no-job");
    let twice = format!(
        "{}    metadata: {{}}\n    metadata: {{}}\n",
        rules::builtin().base.trim_end_matches('\n').to_owned() + "\n"
    );
    let repeated = Checks::builtin()
        .check(&twice.replace("    metadata: {}\n    metadata", "      replicas: 3\n    metadata"), "operator");
    assert!(repeated.all().any(|p| p.rule == "repeated-key"), "{repeated:?}");
}

fn verdict(job: &Value) -> (Verdict, Vec<Problem>) {
    let problems = Checks::builtin().check_object(Kind::MpiJob, job, "operator");
    (Verdict::of(&problems), problems)
}

/// What a real API server 1.36 and a real mpi-operator 0.8.2 made of manifests that each differ in one thing.
#[test]
fn our_verdict_is_the_real_operators() {
    let mut lines = include_str!("verdicts.jsonl").lines();
    let head: Value = serde_json::from_str(lines.next().unwrap()).unwrap();
    let base = serde_json::to_string_pretty(&head["base"]).unwrap();
    let (mut wrong, mut count) = (Vec::new(), 0);
    for line in lines {
        let case: Value = serde_json::from_str(line).unwrap();
        let mut changes = vec![Change::Set("/metadata/name".into(), case["name"].clone())];
        changes
            .extend(case["set"].as_object().unwrap().iter().map(|(at, value)| Change::Set(at.clone(), value.clone())));
        let gone = case["without"].as_array().into_iter().flatten();
        changes.extend(gone.map(|at| Change::Remove(at.as_str().unwrap().to_owned())));
        let text = changed(&base, &changes).unwrap_or_else(|e| panic!("{line}: {e}"));
        let (ours, problems) = verdict(&Document::parse(&text).unwrap().value());
        let ours = match ours {
            Verdict::Refused(Outcome::Create) => "create",
            Verdict::Refused(Outcome::Event) => "event",
            Verdict::Refused(Outcome::Pods) => "pods",
            Verdict::Refused(Outcome::Ignored) => "ignored",
            Verdict::Accepted => "accepted",
        };
        // What the cluster has or hasn't is not known here.
        let real = if case["cluster"] == true { "accepted" } else { case["verdict"].as_str().unwrap() };
        count += 1;
        if ours != real {
            let why: Vec<_> =
                problems.iter().filter(|p| p.outcome.is_some()).map(|p| (p.rule, p.at.as_str())).collect();
            wrong.push(format!("{}: we say {ours}, it was {real}; {why:?}", case["name"]));
        }
    }
    assert!(count > 280, "{count}");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn our_verdict_is_the_recorded_one() {
    let shared = std::env::var("MPIDECK_SHARED").unwrap_or_else(|_| "../shared".to_owned());
    let path = std::path::Path::new(&shared).join("data/recorded/mpi-operator-verdicts.jsonl");
    let Ok(text) = std::fs::read_to_string(&path) else {
        eprintln!("SKIPPED: no {}", path.display());
        return;
    };
    for line in text.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let job = json!({"apiVersion": "kubeflow.org/v2beta1", "kind": "MPIJob", "metadata": {"name": case["name"]}, "spec": case["spec"]});
        let events = case["events"].to_string();
        let real = match () {
            () if case["create"]["code"] != 201 => Verdict::Refused(Outcome::Create),
            () if events.contains("ValidationError") => Verdict::Refused(Outcome::Event),
            // No check without a cluster knows which priority classes there are.
            () if events.contains("no PriorityClass") => Verdict::Accepted,
            () if events.contains("pod created failed") => Verdict::Refused(Outcome::Pods),
            () if case["conditions"] == json!([]) => Verdict::Refused(Outcome::Ignored),
            () => Verdict::Accepted,
        };
        let (ours, problems) = verdict(&job);
        assert_eq!(ours, real, "{}: {problems:?}", case["name"]);
    }
}

/// Files of other people: what becomes of each job in them, and every rule that has something to say.
const EXAMPLES: &[(&str, &str)] = &[
    ("sample-mpijob.yaml", "accepted: log-lost ttl-short"),
    ("sample-pytorchjob.yaml", "accepted:"),
    ("sample-tfjob.yaml", "accepted: image-tag"),
    ("horovod_tensorflow-mnist.yaml", "accepted: image-tag log-lost"),
    ("pi_pi-intel.yaml", "accepted: log-lost"),
    ("pi_pi-mpich.yaml", "accepted: log-lost"),
    ("pi_pi.yaml", "accepted: log-lost ttl-short"),
    ("tensorflow-benchmarks_tensorflow-benchmarks.yaml", "accepted: amounts-silent image-tag log-lost"),
    ("jax_demo.yaml", "accepted: amounts-silent image-tag"),
    ("paddle_simple-cpu.yaml", "accepted: amounts-silent"),
    ("pytorch_simple.yaml", "accepted: amounts-silent"),
    ("tensorflow-mnist-elastic.yaml", "accepted:"),
    ("tensorflow-mnist.yaml", "accepted:"),
    ("tensorflow_simple.yaml", "accepted: amounts-silent image-tag"),
    ("xgboostjob.yaml", "accepted: amounts-silent image-tag"),
    ("01-multi-node.yaml", "accepted:"),
    ("02-runtime-patches.yaml", "accepted:"),
    ("03-kueue-integration.yaml", "accepted:"),
    ("04-volcano-integration.yaml", "accepted:"),
    ("05-multi-step.yaml", "accepted:"),
];

#[test]
fn every_shared_example_is_judged_for_a_stated_reason() {
    let Some(examples) = crate::jobs::manifest::text::examples() else { return };
    let mut found = Vec::new();
    for (path, text) in examples {
        let name = path.rsplit('/').next().unwrap_or_default().to_owned();
        for job in Checks::builtin().check(&text, "operator").jobs {
            let rules: std::collections::BTreeSet<_> = job.problems.iter().map(|p| p.rule).collect();
            let rules: Vec<_> = rules.into_iter().collect();
            assert!(
                job.problems.iter().all(|p| p.place.is_some() && !p.reason.is_empty() && !p.remedy.is_empty()),
                "{name}"
            );
            found.push((name.clone(), format!("{}: {}", job.verdict.words(), rules.join(" ")).trim().to_owned()));
        }
    }
    let want: Vec<_> = EXAMPLES.iter().map(|(name, said)| ((*name).to_owned(), (*said).to_owned())).collect();
    assert_eq!(found, want, "{found:#?}");
}
