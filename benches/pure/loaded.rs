//! A console's model with a whole cluster in it, and lines of watches to change it.

use std::{fmt, sync::Arc};

use mpideck::{
    cluster::wire::{self, Seen},
    console::{
        Message, Model,
        key::{self, Key},
        keymap::Keymap,
        message::Input,
        update::update,
    },
    jobs::{
        Kind, Secs,
        causes::Rules,
        fleet::{Batch, ListKey, ListOf, Row},
    },
    sim::{
        FleetKind, Options, Sim,
        store::{Selector, resource},
    },
};
use ratatui::layout::Size as Screen;

/// Jobs and workers of each.
#[derive(Clone, Copy)]
pub(crate) struct Size(u32, u32);

impl Size {
    /// Jobs, and workers of each.
    pub(crate) const fn counts(self) -> (u32, u32) {
        (self.0, self.1)
    }
}

/// The sizes that everything is measured at.
pub(crate) const SIZES: [Size; 2] = [Size(200, 8), Size(1000, 16)];

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.0, self.1)
    }
}

/// The model, and the pods it was filled from as they came.
pub(crate) struct Loaded {
    pub(crate) model: Model,
    pods: Vec<String>,
}

const JOBS: ListOf = ListOf::Jobs(Kind::MpiJob);

impl Loaded {
    /// All lists read.
    pub(crate) fn new(size: Size) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (jobs, pods, now) = runtime.block_on(async {
            let mut options = Options::new();
            options.fleet = FleetKind::Scale { jobs: size.0, workers: size.1, churn_per_second: 0.0 };
            let sim = Sim::start(options).await.expect("a cluster");
            let all = |of| {
                let listed = sim.store().list(of, None, &Selector::default());
                let text = |json: &[u8]| String::from_utf8_lossy(json).into_owned();
                listed.items.iter().map(|object| text(object.json())).collect::<Vec<_>>()
            };
            (all(&resource::MPIJOBS), all(&resource::PODS), Secs::from(sim.clock().now()))
        });
        let keymap = Arc::new(Keymap::builtin("default").0);
        let model = Model::new(Screen::new(160, 45), now, keymap, Arc::new(Rules::builtin()));
        let mut loaded = Self { model, pods };
        for chunk in jobs.chunks(128) {
            loaded.put(JOBS, chunk.iter().map(|job| row(JOBS, job)).collect());
        }
        let rows: Vec<Row> = loaded.pods.iter().map(|pod| row(ListOf::Pods, pod)).collect();
        loaded.put(ListOf::Pods, rows);
        loaded
    }

    /// Watch lines that change one pod each, of jobs all over the list: ready, not ready.
    pub(crate) fn flips(&self, ready: bool) -> Vec<Vec<u8>> {
        let flip = |pod: &String| line(&pod.replacen("\"ready\":true", &format!("\"ready\":{ready}"), 1));
        let some = || self.pods.iter().step_by(self.pods.len() / 256);
        some().map(flip).chain(some().map(|pod| line(pod))).collect()
    }

    /// Gives the first job pods whose image can't be pulled and twenty warnings; lines that change them.
    pub(crate) fn stick(&mut self) -> Vec<Vec<u8>> {
        let own: Vec<serde_json::Value> = {
            let read = |pod: &String| serde_json::from_str::<serde_json::Value>(pod).expect("JSON");
            let first = read(&self.pods[0])["metadata"]["ownerReferences"][0]["uid"].clone();
            let of_first = |pod: &serde_json::Value| pod["metadata"]["ownerReferences"][0]["uid"] == first;
            self.pods.iter().take(32).map(read).filter(of_first).collect()
        };
        let mut lines = Vec::new();
        for mut pod in own.iter().cycle().take(64).cloned() {
            let message = format!("Back-off pulling image \"x\": manifest unknown, try {}", lines.len());
            let waiting = serde_json::json!({"waiting": {"reason": "ImagePullBackOff", "message": message}});
            pod["status"]["phase"] = "Pending".into();
            pod["status"]["containerStatuses"][0]["ready"] = false.into();
            pod["status"]["containerStatuses"][0]["state"] = waiting;
            lines.push(line(&pod.to_string()));
        }
        for line in &lines {
            self.take(line);
        }
        let warnings = (0..20).map(|n| row(ListOf::Warnings, &warning(&own[n % own.len()], n))).collect();
        self.put(ListOf::Warnings, warnings);
        lines
    }

    /// One page of a list, as a server sends it.
    pub(crate) fn page(&self, pods: usize) -> Vec<u8> {
        let items = self.pods[..pods].join(",");
        format!("{{\"kind\":\"PodList\",\"metadata\":{{\"resourceVersion\":\"9\"}},\"items\":[{items}]}}").into_bytes()
    }

    /// One line of the pods' watch comes in.
    pub(crate) fn take(&mut self, line: &[u8]) {
        if let Ok(Seen::Upsert(row, _)) = wire::seen(ListOf::Pods, line) {
            self.put(ListOf::Pods, vec![*row]);
        }
    }

    /// A key by name.
    pub(crate) fn key(&mut self, name: &str) {
        for key in key::sequence(name).expect("a key") {
            self.press(key);
        }
    }

    /// A character is typed.
    pub(crate) fn char(&mut self, c: char) {
        self.press(Key::char(c));
    }

    fn press(&mut self, key: Key) {
        let now = self.model.now;
        update(&mut self.model, Message::Input(Input::Key(key)), now);
    }

    fn put(&mut self, of: ListOf, upserts: Vec<Row>) {
        let now = self.model.now;
        let batch = Batch { upserts, ..Batch::new(ListKey { of, namespace: None }) };
        update(&mut self.model, Message::Fleet(vec![batch]), now);
    }
}

fn line(object: &str) -> Vec<u8> {
    format!("{{\"type\":\"MODIFIED\",\"object\":{object}}}").into_bytes()
}

fn row(of: ListOf, object: &str) -> Row {
    match wire::seen(of, &line(object)) {
        Ok(Seen::Upsert(row, _)) => *row,
        other => unreachable!("{other:?}"),
    }
}

fn warning(pod: &serde_json::Value, n: usize) -> String {
    let meta = &pod["metadata"];
    serde_json::json!({
        "metadata": {"name": format!("warning-{n}"), "namespace": meta["namespace"], "uid": format!("event-{n}")},
        "type": "Warning", "reason": format!("Failed{n}"), "count": n, "lastTimestamp": "2026-11-01T10:00:00Z",
        "message": "Error: ImagePullBackOff", "source": {"component": "kubelet"},
        "involvedObject": {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]},
    })
    .to_string()
}
