//! Keys typed one after the other reach the console, also when nothing else wakes it.

use super::Pty;

#[test]
fn every_key_is_seen_though_nothing_else_happens() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    for (keys, seen) in [(":", "tab completes"), ("c", ":c"), ("tx ten", ":ctx ten"), ("ant\r", "tenant │ vision")] {
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

#[test]
fn a_paste_is_text_for_prompts_and_nothing_elsewhere() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    pty.keys("\x1b[200~:q\rqqq\x1b[201~");
    pty.wait_for("not run as keys");
    pty.keys("/");
    pty.wait_for("/");
    pty.keys("\x1b[200~state:fa\x1b[31miled\r\n\x1b[201~");
    pty.wait_for("state:fa");
    assert!(!String::from_utf8_lossy(&pty.bytes()).contains("\x1b[31miled"), "the paste drove the terminal");
    pty.keys("\u{1b}");
    pty.wait("the prompt to close", || !pty.screen().contains("state:fa"));
    pty.keys(":");
    pty.wait_for("tab completes");
    pty.keys("\x1b[200~ctx tenant\x1b[201~\r");
    pty.wait_for("tenant │ vision");
    pty.keys("\u{3}");
    assert_eq!(pty.ended(), 0);
}

#[test]
fn a_paste_on_a_terminal_that_marks_none_runs_nothing() {
    let mut pty = Pty::sh("exec $MPIDECK demo --fleet empty");
    pty.wait_for("no training jobs");
    // `?` would open the help, and the end would leave.
    pty.keys("cat x | grep y\r:quit\r?");
    pty.wait_for("not run as keys");
    assert!(!pty.screen().contains("Job list"), "{}", pty.screen());
    // A whole line for a prompt is one person's script, or tmux's.
    pty.keys(":ctx tenant\r");
    pty.wait_for("tenant │ vision");
    pty.keys("\u{3}");
    assert_eq!(pty.ended(), 0);
}
