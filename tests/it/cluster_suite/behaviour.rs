//! The same requests to every cluster, the same answers: data in `tests/data/behaviour/`, a topic a file.
//!
//! `TOPIC.yaml` has the requests, `TOPIC.answers.jsonl` what a real API server answered, without what must differ (uids,
//! times, versions). The embedded cluster must answer the same; so must the real server that the environment names, or
//! the recording is out of date: `MPIDECK_UPDATE_ANSWERS=1` with it writes the answers anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::normal::{self, Names};
use super::place::Place;

/// One request and how its answer is looked at.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Step {
    /// What it shows; names it in the answers.
    say: String,
    /// Method and path with its query. `{name}` stands for what was kept, `{own}` and `{other}` for namespaces.
    ask: String,
    /// `content-type`, where it is not JSON.
    #[serde(rename = "type")]
    content_type: Option<String>,
    accept: Option<String>,
    /// On whose behalf: `tenant` has rights in `{own}`.
    #[serde(rename = "as")]
    user: Option<String>,
    body: Option<Value>,
    /// A body that is no JSON.
    raw: Option<String>,
    /// Names for parts of the answer, by JSON pointer.
    #[serde(default)]
    keep: BTreeMap<String, String>,
    /// The parts of the answer that are compared; all of it if there are none.
    #[serde(default)]
    only: Vec<String>,
    /// Asked again until this status comes: somebody has to act first.
    until: Option<u16>,
    /// Asked again until this part of the answer is so.
    #[serde(default)]
    so: BTreeMap<String, Value>,
    /// Why the embedded cluster answers otherwise. Stands in docs/differences.md.
    differs: Option<String>,
    /// Not a point of its own: the answer is not compared.
    #[serde(default)]
    set_up: bool,
}

/// What is kept of an answer.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Answer {
    step: String,
    code: u16,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<String, String>,
    body: Value,
}

/// Headers that a client acts upon.
const HEADERS: [&str; 3] = ["content-type", "retry-after", "warning"];

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/behaviour")
}

fn file(topic: &str, end: &str) -> PathBuf {
    dir().join(format!("{topic}.{end}"))
}

fn steps(topic: &str) -> Vec<Step> {
    let text = std::fs::read_to_string(file(topic, "yaml")).unwrap();
    serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{topic}.yaml: {error}"))
}

