//! A job is deleted in a real terminal, and not without a yes; a shell in a replica takes the terminal and gives it back.

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

#[test]
fn a_shell_in_a_replica_takes_the_terminal_and_gives_it_back() {
    let mut pty = Pty::sh("exec $MPIDECK demo --scenario stall");
    pty.wait_for("Running");
    pty.keys("\r");
    pty.wait_for("1 Overview");
    pty.wait_for("Launcher  1/1");
    pty.keys("Ax");
    pty.wait_for("then ~. leaves");
    pty.wait_for(":/# ");
    assert!(!pty.is_full_screen(), "the terminal is the shell's");
    pty.keys("echo for-$HOSTNAME-nobody\r");
    pty.wait("the answer of the shell", || pty.screen().matches("nobody").count() >= 2);
    pty.keys("exit\r");
    pty.wait("the page again", || pty.is_full_screen() && pty.screen().contains("1 Overview"));
    pty.keys("Ac");
    pty.wait_for("in Pod");
    pty.keys("q\u{3}");
    pty.ended();
}
