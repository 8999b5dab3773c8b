//! Keys typed one after the other reach the console, also when nothing else wakes it.

use super::Pty;

#[test]
fn every_key_is_seen_though_nothing_else_happens() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    for (keys, seen) in [(":", "tab completes"), ("c", ":c"), ("tx ten", ":ctx ten"), ("ant\r", "tenant as tenant")] {
        pty.keys(keys);
        pty.wait_for(seen);
    }
    pty.keys("?");
    pty.wait_for("Job list");
    pty.keys("q");
    pty.wait("the help to close", || !pty.screen().contains("Job list"));
    pty.keys("\u{3}");
    assert_eq!(pty.ended(), 0);
}
