//! What we cost the API server: requests, open streams, bytes. Shown by `:debug`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

/// Counters of one session; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Load(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    refusals: AtomicU64,
    failures: AtomicU64,
    bytes: AtomicU64,
    streams: AtomicU64,
    events: AtomicU64,
}

/// The counters at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadNow {
    /// Requests sent.
    pub requests: u64,
    /// Of them, what we may not do: few rights are no trouble.
    pub refusals: u64,
    /// Of them, failed otherwise.
    pub failures: u64,
    /// Bytes of bodies read, after decompression.
    pub bytes: u64,
    /// Watches and log streams open now.
    pub streams: u64,
    /// Watch events received.
    pub events: u64,
}

/// One open stream; counts down when dropped.
#[derive(Debug)]
pub(crate) struct OpenStream(Load);

impl Load {
    /// The counters now.
    pub fn now(&self) -> LoadNow {
        let c = &*self.0;
        LoadNow {
            requests: c.requests.load(Relaxed),
            refusals: c.refusals.load(Relaxed),
            failures: c.failures.load(Relaxed),
            bytes: c.bytes.load(Relaxed),
            streams: c.streams.load(Relaxed),
            events: c.events.load(Relaxed),
        }
    }

    pub(crate) fn request(&self) {
        self.0.requests.fetch_add(1, Relaxed);
    }

    pub(crate) fn refusal(&self) {
        self.0.refusals.fetch_add(1, Relaxed);
    }

    pub(crate) fn failure(&self) {
        self.0.failures.fetch_add(1, Relaxed);
    }

    pub(crate) fn bytes(&self, count: usize) {
        self.0.bytes.fetch_add(count as u64, Relaxed);
    }

    pub(crate) fn event(&self) {
        self.0.events.fetch_add(1, Relaxed);
    }

    pub(crate) fn stream(&self) -> OpenStream {
        self.0.streams.fetch_add(1, Relaxed);
        OpenStream(self.clone())
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.0.streams.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use crate::cluster::testing;

    #[tokio::test]
    async fn what_we_may_not_do_is_counted_beside_what_fails() {
        let session = testing::session(|request| {
            let code = request.uri().path().trim_start_matches('/').parse().expect("a code");
            testing::text(code, "{}".to_owned())
        });
        let session = session.await;
        for path in ["/200", "/403", "/403", "/500"] {
            let _any = session.get(path, "application/json", "look").await;
        }
        let load = session.load().now();
        assert_eq!((load.requests, load.refusals, load.failures), (4, 2, 1));
    }
}
