//! What people read: kubectl's own words, the same on every cluster. Data in `tests/data/kubectl/`, a transcript a topic.
//!
//! A transcript is prose with commands behind `$` and, below them, what they said; `[1]` is an exit code. The manifests
//! beside it are there for the commands. `{own}` and `{other}` stand for namespaces. The embedded cluster must answer
//! as recorded; `MPIDECK_UPDATE_ANSWERS=1` with a real server writes the transcripts anew.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use regex::Regex;
use tokio::process::Command;

use super::normal::Names;
use super::place::Place;
use crate::tools;

/// How far commands and what they say stand in.
const INDENT: &str = "  ";
/// The kubectl whose words are recorded: each release has some of its own.
const RECORDED_WITH: &str = "v1.32";
/// How long a command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A command, the prose before it, and what it says.
#[derive(Debug, Default)]
struct Step {
    prose: String,
    command: String,
    says: String,
}

fn dir() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/kubectl")
}

fn steps(text: &str) -> Vec<Step> {
    let (mut steps, mut prose): (Vec<Step>, String) = (Vec::new(), String::new());
    for line in text.lines() {
        if let Some(command) = line.strip_prefix("  $ ") {
            steps.push(Step { prose: std::mem::take(&mut prose), command: command.to_owned(), says: String::new() });
        } else if let (Some(said), Some(step), "") = (line.strip_prefix(INDENT), steps.last_mut(), prose.trim()) {
            // Empty lines before it are what was said, too.
            step.says += &std::mem::take(&mut prose);
            let _ = writeln!(step.says, "{said}");
        } else {
            let _ = writeln!(prose, "{line}");
        }
    }
    steps
}

fn transcript(steps: &[Step]) -> String {
    let mut text = String::new();
    for step in steps {
        let _ = writeln!(text, "{}{INDENT}$ {}", step.prose, step.command);
        for line in step.says.lines() {
            let indent = if line.is_empty() { "" } else { INDENT };
            let _ = writeln!(text, "{indent}{line}");
        }
    }
    text
}

/// What must differ from one run to the next, in what people read.
static PATTERNS: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
    [
        (r"(?m)(^|[ (])(\d+[smhd]){1,2}([ )]|$)", "${1}{age}${3}"),
        (r"(?m)(^|[ (])(\d+[smhd]){1,2}([ )]|$)", "${1}{age}${3}"),
        (r#"(resourceVersion"?: )"\d+""#, "${1}\"{version}\""),
        (r"(Resource Version: +)\d+", "${1}{version}"),
        (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "{time}"),
        (r"https://127\.0\.0\.1:\d+", "{server}"),
        (r"/tmp/[\w./-]*", "{file}"),
        (r"(?m)^[EW]\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w.]+:\d+\] ", "{logged} "),
        // Columns are as wide as what must differ.
        (r"(?m)(\S) {2,}", "$1  "),
        (r"(?m) +$", ""),
    ]
    .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
    .into()
});

/// kubectl with a place of its own.
struct Desk<'p> {
    place: &'p Place,
    home: tempfile::TempDir,
    names: Names,
}

impl<'p> Desk<'p> {
    async fn new(place: &'p Place) -> Self {
        let own = place.namespace("own").await;
        let other = place.namespace("other").await;
        place.let_everybody_in(&own).await;
        let names = Names::new(&[("own", &own), ("other", &other)]);
        let home = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(dir()).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|end| end == "yaml") {
                let text = names.fill(&std::fs::read_to_string(&path).unwrap());
                std::fs::write(home.path().join(path.file_name().unwrap()), text).unwrap();
            }
        }
        Self { place, home, names }
    }

    /// What a command says on both outputs, and its exit code unless it is 0.
    async fn says(&self, command: &str) -> String {
        let script = format!("exec 2>&1; {}", self.names.fill(command));
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).current_dir(self.home.path()).stdin(Stdio::null()).kill_on_drop(true);
        shell.env("HOME", self.home.path()).env("KUBECONFIG", self.place.kubeconfig()).env("TZ", "UTC");
        for unwanted in ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
            shell.env_remove(unwanted);
        }
        let ran = tokio::time::timeout(PATIENCE, shell.output()).await;
        let ran = ran.unwrap_or_else(|_| panic!("{command} does not end")).unwrap();
        let said = self.names.text(&String::from_utf8_lossy(&ran.stdout));
        let said = PATTERNS.iter().fold(said, |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned());
        let mut said = said.trim_end().to_owned();
        if !said.is_empty() {
            said.push('\n');
        }
        if !ran.status.success() {
            let _ = writeln!(said, "[{}]", ran.status.code().unwrap_or(-1));
        }
        said
    }
}

