//! A job is deleted in a real terminal, and not without a yes.

use super::Pty;

#[test]
fn a_job_is_deleted_by_keys_after_a_yes() {
    let mut pty = Pty::sh("exec $MPIDECK demo --scenario suspended");
    pty.wait_for("Jobs 1 of 1");
    pty.keys("A");
    pty.wait_for("Suspend");
    pty.keys("d");
    pty.wait_for("[ Cancel ]");
    pty.keys("\r");
    pty.wait("the question to close", || !pty.screen().contains("[ Cancel ]"));
    assert!(pty.screen().contains("Jobs 1 of 1"), "{}", pty.screen());
    pty.keys("Ad");
    pty.wait_for("[ Cancel ]");
    pty.keys("y");
    pty.wait("the job to go", || !pty.screen().contains("Jobs 1 of 1"));
    pty.keys(":");
    pty.wait_for("tab completes");
    pty.keys("changes\r");
    pty.wait_for("delete MPIJob");
    pty.wait_for("done");
    pty.keys("q");
    pty.wait("the log to close", || !pty.screen().contains("delete MPIJob"));
    pty.keys("\u{3}");
    pty.ended();
}
