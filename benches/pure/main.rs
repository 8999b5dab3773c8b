//! What an event, a key, a frame and a line of a log cost: the pure parts, without process, network or terminal.
//!
//! `cargo bench --bench pure`. The objects are those of the embedded cluster at scale, pods of about 9 kB.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark stops where it can't go on; its groups are macros")]

mod boards;
mod loaded;
mod manifest;
mod numbers;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mpideck::{
    cluster::wire,
    console::{theme::Theme, view::view},
    jobs::{
        causes::{LogLine, Rules, Scan},
        fleet::ListOf,
    },
    logs::{Book, Find, Index, Nanos, Pane, Query, Tag, View},
};
use ratatui::{buffer::Buffer, layout::Rect};

use loaded::{Loaded, SIZES};

const PAGE: usize = 250;

/// From the bytes of one watch line to the list in its new order.
fn event(c: &mut Criterion) {
    for size in SIZES {
        let mut loaded = Loaded::new(size);
        let healthy = loaded.flips(false);
        let mut lines = healthy.iter().cycle();
        c.bench_function(&format!("event: healthy job, {size}"), |b| {
            b.iter(|| loaded.take(lines.next().expect("a cycle")));
        });
        let stuck = loaded.stick();
        let mut lines = stuck.iter().cycle();
        c.bench_function(&format!("event: stuck job with 20 warnings, {size}"), |b| {
            b.iter(|| loaded.take(lines.next().expect("a cycle")));
        });
    }
}

/// A page of the first list.
fn decode(c: &mut Criterion) {
    let loaded = Loaded::new(SIZES[0]);
    let page = loaded.page(PAGE);
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(PAGE as u64));
    group.bench_function("page of 250 pods", |b| {
        b.iter(|| wire::page(ListOf::Pods, black_box(&page)).expect("a page"));
    });
    group.finish();
}

/// A key in the filter's prompt, and the frame after it.
fn screen(c: &mut Criterion) {
    for size in SIZES {
        let mut loaded = Loaded::new(size);
        loaded.key("/");
        for (what, text) in [("text", "tr7"), ("regex", "/1.*7/"), ("terms", "state:running gpu>=8 ")] {
            text.chars().for_each(|c| loaded.char(c));
            c.bench_function(&format!("filter: a key more and less, {what}, {size}"), |b| {
                b.iter(|| {
                    loaded.char('1');
                    loaded.key("backspace");
                });
            });
            text.chars().for_each(|_| loaded.key("backspace"));
        }
        loaded.key("esc");
        let (theme, area) = (Theme::builtin("terminal", false).0, Rect::new(0, 0, 160, 45));
        let mut buffer = Buffer::empty(area);
        c.bench_function(&format!("draw: list at 160x45, {size}"), |b| {
            b.iter(|| {
                buffer.reset();
                view(&loaded.model, &theme, black_box(&mut buffer));
            });
        });
        c.bench_function(&format!("key: down, {size}"), |b| b.iter(|| loaded.key("j")));
    }
}

/// A line of a training log, tagged by its launcher, every other with colours.
fn line(n: u64) -> String {
    let (rank, step) = (n % 64, n / 64);
    let text = if n.is_multiple_of(2) { format!("\x1b[32mstep {step}\x1b[0m") } else { format!("step {step}") };
    format!("[1,{rank}]<stdout>:{text} loss=0.{:05} lr=1e-4 samples/s={}", n % 99_991, 800 + n % 97)
}

/// Lines cleaned, tagged, put in order and kept, into a full store.
fn logs(c: &mut Criterion) {
    const LINES: u64 = 10_000;
    let lines: Vec<String> = (0..LINES).map(line).collect();
    let mut group = c.benchmark_group("logs");
    group.throughput(Throughput::Elements(LINES));
    let (mut book, mut panes) = (Book::new(8 << 20), [Pane::default()]);
    let source = book.source(None);
    panes[0].show(View { ranks: vec![3], ..View::default() });
    panes[0].search(Query::parse("loss=0.1").expect("a search"));
    let mut now = 0;
    group.bench_function("clean, tag, keep, index and search", |b| {
        b.iter(|| {
            for chunk in lines.chunks(512) {
                for line in chunk {
                    now += 1;
                    book.line(source, Some(Nanos(now)), line.as_bytes(), false);
                }
                book.settle(&mut panes);
                while !panes[0].step(book.store()) {}
            }
        });
    });
    group.finish();
}

/// A million lines, searched whole and chosen from.
fn search(c: &mut Criterion) {
    const LINES: u64 = 1_000_000;
    let mut book = Book::new(256 << 20);
    let source = book.source(None);
    for n in 0..LINES {
        book.line(source, Some(Nanos(n as i64)), line(n).as_bytes(), false);
        if n % 4096 == 0 {
            book.settle(&mut []);
        }
    }
    book.settle(&mut []);
    let store = book.store();
    assert_eq!(store.len(), LINES, "all are kept: {} bytes", store.bytes());
    let mut all = Index::default();
    all.step(store, usize::MAX);
    let mut group = c.benchmark_group("search 1,000,000 lines");
    group.sample_size(10);
    for typed in ["nowhere", "/step 15\\d\\d\\b/", "/loss=0\\.[0-4]\\d+ .*s=8[0-9]1$/", "/(?i)LOSS=0\\.9999/"] {
        let query = Query::parse(typed).expect("a search").expect("not empty");
        group.bench_function(typed, |b| {
            b.iter(|| {
                let mut find = Find::new(query.clone());
                while !find.step(store, &all, 64) {}
                black_box(find.total())
            });
        });
    }
    group.bench_function("one rank of 64", |b| {
        b.iter(|| {
            let mut index = Index::new(View { ranks: vec![3], ..View::default() });
            while !index.step(store, 4_000) {}
            black_box(index.len(store))
        });
    });
    group.finish();
}

/// The same lines, and those of a failure, under all rules for logs.
fn rules(c: &mut Criterion) {
    const LINES: u32 = 10_000;
    let rules = Rules::builtin();
    let steps: Vec<String> = (0..LINES).map(|n| format!("step {n} loss=0.{n:05} lr=1e-4 12034 tokens/s")).collect();
    let plain: Vec<String> =
        (0..LINES).map(|n| format!("[{n}] Loading shard {n} of {LINES} from /data/part-{n}.tar")).collect();
    let errors: Vec<String> = (0..LINES)
        .map(|n| {
            format!("[rank{}]: RuntimeError: NCCL error in: ProcessGroupNCCL.cpp:{n}, unhandled system error", n % 64)
        })
        .collect();
    let mut group = c.benchmark_group("rules");
    group.throughput(Throughput::Elements(u64::from(LINES)));
    for (what, lines) in [("lines of progress", &steps), ("other lines", &plain), ("lines of an error", &errors)] {
        group.bench_function(what, |b| {
            b.iter(|| {
                let mut scan = Scan::default();
                for (text, number) in lines.iter().zip(1..) {
                    let tag = Tag::of(text, None);
                    scan.feed(&rules, &LogLine { text: tag.body(text), rank: tag.rank, number, ..LogLine::default() });
                }
                black_box(scan)
            });
        });
    }
    group.finish();
}

criterion_group!(
    benches,
    event,
    decode,
    screen,
    logs,
    search,
    rules,
    manifest::manifest,
    boards::boards,
    numbers::numbers
);
criterion_main!(benches);
