//! Recorded jobs replayed look by look: the operator looks when it looked then, and must write what it wrote then.
//!
//! How often and how late the real one looked depended on its load; what it did at a look is its rule. Compared are
//! every change of the MPIJob, of the launcher's Job and of the pods, and the controllers' Events with their counts.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    recorded::{Recording, act, at, jobs, make},
    tests::World,
    *,
};
use crate::sim::{
    store::resource::{EVENTS, JOBS, MPIJOBS, PODS},
    value::{list, name},
};

/// Seconds by which our pods live behind.
const BEHIND: f64 = 0.2;
/// Seconds by which our second attempts come later: there the stand-in said that containers ended before they did.
const SLACK: f64 = 6.0;

/// All that is seen of each object, in order; a change that shows nothing new is none.
type Story = BTreeMap<String, Vec<Value>>;

fn add(story: &mut Story, object: &str, seen: Value) {
    let all = story.entry(object.to_owned()).or_default();
    if all.last() != Some(&seen) {
        all.push(seen);
    }
}

/// Launchers by number: their names are chance.
#[derive(Default)]
struct Names(Vec<String>);

impl Names {
    fn of(&mut self, pod: &str) -> String {
        if !pod.contains("-launcher-") {
            return pod.to_owned();
        }
        if !self.0.iter().any(|known| known == pod) {
            self.0.push(pod.to_owned());
        }
        format!("launcher {}", self.0.iter().position(|known| known == pod).unwrap_or(0))
    }

    fn event(&mut self, on: &str, message: &str) -> (String, String) {
        let on = match on.strip_prefix("Pod/") {
            Some(pod) => format!("Pod/{}", self.of(pod)),
            None => on.to_owned(),
        };
        let said = match message.split_once("ed pod: ") {
            Some((verb, pod)) => format!("{verb}ed pod: {}", self.of(pod)),
            None => message.to_owned(),
        };
        (on, said)
    }
}

/// The times at which the operator must have looked: each of its Events about a running job is one look, and whatever
/// else it wrote at another time.
fn looks(lines: &[Value], job: &str) -> Vec<f64> {
    let mut certain = Vec::new();
    let mut signs = Vec::new();
    let mut last = (Value::Null, Value::Null);
    let mut made = Vec::new();
    for line in lines {
        let (object, change, t) = (text(line, "/object"), text(line, "/change"), line["t"].as_f64().unwrap_or(0.0));
        let worker = object.strip_prefix("pod ").is_some_and(|pod| pod.contains("-worker-"));
        match object {
            "event" if text(line, "/reason") == "MPIJobRunning" => certain.push(t),
            "event" if text(line, "/from") == "mpi-job-controller" => signs.push(t),
            "mpijob" => {
                let now = (line["conditions"].clone(), line["replicaStatuses"].clone());
                if now != last && change == "MODIFIED" {
                    signs.push(t);
                }
                last = now;
            }
            "event" => {}
            _ if change == "ADDED" && object == format!("job {job}-launcher") => {
                made.push(t);
            }
            _ if change == "ADDED" && worker => made.push(t),
            _ if worker && line["deleting"] == true && change == "MODIFIED" && last.0 != Value::Null => signs.push(t),
            _ => {}
        }
    }
    // What is written within some tenths of a second is one look's. Its time is that at which pods or the Job were
    // made; where nothing was, a moment later than it was, as ours live two tenths behind.
    for t in &mut certain {
        *t += BEHIND;
    }
    signs.extend_from_slice(&made);
    signs.sort_by(f64::total_cmp);
    let one = |a: f64, b: f64| (a - b).abs() <= 0.6;
    for (at, sign) in signs.iter().enumerate() {
        let last = signs.get(at + 1).is_none_or(|next| !one(*sign, *next));
        let sign = made.iter().rev().copied().find(|made| one(*sign, *made)).unwrap_or(*sign + BEHIND);
        if last && certain.iter().all(|t| !one(*t, sign)) {
            certain.push(sign);
        }
    }
    certain.sort_by(f64::total_cmp);
    certain
}