async fn take(place: &Place, step: &Step, names: &mut Names) -> Answer {
    let (method, path) = step.ask.split_once(' ').unwrap();
    let method: Method = method.parse().unwrap();
    let mut headers: Vec<(&str, String)> = Vec::new();
    let content_type = step.content_type.clone().unwrap_or_else(|| "application/json".to_owned());
    if step.body.is_some() || step.raw.is_some() {
        headers.push(("content-type", content_type));
    }
    headers.extend(step.accept.iter().map(|accept| ("accept", accept.clone())));
    headers.extend(step.user.iter().map(|user| ("impersonate-user", names.fill(user))));
    let body = step.raw.clone().or_else(|| step.body.as_ref().map(Value::to_string)).unwrap_or_default();
    let (path, body) = (names.fill(path), names.fill(&body));
    let mut patience = 150;
    loop {
        let (code, got, bytes) = place.exchange(&method, &path, &headers, &body).await;
        let read = if path.contains("watch") { normal::lines(&bytes) } else { normal::read(&bytes) };
        let came = step.until.is_none_or(|wanted| wanted == code)
            && step.so.iter().all(|(at, wanted)| read.pointer(at).unwrap_or(&Value::Null) == wanted);
        if came || patience == 0 {
            for (name, at) in &step.keep {
                let kept = read.pointer(at).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
                names.keep(name, &kept.unwrap_or_else(|| panic!("{}: nothing at {at} of {read}", step.say)));
            }
            let body = if step.only.is_empty() {
                names.normal(&read)
            } else {
                let parts = step.only.iter().map(|at| (at.clone(), read.pointer(at).map(|v| names.normal(v))));
                json!(parts.collect::<BTreeMap<_, _>>())
            };
            let header = |name: &&str| {
                let all: Vec<&str> = got.get_all(*name).iter().filter_map(|v| v.to_str().ok()).collect();
                (!all.is_empty()).then(|| ((*name).to_owned(), names.text(&all.join("\n"))))
            };
            let headers = HEADERS.iter().filter_map(header).filter(|(_, v)| v != "application/json").collect();
            return Answer { step: step.say.clone(), code, headers, body };
        }
        patience -= 1;
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// Runs a topic on a cluster. What differs from the recorded answers, in words.
async fn run(place: &Place, topic: &str) -> (Vec<Answer>, String) {
    let own = place.namespace("own").await;
    let other = place.namespace("other").await;
    place.let_in(&own).await;
    let mut names = Names::new(&[("own", &own), ("other", &other)]);
    let recorded: Vec<Answer> = std::fs::read_to_string(file(topic, "answers.jsonl"))
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let (mut answers, mut said) = (Vec::new(), String::new());
    for step in steps(topic) {
        let answer = take(place, &step, &mut names).await;
        if step.set_up {
            assert!(answer.code < 300, "{topic}, {}: {answer:?}", step.say);
            continue;
        }
        let real = recorded.iter().find(|real| real.step == step.say);
        match real {
            Some(real) if *real == answer => {
                if let Some(why) = step.differs.as_ref().filter(|_| place.is_sim()) {
                    let _ = writeln!(said, "\n## {topic}: {}\nno longer differs ({why})", step.say);
                }
            }
            Some(_) if step.differs.is_some() && place.is_sim() => {}
            Some(real) => said.push_str(&difference(topic, real, &answer)),
            None => {
                let _ = writeln!(said, "\n## {topic}: {}\nno answer of a real server is recorded", step.say);
            }
        }
        answers.push(answer);
    }
    (answers, said)
}

fn difference(topic: &str, real: &Answer, answer: &Answer) -> String {
    let mut said = format!("\n## {topic}: {}\n", real.step);
    if real.code != answer.code {
        let _ = writeln!(said, "status: expected {}, got {}", real.code, answer.code);
    }
    if real.headers != answer.headers {
        let _ = writeln!(said, "headers: expected {:?}, got {:?}", real.headers, answer.headers);
    }
    normal::differences(&real.body, &answer.body, "", &mut said);
    said
}

async fn on_sim(topic: &'static str) {
    let place = Place::in_process_acting().await;
    place
        .run(async |place: &Place| {
            let (_, said) = run(place, topic).await;
            assert!(said.is_empty(), "answers differ from a real server's:\n{said}");
        })
        .await;
}

#[allow(clippy::print_stderr, reason = "written answers are said")]
async fn on_real(topic: &'static str) {
    let Some(place) = Place::real().await else { return };
    place
        .run(async |place: &Place| {
            let (answers, said) = run(place, topic).await;
            if std::env::var("MPIDECK_UPDATE_ANSWERS").is_ok_and(|v| v == "1") {
                let lines = answers.iter().map(|answer| serde_json::to_string(answer).unwrap() + "\n");
                std::fs::write(file(topic, "answers.jsonl"), lines.collect::<String>()).unwrap();
                eprintln!("wrote the answers of {topic}");
                return;
            }
            assert!(said.is_empty(), "answers differ from those recorded:\n{said}");
        })
        .await;
}

/// Makes two tests of each topic.
macro_rules! topics {
    ($($topic:ident)+) => {
        $(mod $topic {
            #[tokio::test(start_paused = true)]
            async fn in_process() {
                super::on_sim(stringify!($topic)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_a_real_server() {
                super::on_real(stringify!($topic)).await;
            }
        })+

        #[test]
        fn every_file_is_a_topic() {
            let files = std::fs::read_dir(dir()).unwrap();
            let names = files.map(|f| f.unwrap().file_name().into_string().unwrap());
            let topics = [$(stringify!($topic)),+];
            for name in names {
                assert!(topics.iter().any(|t| name.split('.').next() == Some(t)), "{name} belongs to no topic");
            }
        }
    };
}

topics! {
    lists
    watches
    writes
    patches
    deletions
    validation
    discovery
    reviews
    schemas
    pods
    podspecs
    requests
    spaces
    kinds
    oddities
    roles
    below
    options
    volumes
    places
    around
}
