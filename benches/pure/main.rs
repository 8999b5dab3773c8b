//! What an event, a key, a frame and a line of a log cost: the pure parts, without process, network or terminal.
//!
//! `cargo bench --bench pure`. The objects are those of the embedded cluster at scale, pods of about 9 kB.

#![allow(missing_docs, clippy::expect_used, reason = "a benchmark stops where it can't go on; its groups are macros")]

mod loaded;

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use mpideck::{
    cluster::wire,
    console::{theme::Theme, view::view},
    jobs::fleet::ListOf,
    logs::{Cleaner, Ring},
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

/// Lines of a training log, with colours and times, into a full ring.
fn logs(c: &mut Criterion) {
    const LINES: u64 = 10_000;
    let line = |n| {
        let at = format!("2026-11-01T10:00:00.{n:09}Z");
        format!("{at} [1,{}]<stdout>:\x1b[32mstep {n}\x1b[0m loss=0.{n:05} lr=1e-4\r\n", n % 64)
    };
    let text = (0..LINES).map(line).collect::<Vec<_>>().concat();
    let mut group = c.benchmark_group("logs");
    group.throughput(Throughput::Elements(LINES));
    let (mut cleaner, mut ring) = (Cleaner::new(true), Ring::new(8 << 20));
    group.bench_function("clean and keep", |b| {
        b.iter(|| text.as_bytes().chunks(16 * 1024).for_each(|chunk| cleaner.feed(chunk, |line| ring.push(line))));
    });
    group.finish();
}

criterion_group!(benches, event, decode, screen, logs);
criterion_main!(benches);