fn told(lines: &[Value]) -> Story {
    let (mut story, mut names) = (Story::new(), Names::default());
    for line in lines {
        let (object, change) = (text(line, "/object"), text(line, "/change"));
        let of = |keys: &[&str]| {
            let kept = keys.iter().filter_map(|k| Some(((*k).to_owned(), line.get(*k)?.clone())));
            Value::Object(kept.collect::<Map<_, _>>())
        };
        if change == "DELETED" && object != "event" {
            let object = object.strip_prefix("pod ").map_or(object.to_owned(), |pod| names.of(pod));
            add(&mut story, &object, json!("gone"));
        } else if object == "mpijob" {
            add(&mut story, object, of(&["conditions", "replicaStatuses", "startTime", "completionTime"]));
        } else if object.starts_with("job ") {
            add(&mut story, object, of(&["conditions", "active", "ready", "failed", "succeeded", "suspend"]));
        } else if let Some(pod) = object.strip_prefix("pod ") {
            add(&mut story, &names.of(pod), of(&["phase", "containers", "deleting"]));
        } else if object == "event" && matches!(text(line, "/from"), "mpi-job-controller" | "job-controller") {
            let (on, said) = names.event(text(line, "/on"), text(line, "/message"));
            let key = format!("event {on} {} {} {said}", text(line, "/type"), text(line, "/reason"));
            story.insert(key, vec![line["count"].clone()]);
        }
    }
    story
}

fn conditions(object: &Value) -> Value {
    let parts = |c: &Value| ["type", "status", "reason", "message"].map(|k| text(c, &format!("/{k}")).to_owned());
    json!(list(object, "/status/conditions").iter().map(parts).collect::<Vec<_>>())
}

fn container(status: &Value) -> Value {
    let (word, state) =
        status["state"].as_object().and_then(|s| s.iter().next()).map_or(("", &Value::Null), |(k, v)| (k, v));
    let keys: &[&str] = match word {
        "terminated" => &["exitCode", "reason"],
        "waiting" => &["reason", "message"],
        _ => &[],
    };
    let state: Map<_, _> = keys.iter().filter_map(|k| Some(((*k).to_owned(), state.get(*k)?.clone()))).collect();
    json!({"state": {word: state}, "restarts": status["restartCount"], "ready": status["ready"]})
}

fn played(world: &mut World) -> Story {
    let (mut story, mut names) = (Story::new(), Names::default());
    loop {
        let changes = world.feed.take().unwrap();
        if changes.is_empty() {
            return story;
        }
        for change in changes {
            let value = change.object.value();
            let gone = change.kind == ChangeKind::Deleted;
            let mut seen = json!({});
            let mut keep = |key: &str, v: Option<&Value>| {
                if let Some(v) = v.filter(|v| !v.is_null() && **v != json!([])) {
                    seen[key] = v.clone();
                }
            };
            keep("conditions", Some(&conditions(&value)));
            if *change.resource == MPIJOBS || *change.resource == JOBS {
                let mpi = *change.resource == MPIJOBS;
                let key = if mpi { "mpijob".to_owned() } else { format!("job {}", name(&value)) };
                for field in ["active", "ready", "failed", "succeeded", "replicaStatuses"] {
                    keep(field, value["status"].get(field));
                }
                for field in ["startTime", "completionTime"] {
                    keep(field, value["status"].get(field).filter(|_| mpi).map(|_| json!("set")).as_ref());
                }
                keep("suspend", value["spec"].get("suspend").filter(|_| !mpi));
                add(&mut story, &key, if gone { json!("gone") } else { seen });
            } else if *change.resource == PODS {
                let containers: Vec<_> = list(&value, "/status/containerStatuses").iter().map(container).collect();
                let mut seen = json!({"phase": value["status"]["phase"]});
                let begun = containers
                    .iter()
                    .any(|c| c["state"].pointer("/waiting/reason") != Some(&json!("ContainerCreating")));
                if begun {
                    seen["containers"] = json!(containers);
                }
                if value["metadata"]["deletionTimestamp"].is_string() {
                    seen["deleting"] = json!(true);
                }
                add(&mut story, &names.of(name(&value)), if gone { json!("gone") } else { seen });
            } else if *change.resource == EVENTS && !gone {
                let from = text(&value, "/source/component");
                if matches!(from, "mpi-job-controller" | "job-controller") {
                    let on =
                        format!("{}/{}", text(&value, "/involvedObject/kind"), text(&value, "/involvedObject/name"));
                    let (on, said) = names.event(&on, text(&value, "/message"));
                    let key = format!("event {on} {} {} {said}", text(&value, "/type"), text(&value, "/reason"));
                    story.insert(key, vec![value["count"].clone()]);
                }
            }
        }
    }
}

