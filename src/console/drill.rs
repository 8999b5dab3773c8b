//! Two ways to fail on purpose, for tests of what is left of the terminal: in debug builds SIGUSR1 makes the loop panic,
//! and SIGUSR2 a background task.
//!
//! Must not exist in a release: there it waits for ever.

use std::convert::Infallible;

/// Waits for a drill. To be polled by the loop's own task.
#[cfg(not(debug_assertions))]
pub(super) async fn wait() -> Infallible {
    std::future::pending().await
}

/// Waits for a drill. To be polled by the loop's own task.
#[cfg(debug_assertions)]
#[expect(clippy::panic, reason = "this is what a drill is for")]
pub(super) async fn wait() -> Infallible {
    use tokio::signal::unix::{SignalKind, signal};
    let both = signal(SignalKind::user_defined1()).and_then(|a| Ok((a, signal(SignalKind::user_defined2())?)));
    let Ok((mut in_loop, mut in_task)) = both else { return std::future::pending().await };
    loop {
        tokio::select! {
            _ = in_loop.recv() => panic!("a drill in the loop"),
            _ = in_task.recv() => drop(tokio::spawn(async { panic!("a drill in a task") })),
        }
    }
}
