//! Manifests as text: parsing, one edit, all checks, at 10,000 lines and for a job of 100 workers.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::Criterion;
use mpideck::{
    console::{
        key,
        keymap::Keymap,
        message::{Input, Message},
        model::Model,
        theme::Theme,
        update::{draft, update},
        view::view,
    },
    jobs::{Secs, causes::Rules, checks::Checks, manifest::text::Document},
};
use ratatui::{
    buffer::Buffer,
    layout::{Rect, Size},
};
use serde_json::json;

const IMAGE: &str = "/spec/mpiReplicaSpecs/Worker/template/spec/containers/0/image";

/// The checks' base with so many lines of variables.
fn long(lines: usize) -> String {
    let mut text = Checks::builtin().base().trim_end().to_owned();
    text.push_str("\n            env:\n");
    for i in 0..lines / 2 {
        let _ = writeln!(text, "            - name: VARIABLE_{i}\n              value: \"{i}\" # what it is for");
    }
    text
}

/// A key in the editor and the frame after it, in the middle of 10,000 lines.
fn editor(c: &mut Criterion, text: &str) {
    let (keymap, rules) = (Keymap::builtin("default").0, Rules::builtin());
    let mut model = Model::new(Size::new(160, 45), Secs(1_000_000), keymap.into(), rules.into());
    draft::open(&mut model, "bench", text);
    let mut press = |keys: &str| {
        for key in key::sequence(keys).expect("names of keys") {
            let now = model.now;
            black_box(update(&mut model, Message::Input(Input::Key(key)), now));
        }
        let mut buffer = Buffer::empty(Rect::new(0, 0, 160, 45));
        view(&model, &Theme::builtin("terminal", false).0, black_box(&mut buffer));
    };
    press("ctrl-g 5 0 0 0 enter end");
    c.bench_function("editor: a character typed and taken back, 10,000 lines, with two frames", |b| {
        b.iter(|| {
            press("x");
            press("backspace");
        });
    });
    c.bench_function("editor: a line begun and taken back, 10,000 lines, with two frames", |b| {
        b.iter(|| {
            press("enter");
            press("ctrl-u");
        });
    });
    c.bench_function("editor: the cursor moved, 10,000 lines, with a frame", |b| {
        b.iter(|| press("down up"));
    });
}

/// What an editor does at a key, and what a send page does once.
pub(super) fn manifest(c: &mut Criterion) {
    let text = long(10_000);
    editor(c, &text);
    let document = Document::parse(&text).expect("YAML");
    c.bench_function("manifest: parse 10,000 lines", |b| b.iter(|| Document::parse(black_box(&text))));
    c.bench_function("manifest: set one value in 10,000 lines", |b| {
        b.iter(|| document.set(IMAGE, &json!("registry.example/train:2")).expect("an edit"));
    });
    c.bench_function("manifest: all checks of 10,000 lines", |b| {
        b.iter(|| Checks::builtin().check(black_box(&text), "openshift-ai"));
    });
    let job = Checks::builtin().base().replace("replicas: 2", "replicas: 100");
    c.bench_function("manifest: all checks of a job of 100 workers", |b| {
        b.iter(|| Checks::builtin().check(black_box(&job), "openshift-ai"));
    });
}
