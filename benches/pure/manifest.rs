//! Manifests as text: parsing, one edit, all checks, at 10,000 lines and for a job of 100 workers.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::Criterion;
use mpideck::jobs::{checks::Checks, manifest::text::Document};
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

/// What an editor does at a key, and what a send page does once.
pub(super) fn manifest(c: &mut Criterion) {
    let text = long(10_000);
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