/// Runs a transcript. It as it went here, and where it differs from what is recorded.
async fn run(place: &Place, file: &Path) -> (String, String) {
    let desk = Desk::new(place).await;
    let recorded = steps(&std::fs::read_to_string(file).unwrap());
    let (mut here, mut differs) = (Vec::new(), String::new());
    for Step { prose, command, says } in recorded {
        let said = desk.says(&command).await;
        if said != says {
            let _ = write!(differs, "\n$ {command}\n{}", diff(&says, &said));
        }
        here.push(Step { prose, command, says: said });
    }
    (transcript(&here), differs)
}

/// Lines that only one of two texts has, in their order.
fn diff(expected: &str, got: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), got.lines().collect());
    let start = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let end = a[start..].iter().rev().zip(b[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    for (sign, lines) in [('-', &a[start..a.len() - end]), ('+', &b[start..b.len() - end])] {
        for line in lines {
            let _ = writeln!(text, "{sign} {line}");
        }
    }
    text
}

/// `false`, loudly, where there is no kubectl and none is required, or one of other words.
#[allow(clippy::print_stderr, reason = "a skipped test says so")]
async fn is_there() -> bool {
    if !tools::is_there("kubectl", "--help") {
        return false;
    }
    let version = Command::new("kubectl").args(["version", "--client"]).output().await.unwrap();
    assert!(version.status.success(), "{version:?}");
    let said = String::from_utf8_lossy(&version.stdout).into_owned();
    let same = said.contains(&format!("Client Version: {RECORDED_WITH}."));
    if !same {
        eprintln!("SKIPPED: what kubectl {RECORDED_WITH} says is recorded; here is {said}");
    }
    same
}

fn update() -> bool {
    std::env::var("MPIDECK_UPDATE_ANSWERS").is_ok_and(|v| v == "1")
}

async fn on_sim(topic: &str) {
    if is_there().await {
        let place = Place::served_still().await;
        place
            .run(async |place: &Place| {
                let (_, differs) = run(place, &dir().join(format!("{topic}.txt"))).await;
                assert!(differs.is_empty(), "{topic}: kubectl says otherwise on a real server:\n{differs}");
            })
            .await;
    }
}

async fn on_real(topic: &str) {
    let Some(place) = Place::real().await else { return };
    if is_there().await {
        let file = dir().join(format!("{topic}.txt"));
        place
            .run(async |place: &Place| {
                let (here, differs) = run(place, &file).await;
                if update() {
                    std::fs::write(&file, here).unwrap();
                } else {
                    assert!(differs.is_empty(), "{topic}: kubectl says otherwise than recorded:\n{differs}");
                }
            })
            .await;
    }
}

/// Makes two tests of each topic.
macro_rules! topics {
    ($($topic:ident)+) => {
        $(mod $topic {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_the_sim() {
                super::on_sim(stringify!($topic)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_a_real_server() {
                super::on_real(stringify!($topic)).await;
            }
        })+

        #[test]
        fn every_transcript_is_a_topic() {
            let files = std::fs::read_dir(dir()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
            for topic in files.filter_map(|name| name.strip_suffix(".txt").map(str::to_owned)) {
                assert!([$(stringify!($topic)),+].contains(&topic.as_str()), "{topic} is run by nobody");
            }
        }
    };
}

topics! {
    reading
    details
    writing
    rights
    finding
    users
    granting
}

#[test]
fn a_transcript_is_written_as_it_is_read() {
    let text = "Prose.\n\n  $ one\n  said\n\n    more\n\nMore prose.\n\n  $ two\n  [1]\n";
    let read = steps(text);
    assert_eq!((read[0].says.as_str(), read[1].says.as_str()), ("said\n\n  more\n", "[1]\n"));
    assert_eq!(transcript(&read), text);
    assert_eq!(diff("a\nb\nc\n", "a\nx\ny\nc\n"), "- b\n+ x\n+ y\n");
}