fn replay(job: &str, recording: Recording) -> (Story, Story) {
    let Recording { manifest, lines, did, before, .. } = recording;
    // The stand-in said that a container ended five seconds before it did: the next attempt came sooner than ours does.
    let end = if job == "worker-oom" { 65.0 } else { f64::MAX };
    let lines: Vec<Value> = lines.into_iter().filter(|line| at(line) < end).collect();
    let lines = lines.as_slice();
    let begin = at(&lines[0]);
    let mut world = World::new(1e9);
    let mut steps: Vec<(f64, Option<Value>)> = looks(lines, job).into_iter().map(|t| (t, None)).collect();
    if let Some((last, _)) = steps.last_mut() {
        // A second attempt that began later ends later.
        *last += SLACK;
    }
    steps.extend(did.into_iter().map(|(t, what)| (t - 0.05, Some(what))));
    steps.sort_by(|a, b| a.0.total_cmp(&b.0));
    world.until(begin);
    for object in &before {
        make(&world.store, object);
    }
    world.store.create(&MPIJOBS, manifest).unwrap();
    for (second, what) in steps {
        world.until(second);
        if let Some(what) = what {
            act(&world.store, job, &what);
        } else {
            let now = after(world.start, second);
            world.manager.add(Key::new(Work::MpiJob, "rec", job), now);
        }
    }
    world.until(lines.last().map_or(0.0, at) + SLACK + 0.9);
    (told(lines), played(&mut world))
}

/// What a stand-in for kubelet and nodes did differently from real ones, and so from ours.
fn same_kubelet(story: &mut Story) {
    for seen in story.values_mut().flatten() {
        for container in seen.get_mut("containers").and_then(Value::as_array_mut).into_iter().flatten() {
            // It made these words up, and kept what ended before for crash loops alone.
            if let Some(waiting) = container.pointer_mut("/state/waiting").and_then(Value::as_object_mut) {
                waiting.remove("message");
            }
            container.as_object_mut().map(|c| c.remove("last"));
        }
    }
}

// Paused: a busy machine must not make time pass.
#[tokio::test(start_paused = true)]
async fn each_look_of_the_operator_writes_what_it_wrote() {
    let (jobs, mut replayed) = (jobs(), 0);
    let mut wrong = Vec::new();
    for job in &jobs {
        let recording = Recording::read(job);
        if recording.quick {
            continue;
        }
        replayed += 1;
        let (mut real, mut ours) = replay(job, recording);
        same_kubelet(&mut real);
        same_kubelet(&mut ours);
        let keys: std::collections::BTreeSet<_> = real.keys().chain(ours.keys()).cloned().collect();
        for key in keys {
            let (r, o) = (real.get(&key), ours.get(&key));
            if r != o {
                let show = |all: Option<&Vec<Value>>| {
                    all.into_iter().flatten().map(|v| format!("      {v}")).collect::<Vec<_>>().join("\n")
                };
                wrong.push(format!("{job}: {key}\n   real\n{}\n   ours\n{}", show(r), show(o)));
            }
        }
    }
    assert_eq!(replayed, 16, "recordings of a busy operator");
    assert!(wrong.is_empty(), "{}\n{} differ", wrong.join("\n"), wrong.len());
}
