//! Each scenario lived through: the conditions, pod states and events that come, in their order, against golden texts in
//! `tests/data/lives` (`INSTA_UPDATE=always` writes them; look at what changed).

use std::{collections::BTreeMap, fmt::Write as _};

use jiff::Timestamp;
use serde_json::Value;

use super::*;
use crate::{
    jobs::Kind,
    sim::{
        Clock,
        store::{
            ChangeKind,
            resource::{self, EVENTS, JOBS, PODS, WORKLOADS},
        },
        value::{int, is_deleting, label, list, name, text, uid},
    },
};

/// What the ends of pods' names are made of.
const MADE_UP: &str = "bcdfghjklmnpqrstvwxz2456789";

/// What is told of each object.
#[derive(Default)]
struct Lives {
    told: BTreeMap<String, Vec<String>>,
    last: BTreeMap<String, String>,
    launchers: Vec<String>,
}

impl Lives {
    fn tell(&mut self, whose: &str, what: String) {
        let all = self.told.entry(whose.to_owned()).or_default();
        if all.last() != Some(&what) {
            all.push(what);
        }
    }

    /// A pod by what it is, not by its made-up end.
    fn pod(&mut self, pod: &str) -> String {
        let made_up =
            pod.rsplit_once('-').filter(|(_, end)| end.len() == 5 && end.chars().all(|c| MADE_UP.contains(c)));
        let Some((stem, _)) = made_up else { return pod.to_owned() };
        if !self.launchers.iter().any(|l| l == pod) {
            self.launchers.push(pod.to_owned());
        }
        let mut same = self.launchers.iter().filter(|l| l.starts_with(stem));
        format!("{stem} #{}", same.position(|l| l == pod).unwrap_or(0) + 1)
    }

    fn conditions(&mut self, whose: &str, object: &Value) {
        for c in list(object, "/status/conditions") {
            let key = format!("{whose} {}", text(c, "/type"));
            let now = format!("{}={} {}", text(c, "/type"), text(c, "/status"), text(c, "/reason"));
            if self.last.insert(key, now.clone()).as_ref() != Some(&now) {
                self.tell(whose, format!("{now}: {}", plain(text(c, "/message"))));
            }
        }
    }

    fn state(&mut self, pod: &Value, gone: bool) {
        let whose = format!("Pod {}", self.pod(name(pod)));
        if gone {
            return self.tell(&whose, "gone".into());
        }
        let c = list(pod, "/status/containerStatuses").first().cloned().unwrap_or_default();
        let (waits, ended) = (text(&c, "/state/waiting/reason"), text(&c, "/state/terminated/reason"));
        let mut now = text(pod, "/status/phase").to_owned();
        let code = int(&c, "/state/terminated/exitCode");
        let parts = [
            waits.to_owned(),
            ended.to_owned(),
            code.map(|n| n.to_string()).unwrap_or_default(),
            text(pod, "/status/reason").to_owned(),
        ];
        for part in parts.iter().filter(|part| !part.is_empty()) {
            let _ = write!(now, " {part}");
        }
        if is_deleting(pod) {
            now.push_str(", leaving");
        }
        self.tell(&whose, now);
    }

    fn event(&mut self, event: &Value) {
        let about = text(event, "/involvedObject/name");
        let kind = text(event, "/involvedObject/kind");
        let about = match kind {
            "Pod" => self.pod(about),
            "Workload" => workload(about),
            _ => about.to_owned(),
        };
        let whose = format!("Events of {kind} {about}");
        let message = plain(text(event, "/message"));
        // Which node, how large and how long is chance; so is the end of a pod's name.
        let normal = text(event, "/type") == "Normal";
        let what =
            if normal { text(event, "/reason").to_owned() } else { format!("{}: {message}", text(event, "/reason")) };
        self.tell(&whose, what);
    }
}

/// The name of a Workload without its made-up end.
fn workload(name: &str) -> String {
    name.rsplit_once('-').map_or(name, |(stem, _)| stem).to_owned()
}

/// A text without what is made up: uids, and the ends of pods' names.
fn plain(text: &str) -> String {
    let uid = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let end = regex::Regex::new(&format!("-[{MADE_UP}]{{5}}_")).unwrap();
    end.replace_all(&uid.replace_all(text, "UID"), "-END_").into_owned()
}

fn lived(scenario: &str) -> String {
    let (file, source) = text_of(scenario);
    let read = Scenario::parse(&file, &source).unwrap();
    let now: Timestamp = "2026-11-20T08:00:00Z".parse().unwrap();
    let fleet = FleetKind::Scenario { file, text: source };
    let options = Options { clock: Clock::manual(now), fleet, ..Options::new() };
    let store = Store::new(options.clock, options.seed);
    resource::of_age(false).for_each(|row| store.serve(row));
    let mut watched = vec![&EVENTS, &PODS, &JOBS, &WORKLOADS];
    watched.extend(Kind::ALL.iter().filter_map(|k| {
        let info = k.info();
        store.resource(info.group, info.version, info.plural)
    }));
    let mut feed = store.subscribe(&watched);
    let mut manager = settle(&store, &options).unwrap().manager.take().unwrap();
    let mut lives = Lives::default();
    // The store forgets old changes: they are read as they come.
    for second in 1..=read.seconds as u32 {
        manager.live_until(after(now, f64::from(second)));
        for change in feed.take().unwrap() {
            let object = change.object.value();
            if uid(&object).is_empty() || !label(&object, "sim.mpideck.io/static").is_empty() {
                continue;
            }
            let gone = change.kind == ChangeKind::Deleted;
            if *change.resource == PODS {
                lives.state(&object, gone);
            } else if *change.resource == EVENTS {
                if change.kind == ChangeKind::Added {
                    lives.event(&object);
                }
            } else {
                let made_up = *change.resource == WORKLOADS;
                let whose = if made_up { workload(name(&object)) } else { name(&object).to_owned() };
                lives.conditions(&format!("{} {whose}", change.resource.kind), &object);
            }
        }
    }
    let mut out = format!("{}: {} ({})\n", read.name, read.about, read.class);
    for (whose, told) in &lives.told {
        let _ = write!(out, "\n{whose}\n");
        for what in told {
            let _ = writeln!(out, "  {}", what.trim_end_matches([':', ' ']));
        }
    }
    out
}

fn text_of(scenario: &str) -> (String, String) {
    library::text(scenario).unwrap()
}

/// On a clock that stands still but for what is lived through.
#[tokio::test(start_paused = true)]
async fn each_scenario_is_lived_as_written_down() {
    let mut wrong = Vec::new();
    for scenario in names() {
        let text = lived(scenario);
        let held = std::panic::catch_unwind(|| {
            insta::with_settings!({
                snapshot_path => "../../../tests/data/lives", prepend_module_to_snapshot => false, omit_expression => true,
            }, { insta::assert_snapshot!(scenario, text) });
        });
        if held.is_err() {
            wrong.push(scenario);
        }
    }
    assert!(wrong.is_empty(), "these are lived otherwise: {wrong:?}");
}
